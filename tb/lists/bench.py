"""Benches of the control side of the core: fetch, queues, semaphores, life of a list."""

from __future__ import annotations

from sim.bench import SIMULATORS, Bench

DESCRIPTION = "lists of commands: order, semaphores, every error, exactly one report each; engines and memory played"


def _bench(name: str, simulators: tuple[str, ...] = SIMULATORS, **parameters: int) -> Bench:
    return Bench(
        name=name,
        top="lists_top",
        filelist="sim/tops/lists_top.f",
        module="tb.lists.test_lists",
        parameters=lambda config: parameters,
        simulators=simulators,
        configs=("tiny",),
    )


BENCHES = [
    _bench("lists", BUS_W=64, READ_AHEAD=8, WATCHDOG=200),
    # A line is one beat; the least of everything. Icarus, which builds at once.
    _bench("lists_wide", ("icarus",), BUS_W=512, READ_AHEAD=1, WATCHDOG=200, DEPTH=2, IN_FLIGHT=2),
]


def parameters(bus_width: int) -> dict[str, int]:
    """Parameters of the build with a bus of this width."""
    defaults = {"DEPTH": 4, "IN_FLIGHT": 4}
    found = (defaults | dict(bench.parameters({})) for bench in BENCHES)
    return next(values for values in found if values["BUS_W"] == bus_width)
