"""Parameters of the accelerator in a configuration; imports nothing heavy, so that tests are listed quickly."""

from __future__ import annotations

from sim.bench import Config


def scratch_width(config: Config) -> int:
    """Address width of the scratchpad."""
    return config["scratch_words"].bit_length() - 1


def parameters(config: Config) -> dict[str, int]:
    """Parameters of edge_qlora."""
    return {
        "COLUMNS": config["columns"],
        "ACT_W": config["act_width"],
        "BUS_W": config["bus_width"],
        "SCRATCH_W": scratch_width(config),
        "MAX_ROWS": config["max_rows"],
        "NESTED_DEPTH": config["nested_depth"],
        "HOST_W": config["host_width"],
    }
