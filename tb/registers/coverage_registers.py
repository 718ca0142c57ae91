"""Functional coverage of the registers: accesses of each register, lists, events and counters."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverPoint
from edge_qlora import registers as regs

from tb.common.coverage import events
from tb.registers.coverage import GROUP
from tb.registers.model import BY_OFFSET, LOCKED

HOLE = "hole"
NAMES = [register.name for register in regs.REGISTERS] + [HOLE]


def _name(address: int) -> str:
    register = BY_OFFSET.get(address & ~3)
    return register.name if register else HOLE


def _refused(name: str) -> bool:
    return name == HOLE or not getattr(regs, name).writable


ACCESSES = (
    [("read", name, name == HOLE) for name in NAMES]
    + [("write", name, _refused(name)) for name in NAMES]
    + [("write", BY_OFFSET[offset].name, True) for offset in sorted(LOCKED)]
)


@CoverPoint(
    f"{GROUP}.access",
    xf=lambda write, address, error: ("write" if write else "read", _name(address), error),
    bins=ACCESSES,
)
def sample_access(write: bool, address: int, error: bool) -> None:
    """A register access was answered."""


# Something happened to a list.
sample_list = events(
    f"{GROUP}.list",
    [
        "doorbell accepted",
        "doorbell rejected before busy_i rose",
        "doorbell rejected while busy_i is high",
        "doorbell rejected with an error already held",
        "doorbell with clear of counters",
        "list done",
        "list error",
        "list error replaces BUSY",
        "clear of counters while a list runs",
        "clear of counters in the cycle of done",
        "nonfinite warning",
    ],
)


EVENTS = [field.name for field in regs.IRQ_STATUS.fields]


@CoverPoint(
    f"{GROUP}.event",
    xf=lambda kind, name: (kind, name),
    bins=[
        (kind, name)
        for kind in ("set", "cleared", "set in the cycle of its clearing", "interrupts", "masked")
        for name in EVENTS
    ],
)
def sample_event(kind: str, name: str) -> None:
    """An event bit of IRQ_STATUS."""


@CoverPoint(
    f"{GROUP}.counter",
    xf=lambda kind, name: (kind, name),
    bins=[(kind, name) for kind in ("carry between LO and HI", "no carry") for name in regs.COUNTERS],
)
def sample_counter(kind: str, name: str) -> None:
    """A HI register was read: did the counter carry into it since its LO register was read?"""
