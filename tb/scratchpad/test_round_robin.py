"""The arbiter of ports that take turns: each grant against a golden one."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import FallingEdge, RisingEdge
from pyuvm import uvm_test

from tb.common.arbiter import Turns
from tb.common.base import cycle, finish, scaled, start
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import StreamItem

DUT = cocotb.top
GROUP = "round_robin"
REQUESTS = len(DUT.request_i)

sample_served = events(f"{GROUP}.served", range(REQUESTS))
sample_choice = events(f"{GROUP}.choice", ["the only one", "behind the last", "the lowest again", "the first of all"])


class CoveredTurns(Turns):
    """Golden arbiter that covers who is served and why."""

    def grant(self, requests: int) -> int:
        """Who is served in a cycle, as a bit mask; nobody when nobody asks."""
        last, served = self.last, self.pick(requests)
        self.clock(served)
        if served:
            sample_choice(
                "the first of all"
                if last == REQUESTS
                else "the only one"
                if served == requests
                else "behind the last"
                if self.last > last
                else "the lowest again"
            )
            sample_served(self.last)
        return served


class TurnsTest(uvm_test):
    """Resets the arbiter, lets ``body`` ask and compares every grant."""

    injected = False

    def build_phase(self) -> None:
        self.grants = Scoreboard("grants", self)

    async def body(self) -> None:
        """Who asks when."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        DUT.request_i.value = 0
        await start(DUT)
        self.turns, began = CoveredTurns(REQUESTS), cycle()
        await self.body()
        finish(GROUP, self.grants.compared, self.grants.mismatches, cycle() - began, injected=self.injected)
        self.drop_objection()

    async def ask(self, requests: int, flip: int = 0) -> None:
        """Ask for a cycle and compare the grant, of which the bits in ``flip`` are falsified."""
        DUT.request_i.value = requests
        await FallingEdge(DUT.clk_i)
        self.grants.expect({"grant": self.turns.grant(requests)}, f"requests {requests:0{REQUESTS}b}")
        self.grants.write(StreamItem({"grant": int(DUT.grant_o.value) ^ flip}))
        await RisingEdge(DUT.clk_i)


@pyuvm.test()
class Everyone(TurnsTest):
    """Every set of requests behind every one that was served."""

    async def body(self) -> None:
        for last in range(REQUESTS):
            for requests in range(1 << REQUESTS):
                await self.ask(1 << last)
                await self.ask(requests)


@pyuvm.test()
class Anyone(TurnsTest):
    """Random requests, few or many, that stay until they are served or go away; now and then a reset."""

    async def body(self) -> None:
        for _ in range(scaled(40, 10)):
            rate, keeps, waiting = random.random(), random.random() < 0.5, 0
            for _ in range(50):
                coming = sum(1 << number for number in range(REQUESTS) if random.random() < rate)
                waiting = waiting | coming if keeps else coming
                await self.ask(waiting)
                waiting &= ~(1 << self.turns.last)
            DUT.request_i.value = random.getrandbits(REQUESTS)
            DUT.rst_ni.value = 0
            await RisingEdge(DUT.clk_i)
            DUT.rst_ni.value = 1
            self.turns = CoveredTurns(REQUESTS)


@pyuvm.test(expect_error=ScoreboardError)
class WrongGrantIsFound(TurnsTest):
    """A bit of one grant is falsified."""

    injected = True

    async def body(self) -> None:
        for number in range(10):
            await self.ask(random.getrandbits(REQUESTS), flip=int(number == 5) << random.randrange(REQUESTS))
