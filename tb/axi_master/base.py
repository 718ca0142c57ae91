"""Base of the AXI master's tests: environment, traffic, closing row."""

from __future__ import annotations

import cocotb
from cocotb.triggers import Timer, gather
from pyuvm import uvm_test

from tb.axi_master import coverage
from tb.axi_master.env import AxiEnv, Setup, idle_inputs
from tb.axi_master.model import Region
from tb.axi_master.stimulus import commands, write_data
from tb.common.base import PERIOD_NS, cycle, finish, start, within
from tb.common.stream import StreamSequence


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
        idle_inputs(self.dut)
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

    async def traffic(self, reads: list[Region], writes: list[Region], limit: int = 20_000) -> None:
        """Run read and write commands side by side until everything is through."""
        dest_width = len(self.dut.rcmd_dest_i)
        tasks = [
            cocotb.start_soon(self.send("rcmd", commands(reads, dest_width))),
            cocotb.start_soon(self.send("wcmd", commands(writes))),
            cocotb.start_soon(self.send("wdata", write_data(self.geometry, writes))),
        ]
        await within(limit, gather(*tasks), "acceptance of all commands and data")
        await within(limit, self.env.drained(), "completion of all commands")

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
