"""Jobs with everything that can be wrong with them, each followed by a good one that must not notice."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from edge_qlora.errors import ErrorCode, JobError
from edge_qlora.job import Descriptor
from pyuvm import uvm_test

from tb.bridge.coverage import sample
from tb.bridge.faults import Fault, all_faults, small_job
from tb.common.base import config, cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.core.device import LONGEST_LIST
from tb.lora_linear.env import JobItem, Jobs, LayerEnv

BEFORE_START = set(ErrorCode) - {ErrorCode.AXI_READ, ErrorCode.AXI_WRITE, ErrorCode.NONFINITE, ErrorCode.BUSY}


class ErrorTest(uvm_test):
    """Run faults, and good jobs between them; subclasses say which."""

    corrupt: int | None = None

    def build_phase(self) -> None:
        self.env = LayerEnv("env", self, cocotb.top, 1 << 17)

    def end_of_elaboration_phase(self) -> None:
        self.env.monitor.corrupt = self.corrupt

    def faults(self) -> list[Fault]:
        """The faults of this test."""
        raise NotImplementedError

    def check_software(self, fault: Fault, item: JobItem) -> None:
        """The software must reject what the hardware rejects, under the same name."""
        if item.code not in BEFORE_START:
            return
        try:
            descriptor = Descriptor.unpack(item.placed.segments[-1].data)
            descriptor.validate(item.window, self.env.driver.accelerator.limits, item.placed.descriptor_address)
            found = ErrorCode.NONE
        except JobError as error:
            found = error.code
        assert found == item.code, f"{fault.name}: the software says {found.name}, the hardware {item.code.name}"

    async def run_phase(self) -> None:
        self.raise_objection()
        env = self.env
        await start(cocotb.top)
        begin = cycle()
        for fault in self.faults():
            bad, good = fault.item(), JobItem(small_job(random.random() < 0.3, random.choice((0, 0, 1))))
            bad.set_name(fault.name)
            for kind, item in ((fault.kind, bad), ("none", good)):
                await Jobs([item]).start(env.sequencer)
                if self.corrupt is None:
                    sample(kind, item.ended[0], env.host.poll)
            self.check_software(fault, bad)
            if fault.burst:
                first, last = fault.burst(bad.placed)
                assert first <= bad.ended[1] <= last, f"{fault.name}: the error is reported at {bad.ended[1]:#x}"
        await within(LONGEST_LIST, env.scoreboard.drained(), "results of the last job")
        board = env.scoreboard
        finish("bridge", board.compared, board.mismatches, cycle() - begin, injected=self.corrupt is not None)
        self.drop_objection()


@pyuvm.test()
class Errors(ErrorTest):
    """Every fault under Verilator, in random order; one of each kind under Icarus."""

    def faults(self) -> list[Fault]:
        found = all_faults(config())
        random.shuffle(found)
        return found if scaled(1, 0) else list({fault.kind: fault for fault in found}.values())


@pyuvm.test(expect_error=ScoreboardError)
class InjectedFault(ErrorTest):
    """A wrong error code must be seen."""

    corrupt = 0

    def faults(self) -> list[Fault]:
        return all_faults(config())[:1]
