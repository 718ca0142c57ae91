"""Benches of the vector engine and of its function unit by itself."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = (
    "vector engine: exponential, reciprocal, rsqrt, products, sums and maxima over the scratchpad, bit for bit"
)


def engine(lanes: int) -> Bench:
    """Bench of an engine with so many lanes."""
    return Bench(
        name=f"vector_engine_{lanes}",
        top="vector_engine",
        filelist="rtl/vector/vector_engine.f",
        module="tb.vector.test_engine",
        parameters=lambda config: {"SCRATCH_W": 11, "LANES": config["lanes"], "UNITS": 2},
        configs=("tiny",),
        settings={"lanes": lanes},
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
    engine(8),
    engine(4),
]
