"""Hugging Face directories, whole, sharded and quantized by bitsandbytes; good ones and bad ones."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from edge_qlora import errors
from edge_qlora.checkpoint import open_checkpoint, smollm2_path
from edge_qlora.quantization import dequantize_nf4, quantize_nf4
from edge_qlora.safetensors_file import SafetensorsFile
from safetensors.torch import load_file, save_file

V_PROJ = "model.layers.1.self_attn.v_proj.weight"


def copy_of(models, name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models[name], tmp_path / name))


def edit_config(directory: Path, **changes) -> None:
    file = directory / "config.json"
    config = json.loads(file.read_text())
    for key, value in changes.items():
        if value is None:
            config.pop(key)
        else:
            config[key] = value
    file.write_text(json.dumps(config))


def edit_tensors(directory: Path, change) -> None:
    """Rewrite model.safetensors after `change(tensors)`."""
    file = directory / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["single", "sharded"])
def test_every_tensor(models, weights, name):
    checkpoint = open_checkpoint(models[name])
    for tensor, weight in weights.items():
        np.testing.assert_array_equal(checkpoint.tensor(tensor), weight, err_msg=tensor)


def test_all_formats_give_the_same_quantized_layers(models, projections):
    """bitsandbytes through transformers made the NF4 checkpoint; it equals quantizing each other format here."""
    checkpoints = {name: open_checkpoint(path) for name, path in models.items()}
    assert checkpoints["single"].config == checkpoints["nf4"].config == checkpoints["sharded"].config
    assert checkpoints["single"].linear_names() == projections
    for name in projections:
        stored = checkpoints["nf4"].linear(name)
        np.testing.assert_array_equal(checkpoints["nf4"].tensor(name), dequantize_nf4(stored))
        for other in ("single", "sharded", "gguf"):
            made = checkpoints[other].linear(name)
            assert made.shape == stored.shape and made.offset == stored.offset
            np.testing.assert_array_equal(made.packed, stored.packed)
            np.testing.assert_array_equal(made.absmax_codes, stored.absmax_codes)
            np.testing.assert_array_equal(made.nested_absmax, stored.nested_absmax)


def test_unquantized_parts_of_a_quantized_checkpoint(models, weights):
    np.testing.assert_array_equal(open_checkpoint(models["nf4"]).tensor("lm_head.weight"), weights["lm_head.weight"])


def test_quant_storage_of_another_type(models, tmp_path):
    """The codes' bytes may be kept in a tensor of any type (bnb_4bit_quant_storage)."""
    directory = copy_of(models, "nf4", tmp_path)
    edit_tensors(directory, lambda t: t.update({V_PROJ: t[V_PROJ].view(-1, 2).view(torch.bfloat16)}))
    expected = open_checkpoint(models["nf4"]).linear(V_PROJ)
    np.testing.assert_array_equal(open_checkpoint(directory).linear(V_PROJ).packed, expected.packed)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_checkpoint(models, weights, tmp_path, dtype):
    directory = copy_of(models, "single", tmp_path)
    edit_tensors(directory, lambda t: t.update({V_PROJ: t[V_PROJ].to(dtype)}))
    rounded = torch.tensor(weights[V_PROJ]).to(dtype).float()
    checkpoint = open_checkpoint(directory)
    np.testing.assert_array_equal(checkpoint.tensor(V_PROJ), rounded.numpy())
    np.testing.assert_array_equal(checkpoint.linear(V_PROJ).packed, quantize_nf4(rounded).packed)


def test_tied_head(models, weights, tmp_path):
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, tie_word_embeddings=True)
    edit_tensors(directory, lambda t: t.pop("lm_head.weight"))
    head = open_checkpoint(directory).tensor("lm_head.weight")
    np.testing.assert_array_equal(head, weights["model.embed_tokens.weight"])


CONFIG_CHANGES = [
    ({"model_type": "gpt2"}, errors.UnsupportedArchitectureError, "'gpt2' is not a 'llama' or 'mistral' model"),
    ({"model_type": ["llama"]}, errors.UnsupportedArchitectureError, "model_type"),
    *(
        ({"model_type": "mistral", "sliding_window": size}, errors.MalformedFileError, f"sliding_window is {size!r}")
        for size in (0, -1, True, "4096", 0.5)
    ),
    ({"attention_bias": True}, errors.UnsupportedArchitectureError, "without biases"),
    ({"hidden_size": None}, errors.MalformedFileError, "hidden_size is None"),
    ({"num_hidden_layers": -1}, errors.MalformedFileError, "num_hidden_layers is -1"),
    ({"vocab_size": "many"}, errors.MalformedFileError, "vocab_size"),
    *(({"head_dim": size}, errors.MalformedFileError, f"head_dim is {size!r}") for size in (0.5, 0, False, "32")),
    ({"head_dim": 33}, errors.MalformedFileError, "odd size 33"),
    ({"head_dim": None, "num_attention_heads": 3}, errors.MalformedFileError, "128 is not made of 3 heads"),
    ({"num_key_value_heads": 3}, errors.MalformedFileError, "4 heads cannot share 3"),
    ({"num_hidden_layers": 10**400}, errors.MalformedFileError, "num_hidden_layers"),
    ({"rms_norm_eps": True}, errors.MalformedFileError, "rms_norm_eps"),
    ({"rms_norm_eps": 10**400}, errors.MalformedFileError, "rms_norm_eps"),
    ({"tie_word_embeddings": "false"}, errors.MalformedFileError, "tie_word_embeddings"),
    ({"hidden_act": "gelu"}, errors.UnsupportedArchitectureError, "hidden_act 'gelu'"),
    ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, errors.UnsupportedArchitectureError, "rope_scaling"),
    ({"rope_scaling": {"type": "linear", "factor": 2.0}}, errors.UnsupportedArchitectureError, "rope_scaling"),
    ({"rope_parameters": {"rope_type": "yarn"}}, errors.UnsupportedArchitectureError, "rope_parameters"),
    ({"rope_parameters": {"partial_rotary_factor": 0.5}}, errors.UnsupportedArchitectureError, "rope_parameters"),
    ({"rope_parameters": ["default"]}, errors.MalformedFileError, "rope_parameters is not an object"),
    ({"rope_parameters": {"rope_theta": "1e4"}}, errors.MalformedFileError, "rope_theta"),
    ({"quantization_config": ["nf4"]}, errors.MalformedFileError, "not an object"),
    ({"quantization_config": {"quant_method": "gptq"}}, errors.UnsupportedQuantizationError, "gptq"),
    (
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
        errors.UnsupportedQuantizationError,
        "not bitsandbytes 4-bit NF4",
    ),
    (
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}},
        errors.UnsupportedQuantizationError,
        "not bitsandbytes 4-bit NF4",
    ),
    (
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}},
        errors.UnsupportedQuantizationError,
        "not double-quantized",
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), CONFIG_CHANGES)
def test_configuration(models, tmp_path, change, error, message):
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, **change)
    with pytest.raises(error, match=message) as caught:
        open_checkpoint(directory)
    assert caught.value.file.endswith("config.json")


@pytest.mark.parametrize(
    ("change", "window"),
    [
        ({"sliding_window": 4095}, 4095),
        ({"sliding_window": 8192}, None),
        ({"sliding_window": 8191}, 8191),
        ({"sliding_window": None}, None),
        ({}, 4096),
        ({"max_position_embeddings": 4096}, None),
        ({"model_type": "llama", "sliding_window": 64}, None),
    ],
)
def test_sliding_window(models, tmp_path, change, window):
    """Of Mistral models, where it is shorter than the context; 4,096 where the key is absent, none where it is null."""
    directory = copy_of(models, "single", tmp_path)
    file = directory / "config.json"
    config = json.loads(file.read_text()) | {"model_type": "mistral", "max_position_embeddings": 8192}
    file.write_text(json.dumps(config | change))
    assert open_checkpoint(directory).config.sliding_window == window


def test_what_a_mistral_model_leaves_out(models, tmp_path):
    """Its defaults are not Llama's."""
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, model_type="mistral", max_position_embeddings=None, num_key_value_heads=None)
    with pytest.raises(errors.MalformedFileError, match="4 heads cannot share 8"):
        open_checkpoint(directory)
    edit_config(directory, num_key_value_heads=2)
    config = open_checkpoint(directory).config
    assert (config.context, config.kv_heads) == (131072, 2)


ROPE = [
    ({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}}, 5e5),
    ({"rope_parameters": None, "rope_theta": 5e5}, 5e5),
    ({"rope_parameters": None}, 1e4),
    ({"rope_parameters": None, "rope_scaling": {"type": "default"}, "num_key_value_heads": 4}, 1e4),
]


@pytest.mark.parametrize(("change", "theta"), ROPE)
def test_default_rotary_embedding(models, tmp_path, change, theta):
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, **change)
    assert open_checkpoint(directory).config.rope_theta == theta


def test_size_of_a_head_that_is_not_given(models, tmp_path):
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, head_dim=None, num_key_value_heads=None)
    config = open_checkpoint(directory).config
    assert (config.head_dim, config.kv_heads) == (32, 4)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"a":' * 100_000])
def test_configuration_that_is_not_json(models, tmp_path, content):
    directory = copy_of(models, "single", tmp_path)
    (directory / "config.json").write_bytes(content)
    with pytest.raises(errors.MalformedFileError, match="config.json"):
        open_checkpoint(directory)


def test_missing_files(models, tmp_path):
    with pytest.raises(errors.FileMissingError, match="config.json"):
        open_checkpoint(tmp_path)
    shutil.copy(models["single"] / "config.json", tmp_path)
    with pytest.raises(errors.FileMissingError, match="model.safetensors"):
        open_checkpoint(tmp_path)
    directory = copy_of(models, "sharded", tmp_path)
    index = json.loads((directory / "model.safetensors.index.json").read_text())
    (directory / index["weight_map"][V_PROJ]).unlink()
    with pytest.raises(errors.FileMissingError, match=index["weight_map"][V_PROJ]):
        open_checkpoint(directory).tensor(V_PROJ)


def test_index_that_lies(models, tmp_path):
    directory = copy_of(models, "sharded", tmp_path)
    file = directory / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    shards = index["weight_map"]
    other = next(shard for shard in shards.values() if shard != shards[V_PROJ])
    file.write_text(json.dumps({"weight_map": shards | {V_PROJ: other}}))
    with pytest.raises(errors.MissingTensorError, match=V_PROJ):
        open_checkpoint(directory).tensor(V_PROJ)
    file.write_text(json.dumps({"weight_map": {V_PROJ: "../elsewhere.safetensors"}}))
    with pytest.raises(errors.MalformedFileError, match="not a file of this directory"):
        open_checkpoint(directory)
    file.write_text(json.dumps({"weight_map": None}))
    with pytest.raises(errors.MalformedFileError, match="weight_map"):
        open_checkpoint(directory)


def test_missing_tensor(models):
    with pytest.raises(errors.MissingTensorError, match="single: tensor model.layers.7"):
        open_checkpoint(models["single"]).tensor("model.layers.7.mlp.up_proj.weight")


def test_truncated_safetensors(models, tmp_path):
    data = (models["single"] / "model.safetensors").read_bytes()
    file = tmp_path / "cut.safetensors"
    for size in (0, 5, 8, 500, 8 + struct.unpack("<Q", data[:8])[0], len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(errors.TruncatedFileError, match="cut.safetensors"):
            SafetensorsFile(file)


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 1 << 62) + b"{}",
        struct.pack("<Q", 2) + b"{{",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 8) + b'{"a": 1}',
        struct.pack("<Q", 52) + b'{"a":{"dtype":"F9","shape":[1],"data_offsets":[0,4]}}'[:52] + bytes(4),
        struct.pack("<Q", 54) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}' + bytes(4),
        *(
            struct.pack("<Q", len(header)) + header + bytes(4)
            for header in (
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,Infinity]}}',
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,"4"]}}',
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}',
                b'{"a":["F32"]}',
                b'{"a":' * 100_000,
            )
        ),
    ],
)
def test_malformed_safetensors(tmp_path, content):
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(errors.MalformedFileError, match="bad.safetensors"):
        SafetensorsFile(tmp_path / "bad.safetensors")


def test_header_over_the_limit_of_the_format(tmp_path):
    """The file could hold it, were it not for the limit."""
    file = tmp_path / "long.safetensors"
    with file.open("wb") as handle:
        handle.write(struct.pack("<Q", 100_000_001))
        handle.truncate(100_000_100)
    with pytest.raises(errors.MalformedFileError, match="over the format's limit"):
        SafetensorsFile(file)


def test_damaged_weights_name_file_and_tensor(models, tmp_path):
    directory = copy_of(models, "single", tmp_path)

    def damage(tensors):
        tensors[V_PROJ][2, 3] = torch.nan
        tensors["model.layers.0.mlp.up_proj.weight"] = torch.zeros(64, 128)
        tensors["model.layers.0.mlp.down_proj.weight"] = torch.zeros(128, 192, dtype=torch.int8)
        for name in ("model.norm", "model.layers.0.input_layernorm", "model.layers.1.post_attention_layernorm"):
            tensors[f"{name}.weight"] = torch.zeros(64)
        tensors["model.layers.0.self_attn.k_proj.weight"] = torch.tensor(1.0)

    edit_tensors(directory, damage)
    checkpoint = open_checkpoint(directory)
    with pytest.raises(errors.NonFiniteWeightError, match=rf"model.safetensors: tensor {V_PROJ}: .*\[2, 3\]"):
        checkpoint.linear(V_PROJ)
    with pytest.raises(errors.WeightShapeError, match="model.safetensors: tensor model.layers.0.mlp.up_proj"):
        checkpoint.tensor("model.layers.0.mlp.up_proj.weight")
    norms = ("model.norm", "model.layers.0.input_layernorm", "model.layers.1.post_attention_layernorm")
    for name in (*norms, "model.layers.0.self_attn.k_proj"):
        with pytest.raises(errors.WeightShapeError, match=rf"{name}.weight: shape \((64,)?\), the model needs \(\d+,"):
            checkpoint.tensor(f"{name}.weight")
    with pytest.raises(errors.UnsupportedQuantizationError, match="model.layers.0.mlp.down_proj.weight: stored as"):
        checkpoint.tensor("model.layers.0.mlp.down_proj.weight")


def test_dimensions_that_are_not_whole_blocks(models, tmp_path):
    directory = copy_of(models, "single", tmp_path)
    edit_config(directory, intermediate_size=160)
    edit_tensors(directory, lambda t: t.update({"model.layers.0.mlp.up_proj.weight": torch.zeros(160, 128)}))
    with pytest.raises(errors.WeightShapeError, match="blocks of 64"):
        open_checkpoint(directory).linear("model.layers.0.mlp.up_proj.weight")


def state_bytes(state) -> torch.Tensor:
    return torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)


def packed_state(**changes) -> torch.Tensor:
    """A quantization state; a field of value ... is left out."""
    state = {
        "quant_type": "nf4",
        "blocksize": 64,
        "dtype": "float32",
        "shape": [64, 128],
        "nested_blocksize": 256,
        "nested_dtype": "float32",
        "nested_offset": 0.5,
    }
    return state_bytes({key: value for key, value in (state | changes).items() if value is not ...})


STATE = f"{V_PROJ}.quant_state.bitsandbytes__nf4"
STATE_DAMAGE = [
    (lambda t: t.update({STATE: packed_state(blocksize=128)}), errors.UnsupportedQuantizationError, "has 128"),
    (lambda t: t.update({STATE: packed_state(nested_blocksize=64)}), errors.UnsupportedQuantizationError, "and 64"),
    (lambda t: t.update({STATE: packed_state(shape=[128, 128])}), errors.WeightShapeError, "128, 128"),
    *(
        (lambda t, shape=shape: t.update({STATE: packed_state(shape=shape)}), errors.MalformedFileError, "has shape")
        for shape in (None, 64, "64", ["64", "128"], [64.9, 128.2], [64.0, 128.0], [np.inf, 128], [True, 128])
    ),
    *(
        (lambda t, o=offset: t.update({STATE: packed_state(nested_offset=o)}), errors.MalformedFileError, "_offset")
        for offset in ("abc", "0.5", [1, 2], {}, None, True)
    ),
    *(
        (lambda t, o=offset: t.update({STATE: packed_state(nested_offset=o)}), errors.NonFiniteWeightError, "scales")
        for offset in (np.nan, -np.inf, 3.5e38, 10**400)
    ),
    (lambda t: t.update({STATE: packed_state(quant_type="fp4")}), errors.UnsupportedQuantizationError, "'fp4'"),
    (lambda t: t.update({STATE: torch.ones(9, dtype=torch.uint8)}), errors.MalformedFileError, "not valid JSON"),
    (lambda t: t.update({STATE: state_bytes([1])}), errors.MalformedFileError, "expected an object"),
    (lambda t: t.update({STATE: packed_state(nested_offset=...)}), errors.MalformedFileError, "_offset None"),
    (lambda t: t.update({V_PROJ: torch.tensor(1.0)}), errors.MalformedFileError, "packed"),
    (
        lambda t: t.update({STATE.replace("nf4", "fp4"): t.pop(STATE)}),
        errors.UnsupportedQuantizationError,
        "bitsandbytes__fp4",
    ),
    (lambda t: t[f"{V_PROJ}.quant_map"].mul_(1.01), errors.UnsupportedQuantizationError, "quant_map"),
    (lambda t: t[f"{V_PROJ}.nested_quant_map"].mul_(1.01), errors.UnsupportedQuantizationError, "nested_quant_map"),
    (lambda t: t[f"{V_PROJ}.nested_absmax"].fill_(torch.inf), errors.NonFiniteWeightError, "scales"),
    (
        lambda t: t.update({f"{V_PROJ}.nested_absmax": torch.ones(1).half()}),
        errors.MalformedFileError,
        "nested_absmax: stored as torch.float16",
    ),
    (lambda t: t.pop(f"{V_PROJ}.nested_absmax"), errors.MissingTensorError, "nested_absmax"),
    (lambda t: t.pop(f"{V_PROJ}.absmax"), errors.MissingTensorError, "absmax"),
    (lambda t: t.update({V_PROJ: t[V_PROJ][:-1].clone()}), errors.MalformedFileError, "packed"),
]


@pytest.mark.parametrize(("damage", "error", "message"), STATE_DAMAGE)
def test_damaged_quantization_state(models, tmp_path, damage, error, message):
    directory = copy_of(models, "nf4", tmp_path)
    edit_tensors(directory, damage)
    with pytest.raises(error, match=message) as caught:
        open_checkpoint(directory).linear(V_PROJ)
    assert caught.value.tensor.startswith(V_PROJ)
    open_checkpoint(directory).linear(V_PROJ.replace("v_proj", "o_proj"))


def test_scales_without_double_quantization(models, tmp_path):
    """Only FP32 absmax: the state has no nested fields."""
    directory = copy_of(models, "nf4", tmp_path)
    plain = {"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [64, 128]}
    edit_tensors(directory, lambda t: t.update({STATE: state_bytes(plain)}))
    with pytest.raises(errors.UnsupportedQuantizationError, match="has 64 and None"):
        open_checkpoint(directory).linear(V_PROJ)


def test_scales_that_overflow(models, tmp_path):
    """Every scale is finite, their product is not."""
    directory = copy_of(models, "nf4", tmp_path)

    def damage(tensors):
        tensors[f"{V_PROJ}.nested_absmax"].fill_(3.4e38)
        tensors[STATE] = packed_state(nested_offset=3.4e38)

    edit_tensors(directory, damage)
    with pytest.raises(errors.NonFiniteWeightError, match=f"model.safetensors: tensor {V_PROJ}"):
        open_checkpoint(directory).tensor(V_PROJ)


def test_package_with_the_model_missing(monkeypatch):
    monkeypatch.setattr("edge_qlora.checkpoint.find_spec", lambda name: None)
    with pytest.raises(errors.FileMissingError, match="not installed"):
        smollm2_path()
