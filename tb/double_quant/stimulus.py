"""Tensors of absmax values for double quantization and for the mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rtl.nf4.generate import DYNAMIC_FRACTION, dynamic_starts
from tb.models import fp32, nf4

Generator = np.random.Generator
LARGEST = 0x7F7FFFFF
LARGEST_TINY = 0x200000  # 2**-128: the float32 reciprocal of this or less is infinite
INFINITY = 0x7F800000


def positive(rng: Generator, count: int, low: int, high: int) -> np.ndarray:
    """Positive float32 values with biased exponents from ``low`` to ``high``, both included."""
    exponent = rng.integers(low, high + 1, count).astype(np.uint32) << np.uint32(23)
    return (exponent | rng.integers(0, 1 << 23, count).astype(np.uint32)).view(np.float32)


def signed(rng: Generator, values: np.ndarray) -> np.ndarray:
    """The values with random signs."""
    return (values.view(np.uint32) | rng.integers(0, 2, values.size).astype(np.uint32) << np.uint32(31)).view(
        np.float32
    )


def weights(rng: Generator, count: int) -> np.ndarray:
    """Absmax of normally distributed weights."""
    scale = np.float32(10.0 ** rng.uniform(-4, 2))
    return np.abs(rng.standard_normal((count, nf4.BLOCK))).max(axis=1).astype(np.float32) * scale


def any_finite(rng: Generator, count: int) -> np.ndarray:
    """Exponents anywhere in a random range."""
    low, high = sorted(rng.integers(0, 255, 2))
    return positive(rng, count, int(low), int(high))


def near(rng: Generator, count: int) -> np.ndarray:
    """Neighbouring float32 values: differences of a few units, often zero."""
    centre = int(rng.integers(0, LARGEST - 8))
    return fp32.from_bits(centre + rng.integers(0, 8, count))


def subnormal(rng: Generator, count: int) -> np.ndarray:
    """Subnormals, of any size down to the smallest."""
    return fp32.from_bits(positive(rng, count, 0, 0).view(np.uint32) >> np.uint32(rng.integers(0, 23)))


def tiny(rng: Generator, count: int) -> np.ndarray:
    """Around 2^-128, where the FP32 reciprocal becomes infinite."""
    return fp32.from_bits(np.uint32(LARGEST_TINY) + rng.integers(-2, 3, count).astype(np.uint32))


def largest(rng: Generator, count: int) -> np.ndarray:
    """Exponents up to one of the two largest, where the reciprocal is subnormal."""
    top = 254 - int(rng.integers(0, 2))
    return positive(rng, count, top - 3, top)


def zeros(rng: Generator, count: int) -> np.ndarray:
    """Zeros."""
    return np.zeros(count, np.float32)


def nonfinite(rng: Generator, count: int) -> np.ndarray:
    """Finite values with a few infinities or NaN."""
    bits = any_finite(rng, count).view(np.uint32)
    for at in rng.integers(0, count, 1 + count // 400):
        bits[at] = INFINITY + int(rng.integers(0, 2)) * int(rng.integers(1, 1 << 23))
    return bits.view(np.float32)


KINDS: dict[str, Callable[[Generator, int], np.ndarray]] = {
    kind.__name__: kind for kind in (weights, any_finite, near, subnormal, tiny, largest, zeros, nonfinite)
}


def length(rng: Generator) -> int:
    """Length of a tensor: often around a multiple of 256."""
    block = nf4.NESTED_BLOCK
    around = block * int(rng.integers(1, 3)) + int(rng.integers(-1, 2))
    return int(rng.choice([1, 2, rng.integers(3, block), around, around, rng.integers(block, 3 * block)]))


def bounds() -> np.ndarray:
    """Where the dynamic codes begin: halfway between two float32 values, as float64."""
    starts = np.unique(dynamic_starts())
    return (starts.astype(np.float64) + np.nextafter(starts, np.float32(-2))) / 2


def scale_of(reciprocal: float) -> np.float32:
    """A float32 whose rounded reciprocal is this, or zero if there is none."""
    scale = np.float32(1 / reciprocal)
    for near in (scale, np.nextafter(scale, np.float32(0)), np.nextafter(scale, np.float32(4))):
        if float(np.float32(1) / near) == reciprocal:
            return near
    return np.float32(0)


def on_bounds(rng: Generator) -> list[np.ndarray]:
    """A value and its scale, from 1 to 2, for most of ``bounds``: the value by the scale's reciprocal is exactly there.

    It is a product of two significands of 24 bits: each has one of two factors of the bound, which has 25 bits.
    """
    found = []
    small = np.arange(1, 1 << 13)
    for bound in bounds().tolist():
        significand = int(np.ldexp(np.frexp(abs(bound))[0], 25))
        factors = small[significand % small == 0]
        for factor in rng.permutation(np.concatenate([factors, significand // factors])).tolist():
            reciprocal = factor / (1 << factor.bit_length())
            if max(factor, significand // factor) < 1 << 24 and (scale := scale_of(reciprocal)):
                found.append(np.array([bound / reciprocal, scale], np.float32))
                break
    return found


def one_bit_beyond_bounds() -> list[np.ndarray]:
    """A value and its scale, from 1 to 2: their product is beyond a bound by one of the bits that a key has not got.

    Only of products near zero there are many, and they matter where the bound itself is rounded towards zero.
    """
    found: dict[int, list[np.ndarray]] = {}
    inner = [bound for bound in bounds().tolist() if abs(float(np.float32(bound))) < abs(bound)]
    for bound in sorted(inner, key=abs)[:8]:
        for first in range(1 << 23, 1 << 24, 1 << 16):
            reciprocals = np.arange(first, first + (1 << 16)) * 2.0**-24
            values = (abs(bound) / reciprocals).astype(np.float32)
            beyond = values * reciprocals - abs(bound)
            at = np.flatnonzero((beyond > 0) & (beyond < 2.0**-DYNAMIC_FRACTION))
            one, order = np.frexp(beyond[at])
            for place, bit in zip(at[one == 0.5].tolist(), order[one == 0.5].tolist(), strict=True):
                pairs = found.setdefault(bit, [])
                if len(pairs) < 4 and (scale := scale_of(float(reciprocals[place]))):
                    pairs.append(np.array([np.copysign(values[place], bound), scale]))
    return [pair for pairs in found.values() for pair in pairs]


def by_last_bits(rng: Generator, count: int) -> list[np.ndarray]:
    """A value and its scale, from 1 to 2: the code is another with a reciprocal of 24, 23 or 22 bits."""
    scales = rng.uniform(1, 2, 1 << 12).astype(np.float32)
    reciprocals = [np.rint(2.0**bits / scales.astype(np.float64)) / 2.0**bits for bits in (24, 23, 22)]
    bound = rng.choice(bounds(), scales.size)
    values = (bound / reciprocals[1]).astype(np.float32)
    more, rounded, less = (values * reciprocal > bound for reciprocal in reciprocals)
    return [
        np.array([values[at], scales[at]])
        for differs in (more != rounded, less != rounded, less != more)
        for at in np.flatnonzero(differs)[:count]
    ]


def differences(rng: Generator) -> Iterator[np.ndarray]:
    """A value and an offset that differ by one bit, or have few bits at all places beside each other."""

    def fraction() -> int:
        return int(rng.choice([0, 0x7FFFFF, 1 << rng.integers(23), rng.integers(1 << 23)]))

    for bit in range(23):
        for exponent in (*rng.integers(0, 40, 3).tolist(), int(rng.integers(40, 254))):
            bits = exponent << 23 | int(rng.integers(1 << 23))
            yield fp32.from_bits(rng.permutation([bits, bits + (1 << bit)]))
        power = int(rng.integers(2, 255)) << 23
        yield fp32.from_bits(rng.permutation([power, power - (1 << bit)]))
    for orders in range(28):
        for exponent in (orders, *rng.integers(orders, 255, 2).tolist()):
            pair = fp32.from_bits([exponent << 23 | fraction(), exponent - orders << 23 | fraction()])
            yield rng.permutation(signed(rng, pair))
