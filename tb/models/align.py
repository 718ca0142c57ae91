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
        mantissa: int64, shape [..., 64], magnitude at most ``2**(width - 1) - 1``.
        exponent: int64, shape [...], biased FP32 exponent of the largest magnitude in the block, 0 when all are zero.
        nonfinite: bool, shape [...], the block holds a NaN or an infinity; its mantissas mean nothing then.
    """

    mantissa: np.ndarray
    exponent: np.ndarray
    nonfinite: np.ndarray


def shift_right_rne(value: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Divide non-negative integers by ``2**shift``, rounding to nearest, ties to even.

    Args:
        value: int64, non-negative.
        shift: int64, 0 to 62, broadcast against ``value``.
    """
    quotient = value >> shift
    remainder = value - (quotient << shift)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), np.int64(1) << 62)
    up = (remainder > half) | ((remainder == half) & ((quotient & 1) == 1))
    return quotient + up


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
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    exponent = ((bits >> 23) & 0xFF).astype(np.int64)
    fraction = (bits & 0x7FFFFF).astype(np.int64)
    magnitude = np.where(exponent > 0, fraction | (1 << 23), 0)
    largest = exponent.max(axis=-1, initial=0)
    shift = largest[..., None] - exponent + (MANTISSA_BITS - (width - 1))
    rounded = shift_right_rne(magnitude, np.minimum(shift, 31))
    rounded = np.minimum(rounded, (1 << (width - 1)) - 1)
    mantissa = np.where(bits >> 31 != 0, -rounded, rounded)
    return Aligned(mantissa, largest, largest == 255)
