"""Base of the AXI master's tests: environment, traffic, closing row."""

from __future__ import annotations

import random
from collections.abc import Sequence

import cocotb
from cocotb.triggers import ClockCycles, Timer, gather
from pyuvm import uvm_test

from tb.axi_master import coverage
from tb.axi_master.env import AxiEnv, Setup, idle_inputs
from tb.axi_master.memory import AxiMemory
from tb.axi_master.model import LINE, Memory, Region
from tb.axi_master.stimulus import commands, empty_region, random_region, write_data
from tb.common.base import PERIOD_NS, cycle, finish, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace, StreamSequence

LARGEST = 160  # largest random command, in beats


class AxiTest(uvm_test):
    """Builds the environment, then runs ``body`` between reset and the final checks.

    A test overrides ``setup`` and ``body``; one that injects a fault sets ``injected``.
    """

    injected = False
    group = coverage.GROUP
    utilisation: float | None = None

    def setup(self) -> Setup:
        """Choices of this test; called once, before the environment is built."""
        return Setup()

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.env = AxiEnv("env", self, self.dut, self.setup())
        self.geometry = self.env.geometry

    def attach(self) -> None:
        """Connect a memory to the DUT, where the top has none."""

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        idle_inputs(self.dut, self.env.window)
        # The memory model acts on edges of the reset, so it must see one, and that before the first clock edge.
        await Timer(PERIOD_NS, "ns")
        self.attach()
        self.dut.rst_ni.value = 0
        await Timer(PERIOD_NS, "ns")
        await start(self.dut)
        self.began = cycle()
        await self.body()
        self.cycles = cycle() - self.began
        self.drop_objection()

    async def send(self, name: str, items) -> None:
        """Send transfers on the stream ``name`` and return when all are accepted."""
        await StreamSequence(items).start(self.env.agents[name].sequencer)

    async def traffic(self, reads: Sequence[list[Region]], writes: list[Region], limit: int = 40_000) -> None:
        """Run read commands of each client and write commands side by side until everything is through."""
        tasks = [cocotb.start_soon(self.read(client, regions)) for client, regions in enumerate(reads)]
        tasks += [
            cocotb.start_soon(self.send("wcmd", commands(self.geometry, writes, read=False))),
            cocotb.start_soon(self.send("wdata", write_data(self.geometry, writes))),
        ]
        await within(limit, gather(*tasks), "acceptance of all commands and data")
        await within(limit, self.env.drained(), "completion of all commands")

    async def read(self, client: int, regions: list[Region]) -> None:
        """Send read commands of a client and return when all are accepted."""
        await self.send(f"rcmd{client}", commands(self.geometry, regions, read=True))

    def extract_phase(self) -> None:
        finish(
            self.group,
            self.env.compared,
            self.env.mismatches,
            self.cycles,
            utilisation=self.utilisation,
            unit="of bus cycles" if self.utilisation is not None else "",
            injected=self.injected,
        )


class MemoryTest(AxiTest):
    """Test on the cocotbext-axi memory; at the end its content must equal the golden memory's."""

    def paces(self) -> dict[str, Pace]:
        """Pauses of the AXI channels."""
        return {name: Pace() for name in ("ar", "r", "aw", "w", "b")}

    def attach(self) -> None:
        setup = self.env.setup
        self.memory = Memory(self.geometry.beat_bytes, setup.seed)
        self.axi = AxiMemory(self.dut, self.memory, setup.faults, self.geometry, self.paces())

    async def stop(self) -> None:
        """Stop the master and wait until nothing is in flight."""
        self.dut.stop_i.value = 1
        await ClockCycles(self.dut.clk_i, 1)
        await within(20_000, self.at_rest(), "the end of all bursts in flight")

    async def at_rest(self) -> None:
        """Wait for a cycle in which no burst is in flight, and the response of the last has been noted."""
        while not int(self.dut.drained_o.value):
            await ClockCycles(self.dut.clk_i, 1)
        await ClockCycles(self.dut.clk_i, random.choice((2, 10)))

    async def resume(self) -> None:
        """Let the master go on."""
        self.dut.stop_i.value = 0
        await ClockCycles(self.dut.clk_i, 1)

    def regions(self, origin: int, count: int) -> list[Region]:
        """Random regions near an address, a few of them empty."""
        lines = LARGEST * self.geometry.beat_bytes // LINE
        return [
            empty_region(origin) if random.random() < 0.05 else random_region(self.geometry, origin, lines)
            for _ in range(count)
        ]

    def check_phase(self) -> None:
        for client in coverage.WITH_CREDITS:
            for what, seen in (("waits", "wait"), ("used up", "full"), ("goes on", "return")):
                if int(getattr(self.dut, f"seen_{seen}_o").value) >> client & 1:
                    coverage.sample_credits(f"read{client} {what}")
        for number, (first, second) in enumerate(coverage.RIVALS):
            if int(self.dut.seen_rivals_o.value) >> number & 1:
                coverage.sample_rivals(f"read{first} before read{second}")
        if wrong := self.memory.differences(self.env.golden):
            raise ScoreboardError(f"memory differs from the golden memory in {wrong} beats")


class Stall(Pace):
    """One pause at the start, none afterwards."""

    def __init__(self, length: int) -> None:
        super().__init__(1.0, length)
        self.left = length

    def cycles(self) -> int:
        length, self.left = self.left, 0
        return length
