"""From the files that other programs write to text, through the command line: the tokens are PyTorch's.

A model as transformers saves it, as bitsandbytes quantizes it and as a GGUF file, with tokenizer.json or its tables, is
packed and continues a prompt on the golden model, one of them with an adapter that PEFT has saved. What is expected
comes from transformers, bitsandbytes and PEFT alone, with weights that bitsandbytes has quantized and dequantized.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import bitsandbytes as bnb
import numpy as np
import pytest
import torch
from conftest import write_gguf
from edge_qlora import cli, image_file
from edge_qlora.backends import open_backend
from edge_qlora.checkpoint import PROJECTIONS
from edge_qlora.driver import Accelerator
from edge_qlora.runtime import Decoder
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

from tb.cases import TEXT
from tb.decoder_reference import greedy

# Heads of 64 values, as the accelerator takes them.
SHAPE = LlamaConfig(
    hidden_size=128,
    intermediate_size=192,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=64,
    vocab_size=192,
    max_position_embeddings=64,
    initializer_range=0.1,  # logits that are not flat
)
RANK, PROMPT, COUNT = 16, "The array of processors", 8
ADAPTER = "tuned"  # name of its directory
CONFIG = "genesys2"


@dataclass(frozen=True)
class Files:
    """What a user has.

    Attributes:
        models: directory or file by format.
        adapter: PEFT's directory.
        tokenizer: the models'.
    """

    models: dict[str, Path]
    adapter: Path
    tokenizer: Tokenizer


def trained_tokenizer() -> Tokenizer:
    """A byte-level BPE of as many tokens as the model has, all of them ASCII, so that any sequence of them is text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = [chr(code) for code in range(33, 127)]
    trainer = trainers.BpeTrainer(vocab_size=SHAPE.vocab_size, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator([TEXT], trainer)
    assert tokenizer.get_vocab_size() == SHAPE.vocab_size
    return tokenizer


def save_adapter(model: LlamaForCausalLM, directory: Path) -> None:
    """LoRA of all projections with random values that FP16 holds, as PEFT saves it; the model is changed."""
    targets = [name.rpartition(".")[2] for name in PROJECTIONS]
    model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=targets))
    torch.manual_seed(6)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = torch.empty_like(parameter).normal_(0, 0.1).half().float()
    model.save_pretrained(directory)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Files:
    root, tokenizer = tmp_path_factory.mktemp("files"), trained_tokenizer()
    paths = {name: root / name for name in ("huggingface", "bitsandbytes", "model.gguf")}
    torch.manual_seed(5)
    model = LlamaForCausalLM(SHAPE)
    model.save_pretrained(paths["huggingface"])
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
    quantized = AutoModelForCausalLM.from_pretrained(
        paths["huggingface"], quantization_config=nf4, dtype=torch.float32, device_map="cpu"
    )
    quantized.save_pretrained(paths["bitsandbytes"])
    for name in ("huggingface", "bitsandbytes"):
        tokenizer.save(str(paths[name] / "tokenizer.json"))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    metadata = {
        "block_count": SHAPE.num_hidden_layers,
        "context_length": SHAPE.max_position_embeddings,
        "embedding_length": SHAPE.hidden_size,
        "feed_forward_length": SHAPE.intermediate_size,
        "attention_head_count": SHAPE.num_attention_heads,
        "attention_head_count_kv": SHAPE.num_key_value_heads,
        "attention_layer_norm_rms_epsilon": SHAPE.rms_norm_eps,
        "vocab_size": SHAPE.vocab_size,
    }
    write_gguf(paths["model.gguf"], weights, tokenizer=tokenizer, **metadata)
    save_adapter(model, root / ADAPTER)
    return Files(paths, root / ADAPTER, tokenizer)


@torch.no_grad()
def reference(directory: Path, adapter: Path | None = None) -> LlamaForCausalLM:
    """The saved model in FP32: linear layers in NF4 with double quantization, dequantized; embeddings rounded to FP16.

    What bitsandbytes has already quantized is dequantized as it is.
    """
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, device_map="cpu").eval()
    for name, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear):
            codes, state = module.weight.data, getattr(module.weight, "quant_state", None)
            if state is None:
                codes, state = bnb.functional.quantize_4bit(
                    codes, blocksize=64, compress_statistics=True, quant_type="nf4"
                )
            plain = torch.nn.Linear(module.in_features, module.out_features, bias=False)
            plain.weight.copy_(bnb.functional.dequantize_4bit(codes, state))
            model.set_submodule(name, plain)
    embedding = model.get_input_embeddings().weight
    embedding.copy_(embedding.half())
    return PeftModel.from_pretrained(model, adapter).get_base_model() if adapter else model


def generated(model: Path, capsys, *options: str) -> str:
    """What ``edge-qlora generate`` prints."""
    command = ["generate", str(model), "--prompt", PROMPT, "--count", str(COUNT), "--context", "64"]
    assert cli.main([*command, *options]) == 0
    return capsys.readouterr().out


def of_image(path: Path, tokens: list[int]) -> list[int]:
    """Tokens by a packed model."""

    async def run() -> list[int]:
        image, memory, limits = image_file.load(path)
        accelerator = Accelerator(open_backend("golden", CONFIG, memory, limits.window.base))
        await accelerator.open(limits.window)
        return [token async for token, _ in Decoder(accelerator, image).generate(np.array(tokens), COUNT)]

    return asyncio.run(run())


@pytest.mark.parametrize(("name", "adapted"), [("huggingface", False), ("bitsandbytes", True), ("model.gguf", False)])
def test_text_is_pytorch_s(files, tmp_path, monkeypatch, capsys, name, adapted):
    """Packed to a file, and by ``generate`` from the model's own files; an adapter in memory can be left unused."""
    monkeypatch.setattr(cli, "CACHE", tmp_path / "cache")
    model, prompt = files.models[name], files.tokenizer.encode(PROMPT).ids
    directory = files.models["huggingface" if name == "model.gguf" else name]
    plain = greedy(reference(directory), np.array(prompt), COUNT)
    expected, options = plain, []
    if adapted:
        expected = greedy(reference(directory, files.adapter), np.array(prompt), COUNT)
        options = ["--adapter", str(files.adapter)]
        assert expected[0] != plain[0] and len(set(expected)) > 4

    image = tmp_path / "packed.img"
    assert cli.main(["pack", str(model), "--output", str(image), "--context", "64", *options]) == 0
    assert capsys.readouterr().out == f"{image}: {image.stat().st_size:,} bytes\n"
    assert of_image(image, prompt) == expected
    assert generated(model, capsys, *options) == files.tokenizer.decode(prompt + expected) + "\n"
    if adapted:
        assert generated(model, capsys, *options, "--use", "none") == files.tokenizer.decode(prompt + plain) + "\n"
