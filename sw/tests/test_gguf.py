"""GGUF: the right tensors from a good file, a named error that says where from a bad one."""

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from conftest import HEADS, interleave, write_gguf
from edge_qlora import errors
from edge_qlora.checkpoint import GgufCheckpoint, open_checkpoint, smollm2_path
from edge_qlora.gguf_file import GgufFile
from edge_qlora.quantization import quantize_nf4
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

Q_PROJ = "model.layers.0.self_attn.q_proj.weight"


@pytest.fixture(scope="module")
def smollm2() -> GgufCheckpoint:
    return GgufCheckpoint(smollm2_path())


def test_every_tensor_under_its_name(models, weights):
    checkpoint = open_checkpoint(models["gguf"])
    assert not checkpoint.config.tied_head
    for name, weight in weights.items():
        values = checkpoint.tensor(name)
        assert values.dtype == np.float32 and values.flags.writeable
        np.testing.assert_array_equal(values, weight, err_msg=name)


def test_smollm2_configuration(smollm2):
    config = smollm2.config
    assert (config.hidden_size, config.intermediate_size, config.layers) == (576, 1536, 30)
    assert (config.heads, config.kv_heads, config.head_dim, config.vocab_size) == (9, 3, 64, 49152)
    assert config.tied_head and config.rope_theta == 100000.0
    tokens, merges = smollm2.tokenizer_tables()
    assert len(tokens) == 49152 and len(merges) > 48000


@pytest.mark.parametrize(("projection", "stored"), [("q_proj", "attn_q"), ("k_proj", "attn_k")])
def test_smollm2_rotary_order_agrees_with_transformers(smollm2, projection, stored):
    """The reordering of real query and key weights against the one in transformers' own loader."""
    processor = LlamaTensorProcessor({"num_attention_heads": 9, "num_key_value_heads": 3})
    raw = GgufFile(smollm2.path)
    for layer in (0, 29):
        name = f"blk.{layer}.{stored}.weight"
        expected = processor.process(raw.read(name), name).weights
        values = smollm2.tensor(f"model.layers.{layer}.self_attn.{projection}.weight")
        np.testing.assert_array_equal(values, expected)
        assert not np.array_equal(values, raw.read(name))


def test_smollm2_linear_layers(smollm2):
    names = smollm2.linear_names()
    assert len(names) == 210
    for name in names[:7]:
        weight = smollm2.linear(name)
        expected = quantize_nf4(smollm2.tensor(name))
        np.testing.assert_array_equal(weight.packed, expected.packed)
        assert weight.shape == smollm2.tensor(name).shape
    assert smollm2.tensor("lm_head.weight").shape == (49152, 576)


def test_quantized_storage_is_dequantized(models, weights, tmp_path):
    """Q8_0 in the file: the values are those that the gguf package gives for the same blocks."""
    name = "model.layers.0.mlp.up_proj.weight"
    raw = gguf.quants.quantize(weights[name], gguf.GGMLQuantizationType.Q8_0)
    writer = gguf.GGUFWriter(tmp_path / "q8.gguf", "llama")
    writer.add_tensor("w", raw, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    values = GgufFile(tmp_path / "q8.gguf").read("w")
    assert values.shape == weights[name].shape
    np.testing.assert_array_equal(values, gguf.quants.dequantize(raw, gguf.GGMLQuantizationType.Q8_0))


def test_truncation_anywhere_is_named(models, tmp_path):
    """Cut at every byte of the header and at steps through the data."""
    data = models["gguf"].read_bytes()
    file = tmp_path / "cut.gguf"
    header = data.index(b"output_norm.weight")
    for size in [*range(0, header, 37), *range(header, len(data) - 1, len(data) // 40), len(data) - 1]:
        file.write_bytes(data[:size])
        with pytest.raises(errors.TruncatedFileError, match="cut.gguf"):
            GgufFile(file)


def test_truncated_data_names_the_tensor(models, tmp_path):
    data = models["gguf"].read_bytes()
    (tmp_path / "cut.gguf").write_bytes(data[:-2048])
    with pytest.raises(errors.TruncatedFileError, match="tensor ") as caught:
        open_checkpoint(tmp_path / "cut.gguf")
    assert caught.value.tensor in GgufFile(models["gguf"]).names()


def damaged(models, tmp_path: Path, find: bytes, offset: int, new: bytes) -> Path:
    """A copy of the model with bytes replaced at `offset` behind the end of the first `find`."""
    data = bytearray(models["gguf"].read_bytes())
    position = data.index(find) + len(find) + offset
    data[position : position + len(new)] = new
    file = tmp_path / "damaged.gguf"
    file.write_bytes(data)
    return file


DAMAGE = [
    (b"", 0, b"NOPE", errors.MalformedFileError, "magic"),
    (b"", 4, struct.pack("<I", 1), errors.MalformedFileError, "version 1"),
    (b"", 8, struct.pack("<Q", 1 << 60), errors.CheckpointError, "damaged"),
    (b"", 16, struct.pack("<Q", 1 << 60), errors.CheckpointError, "damaged"),
    (b"", 24, struct.pack("<Q", 1 << 62), errors.TruncatedFileError, "header needs"),
    (b"general.architecture", 0, struct.pack("<I", 99), errors.MalformedFileError, "metadata type 99"),
    (b"general.architecture", 12, b"\xff", errors.MalformedFileError, "UTF-8"),
    (b"tokenizer.ggml.tokens", 0, struct.pack("<II", 9, 9), errors.MalformedFileError, "metadata type 9"),
    (b"tokenizer.ggml.token_type", 8, struct.pack("<Q", 1 << 60), errors.TruncatedFileError, "header needs"),
    (b"blk.0.attn_v.weight", 0, struct.pack("<I", 9), errors.MalformedFileError, "9 dimensions"),
    (b"blk.0.attn_v.weight", 4, struct.pack("<Q", 0), errors.MalformedFileError, "blocks of 1"),
    (b"blk.0.attn_v.weight", 4, struct.pack("<Q", 1 << 40), errors.TruncatedFileError, "its data ends"),
    (b"blk.0.attn_v.weight", 20, struct.pack("<I", 250), errors.UnsupportedQuantizationError, "storage type 250"),
    (b"blk.0.attn_v.weight", 24, struct.pack("<Q", 1 << 40), errors.TruncatedFileError, "its data ends"),
    (b"blk.0.attn_v.weight", -19, b"blk.0.attn_k.weight", errors.MalformedFileError, "named twice"),
]


@pytest.mark.parametrize(("find", "offset", "new", "error", "message"), DAMAGE)
def test_damage_is_named(models, tmp_path, find, offset, new, error, message):
    with pytest.raises(error, match=message) as caught:
        GgufFile(damaged(models, tmp_path, find, offset, new))
    assert "damaged.gguf" in str(caught.value)
    if find.startswith(b"blk") and offset >= 0:
        assert find.decode() in str(caught.value)


@pytest.mark.parametrize("alignment", [0, 24])
def test_alignment_that_is_no_power_of_two(tmp_path, alignment):
    writer = gguf.GGUFWriter(tmp_path / "alignment.gguf", "llama")
    writer.add_uint32("general.alignment", alignment)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(errors.MalformedFileError, match=f"alignment {alignment}"):
        GgufFile(tmp_path / "alignment.gguf")


def test_storage_type_without_a_dequantizer(tmp_path):
    kind = gguf.GGMLQuantizationType.Q8_K
    block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    writer = gguf.GGUFWriter(tmp_path / "q8k.gguf", "llama")
    writer.add_tensor("w", np.zeros((1, block_bytes), np.uint8), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = GgufFile(tmp_path / "q8k.gguf")
    with pytest.raises(errors.UnsupportedQuantizationError, match="w: stored as Q8_K"):
        file.read("w")


def test_other_architecture(weights, tmp_path):
    write_gguf(tmp_path / "gpt2.gguf", {}, architecture="gpt2")
    with pytest.raises(errors.UnsupportedArchitectureError, match="'gpt2'"):
        open_checkpoint(tmp_path / "gpt2.gguf")
    write_gguf(tmp_path / "experts.gguf", weights, expert_count=8)
    with pytest.raises(errors.UnsupportedArchitectureError, match="experts.gguf"):
        open_checkpoint(tmp_path / "experts.gguf")


IMPOSSIBLE = [
    ({"embedding_length": None}, "llama.embedding_length is None"),
    ({"block_count": 0}, "llama.block_count is 0"),
    ({"context_length": 1.5}, "llama.context_length"),
    ({"attention_head_count": [4, 4]}, "llama.attention.head_count"),
    ({"vocab_size": None, "tokens": None}, "llama.vocab_size is 0"),
    ({"vocab_size": None, "tokens": 5}, "llama.vocab_size is None"),
    ({"vocab_size": None, "tokens": [1, 2]}, "llama.vocab_size is None"),
    ({"embedding_length": HEADS * 33}, "odd size 33"),
    ({"embedding_length": 130}, "130 is not made of 4 heads"),
    ({"attention_head_count_kv": 3}, "4 heads cannot share 3"),
]


@pytest.mark.parametrize(("change", "message"), IMPOSSIBLE)
def test_metadata_missing_or_impossible(tmp_path, change, message):
    write_gguf(tmp_path / "meta.gguf", {}, **change)
    with pytest.raises(errors.MalformedFileError, match=message):
        open_checkpoint(tmp_path / "meta.gguf")


@pytest.mark.parametrize(
    "change",
    [
        {"rope__scaling__type": "yarn"},
        {"rope__scaling__type": [1, 2]},
        {"rope__scaling__factor": 2.0},
        {"rope__scale_linear": 2.0},
        {"rope__dimension_count": 16},
        {"attention__value_length": 64},
        {"expert_count": [0, 8]},
    ],
)
def test_other_computations(tmp_path, change):
    write_gguf(tmp_path / "other.gguf", {}, **change)
    with pytest.raises(errors.UnsupportedArchitectureError, match=next(iter(change)).replace("__", ".")):
        open_checkpoint(tmp_path / "other.gguf")


def test_scaled_rotary_frequencies(monkeypatch, tmp_path):
    """Llama 3's scaling is a tensor in GGUF."""
    monkeypatch.setattr(GgufFile, "names", lambda self: ["rope_freqs.weight"])
    write_gguf(tmp_path / "llama3.gguf", {})
    with pytest.raises(errors.UnsupportedArchitectureError, match="tensor rope_freqs.weight"):
        open_checkpoint(tmp_path / "llama3.gguf")


def test_metadata_that_means_nothing_special(weights, tmp_path):
    """Heads of a size of their own, no scaling, no vocab_size."""
    changes = {"attention__key_length": 64, "attention__value_length": 64, "rope__dimension_count": 64}
    write_gguf(tmp_path / "wide.gguf", {}, rope__scaling__type="none", vocab_size=None, **changes)
    config = open_checkpoint(tmp_path / "wide.gguf").config
    assert config.head_dim == 64 and config.linear_shape("self_attn.q_proj") == (256, 128)
    assert config.vocab_size == 64


@pytest.mark.parametrize("alignment", [8, 256])
def test_alignment_of_the_file(weights, tmp_path, alignment):
    write_gguf(tmp_path / "aligned.gguf", weights, alignment=alignment)
    file = GgufFile(tmp_path / "aligned.gguf")
    np.testing.assert_array_equal(file.read("blk.0.attn_v.weight"), weights["model.layers.0.self_attn.v_proj.weight"])


@pytest.mark.parametrize("tokens", [None, 5, [1, 2]])
def test_file_without_a_tokenizer(tmp_path, tokens):
    write_gguf(tmp_path / "mute.gguf", {}, tokens=tokens)
    with pytest.raises(errors.MalformedFileError, match="tokenizer.ggml.tokens is not an array of strings"):
        open_checkpoint(tmp_path / "mute.gguf").tokenizer_tables()


def test_arrays_of_numbers_are_not_copied(models):
    kinds = GgufFile(models["gguf"]).metadata["tokenizer.ggml.token_type"]
    assert isinstance(kinds, np.ndarray) and not kinds.flags.owndata
    np.testing.assert_array_equal(kinds, np.ones(64))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weight_that_is_not_finite(weights, tmp_path, value):
    bad = weights[Q_PROJ].copy()
    bad[3, 5] = value
    write_gguf(tmp_path / "nan.gguf", {Q_PROJ: bad})
    with pytest.raises(errors.NonFiniteWeightError, match=f"nan.gguf: tensor {Q_PROJ}"):
        open_checkpoint(tmp_path / "nan.gguf").linear(Q_PROJ)


def test_weight_of_wrong_shape(weights, tmp_path):
    write_gguf(tmp_path / "shape.gguf", {Q_PROJ: weights[Q_PROJ][:64]})
    with pytest.raises(
        errors.WeightShapeError, match=r"q_proj.weight: shape \(64, 128\), the model needs \(128, 128\)"
    ):
        open_checkpoint(tmp_path / "shape.gguf").tensor(Q_PROJ)


def test_missing_tensors(models, tmp_path):
    write_gguf(tmp_path / "empty.gguf", {})
    with pytest.raises(errors.MissingTensorError, match=f"empty.gguf: tensor {Q_PROJ}"):
        open_checkpoint(tmp_path / "empty.gguf").tensor(Q_PROJ)
    with pytest.raises(errors.MissingTensorError, match="not a tensor of a Llama model"):
        open_checkpoint(models["gguf"]).tensor("model.layers.0.mlp.experts.weight")
    with pytest.raises(errors.FileMissingError, match="absent.gguf"):
        open_checkpoint(tmp_path / "absent.gguf")
    with pytest.raises(errors.FileMissingError, match="absent.gguf"):
        GgufFile(tmp_path / "absent.gguf")


def test_interleave_of_the_fixture_pairs_the_halves():
    rows = np.arange(8)[:, None]
    np.testing.assert_array_equal(interleave(rows, 2)[:, 0], [0, 2, 1, 3, 4, 6, 5, 7])
