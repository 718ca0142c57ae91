"""Bench of attention: contexts of any length in the caches."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "attention to cached keys and values: contexts around block edges, grouped queries, pieces of tokens"

BENCHES = [Bench("attention", "edge_qlora", "rtl/core/edge_qlora.f", "tb.attention.test_attention", parameters)]
