"""Benches of the scratchpad, in the shape that the core wants and in a small odd one, and of its arbiter alone."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "scratchpad: readers and writers on banks, order, fairness, every port in every cycle"


def _bench(name: str, **parameters: int) -> Bench:
    return Bench(
        name=name,
        top="scratchpad_banks",
        filelist="rtl/core/scratchpad.f",
        module="tb.scratchpad.test_scratchpad",
        parameters=lambda config: parameters,
        configs=("tiny",),
    )


BENCHES = [
    _bench("scratchpad", ADDR_W=10, LANES=8, BANKS=4, READERS=4, WRITERS=3),
    _bench("scratchpad_odd", ADDR_W=5, LANES=2, BANKS=2, READERS=3, WRITERS=1),
    Bench(
        name="round_robin",
        top="round_robin",
        filelist="rtl/common/round_robin.f",
        module="tb.scratchpad.test_round_robin",
        parameters=lambda config: {"REQUESTS": 5},
        configs=("tiny",),
    ),
]
