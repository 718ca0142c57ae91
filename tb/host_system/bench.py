"""Bench of the accelerator with a host of another clock."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import pair_parameters

DESCRIPTION = "a host with its own clock uses both cores through one port: registers, memory, lists, interrupts"

BENCHES = [
    Bench(
        name="host_system",
        top="edge_qlora_system",
        filelist="rtl/core/edge_qlora_system.f",
        module="tb.host_system.test_host_system",
        parameters=pair_parameters,
        simulators=("verilator",),
        configs=("tiny",),
    ),
]
