"""Models from checkpoint to tokens on the golden core: image files, passes, the command line, and what they refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from edge_qlora import cli, errors, image_file, model_image
from edge_qlora.adapter import Adapter
from edge_qlora.bench import random_adapter
from edge_qlora.checkpoint import PROJECTIONS, ModelConfig
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Limits
from edge_qlora.decoder_program import tokens_per_pass
from edge_qlora.driver import Accelerator
from edge_qlora.footprint import MemoryWindow
from edge_qlora.layout import BLOCK, NESTED_BLOCK
from edge_qlora.memory_plan import MemoryPlan
from edge_qlora.model_image import ModelImage
from edge_qlora.runtime import Decoder
from edge_qlora.synthetic import CONFIGS, SyntheticCheckpoint

from tb.models import llama
from tb.models.golden_backend import GoldenBackend
from tb.models.qlora import Layer, code_weights
from tb.models.small_llama import golden_decoder

CONFIG = ModelConfig(192, 320, 2, 3, 1, 64, 128, 64, 1e-5, 10000.0, False)
BASE = 0x1000
LIMITS = Limits(1024, 16, 256, MemoryWindow(BASE, 1 << 20))
CONTEXT = 40
TOKENS = np.random.default_rng(1).integers(0, CONFIG.vocab_size, 12)


def build(limits: Limits = LIMITS, **options) -> tuple[ModelImage, np.ndarray]:
    """A small model in memory."""
    plan = MemoryPlan(limits.window)
    tokens = tokens_per_pass(CONFIG, 8, CONTEXT, limits, bool(options.get("adapters")))
    checkpoint = options.pop("checkpoint", SyntheticCheckpoint(CONFIG))
    image, contents = model_image.build(checkpoint, plan, limits, CONTEXT, tokens, **options)
    memory = np.zeros(limits.window.size, np.uint8)
    for address, content in contents:
        memory[address - BASE :][: content.size] = content
    return image, memory


def opened(image: ModelImage, memory: np.ndarray) -> Decoder:
    """The model on the golden core."""
    accelerator = Accelerator(GoldenBackend(memory, LIMITS, BASE))
    asyncio.run(accelerator.open(LIMITS.window))
    return Decoder(accelerator, image)


@pytest.fixture
def decoder() -> Decoder:
    return opened(*build())


def reference(lora: Adapter | None = None) -> llama.Decoder:
    """The golden decoder with the weights that the image has."""
    checkpoint, layers = SyntheticCheckpoint(CONFIG), []
    for index in range(CONFIG.layers):
        prefix = f"model.layers.{index}."
        projections = {}
        for name in PROJECTIONS:
            weight = checkpoint.linear(f"{prefix}{name}.weight")
            n, k = weight.shape
            pair = lora.layers[prefix + name] if lora else (np.zeros((0, k), np.float32), np.zeros((n, 0), np.float32))
            projections[name] = Layer.from_nf4(weight, *pair, lora.scale if lora else 1.0)
        norms = (checkpoint.tensor(f"{prefix}{n}_layernorm.weight") for n in ("input", "post_attention"))
        layers.append(llama.DecoderLayer(projections, *norms))
    embedding = checkpoint.tensor("model.embed_tokens.weight").astype(np.float16).astype(np.float32)
    head = code_weights(checkpoint.linear("lm_head.weight"))
    return llama.Decoder(CONFIG, embedding, layers, checkpoint.tensor("model.norm.weight"), head)


@pytest.mark.parametrize("lora", [None, random_adapter(CONFIG, 8)])
def test_logits_equal_the_golden_decoder(lora):
    """Passes of the same size, then one token each, with and without an adapter."""
    decoder = opened(*build(adapters={"lora": lora} if lora else {}))
    golden, size = reference(lora), decoder.image.tokens
    expected = [golden.forward(part) for part in np.array_split(TOKENS, -(-len(TOKENS) // size))]
    found = asyncio.run(decoder.forward(TOKENS, len(TOKENS)))
    assert (found.view(np.uint32) == np.concatenate(expected).view(np.uint32)).all()
    for token in (3, 5):
        found = asyncio.run(decoder.forward(np.array([token])))
        assert (found.view(np.uint32) == golden.forward(np.array([token])).view(np.uint32)).all()
    assert decoder.position == golden.position == len(TOKENS) + 2


def test_adapter_of_each_request():
    """Two adapters in memory: every request has the bits of a model with its adapter alone, or with none."""
    adapters = {"first": random_adapter(CONFIG, 8), "second": random_adapter(CONFIG, 4, 5)}
    decoder = opened(*build(adapters=adapters))
    for name in (None, "second", "first", None):
        decoder.use(name)
        decoder.reset()
        assert decoder.image.adapted == (name is not None)
        expected = reference(adapters[name] if name else None).forward(TOKENS[:4])[-1]
        found = asyncio.run(decoder.forward(TOKENS[:4]))[0]
        assert (found.view(np.uint32) == expected.view(np.uint32)).all(), name
    with pytest.raises(errors.OperandError, match="adapter 'third' is not in memory; there are: first, second"):
        decoder.use("third")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--use", "other"], "--use other: there are none"),
        (["--rank", "8", "--use", "rank-4"], "--use rank-4: there are rank-8, none"),
        (["--adapter", "a/one", "--adapter", "b/one"], "each needs a name of its own"),
        (["--adapter", "none=a"], "other than 'none'"),
    ],
)
def test_adapter_that_is_not_there(capsys, options, message):
    """Names that are double or unknown are refused before anything is packed."""
    assert cli.main(["generate", "--prompt", "a", *options]) == 1
    assert message in capsys.readouterr().err


def test_rank_over_what_the_array_takes():
    """Rows of the low-rank space have one block."""
    pairs = {"model.layers.0.self_attn.q_proj": (np.zeros((65, 192), np.float16), np.zeros((192, 65), np.float16))}
    with pytest.raises(errors.ModelLimitError, match="adapter 'wide' has rank 65"):
        build(adapters={"wide": Adapter(65, 65.0, pairs)})


def test_generate(decoder):
    """Greedy tokens are those of the golden decoder; a stop token ends it."""

    async def tokens(count: int, stop: frozenset[int] = frozenset()) -> list[int]:
        decoder.reset()
        return [token async for token, _ in decoder.generate(TOKENS[:4], count, stop)]

    found = asyncio.run(tokens(6))
    golden = reference()
    assert found == golden.generate(TOKENS[:4], 6)
    assert asyncio.run(tokens(6, frozenset(found[2:3]))) == found[: found.index(found[2]) + 1]


def test_context_overflow(decoder):
    """More tokens than the caches hold are refused, and the conversation goes on."""
    asyncio.run(decoder.forward(np.tile(TOKENS, 3)))
    with pytest.raises(errors.ModelLimitError, match="41 tokens exceed the context of 40"):
        asyncio.run(decoder.forward(TOKENS[:5]))
    assert decoder.position == 36
    asyncio.run(decoder.forward(TOKENS[:4]))


@pytest.mark.parametrize("tokens", [[], [128], [-1], [0.5]])
def test_bad_tokens(decoder, tokens):
    """No token, and numbers that are none."""
    with pytest.raises(errors.OperandError):
        asyncio.run(decoder.forward(np.array(tokens)))
    assert decoder.position == 0


def test_image_file(tmp_path):
    """What was packed comes back, and runs."""
    path = tmp_path / "model.img"
    lora = {"lora": random_adapter(CONFIG, 8)}
    image, contents = model_image.build(
        SyntheticCheckpoint(CONFIG), MemoryPlan(LIMITS.window), LIMITS, CONTEXT, 4, lora, cache=ValueFormat.FP32
    )
    image_file.save(path, image, contents, replace(LIMITS, backward=False))
    found, memory, limits = image_file.load(path)
    assert found == image and limits.scratch_words == LIMITS.scratch_words and not limits.backward
    whole = np.concatenate((memory, np.zeros(LIMITS.window.size - len(memory), np.uint8)))
    logits = asyncio.run(opened(found, whole).forward(TOKENS[:4]))
    expected = reference(lora["lora"])
    expected.stored = ValueFormat.FP32
    assert (logits == expected.forward(TOKENS[:4])[-1]).all()


def test_a_core_without_backward_passes_generates(monkeypatch):
    """The command line takes it, and its logits are right; one with another limit is refused."""
    image, memory = build()
    monkeypatch.setattr(cli, "packed", lambda *_: (image, memory, LIMITS))
    options = cli.parser().parse_args(["generate", "--prompt", "a"])

    def on(**changes: int) -> Decoder:
        backend = GoldenBackend(memory, replace(LIMITS, **changes), BASE)
        monkeypatch.setattr(cli, "open_backend", lambda *_: backend)
        return asyncio.run(cli.open_decoder(options, cli.Progress(), "golden"))

    decoder = on(backward=False)
    assert not decoder.accelerator.limits.backward
    assert (asyncio.run(decoder.forward(TOKENS[:4])) == reference().forward(TOKENS[:4])[-1]).all()
    with pytest.raises(errors.OperandError, match="max_rows=16.* the accelerator has .*max_rows=8"):
        on(max_rows=8)


def test_an_image_for_each_format(tmp_path, monkeypatch):
    """What is packed for one format of weights, head or cache is not taken for another."""
    monkeypatch.setattr(cli, "CACHE", tmp_path)
    monkeypatch.setattr(cli, "open_model", lambda name: SyntheticCheckpoint(CONFIG))
    chosen = [(), ("--cache", "bfp8"), ("--head", "fp16"), ("--weights", "nf3"), ("--cache", "fp16")]
    chosen += [("--weights", "nf3,up_proj=fp16"), ("--weights", "nf4,down_proj=nf4")]
    for options in chosen:
        parsed = cli.parser().parse_args(["generate", "--prompt", "a", "--context", str(CONTEXT), *options])
        image, _, _ = cli.packed(parsed, cli.Progress())
        assert (image.cache == ValueFormat.BFP8) == ("bfp8" in options)
    assert len(list(tmp_path.glob("*.img"))) == 5


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ({"head": WeightFormat.BFP8}, "the output head is not stored in BFP8"),
        ({"weights": {"mlp.up_proj": WeightFormat.BFP8}}, "mlp.up_proj is not stored in BFP8"),
    ],
)
def test_formats_that_are_not_stored(formats, message):
    """Of projections and of the head."""
    with pytest.raises(errors.ModelLimitError, match=message):
        build(**formats)


@pytest.mark.parametrize(
    ("text", "others", "named"),
    [
        ("nf4", "nf4", {}),
        ("fp16", "fp16", {}),
        ("down_proj=int8,q_proj=fp16", "nf4", {"mlp.down_proj": "int8", "self_attn.q_proj": "fp16"}),
        ("int8, down_proj=nf2", "int8", {"mlp.down_proj": "nf2"}),
    ],
)
def test_formats_of_projections_by_name(text, others, named):
    """One for all, some of their own, or both."""
    found = cli.parser().parse_args(["plan", "--weights", text]).weights
    assert found == {name: cli.WEIGHTS[named.get(name, others)] for name in PROJECTIONS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nf5", "format 'nf5': there are nf4, nf3, nf2, int8, fp16, fp32"),
        ("", "format ''"),
        ("q_proj=", "format ''"),
        ("q_proj", "format 'q_proj'"),
        ("nf4,", "format ''"),
        ("q_proj=bfp8", "format 'bfp8'"),
        ("qkv_proj=int8", "projection 'qkv_proj': there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down"),
        ("lm_head=int8", "projection 'lm_head'"),
        ("=int8", "projection ''"),
        ("q_proj=int8,q_proj=nf4", "q_proj has two formats"),
        ("q_proj=int8,nf4", "'nf4' without a projection is possible in the first place only"),
    ],
)
def test_formats_of_projections_that_there_are_not(capsys, text, message):
    """The message has what is possible."""
    with pytest.raises(SystemExit):
        cli.main(["plan", "--weights", text])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("lora", [None, random_adapter(CONFIG, 8)])
def test_mixed_formats_from_a_file(tmp_path, lora):
    """Projections in four formats packed, loaded and run: the logits of the golden decoder with the same weights."""
    path, adapters = tmp_path / "model.img", {"lora": lora} if lora else {}
    weights = cli.weight_formats("fp16,up_proj=nf4,k_proj=int8,down_proj=nf3")
    checkpoint = SyntheticCheckpoint(CONFIG)
    image, contents = model_image.build(
        checkpoint, MemoryPlan(LIMITS.window), LIMITS, CONTEXT, 4, adapters, weights=weights
    )
    image_file.save(path, image, contents, LIMITS)
    found, memory, _ = image_file.load(path)
    assert found == image
    whole = np.concatenate((memory, np.zeros(LIMITS.window.size - len(memory), np.uint8)))
    logits = asyncio.run(opened(found, whole).forward(TOKENS[:4], 4))
    expected = golden_decoder(checkpoint, lora, 25, weights).forward(TOKENS[:4])
    assert (logits.view(np.uint32) == expected.view(np.uint32)).all()


def test_weight_beyond_its_format():
    """A projection's weight that FP16 cannot hold is found when it is packed."""

    class Large(SyntheticCheckpoint):
        def tensor(self, wanted: str) -> np.ndarray:
            return 1e7 * super().tensor(wanted) if wanted.endswith("v_proj.weight") else super().tensor(wanted)

    with pytest.raises(errors.ModelLimitError, match=r"model.layers.0.self_attn.v_proj: a value is beyond float16"):
        build(checkpoint=Large(CONFIG), weights={"self_attn.v_proj": WeightFormat.FP16})


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _flipped(place: float, path):
    """One bit of the content, so far behind its beginning."""
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0x10
    path.write_bytes(content)


def _described(change: Callable, path):
    """The description after a change of its fields."""
    description = json.loads(path.with_suffix(".json").read_text())
    change(description)
    path.with_suffix(".json").write_text(json.dumps(description))


def _other_format(path):
    path.with_suffix(".json").write_text('{"format": "other"}')


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (_cut, errors.TruncatedFileError, "expected"),
        (_other_format, errors.MalformedFileError, "not the description"),
        (partial(_described, lambda d: d["image"]["head"].pop("format")), errors.MalformedFileError, "incomplete"),
        *((partial(_flipped, place), errors.MalformedFileError, r"model\.img: damaged") for place in (0, 0.37, 1)),
        (partial(_described, lambda d: d["image"].update(x=64)), errors.MalformedFileError, "or model.json: checksum"),
        (partial(_described, lambda d: d.pop("checksum")), errors.MalformedFileError, "checksum .* not None"),
        (lambda path: path.write_bytes(b""), errors.TruncatedFileError, "0 bytes, expected"),
        (lambda path: path.unlink(), errors.FileMissingError, "no such file"),
        (lambda path: path.with_suffix(".json").unlink(), errors.FileMissingError, "model.json"),
    ],
)
def test_bad_image_file(tmp_path, monkeypatch, fault: Callable, error, message):
    """A truncated, damaged, foreign or incomplete packed model."""
    monkeypatch.setattr(image_file, "CHUNK", 1000)
    path = tmp_path / "model.img"
    image, contents = model_image.build(SyntheticCheckpoint(CONFIG), MemoryPlan(LIMITS.window), LIMITS, CONTEXT, 4)
    image_file.save(path, image, contents, LIMITS)
    image_file.load(path)
    fault(path)
    with pytest.raises(error, match=message):
        image_file.load(path)


def test_model_larger_than_memory():
    """The message has the plan as far as it got."""
    limits = Limits(1024, 16, 256, MemoryWindow(BASE, 1 << 18))
    with pytest.raises(errors.MemoryFullError, match=r"does not fit(.|\n)*purpose(.|\n)*weights"):
        build(limits)


def test_context_over_the_sliding_window():
    """As many tokens as it has are possible, one more is not."""
    build(checkpoint=SyntheticCheckpoint(replace(CONFIG, sliding_window=CONTEXT)))
    with pytest.raises(errors.ModelLimitError, match="context of 40 tokens is over the model's sliding_window of 39"):
        build(checkpoint=SyntheticCheckpoint(replace(CONFIG, sliding_window=CONTEXT - 1)))


def test_adapter_of_the_wrong_shape():
    """An adapter of another model."""
    lora = random_adapter(CONFIG, 8)
    name = "model.layers.0.mlp.up_proj"
    a, b = lora.layers[name]
    wrong = Adapter(lora.rank, lora.alpha, {name: (a[:, :-64], b)})
    with pytest.raises(errors.AdapterShapeError, match=f"{name}.lora_A"):
        build(adapters={"wrong": wrong})


def test_value_beyond_its_format():
    """A value beyond FP16 is found when it is packed."""

    class Broken(SyntheticCheckpoint):
        def tensor(self, wanted: str) -> np.ndarray:
            values = super().tensor(wanted)
            if wanted == "model.embed_tokens.weight":
                values[3, 5] = 1e6
            return values

    with pytest.raises(errors.ModelLimitError, match=r"model.embed_tokens: a value is beyond float16"):
        build(checkpoint=Broken(CONFIG))


def test_scratchpad_too_small():
    """Not even one token fits."""
    with pytest.raises(errors.ModelLimitError, match="do not fit the scratchpad of 512 words"):
        tokens_per_pass(CONFIGS["tinyllama-1.1b"], 4, 64, Limits(512, 16, 4096), False)


def test_command_line(capsys):
    """A plan is printed; what does not fit ends with a message and status 1."""
    assert cli.main(["plan", "tinyllama-1.1b", "--context", "2048", "--tokens", "4"]) == 0
    assert "key and value cache" in capsys.readouterr().out
    assert cli.main(["plan", "tinyllama-1.1b", "--memory", "256MiB"]) == 1
    assert "does not fit" in capsys.readouterr().err
    for arguments, message in (
        (["plan", "/nowhere"], "/nowhere: no such file or directory, and not one of smollm2"),
        (["generate", "tinyllama-1.1b", "--prompt", "Hello"], "no tokenizer"),
        (["generate", "--prompt", "Hello", "--count", "0"], "0 tokens to generate"),
    ):
        assert cli.main(arguments) == 1
        assert message in capsys.readouterr().err


def test_interrupted(monkeypatch, capsys):
    """Ctrl-C ends with a word instead of a traceback."""

    def interrupted(*arguments) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "plan_image", interrupted)
    assert cli.main(["plan", "tinyllama-1.1b"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_one_bar_for_one_thing():
    """A bar that began goes on, until something else is done."""
    progress, bars = cli.Progress(), []
    for what, done in (("packing", 1), ("packing", 2), ("reading", 1)):
        progress(what, done, 9)
        bars.append(progress.bar)
    progress.close()
    assert bars[0] is bars[1] is not bars[2]


def test_plan_of_formats(capsys):
    """TinyLlama's down projections, 22 of 2,048 x 5,632, in FP16 among 4-bit codes take what they should."""
    sizes = []
    for weights in ("nf4", "nf4,down_proj=fp16"):
        assert cli.main(["plan", "tinyllama-1.1b", "--context", "64", "--tokens", "4", "--weights", weights]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "weights (" in line]
        sizes.append(int(line.split()[1].replace(",", "")))
    tiles = 2048 * 5632 // BLOCK**2
    header = 128 + 4 * tiles * BLOCK // NESTED_BLOCK
    assert sizes[1] - sizes[0] == 22 * (2 * 2048 * 5632 - tiles * 2112 - header)


def test_logits_that_differ_are_told():
    """A single bit is enough, the sign of a zero too."""
    logits = np.zeros(5, np.float32)
    cli.check(logits, logits.copy(), 0)
    with pytest.raises(errors.LogitsDifferError, match="1 of 5 logits of token 2 differ .* first at 3"):
        cli.check(logits, np.array([0, 0, 0, -0.0, 0], np.float32), 2)
