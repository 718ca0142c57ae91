"""Stand-in for the core behind the registers: takes doorbells, ends lists, raises events, counts."""

from __future__ import annotations

import random

from cocotb.triggers import RisingEdge
from edge_qlora import registers as regs
from pyuvm import uvm_component

COUNTERS = len(regs.COUNTERS)
CODES = [code for code in regs.ErrorCode if code != regs.ErrorCode.NONE]


class CoreDriver(uvm_component):
    """Drives the core's side of vega_bridge.

    Working by itself, it answers every doorbell with a list of random length that ends well or not, whose busy_i rises
    at once, late or never, with warnings in between; its counters run in steps that carry often. Otherwise it is idle
    and a test calls ``pulse``.

    Args:
        working: work by itself.
    """

    def __init__(self, name: str, parent: uvm_component, dut, working: bool) -> None:
        super().__init__(name, parent)
        self.dut, self.working = dut, working
        self.counters = [0] * COUNTERS
        for signal in ("busy", "done", "error", "error_code", "error_command", "error_info", "nonfinite", "counters"):
            getattr(dut, f"{signal}_i").value = 0

    def drive_counters(self) -> None:
        """Put ``counters`` on the vector."""
        self.dut.counters_i.value = sum((value % 2**64) << 64 * i for i, value in enumerate(self.counters))

    async def pulse(self, done: bool = False, error: bool = False, nonfinite: bool = False, **values: int) -> None:
        """Raise events for one cycle.

        Args:
            values: ``code``, ``command`` and ``info`` of an error.
        """
        dut = self.dut
        dut.done_i.value, dut.error_i.value, dut.nonfinite_i.value = int(done), int(error), int(nonfinite)
        for name in ("code", "command", "info"):
            getattr(dut, f"error_{name}_i").value = values.get(name, 0)
        await RisingEdge(dut.clk_i)
        dut.done_i.value = dut.error_i.value = dut.nonfinite_i.value = 0

    async def run_phase(self) -> None:
        if not self.working:
            return
        dut = self.dut
        remaining, busy_delay = 0, 0
        while True:
            await RisingEdge(dut.clk_i)
            if dut.rst_ni.value != 1:
                continue
            if dut.clear_counters_o.value:
                self.counters = [0] * COUNTERS
            elif random.random() < 0.3:
                self._count()
            self.drive_counters()
            done = error = False
            if remaining:
                remaining -= 1
                busy_delay -= 1
                error, done = (random.random() < 0.3, True) if remaining == 0 else (False, False)
                done = done and not error
            elif dut.doorbell_o.value:
                remaining, busy_delay = random.choice((1, 5, 40, 200)), random.choice((0, 1, 3, 300))
            dut.busy_i.value = int(remaining > 0 and busy_delay <= 0)
            dut.done_i.value, dut.error_i.value = int(done), int(error)
            dut.nonfinite_i.value = int(random.random() < 0.01)
            dut.error_code_i.value = random.choice(CODES)
            dut.error_command_i.value, dut.error_info_i.value = random.getrandbits(64), random.getrandbits(64)

    def _count(self) -> None:
        index = random.randrange(COUNTERS)
        # Near a carry a small step shows tearing; elsewhere a jump goes near the next carry.
        near = self.counters[index] % 2**32 > 2**32 - 64
        step = random.randrange(1, 100) if near else 2**32 - random.randrange(1, 64) - self.counters[index] % 2**32
        self.counters[index] = (self.counters[index] + step) % 2**64
