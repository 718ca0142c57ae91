"""The matrix model: alignment, exact integer products, order of accumulation, codebooks, ends of the range.

Its agreement with exact arithmetic is tested in ``test_error_bound.py``.
"""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from tb.models import matrix, nf4
from tb.models.align import align
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm

RNG = np.random.default_rng(20)
NF4 = np.asarray(nf4.NF4_TABLE, np.float64)


def outliers(rows: int, columns: int) -> np.ndarray:
    """Activations like a trained model's: one channel 60 times the others."""
    values = RNG.standard_normal((rows, columns)).astype(np.float32)
    values[:, columns // 3] *= 60
    return values


def code_weights(rows: int, columns: int) -> CodeWeights:
    """Random codes with scales of the size of a trained layer's."""
    codes = RNG.integers(0, 16, (rows, columns), dtype=np.uint8)
    absmax = RNG.uniform(0.02, 0.2, (rows, columns // 64)).astype(np.float32)
    return CodeWeights(codes, absmax, Codebook.from_values(NF4))


@pytest.mark.parametrize("width", [18, 25])
def test_align_is_exact_rounding(width: int) -> None:
    """Every mantissa is the nearest integer to value / unit, ties to even."""
    values = (RNG.standard_normal((200, 64)) * 2.0 ** RNG.integers(-30, 30, (200, 64))).astype(np.float32)
    aligned = align(values, width)
    for block in range(200):
        unit = Fraction(2) ** int(aligned.exponent[block] - 127 - (width - 2))
        for value, mantissa in zip(values[block], aligned.mantissa[block], strict=True):
            nearest = round(Fraction(float(value)) / unit)
            assert abs(nearest) < 2 ** (width - 1), "saturates, see the next test"
            assert mantissa == nearest


@pytest.mark.parametrize("width", [2, 18, 24, 25])
def test_align_saturates(width: int) -> None:
    """The largest number of a binade rounds up to one bit too many, except where all its bits are kept."""
    values = np.zeros((1, 64), np.float32)
    values[0, :3] = np.float32(2) - np.float32(2.0**-23), -(np.float32(2) - np.float32(2.0**-23)), 1
    limit = 2 ** (width - 1) - 1
    assert align(values, width).mantissa[0, :3].tolist() == [limit, -limit, 2 ** (width - 2)]


def test_align_flags_nonfinite() -> None:
    """One infinity or NaN flags its block."""
    values = np.ones((3, 64), np.float32)
    values[1, 5], values[2, 63] = np.inf, np.nan
    assert align(values, 25).nonfinite.tolist() == [False, True, True]


def test_align_zero_and_subnormal_blocks() -> None:
    """Zeros and subnormals are integers 0 with exponent 0."""
    values = np.zeros((2, 64), np.float32)
    values[1] = 1e-40
    aligned = align(values, 18)
    assert not aligned.mantissa.any() and not aligned.exponent.any()


def test_block_products_are_exact() -> None:
    """The worst case of a 48-bit sum still fits, and float64 BLAS gives it exactly."""
    act = np.full((1, 64), np.float32(2) - np.float32(2.0**-23))
    weights = CodeWeights(np.full((64, 64), 15, np.uint8), np.ones((64, 1), np.float32), Codebook.from_values(NF4))
    ((sums, _, _),) = matrix._products(Segment(act, weights, False), 25)
    assert (sums == 64 * (2**24 - 1) * (2**17 - 1)).all() and sums[0, 0] < 2**47


def test_blocks_accumulate_in_ascending_order() -> None:
    """Terms 2**30, -2**30, 1 in the order of blocks and segments give 1; any later cancellation would lose it."""
    act, ones = np.zeros((1, 192), np.float32), np.ones((1, 192), np.float32)
    act[0, [0, 64, 128]] = 2.0**30, -(2.0**30), 1
    one, big = act[:, 128:], act[:, :64]
    assert gemm([Segment(act, ones, False)], 25) == 1
    assert gemm([Segment(act[:, ::-1].copy(), ones, False)], 25) == 0
    weights = [Segment(a, ones[:, :64], False) for a in (big, -big, one)]
    assert gemm(weights, 25) == 1 and gemm(weights[::-1], 25) == 0


def test_power_of_two_at_the_end_of_the_range() -> None:
    """The weights' power of two, 2**(e_w - 143), is zero where it would be subnormal and right from 2**-126 on."""
    act = np.full((1, 64), 2.0**100, np.float32)
    for exponent, expected in ((-112, 0.0), (-111, 0.0), (-110, 2.0**-4), (127, np.inf)):
        for transpose in (False, True):
            weights = np.full((64, 64), 2.0**exponent, np.float32)
            assert (gemm([Segment(act, weights, transpose)], 25) == expected).all(), exponent


def test_nonfinite_blocks_give_nan() -> None:
    """An infinite activation spoils its row, a NaN weight its output, nothing else."""
    x = outliers(3, 128)
    weights = RNG.standard_normal((10, 128)).astype(np.float32)
    x[1, 70], weights[4, 3] = np.inf, np.nan
    y = gemm([Segment(x, weights, False)], 25)
    assert np.isnan(y[1]).all() and np.isnan(y[:, 4]).all()
    assert np.isfinite(np.delete(np.delete(y, 1, 0), 4, 1)).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_nonfinite_absmax_gives_nan_or_infinity(wrong: float) -> None:
    """N: the outputs of the absmax's row. T: the 64 outputs that the absmax scales, through the activation."""
    weights = code_weights(128, 128)
    weights.codes[:] = 15
    weights.absmax[70, 1] = wrong
    x = np.ones((2, 128), np.float32)
    y = gemm([Segment(x, weights, False)], 25)
    assert not np.isfinite(y[:, 70]).any() and np.isfinite(np.delete(y, 70, 1)).all()
    y = gemm([Segment(x, weights, True)], 25)
    assert np.isnan(y[:, 64:]).all() and np.isfinite(y[:, :64]).all()


def test_large_product_takes_seconds() -> None:
    """A 2048 x 5632 product of 16 rows is a matter of seconds."""
    x, w = outliers(16, 5632), code_weights(2048, 5632)
    started = time.monotonic()
    gemm([Segment(x, w, False)], 25)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([], "at least one"),
        ([Segment(np.ones((2, 64), np.float32), np.ones((8, 128), np.float32), False)], "do not match"),
        (
            [
                Segment(np.ones((2, 64), np.float32), np.ones((8, 64), np.float32), False),
                Segment(np.ones((2, 64), np.float32), np.ones((9, 64), np.float32), False),
            ],
            "outputs of shape",
        ),
    ],
)
def test_shapes_that_disagree_are_refused(segments: list[Segment], message: str) -> None:
    """No segments, a reduction of another length, another number of outputs."""
    with pytest.raises(ValueError, match=message):
        gemm(segments, 25)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_codebook_is_rounded_to_nearest(bits: int) -> None:
    """Entries are within half of 1 / 131071 of the largest value, which is 131071; the scale is FP32's nearest."""
    books = [RNG.standard_normal(2**bits) * 2.0 ** RNG.integers(-90, 100) for _ in range(50)]
    books += [np.linspace(-1, 1, 2**bits)] + [NF4] * (bits == 4)
    for values in books:
        book, peak = Codebook.from_values(values), Fraction(float(np.abs(values).max()))
        assert np.abs(book.entries).max() == 131071 and not book.entries[2**bits :].any()
        assert abs(Fraction(float(book.scale)) - peak / 131071) <= peak / 131071 / 2**24
        for value, entry in zip(values, book.entries, strict=False):
            # The quotient itself is rounded to float64: 2**-35 of an entry at most.
            assert abs(int(entry) - Fraction(float(value)) * 131071 / peak) <= 0.5 + 2.0**-35


def test_codebook_refuses_bad_values() -> None:
    """Too many values, none but zeros, or one that is not finite."""
    for bad in (np.ones(17), np.array([1.0, np.nan]), np.zeros(4)):
        with pytest.raises(ValueError, match="codebook"):
            Codebook.from_values(bad)
