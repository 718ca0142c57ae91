"""Benches of the NF4 dequantizer: a width per configuration, and the narrowest."""

from __future__ import annotations

from collections.abc import Callable

from sim.bench import Bench, Config, Netlist

DESCRIPTION = "NF4 dequantizer: 64 codes per cycle to FP32, FP16 or BF16, equal to bitsandbytes"

LANES = {64: 64, 128: 16, 256: 64, 512: 64}


def parameters(config: Config) -> dict[str, int]:
    """Values per output beat: a whole block, or a quarter where the configuration is for a small device."""
    return {"LANES": LANES[config["bus_width"]]}


def bench(name: str, parameters: Callable[[Config], dict[str, int]], **options) -> Bench:
    """A bench of nf4_dequantizer."""
    top, filelist = "nf4_dequantizer", "rtl/nf4/nf4_dequantizer.f"
    gates = Netlist(top, filelist, parameters)
    return Bench(name, top, filelist, "tb.nf4_dequant.test_nf4_dequant", parameters, netlist=gates, **options)


BENCHES = [
    bench("nf4_dequant", parameters),
    bench("nf4_dequant_8", lambda config: {"LANES": 8}, configs=("tiny",)),
]
