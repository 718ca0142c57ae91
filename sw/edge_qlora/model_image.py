"""A model in the accelerator's memory: weights in the order in which the array takes them, caches, inputs, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import layout
from .adapter import Adapter
from .checkpoint import PROJECTIONS, Checkpoint, ModelConfig
from .command_layout import WeightFormat
from .commands import Limits
from .errors import ModelLimitError
from .layout import BLOCK, NF4Weight
from .memory_plan import MemoryPlan
from .quantization import nf4_codebook
from .streams import float_blocks, header_bytes

CACHE_BYTES = 2  # per value of a key or a value: FP16

Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True)
class LowRank:
    """A LoRA adapter of one linear layer in memory: A in N tiles [K/64][r][64], B transposed in T tiles [N/64][r][64].

    Attributes:
        rank: r.
        scale: s in ``y = W x + s B (A x)``.
        a, b: addresses.
        format: of both.
    """

    rank: int
    scale: float
    a: int
    b: int
    format: WeightFormat


@dataclass(frozen=True)
class Linear:
    """A weight [N, K] in memory.

    Attributes:
        name: its Hugging Face name without ".weight".
        n, k: outputs and inputs.
        format: CODES, or floating-point values in N tiles.
        address: first tile.
        header_address, header_bytes: of codes.
        low_rank: its adapter, or None.
    """

    name: str
    n: int
    k: int
    format: WeightFormat
    address: int
    header_address: int = 0
    header_bytes: int = 0
    low_rank: LowRank | None = None

    @property
    def row_bytes(self) -> int:
        """Bytes of 64 outputs' weights."""
        blocks = self.k // BLOCK
        if self.format == WeightFormat.CODES:
            return blocks * layout.TILE_BYTES
        return blocks * BLOCK * BLOCK * value_bytes(self.format)


@dataclass(frozen=True)
class LayerImage:
    """A decoder layer in memory.

    Attributes:
        projections: by their names in ``checkpoint.PROJECTIONS``.
        input_norm, post_norm: addresses of the norms' weights, FP32 [hidden].
        keys, values: addresses of the caches, FP16 [kv_heads][head_dim / 64][context][64].
    """

    projections: dict[str, Linear]
    input_norm: int
    post_norm: int
    keys: int
    values: int


@dataclass(frozen=True)
class ModelImage:
    """A whole model in memory.

    Attributes:
        config: shapes.
        context: longest context that the caches hold.
        tokens: most tokens that enter in one pass.
        layers, norm, head: weights; norm is an address.
        rotary: address of the tables, FP32 [context][2][head_dim]: cosines, sines with their first half negated.
        x: address of the tokens' embeddings, FP32 [tokens][hidden], which the host writes.
        logits: address of the results, FP32 [tokens][vocab].
        commands, commands_bytes: place for lists.
        plan: all of it.
        segments: what is to be written before anything runs, made as it is asked for: (address, bytes as uint8).
    """

    config: ModelConfig
    context: int
    tokens: int
    layers: tuple[LayerImage, ...]
    norm: int
    head: Linear
    rotary: int
    x: int
    logits: int
    commands: int
    commands_bytes: int
    plan: MemoryPlan
    _contents: list[tuple[int, Callable[[], np.ndarray]]]

    @property
    def adapted(self) -> bool:
        """Whether any layer has an adapter."""
        return any(linear.low_rank for layer in self.layers for linear in layer.projections.values())

    def segments(self) -> Iterator[tuple[int, np.ndarray]]:
        """Address and content, uint8, of everything that is written once, one after the other."""
        for address, content in self._contents:
            yield address, content()


def value_bytes(weight_format: WeightFormat) -> int:
    """Bytes of a floating-point weight."""
    return 2 if weight_format == WeightFormat.FP16 else 4


def rotary_table(config: ModelConfig, context: int) -> np.ndarray:
    """float32 [context, 2, head_dim]: cosines, and sines with their first half negated, rounded once from float64."""
    half = config.head_dim // 2
    angles = np.tile(np.arange(context)[:, None] / config.rope_theta ** (np.arange(half) / half), 2)
    signs = np.repeat([-1.0, 1.0], half)
    return np.stack((np.cos(angles), signs * np.sin(angles)), axis=1).astype(np.float32)


def check_limits(config: ModelConfig, context: int) -> None:
    """Refuse what the accelerator cannot run.

    Raises:
        ModelLimitError: a size that is not made of blocks of 64, or heads of another size than 64 or 128.
    """
    if config.head_dim not in (BLOCK, 2 * BLOCK):
        raise ModelLimitError(f"heads of {config.head_dim} values; the accelerator takes {BLOCK} or {2 * BLOCK}")
    for name in ("hidden_size", "intermediate_size", "vocab_size"):
        if getattr(config, name) % BLOCK:
            raise ModelLimitError(f"{name} {getattr(config, name)} is not a multiple of {BLOCK}")
    if config.heads % config.kv_heads:
        raise ModelLimitError(f"{config.heads} heads do not share {config.kv_heads} key and value heads evenly")
    if context > config.context:
        raise ModelLimitError(f"a context of {context} tokens is over the model's {config.context}")


class _Builder:
    """Plans buffers and remembers their contents."""

    def __init__(self, plan: MemoryPlan, limits: Limits):
        self.plan, self.limits = plan, limits
        self.contents: list[tuple[int, Callable[[], np.ndarray]]] = []

    def add(self, name: str, purpose: str, size: int, content: Callable[[], np.ndarray]) -> int:
        address = self.plan.add(name, purpose, size)
        self.contents.append((address, content))
        return address

    def array(self, name: str, purpose: str, values: np.ndarray) -> int:
        return self.add(name, purpose, values.nbytes, lambda: _as_bytes(values))

    def codes(self, name: str, purpose: str, weight: NF4Weight) -> Linear:
        n, k = weight.shape
        entries = layout.nested_entries(n, k)
        if entries > self.limits.nested_depth:
            depth = self.limits.nested_depth
            raise ModelLimitError(f"{name}: {entries} nested absmax values are over the {depth} of the hardware")
        head = header_bytes(*nf4_codebook(), weight.offset, weight.nested_absmax)
        at = self.add(f"{name} header", purpose, head.nbytes, lambda: head)
        tiles = self.add(name, purpose, layout.weight_tiles_bytes(n, k), lambda: _as_bytes(layout.pack_weight_tiles(weight)))
        return Linear(name, n, k, WeightFormat.CODES, tiles, at, head.nbytes)

    def floats(self, name: str, purpose: str, values: np.ndarray) -> Linear:
        n, k = values.shape
        fmt = WeightFormat.FP16 if values.dtype == np.float16 else WeightFormat.FP32
        address = self.add(name, purpose, values.nbytes, lambda: np.concatenate(float_blocks(values, False)))
        return Linear(name, n, k, fmt, address)

    def low_rank(self, name: str, pair: tuple[np.ndarray, np.ndarray], scale: float, dtype: type) -> LowRank:
        a, b = (matrix.astype(dtype) for matrix in pair)
        for matrix in (a, b):
            if not np.isfinite(matrix).all():
                raise ModelLimitError(f"{name}: an adapter's value is beyond {np.dtype(dtype)}")
        stored = [np.concatenate(float_blocks(*matrix)) for matrix in ((a, False), (b.T, True))]
        addresses = [
            self.array(f"{name}.{kind}", "adapter", tiles)
            for kind, tiles in zip(("lora_A", "lora_B"), stored, strict=True)
        ]
        fmt = WeightFormat.FP16 if dtype == np.float16 else WeightFormat.FP32
        return LowRank(len(a), scale, *addresses, fmt)


def build(
    checkpoint: Checkpoint,
    plan: MemoryPlan,
    limits: Limits,
    context: int,
    tokens: int,
    adapter: Adapter | None = None,
    adapter_dtype: type = np.float16,
    head_dtype: type | None = None,
    progress: Progress = lambda *_: None,
) -> ModelImage:
    """Plan a model's memory and make its contents.

    Args:
        checkpoint: the model; its linear layers are quantized to NF4 with double quantization unless they already are.
        plan: receives the buffers.
        limits: of the hardware.
        context: longest context.
        tokens: most tokens per pass.
        adapter: LoRA of any of the projections.
        adapter_dtype: how it is stored, np.float16 or np.float32.
        head_dtype: how the output head is stored, np.float16 or np.float32; None: codes like the other layers.
        progress: is told what is being done.

    Raises:
        ModelLimitError: the accelerator cannot run it.
        MemoryFullError: it does not fit the memory.
        CheckpointError: the files are not as they should be.
    """
    config = checkpoint.config
    check_limits(config, context)
    if adapter is not None:
        names = [f"model.layers.{i}.{p}" for i in range(config.layers) for p in PROJECTIONS]
        adapter.check({name: config.linear_shape(name.split(".", 3)[3]) for name in names})
    builder = _Builder(plan, limits)
    steps = config.layers + 1
    layers = []
    for index in range(config.layers):
        progress("packing layers", index, steps)
        prefix = f"model.layers.{index}."
        projections = {}
        for short in PROJECTIONS:
            name = prefix + short
            linear = builder.codes(name, "weights in 4-bit codes", checkpoint.linear(f"{name}.weight"))
            if adapter is not None and name in adapter.layers:
                low_rank = builder.low_rank(name, adapter.layers[name], adapter.scale, adapter_dtype)
                linear = replace(linear, low_rank=low_rank)
            projections[short] = linear
        norms = [
            builder.array(f"{prefix}{norm}", "norms", checkpoint.tensor(f"{prefix}{norm}.weight").astype(np.float32))
            for norm in ("input_layernorm", "post_attention_layernorm")
        ]
        size = config.kv_heads * config.head_dim * context * CACHE_BYTES
        caches = [plan.add(f"{prefix}{kind}", "key and value cache", size) for kind in ("keys", "values")]
        layers.append(LayerImage(projections, *norms, *caches))
    progress("packing layers", config.layers, steps)
    norm = builder.array("model.norm", "norms", checkpoint.tensor("model.norm.weight").astype(np.float32))
    head_name = "model.embed_tokens.weight" if config.tied_head else "lm_head.weight"
    if head_dtype is None:
        head = builder.codes("lm_head", "output head", checkpoint.linear(head_name))
    else:
        head = builder.floats("lm_head", "output head", checkpoint.tensor(head_name).astype(head_dtype))
    rotary = builder.array("rotary tables", "rotary tables", rotary_table(config, context))
    x = plan.add("embeddings of the new tokens", "inputs and outputs", 4 * tokens * config.hidden_size)
    logits = plan.add("logits", "inputs and outputs", 4 * tokens * config.vocab_size)
    commands_bytes = command_bytes(config, tokens)
    commands = plan.add("command list", "inputs and outputs", commands_bytes)
    progress("packing layers", steps, steps)
    places = (norm, head, rotary, x, logits, commands, commands_bytes)
    return ModelImage(config, context, tokens, tuple(layers), *places, plan, builder.contents)


def command_bytes(config: ModelConfig, tokens: int) -> int:
    """Room for the list of one pass: an upper bound."""
    per_layer = 64 + 16 * config.kv_heads * tokens
    chunks = 4 * (config.intermediate_size // BLOCK)
    return 64 * (config.layers * (per_layer + chunks) + 4 * (config.vocab_size // BLOCK) + 64)


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
