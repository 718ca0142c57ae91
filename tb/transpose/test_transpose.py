"""Tile transposer: random and directed tiles at all paces, sustained throughput, reset, injected faults."""

from __future__ import annotations

import itertools
import random

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from pyuvm import uvm_test

from tb.common.base import cycle, finish, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace, StreamSequence
from tb.transpose import coverage
from tb.transpose.env import TransposeEnv
from tb.transpose.model import KINDS, SIDE, elements, make_tile, to_beats


class TransposeTest(uvm_test):
    """Builds the environment and runs ``body`` after reset; one that injects a fault sets ``injected``."""

    injected = False
    utilisation: float | None = None

    def paces(self) -> tuple[Pace, Pace]:
        """Paces of the source and the sink."""
        return Pace(), Pace()

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.env = TransposeEnv("env", self, self.dut, *self.paces())
        self.rng = np.random.default_rng(random.getrandbits(64))

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(self.dut)
        began = cycle()
        await self.body()
        self.cycles = cycle() - began
        self.drop_objection()

    def extract_phase(self) -> None:
        finish(
            coverage.GROUP,
            self.env.scoreboard.compared,
            self.env.scoreboard.mismatches,
            self.cycles,
            utilisation=self.utilisation,
            unit="of cycles with a beat" if self.utilisation is not None else "",
            injected=self.injected,
        )

    def beats(self, kind: str, lines: int = SIDE, wide: bool | None = None) -> list[dict[str, int]]:
        """Transfers of a new tile of so many rows, wide or not as told or by chance."""
        if wide is None:
            wide = random.choice(self.env.widths)
        lanes, width = elements(self.env.lanes, self.env.width, wide)
        rows = make_tile(kind, width, self.rng)[:lines]
        return [{"data": beat, "lines": lines, "wide": int(wide)} for beat in to_beats(rows, lanes, width)]

    async def offer(self, beats: list[dict[str, int]]) -> None:
        """Send transfers and wait until all are accepted."""
        sending = StreamSequence(beats).start(self.env.agents["in"].sequencer)
        await within(100 * SIDE * len(beats), sending, "acceptance of all transfers")

    async def send(self, tiles: list[tuple]) -> None:
        """Send tiles, each the arguments of ``beats``, and wait for their transposes."""
        limit = 20 * SIDE * SIDE // self.env.lanes * len(self.env.widths) * (len(tiles) + 2)
        sent = [self.beats(*tile) for tile in tiles]
        monitors = [self.env.agents[side].monitor for side in ("in", "out")]
        before = [monitor.transfers for monitor in monitors]
        for monitor in monitors:
            monitor.measure()
        await within(limit, self.offer([beat for beats in sent for beat in beats]), "acceptance of all tiles")
        await within(limit, self.env.scoreboard.drained(), "delivery of all tiles")
        if not self.env.scoreboard.mismatches:
            for (kind, *_), beats in zip(tiles, sent, strict=True):
                coverage.sample_tile(kind, beats[0]["lines"], bool(beats[0]["wide"]))
            source, sink = (monitor.transfers - count for monitor, count in zip(monitors, before, strict=True))
            coverage.sample_paces(monitors[0].paused / source, monitors[1].stalled / sink)
        await ClockCycles(self.dut.clk_i, 4)


@pyuvm.test()
class EveryKind(TransposeTest):
    """A tile of each kind without a pause."""

    async def body(self) -> None:
        short = 12 if self.env.lanes < 16 else SIDE  # a tile takes many beats
        await self.send([(kind, SIDE if kind in ("random", "index") else short) for kind in KINDS])


@pyuvm.test()
class FewerRows(TransposeTest):
    """Tiles of fewer rows, each after a full tile of ones, which must not show through."""

    async def body(self) -> None:
        lanes = self.env.lanes
        wanted = [1, lanes // 2, lanes - 1, lanes, lanes + 1, SIDE - 1, random.randrange(2, SIDE - 1)]
        if lanes < 16:  # a tile takes many beats
            wanted = [1, SIDE - 1]
        short = sorted({lines for lines in wanted if 0 < lines < SIDE})
        await self.send([tile for lines in short for tile in (("ones", SIDE), ("ones", SIDE), ("random", lines))])


@pyuvm.test()
class FewerRowsInARow(TransposeTest):
    """Short tiles in close order, so that input and output take turns in waiting."""

    def paces(self) -> tuple[Pace, Pace]:
        return Pace(0.1, 3), Pace(0.1, 3)

    async def body(self) -> None:
        await self.send([("random", random.randrange(1, SIDE + 1)) for _ in range(8 if self.env.lanes >= 16 else 4)])


@pyuvm.test()
class PatientSink(TransposeTest):
    """A sink that is ready only for what is offered, which must not wait for it."""

    def paces(self) -> tuple[Pace, Pace]:
        return Pace(), Pace(0.3, 3, after_valid=True)

    async def body(self) -> None:
        await self.send([("random", random.randrange(1, 24)) for _ in range(2)])


@pyuvm.test()
class RandomPaces(TransposeTest):
    """Random tiles at every combination of a never, seldom and often pausing source and sink."""

    async def body(self) -> None:
        choices = ((0.0, 1), (0.2, 3), (0.6, 3))
        combinations = list(itertools.product(choices, choices))
        random.shuffle(combinations)
        # A sink that never pauses ends its driver, so its pace only ever changes among those that pause.
        combinations.sort(key=lambda pair: pair[1][0] == 0)
        for (pause_in, longest_in), (pause_out, longest_out) in combinations:
            source, sink = self.env.paces["in"], self.env.paces["out"]
            source.pause, source.longest = pause_in, longest_in
            sink.pause, sink.longest = pause_out, longest_out
            if self.env.lanes < 16:
                lines = [random.randrange(1, 24)]
            else:
                # The full one has beats enough to tell paces apart.
                lines = [SIDE] + [random.randrange(2, SIDE - 1) for _ in range(random.choice((0, 1, 2)))]
                random.shuffle(lines)
            await self.send([(random.choice(KINDS), each) for each in lines])

    def paces(self) -> tuple[Pace, Pace]:
        return Pace(0.0), Pace(0.6, 3)


@pyuvm.test()
class LongGaps(TransposeTest):
    """Long pauses now and then on both sides: buffers run full and empty."""

    def paces(self) -> tuple[Pace, Pace]:
        beats = SIDE * SIDE // int(cocotb.top.LANES.value)
        return Pace(4 / beats, 2 * beats), Pace(4 / beats, 2 * beats)

    async def body(self) -> None:
        await self.send([("random", SIDE)] * (3 if self.env.lanes >= 16 else 2))


@pyuvm.test()
class Throughput(TransposeTest):
    """Tiles in close order: from first to last beat neither side misses a cycle."""

    async def body(self) -> None:
        tiles, watcher, slots = 4, self.env.watcher, []
        for wide in self.env.widths:
            watcher.clear()
            await self.send([("random", SIDE, wide)] * tiles)
            beats = SIDE * SIDE // elements(self.env.lanes, self.env.width, wide)[0]
            assert watcher.beats == [tiles * beats] * 2, watcher.beats
            spans = [last - first + 1 for first, last in (watcher.accepted, watcher.delivered)]
            assert spans == [tiles * beats] * 2, f"{tiles * beats} beats took {spans} cycles"
            latency = watcher.delivered[0] - watcher.accepted[0]
            assert latency == beats + 2, f"latency is {latency} cycles, documented is {beats + 2}"
            slots.append(tiles * beats / max(spans))
        self.utilisation = min(slots)


class Reset(TransposeTest):
    """A reset drops what is inside; the next tile is right from its first element."""

    async def interrupt(self) -> None:
        """Bring the DUT to the state in which the reset comes."""
        raise NotImplementedError

    async def body(self) -> None:
        await self.interrupt()
        self.dut.in_valid_i.value = 0
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 2)
        self.env.predictor.beats.clear()
        self.env.scoreboard.expected.clear()
        self.dut.rst_ni.value = 1
        await RisingEdge(self.dut.clk_i)
        assert not self.dut.out_valid_o.value, "valid after reset"
        await self.send([("index", SIDE), ("random", SIDE)])


@pyuvm.test()
class ResetWithinATile(Reset):
    """The reset comes while a tile enters."""

    async def interrupt(self) -> None:
        beats = self.beats("random")
        await self.offer(beats[: random.randrange(1, len(beats))])


@pyuvm.test()
class ResetWhileATileLeaves(Reset):
    """The reset comes while one tile leaves and the next enters."""

    async def interrupt(self) -> None:
        first, second = self.beats("random"), self.beats("random")
        await self.offer(first + second[: random.randrange(4, min(len(first), len(second)))])
        assert self.dut.out_valid_o.value


@pyuvm.test(expect_error=ScoreboardError)
class CorruptOutput(TransposeTest):
    """The scoreboard sees one bit of the output flipped and must object."""

    injected = True

    async def body(self) -> None:
        self.env.agents["out"].monitor.corrupt = random.randrange(SIDE * SIDE // self.env.lanes)
        await self.send([("random", SIDE)])


@pyuvm.test(expect_error=ScoreboardError)
class ExchangedBeats(TransposeTest):
    """The DUT gets two beats of a tile in the wrong order, the predictor in the right one."""

    injected = True

    async def body(self) -> None:
        predictor = self.env.predictor
        right = self.beats("random")
        first = random.randrange(len(right) - 1)
        wrong = [*right[:first], right[first + 1], right[first], *right[first + 2 :]]
        await self.offer(wrong[:-1])
        predictor.beats[:] = [beat["data"] for beat in right[:-1]]
        await self.offer(wrong[-1:])
        await within(20_000, self.env.scoreboard.drained(), "delivery of the tile")
