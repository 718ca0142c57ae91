"""Benches of double quantization: the quantizer, the exact mean that makes its offset, the dequantizer."""

from __future__ import annotations

from sim.bench import Bench, Netlist

DESCRIPTION = "Double quantization: dynamic codes and nested absmax, exact mean, and back, equal to bitsandbytes"


def bench(name: str, top: str, filelist: str, module: str, gates: bool = True, **parameters: int) -> Bench:
    """A bench of a module, whose netlist can be simulated in its place."""
    netlist = Netlist(top, filelist, lambda config: parameters) if gates else None
    return Bench(name, top, filelist, f"tb.double_quant.{module}", lambda config: parameters, netlist=netlist)


BENCHES = [
    bench("double_quant", "double_quantizer", "rtl/nf4/double_quantizer.f", "test_double_quantizer"),
    bench("exact_mean", "exact_mean", "rtl/nf4/exact_mean.f", "test_exact_mean", COUNT_W=32),
    # Its longest tensor has as many values as there may be.
    bench("exact_mean_20", "exact_mean", "rtl/nf4/exact_mean.f", "test_exact_mean", gates=False, COUNT_W=20),
    bench("double_dequant", "double_dequantizer_stream", "rtl/nf4/double_dequantizer.f", "test_double_dequantizer"),
]
