"""Random and directed regions for the AXI master."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tb.axi_master.bench import CLIENTS
from tb.axi_master.model import DECERR, LINE, PAGE, SLVERR, Faults, Geometry, Region

# Slots of the address space, a power of two: one for each read client, so that a burst tells whose it is and what a
# read returns does not depend on timing; those of the upper half are for writes.
SLOTS_LOG2 = 3
WRITES = 1 << SLOTS_LOG2 - 1


def slot_of(geometry: Geometry, addr: int) -> int:
    """Slot of an address: the client whose read it is, or WRITES and above."""
    return addr >> geometry.addr_width - SLOTS_LOG2


def base(geometry: Geometry, slot: int) -> int:
    """A random page-aligned address in the middle of a slot."""
    size = 1 << geometry.addr_width - SLOTS_LOG2
    return slot * size + size // 4 + random.randrange(size // 2 // PAGE) * PAGE


def bases(geometry: Geometry) -> tuple[list[int], int]:
    """Addresses around which the reads of each client, and the writes, go."""
    return [base(geometry, client) for client in range(CLIENTS)], base(geometry, WRITES)


def random_region(geometry: Geometry, origin: int, lines: int) -> Region:
    """A region near ``origin`` of at most about ``lines`` lines, any start in a page, any kind of stride."""
    page = PAGE // LINE
    burst = geometry.max_burst * geometry.beat_bytes // LINE
    longest = max(1, min(lines, random.choice((1, 4, page // 2, burst, 2 * burst, 3 * page))))
    row = random.choice((longest, random.randint(1, longest)))
    rows = random.choice((1, 2, 1 + random.randrange(max(1, lines // row))))
    rows = min(rows, max(1, lines // row))
    start = random.choice((0, page - 1, random.randrange(page), random.randrange(page)))
    stride = random.choice((row, row, random.randint(0, row), row + random.randrange(2 * page), 0, page, -row, -page))
    if random.random() < 0.1:
        stride = random.randrange(-1 << 22, 1 << 22)
    return Region(origin + random.randrange(4) * PAGE + start * LINE, row * LINE, rows, stride * LINE)


def empty_region(origin: int) -> Region:
    """A region without lines or without rows."""
    return random.choice((Region(origin, 0, 3, PAGE), Region(origin, LINE, 0, PAGE)))


def corner_regions(geometry: Geometry, origin: int) -> list[Region]:
    """Regions at the limits of page, burst and slot, each a named corner."""
    longest = geometry.max_burst * geometry.beat_bytes
    slot = 1 << geometry.addr_width - SLOTS_LOG2
    top = (origin // slot + 1) * slot
    return [
        Region(origin, LINE, 1, 0),  # one line
        Region(origin + PAGE - LINE, LINE, 1, 0),  # one line that ends a page
        Region(origin + PAGE - LINE, 2 * LINE, 1, 0),  # two lines around a page boundary
        Region(origin, PAGE, 1, 0),  # exactly a page
        Region(origin + LINE, PAGE, 1, 0),  # a page's worth, shifted by a line
        Region(origin, longest, 1, 0),  # exactly the longest burst
        Region(origin, longest + LINE, 1, 0),  # one line more
        Region(origin + PAGE - LINE, longest + 2 * LINE, 1, 0),  # page end, longest burst, one line
        Region(origin + PAGE - longest - LINE, 4 * longest, 1, 0),  # longest burst, a line to the page end, long bursts
        # So many lines behind a page's end: about half a page and a page.
        *(
            Region(origin + PAGE - before * LINE, (before + behind) * LINE, 1, 0)
            for behind in (31, 32, 33, 48, 63, 64, 65)
            for before in random.sample((1, 31, 32, 33), 1)
        ),
        Region(origin, 2 * LINE, 10, 2 * LINE),  # short contiguous rows
        Region(origin + PAGE - 5 * LINE, 2 * LINE, 5, 2 * LINE),  # a row across the boundary among others inside
        Region(origin, LINE, 20, PAGE),  # a column: one line a page
        Region(origin, 3 * LINE, 4, 0),  # the same row again and again
        Region(origin, 4 * LINE, 6, LINE),  # overlapping rows
        Region(origin, 2 * LINE, 4, -2 * LINE),  # rows downwards
        Region(origin, 2 * LINE, 3, slot // 8 - LINE),  # far apart
        Region(top - 2 * LINE, 2 * LINE, 1, 0),  # the last bytes of the slot
        empty_region(origin),
        Region(origin, LINE, 1, 0),  # what follows an empty command works
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


def commands(geometry: Geometry, regions: list[Region], read: bool) -> Iterator[dict[str, int]]:
    """Stream transfers of regions with random tags; those of reads end with a marked beat or not."""
    for region in regions:
        tag = {"tag": random.getrandbits(geometry.addr_width - 6)}
        yield geometry.fields(region) | tag | ({"last": random.getrandbits(1)} if read else {})


def write_data(geometry: Geometry, regions: list[Region]) -> Iterator[dict[str, int]]:
    """As many random beats as the regions take."""
    for region in regions:
        for burst in geometry.bursts(region):
            for _ in range(burst.beats):
                yield random_beat(geometry)


def random_beat(geometry: Geometry) -> dict[str, int]:
    """A transfer of write data."""
    return {"data": random.getrandbits(8 * geometry.beat_bytes)}
