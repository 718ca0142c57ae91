"""Bound on the difference between the array's results and exact arithmetic, derived in docs/numerics.md.

It follows each rounding of ``tb.models.matrix.gemm`` and is evaluated on the data, so it holds for every output.
"""

from __future__ import annotations

import numpy as np

from tb.models.align import BLOCK
from tb.models.matrix import WEIGHT_WIDTH, CodeWeights, Segment

UNIT = 2.0**-24  # unit roundoff of FP32
TINY = 2.0**-126  # what one flush to zero can lose
# Rounded steps of one block's term: a T tile's scaled activation, integer to FP32, the factor, the product.
TERM_ROUNDINGS = 4


def _unit_of(values: np.ndarray, width: int) -> np.ndarray:
    """Largest error of aligning blocks of magnitudes [..., 64] to ``width`` bits."""
    largest = values.max(axis=-1, initial=0.0)
    _, exponent = np.frexp(np.maximum(largest, TINY))  # largest = f * 2**exponent, 0.5 <= f < 1
    unit = np.ldexp(1.0, exponent - 1 - (width - 2))
    # Half a unit from rounding; a whole one where rounding can saturate, which needs discarded bits.
    return np.where(largest > 0, unit * (0.5 if width == 25 else 1.0), 0.0) + TINY


def _pad(values: np.ndarray, axis: int) -> np.ndarray:
    width = [(0, 0)] * values.ndim
    width[axis] = (0, -values.shape[axis] % BLOCK)
    return np.pad(values, width)


def error_bound(segments: list[Segment], act_width: int, codebook_values: np.ndarray) -> np.ndarray:
    """Largest possible ``|gemm(segments) - exact|`` for every output.

    "Exact" means the product of the given activations with ``codebook_values[code] * absmax`` (or with the given
    floating-point weights), times the segment's scale, in real arithmetic.

    Args:
        segments: as for ``gemm``; finite values.
        act_width: activation mantissa width in bits.
        codebook_values: real meaning of the codes.

    Returns:
        float64 [M, outputs].
    """
    bound, magnitude, blocks = 0.0, 0.0, 0
    for segment in segments:
        a = np.abs(_pad(segment.activations.astype(np.float64), 1))
        weights = segment.weights
        for block in range(a.shape[1] // BLOCK):
            rows = slice(block * BLOCK, (block + 1) * BLOCK)
            act = a[:, rows]
            factor: np.ndarray | float
            if isinstance(weights, CodeWeights):
                book = weights.codebook
                wrong = np.abs(book.entries[: len(codebook_values)] * np.float64(book.scale) - codebook_values).max()
                values = np.abs(np.asarray(codebook_values, np.float64))
                if segment.transpose:
                    # Each 64 outputs meet activations scaled by their own absmax.
                    parts = [
                        _block_bound(
                            act * np.abs(weights.absmax[rows, k].astype(np.float64)),
                            values[weights.codes[rows, k * BLOCK : (k + 1) * BLOCK]],
                            np.full(BLOCK, wrong),
                            act_width,
                        )
                        for k in range(weights.absmax.shape[1])
                    ]
                    term, size = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
                    factor = 1.0
                else:
                    w = values[weights.codes[:, rows]].T
                    term, size = _block_bound(act, w, np.full(w.shape[1], wrong), act_width)
                    factor = np.abs(weights.absmax[:, block].astype(np.float64))
            else:
                w = np.abs(weights.astype(np.float64))
                w = _pad(w, 0)[rows] if segment.transpose else _pad(w, 1)[:, rows].T
                term, size = _block_bound(act, w, _unit_of(w.T, WEIGHT_WIDTH), act_width)
                factor = abs(float(np.float32(segment.scale)))
            bound = bound + (term + TERM_ROUNDINGS * UNIT * (1 + 8 * UNIT) * size) * factor + 4 * TINY
            magnitude = magnitude + size * factor * (1 + 8 * UNIT)
            blocks += 1
    growth = blocks * UNIT / (1 - blocks * UNIT)
    return bound + growth * (magnitude + bound) + blocks * TINY


def _block_bound(act: np.ndarray, w: np.ndarray, w_error: np.ndarray, act_width: int) -> tuple[np.ndarray, np.ndarray]:
    """Error and size of one block product.

    Args:
        act: magnitudes [M, 64]; w: magnitudes [64, outputs]; w_error: largest weight error [outputs].

    Returns:
        bound on the error of the integer product's value, and on its magnitude, both [M, outputs].
    """
    # A T tile's activations carry one more rounding than `act`, which may lift the block's exponent.
    a_error = _unit_of(act * (1 + UNIT), act_width)
    error = act.sum(axis=1)[:, None] * w_error + a_error[:, None] * w.sum(axis=0) + BLOCK * a_error[:, None] * w_error
    return error, act @ w + error
