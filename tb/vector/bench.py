"""Benches of the vector engine and of its function unit by itself."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = (
    "vector engine: exponential, reciprocal, rsqrt, products, sums and maxima over the scratchpad, bit for bit"
)
BENCHES = [
    Bench(
        name="function_unit",
        top="function_top",
        filelist="sim/tops/function_top.f",
        module="tb.vector.test_functions",
        parameters=lambda config: {"LANES": 8},
        configs=("tiny",),
    ),
    Bench(
        name="vector_engine",
        top="vector_engine",
        filelist="rtl/vector/vector_engine.f",
        module="tb.vector.test_engine",
        parameters=lambda config: {"SCRATCH_W": 11, "UNITS": 2},
        configs=("tiny",),
    ),
]
