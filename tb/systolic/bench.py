"""Bench of the matrix engine in the named configurations; ``systolic_shapes`` has other shapes."""

from sim.bench import Bench, Config, Netlist
from tb.core.parameters import scratch_width

DESCRIPTION = (
    "matrix engine: MATRIX commands on the systolic array, from stream and scratchpad to results, N and T mode"
)
TOP, FILELIST = "matrix_engine_top", "sim/tops/matrix_engine_top.f"
MODULE = "tb.systolic.test_systolic"
SCRATCH_WORDS = 8192


def parameters(config: Config) -> dict[str, int]:
    """Parameters of ``matrix_engine`` from a configuration."""
    return {
        "COLUMNS": config["columns"],
        "ACT_W": config["act_width"],
        "BUS_W": config["bus_width"],
        "MAX_ROWS": config["max_rows"],
        "NESTED_DEPTH": config["nested_depth"],
        "SCRATCH_W": scratch_width(config),
    }


def array_parameters(config: Config) -> dict[str, int]:
    """Parameters of the array itself, as ``matrix_unit`` gives them."""
    ports = 2 if config["bus_width"] == 512 and config["columns"] % 2 == 0 else 1
    parts = max(1, 256 // config["bus_width"])
    return {"COLUMNS": config["columns"], "ACT_W": config["act_width"], "PORTS": ports, "PARTS": parts}


ARRAY = Netlist("systolic_array", "sim/tops/systolic_array.f", array_parameters)
BENCHES = [
    Bench("systolic", TOP, FILELIST, MODULE, parameters, settings={"scratch_words": SCRATCH_WORDS}, netlist=ARRAY)
]
