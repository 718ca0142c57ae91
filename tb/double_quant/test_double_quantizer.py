"""Double quantizer against the golden model, bit for bit."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from cocotb_coverage.coverage import CoverPoint, coverage_section

from rtl.nf4.generate import dynamic_starts
from tb.common.base import cycle, scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.double_quant.stimulus import (
    KINDS,
    LARGEST_TINY,
    by_last_bits,
    differences,
    length,
    on_bounds,
    one_bit_beyond_bounds,
    positive,
    signed,
)
from tb.models import fp32, nf4
from tb.nf4_quant.base import StreamsTest

GROUP = "double_quant"
OFFSETS = ("mean", "zero", "one of the values", "any", "subnormal", "nonfinite")
REACHABLE = [code for code in range(256) if not 124 <= code <= 130]


@dataclass(frozen=True)
class Tensor:
    """One tensor of stimulus and what the golden model makes of it."""

    kind: str
    offset_kind: str
    absmax: np.ndarray
    offset: np.float32
    codes: np.ndarray
    nested: np.ndarray
    nonfinite: np.ndarray

    @classmethod
    def of(cls, absmax: np.ndarray, offset: np.float32, kind: str, offset_kind: str) -> Tensor:
        """A tensor of given values."""
        return cls(kind, offset_kind, absmax, offset, *nf4.double_quantize(absmax, offset))

    @classmethod
    def make(cls, kind: str, offset_kind: str, count: int, rng: np.random.Generator) -> Tensor:
        """A random tensor of a kind."""
        absmax = KINDS[kind](rng, count)
        if rng.random() < 0.2:
            absmax = signed(rng, absmax)
        offset = {
            "mean": lambda: nf4.exact_mean(np.abs(absmax))[0],
            "zero": lambda: np.float32(0),
            "one of the values": lambda: rng.choice(absmax),
            "any": lambda: signed(rng, positive(rng, 1, 0, 254))[0],
            "subnormal": lambda: signed(rng, positive(rng, 1, 0, 0))[0],
            "nonfinite": lambda: fp32.from_bits([rng.choice([0x7F800000, 0xFF800000, 0x7FC00001])])[0],
        }[offset_kind]()
        return cls.of(absmax, offset, kind, offset_kind)


def _size(tensor: Tensor) -> str:
    count, rest = tensor.absmax.size, tensor.absmax.size % nf4.NESTED_BLOCK
    if count == 1:
        return "one value"
    return "whole blocks" if rest == 0 else "short" if count < nf4.NESTED_BLOCK else "partial last block"


def _scale(nested: np.float32) -> str:
    bits = int(nested.view(np.uint32))
    for name, limit in (("zero", 0), ("infinite reciprocal", 0x200000), ("subnormal", 0x7FFFFF)):
        if bits <= limit:
            return name
    if bits > 0x7F800000:
        return "NaN"
    return "subnormal reciprocal" if bits >> 23 >= 253 else "normal"


tensor_section = coverage_section(
    CoverPoint(f"{GROUP}.kind", xf=lambda tensor: tensor.kind, bins=[*KINDS, "ties"]),
    CoverPoint(f"{GROUP}.offset", xf=lambda tensor: tensor.offset_kind, bins=list(OFFSETS)),
    CoverPoint(f"{GROUP}.size", xf=_size, bins=["one value", "short", "whole blocks", "partial last block"]),
)


@tensor_section
def sample_tensor(tensor: Tensor) -> None:
    """A tensor was offered."""


@CoverPoint(
    f"{GROUP}.scale",
    xf=_scale,
    bins=["zero", "infinite reciprocal", "subnormal", "normal", "subnormal reciprocal", "NaN"],
)
def sample_scale(nested: np.float32) -> None:
    """A nested absmax was expected."""


@CoverPoint(f"{GROUP}.code", bins=[*REACHABLE, nf4.DYNAMIC_ZERO])
def sample_code(code: int) -> None:
    """A code was expected."""


class DoubleTest(StreamsTest):
    """A test of double_quantizer."""

    group = GROUP
    inputs = {"in": ("absmax", "offset", "last")}
    outputs = {"codes": ("code", "last"), "nested": ("absmax", "nonfinite", "index", "last")}
    per_transfer = {"codes": 1, "nested": 1}

    def build_phase(self) -> None:
        super().build_phase()
        self.rng = np.random.default_rng(random.getrandbits(64))

    def tensors(self, values: int) -> list[Tensor]:
        """Random tensors with about this many values together."""
        found: list[Tensor] = []
        while sum(tensor.absmax.size for tensor in found) < values:
            offset = random.choice(OFFSETS) if random.random() < 0.5 else "mean"
            found.append(Tensor.make(random.choice(list(KINDS)), offset, length(self.rng), self.rng))
        return found

    def items(self, tensors: list[Tensor]):
        """Input transfers of the tensors."""
        for tensor in tensors:
            offset = int(tensor.offset.view(np.uint32))
            last = tensor.absmax.size - 1
            for at, absmax in enumerate(tensor.absmax.view(np.uint32).tolist()):
                yield {"absmax": absmax, "offset": offset, "last": int(at == last)}

    def expect(self, tensors: list[Tensor]) -> None:
        """Queue what the tensors must become, and sample the coverage."""
        for tensor in tensors:
            context = f"{tensor.kind}, offset {tensor.offset_kind}"
            end = tensor.codes.size - 1
            codes = ({"code": code, "last": int(at == end)} for at, code in enumerate(tensor.codes.tolist()))
            self.env.expect("codes", codes, f"{context}, value")
            end = tensor.nested.size - 1
            bits = tensor.nested.view(np.uint32).tolist()
            nested = (
                {"absmax": absmax, "nonfinite": int(wrong), "index": at, "last": int(at == end)}
                for at, (absmax, wrong) in enumerate(zip(bits, tensor.nonfinite.tolist(), strict=True))
            )
            self.env.expect("nested", nested, f"{context}, block")
            sample_tensor(tensor)
            for scale in tensor.nested:
                sample_scale(scale)
            for code in np.unique(tensor.codes):
                sample_code(int(code))

    async def quantize(self, tensors: list[Tensor]) -> None:
        """Send tensors and wait for all codes."""
        self.expect(tensors)
        values = sum(tensor.absmax.size for tensor in tensors)
        await self.traffic({"in": self.items(tensors)}, limit=2000 + 60 * values)


class Random(DoubleTest):
    """Tensors of all kinds and lengths with random pauses on all streams."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace.any(), "codes": Pace.any(), "nested": Pace.any()}

    async def body(self) -> None:
        await self.quantize(self.tensors(scaled(12_000, 2000)))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class SlowNested(Random):
    """A nested stream that waits longer than a block takes, then a codes stream that does."""

    def paces(self) -> dict[str, Pace]:
        slow = random.choice(("codes", "nested"))
        return {slow: Pace(1.0, 600) if slow == "nested" else Pace(0.9, 8), "in": Pace(0.1, 2)}

    async def body(self) -> None:
        await self.quantize(self.tensors(scaled(4000, 1500)))


@pyuvm.test()
class FullSpeed(DoubleTest):
    """Without pauses a block of 256 takes 276 cycles at most; the NF4 quantizer needs 2,048 to make one."""

    async def body(self) -> None:
        blocks = scaled(24, 6)
        tensors = [Tensor.make("weights", "mean", blocks * nf4.NESTED_BLOCK, self.rng)]
        self.expect(tensors)
        before = cycle()
        await self.traffic({"in": self.items(tensors)}, limit=60 * blocks * nf4.NESTED_BLOCK)
        # The first block must be complete before its first code can leave.
        spent = cycle() - before - nf4.NESTED_BLOCK
        self.utilisation = blocks * nf4.NESTED_BLOCK / spent
        self.unit = "of cycles give a code"
        assert spent <= 276 * blocks + 60, f"{blocks} blocks took {spent} cycles after the first"


@pyuvm.test()
class Corners(DoubleTest):
    """Every kind with every offset."""

    async def body(self) -> None:
        each = scaled(2, 1)
        tensors = [
            Tensor.make(kind, offset, length(self.rng) if at else 1 + at, self.rng)
            for kind in KINDS
            for offset in OFFSETS
            for at in range(each + 1)
        ]
        random.shuffle(tensors)
        await self.quantize(tensors)


@pyuvm.test()
class Ties(DoubleTest):
    """Scaled values exactly at the beginning of every code and one unit beside it, on either side."""

    async def body(self) -> None:
        starts = dynamic_starts()
        values = np.concatenate([np.nextafter(starts, np.float32(-2)), starts, np.nextafter(starts, np.float32(2))])
        values = self.rng.permutation(np.clip(values, -1, 1).astype(np.float32))
        tensors = []
        for _ in range(scaled(6, 2)):
            scale = np.float32(2.0 ** random.randrange(-100, 127))
            blocks = []
            for part in np.array_split(values * scale, 4):
                # One value per block fixes the nested absmax at the scale.
                block = np.concatenate([part, [scale]]).astype(np.float32)
                blocks.append(np.resize(block, nf4.NESTED_BLOCK))
            tensors.append(Tensor.of(np.concatenate(blocks), np.float32(0), "ties", "zero"))
        await self.quantize(tensors)


@pyuvm.test()
class NearBounds(DoubleTest):
    """Values of which one bit of the product, or of the scale's reciprocal, decides about the code."""

    async def body(self) -> None:
        pairs = [*on_bounds(self.rng), *one_bit_beyond_bounds()]
        pairs = [pair * np.float32(2.0 ** random.randrange(-90, 120)) for pair in pairs]
        # Exponents whose reciprocal has less bits, and those that one bit makes of them.
        for exponent in {number ^ bit for number in (253, 254) for bit in (0, *(1 << at for at in range(8)))} - {255}:
            pairs += [pair * np.float32(2.0 ** (exponent - 127)) for pair in by_last_bits(self.rng, 3)]
        pairs = random.sample(pairs, min(len(pairs), scaled(1000, 40)))
        await self.quantize([Tensor.of(pair, np.float32(0), "ties", "zero") for pair in pairs])


@pyuvm.test()
class SmallestScales(DoubleTest):
    """Scales next to that whose reciprocal is infinite, or of one bit more, with values of one bit."""

    async def body(self) -> None:
        bits = [1 << at for at in range(LARGEST_TINY.bit_length() - 1)]
        values = [sign << 31 | bit for sign in (0, 1) for bit in (0, *bits)]
        scales = random.sample([LARGEST_TINY + more for more in (-1, 0, *bits)], scaled(len(bits) + 2, 4))
        tensors = [fp32.from_bits([*values, scale]) for scale in scales]
        await self.quantize([Tensor.of(tensor, np.float32(0), "tiny", "zero") for tensor in tensors])


@pyuvm.test()
class Differences(DoubleTest):
    """Single values, each with an offset: the nested absmax is their difference."""

    async def body(self) -> None:
        pairs = list(differences(self.rng))
        pairs = random.sample(pairs, scaled(len(pairs), 40))
        await self.quantize([Tensor.of(value[None], offset, "near", "any") for value, offset in pairs])


@pyuvm.test()
class AllReachableCodes(DoubleTest):
    """Blocks with every value of the dynamic map: the codes come back, except those bitsandbytes never gives."""

    async def body(self) -> None:
        scale = np.float32(2.0 ** random.randrange(-60, 60))
        tensor = Tensor.of(nf4.DYNAMIC_MAP * scale, np.float32(0), "any_finite", "zero")
        assert set(tensor.codes.tolist()) <= set(REACHABLE)
        await self.quantize([tensor])


@pyuvm.test()
class ResetWithBlocksInside(DoubleTest):
    """A reset at any time empties the quantizer, and the nested index starts again."""

    async def body(self) -> None:
        port = self.env.ports["in"]
        for _ in range(3):
            for name in ("codes", "nested"):
                self.env.ports[name].idle()
            sending = cocotb.start_soon(self.hold(port, self.tensors(600)))
            await ClockCycles(self.dut.clk_i, random.randrange(2, 700))
            sending.cancel()
            port.idle()
            self.dut.rst_ni.value = 0
            await ClockCycles(self.dut.clk_i, random.randrange(1, 4))
            self.dut.rst_ni.value = 1
            tensors = [Tensor.make("weights", "mean", 300, self.rng)]
            self.expect(tensors)
            for name in ("codes", "nested"):
                self.env.ports[name].ready.value = 1
            await within(2000, self.hold(port, tensors), "acceptance of values after the reset")
            await within(2000, self.env.drained(), "arrival of codes after the reset")

    async def hold(self, port, tensors: list[Tensor]) -> None:
        """Send without the sequencer, so that it can be broken off."""
        for fields in self.items(tensors):
            await port.send(fields)


def _caught(stream: str, fields: tuple[str, ...]) -> type:
    """An expected-fail test that flips a bit of the first of ``fields`` in one observed transfer of ``stream``."""

    class Caught(DoubleTest):
        injected = True
        outputs = {**DoubleTest.outputs, stream: fields}

        async def body(self) -> None:
            self.env.agents[stream].monitor.corrupt = random.randrange(2)
            await self.quantize(self.tensors(600))

    Caught.__doc__ = f"One bit of {fields[0]} of the {stream} stream flipped."
    Caught.__name__ = Caught.__qualname__ = f"Caught{stream.capitalize()}{fields[0].capitalize()}"
    return pyuvm.test(expect_error=ScoreboardError)(Caught)


CaughtCodesCode = _caught("codes", ("code", "last"))
CaughtCodesLast = _caught("codes", ("last", "code"))
CaughtNestedAbsmax = _caught("nested", ("absmax", "nonfinite", "index", "last"))
CaughtNestedNonfinite = _caught("nested", ("nonfinite", "absmax", "index", "last"))
CaughtNestedIndex = _caught("nested", ("index", "absmax", "nonfinite", "last"))
CaughtNestedLast = _caught("nested", ("last", "absmax", "nonfinite", "index"))
