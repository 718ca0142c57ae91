"""Bench of the vector engine's function unit."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "exponential, reciprocal and reciprocal square root of the vector engine, bit for bit"
BENCHES = [
    Bench(
        name="function_unit",
        top="function_top",
        filelist="sim/tops/function_top.f",
        module="tb.vector.test_functions",
        parameters=lambda config: {"LANES": 8},
        configs=("tiny",),
    )
]
