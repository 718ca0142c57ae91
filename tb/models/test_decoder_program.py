"""Compiled decoders on the golden core: logits are those of the golden decoder, and the lists keep all rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edge_qlora import decoder_program
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Limits
from edge_qlora.errors import ModelLimitError, OperandError
from edge_qlora.footprint import MemoryWindow
from edge_qlora.layout import BLOCK, CODE_BITS
from edge_qlora.model_image import FLOAT_TYPES
from edge_qlora.ordering import check_list, hazards

from tb.models.core import Core
from tb.models.small_llama import Pass, SmallModel

WINDOW = MemoryWindow(0x12_3000, 1 << 20)
LIMITS = Limits(1024, 16, 256, WINDOW)
ROOMY = replace(LIMITS, scratch_words=4096)
FORMATS = [*CODE_BITS, *FLOAT_TYPES]  # of weights
ONE_KEY_HEAD = ModelConfig(192, 192, 2, 3, 1, 64, 128, 256, 1e-5, 10000.0, False)
LONG_HEADS = ModelConfig(128, 128, 2, 2, 1, 128, 64, 256, 1e-6, 500000.0, True)
TWO_GROUPS = ModelConfig(64, 256, 1, 4, 2, 64, 192, 256, 1e-5, 10000.0, False)
WIDE_MLP = ModelConfig(64, 1088, 1, 1, 1, 64, 64, 256, 1e-5, 10000.0, False)


def check(model: SmallModel, core: Core, step: Pass) -> None:
    """Run a pass: no fault in its list, and the right bits."""
    assert not [str(error) for command in step.commands for error in command.violations(model.limits)]
    assert not check_list(step.commands)
    assert not [hazard.sentence for hazard in hazards(step.commands)]
    assert len(step.writes[1][1]) <= model.image.commands_bytes
    for address, data in step.writes:
        core.write(address, data)
    report = core.run(model.image.commands)
    assert not report.error and report.commands == len(step.commands) - 1
    at = model.image.logits - core.base
    found = core.memory[at : at + step.logits.nbytes].view(np.uint32)
    assert (found == step.logits.view(np.uint32).reshape(-1)).all()


def converse(model: SmallModel, passes: list[int], act_width: int = 25) -> None:
    """Passes of so many tokens, the logits of all of them or of the last."""
    core = Core(model.memory.copy(), model.limits, act_width, WINDOW.base)
    rng = np.random.default_rng(sum(passes))
    for tokens in passes:
        wanted = int(rng.choice((0, 1, tokens)))
        check(model, core, model.step(rng.integers(0, model.image.config.vocab_size, tokens), wanted))


@pytest.mark.parametrize("rank", [0, 8])
@pytest.mark.parametrize("config", [ONE_KEY_HEAD, LONG_HEADS, TWO_GROUPS], ids=["gqa", "long_heads", "groups"])
def test_prefill_and_decode(config: ModelConfig, rank: int):
    """Passes of some tokens, then one token each."""
    model = SmallModel(config, LIMITS, 25, 100, 5, rank)
    size = model.image.tokens
    assert size >= 3
    converse(model, [size, 1, 1, size, 2, 1])


def test_narrow_activations():
    """18 bits of an activation's mantissa, as on an ECP5."""
    converse(SmallModel(ONE_KEY_HEAD, LIMITS, 18, 40, 4), [3, 1, 1], 18)


@pytest.mark.parametrize("head", sorted({*WeightFormat} - {WeightFormat.CODES, WeightFormat.BFP8}))
@pytest.mark.parametrize("config", [LONG_HEADS, TWO_GROUPS], ids=["tied", "own"])
def test_formats_of_the_head(config: ModelConfig, head: WeightFormat):
    """The output head in other formats than the layers, or as it is in the checkpoint."""
    converse(SmallModel(config, LIMITS, 25, 40, 3, head=head), [3, 1])


@pytest.mark.parametrize("config", [LONG_HEADS, TWO_GROUPS])
@pytest.mark.parametrize("cache", [ValueFormat.BFP8, ValueFormat.FP32])
def test_formats_of_the_cache(config: ModelConfig, cache: ValueFormat):
    """Keys and values of 8 bits, or as they are, across the edge of a block of positions."""
    model = SmallModel(config, LIMITS, 25, 70, 3, cache=cache)
    model.remember(61, np.random.default_rng(0))
    converse(model, [2, 1, 1])


@pytest.mark.parametrize("rank", [0, 8])
@pytest.mark.parametrize("weights", FORMATS)
def test_formats_of_the_projections(weights: WeightFormat, rank: int):
    """All formats, with an adapter too."""
    converse(SmallModel(TWO_GROUPS, LIMITS, 25, 40, 3, rank, weights), [3, 1])


@pytest.mark.parametrize("rank", [0, 8])
@pytest.mark.parametrize("config", [ONE_KEY_HEAD, WIDE_MLP], ids=["gqa", "chunks"])
@pytest.mark.parametrize("turn", range(len(FORMATS)))
def test_a_format_for_each_projection(config: ModelConfig, rank: int, turn: int):
    """Each projection in each format once, beside others of other formats, the MLP whole and in chunks."""
    weights = {name: FORMATS[(turn + place) % len(FORMATS)] for place, name in enumerate(PROJECTIONS)}
    limits = replace(LIMITS, scratch_words=640, window=MemoryWindow(0x12_3000, 1 << 21))
    model = SmallModel(config, limits, 25, 70, 4, rank, weights)
    for name, fmt in weights.items():
        assert all(layer.projections[name].format == fmt for layer in model.image.layers)
    converse(model, [model.image.tokens, 1, 1])


def test_bytes_of_formats():
    """The plan has what each format takes: its tiles and, of codes, the header."""
    sizes = {WeightFormat.CODES2: 1088, WeightFormat.INT8: 4160, WeightFormat.FP16: 8192, WeightFormat.FP32: 16384}
    weights = {f"mlp.{name}_proj": fmt for name, fmt in zip(("gate", "up", "down"), sizes, strict=False)}
    weights["self_attn.o_proj"] = WeightFormat.FP32
    image = SmallModel(TWO_GROUPS, LIMITS, 25, 40, 1, weights=weights).image
    stored = {buffer.name: buffer.size for buffer in image.plan.buffers if buffer.purpose == "weights"}
    assert len(stored) == len(PROJECTIONS)
    for name in PROJECTIONS:
        fmt = weights.get(name, WeightFormat.CODES)
        n, k = TWO_GROUPS.linear_shape(name)
        header = 192 if fmt in CODE_BITS else 0
        assert stored[f"model.layers.0.{name}"] == n // BLOCK * (k // BLOCK) * sizes.get(fmt, 2112) + header


def test_projections_that_there_are_not():
    """A format for a name that is no projection's."""
    with pytest.raises(OperandError, match="no projection is called down_proj; there are self_attn.q_proj"):
        SmallModel(TWO_GROUPS, LIMITS, 25, 40, 1, weights={"down_proj": WeightFormat.INT8})


@pytest.mark.parametrize("config", [ONE_KEY_HEAD, LONG_HEADS], ids=["short", "long"])
@pytest.mark.parametrize("position", [0, 62, 63, 64, 126, 127, 129])
def test_contexts_around_block_edges(config: ModelConfig, position: int):
    """One token, and some tokens across the edge, behind any number of positions."""
    model = SmallModel(config, ROOMY, 25, 140, 4)
    model.remember(position, np.random.default_rng(position))
    converse(model, [1, 4, 1])


def test_pieces_of_tokens():
    """More rows of scores than the array takes: attention goes through the tokens in pieces."""
    model = SmallModel(TWO_GROUPS, replace(ROOMY, max_rows=8), 25, 80, 7)
    assert decoder_program.regions(TWO_GROUPS, 7, 80, model.limits, False).group_tokens == 4
    converse(model, [7, 7, 3, 1])


def test_one_place_of_scores():
    """A scratchpad that has no second place for the scores of a long context: no piece is scored ahead."""
    limits = replace(LIMITS, scratch_words=256)
    model = SmallModel(TWO_GROUPS, limits, 25, 200, 1)
    fits = [len(decoder_program.regions(TWO_GROUPS, 1, context, limits, False).scores) for context in (100, 199)]
    assert fits == [2, 1]
    model.remember(197, np.random.default_rng(0))
    converse(model, [1, 1])


@pytest.mark.parametrize("rank", [0, 8])
@pytest.mark.parametrize("words", [512, 1024])
def test_chunks_of_the_mlp(words: int, rank: int):
    """An MLP that a small scratchpad takes in chunks, the last of them shorter, and one that it takes as a whole."""
    limits = replace(LIMITS, scratch_words=words)
    model = SmallModel(WIDE_MLP, limits, 25, 70, 2, rank)
    chunk = decoder_program.regions(WIDE_MLP, model.image.tokens, 70, limits, rank > 0).chunk
    total = WIDE_MLP.intermediate_size // BLOCK
    assert (chunk == total) == (words == 1024)
    converse(model, [model.image.tokens, 1, 1])


@pytest.mark.parametrize("most", range(1, 25))
def test_cuts(most: int):
    """They cover all blocks, none is too large, and the last one is an eighth."""
    for total in range(1, 100):
        pieces = list(decoder_program.cuts(total, most))
        assert [block for first, count in pieces for block in range(first, first + count)] == list(range(total))
        assert max(count for _, count in pieces) <= most
        assert pieces[-1][1] == -(-min(total, most) // 8)


def test_longest_list():
    """A wide MLP in chunks of one block: the list has its place in memory."""
    shape = replace(WIDE_MLP, hidden_size=64, intermediate_size=2816, heads=1, kv_heads=1)
    limits = replace(LIMITS, scratch_words=512)
    model = SmallModel(shape, limits, 25, 40, 1, 8)
    assert decoder_program.regions(shape, 1, 40, limits, True).chunk == 1
    converse(model, [1, 1])


def test_context_overflow():
    """More tokens than the caches hold, or than a pass takes, are refused before anything is made."""
    model = SmallModel(TWO_GROUPS, LIMITS, 25, 10, 4)
    model.remember(8, np.random.default_rng(0))
    with pytest.raises(ModelLimitError, match="11 tokens exceed the context of 10"):
        model.step(np.zeros(3, int))
    with pytest.raises(ModelLimitError, match="5 tokens in one pass, which takes 1 to 4"):
        decoder_program.forward(model.image, 5, 0, LIMITS)
    assert model.golden.position == 8
    converse(model, [2])


def test_context_of_the_model():
    """Caches are no longer than the model's context."""
    with pytest.raises(ModelLimitError, match="a context of 257 tokens is over the model's 256"):
        SmallModel(TWO_GROUPS, LIMITS, 25, 257, 1)


@pytest.mark.parametrize(
    ("config", "context"),
    [(replace(WIDE_MLP, intermediate_size=4096), 64), (replace(TWO_GROUPS, context=4096), 4096)],
    ids=["mlp", "scores"],
)
def test_scratchpad_too_small(config: ModelConfig, context: int):
    """Not even one token fits: the MLP's gated values, or the scores of a long context."""
    with pytest.raises(ModelLimitError, match="do not fit the scratchpad of 512 words"):
        decoder_program.tokens_per_pass(config, 4, context, replace(LIMITS, scratch_words=512), False)


def test_tokens_per_pass():
    """As many as fit, not more than wanted, and a pass of one more does not fit."""
    assert decoder_program.tokens_per_pass(ONE_KEY_HEAD, 3, 100, ROOMY, False) == 3
    most = decoder_program.tokens_per_pass(ONE_KEY_HEAD, 16, 100, LIMITS, False)
    with pytest.raises(ModelLimitError, match="fewer tokens per pass"):
        decoder_program.regions(ONE_KEY_HEAD, most + 1, 100, LIMITS, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head_dim": 32}, "heads of 32 values"),
        ({"hidden_size": 96}, "hidden_size 96 is not a multiple of 64"),
        ({"intermediate_size": 100}, "intermediate_size 100"),
        ({"vocab_size": 65}, "vocab_size 65"),
        ({"kv_heads": 3}, "4 heads do not share 3"),
    ],
)
def test_shapes_that_the_accelerator_does_not_take(change: dict, message: str):
    """Each has a sentence of its own."""
    with pytest.raises(ModelLimitError, match=message):
        SmallModel(replace(TWO_GROUPS, **change), LIMITS, 25, 20, 1)
