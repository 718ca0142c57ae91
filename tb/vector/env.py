"""Environment of the vector engine: commands, a scratchpad with pauses, and a scoreboard of its content."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from edge_qlora.vector import LANES, Instruction, Operand, Region
from pyuvm import uvm_component, uvm_env

from tb.common.base import within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamItem, StreamPort, StreamSequence
from tb.models import fp32, vector

FIELDS = (
    *("outer", "inner", "length", "masked", "first", "step", "a", "exchange", "b", "b_per_row", "x", "z"),
    *("immediate_x", "immediate_z", "negate_x", "negate_z", "function", "store", "d", "reduction", "r"),
)


def command(instruction: Instruction, address_width: int) -> dict[str, int]:
    """An instruction as the engine's ports take it; ``address_width`` is that of an address in words."""

    def packed(region: Region, width: int) -> int:
        parts = (region.base, region.outer, region.inner)
        return sum((part & (1 << width) - 1) << index * width for index, part in enumerate(parts))

    i = instruction
    return {
        "outer": i.outer,
        "inner": i.inner,
        "length": i.length,
        "masked": int(i.first is not None),
        "first": i.first or 0,
        "step": i.step,
        "a": packed(i.a, address_width),
        "exchange": i.exchange,
        "b": packed(i.b, address_width + 3),
        "b_per_row": int(i.b_per_row),
        "x": int(i.x),
        "z": int(i.z),
        "immediate_x": int(fp32.to_bits(np.float32(i.immediate_x))),
        "immediate_z": int(fp32.to_bits(np.float32(i.immediate_z))),
        "negate_x": int(i.negate_x),
        "negate_z": int(i.negate_z),
        "function": int(i.function),
        "store": int(i.d is not None),
        "d": packed(i.d or Region(), address_width),
        "reduction": int(i.reduction),
        "r": packed(i.r, address_width + 3),
    }


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
        self.ports = {name: Port(name, Pace(), 2) for name in ("a", "b")}
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
        self.commands = StreamAgent("commands", self, StreamPort(self.dut, "cmd", FIELDS, True), Pace())
        self.scratchpad = Scratchpad("scratchpad", self, self.dut)
        self.board = Scoreboard("memory", self)

    async def run(self, instruction: Instruction) -> None:
        """Run one instruction to its end and compare the whole memory with the golden model's."""
        words = self.scratchpad.words
        before, expected = words.copy(), words.copy()
        with np.errstate(all="ignore"):
            vector.execute(expected, instruction)
        item = command(instruction, len(self.dut.w_addr_o))
        await within(1000, StreamSequence([item]).start(self.commands.sequencer), "acceptance of the instruction")
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
        """Wait until no instruction is in progress."""
        while True:
            await RisingEdge(self.dut.clk_i)
            if self.dut.idle_o.value and not self.dut.cmd_valid_i.value:
                return


def uses_b(instruction: Instruction) -> bool:
    """Whether an instruction reads operand B."""
    return Operand.B in (instruction.x, instruction.z)


def pauses(scratchpad: Scratchpad) -> None:
    """Draw the scratchpad's pauses and latencies anew."""
    for port in scratchpad.ports.values():
        port.pace, port.latency = Pace.any(), random.randint(1, 5)
    scratchpad.write_pace = Pace.any()
