"""Bench of the matrix engine in the named configurations; ``systolic_shapes`` has other shapes."""

from sim.bench import Bench, Config

DESCRIPTION = "matrix engine: systolic array, aligner, codebook, scales and FP32 accumulation, N and T mode"
FILELIST, MODULE = "rtl/systolic/matrix_unit.f", "tb.systolic.test_systolic"


def parameters(config: Config) -> dict[str, int]:
    """Parameters of ``matrix_unit`` from a configuration."""
    return {
        "COLUMNS": config["columns"],
        "ACT_W": config["act_width"],
        "BUS_W": config["bus_width"],
        "ACT_DEPTH": config["act_depth"],
        "MAX_ROWS": config["max_rows"],
        "NESTED_DEPTH": config["nested_depth"],
    }


BENCHES = [Bench("systolic", "matrix_unit", FILELIST, MODULE, parameters)]
