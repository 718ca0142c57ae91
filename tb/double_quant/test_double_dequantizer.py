"""Double dequantizer against the golden model, bit for bit."""

from __future__ import annotations

import random

import numpy as np
import pyuvm
from cocotb_coverage.coverage import CoverPoint, coverage_section

from tb.common.base import cycle, scaled
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.models import fp32, nf4
from tb.nf4_quant.base import StreamsTest

GROUP = "double_dequant"
LATENCY = 11


def _class(bits: int) -> str:
    exponent = bits >> 23 & 0xFF
    if exponent == 255:
        return "NaN" if bits & 0x7FFFFF else "infinite"
    if exponent == 0:
        return "subnormal" if bits & 0x7FFFFF else "zero"
    return "normal"


CLASSES = ["zero", "subnormal", "normal", "infinite", "NaN"]

item_section = coverage_section(
    CoverPoint(f"{GROUP}.nested", xf=lambda fields, _: _class(fields["nested_absmax"]), bins=CLASSES),
    CoverPoint(f"{GROUP}.offset", xf=lambda fields, _: _class(fields["offset"]), bins=CLASSES),
    CoverPoint(f"{GROUP}.result", xf=lambda _, result: _class(result), bins=["zero", "normal", "infinite", "NaN"]),
    CoverPoint(f"{GROUP}.code", xf=lambda fields, _: fields["code"], bins=list(range(256))),
)


@item_section
def sample(fields: dict[str, int], result: int) -> None:
    """A value was offered."""


class DequantTest(StreamsTest):
    """A test of double_dequantizer_stream."""

    group = GROUP
    inputs = {"in": ("code", "nested_absmax", "offset")}
    outputs = {"out": ("absmax",)}

    def build_phase(self) -> None:
        super().build_phase()
        self.rng = np.random.default_rng(random.getrandbits(64))

    def operands(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nested absmax and offset: like those of a model, near each other, cancelling, or any bits."""
        rng, count = self.rng, codes.size
        model = rng.uniform(1e-4, 1, (2, count)).astype(np.float32).view(np.uint32)
        exponent = rng.integers(0, 255, count)
        near = np.stack([exponent, np.clip(exponent + rng.integers(-26, 27, count), 0, 254)]).astype(np.uint32)
        near = near << np.uint32(23) | rng.integers(0, 1 << 23, (2, count)).astype(np.uint32)
        special = rng.choice(
            np.array([0, 1 << 31, 1, 0x7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001]), (2, count)
        )
        random_bits = rng.integers(0, 1 << 32, (2, count), dtype=np.uint32)
        # The product's opposite, the same in its highest bits or in all; of any size, or next to the smallest number.
        size = np.where(rng.random(count) < 0.5, rng.integers(0, 255, count), rng.integers(1, 40, count))
        factor = size.astype(np.uint32) << np.uint32(23) | random_bits[0] & np.uint32(0x7FFFFF)
        product = fp32.mul(nf4.DYNAMIC_MAP[codes], factor.view(np.float32)).view(np.uint32)
        below = random_bits[1] >> rng.integers(9, 33, count).clip(max=31).astype(np.uint32)
        cancelling = np.stack([factor, product ^ np.uint32(1 << 31) ^ below])
        choices = np.stack([model, near, special.astype(np.uint32), random_bits, cancelling])
        picked = choices[rng.choice(5, count, p=[0.3, 0.2, 0.1, 0.2, 0.2]), :, np.arange(count)]
        return picked[:, 0].copy(), picked[:, 1].copy()

    async def dequantize(self, count: int) -> None:
        """Send random values and wait for all results."""
        codes = self.rng.permutation(np.resize(np.arange(256, dtype=np.uint8), count))
        nested, offset = self.operands(codes)
        results = nf4.double_dequantize(codes, nested.view(np.float32), offset.view(np.float32), blocksize=1)
        columns = zip(codes.tolist(), nested.tolist(), offset.tolist(), strict=True)
        items = [{"code": code, "nested_absmax": n, "offset": o} for code, n, o in columns]
        bits = results.view(np.uint32).tolist()
        self.env.expect("out", [{"absmax": result} for result in bits], "value")
        for fields, result in zip(items, bits, strict=True):
            sample(fields, result)
        await self.traffic({"in": items}, limit=60 * count + 100)


class Random(DequantTest):
    """Random values with random pauses on both sides."""

    def paces(self) -> dict[str, Pace]:
        return {"in": Pace.any(), "out": Pace.any()}

    async def body(self) -> None:
        await self.dequantize(scaled(5000, 800))


@pyuvm.test()
class RandomTraffic(Random):
    """First draw of paces."""


@pyuvm.test()
class RandomTrafficAgain(Random):
    """Second draw of paces."""


@pyuvm.test()
class FullSpeed(DequantTest):
    """A value per cycle."""

    async def body(self) -> None:
        count = scaled(5000, 800)
        before = cycle()
        await self.dequantize(count)
        spent = cycle() - before
        self.utilisation = count / (spent - LATENCY)
        self.unit = "of cycles give a value"
        assert self.utilisation >= 0.95, f"{count} values took {spent} cycles"


@pyuvm.test(expect_error=ScoreboardError)
class CaughtAbsmax(DequantTest):
    """One bit of one result flipped."""

    injected = True

    async def body(self) -> None:
        self.env.agents["out"].monitor.corrupt = random.randrange(100)
        await self.dequantize(120)
