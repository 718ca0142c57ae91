"""Reset of a clock domain: requests at any time, of any length, also while the clock stands still."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import RisingEdge, Timer
from pyuvm import uvm_test

from tb.common.base import PERIOD_NS, cycle, finish, scaled
from tb.common.coverage import counted, events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import StreamItem

DUT = cocotb.top
EDGES = 3  # of the clock, after which a reset ends
STEPS = 20  # of a clock period: requests come and go at the odd ones, edges are at even ones
STEP_PS = PERIOD_NS * 1000 // STEPS
GROUP = "sync_reset"
LENGTHS, CLOCKS, STATES = ("shorter than a cycle", "longer"), ("clock runs", "clock stands"), ("at rest", "in a reset")

sample = events(f"{GROUP}.request", [(a, b, c) for a in LENGTHS for b in CLOCKS for c in STATES])


@pyuvm.test()
class Requests(uvm_test):
    """The reset begins at once and ends with the third edge after the request."""

    injected = False
    edges = EDGES

    def build_phase(self) -> None:
        self.board = Scoreboard("scoreboard", self)
        self.runs, self.seen = True, 0

    async def clock(self) -> None:
        """A clock that stops now and then; counts its edges."""
        while True:
            DUT.clk_i.value = 0
            await Timer(STEPS // 2 * STEP_PS, "ps")
            if self.runs:
                DUT.clk_i.value = 1
                self.seen += 1
            await Timer(STEPS // 2 * STEP_PS, "ps")

    def compare(self, expected: int, what: str) -> None:
        """Hold the reset against what it should be."""
        self.board.expect({"released": expected}, what)
        self.board.write(StreamItem({"released": int(DUT.rst_no.value)}))

    async def request(self) -> None:
        """A reset: its beginning, its length, and what comes until it has ended, or some edges of that."""
        runs, long = random.random() < 0.7, random.random() < 0.5
        state = STATES[int(DUT.rst_no.value) == 0]
        if not runs:
            self.runs = False
        DUT.request_ni.value = 0
        await Timer(1, "ps")
        self.compare(0, "just after a request")
        steps = 2 * (random.randrange(STEPS // 2, 3 * STEPS) if long else random.randrange(STEPS // 2)) + 1
        for _ in range(steps):
            await Timer(STEP_PS, "ps")
            self.compare(0, "during a request")
        await Timer(STEP_PS - 1, "ps")
        DUT.request_ni.value, self.runs = 1, True
        await Timer(1, "ps")
        begin = self.seen
        self.compare(0, "just after the request's end")
        for edge in range(1, random.randint(1, EDGES + 3) + 1):
            await RisingEdge(DUT.clk_i)
            await Timer(STEP_PS, "ps")
            self.compare(edge >= self.edges, f"after edge {edge}")
        assert self.seen - begin >= edge
        sample((LENGTHS[steps >= STEPS], CLOCKS[not runs], state))

    async def run_phase(self) -> None:
        self.raise_objection()
        counted.begin()
        DUT.request_ni.value = 0
        cocotb.start_soon(self.clock())
        await Timer(3 * STEPS * STEP_PS + STEP_PS, "ps")
        begin = cycle()
        for _ in range(scaled(400, 200)):
            await self.request()
        finish(GROUP, self.board.compared, self.board.mismatches, cycle() - begin, injected=self.injected)
        self.drop_objection()


@pyuvm.test(expect_error=ScoreboardError)
class EndsLater(Requests):
    """An edge earlier than it does is wrong."""

    injected = True
    edges = EDGES - 1
