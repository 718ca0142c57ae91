"""Base of the tests of vega_bridge."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from tb.common.base import config
from tb.registers.base import AxiTest
from tb.registers.bridge_env import BridgeEnv
from tb.registers.env import Setup


def capabilities() -> dict[str, int]:
    """What the capability registers must hold for the configuration, by name; field positions as documented."""
    parameters = config()
    code = {64: 0, 128: 1, 256: 2, 512: 3}[parameters["bus_width"]]
    return {
        "CAPABILITY0": parameters["columns"] | parameters["act_width"] << 8 | code << 16 | 1 << 24,
        "CAPABILITY1": parameters["scratch_words"],
        "CAPABILITY2": parameters["nested_depth"] | parameters["max_rows"] << 16,
    }


class BridgeTest(AxiTest):
    """Test of vega_bridge with the golden register model."""

    def make_env(self, setup: Setup) -> BridgeEnv:
        setup.constants = capabilities()
        return BridgeEnv("env", self, self.dut, setup)

    async def write_during_event(self, offset: int, value: int, event: str, **values: int) -> None:
        """Write a register and let the core raise an event in the very cycle in which the write takes effect.

        Args:
            event: "done", "error" or "nonfinite".
            values: ``code``, ``command`` and ``info`` of an error.
        """
        dut = self.dut
        task = cocotb.start_soon(self.write(offset, value))
        while True:
            await RisingEdge(dut.clk_i)
            await ReadOnly()
            if dut.reg_valid_o.value and dut.reg_write_o.value and not dut.reg_ready_o.value:
                break
        await RisingEdge(dut.clk_i)
        await self.env.core.pulse(**{event: True}, **values)
        await task
