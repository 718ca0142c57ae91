"""Turn matrix products into what ``matrix_engine`` consumes and must do: commands, stream, scratchpad words, writes.

Pure functions on NumPy arrays; commands and streams are those of docs/commands.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from edge_qlora import streams
from edge_qlora.command_layout import MAGIC, MATRIX, Command, WeightFormat
from edge_qlora.layout import CODE_BITS, tile_bytes
from edge_qlora.vector import LANES, Region

from tb.models import bfp8, fp32, nf4
from tb.models.align import BLOCK
from tb.models.matrix import Codebook, CodeWeights, Segment, gemm, integers

NESTED_BLOCK = 256
ADDRESSES = 1 << 16  # addresses and distances wrap here


@dataclass(frozen=True)
class StoredCodes:
    """Code weights as they lie in memory, with double-quantized scales.

    Attributes:
        codes: uint8 [rows, columns].
        scale_codes: uint8 [rows, columns / 64].
        nested: float32, one per 256 blocks of the whole matrix.
        offset: float32.
        codebook: integers and scale.
        first: block number of the first block in the whole matrix.
        stride: blocks of a row of the whole matrix; None: the rows are whole.
        format: of the codes.
    """

    codes: np.ndarray
    scale_codes: np.ndarray
    nested: np.ndarray
    offset: np.float32
    codebook: Codebook
    first: int = 0
    stride: int | None = None
    format: WeightFormat = WeightFormat.CODES

    @property
    def row_blocks(self) -> int:
        """Blocks from a row to the next."""
        return self.scale_codes.shape[1] if self.stride is None else self.stride

    def weights(self) -> CodeWeights:
        """The same weights with their scales restored."""
        rows, columns = self.scale_codes.shape
        numbers = self.first + self.row_blocks * np.arange(rows)[:, None] + np.arange(columns)
        nested = self.nested[numbers.reshape(-1) // NESTED_BLOCK]
        absmax = nf4.double_dequantize(self.scale_codes.reshape(-1), nested, self.offset, 1)
        book = integers(self.codebook.scale) if self.format == WeightFormat.INT8 else self.codebook
        return CodeWeights(self.codes, absmax.reshape(rows, columns), book)

    def header(self) -> np.ndarray:
        """The header that gives the codes their meaning."""
        return streams.header_bytes(self.codebook.entries, self.codebook.scale, self.offset, self.nested)

    def tiles(self) -> np.ndarray:
        """The tiles, uint8 [rows / 64, columns / 64, bytes]: 64 scale codes, then 64 rows of codes, lowest first."""
        rows, columns = (size // BLOCK for size in self.codes.shape)
        bits = CODE_BITS[self.format]
        tiles = np.empty((rows, columns, tile_bytes(self.format)), np.uint8)
        for r in range(rows):
            for c in range(columns):
                lines = slice(r * BLOCK, (r + 1) * BLOCK)
                codes = self.codes[lines, c * BLOCK : (c + 1) * BLOCK]
                tiles[r, c, :BLOCK] = self.scale_codes[lines, c]
                words = (sum(code << bits * k for k, code in enumerate(line)) for line in codes.tolist())
                tiles[r, c, BLOCK:] = [byte for word in words for byte in word.to_bytes(8 * bits, "little")]
        return tiles


@dataclass(frozen=True)
class Operand:
    """One segment of a product as stored.

    Attributes:
        activations: float32 [M, reduction].
        weights: StoredCodes or float32, exactly representable in ``stored``.
        transpose: T mode.
        scale: FP32 factor, floating-point weights only.
        stored: format of floating-point weights.
    """

    activations: np.ndarray
    weights: StoredCodes | np.ndarray
    transpose: bool
    scale: float = 1.0
    stored: WeightFormat = WeightFormat.FP32

    @property
    def format(self) -> WeightFormat:
        """Format of the stored weights."""
        if isinstance(self.weights, StoredCodes):
            return self.weights.format
        return self.stored

    @property
    def shape(self) -> tuple[int, int]:
        """Stored rows and columns."""
        return (self.weights.codes if isinstance(self.weights, StoredCodes) else self.weights).shape

    def segment(self) -> Segment:
        """The golden model's view."""
        weights = self.weights.weights() if isinstance(self.weights, StoredCodes) else self.weights
        return Segment(self.activations, weights, self.transpose, self.scale)

    def blocks(self) -> list[np.ndarray]:
        """The stored weights in stream order, one array per 64 columns of D."""
        if isinstance(self.weights, StoredCodes):
            return streams.code_blocks(self.weights.tiles(), self.transpose)
        stored = self.weights
        if self.stored == WeightFormat.FP16:
            stored = fp32.to_fp16(stored).view(np.float16)
        elif self.stored == WeightFormat.BFP8:
            stored = bfp8.pack(stored.reshape(-1, BLOCK)).reshape(stored.shape)
        return streams.float_blocks(stored, self.transpose)

    def finite(self) -> bool:
        """Whether neither activations nor weights nor scales hold a NaN or an infinity."""
        weights = self.weights.weights().absmax if isinstance(self.weights, StoredCodes) else self.weights
        return bool(np.isfinite(weights).all() and np.isfinite(self.activations).all())


class Placement:
    """Gives operands places in the scratchpad.

    Args:
        words: size of the scratchpad.
        rng: what is random.
        scattered: from both ends of what is free, with gaps and rows in various orders; else one region after the
            other and rows directly behind one another, as compiled lists have them.
    """

    def __init__(self, words: int, rng: np.random.Generator, scattered: bool = True) -> None:
        self.low, self.high, self.rng, self.scattered = 0, words, rng, scattered

    def rows(self, outer: int, inner: int, words: int) -> Region:
        """Place for rows of ``words`` words in two nested loops.

        Raises:
            ValueError: the scratchpad is full.
        """
        rng = self.rng
        if not self.scattered:
            self.low += words * outer * inner
            if self.low > self.high:
                raise ValueError("the scratchpad is full")
            return Region(self.low - words * outer * inner, words * inner, words)
        apart = words + int(rng.integers(0, 2) * rng.integers(1, 5))
        if apart * outer * inner > self.high - self.low:
            apart = words
        # Either loop may run along neighbouring rows, and either may run backwards.
        distances = (apart * inner, apart) if rng.integers(2) else (apart, apart * outer)
        size = apart * (outer * inner - 1) + words
        if size > self.high - self.low:
            raise ValueError("the scratchpad is full")
        if rng.integers(2):
            base = self.low
            self.low += size
        else:
            self.high -= size
            base = self.high
        backwards = rng.random(2) < 0.2
        base += sum(
            (count - 1) * d for count, d, back in zip((outer, inner), distances, backwards, strict=True) if back
        )
        signed = (-d % ADDRESSES if back else d for d, back in zip(distances, backwards, strict=True))
        return Region(base, *signed)


@dataclass
class Program:
    """What products feed into the engine and what it must do.

    Attributes:
        host: words to put into the scratchpad before.
        commands: 512 bits each.
        stream: beats of the weights.
        writes: words that must be written, in order, each with where it belongs.
        nonfinite: of each command, whether it meets a NaN or an infinity.
        vectors: vectors that enter the array; ``weight_passes``: as many with one row.
        products: of each command, its operands, and whether it has a header.
    """

    host: list[dict[str, int]] = field(default_factory=list)
    commands: list[int] = field(default_factory=list)
    stream: list[dict[str, int]] = field(default_factory=list)
    writes: list[tuple[dict[str, int], str]] = field(default_factory=list)
    nonfinite: list[bool] = field(default_factory=list)
    vectors: int = 0
    weight_passes: int = 0
    products: list[tuple[list[Operand], bool]] = field(default_factory=list)

    def __add__(self, other: Program) -> Program:
        """Both, the other's commands directly behind these."""
        names = self.__dataclass_fields__
        return Program(**{name: getattr(self, name) + getattr(other, name) for name in names})


def command(**fields: int) -> int:
    """A MATRIX command from its fields; what is not given is zero.

    Raises:
        ValueError: a value does not fit its field.
    """
    bits = 0
    for name, value in ({"opcode": Command.MATRIX, "magic": MAGIC} | fields).items():
        lsb, width = MATRIX[name]
        if not 0 <= value < 1 << width:
            raise ValueError(f"{name} = {value} does not fit {width} bits")
        bits |= int(value) << lsb
    return bits


def beats(data: np.ndarray, bus_width: int) -> list[dict[str, int]]:
    """The beats of a LOAD that moves these bytes."""
    raw, step = data.tobytes(), bus_width // 8
    found = [{"data": int.from_bytes(raw[i : i + step], "little"), "last": 0} for i in range(0, len(raw), step)]
    found[-1]["last"] = 1
    return found


def words(row: np.ndarray, address: int) -> list[dict[str, int]]:
    """Scratchpad words of a row of 32-bit values, a multiple of 8."""
    raw, step = row.tobytes(), 4 * LANES
    return [
        {"addr": address + i, "data": int.from_bytes(raw[step * i : step * (i + 1)], "little")}
        for i in range(len(raw) // step)
    ]


def nest(rows: int, rng: np.random.Generator) -> tuple[int, int]:
    """Random numbers of outer and inner rows."""
    outer = int(rng.choice([n for n in range(1, rows + 1) if rows % n == 0]))
    return outer, rows // outer


def fields_of(
    operands: list[Operand], regions: list[Region], d: Region, outer: int, inner: int, header: bool
) -> dict[str, int]:
    """Fields of the command for a product whose rows are placed.

    Args:
        operands: segments in order.
        regions: places of their activations.
        d: place of the results.
        outer, inner: rows.
        header: the stream has one.
    """
    first = operands[0]
    outputs = first.shape[1 if first.transpose else 0]
    fields = {"outer": outer, "inner": inner, "outputs": outputs, "d_base": d.base, "d_outer": d.outer}
    fields |= {"d_inner": d.inner}
    for number, (operand, region) in enumerate(zip(operands, regions, strict=True)):
        fields |= {
            f"transpose{number}": int(operand.transpose),
            f"format{number}": int(operand.format),
            f"length{number}": operand.shape[0 if operand.transpose else 1],
            f"scale{number}": int(np.float32(operand.scale).view(np.uint32)),
            f"a{number}_base": region.base,
            f"a{number}_outer": region.outer,
            f"a{number}_inner": region.inner,
        }
    if isinstance(first.weights, StoredCodes):
        fields |= {"block": first.weights.first, "block_stride": first.weights.row_blocks}
        fields["header_lines"] = streams.header_lines(len(first.weights.nested)) if header else 0
    return fields


def _unused(rng: np.random.Generator) -> dict[str, int]:
    """Anything in the fields of a second product that is not there."""
    names = [name for name in MATRIX if name.endswith("1") or name.startswith("a1_")]
    return {name: int(rng.integers(1 << MATRIX[name][1])) for name in names if name != "length1"}


def compile_product(
    operands: list[Operand],
    placement: Placement,
    act_width: int,
    bus_width: int,
    columns: int,
    header: bool = True,
) -> Program:
    """Program of one product.

    Args:
        operands: segments in order.
        placement: where its rows go.
        act_width, bus_width, columns: the engine's parameters; results do not depend on the last two.
        header: codes have a header in front; else that of the codes before them holds.
    """
    rng = placement.rng
    rows = len(operands[0].activations)
    outer, inner = nest(rows, rng)
    program = Program(products=[(operands, header)])
    regions = []
    for operand in operands:
        length = operand.activations.shape[1]
        row_words = -(-length // LANES)
        region = placement.rows(outer, inner, row_words)
        regions.append(region)
        # Behind a row's end there may be anything.
        stored = rng.integers(0, 1 << 32, (rows, row_words * LANES), np.uint32)
        stored[:, :length] = operand.activations.view(np.uint32)
        for row, address in zip(stored, region.rows(outer, inner) % ADDRESSES, strict=True):
            program.host += words(row, int(address))
    result = gemm([operand.segment() for operand in operands], act_width)
    blocks = -(-result.shape[1] // BLOCK)
    d = placement.rows(outer, inner, blocks * BLOCK // LANES)

    fields = fields_of(operands, regions, d, outer, inner, header)
    program.commands.append(command(**fields, **(_unused(rng) if len(operands) == 1 else {})))
    front = operands[0].weights.header() if fields.get("header_lines") else None
    program.stream = beats(streams.stream(front, *(operand.blocks() for operand in operands)), bus_width)
    padded = np.pad(result, ((0, 0), (0, blocks * BLOCK - result.shape[1])))
    addresses = d.rows(outer, inner) % ADDRESSES
    for block in range(blocks):
        for row, address in enumerate(addresses):
            part = padded[row, block * BLOCK : (block + 1) * BLOCK]
            for number, word in enumerate(words(part, int(address) + block * BLOCK // LANES)):
                program.writes.append((word, f"output block {block}, row {row}, word {number}"))
    finite = bool(np.isfinite(result).all())
    if finite and not all(operand.finite() for operand in operands):
        raise AssertionError("a NaN or an infinity among the operands does not show in the results")
    program.nonfinite = [not finite]
    for operand in operands:
        reduction, outputs = operand.shape if operand.transpose else operand.shape[::-1]
        last = BLOCK if operand.transpose else (outputs - 1) % BLOCK + 1
        passes = (blocks - 1) * -(-BLOCK // columns) + -(-last // columns)
        program.weight_passes += -(-reduction // BLOCK) * passes
    program.vectors = program.weight_passes * rows
    return program
