"""Functional coverage of the tile transposer: tiles, paces of both sides, stalls, occupancy, reset."""

from __future__ import annotations

import cocotb
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.common.coverage import events
from tb.transpose.model import KINDS, SIDE

GROUP = "transpose"
SPEEDS = ["full", "some pauses", "slow"]
WIDTHS = ["one lane", "two lanes"] if int(cocotb.top.WIDE.value) else ["one lane"]


def _speed(share: float) -> str:
    """Of a side, from the share of its transfers that came behind a pause."""
    if not share:
        return "full"
    return "some pauses" if share < 0.4 else "slow"


def _lines(lines: int) -> str:
    return {1: "one", SIDE - 1: "all but one", SIDE: "all"}.get(lines, "some")


@coverage_section(
    CoverPoint(f"{GROUP}.kind", xf=lambda kind, *_: kind, bins=list(KINDS)),
    CoverPoint(f"{GROUP}.lines", xf=lambda _, lines, *__: _lines(lines), bins=["one", "some", "all but one", "all"]),
    CoverPoint(f"{GROUP}.width", xf=lambda *item: "two lanes" if item[2] else "one lane", bins=WIDTHS),
)
def sample_tile(kind: str, lines: int, wide: bool) -> None:
    """The transpose of a tile of so many rows, wide or not, was right."""


@coverage_section(
    CoverPoint(f"{GROUP}.source", xf=lambda source, sink: _speed(source), bins=SPEEDS),
    CoverPoint(f"{GROUP}.sink", xf=lambda source, sink: _speed(sink), bins=SPEEDS),
    CoverCross(f"{GROUP}.source_sink", items=[f"{GROUP}.source", f"{GROUP}.sink"]),
)
def sample_paces(source: float, sink: float) -> None:
    """Tiles went through; these shares of beats came behind a pause of the source, and waited for the sink."""


# Something happened on the ports.
sample_event = events(
    f"{GROUP}.event",
    [
        "input stalled: both buffers full",
        "output stalled",
        "output idle: no tile complete",
        "both sides moved",
        "reset within a tile",
        "reset while a tile leaves",
    ],
)
