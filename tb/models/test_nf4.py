"""The NF4 golden model against bitsandbytes and exact arithmetic, and the RTL's constants against both."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import gguf
import numpy as np
import pytest
import torch
from bitsandbytes import functional
from edge_qlora.checkpoint import smollm2_path

from rtl.nf4 import generate
from tb.models import fp32, nf4

COUNT = 1 << 20
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
SUBNORMAL_LIMIT = np.uint32(0x00800000)
# bitsandbytes builds the dynamic map with torch.linspace, whose last bit depends on the instruction set: these agree.
FUSED = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
needs_fused = pytest.mark.skipif(not FUSED, reason="torch without FMA makes another dynamic map")


def random_floats(rng: np.random.Generator, count: int, low: int, high: int) -> np.ndarray:
    """float32 with random signs and fractions, biased exponents from ``low`` to ``high``, both included."""
    bits = rng.integers(0, 2, count) << 31 | rng.integers(low, high + 1, count) << 23 | rng.integers(0, 1 << 23, count)
    return bits.astype(np.uint32).view(np.float32)


def to_torch(values: np.ndarray, fmt: str) -> tuple[torch.Tensor, np.ndarray]:
    """Finite values rounded to a data format as a tensor, and the float32 values it holds."""
    tensor = torch.from_numpy(np.array(values, np.float32)).to(DTYPES[fmt])
    largest = torch.finfo(DTYPES[fmt]).max
    tensor = tensor.clamp(-largest, largest)
    return tensor, tensor.float().numpy()


def reference_quantize(tensor: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Codes and absmax by bitsandbytes."""
    packed, state = functional.quantize_4bit(tensor, quant_type="nf4")
    packed = packed.numpy().reshape(-1)
    return np.stack([packed >> 4, packed & 15], axis=1).reshape(-1), state.absmax.numpy()


def count_differences(tensor: torch.Tensor, values: np.ndarray) -> int:
    """Codes and absmax of the golden model that differ from bitsandbytes'."""
    codes, absmax = reference_quantize(tensor)
    our_codes, our_absmax, nonfinite = nf4.quantize(values)
    assert not nonfinite.any()
    return int((codes != our_codes).sum() + (absmax.view(np.uint32) != our_absmax.view(np.uint32)).sum())


def reference_dequantize(codes: np.ndarray, absmax: np.ndarray, fmt: str, columns: int) -> np.ndarray:
    """Bit patterns by bitsandbytes. ``columns`` 2 takes its scalar code, a multiple of 16 the vector code."""
    packed = torch.from_numpy((codes[0::2] << 4 | codes[1::2]).astype(np.uint8)).reshape(-1, 1)
    state = functional.QuantState(
        absmax=torch.from_numpy(absmax.copy()),
        shape=torch.Size((codes.size // columns, columns)),
        dtype=DTYPES[fmt],
        blocksize=nf4.BLOCK,
        quant_type="nf4",
        code=functional.get_4bit_type("nf4", device="cpu"),
    )
    out = functional.dequantize_4bit(packed, state)
    integer = torch.int32 if fmt == "fp32" else torch.int16
    return out.reshape(-1).view(integer).numpy().astype(np.int64) & (0xFFFFFFFF if fmt == "fp32" else 0xFFFF)


def test_package_is_generated() -> None:
    """The RTL's constants are what the generator makes of the golden model."""
    assert generate.PACKAGE.read_text() == generate.render()


def test_tables_equal_bitsandbytes() -> None:
    """NF4 table and bounds."""
    table = functional.get_4bit_type("nf4", device="cpu")
    assert np.array_equal(table.numpy().view(np.uint32), nf4.NF4_TABLE.view(np.uint32))
    bounds = ((table[:-1] + table[1:]) / 2).numpy()
    assert np.array_equal(bounds.view(np.uint32), nf4.NF4_BOUNDS.view(np.uint32))
    assert nf4.NF4_TABLE[nf4.NF4_ZERO] == 0 and nf4.DYNAMIC_MAP[nf4.DYNAMIC_ZERO] == 0


@needs_fused
def test_dynamic_map_equals_bitsandbytes() -> None:
    """All 256 values of the dynamic map."""
    reference = functional.create_dynamic_map().numpy()
    assert np.array_equal(reference.view(np.uint32), nf4.DYNAMIC_MAP.view(np.uint32))


@pytest.mark.parametrize("fmt", DTYPES)
@pytest.mark.parametrize("seed", [1, 2])
def test_quantize_random(fmt: str, seed: int) -> None:
    """More than a million values of each data format: weights, and values of any exponent."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(COUNT).astype(np.float32) * np.float32(0.05)
    low, high = (98, 142) if fmt == "fp16" else (0, 254)
    for values in (weights, random_floats(rng, COUNT, low, high)):
        tensor, exact = to_torch(values, fmt)
        assert count_differences(tensor, exact) == 0


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 1), (0, 3), (1, 6), (250, 254), (252, 253), (253, 253), (254, 254)]
)
def test_quantize_extreme_exponents(low: int, high: int) -> None:
    """Subnormal values and scales, scales around 1e-38 and 2^-126, and scales whose reciprocal is subnormal."""
    rng = np.random.default_rng(low * 256 + high)
    for fmt in ("fp32", "bf16"):
        tensor, exact = to_torch(random_floats(rng, COUNT // 4, low, high), fmt)
        assert count_differences(tensor, exact) == 0


@pytest.mark.parametrize("fmt", DTYPES)
def test_quantize_zeros_subnormals_outliers(fmt: str) -> None:
    """Zeros of both signs, subnormals of the format, the largest numbers, one outlier per block."""
    rng = np.random.default_rng(5)
    info = torch.finfo(DTYPES[fmt])
    sign = rng.choice(np.array([-1, 1], np.float32), (512, nf4.BLOCK))
    zeros = sign * np.float32(0)
    subnormals = sign * rng.uniform(0, 1, sign.shape).astype(np.float32) * np.float32(info.tiny)
    largest = sign * np.float32(info.max) * np.where(rng.random(sign.shape) < 0.5, np.float32(1), np.float32(0.75))
    outliers = rng.standard_normal(sign.shape).astype(np.float32) * np.float32(1e-3)
    outliers[:, 17] = 100
    for values in (zeros, subnormals, largest, outliers):
        tensor, exact = to_torch(values.reshape(-1), fmt)
        assert count_differences(tensor, exact) == 0


@pytest.mark.parametrize("smallest", [nf4.SMALLEST_SCALE, np.float32(2.0**-126), np.float32(2.0**126), np.float32(1)])
def test_quantize_absmax_beside(smallest: np.float32) -> None:
    """Absmax equal to a number where the rule changes, and one unit on either side."""
    rng = np.random.default_rng(6)
    for step in (-1, 0, 1):
        absmax = fp32.from_bits(int(smallest.view(np.uint32)) + step)
        values = (rng.uniform(-1, 1, (1024, nf4.BLOCK)) * absmax).astype(np.float32)
        values[:, 3] = absmax
        assert count_differences(torch.from_numpy(values.reshape(-1)), values.reshape(-1)) == 0


@pytest.mark.parametrize("exponent", [-149, -140, -127, -126, -125, -10, 0, 1, 126, 127])
def test_quantize_ties(exponent: int) -> None:
    """Scaled values exactly on every bound and one unit either side, for absmax a power of two."""
    values = np.concatenate([nf4.NF4_BOUNDS, np.nextafter(nf4.NF4_BOUNDS, -2), np.nextafter(nf4.NF4_BOUNDS, 2)])
    block = np.zeros(nf4.BLOCK, np.float32)
    block[: values.size] = np.ldexp(values.astype(np.float64), exponent)
    block[-1] = np.ldexp(1.0, exponent)
    assert count_differences(torch.from_numpy(block), block) == 0


def test_quantize_near_ties() -> None:
    """Products of bounds with absmax of any significand, and three units to either side."""
    rng = np.random.default_rng(7)
    absmax = random_floats(rng, 8192, 3, 252)[:, None]
    near = (rng.choice(nf4.NF4_BOUNDS, (absmax.size, nf4.BLOCK)) * absmax).astype(np.float32)
    values = (near.view(np.int32) + rng.integers(-3, 4, near.shape).astype(np.int32)).view(np.float32)
    values[:, :1] = absmax
    assert count_differences(torch.from_numpy(values.reshape(-1)), values.reshape(-1)) == 0


def test_quantize_nonfinite() -> None:
    """A NaN or an Inf spoils its own block only."""
    rng = np.random.default_rng(8)
    values = rng.standard_normal((5, nf4.BLOCK)).astype(np.float32)
    codes, absmax, _ = nf4.quantize(values)
    spoiled = values.copy()
    spoiled[1, 3], spoiled[3, 60], spoiled[3, 61] = np.nan, np.inf, -np.inf
    spoiled_codes, spoiled_absmax, nonfinite = nf4.quantize(spoiled)
    assert nonfinite.tolist() == [False, True, False, True, False]
    assert np.all(spoiled_codes.reshape(5, -1)[nonfinite] == nf4.NF4_ZERO)
    assert np.all(spoiled_absmax[nonfinite].view(np.uint32) == fp32.CANONICAL_NAN)
    assert np.array_equal(spoiled_codes.reshape(5, -1)[~nonfinite], codes.reshape(5, -1)[~nonfinite])
    assert np.array_equal(spoiled_absmax[~nonfinite], absmax[~nonfinite])


def test_quantize_rejects_partial_blocks() -> None:
    """The number of values must be a multiple of 64."""
    with pytest.raises(ValueError, match="65 values"):
        nf4.quantize(np.zeros(65, np.float32))


@pytest.mark.parametrize("fmt", DTYPES)
@pytest.mark.parametrize(("low", "high"), [(0, 0), (1, 8), (96, 120), (110, 130), (138, 150), (0, 254)])
def test_dequantize(fmt: str, low: int, high: int) -> None:
    """All formats: FP16 subnormals and overflow, subnormal products, negative absmax, both paths of bitsandbytes.

    bitsandbytes itself gives two answers for BF16 with subnormal products: its scalar code rounds them, its
    AVX512-BF16 code makes them zero. Ours is the second.
    """
    rng = np.random.default_rng(low * 256 + high)
    absmax = random_floats(rng, COUNT // nf4.BLOCK, low, high)
    codes = rng.integers(0, 16, COUNT).astype(np.uint8)
    product = nf4.dequantize(codes, absmax)
    ours = nf4.round_to(product, fmt).astype(np.int64)
    scalar = reference_dequantize(codes, absmax, fmt, 2)
    if fmt == "bf16":
        subnormal = product.view(np.uint32) & np.uint32(0x7FFFFFFF) < SUBNORMAL_LIMIT
        assert np.array_equal(ours[~subnormal], scalar[~subnormal])
        assert np.all(ours[subnormal] & 0x7FFF == 0)
        vector = reference_dequantize(codes, absmax, fmt, 64)
        if functional.has_avx512bf16():
            assert np.array_equal(ours, vector)
    else:
        assert np.array_equal(ours, scalar)
        assert np.array_equal(ours, reference_dequantize(codes, absmax, fmt, 64))


def double_differences(absmax: np.ndarray, offset: np.float32) -> int:
    """Codes and nested absmax of the golden model that differ from bitsandbytes' for the same offset."""
    centred = torch.from_numpy(absmax) - torch.tensor(offset)
    codes, state = functional.quantize_blockwise(centred, blocksize=nf4.NESTED_BLOCK)
    ours, nested, nonfinite = nf4.double_quantize(absmax, offset)
    assert not nonfinite.any()
    nested_differ = (state.absmax.numpy().view(np.uint32) != nested.view(np.uint32)).sum()
    return int((codes.numpy() != ours).sum() + nested_differ)


@needs_fused
@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000, COUNT + 77])
def test_double_quantize_weights(count: int) -> None:
    """Absmax of weights with their mean as offset; whole and partial last blocks."""
    rng = np.random.default_rng(count)
    absmax = np.abs(rng.normal(0.1, 0.02, count)).astype(np.float32)
    assert double_differences(absmax, nf4.exact_mean(absmax)[0]) == 0


@needs_fused
@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 3), (24, 30), (90, 140), (250, 253), (252, 253), (0, 253)])
def test_double_quantize_any_values(low: int, high: int) -> None:
    """Any exponents, subnormals included, with offsets of like size and with none."""
    rng = np.random.default_rng(low * 256 + high)
    absmax = np.abs(random_floats(rng, COUNT // 4 + 3, low, high))
    for offset in (np.float32(0), np.abs(random_floats(rng, 1, low, high))[0], absmax[5]):
        assert double_differences(absmax, offset) == 0


@needs_fused
@pytest.mark.parametrize("scale", [2.0**-149, 2.0**-130, 2.0**-129, 2.0**-128, 2.0**-127, 2.0**-126, 1.0, 2.0**127])
def test_double_quantize_scales(scale: float) -> None:
    """All-zero blocks, and nested absmax around 2^-128, below which its reciprocal is infinite."""
    rng = np.random.default_rng(9)
    for step in (0, 1) if scale < 1e30 else (0,):
        nested = (np.float32(scale).view(np.uint32) + np.uint32(step)).view(np.float32)
        values = (rng.uniform(-1, 1, 3 * nf4.NESTED_BLOCK) * nested).astype(np.float32)
        values[:: nf4.NESTED_BLOCK] = nested
        values[nf4.NESTED_BLOCK : 2 * nf4.NESTED_BLOCK] = 0
        assert double_differences(values, np.float32(0)) == 0


@needs_fused
@pytest.mark.parametrize("exponent", [-120, -20, 0, 20, 120])
def test_double_quantize_ties(exponent: int) -> None:
    """Scaled values exactly where each code begins and one unit either side."""
    starts = generate.dynamic_starts()
    values = np.concatenate([starts, np.nextafter(starts, np.float32(2)), np.nextafter(starts, np.float32(-2))])
    scale = np.float32(2.0**exponent)
    for part in np.array_split(np.clip(values, -1, 1).astype(np.float32) * scale, 3):
        assert double_differences(np.concatenate([part, [scale]]).astype(np.float32), np.float32(0)) == 0


@pytest.mark.slow
def test_position_needs_no_fused_multiply_add() -> None:
    """All 2^25 + 1 multiples of 2^-24 that s + 1 can be: two roundings instead of one never change the code."""
    for part in np.array_split(np.arange(2**25 + 1), 64):
        exact = part * 2.0**-24
        half = exact.astype(np.float32) * np.float32(0.5)
        half = half[half == exact / 2]
        fused = (half.astype(np.float64) * 65535 + 0.5).astype(np.float32)
        twice = half * np.float32(65535) + np.float32(0.5)
        table = nf4._CODE_TABLE
        assert np.array_equal(table[fused.astype(np.int64)], table[twice.astype(np.int64)])


@needs_fused
def test_double_quantize_as_compress_statistics() -> None:
    """The whole of ``quantize_4bit(compress_statistics=True)`` and back, given its offset."""
    rng = np.random.default_rng(10)
    weights = rng.standard_normal((576, 1536)).astype(np.float32) * np.float32(0.03)
    packed, state = functional.quantize_4bit(torch.from_numpy(weights), quant_type="nf4", compress_statistics=True)
    offset = np.float32(state.offset.item())
    codes, absmax, _ = nf4.quantize(weights)
    assert np.array_equal(packed.numpy().reshape(-1), codes[0::2] << 4 | codes[1::2])
    dynamic, nested, _ = nf4.double_quantize(absmax, offset)
    assert np.array_equal(state.absmax.numpy(), dynamic)
    assert np.array_equal(state.state2.absmax.numpy(), nested)
    assert abs(ulps(nf4.exact_mean(absmax)[0], offset)) <= 4
    restored = nf4.dequantize(codes, nf4.double_dequantize(dynamic, nested, offset))
    reference = functional.dequantize_4bit(packed, state).numpy()
    assert np.array_equal(reference.view(np.uint32), restored.reshape(weights.shape).view(np.uint32))


def test_double_quantize_nonfinite() -> None:
    """A NaN, an Inf or an overflowing difference spoils its own block of 256 only."""
    rng = np.random.default_rng(11)
    absmax = np.abs(rng.standard_normal(1000)).astype(np.float32)
    spoiled = absmax.copy()
    spoiled[300] = np.inf
    codes, nested, nonfinite = nf4.double_quantize(spoiled, np.float32(0.5))
    good, good_nested, _ = nf4.double_quantize(absmax, np.float32(0.5))
    assert nonfinite.tolist() == [False, True, False, False]
    assert np.all(codes[256:512] == nf4.DYNAMIC_ZERO) and nested[1:2].view(np.uint32) == fp32.CANONICAL_NAN
    assert np.array_equal(np.delete(codes, np.s_[256:512]), np.delete(good, np.s_[256:512]))
    assert np.array_equal(np.delete(nested, 1), np.delete(good_nested, 1))
    spoiled[300] = -3e38
    assert nf4.double_quantize(spoiled, np.float32(3e38))[2].tolist() == [False, True, False, False]


@needs_fused
def test_double_dequantize() -> None:
    """Equal to bitsandbytes wherever neither product nor sum is subnormal."""
    rng = np.random.default_rng(12)
    codes = rng.integers(0, 256, COUNT).astype(np.uint8)
    for low, high in ((100, 130), (20, 250)):
        nested = np.abs(random_floats(rng, COUNT // nf4.NESTED_BLOCK, low, high))
        offset = np.abs(random_floats(rng, 1, low + 10, high))[0]
        state = functional.QuantState(
            absmax=torch.from_numpy(nested), code=functional.create_dynamic_map(), blocksize=256, dtype=torch.float32
        )
        reference = functional.dequantize_blockwise(torch.from_numpy(codes), state) + torch.tensor(offset)
        ours = nf4.double_dequantize(codes, nested, offset)
        assert np.array_equal(reference.numpy().view(np.uint32), ours.view(np.uint32))


def test_double_dequantize_flushes_subnormals() -> None:
    """A subnormal operand counts as zero, a subnormal product or sum becomes zero of its sign; 2**-126 stays."""
    lowest, below_one, one = 0, 254, 255
    assert nf4.DYNAMIC_MAP[lowest] < 0 < nf4.DYNAMIC_MAP[below_one] < nf4.DYNAMIC_MAP[one] == 1
    small, normal, zero = np.float32(2.0**-127), np.float32(2.0**-126), np.float32(0)

    def result(code: int, nested: np.float32, offset: np.float32) -> np.float32:
        return nf4.double_dequantize(np.array([code], np.uint8), np.array([nested]), offset)[0]

    assert result(one, small, zero) == 0 and result(one, normal, zero) == normal
    assert result(one, normal, small) == normal and result(one, small, normal) == normal
    assert result(below_one, normal, zero) == 0 and result(below_one, 2 * normal, zero) > normal
    assert result(one, np.nextafter(normal, np.float32(1)), -normal) == 0  # 2**-149
    assert result(lowest, normal, np.float32(-0.0)).view(np.uint32) == 0x80000000


def ulps(a: np.float32, b: np.float32) -> int:
    """Distance of two positive float32 numbers in units of the last place."""
    return int(np.float32(a).view(np.int32)) - int(np.float32(b).view(np.int32))


@pytest.mark.parametrize("seed", range(4))
def test_exact_mean_is_exact(seed: int) -> None:
    """Against rational arithmetic; no other float32 number is nearer, and ties are even."""
    rng = np.random.default_rng(seed)
    for _ in range(200):
        low, high = sorted(rng.integers(0, 255, 2))
        values = np.abs(random_floats(rng, int(rng.integers(1, 50)), int(low), int(high)))
        mean, invalid = nf4.exact_mean(values)
        exact = sum(map(Fraction, values.tolist())) / values.size
        error = abs(Fraction(float(mean)) - exact)
        for other in (np.nextafter(mean, np.float32(0)), np.nextafter(mean, np.float32(np.inf))):
            if np.isfinite(other) and other != mean:
                distance = abs(Fraction(float(other)) - exact)
                assert error < distance or (error == distance and not int(mean.view(np.uint32)) & 1)
        assert not invalid


def test_exact_mean_invalid() -> None:
    """NaN, Inf and negative values are refused, negative zero is not, and nothing has no mean."""
    for wrong in (np.nan, np.inf, -1.0, -1e-45):
        mean, invalid = nf4.exact_mean(np.array([1, wrong, 2], np.float32))
        assert invalid and mean.view(np.uint32) == fp32.CANONICAL_NAN
    mean, invalid = nf4.exact_mean(np.array([-0.0, 1], np.float32))
    assert not invalid and mean == 0.5
    with pytest.raises(ValueError, match="no values"):
        nf4.exact_mean(np.zeros(0, np.float32))


@pytest.mark.parametrize("count", [1, 7, 1000, 36_864, 180_224, COUNT])
def test_exact_mean_close_to_torch(count: int) -> None:
    """Within 4 units of torch's mean, whose summation order depends on the machine."""
    rng = np.random.default_rng(count)
    absmax = np.abs(rng.standard_normal((count, 8))).max(axis=1).astype(np.float32)
    assert abs(ulps(nf4.exact_mean(absmax)[0], np.float32(torch.from_numpy(absmax).mean().item()))) <= 4


@pytest.mark.parametrize("name", ["nf4", "dynamic"])
def test_search_keys(name: str) -> None:
    """Comparing an exact product with the RTL's thresholds gives the code of the rounded product."""
    rng = np.random.default_rng(13)
    if name == "nf4":
        starts, fraction = generate.nf4_starts(), generate.NF4_FRACTION

        def rule(scaled: np.ndarray) -> np.ndarray:
            return np.searchsorted(nf4.NF4_BOUNDS, scaled, side="left")
    else:
        starts, fraction = generate.dynamic_starts(), generate.DYNAMIC_FRACTION
        rule = nf4.dynamic_code
    keys = generate.search_keys(starts, fraction)
    assert keys == sorted(keys)
    # Products of two significands: many random ones, and the pairs nearest to each threshold.
    exact = [Fraction(int(a) * int(b), 1 << 47) for a, b in rng.integers(1 << 23, 1 << 24, (3000, 2))]
    exact += [value / 2 ** int(rng.integers(1, 30)) for value in exact]
    below = np.nextafter(starts, np.float32(-2))
    middles = [(Fraction(float(a)) + Fraction(float(b))) / 2 for a, b in zip(starts, below, strict=True)]
    exact += [abs(m) + Fraction(step, 1 << 80) for m in middles for step in (-1, 0, 1)]
    exact += [abs(Fraction(float(start))) for start in starts]
    for magnitude in exact:
        scaled = np.float32(_round_to_float32(magnitude))
        units = magnitude * 2**fraction
        z = 2 * (units.numerator // units.denominator) + (units.denominator != 1)
        for key, value in ((z, scaled), (~z, -scaled)):
            if abs(value) <= 1:
                assert sum(key >= threshold for threshold in keys) == int(rule(np.array([value], np.float32))[0])


def _round_to_float32(value: Fraction) -> np.float32:
    """Nearest float32 to a positive rational number, ties to even."""
    guess = np.float32(float(value))
    candidates = [np.nextafter(guess, np.float32(0)), guess, np.nextafter(guess, np.float32(4))]
    return min(candidates, key=lambda c: (abs(Fraction(float(c)) - value), int(c.view(np.uint32)) & 1))


def smollm2_linear_layers() -> Iterator[tuple[str, np.ndarray]]:
    """Name and float32 weights [out, in] of every linear layer of SmolLM2-135M-Instruct."""
    for tensor in gguf.GGUFReader(smollm2_path()).tensors:
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            yield tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type)


def compare_smollm2(fmt: str) -> tuple[int, int, int]:
    """Quantize SmolLM2's linear layers, double quantize their absmax and dequantize, here and by bitsandbytes.

    Args:
        fmt: data format the weights are given in, and returned in by dequantization.

    Returns:
        Numbers of layers, of weights, and of differences in anything: codes, absmax, dynamic codes, nested absmax,
        restored absmax and weights. An offset more than 4 units from torch's mean counts as a difference.
    """
    layers, values, differences = 0, 0, 0
    for _, weights in smollm2_linear_layers():
        tensor, exact = to_torch(weights, fmt)
        differences += count_differences(tensor, exact.reshape(-1))
        packed, state = functional.quantize_4bit(tensor, quant_type="nf4", compress_statistics=True)
        offset = np.float32(state.offset.item())
        codes, absmax, _ = nf4.quantize(exact)
        differences += abs(ulps(nf4.exact_mean(absmax)[0], offset)) > 4
        dynamic, nested, _ = nf4.double_quantize(absmax, offset)
        differences += int((state.absmax.numpy() != dynamic).sum())
        differences += int((state.state2.absmax.numpy() != nested).sum())
        restored = nf4.dequantize(codes, nf4.double_dequantize(dynamic, nested, offset))
        reference = functional.dequantize_4bit(packed, state)
        reference_bits = fp32.to_bits(reference.float().numpy().reshape(-1))
        ours = nf4.round_to(restored, fmt)
        ours = ours if fmt == "fp32" else fp32.to_bits((fp32.from_fp16 if fmt == "fp16" else fp32.from_bf16)(ours))
        differences += int((reference_bits != ours).sum())
        layers += 1
        values += weights.size
    return layers, values, differences


@pytest.mark.slow
@needs_fused
@pytest.mark.parametrize("fmt", DTYPES)
def test_smollm2(fmt: str) -> None:
    """Every linear layer of SmolLM2-135M: nothing differs from bitsandbytes."""
    layers, values, differences = compare_smollm2(fmt)
    print(f"SmolLM2-135M as {fmt}: {layers} linear layers, {values:,} weights, {differences} differences")
    assert layers == 210 and differences == 0
