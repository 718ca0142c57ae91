"""pyuvm environment of the AXI master: stream agents, bus monitor, predictor, scoreboards and coverage."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from cocotb.triggers import ClockCycles
from pyuvm import uvm_component, uvm_env, uvm_subscriber

from tb.axi_master import coverage
from tb.axi_master.bench import CLIENTS, parameters
from tb.axi_master.model import Burst, Faults, Geometry, Memory, Window
from tb.axi_master.monitor import REGION_FIELDS, BusMonitor
from tb.axi_master.protocol import Limits
from tb.axi_master.stimulus import slot_of
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamItem, StreamPort

READS = [f"{name}{client}" for name in ("rdata", "ar", "read_error") for client in range(CLIENTS)]
SCOREBOARDS = (*READS, "aw", "w", "write_error")


@dataclass
class Setup:
    """What a test chooses.

    Attributes:
        paces: pauses of the streams "rcmd0", "rdata0", and so on, "wcmd", "wdata"; those left out never pause.
        faults: address ranges that answer with an error.
        window: the memory window; None for all of memory.
        seed: seed of the memory's content.
    """

    paces: dict[str, Pace] = field(default_factory=dict)
    faults: Faults = field(default_factory=lambda: Faults([]))
    window: Window | None = None
    seed: int = field(default_factory=lambda: random.getrandbits(64))


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
        clients: geometry of each read client, whose credits limit its bursts.
        ranges: range errors that must be reported, (direction, address, tag), in order of the commands.
        order: clients whose addresses went out, in order.
    """

    def __init__(self, name: str, parent: uvm_component, dut, setup: Setup) -> None:
        super().__init__(name, parent)
        self.dut, self.setup = dut, setup
        beat_bytes = len(dut.wdata_data_i) // 8
        built = parameters()
        self.geometry = Geometry(beat_bytes, built["MAX_BURST"], len(dut.window_base_i))
        self.credits = [built[f"CREDITS{client}"] for client in range(CLIENTS)]
        self.clients = [self.geometry.with_credits(credits) for credits in self.credits]
        self.limits = Limits(self.geometry, built["READ_OUTSTANDING"], built["WRITE_OUTSTANDING"], built["ID_VALUE"])
        self.golden = Memory(beat_bytes, setup.seed)
        self.window = setup.window or Window(0, 1 << self.geometry.addr_width)
        self.write_beats: deque[tuple[int, int]] = deque()
        self.accepted_beats = 0
        self.ranges: list[tuple[str, int, int]] = []
        self.order: list[int] = []
        self.asked = [0] * CLIENTS  # beats of the bursts that went out for each client, until the master stops
        self.stopped = False
        self.beat, self.failing = 0, []  # of the read burst whose data come: beats so far, those of them that failed

    def build_phase(self) -> None:
        dut, paces = self.dut, self.setup.paces
        ports = {
            "wcmd": StreamPort(dut, "wcmd", (*REGION_FIELDS, "tag"), True),
            "wdata": StreamPort(dut, "wdata", ("data",), True),
        }
        for c in range(CLIENTS):
            ports[f"rcmd{c}"] = StreamPort(dut, f"rcmd{c}", (*REGION_FIELDS, "last", "tag"), True)
            ports[f"rdata{c}"] = StreamPort(dut, f"rdata{c}", ("data", "last"), False)
        for port in ports.values():
            port.reset_n = dut.client_rst_no
        self.agents = {name: StreamAgent(name, self, port, paces.get(name, Pace())) for name, port in ports.items()}
        self.monitor = BusMonitor("bus", self, dut, self.geometry, self.limits)
        self.monitor.on_stop = self.on_stop
        self.scoreboards = {name: Scoreboard(f"{name}_scoreboard", self) for name in SCOREBOARDS}
        self.listeners = {
            "wcmd": Listener("wcmd_listener", self, self.on_write_command),
            "wdata": Listener("wdata_listener", self, self.on_write_data),
            "ar": Listener("ar_listener", self, lambda fields: self.on_read_address("ar", fields)),
            "read_error": Listener("error_listener", self, lambda fields: self.on_read_address("read_error", fields)),
            "r": Listener("r_listener", self, self.on_read_beat),
            "b": Listener("b_listener", self, lambda beat: coverage.sample_response("write", beat["resp"])),
        }
        for c in range(CLIENTS):
            listen = Listener(f"rcmd{c}_listener", self, lambda fields, c=c: self.on_read_command(c, fields))
            self.listeners[f"rcmd{c}"] = listen

    def connect_phase(self) -> None:
        for name in ("wcmd", "wdata", *(f"rcmd{c}" for c in range(CLIENTS))):
            self.agents[name].monitor.analysis_port.connect(self.listeners[name].analysis_export)
        for c in range(CLIENTS):
            self.agents[f"rdata{c}"].monitor.analysis_port.connect(self.scoreboards[f"rdata{c}"].analysis_export)
        for name in ("aw", "w", "write_error"):
            self.monitor.ports[name].connect(self.scoreboards[name].analysis_export)
        for name in ("ar", "read_error", "r", "b"):
            self.monitor.ports[name].connect(self.listeners[name].analysis_export)

    def on_read_address(self, name: str, fields: dict[str, int]) -> None:
        """Hand an address or an error of the read side to the scoreboard of the client whose slot it lies in."""
        client = min(slot_of(self.geometry, fields["addr"]), CLIENTS - 1)
        if name == "ar":
            self.order.append(client)
            self.check_credits(client, fields["len"] + 1)
        self.scoreboards[f"{name}{client}"].write(StreamItem(fields))

    def check_credits(self, client: int, beats: int) -> None:
        """Count the beats of a burst that goes out: what its client has not taken yet must have room in its buffer."""
        self.asked[client] += beats
        ahead, room = self.asked[client] - self.agents[f"rdata{client}"].monitor.transfers, self.credits[client]
        if room and not self.stopped and ahead > room:
            raise ScoreboardError(f"{ahead} beats are on their way to read client {client} with a buffer of {room}")

    def on_read_command(self, client: int, fields: dict[str, int]) -> None:
        """Predict the addresses, data and error reports of a read command."""
        geometry, boards = self.clients[client], self.scoreboards
        bursts = self._bursts("read", geometry, fields)
        for burst in bursts:
            address = {"addr": burst.addr, "len": burst.beats - 1}
            boards[f"ar{client}"].expect(address, matched=partial(self.cover, f"read{client}", fields, burst, geometry))
            if self.setup.faults.burst_response(geometry, burst):
                boards[f"read_error{client}"].expect({"addr": burst.addr, "tag": fields["tag"]})
            for at in geometry.beats(burst):
                last = burst.last and at == burst.addr + (burst.beats - 1) * geometry.beat_bytes
                data = {"data": self.golden.read(at), "last": int(last and fields["last"])}
                boards[f"rdata{client}"].expect(data, f"address {at:#x}")

    def on_write_command(self, fields: dict[str, int]) -> None:
        """Predict the addresses and error reports of a write command; its beats wait for their data."""
        for burst in self._bursts("write", self.geometry, fields):
            address = {"addr": burst.addr, "len": burst.beats - 1}
            covers = partial(self.cover, "write", fields, burst, self.geometry)
            self.scoreboards["aw"].expect(address, matched=covers)
            if self.setup.faults.burst_response(self.geometry, burst):
                self.scoreboards["write_error"].expect({"addr": burst.addr, "tag": fields["tag"]})
            for at in self.geometry.beats(burst):
                last = at == burst.addr + (burst.beats - 1) * self.geometry.beat_bytes
                self.write_beats.append((at, int(last)))

    def on_write_data(self, fields: dict[str, int]) -> None:
        """Predict the W beat and the effect on memory of one beat of wdata."""
        if not self.write_beats:
            raise ScoreboardError("wdata was accepted without a command")
        at, last = self.write_beats.popleft()
        self.accepted_beats += 1
        strobes = (1 << self.geometry.beat_bytes) - 1
        self.scoreboards["w"].expect({"data": fields["data"], "strb": strobes, "last": last}, f"address {at:#x}")
        if not self.setup.faults.response(at):
            self.golden.write(at, fields["data"])

    def on_stop(self, waiting: dict[str, int | None]) -> None:
        """Forget what stops with the master, and predict how it ends the writes whose addresses are out.

        Args:
            waiting: "ar" and "aw": address that is offered and not yet taken, or None.
        """
        self.stopped = True
        for name in SCOREBOARDS:
            kind = name.rstrip("0123456789")
            addr = waiting.get(kind)
            kept = addr is not None and (kind == "aw" or name == f"ar{slot_of(self.geometry, addr)}")
            if kind != "w":
                self.scoreboards[name].forget(keep=int(kept))
        missing = self.monitor.checker.announced_beats - self.accepted_beats
        for _ in range(missing):
            _, last = self.write_beats.popleft()
            self.scoreboards["w"].expect({"strb": 0, "last": last}, "after the stop")
        self.accepted_beats += missing
        self.write_beats.clear()
        checker = self.monitor.checker
        if checker.writes_in_flight:
            coverage.sample_stop("beats missing" if missing else "none missing")
        if checker.reads_in_flight:
            coverage.sample_stop("reads in flight")
        if not checker.writes_in_flight and not checker.reads_in_flight:
            coverage.sample_stop("nothing in flight")

    def on_read_beat(self, fields: dict[str, int]) -> None:
        """Cover responses, and which beats of a burst fail."""
        coverage.sample_response("read", fields["resp"])
        self.beat += 1
        if fields["resp"] & 2:
            self.failing.append(self.beat)
        if fields["last"]:
            if self.failing and self.beat > 1:
                where = {1: "first", self.beat: "last"}.get(self.failing[0], "middle")
                coverage.sample_failing(where if len(self.failing) == 1 else "several")
            self.beat, self.failing = 0, []

    def cover(self, user: str, fields: dict[str, int], burst: Burst, geometry: Geometry) -> None:
        """Cover a burst whose address came, and with the last one of a command its region."""
        coverage.sample_burst(user, burst, geometry)
        if burst.last:
            coverage.sample_region(user.rstrip("012"), geometry.region(fields))

    def _bursts(self, direction: str, geometry: Geometry, fields: dict[str, int]) -> list[Burst]:
        region = geometry.region(fields)
        bursts, outside = geometry.bursts_inside(region, self.window)
        if outside is not None:
            self.ranges.append((direction, outside, fields["tag"]))
        if not region.row_bytes or not region.rows:
            coverage.sample_empty(direction)
        return bursts

    async def drained(self) -> None:
        """Wait until all expected traffic has been seen and the DUT says it is idle."""
        for name in SCOREBOARDS:
            await self.scoreboards[name].drained()
        while not int(self.dut.drained_o.value) or int(self.dut.writes_pending_o.value):
            await ClockCycles(self.dut.clk_i, 1)
        await ClockCycles(self.dut.clk_i, 4)

    def check_phase(self) -> None:
        for channel in self.monitor.stalls:
            coverage.sample_stall(channel)
        for order in self.monitor.checker.orders:
            coverage.sample_order(order)
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


def idle_inputs(dut, window: Window) -> None:
    """Release reset, so that its assertion is an edge, and put the testbench's side of every stream at rest."""
    dut.rst_ni.value = 1
    for name in ("wcmd_valid_i", "wdata_valid_i", "stop_i", *(f"rcmd{c}_valid_i" for c in range(CLIENTS))):
        getattr(dut, name).value = 0
    dut.window_base_i.value, dut.window_limit_i.value = window.base, window.limit
