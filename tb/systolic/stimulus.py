"""Random and directed products for ``matrix_engine``, and commands that it must refuse."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from edge_qlora.command_layout import WeightFormat
from edge_qlora.layout import CODE_BITS, VALUE_BYTES

from tb.models import bfp8, fp32
from tb.models.align import BLOCK
from tb.models.matrix import Codebook
from tb.models.nf4 import NF4_TABLE
from tb.systolic.program import NESTED_BLOCK, Operand, StoredCodes


def random_codebook(rng: np.random.Generator) -> Codebook:
    """NF4, or any other codebook of 2, 3 or 4 bits."""
    if rng.random() < 0.5:
        return Codebook.from_values(NF4_TABLE)
    return Codebook.from_values(rng.standard_normal(2 ** rng.integers(2, 5)))


def random_values(
    rng: np.random.Generator, shape: tuple[int, int], stored: WeightFormat = WeightFormat.FP32
) -> np.ndarray:
    """FP32 values that a format holds exactly: narrow or wide range, zeros, subnormals, outliers, few bits set."""
    half = stored != WeightFormat.FP32
    kind = rng.choice(["normal", "wide", "sparse", "outlier", "small", "bits"])
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
    elif kind == "bits":  # rounding: halves of the last place, and a single bit more anywhere below
        first, second, shift = (2.0 ** -rng.integers(1, most, shape) for most in (24, 24, 12 if half else 28))
        values = np.copysign(1 + first + second * (rng.random(shape) < 0.7), values) * shift
    values = values.astype(np.float32)
    if stored == WeightFormat.BFP8:
        return bfp8.unpack(bfp8.pack(values.reshape(-1, BLOCK))).reshape(shape)
    return fp32.from_fp16(fp32.to_fp16(values)) if half else values


def random_codes(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    entries: int = 0,
    form: WeightFormat = WeightFormat.CODES,
) -> StoredCodes:
    """Codes with double-quantized scales; nested absmax small enough for positive and negative restored scales.

    Args:
        rng: source of randomness.
        rows, columns: stored ones, multiples of 64.
        entries: most nested absmax values; the codes may be a part of a matrix that needs as many. 0: a whole matrix.
        form: of the codes.
    """
    row_blocks = columns // BLOCK
    stride, first = row_blocks, 0
    blocks = entries * NESTED_BLOCK
    if blocks:
        stride += int(rng.integers(2) * rng.integers(0, max(1, blocks // rows - row_blocks)))
        first = int(rng.integers(0, blocks - (rows - 1) * stride - row_blocks + 1))
    used = first + (rows - 1) * stride + row_blocks
    return StoredCodes(
        rng.integers(0, 1 << CODE_BITS[form], (rows, columns), dtype=np.uint8),
        rng.integers(0, 256, (rows, row_blocks), dtype=np.uint8),
        rng.uniform(0.01, 0.1, -(-used // NESTED_BLOCK)).astype(np.float32),
        np.float32(rng.uniform(0.02, 0.2)),
        random_codebook(rng),
        first,
        stride,
        form,
    )


def random_operand(
    rng: np.random.Generator, rows: int, transpose: bool, length: int, outputs: int, entries: int | None
) -> Operand:
    """One segment of random values and formats.

    Args:
        rng: source of randomness.
        rows: of activations.
        transpose: T mode.
        length: the reduction.
        outputs: columns of D.
        entries: codes, see ``random_codes``; None: floating-point weights.
    """
    activations = random_values(rng, (rows, length))
    shape = (length, outputs) if transpose else (outputs, length)
    if entries is not None:
        forms = [form for form in CODE_BITS if not (transpose and form == WeightFormat.INT8)]
        return Operand(activations, random_codes(rng, *shape, entries, forms[rng.integers(len(forms))]), transpose)
    stored = list(VALUE_BYTES)[rng.integers(len(VALUE_BYTES))]
    scale = float(rng.choice([1.0, 0.5, rng.standard_normal()]))
    return Operand(activations, random_values(rng, shape, stored), transpose, scale, stored)


def random_product(max_rows: int, entries: int, blocks: int = 3) -> list[Operand]:
    """One or two segments of random kinds, modes, formats and sizes.

    Args:
        max_rows: most rows.
        entries: most nested absmax values.
        blocks: most blocks of 64 of reduction and outputs.
    """
    rng = np.random.default_rng(random.getrandbits(32))
    rows = int(rng.choice([1, 2, 3, max_rows, rng.integers(1, max_rows + 1)]))
    codes, transpose, second = bool(rng.integers(2)), bool(rng.integers(2)), rng.random() < 0.6
    length, outputs = (BLOCK * int(n) for n in rng.integers(1, blocks + 1, 2))
    if not codes and transpose:
        length = int(rng.integers(1, length + 1))  # need not be a multiple of 64
    elif not codes and not second:
        outputs = int(rng.integers(1, outputs + 1))  # nor need this
    operands = [random_operand(rng, rows, transpose, length, outputs, entries if codes else None)]
    if second:
        transpose = rng.random() < 0.7
        length = int(rng.integers(1, 2 * BLOCK)) if transpose else BLOCK * int(rng.integers(1, 3))
        operands.append(random_operand(rng, rows, transpose, length, outputs, None))
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
    # Row scales of 2**120: in every lane, products with exponents a bit from an infinite one's; one that overflows.
    large = StoredCodes(full.codes, full.scale_codes, np.array([2.0**120], np.float32), np.float32(0), book)
    lane, word = np.arange(BLOCK) % 8, np.arange(BLOCK) // 8
    nearly_infinite = np.tile((-1.0) ** word * 2.0 ** (8 - 2.0 ** ((lane + word) % 8)), (2, 1)).astype(np.float32)
    nearly_infinite[1, 63] = 2.0**8
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
    # Every scale of BFP8, beginning with the least, with integers of all sizes.
    scales = np.arange(BLOCK)[:, None] % (bfp8.LARGEST_SCALE + 1)
    integers = rng.integers(-127, 128, (BLOCK, BLOCK)) >> np.where(scales, 0, np.arange(BLOCK) % 7)
    integers[:, 8], integers[:, : bfp8.SCALE_BITS] = 127, 2 * (integers[:, : bfp8.SCALE_BITS] // 4)
    blocks = (integers * 2.0 ** (scales - bfp8.BIAS)).astype(np.float32)
    bad_block = np.ones((BLOCK, BLOCK), np.float32)
    bad_block[9] = np.nan
    ramp = np.stack([np.arange(1, BLOCK + 1), np.arange(BLOCK, 0, -1)]).astype(np.float32)
    # A sum that is normal in units of a subnormal weight's own exponent and would underflow in those of a larger one.
    least = np.full((BLOCK, BLOCK), np.float32(2**-24))
    nearly_equal = np.zeros((1, BLOCK), np.float32)
    nearly_equal[0, :2] = np.float32(2**-126) * np.array([1 + 2**-13, -1], np.float32)
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
        "products with scales overflow": [Operand(nearly_infinite, large, True)],
        "FP16 subnormals, N": [Operand(ramp, subnormals, False, stored=WeightFormat.FP16)],
        "FP16 subnormals, T": [Operand(ramp, subnormals, True, stored=WeightFormat.FP16)],
        "FP16 powers of two, N": [Operand(ramp, powers, False, stored=WeightFormat.FP16)],
        "FP16 powers of two, T": [Operand(ramp, powers, True, stored=WeightFormat.FP16)],
        "FP16 smallest and largest, N": [Operand(ramp, extremes, False, stored=WeightFormat.FP16)],
        "FP16 smallest and largest, T": [Operand(ramp, extremes, True, stored=WeightFormat.FP16)],
        "FP16 subnormals, tiny activations, N": [
            Operand(nearly_equal, least, False, 2.0**100, stored=WeightFormat.FP16)
        ],
        "FP16 subnormals, tiny activations, T": [
            Operand(nearly_equal, least, True, 2.0**100, stored=WeightFormat.FP16)
        ],
        "infinite FP16 weight, N": [Operand(ones, bad_halves, False, stored=WeightFormat.FP16)],
        "infinite FP16 weight, T": [Operand(ones, bad_halves, True, stored=WeightFormat.FP16)],
        "every BFP8 scale, N": [Operand(ramp, blocks, False, stored=WeightFormat.BFP8)],
        "every BFP8 scale, T": [Operand(ramp, blocks, True, stored=WeightFormat.BFP8)],
        "one BFP8 block is NaN, N": [Operand(ones, bad_block, False, stored=WeightFormat.BFP8)],
        "one BFP8 block is NaN, T": [Operand(ones, bad_block, True, stored=WeightFormat.BFP8)],
        "saturating rounding": [Operand(ones, np.full((BLOCK, BLOCK), np.nextafter(np.float32(2), 0)), False)],
        "one column, one row": [Operand(ones[:1], random_weights[:1], False)],
        "one-element reduction": [Operand(ones[:, :1], random_weights[:1], True)],
    }


def illegal_changes(max_rows: int, nested_depth: int, scratch_words: int) -> Iterator[tuple[str, dict[str, int]]]:
    """What a command must not have: a name and fields, to be changed in a command of ``legal_fields``."""
    most = max_rows
    codes, fp32_n, fp32_t = ({"format0": f, "transpose0": t} for f, t in ((0, 0), (1, 0), (1, 1)))
    yield "no outer rows", {"outer": 0}
    yield "no inner rows", {"inner": 0}
    yield "too many outer rows", {"outer": most + 1, "inner": 1, "d_outer": 0}
    yield "too many inner rows", {"outer": 1, "inner": most + 1, "d_inner": 0}
    yield "too many rows", {"outer": 2, "inner": most // 2 + 1, "d_outer": 0, "d_inner": 0}
    yield "rows beyond 16 bits", {"outer": 1 << 15, "inner": 2}
    yield "no outputs", {"outputs": 0}
    yield "part of a block of codes", codes | {"outputs": 63, "length1": 0}
    yield "part of a block in T mode", fp32_t | {"outputs": 65, "length1": 0}
    yield "part of a block with a second product", fp32_n | {"outputs": 65}
    yield "no reduction", {"length0": 0}
    yield "part of a block of reduction, codes in T mode", codes | {"transpose0": 1, "length0": 100}
    yield "part of a block of reduction in N mode", fp32_n | {"length0": 32}
    yield "part of a block of the second reduction in N mode", {"transpose1": 0, "length1": 65}
    yield "unknown format", {"format0": 7}
    yield "integers in T mode", codes | {"format0": WeightFormat.INT8, "transpose0": 1}
    for form in (WeightFormat.CODES, WeightFormat.CODES3, WeightFormat.CODES2, WeightFormat.INT8):
        yield f"{form.name} in the second product", {"format1": form}
    yield "unknown second format", {"format1": 7}
    yield "half a header", {"header_lines": 1}
    yield "too long a header", {"header_lines": 3 + nested_depth // 16}
    yield "block behind the nested absmax values", codes | {"block": NESTED_BLOCK * nested_depth}
    if scratch_words < 1 << 16:
        # Row (1, 1) is the last of four and has 8 words.
        top = scratch_words - 8
        for region in ("a0", "a1", "d"):
            names = [f"{region}_{part}" for part in ("base", "outer", "inner")]
            yield f"last row of {region} ends behind the scratchpad", dict(zip(names, (top - 23, 16, 8), strict=True))
            back = (1 << 16) - 8
            yield (
                f"first row of {region} ends behind the scratchpad",
                dict(zip(names, (top + 1, back, back), strict=True)),
            )
            yield f"a row of {region} is before the first word", dict(zip(names, (8, back - 8, 0), strict=True))


def legal_fields() -> dict[str, int]:
    """A command that is as it should be: four rows, codes, and a second product."""
    fields = {
        "outer": 2,
        "inner": 2,
        "outputs": BLOCK,
        "length0": BLOCK,
        "length1": BLOCK,
        "transpose1": 1,
        "format1": 1,
    }
    for number, region in enumerate(("a0", "a1", "d")):
        fields |= {f"{region}_base": 64 * number, f"{region}_outer": 16, f"{region}_inner": 8}
    return fields
