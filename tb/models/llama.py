"""Golden model of a Llama decoder on the accelerator: every product on the array, everything else on the vector engine.

It fixes the numerics of whole models. Each function computes what a program of ``edge_qlora.vector``, or a product of
``tb/models/matrix.py``, gives, so it does not depend on how the work is cut into commands. The embedding is looked up
by the host. M is the number of new tokens.

Values are aligned over blocks of 64 positions, masked ones included. So the last bits of a token's result depend on how
many of the tokens behind it entered together with it: decoding and prefill agree as closely as either is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from edge_qlora.checkpoint import PROJECTIONS, Checkpoint, ModelConfig
from edge_qlora.command_layout import ValueFormat
from edge_qlora.vector import Function
from numpy.typing import NDArray

from tb.models import qlora, vector
from tb.models.matrix import Segment, gemm
from tb.models.qlora import Layer
from tb.models.transfers import loaded_values, stored_values

Float32 = NDArray[np.float32]


def rms_norm(x: Float32, weight: Float32, eps: float) -> Float32:
    """``x / sqrt(mean(x**2) + eps) * weight`` of rows [M, n]."""
    sums = vector.row_sums(vector.apply(x, x))
    factor = vector.apply(sums, 1 / x.shape[1], eps, Function.RSQRT)
    return vector.apply(vector.apply(x, factor[:, None]), weight)


def rotary_tables(positions: np.ndarray, size: int, theta: float) -> tuple[Float32, Float32]:
    """Cosines and signed sines [M, size] of positions [M]; the host computes them in float64 and rounds once."""
    angles = np.tile(positions[:, None] / theta ** (np.arange(size // 2) / (size // 2)), 2)
    signs = np.repeat([-1.0, 1.0], size // 2)
    return np.cos(angles).astype(np.float32), (signs * np.sin(angles)).astype(np.float32)


def rotary(x: Float32, cosines: Float32, sines: Float32) -> Float32:
    """Rotary embedding of heads [M, heads, size] with tables [M, size]."""
    exchanged = np.roll(x, x.shape[2] // 2, axis=2)
    spare = vector.apply(exchanged, sines[:, None])
    return vector.apply(vector.apply(x, cosines[:, None]), 1.0, spare)


def silu_gate(gate: Float32, up: Float32) -> Float32:
    """``gate / (1 + exp(-gate)) * up``."""
    exponential = vector.apply(gate, -1.0, 0.0, Function.EXP)
    return vector.apply(vector.apply(gate, vector.apply(exponential, 1.0, 1.0, Function.RECIPROCAL)), up)


def causal_softmax(scores: Float32, tokens: int, heads: int) -> tuple[Float32, Float32]:
    """Softmax of scores [M * heads, n] of the last M of n positions, and what its rows are still to be multiplied with.

    Returns:
        Exponentials [M * heads, n], zero beyond the row's position; one over their sums [M * heads].
    """
    context = scores.shape[1]
    active = np.arange(context) <= np.repeat(context - tokens + np.arange(tokens), heads)[:, None]
    largest = vector.row_maxima(np.where(active, scores, vector.NEGATIVE_INFINITY))
    with np.errstate(over="ignore", invalid="ignore"):
        exponentials = np.where(active, vector.apply(scores, 1.0, -largest[:, None], Function.EXP), np.float32(0))
    return exponentials, vector.apply(vector.row_sums(exponentials), function=Function.RECIPROCAL)


def attention(q: Float32, k: Float32, v: Float32, act_width: int) -> Float32:
    """Causal attention of the last M of n positions to all of them, one key and value head.

    Args:
        q: [M, heads, size], the query heads that share k and v.
        k, v: [n, size].
        act_width: activation mantissa width in bits.

    Returns:
        [M, heads, size].
    """
    tokens, heads, size = q.shape
    scores = gemm([Segment(q.reshape(-1, size), k, False, 1 / np.sqrt(size))], act_width)
    exponentials, inverse = causal_softmax(scores, tokens, heads)
    mixed = gemm([Segment(exponentials, v, True)], act_width)
    return vector.apply(mixed, inverse[:, None]).reshape(tokens, heads, size)


@dataclass
class DecoderLayer:
    """Weights of a decoder layer: the seven projections by their names in Hugging Face's modules, and two norms."""

    projections: dict[str, Layer]
    input_norm: Float32
    post_norm: Float32


@dataclass
class Decoder:
    """A whole model and its state.

    Attributes:
        config: shapes.
        embedding: float32 [vocab, hidden].
        layers: decoder layers.
        norm: the last norm's weight.
        head: float32 [vocab, hidden], multiplied as floating-point weights, or codes.
        act_width: activation mantissa width in bits.
        stored: format of keys and values.
        cache: keys and values of each layer, [n, kv_heads, size] in FP32 after storing.
    """

    config: ModelConfig
    embedding: Float32
    layers: list[DecoderLayer]
    norm: Float32
    head: Float32
    act_width: int = 25
    stored: ValueFormat = ValueFormat.FP16
    cache: list[tuple[Float32, Float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, **options) -> Decoder:
        """A model without an adapter, its projections in NF4 with double quantization, its head as it is.

        Raises:
            CheckpointError: a tensor is missing, malformed, not finite, or not made of blocks of 64.
        """
        layers = []
        for index in range(checkpoint.config.layers):
            prefix = f"model.layers.{index}."
            projections = {}
            for name in PROJECTIONS:
                weight = checkpoint.linear(f"{prefix}{name}.weight")
                n, k = weight.shape
                empty = np.zeros((0, k), np.float32), np.zeros((n, 0), np.float32)
                projections[name] = Layer.from_nf4(weight, *empty, 1.0)
            norms = (checkpoint.tensor(f"{prefix}{n}_layernorm.weight") for n in ("input", "post_attention"))
            layers.append(DecoderLayer(projections, *norms))
        embedding = checkpoint.tensor("model.embed_tokens.weight")
        head = embedding if checkpoint.config.tied_head else checkpoint.tensor("lm_head.weight")
        return cls(checkpoint.config, embedding, layers, checkpoint.tensor("model.norm.weight"), head, **options)

    def reset(self) -> None:
        """Forget all tokens."""
        empty = np.zeros((0, self.config.kv_heads, self.config.head_dim), np.float32)
        self.cache = [(empty, empty)] * len(self.layers)

    @property
    def position(self) -> int:
        """Tokens seen."""
        return len(self.cache[0][0])

    def forward(self, tokens: np.ndarray) -> Float32:
        """Logits [M, vocab] of new tokens [M], which enter the cache.

        Raises:
            ValueError: the context is longer than the model's, or than its sliding window.
        """
        total, most = self.position + len(tokens), self.config.sliding_window or self.config.context
        if total > most:
            raise ValueError(f"{total} tokens exceed the context of {most}")
        positions = self.position + np.arange(len(tokens))
        tables = rotary_tables(positions, self.config.head_dim, self.config.rope_theta)
        x = self.embedding[tokens]
        for index in range(len(self.layers)):
            x = self._layer(index, x, tables)
        normed = rms_norm(x, self.norm, self.config.rms_eps)
        return gemm([Segment(normed, self.head, False)], self.act_width)

    def _layer(self, index: int, x: Float32, tables: tuple[Float32, Float32]) -> Float32:
        layer, config = self.layers[index], self.config

        def project(name: str, values: Float32) -> Float32:
            return qlora.forward(layer.projections[name], values, self.act_width)

        normed = rms_norm(x, layer.input_norm, config.rms_eps)
        q, k, v = (
            project(f"self_attn.{name}_proj", normed).reshape(len(x), -1, config.head_dim) for name in ("q", "k", "v")
        )
        q, k = rotary(q, *tables), rotary(k, *tables)
        k, v = (np.concatenate([old, self._stored(new)]) for old, new in zip(self.cache[index], (k, v), strict=True))
        self.cache[index] = k, v
        group = config.heads // config.kv_heads
        mixed = [
            attention(q[:, head * group : (head + 1) * group], k[:, head], v[:, head], self.act_width)
            for head in range(config.kv_heads)
        ]
        out = project("self_attn.o_proj", np.concatenate(mixed, axis=1).reshape(len(x), -1))
        x = vector.apply(x, 1.0, out)
        normed = rms_norm(x, layer.post_norm, config.rms_eps)
        gated = silu_gate(project("mlp.gate_proj", normed), project("mlp.up_proj", normed))
        return vector.apply(x, 1.0, project("mlp.down_proj", gated))

    def _stored(self, values: Float32) -> Float32:
        kept = np.ascontiguousarray(stored_values(values, self.stored)).reshape(-1).view(np.uint8)
        return loaded_values(kept, self.stored).reshape(values.shape)

    def generate(self, tokens: np.ndarray, count: int) -> list[int]:
        """The ``count`` most likely tokens after ``tokens``, one after the other."""
        found: list[int] = []
        logits = self.forward(np.asarray(tokens))
        for _ in range(count):
            found.append(int(logits[-1].argmax()))
            if len(found) < count:
                logits = self.forward(np.array(found[-1:]))
        return found
