"""PEFT LoRA adapters: adapter_config.json and adapter_model.safetensors."""

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from .errors import AdapterConfigError, AdapterShapeError, MalformedFileError, MissingTensorError, NonFiniteWeightError
from .safetensors_file import SafetensorsFile, is_integer, load_json

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_MATRIX_NAME = re.compile(re.escape(_PREFIX) + r"(.+)\.lora_([AB])\.weight")

# The configuration of a LoRA that is computed as y = W x + s B (A x). Keys that say nothing about the computation of a
# trained adapter may have any value, others this one, and all that are not named here must be empty.
_ANY_VALUE = {
    *("peft_type", "peft_version", "task_type", "auto_mapping", "revision", "inference_mode", "lora_dropout"),
    *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"),
    *("r", "lora_alpha", "use_rslora", "base_model_name_or_path"),  # checked by _check_scalars
}
_ONLY_VALUE = {"bias": ("none",), "megatron_core": ("megatron.core",), "qalora_group_size": (16,)}
_ONLY_VALUE["init_lora_weights"] = (True, "gaussian")  # others start from a changed base weight


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter.

    Fields:
        rank: r of every layer.
        alpha: lora_alpha.
        layers: module name, such as "model.layers.0.self_attn.q_proj" -> (A [r, K], B [N, r]), float32 or float16.
        rank_stabilized: scale by the square root of the rank (rsLoRA).
        base_model: name of the base model, as PEFT records it.
    """

    rank: int
    alpha: float
    layers: Mapping[str, tuple[np.ndarray, np.ndarray]]
    rank_stabilized: bool = False
    base_model: str | None = None

    @property
    def scale(self) -> float:
        """s in y = W x + s B (A x)."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilized else self.rank)

    def check(self, shapes: Mapping[str, tuple[int, int]], file: str | PathLike = "adapter in memory") -> None:
        """Hold every layer against the base model's weight shapes, by module name, as (N, K).

        Raises:
            AdapterShapeError: a layer that the model does not have, or matrices that do not fit it.
        """
        for module, (lora_a, lora_b) in self.layers.items():
            if module not in shapes:
                raise AdapterShapeError(file, "the model has no such layer", module)
            n, k = shapes[module]
            for name, array, expected in (("lora_A", lora_a, (self.rank, k)), ("lora_B", lora_b, (n, self.rank))):
                if array.shape != expected:
                    raise AdapterShapeError(file, f"shape {array.shape}, needs {expected}", f"{module}.{name}.weight")


def read_adapter(directory: str | PathLike) -> Adapter:
    """Read a PEFT adapter.

    BF16 becomes float32, FP32 and FP16 stay as they are.

    Raises:
        FileMissingError, TruncatedFileError, MalformedFileError: see errors.py.
        AdapterConfigError: a LoRA variant other than plain LoRA and rsLoRA, or an option that is not known.
        AdapterShapeError: A or B does not fit the rank.
        MissingTensorError: A without B, or B without A.
        NonFiniteWeightError: NaN or infinity.
    """
    config_path, path = Path(directory) / CONFIG_FILE, Path(directory) / WEIGHTS_FILE
    config = load_json(config_path)
    if config.get("peft_type") != "LORA":
        raise AdapterConfigError(config_path, f"peft_type {config.get('peft_type')!r} is not LORA")
    for key, value in config.items():
        if key not in _ANY_VALUE and value and value not in _ONLY_VALUE.get(key, ()):
            raise AdapterConfigError(config_path, f"{key} = {value!r} is not supported")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    stabilized, base_model = config.get("use_rslora", False), config.get("base_model_name_or_path")
    _check_scalars(config_path, rank, alpha, stabilized, base_model)
    file = SafetensorsFile(path)
    matrices: dict[str, dict[str, np.ndarray]] = {}
    for name in file.names():
        match = _MATRIX_NAME.fullmatch(name)
        if match is None:
            raise MalformedFileError(path, "not a LoRA matrix", name)
        module, kind = match.groups()
        tensor = file.read(name)
        if tensor.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise MalformedFileError(path, f"stored as {tensor.dtype}", name)
        array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        matrices.setdefault(module, {})[kind] = _checked(path, name, array, kind, rank)
    if not matrices:
        raise MalformedFileError(path, "holds no LoRA matrix")
    layers = {}
    for module, pair in matrices.items():
        for kind in "AB":
            if kind not in pair:
                raise MissingTensorError(path, "not in the file", f"{_PREFIX}{module}.lora_{kind}.weight")
        layers[module] = (pair["A"], pair["B"])
    return Adapter(rank, alpha, layers, stabilized, base_model)


def _check_scalars(path: Path, rank: Any, alpha: Any, stabilized: Any, base_model: Any) -> None:
    if not is_integer(rank) or rank < 1:
        raise MalformedFileError(path, f"r is {rank!r}, expected a positive integer")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not abs(alpha) <= sys.float_info.max:
        raise MalformedFileError(path, f"lora_alpha is {alpha!r}, expected a finite number")
    if not isinstance(stabilized, bool):
        raise MalformedFileError(path, f"use_rslora is {stabilized!r}, expected true or false")
    if not isinstance(base_model, str | None):
        raise MalformedFileError(path, f"base_model_name_or_path is {base_model!r}, expected a string")


def _checked(path: Path, name: str, array: np.ndarray, kind: str, rank: int) -> np.ndarray:
    if array.dtype not in (np.float32, np.float16):
        raise MalformedFileError(path, f"stored as {array.dtype}", name)
    if array.ndim != 2 or array.shape[0 if kind == "A" else 1] != rank:
        raise AdapterShapeError(path, f"shape {array.shape} does not have rank {rank}", name)
    if not np.isfinite(array).all():
        raise NonFiniteWeightError(path, "NaN or infinity", name)
    return array


def write_adapter(directory: str | PathLike, adapter: Adapter) -> None:
    """Write an adapter that `peft.PeftModel.from_pretrained` loads; the directory is made where it is missing.

    Raises:
        MalformedFileError: no layer, an impossible scalar, or a matrix that is neither float32 nor float16.
        AdapterShapeError, NonFiniteWeightError: as `read_adapter`. Nothing is written in either case.
    """
    directory = Path(directory)
    path = directory / WEIGHTS_FILE
    _check_scalars(directory / CONFIG_FILE, adapter.rank, adapter.alpha, adapter.rank_stabilized, adapter.base_model)
    tensors = {}
    for module, pair in adapter.layers.items():
        for kind, matrix in zip("AB", pair, strict=True):
            name = f"{_PREFIX}{module}.lora_{kind}.weight"
            matrix = _checked(path, name, matrix, kind, adapter.rank)
            tensors[name] = torch.tensor(np.ascontiguousarray(matrix))
    if not tensors:
        raise MalformedFileError(path, "holds no LoRA matrix")
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.base_model,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "use_rslora": adapter.rank_stabilized,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(adapter.layers),
        "inference_mode": True,
    }
    (directory / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file(tensors, path, metadata={"format": "pt"})
