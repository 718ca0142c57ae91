"""Benches of decoding in the named configurations; ``decode_shapes`` has other arrays and buses."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = "small Llama models compiled to lists, a token at a time, logits bit for bit"


def bench(name: str, **options) -> Bench:
    """A bench of edge_qlora."""
    return Bench(name, "edge_qlora", "rtl/core/edge_qlora.f", "tb.decode.test_decode", parameters, **options)


BENCHES = [bench("decode")]
