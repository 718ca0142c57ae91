"""Prefill on the whole accelerator: passes of several tokens, each of which has all its logits right."""

from __future__ import annotations

from collections.abc import Iterator

import pyuvm
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat

from tb.common.base import scaled, simulator
from tb.core.items import ListItem
from tb.core.passes import PassTest

GROUPED = ModelConfig(192, 128, 2, 3, 1, 64, 128, 64, 1e-5, 10000.0, False)
SMALLEST = ModelConfig(64, 64, 1, 2, 1, 64, 64, 64, 1e-5, 10000.0, True)
MOST = 8  # tokens per pass that are asked for; the smallest configuration takes fewer


class PrefillTest(PassTest):
    """A prompt of a whole pass and a shorter one, then a token."""

    rank = 0
    weights, head, cache = WeightFormat.CODES, WeightFormat.CODES, ValueFormat.FP16

    def lists(self) -> Iterator[ListItem]:
        shape, formats = scaled(GROUPED, SMALLEST), {"weights": self.weights, "head": self.head, "cache": self.cache}
        model = self.model(shape, 32, scaled(MOST, 2), rank=self.rank, **formats)
        size = model.image.tokens
        assert size > 1, "the prompt enters token by token"
        return self.converse(model, scaled([size, size - 1, 1], [size]), size)

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
