"""Stored weights from the stream of a LOAD command, as a MATRIX command takes them: see docs/commands.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from edge_qlora import layout
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import HEADER_LINES, LINE, Matrix, Product
from edge_qlora.layout import BLOCK, CODE_BITS, NESTED_BLOCK

from tb.models import fp32
from tb.models.matrix import WEIGHT_WIDTH, Codebook, CodeWeights, FloatWeights, integers
from tb.models.nf4 import DYNAMIC_MAP
from tb.models.transfers import loaded_values


@dataclass(frozen=True)
class Header:
    """What all tiles of codes behind it share.

    Attributes:
        codebook: entries and their scale.
        offset: added to every absmax.
        nested: nested absmax values, float32.
    """

    codebook: Codebook
    offset: np.float32
    nested: np.ndarray

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """From its whole lines, at least HEADER_LINES of them."""
        words = np.frombuffer(data, "<u4")
        values = words.view("<f4")
        second, third = LINE // 4, HEADER_LINES * LINE // 4
        entries = words[:second].astype(np.int64) << 64 - WEIGHT_WIDTH >> 64 - WEIGHT_WIDTH
        return cls(Codebook(entries, values[second]), values[second + 1], values[third:])

    def absmax(self, codes: np.ndarray, blocks: np.ndarray, depth: int) -> np.ndarray:
        """Scales of blocks by their scale codes and their numbers.

        Args:
            depth: entries of the hardware's table: numbers wrap around it. It is zero where the header has no values.
        """
        table = np.zeros(depth, np.float32)
        table[: len(self.nested)] = self.nested
        scale = table[blocks // NESTED_BLOCK % depth]
        return fp32.add(fp32.mul(DYNAMIC_MAP[codes], scale), self.offset)


def parse(command: Matrix, stream: np.ndarray, header: Header | None, depth: int) -> list[CodeWeights | FloatWeights]:
    """The weights of a command's products.

    Args:
        stream: uint8, all that its LOAD command loads, without a header.
        header: the one in force, for codes.
        depth: see ``Header.absmax``.
    """
    sizes = [product.stream_bytes(BLOCK) for product in command.products]
    # Only a floating-point matrix that is alone may have a short last block of columns; it needs no cutting.
    blocks = stream.reshape(-1, sum(sizes)) if len(sizes) > 1 else stream[None]
    parts = np.split(blocks, np.cumsum(sizes)[:-1], axis=1)
    return [
        _codes(command, part.reshape(-1), header, depth)
        if product.format in CODE_BITS
        else FloatWeights.of(_floats(product, part.reshape(-1), command.outputs), product.transpose)
        for product, part in zip(command.products, parts, strict=True)
    ]


def _codes(command: Matrix, data: np.ndarray, header: Header, depth: int) -> CodeWeights:
    product = command.product0
    grid = (command.outputs // BLOCK, product.blocks)
    tiles = data.reshape(*grid, layout.tile_bytes(product.format))
    if product.transpose:
        tiles = tiles.swapaxes(0, 1)
    # From here on tiles are in the order of the stored matrix: by rows, then by columns.
    rows, columns = tiles.shape[:2]
    scale_codes = tiles[:, :, :BLOCK].swapaxes(1, 2).reshape(rows * BLOCK, columns)
    packed = tiles[:, :, BLOCK:].reshape(rows, columns, BLOCK, -1).swapaxes(1, 2)
    codes = layout.unpack_codes(packed, CODE_BITS[product.format]).reshape(rows * BLOCK, columns * BLOCK)
    numbers = command.block + np.arange(rows * BLOCK)[:, None] * command.block_stride + np.arange(columns)
    book = integers(header.codebook.scale) if product.format == WeightFormat.INT8 else header.codebook
    return CodeWeights(codes, header.absmax(scale_codes, numbers, depth), book)


def _floats(product: Product, data: np.ndarray, outputs: int) -> np.ndarray:
    """Float32 [outputs, reduction] or, in T mode, [reduction, outputs]."""
    values = loaded_values(data, ValueFormat[WeightFormat(product.format).name])
    if product.transpose:
        return values.reshape(-1, product.length, BLOCK).swapaxes(0, 1).reshape(product.length, outputs)
    whole = outputs // BLOCK * BLOCK
    split = whole * product.length
    parts = [
        part.reshape(-1, product.blocks, rows, BLOCK).swapaxes(1, 2).reshape(-1, product.length)
        for part, rows in ((values[:split], BLOCK), (values[split:], outputs - whole))
        if len(part)
    ]
    return np.concatenate(parts)
