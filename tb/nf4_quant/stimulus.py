"""Blocks of 64 values for the NF4 IP, as bit patterns of each data format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tb.models import fp32, nf4

Bits = np.ndarray
WIDTH = {"fp32": 32, "fp16": 16, "bf16": 16}
EXPONENT_BITS = {"fp32": 8, "fp16": 5, "bf16": 8}


def widen(bits: Bits, fmt: str) -> np.ndarray:
    """float32 values of bit patterns of a data format."""
    if fmt == "fp32":
        return bits.astype(np.uint32).view(np.float32)
    return fp32.from_fp16(bits) if fmt == "fp16" else fp32.from_bf16(bits)


def narrow(values: np.ndarray, fmt: str) -> Bits:
    """Bit patterns nearest to float32 values, overflow clipped to the largest finite number."""
    largest = {"fp32": np.finfo(np.float32).max, "fp16": 65504.0, "bf16": 3.3895314e38}[fmt]
    return nf4.round_to(np.clip(values, -largest, largest).astype(np.float32), fmt)


def _fields(rng: np.random.Generator, fmt: str, low: int, high: int, count: int = nf4.BLOCK) -> Bits:
    """Random signs and fractions with biased exponents from ``low`` to ``high``, both included."""
    fraction_bits = WIDTH[fmt] - 1 - EXPONENT_BITS[fmt]
    sign = rng.integers(0, 2, count) << (WIDTH[fmt] - 1)
    exponent = rng.integers(low, high + 1, count) << fraction_bits
    return (sign | exponent | rng.integers(0, 1 << fraction_bits, count)).astype(np.uint32)


def _top(fmt: str) -> int:
    """Biased exponent of the largest finite numbers."""
    return (1 << EXPONENT_BITS[fmt]) - 2


def weights(rng: np.random.Generator, fmt: str) -> Bits:
    """Normally distributed like trained weights, of any order of magnitude that FP16 holds."""
    return narrow(rng.standard_normal(nf4.BLOCK) * 10.0 ** rng.uniform(-4, 3), fmt)


def any_finite(rng: np.random.Generator, fmt: str) -> Bits:
    """Exponents anywhere in a random range."""
    low, high = sorted(rng.integers(0, _top(fmt) + 1, 2))
    return _fields(rng, fmt, low, high)


def zeros(rng: np.random.Generator, fmt: str) -> Bits:
    """Zeros of both signs."""
    return _fields(rng, fmt, 0, 0) & np.uint32(1 << (WIDTH[fmt] - 1))


def subnormal(rng: np.random.Generator, fmt: str) -> Bits:
    """Subnormals of the format, some of them very small."""
    bits = _fields(rng, fmt, 0, 0)
    return bits >> np.uint32(rng.integers(0, WIDTH[fmt] - 1)) | bits & np.uint32(1 << (WIDTH[fmt] - 1))


def smallest_scale(rng: np.random.Generator, fmt: str) -> Bits:
    """Absmax on either side of 1e-38 and of the smallest normal number (FP16: of its own)."""
    centre = {"fp32": rng.choice([0x6CE3EE, 0x800000]), "fp16": 0x400, "bf16": rng.choice([0x6C, 0x80])}[fmt]
    bits = _fields(rng, fmt, 0, 0)
    bits[rng.integers(nf4.BLOCK)] = centre + rng.integers(-2, 3)
    return np.minimum(bits & np.uint32((1 << (WIDTH[fmt] - 1)) - 1), centre + 2) | bits & np.uint32(
        1 << (WIDTH[fmt] - 1)
    )


def near_bounds(rng: np.random.Generator) -> list[Bits]:
    """FP32 blocks of a value that, scaled, is halfway between a bound of the codes and its neighbour, but for one bit.

    The scaled value is the product of 24 bits and the 24 bits of 1 / absmax: all bits of one are needed to round it.
    """
    absmax = rng.uniform(1, 2, 1 << 21).astype(np.float32)
    reciprocal, exponent = np.frexp(np.float32(1) / absmax)
    found = []
    for bound in rng.choice(np.abs(nf4.NF4_BOUNDS), 12, replace=False):
        halfway = (np.float64(bound) + np.nextafter(bound, np.float32(rng.choice([0, 1])))) / 2
        values = (halfway * absmax).astype(np.float32)
        for near in (values, np.nextafter(values, np.float32(9)), np.nextafter(values, np.float32(0))):
            significand, order = np.frexp(near)
            product = (significand * 2.0**24).astype(np.int64) * (reciprocal * 2.0**24).astype(np.int64)
            beyond = product - np.ldexp(halfway, 48 - order - exponent).astype(np.int64)
            for hit in np.flatnonzero((beyond > 0) & (beyond & (beyond - 1) == 0)):
                block = near[hit] * rng.choice(np.float32([-1, 1]), nf4.BLOCK)
                block[rng.integers(nf4.BLOCK)] = absmax[hit]
                found.append(block.astype(np.float32).view(np.uint32))
    return found


def largest(rng: np.random.Generator, fmt: str) -> Bits:
    """Exponents up to one of the two largest; in FP32 and BF16 the reciprocal of absmax is then subnormal."""
    top = _top(fmt) - int(rng.integers(0, 2))
    bits = _fields(rng, fmt, top - 4, top)
    fraction_bits = WIDTH[fmt] - 1 - EXPONENT_BITS[fmt]
    sign = bits[0] & np.uint32(1 << (WIDTH[fmt] - 1))
    fraction = rng.choice([0, 1, (1 << fraction_bits) - 1])  # a power of two, just above one, just below the next
    bits[rng.integers(nf4.BLOCK)] = sign | np.uint32(top << fraction_bits | fraction)
    return bits


def outlier(rng: np.random.Generator, fmt: str) -> Bits:
    """One value far above the rest, which become codes around zero."""
    values = rng.standard_normal(nf4.BLOCK).astype(np.float32) * np.float32(0.02)
    values[rng.integers(nf4.BLOCK)] = rng.choice([-1, 1]) * 2.0 ** rng.uniform(-3, 12)
    return narrow(values, fmt)


def ties(rng: np.random.Generator, fmt: str) -> Bits:
    """Values on the bounds between two codes and a few units beside them, for an absmax of any significand.

    With an absmax that is a power of two the scaled value meets the bound exactly (in FP32).
    """
    ranges = [(-24, 15)] if fmt == "fp16" else [(-149, -119), (-119, 124), (124, 127)]
    low, high = ranges[rng.integers(len(ranges))]
    power = rng.random() < 0.4
    absmax = np.float32(np.ldexp(1.0 if power else rng.uniform(1, 2), int(rng.integers(low, high + 1))))
    absmax_bits = narrow(np.array([absmax]), fmt)
    values = narrow(rng.choice(nf4.NF4_BOUNDS, nf4.BLOCK) * widen(absmax_bits, fmt), fmt).astype(np.int64)
    sign = values & 1 << (WIDTH[fmt] - 1)
    moved = np.clip((values ^ sign) + rng.integers(-2, 3, nf4.BLOCK), 0, int(absmax_bits[0]))
    moved[rng.integers(nf4.BLOCK)] = absmax_bits[0]
    return (sign | moved).astype(np.uint32)


def equal(rng: np.random.Generator, fmt: str) -> Bits:
    """One magnitude with both signs."""
    bits = any_finite(rng, fmt)
    sign = np.uint32(1 << (WIDTH[fmt] - 1))
    return bits[0] & ~sign | bits & sign


def nonfinite(rng: np.random.Generator, fmt: str) -> Bits:
    """One or more infinities or NaN among finite values."""
    bits = any_finite(rng, fmt)
    exponent = np.uint32((_top(fmt) + 1) << (WIDTH[fmt] - 1 - EXPONENT_BITS[fmt]))
    for at in rng.integers(0, nf4.BLOCK, rng.integers(1, 4)):
        if rng.random() < 0.5:  # infinity
            bits[at] = bits[at] & np.uint32(1 << (WIDTH[fmt] - 1)) | exponent
        else:
            bits[at] |= exponent | np.uint32(1)
    return bits


KINDS: dict[str, Callable[[np.random.Generator, str], Bits]] = {
    kind.__name__: kind
    for kind in (
        weights,
        any_finite,
        zeros,
        subnormal,
        smallest_scale,
        largest,
        outlier,
        ties,
        equal,
        nonfinite,
    )
}
