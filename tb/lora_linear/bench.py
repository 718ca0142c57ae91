"""Benches of the whole accelerator as a linear layer."""

from __future__ import annotations

from sim.bench import Bench
from tb.lora_linear.parameters import parameters

DESCRIPTION = "QLoRA linear layer, forward and backward, through the whole accelerator on real projections"

BENCHES = [
    Bench(
        name="lora_linear",
        top="edge_qlora",
        filelist="rtl/core/edge_qlora.f",
        module="tb.lora_linear.test_lora_linear",
        parameters=parameters,
    ),
]
