"""Golden model of NF4 quantization and of its double quantization, bit for bit as the RTL in ``rtl/nf4``.

The reference is bitsandbytes 0.50 on CPU: ``quantize_4bit(quant_type="nf4", compress_statistics=True)`` and
``dequantize_4bit``. All arithmetic is IEEE binary32 with subnormals; where the RTL departs from bitsandbytes the
docstring says so. FP16 and BF16 tensors are widened to float32 before they come here, which is exact.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tb.models import fp32

Float = NDArray[np.float32]
Codes = NDArray[np.uint8]
Bits = NDArray[np.uint32]
Flags = NDArray[np.bool_]

BLOCK = 64
"""Weights that share one absmax."""
NESTED_BLOCK = 256
"""Absmax values that share one nested absmax."""
FORMATS = {"fp32": 0, "fp16": 1, "bf16": 2}
"""Value of the RTL's format ports for each data format."""

SMALLEST_SCALE = np.float32(1e-38)
"""The block scale is 1 / max(absmax, this); it is below the smallest normal number."""

NF4_TABLE: Float = np.array(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ],
    np.float32,
)
"""Value of each 4-bit code."""
NF4_ZERO = 7
"""Code of the value zero."""
NF4_BOUNDS: Float = (NF4_TABLE[:-1] + NF4_TABLE[1:]) / np.float32(2)
"""A scaled value above bound k gets a code above k; a value equal to bound k gets code k."""


def _dynamic_map() -> Float:
    """The signed 8-bit dynamic map: seven decades, each with twice the values of the one below, plus 0 and 1.

    bitsandbytes builds it with ``torch.linspace``, whose last bit depends on the instruction set; this is the result
    with fused multiply-add (AVX2, AVX-512), where both halves of a line are rounded once.
    """
    start, end = np.float32(0.1), np.float32(1.0)
    values = [np.zeros(1, np.float32), np.ones(1, np.float32)]
    for decade in range(7):
        count = 2**decade + 1
        step = np.float64((end - start) / np.float32(count - 1))
        index = np.arange(count)
        rising, falling = np.float64(start) + step * index, np.float64(end) - step * (count - 1 - index)
        line = np.where(index < count // 2, rising, falling).astype(np.float32)
        middles = (line[:-1] + line[1:]) / np.float32(2)
        scaled = np.float32(10.0 ** (decade - 6)) * middles
        values += [scaled, -scaled]
    return np.sort(np.concatenate(values))


DYNAMIC_MAP: Float = _dynamic_map()
"""Value of each 8-bit code."""
DYNAMIC_ZERO = 127
"""Code of the value zero."""


def _code_table() -> Codes:
    """The 65,536-entry table with which bitsandbytes looks up a code: equally spaced values from -1 to 1."""
    middles = np.float32(0.5) * (DYNAMIC_MAP[:-1] + DYNAMIC_MAP[1:])
    index = np.arange(65536, dtype=np.float32)
    values = (index + index) / np.float32(65535) - np.float32(1)
    return np.searchsorted(middles, values, side="left").astype(np.uint8)


_CODE_TABLE: Codes = _code_table()


def dynamic_code(scaled: Float) -> Codes:
    """Code of each scaled value by bitsandbytes' rule.

    Args:
        scaled: float32 values, any shape; values outside [-1, 1] are clamped.

    Returns:
        uint8 codes of the same shape: entry ``trunc(fma((s + 1) / 2, 65535, 0.5))`` of the lookup table.
    """
    half = (np.clip(scaled, np.float32(-1), np.float32(1)) + np.float32(1)) * np.float32(0.5)
    index = (half.astype(np.float64) * 65535.0 + 0.5).astype(np.float32)  # the sum is exact in float64
    return _CODE_TABLE[index.astype(np.int64)]


def quantize(values: Float) -> tuple[Codes, Float, Flags]:
    """Quantize to NF4 in blocks of 64.

    Args:
        values: float32, a multiple of 64 of them (flattened in C order).

    Returns:
        codes: uint8 in 0..15, one per value.
        absmax: float32, one per block.
        nonfinite: one flag per block with a NaN or an Inf. Such a block has codes 7 (zero) and a NaN absmax;
            bitsandbytes leaves it undefined.

    Raises:
        ValueError: the number of values is not a multiple of 64. (bitsandbytes scales a last partial block by
            another rule, a division; the accelerator has no partial blocks.)
    """
    flat = np.asarray(values, np.float32).reshape(-1)
    if flat.size % BLOCK:
        raise ValueError(f"{flat.size} values are not a multiple of {BLOCK}")
    blocks = flat.reshape(-1, BLOCK)
    nonfinite = ~np.isfinite(blocks).all(axis=1)
    finite = np.where(nonfinite[:, None], np.float32(0), blocks)
    absmax = np.abs(finite).max(axis=1, initial=np.float32(0))
    inverse = np.float32(1) / np.maximum(absmax, SMALLEST_SCALE)
    codes = np.searchsorted(NF4_BOUNDS, finite * inverse[:, None], side="left").astype(np.uint8)
    absmax[nonfinite] = fp32.CANONICAL_NAN.view(np.float32)
    return codes.reshape(-1), absmax, nonfinite


def dequantize(codes: Codes, absmax: Float, blocksize: int = BLOCK) -> Float:
    """Product of each code's value and its block's absmax, rounded once to float32 (subnormals kept).

    Args:
        codes: 4-bit codes, one per value.
        absmax: float32, one per block of ``blocksize`` values; may be negative after double quantization.

    Returns:
        float32 of the codes' shape; NaN results are canonical.
    """
    scale = np.repeat(np.asarray(absmax, np.float32), blocksize)[: np.size(codes)].reshape(np.shape(codes))
    with np.errstate(invalid="ignore", under="ignore"):
        product = NF4_TABLE[codes] * scale
    return np.where(np.isnan(product), fp32.CANONICAL_NAN.view(np.float32), product)


def round_to(values: Float, fmt: str) -> Bits:
    """Bit patterns of float32 values rounded (RNE) to a data format, right-aligned in uint32.

    For BF16 a subnormal float32 reads as zero of its sign, as in bitsandbytes on a CPU with AVX512-BF16; on other
    CPUs bitsandbytes rounds it like any other value.
    """
    if fmt == "fp32":
        return np.asarray(values, np.float32).view(np.uint32)
    convert = fp32.to_fp16 if fmt == "fp16" else fp32.to_bf16
    return convert(values).astype(np.uint32)


def double_quantize(absmax: Float, offset: np.float32) -> tuple[Codes, Float, Flags]:
    """Second quantization level: absmax minus offset to 8-bit dynamic codes in blocks of 256.

    Args:
        absmax: float32, any number of them; the last block may be partial.
        offset: float32 subtracted from each (their mean).

    Returns:
        codes: uint8, one per absmax.
        nested: float32 nested absmax, one per block of 256.
        nonfinite: one flag per block with a NaN or an Inf. Such a block has codes 127 (zero) and a NaN nested
            absmax; bitsandbytes leaves it undefined.
    """
    flat = np.asarray(absmax, np.float32).reshape(-1)
    with np.errstate(invalid="ignore", over="ignore"):
        centred = flat - np.float32(offset)
    padded = np.zeros(-(-flat.size // NESTED_BLOCK) * NESTED_BLOCK, np.float32)
    padded[: flat.size] = centred
    blocks = padded.reshape(-1, NESTED_BLOCK)
    nonfinite = ~np.isfinite(blocks).all(axis=1)
    blocks[nonfinite] = 0
    nested = np.abs(blocks).max(axis=1, initial=np.float32(0))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        scaled = blocks * (np.float32(1) / nested)[:, None]
    # 0 * Inf (all-zero block, or absmax so small that its reciprocal overflows) reads table entry 0.
    codes = dynamic_code(np.where(np.isnan(scaled), np.float32(-1), scaled))
    codes[nonfinite] = DYNAMIC_ZERO
    nested[nonfinite] = fp32.CANONICAL_NAN.view(np.float32)
    return codes.reshape(-1)[: flat.size], nested, nonfinite


def double_dequantize(codes: Codes, nested: Float, offset: Float | np.float32, blocksize: int = NESTED_BLOCK) -> Float:
    """Reconstructed absmax: map value times nested absmax, plus offset, both rounded to float32.

    The RTL uses the project's FP32 units, so subnormal operands and results are zero; bitsandbytes keeps them.

    Args:
        codes: uint8, any number.
        nested: float32, one per block of ``blocksize`` codes.
        offset: float32, one for all or one per code.

    Returns:
        float32, one per code.
    """
    scale = np.repeat(np.asarray(nested, np.float32), blocksize)[: codes.size]
    return fp32.add(fp32.mul(DYNAMIC_MAP[codes], scale), np.broadcast_to(np.asarray(offset, np.float32), codes.shape))


def exact_mean(values: Float) -> tuple[np.float32, bool]:
    """Mean of non-negative float32 values from their exact sum, rounded once (RNE, subnormal results exact).

    Returns:
        The mean, and True when a value was NaN, Inf or negative (then the mean is NaN).

    Raises:
        ValueError: there are no values.
    """
    bits = np.asarray(values, np.float32).reshape(-1).view(np.uint32)
    if bits.size == 0:
        raise ValueError("the mean of no values is undefined")
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
    if np.any(exponent == 255) or np.any((bits >> 31 == 1) & (bits << 1 != 0)):
        return fp32.CANONICAL_NAN.view(np.float32), True
    significand = np.where(exponent > 0, fraction | 1 << 23, fraction).astype(np.uint64)
    total = 0
    for shift in np.unique(exponent):
        total += int(significand[exponent == shift].sum()) << max(int(shift) - 1, 0)
    return _round_fraction(Fraction(total, bits.size)), False


def _round_fraction(units: Fraction) -> np.float32:
    """float32 nearest to a non-negative multiple of 2^-149 (RNE)."""
    shift = max((units.numerator // units.denominator).bit_length() - 24, 0)
    mantissa = round(units / 2**shift)  # Fraction rounds half to even
    return np.ldexp(np.float64(mantissa), shift - 149).astype(np.float32)
