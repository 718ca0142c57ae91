"""Matrix products of the array: exact integer block products, FP32 accumulation over blocks in ascending order.

A product has one or two segments that accumulate into the same outputs (the base weight, then the adapter). Each
segment pairs activations with weights in one of two modes:

* N mode, ``y = x W^T``: a weight row is an array column; blocks run along the row.
* T mode, ``y = x W``: the reduction runs over weight rows; blocks of 64 rows.

Every function is bit-exact with ``rtl/systolic/matrix_unit.sv`` for every number of columns and bus width.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        entries: int64, shape [16], each within ``+-(2**17 - 1)``; of 8-bit integers [256], the integers by their bits.
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


def integers(scale: np.float32) -> Codebook:
    """8-bit integers as a codebook: each by its bits."""
    return Codebook(np.arange(256).astype(np.int8).astype(np.int64), scale)


@dataclass(frozen=True)
class CodeWeights:
    """Weights as codes with one FP32 scale per block of 64 along a row.

    Attributes:
        codes: uint8, places in the codebook, shape [rows, columns], both multiples of 64.
        absmax: float32, shape [rows, columns / 64].
        codebook: the meaning of the codes.
    """

    codes: np.ndarray
    absmax: np.ndarray
    codebook: Codebook


@dataclass(frozen=True)
class FloatWeights:
    """Floating-point weights as the array holds them: blocks along the reduction, aligned.

    Attributes:
        mantissa: whole numbers in float32, shape [blocks, 64, outputs].
        unit: float32, shape [blocks, outputs], what one of them is worth; NaN for a block that is not finite.
    """

    mantissa: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, transpose: bool) -> FloatWeights:
        """From float32 [outputs, reduction] (N mode) or [reduction, outputs] (T mode)."""
        columns = _blocks(weights.T if transpose else weights)
        w = align(columns, WEIGHT_WIDTH)
        unit = np.where(w.nonfinite, np.float32(np.nan), _power_of_two(w.exponent))
        return cls(np.ascontiguousarray(w.mantissa.transpose(1, 2, 0), np.float32), np.ascontiguousarray(unit.T))


@dataclass(frozen=True)
class Segment:
    """One product ``activations x weights`` of a sum of products.

    Attributes:
        activations: float32, shape [M, reduction].
        weights: CodeWeights or float32 [rows, columns], or the latter made into FloatWeights of the same mode.
        transpose: False for N mode (weights [outputs, reduction]), True for T mode (weights [reduction, outputs]).
        scale: FP32 factor of the product; only for floating-point weights.
    """

    activations: np.ndarray
    weights: CodeWeights | FloatWeights | np.ndarray
    transpose: bool
    scale: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Blocks of the reduction, and outputs."""
        weights = self.weights
        if isinstance(weights, FloatWeights):
            return weights.unit.shape
        rows, columns = weights.codes.shape if isinstance(weights, CodeWeights) else weights.shape
        reduction, outputs = (rows, columns) if self.transpose else (columns, rows)
        return -(-reduction // BLOCK), outputs


# Of one block of the reduction: exact integer sums [M, outputs] in float64; the powers of two that they are multiplied
# with, float64, NaN for a block that is not finite; FP32 factors of the columns. The latter two broadcast to the sums.
_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _blocks(values: np.ndarray) -> np.ndarray:
    """Rows cut into blocks of 64, the last one filled up with zeros: [rows, blocks, 64]."""
    rows, length = values.shape
    return np.pad(values, ((0, 0), (0, -length % BLOCK))).reshape(rows, -1, BLOCK)


def _power_of_two(exponent: np.ndarray) -> np.ndarray:
    """``2**(exponent - 127 - WEIGHT_POINT)`` as FP32 from biased exponents; flushed to zero below the normal range."""
    field = np.clip(exponent - WEIGHT_POINT, 0, 254).astype(np.uint32)
    return (field << np.uint32(23)).view(np.float32)


def _aligned(values: np.ndarray, act_width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mantissas [..., 64] of activations and what one unit of them is worth [...], NaN if the block is not finite."""
    a = align(values, act_width)
    unit = np.ldexp(1.0, a.exponent - EXPONENT_BIAS - (act_width - 2))
    return a.mantissa, np.where(a.nonfinite, np.nan, unit)


def _side_by_side(sums: np.ndarray) -> np.ndarray:
    """Output blocks [blocks, M, 64] as one array [M, outputs]."""
    return sums.swapaxes(0, 1).reshape(sums.shape[1], -1)


def _products(segment: Segment, act_width: int) -> Iterator[_Block]:
    """The blocks of a segment in ascending order. Sums are exact in float64: every partial sum is below 2**53."""
    blocks = _blocks(segment.activations)
    weights = segment.weights
    if isinstance(weights, CodeWeights) and segment.transpose:
        yield from _scaled_products(blocks, weights, act_width)
        return
    mantissa, unit = (part.swapaxes(0, 1) for part in _aligned(blocks, act_width))
    if isinstance(weights, CodeWeights):
        entries = weights.codebook.entries.astype(np.float64)
        factor = fp32.mul(weights.absmax, weights.codebook.scale).T
        for block, row_unit in enumerate(unit):
            columns = entries[weights.codes[:, block * BLOCK : (block + 1) * BLOCK]].reshape(-1, BLOCK, BLOCK)
            sums = mantissa[block] @ columns.swapaxes(1, 2)
            yield _side_by_side(sums), row_unit[:, None], factor[block]
        return
    if not isinstance(weights, FloatWeights):
        weights = FloatWeights.of(weights, segment.transpose)
    factor = fp32.mul(weights.unit, np.float32(segment.scale))
    for block, row_unit in enumerate(unit):
        yield mantissa[block] @ weights.mantissa[block].astype(np.float64), row_unit[:, None], factor[block]


def _scaled_products(blocks: np.ndarray, weights: CodeWeights, act_width: int) -> Iterator[_Block]:
    """T mode of codes: the row's scale is folded into the activation, separately for each output block of 64."""
    entries = weights.codebook.entries.astype(np.float64)
    factor = fp32.flush(weights.codebook.scale)
    for block in range(blocks.shape[1]):
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        # [output blocks, M, 64 rows] x [output blocks, 64 rows, 64 columns]
        scaled = fp32.mul(blocks[None, :, block], weights.absmax[rows].T[:, None, :])
        mantissa, unit = _aligned(scaled, act_width)
        columns = entries[weights.codes[rows]].reshape(BLOCK, -1, BLOCK).swapaxes(0, 1)
        yield _side_by_side(mantissa @ columns), np.repeat(unit.T, BLOCK, axis=1), factor


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
    if not segments:
        raise ValueError("a product needs at least one segment")
    shapes = [(len(segment.activations), segment.shape[1]) for segment in segments]
    if len(set(shapes)) > 1:
        raise ValueError(f"segments give outputs of shapes {shapes}")
    for segment in segments:
        rows, length = segment.activations.shape
        if -(-length // BLOCK) != segment.shape[0]:
            raise ValueError(f"activations [{rows}, {length}] do not match a reduction of {segment.shape[0]} blocks")
    total = np.zeros(shapes[0])
    for segment in segments:
        for sums, unit, factor in _products(segment, act_width):
            # The operands are never subnormal here, so the FP32 units' operations are one rounding each.
            with np.errstate(invalid="ignore", over="ignore"):
                term = fp32.round_to_fp32(sums * unit)
                term = fp32.round_to_fp32(term * factor.astype(np.float64))
                total = fp32.round_to_fp32(total + term).astype(np.float64)
    return total.astype(np.float32)
