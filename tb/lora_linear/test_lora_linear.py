"""Forward and backward of a QLoRA linear layer on the whole accelerator, bit for bit."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from pyuvm import uvm_test

from tb.common.base import config, cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.lora_linear.coverage import sample
from tb.lora_linear.device import LONGEST_JOB
from tb.lora_linear.env import JobItem, Jobs, LayerEnv
from tb.lora_linear.jobs import LayerJob, random_job


class LayerTest(uvm_test):
    """Run jobs one after the other; subclasses say which."""

    corrupt: int | None = None
    full_speed = False
    size = 1 << 20

    def build_phase(self) -> None:
        self.env = LayerEnv("env", self, cocotb.top, self.size, self.full_speed)

    def end_of_elaboration_phase(self) -> None:
        self.env.monitor.corrupt = self.corrupt

    def jobs(self) -> list[LayerJob]:
        """The jobs of this test."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        begin = cycle()
        items = []
        for job in self.jobs():
            sample(job)
            items.append(JobItem(job))
        await Jobs(items).start(self.env.sequencer)
        await within(LONGEST_JOB, self.env.scoreboard.drained(), "results of the last job")
        board = self.env.scoreboard
        finish("lora_linear", board.compared, board.mismatches, cycle() - begin, injected=self.corrupt is not None)
        self.drop_objection()


@pyuvm.test()
class Random(LayerTest):
    """Random sizes, formats and values, with random stalls on every channel."""

    def jobs(self) -> list[LayerJob]:
        found = []
        for _ in range(scaled(20, 2)):
            n, k = (64 * random.randint(1, 3) for _ in range(2))
            tokens = random.choice([1, 2, random.randint(1, 20), config()["max_rows"] + 1])
            rank = random.choice([0, 1, random.randint(2, 63), 64])
            found.append(random_job(random.random() < 0.5, n, k, tokens, rank))
        return found


@pyuvm.test(expect_error=ScoreboardError)
class InjectedFault(LayerTest):
    """One flipped bit of one result row must be seen."""

    corrupt = 2

    def jobs(self) -> list[LayerJob]:
        return [random_job(False, 64, 64, 3, 2)]
