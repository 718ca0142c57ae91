"""Which tests run with which simulator and configuration: the regression's rows and columns."""

from __future__ import annotations

from collections.abc import Container

from sim.bench import tests

# The longer ones first, so that no worker is left with one at the end.
COLUMNS = (("verilator", "genesys2"), ("icarus", "tiny"), ("verilator", "ecp5"), ("verilator", "tiny"))
# On the others, what depends on the array, the bus or the activation width; error handling on the largest too.
WIDER = {
    "ecp5": ("systolic", "lora_linear", "prefill", "axi_master", "transfers", "transpose", "nf4_quant", "nf4_dequant"),
    "genesys2": (
        "bridge",
        "commands",
        "attention",
        "lora_linear",
        "systolic",
        "axi_master",
        "transfers",
        "transpose",
        "nf4_quant",
        "nf4_dequant",
    ),
}
# Which seeds of a regression the larger configurations have, and the whole accelerator with Icarus, which simulates
# some hundred of its cycles a second.
RARE_SEEDS = 4
# The longest of all, begun first.
LONGEST = ("systolic_shapes", "decode_shapes", "decode")


def rare(name: str, simulator: str, config: str) -> bool:
    """Whether a test takes so long there that only every RARE_SEEDS-th seed of a regression runs it."""
    return config != "tiny" or (
        simulator == "icarus" and any(bench.top == "edge_qlora" for bench in tests()[name].benches)
    )


def due(number: int, name: str, simulator: str, config: str) -> bool:
    """Whether a regression's seed, counted from its first, has a run of this test."""
    return number % RARE_SEEDS == 0 or not rare(name, simulator, config)


def matrix(
    names: Container[str] = (), simulators: Container[str] = (), configs: Container[str] = ()
) -> list[tuple[str, str, str]]:
    """Tests with the simulators and configurations that run them, the longest first.

    Args:
        names: only these tests, slow ones too; those that are not slow when empty.
        simulators: only these; all when empty.
        configs: only these; all when empty.
    """
    found = [
        (name, simulator, config)
        for simulator, config in COLUMNS
        if (not simulators or simulator in simulators) and (not configs or config in configs)
        for name, test in tests().items()
        if (name in names if names else not test.slow)
        if config == "tiny" or name in WIDER[config] or test.slow
        if test.of(simulator, config)
    ]
    return sorted(found, key=lambda case: case[0] not in LONGEST)
