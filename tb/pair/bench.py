"""Bench of two pipelines that share a memory port and a vector engine."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import pair_parameters

DESCRIPTION = (
    "two cores at one memory port with one vector engine: random lists, legal and with errors, at the same time"
)

BENCHES = [
    Bench(
        name="pair",
        top="edge_qlora_pair",
        filelist="sim/tops/pair_probe.f",
        module="tb.pair.test_pair",
        parameters=pair_parameters,
        simulators=("verilator",),
    ),
]
