"""Golden model of the AXI master: from 2-D regions to bursts and beats. Pure Python, no simulator."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

PAGE = 4096
LINE = 64  # bytes; regions are whole lines
OKAY, SLVERR, DECERR = 0, 2, 3


@dataclass(frozen=True)
class Region:
    """A 2-D region of memory, in bytes, all but ``rows`` multiples of ``LINE``.

    Attributes:
        addr: byte address of the first row.
        row_bytes: bytes in a row.
        rows: number of rows.
        stride: bytes from the start of one row to the start of the next, of either sign.
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
class Window:
    """Memory that may be accessed: base <= byte address < limit."""

    base: int
    limit: int


@dataclass(frozen=True)
class Geometry:
    """Parameters of the bus that the model depends on: bytes per beat, longest burst in beats, address bits."""

    beat_bytes: int
    max_burst: int
    addr_width: int

    def fields(self, region: Region) -> dict[str, int]:
        """A region as the master's ports have it, in lines."""
        lines = 1 << self.addr_width - 6
        return {
            "addr": region.addr // LINE,
            "lines": region.row_bytes // LINE,
            "rows": region.rows,
            "stride": region.stride // LINE % lines,
        }

    def region(self, fields: Mapping[str, int]) -> Region:
        """The inverse of ``fields``; a stride of more than half of all memory counts as negative."""
        lines = 1 << self.addr_width - 6
        stride = fields["stride"] - (lines if fields["stride"] >= lines // 2 else 0)
        return Region(fields["addr"] * LINE, fields["lines"] * LINE, fields["rows"], stride * LINE)

    def with_credits(self, credits: int) -> Geometry:
        """The geometry of a client whose buffer holds so many beats, 0 for one without credits."""
        line_beats = LINE // self.beat_bytes
        quarter = max(1, credits // 4 // line_beats) * line_beats
        return replace(self, max_burst=min(self.max_burst, quarter)) if credits else self

    def bursts(self, region: Region) -> list[Burst]:
        """Bursts of a region, in order; none when the region is empty.

        Each is as long as the row, the 4 KB page and ``max_burst`` allow (AXI4, "burst length" and the 4 KB rule).
        """
        found = []
        for row in range(region.rows if region.row_bytes else 0):
            at = (region.addr + row * region.stride) % (1 << self.addr_width)
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

    def bursts_inside(self, region: Region, window: Window) -> tuple[list[Burst], int | None]:
        """Bursts of a region before the first that is not wholly inside a window, and that one's first byte outside."""
        bursts = self.bursts(region)
        for number, burst in enumerate(bursts):
            end = burst.addr + burst.beats * self.beat_bytes
            if not window.base <= burst.addr < window.limit:
                return bursts[:number], burst.addr
            if end > window.limit:
                return bursts[:number], window.limit
        return bursts, None

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
