"""pyuvm environment of the AXI master: stream agents, bus monitor, predictor, scoreboards and coverage."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from cocotb.triggers import ClockCycles
from pyuvm import uvm_component, uvm_env, uvm_subscriber

from tb.axi_master import coverage
from tb.axi_master.bench import parameters
from tb.axi_master.model import Burst, Faults, Geometry, Memory, Region
from tb.axi_master.monitor import REGION_FIELDS, BusMonitor
from tb.axi_master.protocol import Limits
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamPort

SCOREBOARDS = ("rdata", "ar", "aw", "w", "read_error", "write_error")


@dataclass
class Setup:
    """What a test chooses.

    Attributes:
        paces: pauses of the streams "rcmd", "rdata", "wcmd", "wdata"; those left out never pause.
        mask: probability of write_mask_i being high, redrawn at random times; 0 keeps it low.
        faults: address ranges that answer with an error.
        seed: seed of the memory's content.
    """

    paces: dict[str, Pace] = field(default_factory=dict)
    mask: float = 0.0
    faults: Faults = field(default_factory=lambda: Faults([]))
    seed: int = field(default_factory=lambda: random.getrandbits(64))


class MaskedPort(StreamPort):
    """The wdata stream together with write_mask_i, which has no part in the handshake."""

    def __init__(self, dut) -> None:
        super().__init__(dut, "wdata", ("data",), True)
        self.mask = dut.write_mask_i

    def sample(self) -> dict[str, int] | None:
        fields = super().sample()
        return None if fields is None else {**fields, "mask": int(self.mask.value)}


class Listener(uvm_subscriber):
    """Hand each item's fields to a function."""

    def __init__(self, name: str, parent: uvm_component, function: Callable[[dict[str, int]], None]) -> None:
        super().__init__(name, parent)
        self.function = function

    def write(self, item) -> None:
        self.function(item.fields)


class AxiEnv(uvm_env):
    """Everything around the DUT but the memory.

    Attributes:
        golden: memory as it should be after all accepted write data.
        scoreboards: by name, see ``SCOREBOARDS``.
        monitor: bus monitor with the protocol checker.
    """

    def __init__(self, name: str, parent: uvm_component, dut, setup: Setup) -> None:
        super().__init__(name, parent)
        self.dut, self.setup = dut, setup
        beat_bytes = len(dut.rdata_data_o) // 8
        built = parameters()
        self.geometry = Geometry(beat_bytes, built["MAX_BURST"], len(dut.rcmd_addr_i))
        self.limits = Limits(self.geometry, built["READ_OUTSTANDING"], built["WRITE_OUTSTANDING"], built["ID_VALUE"])
        self.golden = Memory(beat_bytes, setup.seed)
        self.write_beats: deque[tuple[int, Burst, int]] = deque()
        self.last_mask: tuple[Burst, int] | None = None

    def build_phase(self) -> None:
        dut, paces = self.dut, self.setup.paces
        ports = {
            "rcmd": StreamPort(dut, "rcmd", (*REGION_FIELDS, "dest"), True),
            "rdata": StreamPort(dut, "rdata", ("data", "dest", "last"), False),
            "wcmd": StreamPort(dut, "wcmd", REGION_FIELDS, True),
            "wdata": MaskedPort(dut),
        }
        self.agents = {name: StreamAgent(name, self, port, paces.get(name, Pace())) for name, port in ports.items()}
        self.monitor = BusMonitor("bus", self, dut, self.geometry, self.limits)
        self.scoreboards = {name: Scoreboard(f"{name}_scoreboard", self) for name in SCOREBOARDS}
        self.listeners = {
            "rcmd": Listener("rcmd_listener", self, self.on_read_command),
            "wcmd": Listener("wcmd_listener", self, self.on_write_command),
            "wdata": Listener("wdata_listener", self, self.on_write_data),
            "r": Listener("r_listener", self, lambda beat: coverage.sample_response("read", beat["resp"])),
            "b": Listener("b_listener", self, lambda beat: coverage.sample_response("write", beat["resp"])),
        }

    def connect_phase(self) -> None:
        for name in ("rcmd", "wcmd", "wdata"):
            self.agents[name].monitor.analysis_port.connect(self.listeners[name].analysis_export)
        self.agents["rdata"].monitor.analysis_port.connect(self.scoreboards["rdata"].analysis_export)
        for name in ("ar", "aw", "w", "read_error", "write_error"):
            self.monitor.ports[name].connect(self.scoreboards[name].analysis_export)
        for name in ("r", "b"):
            self.monitor.ports[name].connect(self.listeners[name].analysis_export)

    async def run_phase(self) -> None:
        """Drive the mask, which may change in any cycle."""
        self.dut.write_mask_i.value = 0
        while self.setup.mask:
            self.dut.write_mask_i.value = int(random.random() < self.setup.mask)
            await ClockCycles(self.dut.clk_i, random.choice((1, 1, 2, 7)))

    def on_read_command(self, fields: dict[str, int]) -> None:
        """Predict the addresses, data and error reports of a read command."""
        for burst in self._bursts("read", fields):
            self.scoreboards["ar"].expect({"addr": burst.addr, "len": burst.beats - 1})
            if response := self.setup.faults.burst_response(self.geometry, burst):
                self.scoreboards["read_error"].expect({"addr": burst.addr, "resp": response})
            for at in self.geometry.beats(burst):
                last = burst.last and at == burst.addr + (burst.beats - 1) * self.geometry.beat_bytes
                data = {"data": self.golden.read(at), "dest": fields["dest"], "last": int(last)}
                self.scoreboards["rdata"].expect(data, f"address {at:#x}")

    def on_write_command(self, fields: dict[str, int]) -> None:
        """Predict the addresses and error reports of a write command; its beats wait for their data."""
        for burst in self._bursts("write", fields):
            self.scoreboards["aw"].expect({"addr": burst.addr, "len": burst.beats - 1})
            if response := self.setup.faults.burst_response(self.geometry, burst):
                self.scoreboards["write_error"].expect({"addr": burst.addr, "resp": response})
            for at in self.geometry.beats(burst):
                last = at == burst.addr + (burst.beats - 1) * self.geometry.beat_bytes
                self.write_beats.append((at, burst, int(last)))

    def on_write_data(self, fields: dict[str, int]) -> None:
        """Predict the W beat and the effect on memory of one beat of wdata."""
        if not self.write_beats:
            raise ScoreboardError("wdata was accepted without a command")
        at, burst, last = self.write_beats.popleft()
        strobes = 0 if fields["mask"] else (1 << self.geometry.beat_bytes) - 1
        self.scoreboards["w"].expect({"data": fields["data"], "strb": strobes, "last": last}, f"address {at:#x}")
        coverage.sample_mask("masked" if fields["mask"] else "written")
        if self.last_mask == (burst, 1 - fields["mask"]):
            coverage.sample_mask("changed within a burst")
        self.last_mask = (burst, fields["mask"])
        if strobes and not self.setup.faults.response(at):
            self.golden.write(at, fields["data"])

    def _bursts(self, direction: str, fields: dict[str, int]) -> list[Burst]:
        region = self.geometry.aligned(Region(*(fields[name] for name in REGION_FIELDS)))
        bursts = self.geometry.bursts(region)
        if not bursts:
            coverage.sample_empty(direction)
            return []
        coverage.sample_region(direction, region, self.geometry)
        for burst in bursts:
            coverage.sample_burst(direction, burst, self.geometry)
        return bursts

    async def drained(self) -> None:
        """Wait until all expected traffic has been seen and the DUT says it is idle."""
        for name in SCOREBOARDS:
            await self.scoreboards[name].drained()
        while not int(self.dut.read_idle_o.value) or int(self.dut.writes_pending_o.value):
            await ClockCycles(self.dut.clk_i, 1)
        await ClockCycles(self.dut.clk_i, 4)

    def check_phase(self) -> None:
        for channel in self.monitor.stalls:
            coverage.sample_stall(channel)
        if self.monitor.checker.most_reads == self.limits.read_outstanding:
            coverage.sample_depth("reads full")
        if self.monitor.checker.most_writes == self.limits.write_outstanding:
            coverage.sample_depth("writes full")
        if self.write_beats:
            raise ScoreboardError(f"{len(self.write_beats)} beats of accepted write commands got no data")
        self.monitor.checker.finish()

    @property
    def compared(self) -> int:
        """Transfers compared by all scoreboards."""
        return sum(board.compared for board in self.scoreboards.values())

    @property
    def mismatches(self) -> int:
        """Transfers that differed."""
        return sum(board.mismatches for board in self.scoreboards.values())


def idle_inputs(dut) -> None:
    """Release reset, so that its assertion is an edge, and put the testbench's side of every stream at rest."""
    dut.rst_ni.value = 1
    for name in ("rcmd_valid_i", "wcmd_valid_i", "wdata_valid_i", "write_mask_i"):
        getattr(dut, name).value = 0
