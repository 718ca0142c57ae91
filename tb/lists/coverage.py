"""Functional coverage of the control side."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverPoint
from edge_qlora.registers import ErrorCode

from tb.common.coverage import events

GROUP = "lists"
# Errors from outside in the order in which they count.
EVENTS = ("bad", "read_range", "write_range", "stream", "read_error", "write_error")
PAIRS = [(first, second) for n, first in enumerate(EVENTS) for second in EVENTS[n + 1 :]]


@CoverPoint(f"{GROUP}.code", xf=lambda code: code.name, bins=[c.name for c in ErrorCode if c != ErrorCode.BUSY])
def sample_report(code: ErrorCode) -> None:
    """A list has ended."""


@CoverPoint(f"{GROUP}.together", xf=lambda first, second: (first, second), bins=PAIRS)
def sample_pair(first: str, second: str) -> None:
    """Two errors in the cycle of the first error."""


# Something happened.
sample_seen = events(
    f"{GROUP}.seen",
    [
        "posts of two engines in one cycle",
        "posts of all engines in one cycle",
        "commands in four engines",
        "two commands in one engine",
        "as many in one engine as may be, and one behind",
        "queue full",
        "command begun after a post that it waited for",
        "two engines ask for the last count of a semaphore",
        "refusal with commands behind",
        "data dropped behind END",
        "single lines near the limit",
        "error when all commands have ended",
        "doorbell in the cycle after a report",
    ],
)
