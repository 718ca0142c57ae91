"""The vector engine's golden model, and its programs against NumPy in float64 within derived bounds.

u = 2**-24 is the error of one rounding, relative; functions are wrong by less than one unit in the last place, 2 u. A
sum of n values of one sign in the engine's order is wrong by at most (n / 32 + 5) u of itself: each value passes
through so many additions. Every bound is multiplied by 1 + 2**-10 for the products of errors, which are below that.
"""

from __future__ import annotations

import numpy as np
import pytest
from edge_qlora import vector as programs
from edge_qlora.vector import LANES, PLACE_ZERO, Function, Instruction, Operand, Reduction, Region

from tb.models import fp32, vector

U = 2.0**-24
SLACK = 1 + 2.0**-10
SMALLEST = 2.0**-126


class Memory:
    """A scratchpad with rows of values.

    Attributes:
        words: float32 [words, LANES].
    """

    def __init__(self, words: int = 4096) -> None:
        self.words = np.full((words, LANES), np.nan, np.float32)

    def put(self, region: Region, values: np.ndarray) -> None:
        """Store values [outer, inner, length] or [outer, length]."""
        values = values.reshape(values.shape[0], -1, values.shape[-1])
        for (o, i), _ in np.ndenumerate(values[:, :, 0]):
            self.row(region, o, i, values.shape[2])[:] = values[o, i]

    def row(self, region: Region, outer: int, inner: int, length: int) -> np.ndarray:
        """A view of one row."""
        begin = LANES * (region.base + outer * region.outer + inner * region.inner)
        return self.words.reshape(-1)[begin : begin + length]

    def get(self, region: Region, outer: int, inner: int, length: int) -> np.ndarray:
        """Values [outer, inner, length]."""
        return np.array([[self.row(region, o, i, length) for i in range(inner)] for o in range(outer)])

    def run(self, instructions: list[Instruction]) -> None:
        """Execute a program."""
        for instruction in instructions:
            vector.execute(self.words, instruction)


def outliers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Normal values with one channel 60 times the others, as real activations have."""
    values = rng.standard_normal(shape)
    values[..., 7] *= 60
    return values.astype(np.float32)


@pytest.mark.parametrize("length", [64, 576, 2048])
def test_rms_norm(length):
    """The mean's error halves in the root; then 2 u for the function and u for each of two products."""
    rng, rows, memory = np.random.default_rng(1), 5, Memory()
    x, weight, eps = outliers(rng, rows, length), rng.uniform(0.1, 2, length).astype(np.float32), 1e-5
    size = length // LANES
    region, scalars = Region(0, size), rows * size
    memory.put(region, x)
    memory.put(Region(scalars + 1), weight[None])
    memory.run(programs.rms_norm(region, scalars + 1, region, scalars, rows, length, eps))
    mean = (x.astype(np.float64) ** 2).mean(axis=1, keepdims=True)
    exact = x / np.sqrt(mean + float(np.float32(eps))) * weight.astype(np.float64)
    # Squares, sum, the immediate 1 / n and its product, the sum with eps.
    argument = 1 + (length / 32 + 5) + 2 + 1
    error = np.abs(memory.get(region, rows, 1, length)[:, 0] - exact)
    assert (error <= (argument / 2 + 2 + 2) * U * SLACK * np.abs(exact)).all()


@pytest.mark.parametrize(("tokens", "heads", "context"), [(1, 8, 300), (5, 3, 77), (16, 1, 16)])
def test_causal_softmax(tokens, heads, context):
    """With d the difference to the largest score: u |d| of it, 2 u of the exponential; the sum's share; 2 u and u."""
    rng, memory = np.random.default_rng(2), Memory()
    scores = (4 * rng.standard_normal((tokens, heads, context))).astype(np.float32)
    size = -(-context // LANES)
    region = Region(0, heads * size, size)
    memory.put(region, scores)
    scalars = tokens * heads * size
    memory.run(programs.causal_softmax(region, region, scalars, tokens, heads, context, context - tokens + 1))
    inverse = memory.words.reshape(-1)[LANES * scalars :][: tokens * heads].reshape(tokens, heads, 1)
    found = fp32.mul(memory.get(region, tokens, heads, context), inverse)
    active = np.arange(context) <= context - tokens + np.arange(tokens)[:, None, None]
    logits = np.where(active, scores.astype(np.float64), -np.inf)
    difference = logits - logits.max(axis=2, keepdims=True)
    exact = np.exp(difference) / np.exp(difference).sum(axis=2, keepdims=True)
    most = -np.where(active, difference, 0)
    single = most + 2
    bound = single + single.max(axis=2, keepdims=True) + (context / 32 + 5) + 2 + 1
    assert (np.abs(found - exact) <= bound * U * SLACK * exact + SMALLEST).all()
    assert not found[np.broadcast_to(~active, found.shape)].any()


def test_silu_gate():
    """2 u of the exponential, u of 1 + e, 2 u of the reciprocal, u for each of two products; far ends included."""
    rng, rows, length, memory = np.random.default_rng(3), 4, 200, Memory()
    gate, up = (rng.uniform(-20, 20, (rows, length)).astype(np.float32) for _ in range(2))
    gate[0, :6] = [0, -0.0, 88, -88, 200, -200]
    regions = [Region(number * rows * 25, 25) for number in range(3)]
    memory.put(regions[0], gate)
    memory.put(regions[1], up)
    memory.run(programs.silu(regions[0], regions[2], rows, length))
    memory.run([programs.multiply(regions[2], regions[1], regions[2], rows, length)])
    with np.errstate(over="ignore"):
        exact = gate.astype(np.float64) / (1 + np.exp(-gate.astype(np.float64))) * up
    error = np.abs(memory.get(regions[2], rows, 1, length)[:, 0] - exact)
    # Where exp(-gate) overflows the result is zero; what is lost is below 200 * 20 / 2**128.
    assert (error <= (2 + 1 + 2 + 2) * U * SLACK * np.abs(exact) + 4000 / 2.0**128 + 400 * SMALLEST).all()


@pytest.mark.parametrize("size", [64, 128])
def test_rotary(size):
    """u for each product and u for the sum, of the magnitudes that are added."""
    rng, tokens, heads, memory = np.random.default_rng(4), 3, 5, Memory()
    x = outliers(rng, tokens, heads, size)
    angles = np.tile(np.arange(tokens)[:, None] / 10000.0 ** (np.arange(size // 2) / (size // 2)), 2)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    signed = np.concatenate([-sines[:, : size // 2], sines[:, size // 2 :]], axis=1)
    words = size // LANES
    rows = Region(0, heads * words, words)
    spare, cosine, sine = Region(1000, heads * words, words), Region(2000, words), Region(3000, words)
    for region, values in ((rows, x), (cosine, cosines), (sine, signed)):
        memory.put(region, values)
    memory.run(programs.rotary(rows, cosine, sine, rows, spare, tokens, heads, size))
    halves = np.concatenate([x[..., size // 2 :], x[..., : size // 2]], axis=2).astype(np.float64)
    parts = x * cosines[:, None].astype(np.float64), halves * signed[:, None]
    error = np.abs(memory.get(rows, tokens, heads, size) - sum(parts))
    assert (error <= 2 * U * SLACK * (np.abs(parts[0]) + np.abs(parts[1])) + 3 * SMALLEST).all()


def test_rotary_refuses_heads_without_halves():
    """Halves must exchange places by one bit of the word's number."""
    with pytest.raises(ValueError, match="96 values"):
        programs.rotary(Region(), Region(), Region(), Region(), Region(), 1, 1, 96)


def test_residual():
    """One rounding, as NumPy does it."""
    rng, memory = np.random.default_rng(5), Memory()
    x, other = (rng.standard_normal((3, 40)).astype(np.float32) for _ in range(2))
    regions = Region(0, 5), Region(100, 5)
    for region, values in zip(regions, (x, other), strict=True):
        memory.put(region, values)
    memory.run([programs.add(*regions, regions[0], 3, 40)])
    np.testing.assert_array_equal(memory.get(regions[0], 3, 1, 40)[:, 0], x + other)


@pytest.mark.parametrize("n", [1, 7, 32, 33, 100, 1000])
def test_row_sums(n):
    """Against exact sums of values of one sign, within the bound above, for every length."""
    values = np.random.default_rng(n).uniform(0, 1, (20, n)).astype(np.float32)
    exact = values.astype(np.float64).sum(axis=1)
    assert (np.abs(vector.row_sums(values) - exact) <= (n / 32 + 5) * U * SLACK * exact).all()


def test_row_maxima():
    """Infinities, zeros of both signs, subnormals as zeros, NaN."""
    nan, inf = np.nan, np.inf
    rows = [[1, 2, -3], [-inf, -2, -1e30], [-0.0, 0.0, -1], [-0.0, -1, -2], [1e-40, -1, -2], [1, nan, inf], [-inf] * 3]
    found = vector.row_maxima(np.array(rows, np.float32))
    expected = np.array([2, -2, 0, -0.0, 0, nan, -inf], np.float32)
    np.testing.assert_array_equal(found, expected)
    assert np.array_equal(np.signbit(found[:5]), np.signbit(expected[:5]))


def test_row_places():
    """The first of equal values, infinities, zeros of both signs, subnormals as zeros, NaN."""
    nan, inf = np.nan, np.inf
    rows = [[1, 3, 3], [-inf, -1e30, -2], [-0.0, 0.0, 0.0], [-1, 1e-40, 0], [1, nan, inf], [-inf] * 3]
    found = vector.row_places(np.array(rows, np.float32))
    np.testing.assert_array_equal(found - np.float32(PLACE_ZERO), np.array([1, 2, 1, 1, nan, 0], np.float32))


def test_mask_and_tail():
    """Inactive values are stored as zero and count nowhere, whatever they are."""
    memory = Memory(16)
    memory.words[0] = [1, 2, 3, 4, np.nan, np.inf, 7, 8]
    memory.words[1] = memory.words[0]
    instruction = Instruction(
        length=6, outer=2, first=3, step=1, a=Region(0, 1), d=Region(4, 1), reduction=Reduction.SUM, r=Region(64, 1)
    )
    vector.execute(memory.words, instruction)
    np.testing.assert_array_equal(memory.words[4], [1, 2, 3, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(memory.words[5], [1, 2, 3, 4, 0, 0, 0, 0])
    np.testing.assert_array_equal(memory.words[8, :2], [6, 10])
    assert instruction.function == Function.NONE and instruction.x == Operand.IMMEDIATE
