"""Functional coverage of the tile transposer: tiles, paces of both sides, stalls, occupancy, reset."""

from __future__ import annotations

import cocotb
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.common.coverage import events
from tb.common.stream import Pace
from tb.transpose.model import KINDS, SIDE

GROUP = "transpose"
SPEEDS = ["full", "some pauses", "slow"]
WIDTHS = ["one lane", "two lanes"] if int(cocotb.top.WIDE.value) else ["one lane"]


def _speed(pace: Pace) -> str:
    if not pace.pause:
        return "full"
    return "some pauses" if pace.pause < 0.5 else "slow"


def _lines(lines: int) -> str:
    return {1: "one", SIDE - 1: "all but one", SIDE: "all"}.get(lines, "some")


tile_section = coverage_section(
    CoverPoint(f"{GROUP}.kind", xf=lambda kind, *_: kind, bins=list(KINDS)),
    CoverPoint(f"{GROUP}.lines", xf=lambda _, lines, *__: _lines(lines), bins=["one", "some", "all but one", "all"]),
    CoverPoint(f"{GROUP}.width", xf=lambda *item: "two lanes" if item[2] else "one lane", bins=WIDTHS),
    CoverPoint(f"{GROUP}.source", xf=lambda *item: _speed(item[3]), bins=SPEEDS),
    CoverPoint(f"{GROUP}.sink", xf=lambda *item: _speed(item[4]), bins=SPEEDS),
    CoverCross(f"{GROUP}.source_sink", items=[f"{GROUP}.source", f"{GROUP}.sink"]),
)


@tile_section
def sample_tile(kind: str, lines: int, wide: bool, source: Pace, sink: Pace) -> None:
    """A tile of so many rows, wide or not, is about to be sent at these paces."""


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
