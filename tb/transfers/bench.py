"""Benches of the engines between memory and scratchpad or weight stream, for every width of the bus."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "LOAD, READ and WRITE engines on one master and one scratchpad: random commands, bad fields, bandwidth"
MODULES = "tb.transfers.test_transfers,tb.transfers.test_bandwidth"
TOP = "sim/tops/transfers_top.f"


def parameters(width: int, load_beats: int, read_beats: int) -> dict[str, int]:
    """Parameters of the top: bus width, FIFOs, and bursts as long as a page and AXI allow."""
    longest = min(256, 4096 * 8 // width)
    return {"BUS_W": width, "LOAD_BEATS": load_beats, "READ_BEATS": read_beats, "MAX_BURST": longest}


BENCHES = [
    Bench("transfers", "transfers_top", TOP, MODULES, lambda config: parameters(config["bus_width"], 512, 64)),
    # The widest bus, with FIFOs that are far too small or no power of two.
    Bench("transfers_512", "transfers_top", TOP, MODULES, lambda config: parameters(512, 64, 20), configs=("tiny",)),
]
