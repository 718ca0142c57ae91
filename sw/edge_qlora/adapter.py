"""PEFT LoRA adapters: adapter_config.json and adapter_model.safetensors."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from .errors import AdapterConfigError, AdapterShapeError, MalformedFileError, MissingTensorError, NonFiniteWeightError
from .safetensors_file import SafetensorsFile, load_json

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_UNSUPPORTED = ("use_dora", "fan_in_fan_out", "rank_pattern", "alpha_pattern", "lora_bias", "modules_to_save")


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
        AdapterConfigError: a LoRA variant other than plain LoRA and rsLoRA.
        AdapterShapeError: A or B does not fit the rank.
        MissingTensorError: A without B, or B without A.
        NonFiniteWeightError: NaN or infinity.
    """
    config_path, path = Path(directory) / CONFIG_FILE, Path(directory) / WEIGHTS_FILE
    config = load_json(config_path)
    if config.get("peft_type") != "LORA":
        raise AdapterConfigError(config_path, f"peft_type {config.get('peft_type')!r} is not LORA")
    for key in _UNSUPPORTED:
        if config.get(key):
            raise AdapterConfigError(config_path, f"{key} = {config[key]!r} is not supported")
    if config.get("bias", "none") != "none":
        raise AdapterConfigError(config_path, f"bias {config['bias']!r} is not supported")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float) or isinstance(alpha, bool):
        raise MalformedFileError(config_path, f"r is {rank!r} and lora_alpha is {alpha!r}")
    file = SafetensorsFile(path)
    matrices: dict[str, dict[str, np.ndarray]] = {}
    for name in file.names():
        module, separator, kind = name.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".lora_")
        if not name.startswith(_PREFIX) or not separator or kind not in ("A", "B"):
            raise MalformedFileError(path, "not a LoRA matrix", name)
        matrices.setdefault(module, {})[kind] = _matrix(path, name, file.read(name), kind, rank)
    layers = {}
    for module, pair in matrices.items():
        for kind in "AB":
            if kind not in pair:
                raise MissingTensorError(path, "not in the file", f"{_PREFIX}{module}.lora_{kind}.weight")
        layers[module] = (pair["A"], pair["B"])
    return Adapter(rank, alpha, layers, bool(config.get("use_rslora")), config.get("base_model_name_or_path"))


def _matrix(path: Path, name: str, tensor: torch.Tensor, kind: str, rank: int) -> np.ndarray:
    if tensor.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        raise MalformedFileError(path, f"stored as {tensor.dtype}", name)
    array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    if array.ndim != 2 or array.shape[0 if kind == "A" else 1] != rank:
        raise AdapterShapeError(path, f"shape {array.shape} does not have rank {rank}", name)
    if not np.isfinite(array).all():
        raise NonFiniteWeightError(path, "NaN or infinity", name)
    return array


def write_adapter(directory: str | PathLike, adapter: Adapter) -> None:
    """Write an adapter that `peft.PeftModel.from_pretrained` loads; the directory is made where it is missing."""
    directory = Path(directory)
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
    tensors = {
        f"{_PREFIX}{module}.lora_{kind}.weight": torch.from_numpy(np.ascontiguousarray(matrix))
        for module, pair in adapter.layers.items()
        for kind, matrix in zip("AB", pair, strict=True)
    }
    save_file(tensors, directory / WEIGHTS_FILE, metadata={"format": "pt"})
