"""Benches of the NF4 quantizer: a width per configuration, and the narrowest."""

from __future__ import annotations

from collections.abc import Callable

from sim.bench import Bench, Config, Netlist

DESCRIPTION = "NF4 quantizer: codes and absmax of FP32, FP16 and BF16 blocks, equal to bitsandbytes"

TOP, FILELIST = "nf4_quantizer", "rtl/nf4/nf4_quantizer.f"
LANES = {64: 8, 128: 4, 256: 16, 512: 32}


def parameters(config: Config) -> dict[str, int]:
    """Values per beat: 8, or half and twice that on the other configurations' buses."""
    return {"LANES": LANES[config["bus_width"]]}


def bench(name: str, parameters: Callable[[Config], dict[str, int]], **options) -> Bench:
    """A bench of nf4_quantizer."""
    gates = Netlist(TOP, FILELIST, parameters)
    return Bench(name, TOP, FILELIST, "tb.nf4_quant.test_nf4_quant", parameters, netlist=gates, **options)


BENCHES = [
    bench("nf4_quant", parameters),
    bench("nf4_quant_1", lambda config: {"LANES": 1}, configs=("tiny",)),
]
