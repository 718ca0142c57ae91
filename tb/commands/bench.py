"""Bench of the whole accelerator under random lists."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "random lists of all commands on the whole accelerator, legal ones and ones with every kind of error"

BENCHES = [
    Bench("commands", "edge_qlora", "rtl/core/edge_qlora.f", "tb.commands.test_commands", parameters),
]
