"""Two clocks that have nothing to do with each other, and a device seen from one of them."""

from __future__ import annotations

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

from tb.common.coverage import counted

# Of the first clock to the second: which is faster, by how much at most.
RATIOS = ("first faster", "about equal", "second faster")
FASTEST_PS = 2_000
SLOWEST_PS = 12_000


class Domain:
    """The device with one of its clocks as ``clk_i`` and ``rst_ni``; all else as it is.

    Args:
        dut: the device.
        prefix: of the names of clock and reset: ``in_``, ``host_``. The reset is on from now on.
    """

    def __init__(self, dut, prefix: str) -> None:
        self.dut = dut
        self.clk_i, self.rst_ni = getattr(dut, f"{prefix}clk_i"), getattr(dut, f"{prefix}rst_ni")
        self.rst_ni.value = 0

    def __getattr__(self, name: str):
        return getattr(self.dut, name)


def periods(ratio: str) -> tuple[int, int]:
    """Random periods in ps, both even."""
    fast = random.randrange(FASTEST_PS, SLOWEST_PS // 2, 2)
    if ratio == "about equal":
        return fast, fast + random.choice((-2, 2, 0, 10, 2 * random.randrange(-100, 100)))
    slow = random.randrange(fast + 2, SLOWEST_PS, 2)
    return (fast, slow) if ratio == "first faster" else (slow, fast)


async def start_clocks(first: Domain, second: Domain, ratio: str) -> tuple[int, int]:
    """Begin a test: start both clocks at random phases, reset both sides at once; returns when both are out of reset.

    Returns:
        The periods in ps.
    """
    counted.begin()
    found = periods(ratio)
    cocotb.log.info("periods: %d ps and %d ps", *found)
    for side, period in zip((first, second), found, strict=True):
        side.clk_i.value = 0
        await Timer(random.randrange(1, period), "ps")
        cocotb.start_soon(Clock(side.clk_i, period, "ps", impl="gpi").start())
    await reset(first, second, found)
    return found


async def reset(first: Domain, second: Domain, found: tuple[int, int]) -> None:
    """Reset both sides at once; each leaves the reset at an edge of its own clock, in either order."""
    sides = random.sample((first, second), 2)
    for side in sides:
        side.rst_ni.value = 0
    await Timer(6 * max(found), "ps")
    for side in sides:
        await RisingEdge(side.clk_i)
        side.rst_ni.value = 1
    for side in sides:
        await RisingEdge(side.clk_i)
