"""NF4 quantizer against the golden model, bit for bit."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb_coverage.coverage import CoverPoint, coverage_section

from tb.common.base import cycle, scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.models import nf4
from tb.nf4_quant.base import StreamsTest, lanes, nibbles
from tb.nf4_quant.stimulus import KINDS, near_bounds, widen

GROUP = "nf4_quant"
NORMAL_KINDS = [kind for kind in KINDS if kind != "nonfinite"]
# Cycles from the first beat of a block to its output, by LANES.
LATENCY = {1: 167, 4: 72, 8: 60, 16: 56}
SCALES = ["zero", "below 1e-38", "subnormal above", "normal", "2**126", "2**127", "NaN"]


@dataclass(frozen=True)
class Block:
    """One block of stimulus: its kind, format, bit patterns and what the golden model makes of it."""

    kind: str
    fmt: str
    bits: np.ndarray
    codes: np.ndarray
    absmax: int
    nonfinite: bool

    @classmethod
    def make(cls, kind: str, fmt: str, rng: np.random.Generator) -> Block:
        """A random block of a kind."""
        return cls.of(kind, fmt, KINDS[kind](rng, fmt))

    @classmethod
    def of(cls, kind: str, fmt: str, bits: np.ndarray) -> Block:
        """A block of these values."""
        codes, absmax, nonfinite = nf4.quantize(widen(bits, fmt))
        return cls(kind, fmt, bits, codes, int(absmax.view(np.uint32)[0]), bool(nonfinite[0]))

    @property
    def scale(self) -> str:
        """Class of the block's absmax."""
        if self.nonfinite:
            return "NaN"
        if self.absmax < 0x800000:
            below = self.absmax < int(nf4.SMALLEST_SCALE.view(np.uint32))
            return "zero" if self.absmax == 0 else "below 1e-38" if below else "subnormal above"
        return {253: "2**126", 254: "2**127"}.get(self.absmax >> 23, "normal")


block_section = coverage_section(
    CoverPoint(
        f"{GROUP}.kind",
        xf=lambda block: f"{block.fmt} x {block.kind}",
        bins=[f"{fmt} x {kind}" for fmt in nf4.FORMATS for kind in KINDS],
    ),
    CoverPoint(f"{GROUP}.scale", xf=lambda block: block.scale, bins=SCALES),
)


@block_section
def sample_block(block: Block) -> None:
    """A block was offered."""


@CoverPoint(f"{GROUP}.code", bins=list(range(16)))
def sample_code(code: int) -> None:
    """A code was expected."""


class QuantTest(StreamsTest):
    """A test of nf4_quantizer."""

    group = GROUP
    inputs = {"in": ("data", "fmt")}
    outputs = {"out": ("codes", "absmax", "nonfinite", "index")}
    controls = ("clear_i",)
    per_transfer = {"out": nf4.BLOCK}

    def build_phase(self) -> None:
        super().build_phase()
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.lanes = int(self.dut.LANES.value)
        self.beats = nf4.BLOCK // self.lanes
        self.index = 0

    def blocks(self, count: int, kinds: list[str] | None = None) -> list[Block]:
        """Random blocks of the given kinds (default: all) in random formats."""
        chosen = kinds or list(KINDS)
        return [Block.make(random.choice(chosen), random.choice(list(nf4.FORMATS)), self.rng) for _ in range(count)]

    def items(self, blocks: list[Block]):
        """Input beats of the blocks. Only the first beat's format counts; slots above 16-bit values hold junk."""
        for block in blocks:
            bits = block.bits
            if block.fmt != "fp32":
                bits = bits | self.rng.integers(0, 1 << 16, bits.size, dtype=np.uint32) << np.uint32(16)
            for number, data in enumerate(lanes(bits, self.lanes)):
                yield {"data": data, "fmt": random.randrange(3) if number else nf4.FORMATS[block.fmt]}

    def expect(self, blocks: list[Block]) -> None:
        """Queue what the blocks must become, and sample the coverage."""
        for block in blocks:
            self.env.expect(
                "out",
                [
                    {
                        "codes": nibbles(block.codes)[0],
                        "absmax": block.absmax,
                        "nonfinite": int(block.nonfinite),
                        "index": self.index & 0xFFFFFFFF,
                    }
                ],
                f"{block.fmt} {block.kind}, block",
            )
            self.index += 1
            sample_block(block)
            for code in np.unique(block.codes):
                sample_code(int(code))

    async def quantize(self, blocks: list[Block]) -> None:
        """Send blocks and wait for all codes."""
        self.expect(blocks)
        await self.traffic({"in": self.items(blocks)}, limit=2000 + 60 * self.beats * len(blocks))


class Random(QuantTest):
    """Blocks of all kinds and formats with random pauses on both sides."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace.any(), "out": Pace.any()}

    async def body(self) -> None:
        await self.quantize(self.blocks(scaled(640, 40) * 8 // max(self.beats, 8)))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class SlowConsumer(Random):
    """A consumer that takes a block now and then: everything inside fills up."""

    def paces(self) -> dict[str, Pace]:
        return {"out": Pace(0.9, 12 * self.beats_per_block())}

    def beats_per_block(self) -> int:
        """Input beats of a block, before the environment exists."""
        return nf4.BLOCK // int(self.dut.LANES.value)

    async def body(self) -> None:
        await self.quantize(self.blocks(scaled(80, 40)))


@pyuvm.test()
class FullSpeed(QuantTest):
    """Without pauses a block enters every 64/LANES cycles, in at least 95 % of the cycles."""

    async def body(self) -> None:
        blocks = self.blocks(scaled(1600, 80) * 8 // max(self.beats, 8), NORMAL_KINDS)
        self.expect(blocks)
        items = self.items(blocks)
        before = cycle()
        await within(80 * self.beats * len(blocks), self.send("in", items), "acceptance of all blocks")
        spent = cycle() - before
        self.utilisation = self.beats * len(blocks) / spent
        self.unit = "of cycles take a beat"
        assert self.utilisation >= 0.95, f"{self.beats * len(blocks)} beats took {spent} cycles"
        await within(2000, self.env.drained(), "arrival of the last blocks")


@pyuvm.test()
class Latency(QuantTest):
    """Cycles from the first beat of a lone block to its output, as the documentation says."""

    async def body(self) -> None:
        sent, seen = await self.alone()
        assert seen - sent == LATENCY[self.lanes], f"latency is {seen - sent} cycles"

    async def alone(self) -> tuple[int, int]:
        """Cycles in which one block's first beat was taken and in which its codes came."""
        blocks = self.blocks(1)
        self.expect(blocks)
        sending = cocotb.start_soon(self.send("in", self.items(blocks)))
        await within(1000, self.until(self.env.ports["in"]), "acceptance of the first beat")
        sent = cycle()
        await within(1000, self.until(self.env.ports["out"]), "the block's output")
        seen = cycle()
        await sending
        await self.env.drained()
        return sent, seen

    async def until(self, port) -> None:
        """Wait for a clock edge with a transfer on a stream."""
        while True:
            await RisingEdge(self.dut.clk_i)
            if port.valid.value and port.ready.value:
                return


@pyuvm.test()
class Corners(QuantTest):
    """Every kind of block in every format, side by side, several times."""

    async def body(self) -> None:
        each = scaled(24, 3) if self.lanes == 8 else 2
        blocks = [Block.make(kind, fmt, self.rng) for kind in KINDS for fmt in nf4.FORMATS for _ in range(each)]
        random.shuffle(blocks)
        await self.quantize(blocks)


@pyuvm.test()
class NearBounds(QuantTest):
    """Scaled values that one bit of their product puts on one side of a bound."""

    async def body(self) -> None:
        blocks = [Block.of("weights", "fp32", bits) for bits in near_bounds(self.rng)]
        await self.quantize(random.sample(blocks, min(len(blocks), scaled(3200, 160) // self.beats)))


@pyuvm.test()
class ErrorIndex(QuantTest):
    """A non-finite block is named by its index, and the blocks around it are untouched."""

    async def body(self) -> None:
        wrong = sorted(random.sample(range(24), 3))
        blocks = [self.blocks(1, ["nonfinite"] if at in wrong else NORMAL_KINDS)[0] for at in range(24)]
        assert [at for at, block in enumerate(blocks) if block.nonfinite] == wrong
        await self.quantize(blocks)


@pyuvm.test()
class Clear(QuantTest):
    """clear_i restarts the block index."""

    async def body(self) -> None:
        await self.quantize(self.blocks(3))
        self.dut.clear_i.value = 1
        await RisingEdge(self.dut.clk_i)
        self.dut.clear_i.value = 0
        self.index = 0
        await self.quantize(self.blocks(3))


@pyuvm.test()
class ResetWithBlocksInside(QuantTest):
    """A reset at any time empties the quantizer, and it starts again at index 0."""

    async def body(self) -> None:
        # A short one at each beat of a block, others anywhere.
        times = [(random.randrange(1, 5) * self.beats + beat, 1) for beat in range(min(self.beats, scaled(8, 1)))]
        times += [(random.randrange(2, 30 * self.beats), random.randrange(1, 4)) for _ in range(3)]
        for before, cycles in times:
            lost = self.blocks(20)
            # Nothing comes out before the reset, so that nothing of the lost blocks is expected.
            self.dut.out_ready_i.value = 0
            sending = cocotb.start_soon(self.hold(self.items(lost)))
            await ClockCycles(self.dut.clk_i, before)
            sending.cancel()
            self.dut.in_valid_i.value = 0
            self.dut.rst_ni.value = 0
            await ClockCycles(self.dut.clk_i, cycles)
            self.dut.rst_ni.value = 1
            self.index = 0
            blocks = self.blocks(4)
            self.expect(blocks)
            await within(2000, self.hold(self.items(blocks)), "acceptance of blocks after the reset")
            self.dut.out_ready_i.value = 1
            await within(2000, self.env.drained(), "arrival of blocks after the reset")

    async def hold(self, items) -> None:
        """Send without the sequencer, so that it can be broken off."""
        for fields in items:
            await self.env.ports["in"].send(fields)


def _caught(fields: tuple[str, ...]) -> type:
    """An expected-fail test that flips a bit of the first of ``fields`` in one observed block."""

    class Caught(QuantTest):
        injected = True
        outputs = {"out": fields}

        async def body(self) -> None:
            self.env.agents["out"].monitor.corrupt = random.randrange(10)
            await self.quantize(self.blocks(12))

    Caught.__doc__ = f"One bit of {fields[0]} flipped."
    Caught.__name__ = Caught.__qualname__ = f"Caught{fields[0].capitalize()}"
    return pyuvm.test(expect_error=ScoreboardError)(Caught)


CaughtCodes = _caught(("codes", "absmax", "nonfinite", "index"))
CaughtAbsmax = _caught(("absmax", "codes", "nonfinite", "index"))
CaughtNonfinite = _caught(("nonfinite", "codes", "absmax", "index"))
CaughtIndex = _caught(("index", "codes", "absmax", "nonfinite"))
