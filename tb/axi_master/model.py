"""Golden model of the AXI master: from 2-D regions to bursts and beats. Pure Python, no simulator."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

PAGE = 4096
OKAY, SLVERR, DECERR = 0, 2, 3


@dataclass(frozen=True)
class Region:
    """A 2-D region of memory.

    Attributes:
        addr: byte address of the first row.
        row_bytes: bytes in a row.
        rows: number of rows.
        stride: bytes from the start of one row to the start of the next.
    """

    addr: int
    row_bytes: int
    rows: int
    stride: int


@dataclass(frozen=True)
class Burst:
    """One AXI burst.

    Attributes:
        addr: byte address of its first beat.
        beats: number of beats.
        last: it ends its command.
        cut: why it ends where it does: "row" (the row ends), "page" (a 4 KB boundary) or "max" (longest burst).
    """

    addr: int
    beats: int
    last: bool
    cut: str


@dataclass(frozen=True)
class Geometry:
    """Parameters of the bus that the model depends on: bytes per beat, longest burst in beats, address bits."""

    beat_bytes: int
    max_burst: int
    addr_width: int

    def aligned(self, region: Region) -> Region:
        """The region as the hardware reads it: everything rounded down to whole beats."""
        mask = ~(self.beat_bytes - 1)
        return Region(region.addr & mask, region.row_bytes & mask, region.rows, region.stride & mask)

    def bursts(self, region: Region) -> list[Burst]:
        """Bursts of a region, in order; none when the region is empty.

        Each is as long as the row, the 4 KB page and ``max_burst`` allow (AXI4, "burst length" and the 4 KB rule).
        """
        region = self.aligned(region)
        if not region.row_bytes:
            return []
        found = []
        for row in range(region.rows):
            at = region.addr + row * region.stride
            row_end = at + region.row_bytes
            while at < row_end:
                page_end = (at // PAGE + 1) * PAGE
                max_end = at + self.max_burst * self.beat_bytes
                end = min(row_end, page_end, max_end)
                cut = "row" if end == row_end else "page" if end == page_end else "max"
                last = end == row_end and row == region.rows - 1
                found.append(Burst(at % (1 << self.addr_width), (end - at) // self.beat_bytes, last, cut))
                at = end
        return found

    def beats(self, burst: Burst) -> Iterator[int]:
        """Byte address of each beat of a burst."""
        return iter(range(burst.addr, burst.addr + burst.beats * self.beat_bytes, self.beat_bytes))


class Memory:
    """Memory of whole beats; a beat never written holds pseudo-random data derived from its address and the seed.

    Args:
        beat_bytes: bytes per beat.
        seed: two memories of the same seed begin with the same content.
    """

    def __init__(self, beat_bytes: int, seed: int) -> None:
        self.beat_bytes, self.seed = beat_bytes, seed
        self.written: dict[int, int] = {}

    def read(self, addr: int) -> int:
        """The beat at byte address ``addr`` as an unsigned integer."""
        if addr in self.written:
            return self.written[addr]
        return random.Random(self.seed ^ addr).getrandbits(8 * self.beat_bytes)

    def write(self, addr: int, data: int) -> None:
        """Store a whole beat."""
        self.written[addr] = data

    def differences(self, other: Memory) -> int:
        """Number of beats in which two memories of the same seed differ."""
        return sum(self.read(addr) != other.read(addr) for addr in {*self.written, *other.written})


class Faults:
    """Address ranges that answer with an error.

    Args:
        ranges: (first byte, byte after the last, response) of each range; ranges do not overlap.
    """

    def __init__(self, ranges: list[tuple[int, int, int]]) -> None:
        self.ranges = ranges

    def response(self, addr: int) -> int:
        """AXI response of the beat at ``addr``."""
        return next((response for first, end, response in self.ranges if first <= addr < end), OKAY)

    def burst_response(self, geometry: Geometry, burst: Burst) -> int:
        """Response of the first failing beat of a burst, OKAY when none fails."""
        return next(filter(None, map(self.response, geometry.beats(burst))), OKAY)
