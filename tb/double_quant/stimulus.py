"""Tensors of absmax values for double quantization and for the mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tb.models import fp32, nf4

Generator = np.random.Generator
LARGEST = 0x7F7FFFFF
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
    return fp32.from_bits(np.uint32(0x200000) + rng.integers(-2, 3, count).astype(np.uint32))


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
