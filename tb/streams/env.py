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
    "stage": ("out",),
    "half": ("out",),
    "fifo": ("out",),
    "ram": ("out",),
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
    """Check the FIFOs' levels in every cycle, count how long each cell takes, and sample what happens.

    Attributes:
        highest: most transfers that the FIFO held.
        spans: per stream, cycle numbers of its first and last transfer.
    """

    def __init__(self, name: str, parent: uvm_component, dut, ports: dict[str, StreamPort]) -> None:
        super().__init__(name, parent)
        self.dut, self.ports = dut, ports
        self.highest = 0
        self.spans: dict[str, list[int]] = {}
        self.seen: set[tuple] = set()
        self.clear()

    def clear(self) -> None:
        """Nothing is in the cells: entries of buffers, parts of words, outputs of the fork that had the transfer."""
        self.levels = dict.fromkeys(coverage.SAMPLE_LEVEL, 0)
        self.parts, self.rest, self.taken = 0, 0, 0

    def sample(self, point: Callable[[object], None], label: object) -> None:
        """Sample something unless this test has seen it before."""
        if (point, label) not in self.seen:
            self.seen.add((point, label))
            point(label)

    async def run_phase(self) -> None:
        dut, ends = self.dut, [(name, port.valid, port.ready) for name, port in self.ports.items()]
        shown = {"fifo": (dut.fifo_level_o, coverage.DEPTH), "ram": (dut.ram_level_o, coverage.RAM_DEPTH)}
        while True:
            await RisingEdge(dut.clk_i)
            if dut.rst_ni.value != 1:
                self.sample_reset()
                self.clear()
                continue
            moves, now = {name: bool(valid.value and ready.value) for name, valid, ready in ends}, cycle()
            for name, moved in moves.items():
                if moved:
                    self.spans.setdefault(name, [now, 0])[1] = now
            for name, (level, depth) in shown.items():
                held = self.levels[name]
                assert int(level.value) == held, (
                    f"{name} of {depth}: level is {level.value} with {held} transfers inside"
                )
            self.buffers(moves)
            self.resizers(moves)
            self.fork(moves)

    def sample_reset(self) -> None:
        """What the cells held when the reset came."""
        for name, level in self.levels.items():
            if level >= (2 if name == "register" else 1):
                self.sample(coverage.sample_reset, name)
        kinds = {"part of a wide word": self.parts, "rest of a wide word": self.rest, "fork": self.taken}
        for kind in filter(kinds.get, kinds):
            self.sample(coverage.sample_reset, kind)

    def buffers(self, moves: dict[str, bool]) -> None:
        """A cycle of the cells that hold transfers as they are."""
        for name, point in coverage.SAMPLE_LEVEL.items():
            pushed, popped, level = moves[f"{name}_in"], moves[f"{name}_out"], self.levels[name]
            if (key := (name, pushed, popped, level)) not in self.seen:
                self.seen.add(key)
                point(f"{coverage.MOVES[pushed + 2 * popped]} at {level}")
            self.levels[name] = level + pushed - popped
        self.highest = max(self.highest, self.levels["fifo"])

    def resizers(self, moves: dict[str, bool]) -> None:
        """A cycle of the width converters."""
        came, left, out = moves["widen_in"], moves["widen_out"], self.ports["widen_out"]
        if came:
            self.parts += 1
            self.sample(coverage.sample_arrived, self.parts)
            self.parts %= coverage.RATIO
        elif self.parts:
            self.sample(coverage.sample_waited, self.parts)
        if left:
            self.sample(coverage.sample_widen, "leaves as the next one's first part comes" if came else "leaves alone")
        elif out.valid.value:
            self.sample(coverage.sample_widen, "stalled")
        came, left, out = moves["narrow_in"], moves["narrow_out"], self.ports["narrow_out"]
        if left:
            self.sample(coverage.sample_left, coverage.RATIO + 1 - self.rest)
        elif out.valid.value:
            self.sample(coverage.sample_held, coverage.RATIO + 1 - self.rest)
        if came:
            self.sample(coverage.sample_narrow, "comes as the last part leaves" if left else "comes alone")
        self.rest = coverage.RATIO if came else self.rest - left

    def fork(self, moves: dict[str, bool]) -> None:
        """A cycle of the fork."""
        taken = sum(moves[f"fork_out{index}"] << index for index in range(3))
        if taken:
            self.sample(coverage.sample_taken, taken)
            self.sample(coverage.sample_ends, moves["fork_in"])
        self.taken = 0 if moves["fork_in"] else self.taken | taken


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
