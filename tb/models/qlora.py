"""Golden model of a QLoRA linear layer, forward and backward, product by product as ``edge_qlora.layer_program``.

Bit-exact with the RTL for every array size and bus width. M is tokens, K in_features, N out_features, r the LoRA rank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from edge_qlora.command_layout import WeightFormat
from edge_qlora.layout import CodedWeight, NF4Weight
from numpy.typing import NDArray

from tb.models import fp32, nf4
from tb.models.align import BLOCK
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm, integers

Float = NDArray[np.floating]
NF4_VALUES = np.asarray(nf4.NF4_TABLE, np.float64)


@dataclass(frozen=True)
class Layer:
    """What a layer is made of.

    Attributes:
        weights: codes [N, K] and their scales, or float32 [N, K].
        lora_a: float32 or float16 [r, K]; r may be 0.
        lora_bt: float32 or float16 [r, N], LoRA B transposed.
        scale: s in ``y = W x + s B (A x)``.
    """

    weights: CodeWeights | NDArray[np.float32]
    lora_a: Float
    lora_bt: Float
    scale: float

    @property
    def rank(self) -> int:
        """r."""
        return len(self.lora_a)

    @classmethod
    def from_nf4(cls, weight: NF4Weight, lora_a: Float, lora_b: Float, scale: float) -> Layer:
        """From a bitsandbytes weight and PEFT's A [r, K] and B [N, r], with NF4's codebook."""
        return cls(code_weights(weight), lora_a, np.ascontiguousarray(lora_b.T), scale)


@dataclass(frozen=True)
class Gradients:
    """Results of ``backward``: dx [M, K] float32 or float16, d_lora_a [r, K] and d_lora_bt [r, N] float32."""

    dx: Float
    d_lora_a: Float
    d_lora_bt: Float


def code_weights(weight: NF4Weight, codebook: Codebook | None = None) -> CodeWeights:
    """Codes and dequantized scales of a weight as the array sees them; NF4 unless a codebook is given."""
    n, k = weight.shape
    absmax = nf4.double_dequantize(weight.absmax_codes, weight.nested_absmax, weight.offset)
    return CodeWeights(weight.codes(), absmax.reshape(n, k // BLOCK), codebook or Codebook.from_values(NF4_VALUES))


def coded_weights(weight: CodedWeight) -> CodeWeights:
    """As ``code_weights``, of any format of codes."""
    n, blocks = weight.absmax_codes.shape
    absmax = nf4.double_dequantize(weight.absmax_codes.reshape(-1), weight.nested_absmax, weight.offset)
    whole = weight.fmt == WeightFormat.INT8
    book = integers(weight.unit) if whole else Codebook(weight.book, weight.unit)
    return CodeWeights(weight.codes, absmax.reshape(n, blocks), book)


def widen(values: Float) -> NDArray[np.float32]:
    """float32 as it is, float16 exactly."""
    return fp32.from_fp16(values) if values.dtype == np.float16 else values


def _narrow(values: NDArray[np.float32], dtype: type) -> Float:
    return fp32.to_fp16(values).view(np.float16) if dtype == np.float16 else values


# A step computes the sum of its segments' products; replaced by other functions of the segments to look into the steps.
Compute = Callable[[list[Segment]], NDArray]


def forward_steps(layer: Layer, x: Float, compute: Compute) -> NDArray:
    """The steps of ``forward``, each computed by ``compute``; returns what it makes of the last."""
    x, a, bt = widen(x), widen(layer.lora_a), widen(layer.lora_bt)
    base = Segment(x, layer.weights, False)
    if not layer.rank:
        return compute([base])
    u = compute([Segment(x, a, False)])
    return compute([base, Segment(u, bt, True, layer.scale)])


def backward_steps(layer: Layer, x: Float, dy: Float, compute: Compute) -> tuple[NDArray, NDArray, NDArray]:
    """The steps of ``backward``; returns what ``compute`` makes of dx, dA and dBt (these two empty without one)."""
    x, dy, a, bt, s = widen(x), widen(dy), widen(layer.lora_a), widen(layer.lora_bt), layer.scale
    base = Segment(dy, layer.weights, True)
    if not layer.rank:
        return compute([base]), np.zeros(a.shape, np.float32), np.zeros(bt.shape, np.float32)
    du = compute([Segment(dy, bt, False, s)])
    dx = compute([base, Segment(du, a, True)])
    ut = compute([Segment(a, x, False)])
    dut = compute([Segment(bt, dy, False, s)])
    return dx, compute([Segment(dut, x, True)]), compute([Segment(ut, dy, True, s)])


def forward(layer: Layer, x: Float, act_width: int, y_dtype: type = np.float32) -> Float:
    """``y = W x + s B (A x)``.

    Args:
        x: float32 or float16 [M, K].
        act_width: activation mantissa width, 18 or 25.
        y_dtype: np.float32 or np.float16.

    Returns:
        y [M, N] in ``y_dtype``.
    """
    return _narrow(forward_steps(layer, x, lambda segments: gemm(segments, act_width)), y_dtype)


def backward(layer: Layer, x: Float, dy: Float, act_width: int, dx_dtype: type = np.float32) -> Gradients:
    """Gradients of the layer's inputs and adapter.

    Args:
        x: the saved input, float32 or float16 [M, K]; not used without an adapter.
        dy: gradient of the output, [M, N].
        act_width: activation mantissa width, 18 or 25.
        dx_dtype: np.float32 or np.float16.
    """
    dx, da, dbt = backward_steps(layer, x, dy, lambda segments: gemm(segments, act_width))
    return Gradients(_narrow(dx, dx_dtype), da, dbt)
