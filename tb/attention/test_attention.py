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

# Icarus takes a minute for each; decode and prefill run there with two heads of queries, both caches, and a fault.
ELSEWHERE = simulator() == "icarus"
CONTEXT = 140
LONGEST = 2048
# As small as a model can be around its attention.
ALONE = ModelConfig(64, 64, 1, 1, 1, 64, 64, 256, 1e-5, 10000.0, True)
GROUPED = replace(ALONE, heads=4, kv_heads=2)
LONG_HEADS = replace(ALONE, head_dim=128, heads=2)
MANY = replace(ALONE, heads=4)


class AttentionTest(PassTest):
    """Passes at given lengths of the context."""

    group = "attention"

    def passes(
        self, shape: ModelConfig, contexts: list[int], tokens: int = 1, context: int = CONTEXT, **options
    ) -> Iterator[ListItem]:
        """For each length a pass of some tokens that ends there, in caches for ``context`` tokens."""
        for positions in contexts:
            # Each starts from a memory of its own, for the caches do not come from passes.
            model = self.model(shape, context, tokens, **options)
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


@pyuvm.test(skip=ELSEWHERE)
class GroupedQueries(AttentionTest):
    """Two heads of queries share each of two heads of keys and values; tokens across a block's edge."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(GROUPED, [2, 64, 66, 130], tokens=2)


@pyuvm.test(skip=ELSEWHERE)
class BlockCaches(AttentionTest):
    """Keys and values of 8 bits with their scales: those that were there, and new ones."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(GROUPED, [2, 65, 130], tokens=2, cache=ValueFormat.BFP8)


@pyuvm.test(skip=ELSEWHERE)
class LongHeads(AttentionTest):
    """Heads of 128 values: two blocks of each key and of each value."""

    def lists(self) -> Iterator[ListItem]:
        return self.passes(LONG_HEADS, [1, 63, 64, 65, 130])


@pyuvm.test(skip=ELSEWHERE)
class Pieces(AttentionTest):
    """Four heads share one of keys: more rows of scores than a small array takes, so they come in pieces of tokens."""

    def lists(self) -> Iterator[ListItem]:
        tokens = tokens_per_pass(MANY, 6, CONTEXT, limits(), False)
        pieces = regions(MANY, tokens, CONTEXT, limits(), False).group_tokens < tokens
        assert pieces or config()["max_rows"] > 16, "one piece holds all tokens"
        return self.passes(MANY, [tokens, 67], tokens)


@pyuvm.test(skip=ELSEWHERE)
class LongContext(AttentionTest):
    """The longest context, 2,048 tokens, with caches in FP16 and of 8 bits.

    The scores of the groups of the second fit the smallest scratchpad once, so that no group is scored ahead there.
    """

    def lists(self) -> Iterator[ListItem]:
        for shape, cache in ((ALONE, ValueFormat.FP16), (GROUPED, ValueFormat.BFP8)):
            model = replace(shape, context=LONGEST)
            places = len(regions(model, 1, LONGEST, limits(), False).scores)
            assert places == (1 if shape is GROUPED and config()["scratch_words"] == 1024 else 2)
            yield from self.passes(model, [LONGEST], context=LONGEST, cache=cache)


@pyuvm.test(expect_error=ScoreboardError, skip=ELSEWHERE)
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
