"""Stream cells: random traffic at all paces, full throughput, reset, injected faults."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, gather
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace, StreamSequence
from tb.streams import coverage
from tb.streams.env import OUTPUTS, StreamsEnv, widening


class StreamsTest(uvm_test):
    """Builds the environment and runs ``body`` after reset; one that injects a fault sets ``injected``."""

    injected = False
    utilisation: float | None = None

    def pace(self, stream: str) -> Pace:
        """Pace of a stream's testbench side."""
        return Pace()

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.env = StreamsEnv("env", self, self.dut, self.pace)

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(self.dut)
        began = cycle()
        await self.body()
        self.cycles = cycle() - began
        self.drop_objection()

    def extract_phase(self) -> None:
        unit = "of cycles on the narrow side" if self.utilisation is not None else ""
        env = self.env
        finish(coverage.GROUP, env.compared, env.mismatches, self.cycles, self.utilisation, unit, self.injected)

    def payloads(self, cell: str, count: int) -> list[dict[str, int]]:
        """Random input transfers of a cell whose narrow side then moves ``count`` parts."""
        ratio = self.env.ratio
        count -= count % ratio  # whole words only: a partial word never comes out
        words, width = (count // ratio, self.env.width * ratio) if cell == "narrow" else (count, self.env.width)
        return [{"data": random.getrandbits(width)} for _ in range(words)]

    async def drained(self) -> None:
        """Wait until all expected transfers have been seen."""
        for scoreboard in self.env.scoreboards.values():
            await scoreboard.drained()

    async def send(self, count: int) -> None:
        """Send traffic through all cells at once and wait for its end."""
        agents, tasks = self.env.agents, []
        for agent in agents.values():
            agent.monitor.measure()
        for cell in OUTPUTS:
            sequence = StreamSequence(self.payloads(cell, count))
            tasks.append(cocotb.start_soon(sequence.start(agents[f"{cell}_in"].sequencer)))
        await within(400 * count, gather(*tasks), "acceptance of all transfers")
        await ClockCycles(self.dut.clk_i, 2)
        await within(400 * count, self.drained(), "delivery of all transfers")
        for cell, outputs in OUTPUTS.items():
            source = "pauses" if agents[f"{cell}_in"].monitor.paused else "full"
            for output in outputs:
                coverage.sample_paces(source, "pauses" if agents[f"{cell}_{output}"].monitor.stalled else "full")
        await ClockCycles(self.dut.clk_i, 20)


class RandomTraffic(StreamsTest):
    """Every stream at its own random pace."""

    def pace(self, stream: str) -> Pace:
        return Pace.any()

    async def body(self) -> None:
        await self.send(scaled(600, 300))


@pyuvm.test()
class RandomPaces(RandomTraffic):
    """First draw of paces."""


@pyuvm.test()
class RandomPacesAgain(RandomTraffic):
    """Second draw of paces."""


@pyuvm.test()
class FastSource(RandomTraffic):
    """Sinks pause, sources never: buffers run full."""

    def pace(self, stream: str) -> Pace:
        return Pace() if stream.endswith("_in") else Pace(0.4, 4)

    async def body(self) -> None:
        await super().body()
        assert self.env.watcher.highest == coverage.DEPTH, f"the FIFO held only {self.env.watcher.highest} transfers"


@pyuvm.test()
class FastSink(RandomTraffic):
    """Sources pause, sinks never: buffers run empty."""

    def pace(self, stream: str) -> Pace:
        return Pace(0.4, 4) if stream.endswith("_in") else Pace()


@pyuvm.test()
class BothPause(RandomTraffic):
    """Short pauses on both sides, so that the occupancy wanders."""

    def pace(self, stream: str) -> Pace:
        return Pace(0.4, 4)


@pyuvm.test()
class LongPauses(RandomTraffic):
    """Long pauses on both sides: even a deep FIFO runs full and empty."""

    def pace(self, stream: str) -> Pace:
        return Pace(0.05, 40)


@pyuvm.test()
class PatientSinks(RandomTraffic):
    """Sinks that are ready only for what is offered: no cell waits with its offer until they are."""

    def pace(self, stream: str) -> Pace:
        return Pace() if stream.endswith("_in") else Pace(0.3, 3, after_valid=True)


@pyuvm.test()
class Throughput(StreamsTest):
    """Without pauses no cell loses a cycle on its narrow side."""

    async def body(self) -> None:
        count = 300
        await self.send(count)
        rates = {}
        for name, (first, last) in self.env.watcher.spans.items():
            # A wide word has several parts, and a cell of half the rate takes two cycles.
            ratio = self.env.ratio if name in ("widen_out", "narrow_in") else 1
            if name.startswith("half"):
                first, last = first // 2, first // 2 + (last - first) // 2
            rates[name] = ((count // ratio - 1) * ratio + 1) / (last - first + 1)
        assert set(rates.values()) == {1.0}, f"share of cycles with a transfer on the narrow side: {rates}"
        self.utilisation = min(rates.values())


@pyuvm.test()
class Reset(StreamsTest):
    """A reset empties every cell, also of a partial word; traffic after it is right."""

    def pace(self, stream: str) -> Pace:
        return Pace(0.3, 3)

    async def body(self) -> None:
        env = self.env
        traffic = {cell: self.payloads(cell, 60)[:-1] for cell in OUTPUTS}
        await within(20_000, gather(*self.begin(traffic)), "acceptance of all transfers")
        # Sinks that hardly take anything, but for wide words, of which a part shall be there, and one of the fork's.
        paces = [env.paces[name] for name in env.outputs() if name not in ("widen_out", "fork_out0")]
        for pace in paces:
            pace.pause, pace.longest = 1.0, 200
        tasks = self.begin({cell: self.payloads(cell, 40) for cell in OUTPUTS if cell != "widen"})
        await ClockCycles(self.dut.clk_i, 60)
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 2)
        for scoreboard in env.scoreboards.values():
            scoreboard.expected.clear()
            scoreboard.early.clear()
        env.predictors["widen"].convert = widening(env.width, env.ratio)
        for pace in paces:
            pace.pause, pace.longest = 0.3, 3
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 1)
        await within(20_000, gather(*tasks), "acceptance of what the reset had to wait for")
        await self.send(120)

    def begin(self, traffic: dict[str, list[dict[str, int]]]) -> list[cocotb.task.Task]:
        """Begin to send transfers to these cells."""
        starts = (StreamSequence(t).start(self.env.agents[f"{cell}_in"].sequencer) for cell, t in traffic.items())
        return [cocotb.start_soon(start) for start in starts]


class Corrupt(StreamsTest):
    """One bit of one transfer is flipped on its way to the scoreboard."""

    injected = True
    stream = ""

    async def body(self) -> None:
        self.env.agents[self.stream].monitor.corrupt = random.randrange(20)
        await self.send(120)


@pyuvm.test(expect_error=ScoreboardError)
class CorruptFifo(Corrupt):
    """The FIFO's scoreboard objects."""

    stream = "fifo_out"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptWord(Corrupt):
    """The widening converter's scoreboard objects."""

    stream = "widen_out"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptFork(Corrupt):
    """The scoreboard of one of the fork's outputs objects."""

    stream = "fork_out1"


@pyuvm.test(expect_error=ScoreboardError)
class LostTransfer(StreamsTest):
    """A transfer that the predictor saw and the DUT did not: the scoreboard misses it at the end."""

    injected = True

    async def body(self) -> None:
        await self.send(60)
        self.env.scoreboards["register_out"].expect({"data": 0})
