"""Benches of the control registers: the bridge, and the AXI slave alone, for hosts of 32, 64 and 128 bits; counters."""

from __future__ import annotations

from sim.bench import Bench, Config
from tb.core.parameters import scratch_width

DESCRIPTION = "AXI4 slave and control registers, held against the register map, for 32-, 64- and 128-bit hosts"


def bridge_parameters(config: Config, width: int) -> dict[str, int]:
    """Parameters of vega_bridge for a host of ``width`` bits."""
    return {
        "DATA_W": width,
        "COLUMNS": config["columns"],
        "ACT_W": config["act_width"],
        "BUS_W": config["bus_width"],
        "SCRATCH_W": scratch_width(config),
        "MAX_ROWS": config["max_rows"],
        "NESTED_DEPTH": config["nested_depth"],
    }


BENCHES = [
    Bench(
        name=f"registers_{width}",
        top="vega_bridge_probe",
        filelist="sim/tops/vega_bridge_probe.f",
        module="tb.registers.test_registers,tb.registers.test_lists",
        parameters=lambda config, width=width: bridge_parameters(config, width),
        # The configurations differ in the capability registers alone.
        configs=() if width == 64 else ("tiny",),
    )
    for width in (32, 64, 128)
] + [
    Bench(
        name=f"axi_slave_{width}",
        top="axi_slave",
        filelist="rtl/vega_bridge/vega_bridge.f",
        module="tb.registers.test_axi_slave",
        # An address and an identifier of odd widths beside the defaults of the bridge.
        parameters=lambda config, width=width: {"DATA_W": width, "ADDR_W": 40, "ID_W": 5},
        # The bridge covers all widths on Verilator, where a build takes half a minute; the widest has the most lanes.
        simulators=("verilator", "icarus") if width == 128 else ("icarus",),
        configs=("tiny",),
    )
    for width in (32, 64, 128)
]

BENCHES.append(
    Bench(
        name="event_counters",
        top="event_counters",
        filelist="rtl/core/event_counters.f",
        module="tb.registers.test_event_counters",
        # Halves that carry and wrap often.
        parameters=lambda config: {"COUNT": 3, "HALF_W": 4},
        configs=("tiny",),
    )
)
