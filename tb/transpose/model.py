"""Golden model of the tile transposer, and tiles to send through it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIDE = 64
Tile = NDArray[np.uint32]

KINDS = ("random", "index", "row number", "column number", "single element", "zeros", "ones")


def make_tile(kind: str, width: int, rng: np.random.Generator) -> Tile:
    """A tile of shape (64, 64) with elements of ``width`` bits (1 to 32); ``kind`` is one of ``KINDS``."""
    row, column = np.indices((SIDE, SIDE), dtype=np.uint64)
    values = {
        "random": lambda: rng.integers(0, 1 << width, (SIDE, SIDE), dtype=np.uint64),
        "index": lambda: row * SIDE + column,
        "row number": lambda: row,
        "column number": lambda: column,
        "single element": lambda: ((row == rng.integers(SIDE)) & (column == rng.integers(SIDE))) * np.uint64(2**32 - 1),
        "zeros": lambda: np.zeros((SIDE, SIDE), dtype=np.uint64),
        "ones": lambda: np.full((SIDE, SIDE), 2**32 - 1, dtype=np.uint64),
    }[kind]()
    return (values & np.uint64((1 << width) - 1)).astype(np.uint32)


def elements(lanes: int, width: int, wide: bool) -> tuple[int, int]:
    """Elements per beat and bits per element; an element of a wide tile takes two lanes."""
    return (lanes // 2, 2 * width) if wide else (lanes, width)


def to_beats(elements: Tile, lanes: int, width: int) -> list[int]:
    """Beats of a matrix sent row by row: element 0 in the least significant bits of each.

    Args:
        elements: rows of a multiple of ``lanes`` elements below 2**width.
    """
    groups = elements.reshape(-1, lanes).astype(object) << (np.arange(lanes, dtype=object) * width)
    return [int(beat) for beat in groups.sum(axis=1)]


def from_beats(beats: Sequence[int], lanes: int, width: int) -> Tile:
    """Inverse of ``to_beats`` for rows of 64 elements."""
    groups = np.array(beats, dtype=object)[:, None] >> (np.arange(lanes, dtype=object) * width)
    return (groups & ((1 << width) - 1)).astype(np.uint32).reshape(-1, SIDE)


def transposed(beats: Sequence[int], lanes: int, width: int) -> list[int]:
    """What the DUT answers to the beats of one tile of any number of rows.

    Each of the 64 columns is filled with zeros to whole beats.
    """
    rows = from_beats(beats, lanes, width)
    padding = -len(rows) % lanes
    return to_beats(np.pad(rows, ((0, padding), (0, 0))).T, lanes, width)
