"""Bench of the DDR3 memory model."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "DDR3-1600 memory model: data, the timing rules of its commands, bandwidth of reads, writes and turns"
BENCHES = [
    Bench(
        name="ddr3_memory",
        top="axi_ddr3_memory",
        filelist="sim/tops/axi_ddr3_memory.f",
        module="tb.ddr3_memory.test_ddr3_memory",
        parameters=lambda config: {"BEATS": 32768},
        configs=("tiny",),
    )
]
