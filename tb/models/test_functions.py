"""The function unit's golden model: every mantissa against float64, the ends of the range, and the generated RTL."""

from __future__ import annotations

import numpy as np
import pytest

from rtl.vector import generate
from tb.models import fp32, functions

# Where errors come from. Rounding to 24 bits is wrong by half a place, a place being 16 units of the interpolated
# mantissa. That is wrong by the quadratic's error (at most (1/128)**3 / 192 of the third derivative, on a scale of
# 2**28, or 2**27 for exp2), by rounding c0 (1/2 unit), by dropping places of the sum (1/2 unit after c0's correction),
# and by rounding c1, c2 and the square (together less than 1/4 unit).
QUADRATIC = {"reciprocal": 6.0, "rsqrt": 15 / 8, "rsqrt_odd": 15 / 8 / np.sqrt(2), "exp2": 2 * np.log(2) ** 3}
UNITS = 1 / 2 + 1 / 2 + 1 / 4
ONES = (np.arange(1 << 23, dtype=np.uint32) | np.uint32(127 << 23)).view(np.float32)


def bound(table: str) -> float:
    """Largest error of a result in units of its last place."""
    point = 27 if table == "exp2" else 28
    return 0.5 + (QUADRATIC[table] / 128**3 / 192 * 2**point + UNITS) / 16


def ulps(result: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Error in units of the last place of FP32 at the exact value."""
    place = np.ldexp(1.0, np.frexp(np.abs(exact))[1] - 24)
    return np.abs(result.astype(np.float64) - exact) / place


@pytest.mark.parametrize(
    ("function", "table", "x", "exact"),
    [
        (functions.reciprocal, "reciprocal", ONES, 1 / ONES.astype(np.float64)),
        (functions.rsqrt, "rsqrt", ONES, 1 / np.sqrt(ONES.astype(np.float64))),
        (functions.rsqrt, "rsqrt_odd", 2 * ONES, 1 / np.sqrt(2 * ONES.astype(np.float64))),
    ],
    ids=["reciprocal", "rsqrt", "rsqrt of odd exponents"],
)
def test_every_mantissa(function, table, x, exact):
    """The derived bound holds for every mantissa, and is below one."""
    worst = ulps(function(x), exact).max()
    print(f"{table}: largest error {worst:.3f}, bound {bound(table):.3f} units in the last place")
    assert worst <= bound(table) < 1


def test_exponential():
    """The derived bound, with the rounding of x * log2(e): half a unit of 2**-25, and that of log2(e) times x."""
    rng = np.random.default_rng(5)
    near = np.ldexp(rng.uniform(-1, 1, 1 << 20), rng.integers(-30, 1, 1 << 20))
    x = np.concatenate([rng.uniform(-87.33, 88.72, 1 << 22), near]).astype(np.float32)
    # A relative error e is at most e * 2**24 places, and log2(e) is wrong by at most half a unit of 2**-33.
    argument = np.log(2) * (2.0**-26 + 88.73 * 2.0**-34) * 2**24
    worst = ulps(functions.exp(x), np.exp(x.astype(np.float64))).max()
    limit = bound("exp2") + argument
    print(f"exponential: largest error {worst:.3f}, bound {limit:.3f} units in the last place")
    assert worst <= limit < 1


@pytest.mark.parametrize("function", [functions.reciprocal, functions.rsqrt])
def test_exponents_scale(function):
    """Every exponent gives the same mantissas as those of 1 to 4; results below 2**-126 are zero."""
    rng = np.random.default_rng(6)
    mantissas = rng.integers(0, 1 << 23, 64, dtype=np.uint32)
    for exponent in range(1, 255):
        base = 127 + (exponent - 127) % 2
        x = (mantissas | np.uint32(exponent << 23)).view(np.float32)
        reference = function((mantissas | np.uint32(base << 23)).view(np.float32)).astype(np.float64)
        power = base - exponent if function is functions.reciprocal else (base - exponent) // 2
        expected = fp32.round_to_fp32(np.ldexp(reference, power))
        np.testing.assert_array_equal(function(x), expected)


def test_special_values():
    """Zeros, subnormals, infinities, NaN, and what has no root."""
    nan, inf = np.float32(np.nan), np.float32(np.inf)
    x = np.array([0, -0.0, 1e-40, -1e-40, inf, -inf, nan, -1, 2.0**126, 2.0**127, -(2.0**127)], np.float32)
    cases = {
        functions.exp: [1, 1, 1, 1, inf, 0, nan, np.float32(np.exp(-1.0)), inf, inf, 0],
        functions.reciprocal: [inf, -inf, inf, -inf, 0, -0.0, nan, -1, 2.0**-126, 0, -0.0],
        functions.rsqrt: [inf, -inf, inf, -inf, 0, nan, nan, nan, 2.0**-63, 2.0**-63.5, nan],
    }
    for function, results in cases.items():
        with np.errstate(all="ignore"):
            found = function(x)
        expected = np.array(results, np.float32)
        np.testing.assert_array_equal(found, expected, err_msg=function.__name__)
        assert np.array_equal(np.signbit(found), np.signbit(np.where(np.isnan(expected), 0, expected)))
        bits = fp32.to_bits(np.array([0x7F800001, 0xFFC00000], np.uint32).view(np.float32))
        assert (fp32.to_bits(function(fp32.from_bits(bits))) == fp32.CANONICAL_NAN).all()


def test_ends_of_the_exponential():
    """The first overflow and the last result that is not zero, one operand apart from what they are not."""
    above, below = np.float32(128 * np.log(2)), np.float32(-126 * np.log(2))
    largest = np.nextafter(above, np.float32(0)) if float(above) >= 128 * np.log(2) else above
    with np.errstate(over="ignore"):
        assert np.isfinite(functions.exp(largest)) and np.isinf(functions.exp(np.nextafter(largest, np.float32(99))))
    smallest = below if float(below) >= -126 * np.log(2) else np.nextafter(below, np.float32(0))
    assert functions.exp(smallest) >= 2.0**-126 and functions.exp(np.float32(-87.5)) == 0


def test_mantissas_stay_in_range():
    """At every position of every segment the mantissa is that of a number from 1 to 2, and only rounding makes it 2.

    So the RTL need not limit it, nor keep a bit above it.
    """
    positions = np.arange(-(1 << 17), 1 << 17)
    for name, table in functions.tables().items():
        for segment in range(functions.SEGMENTS):
            index = np.full(len(positions), segment)
            found = functions.interpolate(table, index, positions)
            assert found.min() >= 1 << 23 and found.max() <= 1 << 24, f"{name}, segment {segment}"
            assert functions.unrounded(table, index, positions).max() < 1 << functions.MANTISSA_BITS


def test_files_are_generated():
    """The RTL's constants are what the generator makes of the golden model."""
    for path, text in generate.render().items():
        assert path.read_text() == text, path.name
