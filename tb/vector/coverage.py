"""Functional coverage of the function unit: what goes in, what comes out, and how fast."""

from __future__ import annotations

import numpy as np
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.common.coverage import events
from tb.models import functions

GROUP = "functions"
NAMES = ("exp", "reciprocal", "rsqrt")
OPERANDS = ("zero", "-zero", "subnormal", "normal", "-normal", "infinity", "-infinity", "nan")
RESULTS = {
    "exp": ("zero", "normal", "infinity", "nan"),
    "reciprocal": ("zero", "-zero", "normal", "-normal", "infinity", "-infinity", "nan"),
    "rsqrt": ("zero", "normal", "infinity", "-infinity", "nan"),
}
QUARTER = functions.SEGMENTS // 4


def classify(bits: np.ndarray) -> np.ndarray:
    """Names of the classes of FP32 bits; subnormals of both signs are one class."""
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
    names = np.select(
        [exponent == 0, exponent < 255, fraction == 0],
        [np.where(fraction == 0, "zero", "subnormal"), "normal", "infinity"],
        "nan",
    )
    signed = (bits >> 31 == 1) & ~np.isin(names, ("subnormal", "nan"))
    return np.char.add(np.where(signed, "-", ""), names)


@coverage_section(
    CoverPoint(f"{GROUP}.function", xf=lambda name, operand: name, bins=list(NAMES)),
    CoverPoint(f"{GROUP}.operand", xf=lambda name, operand: operand, bins=list(OPERANDS)),
    CoverCross(f"{GROUP}.operands", items=[f"{GROUP}.function", f"{GROUP}.operand"]),
)
def _sample_operand(name: str, operand: str) -> None:
    """A function met an operand of a class."""


@coverage_section(
    *(
        CoverPoint(f"{GROUP}.{name}.result", xf=lambda n, result, name=name: result if n == name else None, bins=bins)
        for name, bins in ((name, list(results)) for name, results in RESULTS.items())
    ),
)
def _sample_result(name: str, result: str) -> None:
    """A function gave a result of a class."""


@CoverPoint(
    f"{GROUP}.segments",
    xf=lambda table, quarter: (table, quarter),
    bins=[(table, quarter) for table in functions.tables() for quarter in range(4)],
)
def _sample_segment(table: str, quarter: int) -> None:
    """A quarter of a table of coefficients was used."""


# Operands were sent in this manner.
sample_flow = events(f"{GROUP}.flow", ["full speed", "source pauses", "sink pauses"])


def sample(select: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Sample a batch: indices into NAMES, operands and results as FP32 bits."""
    operands, results = classify(x), classify(y)
    for index, name in enumerate(NAMES):
        chosen = select == index
        for operand in np.unique(operands[chosen]):
            _sample_operand(name, str(operand))
        for result in np.unique(results[chosen]):
            _sample_result(name, str(result))
        fraction = (x[chosen & (operands == "normal")] & 0x7FFFFF) >> 21
        odd = x[chosen & (operands == "normal")] >> 23 & 1 == 0
        if name == "reciprocal":
            used = [("reciprocal", quarter) for quarter in np.unique(fraction)]
        elif name == "rsqrt":
            parts = {"rsqrt": fraction[~odd], "rsqrt_odd": fraction[odd]}
            used = [(table, quarter) for table, part in parts.items() for quarter in np.unique(part)]
        else:
            small = x[chosen & (operands == "normal")].view(np.float32)
            part = np.mod(small[small < 80].astype(np.float64) / np.log(2), 1)
            used = [("exp2", int(q)) for q in np.unique(np.floor(part * 4))]
        for table, quarter in used:
            _sample_segment(table, int(quarter))
