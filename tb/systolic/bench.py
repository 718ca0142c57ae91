"""Bench of the matrix engine in the named configurations; ``systolic_shapes`` has other shapes."""

from sim.bench import Bench, Config
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


BENCHES = [Bench("systolic", TOP, FILELIST, MODULE, parameters, settings={"scratch_words": SCRATCH_WORDS})]
