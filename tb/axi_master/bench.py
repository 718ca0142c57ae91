"""Benches of the AXI master: random traffic on a cocotbext-axi memory, bandwidth on an ideal one."""

from __future__ import annotations

import os

from sim.bench import Bench, Config
from tb.common.base import config

DESCRIPTION = "AXI4 read and write master: clients, credits, 4 KB pages, errors, window, stop, bandwidth"

CLIENTS = 3
# The master's own defaults, stated because the environment reads them here.
DEFAULTS = {"MAX_BURST": 64, "READ_OUTSTANDING": 8, "WRITE_OUTSTANDING": 8, "ID_VALUE": 0}
# The widest bus with limits that are neither defaults nor powers of two.
WIDE = {"DATA_W": 512, "MAX_BURST": 24, "READ_OUTSTANDING": 3, "WRITE_OUTSTANDING": 5, "ID_VALUE": 9}


def credits(bus_width: int) -> dict[str, int]:
    """Buffers of the clients: none, the smallest that there is, and one of no round number of lines."""
    return {"CREDITS0": 0, "CREDITS1": 2 * 512 // bus_width, "CREDITS2": 100}


def random_parameters(config: Config) -> dict[str, int]:
    """Parameters of the DUT for the random tests; bursts are as long as the core's, up to a page or AXI's limit."""
    width = config["bus_width"]
    return {**DEFAULTS, **credits(width), "DATA_W": width, "MAX_BURST": min(4096 * 8 // width, 256)}


def ideal_parameters(config: Config) -> dict[str, int]:
    """Parameters of the bandwidth top: the defaults of the master at the configuration's bus width."""
    width = config["bus_width"]
    return {**DEFAULTS, **credits(width), "DATA_W": width}


BENCHES = [
    Bench(
        name="axi_master",
        top="axi_clients",
        filelist="sim/tops/axi_clients.f",
        module="tb.axi_master.test_axi_master,tb.axi_master.test_clients,tb.axi_master.test_protocol",
        parameters=random_parameters,
    ),
    Bench(
        name="axi_master_512",
        top="axi_clients",
        filelist="sim/tops/axi_clients.f",
        module="tb.axi_master.test_axi_master,tb.axi_master.test_clients",
        parameters=lambda config: {**WIDE, **credits(512)},
        configs=("tiny",),
    ),
    Bench(
        name="axi_master_ideal",
        top="axi_master_ideal",
        filelist="sim/tops/axi_master_ideal.f",
        module="tb.axi_master.test_bandwidth",
        parameters=ideal_parameters,
    ),
    Bench(
        name="axi_master_ideal_512",
        top="axi_master_ideal",
        filelist="sim/tops/axi_master_ideal.f",
        module="tb.axi_master.test_bandwidth",
        parameters=lambda config: {**DEFAULTS, **credits(512), "DATA_W": 512},
        configs=("tiny",),
    ),
]


def parameters() -> dict[str, int]:
    """Parameters of the bench that is running."""
    return dict(next(b for b in BENCHES if b.name == os.environ["EDGE_QLORA_BENCH"]).parameters(config()))
