"""Functional coverage of the AXI master: shapes of bursts and regions, responses, stops, stalls, depth in flight."""

from __future__ import annotations

import itertools

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.axi_master.bench import CLIENTS
from tb.axi_master.model import LINE, PAGE, Burst, Geometry, Region
from tb.common.coverage import events

GROUP = "axi_master"


def _length(burst: Burst, geometry: Geometry) -> str:
    if burst.beats == geometry.max_burst:
        return "longest"
    return "one line" if burst.beats * geometry.beat_bytes == LINE else "between"


def _stride(region: Region) -> str:
    if region.rows == 1:
        return "single row"
    if region.stride == 0:
        return "same row"
    if region.stride < 0:
        return "downwards"
    if region.stride < region.row_bytes:
        return "overlapping"
    return "contiguous" if region.stride == region.row_bytes else "gaps"


def _start(region: Region) -> str:
    offset = region.addr % PAGE
    return {0: "page start", PAGE - LINE: "page end"}.get(offset, "inside")


DIRECTIONS = ["read", "write"]
USERS = [*(f"read{client}" for client in range(CLIENTS)), "write"]
# The master takes every response at once, so the B channel never stalls.
STALLS = ["ar", "r", "aw", "w"]

region_section = coverage_section(
    CoverPoint(f"{GROUP}.region.direction", xf=lambda direction, *_: direction, bins=DIRECTIONS),
    CoverPoint(
        f"{GROUP}.region.stride",
        xf=lambda _, region: _stride(region),
        bins=["single row", "same row", "downwards", "overlapping", "contiguous", "gaps"],
    ),
    CoverPoint(
        f"{GROUP}.region.start",
        xf=lambda _, region: _start(region),
        bins=["page start", "page end", "inside"],
    ),
    CoverCross(f"{GROUP}.region.direction_stride", items=[f"{GROUP}.region.direction", f"{GROUP}.region.stride"]),
)


@region_section
def sample_region(direction: str, region: Region) -> None:
    """All addresses of a command have come, and were right."""


# An empty command was accepted.
sample_empty = events(f"{GROUP}.empty", DIRECTIONS)


burst_section = coverage_section(
    CoverPoint(f"{GROUP}.burst.user", xf=lambda user, *_: user, bins=USERS),
    CoverPoint(
        f"{GROUP}.burst.length",
        xf=lambda _, burst, geometry: _length(burst, geometry),
        bins=["one line", "between", "longest"],
    ),
    CoverPoint(f"{GROUP}.burst.cut", xf=lambda _, burst, __: burst.cut, bins=["row", "page", "max"]),
    CoverCross(f"{GROUP}.burst.user_cut", items=[f"{GROUP}.burst.user", f"{GROUP}.burst.cut"]),
)


@burst_section
def sample_burst(user: str, burst: Burst, geometry: Geometry) -> None:
    """The address of a burst of a read client or of the write side has come, and was right."""


@CoverPoint(
    f"{GROUP}.response",
    xf=lambda direction, response: f"{direction} x {response}",
    bins=[f"{direction} x {response}" for direction in DIRECTIONS for response in (0, 2, 3)],
)
def sample_response(direction: str, response: int) -> None:
    """Response of a beat (read) or of a burst (write)."""


# A read burst of two beats or more failed in one beat, here, or in several.
sample_failing = events(f"{GROUP}.failing", ["first", "middle", "last", "several"])


# The master was stopped: write bursts in flight had all their data or not, read bursts were in flight, or nothing was.
sample_stop = events(f"{GROUP}.stop", ["beats missing", "none missing", "reads in flight", "nothing in flight"])


# An access left the window on this side; across: the burst began inside.
sample_range = events(
    f"{GROUP}.range",
    [f"{direction} {side}" for direction in DIRECTIONS for side in ("below", "above", "across the end")],
)


# What became of a client's credits.
WITH_CREDITS = [client for client in range(CLIENTS) if client]
sample_credits = events(
    f"{GROUP}.credits",
    [f"read{client} {what}" for client in WITH_CREDITS for what in ("waits", "used up", "goes on")],
)


# A burst of the first client went out while one of the second could have.
RIVALS = list(itertools.combinations(range(CLIENTS), 2))
sample_rivals = events(f"{GROUP}.rivals", [f"read{first} before read{second}" for first, second in RIVALS])


# A channel was seen with valid high and ready low.
sample_stall = events(f"{GROUP}.stall", STALLS)


# Which of a write burst's address and data was taken first.
sample_order = events(f"{GROUP}.order", ["address first", "data first"])


# The bound on bursts in flight was reached.
sample_depth = events(f"{GROUP}.depth", ["reads full", "writes full"])
