"""The DUT, and its inputs as they are driven."""

from __future__ import annotations

import cocotb

DUT = cocotb.top
BUS_BITS = len(DUT.rdata_data_i)
ADDRESS_BITS = len(DUT.read_error_addr_i)
LINE_BITS = len(DUT.rcmd_addr_o)


class Pins(dict[str, int]):
    """Inputs by name without ``_i``; reading one gives what the DUT sees in the current cycle."""

    def put(self, **values: int) -> None:
        """Drive inputs from the next cycle on."""
        for name, value in values.items():
            if self.get(name) != value:
                self[name] = value
                getattr(DUT, f"{name}_i").value = value
