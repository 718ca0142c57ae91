"""AXI master on a cocotbext-axi memory with random pauses and errors."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, gather

from tb.axi_master.base import AxiTest
from tb.axi_master.env import Setup
from tb.axi_master.memory import AxiMemory, any_paces
from tb.axi_master.model import DECERR, PAGE, SLVERR, Memory, Region
from tb.axi_master.protocol import ProtocolError
from tb.axi_master.stimulus import (
    base,
    commands,
    corner_regions,
    empty_region,
    random_faults,
    random_region,
    unaligned,
    write_data,
)
from tb.common.base import scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace

STREAMS = ("rcmd", "rdata", "wcmd", "wdata")
BEATS = 160  # largest random command, in beats


class MemoryTest(AxiTest):
    """Test on the cocotbext-axi memory; at the end its content must equal the golden memory's."""

    def paces(self) -> dict[str, Pace]:
        """Pauses of the AXI channels."""
        return {name: Pace() for name in ("ar", "r", "aw", "w", "b")}

    def attach(self) -> None:
        setup = self.env.setup
        self.memory = Memory(self.geometry.beat_bytes, setup.seed)
        self.axi = AxiMemory(self.dut, self.memory, setup.faults, self.geometry, self.paces())

    def origins(self) -> tuple[int, int]:
        """Addresses around which reads and writes go."""
        return base(self.geometry, write=False), base(self.geometry, write=True)

    def check_phase(self) -> None:
        if wrong := self.memory.differences(self.env.golden):
            raise ScoreboardError(f"memory differs from the golden memory in {wrong} beats")


class Random(MemoryTest):
    """Random regions in both directions at once, pauses everywhere, errors here and there, a toggling mask."""

    count, icarus_count = 20, 8
    errors = True

    def setup(self) -> Setup:
        paces = {name: Pace.any() for name in STREAMS}
        return Setup(paces=paces, mask=random.choice((0.0, 0.1, 0.5)))

    def paces(self) -> dict[str, Pace]:
        return any_paces()

    def regions(self, origin: int, count: int) -> list[Region]:
        """Mostly random regions, some unaligned, some empty."""
        found = []
        for _ in range(count):
            region = random_region(self.geometry, origin, BEATS)
            kind = random.random()
            found.append(
                empty_region(self.geometry, origin)
                if kind < 0.05
                else unaligned(region, self.geometry)
                if kind < 0.15
                else region
            )
        return found

    async def body(self) -> None:
        origins = self.origins()
        if self.errors:
            self.env.setup.faults.ranges += random_faults(self.geometry, list(origins)).ranges
        count = scaled(self.count, self.icarus_count)
        await self.traffic(self.regions(origins[0], count), self.regions(origins[1], count))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class RandomTrafficNoErrors(Random):
    """A memory that never fails but pauses often, and a mask that toggles often."""

    errors = False

    def setup(self) -> Setup:
        return Setup(paces={name: Pace.any() for name in STREAMS}, mask=0.5)

    def paces(self) -> dict[str, Pace]:
        return {name: Pace(0.5, 3) for name in ("ar", "r", "aw", "w", "b")}


@pyuvm.test()
class Corners(MemoryTest):
    """Limits of pages, bursts, rows and addresses in both directions, at full speed."""

    async def body(self) -> None:
        read, write = self.origins()
        await self.traffic(corner_regions(self.geometry, read), corner_regions(self.geometry, write))


@pyuvm.test()
class Errors(MemoryTest):
    """Each response in the first, a middle and the last beat of a burst; afterwards good commands work.

    Also more than one failing beat in a burst (one report), both responses in one burst (the first counts), and
    failing single-beat bursts back to back (one report each).
    """

    async def body(self) -> None:
        size, beats = self.geometry.beat_bytes, 8
        reads, writes, ranges = [], [], []
        for origin, regions in zip(self.origins(), (reads, writes), strict=True):
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
            regions += [Region(at, size, 3, PAGE), Region(at + 3 * PAGE, beats * size, 4, PAGE)]
        self.env.setup.faults.ranges += ranges
        await self.traffic(reads, writes)
        reported = [self.env.scoreboards[name].compared for name in ("read_error", "write_error")]
        assert min(reported) == 15, f"expected 15 failing bursts in each direction, saw {reported}"
        self.env.setup.faults.ranges.clear()
        await self.traffic(reads, writes)
        after = [self.env.scoreboards[name].compared for name in ("read_error", "write_error")]
        assert after == reported, "errors reported where there were none"


@pyuvm.test()
class Masked(MemoryTest):
    """A whole job written under the mask changes nothing and completes."""

    def setup(self) -> Setup:
        return Setup(mask=1.0)

    async def body(self) -> None:
        origin = self.origins()[1]
        await ClockCycles(self.dut.clk_i, 2)
        await self.traffic([], corner_regions(self.geometry, origin))
        assert not self.memory.written, "a masked beat reached memory"


class Stall(Pace):
    """One pause at the start, none afterwards."""

    def __init__(self, length: int) -> None:
        super().__init__(1.0, length)
        self.left = length

    def cycles(self) -> int:
        length, self.left = self.left, 0
        return length


@pyuvm.test()
class StalledReader(MemoryTest):
    """A consumer that takes no data stops neither the read addresses in flight nor any write."""

    stall = 3000

    def setup(self) -> Setup:
        return Setup(paces={"rdata": Stall(self.stall)})

    async def body(self) -> None:
        read, write = self.origins()
        reads = [random_region(self.geometry, read, BEATS) for _ in range(4)]
        reads.append(Region(read, 4 * self.geometry.beat_bytes, 2 + self.env.limits.read_outstanding, PAGE))
        writes = [random_region(self.geometry, write, BEATS) for _ in range(6)]
        reading = cocotb.start_soon(self.send("rcmd", commands(reads, len(self.dut.rcmd_dest_i))))
        writing = gather(self.send("wcmd", commands(writes)), self.send("wdata", write_data(self.geometry, writes)))
        await within(self.stall - 500, writing, "acceptance of writes while the reader stalls")
        await within(400, self.writes_done(), "completion of writes while the reader stalls")
        assert self.env.monitor.beats["w"] == sum(1 for _ in write_data(self.geometry, writes))
        assert self.env.agents["rdata"].monitor.transfers == 0, "the reader did not stall"
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
        read, write = self.origins()
        writes = [Region(write, 4 * self.geometry.beat_bytes, self.env.limits.write_outstanding + 2, PAGE)]
        await self.send("wcmd", commands(writes))
        reads = [random_region(self.geometry, read, BEATS) for _ in range(6)]
        await within(10_000, self.run_reads(reads), "completion of reads while the writer starves")
        assert int(self.dut.writes_pending_o.value), "a write without data completed"
        assert self.env.monitor.checker.most_writes == self.env.limits.write_outstanding
        await self.send("wdata", write_data(self.geometry, writes))
        await within(20_000, self.env.drained(), "completion of the writes")

    async def run_reads(self, reads: list[Region]) -> None:
        """Run reads to their end."""
        await self.send("rcmd", commands(reads, len(self.dut.rcmd_dest_i)))
        await ClockCycles(self.dut.clk_i, 1)
        while not int(self.dut.read_idle_o.value):
            await ClockCycles(self.dut.clk_i, 1)


class Injected(MemoryTest):
    """Short good traffic in which one thing is falsified on its way to the checks; each such test must fail."""

    injected = True

    def inject(self) -> None:
        """Falsify something."""
        raise NotImplementedError

    async def body(self) -> None:
        read, write = self.origins()
        self.env.setup.faults.ranges += [(read, read + PAGE, SLVERR), (write, write + PAGE, DECERR)]
        self.inject()
        regions = [[Region(at, 20 * self.geometry.beat_bytes, 4, PAGE)] for at in (read, write)]
        await self.traffic(*regions, limit=20_000)


def _corrupt_bus(channel: str, field: str, error: type[Exception], name: str) -> type:
    """An expected-fail test that flips one bit of ``field`` in the first transfer of a channel or error report."""

    def inject(self) -> None:
        self.env.monitor.fault = (channel, field)

    return pyuvm.test(expect_error=error)(type(name, (Injected,), {"inject": inject, "__doc__": name}))


@pyuvm.test(expect_error=ScoreboardError)
class CaughtReadData(Injected):
    """One bit of one beat of read data flipped."""

    def inject(self) -> None:
        self.env.agents["rdata"].monitor.corrupt = random.randrange(50)


CaughtReadAddress = _corrupt_bus("ar", "addr", ScoreboardError, "CaughtReadAddress")
CaughtWriteAddress = _corrupt_bus("aw", "addr", ScoreboardError, "CaughtWriteAddress")
CaughtStrobe = _corrupt_bus("w", "strb", ScoreboardError, "CaughtStrobe")
CaughtReadError = _corrupt_bus("read_error", "addr", ScoreboardError, "CaughtReadError")
CaughtWriteError = _corrupt_bus("write_error", "resp", ScoreboardError, "CaughtWriteError")
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
