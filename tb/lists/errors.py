"""Errors from outside, and which of all errors is the first one."""

from __future__ import annotations

import random

from edge_qlora.registers import ErrorCode

from tb.common.base import cycle
from tb.lists.coverage import EVENTS, sample_pair, sample_seen
from tb.lists.engines import Engines
from tb.lists.memory import Memory
from tb.lists.model import ENGINES, LINE, MATRIX_ENGINE, Report
from tb.lists.pins import ADDRESS_BITS, LINE_BITS, Pins
from tb.lists.plan import Plan

CODES = {
    "bad": ErrorCode.FIELD,
    "read_range": ErrorCode.RANGE,
    "write_range": ErrorCode.RANGE,
    "stream": ErrorCode.STREAM,
    "overflow": ErrorCode.SEMAPHORE,
    "read_error": ErrorCode.AXI_READ,
    "write_error": ErrorCode.AXI_WRITE,
}
MASTER_EVENTS = ("read_range", "write_range", "read_error", "write_error")


class Errors:
    """Raise errors at random, those of the memory, and tell which one counts.

    Attributes:
        first: what must be reported, once an error has come.
        crowded: it was a refusal while commands waited behind the refused one.
        nonfinite: address of the first command that met NaN.
    """

    def __init__(self, plan: Plan, pins: Pins, engines: Engines, memory: Memory) -> None:
        self.plan, self.pins, self.engines, self.memory = plan, pins, engines, memory
        self.first: Report | None = None
        self.crowded = False
        self.nonfinite: int | None = None
        self.age = 0

    def note(self) -> None:
        """Look at the errors of this cycle, in which the list runs; before the engines' commands end."""
        plan, pins, engines = self.plan, self.pins, self.engines
        if pins["nonfinite"] and self.nonfinite is None:
            self.nonfinite = plan.address_of(engines.oldest(MATRIX_ENGINE))
        found: dict[str, tuple[int, int]] = {}
        if pins["bad"]:
            engine = (pins["bad"] & -pins["bad"]).bit_length() - 1
            found["bad"] = plan.address_of(engines.refused.get(engine, engines.issued[engine])), 0
        for name in ("read_range", "write_range", "stream", "overflow", "read_error", "write_error"):
            if name == "overflow":
                at, number, index = engines.overflow or (None, 0, 0)
                if at == cycle():
                    found[name] = plan.address_of(index), number
            elif pins[name] and name == "stream":
                found[name] = plan.address_of(engines.oldest(MATRIX_ENGINE)), 0
            elif pins[name]:
                found[name] = pins[f"{name}_tag"] * LINE, pins[f"{name}_addr"]
        if found and self.first is None:
            name = next(iter(found))
            if engines.finished and plan.items:
                sample_seen("error when all commands have ended")
            self.first = Report(CODES[name], *found[name])
            self.crowded = name == "bad" and engines.behind(engine) > 0
            known = [n for n in found if n in EVENTS]
            for n, first in enumerate(known):
                for second in known[n + 1 :]:
                    sample_pair(first, second)

    def step(self, stop: bool) -> None:
        """Choose the errors of the next cycle."""
        pins, raised = self.pins, {}
        if self.memory.range_error and not stop:
            raised["read_range"] = self.memory.range_error  # a level, until the masters are stopped
        if self.memory.read_error:
            raised["read_error"] = self.memory.read_error
        self.age += 1
        if self.age > self.plan.errors_from and random.random() < self.plan.error_rate:
            for name in self.plan.together or random.sample(EVENTS, random.choice((1, 2, 3))):
                raised.setdefault(name, (random.getrandbits(LINE_BITS), random.getrandbits(ADDRESS_BITS)))
        for name in MASTER_EVENTS:
            pins.put(**{name: int(name in raised)})
            if name in raised:
                pins.put(**{f"{name}_tag": raised[name][0], f"{name}_addr": raised[name][1]})
        pins.put(stream=int("stream" in raised and self.engines.oldest(MATRIX_ENGINE) is not None))
        if "bad" in raised:
            able = [e for e in range(ENGINES) if self.engines.issued[e] is not None and e not in self.engines.refused]
            pins.put(
                bad=pins["bad"] | sum(1 << e for e in random.sample(able, random.randint(min(1, len(able)), len(able))))
            )
