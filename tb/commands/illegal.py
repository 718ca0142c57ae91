"""Lists with one fault each, of every kind that has one answer: an error, the command it belongs to, its information.

The fault is put into a legal program, so that everything else works while it is found. What the hardware has done to
memory and scratchpad when it stops is not determined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from edge_qlora.command_layout import COMMAND_BYTES, ValueFormat, WeightFormat
from edge_qlora.commands import (
    BLOCK,
    HEADER_LINES,
    LAYOUTS,
    LINE,
    LINE_VALUES,
    SEMAPHORES,
    Command,
    Limits,
    Load,
    Matrix,
    Read,
    Transfer,
    Vector,
    Write,
    unpack,
)
from edge_qlora.errors import CommandError
from edge_qlora.footprint import MemoryRows, merged, overlap
from edge_qlora.layout import NESTED_BLOCK
from edge_qlora.ordering import LARGEST_COUNT
from edge_qlora.registers import ErrorCode
from edge_qlora.vector import LANES, Operand

from tb.commands.program import Program, faults, random_program
from tb.models.core import Core

# Words of a VECTOR, READ or WRITE command beyond which a simulation would take too long.
LONGEST = 1 << 14


@dataclass
class Illegal:
    """A program and how it ends.

    Attributes:
        program: its image holds the faulty list; its commands are the legal ones.
        fault: for messages.
        address: of the list, as the host writes it.
        error: the code, NONE if the fault does no harm.
        commands: addresses of which one is reported.
        info: what is reported with it.
    """

    program: Program
    fault: str
    address: int
    error: ErrorCode
    commands: tuple[int, ...] = (0,)
    info: int = 0


def _field_changes(limits: Limits) -> dict[str, list[tuple[type[Command], dict[str, int]]]]:
    """Values of fields, by their names in the packed form, that the engines must refuse; by engine."""
    behind = limits.scratch_words
    places = {} if behind > 0xFFFF else {"a0": behind, "d": behind}
    return {
        "LOAD": [(Load, {"count": 0}), (Load, {"header_lines": 0, "rows0": 0, "rows1": 0})],
        "MATRIX": [
            *((Matrix, {name: 0}) for name in ("outer", "inner", "outputs", "length0")),
            (Matrix, {"outer": limits.max_rows + 1}),
            (Matrix, {"outer": 2, "inner": limits.max_rows}),
            (Matrix, {"format0": 7}),
            (Matrix, {"format0": WeightFormat.CODES, "outputs": BLOCK + 1}),
            (Matrix, {"transpose0": 1, "outputs": BLOCK - 1}),
            (Matrix, {"transpose0": 0, "length0": BLOCK + 1}),
            (Matrix, {"format0": WeightFormat.CODES, "length0": BLOCK - 1}),
            (Matrix, {"format0": WeightFormat.INT8, "transpose0": 1}),
            *([] if limits.backward else [(Matrix, {"format0": WeightFormat.CODES, "transpose0": 1})]),
            (Matrix, {"length1": BLOCK, "format1": WeightFormat.CODES}),
            (Matrix, {"length1": BLOCK, "format1": WeightFormat.INT8}),
            (Matrix, {"length1": BLOCK, "format1": 7}),
            (Matrix, {"length1": BLOCK + 1, "format1": WeightFormat.FP32, "transpose1": 0}),
            (Matrix, {"header_lines": 1}),
            (Matrix, {"header_lines": HEADER_LINES + limits.nested_depth // LINE_VALUES + 1}),
            (Matrix, {"format0": WeightFormat.CODES, "block": NESTED_BLOCK * limits.nested_depth}),
            *((Matrix, {f"{name}_base": word}) for name, word in places.items()),
        ],
        "VECTOR": [
            *((Vector, {name: 0}) for name in ("outer", "inner", "length")),
            (Vector, {"masked": 1, "first": 0}),
            (Vector, {"x": 3}),
            (Vector, {"z": Operand.SELF}),
            (Vector, {"z": 3}),
            (Vector, {"store": 0, "reduction": 0}),
            *((Vector, {"x": Operand.B, "b_per_row": 0, f"b_{name}": 4}) for name in ("base", "outer", "inner")),
            *((Vector, {"a_base": behind}) for _ in places if places),
            *((Vector, {"store": 1, "d_base": behind}) for _ in range(bool(places))),
            *((Vector, {"z": Operand.B, "b_base": LANES * behind}) for _ in range(bool(places))),
            *((Vector, {"reduction": 1, "r_base": LANES * behind}) for _ in range(bool(places))),
        ],
        "TRANSFER": [
            *((kind, {name: 0}) for kind in (Read, Write) for name in ("outer", "inner", "length")),
            *((kind, {"format": form}) for kind, form in ((Read, ValueFormat.BFP8), (Read, 3), (Write, 3))),
            (Write, {"format": ValueFormat.BFP8, "length": 96}),
            *((kind, {"format": 0, "length": 24}) for kind in (Read, Write)),
            *((kind, {"format": 1, "length": 48}) for kind in (Read, Write)),
            *((kind, {"s_base": behind}) for kind in (Read, Write) for _ in range(bool(places))),
        ],
    }


def _changed(command: Command, fields: dict[str, int]) -> bytes:
    """A command's bytes with fields replaced, whatever their values mean."""
    bits = int.from_bytes(command.pack(), "little")
    for name, value in fields.items():
        lsb, width = LAYOUTS[command.opcode][name]
        bits = bits & ~((1 << width) - 1 << lsb) | value << lsb
    return bits.to_bytes(COMMAND_BYTES, "little")


class _Faults:
    """Makes faults in one program."""

    def __init__(self, rng: np.random.Generator, program: Program, act_width: int):
        self.rng, self.program, self.act_width = rng, program, act_width

    def pick(self, items):
        return items[int(self.rng.integers(len(items)))]

    def position(self, kinds: type[Command] | tuple[type[Command], ...]) -> int | None:
        """Some command of a class, None if there is none."""
        found = [n for n, command in enumerate(self.program.commands) if isinstance(command, kinds)]
        return self.pick(found) if found else None

    def address(self, position: int) -> int:
        return self.program.address + COMMAND_BYTES * position

    def put(self, position: int, data: bytes) -> None:
        """Overwrite a command in memory."""
        image = self.program.image
        start = self.address(position) - image.base
        image.memory[start : start + COMMAND_BYTES] = np.frombuffer(data, np.uint8)

    def one(self, position: int, data: bytes, fault: str, error: ErrorCode, info: int = 0) -> Illegal:
        """One command is replaced, and the error is its own."""
        self.put(position, data)
        return Illegal(self.program, fault, self.program.address, error, (self.address(position),), info)

    def command(self) -> Illegal | None:
        position = self.position(Command)
        command = self.program.commands[position]
        bits = int.from_bytes(command.pack(), "little")
        taken = {bit for lsb, width in LAYOUTS[command.opcode].values() for bit in range(lsb, lsb + width)}
        reserved = sorted(set(range(8 * COMMAND_BYTES)) - taken)
        flips = [1 << self.pick(reserved), 1 << int(self.rng.integers(16, 32)), bits & 0xFF ^ self.pick((0, 7, 200))]
        fault = int(self.rng.integers(3))
        name = f"{('reserved bit', 'magic number', 'opcode')[fault]} of {command.opcode.name} {position}"
        return self.one(position, (bits ^ flips[fault]).to_bytes(COMMAND_BYTES, "little"), name, ErrorCode.COMMAND)

    def field(self) -> Illegal | None:
        kind, fields = self.pick(self.pick(list(_field_changes(self.program.limits).values())))
        position = self.position(kind)
        if position is None:
            return None
        data = _changed(self.program.commands[position], fields)
        if not [e for e in unpack(data).violations(self.program.limits) if e.code == ErrorCode.FIELD]:
            return None
        return self.one(position, data, f"{fields} of {kind.__name__} {position}", ErrorCode.FIELD)

    def range(self) -> Illegal | None:
        position = self.position((Load, Read, Write))
        command, window = self.program.commands[position], self.program.image.window
        far = self.pick((window.base - LINE, window.limit, window.limit - LINE * int(self.rng.integers(1, 8))))
        if isinstance(command, Transfer):
            stride = self.pick(("inner_stride", "outer_stride"))
            size = LINE * int(self.rng.integers(1 << 14, 1 << 20)) * self.pick((-1, 1))
            command = self.pick((replace(command, address=far), replace(command, **{stride: size})))
        elif command.header_bytes and self.rng.random() < 0.5:
            command = replace(command, header_address=far)
        elif command.part0:
            command = replace(command, part0=replace(command.part0, address=far))
        errors = list(command.violations(self.program.limits))
        if not errors or errors[0].code != ErrorCode.RANGE:
            return None
        fault = f"range of {command.opcode.name} {position}"
        return self.one(position, command.pack(), fault, ErrorCode.RANGE, errors[0].info)

    def stream(self) -> Illegal | None:
        """A LOAD command with a row more or less; the error is its MATRIX command's."""
        loads = [n for n, command in enumerate(self.program.commands) if isinstance(command, Load)]
        matrices = [n for n, command in enumerate(self.program.commands) if isinstance(command, Matrix)]
        if not loads:
            return None
        number = int(self.rng.integers(len(loads)))
        load = self.program.commands[loads[number]]
        part = replace(load.part0, row_bytes=load.part0.row_bytes + self.pick((-LINE, LINE)))
        changed = replace(load, part0=part)
        if not changed.stream_bytes or list(changed.violations(self.program.limits)):
            return None
        self.put(loads[number], changed.pack())
        error = (ErrorCode.STREAM, (self.address(matrices[number]),))
        return Illegal(self.program, f"length of LOAD {loads[number]}", self.program.address, *error)

    def semaphore(self) -> Illegal | None:
        """One semaphore is posted 16 times, and nobody waits for it."""
        commands = self.program.commands
        unused = sorted(set(range(SEMAPHORES)) - {n for c in commands for n in c.waits | c.post})
        posting = [n for n, c in enumerate(commands) if isinstance(c, Read)]
        if not unused or len(posting) <= LARGEST_COUNT:
            return None
        number = self.pick(unused)
        for position in posting:
            command = commands[position]
            self.put(position, replace(command, post=command.post | {number}).pack())
        last = (self.address(posting[LARGEST_COUNT]),)
        fault = f"semaphore {number} is posted {len(posting)} times"
        return Illegal(self.program, fault, self.program.address, ErrorCode.SEMAPHORE, last, number)

    def deadlock(self) -> Illegal | None:
        """A command waits for a semaphore that nothing posts; others may come to wait for it."""
        commands = self.program.commands
        unused = sorted(set(range(SEMAPHORES)) - {n for c in commands for n in c.waits | c.post})
        if not unused:
            return None
        position = self.position((Load, Matrix, Vector, Read, Write))
        command = commands[position]
        self.put(position, replace(command, waits=command.waits | {self.pick(unused)}).pack())
        waiting = tuple(self.address(n) for n, c in enumerate(commands) if n == position or c.waits)
        fault = f"{command.opcode.name} {position} waits for ever"
        return Illegal(self.program, fault, self.program.address, ErrorCode.DEADLOCK, waiting)

    def alignment(self) -> Illegal | None:
        address = self.program.address + int(self.rng.integers(1, LINE))
        return Illegal(self.program, "address of the list", address, ErrorCode.ALIGNMENT, (address,), address)

    def end(self) -> Illegal | None:
        """No END: the fetch finds what is behind the list, which is no command."""
        position = len(self.program.commands) - 1
        return self.one(position, bytes(COMMAND_BYTES), "END is missing", ErrorCode.COMMAND)

    def flip(self) -> Illegal | None:
        """A random bit of a random command; None where what happens depends on what is done at the same time."""
        commands = self.program.commands
        position, bit = self.position((Load, Matrix, Vector, Read, Write)), int(self.rng.integers(512))
        bits = int.from_bytes(commands[position].pack(), "little") ^ 1 << bit
        data = bits.to_bytes(COMMAND_BYTES, "little")
        fault = f"bit {bit} of {commands[position].opcode.name} {position}"
        try:
            command = unpack(data)
        except CommandError:
            return self.one(position, data, fault, ErrorCode.COMMAND)
        if self._races(position, command):
            return None
        errors = list(command.violations(self.program.limits))
        if errors:
            info = errors[0].info if errors[0].code == ErrorCode.RANGE else 0
            return self.one(position, data, fault, errors[0].code, info)
        changed = replace(self.program, commands=[*commands[:position], command, *commands[position + 1 :]])
        if _work(command) > LONGEST or faults(changed):
            return None
        self.put(position, data)
        core = Core(self.program.image.memory.copy(), self.program.limits, self.act_width, self.program.image.base)
        report = core.run(self.program.address)
        return Illegal(self.program, fault, self.program.address, report.error, (report.command,), report.info)

    def _races(self, position: int, command: Command) -> bool:
        """Whether what is wrong with a changed command may be overtaken by something else that is."""
        errors = list(command.violations(self.program.limits))
        rows = (*command.memory_reads(), *command.memory_writes())
        outside = any(part.first_outside(self.program.image.window) for part in rows)
        # Two errors of one command, or the MATRIX command of a LOAD that leaves memory finds another length.
        if errors and outside and errors[0].code != ErrorCode.RANGE:
            return True
        before = self.program.commands[position]
        if errors and isinstance(command, Load) and command.stream_bytes != before.stream_bytes:
            return True
        # A list that is written over.
        lines = merged((MemoryRows(self.program.address, COMMAND_BYTES * len(self.program.commands)),))
        return overlap(merged(command.memory_writes()), lines) is not None


def _work(command: Command) -> int:
    if isinstance(command, Vector):
        return command.instruction.outer * command.instruction.inner * command.instruction.words
    return command.outer * command.inner * command.length // LANES if isinstance(command, Transfer) else 0


KINDS: dict[str, Callable[[_Faults], Illegal | None]] = {
    kind.__name__: kind
    for kind in (
        *(_Faults.command, _Faults.field, _Faults.range, _Faults.stream, _Faults.semaphore, _Faults.deadlock),
        *(_Faults.alignment, _Faults.end, _Faults.flip),
    )
}


def illegal_program(
    rng: np.random.Generator, kind: str, limits: Limits, act_width: int, chains: int = 4, base: int = 1 << 32
) -> Illegal:
    """A program with a fault.

    Args:
        kind: one of ``KINDS``.
        limits, chains, base: as of ``random_program``.
        act_width: activation mantissa width in bits.
    """
    while True:
        program = random_program(rng, limits, 12 if kind == "semaphore" else chains, base)
        found = KINDS[kind](_Faults(rng, program, act_width))
        if found is not None:
            return found


def refused_program(
    rng: np.random.Generator,
    kind: type[Command],
    fields: dict[str, int],
    limits: Limits,
    act_width: int,
    base: int = 1 << 32,
) -> Illegal:
    """A program with a command of a class whose fields its engine must refuse; otherwise as ``illegal_program``."""
    while True:
        faults = _Faults(rng, random_program(rng, limits, 2, base), act_width)
        position = faults.position(kind)
        if position is not None:
            data = _changed(faults.program.commands[position], fields)
            return faults.one(position, data, f"{fields} of {kind.__name__} {position}", ErrorCode.FIELD)
