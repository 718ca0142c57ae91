"""Passes of small decoders on the whole accelerator."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import cocotb
import numpy as np
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Limits
from edge_qlora.footprint import MemoryWindow

from tb.common.base import config
from tb.common.coverage import events
from tb.core.env import ListTest
from tb.core.items import ListItem
from tb.models.core import Core
from tb.models.small_llama import Pass, SmallModel

BASE = 0x12_4000_0000
SIZE = 1 << 21


def limits() -> Limits:
    """Of the hardware, with a window of its own."""
    chosen = config()
    sizes = (chosen[name] for name in ("scratch_words", "max_rows", "nested_depth"))
    return Limits(*sizes, MemoryWindow(BASE, SIZE))


def formats_coverage(
    group: str, weights: Sequence[WeightFormat], heads: Sequence[WeightFormat]
) -> dict[str, Callable[[str], None]]:
    """Functions that cover a pass by its model's formats, of weights, output head and cache, and by its adapter."""
    bins = {
        "weights": [form.name for form in weights],
        "head": [form.name for form in heads],
        "cache": [form.name for form in (ValueFormat.FP16, ValueFormat.BFP8)],
        "adapter": ["no", "yes"],
    }
    return {name: events(f"{group}.{name}", labels) for name, labels in bins.items()}


class PassError(AssertionError):
    """The golden core's logits, to which the accelerator's were found equal, are not those of the golden decoder."""


class PassTest(ListTest):
    """Runs conversations with small models.

    The scoreboard holds all memory that a pass writes against the golden core's, and here the logits in it are held
    against the golden decoder, which knows no commands.
    """

    def model(self, shape: ModelConfig, context: int, tokens: int, **options) -> SmallModel:
        """A model with random weights for the hardware."""
        options = {"seed": random.getrandbits(16)} | options
        return SmallModel(shape, limits(), config()["act_width"], context, tokens, **options)

    def converse(self, model: SmallModel, passes: list[int], wanted: int = 1) -> Iterator[ListItem]:
        """Passes of so many random tokens each, and the logits of their last ``wanted`` tokens at most."""
        chosen = config()
        core = Core(model.memory, model.limits, chosen["act_width"], BASE, chosen["columns"])
        rng = np.random.default_rng(random.getrandbits(32))
        for number, tokens in enumerate(passes):
            position = model.golden.position
            step = model.step(rng.integers(0, model.image.config.vocab_size, tokens), min(wanted, tokens))
            name = f"{tokens} tokens behind {position}, {len(step.commands)} commands"
            item = ListItem(name, core, model.image.commands, step.writes, loaded=number > 0)
            yield item
            self.check_logits(model, item, step)
            cocotb.log.info("%s: %d cycles", name, item.ended.cycles)

    def check_logits(self, model: SmallModel, item: ListItem, step: Pass) -> None:
        """Hold the logits of a pass that has run against the golden decoder's."""
        at = model.image.logits - BASE
        found = item.core.memory[at : at + step.logits.nbytes].view(np.uint32)
        wrong = np.flatnonzero(found != step.logits.view(np.uint32).reshape(-1))
        if len(wrong):
            raise PassError(f"{item.get_name()}: {len(wrong)} logits of {len(found)} differ, the first is {wrong[0]}")


class FormatsTest(PassTest):
    """Conversations with models of chosen formats.

    Attributes:
        rank: of the adapter in every projection; none if 0.
        weights, head, cache: formats; of weights for all projections or by name.
        samples: what ``formats_coverage`` gave.
    """

    rank = 0
    weights: WeightFormat | Mapping[str, WeightFormat] = WeightFormat.CODES
    head = WeightFormat.CODES
    cache = ValueFormat.FP16
    samples: Mapping[str, Callable[[str], None]]

    def sample(self, item: ListItem) -> None:
        every = self.weights if isinstance(self.weights, Mapping) else dict.fromkeys(PROJECTIONS, self.weights)
        for form in set(every.values()):
            self.samples["weights"](form.name)
        self.samples["head"](self.head.name)
        self.samples["cache"](self.cache.name)
        self.samples["adapter"]("yes" if self.rank else "no")
