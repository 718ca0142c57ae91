"""Environment of the vector engine: commands, a scratchpad with pauses, and a scoreboard of its content."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from edge_qlora.command_layout import VECTOR
from edge_qlora.commands import Vector
from edge_qlora.vector import LANES, Instruction, Operand
from pyuvm import uvm_component, uvm_env

from tb.common.base import within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamItem, StreamPort, StreamSequence
from tb.models import vector

# Of the scratchpad when no other port is in the way.
ANSWER_CYCLES = 3


def command(instruction: Instruction) -> int:
    """The 512 bits of an instruction's command."""
    return int.from_bytes(Vector(instruction=instruction).pack(), "little")


def with_fields(bits: int, fields: dict[str, int]) -> int:
    """A VECTOR command with some of its fields, by name, set to other values."""
    for name, value in fields.items():
        lsb, width = VECTOR[name]
        bits = bits & ~((1 << width) - 1 << lsb) | value << lsb
    return bits


def reads(instruction: Instruction) -> int:
    """Words of operand A that an instruction takes."""
    return instruction.outer * instruction.inner * instruction.words


@dataclass
class Port:
    """One read port of the scratchpad: answers on their way."""

    name: str
    pace: Pace
    latency: int
    answers: deque[tuple[int, int]] = field(default_factory=deque)
    pause: int = 0


class Scratchpad(uvm_component):
    """The memory behind the engine's three ports.

    Attributes:
        words: float32 [words, LANES].
        ports: read ports by name; a port's pace and latency may be replaced between instructions.
        write_pace: pauses of the write port.
        corrupt: number of the write in which one bit is flipped (fault injection), or None.
        writes: writes so far.
    """

    def __init__(self, name: str, parent: uvm_component, dut) -> None:
        super().__init__(name, parent)
        self.dut = dut
        self.words = np.zeros((1 << len(dut.w_addr_o), LANES), np.float32)
        self.ports = {name: Port(name, Pace(), ANSWER_CYCLES) for name in ("a", "b")}
        self.write_pace = Pace()
        self.corrupt: int | None = None
        self.writes = 0
        self._offered: tuple[int, int, int] | None = None

    async def run_phase(self) -> None:
        dut, now, write_pause = self.dut, 0, 0
        dut.w_ready_i.value = 0
        for name in self.ports:
            getattr(dut, f"{name}_req_ready_i").value = 0
            getattr(dut, f"{name}_rsp_valid_i").value = 0
        while True:
            await RisingEdge(dut.clk_i)
            now += 1
            if dut.rst_ni.value != 1:
                continue
            for port in self.ports.values():
                self._read(port, now)
            self._write()
            write_pause = write_pause - 1 if write_pause else self.write_pace.cycles()
            dut.w_ready_i.value = int(write_pause == 0)

    def _read(self, port: Port, now: int) -> None:
        request, answer = (
            {part: getattr(self.dut, f"{port.name}_{part}") for part in parts}
            for parts in (("req_valid_o", "req_ready_i", "req_addr_o"), ("rsp_valid_i", "rsp_data_i"))
        )
        if request["req_valid_o"].value and request["req_ready_i"].value:
            data = int.from_bytes(self.words[int(request["req_addr_o"].value)].tobytes(), "little")
            port.answers.append((now + port.latency - 1, data))
        due = bool(port.answers) and port.answers[0][0] <= now
        answer["rsp_valid_i"].value = int(due)
        if due:
            answer["rsp_data_i"].value = port.answers.popleft()[1]
        port.pause = port.pause - 1 if port.pause else port.pace.cycles()
        request["req_ready_i"].value = int(port.pause == 0)

    def _write(self) -> None:
        dut = self.dut
        if not dut.w_valid_o.value:
            assert self._offered is None, "w: valid fell before ready"
            return
        offer = tuple(int(signal.value) for signal in (dut.w_addr_o, dut.w_data_o, dut.w_strobe_o))
        assert self._offered in (None, offer), "w: payload changed while stalled"
        self._offered = None if dut.w_ready_i.value else offer
        if self._offered:
            return
        address, data, strobes = offer
        if self.writes == self.corrupt:
            data ^= 1 << 32 * next(lane for lane in range(LANES) if strobes >> lane & 1)
        self.writes += 1
        values = np.frombuffer(data.to_bytes(4 * LANES, "little"), np.float32)
        chosen = [bool(strobes >> lane & 1) for lane in range(LANES)]
        self.words[address, chosen] = values[chosen]


class VectorEnv(uvm_env):
    """Everything around the engine.

    Attributes:
        scratchpad: the memory.
        board: compares every word of the memory that an instruction changes, or should.
    """

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.commands = StreamAgent("commands", self, StreamPort(self.dut, "cmd", ("",), True), Pace())
        self.scratchpad = Scratchpad("scratchpad", self, self.dut)
        self.board = Scoreboard("memory", self)

    async def run(self, instruction: Instruction) -> None:
        """Run one instruction to its end and compare the whole memory with the golden model's."""
        words = self.scratchpad.words
        before, expected = words.copy(), words.copy()
        with np.errstate(all="ignore"):
            vector.execute(expected, instruction)
        await within(
            1000,
            StreamSequence([{"": command(instruction)}]).start(self.commands.sequencer),
            "acceptance of the instruction",
        )
        rows = instruction.outer * instruction.inner
        await within(100 * (reads(instruction) + rows) + 1000, self.finished(), "the end of the instruction")
        found, wanted = words.view(np.uint32), expected.view(np.uint32)
        touched = (found != before.view(np.uint32)) | (wanted != before.view(np.uint32))
        for address in np.flatnonzero(touched.any(axis=1)):
            values = [int.from_bytes(content[address].tobytes(), "little") for content in (wanted, found)]
            self.board.expect({"data": values[0]}, f"word {address:#x}, {instruction}")
            self.board.write(StreamItem({"data": values[1]}))
        words[:] = expected  # one difference must not become many

    async def finished(self) -> None:
        """Wait until the instruction has ended."""
        await RisingEdge(self.dut.clk_i)
        while self.dut.done_o.value != 1:
            await RisingEdge(self.dut.clk_i)


def uses_b(instruction: Instruction) -> bool:
    """Whether an instruction reads operand B."""
    return Operand.B in (instruction.x, instruction.z)


def pauses(scratchpad: Scratchpad) -> None:
    """Draw the scratchpad's pauses and latencies anew."""
    for port in scratchpad.ports.values():
        port.pace, port.latency = Pace.any(), random.randint(1, 5)
    scratchpad.write_pace = Pace.any()
