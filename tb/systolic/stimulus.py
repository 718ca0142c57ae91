"""Random and directed products for ``matrix_unit``."""

from __future__ import annotations

import random

import numpy as np

from tb.models import fp32
from tb.models.align import BLOCK
from tb.models.matrix import Codebook
from tb.models.nf4 import NF4_TABLE
from tb.systolic.program import Operand, StoredCodes


def random_codebook(rng: np.random.Generator) -> Codebook:
    """NF4, or any other codebook of 2, 3 or 4 bits."""
    if rng.random() < 0.5:
        return Codebook.from_values(NF4_TABLE)
    return Codebook.from_values(rng.standard_normal(2 ** rng.integers(2, 5)))


def random_values(rng: np.random.Generator, shape: tuple[int, int], half: bool) -> np.ndarray:
    """FP32 values (representable in FP16 when ``half``): narrow or wide range, zeros, subnormals, outliers."""
    kind = rng.choice(["normal", "wide", "sparse", "outlier", "small"])
    values = rng.standard_normal(shape)
    if kind == "wide":
        values *= 2.0 ** (rng.integers(-24, 13, shape) if half else rng.integers(-40, 40, shape))
    elif kind == "sparse":
        values *= rng.random(shape) < 0.2
        values[rng.random(shape) < 0.1] = 1e-41
    elif kind == "outlier":
        values[:, rng.integers(shape[1])] *= 60
    elif kind == "small":  # around FP16's smallest normal and subnormal values, alike along a row or a column
        values *= 2.0 ** rng.integers(-26, -12, (shape[0], 1) if rng.random() < 0.5 else (1, shape[1]))
    values = values.astype(np.float32)
    return fp32.from_fp16(fp32.to_fp16(values)) if half else values


def random_codes(rng: np.random.Generator, rows: int, columns: int) -> StoredCodes:
    """Codes with double-quantized scales; nested absmax small enough for positive and negative restored scales."""
    codes = rng.integers(0, 16, (rows, columns), dtype=np.uint8)
    blocks = rows * columns // BLOCK
    return StoredCodes(
        codes,
        rng.integers(0, 256, (rows, columns // BLOCK), dtype=np.uint8),
        rng.uniform(0.01, 0.1, -(-blocks // 256)).astype(np.float32),
        np.float32(rng.uniform(0.02, 0.2)),
        random_codebook(rng),
    )


def random_product(max_rows: int, act_depth: int, blocks: int = 3) -> list[Operand]:
    """One or two segments of random kinds, modes, formats and sizes that fit the unit."""
    rng = np.random.default_rng(random.getrandbits(32))
    rows = int(rng.choice([1, 2, 3, max_rows, rng.integers(1, max_rows + 1)]))
    codes = bool(rng.integers(2))
    transpose = bool(rng.integers(2))
    reduction = BLOCK * int(rng.integers(1, blocks + 1))
    while rows * (reduction // BLOCK + 1) > act_depth:
        rows //= 2
    outputs = BLOCK * int(rng.integers(1, blocks + 1))
    act_half, weight_half = bool(rng.integers(2)), bool(rng.integers(2))
    operands = []
    if codes:
        shape = (reduction, outputs) if transpose else (outputs, reduction)
        weights = random_codes(rng, *shape)
        operands.append(Operand(random_values(rng, (rows, reduction), act_half), weights, transpose, 1.0, act_half))
    elif transpose:
        length = int(rng.integers(1, reduction + 1))  # the reduction need not be a multiple of 64
        operands.append(
            Operand(
                random_values(rng, (rows, length), act_half),
                random_values(rng, (length, outputs), weight_half),
                True,
                float(rng.choice([1.0, 0.5, rng.standard_normal()])),
                act_half,
                weight_half,
            )
        )
    else:
        lines = int(rng.integers(1, outputs + 1))  # nor need the number of output columns be
        weights = random_values(rng, (lines, reduction), weight_half)
        activations = random_values(rng, (rows, reduction), act_half)
        operands.append(Operand(activations, weights, False, float(rng.uniform(-2, 2)), act_half, weight_half))
        outputs = lines
    if outputs % BLOCK == 0 and rng.random() < 0.6:
        rank = int(rng.integers(1, BLOCK + 1))
        low = random_values(rng, (rows, rank), False)
        second = random_values(rng, (rank, outputs), weight_half)
        operands.append(Operand(low, second, True, float(rng.uniform(0.1, 4)), False, weight_half))
    return operands


def corner_products() -> dict[str, list[Operand]]:
    """Directed cases by name: extremes of the number range, cancellation, non-finite values, single elements."""
    rng = np.random.default_rng(7)
    book = Codebook.from_values(NF4_TABLE)
    ones = np.ones((2, BLOCK), np.float32)
    limit = np.full((2, BLOCK), np.float32(3.0e38))
    alternating = ones * np.where(np.arange(BLOCK) % 2, np.float32(1), np.float32(-1))
    single = np.zeros((2, BLOCK), np.float32)
    single[0, 63] = 1.5
    infinite, not_a_number = ones.copy(), ones.copy()
    infinite[1, 10], not_a_number[0, 63] = np.inf, np.nan
    full = StoredCodes(
        np.full((BLOCK, BLOCK), 15, np.uint8),
        np.full((BLOCK, 1), 255, np.uint8),
        np.ones(1, np.float32),
        np.float32(0),
        book,
    )
    broken = StoredCodes(full.codes, full.scale_codes, np.array([np.nan], np.float32), np.float32(0), book)
    random_weights = rng.standard_normal((BLOCK, BLOCK)).astype(np.float32)
    bad_weights = random_weights.copy()
    bad_weights[3, 4] = np.nan
    bad_halves = fp32.from_fp16(fp32.to_fp16(random_weights))
    bad_halves[5, 6] = -np.inf
    # Every FP16 subnormal, a row and a column of each power of two of them, the smallest ones beside the largest value.
    subnormals = np.resize(np.arange(1024), (BLOCK, BLOCK)).astype(np.float32) * np.float32(2**-24)
    bits = np.float32(2**-24) * 2.0 ** np.minimum(np.arange(BLOCK), 11).astype(np.float32)
    powers = np.minimum.outer(bits, bits) * np.where(np.arange(BLOCK) % 3, np.float32(1), np.float32(-1))
    extremes = subnormals.copy()
    extremes[:, 7] = 65504
    return {
        "all-zero activations": [Operand(np.zeros((2, BLOCK), np.float32), full, False)],
        "largest mantissas, codes": [Operand(np.nextafter(ones * 2, np.float32(0)), full, False)],
        "largest mantissas, codes, transposed": [Operand(np.nextafter(ones * 2, np.float32(0)), full, True)],
        "largest finite activations overflow": [Operand(limit, np.full((3, BLOCK), np.float32(3e38)), False)],
        "smallest normal weights": [Operand(ones, np.full((BLOCK, BLOCK), np.float32(1.2e-38)), False)],
        "cancellation": [Operand(alternating, np.ones((BLOCK, BLOCK), np.float32), True)],
        "single element": [Operand(single, random_weights, False)],
        "infinite activation": [Operand(infinite, random_weights, False)],
        "NaN activation": [Operand(not_a_number, full, True)],
        "NaN weight, N": [Operand(ones, bad_weights, False)],
        "NaN weight, T": [Operand(ones, bad_weights, True)],
        "NaN scale, N": [Operand(ones, broken, False)],
        "NaN scale, T": [Operand(ones, broken, True)],
        "FP16 subnormals, N": [Operand(ones, subnormals, False, weight_half=True)],
        "FP16 subnormals, T": [Operand(ones, subnormals, True, weight_half=True)],
        "FP16 powers of two, N": [Operand(ones, powers, False, weight_half=True)],
        "FP16 powers of two, T": [Operand(ones, powers, True, weight_half=True)],
        "FP16 smallest and largest, N": [Operand(ones, extremes, False, weight_half=True)],
        "FP16 smallest and largest, T": [Operand(ones, extremes, True, weight_half=True)],
        "infinite FP16 weight, N": [Operand(ones, bad_halves, False, weight_half=True)],
        "infinite FP16 weight, T": [Operand(ones, bad_halves, True, weight_half=True)],
        "saturating rounding": [Operand(ones, np.full((BLOCK, BLOCK), np.nextafter(np.float32(2), 0)), False)],
        "one column, one row": [Operand(ones[:1], random_weights[:1], False)],
        "one-element reduction": [Operand(ones[:, :1], random_weights[:1], True)],
    }
