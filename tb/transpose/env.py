"""pyuvm environment of the tile transposer: two stream agents, predictor, scoreboard, port watcher."""

from __future__ import annotations

from cocotb.triggers import RisingEdge
from pyuvm import uvm_component, uvm_env, uvm_subscriber

from tb.common.base import cycle
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamPort
from tb.transpose import coverage
from tb.transpose.model import SIDE, elements, transposed


class Predictor(uvm_subscriber):
    """Collect accepted beats into tiles; tell the scoreboard the beats of each tile's transpose."""

    def __init__(self, name: str, parent: uvm_component, lanes: int, width: int, scoreboard: Scoreboard) -> None:
        super().__init__(name, parent)
        self.narrow, self.scoreboard = (lanes, width), scoreboard
        self.beats: list[int] = []
        self.tiles = 0

    def write(self, item) -> None:
        self.beats.append(item.fields["data"])
        lines = item.fields["lines"]
        lanes, width = elements(*self.narrow, bool(item.fields["wide"]))
        if len(self.beats) * lanes == SIDE * lines:
            for index, beat in enumerate(transposed(self.beats, lanes, width)):
                column, row = divmod(index * lanes, lines + -lines % lanes)
                self.scoreboard.expect(
                    {"data": beat}, f"tile {self.tiles} of {lines} rows, column {column}, from row {row}"
                )
            self.tiles += 1
            self.beats.clear()


class Watcher(uvm_component):
    """Sample what the handshakes do in each cycle.

    Attributes:
        accepted: cycle numbers of the first and the last beat accepted.
        delivered: cycle numbers of the first and the last beat delivered.
        beats: numbers of beats accepted and delivered.
    """

    def __init__(
        self, name: str, parent: uvm_component, source: StreamPort, sink: StreamPort, predictor: Predictor
    ) -> None:
        super().__init__(name, parent)
        self.source, self.sink, self.predictor = source, sink, predictor
        self.clear()

    def clear(self) -> None:
        """Start counting anew."""
        self.accepted: list[int] = []
        self.delivered: list[int] = []
        self.beats = [0, 0]

    @staticmethod
    def _note(times: list[int], now: int) -> None:
        times[:] = [times[0], now] if times else [now, now]

    async def run_phase(self) -> None:
        seen: set[str] = set()
        given = running = False
        while True:
            await RisingEdge(self.source.clock)
            if self.source.reset_n.value != 1:
                if running and given:
                    coverage.sample_event("reset while a tile leaves")
                elif running and self.predictor.beats:
                    coverage.sample_event("reset within a tile")
                running = False
                continue
            running = True
            offered, taken = bool(self.source.valid.value), bool(self.source.ready.value)
            given, wanted = bool(self.sink.valid.value), bool(self.sink.ready.value)
            now = cycle()
            if offered and taken:
                self._note(self.accepted, now)
                self.beats[0] += 1
            if given and wanted:
                self._note(self.delivered, now)
                self.beats[1] += 1
            events = {
                "input stalled: both buffers full": offered and not taken,
                "output stalled": given and not wanted,
                "output idle: no tile complete": wanted and not given,
                "both sides moved": offered and taken and given and wanted,
            }
            for event in events:
                if events[event] and event not in seen:
                    seen.add(event)
                    coverage.sample_event(event)


class TransposeEnv(uvm_env):
    """Everything around the DUT.

    Attributes:
        lanes: elements per beat, from the DUT's parameter.
        width: bits per lane, from the DUT's parameter.
        widths: whether a tile may be wide: what to choose from.
    """

    def __init__(self, name: str, parent: uvm_component, dut, source: Pace, sink: Pace) -> None:
        super().__init__(name, parent)
        self.lanes, self.width = int(dut.LANES.value), int(dut.WIDTH.value)
        self.widths = [False, True] if int(dut.WIDE.value) else [False]
        self.ports = {
            "in": StreamPort(dut, "in", ("data", "lines", "wide"), True),
            "out": StreamPort(dut, "out", ("data",), False),
        }
        self.paces = {"in": source, "out": sink}

    def build_phase(self) -> None:
        self.agents = {name: StreamAgent(name, self, port, self.paces[name]) for name, port in self.ports.items()}
        self.scoreboard = Scoreboard("scoreboard", self)
        self.predictor = Predictor("predictor", self, self.lanes, self.width, self.scoreboard)
        self.watcher = Watcher("watcher", self, self.ports["in"], self.ports["out"], self.predictor)

    def connect_phase(self) -> None:
        self.agents["in"].monitor.analysis_port.connect(self.predictor.analysis_export)
        self.agents["out"].monitor.analysis_port.connect(self.scoreboard.analysis_export)
