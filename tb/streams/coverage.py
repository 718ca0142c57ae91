"""Functional coverage of the stream cells: what each does at each occupancy, and what a reset finds in it.

In most cycles the same things happen, so that a test samples each that does once.
"""

from __future__ import annotations

from collections.abc import Callable

import cocotb
from cocotb_coverage.coverage import CoverPoint

from tb.common.coverage import events

GROUP = "streams"
MOVES = ("idle", "push", "pop", "push and pop")
RATIO = len(cocotb.top.widen_out_data_o) // len(cocotb.top.register_in_data_i)
# Entries of the FIFOs, by payload width of the benches.
DEPTH = {1: 2, 16: 3, 32: 16}[len(cocotb.top.register_in_data_i)]
RAM_DEPTH = {1: 4, 16: 4, 32: 16}[len(cocotb.top.register_in_data_i)]


def _moves(depth: int, half_rate: bool = False) -> list[str]:
    """What can happen at either end of a buffer's occupancy; one with a ready that passes may take while full."""
    impossible = {(0, "pop"), (0, "push and pop"), (depth, "push")}
    if depth > 1 or half_rate:
        impossible.add((depth, "push and pop"))
    levels = sorted({0, 1, depth - 1, depth})
    return [f"{move} at {level}" for level in levels for move in MOVES if (level, move) not in impossible]


# A cycle of a buffer that held so many entries.
SAMPLE_LEVEL: dict[str, Callable[[str], None]] = {
    "register": events(f"{GROUP}.register", _moves(2)),
    "stage": events(f"{GROUP}.stage", _moves(1)),
    "half": events(f"{GROUP}.half", _moves(1, half_rate=True)),
    "fifo": events(f"{GROUP}.fifo", _moves(DEPTH)),
    "ram": events(f"{GROUP}.ram", _moves(RAM_DEPTH)),
}
# Widening: a part came, as this one of its word; none came behind this one.
sample_arrived = events(f"{GROUP}.widen.arrived", range(1, RATIO + 1))
sample_waited = events(f"{GROUP}.widen.waited", range(1, RATIO))
sample_widen = events(f"{GROUP}.widen.word", ["stalled", "leaves alone", "leaves as the next one's first part comes"])
# Narrowing: this part left; it was not taken.
sample_left = events(f"{GROUP}.narrow.left", range(1, RATIO + 1))
sample_held = events(f"{GROUP}.narrow.stalled", range(1, RATIO + 1))
sample_narrow = events(f"{GROUP}.narrow.word", ["comes alone", "comes as the last part leaves"])
# Some outputs of the fork took the transfer (bit mask), which ended it or not.
sample_taken = events(f"{GROUP}.fork.taken", range(1, 8))
sample_ends = events(f"{GROUP}.fork.ends", [False, True])
# Cells that a reset emptied; of those with two places both were in use, of a word and a transfer some parts had gone.
sample_reset = events(
    f"{GROUP}.reset", ["register", "stage", "half", "fifo", "ram", "part of a wide word", "rest of a wide word", "fork"]
)


@CoverPoint(
    f"{GROUP}.paces",
    xf=lambda source, sink: (source, sink),
    bins=[(source, sink) for source in ("full", "pauses") for sink in ("full", "pauses")],
)
def sample_paces(source: str, sink: str) -> None:
    """All transfers of a cell have passed one of its outputs, at these paces."""
