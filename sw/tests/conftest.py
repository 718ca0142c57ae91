"""Small Llama models in every format that the package reads, all with the same weights."""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from edge_qlora.checkpoint import PROJECTIONS
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, VOCABULARY = 128, 192, 2, 4, 2, 64
GGUF_NAMES = {
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


def pytest_configure():
    logging.disable_progress_bar()
    logging.set_verbosity_error()


@pytest.fixture(scope="session")
def model() -> LlamaForCausalLM:
    torch.manual_seed(11)
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=HIDDEN,
            intermediate_size=INTERMEDIATE,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            vocab_size=VOCABULARY,
        )
    )


@pytest.fixture(scope="session")
def weights(model) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture(scope="session")
def projections() -> list[str]:
    return [f"model.layers.{i}.{p}.weight" for i in range(LAYERS) for p in PROJECTIONS]


@pytest.fixture(scope="session")
def models(model, weights, tmp_path_factory) -> dict[str, Path]:
    """Format -> path. Read only: a test that damages a file copies it first."""
    root = tmp_path_factory.mktemp("models")
    model.save_pretrained(root / "single")
    model.save_pretrained(root / "sharded", max_shard_size="100KB")
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    quantized = AutoModelForCausalLM.from_pretrained(
        root / "single", quantization_config=nf4, dtype=torch.float32, device_map="cpu"
    )
    quantized.save_pretrained(root / "nf4")
    write_gguf(root / "model.gguf", weights)
    formats = ("single", "sharded", "nf4")
    return {name: root / name for name in formats} | {"gguf": root / "model.gguf"}


def interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """The converter's reordering of a query or key weight: rows (head, half, pair) to (head, pair, half)."""
    rows = weight.shape[0]
    order = np.arange(rows).reshape(heads, 2, rows // heads // 2).swapaxes(1, 2).reshape(-1)
    return weight[order]


def write_gguf(
    path: Path,
    weights: dict[str, np.ndarray],
    architecture: str = "llama",
    tokenizer: Tokenizer | None = None,
    **changes,
) -> None:
    """A GGUF file as the converter makes it.

    `changes` replaces metadata by key, with __ for a dot; None leaves a key out, and so does tokens=None the tokens.
    With a `tokenizer`, a byte-level BPE that keeps numbers together, its tables are in the file too.
    """
    writer = gguf.GGUFWriter(path, architecture)
    tokens = changes.pop("tokens", [f"token {i}" for i in range(VOCABULARY)])
    if tokenizer is not None:
        tables = json.loads(tokenizer.to_str())["model"]
        tokens = sorted(tables["vocab"], key=tables["vocab"].get)
        writer.add_string("tokenizer.ggml.model", "gpt2")
        writer.add_string("tokenizer.ggml.pre", "gpt-2")
        writer.add_array("tokenizer.ggml.merges", [" ".join(pair) for pair in tables["merges"]])
    if alignment := changes.pop("alignment", None):
        writer.add_custom_alignment(alignment)
    metadata = {
        "block_count": LAYERS,
        "context_length": 256,
        "embedding_length": HIDDEN,
        "feed_forward_length": INTERMEDIATE,
        "attention_head_count": HEADS,
        "attention_head_count_kv": KV_HEADS,
        "attention_layer_norm_rms_epsilon": 1e-6,
        "rope_freq_base": 10000.0,
        "vocab_size": VOCABULARY,
    }
    keys = {
        "attention_head_count": "attention.head_count",
        "attention_head_count_kv": "attention.head_count_kv",
        "attention_layer_norm_rms_epsilon": "attention.layer_norm_rms_epsilon",
        "rope_freq_base": "rope.freq_base",
    }
    metadata |= changes
    for name, value in metadata.items():
        if value is not None:
            adders = {float: writer.add_float32, int: writer.add_uint32, str: writer.add_string, list: writer.add_array}
            adders[type(value)](f"{architecture}.{keys.get(name, name.replace('__', '.'))}", value)
    if tokens is not None:
        (writer.add_array if isinstance(tokens, list) else writer.add_uint32)("tokenizer.ggml.tokens", tokens)
    writer.add_array("tokenizer.ggml.token_type", [1] * (len(tokens) if tokenizer else VOCABULARY))
    for name, weight in weights.items():
        module = name.removesuffix(".weight")
        if module.startswith("model.layers."):
            layer, _, part = module.removeprefix("model.layers.").partition(".")
            stored = f"blk.{layer}.{GGUF_NAMES[part]}.weight"
        else:
            stored = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}[module]
            stored += ".weight"
        heads = {"q_proj": "attention_head_count", "k_proj": "attention_head_count_kv"}.get(module.rpartition(".")[2])
        writer.add_tensor(stored, weight if heads is None else interleave(weight, metadata[heads]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
