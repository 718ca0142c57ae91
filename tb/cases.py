"""Layers for the tests: SmolLM2's projections with captured activations, and TinyLlama's shape at random.

Everything is a function of its arguments alone (the random cases of their seed), so a failing case can be made again.
"""

from functools import cache

import numpy as np
import torch
from edge_qlora.checkpoint import PROJECTIONS, GgufCheckpoint, smollm2_path
from edge_qlora.layout import NF4Weight
from edge_qlora.quantization import quantize_nf4
from edge_qlora.tokenizer import load_tokenizer
from transformers import LlamaForCausalLM

from tb.decoder_reference import torch_model
from tb.reference import LinearCase

OUTLIER = 60.0  # ratio of the outlier channel to the others in random activations
TINYLLAMA_SHAPE = (5632, 2048)  # out_features, in_features of gate_proj and up_proj
RANK = 16
SCALE = 2.0  # lora_alpha twice the rank, a common choice

# A prompt for activations: ordinary technical English, so that the captured channels look as they do in use.
TEXT = (
    "A systolic array is a grid of small processors through which data flows in step with the clock. Each cell "
    "multiplies the value that arrives from its neighbour by a weight that it keeps, adds the product to a partial "
    "sum, and passes both on. Because every word fetched from memory is used many times before it leaves the array, "
    "the arithmetic is limited by the number of cells and not by the bandwidth of the memory. Quantizing the weights "
    "to four bits makes the words smaller still, and a low-rank adapter, trained on the device, restores what the "
    "rounding has taken away. In computer science, a hash table is a data structure that maps keys to values. It uses "
    "a hash function to compute an index into an array of buckets, from which the desired value can be found."
)


def random_adapter(n: int, k: int, rank: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A [r, K] as PEFT starts it (uniform within 1/sqrt(K)), B [N, r] as after some training (normal, 0.01)."""
    rng = np.random.default_rng(seed)
    bound = k**-0.5
    lora_a = rng.uniform(-bound, bound, (rank, k)).astype(np.float32)
    return lora_a, (0.01 * rng.standard_normal((n, rank))).astype(np.float32)


@cache
def smollm2() -> GgufCheckpoint:
    """SmolLM2-135M-Instruct, from the installed package."""
    return GgufCheckpoint(smollm2_path())


def smollm2_tokens(text: str = TEXT) -> list[int]:
    """Token numbers of `text` by the model's own byte-level BPE."""
    return load_tokenizer(smollm2()).encode(text).ids


def smollm2_model(layers: int | None = None) -> LlamaForCausalLM:
    """The first `layers` decoder layers (None: all) in FP32 under the model's norm and head, for activations."""
    return torch_model(smollm2(), layers)


@cache
def captured_activations(layers: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs and output gradients of every projection while SmolLM2's first `layers` layers read `TEXT`.

    The gradients are those of the next-token loss under the model's own norm and head. Each is multiplied by the power
    of two that brings its largest magnitude into (0.5, 1], as dynamic loss scaling does; so FP16 loses nothing to
    underflow that it would not lose in training.

    Returns:
        module name, such as "model.layers.0.mlp.up_proj" -> (x [T, K], dy [T, N]) for the T tokens of the text.
    """
    model = smollm2_model(layers)
    inputs: dict[str, torch.Tensor] = {}
    gradients: dict[str, torch.Tensor] = {}

    def watch(name: str, module: torch.nn.Module) -> None:
        def keep(_module, args, output):
            inputs[name] = args[0].detach()[0]
            output.register_hook(lambda gradient: gradients.__setitem__(name, gradient[0]))

        module.register_forward_hook(keep)

    for name, module in model.named_modules():
        if name.startswith("model.layers.") and name.split(".", 3)[-1] in PROJECTIONS:
            watch(name, module)
    ids = torch.tensor([smollm2_tokens()])
    embedded = model.get_input_embeddings()(ids).requires_grad_()
    model(inputs_embeds=embedded, labels=ids).loss.backward()
    return {name: (inputs[name].numpy(), _scaled(gradients[name].numpy())) for name in inputs}


def _scaled(gradient: np.ndarray) -> np.ndarray:
    return gradient * np.float32(2.0 ** -np.ceil(np.log2(np.abs(gradient).max())))


def smollm2_case(layer: int, projection: str, tokens: int, rank: int = RANK, seed: int = 0) -> LinearCase:
    """A projection of SmolLM2 with the activations and gradients it really sees, under a random adapter.

    Args:
        layer: 0 to 29; the model is run up to and including the layer after it.
        projection: such as "self_attn.q_proj" or "mlp.down_proj".
        tokens: M, from the text's second on, because the first attends to itself alone and leaves q_proj no gradient;
            the text is repeated where it has fewer.
        rank: of the adapter.
        seed: of the adapter.
    """
    module = f"model.layers.{layer}.{projection}"
    x, dy = captured_activations(min(layer + 2, smollm2().config.layers))[module]
    weight = smollm2().linear(f"{module}.weight")
    rows = (1 + np.arange(tokens)) % len(x)
    return LinearCase(module, weight, x[rows], dy[rows], *random_adapter(*weight.shape, rank, seed), SCALE)


def smollm2_random_case(layer: int, projection: str, tokens: int, rank: int = RANK, seed: int = 0) -> LinearCase:
    """A projection of SmolLM2 with random activations that have one outlier channel; cheaper than `smollm2_case`."""
    module = f"model.layers.{layer}.{projection}"
    return _random_case(module, smollm2().linear(f"{module}.weight"), tokens, rank, seed)


def tinyllama_case(tokens: int, rank: int = RANK, seed: int = 0) -> LinearCase:
    """A layer of TinyLlama's gate_proj shape (2048 in, 5632 out) with random weights of standard deviation 0.02."""
    rng = np.random.default_rng(seed)
    weight = quantize_nf4((0.02 * rng.standard_normal(TINYLLAMA_SHAPE)).astype(np.float32))
    return _random_case("tinyllama.mlp.gate_proj", weight, tokens, rank, seed)


def random_activations(tokens: int, features: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal [tokens, features] float32 with one channel 60 times as large."""
    values = rng.standard_normal((tokens, features)).astype(np.float32)
    values[:, rng.integers(features)] *= np.float32(OUTLIER)
    return values


def _random_case(name: str, weight: NF4Weight, tokens: int, rank: int, seed: int) -> LinearCase:
    n, k = weight.shape
    rng = np.random.default_rng([seed, n, k, tokens])
    x, dy = random_activations(tokens, k, rng), random_activations(tokens, n, rng)
    return LinearCase(name, weight, x, dy, *random_adapter(n, k, rank, seed), SCALE)
