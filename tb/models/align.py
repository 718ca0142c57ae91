"""Block alignment: 64 FP32 values become integers with one shared exponent.

This is the only place where the matrix path loses precision before the exact integer product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 64
MANTISSA_BITS = 24
EXPONENT_BIAS = 127


class Aligned(NamedTuple):
    """Blocks of integers that share an exponent.

    The value of an element is ``mantissa * 2**(exponent - 127 - (width - 2))``.

    Attributes:
        mantissa: whole numbers in float64, shape [..., 64], magnitude at most ``2**(width - 1) - 1``.
        exponent: int64, shape [...], biased FP32 exponent of the largest magnitude in the block, 0 when all are zero.
        nonfinite: bool, shape [...], the block holds a NaN or an infinity; its mantissas are zero then.
    """

    mantissa: np.ndarray
    exponent: np.ndarray
    nonfinite: np.ndarray


def align(values: np.ndarray, width: int) -> Aligned:
    """Align blocks of 64 FP32 values to signed ``width``-bit integers.

    The largest element keeps ``width - 1`` magnitude bits; smaller ones are shifted right and rounded to nearest even.
    Rounding that would carry out of the largest magnitude saturates. Subnormals count as zero.

    Args:
        values: float32, shape [..., 64].
        width: mantissa width with sign, 2 to 25.

    Raises:
        ValueError: the last axis is not 64 long, or the width is out of range.
    """
    if values.shape[-1] != BLOCK:
        raise ValueError(f"blocks have {BLOCK} values, got {values.shape[-1]}")
    if not 2 <= width <= MANTISSA_BITS + 1:
        raise ValueError(f"width {width} is not in 2..{MANTISSA_BITS + 1}")
    values = np.ascontiguousarray(values, np.float32)
    exponents = values.view(np.uint32) >> np.uint32(23) & np.uint32(0xFF)
    largest = exponents.max(axis=-1, initial=0).astype(np.int64)
    nonfinite = largest == 255
    zero = (exponents == 0) | nonfinite[..., None]
    # A power of two changes no bit of a float64, so this rounds once, to nearest even.
    unit = np.ldexp(1.0, np.where(nonfinite, 0, width - 2 + EXPONENT_BIAS - largest))
    rounded = np.rint(np.where(zero, 0, values).astype(np.float64) * unit[..., None])
    limit = (1 << (width - 1)) - 1
    return Aligned(np.clip(rounded, -limit, limit, out=rounded), largest, nonfinite)
