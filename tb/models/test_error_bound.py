"""The derived bounds hold for every finite result, up to both ends of the range of FP32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tb.cases import smollm2_random_case
from tb.models import nf4, qlora
from tb.models.error_bound import TINY, error_bound
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm
from tb.models.qlora_bound import backward_bound, forward_bound
from tb.reference import float64_reference

NF4 = np.asarray(nf4.NF4_TABLE, np.float64)
BOOK = Codebook.from_values(NF4)
KINDS = ["codes-N", "codes-T", "float-N", "float-T", "both"]


def exact(segments: list[Segment]) -> np.ndarray:
    """Sum of the segments' products in float64, without the codebook's rounding."""
    total = 0.0
    for s in segments:
        w = s.weights
        if isinstance(w, CodeWeights):
            w = NF4[w.codes] * np.repeat(w.absmax.astype(np.float64), 64, axis=1)
        w = w.astype(np.float64) * np.float64(np.float32(s.scale))
        total = total + s.activations.astype(np.float64) @ (w if s.transpose else w.T)
    return total


def random_array(rng: np.random.Generator, shape: tuple[int, ...], exponent: int, spread: int) -> np.ndarray:
    """Finite float32 around 2**exponent, ``spread`` places to either side and then also zeros; an outlier channel."""
    values = rng.standard_normal(shape)
    values[..., shape[-1] // 3] *= 60
    values *= np.exp2(exponent + rng.integers(-spread, spread + 1, shape)) * (rng.random(shape) >= 0.1 * (spread > 0))
    largest = float(np.finfo(np.float32).max)
    return np.clip(values, -largest, largest).astype(np.float32)


def random_segments(rng: np.random.Generator, kind: str, wide: bool) -> list[Segment]:
    """A product with 5 rows and 128 outputs: one segment, or codes and an adapter.

    Args:
        rng: source of all numbers.
        kind: one of KINDS.
        wide: operands around any powers of two from 2**-120 to 2**120 and 40 places beside them, subnormals and zeros
            too; most products are within the range of FP32. Otherwise operands around 1.
    """
    rows, reduction, outputs, rank = 5, 256, 128, 20

    def operands(*shapes: tuple[int, ...]) -> list[np.ndarray]:
        if not wide:
            return [random_array(rng, shape, 0, 0) for shape in shapes]
        exponents = rng.integers(-120, 121, len(shapes))
        exponents[0] = np.clip(rng.integers(-140, 125) - exponents[1:].sum(), -120, 120)
        return [random_array(rng, s, e, int(rng.choice([0, 4, 40]))) for s, e in zip(shapes, exponents, strict=True)]

    def codes(n: int, k: int, transpose: bool) -> Segment:
        x, absmax = operands((rows, n if transpose else k), (n, k // 64))
        return Segment(x, CodeWeights(rng.integers(0, 16, (n, k), dtype=np.uint8), absmax, BOOK), transpose)

    def floats(n: int, k: int, transpose: bool) -> Segment:
        x, weights, scale = operands((rows, n if transpose else k), (n, k), (1,))
        return Segment(x, weights, transpose, float(scale[0]))

    return {
        "codes-N": lambda: [codes(outputs, reduction, False)],
        "codes-T": lambda: [codes(reduction, outputs, True)],
        "float-N": lambda: [floats(outputs, reduction, False)],
        "float-T": lambda: [floats(rank, outputs, True)],
        "both": lambda: [codes(outputs, reduction, False), floats(rank, outputs, True)],
    }[kind]()


def check(segments: list[Segment], act_width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hold every output to its bound; returns results, exact values and bounds."""
    result, true, bound = gemm(segments, act_width), exact(segments), error_bound(segments, act_width, NF4)
    finite = np.isfinite(result)
    assert finite[np.isfinite(bound)].all(), "an overflow that the bound excludes"
    assert (np.abs(result - true) <= bound)[finite].all()
    return result, true, bound


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_numbers(kind: str, act_width: int) -> None:
    """Far from the ends of the range a product is wrong by two units of 18 bits at most, 2**-16 of the largest."""
    segments = random_segments(np.random.default_rng(act_width), kind, False)
    bound = check(segments, act_width)[2]
    largest = 0.0
    for s in segments:
        weights = s.weights.absmax if isinstance(s.weights, CodeWeights) else s.weights
        blocks = -(-s.activations.shape[1] // 64)
        largest += 64 * blocks * np.abs(s.activations).max() * np.abs(weights).max() * abs(s.scale)
    assert (bound <= 1.01 * 2.0**-15 * largest).all()


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("kind", KINDS)
def test_wide_exponents(kind: str, act_width: int) -> None:
    """Operands of any size: each finite result is within its bound, whatever is flushed to zero on the way."""
    rng = np.random.default_rng(act_width)
    finite = overflows = 0
    for _ in range(60):
        segments = random_segments(rng, kind, True)
        result, _, bound = check(segments, act_width)
        finite += np.isfinite(bound).any()
        overflows += (~np.isfinite(result)).any()
    assert finite >= 20 and overflows >= 5, "results within the range and beyond it"


def uniform(kind: str, x: float, w: float, scale: float) -> list[Segment]:
    """64 x 64 weights, all ``w * scale`` (codes: the largest entry, absmax ``w``), times activations ``x``."""
    act = np.full((1, 64), x, np.float32)
    if kind.startswith("codes"):
        codes = np.full((64, 64), 15, np.uint8)
        return [Segment(act, CodeWeights(codes, np.full((64, 1), w, np.float32), BOOK), kind.endswith("T"))]
    return [Segment(act, np.full((64, 64), w, np.float32), kind.endswith("T"), scale)]


EDGES = {
    # The last exponent that is rounded to zero, the next that is not: which operand, and its kind of segment.
    "absmax times codebook scale": ("codes-N", (2.0**100, 2.0**-110, 1), (2.0**100, 2.0**-108, 1)),
    "scaled activation": ("codes-T", (2.0**-64, 2.0**-63, 1), (2.0**-63, 2.0**-63, 1)),
    "subnormal absmax, N": ("codes-N", (2.0**100, 2.0**-127, 1), None),
    "subnormal absmax, T": ("codes-T", (2.0**100, 2.0**-127, 1), (2.0**100, 2.0**-126, 1)),
    "subnormal activation, N": ("codes-N", (2.0**-127, 2.0**100, 1), (2.0**-126, 2.0**100, 1)),
    "subnormal activation, T": ("codes-T", (2.0**-127, 2.0**100, 1), (2.0**-126, 2.0**100, 1)),
    "power of two, N": ("float-N", (2.0**100, 2.0**-111, 1), (2.0**100, 2.0**-110, 1)),
    "power of two, T": ("float-T", (2.0**100, 2.0**-111, 1), (2.0**100, 2.0**-110, 1)),
    "power of two times scale": ("float-N", (2.0**100, 1, 2.0**-111), (2.0**100, 1, 2.0**-110)),
    "subnormal scale": ("float-T", (1, 2.0**100, 2.0**-127), (1, 2.0**100, 2.0**-126)),
    "subnormal weight": ("float-N", (2.0**80, 2.0**-127, 2.0**40), None),
    "product": ("codes-N", (2.0**-26, 2.0**-108, 1), (2.0**-23, 2.0**-108, 1)),
}


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("name", EDGES)
def test_both_sides_of_each_flush(name: str, act_width: int) -> None:
    """A flushed operand or factor loses the whole result, as the bound says; one step above, nothing like it."""
    kind, below, above = EDGES[name]
    result, true, bound = check(uniform(kind, *below), act_width)
    assert (result == 0).all() and (true != 0).all()
    assert (bound <= 1.001 * true + 2 * TINY).all()
    if above:
        result, true, bound = check(uniform(kind, *above), act_width)
        assert (result != 0).all()
        assert (bound <= 2.0**-14 * true + 2 * TINY).all()


@pytest.mark.parametrize(("units", "flushed"), [(2, True), (3, False)])
def test_both_sides_of_the_flush_of_an_integer(units: int, flushed: bool) -> None:
    """A small difference of activations that becomes zero before a large factor; its bound is 2**-126 times that."""
    act = np.full((1, 64), 2.0**-126, np.float32)
    act[:, ::2] *= -(1 + units * 2.0**-23)  # the integers' sum is -32 units times 131071, and below 2**-126 that of 64
    weights = CodeWeights(np.full((64, 64), 15, np.uint8), np.full((64, 1), 2.0**120, np.float32), BOOK)
    result, true, bound = check([Segment(act, weights, False)], 25)
    assert (np.abs(true) > 2.0**-24).all() and ((result == 0) == flushed).all()
    assert (bound < 2.0**-17).all()


OVERFLOWS = {
    "integer": ("codes-N", (2.0**106, 2.0**-100, 1), (2.0**104, 2.0**-100, 1)),
    "scaled activation": ("codes-T", (2.0**64, 2.0**64, 1), (2.0**52, 2.0**52, 1)),
    "factor": ("float-N", (2.0**-100, 2.0**127, 2.0**17), (2.0**-100, 2.0**127, 2.0**16)),
    "product": ("float-N", (2.0**61, 2.0**61, 1), (2.0**60, 2.0**61, 1)),
}


@pytest.mark.parametrize("name", OVERFLOWS)
def test_both_sides_of_each_overflow(name: str) -> None:
    """Any intermediate overflow makes the result infinite or NaN and the bound infinite; a little less, neither."""
    kind, above, below = OVERFLOWS[name]
    result, _, bound = check(uniform(kind, *above), 25)
    assert not np.isfinite(result).any() and np.isinf(bound).all()
    _, true, bound = check(uniform(kind, *below), 25)
    assert (bound <= 2.0**-14 * true).all()


def test_overflow_of_a_scaled_activation_that_meets_zeros() -> None:
    """The product would be zero in real arithmetic."""
    (segment,) = uniform("codes-T", 0, 2.0**64, 1)
    segment.weights.codes[:] = nf4.NF4_ZERO
    segment.activations[0, 5] = 2.0**64
    result, _, bound = check([segment], 25)
    assert np.isnan(result).all() and np.isinf(bound).all()


def test_overflow_of_the_sum() -> None:
    """Blocks that fit add up to one that does not."""
    (one,) = uniform("float-N", 2.0**60, 2.0**61, 1)
    result, _, bound = check([one, one], 25)
    assert np.isinf(result).all() and np.isinf(bound).all()


def test_no_bound_without_finite_operands() -> None:
    """An infinity or a NaN among the operands leaves its own outputs without a bound."""
    act, weights = np.ones((2, 64), np.float32), np.ones((3, 64), np.float32)
    act[1, 5], weights[2, 6] = np.inf, np.nan
    bound = error_bound([Segment(act, weights, False)], 25, NF4)
    assert np.isfinite(bound).tolist() == [[True, True, False], [False, False, False]]
    assert np.isinf(error_bound([Segment(act[:1], weights[:2], False, np.inf)], 25, NF4)).all()


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize(
    ("of_x", "of_dy"), [(-112, 90), (90, -112), (-60, -60), (-130, 0), (0, -130), (55, 55), (112, 90)]
)
def test_layers_with_extreme_activations(of_x: int, of_dy: int, act_width: int) -> None:
    """All four results of a layer, forward and backward, through steps that underflow or overflow."""
    case = smollm2_random_case(0, "self_attn.k_proj", 5)
    x, dy = np.ldexp(case.x, of_x), np.ldexp(case.dy, of_dy)
    case = replace(case, x=x, dy=dy)
    layer = qlora.Layer.from_nf4(case.weight, case.lora_a, case.lora_b, case.scale)
    y, grads = qlora.forward(layer, x, act_width), qlora.backward(layer, x, dy, act_width)
    bounds = {"y": forward_bound(layer, x, y, act_width)} | backward_bound(layer, x, dy, grads.dx, act_width)
    true = float64_reference(case)
    pairs = {"y": (y, true.y), "dx": (grads.dx, true.dx)}
    pairs |= {"d_lora_a": (grads.d_lora_a, true.d_lora_a), "d_lora_bt": (grads.d_lora_bt, true.d_lora_b.T)}
    for name, (result, of) in pairs.items():
        finite, bound = np.isfinite(result), bounds[name].exact
        assert finite[np.isfinite(bound)].all(), name
        assert (np.abs(result - of) <= bound)[finite].all(), name
