"""Stand-ins for the engines: take commands, keep them for a while, end or refuse them; check each against the list."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from tb.common.base import cycle
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamItem
from tb.lists.coverage import sample_seen
from tb.lists.model import BITS, ENGINES, LARGEST, MATRIX_ENGINE, OVERLAPPING, SEMAPHORES, bits
from tb.lists.pins import DUT, LINE_BITS, Pins
from tb.lists.plan import Plan

STORED = (1 << BITS) - (1 << 32)  # word 0 is not handed on
WORDS = BITS // 64  # in which a command goes to its queue


@dataclass
class Flight:
    """A command in its engine: the cycles that it takes yet, and whether it uses the bus."""

    index: int
    remaining: int
    traffic: bool


class Engines:
    """The five engines.

    Args:
        plan: the list.
        pins: inputs of the DUT.
        board: commands as engines take them.
        in_flight: commands in flight that a queue allows; engines whose commands overlap take as many as come.

    Attributes:
        flights: commands in each engine, oldest first.
        issued: index of the last command that each took.
        words: words of commands that came to each queue.
        refused: index of the command that each refuses.
        overflow: cycle, semaphore and command of the first overflow.
        active: a command made a step in this cycle.
        corrupt: flip a bit of the next command that the scoreboard sees (fault injection).
    """

    def __init__(self, plan: Plan, pins: Pins, board: Scoreboard, in_flight: int) -> None:
        self.plan, self.pins, self.board, self.in_flight = plan, pins, board, in_flight
        self.left = [deque(n for n, item in enumerate(plan.items) if item.engine == e) for e in range(ENGINES)]
        self.flights: list[deque[Flight]] = [deque() for _ in range(ENGINES)]
        self.issued: list[int | None] = [None] * ENGINES
        self.words, self.taken, self.blocked = [0] * ENGINES, [0] * ENGINES, [-1] * ENGINES
        self.seen: set[str] = set()
        self.refusals: dict[int, int] = {}
        self.refused: dict[int, int] = {}
        self.counts = [0] * SEMAPHORES
        self.overflow: tuple[int, int, int] | None = None
        self.paces = [Pace() if plan.fast else Pace.any() for _ in range(ENGINES)]
        self.pauses = [0] * ENGINES
        self.active, self.corrupt = False, False

    @property
    def finished(self) -> bool:
        """Every command was taken and has ended."""
        return not any(self.left) and not any(self.flights)

    @property
    def traffic(self) -> bool:
        """An engine uses the bus."""
        return any(command.traffic for command in self.going)

    @property
    def going(self) -> list[Flight]:
        """Commands in the engines but those that are stuck, and those behind them."""
        return [c for flight in self.flights if flight and flight[0].index not in self.plan.stuck for c in flight]

    def behind(self, engine: int) -> int:
        """Commands that are in an engine's queue."""
        return self.words[engine] // WORDS - self.taken[engine]

    def oldest(self, engine: int) -> int | None:
        """Index of the oldest command in an engine."""
        return self.flights[engine][0].index if self.flights[engine] else None

    def reset(self) -> None:
        """Forget everything."""
        self.flights, self.refusals = [deque() for _ in range(ENGINES)], {}
        self.pins.put(cmd_ready=0, bad=0, done=0, nonfinite=0, activity=0)

    def step(self) -> None:
        """One cycle: what came, then what comes next."""
        pins = self.pins
        assert int(DUT.in_engine_o.value) == sum(bool(f) << e for e, f in enumerate(self.flights)), "in_engine_o"
        self._queues()
        taken = int(DUT.cmd_valid_o.value) & pins["cmd_ready"]
        for engine in bits(taken):
            self._take(engine)
        ended = [(engine, self.flights[engine].popleft().index) for engine in bits(pins["done"])]
        self._post(ended)
        self.active = bool(taken or ended or pins["activity"])
        if sum(map(bool, self.flights)) >= 4:
            self._see("commands in four engines")
        if any(len(flight) > 1 for flight in self.flights):
            self._see("two commands in one engine")
        self._choose()

    def _see(self, what: str) -> None:
        """Something happened, perhaps not for the first time in this list."""
        if what not in self.seen:
            self.seen.add(what)
            sample_seen(what)

    def _queues(self) -> None:
        """What comes to the queues, and what waits at their other ends."""
        if not (queues := int(DUT.queues_o.value)):
            return
        came, full, waiting = (queues >> part * ENGINES & (1 << ENGINES) - 1 for part in range(3))
        for engine in bits(came):
            self.words[engine] += 1
        if full:
            self._see("queue full")
        if any(len(flight) == self.in_flight and self.behind(e) for e, flight in enumerate(self.flights)):
            self._see("as many in one engine as may be, and one behind")
        able = 0
        for engine in bits(waiting):
            assert self.left[engine], f"engine {engine} has a command that the list does not have"
            index = self.left[engine][0]
            waits = self.plan.items[index].waits
            if not all(self.counts[number] for number in bits(waits)):
                self.blocked[engine] = index
            else:
                if any(self.counts[number] == 1 for number in bits(waits & able)):
                    self._see("two engines ask for the last count of a semaphore")
                able |= waits

    def _take(self, engine: int) -> None:
        assert self.left[engine], f"engine {engine} got a command that the list does not have"
        index = self.left[engine].popleft()
        item = self.plan.items[index]
        word, line = self._part(DUT.cmd_o, engine, BITS), self._part(DUT.cmd_tag_o, engine, LINE_BITS)
        if self.corrupt:
            word, self.corrupt = word ^ 1 << random.randrange(BITS), False
        self.board.expect({"cmd": item.word & STORED, "line": self.plan.line + index}, f"command {index}")
        self.board.write(StreamItem({"cmd": word, "line": line}))
        for number in bits(item.waits):
            assert self.counts[number] > 0, f"command {index} began without semaphore {number}"
            self.counts[number] -= 1
        if self.blocked[engine] == index:
            self._see("command begun after a post that it waited for")
        self.issued[engine] = index
        self.taken[engine] += 1
        duration = self.plan.slow.get(index, random.randint(1, self.plan.durations))
        alone = engine in OVERLAPPING or not self.flights[engine]
        assert alone, f"engine {engine} was given a command while it was not ready"
        self.flights[engine].append(Flight(index, duration, random.random() < 0.5))
        assert len(self.flights[engine]) <= self.in_flight, f"engine {engine} was given more than the queue can keep"
        if index in self.plan.refused:
            self.refusals[engine], self.refused[engine] = self.plan.refused[index], index

    @staticmethod
    def _part(signal, engine: int, width: int) -> int:
        """An engine's part of a vector; those of engines that never had a command are unknown."""
        return int(signal.value[width * (engine + 1) - 1 : width * engine])

    def _post(self, ended: list[tuple[int, int]]) -> None:
        posts = [(index, self.plan.items[index].post) for _, index in sorted(ended) if self.plan.items[index].post]
        if len(posts) > 1:
            self._see("posts of two engines in one cycle")
        if len(posts) == ENGINES:
            self._see("posts of all engines in one cycle")
        for _, post in posts:
            for number in bits(post):
                self.counts[number] += 1
        over = [number for number in sorted(self.plan.counted) if self.counts[number] > LARGEST]
        if over and not self.overflow:
            by = next(index for index, post in posts if post >> over[0] & 1)
            self.overflow = cycle() + 5, over[0], by

    def _choose(self) -> None:
        plan, done, ready, bad = self.plan, 0, 0, 0
        for engine, flight in enumerate(self.flights):
            for command in flight:
                command.remaining -= 1
            if engine in self.refusals:
                self.refusals[engine] -= 1
                bad |= (self.refusals[engine] == 0) << engine
            elif flight and flight[0].remaining <= 0 and flight[0].index not in plan.stuck:
                done |= (not plan.meet or all(self.flights)) << engine
            room = engine in OVERLAPPING or not flight
            self.pauses[engine] = self.pauses[engine] - 1 if self.pauses[engine] else self.paces[engine].cycles()
            ready |= (room and self.refusals.get(engine, 1) > 0 and not self.pauses[engine]) << engine
        matrix = self.oldest(MATRIX_ENGINE) if done >> MATRIX_ENGINE & 1 else None
        activity = int(bool(self.going) and random.random() < 0.2)
        self.pins.put(done=done, cmd_ready=ready, bad=bad, activity=activity, nonfinite=int(matrix in plan.nonfinite))
