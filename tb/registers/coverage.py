"""Functional coverage of the AXI side: bursts, lanes, responses, overlaps and waits; the slave alone has its own."""

from __future__ import annotations

import os

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.common.coverage import events
from tb.registers.burst import OKAY, SLVERR, Burst, Kind

# Names of the benches: "axi_slave" or "registers", and the width of the host's bus in bits.
GROUP, _width = os.environ["EDGE_QLORA_BENCH"].rsplit("_", 1)
BUS_BYTES = int(_width) // 8
DIRECTIONS = ["read", "write"]
SIZES = [size for size in range(5) if 1 << size <= BUS_BYTES]


def _direction(burst: Burst, *_) -> str:
    return "write" if burst.write else "read"


def _length(burst: Burst, *_) -> str:
    return "1" if burst.beats == 1 else "2 to 16" if burst.beats <= 16 else "17 to 256"


def _illegal(burst: Burst, bus_bytes: int) -> str:
    if burst.legal(bus_bytes):
        return "legal"
    if 1 << burst.size > bus_bytes:
        return "too wide"
    return "reserved type" if burst.kind == Kind.RESERVED else "bad wrap"


burst_section = coverage_section(
    CoverPoint(f"{GROUP}.burst.direction", xf=_direction, bins=DIRECTIONS),
    CoverPoint(f"{GROUP}.burst.kind", xf=lambda burst, _: burst.kind.name, bins=["FIXED", "INCR", "WRAP"]),
    CoverPoint(f"{GROUP}.burst.size", xf=lambda burst, _: burst.size, bins=SIZES),
    CoverPoint(f"{GROUP}.burst.length", xf=_length, bins=["1", "2 to 16", "17 to 256"]),
    CoverPoint(
        f"{GROUP}.burst.alignment",
        xf=lambda burst, _: "unaligned" if burst.address % (1 << burst.size) else "aligned",
        bins=["aligned", "unaligned"],
    ),
    CoverPoint(f"{GROUP}.burst.legality", xf=_illegal, bins=["legal", "too wide", "reserved type", "bad wrap"]),
    CoverCross(f"{GROUP}.burst.direction_kind", items=[f"{GROUP}.burst.direction", f"{GROUP}.burst.kind"]),
    CoverCross(f"{GROUP}.burst.direction_size", items=[f"{GROUP}.burst.direction", f"{GROUP}.burst.size"]),
    CoverCross(f"{GROUP}.burst.direction_legality", items=[f"{GROUP}.burst.direction", f"{GROUP}.burst.legality"]),
)


@burst_section
def sample_burst(burst: Burst, bus_bytes: int) -> None:
    """An address was accepted."""


@CoverPoint(
    f"{GROUP}.words",
    xf=lambda direction, words: (direction, words),
    bins=[(direction, words) for direction in DIRECTIONS for words in range(BUS_BYTES // 4 + 1)],
)
def sample_words(direction: str, words: int) -> None:
    """A beat was turned into this many register accesses; a read beat without any is illegal."""


@CoverPoint(
    f"{GROUP}.response",
    xf=lambda direction, response: (direction, response),
    bins=[(direction, response) for direction in DIRECTIONS for response in (OKAY, SLVERR)],
)
def sample_response(direction: str, response: int) -> None:
    """A B or R beat was taken."""


# An address was accepted while the other direction was busy.
sample_overlap = events(f"{GROUP}.overlap", ["read running, write comes", "write running, read comes"])


# A channel was seen valid and not ready.
sample_wait = events(f"{GROUP}.wait", ["aw", "w", "b", "ar", "r", "access"])
