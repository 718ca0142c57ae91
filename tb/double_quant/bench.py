"""Benches of double quantization: the quantizer, the exact mean that makes its offset, the dequantizer."""

from __future__ import annotations

from sim.bench import Bench, Netlist

DESCRIPTION = "Double quantization: dynamic codes and nested absmax, exact mean, and back, equal to bitsandbytes"


def bench(name: str, top: str, filelist: str, module: str) -> Bench:
    """A bench of a module without parameters."""
    return Bench(name, top, filelist, f"tb.double_quant.{module}", netlist=Netlist(top, filelist))


BENCHES = [
    bench("double_quant", "double_quantizer", "rtl/nf4/double_quantizer.f", "test_double_quantizer"),
    bench("exact_mean", "exact_mean", "rtl/nf4/exact_mean.f", "test_exact_mean"),
    bench("double_dequant", "double_dequantizer_stream", "rtl/nf4/double_dequantizer.f", "test_double_dequantizer"),
]
