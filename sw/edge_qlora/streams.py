"""Streams of stored weights as MATRIX commands take them: headers, tiles of codes, tiles of floating-point values.

Pure NumPy. The order is that of docs/commands.md: the header, then block after block of 64 columns of D, in each the
tiles of the first weight and then those of the second. A weight is a list with the bytes of each such block; where they
are of one size, as in all but the last block of N mode, the list laid out in memory is a part of a LOAD command.
"""

from collections.abc import Sequence

import numpy as np

from .layout import BLOCK, CODE_BITS, tile_bytes

LINE_BYTES = 64
CODEBOOK_ENTRIES = 16
ENTRY_BITS = 18
HEADER_LINES = 2  # without nested absmax values
NESTED_PER_LINE = LINE_BYTES // 4


def header_lines(nested: int) -> int:
    """Lines of a header with that many nested absmax values."""
    return HEADER_LINES + -(-nested // NESTED_PER_LINE)


def header_bytes(codebook: np.ndarray, scale: np.float32, offset: np.float32, nested: np.ndarray) -> np.ndarray:
    """The header of a weight of codes.

    Args:
        codebook: 16 integers that fit 18 bits.
        scale: what one unit of an entry is worth.
        offset: what was taken off absmax before its quantization.
        nested: float32, one nested absmax value per 256 stored blocks, from block 0 on.

    Returns:
        uint8, whole lines.

    Raises:
        ValueError: not 16 entries, or one that does not fit.
    """
    entries = np.asarray(codebook, np.int64)
    if entries.shape != (CODEBOOK_ENTRIES,) or (np.abs(2 * entries + 1) >> ENTRY_BITS).any():
        raise ValueError(f"a codebook has {CODEBOOK_ENTRIES} entries of {ENTRY_BITS} bits, not {list(codebook)}")
    lines = np.zeros((header_lines(len(nested)), NESTED_PER_LINE), "<u4")
    lines[0] = entries & 0xFFFFFFFF
    lines[1, :2] = np.array([scale, offset], "<f4").view("<u4")
    lines[2:].reshape(-1)[: len(nested)] = np.asarray(nested, "<f4").view("<u4")
    return lines.reshape(-1).view(np.uint8)


def code_blocks(tiles: np.ndarray, transpose: bool) -> list[np.ndarray]:
    """A weight of codes, from its tiles.

    Args:
        tiles: uint8 [rows / 64, columns / 64, 2112], as of ``layout.pack_weight_tiles``, or of another format of codes
            with another number of bytes; or a part of them.
        transpose: T mode, stored rows are the reduction; else they are columns of D.

    Returns:
        uint8 arrays, one per 64 columns of D.

    Raises:
        ValueError: these are no tiles.
    """
    sizes = [tile_bytes(fmt) for fmt in CODE_BITS]
    if tiles.ndim != 3 or tiles.shape[2] not in sizes or tiles.dtype != np.uint8:
        raise ValueError(f"{tiles.dtype}{list(tiles.shape)} are not tiles of {sizes} bytes")
    return [block.reshape(-1) for block in (tiles.swapaxes(0, 1) if transpose else tiles)]


def float_blocks(weights: np.ndarray, transpose: bool) -> list[np.ndarray]:
    """A weight of FP32 or FP16 values, or of BFP8 blocks.

    Args:
        weights: float32, float16, or uint8: the bytes of BFP8; N mode: [outputs, length] with a length that is a
            multiple of 64, T mode: [length, outputs] with outputs that are.
        transpose: T mode, stored rows are the reduction; else they are columns of D.

    Returns:
        uint8 arrays, one per 64 columns of D: tiles of 64 values per row, along the reduction; the last tile in T mode,
        and those of the last block in N mode, may have less than 64 rows.

    Raises:
        ValueError: another type, or stored rows that are not made of whole blocks.
    """
    if weights.dtype not in (np.float32, np.float16, np.uint8) or weights.ndim != 2 or weights.shape[1] % BLOCK:
        raise ValueError(f"{weights.dtype}{list(weights.shape)} is no float matrix with rows of blocks of {BLOCK}")
    stored = weights.astype(weights.dtype.newbyteorder("<"), copy=False)
    if transpose:
        blocks = np.split(stored, stored.shape[1] // BLOCK, axis=1)
    else:
        rows = np.split(stored, range(BLOCK, len(stored), BLOCK))
        blocks = [block.reshape(len(block), -1, BLOCK).swapaxes(0, 1) for block in rows]
    return [np.ascontiguousarray(block).reshape(-1).view(np.uint8) for block in blocks]


def stream(header: np.ndarray | None, first: Sequence[np.ndarray], second: Sequence[np.ndarray] = ()) -> np.ndarray:
    """The stream of one MATRIX command, uint8.

    Args:
        header: from ``header_bytes``; None: no header.
        first: blocks of the first weight.
        second: as many of the second weight; empty: there is none.

    Raises:
        ValueError: the weights have different numbers of blocks.
    """
    if second and len(second) != len(first):
        raise ValueError(f"weights with {len(first)} and {len(second)} blocks do not go together")
    pairs = zip(first, second, strict=True) if second else ((block,) for block in first)
    parts = [] if header is None else [header]
    return np.concatenate([*parts, *(block for pair in pairs for block in pair)])
