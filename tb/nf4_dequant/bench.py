"""Benches of the NF4 dequantizer: a width per configuration, and the narrowest."""

from __future__ import annotations

from sim.bench import Bench, Config

DESCRIPTION = "NF4 dequantizer: 64 codes per cycle to FP32, FP16 or BF16, equal to bitsandbytes"

LANES = {64: 64, 128: 16, 256: 64, 512: 64}


def parameters(config: Config) -> dict[str, int]:
    """Values per output beat: a whole block, or a quarter where the configuration is for a small device."""
    return {"LANES": LANES[config["bus_width"]]}


def bench(name: str, **options) -> Bench:
    """A bench of nf4_dequantizer."""
    return Bench(
        name=name,
        top="nf4_dequantizer",
        filelist="rtl/nf4/nf4_dequantizer.f",
        module="tb.nf4_dequant.test_nf4_dequant",
        **options,
    )


BENCHES = [
    bench("nf4_dequant", parameters=parameters),
    bench("nf4_dequant_8", parameters=lambda config: {"LANES": 8}, configs=("tiny",)),
]
