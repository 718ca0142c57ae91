"""Exact mean against the golden model, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotb_coverage.coverage import CoverPoint, coverage_section

from sim.bench import PERIOD_NS
from tb.common.base import cycle, scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.double_quant.stimulus import KINDS, length, positive
from tb.models import fp32, nf4
from tb.nf4_quant.base import StreamsTest

GROUP = "exact_mean"
# The accumulator's steps after the last value: carries, one step per bit of the sum, rounding.
TAIL = 345


@dataclass(frozen=True)
class Tensor:
    """One tensor of stimulus and its mean."""

    kind: str
    values: np.ndarray
    mean: np.float32
    invalid: bool

    @classmethod
    def of(cls, kind: str, values: np.ndarray) -> Tensor:
        """A tensor of given values."""
        values = np.asarray(values, np.float32)
        return cls(kind, values, *nf4.exact_mean(values))


def ties(rng: np.random.Generator) -> np.ndarray:
    """Two or six values whose mean is halfway between two float32 numbers."""
    low = int(rng.integers(0, 0x7F7FFFF0))
    pair = fp32.from_bits([low, low + 1])
    return pair if rng.random() < 0.5 else np.concatenate([pair, pair, pair])


def carries(rng: np.random.Generator) -> np.ndarray:
    """Large significands of like exponents, which carry through the chunks of the sum."""
    exponent = int(rng.integers(0, 255))
    count = int(rng.integers(200, 700))
    return fp32.from_bits((exponent << 23) + 0x7FFFFF - rng.integers(0, 4, count))


def spread(rng: np.random.Generator) -> np.ndarray:
    """The largest and the smallest numbers together: the sum spans all bits."""
    values = positive(rng, int(rng.integers(2, 300)), 0, 254)
    values[0] = fp32.from_bits([0x7F7FFFFF])[0]
    values[-1] = fp32.from_bits([1])[0]
    return values


def negative(rng: np.random.Generator) -> np.ndarray:
    """One negative value, which is no absmax."""
    values = positive(rng, int(rng.integers(1, 40)), 1, 254)
    values[rng.integers(values.size)] *= np.float32(-1)
    return values


def negative_zero(rng: np.random.Generator) -> np.ndarray:
    """Zeros of both signs are valid."""
    return signed_zeros(rng, int(rng.integers(1, 20)))


def signed_zeros(rng: np.random.Generator, count: int) -> np.ndarray:
    """Zeros with random signs."""
    return np.where(rng.random(count) < 0.5, np.float32(0.0), np.float32(-0.0)).astype(np.float32)


SPECIAL = {kind.__name__: kind for kind in (ties, carries, spread, negative, negative_zero)}


def _result(tensor: Tensor) -> str:
    if tensor.invalid:
        return "NaN"
    bits = int(tensor.mean.view(np.uint32))
    return "zero" if bits == 0 else "subnormal" if bits < 0x800000 else "normal"


def _rounding(tensor: Tensor) -> str:
    if tensor.invalid:
        return "none"
    exact = sum(map(Fraction, tensor.values.tolist())) / tensor.values.size
    mean = Fraction(float(tensor.mean))
    other = np.nextafter(tensor.mean, np.float32(np.inf if exact > mean else -np.inf))
    if exact == mean:
        return "exact"
    if np.isfinite(other) and abs(exact - Fraction(float(other))) == abs(exact - mean):
        return "tie"
    return "up" if mean > exact else "down"


mean_section = coverage_section(
    CoverPoint(f"{GROUP}.kind", xf=lambda tensor: tensor.kind, bins=[*KINDS, *SPECIAL]),
    CoverPoint(f"{GROUP}.result", xf=_result, bins=["zero", "subnormal", "normal", "NaN"]),
    CoverPoint(f"{GROUP}.rounding", xf=_rounding, bins=["none", "exact", "tie", "up", "down"]),
    CoverPoint(f"{GROUP}.single", xf=lambda tensor: tensor.values.size == 1, bins=[True, False]),
)


@mean_section
def sample_tensor(tensor: Tensor) -> None:
    """A tensor was offered."""


class MeanTest(StreamsTest):
    """A test of exact_mean."""

    group = GROUP
    inputs = {"in": ("value", "last")}
    outputs = {"out": ("mean", "invalid")}

    def build_phase(self) -> None:
        super().build_phase()
        self.rng = np.random.default_rng(random.getrandbits(64))

    def tensor(self, kind: str) -> Tensor:
        """A random tensor of a kind."""
        values = SPECIAL[kind](self.rng) if kind in SPECIAL else KINDS[kind](self.rng, length(self.rng))
        return Tensor.of(kind, values)

    def items(self, tensors: list[Tensor]):
        """Input transfers of the tensors."""
        for tensor in tensors:
            end = tensor.values.size - 1
            for at, value in enumerate(tensor.values.view(np.uint32).tolist()):
                yield {"value": value, "last": int(at == end)}

    async def average(self, tensors: list[Tensor]) -> None:
        """Send tensors and wait for all means."""
        for tensor in tensors:
            fields = {"mean": int(tensor.mean.view(np.uint32)), "invalid": int(tensor.invalid)}
            self.env.expect("out", [fields], f"{tensor.kind}, {tensor.values.size} values, tensor")
            sample_tensor(tensor)
        values = sum(tensor.values.size for tensor in tensors)
        await self.traffic({"in": self.items(tensors)}, limit=40 * values + 500 * len(tensors))


class Random(MeanTest):
    """Tensors of all kinds with random pauses on both sides."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace.any(), "out": Pace.any()}

    async def body(self) -> None:
        kinds = [*KINDS, *SPECIAL]
        await self.average([self.tensor(random.choice(kinds)) for _ in range(scaled(40, 12))])


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class FullSpeed(MeanTest):
    """A value every 3 cycles, faster than the quantizer makes them, and a mean within the tail."""

    async def body(self) -> None:
        tensor = Tensor.of("weights", KINDS["weights"](self.rng, scaled(10_000, 800)))
        before = cycle()
        await self.average([tensor])
        spent = cycle() - before
        self.utilisation = tensor.values.size / spent
        self.unit = "of cycles take a value"
        assert spent <= 3 * tensor.values.size + TAIL, f"{tensor.values.size} values took {spent} cycles"


@pyuvm.test()
class LongTensor(MeanTest):
    """Very many values: counts of 17 bits, or all of 20; carries as wide, and a sum that reaches the last chunk."""

    async def body(self) -> None:
        out = self.env.ports["out"]
        # The streams are seen in all of their states first: nothing watches them later.
        out.ready.value = 0
        short = cocotb.start_soon(self.average([self.tensor("ties")]))
        await RisingEdge(out.valid)
        await ClockCycles(out.clock, 2)
        out.ready.value = 1
        await short
        most = 1 << int(cocotb.top.COUNT_W.value)
        many = (most - most // 4, most) if most == 1 << 20 else (1 << 16, 1 << 17)
        count = random.randrange(*scaled(many, (3000, 3200)))
        carrying, large = (base + random.randrange(1 << 20) for base in (0x74F00000, 0x7F700000))
        last = 0x7F000000 + random.randrange(1 << 23)
        # The first is at the top of the last chunk but two: its carries add up to 15/16 of the count at least, and few
        # values of the largest exponent leave all bits of the carries but the lowest in the mean. Then all are large.
        few = scaled(1 << 12, 1 << 10)
        for runs in ([(carrying, count - few - 1), (large, few)], [(large, count - 1)]):
            await self.long([*runs, (last, 1)])

    async def long(self, runs: list[tuple[int, int]]) -> None:
        """A tensor of values that come so many times each, offered until they were taken: the test sleeps."""
        port, (*repeated, (last, _)) = self.env.ports["in"], runs
        values = np.repeat(np.array([value for value, _ in runs], np.uint32), [times for _, times in runs])
        mean = int(nf4.exact_mean(values.view(np.float32))[0].view(np.uint32))
        self.env.expect("out", [{"mean": mean, "invalid": 0}], f"{values.size} values, tensor")
        port.payload["value"].value, port.payload["last"].value, port.valid.value = repeated[0][0], 0, 1
        await RisingEdge(port.clock)  # the first value is taken, and then one in each third cycle
        await Timer(PERIOD_NS, "ns")
        begun = 1
        for value, times in repeated:
            port.payload["value"].value = value
            await Timer(3 * (times - begun) * PERIOD_NS, "ns")
            begun = 0
        await port.send({"value": last, "last": 1})
        await within(TAIL, self.env.drained(), "arrival of the mean")


@pyuvm.test()
class Corners(MeanTest):
    """Every kind, single values, and every exponent."""

    async def body(self) -> None:
        tensors = [self.tensor(kind) for kind in [*KINDS, *SPECIAL] for _ in range(scaled(3, 1))]
        exponents = range(0, 255) if scaled(1, 0) else random.sample(range(255), 24)
        tensors += [Tensor.of("any_finite", positive(self.rng, 1 + at % 3, at, at)) for at in exponents]
        tensors += [Tensor.of("any_finite", KINDS["any_finite"](self.rng, 1)) for _ in range(4)]
        tensors += [Tensor.of("ties", ties(self.rng)) for _ in range(8)]
        bits = random.sample(range(31), scaled(31, 4))
        tensors += [Tensor.of("negative", fp32.from_bits([1 << 31 | 1 << bit])) for bit in bits]
        random.shuffle(tensors)
        await self.average(tensors)


@pyuvm.test()
class ResetInside(MeanTest):
    """A reset among the values of a tensor, at each of the carries, or while the sum is divided, forgets them."""

    async def body(self) -> None:
        for ends in (False, True) * scaled(4, 1):
            lost = list(self.items([self.tensor("weights")]))[:100]
            lost[-1]["last"] = int(ends)
            await self.forget(lost, random.randrange(1, 200), random.randrange(1, 4))
            await self.average([self.tensor("weights")])
        for before in random.sample(range(1, 13), scaled(12, 2)):
            # 20 values at the top of a chunk, which carry into the next, and one at the bottom.
            first = 32 * random.randrange(7) + 1
            carrying = fp32.from_bits([(first + 8 << 23) + 0x7FFFFF] * 20)
            await self.forget(self.items([Tensor.of("carries", carrying)]), before, random.randrange(1, 4))
            await self.average([Tensor.of("any_finite", positive(self.rng, 1, first, first))])

    async def forget(self, lost: Iterable[Mapping[str, int]], before: int, cycles: int) -> None:
        """Send values, and some cycles later reset."""
        items = list(lost)
        await self.traffic({"in": items}, limit=40 * len(items))
        await ClockCycles(self.dut.clk_i, before)
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, cycles)
        self.dut.rst_ni.value = 1


def _caught(fields: tuple[str, ...]) -> type:
    """An expected-fail test that flips a bit of the first of ``fields`` in one observed mean."""

    class Caught(MeanTest):
        injected = True
        outputs = {"out": fields}

        async def body(self) -> None:
            self.env.agents["out"].monitor.corrupt = random.randrange(3)
            await self.average([self.tensor("ties") for _ in range(3)])

    Caught.__doc__ = f"One bit of {fields[0]} flipped."
    Caught.__name__ = Caught.__qualname__ = f"Caught{fields[0].capitalize()}"
    return pyuvm.test(expect_error=ScoreboardError)(Caught)


CaughtMean = _caught(("mean", "invalid"))
CaughtInvalid = _caught(("invalid", "mean"))
