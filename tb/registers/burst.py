"""AXI4 address rules: which bytes each beat of a burst covers. Written from the specification, not from the RTL."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

OKAY, SLVERR = 0, 2
PAGE = 4096


class Kind(IntEnum):
    """AxBURST."""

    FIXED = 0
    INCR = 1
    WRAP = 2
    RESERVED = 3


@dataclass
class Burst:
    """One burst of either direction.

    Attributes:
        write: direction.
        address: byte address of the first beat, of any alignment.
        beats: 1 to 256.
        size: log2 of the bytes of a beat (AxSIZE).
        kind: burst type.
        ident: AWID or ARID.
        data: for writes, one bus word per beat.
        strobes: for writes, byte strobes of each beat.
    """

    write: bool
    address: int
    beats: int = 1
    size: int = 2
    kind: Kind = Kind.INCR
    ident: int = 0
    data: list[int] = field(default_factory=list)
    strobes: list[int] = field(default_factory=list)

    def legal(self, bus_bytes: int) -> bool:
        """Whether the specification knows this burst on a bus of ``bus_bytes`` bytes."""
        if self.kind == Kind.WRAP and (self.beats not in (2, 4, 8, 16) or self.address % (1 << self.size)):
            return False
        return self.kind != Kind.RESERVED and 1 << self.size <= bus_bytes

    def address_of(self, beat: int) -> int:
        """Byte address of a beat."""
        step = 1 << self.size
        if beat == 0 or self.kind == Kind.FIXED:
            return self.address
        linear = self.address // step * step + beat * step
        if self.kind == Kind.WRAP:
            total = step * self.beats
            low = self.address // total * total
            return low + (linear - low) % total
        return linear

    def lanes(self, beat: int, bus_bytes: int) -> range:
        """Byte lanes of the bus that a beat covers."""
        address, step = self.address_of(beat), 1 << self.size
        last = address // step * step + step - 1
        return range(address % bus_bytes, last % bus_bytes + 1)

    def words(self, beat: int, bus_bytes: int) -> list[tuple[int, int]]:
        """32-bit words that a beat covers, as (register address, word lane), ascending."""
        lanes = self.lanes(beat, bus_bytes)
        start = self.address_of(beat) // bus_bytes * bus_bytes % PAGE
        return [(start + 4 * word, word) for word in range(lanes[0] // 4, lanes[-1] // 4 + 1)]
