"""Benches of the FP32 units: the 48-bit integers of the array, and the ends of the integer width's range."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "FP32 add, multiply, integer conversion, FP16 and BF16 conversions, bit for bit"


def _bench(name: str, int_width: int) -> Bench:
    return Bench(
        name=name,
        top="fp32_top",
        filelist="sim/tops/fp32_top.f",
        module="tb.fp32.test_fp32_units",
        parameters=lambda config: {"LANES": 8, "INT_WIDTH": int_width},
        configs=("tiny",),
    )


BENCHES = [_bench("fp32", 48), _bench("fp32_int20", 20), _bench("fp32_int64", 64)]
