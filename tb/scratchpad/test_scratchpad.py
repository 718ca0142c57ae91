"""The scratchpad: random traffic against a golden memory, throughput of walking ports, fairness, a fault to be seen."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.scratchpad.env import BANKS, DUT, GROUP, READERS, WORDS, WRITERS, ScratchpadEnv


def walk(count: int, begin: int, stride: int = 1) -> Iterator[int]:
    """Addresses from ``begin`` on, around the end."""
    return ((begin + stride * step) % WORDS for step in range(count))


def wander(count: int) -> Iterator[int]:
    """Addresses as the engines make them, now and then all over the place."""
    while count > 0:
        length, kind = min(count, random.randint(1, 30)), random.random()
        if kind < 0.5:
            yield from walk(length, random.randrange(WORDS))
        elif kind < 0.7:
            yield from walk(length, random.randrange(WORDS), BANKS)
        elif kind < 0.85:
            yield from (random.randrange(4) for _ in range(length))  # so that ports meet
        else:
            yield from (random.randrange(WORDS) for _ in range(length))
        count -= length


class ScratchpadTest(uvm_test):
    """Fills the memory, then runs what ``body`` gives the ports to do."""

    injected = False
    utilisation: tuple[str, float] | None = None

    def build_phase(self) -> None:
        self.env = ScratchpadEnv("env", self)

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run(self, reads: list[Iterator[int]], writes: list[Iterator[int]], limit: int) -> None:
        """Let the ports make these accesses."""
        ports = self.env.ports
        for port, accesses in zip(ports.readers + ports.writers, reads + writes, strict=True):
            port.accesses = accesses
        ports.start()
        await within(limit, ports.idle.wait(), "the end of all accesses")
        left = [next(port.accesses, None) for port in ports.readers + ports.writers]
        assert left == [None] * len(left), "accesses were left out"

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(DUT)
        began, ports = cycle(), self.env.ports
        first = ports.writers[0]
        first.whole = True
        await self.run([iter(())] * READERS, [walk(WORDS, 0)] + [iter(())] * (WRITERS - 1), 2 * WORDS)
        first.whole = False
        await self.body()
        (unit, ratio), board = self.utilisation or ("", None), ports.board
        finish(GROUP, board.compared, board.mismatches, cycle() - began, ratio, unit, self.injected)
        self.drop_objection()


@pyuvm.test()
class RandomTraffic(ScratchpadTest):
    """All ports at random, with pauses and without, often at the same bank and the same word."""

    async def body(self) -> None:
        count = scaled(1500, 400)
        for _ in range(4):
            ports = self.env.ports
            for port in ports.readers + ports.writers:
                port.pace = Pace.any()
            await self.run(
                [wander(count) for _ in range(READERS)], [wander(count) for _ in range(WRITERS)], 100 * count
            )


@pyuvm.test()
class Walks(ScratchpadTest):
    """All ports walk along words, wherever they begin: as many as there are banks in every cycle."""

    async def body(self) -> None:
        count = scaled(1000, 300)
        reads, writes = ([walk(count, random.randrange(WORDS)) for _ in range(ports)] for ports in (READERS, WRITERS))
        await self.run(reads, writes, 10 * count)
        # Fewer banks than readers can only serve so many.
        slots = self.env.ports.cycles * min(READERS, BANKS)
        self.utilisation = "of the banks' read slots, ports walk", READERS * count / slots
        assert self.utilisation[1] >= 0.95, f"{self.env.ports.cycles} cycles for {count} words per port"


@pyuvm.test()
class OneBank(ScratchpadTest):
    """All readers and all writers want the same bank for ever: it is never idle."""

    async def body(self) -> None:
        count, bank = scaled(300, 100), random.randrange(BANKS)
        reads, writes = ([walk(count, bank, BANKS) for _ in range(ports)] for ports in (READERS, WRITERS))
        await self.run(reads, writes, 10 * count)
        cycles = self.env.ports.cycles
        assert cycles <= READERS * count + 10, f"{READERS} readers took {cycles} cycles for {count} words each"
        self.utilisation = "of a bank's read slots", READERS * count / cycles


@pyuvm.test()
class Shares(ScratchpadTest):
    """While all want one bank, reader 0 never waits, and the others' numbers of reads never differ by more than one."""

    async def body(self) -> None:
        ports, count = self.env.ports, 60
        before, served, waited = ports._reads, [], 0

        def watched() -> int:
            nonlocal waited
            asks = ports.readers[0].offer is not None
            ready = before()
            waited += asks and not ready & 1
            served.append([port.served for port in ports.readers[1:]])
            return ready

        ports._reads = watched
        ports.readers[0].pace = Pace(0.6, 4)  # else the others come behind it
        await self.run([walk(count, 0, BANKS) for _ in range(READERS)], [iter(())] * WRITERS, 10 * READERS * count)
        busy = [counts for counts in served[5:] if max(counts) < count]
        assert len(busy) > count and all(max(counts) - min(counts) <= 1 for counts in busy), "a reader was passed over"
        assert not waited, f"reader 0 waited {waited} times"


@pyuvm.test()
class FirstAfterReset(ScratchpadTest):
    """Ports that come first to a bank after a reset, in the same cycle: the lowest is served first; words stay."""

    async def body(self) -> None:
        for bank in range(BANKS):
            DUT.rst_ni.value = 0
            await ClockCycles(DUT.clk_i, 2)
            DUT.rst_ni.value = 1
            # Reader 0 has no turn.
            reads = [iter(()), *(walk(3, bank, BANKS) for _ in range(READERS - 1))]
            await self.run(reads, [walk(3, bank, BANKS) for _ in range(WRITERS)], 100)


@pyuvm.test(expect_error=ScoreboardError)
class CorruptAnswer(ScratchpadTest):
    """One flipped bit of one answer must be seen."""

    injected = True

    async def body(self) -> None:
        self.env.ports.corrupt = random.randrange(100)
        await self.run([wander(60) for _ in range(READERS)], [wander(60) for _ in range(WRITERS)], 5000)
