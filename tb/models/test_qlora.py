"""The layer model: within its derived bounds of float64 and of bitsandbytes with PEFT, and more exact than FP16."""

from __future__ import annotations

import numpy as np
import pytest
from bitsandbytes.functional import get_4bit_type
from edge_qlora.quantization import quantize_nf4

from tb.accuracy import accuracy
from tb.cases import random_activations, random_adapter, smollm2_case
from tb.models import matrix, qlora
from tb.models.qlora_bound import backward_bound, forward_bound
from tb.reference import LinearCase, float64_reference

SCALE = 2.0
CASES = {
    "smollm2 q_proj": lambda: smollm2_case(0, "self_attn.q_proj", 24),
    "smollm2 down_proj": lambda: smollm2_case(1, "mlp.down_proj", 7),
    "smollm2 gate_proj": lambda: smollm2_case(0, "mlp.gate_proj", 70, rank=5),
    "outlier, rank 64": lambda: random_case(128, 192, 9, 64),
    "one token, rank 1": lambda: random_case(64, 64, 1, 1),
    "many tokens": lambda: random_case(64, 128, 200, 8),
}


def random_case(n: int, k: int, tokens: int, rank: int, seed: int = 1) -> LinearCase:
    """A random layer whose activations have an outlier channel."""
    rng = np.random.default_rng([seed, n, k, tokens])
    weight = quantize_nf4((0.05 * rng.standard_normal((n, k))).astype(np.float32))
    x, dy = random_activations(tokens, k, rng), random_activations(tokens, n, rng)
    return LinearCase("random", weight, x, dy, *random_adapter(n, k, rank, seed), SCALE)


def rounded(case: LinearCase, dtype: type) -> LinearCase:
    """The case with every operand rounded to ``dtype`` and widened again."""
    values = (v.astype(dtype).astype(np.float32) for v in (case.x, case.dy, case.lora_a, case.lora_b))
    return LinearCase(case.name, case.weight, *values, case.scale)


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("name", CASES)
def test_within_the_derived_bounds(name: str, dtype: type, act_width: int) -> None:
    """Every element of y, dx, dA and dB, against float64 and against autograd of bitsandbytes and PEFT."""
    case = rounded(CASES[name](), dtype)
    for result in accuracy(case, act_width, dtype):
        assert result.of_bound <= 1 and result.of_torch_bound <= 1, str(result)
        assert dtype == np.float16 or result.error < result.baseline, str(result)


@pytest.mark.parametrize("mistake", ["code", "lora_a", "lora_b"])
def test_bounds_notice_one_wrong_value(mistake: str) -> None:
    """The bounds are tight enough: one wrong code or one missing adapter element puts a result outside of them."""
    case = CASES["smollm2 q_proj"]()
    a, b = case.lora_a.copy(), case.lora_b.copy()
    right = wrong = qlora.Layer.from_nf4(case.weight, case.lora_a, case.lora_b, case.scale)
    if mistake == "code":
        codes = right.weights.codes.copy()
        codes[100, 50] ^= 1
        weights = matrix.CodeWeights(codes, right.weights.absmax, right.weights.codebook)
        wrong = qlora.Layer(weights, right.lora_a, right.lora_bt, right.scale)
    else:
        (a if mistake == "lora_a" else b)[3, 4] = 0
        wrong = qlora.Layer.from_nf4(case.weight, a, b, case.scale)
    exact = float64_reference(case)
    y, grads = qlora.forward(wrong, case.x, 25), qlora.backward(wrong, case.x, case.dy, 25)
    bounds = {"y": forward_bound(right, case.x, y, 25)} | backward_bound(right, case.x, case.dy, grads.dx, 25)
    results = {"y": (y, exact.y), "dx": (grads.dx, exact.dx)}
    results |= {"d_lora_a": (grads.d_lora_a, exact.d_lora_a), "d_lora_bt": (grads.d_lora_bt, exact.d_lora_b.T)}
    outside = {name for name, (value, of) in results.items() if (np.abs(value - of) > bounds[name].exact).any()}
    assert (
        outside == {"code": {"y", "dx"}, "lora_a": {"y", "dx", "d_lora_bt"}, "lora_b": {"y", "dx", "d_lora_a"}}[mistake]
    )


def test_without_adapter() -> None:
    case = random_case(64, 128, 3, 4)
    none = np.zeros((0, 128), np.float32), np.zeros((64, 0), np.float32)
    layer = qlora.Layer.from_nf4(case.weight, *none, case.scale)
    y = qlora.forward(layer, case.x, 25)
    grads = qlora.backward(layer, case.x, case.dy, 25)
    zero = LinearCase("", case.weight, case.x, case.dy, case.lora_a, 0 * case.lora_b, case.scale)
    exact = float64_reference(zero)
    assert (np.abs(y - exact.y) <= forward_bound(layer, case.x, y, 25).exact).all()
    assert (np.abs(grads.dx - exact.dx) <= backward_bound(layer, case.x, case.dy, grads.dx, 25)["dx"].exact).all()
    assert grads.d_lora_a.shape == (0, 128) and grads.d_lora_bt.shape == (0, 64)


def test_codebook_is_the_nf4_table() -> None:
    """Entries are bitsandbytes' NF4 values times 131071, rounded to nearest even; the scale undoes the factor."""
    book = matrix.Codebook.from_values(qlora.NF4_VALUES)
    table = get_4bit_type("nf4", device="cpu").numpy().astype(np.float64)
    np.testing.assert_array_equal(book.entries, np.rint(table * 131071))
    assert book.scale == np.float32(1.0 / 131071)
