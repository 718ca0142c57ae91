"""What one QLoRA linear layer should compute: PyTorch, float64 and FP16 references.

For M tokens, with W [N, K] in NF4, A [r, K], B [N, r] and scale s:

    y = W x + s B (A x)        dx = dy W + s (dy B) A        dA = s (dy B)^T x        dB = s dy^T (x A^T)

Three references, from the least to the most exact:

* `fp16_baseline`: what tensor cores do. Every operand of a product is rounded to FP16 (W, A and B, x, dy, and the
  low-rank intermediates), products are exact in FP32 and accumulated in FP32.
* `torch_reference`: bitsandbytes' `Linear4bit` below PEFT's LoRA layer, under autograd. Its precision is FP32
  throughout: the weight is dequantized to FP32 (codebook value times absmax, rounded once), products and sums are FP32
  in the order that the BLAS chooses. The layer stays in training mode with `requires_grad` on x, which keeps
  bitsandbytes away from its BF16 inference kernel on processors that have AVX512-BF16.
* `float64_reference`: the same formulas in float64 from the same FP32 dequantized weight. Its own error, about
  K * 2^-53, is negligible; relative errors are quoted against it.
"""

from dataclasses import dataclass

import bitsandbytes as bnb
import numpy as np
import torch
from edge_qlora.layout import NF4Weight
from edge_qlora.quantization import dequantize_nf4, quant_state
from peft import LoraConfig
from peft.tuners.lora.bnb import Linear4bit as LoraLinear4bit

_ADAPTER = "default"


@dataclass(frozen=True)
class LinearCase:
    """One layer with its data: x [M, K], dy [M, N], A [r, K], B [N, r], all float32."""

    name: str
    weight: NF4Weight
    x: np.ndarray
    dy: np.ndarray
    lora_a: np.ndarray
    lora_b: np.ndarray
    scale: float

    @property
    def rank(self) -> int:
        return self.lora_a.shape[0]


@dataclass(frozen=True)
class LinearResult:
    """y [M, N], dx [M, K], dA [r, K] and dB [N, r] of one case."""

    y: np.ndarray
    dx: np.ndarray
    d_lora_a: np.ndarray
    d_lora_b: np.ndarray

    def errors(self, reference: "LinearResult") -> dict[str, float]:
        """Relative error of every array against `reference`, by name."""
        return {name: relative_error(getattr(self, name), getattr(reference, name)) for name in self.__annotations__}


def relative_error(value: np.ndarray, reference: np.ndarray) -> float:
    """Frobenius norm of the difference over that of the reference, in float64."""
    reference = np.asarray(reference, np.float64)
    return float(np.linalg.norm(np.asarray(value, np.float64) - reference) / np.linalg.norm(reference))


def _lora_layer(case: LinearCase) -> LoraLinear4bit:
    """bitsandbytes Linear4bit with the case's weight under a PEFT LoRA layer with the case's A and B."""
    n, k = case.weight.shape
    base = bnb.nn.Linear4bit(k, n, bias=False, compute_dtype=torch.float32, quant_type="nf4", device="meta")
    state = quant_state(case.weight)
    base.weight = bnb.nn.Params4bit(
        torch.tensor(case.weight.packed).reshape(-1, 1),
        requires_grad=False,
        quant_state=state,
        blocksize=state.blocksize,
        compress_statistics=True,
        quant_type="nf4",
        bnb_quantized=True,
        module=base,
    )
    base.quant_state = state
    config = LoraConfig(r=case.rank, lora_alpha=case.scale * case.rank, lora_dropout=0.0, bias="none")
    layer = LoraLinear4bit(base, _ADAPTER, config=config, r=case.rank, lora_alpha=config.lora_alpha)
    with torch.no_grad():
        layer.lora_A[_ADAPTER].weight.copy_(torch.tensor(case.lora_a))
        layer.lora_B[_ADAPTER].weight.copy_(torch.tensor(case.lora_b))
    return layer.train()


def torch_reference(case: LinearCase) -> LinearResult:
    """bitsandbytes and PEFT under autograd in FP32; see the module's head for its precision."""
    layer = _lora_layer(case)
    x = torch.tensor(case.x, requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(case.dy))
    gradients = (x.grad, layer.lora_A[_ADAPTER].weight.grad, layer.lora_B[_ADAPTER].weight.grad)
    return LinearResult(y.detach().numpy(), *(gradient.numpy() for gradient in gradients))


def float64_reference(case: LinearCase) -> LinearResult:
    """The layer in float64 from the FP32 dequantized weight."""
    weight, x, dy, a, b = (np.asarray(v, np.float64) for v in (dequantize_nf4(case.weight), *operands(case)))
    u, v = x @ a.T, dy @ b
    return LinearResult(
        y=x @ weight.T + case.scale * (u @ b.T),
        dx=dy @ weight + case.scale * (v @ a),
        d_lora_a=case.scale * (v.T @ x),
        d_lora_b=case.scale * (dy.T @ u),
    )


def fp16_baseline(case: LinearCase) -> LinearResult:
    """Operands of every product in FP16, accumulation and everything outside the products in FP32.

    Values beyond 65504 become infinite, as they would there.
    """
    scale = np.float32(case.scale)
    with np.errstate(over="ignore", invalid="ignore"):
        weight, x, dy, a, b = (_to_fp16(v) for v in (dequantize_nf4(case.weight), *operands(case)))
        u, v = _to_fp16(x @ a.T), _to_fp16(dy @ b)
        return LinearResult(
            y=x @ weight.T + scale * (u @ b.T),
            dx=dy @ weight + scale * (v @ a),
            d_lora_a=scale * (v.T @ x),
            d_lora_b=scale * (dy.T @ u),
        )


def operands(case: LinearCase) -> tuple[np.ndarray, ...]:
    """x, dy, A and B of a case, in this order."""
    return case.x, case.dy, case.lora_a, case.lora_b


def _to_fp16(values: np.ndarray) -> np.ndarray:
    """Rounded to FP16, kept as float32, so that a product of two is exact and a matrix product accumulates in FP32."""
    return values.astype(np.float16).astype(np.float32)
