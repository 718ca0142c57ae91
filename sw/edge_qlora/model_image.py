"""A model in the accelerator's memory: weights in the order in which the array takes them, caches, inputs, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from . import layout
from .adapter import Adapter
from .checkpoint import PROJECTIONS, Checkpoint, ModelConfig
from .command_layout import ValueFormat, WeightFormat
from .commands import STORED_BYTES, Limits
from .errors import ModelLimitError, OperandError
from .layout import BLOCK, CODE_BITS, VALUE_BYTES, CodedWeight
from .memory_plan import MemoryPlan
from .quantization import coded, quantize
from .streams import LINE_BYTES, float_blocks, header_bytes, header_lines

Progress = Callable[[str, int, int], None]  # what, done, of how many
FLOAT_TYPES = {WeightFormat.FP16: np.float16, WeightFormat.FP32: np.float32}  # formats of weights beside those of codes


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
        format: codes, or floating-point values in N tiles.
        address: first tile.
        header_address, header_bytes: of codes.
        low_rank: of the adapter that is in use, or None.
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
        if self.format in CODE_BITS:
            return blocks * layout.tile_bytes(self.format)
        return blocks * BLOCK * BLOCK * VALUE_BYTES[self.format]


@dataclass(frozen=True)
class LayerImage:
    """A decoder layer in memory.

    Attributes:
        projections: by their names in ``checkpoint.PROJECTIONS``.
        input_norm, post_norm: addresses of the norms' weights, FP32 [hidden].
        keys, values: addresses of the caches [kv_heads][head_dim / 64][context][64].
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
        embedding: address of the tokens' embeddings, FP16 [vocab][hidden], which the host looks up.
        rotary: address of the tables, FP32 [context][2][head_dim]: cosines, sines with their first half negated.
        x: place for the new tokens' embeddings, FP32 [tokens][hidden].
        logits: address of the results, FP32 [tokens][vocab].
        commands, commands_bytes: place for lists.
        plan: all of it.
        adapters: all that are in memory, by name; each by the names of the linear layers that it changes.
        cache: format of keys and values.
    """

    config: ModelConfig
    context: int
    tokens: int
    layers: tuple[LayerImage, ...]
    norm: int
    head: Linear
    embedding: int
    rotary: int
    x: int
    logits: int
    commands: int
    commands_bytes: int
    plan: MemoryPlan
    adapters: dict[str, dict[str, LowRank]] = field(default_factory=dict)
    cache: ValueFormat = ValueFormat.FP16

    @property
    def cache_block(self) -> int:
        """Bytes of 64 values of a cache."""
        return BLOCK * STORED_BYTES[self.cache]

    @property
    def adapted(self) -> bool:
        """Whether an adapter is in use."""
        return any(linear.low_rank for layer in self.layers for linear in layer.projections.values())

    def with_adapter(self, name: str | None) -> ModelImage:
        """The same memory with another adapter in use; None: without any, at no cost.

        Raises:
            OperandError: there is no such adapter.
        """
        if name is not None and name not in self.adapters:
            known = f"there are: {', '.join(self.adapters)}" if self.adapters else "there is no adapter"
            raise OperandError(f"adapter {name!r} is not in memory; {known}")
        chosen = {} if name is None else self.adapters[name]
        layers = tuple(
            replace(
                layer,
                projections={k: replace(p, low_rank=chosen.get(p.name)) for k, p in layer.projections.items()},
            )
            for layer in self.layers
        )
        return replace(self, layers=layers)


def rotary_table(config: ModelConfig, context: int) -> np.ndarray:
    """float32 [context, 2, head_dim]: cosines, and sines with their first half negated, rounded once from float64."""
    half = config.head_dim // 2
    angles = np.tile(np.arange(context)[:, None] / config.rope_theta ** (np.arange(half) / half), 2)
    signs = np.repeat([-1.0, 1.0], half)
    return np.stack((np.cos(angles), signs * np.sin(angles)), axis=1).astype(np.float32)


def check_limits(config: ModelConfig, context: int) -> None:
    """Refuse what the accelerator cannot run.

    Raises:
        ModelLimitError: a size that is not made of blocks of 64, heads of another size than 64 or 128, or a context
            that is longer than the model's or than its sliding window.
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
    if config.sliding_window is not None and context > config.sliding_window:
        raise ModelLimitError(
            f"a context of {context} tokens is over the model's sliding_window of {config.sliding_window}; "
            "the accelerator lets a token see all tokens before it"
        )


def stored_weight(checkpoint: Checkpoint, name: str, fmt: WeightFormat) -> CodedWeight:
    """A linear layer of a checkpoint in a format of codes; NF4 as the checkpoint may have it already.

    Raises:
        CheckpointError: the files are not as they should be.
    """
    return coded(checkpoint.linear(name)) if fmt == WeightFormat.CODES else quantize(checkpoint.tensor(name), fmt)


def projection_formats(weights: WeightFormat | Mapping[str, WeightFormat]) -> dict[str, WeightFormat]:
    """The format of every projection, by its name in ``checkpoint.PROJECTIONS``; NF4 where none is given.

    Raises:
        OperandError: a name that is no projection's.
    """
    if not isinstance(weights, Mapping):
        return dict.fromkeys(PROJECTIONS, weights)
    unknown = sorted(set(weights) - set(PROJECTIONS))
    if unknown:
        raise OperandError(f"no projection is called {', '.join(unknown)}; there are {', '.join(PROJECTIONS)}")
    return dict.fromkeys(PROJECTIONS, WeightFormat.CODES) | dict(weights)


class _Builder:
    """Plans buffers and remembers their contents."""

    def __init__(self, plan: MemoryPlan, limits: Limits):
        self.plan, self.limits = plan, limits
        self.contents: list[tuple[int, Callable[[], np.ndarray]]] = []

    def add(self, name: str, purpose: str, size: int, content: Callable[[], np.ndarray]) -> int:
        address = self.plan.add(name, purpose, size)
        self.contents.append((address, content))
        return address

    def array(self, name: str, purpose: str, size: int, dtype: type, values: Callable[[], np.ndarray]) -> int:
        return self.add(
            name, purpose, size * np.dtype(dtype).itemsize, lambda: _as_bytes(_narrowed(name, values(), dtype))
        )

    def codes(
        self, name: str, purpose: str, shape: tuple[int, int], fmt: WeightFormat, weight: Callable[[], CodedWeight]
    ) -> Linear:
        n, k = shape
        entries = layout.nested_entries(n, k)
        if entries > self.limits.nested_depth:
            depth = self.limits.nested_depth
            raise ModelLimitError(
                f"{name}: {entries} nested absmax values are over the {depth} of the hardware (nested_depth)"
            )
        head = LINE_BYTES * header_lines(entries)

        def content() -> np.ndarray:
            stored = weight()
            header = header_bytes(stored.book, stored.unit, stored.offset, stored.nested_absmax)
            return np.concatenate((header, _as_bytes(layout.pack_code_tiles(stored))))

        size = n // BLOCK * (k // BLOCK) * layout.tile_bytes(fmt)
        address = self.add(name, purpose, head + size, content)
        return Linear(name, n, k, fmt, address + head, address, head)

    def floats(
        self, name: str, purpose: str, shape: tuple[int, int], fmt: WeightFormat, values: Callable[[], np.ndarray]
    ) -> Linear:
        def content() -> np.ndarray:
            return np.concatenate(float_blocks(_narrowed(name, values(), FLOAT_TYPES[fmt]), False))

        address = self.add(name, purpose, shape[0] * shape[1] * VALUE_BYTES[fmt], content)
        return Linear(name, *shape, fmt, address)

    def low_rank(
        self, adapter: str, name: str, pair: tuple[np.ndarray, np.ndarray], scale: float, dtype: type
    ) -> LowRank:
        name = f"{adapter}: {name}"
        a, b = (_narrowed(f"{name}.lora_{kind}", matrix, dtype) for kind, matrix in zip("AB", pair, strict=True))
        stored = [np.concatenate(float_blocks(*matrix)) for matrix in ((a, False), (b.T, True))]
        addresses = [
            self.array(f"{name}.lora_{kind}", "adapter", tiles.size, np.uint8, lambda tiles=tiles: tiles)
            for kind, tiles in zip("AB", stored, strict=True)
        ]
        fmt = WeightFormat.FP16 if dtype == np.float16 else WeightFormat.FP32
        return LowRank(len(a), scale, *addresses, fmt)


def build(
    checkpoint: Checkpoint,
    plan: MemoryPlan,
    limits: Limits,
    context: int,
    tokens: int,
    adapters: Mapping[str, Adapter] | None = None,
    adapter_dtype: type = np.float16,
    weights: WeightFormat | Mapping[str, WeightFormat] = WeightFormat.CODES,
    head: WeightFormat = WeightFormat.CODES,
    cache: ValueFormat = ValueFormat.FP16,
) -> tuple[ModelImage, Iterator[tuple[int, np.ndarray]]]:
    """Plan a model's memory and make its contents.

    Returns:
        The image; and address and content, uint8, of everything that is to be written once, made as it is asked for.

    Args:
        checkpoint: the model; a linear layer in codes is quantized with double quantization unless it already is.
        plan: receives the buffers.
        limits: of the hardware.
        context: longest context.
        tokens: most tokens per pass.
        adapters: by name, LoRA of any of the projections; all go into memory, and the image uses the first.
        adapter_dtype: how they are stored, np.float16 or np.float32.
        weights: how the projections are stored: codes, of which 4-bit ones are NF4, FP16 or FP32; one format for all,
            or one by the name in ``checkpoint.PROJECTIONS`` and NF4 for those left out.
        head: how the output head is stored, likewise.
        cache: how keys and values are stored.

    Raises:
        ModelLimitError: the accelerator cannot run it, such formats, or a rank over 64; a value is beyond its format.
        OperandError: a format for a projection that is none.
        MemoryFullError: it does not fit the memory.
        AdapterShapeError: an adapter is of another model.
        CheckpointError: while the contents are made: the files are not as they should be.
    """
    config = checkpoint.config
    check_limits(config, context)
    formats = projection_formats(weights)
    for name, fmt in (*formats.items(), ("the output head", head)):
        if fmt not in {*CODE_BITS, *FLOAT_TYPES}:
            raise ModelLimitError(f"{name} is not stored in {fmt.name}")
    shapes = {
        f"model.layers.{i}.{name}": config.linear_shape(name) for i in range(config.layers) for name in PROJECTIONS
    }
    adapters = adapters or {}
    for key, adapter in adapters.items():
        adapter.check(shapes, f"adapter {key!r}")
        if adapter.rank > BLOCK:
            raise ModelLimitError(f"adapter {key!r} has rank {adapter.rank}; the accelerator takes up to {BLOCK}")
    builder = _Builder(plan, limits)

    def norm(name: str) -> int:
        return builder.array(name, "norms", config.hidden_size, np.float32, lambda: checkpoint.tensor(f"{name}.weight"))

    def linear(name: str, purpose: str, tensor: str, shape: tuple[int, int], fmt: WeightFormat) -> Linear:
        if fmt in CODE_BITS:
            return builder.codes(name, purpose, shape, fmt, partial(stored_weight, checkpoint, tensor, fmt))
        return builder.floats(name, purpose, shape, fmt, partial(checkpoint.tensor, tensor))

    def projection(prefix: str, name: str) -> Linear:
        whole = prefix + name
        return linear(whole, "weights", f"{whole}.weight", shapes[whole], formats[name])

    layers = []
    for index in range(config.layers):
        prefix = f"model.layers.{index}."
        projections = {name: projection(prefix, name) for name in PROJECTIONS}
        norms = [norm(prefix + name) for name in ("input_layernorm", "post_attention_layernorm")]
        size = config.kv_heads * config.head_dim * context * STORED_BYTES[cache]
        caches = [plan.add(f"{prefix}{kind}", "key and value cache", size) for kind in ("keys", "values")]
        layers.append(LayerImage(projections, *norms, *caches))
    last_norm = norm("model.norm")
    head_name = "model.embed_tokens.weight" if config.tied_head else "lm_head.weight"
    table = config.vocab_size, config.hidden_size
    last = linear("lm_head", "output head", head_name, table, head)
    name = "model.embed_tokens"
    embedding = builder.array(
        name, "embedding", table[0] * table[1], np.float16, lambda: checkpoint.tensor(f"{name}.weight")
    )
    size = context * 2 * config.head_dim
    rotary = builder.array("rotary tables", "tables", size, np.float32, lambda: rotary_table(config, context))
    x = plan.add("embeddings of the new tokens", "inputs and outputs", 4 * tokens * config.hidden_size)
    logits = plan.add("logits", "inputs and outputs", 4 * tokens * config.vocab_size)
    commands_bytes = command_bytes(config, tokens)
    commands = plan.add("command list", "inputs and outputs", commands_bytes)
    places = (last_norm, last, embedding, rotary, x, logits, commands, commands_bytes)
    stored = {
        key: {
            name: builder.low_rank(key, name, pair, adapter.scale, adapter_dtype)
            for name, pair in adapter.layers.items()
        }
        for key, adapter in adapters.items()
    }
    image = ModelImage(config, context, tokens, tuple(layers), *places, plan, stored, cache)
    return image.with_adapter(next(iter(stored), None)), ((address, content()) for address, content in builder.contents)


def command_bytes(config: ModelConfig, tokens: int) -> int:
    """Room for the list of one pass: an upper bound."""
    per_layer = 96 + 16 * config.kv_heads * tokens
    # A chunk of one block of the MLP's outputs: two products of two commands each, a gate of four instructions.
    chunks = 8 * (config.intermediate_size // BLOCK)
    return 64 * (config.layers * (per_layer + chunks) + 4 * (config.vocab_size // BLOCK) + 64)


def _narrowed(name: str, values: np.ndarray, dtype: type) -> np.ndarray:
    """The values in a type of their own.

    Raises:
        ModelLimitError: one is beyond it.
    """
    with np.errstate(over="ignore"):
        narrowed = values.astype(dtype)
    if narrowed.dtype.kind == "f" and not np.isfinite(narrowed).all():
        raise ModelLimitError(f"{name}: a value is beyond {np.dtype(dtype)}")
    return narrowed


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
