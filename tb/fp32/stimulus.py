"""Operands for the FP32 units: random bits, exponents that meet in corners, and directed values."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint32]

CORNERS = (
    0x00000000,  # zero
    0x80000000,
    0x00000001,  # subnormals
    0x807FFFFF,
    0x00800000,  # smallest normal and its neighbour
    0x80800000,
    0x00800001,
    0x80800001,
    0x01000000,  # less its neighbours below: just flushed
    0x3F7FFFFF,  # around one
    0x3F800000,
    0xBF800000,
    0x3F800001,
    0x3FFFFFFF,
    0x33800000,  # half an ulp of one and neighbours
    0xB3000000,
    0x33C00000,
    0x4B7FFFFF,  # 24 bits of integer
    0x4B800000,
    0x7F7FFFFF,  # largest
    0xFF7FFFFF,
    0x73000000,  # half an ulp of the largest
    0x7F800000,  # infinities and NaNs
    0xFF800000,
    0x7FC00000,
    0xFF800001,
)

# Ends of FP16 and BF16 with the values on both sides of their ties.
NARROW_CORNERS = (
    *(0x477FEFFF, 0x477FF000, 0x47800000, 0xC77FF000),  # infinity of FP16 begins at 65520
    *(0x387FEFFF, 0x387FF000, 0xB8800000),  # smallest normal FP16
    *(0x33000000, 0x33000001, 0xB3000000, 0x33BFFFFF, 0x33C00000, 0x33800000, 0x32FFFFFF),  # smallest subnormal FP16
    *(0x3F801000, 0x3F803000, 0x3F800FFF, 0x38001000, 0x37FFE000),  # ties of FP16
    *(0x7F7F7FFF, 0x7F7F8000, 0xFF7FFFFF),  # infinity of BF16
    *(0x3F808000, 0x3F818000, 0x3F807FFF, 0x00FF8000),  # ties of BF16
)

# NaNs of which one bit says that they are no infinities.
ONE_BIT_NANS = tuple(0x7F800000 | 1 << bit for bit in range(23))
ONE_BIT_HALF_NANS = (*(0x7C00 | 1 << bit for bit in range(10)), *(0x7F80 | 1 << bit for bit in range(7)))


def nearly_ties() -> list[tuple[int, int]]:
    """Pairs whose product or sum is a tie between an even value and the next, but for one bit far below: all bits."""
    one, half_ulp, exponent = 1 << 23, 103 << 23, 127 << 23
    factors = [(one + 1, one + (1 << 22) + 1), (one + 2, one + (1 << 22) + (1 << 21) + 1)]
    factors += [(one + 2, one + (1 << 21) + (1 << bit - 1)) for bit in range(2, 22)]
    factors += [(3 << 22, (3 << 22) + 1)]  # of two and above
    products = [(a - one | exponent, b - one | exponent) for a, b in factors]
    sums = [(exponent, half_ulp | sign << 31 | 1 << bit) for bit in range(23) for sign in (0, 1)]
    return products + sums


def nearly_narrow_ties() -> list[int]:
    """FP32 bits that lie halfway between an even FP16 or BF16 value and the next, but for one bit below: all bits.

    An FP16 result below 2**-14 has less places, down to none, where the leading one is what is rounded.
    """
    found = [127 << 23 | 1 << 15 | 1 << bit for bit in range(15)]
    for places in range(12):
        tie = (113 - places) << 23 | (1 << 12 + places) & 0x7FFFFF
        found += [tie | 1 << bit for bit in range(12 + places)]
    return found


@dataclass(frozen=True)
class Operands:
    """Inputs of all units, one entry per operation.

    Attributes:
        a, b: operands of adder and multiplier, bits.
        value, exponent, nan: operands of the integer conversion; value is two's complement in 64 bits.
        half: 16 bits to widen.
        wide: 32 bits to narrow.
    """

    a: Bits
    b: Bits
    value: NDArray[np.int64]
    exponent: NDArray[np.int64]
    nan: NDArray[np.bool_]
    half: NDArray[np.uint32]
    wide: Bits

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, index: slice) -> Operands:
        return Operands(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def with_exponent(bits: Bits, exponent: NDArray[np.int64]) -> Bits:
    """Values with their biased exponents replaced, limited to 0 to 255."""
    return (bits & np.uint32(0x807FFFFF)) | (np.clip(exponent, 0, 255).astype(np.uint32) << np.uint32(23))


def exponent_of(bits: Bits) -> NDArray[np.int64]:
    """Biased exponents."""
    return (bits >> np.uint32(23) & np.uint32(0xFF)).astype(np.int64)


def float_pairs(count: int, rng: np.random.Generator) -> tuple[Bits, Bits]:
    """Pairs of any bits, of near exponents, near cancellation, near underflow and near overflow, and of corners."""
    a, b, low = (rng.integers(0, 2**32, count, dtype=np.uint32) for _ in range(3))
    short = rng.random(count) < 0.3  # few significant bits: ties and exact results
    keep = np.uint32(0xFFFFFFFF) << rng.integers(8, 24, count, dtype=np.uint32)
    a, b = np.where(short, a & keep, a), np.where(short, b & keep, b)
    at = exponent_of(a)
    kinds = {
        "any": b,
        "near": with_exponent(b, at + rng.integers(-28, 29, count)),
        "cancelling": a ^ np.uint32(0x80000000) ^ (low >> rng.integers(8, 32, count, dtype=np.uint32)),
        "neighbours": with_exponent(b, at + rng.integers(-1, 2, count)),
        "underflow": with_exponent(b, 127 - at + rng.integers(-2, 3, count)),
        "overflow": with_exponent(b, 381 - at + rng.integers(-2, 3, count)),
        "corner": np.array(CORNERS, dtype=np.uint32)[low % len(CORNERS)],
    }
    b = np.choose(rng.integers(0, len(kinds), count), list(kinds.values()))
    boundary = rng.random(count) < 0.05
    return _near_smallest(a, b, boundary)


def _near_smallest(a: Bits, b: Bits, chosen: NDArray[np.bool_]) -> tuple[Bits, Bits]:
    """Replace chosen pairs by factors whose product is within a few parts in 2**24 of 2**-126."""
    x = with_exponent(a, np.full(len(a), 127)).view(np.float32)
    y = (np.copysign(1.0, x) / x.astype(np.float64)).astype(np.float32).view(np.uint32)
    scaled_x = with_exponent(x.view(np.uint32), exponent_of(x.view(np.uint32)) - 60)
    scaled_y = with_exponent(y, exponent_of(y) - 66) | (b & np.uint32(0x80000000))
    return np.where(chosen, scaled_x, a), np.where(chosen, scaled_y, b)


def integers(count: int, width: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Integers of every size with ties and powers of two, and exponents of which half reach the format's ends."""
    value = rng.integers(-(2**63), 2**63, count, dtype=np.int64) >> (64 - width)
    value >>= rng.integers(0, width, count)
    place = rng.integers(0, width - 1, count)
    power = (np.int64(1) << place) + rng.integers(-1, 2, count)
    half_ulp = np.int64(1) << np.maximum(place - 24, 0)
    tie = (value & -(half_ulp << 1)) | half_ulp | (np.int64(1) << place)
    limits = np.array([0, -1, 1, -(2 ** (width - 1)), 2 ** (width - 1) - 1], dtype=np.int64)[rng.integers(0, 5, count)]
    value = np.choose(rng.integers(0, 8, count), [value, value, value, value, power, -power, tie, limits])
    value = np.clip(value, -(2 ** (width - 1)), 2 ** (width - 1) - 1)
    size = np.frexp(np.abs(value.astype(np.float64)))[1]
    exponent = np.choose(
        rng.integers(0, 4, count),
        [
            rng.integers(-512, 512, count),
            rng.integers(-150, 110, count),
            -126 - size + rng.integers(-1, 4, count),
            128 - size + rng.integers(-2, 3, count),
        ],
    )
    return value, np.clip(exponent, -512, 511)


def narrowing(count: int, rng: np.random.Generator) -> Bits:
    """Values around the range of FP16, ties of FP16 and of BF16, and any bits."""
    bits = rng.integers(0, 2**32, count, dtype=np.uint32)
    ranged = with_exponent(bits, rng.integers(98, 146, count))
    fp16_tie = (ranged & np.uint32(0xFFFFE000)) | np.uint32(0x1000)
    # Below 2**-14 the last place of FP16 stands further left.
    places = np.clip(126 - exponent_of(ranged), 13, 23).astype(np.uint32)
    subnormal_tie = (ranged & (np.uint32(0xFFFFFFFF) << places)) | (np.uint32(1) << (places - np.uint32(1)))
    bf16_tie = (bits & np.uint32(0xFFFF0000)) | np.uint32(0x8000)
    corners = np.array(NARROW_CORNERS + CORNERS, dtype=np.uint32)
    corner = corners[bits % len(corners)]
    kind = rng.integers(0, 6, count)
    return np.choose(kind, [bits, ranged, fp16_tie, subnormal_tie, bf16_tie, corner])


def random_operands(count: int, width: int, rng: np.random.Generator) -> Operands:
    """Corner-biased random operands for every unit."""
    a, b = float_pairs(count, rng)
    value, exponent = integers(count, width, rng)
    half = rng.integers(0, 2**16, count, dtype=np.uint32)
    return Operands(a, b, value, exponent, rng.random(count) < 0.02, half, narrowing(count, rng))


def directed_operands(width: int, lanes: int) -> Operands:
    """Pairs of corners, NaNs of one bit, near ties; the other units get corners in turn. Filled up to whole beats."""
    pairs = list(itertools.product(CORNERS, repeat=2))
    pairs += [pair for nan in ONE_BIT_NANS for pair in ((nan, 0x3F800000), (0xBF800000, nan))]
    pairs += nearly_ties()
    pairs.append((0x7F000000, 0xF2000000))  # rounds up to 2**127, from below it
    pairs += pairs[: -len(pairs) % lanes]
    a, b = np.array(pairs, dtype=np.uint32).T
    index = np.arange(len(pairs))
    shift = index % (2 * width)
    # Powers of two and their neighbours below, of both signs; -2**(width-1) and 0 among them.
    value = np.where(shift < width, -(np.int64(1) << np.minimum(shift, width - 1)), 0)
    positive = (np.int64(1) << np.maximum(np.minimum(shift - width, width - 2), 0)) - 1
    value = np.where(shift < width, value, positive)
    exponent = np.array([0, -512, 511, -150, 80])[index % 5]
    half = np.array(
        [0, 0x8000, 1, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xFC01, 0x7F80, 0x7FC0, 0xFF81, 0x0080]
        + list(ONE_BIT_HALF_NANS)
    )
    wide = np.array([*NARROW_CORNERS, *CORNERS, *ONE_BIT_NANS, *nearly_narrow_ties()], dtype=np.uint32)
    assert len(wide) <= len(pairs), "all of them are sent"
    nan = index % 7 == 0
    return Operands(a, b, value, exponent, nan, half[index % len(half)].astype(np.uint32), wide[index % len(wide)])
