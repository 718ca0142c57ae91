"""What a Llama decoder should compute: Hugging Face's in PyTorch, with the weights of a checkpoint or of its image."""

from __future__ import annotations

import copy

import numpy as np
import torch
from edge_qlora.checkpoint import Checkpoint
from edge_qlora.quantization import dequantize_nf4
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM


def torch_model(checkpoint: Checkpoint, layers: int | None = None) -> LlamaForCausalLM:
    """The first `layers` decoder layers (None: all) in FP32 under the model's norm and head."""
    config = checkpoint.config
    with torch.device("meta"):
        model = LlamaForCausalLM(
            LlamaConfig(
                hidden_size=config.hidden_size,
                intermediate_size=config.intermediate_size,
                num_hidden_layers=layers or config.layers,
                num_attention_heads=config.heads,
                num_key_value_heads=config.kv_heads,
                head_dim=config.head_dim,
                vocab_size=config.vocab_size,
                max_position_embeddings=config.context,
                rms_norm_eps=config.rms_eps,
                rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
                tie_word_embeddings=config.tied_head,
                attn_implementation="eager",
            )
        )
    model = model.to_empty(device="cpu")
    rotary = model.model.rotary_emb
    rotary.inv_freq, _ = rotary.compute_default_rope_parameters(model.config)
    model.tie_weights()
    state = {name: torch.from_numpy(checkpoint.tensor(name)) for name in model.state_dict()}
    model.load_state_dict(state)
    return model.requires_grad_(False).eval()


def dequantize_projections(model: LlamaForCausalLM, checkpoint: Checkpoint) -> None:
    """Give a model of all layers the projections in NF4 with double quantization, dequantized to FP32."""
    for name in checkpoint.linear_names():
        model.get_parameter(name).copy_(torch.from_numpy(dequantize_nf4(checkpoint.linear(name))))


def packed_model(checkpoint: Checkpoint) -> LlamaForCausalLM:
    """The model in FP32 with the weights that ``model_image.build`` packs by default.

    Projections and head are those of NF4 with double quantization as bitsandbytes dequantizes them, embeddings FP16.
    """
    model = torch_model(checkpoint)
    dequantize_projections(model, checkpoint)
    head = "model.embed_tokens.weight" if checkpoint.config.tied_head else "lm_head.weight"
    weight = torch.from_numpy(dequantize_nf4(checkpoint.linear(head)))
    model.lm_head.weight = torch.nn.Parameter(weight, requires_grad=False)
    embedding = model.model.embed_tokens.weight
    embedding.copy_(embedding.half())
    return model


def in_precision(model: LlamaForCausalLM, dtype: torch.dtype) -> LlamaForCausalLM:
    """A copy that infers in ``dtype``; rotary frequencies stay as they are, as in a model that is loaded so."""
    converted = copy.deepcopy(model).to(dtype)
    converted.model.rotary_emb.inv_freq = model.model.rotary_emb.inv_freq
    return converted


class HalfCache(DynamicCache):
    """Keys and values rounded to FP16, as the accelerator stores them."""

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        keys, values = (states.half().to(states.dtype) for states in (key_states, value_states))
        return super().update(keys, values, *args, **kwargs)


@torch.no_grad()
def logits_of(model: LlamaForCausalLM, tokens: np.ndarray, cache: DynamicCache | None = None) -> np.ndarray:
    """Logits [M, vocab] of PyTorch, in float64."""
    return model(torch.from_numpy(tokens)[None], past_key_values=cache).logits[0].double().numpy()


def greedy(model: LlamaForCausalLM, tokens: np.ndarray, count: int) -> list[int]:
    """The ``count`` most likely tokens after ``tokens``, one after the other."""
    found, cache = [], DynamicCache()
    while len(found) < count:
        found.append(int(logits_of(model, np.array(found[-1:]) if found else tokens, cache)[-1].argmax()))
    return found
