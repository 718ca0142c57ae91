"""Bench of prefill: passes of as many tokens as the scratchpad takes."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "small Llama models compiled to lists, several tokens per pass, with an adapter, logits bit for bit"

BENCHES = [Bench("prefill", "edge_qlora", "rtl/core/edge_qlora.f", "tb.prefill.test_prefill", parameters)]
