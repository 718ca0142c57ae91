"""Both cores run lists that a host writes to memory, at all ratios of its clock to theirs."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import RisingEdge, gather
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section
from cocotbext.axi import AxiBus, AxiMaster, AxiRam
from edge_qlora import registers as regs
from edge_qlora.commands import End, Read, Write, pack_list
from edge_qlora.ordering import synchronize
from edge_qlora.vector import Region
from pyuvm import uvm_test

from tb.common.base import cycle, finish, within
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import StreamItem
from tb.crossing.clocks import RATIOS, Domain, start_clocks

WINDOW, MEMORY, PART = 0x2004_0000, 0x8000_0000, 1 << 16
VALUES = 64
CORES = 2
ID = 0x45514C52
GROUP = "host_system"


@coverage_section(
    CoverPoint(f"{GROUP}.core", xf=lambda core, ratio: core, bins=list(range(CORES))),
    CoverPoint(f"{GROUP}.ratio", xf=lambda core, ratio: ratio, bins=list(RATIOS)),
    CoverCross(f"{GROUP}.list", items=[f"{GROUP}.core", f"{GROUP}.ratio"]),
)
def sample(core: int, ratio: str) -> None:
    """A core has run a list that came over the host's port, with these clocks."""


class SystemTest(uvm_test):
    """Each core copies values through its scratchpad; the host does all else through its port."""

    ratio = ""
    injected = False

    def build_phase(self) -> None:
        self.board = Scoreboard("scoreboard", self)

    async def run_phase(self) -> None:
        self.raise_objection()
        dut = cocotb.top
        host, device = Domain(dut, "host_"), Domain(dut, "")
        self.host = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), host.clk_i, host.rst_ni, reset_active_level=False)
        bus = AxiBus.from_prefix(dut, "m_axi")
        self.ram = AxiRam(bus, device.clk_i, device.rst_ni, reset_active_level=False, size=1 << 20)
        await start_clocks(host, device, self.ratio)
        began = cycle()
        await within(200_000, gather(*(self.run_core(core) for core in range(CORES))), "the end of both lists")
        finish(GROUP, self.board.compared, self.board.mismatches, cycle() - began, injected=self.injected)
        self.drop_objection()

    async def run_core(self, core: int) -> None:
        """Write data and a list, run it, and read back."""
        source = MEMORY + core * PART
        target, address = source + 0x1000, source + 0x2000
        data = random.randbytes(4 * VALUES)
        copy = [Read(address=source, length=VALUES, s=Region(0)), Write(address=target, length=VALUES, s=Region(0))]
        await self.host.write(source, data)
        await self.host.write(address, pack_list([*synchronize([*copy, End()])]))
        self.compare("id", await self.register(core, regs.ID), ID)
        await self.set_register(core, regs.MEM_BASE_LO, source)
        await self.set_register(core, regs.MEM_LIMIT_LO, source + PART)
        await self.set_register(core, regs.LIST_ADDR_LO, address)
        await self.set_register(core, regs.IRQ_ENABLE, regs.IRQ_ENABLE["done"].put(1) | regs.IRQ_ENABLE["error"].put(1))
        await self.set_register(core, regs.CONTROL, regs.CONTROL["doorbell"].put(1))
        await self.interrupt(core, 1)
        self.compare("status", await self.register(core, regs.IRQ_STATUS), regs.IRQ_STATUS["done"].put(1))
        await self.set_register(core, regs.IRQ_STATUS, regs.IRQ_STATUS["done"].put(1))
        self.compare("interrupt", int(cocotb.top.irq_o.value) >> core & 1, 0)  # low before the answer
        self.compare("done", await self.register(core, regs.LISTS_DONE), 1)
        sample(core, self.ratio)
        if self.injected:
            self.ram.write(target - MEMORY + 5, bytes([data[5] ^ 4]))
        answer = await self.host.read(target, len(data))
        self.compare("data", int.from_bytes(answer.data, "little"), int.from_bytes(data, "little"))

    async def interrupt(self, core: int, level: int) -> None:
        """Wait for a core's interrupt line."""
        while int(cocotb.top.irq_o.value) >> core & 1 != level:
            await RisingEdge(cocotb.top.host_clk_i)

    async def register(self, core: int, register) -> int:
        """Read a register."""
        answer = await self.host.read(WINDOW + core * regs.WINDOW_SIZE + register.offset, 4)
        assert answer.resp == 0, f"core {core}, {register.offset:#x}: response {answer.resp}"
        return int.from_bytes(answer.data, "little")

    async def set_register(self, core: int, register, value: int) -> None:
        """Write a register of 32 bits."""
        answer = await self.host.write(WINDOW + core * regs.WINDOW_SIZE + register.offset, value.to_bytes(4, "little"))
        assert answer.resp == 0, f"core {core}, {register.offset:#x}: response {answer.resp}"

    def compare(self, name: str, seen: int, wanted: int) -> None:
        """Hand what was seen to the scoreboard."""
        self.board.expect({name: wanted})
        self.board.write(StreamItem({name: seen}))


@pyuvm.test()
class SlowHost(SystemTest):
    """A host that is slower than the accelerator, as on the board."""

    ratio = "second faster"


@pyuvm.test()
class EqualClocks(SystemTest):
    """About the same frequency."""

    ratio = "about equal"


@pyuvm.test()
class FastHost(SystemTest):
    """A host that is faster."""

    ratio = "first faster"


@pyuvm.test(expect_error=ScoreboardError)
class Corrupt(SystemTest):
    """A bit of the results flips in memory before the host reads them."""

    ratio = "second faster"
    injected = True
