"""Golden model of the FP32 units in ``rtl/common``: bit-exact, vectorized, pure NumPy.

Rules (``rtl/common/fp32_pkg.sv``): IEEE 754-2019 binary32, round to nearest even; subnormal operands are read as zero
of their sign; a result whose value, rounded to 24 significant bits with unbounded exponent, lies below 2**-126 becomes
zero of its sign; NaN results are ``CANONICAL_NAN``; infinities propagate as in the standard.

Every function takes float32 arrays of any broadcastable shapes and returns float32, except where bits are said. Results
do not depend on the processor's own subnormal mode: float32 appears only as storage, arithmetic is float64.

Why float64 is enough: a product of two 24-bit significands has 48 bits and is exact; a sum rounded to 53 bits and then
to 24 equals the sum rounded once, since 53 >= 2 * 24 + 2 (Figueroa 1995), and a sum below 2**-126 is a multiple of
2**-149 and exact. The rounded value is below 2**-126 exactly when the unrounded one is below ``FLUSH_BELOW``, halfway
between 2**-126 and the largest 24-bit number under it; the tie goes to 2**-126, whose significand is even.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MIN_NORMAL = 2.0**-126
FLUSH_BELOW = 2.0**-126 - 2.0**-151
CANONICAL_NAN = np.uint32(0x7FC00000)
CANONICAL_NAN_FP16 = np.uint16(0x7E00)
CANONICAL_NAN_BF16 = np.uint16(0x7FC0)


def to_bits(x: ArrayLike) -> NDArray[np.uint32]:
    """Bits of float32 values."""
    return np.asarray(x, dtype=np.float32).view(np.uint32)


def from_bits(bits: ArrayLike) -> Float32:
    """float32 values of bit patterns; any integer type holding 0 to 2**32 - 1."""
    return np.asarray(bits).astype(np.uint32).view(np.float32)


def flush(x: ArrayLike) -> Float32:
    """Operands as the units read them: subnormals replaced by zero of their sign."""
    bits = to_bits(x)
    subnormal = (bits & np.uint32(0x7F800000)) == 0
    return np.where(subnormal, bits & np.uint32(0x80000000), bits).view(np.float32)


def round_to_fp32(x: Float64) -> Float32:
    """Round float64 to FP32 once: nearest even, below 2**-126 to signed zero, NaN canonical.

    Args:
        x: exact values, or values for which a second rounding does no harm (see the module's text).
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        rounded = x.astype(np.float32)
        small, nan = np.abs(x) < FLUSH_BELOW, np.isnan(x)
    if small.any():
        rounded = np.where(small, np.copysign(np.float32(0), rounded), rounded)
    if nan.any():
        rounded = np.where(nan, CANONICAL_NAN.view(np.float32), rounded)
    return rounded


def mul(a: ArrayLike, b: ArrayLike) -> Float32:
    """``fp32_mul``: a * b."""
    with np.errstate(invalid="ignore"):
        return round_to_fp32(flush(a).astype(np.float64) * flush(b).astype(np.float64))


def add(a: ArrayLike, b: ArrayLike) -> Float32:
    """``fp32_add``: a + b; x + (-x) is +0."""
    with np.errstate(invalid="ignore"):
        return round_to_fp32(flush(a).astype(np.float64) + flush(b).astype(np.float64))


def from_int(value: ArrayLike, exponent: ArrayLike = 0, nan: ArrayLike = False) -> Float32:
    """``int_to_fp32``: value * 2**exponent, rounded once.

    Args:
        value: integers of at most 64 bits, signed.
        exponent: -512 to 511.
        nan: True gives the canonical NaN.
    """
    value = np.asarray(value, dtype=np.int64)
    # Halves of 32 bits are exact in float64. Where the upper half alone fills float64, the lower one can only be a
    # sticky bit: rounding it to odd keeps the later rounding to 24 bits right.
    high, low = value >> 32, value & 0xFFFFFFFF
    wide = (high >= 2**20) | (high < -(2**20))
    sticky = ((low & 0xFFFF) != 0).astype(np.int64) << 16
    low = np.where(wide, (low & ~np.int64(0x1FFFF)) | (low & 0x10000) | sticky, low)
    exact = high.astype(np.float64) * 2.0**32 + low.astype(np.float64)
    scaled = np.ldexp(exact, np.asarray(exponent, dtype=np.int32))
    return round_to_fp32(np.where(np.asarray(nan, dtype=bool), np.nan, scaled))


def from_fp16(bits: ArrayLike) -> Float32:
    """``fp16_to_fp32``: exact, subnormals included; ``bits`` are uint16 patterns or float16 values."""
    x = np.asarray(bits)
    half = x if x.dtype == np.float16 else x.astype(np.uint16).view(np.float16)
    wide = half.astype(np.float32).view(np.uint32)
    return np.where(np.isnan(half), CANONICAL_NAN, wide).view(np.float32)


def to_fp16(x: ArrayLike) -> NDArray[np.uint16]:
    """``fp32_to_fp16``: FP16 bits, nearest even, subnormal results kept, overflow to infinity, NaN 0x7E00."""
    x = flush(x)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        bits = x.astype(np.float16).view(np.uint16)
    return np.where(np.isnan(x), CANONICAL_NAN_FP16, bits)


def from_bf16(bits: ArrayLike) -> Float32:
    """``bf16_to_fp32``: uint16 patterns to float32, exact; subnormals stay subnormal, NaN canonical."""
    wide = np.asarray(bits).astype(np.uint32) << np.uint32(16)
    return np.where(np.isnan(wide.view(np.float32)), CANONICAL_NAN, wide).view(np.float32)


def to_bf16(x: ArrayLike) -> NDArray[np.uint16]:
    """``fp32_to_bf16``: BF16 bits, nearest even, subnormal operands read as zero, overflow to infinity, NaN 0x7FC0."""
    bits = to_bits(flush(x))
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(bits.view(np.float32)), CANONICAL_NAN_BF16, rounded.astype(np.uint16))
