"""Attention on the whole accelerator: one layer behind caches of random keys and values, of any length."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyuvm
from edge_qlora.checkpoint import ModelConfig
from edge_qlora.command_layout import ValueFormat
from edge_qlora.decoder_program import regions, tokens_per_pass

from tb.attention.coverage import sample
from tb.common.base import config, scaled, simulator
from tb.common.scoreboard import ScoreboardError
from tb.core.items import ListItem
from tb.core.passes import BASE, PassTest, limits

CONTEXT = 140
# As small as a model can be around its attention.
ALONE = ModelConfig(64, 64, 1, 1, 1, 64, 64, 256, 1e-5, 10000.0, True)
GROUPED = replace(ALONE, heads=4, kv_heads=2)
LONG_HEADS = replace(ALONE, head_dim=128, heads=2)
MANY = replace(ALONE, heads=4)


class AttentionTest(PassTest):
    """Passes at given lengths of the context."""

    group = "attention"

    def passes(self, shape: ModelConfig, contexts: list[int], tokens: int = 1, **options) -> Iterator[ListItem]:
        """For each length a pass of some tokens that ends there."""
        for positions in contexts:
            # Each starts from a memory of its own, for the caches do not come from passes.
            model = self.model(shape, CONTEXT, tokens, **options)
            new = min(model.image.tokens, tokens, positions)
            model.remember(positions - new, np.random.default_rng(random.getrandbits(32)))
            yield from self.converse(model, [new], new)
            if not self.injected:
                sample(shape, positions, new)


@pyuvm.test()
class BlockEdges(AttentionTest):
    """One head of queries, one token: contexts of 1, and around the edges of blocks of 64."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(ALONE, scaled([1, 63, 64, 65, 130], [65]))


@pyuvm.test(skip=simulator() == "icarus")  # BlockCaches has the same groups
class GroupedQueries(AttentionTest):
    """Two heads of queries share each of two heads of keys and values; tokens across a block's edge."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(GROUPED, scaled([2, 64, 66, 130], [2]), tokens=2)


@pyuvm.test()
class BlockCaches(AttentionTest):
    """Keys and values of 8 bits with their scales: those that were there, and new ones."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(GROUPED, scaled([2, 65, 130], [3]), tokens=scaled(2, 1), cache=ValueFormat.BFP8)


@pyuvm.test(skip=simulator() == "icarus")  # as those of decode there
class LongHeads(AttentionTest):
    """Heads of 128 values: two blocks of each key and of each value."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(LONG_HEADS, scaled([1, 63, 64, 65, 130], [1]))


@pyuvm.test(skip=simulator() == "icarus")
class Pieces(AttentionTest):
    """Four heads share one of keys: more rows of scores than a small array takes, so they come in pieces of tokens."""

    def lists(self) -> Iterator[ListItem]:
        tokens = tokens_per_pass(MANY, 6, CONTEXT, limits(), False)
        pieces = regions(MANY, tokens, CONTEXT, limits(), False).group_tokens < tokens
        assert pieces or config()["max_rows"] > 16, "one piece holds all tokens"
        return self.passes(MANY, [tokens, 67], tokens)


@pyuvm.test(expect_error=ScoreboardError)
class InjectedFault(AttentionTest):
    """One flipped bit of a key, in the accelerator's memory alone, must be seen."""

    injected = True

    def lists(self) -> Iterator[ListItem]:
        model = self.model(ALONE, CONTEXT, 1)
        model.remember(2, np.random.default_rng(0))
        memory = self.env.memory
        load = memory.load

        def spoiled(base: int, content: bytes) -> None:
            load(base, content)
            memory.bytes[model.image.layers[0].keys - BASE + 1] ^= 0x80

        memory.load = spoiled
        return self.converse(model, [1])
