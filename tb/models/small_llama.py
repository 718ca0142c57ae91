"""Small random Llama models, as the accelerator's memory and as the golden decoder, that go through the same passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from edge_qlora import decoder_program, model_image
from edge_qlora.adapter import Adapter
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Command, Limits, pack_list
from edge_qlora.layout import BLOCK, CODE_BITS, NF4Weight
from edge_qlora.memory_plan import MemoryPlan
from edge_qlora.ordering import synchronize
from edge_qlora.synthetic import SyntheticCheckpoint

from tb.models.llama import Decoder, DecoderLayer
from tb.models.matrix import CodeWeights
from tb.models.qlora import Layer, coded_weights
from tb.models.transfers import loaded_values, stored_values

SHARPER = np.float32(5)


class SharpCheckpoint(SyntheticCheckpoint):
    """With larger weights, so that a small model's softmax and logits are not flat."""

    def linear(self, name: str) -> NF4Weight:
        weight = super().linear(name)
        return replace(weight, nested_absmax=SHARPER * weight.nested_absmax, offset=SHARPER * weight.offset)


def random_adapter(config: ModelConfig, rank: int, seed: int) -> Adapter:
    """LoRA of every projection, in FP16."""
    rng, layers = np.random.default_rng(seed), {}
    for index in range(config.layers):
        for name in PROJECTIONS:
            n, k = config.linear_shape(name)
            pair = (0.1 * rng.standard_normal(shape) for shape in ((rank, k), (n, rank)))
            layers[f"model.layers.{index}.{name}"] = tuple(matrix.astype(np.float16) for matrix in pair)
    return Adapter(rank, 2.0 * rank, layers)


def golden_decoder(
    checkpoint: SyntheticCheckpoint,
    adapter: Adapter | None,
    act_width: int,
    weights: WeightFormat | Mapping[str, WeightFormat] = WeightFormat.CODES,
    head: WeightFormat = WeightFormat.CODES,
) -> Decoder:
    """The decoder whose weights are those of ``model_image.build``."""
    config, layers, formats = checkpoint.config, [], model_image.projection_formats(weights)
    for index in range(config.layers):
        prefix = f"model.layers.{index}."
        projections = {}
        for name in PROJECTIONS:
            n, k = config.linear_shape(name)
            pair = np.zeros((0, k), np.float32), np.zeros((n, 0), np.float32)
            if adapter is not None:
                pair = adapter.layers[prefix + name]
            scale = adapter.scale if adapter else 1.0
            stored = golden_weight(checkpoint, f"{prefix}{name}.weight", formats[name])
            projections[name] = Layer(stored, pair[0], np.ascontiguousarray(pair[1].T), scale)
        norms = (checkpoint.tensor(f"{prefix}{n}_layernorm.weight") for n in ("input", "post_attention"))
        layers.append(DecoderLayer(projections, *norms))
    embedding = checkpoint.tensor("model.embed_tokens.weight").astype(np.float16).astype(np.float32)
    name = "model.embed_tokens.weight" if config.tied_head else "lm_head.weight"
    last = golden_weight(checkpoint, name, head)
    return Decoder(config, embedding, layers, checkpoint.tensor("model.norm.weight"), last, act_width)


def golden_weight(checkpoint: SyntheticCheckpoint, name: str, fmt: WeightFormat) -> CodeWeights | np.ndarray:
    """A linear layer's weight as the array takes it from memory."""
    if fmt in CODE_BITS:
        return coded_weights(model_image.stored_weight(checkpoint, name, fmt))
    return checkpoint.tensor(name).astype(model_image.FLOAT_TYPES[fmt]).astype(np.float32)


@dataclass(frozen=True)
class Pass:
    """One pass of a model.

    Attributes:
        commands: the list.
        writes: address and bytes of what the host writes before: embeddings and the list.
        logits: what must be at ``image.logits`` behind it, float32 [logits, vocab].
    """

    commands: list[Command]
    writes: tuple[tuple[int, bytes], ...]
    logits: np.ndarray


class SmallModel:
    """A model and a conversation.

    Args:
        config: shapes.
        limits: of the hardware; the window is the model's memory.
        act_width: activation mantissa width in bits.
        context: longest context.
        tokens: most tokens of a pass that are wanted.
        rank: of a LoRA adapter of every projection, 0 for none.
        weights, head, cache: see ``model_image.build``.
        seed: of weights and adapter.

    Attributes:
        checkpoint: its weights without the adapter.
        image: places in memory.
        memory: uint8, the whole window, before the first pass.
        golden: the golden decoder, which goes through the same passes.

    Raises:
        ModelLimitError: the hardware is too small.
    """

    def __init__(
        self,
        config: ModelConfig,
        limits: Limits,
        act_width: int,
        context: int,
        tokens: int,
        rank: int = 0,
        weights: WeightFormat | Mapping[str, WeightFormat] = WeightFormat.CODES,
        head: WeightFormat = WeightFormat.CODES,
        cache: ValueFormat = ValueFormat.FP16,
        seed: int = 0,
    ) -> None:
        self.checkpoint = checkpoint = SharpCheckpoint(config, seed)
        adapter = random_adapter(config, rank, seed) if rank else None
        tokens = decoder_program.tokens_per_pass(config, tokens, context, limits, rank > 0)
        self.limits, window = limits, limits.window
        options = {"adapters": {"lora": adapter} if adapter else {}, "weights": weights, "head": head, "cache": cache}
        self.image, contents = model_image.build(checkpoint, MemoryPlan(window), limits, context, tokens, **options)
        # What nothing was written to is not zero.
        self.memory = np.random.default_rng(seed).integers(0, 256, window.size, np.uint8)
        for address, content in contents:
            self.memory[address - window.base :][: content.size] = content
        self.golden = golden_decoder(checkpoint, adapter, act_width, weights, head)
        self.golden.stored = cache

    def remember(self, positions: int, rng: np.random.Generator) -> None:
        """Random keys and values of that many tokens, as if they had been seen, in ``memory`` and in the decoder."""
        c, image = self.image.config, self.image
        planes = c.kv_heads * c.head_dim // BLOCK
        for index, layer in enumerate(image.layers):
            caches = []
            for address in (layer.keys, layer.values):
                drawn = rng.standard_normal((planes, positions, BLOCK)).astype(np.float32)
                stored = stored_values(drawn, image.cache).view(np.uint8)
                size = planes * image.context * image.cache_block
                cache = self.memory[address - self.limits.window.base :][:size]
                cache.reshape(planes, image.context, image.cache_block)[:, :positions] = stored
                values = loaded_values(stored.reshape(-1), image.cache)
                heads = values.reshape(c.kv_heads, c.head_dim // BLOCK, positions, BLOCK)
                caches.append(heads.transpose(2, 0, 1, 3).reshape(positions, c.kv_heads, c.head_dim))
            self.golden.cache[index] = tuple(caches)

    def step(self, tokens: np.ndarray, logits: int = 1) -> Pass:
        """The next pass, which the golden decoder goes through at once.

        Args:
            tokens: as many as a pass takes at most.
            logits: of how many of the last tokens.

        Raises:
            ModelLimitError: too many tokens for a pass or for the context.
        """
        image = self.image
        program = decoder_program.forward(image, len(tokens), self.golden.position, self.limits, logits)
        commands = synchronize(program)
        writes = (image.x, self.golden.embedding[tokens].tobytes()), (image.commands, pack_list(commands))
        found = self.golden.forward(tokens)
        return Pass(commands, writes, found[len(tokens) - logits :])
