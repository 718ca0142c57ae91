"""Bound on the difference between the array's results and exact arithmetic, derived in docs/numerics.md.

It follows each rounding, flush to zero and possible overflow of ``tb.models.matrix.gemm`` and is evaluated on the data,
so it holds for every output. It takes nothing from the model but the format of its operands.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb.models.align import BLOCK
from tb.models.matrix import WEIGHT_WIDTH, CodeWeights, Segment

Float64 = NDArray[np.float64]
UNIT = 2.0**-24  # unit roundoff of FP32
TINY = 2.0**-126  # smaller numbers are read as zero, and results rounded to zero
SECOND_ORDER = 1 + 8 * UNIT  # covers products of a term's roundings with each other, and those of float64 here
NO_OVERFLOW = float(np.finfo(np.float32).max) / SECOND_ORDER  # what is at most this is finite after its roundings
LARGEST_ENTRY = 2 ** (WEIGHT_WIDTH - 1) - 1  # of the codebook; it stands for the largest value
# Rounded steps of one block's term: the codebook scale and either the factor (N) or the scaled activation (T), or just
# the factor for floating-point weights; integer to FP32; the product.
TERM_ROUNDINGS = 4


class _Operands(NamedTuple):
    """Magnitudes of one block's operands, in float64: the integers stand for a * w, the FP32 factor for unit * scale.

    Attributes:
        a: activations [M, 64], scaled ones in a T tile of codes.
        a_error: of their integers, infinite where the scaling overflows.
        w: weights without their scale [64, outputs].
        w_error: of their integers, broadcasts to w.
        unit: worth of one unit of a weight's integer, broadcasts to [outputs].
        scale: what the weights are multiplied by, broadcasts to [outputs].
        flushed: whether the factor may be zero by a flush, broadcasts to [outputs].
    """

    a: Float64
    a_error: Float64
    w: Float64
    w_error: Float64
    unit: Float64
    scale: Float64
    flushed: NDArray[np.bool_]


def _flushed(*values: Float64 | float) -> NDArray[np.bool_]:
    """Whether reading or rounding one of the magnitudes may give zero; they broadcast to one shape."""
    return np.asarray(reduce(np.minimum, values) < TINY)


def _unit(values: Float64, width: int) -> Float64:
    """Worth of one unit of the integers of aligned blocks of magnitudes [..., 64]; shape [..., 1]."""
    largest = np.maximum(values.max(axis=-1, keepdims=True, initial=0.0), TINY)
    _, exponent = np.frexp(largest)  # largest = f * 2**exponent, 0.5 <= f < 1
    return np.ldexp(1.0, exponent - 1 - (width - 2))


def _align_error(values: Float64, width: int) -> Float64:
    """Largest error of aligning blocks of magnitudes [..., 64] to ``width`` bits, per element."""
    # Half a unit from rounding; a whole one where rounding can saturate, which needs discarded bits. Zero is always
    # an integer nearby, so no element loses more than itself.
    rounding = _unit(values, width) * (0.5 if width == 25 else 1.0)
    return np.where(_flushed(values), values, np.minimum(values, rounding))


def _pad(values: Float64, axis: int) -> Float64:
    width = [(0, 0)] * values.ndim
    width[axis] = (0, -values.shape[axis] % BLOCK)
    return np.pad(values, width)


def _blocks(segment: Segment, act_width: int, codebook_values: Float64) -> Iterator[list[_Operands]]:
    """Operands of each block of the reduction; a T tile's outputs come in parts of 64, each with its activations."""
    activations = _pad(np.abs(segment.activations.astype(np.float64)), 1)
    weights = segment.weights
    for block in range(activations.shape[1] // BLOCK):
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        a = activations[:, rows]
        if not isinstance(weights, CodeWeights):
            values = np.abs(weights.astype(np.float64))
            w = _pad(values, 0)[rows].T if segment.transpose else _pad(values, 1)[:, rows]
            unit, scale = _unit(w, WEIGHT_WIDTH)[:, 0], np.abs(np.float64(np.float32(segment.scale)))
            w_error = _align_error(w, WEIGHT_WIDTH).T
            flushed = _flushed(unit, scale, unit * scale)
            yield [_Operands(a, _align_error(a, act_width), w.T, w_error, unit, scale, flushed)]
            continue
        book = np.abs(codebook_values)
        unit = book.max() / LARGEST_ENTRY
        absmax = np.abs(weights.absmax.astype(np.float64))
        if not segment.transpose:
            scale = absmax[:, block]
            flushed = _flushed(unit, scale, unit * scale / SECOND_ORDER)  # the unit was rounded before
            w = book[weights.codes[:, rows]].T
            yield [_Operands(a, _align_error(a, act_width), w, 0.5 * unit, unit, scale, flushed)]
            continue
        parts = []
        for k in range(absmax.shape[1]):
            scaled = a * absmax[rows, k]
            # The rounding of the scaled activation may lift the block's exponent.
            error = _align_error(scaled * (1 + UNIT), act_width)
            error = np.where(_flushed(a, absmax[rows, k], scaled), scaled, error)
            error = np.where(scaled <= NO_OVERFLOW, error, np.inf)
            w = book[weights.codes[rows, k * BLOCK : (k + 1) * BLOCK]]
            parts.append(_Operands(scaled, error, w, 0.5 * unit, unit, 1.0, _flushed(unit)))
        yield parts


def _term(of: _Operands) -> tuple[Float64, Float64]:
    """Largest error and largest exact magnitude of one block's term [M, outputs]; an error of inf: may overflow."""
    w_error = np.broadcast_to(of.w_error, of.w.shape)
    magnitude = of.a @ of.w
    error = of.a_error @ (of.w + w_error) + of.a @ w_error
    size = magnitude + error
    factor = of.unit * of.scale
    bound = np.maximum(error + TERM_ROUNDINGS * UNIT * SECOND_ORDER * size, of.flushed * magnitude) * of.scale
    bound = bound + TINY * factor * SECOND_ORDER + TINY  # flushes of the integer's conversion and of the product
    fits = (size / of.unit <= NO_OVERFLOW) & (factor <= NO_OVERFLOW)  # false for NaN too
    return np.where(fits, bound, np.inf), magnitude * of.scale


def error_bound(segments: list[Segment], act_width: int, codebook_values: np.ndarray) -> Float64:
    """Largest possible ``|gemm(segments) - exact|`` for every output.

    "Exact" means the product of the given activations with ``codebook_values[code] * absmax`` (or with the given
    floating-point weights times the segment's scale), in real arithmetic.

    Args:
        segments: as for ``gemm``; codebooks made by ``Codebook.from_values(codebook_values)``.
        act_width: activation mantissa width in bits, 18 or 25.
        codebook_values: real meaning of the codes.

    Returns:
        float64 [M, outputs]. Infinite where an operand is not finite, or where the operands' magnitudes do not exclude
        an overflow of the result or of an intermediate value; where the bound is finite, so is the result.
    """
    bound, magnitude, blocks = 0.0, 0.0, 0
    with np.errstate(invalid="ignore"):
        for segment in segments:
            for parts in _blocks(segment, act_width, np.asarray(codebook_values, np.float64)):
                term, size = (np.concatenate(part, axis=1) for part in zip(*map(_term, parts), strict=True))
                bound, magnitude, blocks = bound + term, magnitude + size, blocks + 1
        # The first term is added to zero, exactly; each other addition rounds once and may flush.
        growth = (blocks - 1) * UNIT / (1 - (blocks - 1) * UNIT)
        bound = bound + growth * (magnitude + bound) + (blocks - 1) * TINY * (1 + growth)
    return np.where(magnitude + bound <= NO_OVERFLOW, bound, np.inf)
