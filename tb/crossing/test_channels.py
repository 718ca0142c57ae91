"""AXI4 between clocks, each channel as a stream of its own: all bits of its payload, its room, resets."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, gather
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, within
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence
from tb.crossing.clocks import RATIOS, Domain, reset, start_clocks
from tb.crossing.coverage import GROUP

ADDRESS = ("id", "addr", "len", "size", "burst")
CHANNELS = {
    "aw": ADDRESS,
    "w": ("data", "strb", "last"),
    "b": ("id", "resp"),
    "ar": ADDRESS,
    "r": ("id", "data", "resp", "last"),
}
ANSWERS = ("b", "r")  # from the slave to the master
ROOM = (1 << int(cocotb.top.DEPTH_W.value)) + 1  # transfers in a channel: its FIFO's, and the register behind it

sample_channel = events(f"{GROUP}.channel", [(channel, state) for channel in CHANNELS for state in ("moves", "full")])
sample_reset = events(f"{GROUP}.reset", CHANNELS)


class Side:
    """One side of the crossing by the names of streams: ``aw_valid_i`` is its ``awvalid``."""

    def __init__(self, domain: Domain, prefix: str) -> None:
        self.domain, self.prefix = domain, prefix
        self.clk_i, self.rst_ni = domain.clk_i, domain.rst_ni

    def __getattr__(self, name: str):
        channel, signal, _ = name.split("_")
        return getattr(self.domain, f"{self.prefix}_axi_{channel}{signal}")


class ChannelsTest(uvm_test):
    """Source, sink and scoreboard of each channel; a subclass says what is done."""

    injected = False

    def pace(self, name: str, sink: bool) -> Pace:
        """Pace of a channel's source or sink."""
        return Pace.any()

    def build_phase(self) -> None:
        dut = cocotb.top
        self.domains = {prefix: Domain(dut, f"{prefix}_") for prefix in ("s", "m")}
        sides = {prefix: Side(domain, prefix) for prefix, domain in self.domains.items()}
        self.sources, self.sinks, self.boards, self.taken = {}, {}, {}, {}
        for name, fields in CHANNELS.items():
            begin, end = ("m", "s") if name in ANSWERS else ("s", "m")
            ports = StreamPort(sides[begin], name, fields, True), StreamPort(sides[end], name, fields, False)
            self.sources[name] = StreamAgent(f"{name}_source", self, ports[0], self.pace(name, sink=False))
            self.sinks[name] = StreamAgent(f"{name}_sink", self, ports[1], self.pace(name, sink=True))
            self.boards[name] = Scoreboard(name, self)

    def connect_phase(self) -> None:
        for name, sink in self.sinks.items():
            sink.monitor.analysis_port.connect(self.boards[name].analysis_export)

    def payloads(self, name: str, count: int) -> list[dict[str, int]]:
        """Random transfers of a channel, all bits of them."""
        payload = self.sources[name].port.payload
        return [{field: random.getrandbits(len(signal)) for field, signal in payload.items()} for _ in range(count)]

    async def send(self, name: str, count: int) -> None:
        """Send so many transfers of a channel."""
        found = self.payloads(name, count)
        for fields in found:
            self.boards[name].expect(fields)
        await within(
            400 * count + 1000, StreamSequence(found).start(self.sources[name].sequencer), f"the end of {name}"
        )

    async def everywhere(self, count: int) -> None:
        """So many transfers of each channel, at the same time."""
        await gather(*(cocotb.start_soon(self.send(name, count)) for name in CHANNELS))
        for name, board in self.boards.items():
            await within(10_000, board.drained(), f"delivery of all of {name}")
            sample_channel((name, "moves"))

    async def body(self) -> None:
        """What the test does."""
        await self.everywhere(scaled(200, 80))

    async def run_phase(self) -> None:
        self.raise_objection()
        self.periods = await start_clocks(*self.domains.values(), random.choice(RATIOS))
        begin = cycle()
        await self.body()
        compared, wrong = (sum(getattr(b, what) for b in self.boards.values()) for what in ("compared", "mismatches"))
        finish(GROUP, compared, wrong, cycle() - begin, injected=self.injected)
        self.drop_objection()


@pyuvm.test()
class Payloads(ChannelsTest):
    """Random transfers of all channels, each end at a pace of its own."""


@pyuvm.test()
class Rooms(ChannelsTest):
    """With sinks that take nothing, each channel takes as many transfers as it has room for, and no more."""

    def pace(self, name: str, sink: bool) -> Pace:
        return Pace()

    async def body(self) -> None:
        slower = self.domains["sm"[self.periods[1] > self.periods[0]]].clk_i
        for first in range(5):  # from other places of the pointers
            await self.everywhere(3 + first)
            for sink in self.sinks.values():
                sink.port.ready.value = 0
            await ClockCycles(slower, 4)
            sending = [cocotb.start_soon(self.count(name, ROOM + 3)) for name in CHANNELS]
            await ClockCycles(slower, 12 * ROOM)
            for name, source in self.sources.items():
                assert source.port.valid.value and not source.port.ready.value, f"{name} has room without end"
                assert self.taken[name] == ROOM, f"{name} takes {self.taken[name]} transfers, not {ROOM}"
                sample_channel((name, "full"))
            for sink in self.sinks.values():
                sink.port.ready.value = 1
            await gather(*sending)
            for name, board in self.boards.items():
                await within(10_000, board.drained(), f"delivery of all of {name}")

    async def count(self, name: str, count: int) -> None:
        """Send so many transfers of a channel, and count those that are taken."""
        found = self.payloads(name, count)
        self.taken[name] = 0
        for fields in found:
            self.boards[name].expect(fields)
            await within(10_000, StreamSequence([fields]).start(self.sources[name].sequencer), f"a transfer of {name}")
            self.taken[name] += 1


@pyuvm.test()
class Resets(ChannelsTest):
    """A reset of both sides empties all channels; traffic after it is right."""

    def pace(self, name: str, sink: bool) -> Pace:
        return Pace()

    async def body(self) -> None:
        for _ in range(scaled(8, 4)):
            await self.everywhere(random.randrange(3, 12))
            for sink in self.sinks.values():
                sink.port.ready.value = 0
            await gather(*(cocotb.start_soon(self.send(name, random.randint(1, ROOM))) for name in CHANNELS))
            for name, board in self.boards.items():
                if board.expected:
                    sample_reset(name)
            await reset(*self.domains.values(), self.periods)
            for name, board in self.boards.items():
                board.forget()
                self.sinks[name].port.ready.value = 1
        await self.everywhere(20)


@pyuvm.test(expect_error=ScoreboardError)
class WrongBitIsFound(ChannelsTest):
    """A bit of one transfer flips on its way to the scoreboard."""

    injected = True

    async def body(self) -> None:
        self.sinks[random.choice(list(CHANNELS))].monitor.corrupt = random.randrange(20)
        await self.everywhere(30)
