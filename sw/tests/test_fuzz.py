"""Damage anywhere in a file: the readers give values or a CheckpointError, and nothing else."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edge_qlora.adapter import CONFIG_FILE, WEIGHTS_FILE, Adapter, read_adapter, write_adapter
from edge_qlora.checkpoint import open_checkpoint
from edge_qlora.errors import CheckpointError

FLIPS, CUTS = 200, 20
NAMES = ("model.layers.0.self_attn.q_proj", "model.norm")


def read_model(path: Path) -> None:
    checkpoint = open_checkpoint(path)
    for name in NAMES:
        checkpoint.tensor(f"{name}.weight")
    checkpoint.linear("model.layers.1.self_attn.v_proj.weight")


@pytest.fixture
def adapter_directory(tmp_path) -> Path:
    layers = {"q_proj": (np.ones((2, 64), np.float32), np.ones((64, 2), np.float16))}
    write_adapter(tmp_path / "adapter", Adapter(2, 4.0, layers))
    return tmp_path / "adapter"


def damaged(data: bytes, header: int) -> list[bytes]:
    """Copies of `data` with bytes changed or the end cut off, mostly in its first `header` bytes."""
    rng, copies = random.Random(len(data)), []
    for number in range(FLIPS):
        copy = bytearray(data)
        for _ in range(rng.choice((1, 1, 3))):
            position = rng.randrange(min(header, len(data)) if number % 5 else len(data))
            copy[position] = rng.choice((copy[position] ^ 1 << rng.randrange(8), rng.randrange(256), ord("9")))
        copies.append(bytes(copy))
    return copies + [data[: rng.randrange(len(data))] for _ in range(CUTS)]


def survive(file: Path, read: Callable[[], None], header: int) -> None:
    """`read` must refuse some damage to `file`, and refuse it by name."""
    refused = 0
    for copy in damaged(file.read_bytes(), header):
        file.unlink()  # a new file: the old one may still be mapped
        file.write_bytes(copy)
        try:
            read()
        except CheckpointError:
            refused += 1
    assert refused >= CUTS // 2


@pytest.mark.parametrize(
    ("name", "file", "header"),
    [
        ("single", "config.json", 1 << 20),
        ("single", "model.safetensors", 2500),
        ("sharded", "model.safetensors.index.json", 1 << 20),
        ("nf4", "model.safetensors", 15000),
    ],
)
def test_damaged_directories(models, tmp_path, name, file, header):
    directory = Path(shutil.copytree(models[name], tmp_path / name))
    survive(directory / file, lambda: read_model(directory), header)


def test_damaged_gguf(models, tmp_path):
    file = Path(shutil.copy(models["gguf"], tmp_path))
    survive(file, lambda: read_model(file), file.read_bytes().index(b"output_norm.weight"))


@pytest.mark.parametrize(("file", "header"), [(CONFIG_FILE, 1 << 20), (WEIGHTS_FILE, 250)])
def test_damaged_adapters(adapter_directory, file, header):
    survive(adapter_directory / file, lambda: read_adapter(adapter_directory), header)
