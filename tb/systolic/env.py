"""pyuvm environment of ``matrix_unit``: one agent per stream, scoreboard on the output beats, counters of the array."""

from __future__ import annotations

from collections.abc import Mapping

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from pyuvm import uvm_component, uvm_env

from tb.common.base import config, within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence
from tb.systolic.program import Program

TILE_FIELDS = "transpose format lines block block_stride act_base act_stride rows first last scale out_format".split()


class ArrayCounters(uvm_component):
    """Count what the unit's pulses say: the non-finite flag always, the array's and the bus's work on demand.

    Args:
        utilisation: look at every cycle, which takes as long as simulating it.

    Attributes:
        vectors: vectors that entered the array.
        active: cycles from the first to the last vector, pauses included.
        beats: weight beats taken once the array had its first vector; ``beat_cycles``: cycles from then to the last
            of them, so that filling the pipeline does not count.
        trace: of every cycle, whether a vector entered, whether one waited for weights, and for activations.
        nonfinite: times that the non-finite flag rose.
    """

    def __init__(self, name: str, parent: uvm_component, utilisation: bool) -> None:
        super().__init__(name, parent)
        self.utilisation = utilisation
        self.vectors = self.active = self.beats = self.beat_cycles = self.nonfinite = 0
        self._vector_gap = self._beat_gap = 0
        self.trace: list[tuple[bool, bool, bool]] = []

    async def run_phase(self) -> None:
        dut = cocotb.top
        await RisingEdge(dut.rst_ni)
        if self.utilisation:
            cocotb.start_soon(self._count())
        while True:
            await RisingEdge(dut.nonfinite_o)
            await RisingEdge(dut.clk_i)
            self.nonfinite += int(dut.nonfinite_o.value)

    async def _count(self) -> None:
        dut = cocotb.top
        while True:
            await RisingEdge(dut.clk_i)
            pulses = (dut.mac_vector_o, dut.weight_stall_o, dut.act_stall_o)
            self.trace.append(tuple(bool(pulse.value) for pulse in pulses))
            if dut.mac_vector_o.value:
                self.vectors += 1
                self.active += 1 + self._vector_gap
                self._vector_gap = 0
            elif self.vectors:
                self._vector_gap += 1
            if not self.vectors:
                continue
            if dut.wgt_valid_i.value and dut.wgt_ready_o.value:
                self.beats += 1
                self.beat_cycles += 1 + self._beat_gap
                self._beat_gap = 0
            else:
                self._beat_gap += 1


class MatrixEnv(uvm_env):
    """Agents for nested table, activation loads, tiles, weights and outputs.

    Args:
        full_speed: no pauses anywhere, for the measurement of utilisation.
        paces: of single streams, which are then not as the others.
    """

    def __init__(
        self, name: str, parent: uvm_component, full_speed: bool = False, paces: Mapping[str, Pace] | None = None
    ) -> None:
        super().__init__(name, parent)
        self.full_speed, self.paces = full_speed, paces or {}

    def build_phase(self) -> None:
        dut = cocotb.top

        def agent(name: str, fields: list[str], into_dut: bool) -> StreamAgent:
            pace = self.paces.get(name) or (Pace() if self.full_speed else Pace.any())
            return StreamAgent(name, self, StreamPort(dut, name, fields, into_dut), pace)

        self.nested = agent("nested", ["data"], True)
        self.load = agent("load", ["base", "blocks", "format"], True)
        self.act = agent("act", ["data"], True)
        self.tile = agent("tile", TILE_FIELDS, True)
        self.wgt = agent("wgt", ["data"], True)
        self.out = agent("out", ["data"], False)
        self.scoreboard = Scoreboard("scoreboard", self)
        self.counters = ArrayCounters("counters", self, self.full_speed)

    def connect_phase(self) -> None:
        self.out.monitor.analysis_port.connect(self.scoreboard.analysis_export)

    async def run(self, program: Program) -> None:
        """Feed one product and wait until its results have been compared and the unit is idle."""
        dut = cocotb.top
        for number, entry in enumerate(program.codebook.entries):
            value = int(dut.codebook_i.value) if number else 0
            mask = (1 << 18) - 1
            dut.codebook_i.value = value | (int(entry) & mask) << (18 * number)
            await RisingEdge(dut.clk_i)
        dut.codebook_scale_i.value = int(program.codebook.scale.view("uint32"))
        dut.absmax_offset_i.value = int(program.offset.view("uint32"))
        dut.nested_restart_i.value = 1
        await RisingEdge(dut.clk_i)
        dut.nested_restart_i.value = 0
        for _ in range(16):  # the codebook's copies follow within 16 cycles
            await RisingEdge(dut.clk_i)
        for beat, context in program.expected:
            self.scoreboard.expect({"data": beat}, context)

        # Pauses of up to 40 cycles can fall on every transfer.
        transfers = len(program.nested) + len(program.act_beats) + len(program.wgt_beats) + len(program.expected)
        limit = 40 * transfers + 64 * program.vectors + 5000
        await within(limit, self._send(self.nested, program.nested), "the nested table's last beat")
        activations = cocotb.start_soon(self._send(self.act, program.act_beats))
        await within(limit, StreamSequence(program.loads).start(self.load.sequencer), "the last load command")
        weights = cocotb.start_soon(self._send(self.wgt, program.wgt_beats))
        await within(limit, StreamSequence(program.tiles).start(self.tile.sequencer), "the last tile command")
        await within(limit, activations, "the last activation beat")
        await within(limit, weights, "the last weight beat")
        await within(limit, self.scoreboard.drained(), "the last output beat")
        await within(limit, self._idle(), "idle")

    @staticmethod
    async def _send(agent: StreamAgent, data: list[int]) -> None:
        await StreamSequence([{"data": beat} for beat in data]).start(agent.sequencer)

    async def _idle(self) -> None:
        dut = cocotb.top
        while not dut.idle_o.value:
            await RisingEdge(dut.clk_i)
        await ClockCycles(dut.clk_i, 2)  # a flag of the last result comes a cycle after it


def initialise_inputs() -> None:
    """Give the inputs that are no streams a value before reset."""
    dut = cocotb.top
    dut.codebook_i.value = 0
    dut.codebook_scale_i.value = 0
    dut.absmax_offset_i.value = 0
    dut.nested_restart_i.value = 0


def parameters() -> tuple[int, int, int]:
    """ACT_W, BUS_W and COLUMNS of the build."""
    chosen = config()
    return chosen["act_width"], chosen["bus_width"], chosen["columns"]
