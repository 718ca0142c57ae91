"""Benches of the DDR3 memory model: 256 bits wide, and 64, where bursts cross rows."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "DDR3-1600 memory model: data, the timing rules of its commands, bandwidth of reads, writes and turns"
INDEX_W = 15  # beats of the memory, as a power of two


def bench(name: str, width: int, **options) -> Bench:
    """A bench of the model with a data bus of so many bits."""
    return Bench(
        name=name,
        top="axi_ddr3_memory",
        filelist="sim/tops/axi_ddr3_memory.f",
        module="tb.ddr3_memory.test_ddr3_memory",
        parameters=lambda config: {"DATA_W": config["bus_width"], "INDEX_W": INDEX_W},
        configs=("tiny",),
        settings={"bus_width": width},
        **options,
    )


BENCHES = [bench("ddr3_memory", 256), bench("ddr3_memory_64", 64, simulators=("verilator",))]
