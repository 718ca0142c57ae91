"""The FP32 golden model against PyTorch, NumPy and exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from tb.models import fp32

COUNT = 1_000_000
QUIET_NAN = 0x7FC00000
NAMED = {
    "+0": 0x00000000,
    "-0": 0x80000000,
    "smallest subnormal": 0x00000001,
    "-largest subnormal": 0x807FFFFF,
    "smallest normal": 0x00800000,
    "-smallest normal": 0x80800000,
    "next normal": 0x00800001,
    "1-ulp": 0x3F7FFFFF,
    "1": 0x3F800000,
    "1+ulp": 0x3F800001,
    "-1": 0xBF800000,
    "1.5": 0x3FC00000,
    "2**-24": 0x33800000,
    "2**-25": 0x33000000,
    "3*2**-25": 0x33C00000,
    "-2**-25": 0xB3000000,
    "2-ulp": 0x3FFFFFFF,
    "2**24": 0x4B800000,
    "largest": 0x7F7FFFFF,
    "-largest": 0xFF7FFFFF,
    "2**103": 0x73000000,
    "inf": 0x7F800000,
    "-inf": 0xFF800000,
    "quiet nan": 0x7FC00000,
    "signalling nan": 0xFF800001,
}


def bits_equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    """Whether all float32 values have the same bits."""
    return np.array_equal(fp32.to_bits(actual), fp32.to_bits(expected))


def canonical(x: np.ndarray) -> np.ndarray:
    """A reference result with our two departures from IEEE applied to values no rounding can blur."""
    return np.where(np.isnan(x), np.uint32(QUIET_NAN).view(np.float32), fp32.flush(x))


@pytest.fixture(params=[1, 2, 3])
def operands(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Pairs with any bits, with nearby exponents, and with products or sums near the underflow boundary."""
    rng = np.random.default_rng(request.param)
    a = rng.integers(0, 2**32, COUNT, dtype=np.uint32)
    b = rng.integers(0, 2**32, COUNT, dtype=np.uint32)
    if request.param == 2:
        near = (a >> 23 & 0xFF).astype(np.int64) + rng.integers(-27, 28, COUNT)
        b = (b & np.uint32(0x807FFFFF)) | (np.clip(near, 0, 255).astype(np.uint32) << np.uint32(23))
    if request.param == 3:
        near = 127 - (a >> 23 & 0xFF).astype(np.int64) + rng.integers(-3, 4, COUNT)
        b = (b & np.uint32(0x807FFFFF)) | (np.clip(near, 0, 255).astype(np.uint32) << np.uint32(23))
    return a.view(np.float32), b.view(np.float32)


def rounded_exactly(value: Fraction) -> int:
    """FP32 bits of a nonzero rational under the rules of the units, in integers only."""
    sign, value = (0x80000000, -value) if value < 0 else (0, value)
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    exponent -= value < Fraction(2) ** exponent
    scaled = value / Fraction(2) ** (exponent - 23)
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    whole += twice > scaled.denominator or (twice == scaled.denominator and whole & 1)
    if whole == 2**24:
        whole, exponent = 2**23, exponent + 1
    if exponent < -126:
        return sign
    if exponent > 127:
        return sign | 0x7F800000
    return sign | (exponent + 127) << 23 | whole & 0x7FFFFF


def test_mul_equals_torch(operands: tuple[np.ndarray, np.ndarray]) -> None:
    """Millions of products, away from gradual underflow, where only zero or 2**-126 may come out."""
    a, b = operands
    actual = fp32.mul(a, b)
    expected = (torch.from_numpy(fp32.flush(a).copy()) * torch.from_numpy(fp32.flush(b).copy())).numpy()
    # Gradual underflow rounds at another place, so torch can judge only what is clear of the boundary.
    clear = ~(np.abs(expected) <= fp32.MIN_NORMAL)
    assert clear.sum() > COUNT // 10
    assert bits_equal(actual[clear], canonical(expected)[clear])
    near = ~clear
    assert np.isin(fp32.to_bits(actual[near]) & 0x7FFFFFFF, [0, 0x00800000]).all()


def test_add_equals_torch(operands: tuple[np.ndarray, np.ndarray]) -> None:
    """Millions of sums; those of numbers below 2**-126 are exact in torch too."""
    a, b = operands
    expected = (torch.from_numpy(fp32.flush(a).copy()) + torch.from_numpy(fp32.flush(b).copy())).numpy()
    assert bits_equal(fp32.add(a, b), canonical(expected))


@pytest.mark.parametrize("name", ["mul", "add"])
def test_named_values_exactly(name: str) -> None:
    """Every pair of named finite values against rational arithmetic."""
    for a in NAMED.values():
        for b in NAMED.values():
            x, y = (float(v) for v in fp32.flush(fp32.from_bits(np.array([a, b]))))
            if not (np.isfinite(x) and np.isfinite(y)):
                continue
            exact = Fraction(x) * Fraction(y) if name == "mul" else Fraction(x) + Fraction(y)
            if exact == 0:
                continue
            actual = getattr(fp32, name)(*fp32.from_bits(np.array([[a], [b]])))
            assert fp32.to_bits(actual)[0] == rounded_exactly(exact), (hex(a), hex(b))


def test_underflow_boundary_exactly() -> None:
    """Products within 2**-150 of the smallest normal number, on both sides of the tie."""
    rng = np.random.default_rng(4)
    a = rng.integers(0x3F800000, 0x40000000, 200_000, dtype=np.uint32).view(np.float32)
    with np.errstate(under="ignore"):
        b = (np.float64(fp32.MIN_NORMAL) / a.astype(np.float64) * 2.0**60).astype(np.float32)
    a = (a * np.float32(2.0**-60)).astype(np.float32)
    actual = fp32.to_bits(fp32.mul(a, b))
    expected = [rounded_exactly(Fraction(float(x)) * Fraction(float(y))) for x, y in zip(a, b, strict=True)]
    assert np.array_equal(actual, np.array(expected, dtype=np.uint32))
    assert {0, 0x00800000} <= set(actual.tolist())


@pytest.mark.parametrize(
    ("a", "b", "product", "total"),
    [
        ("+0", "-0", 0x80000000, 0x00000000),
        ("-0", "-0", 0x00000000, 0x80000000),
        ("1", "-1", 0xBF800000, 0x00000000),
        ("inf", "-inf", 0xFF800000, QUIET_NAN),
        ("inf", "+0", QUIET_NAN, 0x7F800000),
        ("inf", "smallest subnormal", QUIET_NAN, 0x7F800000),
        ("-inf", "-1", 0x7F800000, 0xFF800000),
        ("signalling nan", "1", QUIET_NAN, QUIET_NAN),
        ("quiet nan", "inf", QUIET_NAN, QUIET_NAN),
        ("largest", "largest", 0x7F800000, 0x7F800000),
        ("largest", "2**103", 0x7F800000, 0x7F800000),
        ("-largest subnormal", "-largest subnormal", 0x00000000, 0x80000000),
        ("-largest subnormal", "smallest normal", 0x80000000, 0x00800000),
        ("smallest normal", "1-ulp", 0x00000000, None),  # needs 24 bits, no rounding: flushed
        ("next normal", "-smallest normal", 0x80000000, 0x00000000),  # difference 2**-149: flushed
        ("-smallest normal", "+0", 0x80000000, 0x80800000),
        ("1", "2**-24", None, 0x3F800000),  # tie to even, down
        ("1+ulp", "2**-24", None, 0x3F800002),  # tie to even, up
        ("1", "3*2**-25", None, 0x3F800001),
        ("1", "-2**-25", None, 0x3F800000),  # tie between 1-ulp and 1
    ],
)
def test_directed(a: str, b: str, product: int | None, total: int | None) -> None:
    """Zeros, infinities, NaN, subnormals, overflow and ties, in both orders of the operands."""
    x, y = fp32.from_bits(np.array([[NAMED[a]], [NAMED[b]]]))
    for left, right in ((x, y), (y, x)):
        if product is not None:
            assert fp32.to_bits(fp32.mul(left, right))[0] == product
        if total is not None:
            assert fp32.to_bits(fp32.add(left, right))[0] == total


@pytest.mark.parametrize("width", [24, 48, 53, 64])
def test_from_int_equals_rationals(width: int) -> None:
    """Integers of each width with ties, the largest of both signs, and every exponent."""
    rng = np.random.default_rng(width)
    size = rng.integers(1, width, 20_000)
    value = rng.integers(-(2**63), 2**63, 20_000, dtype=np.int64) >> (64 - size - 1)
    ties = (value >> 30 << 30) | (np.int64(1) << 28)
    value = np.where(rng.random(20_000) < 0.2, np.where(size > 34, ties, value), value)
    edges = [-(2 ** (width - 1)), 2 ** (width - 1) - 1, -1, 1, 2**22, -(2**23) + 1]
    value = np.concatenate([np.array(edges, dtype=np.int64), value[value != 0]])
    exponent = np.where(rng.random(value.size) < 0.5, rng.integers(-512, 512, value.size), -145 + width)
    exact = [rounded_exactly(Fraction(int(v)) * Fraction(2) ** int(e)) for v, e in zip(value, exponent, strict=True)]
    assert np.array_equal(fp32.to_bits(fp32.from_int(value, exponent)), np.array(exact, dtype=np.uint32))


def test_from_int_special() -> None:
    """Zero, NaN, overflow and underflow of both signs."""
    assert fp32.to_bits(fp32.from_int(np.array([0, 5]), 3, np.array([False, True]))).tolist() == [0, QUIET_NAN]
    assert fp32.to_bits(fp32.from_int(np.array([1, -1]), 200)).tolist() == [0x7F800000, 0xFF800000]
    assert fp32.to_bits(fp32.from_int(np.array([1, -1]), -200)).tolist() == [0, 0x80000000]


def test_fp16_every_pattern() -> None:
    """All 65536 numbers widened as torch does, and back to themselves."""
    bits = np.arange(2**16, dtype=np.uint32).astype(np.uint16)
    expected = torch.from_numpy(bits.view(np.float16).copy()).float().numpy()
    wide = fp32.from_fp16(bits)
    assert bits_equal(wide, np.where(np.isnan(expected), np.uint32(QUIET_NAN).view(np.float32), expected))
    back = fp32.to_fp16(wide)
    number = ~np.isnan(wide)
    assert np.array_equal(back[number], bits[number]) and (back[~number] == 0x7E00).all()


def test_bf16_every_pattern() -> None:
    """All 65536 numbers widened as torch does, and back to themselves but for subnormals."""
    bits = np.arange(2**16, dtype=np.uint32).astype(np.uint16)
    expected = torch.from_numpy(bits.view(np.int16).copy()).view(torch.bfloat16).float().numpy()
    wide = fp32.from_bf16(bits)
    assert bits_equal(wide, np.where(np.isnan(expected), np.uint32(QUIET_NAN).view(np.float32), expected))
    back, subnormal = fp32.to_bf16(wide), (bits & 0x7F80) == 0
    number = ~np.isnan(wide) & ~subnormal
    assert np.array_equal(back[number], bits[number])
    assert np.array_equal(back[subnormal], bits[subnormal] & 0x8000)
    assert (back[np.isnan(wide)] == 0x7FC0).all()


def test_narrowing_equals_torch(operands: tuple[np.ndarray, np.ndarray]) -> None:
    """To FP16 and BF16: any number, numbers of the range of FP16, and ties."""
    rng = np.random.default_rng(5)
    half_range = rng.integers(100 << 23, 145 << 23, COUNT, dtype=np.uint32)
    ties = (half_range & np.uint32(0xFFFFF000)) | (rng.integers(0, 2, COUNT, dtype=np.uint32) << np.uint32(12))
    for x in (operands[0], half_range.view(np.float32), ties.view(np.float32)):
        number = ~np.isnan(x)
        clean = torch.from_numpy(fp32.flush(x)[number].copy())
        assert np.array_equal(fp32.to_fp16(x)[number], clean.half().numpy().view(np.uint16))
        assert np.array_equal(fp32.to_bf16(x)[number], clean.bfloat16().view(torch.int16).numpy().view(np.uint16))
        assert (fp32.to_fp16(x)[~number] == 0x7E00).all() and (fp32.to_bf16(x)[~number] == 0x7FC0).all()


def test_shapes_and_scalars() -> None:
    """Operands broadcast; scalars are taken."""
    assert fp32.mul(np.ones((3, 1), np.float32), np.ones(4, np.float32)).shape == (3, 4)
    assert fp32.add(1.0, 2.0) == 3.0
    assert fp32.from_int(np.ones((2, 5), np.int64), np.zeros(5)).shape == (2, 5)
    assert fp32.from_fp16(np.ones((2, 2), np.float16)).shape == (2, 2)
