"""Event counters, cycle by cycle against plain ones."""

from __future__ import annotations

import random
from collections.abc import Mapping

import cocotb
import pyuvm

from tb.common.coverage import events
from tb.common.cycles import CycleTest
from tb.common.scoreboard import ScoreboardError

GROUP = "event_counters"
COUNT = len(cocotb.top.event_i)
WIDTH = len(cocotb.top.count_o) // COUNT

sample = events(f"{GROUP}.counter", ["carry", "wraps", "cleared", "event with its clear"])


class Counters:
    """Golden counters: an event shows three cycles after it happens."""

    def __init__(self) -> None:
        self.clear, self.events = 1, 0  # registered
        self.counts, self.shown = [0] * COUNT, [0] * COUNT
        self.known = False  # from the second cycle behind a reset on

    def inputs(self, rates: Mapping[str, float]) -> dict[str, int]:
        """Events of each counter, and seldom a clear."""
        happened = sum(1 << n for n in range(COUNT) if random.random() < rates[f"event{n}"])
        return {"event_i": happened, "clear_i": int(random.random() < rates["clear"] / 100)}

    def outputs(self, pins: Mapping[str, int]) -> dict[str, int]:
        """What all counters show."""
        return {"count_o": sum(count << WIDTH * n for n, count in enumerate(self.shown))} if self.known else {}

    def clock(self, pins: Mapping[str, int]) -> None:
        """Count the events of the cycle before."""
        self.shown = [0] * COUNT if self.clear else self.counts
        counted = [(count + (self.events >> n & 1)) % (1 << WIDTH) for n, count in enumerate(self.counts)]
        self.counts = [0] * COUNT if self.clear else counted
        for was, now in zip(self.shown, self.counts, strict=True):
            if now < was:
                sample("wraps")
            elif now >> WIDTH // 2 > was >> WIDTH // 2:
                sample("carry")
        if pins["clear_i"]:
            sample("event with its clear" if pins["event_i"] else "cleared")
        self.clear, self.events, self.known = pins["clear_i"], pins["event_i"], True


class CountersTest(CycleTest):
    """Counters with random events."""

    group, golden = GROUP, Counters
    kinds = (*(f"event{n}" for n in range(COUNT)), "clear")
    phases, length = 30, 600


@pyuvm.test()
class Counted(CountersTest):
    """All counters in every cycle."""


@pyuvm.test(expect_error=ScoreboardError)
class WrongCountIsFound(CountersTest):
    """A bit of one count is falsified."""

    flip, phases = "count_o", 2
