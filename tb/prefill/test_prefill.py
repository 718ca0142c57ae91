"""Prefill on the whole accelerator: passes of several tokens, each of which has all its logits right."""

from __future__ import annotations

from collections.abc import Iterator

import pyuvm
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat

from tb.common.base import scaled, simulator
from tb.common.coverage import events
from tb.core.items import ListItem
from tb.core.passes import FormatsTest, formats_coverage

GROUPED = ModelConfig(192, 128, 2, 3, 1, 64, 128, 64, 1e-5, 10000.0, False)
SMALLEST = ModelConfig(64, 64, 1, 2, 1, 64, 64, 64, 1e-5, 10000.0, True)
MOST = 8  # tokens per pass that are asked for; the smallest configuration takes fewer
GROUP = "prefill"
FORMATS = formats_coverage(
    GROUP,
    [WeightFormat.CODES, WeightFormat.CODES3, WeightFormat.FP16, WeightFormat.INT8],
    [WeightFormat.CODES, WeightFormat.FP16],
)
sample_tokens = events(f"{GROUP}.tokens", ["as many as enter", "fewer", "one"])


class PrefillTest(FormatsTest):
    """A prompt of a whole pass and a shorter one, then a token."""

    group = GROUP
    samples = FORMATS

    def lists(self) -> Iterator[ListItem]:
        shape, formats = scaled(GROUPED, SMALLEST), {"weights": self.weights, "head": self.head, "cache": self.cache}
        model = self.model(shape, 32, scaled(MOST, 2), rank=self.rank, **formats)
        size = model.image.tokens
        assert size > 1, "the prompt enters token by token"
        self.sizes = scaled([size, size - 1, 1], [size])
        return self.converse(model, self.sizes, size)

    def sample(self, item: ListItem) -> None:
        super().sample(item)
        tokens = self.sizes[len(self.items) - 1]
        sample_tokens("as many as enter" if tokens == self.sizes[0] else "one" if tokens == 1 else "fewer")

    def utilisation(self) -> tuple[str, float]:
        vectors, slots = (sum(i.counters[name] for i in self.items) for name in ("MAC_VECTORS", "MAC_SLOTS"))
        return f"of MAC slots, {type(self).__name__}", vectors / slots


@pyuvm.test(skip=simulator() == "icarus")  # a minute there, and Adapted has more
class Prefill(PrefillTest):
    """Without an adapter; the output head is made of codes."""


@pyuvm.test()
class Adapted(PrefillTest):
    """With an adapter of rank 8 in every projection, 3-bit codes, FP16 and 8-bit integers, FP16 head, 8-bit cache."""

    rank = 8
    weights = dict.fromkeys(PROJECTIONS, WeightFormat.CODES3)
    weights |= {"self_attn.v_proj": WeightFormat.FP16, "mlp.down_proj": WeightFormat.INT8}
    head, cache = WeightFormat.FP16, ValueFormat.BFP8
