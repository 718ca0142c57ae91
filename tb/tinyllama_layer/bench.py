"""A layer of TinyLlama's size: minutes of simulation, so it runs by its own target, ``make tinyllama``."""

from sim.bench import Bench
from tb.core.parameters import parameters

DESCRIPTION = (
    "a TinyLlama-shaped layer (2048 to 5632, rank 16), forward and backward; slow, Verilator and genesys2 only"
)
SLOW = True

BENCHES = [
    Bench(
        "tinyllama_layer",
        "edge_qlora",
        "rtl/core/edge_qlora.f",
        "tb.tinyllama_layer.test_tinyllama_layer",
        parameters,
        simulators=("verilator",),
        configs=("genesys2",),
    )
]
