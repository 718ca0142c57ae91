"""The references against each other, and the cases that the testbenches use."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from edge_qlora.quantization import dequantize_nf4, quantize_nf4

from tb import cases
from tb.reference import LinearCase, float64_reference, fp16_baseline, operands, relative_error, torch_reference


@pytest.fixture(scope="module")
def small() -> LinearCase:
    rng = np.random.default_rng(41)
    arrays = ((128, 192), (5, 192), (5, 128), (4, 192), (128, 4))
    weight, *others = (rng.standard_normal(shape).astype(np.float32) for shape in arrays)
    return LinearCase("small", quantize_nf4(weight), *others, 1.5)


def test_float64_is_the_gradient_of_its_own_forward(small):
    """Autograd in float64 over plain matrix products, written differently from the reference's formulas."""
    weight = torch.tensor(dequantize_nf4(small.weight), dtype=torch.float64)
    x, a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (small.x, small.lora_a, small.lora_b))
    y = torch.nn.functional.linear(x, weight + small.scale * b @ a)
    y.backward(torch.tensor(small.dy, dtype=torch.float64))
    result = float64_reference(small)
    for value, expected in zip(
        (result.y, result.dx, result.d_lora_a, result.d_lora_b), (y.detach(), x.grad, a.grad, b.grad), strict=True
    ):
        assert relative_error(value, expected.numpy()) < 1e-13


def test_peft_layer_computes_in_single_precision(small):
    """Each element of the FP32 result is within (terms + 8) * 2^-24 of the sum of its terms' magnitudes.

    That is the standard bound for a sum in any order; `terms` counts the longest chain of additions, and 8 covers the
    roundings of the dequantized products, of the intermediate and of the scaling.
    """
    exact, result = float64_reference(small), torch_reference(small)
    weight, x, dy, a, b = (np.abs(v).astype(float) for v in (dequantize_nf4(small.weight), *operands(small)))
    (m, k), n, rank = x.shape, dy.shape[1], a.shape[0]
    bounds = {
        "y": (k + rank, x @ weight.T + small.scale * (x @ a.T @ b.T)),
        "dx": (n + rank, dy @ weight + small.scale * (dy @ b @ a)),
        "d_lora_a": (n + m, small.scale * ((dy @ b).T @ x)),
        "d_lora_b": (k + m, small.scale * (dy.T @ (x @ a.T))),
    }
    for name, (terms, magnitude) in bounds.items():
        difference = np.abs(getattr(result, name) - getattr(exact, name))
        assert (difference <= (terms + 8) * 2.0**-24 * magnitude).all(), name


def test_fp16_baseline_rounds_itsoperands(small):
    exact = replace(
        small,
        x=small.x.astype(np.float16).astype(np.float32),
        dy=small.dy.astype(np.float16).astype(np.float32),
    )
    assert fp16_baseline(small).y.tobytes() == fp16_baseline(exact).y.tobytes()
    errors = fp16_baseline(small).errors(float64_reference(small))
    assert all(2.0**-14 < error < 2.0**-10 for error in errors.values())


def test_fp16_baseline_overflows(small):
    assert not np.isfinite(fp16_baseline(replace(small, x=small.x * np.float32(1e5))).y).any()


def test_captured_smollm2_case():
    case = cases.smollm2_case(0, "self_attn.k_proj", tokens=200, rank=8)
    assert case.x.shape == (200, 576) and case.dy.shape == (200, 192) and case.weight.shape == (192, 576)
    assert case.lora_a.shape == (8, 576) and case.lora_b.shape == (192, 8)
    assert np.isfinite(case.x).all() and np.isfinite(case.dy).all()
    assert 0.5 < np.abs(cases.captured_activations(2)["model.layers.0.self_attn.k_proj"][1]).max() <= 1.0
    np.testing.assert_array_equal(case.x, cases.smollm2_case(0, "self_attn.q_proj", tokens=200).x)
    exact, single, half = float64_reference(case), torch_reference(case), fp16_baseline(case)
    for name, error in single.errors(exact).items():
        assert error < half.errors(exact)[name]


def test_one_token_has_gradients():
    """A gradient of zeros would leave nothing to compare."""
    for projection in ("q_proj", "k_proj", "v_proj", "o_proj"):
        assert cases.smollm2_case(0, f"self_attn.{projection}", tokens=1).dy.any(), projection


def test_the_model_reads_english():
    """A low perplexity: names, rotary order and dequantization are right together."""
    text = "The capital of France is Paris. Water boils at one hundred degrees. The sun rises in the east."
    ids = torch.tensor([cases.smollm2_tokens(text)])
    with torch.no_grad():
        loss = cases.smollm2_model()(input_ids=ids, labels=ids).loss
    assert loss.exp() < 30


def test_random_cases_are_functions_of_their_seed():
    first, second, other = (cases.smollm2_random_case(0, "mlp.up_proj", 4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.lora_b, second.lora_b)
    assert not np.array_equal(first.x, other.x)
    scale = np.sqrt((first.x.astype(float) ** 2).mean(axis=0))
    assert scale.max() > 20 * np.median(scale)


def test_tinyllama_shape():
    case = cases.tinyllama_case(2)
    assert case.weight.shape == (5632, 2048) and case.rank == 16
    assert case.x.shape == (2, 2048) and case.dy.shape == (2, 5632)
