"""Bounds on the error of a QLoRA layer's results, composed from those of its steps (docs/numerics.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tb.models.align import BLOCK
from tb.models.error_bound import UNIT, error_bound
from tb.models.matrix import CodeWeights, Segment, gemm
from tb.models.qlora import NF4_VALUES, Compute, Float, Layer, backward_steps, forward_steps, widen

Float64 = NDArray[np.float64]
FP16_UNIT = 2.0**-11
FP16_TINY = 2.0**-25  # half the spacing of FP16 subnormals
FP32_TINY = 2.0**-150  # half the spacing of FP32 subnormals
# Roundings of one FP32 evaluation beside those of its matrix products: the scale, and the sum of base and adapter.
OTHER_ROUNDINGS = 2


@dataclass(frozen=True)
class Bounds:
    """Largest possible difference of every element of a result.

    Attributes:
        exact: from real arithmetic on the weight dequantized to FP32 (value times absmax, rounded once); infinite where
            an overflow cannot be excluded.
        float32: from any evaluation of the same formulas in FP32, each product and sum rounded once, in any order, none
            of them below the normal range.
    """

    exact: Float64
    float32: Float64


def magnitudes(weights: CodeWeights) -> Float64:
    """``|W|`` [N, K] from the real NF4 values."""
    return np.abs(NF4_VALUES)[weights.codes] * np.repeat(np.abs(weights.absmax.astype(np.float64)), BLOCK, axis=1)


def _gamma(roundings: int) -> float:
    return roundings * UNIT / (1 - roundings * UNIT)


def _recorder(act_width: int) -> tuple[Compute, list[Float64]]:
    """A ``compute`` that also notes the bound of every step."""
    found: list[Float64] = []

    def compute(segments: list[Segment]) -> NDArray:
        found.append(error_bound(segments, act_width, NF4_VALUES))
        return gemm(segments, act_width)

    return compute, found


def _of_weight(activations: Float64, product: Float64) -> Float64:
    """Error of ``product = activations x weight``, all magnitudes, from rounding the dequantized weight to FP32."""
    return UNIT * product + FP32_TINY * activations.sum(axis=1, keepdims=True)


def _chained(error: Float64, factor: Float64) -> Float64:
    """What the error of one step's result becomes in the step that multiplies it by ``factor``, a magnitude."""
    with np.errstate(invalid="ignore"):
        product = error @ factor
    return np.where(np.isnan(product), np.inf, product)  # an infinity times zero is a NaN in the array too


def _bounds(result: Float, exact: Float64, terms: list[tuple[int, Float64]]) -> Bounds:
    """Add the rounding of an FP16 result, and an FP32 evaluation's own error.

    Args:
        result: as stored; an FP16 number is within half a unit in its last place of what was rounded to it.
        exact: bound before that.
        terms: of each product of matrices, its reduction lengths' sum and its magnitude. A product of length n takes n
            roundings on each path: one product and n - 1 additions.
    """
    if result.dtype == np.float16:
        exact = exact + np.abs(result.astype(np.float64)) * FP16_UNIT + FP16_TINY
    return Bounds(exact, exact + sum(_gamma(length + OTHER_ROUNDINGS) * size for length, size in terms))


def forward_bound(layer: Layer, x: Float, y: Float, act_width: int) -> Bounds:
    """Bounds on the error of y [M, N], a result of ``qlora.forward`` for x [M, K]."""
    compute, found = _recorder(act_width)
    forward_steps(layer, x, compute)
    ax, aa, abt = (np.abs(widen(v), dtype=np.float64) for v in (x, layer.lora_a, layer.lora_bt))
    (_, k), r, s = x.shape, layer.rank, abs(layer.scale)
    base = ax @ magnitudes(layer.weights).T
    exact, terms = found[-1] + _of_weight(ax, base), [(k, base)]
    if r:
        exact = exact + _chained(found[0], s * abt)
        terms.append((k + r, s * (ax @ aa.T @ abt)))
    return _bounds(y, exact, terms)


def backward_bound(layer: Layer, x: Float, dy: Float, dx: Float, act_width: int) -> dict[str, Bounds]:
    """Bounds on the errors of ``qlora.backward``'s results by name: "dx", with an adapter "d_lora_a", "d_lora_bt"."""
    compute, found = _recorder(act_width)
    _, da, dbt = backward_steps(layer, x, dy, compute)
    ax, ady, aa, abt = (np.abs(widen(v), dtype=np.float64) for v in (x, dy, layer.lora_a, layer.lora_bt))
    (m, k), n, r, s = x.shape, dy.shape[1], layer.rank, abs(layer.scale)
    base = ady @ magnitudes(layer.weights)
    if not r:
        return {"dx": _bounds(dx, found[0] + _of_weight(ady, base), [(n, base)])}
    of_du, of_dx, of_ut, of_dut, of_da, of_dbt = found
    low = s * (ady @ abt.T)
    return {
        "dx": _bounds(dx, of_dx + _chained(of_du, aa) + _of_weight(ady, base), [(n, base), (n + r, low @ aa)]),
        "d_lora_a": _bounds(da, of_da + _chained(of_dut, ax), [(n + m, low.T @ ax)]),
        "d_lora_bt": _bounds(dbt, of_dbt + _chained(of_ut, s * ady), [(k + m, s * (aa @ ax.T @ ady))]),
    }
