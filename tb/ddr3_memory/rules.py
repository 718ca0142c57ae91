"""Timing rules of DDR3-1600 commands, from the times of its data sheet, held against what the memory model is told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

CYCLE_NS = 5
CLOCK_NS = 1.25
BURST_CYCLES = 1  # eight transfers
# DDR3-1600K (11-11-11), 4 Gb, x16 (pages of 2 KB), after JEDEC JESD79-3.
TIMES_NS = {
    "rcd": 13.75,
    "rp": 13.75,
    "ras": 35,
    "rc": 48.75,
    "rrd": 7.5,
    "faw": 40,
    "rtp": 7.5,
    "wr": 15,
    "wtr": 7.5,
    "rfc": 260,
    "refi": 7800,
    "cl": 11 * CLOCK_NS,
    "cwl": 8 * CLOCK_NS,
    # Read to write: CL + 4 + 2 - CWL clocks.
    "rtw": (11 + 4 + 2 - 8) * CLOCK_NS,
}
CYCLES = {name: math.ceil(time / CYCLE_NS) for name, time in TIMES_NS.items()}


class RuleError(AssertionError):
    """A command came too early, or to a bank in the wrong state."""


@dataclass
class Bank:
    """A bank's state; times in cycles."""

    row: int | None = None
    opened: int = -1000
    closed: int = -1000
    read: int = -1000
    written: int = -1000


@dataclass
class Rules:
    """Check commands in the order they come.

    Attributes:
        commands: how many of each kind came.
        refreshes: times of refreshes.
    """

    banks: list[Bank] = field(default_factory=lambda: [Bank() for _ in range(8)])
    opened: list[int] = field(default_factory=list)
    refreshes: list[int] = field(default_factory=list)
    commands: dict[str, int] = field(default_factory=dict)

    def _later(self, now: int, before: int, cycles: int, rule: str) -> None:
        if now - before < cycles:
            raise RuleError(f"cycle {now}: {rule} after {now - before} cycles, {cycles} needed")

    def _may_close(self, now: int, bank: Bank) -> None:
        self._later(now, bank.opened, CYCLES["ras"], "a row closes (tRAS)")
        self._later(now, bank.read, CYCLES["rtp"], "a row closes after a read (tRTP)")
        written = CYCLES["cwl"] + BURST_CYCLES + CYCLES["wr"]
        self._later(now, bank.written, written, "a row closes after a write (tWR)")

    def activate(self, now: int, number: int, row: int) -> None:
        """A row opens."""
        bank = self.banks[number]
        if bank.row is not None:
            raise RuleError(f"cycle {now}: a row opens in bank {number}, which has one open")
        self._later(now, bank.opened, CYCLES["rc"], "the next row of a bank opens (tRC)")
        self._later(now, bank.closed, CYCLES["rp"], "a row opens after one closed (tRP)")
        if self.refreshes:
            self._later(now, self.refreshes[-1], CYCLES["rp"] + CYCLES["rfc"], "a row opens after a refresh (tRFC)")
        if self.opened:
            self._later(now, self.opened[-1], CYCLES["rrd"], "another bank's row opens (tRRD)")
        if len(self.opened) >= 4:
            self._later(now, self.opened[-4], CYCLES["faw"], "a fifth row opens (tFAW)")
        self.opened.append(now)
        bank.row, bank.opened = row, now
        self._count("activate")

    def precharge(self, now: int, number: int) -> None:
        """A row closes."""
        bank = self.banks[number]
        if bank.row is None:
            raise RuleError(f"cycle {now}: bank {number} has no row to close")
        self._may_close(now, bank)
        bank.row, bank.closed = None, now
        self._count("precharge")

    def column(self, now: int, number: int, row: int, write: bool) -> None:
        """A burst of eight is read or written."""
        bank = self.banks[number]
        if bank.row != row:
            raise RuleError(f"cycle {now}: a column of row {row} in bank {number}, where row {bank.row} is open")
        self._later(now, bank.opened, CYCLES["rcd"], "a column follows its row (tRCD)")
        for other in self.banks:
            if write:
                self._later(now, other.read, CYCLES["rtw"], "a write follows a read")
            else:
                turn = CYCLES["cwl"] + BURST_CYCLES + CYCLES["wtr"]
                self._later(now, other.written, turn, "a read follows a write (tWTR)")
        if write:
            bank.written = now
        else:
            bank.read = now
        self._count("write" if write else "read")

    def refresh(self, now: int) -> None:
        """All rows close, and a refresh follows."""
        for bank in self.banks:
            if bank.row is not None:
                self._may_close(now, bank)
                bank.row, bank.closed = None, now
        self.refreshes.append(now)
        self._count("refresh")

    def finish(self, now: int, began: int) -> None:
        """At the end there were as many refreshes as the time asks for, few of them postponed."""
        due = (now - began) // CYCLES["refi"]
        if not due - 1 <= len(self.refreshes) <= due + 1:
            raise RuleError(f"{len(self.refreshes)} refreshes in {now - began} cycles, {due} are due")
        for early, late in zip(self.refreshes, self.refreshes[1:], strict=False):
            if late - early > 2 * CYCLES["refi"]:
                raise RuleError(f"{late - early} cycles without a refresh")

    def _count(self, kind: str) -> None:
        self.commands[kind] = self.commands.get(kind, 0) + 1
