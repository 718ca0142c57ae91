"""Benches of two pipelines that share a memory port and a vector engine, and of the joint and the share alone."""

from __future__ import annotations

from collections.abc import Mapping

from sim.bench import Bench
from tb.core.parameters import pair_parameters

DESCRIPTION = (
    "two cores at one memory port with one vector engine: random lists, legal and with errors, at the same time; "
    "joint and share alone, cycle by cycle"
)


def _alone(name: str, filelist: str, module: str, parameters: Mapping[str, int]) -> Bench:
    top = filelist.split("/")[-1].removesuffix(".f")
    return Bench(name, top, filelist, module, lambda config: parameters, configs=("tiny",))


def _share(name: str, first: int, second: int) -> Bench:
    widths = {"SCRATCH_W": max(first, second), "SCRATCH_W0": first, "SCRATCH_W1": second}
    return _alone(name, "rtl/vector/vector_share.f", "tb.pair.test_vector_share", widths)


BENCHES = [
    Bench(
        name="pair",
        top="edge_qlora_pair",
        filelist="sim/tops/pair_probe.f",
        module="tb.pair.test_pair",
        parameters=pair_parameters,
        simulators=("verilator",),
    ),
    _alone("axi_join", "rtl/vega_bridge/axi_join.f", "tb.pair.test_axi_join", {"ADDR_W": 40, "DATA_W": 64, "ID_W": 4}),
    _share("vector_share", 9, 10),
    _share("vector_share_first", 10, 9),
]
