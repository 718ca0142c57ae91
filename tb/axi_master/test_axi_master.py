"""AXI master on a cocotbext-axi memory with random pauses and errors."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, gather

from tb.axi_master.base import MemoryTest, Stall
from tb.axi_master.bench import CLIENTS
from tb.axi_master.env import Setup
from tb.axi_master.memory import any_paces
from tb.axi_master.model import DECERR, LINE, PAGE, SLVERR, Region
from tb.axi_master.protocol import ProtocolError
from tb.axi_master.stimulus import SLOTS_LOG2, bases, commands, corner_regions, random_faults, write_data
from tb.common.base import scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace

STREAMS = ("wcmd", "wdata", *(f"{name}{client}" for name in ("rcmd", "rdata") for client in range(CLIENTS)))


class Random(MemoryTest):
    """Random regions of all clients and of the write side at once, pauses everywhere, errors here and there."""

    count, icarus_count = 20, 8
    errors = True

    def setup(self) -> Setup:
        return Setup(paces={name: Pace.any() for name in STREAMS})

    def paces(self) -> dict[str, Pace]:
        return any_paces()

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        if self.errors:
            self.env.setup.faults.ranges += random_faults(self.geometry, [*reads, write]).ranges
        count = scaled(self.count, self.icarus_count)
        await self.traffic([self.regions(at, count // 2) for at in reads], self.regions(write, count))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class RandomTrafficNoErrors(Random):
    """A memory that never fails but pauses often."""

    errors = False

    def paces(self) -> dict[str, Pace]:
        return {name: Pace(0.5, 3) for name in ("ar", "r", "aw", "w", "b")}


@pyuvm.test()
class Corners(MemoryTest):
    """Limits of pages, bursts, rows and addresses, of each client and of the write side, at full speed."""

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        regions = [corner_regions(geometry, at) for geometry, at in zip(self.env.clients, reads, strict=True)]
        writes = corner_regions(self.geometry, write)
        # More rows than ten bits count, of one client alone, since they take long.
        regions[0].append(Region(reads[0], LINE, 1030, 0))
        writes.append(Region(write, LINE, 1030, 0))
        await self.traffic(regions, writes)


@pyuvm.test()
class Errors(MemoryTest):
    """Each response in the first, a middle and the last beat of a burst; afterwards good commands work.

    Also more than one failing beat in a burst (one report), both responses in one burst (the first counts), and
    failing single-beat bursts back to back (one report each). At last single lines anywhere in memory.
    """

    async def body(self) -> None:
        size, beats = self.geometry.beat_bytes, 8
        origins, write = bases(self.geometry)
        reads, writes, ranges = [], [], []
        for origin, regions in ((origins[0], reads), (write, writes)):
            at = origin
            for first, length in ((0, 1), (3, 1), (beats - 1, 1), (0, beats), (2, 4)):
                for response in (SLVERR, DECERR):
                    ranges.append((at + first * size, at + (first + length) * size, response))
                    regions.append(Region(at, beats * size, 1, 0))
                    at += PAGE
            for one, two in ((SLVERR, DECERR), (DECERR, SLVERR)):
                ranges += [(at, at + 2 * size, one), (at + 5 * size, at + 6 * size, two)]
                regions.append(Region(at, beats * size, 1, 0))
                at += PAGE
            ranges.append((at, at + 3 * PAGE, SLVERR))
            regions += [Region(at, LINE, 3, PAGE), Region(at + 3 * PAGE, beats * size, 4, PAGE)]
        self.env.setup.faults.ranges += ranges
        await self.traffic([reads], writes)
        reported = [self.env.scoreboards[name].compared for name in ("read_error0", "write_error")]
        assert min(reported) == 15, f"expected 15 failing bursts in each direction, saw {reported}"
        self.env.setup.faults.ranges.clear()
        await self.traffic([reads], writes)
        after = [self.env.scoreboards[name].compared for name in ("read_error0", "write_error")]
        assert after == reported, "errors reported where there were none"
        # Half of them have the opposite of the others' address bits, but for those that name the client or the writes.
        size = 1 << self.geometry.addr_width
        for where, first, room in ((reads, 0, size >> SLOTS_LOG2), (writes, size // 2, size // 2)):
            places = [random.randrange(room // LINE) * LINE for _ in range(3)]
            where[:] = [Region(first + at, LINE, 1, 0) for place in places for at in (place, room - LINE - place)]
            self.env.setup.faults.ranges += [(region.addr, region.addr + LINE, SLVERR) for region in where]
        await self.traffic([reads], writes)


@pyuvm.test()
class StalledReader(MemoryTest):
    """A client without credits that takes no data stops neither the read addresses in flight nor any write."""

    stall = 3000

    def setup(self) -> Setup:
        return Setup(paces={"rdata0": Stall(self.stall)})

    async def body(self) -> None:
        (origin, *_), write = bases(self.geometry)
        reads = self.regions(origin, 4)
        reads.append(Region(origin, LINE, 2 + self.env.limits.read_outstanding, PAGE))
        writes = self.regions(write, 6)
        reading = cocotb.start_soon(self.read(0, reads))
        writing = gather(
            self.send("wcmd", commands(self.geometry, writes, read=False)),
            self.send("wdata", write_data(self.geometry, writes)),
        )
        await within(self.stall - 500, writing, "acceptance of writes while the reader stalls")
        await within(400, self.writes_done(), "completion of writes while the reader stalls")
        assert self.env.monitor.beats["w"] == sum(1 for _ in write_data(self.geometry, writes))
        assert self.env.agents["rdata0"].monitor.transfers == 0, "the reader did not stall"
        in_flight = self.env.monitor.checker.most_reads
        assert in_flight == self.env.limits.read_outstanding, f"only {in_flight} reads in flight"
        await within(20_000, reading, "acceptance of reads after the stall")
        await within(20_000, self.env.drained(), "completion of reads after the stall")

    async def writes_done(self) -> None:
        """Wait until no write is pending."""
        while int(self.dut.writes_pending_o.value):
            await ClockCycles(self.dut.clk_i, 1)


@pyuvm.test()
class StarvedWriter(MemoryTest):
    """Write addresses go out while their data are missing, and reads pass meanwhile."""

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        writes = [Region(write, LINE, self.env.limits.write_outstanding + 2, PAGE)]
        await self.send("wcmd", commands(self.geometry, writes, read=False))
        await within(10_000, self.run_reads([self.regions(at, 4) for at in reads]), "reads while the writer starves")
        assert int(self.dut.writes_pending_o.value), "a write without data completed"
        assert self.env.monitor.checker.most_writes == self.env.limits.write_outstanding
        await self.send("wdata", write_data(self.geometry, writes))
        await within(20_000, self.env.drained(), "completion of the writes")

    async def run_reads(self, reads: list[list[Region]]) -> None:
        """Run reads of all clients to their end."""
        await gather(*(cocotb.start_soon(self.read(client, regions)) for client, regions in enumerate(reads)))
        for client in range(CLIENTS):
            await self.env.scoreboards[f"rdata{client}"].drained()


class Injected(MemoryTest):
    """Short good traffic in which one thing is falsified on its way to the checks; each such test must fail."""

    injected = True

    def inject(self) -> None:
        """Falsify something."""
        raise NotImplementedError

    async def body(self) -> None:
        reads, write = bases(self.geometry)
        self.env.setup.faults.ranges += [(at, at + PAGE, SLVERR) for at in reads] + [(write, write + PAGE, DECERR)]
        self.inject()
        regions = [[Region(at, 5 * LINE, 4, PAGE)] for at in (*reads, write)]
        await self.traffic(regions[:-1], regions[-1])


def _corrupt_bus(channel: str, field: str, error: type[Exception], name: str) -> type:
    """An expected-fail test that flips one bit of ``field`` in the first transfer of a channel or error report."""

    def inject(self) -> None:
        self.env.monitor.fault = (channel, field)

    return pyuvm.test(expect_error=error)(type(name, (Injected,), {"inject": inject, "__doc__": name}))


@pyuvm.test(expect_error=ScoreboardError)
class CaughtReadData(Injected):
    """One bit of one beat of read data flipped."""

    def inject(self) -> None:
        self.env.agents[f"rdata{random.randrange(CLIENTS)}"].monitor.corrupt = random.randrange(20)


CaughtReadAddress = _corrupt_bus("ar", "addr", ScoreboardError, "CaughtReadAddress")
CaughtWriteAddress = _corrupt_bus("aw", "addr", ScoreboardError, "CaughtWriteAddress")
CaughtStrobe = _corrupt_bus("w", "strb", ScoreboardError, "CaughtStrobe")
CaughtReadError = _corrupt_bus("read_error", "addr", ScoreboardError, "CaughtReadError")
CaughtWriteError = _corrupt_bus("write_error", "tag", ScoreboardError, "CaughtWriteError")
CaughtAttribute = _corrupt_bus("aw", "cache", ProtocolError, "CaughtAttribute")


@pyuvm.test(expect_error=ScoreboardError)
class CaughtMemory(Injected):
    """One bit of the memory flipped after the traffic."""

    async def body(self) -> None:
        await super().body()
        addr = random.choice(list(self.memory.written))
        self.memory.written[addr] ^= 1

    def inject(self) -> None:
        pass
