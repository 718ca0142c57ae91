"""Environment and test base of the quantization IP: streams in, streams out, a scoreboard on each output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge, gather
from cocotb_coverage.coverage import CoverPoint
from pyuvm import uvm_component, uvm_env, uvm_test

from tb.common.base import cycle, finish, start, within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence

Streams = Mapping[str, tuple[str, ...]]


def lanes(values: np.ndarray, per_beat: int) -> list[int]:
    """uint32 slots as one integer per beat of ``per_beat`` slots, the first slot in the low bits."""
    data = np.ascontiguousarray(values, dtype="<u4").tobytes()
    size = 4 * per_beat
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def nibbles(codes: np.ndarray) -> list[int]:
    """Blocks of 64 codes as 256-bit integers, the first code in the low bits."""
    pairs = (codes[0::2] | codes[1::2] << 4).astype(np.uint8).tobytes()
    return [int.from_bytes(pairs[at : at + 32], "little") for at in range(0, len(pairs), 32)]


class StallWatch(uvm_component):
    """Record in the coverage which streams were stalled by their receiver, and which starved it."""

    def __init__(self, name: str, parent: uvm_component, group: str, ports: Mapping[str, StreamPort]) -> None:
        super().__init__(name, parent)
        self.ports = ports
        bins = [f"{stream} x {state}" for stream in ports for state in ("stalled", "starved", "moving")]

        @CoverPoint(f"{group}.stream", xf=lambda stream, state: f"{stream} x {state}", bins=bins)
        def sample(stream: str, state: str) -> None:
            """A stream was seen in a state."""

        self.sample = sample

    async def run_phase(self) -> None:
        seen: set[tuple[str, str]] = set()
        first = next(iter(self.ports.values()))
        wanted = 3 * len(self.ports)
        while len(seen) < wanted:
            await RisingEdge(first.clock)
            if first.reset_n.value != 1:
                continue
            for name, port in self.ports.items():
                valid, ready = bool(port.valid.value), bool(port.ready.value)
                if valid or ready:
                    state = "moving" if valid and ready else "stalled" if valid else "starved"
                    if (name, state) not in seen:
                        seen.add((name, state))
                        self.sample(name, state)


class StreamsEnv(uvm_env):
    """An agent per stream and a scoreboard per output stream.

    Args:
        group: name of the coverage group.
        inputs, outputs: fields of each stream by the stream's name.
        paces: pauses by the stream's name; streams left out never pause.
    """

    def __init__(
        self,
        name: str,
        parent: uvm_component,
        group: str,
        inputs: Streams,
        outputs: Streams,
        paces: Mapping[str, Pace],
    ) -> None:
        super().__init__(name, parent)
        self.group, self.inputs, self.outputs, self.paces = group, inputs, outputs, paces

    def build_phase(self) -> None:
        top = cocotb.top
        self.ports = {name: StreamPort(top, name, fields, True) for name, fields in self.inputs.items()}
        self.ports |= {name: StreamPort(top, name, fields, False) for name, fields in self.outputs.items()}
        self.agents = {
            name: StreamAgent(name, self, port, self.paces.get(name, Pace())) for name, port in self.ports.items()
        }
        self.scoreboards = {name: Scoreboard(f"{name}_scoreboard", self) for name in self.outputs}
        self.watch = StallWatch("watch", self, self.group, self.ports)

    def connect_phase(self) -> None:
        for name, scoreboard in self.scoreboards.items():
            self.agents[name].monitor.analysis_port.connect(scoreboard.analysis_export)

    def expect(self, name: str, items: Iterable[Mapping[str, int]], context: str = "") -> None:
        """Queue expected transfers of the output stream ``name``."""
        for number, fields in enumerate(items):
            self.scoreboards[name].expect(fields, f"{context} {number}".strip())

    async def drained(self) -> None:
        """Return when all expected transfers have been compared."""
        for scoreboard in self.scoreboards.values():
            await scoreboard.drained()


class StreamsTest(uvm_test):
    """Builds the environment, then runs ``body`` between reset and the final checks.

    A subclass says which streams there are; a test overrides ``paces`` and ``body``; one that injects a fault sets
    ``injected``.

    Attributes:
        group: name of the coverage group.
        inputs, outputs: fields of each stream by name.
        controls: other inputs, held at zero unless a test drives them.
        per_transfer: values that one compared transfer of an output stands for, for the closing table.
    """

    group: str
    inputs: Streams
    outputs: Streams
    controls: tuple[str, ...] = ()
    per_transfer: Mapping[str, int] = {}
    injected = False
    utilisation: float | None = None
    unit = ""

    def paces(self) -> dict[str, Pace]:
        """Pauses of the streams in this test."""
        return {}

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.env = StreamsEnv("env", self, self.group, self.inputs, self.outputs, self.paces())

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        for control in self.controls:
            getattr(self.dut, control).value = 0
        await start(self.dut)
        self.began = cycle()
        await self.body()
        self.cycles = cycle() - self.began
        self.drop_objection()

    async def send(self, name: str, items: Iterable[Mapping[str, int]]) -> None:
        """Send transfers on the input stream ``name`` and return when all are accepted."""
        await StreamSequence(items).start(self.env.agents[name].sequencer)

    async def traffic(self, streams: Mapping[str, Iterable[Mapping[str, int]]], limit: int) -> None:
        """Send on several input streams side by side, then wait for everything expected.

        Raises:
            AssertionError: it took more than ``limit`` cycles.
        """
        tasks = [cocotb.start_soon(self.send(name, items)) for name, items in streams.items()]
        await within(limit, gather(*tasks), "acceptance of all input")
        await within(limit, self.env.drained(), "arrival of all output")

    def extract_phase(self) -> None:
        boards = self.env.scoreboards
        finish(
            self.group,
            sum(board.compared * self.per_transfer.get(name, 1) for name, board in boards.items()),
            sum(board.mismatches for board in boards.values()),
            self.cycles,
            utilisation=self.utilisation,
            unit=self.unit,
            injected=self.injected,
        )
