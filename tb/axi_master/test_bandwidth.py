"""Bandwidth of the AXI master on an ideal memory: share of bus cycles with a beat."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import RisingEdge

from tb.axi_master.base import AxiTest
from tb.axi_master.bench import CLIENTS
from tb.axi_master.model import LINE, PAGE, Region
from tb.axi_master.stimulus import SLOTS_LOG2
from tb.common.base import cycle
from tb.common.coverage import events

GROUP = "axi_bandwidth"
ENOUGH = 0.99
BEATS = 4096  # size of the memory, the default of the top
ROWS = (PAGE, 256, 128)
LATENCIES = (1, 8, 24, 64)


# A bandwidth was measured.
sample_case = events(
    f"{GROUP}.case", [f"{way} {row}" for way in ("read", "write") for row in ROWS] + ["both", "shared"]
)


# A latency was measured.
sample_latency = events(f"{GROUP}.latency", LATENCIES)


class BandwidthTest(AxiTest):
    """Fills the memory through the write master, reads it back, and measures."""

    group = GROUP

    def attach(self) -> None:
        self.dut.latency_i.value = 1

    def region(self, row_bytes: int, beats: int, gap: int, first_row: int = 0) -> Region:
        """About ``beats`` beats in rows of ``row_bytes``, ``gap`` lines apart, from the start of row ``first_row``."""
        size = self.geometry.beat_bytes
        stride = row_bytes + gap * LINE
        return Region(first_row * stride, row_bytes, max(1, beats * size // row_bytes), stride)

    async def measure(self, reads: list[Region], writes: list[Region]) -> dict[str, float]:
        """Run commands and return beats per cycle of the R and W channels, where they were used."""
        monitor = self.env.monitor
        monitor.clear()
        await self.traffic([reads], writes)
        return {name: monitor.rate(name) for name in ("r", "w") if monitor.beats[name]}

    def log(self, what: str, rate: float) -> None:
        """Print a measured rate."""
        cocotb.log.info(f"BANDWIDTH {8 * self.geometry.beat_bytes} bits, {what}: {100 * rate:.2f} % of cycles")


@pyuvm.test()
class Sustained(BandwidthTest):
    """One beat per cycle in each direction, alone and together: whole pages, rows of 256 and of 128 bytes.

    The rows lie three lines apart, so that the 4 KB boundary cuts some of them into bursts as short as one line; four
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
class Shared(BandwidthTest):
    """Three clients at once, one of them with the smallest buffer that there is, leave no cycle of the bus unused."""

    async def body(self) -> None:
        quarter = BEATS // 4 * self.geometry.beat_bytes
        slot = 1 << self.geometry.addr_width - SLOTS_LOG2
        regions = [Region(c * (slot + quarter), PAGE, 1, 0) for c in range(CLIENTS)]
        await self.measure([], regions)
        self.env.monitor.clear()
        # The small buffer alone cannot keep the bus busy: its client goes on for longest, so it gets the least.
        await self.traffic([[regions[0]] * 3, [Region(regions[1].addr, LINE, 2, LINE)], [regions[2]] * 3], [])
        self.utilisation = self.env.monitor.rate("r")
        sample_case("shared")
        self.log("three clients", self.utilisation)
        assert self.utilisation >= ENOUGH, f"only {100 * self.utilisation:.1f} % of bus cycles carry a beat"


@pyuvm.test()
class Latency(BandwidthTest):
    """A long memory latency costs no more than the bound on bursts in flight makes necessary.

    A burst of B beats holds its slot for latency + B + 1 cycles: one in the AR register, latency to the first beat,
    B beats, and one until the freed slot shows. With N slots the bus is busy min(1, N B / (latency + B + 1)).
    """

    async def body(self) -> None:
        slots, size = self.env.limits.read_outstanding, self.geometry.beat_bytes
        beats = max(250, PAGE // size)
        await self.measure([], [self.region(LINE, beats, 0)])
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
    """The cycles of the documented timing diagrams: two rows of a line (there of two beats), memory latency 2."""

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
            for name, busy in (("not drained", not int(self.dut.drained_o.value)), ("writing", self.writing())):
                if busy:
                    self.seen.setdefault(name, []).append(cycle())

    def writing(self) -> bool:
        """The master says that writes are pending."""
        return bool(int(self.dut.writes_pending_o.value))

    async def measured(self, reads: list[Region], writes: list[Region]) -> dict[str, list[int]]:
        """Cycles of everything that was seen during some commands, from the first of them on."""
        self.seen: dict[str, list[int]] = {}
        await self.traffic([reads], writes)
        origin = self.seen["rcmd0" if reads else "wcmd"][0]
        return {name: [at - origin for at in cycles] for name, cycles in self.seen.items()}

    async def body(self) -> None:
        self.seen = {}
        cocotb.start_soon(self.watch())
        region = Region(0, LINE, 2, 2 * LINE)
        line = LINE // self.geometry.beat_bytes
        written, read = await self.measured([], [region]), await self.measured([region], [])
        end = 8 + 2 * line
        addresses = [6, 8 if self.geometry.beat_bytes == 8 else 7]  # on 64 bits every other cycle at most
        expected_read = {
            "ar": addresses,
            "r": [*range(8, end)],
            "rdata0": [*range(9, end + 1)],
            "not drained": [*range(6, end)],
        }
        answers = [8 + line, 8 + 2 * line]
        expected_write = {
            "aw": addresses,
            "wdata": [*range(6, 6 + 2 * line)],
            "w": [*range(7, 7 + 2 * line)],
            "b": answers,
            "writing": [*range(1, answers[1] + 2)],
        }
        for seen, expected in ((read, expected_read), (written, expected_write)):
            for name, cycles in expected.items():
                assert seen[name] == cycles, f"{name} in cycles {seen[name]}, documented {cycles}"
