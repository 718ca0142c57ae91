"""Decoding on the whole accelerator: a few tokens enter, then one at a time, and every logit has the right bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyuvm
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.driver import Accelerator
from edge_qlora.runtime import Decoder

from tb.common.base import scaled, simulator
from tb.common.coverage import events
from tb.common.scoreboard import ScoreboardError
from tb.core.items import ListItem
from tb.core.passes import BASE, SIZE, FormatsTest, PassTest, formats_coverage

GROUPED = ModelConfig(192, 128, 2, 3, 1, 64, 128, 64, 1e-5, 10000.0, False)
LONG_HEADS = ModelConfig(128, 128, 2, 1, 1, 128, 64, 64, 1e-5, 10000.0, True)
SMALLEST = ModelConfig(64, 64, 1, 1, 1, 64, 64, 64, 1e-5, 10000.0, True)
SEED = 1  # of the weights: the same program on every array and bus
GROUP = "decode"
FORMATS = formats_coverage(
    GROUP,
    [WeightFormat.CODES, WeightFormat.INT8, WeightFormat.FP16],
    [WeightFormat.CODES, WeightFormat.CODES2],
)
PASSES = scaled([2, 1], [1])  # tokens
sample_tokens = events(f"{GROUP}.tokens", ["several", "one", "chosen by the runtime"])


class DecodeTest(FormatsTest):
    """A conversation."""

    group = GROUP
    samples = FORMATS
    shape = GROUPED

    def lists(self) -> Iterator[ListItem]:
        formats = {"weights": self.weights, "head": self.head, "cache": self.cache}
        model = self.model(scaled(self.shape, SMALLEST), 32, 4, rank=self.rank, seed=SEED, **formats)
        return self.converse(model, PASSES)

    def sample(self, item: ListItem) -> None:
        super().sample(item)
        sample_tokens("one" if PASSES[len(self.items) - 1] == 1 else "several")

    def utilisation(self) -> tuple[str, float]:
        beats, cycles = (sum(i.counters[name] for i in self.items) for name in ("READ_BEATS", "CYCLES_BUSY"))
        return f"of cycles read a beat, {type(self).__name__}", beats / cycles


@pyuvm.test()
class GroupedQueries(DecodeTest):
    """Three heads of queries share one of keys and values."""


@pyuvm.test(skip=simulator() == "icarus")  # a minute there, where prefill has as many formats and an adapter
class LongHeads(DecodeTest):
    """Heads of 128 values, an adapter of rank 8; weights of 8-bit integers and FP16, 2-bit output head, 8-bit cache."""

    rank = 8
    shape = LONG_HEADS
    weights = dict.fromkeys(PROJECTIONS, WeightFormat.INT8) | {"mlp.gate_proj": WeightFormat.FP16}
    head = WeightFormat.CODES2
    cache = ValueFormat.BFP8


@pyuvm.test(skip=simulator() == "icarus")  # a minute there
class Generate(PassTest):
    """The runtime, through the driver: the tokens of the golden decoder."""

    group = GROUP

    def lists(self) -> Iterator[ListItem]:
        # A first list, by which the environment comes to its feet.
        return self.converse(self.model(SMALLEST, 32, 1), [1])

    async def after(self) -> None:
        model, memory = self.model(SMALLEST, 32, 4), self.env.memory
        memory.load(BASE, model.memory.tobytes())
        memory.permit([(BASE, BASE + SIZE)], [(BASE, BASE + SIZE)])
        accelerator = Accelerator(self.env.host)
        await accelerator.open(model.limits.window)
        assert accelerator.limits == model.limits, "the capability registers say something else"
        prompt, count = np.array([3, 1, 4, 1]), scaled(4, 2)
        found = [token async for token, _ in Decoder(accelerator, model.image).generate(prompt, count)]
        assert found == model.golden.generate(prompt, count)
        sample_tokens("chosen by the runtime")


@pyuvm.test(expect_error=ScoreboardError, skip=simulator() == "icarus")
class InjectedFault(DecodeTest):
    """One flipped bit of a token's embedding, in the accelerator's memory alone, must be seen."""

    injected = True
    shape = SMALLEST

    def lists(self) -> Iterator[ListItem]:
        model = self.model(self.shape, 32, 1)
        memory = self.env.memory
        load = memory.load

        def spoiled(base: int, content: bytes) -> None:
            load(base, content)
            memory.bytes[model.image.x - BASE + 3] ^= 0x80

        memory.load = spoiled
        return self.converse(model, [1])
