"""Matrix products of the array: exact integer block products, FP32 accumulation over blocks in ascending order.

A product has one or two segments that accumulate into the same outputs (the base weight, then the adapter). Each
segment pairs activations with weights in one of two modes:

* N mode, ``y = x W^T``: a weight row is an array column; blocks run along the row.
* T mode, ``y = x W``: the reduction runs over weight rows; blocks of 64 rows.

Every function is bit-exact with ``rtl/systolic/matrix_unit.sv`` for every number of columns and bus width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb.models import fp32
from tb.models.align import BLOCK, EXPONENT_BIAS, align

WEIGHT_WIDTH = 18
WEIGHT_POINT = WEIGHT_WIDTH - 2


@dataclass(frozen=True)
class Codebook:
    """Integer codebook of the array: ``value[code] ~ entries[code] * scale``.

    Attributes:
        entries: int64, shape [16], each within ``+-(2**17 - 1)``.
        scale: float32, what one unit of an entry is worth.
    """

    entries: np.ndarray
    scale: np.float32

    @classmethod
    def from_values(cls, values: np.ndarray) -> Codebook:
        """Scale up to 16 values so that the largest magnitude becomes ``2**17 - 1``; unused entries are zero.

        Raises:
            ValueError: more than 16 values, all zero, or one that is not finite.
        """
        values = np.asarray(values, np.float64)
        peak = np.abs(values).max(initial=0.0)
        if values.ndim != 1 or len(values) > 16 or not np.isfinite(peak) or peak == 0:
            raise ValueError("a codebook has 1 to 16 finite values, not all zero")
        limit = (1 << (WEIGHT_WIDTH - 1)) - 1
        entries = np.zeros(16, np.int64)
        entries[: len(values)] = np.rint(values * (limit / peak))
        return cls(entries, np.float32(peak / limit))


@dataclass(frozen=True)
class CodeWeights:
    """Weights as 4-bit codes with one FP32 scale per block of 64 along a row.

    Attributes:
        codes: uint8 0..15, shape [rows, columns], both multiples of 64.
        absmax: float32, shape [rows, columns / 64].
        codebook: the meaning of the codes.
    """

    codes: np.ndarray
    absmax: np.ndarray
    codebook: Codebook


@dataclass(frozen=True)
class Segment:
    """One product ``activations x weights`` of a sum of products.

    Attributes:
        activations: float32, shape [M, reduction].
        weights: CodeWeights or float32 [rows, columns].
        transpose: False for N mode (weights [outputs, reduction]), True for T mode (weights [reduction, outputs]).
        scale: FP32 factor of the product; only for floating-point weights.
    """

    activations: np.ndarray
    weights: CodeWeights | np.ndarray
    transpose: bool
    scale: float = 1.0


def _pad_blocks(values: np.ndarray, axis: int) -> np.ndarray:
    """Append zeros until the axis is a multiple of 64."""
    missing = -values.shape[axis] % BLOCK
    if not missing:
        return values
    width = [(0, 0)] * values.ndim
    width[axis] = (0, missing)
    return np.pad(values, width)


def _power_of_two(exponent: np.ndarray) -> np.ndarray:
    """``2**(exponent - 127 - WEIGHT_POINT)`` as FP32 from biased exponents; flushed to zero below the normal range."""
    field = np.clip(exponent - WEIGHT_POINT, 0, 254).astype(np.uint32)
    return (field << np.uint32(23)).view(np.float32)


def _column_scale(exponent: np.ndarray, nonfinite: np.ndarray, scale: float) -> np.ndarray:
    """FP32 factor of floating-point weight columns; NaN for a column that holds a non-finite value."""
    factor = fp32.mul(_power_of_two(exponent), np.float32(scale))
    return np.where(nonfinite, np.float32(np.nan), factor)


def _products(segment: Segment, block: int, act_width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Exact integer products of one reduction block.

    Returns:
        int64 sums [M, outputs]; biased activation exponents and non-finite flags that broadcast to it; FP32 column
        factors that broadcast to it.
    """
    activations = _pad_blocks(segment.activations, 1)[:, block * BLOCK : (block + 1) * BLOCK]
    rows = slice(block * BLOCK, (block + 1) * BLOCK)
    weights = segment.weights
    if isinstance(weights, CodeWeights):
        book = weights.codebook
        if not segment.transpose:
            a = align(activations, act_width)
            integers = book.entries[weights.codes[:, rows]]
            factor = fp32.mul(weights.absmax[:, block], book.scale)
            return _exact(a.mantissa, integers.T), a.exponent[:, None], a.nonfinite[:, None], factor[None, :]
        # T mode: the row's scale is folded into the activation, separately for each output block of 64.
        absmax = weights.absmax[rows]
        scaled = fp32.mul(activations[:, None, :], absmax.T[None, :, :])
        a = align(scaled, act_width)
        outputs = weights.codes.shape[1]
        integers = book.entries[weights.codes[rows]].reshape(BLOCK, outputs // BLOCK, BLOCK)
        sums = _exact(a.mantissa.transpose(1, 0, 2), integers.transpose(1, 0, 2)).transpose(1, 0, 2)
        exponent = np.repeat(a.exponent, BLOCK, axis=1)
        nonfinite = np.repeat(a.nonfinite, BLOCK, axis=1)
        return sums.reshape(len(activations), outputs), exponent, nonfinite, np.full((1, 1), book.scale, np.float32)
    a = align(activations, act_width)
    if segment.transpose:
        w = align(_pad_blocks(weights, 0)[rows].T, WEIGHT_WIDTH)
    else:
        w = align(_pad_blocks(weights, 1)[:, rows], WEIGHT_WIDTH)
    factor = _column_scale(w.exponent, w.nonfinite, segment.scale)
    return _exact(a.mantissa, w.mantissa.T), a.exponent[:, None], a.nonfinite[:, None], factor[None, :]


def _exact(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Integer matrix product through float64 BLAS: exact, because every partial sum is below 2**53."""
    return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)


def gemm(segments: list[Segment], act_width: int) -> np.ndarray:
    """Sum of the segments' products as the array computes it.

    Each block product is exact; it is rounded to FP32, multiplied by its column's factor and accumulated in FP32,
    segment after segment and block after block. A block with a NaN or infinity makes its outputs NaN.

    Args:
        segments: one or more, with the same number of activation rows and outputs.
        act_width: activation mantissa width in bits, 18 or 25.

    Returns:
        float32 [M, outputs].

    Raises:
        ValueError: shapes disagree.
    """
    total: np.ndarray | None = None
    for segment in segments:
        shape = segment.weights.codes.shape if isinstance(segment.weights, CodeWeights) else segment.weights.shape
        reduction, outputs = shape if segment.transpose else shape[::-1]
        rows, length = segment.activations.shape
        if -(-length // BLOCK) != -(-reduction // BLOCK):
            raise ValueError(f"activations [{rows}, {length}] do not match a reduction of {reduction}")
        for block in range(-(-reduction // BLOCK)):
            sums, exponent, nonfinite, factor = _products(segment, block, act_width)
            term = fp32.from_int(sums, np.broadcast_to(exponent - EXPONENT_BIAS - (act_width - 2), sums.shape))
            term = np.where(nonfinite, np.float32(np.nan), term)
            term = fp32.mul(term, np.broadcast_to(factor, term.shape))
            if total is None:
                total = np.zeros((rows, outputs), np.float32)
            if total.shape != term.shape:
                raise ValueError(f"segments give outputs of shape {total.shape} and {term.shape}")
            total = fp32.add(total, term)
    if total is None:
        raise ValueError("a product needs at least one segment")
    return total
