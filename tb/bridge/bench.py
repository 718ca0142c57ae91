"""Bench of the whole accelerator as a host sees it."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "jobs through the registers: interrupt, polling, counters, every error code and what follows it"

BENCHES = [
    Bench(
        name="bridge",
        top="edge_qlora",
        filelist="rtl/core/edge_qlora.f",
        module="tb.bridge.test_errors,tb.bridge.test_host",
        parameters=parameters,
    ),
]
