"""Several read clients on one bus, the memory window, and the stop."""

from __future__ import annotations

import itertools
import random
import re

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, gather

from tb.axi_master.base import MemoryTest, Stall
from tb.axi_master.bench import CLIENTS
from tb.axi_master.coverage import sample_range
from tb.axi_master.env import Setup
from tb.axi_master.memory import any_paces
from tb.axi_master.model import LINE, PAGE, Region, Window
from tb.axi_master.stimulus import WRITES, base, bases, commands, random_beat, write_data
from tb.common.base import scaled, within
from tb.common.stream import Pace

# Where regions begin, in lines of a window of six pages: about its ends and anywhere; in its last page, where they go
# across its end or lie behind it, which is up to six lines before the page's.
PAGE_LINES = PAGE // LINE
WINDOW_LINES = 6 * PAGE_LINES
ACROSS, BEHIND = range(WINDOW_LINES - PAGE_LINES, WINDOW_LINES - 6), range(WINDOW_LINES - 5, WINDOW_LINES)
BEGINS = (range(-64, 64), range(256, 384), ACROSS, BEHIND, range(-64, 512))


class StalledClient(MemoryTest):
    """A client with credits that takes no data gets as much as its buffer holds; all others go on."""

    stall = 3000
    stalled: int

    def setup(self) -> Setup:
        return Setup(paces={f"rdata{self.stalled}": Stall(self.stall)})

    async def body(self) -> None:
        reads, _ = bases(self.geometry)
        large = [Region(reads[self.stalled], 4 * PAGE, 1, 0)]
        cocotb.start_soon(self.read(self.stalled, large))
        await ClockCycles(self.dut.clk_i, 20)
        others = [client for client in range(CLIENTS) if client != self.stalled]
        await within(self.stall - 500, self.run_reads(others, reads), "reads beside a stalled client")
        assert int(self.dut.credit_wait_o.value) == 1 << self.stalled, "only the stalled client waits for credits"
        assert int(self.dut.drained_o.value), "bursts are in flight that nobody can take"
        assert not self.env.agents[f"rdata{self.stalled}"].monitor.transfers, "the client did not stall"
        credits, burst = self.env.credits[self.stalled], self.env.clients[self.stalled].max_burst
        taken = self.env.order.count(self.stalled)
        assert taken == credits // burst, f"{taken} bursts of {burst} beats went to a buffer of {credits}"
        await within(40_000, self.env.drained(), "completion after the stall")

    async def run_reads(self, clients: list[int], origins: list[int]) -> None:
        """Run random reads of some clients to their end."""
        await gather(*(cocotb.start_soon(self.read(client, self.regions(origins[client], 6))) for client in clients))
        for client in clients:
            await self.env.scoreboards[f"rdata{client}"].drained()


@pyuvm.test()
class StalledSmallClient(StalledClient):
    """The client with the smallest buffer that there is."""

    stalled = 1


@pyuvm.test()
class StalledLargeClient(StalledClient):
    """The client whose buffer is no round number of lines."""

    stalled = 2


@pyuvm.test()
class Priority(MemoryTest):
    """Of the bursts that wait, the one of the client with the lowest number goes first; its next one waits a cycle."""

    async def body(self) -> None:
        reads, _ = bases(self.geometry)
        self.axi.read.ar_channel.pause = True
        for client in (2, 1, 0):
            await self.read(client, [Region(reads[client], LINE, 4, PAGE)])
            await ClockCycles(self.dut.clk_i, 10)
        self.axi.read.ar_channel.pause = False
        await within(2000, self.env.drained(), "completion of all commands")
        # Three of the first were already on their way to the bus.
        order = "".join(map(str, self.env.order))
        assert re.match("222(0[12]?){4}", order), f"bursts of the clients went out in the order {order}"


@pyuvm.test()
class Windows(MemoryTest):
    """Regions around a window: bursts before the first one outside are done, that one is reported, no more comes."""

    def paces(self) -> dict[str, Pace]:
        return any_paces()

    async def body(self) -> None:
        users = [*range(CLIENTS), WRITES]
        for begins in BEGINS * scaled(3, 1):
            for slot in random.sample(users, len(users)):
                await self.attempt(slot, begins)

    async def attempt(self, slot: int, begins: range) -> None:
        """Try a region that begins somewhere in these lines of the window."""
        origin, uneven = base(self.geometry, slot), (0, 1, LINE, 5 * LINE + 8)
        missing = {ACROSS: uneven[1:], BEHIND: uneven[-1:]}.get(begins, uneven)
        low, high = origin + random.choice(uneven), origin + WINDOW_LINES * LINE - random.choice(missing)
        await self.stop()
        self.env.window = Window(low, high)
        self.dut.window_base_i.value, self.dut.window_limit_i.value = low, high
        await self.resume()
        rows, first = random.randint(1, 4), random.choice(begins)
        lines = random.randint(1, 2 * PAGE_LINES)
        if begins == ACROSS:  # at least to the end of the page
            rest = WINDOW_LINES - first
            lines = random.choice((rest, max(rest, lines)))
        row = lines * LINE
        region = Region(origin + first * LINE, row, rows, random.choice((row, PAGE, -PAGE, 0)))
        await self.access(slot, region)
        expected = self.env.ranges[-1:]
        self.env.ranges.clear()
        for name, board in self.env.scoreboards.items():
            await within(20_000, board.drained(), f"what lies inside the window, {name}")
        await ClockCycles(self.dut.clk_i, 20)
        for direction in ("read", "write"):
            flag, addr, tag = (getattr(self.dut, f"{direction}_range_{part}") for part in ("o", "addr_o", "tag_o"))
            reported = [(direction, int(addr.value), int(tag.value))] if int(flag.value) else []
            wanted = [report for report in expected if report[0] == direction]
            assert reported == wanted, f"{reported} reported of window {low:#x} to {high:#x}, expected {wanted}"
        geometry = self.geometry if slot == WRITES else self.env.clients[slot]
        inside, _ = geometry.bursts_inside(region, self.env.window)
        for direction, addr, _ in expected:
            begin = geometry.bursts(region)[len(inside)].addr
            side = "below" if addr < low else "above" if begin >= high else "across the end"
            sample_range(f"{direction} {side}")

    async def access(self, slot: int, region: Region) -> None:
        """Give a command, and as many beats of data as it may write."""
        if slot != WRITES:
            await self.read(slot, [region])
        else:
            await self.send("wcmd", commands(self.geometry, [region], read=False))
        await ClockCycles(self.dut.clk_i, 1)
        await self.send("wdata", [random_beat(self.geometry) for _ in self.env.write_beats])


@pyuvm.test()
class Stops(MemoryTest):
    """Random traffic is stopped at random times: bursts in flight end, memory has what was sent before and no more."""

    def setup(self) -> Setup:
        return Setup(paces={name: Pace.any() for name in self.streams()})

    @staticmethod
    def streams() -> list[str]:
        """All streams of the clients."""
        return ["wcmd", "wdata", *(f"{name}{client}" for name in ("rcmd", "rdata") for client in range(CLIENTS))]

    def paces(self) -> dict[str, Pace]:
        return any_paces()

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        count = scaled(24, 8)
        sending = [cocotb.start_soon(self.read(c, self.regions(reads[c], count))) for c in range(CLIENTS)]
        writes = commands(self.geometry, self.regions(write, count), read=False)
        sending.append(cocotb.start_soon(self.send("wcmd", writes)))
        cocotb.start_soon(self.send("wdata", (random_beat(self.geometry) for _ in itertools.count())))
        for _ in range(scaled(12, 5)):
            await ClockCycles(self.dut.clk_i, random.choice((2, 20, 200, 600)))
            await self.stop()
            assert not self.memory.differences(self.env.golden), "memory has changed after the stop"
            await self.resume()
        await within(60_000, gather(*sending), "acceptance of all commands")
        await within(60_000, self.env.drained(), "completion of all commands")


@pyuvm.test()
class StopsStuck(MemoryTest):
    """Clients that take nothing and data that never come do not keep the master from coming to rest."""

    def setup(self) -> Setup:
        return Setup(paces={"rdata0": Stall(1_000_000)})

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        for _ in range(3):
            # As much as the address side takes while nothing moves.
            depth = self.env.limits.write_outstanding
            await self.send("wcmd", commands(self.geometry, [Region(write, 2 * LINE, depth, PAGE)], read=False))
            for client in range(CLIENTS):
                await self.read(client, [Region(reads[client], 2 * LINE, 20, PAGE)])
            await ClockCycles(self.dut.clk_i, 100)
            assert self.env.monitor.checker.writes_in_flight == depth and not int(self.dut.drained_o.value)
            await self.stop()
            assert not self.memory.written, "writes without data have changed memory"
            await self.resume()
        await self.read(2, [Region(reads[2], PAGE, 1, 0)])
        await within(2000, self.env.scoreboards["rdata2"].drained(), "a read after the stop")


@pyuvm.test()
class StopsUnanswered(MemoryTest):
    """Writes that have all their data and no response yet are waited for; they are in memory."""

    async def body(self) -> None:
        _, write = bases(self.geometry)
        regions, answers = [Region(write, 2 * LINE, 2, PAGE)], self.axi.write.b_channel
        answers.pause = True
        await self.send("wcmd", commands(self.geometry, regions, read=False))
        await self.send("wdata", write_data(self.geometry, regions))
        await within(1000, self.env.scoreboards["w"].drained(), "the data of all writes")
        assert self.env.monitor.checker.writes_in_flight == 2
        stopping = cocotb.start_soon(self.stop())
        await ClockCycles(self.dut.clk_i, 20)
        assert not stopping.done(), "at rest without the responses"
        answers.pause = False
        await stopping
        await self.resume()
