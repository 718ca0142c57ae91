"""Functional coverage of the stream cells: what the FIFO does at each occupancy, how the fork's outputs take turns."""

from __future__ import annotations

import cocotb
from cocotb_coverage.coverage import CoverPoint, coverage_section

GROUP = "streams"
DEPTHS = {1: 2, 16: 3, 32: 16}  # of the benches, by payload width
DEPTH = DEPTHS[len(cocotb.top.register_in_data_i)]
MOVES = ("idle", "push", "pop", "push and pop")


def _fifo_bins() -> list[str]:
    impossible = {(0, "pop"), (0, "push and pop"), (DEPTH, "push"), (DEPTH, "push and pop")}
    levels = {0, 1, DEPTH - 1, DEPTH}
    return [f"{move} at {level}" for level in sorted(levels) for move in MOVES if (level, move) not in impossible]


@coverage_section(
    CoverPoint(
        f"{GROUP}.fifo",
        xf=lambda level, pushed, popped: f"{MOVES[pushed + 2 * popped]} at {level}",
        bins=_fifo_bins(),
    )
)
def sample_fifo(level: int, pushed: bool, popped: bool) -> None:
    """A cycle of the FIFO that held ``level`` entries."""


@coverage_section(
    CoverPoint(f"{GROUP}.fork.taken", xf=lambda taken, _: taken, bins=list(range(1, 8))),
    CoverPoint(f"{GROUP}.fork.ends", xf=lambda _, ends: ends, bins=[False, True]),
)
def sample_fork(taken: int, ends: bool) -> None:
    """Some outputs of the fork took the transfer (bit mask), which ended it or not."""


@CoverPoint(
    f"{GROUP}.paces",
    xf=lambda source, sink: (source, sink),
    bins=[(source, sink) for source in ("full", "pauses") for sink in ("full", "pauses")],
)
def sample_paces(source: str, sink: str) -> None:
    """A cell ran at these paces."""
