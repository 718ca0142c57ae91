"""pyuvm environment of the stream cells: per cell a source, its sinks, a predictor and scoreboards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cocotb.triggers import RisingEdge
from pyuvm import uvm_component, uvm_env, uvm_subscriber

from tb.common.base import cycle
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamPort
from tb.streams import coverage

OUTPUTS = {
    "register": ("out",),
    "fifo": ("out",),
    "widen": ("out",),
    "narrow": ("out",),
    "equal": ("out",),
    "fork": ("out0", "out1", "out2"),
}


class Predictor(uvm_subscriber):
    """Tell each scoreboard of a cell what follows from an accepted transfer.

    Args:
        convert: from one input payload to the output payloads that it completes.
    """

    def __init__(
        self, name: str, parent: uvm_component, scoreboards: list[Scoreboard], convert: Callable[[int], list[int]]
    ) -> None:
        super().__init__(name, parent)
        self.scoreboards, self.convert = scoreboards, convert
        self.accepted = 0

    def write(self, item) -> None:
        self.accepted += 1
        for data in self.convert(item.fields["data"]):
            for scoreboard in self.scoreboards:
                scoreboard.expect({"data": data})


def widening(width: int, ratio: int) -> Callable[[int], list[int]]:
    """Model of the widening converter; keeps the parts of the word in progress."""
    parts: list[int] = []

    def convert(data: int) -> list[int]:
        parts.append(data)
        if len(parts) < ratio:
            return []
        word = sum(part << (index * width) for index, part in enumerate(parts))
        parts.clear()
        return [word]

    return convert


def narrowing(width: int, ratio: int) -> Callable[[int], list[int]]:
    """Model of the narrowing converter."""
    return lambda data: [data >> (index * width) & ((1 << width) - 1) for index in range(ratio)]


class Watcher(uvm_component):
    """Check the FIFO's level in every cycle, and count how long each cell takes.

    Attributes:
        highest: most transfers that the FIFO held.
        spans: per stream, cycle numbers of its first and last transfer.
    """

    def __init__(self, name: str, parent: uvm_component, dut, ports: dict[str, StreamPort]) -> None:
        super().__init__(name, parent)
        self.dut, self.ports = dut, ports
        self.highest = 0
        self.spans: dict[str, list[int]] = {}

    async def run_phase(self) -> None:
        level = 0
        while True:
            await RisingEdge(self.dut.clk_i)
            if self.dut.rst_ni.value != 1:
                level = 0
                continue
            moves = {name: bool(port.valid.value and port.ready.value) for name, port in self.ports.items()}
            for name in (name for name, moved in moves.items() if moved):
                self.spans.setdefault(name, [cycle(), 0])[1] = cycle()
            shown = int(self.dut.fifo_level_o.value)
            assert shown == level, f"FIFO of {coverage.DEPTH}: level_o is {shown} with {level} transfers inside"
            pushed, popped = moves["fifo_in"], moves["fifo_out"]
            coverage.sample_fifo(level, pushed, popped)
            level += pushed - popped
            self.highest = max(self.highest, level)
            taken = [moves[f"fork_out{index}"] for index in range(3)]
            if any(taken):
                coverage.sample_fork(sum(bit << index for index, bit in enumerate(taken)), moves["fork_in"])


class StreamsEnv(uvm_env):
    """Everything around the DUT.

    Attributes:
        width, ratio: parameters of the DUT, from its ports.
        scoreboards: by output stream.
    """

    def __init__(self, name: str, parent: uvm_component, dut, paces: Callable[[str], Pace]) -> None:
        super().__init__(name, parent)
        self.dut = dut
        self.width = len(dut.register_in_data_i)
        self.ratio = len(dut.widen_out_data_o) // self.width
        self.ports = {f"{cell}_in": StreamPort(dut, f"{cell}_in", ("data",), True) for cell in OUTPUTS}
        self.ports |= {name: StreamPort(dut, name, ("data",), False) for name in self.outputs()}
        self.paces = {name: paces(name) for name in self.ports}

    @staticmethod
    def outputs() -> Iterator[str]:
        """Names of all output streams."""
        return (f"{cell}_{output}" for cell, outputs in OUTPUTS.items() for output in outputs)

    def build_phase(self) -> None:
        self.agents = {name: StreamAgent(name, self, port, self.paces[name]) for name, port in self.ports.items()}
        self.scoreboards = {name: Scoreboard(f"{name}_scoreboard", self) for name in self.outputs()}
        models = {"widen": widening(self.width, self.ratio), "narrow": narrowing(self.width, self.ratio)}
        self.predictors = {}
        for cell, outputs in OUTPUTS.items():
            boards = [self.scoreboards[f"{cell}_{output}"] for output in outputs]
            same = models.get(cell, lambda data: [data])
            self.predictors[cell] = Predictor(f"{cell}_predictor", self, boards, same)
        self.watcher = Watcher("watcher", self, self.dut, self.ports)

    def connect_phase(self) -> None:
        for cell, predictor in self.predictors.items():
            self.agents[f"{cell}_in"].monitor.analysis_port.connect(predictor.analysis_export)
        for name, scoreboard in self.scoreboards.items():
            self.agents[name].monitor.analysis_port.connect(scoreboard.analysis_export)

    @property
    def compared(self) -> int:
        """Transfers compared, all cells together."""
        return sum(board.compared for board in self.scoreboards.values())

    @property
    def mismatches(self) -> int:
        """Transfers that differed."""
        return sum(board.mismatches for board in self.scoreboards.values())
