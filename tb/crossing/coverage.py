"""Functional coverage: every ratio of clocks with every kind of pauses, each IP's by its own name."""

from __future__ import annotations

import cocotb
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.crossing.clocks import RATIOS

GROUP = cocotb.top._name
PACES = ("full", "pauses")


@coverage_section(
    CoverPoint(f"{GROUP}.ratio", xf=lambda ratio, first, second: ratio, bins=list(RATIOS)),
    CoverPoint(f"{GROUP}.first", xf=lambda ratio, first, second: PACES[first], bins=list(PACES)),
    CoverPoint(f"{GROUP}.second", xf=lambda ratio, first, second: PACES[second], bins=list(PACES)),
    CoverCross(f"{GROUP}.traffic", items=[f"{GROUP}.ratio", f"{GROUP}.first", f"{GROUP}.second"]),
)
def sample_traffic(ratio: str, first: bool, second: bool) -> None:
    """Traffic with these clocks; whether the first and the second side pause."""
