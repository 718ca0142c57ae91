"""Base of the tests on a top with the AXI slave: environment, traffic, closing row."""

from __future__ import annotations

import random

import cocotb
from pyuvm import uvm_test

from tb.common.base import cycle, finish, start, within
from tb.common.stream import Pace
from tb.registers import coverage
from tb.registers.agent import CHANNELS, AxiItem, Items, MasterItem
from tb.registers.burst import PAGE, Burst
from tb.registers.env import AxiEnv, Setup
from tb.registers.stimulus import single


def any_paces() -> dict[str, Pace]:
    """Random pauses for every AXI channel."""
    return {channel: Pace.any() for channel in CHANNELS}


class AxiTest(uvm_test):
    """Runs ``body`` between reset and the final checks. The window lies at a random page of the address space."""

    injected = False
    utilisation: float | None = None

    def setup(self) -> Setup:
        """Choices of this test; called once, before the environment is built."""
        return Setup()

    def make_env(self, setup: Setup) -> AxiEnv:
        """Environment around the top."""
        raise NotImplementedError

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.bus_bytes = len(self.dut.s_axi_wdata) // 8
        self.id_bits = len(self.dut.s_axi_awid)
        self.base = random.getrandbits(len(self.dut.s_axi_awaddr) - 12) * PAGE
        self.env = self.make_env(self.setup())

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(self.dut)
        began = cycle()
        await self.body()
        await within(200_000, self.env.drained(), "the response to every burst")
        self.cycles = cycle() - began
        self.drop_objection()

    async def send(self, *items: AxiItem | MasterItem, limit: int = 400_000) -> None:
        """Send items in order; returns when the driver has finished the last."""
        await within(limit, Items(items).start(self.env.sequencer), "acceptance of all bursts")

    async def burst(self, burst: Burst) -> AxiItem:
        """Send one burst and wait for its response."""
        item = AxiItem(burst, wait=True)
        await self.send(item)
        return item

    async def write(self, offset: int, value: int, size: int = 2, strobes: int | None = None) -> int:
        """Write at a byte offset of the window; returns the response."""
        address = self.base + offset
        item = await self.burst(single(True, address, self.bus_bytes, value, size, strobes))
        return item.responses[0]

    async def read(self, offset: int, size: int = 2) -> tuple[int, int]:
        """Read up to 32 bits at a byte offset of the window; returns response and value."""
        item = await self.burst(single(False, self.base + offset, self.bus_bytes, size=size))
        lane = (self.base + offset) % self.bus_bytes
        return item.responses[0], item.data[0] >> 8 * lane & (1 << (8 << size)) - 1

    def extract_phase(self) -> None:
        env = self.env
        beats, available = sum(env.predictor.beats.values()), max(self.cycles, 1)
        cocotb.log.info(f"BEATS {beats} in {available} cycles")
        unit = "of cycles access a register" if self.utilisation is not None else ""
        finish(coverage.GROUP, env.compared, env.mismatches, self.cycles, self.utilisation, unit, self.injected)
