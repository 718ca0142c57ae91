"""PEFT adapters: both directions against PEFT itself, and adapters that do not fit."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from edge_qlora import errors
from edge_qlora.adapter import CONFIG_FILE, WEIGHTS_FILE, Adapter, read_adapter, write_adapter
from edge_qlora.checkpoint import open_checkpoint
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

RANK = 4
SHAPES = {"model.layers.0.self_attn.q_proj": (128, 128), "model.layers.1.mlp.down_proj": (128, 192)}


@pytest.fixture
def adapter() -> Adapter:
    rng = np.random.default_rng(31)
    layers = {
        module: tuple(rng.standard_normal(shape).astype(np.float32) for shape in ((RANK, k), (n, RANK)))
        for module, (n, k) in SHAPES.items()
    }
    return Adapter(RANK, 8, layers, base_model="tiny")


@pytest.fixture
def saved(adapter, tmp_path):
    write_adapter(tmp_path / "adapter", adapter)
    return tmp_path / "adapter"


def edit_config(directory, **changes):
    file = directory / CONFIG_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_tensors(directory, change):
    tensors = load_file(directory / WEIGHTS_FILE)
    change(tensors)
    save_file(tensors, directory / WEIGHTS_FILE)


def key(module: str, kind: str) -> str:
    return f"base_model.model.{module}.lora_{kind}.weight"


@pytest.mark.parametrize("rank_stabilized", [False, True])
def test_round_trip(adapter, tmp_path, rank_stabilized):
    adapter = replace(adapter, rank_stabilized=rank_stabilized)
    write_adapter(tmp_path / "new" / "adapter", adapter)
    back = read_adapter(tmp_path / "new" / "adapter")
    assert (back.rank, back.alpha, back.rank_stabilized, back.base_model) == (RANK, 8, rank_stabilized, "tiny")
    assert back.scale == (4.0 if rank_stabilized else 2.0)
    assert set(back.layers) == set(SHAPES)
    for module, pair in adapter.layers.items():
        for mine, theirs in zip(pair, back.layers[module], strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_peft_loads_what_is_written(saved, adapter, models):
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(models["single"]), saved)
    state = dict(model.named_parameters())
    for module, (lora_a, lora_b) in adapter.layers.items():
        layer = model.get_submodule(f"base_model.model.{module}")
        assert layer.scaling["default"] == adapter.scale
        name = f"base_model.model.{module}"
        np.testing.assert_array_equal(state[f"{name}.lora_A.default.weight"].detach().numpy(), lora_a)
        np.testing.assert_array_equal(state[f"{name}.lora_B.default.weight"].detach().numpy(), lora_b)
    assert sum("lora_" in name for name in state) == 4


def test_what_peft_writes_is_read(models, tmp_path):
    base = AutoModelForCausalLM.from_pretrained(models["single"])
    config = LoraConfig(r=RANK, lora_alpha=6, target_modules=["q_proj", "up_proj"], use_rslora=True)
    model = get_peft_model(base, config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(tmp_path)
    adapter = read_adapter(tmp_path)
    assert adapter.scale == model.get_submodule("base_model.model.model.layers.0.mlp.up_proj").scaling["default"]
    assert len(adapter.layers) == 4
    checkpoint_config = open_checkpoint(models["single"]).config
    adapter.check({module: checkpoint_config.linear_shape(module.split(".", 3)[3]) for module in adapter.layers})
    for module, (lora_a, lora_b) in adapter.layers.items():
        layer = model.get_submodule(f"base_model.model.{module}")
        np.testing.assert_array_equal(lora_a, layer.lora_A["default"].weight.detach().numpy())
        np.testing.assert_array_equal(lora_b, layer.lora_B["default"].weight.detach().numpy())


def test_stored_types(saved):
    first, second = (key(module, "A") for module in SHAPES)
    edit_tensors(saved, lambda t: t.update({first: t[first].half(), second: t[second].bfloat16()}))
    layers = list(read_adapter(saved).layers.values())
    assert [pair[0].dtype for pair in layers] == [np.float16, np.float32]
    assert (layers[1][0].view(np.uint32) & 0xFFFF == 0).all()


UNSUPPORTED = [
    {"peft_type": "IA3"},
    {"use_dora": True},
    {"fan_in_fan_out": True},
    {"rank_pattern": {"q_proj": 8}},
    {"alpha_pattern": {"q_proj": 8}},
    {"lora_bias": True},
    {"modules_to_save": ["lm_head"]},
    {"bias": "all"},
    {"use_qalora": True},
    {"use_bdlora": {"target_modules_bd_a": ["q_proj"]}},
    {"alora_invocation_tokens": [1, 2]},
    {"target_parameters": ["mlp.up_proj.weight"]},
    {"layer_replication": [[0, 1], [0, 2]]},
    {"trainable_token_indices": [0]},
    {"ensure_weight_tying": True},
    *({f"{kind}_config": {"a": 1}} for kind in ("arrow", "velora", "kasa", "monteclora", "corda", "eva", "lora_ga")),
    *({"init_lora_weights": kind} for kind in ("pissa", "olora", "eva", "corda", "loftq", "pissa_niter_16")),
    {"loftq_config": {"loftq_bits": 4}},
    {"qalora_group_size": 32},
    {"megatron_core": "elsewhere"},
    {"an_option_of_tomorrow": 1},
]


@pytest.mark.parametrize("change", UNSUPPORTED)
def test_unsupported_variants(saved, change):
    edit_config(saved, **change)
    with pytest.raises(errors.AdapterConfigError, match=rf"{CONFIG_FILE}: {next(iter(change))}"):
        read_adapter(saved)


PLAIN = [
    {"init_lora_weights": "gaussian"},
    {"init_lora_weights": False},
    {"lora_dropout": 0.05},
    {"target_modules": "all-linear"},
    {"layers_to_transform": [0]},
    {"an_option_of_tomorrow": None, "another": False, "and_one_more": {}},
]


@pytest.mark.parametrize("change", PLAIN)
def test_options_that_do_not_change_the_computation(saved, change):
    edit_config(saved, **change)
    assert set(read_adapter(saved).layers) == set(SHAPES)


IMPOSSIBLE = [
    *(("r", value) for value in (0, "4", None, True, 4.0)),
    *(("lora_alpha", value) for value in (None, True, np.nan, -np.inf, 10**400)),
    *(("use_rslora", value) for value in ("false", 1, None)),
    ("base_model_name_or_path", ["tiny"]),
]


@pytest.mark.parametrize(("key", "value"), IMPOSSIBLE)
def test_impossible_configuration(saved, key, value):
    edit_config(saved, **{key: value})
    with pytest.raises(errors.MalformedFileError, match=f"{CONFIG_FILE}: {key} is"):
        read_adapter(saved)


UNWRITABLE = [
    ({"rank": 0}, errors.MalformedFileError),
    ({"alpha": np.nan}, errors.MalformedFileError),
    ({"rank_stabilized": 1}, errors.MalformedFileError),
    ({"layers": {}}, errors.MalformedFileError),
    ({"rank": RANK + 1}, errors.AdapterShapeError),
    (np.float64, errors.MalformedFileError),
    (np.nan, errors.NonFiniteWeightError),
]


@pytest.mark.parametrize(("change", "error"), UNWRITABLE)
def test_nothing_is_written_that_cannot_be_read(adapter, tmp_path, change, error):
    if not isinstance(change, dict):
        module, (lora_a, lora_b) = next(iter(adapter.layers.items()))
        bad = lora_b.astype(change) if isinstance(change, type) else np.full_like(lora_b, change)
        change = {"layers": {module: (lora_a, bad)}}
    with pytest.raises(error):
        write_adapter(tmp_path / "new", replace(adapter, **change))
    assert not (tmp_path / "new").exists()


def test_layers_may_share_a_matrix(adapter, tmp_path):
    shared = np.asfortranarray(np.ones((RANK, 128), np.float32))
    layers = {module: (shared, np.ones((128, RANK), np.float32)) for module in ("q_proj", "k_proj")}
    write_adapter(tmp_path, replace(adapter, layers=layers))
    np.testing.assert_array_equal(read_adapter(tmp_path).layers["k_proj"][0], shared)


def test_missing_and_damaged_files(saved, tmp_path):
    with pytest.raises(errors.FileMissingError, match=CONFIG_FILE):
        read_adapter(tmp_path)
    (saved / CONFIG_FILE).write_text("{")
    with pytest.raises(errors.MalformedFileError, match=CONFIG_FILE):
        read_adapter(saved)
    (saved / CONFIG_FILE).write_text(json.dumps({"peft_type": "LORA", "r": RANK, "lora_alpha": 8}))
    data = (saved / WEIGHTS_FILE).read_bytes()
    (saved / WEIGHTS_FILE).write_bytes(data[:-1])
    with pytest.raises(errors.TruncatedFileError, match=WEIGHTS_FILE):
        read_adapter(saved)
    (saved / WEIGHTS_FILE).unlink()
    with pytest.raises(errors.FileMissingError, match=WEIGHTS_FILE):
        read_adapter(saved)


Q_A, Q_B = (key("model.layers.0.self_attn.q_proj", kind) for kind in "AB")
DAMAGE = [
    (lambda t: t.update({Q_A: torch.zeros(RANK + 1, 128)}), errors.AdapterShapeError, "does not have rank 4"),
    (lambda t: t.update({Q_B: torch.zeros(RANK, 128)}), errors.AdapterShapeError, "does not have rank 4"),
    (lambda t: t.update({Q_A: torch.zeros(RANK)}), errors.AdapterShapeError, "does not have rank 4"),
    (lambda t: t.update({Q_A: torch.zeros(RANK, 128, dtype=torch.int8)}), errors.MalformedFileError, "torch.int8"),
    (lambda t: t[Q_B].fill_(torch.nan), errors.NonFiniteWeightError, "NaN"),
    (lambda t: t.pop(Q_A), errors.MissingTensorError, "not in the file"),
    (lambda t: t.update({"base_model.model.q_proj.magnitude": torch.zeros(1)}), errors.MalformedFileError, "LoRA"),
    (lambda t: t.update({Q_A.removesuffix(".weight"): t[Q_A].clone()}), errors.MalformedFileError, "not a LoRA matrix"),
]


@pytest.mark.parametrize(("change", "error", "message"), DAMAGE)
def test_damaged_matrices(saved, change, error, message):
    edit_tensors(saved, change)
    with pytest.raises(error, match=message) as caught:
        read_adapter(saved)
    assert WEIGHTS_FILE in str(caught.value) and "q_proj" in caught.value.tensor


def test_adapter_without_matrices(saved):
    edit_tensors(saved, dict.clear)
    with pytest.raises(errors.MalformedFileError, match="holds no LoRA matrix"):
        read_adapter(saved)


def test_adapter_of_another_model(adapter):
    adapter.check(SHAPES)
    with pytest.raises(errors.AdapterShapeError, match=r"down_proj.lora_A.weight: shape \(4, 192\), needs \(4, 256\)"):
        adapter.check(SHAPES | {"model.layers.1.mlp.down_proj": (128, 256)}, "adapter_model.safetensors")
    with pytest.raises(errors.AdapterShapeError, match="lora_B.weight"):
        adapter.check(SHAPES | {"model.layers.1.mlp.down_proj": (64, 192)})
    with pytest.raises(errors.AdapterShapeError, match="no such layer"):
        adapter.check({"model.layers.0.self_attn.q_proj": (128, 128)})
