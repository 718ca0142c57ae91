"""Environment of the AXI slave, and the register bus that stands in for registers behind it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cocotb.triggers import ClockCycles, RisingEdge
from pyuvm import uvm_component, uvm_env, uvm_sequencer

from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace
from tb.registers import coverage
from tb.registers.agent import AxiMonitor, ChannelDriver, MasterDriver
from tb.registers.predictor import BOARDS, Predictor


@dataclass
class Setup:
    """What a test chooses.

    Attributes:
        paces: pauses by AXI channel.
        master: use cocotbext-axi's AXI master (MasterItem) in place of single channels (AxiItem).
        core: the stand-in core works on lists by itself and sends random events.
        constants: values of the capability registers by name.
    """

    paces: dict[str, Pace] = field(default_factory=dict)
    master: bool = False
    core: bool = False
    constants: dict[str, int] = field(default_factory=dict)


class AxiEnv(uvm_env):
    """Driver, monitor, predictor and scoreboards of the AXI side.

    Args:
        dut: top with the s_axi_ ports and the register bus.
        answer: suffix of the register bus's answers, see AxiMonitor.
    """

    def __init__(self, name: str, parent: uvm_component, dut, answer: str, setup: Setup) -> None:
        super().__init__(name, parent)
        self.dut, self.answer, self.setup = dut, answer, setup

    def build_phase(self) -> None:
        self.sequencer = uvm_sequencer("sequencer", self)
        driver = MasterDriver if self.setup.master else ChannelDriver
        self.driver = driver("driver", self, self.dut, self.setup.paces)
        self.monitor = AxiMonitor("monitor", self, self.dut, self.answer)
        self.boards = {name: Scoreboard(f"{name}_scoreboard", self) for name in BOARDS}
        self.predictor = Predictor("predictor", self, len(self.dut.s_axi_wdata) // 8, self.boards)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.monitor.analysis_port.connect(self.predictor.analysis_export)

    async def drained(self) -> None:
        """Wait until every burst has its response."""
        while not (self.driver.idle and self.predictor.idle):
            await RisingEdge(self.dut.clk_i)
        for board in self.boards.values():
            await board.drained()
        await ClockCycles(self.dut.clk_i, 4)

    def check_phase(self) -> None:
        for channel in self.monitor.waits:
            coverage.sample_wait(channel)

    @property
    def compared(self) -> int:
        """Transfers compared."""
        return sum(board.compared for board in self.boards.values())

    @property
    def mismatches(self) -> int:
        """Transfers that differed."""
        return sum(board.mismatches for board in self.boards.values())


class RegisterBus(uvm_component):
    """Stand-in for the registers behind an axi_slave top: random data, errors and delays.

    Attributes:
        pace: delay of ready; may be replaced at any time.
        errors: probability of an error.
    """

    def __init__(self, name: str, parent: uvm_component, dut, pace: Pace, errors: float) -> None:
        super().__init__(name, parent)
        self.dut, self.pace, self.errors = dut, pace, errors

    async def run_phase(self) -> None:
        dut = self.dut
        while True:
            dut.reg_ready_i.value = 0
            if pause := self.pace.cycles():
                await ClockCycles(dut.clk_i, pause)
            dut.reg_ready_i.value = 1
            dut.reg_rdata_i.value = random.getrandbits(32)
            dut.reg_error_i.value = int(random.random() < self.errors)
            await RisingEdge(dut.clk_i)
