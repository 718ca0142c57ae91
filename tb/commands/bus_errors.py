"""Legal lists on a memory of which one line answers with an error."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from edge_qlora.command_layout import COMMAND_BYTES
from edge_qlora.commands import LINE
from edge_qlora.footprint import merged
from edge_qlora.registers import ErrorCode

from tb.axi_master.model import DECERR, PAGE, SLVERR
from tb.commands.program import Program
from tb.core.items import ListItem, Outcome
from tb.models.core import Core

FETCHED = 8  # lines of a list that are asked for at a time


def _item(name: str, program: Program, core: Core, line: int, error: ErrorCode, commands: list[int]) -> ListItem:
    # What is reported is the start of a burst, and a burst does not cross a page.
    outcome = Outcome(error, commands, range(line & -PAGE, line + 1))
    faults = [(line, line + LINE, random.choice((SLVERR, DECERR)))]
    return ListItem(f"{name} error at {line:#x}", core, program.address, outcome=outcome, faults=faults)


def _data_error(program: Program, core: Core, written: bool) -> ListItem:
    """One line that commands read, or write, and no others write, or read."""
    used = [
        {int(at) for first, end in merged(rows) for at in range(first, end, LINE)}
        for c in program.commands
        for rows in (c.memory_reads(), c.memory_writes())
    ]
    reads, writes = used[::2], used[1::2]
    chosen, others = (writes, reads) if written else (reads, writes)
    line = random.choice(sorted(set().union(*chosen) - set().union(*others)))
    commands = [program.address + n * COMMAND_BYTES for n, lines in enumerate(chosen) if line in lines]
    code = ErrorCode.AXI_WRITE if written else ErrorCode.AXI_READ
    return _item("write" if written else "read", program, core, line, code, commands)


def read_error(program: Program, core: Core) -> ListItem:
    """A line that is read."""
    return _data_error(program, core, False)


def write_error(program: Program, core: Core) -> ListItem:
    """A line that is written."""
    return _data_error(program, core, True)


def fetch_error(program: Program, core: Core) -> ListItem:
    """A line of the list; the error belongs to the first one that was asked for with it."""
    number = random.randrange(len(program.commands))
    line = program.address + number * COMMAND_BYTES
    commands = np.arange(max(0, number - FETCHED + 1), number + 1) * COMMAND_BYTES + program.address
    return _item("fetch", program, core, line, ErrorCode.AXI_READ, commands.tolist())


BUS_ERRORS: dict[str, Callable[[Program, Core], ListItem]] = {
    "read": read_error,
    "write": write_error,
    "fetch": fetch_error,
}
