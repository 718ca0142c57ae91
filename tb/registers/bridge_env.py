"""Environment of the whole bridge: the AXI side, the golden register model and the stand-in core."""

from __future__ import annotations

from cocotb.triggers import RisingEdge
from edge_qlora import registers as regs
from pyuvm import uvm_component

from tb.common.scoreboard import Scoreboard
from tb.common.stream import StreamItem
from tb.registers import coverage_registers
from tb.registers.core import CoreDriver
from tb.registers.env import AxiEnv, Setup
from tb.registers.model import WORD, Access, Core, RegisterModel


class RegisterMonitor(uvm_component):
    """Run the golden model beside the registers, cycle by cycle, and compare every answer and every output.

    Answers go to the scoreboard ``answers``, pulses and settings to ``outputs``; the interrupt is compared in every
    cycle.

    Attributes:
        model: the golden model.
        corrupt: index of the answer that the scoreboard sees with an inverted bit (fault injection), or None.
        corrupt_output: the output that the scoreboard sees with an inverted bit (fault injection), or None.
    """

    def __init__(self, name: str, parent: uvm_component, dut, constants: dict[str, int]) -> None:
        super().__init__(name, parent)
        self.dut, self.constants = dut, constants
        self.model = RegisterModel(constants)
        self.corrupt: int | None = None
        self.corrupt_output: str | None = None
        self.answered = 0
        self.low: dict[str, int] = {}

    def build_phase(self) -> None:
        self.answers = Scoreboard("answer_scoreboard", self)
        self.outputs = Scoreboard("output_scoreboard", self)

    def _core(self) -> Core:
        dut = self.dut
        error = bool(dut.error_i.value)
        return Core(
            busy=bool(dut.busy_i.value),
            done=bool(dut.done_i.value),
            error=error,
            nonfinite=bool(dut.nonfinite_i.value),
            code=int(dut.error_code_i.value) if error else 0,
            command=int(dut.error_command_i.value) if error else 0,
            info=int(dut.error_info_i.value) if error else 0,
        )

    def _settings(self) -> dict[str, int]:
        model = self.model

        def pair(low, high) -> int:
            return model.setting(high) << 32 | model.setting(low)

        return {
            "list_addr": pair(regs.LIST_ADDR_LO, regs.LIST_ADDR_HI),
            "mem_base": pair(regs.MEM_BASE_LO, regs.MEM_BASE_HI),
            "mem_limit": pair(regs.MEM_LIMIT_LO, regs.MEM_LIMIT_HI),
        }

    async def run_phase(self) -> None:
        dut = self.dut
        answer, access, shown, irq, doorbell, clear = None, None, None, False, False, False
        while True:
            await RisingEdge(dut.clk_i)
            if dut.rst_ni.value != 1:
                answer, shown, irq, doorbell, clear = None, None, False, False, False
                self.model = RegisterModel(self.constants)
                continue
            ready = bool(dut.reg_ready_o.value)
            assert ready == (answer is not None), (
                "the register bus answers when it should not, or does not when it should"
            )
            if answer is not None:
                self._compare_answer(access, answer)
            pulses = {"doorbell": int(dut.doorbell_o.value), "clear_counters": int(dut.clear_counters_o.value)}
            if doorbell or clear or any(pulses.values()) or answer is not None:
                self._compare_outputs(pulses, doorbell, clear)
            assert bool(dut.irq_o.value) == irq, f"irq_o is {int(dut.irq_o.value)}, expected {int(irq)}"

            # An access takes effect in the cycle after it is shown.
            access, shown = shown, None
            if dut.reg_valid_o.value and not ready and not access:
                write = bool(dut.reg_write_o.value)
                data = int(dut.reg_wdata_o.value) if write else 0
                shown = Access(write, int(dut.reg_addr_o.value), data, int(dut.reg_wstrb_o.value))
            core = self._core()
            if access and not access.write:
                core = Core(**{**core.__dict__, "counters": int(dut.counters_i.value)})
            if access or core.done or core.error or core.nonfinite:
                self._cover(access, core)
            answer = self.model.step(access, core)
            irq, doorbell, clear = self.model.irq, self.model.doorbell, self.model.clear

    def _compare_answer(self, access: Access, answer) -> None:
        dut = self.dut
        expected = {"error": int(answer.error)}
        observed = {"error": int(dut.reg_error_o.value)}
        if not access.write and not answer.error:
            expected["rdata"], observed["rdata"] = answer.data, int(dut.reg_rdata_o.value)
        if self.answered == self.corrupt:
            observed["error"] ^= 1
        self.answered += 1
        self.answers.expect(expected, f"{access}")
        self.answers.write(StreamItem(observed))
        coverage_registers.sample_access(access.write, access.address, answer.error)

    def _compare_outputs(self, pulses: dict[str, int], doorbell: bool, clear: bool) -> None:
        expected = {"doorbell": int(doorbell), "clear_counters": int(clear), **self._settings()}
        observed = {**pulses, **{name: int(getattr(self.dut, f"{name}_o").value) for name in self._settings()}}
        if self.corrupt_output:
            observed[self.corrupt_output] ^= 1
        self.outputs.expect(expected)
        self.outputs.write(StreamItem(observed))

    def _cover(self, access: Access | None, core: Core) -> None:
        model, happened, event = self.model, coverage_registers.sample_list, coverage_registers.sample_event
        written = access.data & sum(0xFF << 8 * n for n in range(4) if access.strobes >> n & 1) if access else 0
        control = written if access and access.write and access.address & ~3 == regs.CONTROL.offset else 0
        ring, clear = control & regs.CONTROL["doorbell"].mask, control & regs.CONTROL["clear_counters"].mask
        if ring and not (model.active or core.busy):
            happened("doorbell accepted")
        elif ring:
            happened(f"doorbell rejected {'while busy_i is high' if core.busy else 'before busy_i rose'}")
            if model.error and model.code != regs.ErrorCode.BUSY:
                happened("doorbell rejected with an error already held")
        if ring and clear:
            happened("doorbell with clear of counters")
        if clear and (model.active or core.busy):
            happened("clear of counters while a list runs")
        if clear and core.done:
            happened("clear of counters in the cycle of done")
        if core.done:
            happened("list done")
        if core.error:
            happened("list error")
            if model.code == regs.ErrorCode.BUSY:
                happened("list error replaces BUSY")
        if core.nonfinite:
            happened("nonfinite warning")
        cleared = written if access and access.write and access.address & ~3 == regs.IRQ_STATUS.offset else 0
        enabled = model.setting(regs.IRQ_ENABLE)
        for bit in regs.IRQ_STATUS.fields:
            raised = getattr(core, bit.name)
            if raised:
                event("set", bit.name)
            if cleared & model.events & bit.mask:
                event("set in the cycle of its clearing" if raised else "cleared", bit.name)
            if model.events & bit.mask:
                event("interrupts" if enabled & bit.mask else "masked", bit.name)
        if access and not access.write:
            self._cover_counter(access, core)

    def _cover_counter(self, access: Access, core: Core) -> None:
        for index, (name, (low, high)) in enumerate(regs.COUNTERS.items()):
            now = core.counters >> 64 * index + 32 & WORD
            if access.address & ~3 == low.offset:
                self.low[name] = now
            elif access.address & ~3 == high.offset and name in self.low:
                same = self.low[name] == now
                coverage_registers.sample_counter("no carry" if same else "carry between LO and HI", name)


class BridgeEnv(AxiEnv):
    """The AXI environment around a vega_bridge_probe top, with the golden register model and the stand-in core."""

    def __init__(self, name: str, parent: uvm_component, dut, setup: Setup) -> None:
        super().__init__(name, parent, dut, "o", setup)

    def build_phase(self) -> None:
        super().build_phase()
        self.registers = RegisterMonitor("registers", self, self.dut, self.setup.constants)
        self.core = CoreDriver("core", self, self.dut, self.setup.core)

    @property
    def all_boards(self) -> list[Scoreboard]:
        """Every scoreboard."""
        return [*self.boards.values(), self.registers.answers, self.registers.outputs]

    @property
    def compared(self) -> int:
        return sum(board.compared for board in self.all_boards)

    @property
    def mismatches(self) -> int:
        return sum(board.mismatches for board in self.all_boards)
