"""Functional coverage of lists: every command with its formats and modes, and every error."""

from __future__ import annotations

from itertools import product

from cocotb_coverage.coverage import CoverCross, CoverPoint
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Command, Load, Matrix, Transfer, Vector
from edge_qlora.layout import VALUE_BYTES
from edge_qlora.registers import ErrorCode
from edge_qlora.vector import Function, Operand, Reduction

from tb.core.items import ListItem

MODES = ("N", "T")
FIRST = [f"{form.name} {mode}" for form, mode in product(WeightFormat, MODES)]
FIRST.remove("INT8 T")
SECOND = ["none", *(f"{form.name} {mode}" for form, mode in product(VALUE_BYTES, MODES))]
ROWS = ["one", "outer", "inner", "both"]
PRESENT = ["no", "yes"]
# BUSY is the answer to a doorbell, not to a list.
ERRORS = [code.name for code in ErrorCode if code != ErrorCode.BUSY]


def _weights(matrix: Matrix, number: int) -> str:
    if number >= len(matrix.products):
        return "none"
    chosen = matrix.products[number]
    return f"{WeightFormat(chosen.format).name} {MODES[chosen.transpose]}"


def _rows(command: Command) -> str:
    return ROWS[(command.outer > 1) + 2 * (command.inner > 1)]


@CoverPoint("commands.matrix.first", xf=lambda m: _weights(m, 0), bins=FIRST)
@CoverPoint("commands.matrix.second", xf=lambda m: _weights(m, 1), bins=SECOND)
@CoverPoint("commands.matrix.header", xf=lambda m: PRESENT[m.header_bytes > 0], bins=PRESENT)
@CoverPoint("commands.matrix.rows", xf=_rows, bins=ROWS)
@CoverPoint("commands.matrix.whole_block", xf=lambda m: PRESENT[m.outputs % 64 == 0], bins=PRESENT)
@CoverCross("commands.matrix.formats", items=["commands.matrix.first", "commands.matrix.second"])
def _sample_matrix(matrix: Matrix) -> None:
    """Cover a MATRIX command."""


@CoverPoint("commands.load.header", xf=lambda c: PRESENT[c.header_bytes > 0], bins=PRESENT)
@CoverPoint("commands.load.parts", xf=lambda c: len(c.parts), bins=[1, 2])
@CoverPoint("commands.load.repeated", xf=lambda c: PRESENT[c.count > 1], bins=PRESENT)
@CoverPoint("commands.load.rows", xf=lambda c: PRESENT[any(p.rows > 1 for p in c.parts)], bins=PRESENT)
def _sample_load(load: Load) -> None:
    """Cover a LOAD command."""


def _operand(value: int) -> str:
    return Operand(value).name


@CoverPoint("commands.vector.x", xf=lambda i: _operand(i.x), bins=[o.name for o in Operand])
@CoverPoint("commands.vector.z", xf=lambda i: _operand(i.z), bins=["IMMEDIATE", "B"])
@CoverPoint("commands.vector.function", xf=lambda i: Function(i.function).name, bins=[f.name for f in Function])
@CoverPoint("commands.vector.reduction", xf=lambda i: Reduction(i.reduction).name, bins=[r.name for r in Reduction])
@CoverPoint("commands.vector.masked", xf=lambda i: PRESENT[i.first is not None], bins=PRESENT)
@CoverPoint("commands.vector.exchange", xf=lambda i: PRESENT[i.exchange > 0], bins=PRESENT)
@CoverPoint("commands.vector.b_per_row", xf=lambda i: PRESENT[i.b_per_row], bins=PRESENT)
@CoverPoint("commands.vector.stored", xf=lambda i: PRESENT[i.d is not None], bins=PRESENT)
@CoverPoint("commands.vector.rows", xf=_rows, bins=ROWS)
@CoverCross("commands.vector.operands", items=["commands.vector.x", "commands.vector.z"])
@CoverCross("commands.vector.reduced", items=["commands.vector.function", "commands.vector.reduction"])
def _sample_vector(instruction) -> None:
    """Cover a VECTOR command."""


@CoverPoint("commands.transfer.opcode", xf=lambda c: c.opcode.name, bins=["READ", "WRITE"])
@CoverPoint("commands.transfer.format", xf=lambda c: ValueFormat(c.format).name, bins=[f.name for f in ValueFormat])
@CoverPoint("commands.transfer.rows", xf=_rows, bins=ROWS)
@CoverCross(
    "commands.transfer.formats",
    items=["commands.transfer.opcode", "commands.transfer.format"],
    ign_bins=[("READ", "BFP8")],
)
@CoverCross("commands.transfer.nests", items=["commands.transfer.opcode", "commands.transfer.rows"])
def _sample_transfer(transfer: Transfer) -> None:
    """Cover a READ or a WRITE command."""


@CoverPoint("commands.waits", xf=lambda c: min(len(c.waits), 2), bins=[0, 1, 2])
@CoverPoint("commands.posts", xf=lambda c: min(len(c.post), 2), bins=[0, 1, 2])
def _sample_order(command: Command) -> None:
    """Cover a command's semaphores."""


def sample_commands(item: ListItem) -> None:
    """Cover the commands of a list that ran to its end."""
    for command in item.touched.commands:
        _sample_order(command)
        if isinstance(command, Matrix):
            _sample_matrix(command)
        elif isinstance(command, Load):
            _sample_load(command)
        elif isinstance(command, Vector):
            _sample_vector(command.instruction)
        elif isinstance(command, Transfer):
            _sample_transfer(command)


def fault_of(item: ListItem, kind: str) -> str | None:
    """The fault of a list that has ended; None for a flipped bit that did no harm."""
    return None if kind == "flip" and not item.ended.failed else kind


def make_sample_end(kinds: list[str]):
    """A function that covers how lists end.

    Args:
        kinds: of faults, "none" among them.
    """

    @CoverPoint("commands.fault", xf=fault_of, bins=kinds)
    @CoverPoint("commands.error", xf=lambda item, kind: ErrorCode(item.ended.error).name, bins=ERRORS)
    def sample(item: ListItem, kind: str) -> None:
        """Cover how a list has ended."""

    return sample
