"""BFP8: every scale and integer there and back, the error of rounding, and what has no place in it."""

from __future__ import annotations

import numpy as np
import pytest

from tb.models import bfp8

SCALES = range(bfp8.LARGEST_SCALE + 1)


def stored(scale: int, integers: np.ndarray) -> np.ndarray:
    """A block by its definition, one byte after the other."""
    found = [int(m) & 0xFF for m in integers]
    for place in range(bfp8.SCALE_BITS):
        found[place] = found[place] & 0xFE | scale >> place & 1
    return np.array(found, np.uint8)


@pytest.mark.parametrize("scale", SCALES)
def test_every_block_comes_back(scale: int) -> None:
    """Blocks whose largest integer is at least 64, or any at the least scale, are what they are packed to."""
    rng = np.random.default_rng(scale)
    for _ in range(50):
        integers = rng.integers(-127, 128, bfp8.BLOCK)
        integers[: bfp8.SCALE_BITS] = 2 * rng.integers(-63, 64, bfp8.SCALE_BITS)
        integers[rng.integers(bfp8.SCALE_BITS, bfp8.BLOCK)] = rng.choice([-127, -64, 64, 127])
        if scale == 0:
            integers >>= rng.integers(7)
            integers[: bfp8.SCALE_BITS] &= -2
        block = stored(scale, integers)
        values = bfp8.unpack(block)
        assert np.array_equal(values, integers * 2.0 ** (scale - 24))
        assert np.array_equal(values.astype(np.float16).astype(np.float32), values)
        assert np.array_equal(bfp8.pack(values), block)


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1e-3, 1.0, 100.0, 20_000.0])
def test_error(size: float) -> None:
    """Half a unit, of the first six values a whole one, twice that where 128 would be rounded to, against the maximum.

    A unit is at most 1/64 of the block's largest value, or FP16's least number.
    """
    values = (size * np.random.default_rng(1).uniform(-1, 1, (10_000, bfp8.BLOCK))).astype(np.float32)
    largest = np.abs(values).max(axis=1, keepdims=True)
    unit = np.maximum(2.0 ** (np.floor(np.log2(largest)) - 6), 2.0**-24)
    error = np.abs(bfp8.unpack(bfp8.pack(values)) - values) / unit
    clipped = np.abs(values) / unit > 126.5
    assert error[:, bfp8.SCALE_BITS :][~clipped[:, bfp8.SCALE_BITS :]].max() <= 0.5
    assert error[:, : bfp8.SCALE_BITS][~clipped[:, : bfp8.SCALE_BITS]].max() <= 1
    assert error.max() <= 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 65536.0, -3e38])
@pytest.mark.parametrize("place", [0, 5, 6, 63])
def test_not_finite(bad: float, place: int) -> None:
    """One such value makes its block NaN, and no other."""
    values = np.ones((3, bfp8.BLOCK), np.float32)
    values[1, place] = bad
    found = bfp8.unpack(bfp8.pack(values))
    assert np.isnan(found[1]).all()
    assert np.array_equal(found[[0, 2]], values[[0, 2]])


def test_limits() -> None:
    """The largest number that fits, zeros of both signs, subnormal numbers, any scale over the largest."""
    values = np.zeros(bfp8.BLOCK, np.float32)
    values[[9, 10, 11]] = 65535.9, -0.0, 1e-40
    assert bfp8.unpack(bfp8.pack(values))[9] == 127 * 2.0**9
    assert not bfp8.unpack(bfp8.pack(np.full(bfp8.BLOCK, 1e-40, np.float32))).any()
    for scale in range(bfp8.LARGEST_SCALE + 1, 64):
        assert np.isnan(bfp8.unpack(stored(scale, np.arange(bfp8.BLOCK)))).all()
    assert bfp8.unpack(stored(bfp8.LARGEST_SCALE, np.full(bfp8.BLOCK, -128)))[-1] == -np.inf


def test_ties() -> None:
    """To even; the first six integers to multiples of 4."""
    values = np.full(bfp8.BLOCK, 0.0, np.float32)
    values[[0, 1, 2, 6, 7, 8, 9]] = 1, 3, 5, 0.5, 1.5, 2.5, 100
    found = bfp8.unpack(bfp8.pack(values))
    assert found[[0, 1, 2, 6, 7, 8]].tolist() == [0, 4, 4, 0, 2, 2]
