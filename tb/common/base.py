"""What every test shares: clock, reset, cycle counter, configuration and the closing table row."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time

from sim.bench import PERIOD_NS, Config
from tb.common.coverage import counted, points
from tb.common.report import Row, report

# Reference counts free nearly all that a simulation leaves behind; looking for the rest makes it much slower.
gc.disable()


def config() -> Config:
    """Configuration this run was built with (``sim/configs.toml``, and the bench's own settings)."""
    return json.loads(os.environ["EDGE_QLORA_CONFIG"])


def simulator() -> str:
    """``verilator`` or ``icarus``."""
    return os.environ["EDGE_QLORA_SIM"]


def scaled(count: int, icarus: int) -> int:
    """``count`` under Verilator, the smaller ``icarus`` under Icarus, which is 10 to 50 times slower."""
    return icarus if simulator() == "icarus" else count


def cycle() -> int:
    """Clock cycles since the simulation began."""
    return int(get_sim_time("ns")) // PERIOD_NS


async def start(dut, cycles: int = 4) -> None:
    """Begin a test: start the clock and apply the synchronous reset; returns just after reset is released."""
    counted.begin()
    dut.rst_ni.value = 0
    cocotb.start_soon(Clock(dut.clk_i, PERIOD_NS, "ns", impl="gpi").start())
    await ClockCycles(dut.clk_i, cycles)
    dut.rst_ni.value = 1
    await RisingEdge(dut.clk_i)


async def each_pulse(dut, pulse, action: Callable[[], None]) -> None:
    """Act in every cycle outside of resets in which a signal is high; asleep in between, it costs no time."""
    await RisingEdge(dut.rst_ni)
    while True:
        if pulse.value != 1:
            await RisingEdge(pulse)
        await RisingEdge(dut.clk_i)
        if pulse.value == 1 and dut.rst_ni.value == 1:
            action()


async def within(cycles: int, awaitable, what: str):
    """Await with a limit in clock cycles.

    Raises:
        AssertionError: ``what`` did not happen in time, which is how a hang shows.
    """
    try:
        return await with_timeout(awaitable, cycles * PERIOD_NS, "ns")
    except SimTimeoutError:
        raise AssertionError(f"hang: {what} did not happen within {cycles} cycles") from None


def bin_name(point: str, label: object) -> str:
    """A bin's name in results and plans: its point and itself, of a cross its parts with x in between."""
    return f"{point}: {' x '.join(map(str, label)) if isinstance(label, tuple) else label}"


def finish(
    coverage: str,
    transactions: int,
    mismatches: int,
    cycles: int,
    utilisation: float | None = None,
    unit: str = "",
    injected: bool = False,
) -> None:
    """Report this test's numbers; rows of one bench add up.

    Args:
        coverage: name of the coverage group in cocotb-coverage's database.
        transactions: items compared.
        mismatches: items that differed.
        cycles: clock cycles the transactions took.
        utilisation: busy over available slots, when it has a meaning; tests of a bench may each measure another.
        unit: what utilisation counts.
        injected: True in a test that injects a fault and must fail: its numbers are not reported, what it covers does
            not count.
    """
    if injected:
        return
    counted.count()
    bins = {
        bin_name(name, label): hits
        for name, point in points()
        if name.startswith(f"{coverage}.")
        for label, hits in point.detailed_coverage.items()
    }
    name = os.environ["EDGE_QLORA_BENCH"]
    used = {} if utilisation is None else {unit: utilisation}
    report(Row(name, transactions, mismatches, bins, cycles, used))
