"""Functional coverage of the AXI master: shapes of bursts and regions, responses, masks, stalls, depth in flight."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section

from tb.axi_master.model import PAGE, Burst, Geometry, Region

GROUP = "axi_master"


def _length(burst: Burst, geometry: Geometry) -> str:
    if burst.beats == 1:
        return "one"
    return "longest" if burst.beats == geometry.max_burst else "between"


def _stride(region: Region) -> str:
    if region.rows == 1:
        return "single row"
    if region.stride == 0:
        return "same row"
    if region.stride < region.row_bytes:
        return "overlapping"
    return "contiguous" if region.stride == region.row_bytes else "gaps"


def _start(region: Region, geometry: Geometry) -> str:
    offset = region.addr % PAGE
    return {0: "page start", PAGE - geometry.beat_bytes: "page end"}.get(offset, "inside")


DIRECTIONS = ["read", "write"]
# The master takes every response at once, so the B channel never stalls.
STALLS = ["ar", "r", "aw", "w"]

region_section = coverage_section(
    CoverPoint(f"{GROUP}.region.direction", xf=lambda direction, *_: direction, bins=DIRECTIONS),
    CoverPoint(
        f"{GROUP}.region.stride",
        xf=lambda _, region, __: _stride(region),
        bins=["single row", "same row", "overlapping", "contiguous", "gaps"],
    ),
    CoverPoint(
        f"{GROUP}.region.start",
        xf=lambda _, region, geometry: _start(region, geometry),
        bins=["page start", "page end", "inside"],
    ),
    CoverCross(f"{GROUP}.region.direction_stride", items=[f"{GROUP}.region.direction", f"{GROUP}.region.stride"]),
)


@region_section
def sample_region(direction: str, region: Region, geometry: Geometry) -> None:
    """A non-empty command was accepted."""


@CoverPoint(f"{GROUP}.empty", xf=lambda direction: direction, bins=DIRECTIONS)
def sample_empty(direction: str) -> None:
    """An empty command was accepted."""


burst_section = coverage_section(
    CoverPoint(f"{GROUP}.burst.direction", xf=lambda direction, *_: direction, bins=DIRECTIONS),
    CoverPoint(
        f"{GROUP}.burst.length",
        xf=lambda _, burst, geometry: _length(burst, geometry),
        bins=["one", "between", "longest"],
    ),
    CoverPoint(f"{GROUP}.burst.cut", xf=lambda _, burst, __: burst.cut, bins=["row", "page", "max"]),
    CoverCross(f"{GROUP}.burst.direction_cut", items=[f"{GROUP}.burst.direction", f"{GROUP}.burst.cut"]),
)


@burst_section
def sample_burst(direction: str, burst: Burst, geometry: Geometry) -> None:
    """A burst of an accepted command."""


@CoverPoint(
    f"{GROUP}.response",
    xf=lambda direction, response: f"{direction} {response}",
    bins=[f"{direction} {response}" for direction in DIRECTIONS for response in (0, 2, 3)],
)
def sample_response(direction: str, response: int) -> None:
    """Response of a beat (read) or of a burst (write)."""


@CoverPoint(f"{GROUP}.mask", xf=lambda kind: kind, bins=["written", "masked", "changed within a burst"])
def sample_mask(kind: str) -> None:
    """What the mask did to a beat."""


@CoverPoint(f"{GROUP}.stall", xf=lambda channel: channel, bins=STALLS)
def sample_stall(channel: str) -> None:
    """A channel was seen with valid high and ready low."""


@CoverPoint(f"{GROUP}.depth", xf=lambda kind: kind, bins=["reads full", "writes full"])
def sample_depth(kind: str) -> None:
    """The bound on bursts in flight was reached."""
