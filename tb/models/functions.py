"""Exponential, reciprocal and reciprocal square root as the vector unit computes them, bit for bit.

One interpolator serves all three: a mantissa's top bits choose a segment, in which a quadratic with integer
coefficients gives the result's mantissa; the exponent is handled beside it. Operands and results are FP32 under the
rules of the FP32 units: subnormals count as zero, results below 2**-126 are zero, every NaN is the canonical one.

Write ``u`` for the position in a segment, an integer of ``POSITION_BITS`` bits with sign that stands for ``u / 2**18``
of its width, from its middle. The result's mantissa, an integer of ``MANTISSA_BITS`` bits, is

    c0 + ((c1 u + c2 (u**2 >> 18)) >> SUM_SHIFT)        both shifts rounding towards minus infinity

and is rounded to 24 bits, to nearest even. Every result lies within one unit in the last place of the exact value
(``tb/models/test_functions.py`` has the bound and tries every mantissa).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb.models import fp32

SEGMENT_BITS = 7
SEGMENTS = 1 << SEGMENT_BITS
POSITION_BITS = 18
# Fraction bits of c1 and c2 beyond those of c0, as position fractions: c1 u has 2 + 18 more than c0.
COEFFICIENT_FRACTION = 2
SUM_SHIFT = POSITION_BITS + COEFFICIENT_FRACTION
# Result mantissas lie between 2**27 and 2**28 and are rounded to 24 bits.
MANTISSA_BITS = 28

# log2(e) in units of 2**-LOG2E_POINT, and the fraction bits of x * log2(e): segment and position.
LOG2E_POINT = 33
EXP_FRACTION = SEGMENT_BITS + POSITION_BITS
_PRECISION = 60  # decimal digits, far beyond what is kept


@dataclass(frozen=True)
class Table:
    """Coefficients of one function: int64, shape [SEGMENTS]."""

    c0: np.ndarray
    c1: np.ndarray
    c2: np.ndarray


def _fit(function: Callable[[Decimal], Decimal]) -> Table:
    """Quadratics through the Chebyshev nodes of each segment of [1, 2), which is near the best there is.

    Args:
        function: from a mantissa in [1, 2) to the result in units of the result's mantissa.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        node = Decimal(3).sqrt() / 4  # zeros of the cubic Chebyshev polynomial on [-1/2, 1/2]
        rows = []
        for segment in range(SEGMENTS):
            middle = 1 + (Decimal(segment) + Decimal("0.5")) / SEGMENTS
            low, mid, high = (function(middle + t / SEGMENTS) for t in (-node, Decimal(0), node))
            scale = 1 << COEFFICIENT_FRACTION
            linear = (high - low) / (2 * node) * scale
            square = (high + low - 2 * mid) / (2 * node * node) * scale
            # u**2 >> 18 is the square in units of 2**-18, and both shifts lose half a unit on average.
            rows.append([int(value.to_integral_value()) for value in (mid + Decimal("0.5"), linear, square)])
    return Table(*np.array(rows, np.int64).T)


@cache
def tables() -> dict[str, Table]:
    """The four tables by name; "rsqrt_odd" serves mantissas that stand for [2, 4)."""
    top = Decimal(1 << MANTISSA_BITS)
    with localcontext() as context:
        context.prec = _PRECISION
        log2 = Decimal(2).ln()
    return {
        "exp2": _fit(lambda m: top / 2 * ((m - 1) * log2).exp()),
        "reciprocal": _fit(lambda m: top / m),
        "rsqrt": _fit(lambda m: top / m.sqrt()),
        "rsqrt_odd": _fit(lambda m: top / (2 * m).sqrt()),
    }


@cache
def log2e() -> int:
    """log2(e) as an integer of LOG2E_POINT + 1 bits."""
    with localcontext() as context:
        context.prec = _PRECISION
        return int(((1 << LOG2E_POINT) / Decimal(2).ln()).to_integral_value())


def polynomial(table: Table, segment: np.ndarray, position: np.ndarray) -> NDArray[np.int64]:
    """The quadratic with all its SUM_SHIFT more fraction bits; arguments as of ``interpolate``."""
    square = (position * position) >> POSITION_BITS
    return (table.c0[segment] << SUM_SHIFT) + table.c1[segment] * position + table.c2[segment] * square


def unrounded(table: Table, segment: np.ndarray, position: np.ndarray) -> NDArray[np.int64]:
    """Result mantissas of MANTISSA_BITS bits; arguments as of ``interpolate``."""
    return polynomial(table, segment, position) >> SUM_SHIFT


def interpolate(table: Table, segment: np.ndarray, position: np.ndarray) -> NDArray[np.int64]:
    """Result mantissas of 24 bits, rounded to nearest even: integers from 2**23 to 2**24.

    Args:
        segment: 0 to SEGMENTS - 1.
        position: signed, POSITION_BITS wide.
    """
    value = unrounded(table, segment, position)
    dropped = MANTISSA_BITS - 24
    return (value + (1 << (dropped - 1)) - 1 + (value >> dropped & 1)) >> dropped


def _pack(sign: np.ndarray, exponent: np.ndarray, mantissa: np.ndarray) -> fp32.Float32:
    """``mantissa * 2**(exponent - 23)`` as FP32, mantissa from 2**23 to 2**24."""
    value = np.ldexp(mantissa.astype(np.float64), (exponent - 23).astype(np.int32))
    return fp32.round_to_fp32(np.where(sign, -value, value))


def _fields(x: ArrayLike) -> tuple[np.ndarray, ...]:
    """Sign, biased exponent, 23-bit fraction as int64, and whether the value is a NaN, an infinity, or (like) zero."""
    bits = fp32.to_bits(x)
    exponent, fraction = (bits >> 23 & 0xFF).astype(np.int64), (bits & 0x7FFFFF).astype(np.int64)
    top = exponent == 255
    return (bits >> 31).astype(bool), exponent, fraction, top & (fraction != 0), top & (fraction == 0), exponent == 0


def locate(fraction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Segment and position of a 23-bit fraction."""
    low = 23 - SEGMENT_BITS
    position = (fraction & ((1 << low) - 1)) - (1 << (low - 1))
    return fraction >> low, position << (POSITION_BITS - low)


def _special(result: np.ndarray, *cases: tuple[np.ndarray, float | np.ndarray]) -> fp32.Float32:
    """Replace results; the first case that holds counts."""
    for condition, value in reversed(cases):
        result = np.where(condition, np.asarray(value, np.float32), result)
    return np.where(np.isnan(result), fp32.CANONICAL_NAN, fp32.to_bits(result)).astype(np.uint32).view(np.float32)


def reciprocal(x: ArrayLike) -> fp32.Float32:
    """1 / x; the reciprocal of zero is infinity with its sign. Error below 1 ulp."""
    sign, exponent, fraction, nan, infinity, zero = _fields(x)
    mantissa = interpolate(tables()["reciprocal"], *locate(fraction))
    result = _pack(sign, 126 - exponent, mantissa)
    signed = np.where(sign, -1.0, 1.0)
    return _special(result, (nan, np.nan), (infinity, signed * 0.0), (zero, signed * np.inf))


def rsqrt(x: ArrayLike) -> fp32.Float32:
    """1 / sqrt(x); NaN below zero, infinity with its sign for zero. Error below 1 ulp."""
    sign, exponent, fraction, nan, infinity, zero = _fields(x)
    segment, position = locate(fraction)
    odd = exponent % 2 == 0  # of the exponent without its bias of 127
    even_mantissa = interpolate(tables()["rsqrt"], segment, position)
    odd_mantissa = interpolate(tables()["rsqrt_odd"], segment, position)
    half = (exponent - 127 - odd) >> 1
    result = _pack(np.zeros_like(sign), -1 - half, np.where(odd, odd_mantissa, even_mantissa))
    signed = np.where(sign, -1.0, 1.0)
    return _special(result, (nan, np.nan), (zero, signed * np.inf), (sign, np.nan), (infinity, 0.0))


def exp(x: ArrayLike) -> fp32.Float32:
    """e**x; overflow to infinity, results below 2**-126 to zero. Error below 1 ulp."""
    sign, exponent, fraction, nan, infinity, zero = _fields(x)
    product = np.where(zero, 0, (fraction | 1 << 23) * log2e())  # 24 + 34 bits
    # x * log2(e) in units of 2**-EXP_FRACTION, rounded half up; from 2**7 on the result is out of range anyway.
    shift = 23 + LOG2E_POINT - EXP_FRACTION - (exponent - 127)
    huge = exponent >= 127 + 7
    shift = np.clip(shift, 1, 62)
    magnitude = ((product >> (shift - 1)) + 1) >> 1
    scaled = np.where(sign, -magnitude, magnitude)
    whole, part = scaled >> EXP_FRACTION, scaled & ((1 << EXP_FRACTION) - 1)
    position = (part & ((1 << POSITION_BITS) - 1)) - (1 << (POSITION_BITS - 1))
    mantissa = interpolate(tables()["exp2"], part >> POSITION_BITS, position)
    result = _pack(np.zeros_like(sign), np.where(huge, 0, whole), mantissa)
    limit = np.where(sign, 0.0, np.inf)
    return _special(result, (nan, np.nan), (infinity | huge, limit))
