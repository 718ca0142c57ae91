"""The world around the control side: host, engines and AXI masters, and how each list must end."""

from __future__ import annotations

import random

from cocotb.triggers import Event, RisingEdge
from edge_qlora.registers import ErrorCode
from pyuvm import uvm_component, uvm_env

from tb.common.base import cycle
from tb.common.scoreboard import Scoreboard
from tb.common.stream import StreamItem
from tb.lists.coverage import sample_report, sample_seen
from tb.lists.engines import Engines
from tb.lists.errors import MASTER_EVENTS, Errors
from tb.lists.memory import Memory
from tb.lists.model import Report
from tb.lists.pins import DUT, Pins
from tb.lists.plan import Plan

RESET_CYCLES = 4
REPORT_CYCLES = 40  # at most, from the watchdog's end to a report
IDLE = {"doorbell": 0, "list_addr": 0, "mem_limit": 0, "rdata_data": 0, "stream": 0, "stream_left": 0, "axi_idle": 1}


class Harness(uvm_component):
    """Run lists, one after the other, and compare each command and each report with what the plan wants.

    Besides, it asserts that a list has exactly one report and one reset, of some cycles and with the bus at rest; that
    the first error stops the masters in the next cycle; and that a deadlock is not called before its time.

    Args:
        read_ahead, in_flight, watchdog: parameters of the DUT.

    Attributes:
        corrupt: flip one bit of a command that the scoreboard sees (fault injection).
        since: cycles from the last activity to the report of the last list.
    """

    def __init__(self, name: str, parent: uvm_component, read_ahead: int, in_flight: int, watchdog: int) -> None:
        super().__init__(name, parent)
        self.read_ahead, self.in_flight, self.watchdog = read_ahead, in_flight, watchdog
        self.commands, self.reports = Scoreboard("commands", self), Scoreboard("reports", self)
        self.pins, self.ended = Pins(), Event()
        self.corrupt, self.open = False, False
        self.since, self.reported = 0, 0

    async def start(self) -> None:
        """Drive every input to rest; from then on every cycle is watched."""
        self.pins.put(**IDLE)
        for name in MASTER_EVENTS:
            self.pins.put(**{name: 0, f"{name}_addr": 0, f"{name}_tag": 0})
        self.pins.put(rcmd_ready=0, rdata_valid=0, cmd_ready=0, bad=0, done=0, nonfinite=0, activity=0)

    async def run(self, plan: Plan) -> None:
        """Ring the doorbell, and return when the list is reported."""
        self.plan = plan
        self.engines = Engines(plan, self.pins, self.commands, self.in_flight)
        self.engines.corrupt = self.corrupt
        self.memory = Memory(plan, self.pins, self.read_ahead)
        self.errors = Errors(plan, self.pins, self.engines, self.memory)
        self.pins.put(doorbell=1, list_addr=plan.address, mem_limit=plan.limit, stream_left=int(plan.left))
        if cycle() == self.reported:
            sample_seen("doorbell in the cycle after a report")
        await RisingEdge(DUT.clk_i)
        self.pins.put(doorbell=0, list_addr=random.getrandbits(64))
        self.low, self.resets, self.active_at = 0, 0, cycle()
        self.was_busy = self.stop_due = self.nonfinite_due = False
        self.open = True
        while self.open:
            await RisingEdge(DUT.clk_i)
            self.step()

    async def rest(self, cycles: int) -> None:
        """Let time pass, in which there is nothing to see."""
        for _ in range(cycles):
            await RisingEdge(DUT.clk_i)
            assert not DUT.busy_o.value and not DUT.done_o.value and not DUT.error_o.value, "a report without a list"
            assert not DUT.cmd_valid_o.value and not DUT.rcmd_valid_o.value and not DUT.stop_o.value

    def step(self) -> None:
        """One clock cycle."""
        busy, stop, reset = bool(DUT.busy_o.value), bool(DUT.stop_o.value), not DUT.engine_rst_no.value
        running = busy and self.was_busy and not stop and not self.resets
        self.was_busy = busy
        assert stop or not self.stop_due, "an error did not stop the masters"
        assert bool(DUT.nonfinite_o.value) == self.nonfinite_due, "nonfinite_o"
        self.watch_reset(reset)
        if DUT.done_o.value or DUT.error_o.value:
            self.end()
            return
        if running:
            self.errors.note()
        self.stop_due = self.errors.first is not None and not self.resets
        self.nonfinite_due = bool(running and self.pins["nonfinite"])
        if reset:
            self.engines.reset()
            self.memory.reset()
        else:
            self.engines.step()
        if self.engines.active or not self.pins["axi_idle"]:
            self.active_at = cycle()
        self.memory.step(stop, self.engines.traffic)
        self.errors.step(stop)

    def watch_reset(self, reset: bool) -> None:
        """One reset per list, of some cycles, with the bus at rest."""
        if reset and not self.low:
            self.resets += 1
            self.finished = self.engines.finished
            assert self.resets == 1 and self.pins["axi_idle"], "a second reset, or one with bursts under way"
        assert reset or self.low in (0, RESET_CYCLES), f"a reset of {self.low} cycles"
        self.low = self.low + 1 if reset else 0

    def expected(self) -> Report:
        """How the list must end."""
        if self.errors.first:
            return self.errors.first
        if self.plan.expected:
            return self.plan.expected
        if self.plan.left:
            return Report(ErrorCode.STREAM, self.plan.address_of(self.engines.issued[0]))
        if self.errors.nonfinite is not None:
            return Report(ErrorCode.NONFINITE, self.errors.nonfinite)
        return Report()

    def end(self) -> None:
        """The list is reported."""
        assert not (DUT.done_o.value and DUT.error_o.value), "two reports at once"
        expected = self.expected()
        fields = ("code", "command", "info")
        observed = {name: int(getattr(DUT, f"error_{name}_o").value) if DUT.error_o.value else 0 for name in fields}
        self.reports.expect({"code": expected.code, "command": expected.command, "info": expected.info})
        self.reports.write(StreamItem(observed))
        if expected.code in (ErrorCode.NONE, ErrorCode.NONFINITE):
            assert self.finished, "the list is done, its commands are not"
        assert self.resets == 1, "the list was reported without a reset"
        self.since, self.reported = cycle() - self.active_at, cycle()
        if observed["code"] == ErrorCode.DEADLOCK:
            # Words that go on to their queues are seen by the watchdog alone; then the list is reported.
            late = self.watchdog + REPORT_CYCLES
            assert self.watchdog < self.since <= late, f"a deadlock {self.since} cycles after something happened"
        sample_report(expected.code)
        if self.errors.crowded and observed["code"] == ErrorCode.FIELD:
            sample_seen("refusal with commands behind")
        self.open = False


class ListsEnv(uvm_env):
    """The harness with the parameters of the build."""

    def __init__(self, name: str, parent: uvm_component, read_ahead: int, in_flight: int, watchdog: int) -> None:
        super().__init__(name, parent)
        self.parameters = read_ahead, in_flight, watchdog

    def build_phase(self) -> None:
        self.harness = Harness("harness", self, *self.parameters)
