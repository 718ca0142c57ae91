"""Benches of the NF4 quantizer: a width per configuration, and the narrowest."""

from __future__ import annotations

from sim.bench import Bench, Config

DESCRIPTION = "NF4 quantizer: codes and absmax of FP32, FP16 and BF16 blocks, equal to bitsandbytes"

LANES = {64: 8, 128: 4, 256: 16, 512: 32}


def parameters(config: Config) -> dict[str, int]:
    """Values per beat: 8, or half and twice that on the other configurations' buses."""
    return {"LANES": LANES[config["bus_width"]]}


def bench(name: str, **options) -> Bench:
    """A bench of nf4_quantizer."""
    return Bench(
        name=name,
        top="nf4_quantizer",
        filelist="rtl/nf4/nf4_quantizer.f",
        module="tb.nf4_quant.test_nf4_quant",
        **options,
    )


BENCHES = [
    bench("nf4_quant", parameters=parameters),
    bench("nf4_quant_1", parameters=lambda config: {"LANES": 1}, configs=("tiny",)),
]
