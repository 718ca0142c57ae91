"""Parameters of the accelerator in a configuration; imports nothing heavy, so that tests are listed quickly."""

from __future__ import annotations

from sim.bench import Config

# Rows that keep an array busy while its weights come: a bus of 256 bits loads a column per cycle, so four would do for
# four columns. These come from LUTs, 64 would need block RAM.
INFER_ROWS = 8


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
        "VECTOR_LANES": config["vector_lanes"],
        "HOST_W": config["host_width"],
    }


def pair_configs(config: Config) -> tuple[Config, Config]:
    """Settings of the cores of edge_qlora_pair: of the one that generates, half the size and 8 rows, and the other.

    The vector engine is the same one for both.
    """
    config = {**config, "vector_lanes": 4}
    halves = {"columns": max(1, config["columns"] // 2), "scratch_words": max(512, config["scratch_words"] // 2)}
    return {**config, **halves, "max_rows": INFER_ROWS}, config


def pair_parameters(config: Config) -> dict[str, int]:
    """Parameters of edge_qlora_pair."""
    own = ("COLUMNS", "SCRATCH_W", "MAX_ROWS")
    infer, tune = map(parameters, pair_configs(config))
    found = {name: value for name, value in tune.items() if name not in own}
    return found | {f"{core}_{name}": of[name] for core, of in (("INFER", infer), ("TUNE", tune)) for name in own}
