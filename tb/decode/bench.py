"""Benches of decoding: the named configurations, and other arrays and buses, which must give the same bits."""

from __future__ import annotations

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = (
    "small Llama models compiled to lists, a token at a time, logits bit for bit; on arrays and buses of any width"
)


def bench(name: str, **options) -> Bench:
    """A bench of edge_qlora."""
    return Bench(name, "edge_qlora", "rtl/core/edge_qlora.f", "tb.decode.test_decode", parameters, **options)


def shape(columns: int, bus_width: int) -> Bench:
    """A bench of another array on another bus, for lists of the tiny configuration."""
    settings = {"columns": columns, "bus_width": bus_width}
    return bench(f"decode_{columns}x{bus_width}", settings=settings, simulators=("verilator",), configs=("tiny",))


BENCHES = [bench("decode"), shape(2, 128), shape(4, 256), shape(8, 512)]
