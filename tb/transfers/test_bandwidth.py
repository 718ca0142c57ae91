"""Bandwidth of the engines on a memory that never makes the bus wait: share of cycles with a beat."""

from __future__ import annotations

import cocotb
import pyuvm
from edge_qlora.command_layout import ValueFormat

from tb.common.base import scaled
from tb.common.scoreboard import ScoreboardError
from tb.models.transfers import LINE, Fields
from tb.transfers.env import BUS, TransfersTest
from tb.transfers.stimulus import READ_FORMATS, WORDS, simple_load, whole

ENOUGH = 0.95
FILLED = WORDS * 32 // LINE  # lines that hold a whole scratchpad of FP32 values
TILE = 33  # lines of a tile of codes
WEIGHTS = 4000  # beats, longer than the READ commands take beside them


def tiles(count: int, lines: int) -> Fields:
    """A LOAD command of so many contiguous pieces."""
    return simple_load(header_lines=0, count=count, address0=0, step0=lines, lines0=lines, rows0=1, rows1=0)


def rate(beats: list[int]) -> float:
    """Beats per cycle, from the first to the last."""
    return len(beats) / (beats[-1] - beats[0] + 1)


@pyuvm.test()
class Bandwidth(TransfersTest):
    """WRITE alone; LOAD alone, a command per tile; LOAD beside READ of FP32 and of FP16, which takes half the rate."""

    ideal = True
    full_speed = True

    async def body(self) -> None:
        pulses = self.env.pulses
        await self.run(20_000, write=[whole(ValueFormat.FP32, WORDS)])
        rates = {"WRITE": rate(pulses.writes) * max(1, BUS // 256)}
        pulses.writes.clear()
        await self.run(20_000, write=[whole(ValueFormat.BFP8, WORDS)])
        rates["WRITE of BFP8"] = rate(pulses.writes) * (BUS // 64)  # a word makes 64 bits
        pulses.reads.clear()
        await self.run(20_000, load=[tiles(1, TILE)] * scaled(20, 6))
        rates["LOAD"] = rate(pulses.reads)
        for form in READ_FORMATS:
            pulses.reads.clear()
            loads = [tiles(4, FILLED // 4)] * (WEIGHTS * BUS // 8 // LINE // FILLED + 1)
            await self.run(60_000, load=loads, read=[whole(form, WORDS // 4)] * 2)
            rates[f"LOAD and READ of {form.name}"] = rate(pulses.reads)
        for what, found in rates.items():
            cocotb.log.info(f"BANDWIDTH {BUS} bits, {what}: {100 * found:.2f} % of what is possible")
        self.utilisation = "of bus cycles", min(rates.values())
        assert min(rates.values()) >= ENOUGH, f"at least {100 * ENOUGH} % of bus cycles must carry a beat: {rates}"
        found = await self.read_words(range(WORDS))
        if (found != self.env.scratch).any():
            raise ScoreboardError("the scratchpad differs from what was read")
        self.compared += WORDS
