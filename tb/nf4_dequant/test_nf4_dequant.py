"""NF4 dequantizer against the golden model, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from cocotb_coverage.coverage import CoverPoint, coverage_section

from tb.common.base import cycle, scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.models import fp32, nf4
from tb.nf4_quant.base import StreamsTest, lanes, nibbles

GROUP = "nf4_dequant"


def _bits(rng: np.random.Generator, low: int, high: int) -> int:
    """FP32 pattern of a positive number with a biased exponent from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1)) << 23 | int(rng.integers(0, 1 << 23))


# Absmax by kind. Exponents 100 to 117 give FP16 subnormals, 142 to 147 FP16 infinities, below 6 FP32 subnormals.
KINDS: dict[str, Callable[[np.random.Generator], int]] = {
    "weights": lambda rng: _bits(rng, 118, 128),
    "any": lambda rng: _bits(rng, 0, 254),
    "zero": lambda rng: 0,
    "subnormal": lambda rng: _bits(rng, 0, 0) >> int(rng.integers(0, 23)),
    "nearly subnormal": lambda rng: _bits(rng, 1, 6),
    "power of two": lambda rng: int(rng.integers(1, 255)) << 23,
    "fp16 subnormal": lambda rng: _bits(rng, 100, 117),
    "fp16 overflow": lambda rng: _bits(rng, 142, 147),
    "largest": lambda rng: 0x7F7FFFFF - int(rng.integers(0, 4)),
    "infinite": lambda rng: 0x7F800000,
    "nan": lambda rng: 0x7F800001 + int(rng.integers(0, (1 << 23) - 1)),
}


@dataclass(frozen=True)
class Block:
    """One block of stimulus and its values, bit patterns of the format in 32-bit slots."""

    kind: str
    fmt: str
    codes: np.ndarray
    absmax: int
    values: np.ndarray

    @classmethod
    def make(cls, kind: str, fmt: str, rng: np.random.Generator) -> Block:
        """Random codes with an absmax of a kind, sometimes negative."""
        absmax = KINDS[kind](rng) | (1 << 31 if rng.random() < 0.2 else 0)
        codes = rng.permutation(np.tile(np.arange(16, dtype=np.uint8), 4))
        if rng.random() < 0.5:
            codes = rng.integers(0, 16, nf4.BLOCK).astype(np.uint8)
        values = nf4.dequantize(codes, fp32.from_bits([absmax]))
        return cls(kind, fmt, codes, absmax, nf4.round_to(values, fmt))


block_section = coverage_section(
    CoverPoint(
        f"{GROUP}.kind",
        xf=lambda block: f"{block.fmt} x {block.kind}",
        bins=[f"{fmt} x {kind}" for fmt in nf4.FORMATS for kind in KINDS],
    ),
    CoverPoint(f"{GROUP}.sign", xf=lambda block: block.absmax >> 31, bins=[0, 1]),
)


@block_section
def sample_block(block: Block) -> None:
    """A block was offered."""


@CoverPoint(f"{GROUP}.code", bins=list(range(16)))
def sample_code(code: int) -> None:
    """A code was offered."""


class DequantTest(StreamsTest):
    """A test of nf4_dequantizer."""

    group = GROUP
    inputs = {"in": ("codes", "absmax", "fmt")}
    outputs = {"out": ("data", "last")}

    def build_phase(self) -> None:
        super().build_phase()
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.lanes = int(self.dut.LANES.value)
        self.beats = nf4.BLOCK // self.lanes
        self.per_transfer = {"out": self.lanes}

    def blocks(self, count: int) -> list[Block]:
        """Random blocks of random kinds and formats."""
        kinds, formats = list(KINDS), list(nf4.FORMATS)
        return [Block.make(random.choice(kinds), random.choice(formats), self.rng) for _ in range(count)]

    def items(self, blocks: list[Block]) -> list[dict[str, int]]:
        """Input transfers of the blocks."""
        return [
            {"codes": nibbles(block.codes)[0], "absmax": block.absmax, "fmt": nf4.FORMATS[block.fmt]}
            for block in blocks
        ]

    def expect(self, blocks: list[Block]) -> None:
        """Queue what the blocks must become, and sample the coverage."""
        for number, block in enumerate(blocks):
            beats = lanes(block.values, self.lanes)
            items = [{"data": data, "last": int(at == len(beats) - 1)} for at, data in enumerate(beats)]
            self.env.expect("out", items, f"block {number}, {block.fmt} {block.kind} {block.absmax:#x}, beat")
            sample_block(block)
            for code in np.unique(block.codes):
                sample_code(int(code))

    async def dequantize(self, blocks: list[Block]) -> None:
        """Send blocks and wait for all values."""
        self.expect(blocks)
        await self.traffic({"in": self.items(blocks)}, limit=2000 + 60 * self.beats * len(blocks))


class Random(DequantTest):
    """Blocks of all kinds and formats with random pauses on both sides."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace.any(), "out": Pace.any()}

    async def body(self) -> None:
        await self.dequantize(self.blocks(scaled(1200, 120) // self.beats))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class StallsEverywhere(Random):
    """Pauses of a cycle or two on both sides, so that every stage is stalled with and without a follower."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace(0.5, 2), "out": Pace(0.5, 2)}

    async def body(self) -> None:
        await self.dequantize(self.blocks(scaled(600, 60) // self.beats))


@pyuvm.test()
class FullSpeed(DequantTest):
    """Without pauses LANES values leave in every cycle: 64 codes per cycle when LANES is 64."""

    async def body(self) -> None:
        blocks = self.blocks(scaled(1600, 200) // self.beats)
        self.expect(blocks)
        before = cycle()
        await self.traffic({"in": self.items(blocks)}, limit=4 * self.beats * len(blocks) + 100)
        spent = cycle() - before
        self.utilisation = self.beats * len(blocks) / spent
        self.unit = f"of cycles give {self.lanes} values"
        assert self.utilisation >= 0.95, f"{len(blocks)} blocks took {spent} cycles"


@pyuvm.test()
class Corners(DequantTest):
    """Every kind of absmax in every format, side by side, several times."""

    async def body(self) -> None:
        each = scaled(12, 3) if self.beats == 1 else 2
        blocks = [Block.make(kind, fmt, self.rng) for kind in KINDS for fmt in nf4.FORMATS for _ in range(each)]
        random.shuffle(blocks)
        await self.dequantize(blocks)


@pyuvm.test()
class SmallestScales(DequantTest):
    """All codes with every exponent from subnormal to where no product is subnormal, for both roundings of a tie."""

    async def body(self) -> None:
        codes = np.tile(np.arange(16, dtype=np.uint8), 4)
        blocks = []
        for absmax in [1 << at for at in range(27)] + [3 << at for at in range(23)] + [0x7FFFFF, 0x800001, 0xFFFFFF]:
            values = nf4.dequantize(codes, fp32.from_bits([absmax]))
            blocks.append(Block("subnormal", "fp32", codes, absmax, nf4.round_to(values, "fp32")))
        await self.dequantize(blocks)


def near_ties(constant: int) -> list[int]:
    """FP32 bits whose product with a constant (bits, too) is a tie of an even result and the next, or but for a bit.

    Products have 47 or 48 bits, of which 24 are kept, or less where the result is subnormal: ``product = half + bit``
    has at most some solutions for each bit, modulo the bits that are dropped.
    """
    significand = constant & 0x7FFFFF | 1 << 23
    zeros = (significand & -significand).bit_length() - 1
    orders = 127 - (constant >> 23)
    found: dict[int, list[int]] = {}
    for exponent in (*range(1, orders + 1), 120):
        normal = exponent > orders
        for dropped in (23, 24) if normal else (24 + orders - exponent,):
            period = 1 << dropped - zeros
            for bit in (0, *(1 << place for place in range(zeros, dropped - 1))):
                wanted = (1 << dropped - 1) + bit
                first = (wanted >> zeros) * pow(significand >> zeros, -1, period) % period
                for factor in range(first, 1 << 24, period):
                    product = significand * factor
                    if product >> dropped & 1 or normal and (product >> 47 != dropped - 23):
                        continue
                    if factor >> 23:
                        found.setdefault(bit, []).append(exponent << 23 | factor & 0x7FFFFF)
                    elif exponent == 1:
                        found.setdefault(bit, []).append(factor)
    return [value for values in found.values() for value in random.sample(values, min(2, len(values)))]


@pyuvm.test()
class Ties(DequantTest):
    """Each code with absmax for which one bit of its product decides; NaNs of one bit."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace(), "out": Pace(0.1, 3)}

    async def body(self) -> None:
        found = [0x7F800000 | 1 << bit for bit in range(23)]
        for constant in fp32.to_bits(np.abs(nf4.NF4_TABLE)).tolist():
            if constant not in (0, 127 << 23):
                found += near_ties(constant)
        codes = np.tile(np.arange(16, dtype=np.uint8), 4)
        blocks = []
        for absmax in found[:: scaled(1, 4)]:
            values = nf4.dequantize(codes, fp32.from_bits([absmax]))
            exponent = absmax >> 23
            kind = {0: "subnormal", 120: "weights", 255: "nan"}.get(exponent, "nearly subnormal")
            blocks.append(Block(kind, "fp32", codes, absmax, nf4.round_to(values, "fp32")))
        await self.dequantize(blocks)


@pyuvm.test()
class Exponents(DequantTest):
    """Each exponent of absmax in the format that has less of them."""

    async def body(self) -> None:
        codes = np.tile(np.arange(16, dtype=np.uint8), 4)
        blocks = []
        for exponent in range(0, 255, scaled(1, 8)):
            absmax = exponent << 23 | int(self.rng.integers(1, 1 << 23))
            values = nf4.dequantize(codes, fp32.from_bits([absmax]))
            blocks.append(Block("any", "fp16", codes, absmax, nf4.round_to(values, "fp16")))
        await self.dequantize(blocks)


@pyuvm.test()
class ResetWithBlocksInside(DequantTest):
    """A reset at any time empties the dequantizer."""

    async def body(self) -> None:
        port = self.env.ports["in"]
        for _ in range(3):
            self.dut.out_ready_i.value = 0
            sending = cocotb.start_soon(self.hold(port, self.blocks(12)))
            await ClockCycles(self.dut.clk_i, random.randrange(2, 14))
            sending.cancel()
            port.idle()
            self.dut.rst_ni.value = 0
            await ClockCycles(self.dut.clk_i, random.randrange(1, 4))
            self.dut.rst_ni.value = 1
            blocks = self.blocks(4)
            self.expect(blocks)
            self.dut.out_ready_i.value = 1
            await within(1000, self.hold(port, blocks), "acceptance of blocks after the reset")
            await within(1000, self.env.drained(), "arrival of blocks after the reset")

    async def hold(self, port, blocks: list[Block]) -> None:
        """Send without the sequencer, so that it can be broken off."""
        for fields in self.items(blocks):
            await port.send(fields)


class Caught(DequantTest):
    """One bit of the first field of an observed beat flipped; the scoreboard must see it."""

    injected = True

    async def body(self) -> None:
        self.env.agents["out"].monitor.corrupt = random.randrange(8)
        await self.dequantize(self.blocks(10))


@pyuvm.test(expect_error=ScoreboardError)
class CaughtData(Caught):
    """A bit of the values."""


@pyuvm.test(expect_error=ScoreboardError)
class CaughtLast(Caught):
    """The mark of a block's end."""

    outputs = {"out": ("last", "data")}
