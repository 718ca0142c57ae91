"""Random and directed regions for the AXI master."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict

from tb.axi_master.model import DECERR, PAGE, SLVERR, Faults, Geometry, Region

# Reads and writes keep to different halves of the address space, so what a read returns does not depend on timing.
WRITE_HALF_BIT = 1


def base(geometry: Geometry, write: bool) -> int:
    """A random page-aligned address in the half of the address space that belongs to the direction."""
    half = 1 << (geometry.addr_width - WRITE_HALF_BIT)
    return (half if write else 0) + random.randrange(half // 2 // PAGE) * PAGE


def random_region(geometry: Geometry, origin: int, beats: int) -> Region:
    """A region near ``origin`` of at most about ``beats`` beats, any start in a page, any kind of stride."""
    size = geometry.beat_bytes
    page = PAGE // size
    longest = max(1, min(beats, random.choice((1, 4, page // 2, geometry.max_burst, 2 * geometry.max_burst, 3 * page))))
    row = random.choice((longest, random.randint(1, longest)))
    rows = random.choice((1, 2, 1 + random.randrange(max(1, beats // row))))
    rows = min(rows, max(1, beats // row))
    start = random.choice((0, page - 1, random.randrange(page), random.randrange(page)))
    stride = random.choice((row, row, random.randint(0, row), row + random.randrange(2 * page), 0, page))
    if random.random() < 0.1:
        stride = random.randrange(1 << 31) // size
    return Region(origin + random.randrange(4) * PAGE + start * size, row * size, rows, stride * size)


def unaligned(region: Region, geometry: Geometry) -> Region:
    """The region with random bits below one beat, which the hardware ignores."""
    low = [random.randrange(geometry.beat_bytes) for _ in range(3)]
    return Region(region.addr | low[0], region.row_bytes | low[1], region.rows, region.stride | low[2])


def empty_region(geometry: Geometry, origin: int) -> Region:
    """A region without bytes or without rows."""
    row = random.randrange(geometry.beat_bytes)
    return random.choice((Region(origin, row, 3, PAGE), Region(origin, geometry.beat_bytes, 0, PAGE)))


def corner_regions(geometry: Geometry, origin: int) -> list[Region]:
    """Regions at the limits of page, burst and address, each a named corner."""
    size, longest = geometry.beat_bytes, geometry.max_burst * geometry.beat_bytes
    top = (1 << geometry.addr_width) if origin >> (geometry.addr_width - 1) else 1 << (geometry.addr_width - 1)
    return [
        Region(origin, size, 1, 0),  # one beat
        Region(origin + PAGE - size, size, 1, 0),  # one beat that ends a page
        Region(origin + PAGE - size, 2 * size, 1, 0),  # two beats around a page boundary
        Region(origin, PAGE, 1, 0),  # exactly a page
        Region(origin + size, PAGE, 1, 0),  # a page's worth, shifted by a beat
        Region(origin, longest, 1, 0),  # exactly the longest burst
        Region(origin, longest + size, 1, 0),  # one beat more
        Region(origin + PAGE - size, longest + 2 * size, 1, 0),  # page end, longest burst, one beat
        Region(origin, 2 * size, 20, 2 * size),  # short contiguous rows
        Region(origin + PAGE - 5 * size, 2 * size, 5, 2 * size),  # a row across the boundary among others inside
        Region(origin, size, 40, PAGE),  # a column: one beat a page
        Region(origin, 3 * size, 4, 0),  # the same row again and again
        Region(origin, 4 * size, 6, size),  # overlapping rows
        Region(origin, 2 * size, 3, (1 << 32) - size),  # largest stride
        Region(top - 2 * size, 2 * size, 1, 0),  # the last bytes of the half
        empty_region(geometry, origin),
        Region(origin, size, 1, 0),  # what follows an empty command works
    ]


def random_faults(geometry: Geometry, origins: list[int]) -> Faults:
    """A few ranges near each origin that answer SLVERR or DECERR, from one beat to some pages."""
    ranges = []
    for origin in origins:
        at = origin
        for _ in range(4):
            first = at + random.randrange(0, PAGE, geometry.beat_bytes)
            end = first + random.choice((geometry.beat_bytes, 5 * geometry.beat_bytes, PAGE // 2, PAGE))
            ranges.append((first, end, random.choice((SLVERR, DECERR))))
            at = end + random.randrange(0, PAGE, geometry.beat_bytes)
    return Faults(ranges)


def commands(regions: list[Region], dest_width: int = 0) -> Iterator[dict[str, int]]:
    """Stream transfers of regions; read commands get a random destination of ``dest_width`` bits."""
    for region in regions:
        fields = asdict(region)
        yield {**fields, "dest": random.getrandbits(dest_width)} if dest_width else fields


def write_data(geometry: Geometry, regions: list[Region]) -> Iterator[dict[str, int]]:
    """As many random beats as the regions take."""
    for region in regions:
        for burst in geometry.bursts(region):
            for _ in range(burst.beats):
                yield {"data": random.getrandbits(8 * geometry.beat_bytes)}
