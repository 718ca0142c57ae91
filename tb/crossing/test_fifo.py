"""FIFO between clocks: random traffic at all ratios and paces, throughput, room, reset, injected faults."""

from __future__ import annotations

import itertools
import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, within
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence
from tb.crossing.clocks import RATIOS, Domain, reset, start_clocks
from tb.crossing.coverage import GROUP, sample_traffic

PAUSES = Pace(0.3, 6)
# What the FIFO was seen to be: no room for what is offered, nothing to take, in reset while it had transfers.
sample_state = events(f"{GROUP}.state", ["full", "empty", "reset with transfers inside"])


class FifoTest(uvm_test):
    """Source in one clock, sink in the other; a subclass says the ratio, the paces and what is sent."""

    ratio: str | None = None
    paces = (Pace(), Pace())
    injected = False
    utilisation: float | None = None

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.sides = Domain(self.dut, "in_"), Domain(self.dut, "out_")
        source, sink = (StreamPort(self.sides[n], name, ("data",), n == 0) for n, name in enumerate(("in", "out")))
        self.source = StreamAgent("source", self, source, self.paces[0])
        self.sink = StreamAgent("sink", self, sink, self.paces[1])
        self.board = Scoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        self.sink.monitor.analysis_port.connect(self.board.analysis_export)

    async def run_phase(self) -> None:
        self.raise_objection()
        ratio = self.ratio or random.choice(RATIOS)
        self.periods = await start_clocks(*self.sides, ratio)
        began = cycle()
        await self.body()
        self.cycles = cycle() - began
        sample_traffic(ratio, bool(self.paces[0].pause), bool(self.paces[1].pause))
        self.drop_objection()

    async def body(self) -> None:
        """What the test does."""
        await self.send(scaled(800, 300))

    async def send(self, count: int) -> None:
        """Send random words and wait until all have come out."""
        words = [{"data": random.getrandbits(len(self.dut.in_data_i))} for _ in range(count)]
        for word in words:
            self.board.expect(word)
        await within(100 * count, StreamSequence(words).start(self.source.sequencer), "acceptance of all transfers")
        await within(100 * count, self.board.drained(), "delivery of all transfers")
        await ClockCycles(self.dut.out_clk_i, 20)  # whatever comes more is unexpected
        if not self.dut.out_valid_o.value:
            sample_state("empty")

    def extract_phase(self) -> None:
        unit = "of the slower clock's cycles" if self.utilisation is not None else ""
        board = self.board
        finish(GROUP, board.compared, board.mismatches, self.cycles, self.utilisation, unit, self.injected)


def _random(ratio: str, source: bool, sink: bool) -> None:
    name = f"Random{ratio.title().replace(' ', '')}{'Pauses' if source else ''}{'Stalls' if sink else ''}"
    paces = (PAUSES if source else Pace(), PAUSES if sink else Pace())
    globals()[name] = pyuvm.test()(
        type(name, (FifoTest,), {"ratio": ratio, "paces": paces, "__module__": __name__, "__doc__": "Random words."})
    )


for combination in itertools.product(RATIOS, (False, True), (False, True)):
    _random(*combination)


@pyuvm.test()
class Throughput(FifoTest):
    """Without pauses the slower clock sees a transfer in each of its cycles; four entries are too few for that."""

    async def body(self) -> None:
        count = 400
        first, last = [], []

        async def watch() -> None:
            while True:
                await RisingEdge(self.dut.out_clk_i)
                if self.dut.out_valid_o.value:
                    last[:] = [get_sim_time("ps")]
                    first[:] = first or last

        watching = cocotb.start_soon(watch())
        await self.send(count)
        watching.cancel()
        rate = (count - 1) * max(self.periods) / (last[0] - first[0])
        deep = len(self.dut.in_data_i) > 1  # the bench with eight entries
        assert not deep or rate > 0.98, f"{rate:.1%} of the slower clock's cycles have a transfer"
        self.utilisation = min(rate, 1.0) if deep else None  # the ends of the span are edges of the output alone


class CountingTest(FifoTest):
    """Test that knows how many transfers the FIFO has taken."""

    def connect_phase(self) -> None:
        super().connect_phase()
        self.taken = 0
        cocotb.start_soon(self.count())

    async def count(self) -> None:
        """Count the transfers into the FIFO."""
        while True:
            await RisingEdge(self.dut.in_clk_i)
            self.taken += bool(self.dut.in_rst_ni.value and self.dut.in_valid_i.value and self.dut.in_ready_o.value)


@pyuvm.test()
class Room(CountingTest):
    """With a sink that takes nothing, the FIFO takes as many transfers as it has entries, and one for its register."""

    async def body(self) -> None:
        await ClockCycles(self.dut.out_clk_i, 4)
        self.sink.driver.port.ready.value = 0
        entries = 9 if len(self.dut.in_data_i) > 1 else 5
        words = [{"data": random.getrandbits(len(self.dut.in_data_i))} for _ in range(3 * entries)]
        for word in words:
            self.board.expect(word)
        sending = cocotb.start_soon(StreamSequence(words).start(self.source.sequencer))
        await ClockCycles(self.dut.in_clk_i, 20 * entries)
        assert not self.dut.in_ready_o.value, "there is always room"
        assert self.taken == entries, f"{self.taken} of {entries} transfers fit"
        if self.dut.in_valid_i.value:
            sample_state("full")
        self.sink.driver.port.ready.value = 1
        await within(10_000, sending, "acceptance of all transfers")
        await within(10_000, self.board.drained(), "delivery of all transfers")


@pyuvm.test()
class Reset(CountingTest):
    """A reset of both sides empties the FIFO, whatever its pointers were; traffic after it is right."""

    paces = (Pace(), PAUSES)

    async def body(self) -> None:
        for _ in range(scaled(8, 3)):
            words = [{"data": random.getrandbits(len(self.dut.in_data_i))} for _ in range(random.randrange(10, 40))]
            for word in words:
                self.board.expect(word)
            await within(10_000, StreamSequence(words).start(self.source.sequencer), "acceptance of all transfers")
            if self.taken > self.sink.monitor.transfers:
                sample_state("reset with transfers inside")
            await reset(*self.sides, self.periods)
            self.board.forget()
            self.taken = self.sink.monitor.transfers
            await self.send(40)


@pyuvm.test(expect_error=ScoreboardError)
class Corrupt(FifoTest):
    """A bit of one transfer flips on its way to the scoreboard, which objects."""

    injected = True

    async def body(self) -> None:
        self.sink.monitor.corrupt = random.randrange(20)
        await self.send(100)


@pyuvm.test(expect_error=ScoreboardError)
class Lost(FifoTest):
    """A transfer that was sent and never comes out: the scoreboard misses it at the end."""

    injected = True

    async def body(self) -> None:
        await self.send(60)
        self.board.expect({"data": 0})
