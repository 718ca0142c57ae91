"""How close a QLoRA layer's results come to exact arithmetic: against float64, PyTorch and an FP16 baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb.models import qlora
from tb.models.qlora_bound import backward_bound, forward_bound
from tb.reference import LinearCase, LinearResult, float64_reference, fp16_baseline, relative_error, torch_reference

NAMES = {"y": "y", "dx": "dx", "d_lora_a": "d_lora_a", "d_lora_bt": "d_lora_b"}


@dataclass(frozen=True)
class Accuracy:
    """One result of a layer.

    Attributes:
        name: y, dx, d_lora_a or d_lora_bt.
        error: relative error against float64 (Frobenius norms).
        baseline: the same of FP16 operands with FP32 accumulation.
        of_bound: largest element error against float64 over its derived bound; below 1 when the bound holds.
        of_torch_bound: largest difference from bitsandbytes and PEFT under autograd over its derived bound.
    """

    name: str
    error: float
    baseline: float
    of_bound: float
    of_torch_bound: float

    def __str__(self) -> str:
        return (
            f"{self.name:9s} relative error {self.error:.2e}, with FP16 operands {self.baseline:.2e}; largest error "
            f"{self.of_bound:.3f} of its bound, difference from PyTorch {self.of_torch_bound:.3f} of its bound"
        )


def stored(result: LinearResult, name: str) -> np.ndarray:
    """A reference's array as the accelerator stores it: dB transposed."""
    return result.d_lora_b.T if name == "d_lora_bt" else getattr(result, name)


def of_bound(difference: np.ndarray, bound: np.ndarray) -> float:
    """Largest magnitude of a difference over its bound; infinite if an overflow leaves an element without a bound."""
    return float((np.abs(difference) / bound).max()) if np.isfinite(bound).all() else np.inf


def accuracy(case: LinearCase, act_width: int, dtype: type = np.float32) -> list[Accuracy]:
    """Accuracy of y, dx, dA and dB of one layer.

    Args:
        case: operands, representable in ``dtype``.
        act_width: activation mantissa width, 18 or 25.
        dtype: of all operands and of y and dx in memory.
    """
    x, dy, a, b = (v.astype(dtype) for v in (case.x, case.dy, case.lora_a, case.lora_b))
    layer = qlora.Layer.from_nf4(case.weight, a, b, case.scale)
    y = qlora.forward(layer, x, act_width, dtype)
    grads = qlora.backward(layer, x, dy, act_width, dtype)
    bounds = {"y": forward_bound(layer, x, y, act_width)} | backward_bound(layer, x, dy, grads.dx, act_width)
    results = {"y": y, "dx": grads.dx, "d_lora_a": grads.d_lora_a, "d_lora_bt": grads.d_lora_bt}
    exact, torch = float64_reference(case), torch_reference(case)
    baseline = fp16_baseline(case).errors(exact)
    return [
        Accuracy(
            name,
            relative_error(result, stored(exact, name)),
            baseline[NAMES[name]],
            of_bound(result - stored(exact, name), bounds[name].exact),
            of_bound(result - stored(torch, name), bounds[name].float32),
        )
        for name, result in results.items()
    ]
