"""pyuvm environment of ``matrix_engine`` and its scratchpad: agents, scoreboards of writes and of ended commands."""

from __future__ import annotations

import random
from collections.abc import Mapping

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from pyuvm import uvm_component, uvm_env

from tb.common.base import PERIOD_NS, each_pulse, within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamItem, StreamMonitor, StreamPort, StreamSequence
from tb.systolic.program import Program


class ArrayCounters(uvm_component):
    """Count what the engine's pulses say of the array's and the stream's work, looking at every cycle.

    Attributes:
        vectors: vectors that entered the array.
        active: cycles from the first to the last vector, pauses included.
        beats: weight beats taken once the array had its first vector; ``beat_cycles``: cycles from then to the last
            of them, so that filling the pipeline does not count.
        trace: if a test wants it and puts a list here, of every cycle, whether a vector entered, whether one waited for
            weights, and for activations.
    """

    def __init__(self, name: str, parent: uvm_component) -> None:
        super().__init__(name, parent)
        self.vectors = self.active = self.beats = self.beat_cycles = 0
        self._vector_gap = self._beat_gap = 0
        self.trace: list[tuple[bool, bool, bool]] | None = None

    async def run_phase(self) -> None:
        dut = cocotb.top
        pulses = vector, _, _ = dut.mac_vector_o, dut.weight_stall_o, dut.act_stall_o
        valid, ready, clock = dut.wgt_valid_i, dut.wgt_ready_o, dut.clk_i
        await RisingEdge(dut.rst_ni)
        while True:
            await RisingEdge(clock)
            if self.trace is not None:
                self.trace.append(tuple(bool(pulse.value) for pulse in pulses))
            if vector.value:
                self.vectors += 1
                self.active += 1 + self._vector_gap
                self._vector_gap = 0
            elif self.vectors:
                self._vector_gap += 1
            if not self.vectors:
                continue
            if valid.value and ready.value:
                self.beats += 1
                self.beat_cycles += 1 + self._beat_gap
                self._beat_gap = 0
            else:
                self._beat_gap += 1


class MatrixEnv(uvm_env):
    """Agents for commands, weights and the host's words; monitors of writes and of the pulses that end a command.

    Attributes:
        done: commands that have ended since the last reset.
        refused: commands that were refused.
        stream_errors: of each reported stream error, the number of commands that had ended.

    Args:
        full_speed: no pauses anywhere, and the array's work is counted, which takes as long as simulating it.
        paces: of commands "cmd", weights "wgt", and the scratchpad's "reads" and "writes"; the others draw theirs.
    """

    def __init__(
        self, name: str, parent: uvm_component, full_speed: bool = False, paces: Mapping[str, Pace] | None = None
    ) -> None:
        super().__init__(name, parent)
        self.full_speed, self.paces = full_speed, paces or {}
        self.done = self.refused = 0
        self.stream_errors: list[int] = []

    def build_phase(self) -> None:
        dut = cocotb.top

        def agent(name: str, fields: list[str], pace: Pace) -> StreamAgent:
            return StreamAgent(name, self, StreamPort(dut, name, fields, True), pace)

        self.host = agent("host", ["addr", "data"], Pace())
        self.commands = agent("cmd", ["data"], self._pace("cmd"))
        self.weights = agent("wgt", ["data", "last"], self._pace("wgt"))
        self.writes = StreamMonitor("writes", self, StreamPort(dut, "w", ["addr", "data"], False, watched=True))
        self.scoreboard = Scoreboard("scoreboard", self)
        self.ends = Scoreboard("ends", self)
        self.counters = ArrayCounters("counters", self) if self.full_speed else None

    def connect_phase(self) -> None:
        self.writes.analysis_port.connect(self.scoreboard.analysis_export)

    def _pace(self, name: str) -> Pace:
        return self.paces.get(name) or (Pace() if self.full_speed else Pace.any())

    async def run_phase(self) -> None:
        dut = cocotb.top
        dut.rivals_i.value = 0
        cocotb.start_soon(self._hold(dut.read_hold_i, self._pace("reads")))
        cocotb.start_soon(self._hold(dut.write_hold_i, self._pace("writes")))
        cocotb.start_soon(each_pulse(dut, dut.done_o, self._ended))
        cocotb.start_soon(each_pulse(dut, dut.bad_o, self._refused))
        cocotb.start_soon(each_pulse(dut, dut.stream_error_o, self._stream_error))

    async def run(self, program: Program) -> None:
        """Run commands and wait until all their writes have been compared and the engine is idle."""
        for word, context in program.writes:
            self.scoreboard.expect(word, context)
        for number, nonfinite in enumerate(program.nonfinite):
            self.ends.expect({"nonfinite": int(nonfinite)}, f"command {number}")

        # Pauses of up to 40 cycles can fall on every transfer, and on every word of the activations.
        transfers = len(program.commands) + len(program.stream) + len(program.writes) + 8 * program.vectors
        limit = 40 * transfers + 5000
        await within(limit, StreamSequence(program.host).start(self.host.sequencer), "the last word of activations")
        weights = cocotb.start_soon(StreamSequence(program.stream).start(self.weights.sequencer))
        await within(limit, self.send(program.commands), "the last command")
        await within(limit, weights, "the last weight beat")
        await within(limit, self.scoreboard.drained(), "the last write")
        await within(limit, self.ends.drained(), "the end of the last command")
        await ClockCycles(cocotb.top.clk_i, 2)
        assert cocotb.top.idle_o.value, "the engine is not idle after its last command"

    async def send(self, commands: list[int]) -> None:
        """Send commands until the last one is taken."""
        await StreamSequence([{"data": command} for command in commands]).start(self.commands.sequencer)

    async def reset(self) -> None:
        """Reset the engine while it is idle."""
        dut = cocotb.top
        dut.rst_ni.value = 0
        await ClockCycles(dut.clk_i, 2)
        dut.rst_ni.value = 1
        await RisingEdge(dut.clk_i)
        self.done = 0

    def _ended(self) -> None:
        self.done += 1
        self.ends.write(StreamItem({"nonfinite": int(cocotb.top.done_nonfinite_o.value)}))

    def _refused(self) -> None:
        self.refused += 1

    def _stream_error(self) -> None:
        self.stream_errors.append(self.done)

    @staticmethod
    async def _hold(signal, pace: Pace) -> None:
        """Hold a port of the scratchpad for pauses as the pace says."""
        signal.value = 0
        while pace.pause:
            # Cycles until the next pause; asleep, the port costs no time.
            free, pause = random.randint(0, round(2 / pace.pause)), random.randint(1, pace.longest)
            for value, cycles in ((0, free), (1, pause)):
                if cycles:
                    signal.value = value
                    await Timer(cycles * PERIOD_NS - 1, "ns")
                    await RisingEdge(cocotb.top.clk_i)


def initialise_inputs() -> None:
    """Give the inputs that are no streams a value before reset."""
    dut = cocotb.top
    for signal in (dut.rivals_i, dut.read_hold_i, dut.write_hold_i):
        signal.value = 0
