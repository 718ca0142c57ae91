"""Bandwidth of the AXI master on an ideal memory: share of bus cycles with a beat."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import RisingEdge
from cocotb_coverage.coverage import CoverPoint

from tb.axi_master.base import AxiTest
from tb.axi_master.model import PAGE, Region
from tb.common.base import cycle

GROUP = "axi_bandwidth"
ENOUGH = 0.99
BEATS = 4096  # size of the memory, the default of the top
ROWS = (PAGE, 256, 128)
LATENCIES = (1, 8, 24, 64)


@CoverPoint(
    f"{GROUP}.case",
    xf=lambda case: case,
    bins=[f"{way} {row}" for way in ("read", "write") for row in ROWS] + ["both"],
)
def sample_case(case: str) -> None:
    """A bandwidth was measured."""


@CoverPoint(f"{GROUP}.latency", xf=lambda latency: latency, bins=list(LATENCIES))
def sample_latency(latency: int) -> None:
    """A latency was measured."""


class BandwidthTest(AxiTest):
    """Fills the memory through the write master, reads it back, and measures."""

    group = GROUP

    def attach(self) -> None:
        self.dut.latency_i.value = 1

    def region(self, row_bytes: int, beats: int, gap: int, first_row: int = 0) -> Region:
        """About ``beats`` beats in rows of ``row_bytes``, ``gap`` beats apart, from the start of row ``first_row``."""
        size = self.geometry.beat_bytes
        stride = row_bytes + gap * size
        return Region(first_row * stride, row_bytes, max(1, beats * size // row_bytes), stride)

    async def measure(self, reads: list[Region], writes: list[Region]) -> dict[str, float]:
        """Run commands and return beats per cycle of the R and W channels, where they were used."""
        monitor = self.env.monitor
        monitor.clear()
        await self.traffic(reads, writes)
        return {name: monitor.rate(name) for name in ("r", "w") if monitor.beats[name]}

    def log(self, what: str, rate: float) -> None:
        """Print a measured rate."""
        cocotb.log.info(f"BANDWIDTH {8 * self.geometry.beat_bytes} bits, {what}: {100 * rate:.2f} % of cycles")


@pyuvm.test()
class Sustained(BandwidthTest):
    """One beat per cycle in each direction, alone and together: whole pages, rows of 256 and of 128 bytes.

    The rows lie three beats apart, so that the 4 KB boundary cuts some of them into bursts as short as one beat; four
    commands follow each other in each measurement. What was written is read back and compared.
    """

    async def body(self) -> None:
        rates = {}
        beats = 120
        for row_bytes in ROWS:
            regions = [self.region(row_bytes, beats, 3, k) for k in range(4)]
            for way, (reads, writes) in {"write": ([], regions), "read": (regions, [])}.items():
                (rate,) = (await self.measure(reads, writes)).values()
                rates[f"{way} {row_bytes}"] = rate
                sample_case(f"{way} {row_bytes}")
                self.log(f"{way}, rows of {row_bytes} bytes", rate)
        middle = BEATS // 2 * self.geometry.beat_bytes // 256
        near, far = self.region(256, 2 * beats, 0), self.region(256, 2 * beats, 0, first_row=middle)
        await self.measure([], [near])
        both = await self.measure([near], [far])
        sample_case("both")
        for channel, rate in both.items():
            rates[f"both {channel}"] = rate
            self.log(f"both directions, rows of 256 bytes, channel {channel}", rate)
        worst = min(rates.values())
        assert worst >= ENOUGH, f"at least {100 * ENOUGH} % of bus cycles must carry a beat: {rates}"
        self.utilisation = worst


@pyuvm.test()
class Latency(BandwidthTest):
    """A long memory latency costs no more than the bound on bursts in flight makes necessary.

    A burst of B beats holds its slot for latency + B + 1 cycles: one in the AR register, latency to the first beat,
    B beats, and one until the freed slot shows. With N slots the bus is busy min(1, N B / (latency + B + 1)).
    """

    async def body(self) -> None:
        slots, size = self.env.limits.read_outstanding, self.geometry.beat_bytes
        beats = max(250, PAGE // size)
        await self.measure([], [self.region(size, beats, 0)])
        for row_bytes in ROWS:
            for latency in LATENCIES:
                self.dut.latency_i.value = latency
                (rate,) = (await self.measure([self.region(row_bytes, beats, 0)], [])).values()
                burst = min(row_bytes // size, self.geometry.max_burst)
                bound = min(1.0, slots * burst / (latency + burst + 1))
                sample_latency(latency)
                self.log(f"read, rows of {row_bytes} bytes, latency {latency}, bound {100 * bound:.2f} %", rate)
                assert rate >= ENOUGH * bound, f"{rate} of cycles busy, {bound} possible"


@pyuvm.test()
class Timing(BandwidthTest):
    """The cycles of the documented timing diagrams: two rows of two beats, memory latency 2."""

    READ = {"rcmd": [0], "ar": [4, 5], "r": [6, 7, 8, 9], "rdata": [7, 8, 9, 10], "reading": [*range(1, 11)]}
    WRITE = {
        "wcmd": [0],
        "aw": [4, 5],
        "wdata": [4, 5, 6, 7],
        "w": [5, 6, 7, 8],
        "b": [8, 10],
        "writing": [*range(1, 12)],
    }

    def attach(self) -> None:
        self.dut.latency_i.value = 2

    async def watch(self) -> None:
        """Note the cycle of every transfer, and the cycles in which the master says that it is busy."""
        streams = {name: agent.port for name, agent in self.env.agents.items()}
        buses = self.env.monitor.signals
        while True:
            await RisingEdge(self.dut.clk_i)
            pairs = {name: (port.valid, port.ready) for name, port in streams.items()}
            pairs |= {name: (signals["valid"], signals["ready"]) for name, signals in buses.items()}
            for name, (valid, ready) in pairs.items():
                if int(valid.value) and int(ready.value):
                    self.seen.setdefault(name, []).append(cycle())
            if not int(self.dut.read_idle_o.value):
                self.seen.setdefault("reading", []).append(cycle())
            if int(self.dut.writes_pending_o.value):
                self.seen.setdefault("writing", []).append(cycle())

    async def body(self) -> None:
        self.seen: dict[str, list[int]] = {}
        cocotb.start_soon(self.watch())
        size = self.geometry.beat_bytes
        region = Region(0, 2 * size, 2, 4 * size)
        await self.traffic([], [region])
        await self.traffic([region], [])
        for expected in (self.READ, self.WRITE):
            origin = self.seen[next(iter(expected))][0]
            for name, cycles in expected.items():
                seen = [at - origin for at in self.seen[name]]
                assert seen == cycles, f"{name} in cycles {seen}, documented {cycles}"
