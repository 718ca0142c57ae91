"""Benches of the whole accelerator as a linear layer: the named configurations, and the widest buses on both sides."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "QLoRA linear layer, forward and backward, through the whole accelerator on real projections"
WIDEST = {"columns": 12, "act_width": 18, "bus_width": 512, "host_width": 128, "max_rows": 32}


def bench(name: str, **options) -> Bench:
    """A bench of edge_qlora."""
    return Bench(
        name=name,
        top="edge_qlora",
        filelist="rtl/core/edge_qlora.f",
        module="tb.lora_linear.test_lora_linear",
        parameters=parameters,
        **options,
    )


BENCHES = [
    bench("lora_linear"),
    bench("lora_linear_wide", settings=WIDEST, simulators=("verilator",), configs=("tiny",)),
]
