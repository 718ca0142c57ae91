"""Matrix products as pairs of LOAD and MATRIX commands: where weights are, and how a part of them is streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .command_layout import WeightFormat
from .commands import Load, Matrix, Part, Product
from .errors import OperandError
from .layout import BLOCK, TILE_BYTES, VALUE_BYTES
from .vector import Region


@dataclass(frozen=True)
class StoredCodes:
    """A matrix [rows, columns] of codes in memory, its tiles row after row (``layout.pack_weight_tiles``).

    Attributes:
        address: of the first tile.
        rows, columns: multiples of 64.
        header_address, header_bytes: its header (``streams.header_bytes``).
    """

    address: int
    rows: int
    columns: int
    header_address: int
    header_bytes: int
    format = WeightFormat.CODES

    def load(self, transpose: bool, begin: int, outputs: int) -> tuple[int, Part]:
        """Repetitions of a LOAD command, and the part of it, for columns ``begin`` to ``begin + outputs`` of D."""
        wide = self.columns // BLOCK
        if transpose:
            address = self.address + begin // BLOCK * TILE_BYTES
            part = Part(address, self.rows // BLOCK, TILE_BYTES, wide * TILE_BYTES, TILE_BYTES)
        else:
            size = wide * TILE_BYTES
            part = Part(self.address + begin // BLOCK * size, 1, size, 0, size)
        return outputs // BLOCK, part

    def block(self, transpose: bool, begin: int) -> int:
        """Number of the first stored block."""
        return begin // BLOCK if transpose else begin * (self.columns // BLOCK)


@dataclass(frozen=True)
class StoredFloats:
    """A row-major floating-point matrix [rows, columns] in memory.

    Attributes:
        address: of the first row.
        rows, columns: columns a multiple of 64.
        format: FP32, FP16 or BFP8.
        pitch: bytes from row to row; 0: there is nothing between them.
    """

    address: int
    rows: int
    columns: int
    format: WeightFormat = WeightFormat.FP32
    pitch: int = 0

    def load(self, transpose: bool, begin: int, outputs: int) -> tuple[int, Part]:
        """As of ``StoredCodes``.

        Raises:
            OperandError: N mode with more than 64 columns of D that are not stored as one piece.
        """
        block_bytes = BLOCK * VALUE_BYTES[self.format]
        pitch = self.pitch or self.columns // BLOCK * block_bytes
        if transpose:
            address = self.address + begin // BLOCK * block_bytes
            return -(-outputs // BLOCK), Part(address, self.rows, block_bytes, pitch, block_bytes)
        address = self.address + begin * pitch
        if self.columns == BLOCK and pitch == block_bytes:
            return 1, Part(address, 1, outputs * block_bytes)
        if outputs > BLOCK and self.columns > BLOCK:
            raise OperandError(f"{outputs} rows of {self.columns} values are no stream of tiles")
        return self.columns // BLOCK, Part(address, outputs, block_bytes, pitch, block_bytes)


@dataclass(frozen=True)
class Factors:
    """One product of a MATRIX command.

    Attributes:
        a: rows of activations, in words of the scratchpad.
        weights: the stored matrix.
        transpose: N mode multiplies with its rows, T mode with its columns.
        scale: FP32 factor of floating-point weights.
    """

    a: Region
    weights: StoredCodes | StoredFloats
    transpose: bool
    scale: float = 1.0

    @property
    def length(self) -> int:
        """The reduction."""
        return self.weights.rows if self.transpose else self.weights.columns


def product(
    d: Region,
    outputs: int,
    factors: Sequence[Factors],
    outer: int = 1,
    inner: int = 1,
    begin: int = 0,
    header: bool = True,
) -> tuple[Load, Matrix]:
    """The two commands of a sum of one or two products.

    Args:
        d: rows of results, in words of the scratchpad.
        outputs: columns of D.
        factors: one or two products.
        outer, inner: rows in two nested loops.
        begin: D's first column is this one of the whole matrix, a multiple of 64.
        header: load the header of codes; without it the one before must still hold.

    Raises:
        OperandError: no LOAD command makes this stream.
    """
    loads = [f.weights.load(f.transpose, begin, outputs) for f in factors]
    counts = {count for count, _ in loads}
    if len(counts) != 1:
        raise OperandError(f"products of {sorted(counts)} blocks do not make one stream")
    first = factors[0].weights
    codes = isinstance(first, StoredCodes)
    header_bytes = first.header_bytes if codes and header else 0
    products = [Product(f.a, f.length, f.transpose, f.weights.format, f.scale) for f in factors]
    load = Load(
        part0=loads[0][1],
        part1=loads[1][1] if len(loads) > 1 else None,
        count=loads[0][0],
        header_address=first.header_address if header_bytes else 0,
        header_bytes=header_bytes,
    )
    matrix = Matrix(
        d=d,
        outputs=outputs,
        product0=products[0],
        product1=products[1] if len(products) > 1 else None,
        outer=outer,
        inner=inner,
        header_bytes=header_bytes,
        block=first.block(factors[0].transpose, begin) if codes else 0,
        block_stride=first.columns // BLOCK if codes else 0,
    )
    return load, matrix
