"""The matrix model: exact integer products, agreement with float64 within the derived bound, corner cases."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from tb.models import matrix
from tb.models.align import align
from tb.models.error_bound import error_bound
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm

RNG = np.random.default_rng(20)
NF4 = np.array(
    [-1.0, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0]
    + [0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]
)


def outliers(rows: int, columns: int) -> np.ndarray:
    """Activations like a trained model's: one channel 60 times the others."""
    values = RNG.standard_normal((rows, columns)).astype(np.float32)
    values[:, columns // 3] *= 60
    return values


def code_weights(rows: int, columns: int) -> CodeWeights:
    codes = RNG.integers(0, 16, (rows, columns), dtype=np.uint8)
    absmax = RNG.uniform(0.02, 0.2, (rows, columns // 64)).astype(np.float32)
    return CodeWeights(codes, absmax, Codebook.from_values(NF4))


def dequantized(weights: CodeWeights) -> np.ndarray:
    """The weights' real values in float64, before the codebook's own rounding."""
    return NF4[weights.codes] * np.repeat(weights.absmax.astype(np.float64), 64, axis=1)


@pytest.mark.parametrize("width", [18, 25])
def test_align_is_exact_rounding(width: int) -> None:
    """Every mantissa is the nearest integer to value / unit, ties to even, saturated."""
    values = (RNG.standard_normal((200, 64)) * 2.0 ** RNG.integers(-30, 30, (200, 64))).astype(np.float32)
    aligned = align(values, width)
    for block in range(200):
        unit = Fraction(2) ** int(aligned.exponent[block] - 127 - (width - 2))
        for value, mantissa in zip(values[block], aligned.mantissa[block], strict=True):
            nearest = round(Fraction(float(value)) / unit)
            limit = 2 ** (width - 1) - 1
            assert mantissa == max(-limit, min(limit, nearest))


def test_align_flags_nonfinite() -> None:
    values = np.ones((3, 64), np.float32)
    values[1, 5], values[2, 63] = np.inf, np.nan
    assert align(values, 25).nonfinite.tolist() == [False, True, True]


def test_align_zero_and_subnormal_blocks() -> None:
    values = np.zeros((2, 64), np.float32)
    values[1] = 1e-40
    aligned = align(values, 18)
    assert not aligned.mantissa.any() and not aligned.exponent.any()


def test_block_products_are_exact() -> None:
    """The worst case of a 48-bit sum still fits, and float64 BLAS gives it exactly."""
    a = np.full((1, 64), 2**24 - 1, np.int64)
    w = np.full((64, 1), 2**17 - 1, np.int64)
    assert matrix._exact(a, w)[0, 0] == 64 * (2**24 - 1) * (2**17 - 1) < 2**47


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("kind", ["codes-N", "codes-T", "float-N", "float-T", "both"])
def test_error_is_below_the_bound(kind: str, act_width: int) -> None:
    """Each output differs from float64 by less than the bound derived in docs/numerics.md."""
    rows, reduction, outputs, rank = 5, 256, 128, 20
    segments = []
    if kind in ("codes-N", "both"):
        segments.append(Segment(outliers(rows, reduction), code_weights(outputs, reduction), False))
    if kind == "codes-T":
        segments.append(Segment(outliers(rows, reduction), code_weights(reduction, outputs), True))
    if kind == "float-N":
        weights = RNG.standard_normal((outputs, reduction)).astype(np.float32)
        segments.append(Segment(outliers(rows, reduction), weights, False, 0.7))
    if kind in ("float-T", "both"):
        weights = RNG.standard_normal((rank, outputs)).astype(np.float32)
        segments.append(Segment(RNG.standard_normal((rows, rank)).astype(np.float32), weights, True, 2.0))
    exact = np.zeros((rows, outputs))
    for s in segments:
        w = dequantized(s.weights) if isinstance(s.weights, CodeWeights) else s.weights.astype(np.float64)
        exact += np.float64(np.float32(s.scale)) * (s.activations.astype(np.float64) @ (w if s.transpose else w.T))
    error = np.abs(gemm(segments, act_width) - exact)
    bound = error_bound(segments, act_width, NF4)
    assert (error <= bound).all(), f"largest error over bound: {(error / bound).max():.3g}"


def test_nonfinite_blocks_give_nan() -> None:
    x = outliers(3, 128)
    weights = RNG.standard_normal((10, 128)).astype(np.float32)
    x[1, 70], weights[4, 3] = np.inf, np.nan
    y = gemm([Segment(x, weights, False)], 25)
    assert np.isnan(y[1]).all() and np.isnan(y[:, 4]).all()
    assert np.isfinite(np.delete(np.delete(y, 1, 0), 4, 1)).all()


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
    with pytest.raises(ValueError, match=message):
        gemm(segments, 25)


def test_codebook_refuses_bad_values() -> None:
    for bad in (np.ones(17), np.array([1.0, np.nan]), np.zeros(4)):
        with pytest.raises(ValueError, match="codebook"):
            Codebook.from_values(bad)
