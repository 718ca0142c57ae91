"""Which scratchpad values and which memory a command touches, exactly, whatever its strides are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from .layout import align
from .vector import LANES, Region

# Addresses of rows in the scratchpad are taken modulo this many words.
ADDRESS_WORDS = 1 << 16


@dataclass(frozen=True)
class MemoryWindow:
    """The byte addresses base <= address < base + size that the accelerator may touch."""

    base: int
    size: int

    @property
    def limit(self) -> int:
        """First address behind the window."""
        return self.base + self.size


@lru_cache(maxsize=1024)
def scratch_values(region: Region, outer: int, inner: int, values: int, exchange: int = 0) -> int:
    """Values that rows of the scratchpad cover, as a set of bits: bit n stands for value n.

    Args:
        region: where rows begin, in values.
        outer, inner: rows.
        values: values per row.
        exchange: word w of a row is at w XOR this.
    """
    space = ADDRESS_WORDS * LANES
    begins = 1 << region.base % space
    for stride, count in ((region.outer, outer), (region.inner, inner)):
        covered = 1
        while covered < count and stride % space:
            more = min(covered, count - covered)
            begins |= _rotated(begins, more * stride % space, space)
            covered += more
    if not exchange:
        return _extended(begins, values)
    words = np.sort(np.arange(-(-values // LANES)) ^ exchange)
    breaks = np.flatnonzero(np.diff(words) != 1) + 1
    found = 0
    for begin, end in pairwise((0, *breaks.tolist(), len(words))):
        found |= _extended(begins << LANES * int(words[begin]), LANES * (end - begin))
    return found


def _rotated(bits: int, by: int, space: int) -> int:
    bits <<= by
    return (bits | bits >> space) & ((1 << space) - 1)


def _extended(begins: int, length: int) -> int:
    """Each bit becomes ``length`` bits, from itself upwards."""
    covered = 1
    while covered < length:
        more = min(covered, length - covered)
        begins |= begins << more
        covered += more
    return begins


@dataclass(frozen=True)
class MemoryRows:
    """Rows of ``size`` bytes in memory, in two nested loops: row (o, i) is at ``base + o * outer_stride + i * ...``."""

    base: int
    size: int
    outer: int = 1
    outer_stride: int = 0
    inner: int = 1
    inner_stride: int = 0

    def first_outside(self, window: MemoryWindow) -> tuple[int, int] | None:
        """The first access outside of a window: its number in the outer loop, and its first address that is outside."""
        last = window.limit - self.size
        begin = self.base + self.outer_stride * np.arange(self.outer)
        # The row of the inner loop that leaves the window, were there enough of them.
        leaves = np.full(self.outer, self.inner)
        if self.inner_stride > 0:
            leaves = (last - begin) // self.inner_stride + 1
        elif self.inner_stride < 0:
            leaves = (begin - window.base) // -self.inner_stride + 1
        leaves = np.where((begin < window.base) | (begin > last), 0, leaves)
        outside = np.flatnonzero(leaves < self.inner)
        if not len(outside):
            return None
        o = int(outside[0])
        row = int(begin[o]) + int(leaves[o]) * self.inner_stride
        return o, window.limit if window.base <= row < window.limit else row

    def begins(self) -> np.ndarray:
        """Addresses of the rows in their order, int64 [outer * inner]."""
        o, i = np.arange(self.outer)[:, None], np.arange(self.inner)
        return (self.base + o * self.outer_stride + i * self.inner_stride).reshape(-1)


def merged(rows: Iterable[MemoryRows]) -> np.ndarray:
    """Memory that rows cover: begins and ends of disjoint pieces in ascending order, int64 [pieces, 2]."""
    parts = [np.stack((begins := r.begins(), begins + align(r.size)), axis=1) for r in rows]
    pieces = np.concatenate(parts) if parts else np.zeros((0, 2), np.int64)
    pieces = pieces[np.argsort(pieces[:, 0], kind="stable")]
    if not len(pieces):
        return pieces
    ends = np.maximum.accumulate(pieces[:, 1])
    first = np.concatenate(([True], pieces[1:, 0] > ends[:-1]))
    last = np.concatenate((first[1:], [True]))
    return np.stack((pieces[first, 0], ends[last]), axis=1)


def overlap(one: np.ndarray, other: np.ndarray) -> int | None:
    """An address that is in both of two results of ``merged``, None if there is none."""
    if not len(one) or not len(other) or one[0, 0] >= other[-1, 1] or other[0, 0] >= one[-1, 1]:
        return None
    # For each piece of one: the last piece of the other that begins before its end.
    index = np.searchsorted(other[:, 0], one[:, 1]) - 1
    begins = np.maximum(one[:, 0], other[index.clip(0), 0])
    hit = (index >= 0) & (other[index.clip(0), 1] > one[:, 0])
    return int(begins[hit].min()) if hit.any() else None
