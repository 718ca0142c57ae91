"""What the tests of the whole accelerator run: lists of commands, how they must end, and what they may touch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from edge_qlora.command_layout import COMMAND_BYTES
from edge_qlora.commands import Command, End, unpack
from edge_qlora.errors import CommandError, ErrorCode
from edge_qlora.footprint import MemoryRows, merged
from pyuvm import uvm_sequence, uvm_sequence_item

from tb.models.core import Core, Report

# Lines of a list that the fetch may read behind the last one that it hands on.
READ_AHEAD = 16


@dataclass(frozen=True)
class Outcome:
    """How a list may end.

    Attributes:
        error: the code.
        commands: addresses of which one is reported.
        info: values of which one is reported.
    """

    error: ErrorCode = ErrorCode.NONE
    commands: Sequence[int] = (0,)
    info: Sequence[int] = (0,)

    @property
    def settled(self) -> bool:
        """Whether the list has run to its end, so that memory has one content."""
        return self.error in (ErrorCode.NONE, ErrorCode.NONFINITE)


@dataclass(frozen=True)
class Ended:
    """How a list has ended: registers, and the cycles from the doorbell on."""

    status: int
    events: int
    error: int
    command: int
    info: int
    lists: int
    cycles: int

    @property
    def failed(self) -> bool:
        """Whether the list was given up before its end."""
        return self.error not in (ErrorCode.NONE, ErrorCode.NONFINITE)


@dataclass
class Footprint:
    """What a list in memory may touch.

    Attributes:
        commands: as far as the fetch takes them.
        readable, writable: ranges [first, end) of memory.
    """

    commands: list[Command] = field(default_factory=list)
    readable: list[tuple[int, int]] = field(default_factory=list)
    writable: list[tuple[int, int]] = field(default_factory=list)


class ListItem(uvm_sequence_item):
    """One list for the accelerator.

    Args:
        name: for messages.
        core: the golden core, with what memory holds before the list runs.
        address: of the list.
        writes: address and bytes of what the host writes to both memories before.
        outcome: how the list must end; None: as the golden core says.
        faults: memory ranges that answer with an error, and how.
        loaded: the accelerator's memory holds what the golden core's does; False: it is loaded before the list runs.

    Attributes:
        report: of the golden core.
        touched: what the list may touch.
        ended: what the accelerator reports.
        counters: the event counters after the list.
    """

    def __init__(
        self,
        name: str,
        core: Core,
        address: int,
        writes: Iterable[tuple[int, bytes]] = (),
        outcome: Outcome | None = None,
        faults: Iterable[tuple[int, int, int]] = (),
        loaded: bool = False,
    ) -> None:
        super().__init__(name)
        self.core, self.address, self.writes, self.outcome = core, address, writes, outcome
        self.faults, self.loaded = list(faults), loaded
        self.report: Report | None = None
        self.touched = Footprint()
        self.ended: Ended | None = None
        self.counters: dict[str, int] = {}

    def predict(self) -> Outcome:
        """Let the golden core run the list, unless it stops somewhere in it; how it must end."""
        if self.outcome is None or self.outcome.settled:
            self.report = self.core.run(self.address)
            found = Outcome(self.report.error, (self.report.command,), (self.report.info,))
            self.outcome = self.outcome or found
        return self.outcome


class Lists(uvm_sequence):
    """Run the given lists in order."""

    def __init__(self, items: Iterable[ListItem]) -> None:
        super().__init__("lists")
        self.items = items

    async def body(self) -> None:
        for item in self.items:
            await self.start_item(item)
            await self.finish_item(item)


def footprint(core: Core, address: int) -> Footprint:
    """What a list in the golden core's memory may touch, whatever is wrong with it."""
    found, at, window = Footprint(), address, core.limits.window
    if address % COMMAND_BYTES:
        return found
    while MemoryRows(at, COMMAND_BYTES).first_outside(window) is None:
        start, at = at - core.base, at + COMMAND_BYTES
        try:
            found.commands.append(unpack(core.memory[start : start + COMMAND_BYTES].tobytes()))
        except CommandError:
            break
        if isinstance(found.commands[-1], End):
            break
    lines = (address, min(at + READ_AHEAD * COMMAND_BYTES, window.limit))
    rows = [[r for c in found.commands for r in part(c)] for part in (_reads, _writes)]
    readable, writable = (_clipped(merged(part), window.base, window.limit) for part in rows)
    found.readable, found.writable = [lines, *readable], writable
    return found


def _reads(command: Command) -> tuple[MemoryRows, ...]:
    return command.memory_reads()


def _writes(command: Command) -> tuple[MemoryRows, ...]:
    return command.memory_writes()


def _clipped(pieces: np.ndarray, base: int, limit: int) -> list[tuple[int, int]]:
    """Pieces inside of the window; no access leaves it."""
    clipped = pieces.clip(base, limit)
    return [(int(first), int(end)) for first, end in clipped if first < end]
