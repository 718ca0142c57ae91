"""Bench of the whole accelerator as a host sees it."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "lists through the registers: interrupt, polling, counters, reset, a second doorbell, other codebooks"

BENCHES = [
    Bench(
        name="bridge",
        top="edge_qlora",
        filelist="rtl/core/edge_qlora.f",
        module="tb.bridge.test_host",
        parameters=parameters,
    ),
]
