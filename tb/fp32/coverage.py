"""Functional coverage of the FP32 units: classes are found for whole batches, each that occurs is sampled once."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb_coverage.coverage import CoverPoint, coverage_section

from tb.fp32.stimulus import Bits, Operands, exponent_of
from tb.models import fp32

GROUP = "fp32"
CLASSES = ("zero", "subnormal", "normal", "infinity", "nan")
GAPS = ("equal", "one", "two to 23", "24", "25", "26", "beyond")
CANCELLED = ("none", "one place", "2 to 12 places", "13 to 24 places", "all")
BOUNDS = ("underflow", "just flushed", "smallest normal", "inside", "largest binade", "overflow", "exact zero")
ROUNDING = ("exact", "down", "up", "tie down", "tie up", "carry into the exponent")


# Integers that fit a significand are never rounded, nor can they come that near to the smallest normal number.
_FITS = len(cocotb.top.op_value_i) // len(cocotb.top.op_nan_i) <= 20
INT_BOUNDS = tuple(name for name in BOUNDS if not (_FITS and name == "just flushed"))
INT_ROUNDING = ROUNDING[:1] if _FITS else ROUNDING


def classify(bits: Bits) -> np.ndarray:
    """Index into ``CLASSES`` of each value."""
    exponent, fraction = exponent_of(bits), bits & np.uint32(0x7FFFFF)
    low = np.where(fraction == 0, 0, 1)
    return np.where(exponent == 0, low, np.where(exponent < 255, 2, np.where(fraction == 0, 3, 4)))


def _bounds(exact: np.ndarray) -> np.ndarray:
    """Index into ``BOUNDS`` of results before rounding, float64; NaN and infinity count as inside."""
    size = np.abs(exact)
    conditions = [
        size == 0,
        ~np.isfinite(exact),
        size < 2.0**-126 * (1 - 2.0**-20),
        size < fp32.FLUSH_BELOW,
        size < 2.0**-126 * (1 + 2.0**-20),
        size >= 2.0**128 - 2.0**103,
        size >= 2.0**127,
    ]
    return np.select(conditions, [6, 3, 0, 1, 2, 5, 4], 3)


def _rounding(exact: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Index into ``ROUNDING`` of finite nonzero results, -1 for others; ``exact`` must be exact where that matters."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded, size = np.abs(result.astype(np.float64)), np.abs(exact)
        _, exponent = np.frexp(size)
        place = np.ldexp(1.0, exponent - 24)
        error = (rounded - size) / place
    usual = np.isfinite(rounded) & (rounded > 0)
    power = usual & (error > 0) & (np.frexp(rounded)[1] > exponent)
    odd_tie = np.abs(error) == 0.5
    kinds = [~usual, power, error == 0, odd_tie & (error < 0), odd_tie, error < 0]
    return np.select(kinds, [-1, 5, 0, 3, 4, 1], 2)


@coverage_section(
    *(
        CoverPoint(
            f"{GROUP}.{unit}.operands", xf=lambda name, label, unit=unit: label if name == unit else None, bins=pairs
        )
        for unit in ("mul", "add")
        for pairs in [[f"{x} x {y}" for x, y in itertools.product(CLASSES, repeat=2)]]
    ),
)
def _sample_operands(name: str, label: str) -> None:
    """A pair of operand classes occurred."""


def _points(unit: str, kind: str, bins: tuple[str, ...]) -> CoverPoint:
    key = f"{unit}.{kind}"
    return CoverPoint(f"{GROUP}.{key}", xf=lambda name, label: label if name == key else None, bins=list(bins))


@coverage_section(
    *(_points(unit, "bounds", BOUNDS) for unit in ("mul", "add")),
    *(_points(unit, "rounding", ROUNDING) for unit in ("mul", "add")),
    _points("int", "bounds", INT_BOUNDS),
    _points("int", "rounding", INT_ROUNDING),
    _points("add", "gap", GAPS),
    _points("add", "cancelled", CANCELLED),
    _points("int", "value", ("zero", "positive", "negative", "minus a power of two", "most negative", "nan flag")),
    _points("from_fp16", "class", CLASSES),
    _points("from_bf16", "class", CLASSES),
    _points("to_fp16", "operand", CLASSES),
    _points("to_fp16", "result", (*CLASSES, "zero by rounding", "subnormal to normal", "infinity by rounding", "tie")),
    _points("to_bf16", "operand", CLASSES),
    _points("to_bf16", "result", ("zero", "normal", "infinity", "nan", "infinity by rounding", "tie")),
    _points("all", "flow", ("full speed", "source pauses", "sinks pause")),
)
def _sample(name: str, label: str) -> None:
    """A class occurred."""


def sample_flow(label: str) -> None:
    """All results of a batch have come, in this manner."""
    _sample("all.flow", label)


def _note(name: str, bins: tuple[str, ...], index: np.ndarray) -> None:
    for found in np.unique(index):
        if found >= 0:
            _sample(name, bins[found])


def _mark(name: str, label: str, occurs: np.ndarray) -> None:
    if occurs.any():
        _sample(name, label)


def sample_batch(operands: Operands, width: int) -> None:
    """Sample the classes of a batch of operations on integers of ``width`` bits."""
    a, b = (fp32.flush(x.view(np.float32)) for x in (operands.a, operands.b))
    pairs = classify(operands.a) * len(CLASSES) + classify(operands.b)
    for pair in np.unique(pairs):
        label = f"{CLASSES[pair // len(CLASSES)]} x {CLASSES[pair % len(CLASSES)]}"
        _sample_operands("mul", label)
        _sample_operands("add", label)
    with np.errstate(invalid="ignore"):
        results = {
            "mul": (a.astype(np.float64) * b, fp32.mul(a, b)),
            "add": (a.astype(np.float64) + b, fp32.add(a, b)),
        }
    scaled = np.ldexp(operands.value.astype(np.float64), operands.exponent.astype(np.int32))
    number = ~operands.nan & (np.abs(operands.value) < 2**53)
    results["int"] = (scaled[number], fp32.from_int(operands.value, operands.exponent)[number])
    for unit, (exact, result) in results.items():
        _note(f"{unit}.bounds", BOUNDS, _bounds(exact))
        _note(f"{unit}.rounding", ROUNDING, _rounding(exact, result))
    _sample_add(a, b)
    _sample_integers(operands, width)
    _sample_conversions(operands)


def _sample_add(a: np.ndarray, b: np.ndarray) -> None:
    finite = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
    x, y = a[finite].astype(np.float64), b[finite].astype(np.float64)
    gap = np.abs(np.frexp(x)[1] - np.frexp(y)[1])
    _note("add.gap", GAPS, np.select([gap <= 1, gap <= 23, gap <= 26], [gap, 2, gap - 21], 6))
    opposed = np.signbit(x) != np.signbit(y)
    larger, total = np.maximum(np.abs(x), np.abs(y))[opposed], np.abs(x + y)[opposed]
    places = np.where(total > 0, np.frexp(larger)[1] - np.frexp(total)[1], 99)
    _note("add.cancelled", CANCELLED, np.select([places <= 0, places == 1, places <= 12, places < 99], [0, 1, 2, 3], 4))


def _sample_integers(operands: Operands, width: int) -> None:
    value = operands.value
    _mark("int.value", "zero", value == 0)
    _mark("int.value", "positive", value > 0)
    _mark("int.value", "negative", value < 0)
    _mark("int.value", "minus a power of two", (value < 0) & (value & -value == -value))
    _mark("int.value", "most negative", value == -(2 ** (width - 1)))
    _mark("int.value", "nan flag", operands.nan)


def _sample_conversions(operands: Operands) -> None:
    half, wide = operands.half, operands.wide
    fp16_low, fp16_high = half & 0x3FF, half >> 10 & 0x1F
    below = np.where(fp16_low == 0, 0, 1)
    above = np.where(fp16_low == 0, 3, 4)
    _note("from_fp16.class", CLASSES, np.where(fp16_high == 0, below, np.where(fp16_high < 31, 2, above)))
    _note("from_bf16.class", CLASSES, classify(half << np.uint32(16)))
    for unit in ("to_fp16", "to_bf16"):
        _note(f"{unit}.operand", CLASSES, classify(wide))
    x = fp32.flush(wide.view(np.float32)).astype(np.float64)
    size, finite = np.abs(x), np.isfinite(x)
    narrow = np.abs(fp32.from_fp16(fp32.to_fp16(wide.view(np.float32)))).astype(np.float64)
    fp16 = [narrow == 0, narrow < 2.0**-14, np.isfinite(narrow), np.isinf(narrow)]
    _note("to_fp16.result", CLASSES, np.select(fp16, [0, 1, 2, 3], 4))
    _mark("to_fp16.result", "zero by rounding", (size > 2.0**-26) & (narrow == 0))
    _mark("to_fp16.result", "subnormal to normal", (size < 2.0**-14) & (narrow == 2.0**-14))
    _mark("to_fp16.result", "infinity by rounding", (size < 2.0**16) & np.isinf(narrow))
    with np.errstate(invalid="ignore"):
        place = np.ldexp(1.0, np.maximum(np.frexp(size)[1], -13) - 11)
        _mark("to_fp16.result", "tie", finite & (np.abs(size - narrow) == place / 2) & (size > 2.0**-25))
    brief = np.abs(fp32.from_bf16(fp32.to_bf16(wide.view(np.float32)))).astype(np.float64)
    kinds = [(brief == 0, "zero"), (np.isfinite(brief) & (brief > 0), "normal")]
    kinds += [(np.isinf(brief), "infinity"), (np.isnan(brief), "nan")]
    kinds += [(finite & np.isinf(brief), "infinity by rounding"), (finite & (wide & 0xFFFF == 0x8000), "tie")]
    for occurs, label in kinds:
        _mark("to_bf16.result", label, occurs)
