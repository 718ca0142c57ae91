"""Benches of double quantization: the quantizer, the exact mean that makes its offset, the dequantizer."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "Double quantization: dynamic codes and nested absmax, exact mean, and back, equal to bitsandbytes"

BENCHES = [
    Bench(
        name="double_quant",
        top="double_quantizer",
        filelist="rtl/nf4/double_quantizer.f",
        module="tb.double_quant.test_double_quantizer",
    ),
    Bench(
        name="exact_mean",
        top="exact_mean",
        filelist="rtl/nf4/exact_mean.f",
        module="tb.double_quant.test_exact_mean",
    ),
    Bench(
        name="double_dequant",
        top="double_dequantizer_stream",
        filelist="rtl/nf4/double_dequantizer.f",
        module="tb.double_quant.test_double_dequantizer",
    ),
]
