"""Benches of the AXI master: random traffic on a cocotbext-axi memory, bandwidth on an ideal one."""

from __future__ import annotations

from sim.bench import Bench, Config

DESCRIPTION = "AXI4 read and write master: 2-D regions, 4 KB pages, errors, masks, bandwidth"

# Beside the default of 64, so that page, row and burst limits meet in every order.
LONGEST = {64: 64, 128: 256, 256: 64}
# The widest bus with limits that are neither defaults nor powers of two.
WIDE = {"DATA_W": 512, "MAX_BURST": 24, "READ_OUTSTANDING": 3, "WRITE_OUTSTANDING": 5, "CMD_DEPTH": 2, "ID_VALUE": 9}


def random_parameters(config: Config) -> dict[str, int]:
    """Parameters of the DUT for the random tests."""
    return {"DATA_W": config["bus_width"], "MAX_BURST": LONGEST[config["bus_width"]]}


def ideal_parameters(config: Config) -> dict[str, int]:
    """Parameters of the bandwidth top: the defaults of the master at the configuration's bus width."""
    return {"DATA_W": config["bus_width"]}


BENCHES = [
    Bench(
        name="axi_master",
        top="axi_master",
        filelist="rtl/vega_bridge/axi_master.f",
        module="tb.axi_master.test_axi_master,tb.axi_master.test_protocol",
        parameters=random_parameters,
    ),
    Bench(
        name="axi_master_512",
        top="axi_master",
        filelist="rtl/vega_bridge/axi_master.f",
        module="tb.axi_master.test_axi_master",
        parameters=lambda config: WIDE,
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
        parameters=lambda config: {"DATA_W": 512},
        configs=("tiny",),
    ),
]
