"""Turn a matrix product into what ``matrix_unit`` consumes: loads, tile commands, memory beats, expected output beats.

Pure functions on NumPy arrays; the memory layout is that of docs/memory_layout.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tb.models import fp32, nf4
from tb.models.align import BLOCK
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm

FORMAT_CODES, FORMAT_FP32, FORMAT_FP16 = 0, 1, 2
NESTED_BLOCK = 256


@dataclass(frozen=True)
class StoredCodes:
    """Code weights as they lie in memory: 4-bit codes, double-quantized scales.

    Attributes:
        codes: uint8 0..15 [rows, columns].
        scale_codes: uint8 [rows, columns / 64].
        nested: float32, one per 256 blocks.
        offset: float32.
        codebook: integers and scale.
    """

    codes: np.ndarray
    scale_codes: np.ndarray
    nested: np.ndarray
    offset: np.float32
    codebook: Codebook

    def weights(self) -> CodeWeights:
        """The same weights with their scales restored."""
        flat = self.scale_codes.reshape(-1)
        absmax = nf4.double_dequantize(flat, self.nested, self.offset).reshape(self.scale_codes.shape)
        return CodeWeights(self.codes, absmax, self.codebook)


@dataclass(frozen=True)
class Operand:
    """One segment of a product as stored: activations and weights with their memory formats.

    Attributes:
        activations: float32 [M, reduction]; exactly representable in FP16 when ``act_half``.
        weights: StoredCodes or float32 (exactly representable in FP16 when ``weight_half``).
        transpose: T mode.
        scale: FP32 factor, floating-point weights only.
    """

    activations: np.ndarray
    weights: StoredCodes | np.ndarray
    transpose: bool
    scale: float = 1.0
    act_half: bool = False
    weight_half: bool = False

    def segment(self) -> Segment:
        """The golden model's view."""
        weights = self.weights.weights() if isinstance(self.weights, StoredCodes) else self.weights
        return Segment(self.activations, weights, self.transpose, self.scale)


@dataclass
class Program:
    """What one product feeds into the unit and what must come out; ``finite``: no operand or result is NaN or Inf."""

    codebook: Codebook
    offset: np.float32
    nested: list[int] = field(default_factory=list)
    loads: list[dict[str, int]] = field(default_factory=list)
    act_beats: list[int] = field(default_factory=list)
    tiles: list[dict[str, int]] = field(default_factory=list)
    wgt_beats: list[int] = field(default_factory=list)
    expected: list[tuple[int, str]] = field(default_factory=list)
    vectors: int = 0
    weight_passes: int = 0
    finite: bool = True


def beats(data: np.ndarray, bus_width: int) -> list[int]:
    """Bytes of a contiguous array as little-endian bus beats, the last one padded with zeros."""
    raw = np.ascontiguousarray(data).tobytes()
    step = bus_width // 8
    return [int.from_bytes(raw[i : i + step], "little") for i in range(0, len(raw), step)]


def _stored(values: np.ndarray, half: bool) -> np.ndarray:
    return fp32.to_fp16(values) if half else np.ascontiguousarray(values, np.float32)


def _code_tile(weights: StoredCodes, row_block: int, column_block: int) -> np.ndarray:
    """2112 bytes: 64 scale codes, then 64 rows of 32 bytes, element k in nibble k."""
    rows = slice(row_block * BLOCK, (row_block + 1) * BLOCK)
    codes = weights.codes[rows, column_block * BLOCK : (column_block + 1) * BLOCK]
    packed = (codes[:, 0::2] | (codes[:, 1::2] << 4)).astype(np.uint8)
    return np.concatenate([weights.scale_codes[rows, column_block].astype(np.uint8), packed.reshape(-1)])


def _finite(operand: Operand) -> bool:
    weights = operand.weights.nested if isinstance(operand.weights, StoredCodes) else operand.weights
    return bool(np.isfinite(weights).all() and np.isfinite(operand.activations).all())


def _tile(operand: Operand, output_block: int, block: int, bus_width: int) -> tuple[dict[str, int], list[int]]:
    """One tile's command fields that depend on its weights, and its memory beats."""
    weights, transpose = operand.weights, operand.transpose
    scale = int(np.float32(operand.scale).view(np.uint32))
    command = {"transpose": int(transpose), "scale": scale, "block": 0, "block_stride": 0}
    row_block, column_block = (block, output_block) if transpose else (output_block, block)
    if isinstance(weights, StoredCodes):
        per_row = weights.codes.shape[1] // BLOCK
        command |= {"format": FORMAT_CODES, "lines": BLOCK, "block_stride": per_row}
        command["block"] = row_block * BLOCK * per_row + column_block
        return command, beats(_code_tile(weights, row_block, column_block), bus_width)
    rows = weights[row_block * BLOCK : (row_block + 1) * BLOCK]
    values = rows[:, column_block * BLOCK : (column_block + 1) * BLOCK]
    command |= {"format": FORMAT_FP16 if operand.weight_half else FORMAT_FP32, "lines": len(rows)}
    return command, beats(_stored(values, operand.weight_half), bus_width)


def compile_product(
    operands: list[Operand], act_width: int, bus_width: int, columns: int, out_half: bool = False
) -> Program:
    """Program of one product whose operands fit the unit.

    Args:
        operands: segments in order; all floating-point rows must be multiples of 64 long.
        act_width, bus_width, columns: the unit's parameters; results do not depend on the last two.
        out_half: write FP16 results.
    """
    codes = [o.weights for o in operands if isinstance(o.weights, StoredCodes)]
    default = Codebook(np.zeros(16, np.int64), np.float32(0))
    program = Program(codes[0].codebook if codes else default, codes[0].offset if codes else np.float32(0))
    for stored in codes:
        program.nested += beats(stored.nested, bus_width)
    bases, base = [], 0
    for operand in operands:
        rows, length = operand.activations.shape
        padded = np.pad(operand.activations, ((0, 0), (0, -length % BLOCK)))
        count = padded.size // BLOCK
        program.loads.append({"base": base, "blocks": count, "format": int(operand.act_half)})
        program.act_beats += beats(_stored(padded, operand.act_half), bus_width)
        bases.append(base)
        base += count
    result = gemm([operand.segment() for operand in operands], act_width)
    outputs = result.shape[1]
    passes = 0
    for output_block in range(-(-outputs // BLOCK)):
        first = len(program.tiles)
        for operand, act_base in zip(operands, bases, strict=True):
            rows, length = operand.activations.shape
            blocks = -(-length // BLOCK)
            for block in range(blocks):
                command, data = _tile(operand, output_block, block, bus_width)
                command |= {"act_base": act_base + block, "act_stride": blocks, "rows": rows, "first": 0, "last": 0}
                program.tiles.append(command | {"out_format": int(out_half)})
                program.wgt_beats += data
                tile_columns = BLOCK if command["transpose"] else command["lines"]
                passes += -(-tile_columns // columns)
        program.tiles[first]["first"] = program.tiles[-1]["last"] = 1
        block_result = result[:, output_block * BLOCK : (output_block + 1) * BLOCK]
        block_result = np.pad(block_result, ((0, 0), (0, BLOCK - block_result.shape[1])))
        for row, values in enumerate(block_result):
            for number, beat in enumerate(beats(_stored(values, out_half), bus_width)):
                program.expected.append((beat, f"output block {output_block}, row {row}, beat {number}"))
    program.vectors = passes * len(operands[0].activations)
    program.weight_passes = passes
    stored = fp32.from_fp16(_stored(result, True)) if out_half else result
    program.finite = bool(np.isfinite(stored).all()) and all(map(_finite, operands))
    return program


def back_to_back(programs: list[Program], codebook: Codebook) -> Program:
    """Several products as one program: all activations first, then the tiles of one directly behind another's.

    Codes among them must be of the same StoredCodes, because a program has one codebook, offset and nested table.
    """
    with_codes = next(program for program in programs if program.nested)
    merged = Program(codebook, with_codes.offset, nested=with_codes.nested)
    base = 0
    for number, program in enumerate(programs):
        merged.loads += [load | {"base": load["base"] + base} for load in program.loads]
        merged.tiles += [tile | {"act_base": tile["act_base"] + base} for tile in program.tiles]
        merged.act_beats += program.act_beats
        merged.wgt_beats += program.wgt_beats
        merged.expected += [(beat, f"product {number}, {context}") for beat, context in program.expected]
        merged.vectors += program.vectors
        merged.weight_passes += program.weight_passes
        merged.finite &= program.finite
        base += sum(load["blocks"] for load in program.loads)
    return merged
