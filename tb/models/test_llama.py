"""The golden decoder against Hugging Face's Llama in PyTorch, with the same dequantized weights and an adapter."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig, open_checkpoint
from edge_qlora.command_layout import ValueFormat
from edge_qlora.quantization import dequantize_nf4, quantize_nf4
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from tb.cases import smollm2, smollm2_model, smollm2_tokens
from tb.decoder_reference import dequantize_projections, greedy, logits_of
from tb.models import vector
from tb.models.llama import Decoder, DecoderLayer, attention, causal_softmax, rms_norm, rotary, rotary_tables, silu_gate
from tb.models.qlora import Layer

HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, SIZE, VOCABULARY = 192, 320, 2, 3, 1, 64, 96
SHAPE = {
    "hidden_size": HIDDEN,
    "intermediate_size": INTERMEDIATE,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": SIZE,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 256,
    "initializer_range": 0.1,  # logits far enough from one another to have a largest one
}
RANK, SCALE = 8, 0.5


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """Frobenius norm of the difference over that of the exact values."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.fixture(scope="module")
def models() -> tuple[Decoder, LlamaForCausalLM]:
    """The same model twice: golden, and PyTorch in float64 with dequantized weights and the adapter merged."""
    torch.manual_seed(3)
    shape = LlamaConfig(**SHAPE)
    reference = LlamaForCausalLM(shape).eval()
    rng = np.random.default_rng(4)
    layers = []
    for module in reference.model.layers:
        projections = {}
        for name in PROJECTIONS:
            linear = module.get_submodule(name)
            weight = quantize_nf4(linear.weight.detach().numpy())
            (n, k) = weight.shape
            lora_a, lora_b = (0.1 * rng.standard_normal(s).astype(np.float32) for s in ((RANK, k), (n, RANK)))
            projections[name] = Layer.from_nf4(weight, lora_a, lora_b, SCALE)
            merged = dequantize_nf4(weight).astype(np.float64) + SCALE * lora_b.astype(np.float64) @ lora_a
            linear.weight = torch.nn.Parameter(torch.from_numpy(merged))
        norms = [rng.uniform(0.5, 2, HIDDEN).astype(np.float32) for _ in range(2)]
        for norm, weight in zip((module.input_layernorm, module.post_attention_layernorm), norms, strict=True):
            norm.weight = torch.nn.Parameter(torch.from_numpy(weight))
        layers.append(DecoderLayer(projections, *norms))
    config = ModelConfig(
        HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, SIZE, VOCABULARY, 256, shape.rms_norm_eps, 10000.0, False
    )
    embedding, head = (m.weight.detach().numpy().copy() for m in (reference.model.embed_tokens, reference.lm_head))
    norm = reference.model.norm.weight.detach().numpy().copy()
    return Decoder(config, embedding, layers, norm, head, stored=ValueFormat.FP32), reference.double()


@pytest.fixture
def tokens() -> np.ndarray:
    return np.random.default_rng(7).integers(0, VOCABULARY, 24)


def test_logits(models, tokens):
    """At least 16 times closer to float64 than the same model in FP16, at once and in parts.

    FP16 rounds every operand to 2**-12 of itself, the array floating-point weights to 2**-18 of their block's largest,
    which among 64 normal values is two to four times the others: at least 64 / 4.
    """
    decoder, reference = models
    exact = logits_of(reference, tokens)
    half = relative(logits_of(copy.deepcopy(reference).half(), tokens), exact)
    for cuts in ([], [1, 2, 10, 11, 20], list(range(1, len(tokens)))):
        decoder.reset()
        golden = relative(np.concatenate([decoder.forward(part) for part in np.split(tokens, cuts)]), exact)
        assert golden < half / 16, f"cut at {cuts}: golden {golden:.2e}, FP16 {half:.2e}"


def test_cache_of_half_precision(models, tokens):
    """Keys and values rounded to FP16 still leave the logits closer than the whole model in FP16."""
    decoder, reference = models
    exact = logits_of(reference, tokens)
    half = relative(logits_of(copy.deepcopy(reference).half(), tokens), exact)
    cached = copy.deepcopy(decoder)
    cached.stored = ValueFormat.FP16
    cached.reset()
    assert relative(cached.forward(tokens), exact) < half


def test_greedy_tokens_equal_pytorch(models):
    """Five prompts, twenty tokens each."""
    decoder, reference = models
    for seed in range(5):
        prompt = np.random.default_rng(seed).integers(0, VOCABULARY, 5)
        decoder.reset()
        found = decoder.generate(prompt, 20)
        sequence = prompt.tolist()
        for _ in range(20):
            sequence.append(int(logits_of(reference, np.array(sequence))[-1].argmax()))
        assert found == sequence[5:], f"prompt {seed}"


@pytest.mark.slow
def test_smollm2():
    """SmolLM2-135M, 24 tokens of text: logits against PyTorch in float64 with the same dequantized weights.

    BFP8 rounds to 2**-7 of a block's largest value, FP16 to 2**-12 of itself, so its bound is 2**5 times FP16's error.
    """
    checkpoint = smollm2()
    decoder = Decoder.from_checkpoint(checkpoint)
    tokens = np.array(smollm2_tokens())[:24]
    golden = {}
    for form in (ValueFormat.FP16, ValueFormat.BFP8, ValueFormat.FP32):
        golden[form] = replace(decoder, stored=form).forward(tokens)
    reference = smollm2_model()
    dequantize_projections(reference, checkpoint)
    exact = logits_of(reference.double(), tokens)
    single = relative(logits_of(copy.deepcopy(reference).float(), tokens), exact)
    half = relative(logits_of(reference.half(), tokens), exact)
    print(f"\nSmolLM2-135M, {len(tokens)} tokens, logits: PyTorch FP32 {single:.2e}, FP16 {half:.2e}")
    error, same = {}, {}
    for form, logits in golden.items():
        error[form], same[form] = relative(logits, exact), (logits.argmax(axis=1) == exact.argmax(axis=1)).sum()
        print(f"golden, {form.name} keys and values: {error[form]:.2e}, most likely token the same {same[form]} times")
    assert error[ValueFormat.FP32] < error[ValueFormat.FP16] < half and error[ValueFormat.BFP8] < 32 * half
    assert same[ValueFormat.FP16] == len(tokens)


def test_mistral(tmp_path):
    """A Mistral model from its directory, as long as its sliding window: the bound of ``test_logits``, greedy tokens.

    With one token more PyTorch's last token no longer sees the first, and the golden decoder refuses.
    """
    torch.manual_seed(5)
    window = 24
    shape = MistralConfig(**SHAPE, sliding_window=window, attn_implementation="eager")
    reference = MistralForCausalLM(shape).requires_grad_(False).eval()
    reference.save_pretrained(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    decoder = Decoder.from_checkpoint(checkpoint, stored=ValueFormat.FP32)
    assert decoder.config.sliding_window == window
    dequantize_projections(reference, checkpoint)
    reference.double()
    tokens = np.random.default_rng(7).integers(0, VOCABULARY, window + 1)
    exact = logits_of(reference, tokens[:window])
    half = relative(logits_of(copy.deepcopy(reference).half(), tokens[:window]), exact)
    found = decoder.forward(tokens[:window])
    assert relative(found, exact) < half / 16
    decoder.reset()
    prompt = tokens[:5]
    assert decoder.generate(prompt, window - 5) == greedy(reference, prompt, window - 5)

    everything = copy.deepcopy(reference)
    everything.config.sliding_window = None
    assert (logits_of(everything, tokens[:window]) == exact).all()
    assert (logits_of(everything, tokens)[-1] != logits_of(reference, tokens)[-1]).any()
    decoder.reset()
    with pytest.raises(ValueError, match="25 tokens exceed the context of 24"):
        decoder.forward(tokens)


def test_context_overflow(models):
    """More tokens than the model's context are refused, and nothing is lost."""
    decoder, _ = models
    decoder.reset()
    decoder.forward(np.zeros(250, np.int64))
    with pytest.raises(ValueError, match="257 tokens exceed the context of 256"):
        decoder.forward(np.zeros(7, np.int64))
    assert decoder.position == 250
    decoder.forward(np.zeros(6, np.int64))


def test_functions_equal_the_programs():
    """RMSNorm, rotary embedding, softmax and gate are, bit for bit, what the vector engine's programs compute."""
    from edge_qlora import vector as programs
    from edge_qlora.vector import LANES, Region

    rng, tokens, heads, hidden = np.random.default_rng(8), 3, 2, 128
    words = np.zeros((2048, LANES), np.float32)
    flat = words.reshape(-1)
    x, up = (rng.standard_normal((tokens, hidden)).astype(np.float32) for _ in range(2))
    weight = rng.uniform(0.5, 2, hidden).astype(np.float32)

    def put(at: int, values: np.ndarray) -> None:
        flat[LANES * at :][: values.size] = values.reshape(-1)

    def run(program: list, at: int, expected: np.ndarray) -> None:
        for instruction in program:
            vector.execute(words, instruction)
        found = flat[LANES * at :][: expected.size].view(np.uint32)
        np.testing.assert_array_equal(found, expected.reshape(-1).view(np.uint32))

    size = hidden // LANES
    rows = Region(0, size)
    put(0, x)
    put(500, weight)
    run(programs.rms_norm(rows, 500, rows, 600, tokens, hidden, 1e-5), 0, rms_norm(x, weight, 1e-5))
    cosines, sines = rotary_tables(np.arange(4, 4 + tokens), 64, 10000.0)
    for at, values in ((0, x), (500, cosines), (700, sines)):
        put(at, values)
    head = Region(0, heads * 8, 8)
    program = programs.rotary(head, Region(500, 8), Region(700, 8), head, Region(900, heads * 8, 8), tokens, heads, 64)
    run(program, 0, rotary(x.reshape(tokens, heads, 64), cosines, sines))
    scores = (4 * rng.standard_normal((tokens * heads, 40))).astype(np.float32)
    put(0, scores)
    rows_of_heads = Region(0, heads * 5, 5)
    exponentials, inverse = causal_softmax(scores, tokens, heads)
    run(programs.causal_softmax(rows_of_heads, rows_of_heads, 500, tokens, heads, 40, 41 - tokens), 0, exponentials)
    run([], 500, inverse)
    put(0, x)
    put(500, up)
    other, gated = Region(500, size), Region(900, size)
    gate = [*programs.silu(rows, gated, tokens, hidden), programs.multiply(gated, other, gated, tokens, hidden)]
    run(gate, 900, silu_gate(x, up))
    put(0, x)
    put(500, up)
    run([programs.add(rows, other, rows, tokens, hidden)], 0, vector.apply(x, 1.0, up))


def test_attention_of_one_position():
    """A single position attends to itself: the value comes back, but for the array's rounding of weights to 18 bits."""
    rng = np.random.default_rng(9)
    q, k, v = rng.standard_normal((1, 2, 64)), rng.standard_normal((1, 64)), rng.standard_normal((1, 64))
    found = attention(*(values.astype(np.float32) for values in (q, k, v)), 25)
    assert np.abs(found - v).max() <= np.abs(v).max() * 2.0**-17
