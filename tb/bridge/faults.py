"""Everything that can be wrong with a job, with the error code, information and results that must follow."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from edge_qlora.errors import ErrorCode
from edge_qlora.job import ADDRESSES, DESCRIPTOR_BYTES, MAGIC, Descriptor, MemoryWindow, Opcode, Region
from edge_qlora.layout import ALIGNMENT, BLOCK, NESTED_BLOCK
from edge_qlora.planner import Job, Segment

from sim.bench import Config
from tb.axi_master.model import DECERR, SLVERR
from tb.core.device import LINE
from tb.lora_linear.env import JobItem, lines
from tb.lora_linear.jobs import LayerJob, random_job
from tb.models.matrix import Codebook
from tb.models.qlora import NF4_VALUES

OFFSETS = {name: 0x20 + 8 * index for index, name in enumerate(ADDRESSES)}
HEADER, TOKENS, IN_FEATURES, OUT_FEATURES, RANK, RESERVED = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x1C
ADDRESS_BITS = 40
PAGE = 4096

Change = Callable[[Job, MemoryWindow], Job]


@dataclass(frozen=True)
class Fault:
    """One way to spoil a job.

    Attributes:
        kind: coverage bin.
        name: for messages.
        item: makes the job.
        burst: the reported address must be in this range [first, last], as a function of the placed job, or None.
    """

    kind: str
    name: str
    item: Callable[[], JobItem]
    burst: Callable[[Job], tuple[int, int]] | None = None


def small_job(backward: bool, rank: int = 2) -> LayerJob:
    """A job of one tile and at most two tokens, in FP32 so that every region has its full size."""
    return random_job(backward, BLOCK, BLOCK, random.randint(1, 2), rank, (np.float32,) * 3)


def patch(offset: int, form: str, value: int) -> Change:
    """A change that overwrites one field of the descriptor in memory."""

    def change(job: Job, _window: MemoryWindow) -> Job:
        *others, last = job.segments
        data = bytearray(last.data)
        struct.pack_into(form, data, offset, value)
        return replace(job, segments=(*others, Segment(last.address, bytes(data))))

    return change


def _rejected(
    kind: str, name: str, change: Change, code: ErrorCode, info, backward: bool | None = None, rank: int = 2
) -> Fault:
    def item() -> JobItem:
        direction = random.random() < 0.5 if backward is None else backward
        return JobItem(small_job(direction, rank), change=change, code=code, info=info, rejected=True)

    return Fault(kind, name, item)


def _word(kind: str, offset: int, value: int, code: ErrorCode, info: int | None = None, **options) -> Fault:
    name = f"word {offset:#x} = {value:#x}"
    return _rejected(kind, name, patch(offset, "<I", value), code, offset if info is None else info, **options)


def header_faults() -> Iterator[Fault]:
    """Magic number, reserved bits, opcode."""
    good = MAGIC << 16 | Opcode.FORWARD
    yield _word("magic", HEADER, good ^ 1 << random.randrange(16, 32), ErrorCode.DESCRIPTOR)
    for bit in range(11, 16):
        yield _word("reserved", HEADER, good | 1 << bit, ErrorCode.DESCRIPTOR)
    for offset in (RESERVED, 0x70, 0x74, 0x78, 0x7C):
        info = offset if offset == RESERVED else offset & ~7
        yield _word("reserved", offset, 1 << random.randrange(32), ErrorCode.DESCRIPTOR, info)
    for opcode in (0, 3, 0x81, 0xFF):
        yield _word("opcode", HEADER, MAGIC << 16 | opcode, ErrorCode.OPCODE)


def dimension_faults(config: Config) -> Iterator[Fault]:
    """Zero, odd and oversized dimensions, those of the format and those of this hardware."""
    for offset in (TOKENS, IN_FEATURES, OUT_FEATURES):
        yield _word("zero dimension", offset, 0, ErrorCode.DIM_ZERO)
        yield _word("format limit", offset, 1 << 16, ErrorCode.DIM_LARGE)
        yield _word("format limit", offset, 1 << 31, ErrorCode.DIM_LARGE)
    for offset in (IN_FEATURES, OUT_FEATURES):
        yield _word("odd dimension", offset, BLOCK + random.randrange(1, BLOCK), ErrorCode.DIM_MULTIPLE)
        yield _word("odd dimension", offset, (1 << 16) + 32, ErrorCode.DIM_MULTIPLE)
    for rank in (BLOCK + 1, 1 << 20):
        yield _word("rank", RANK, rank, ErrorCode.DIM_LARGE)
    # A row of both products must fit the scratchpad; blocks of tokens are a row of the gradients' products.
    depth = config["act_depth"]
    if BLOCK * depth <= 65472:
        for offset, backward in ((IN_FEATURES, False), (OUT_FEATURES, True)):
            yield _word("scratchpad", offset, BLOCK * depth, ErrorCode.DIM_LARGE, backward=backward)
        yield _word("scratchpad", IN_FEATURES, BLOCK * (depth + 1), ErrorCode.DIM_LARGE, backward=False, rank=0)
        yield _word("scratchpad", IN_FEATURES, BLOCK * (depth + 1), ErrorCode.DIM_LARGE, backward=True)
        yield _word("scratchpad", TOKENS, BLOCK * depth + 1, ErrorCode.DIM_LARGE, backward=True)
    yield nested_fault(config)


def nested_fault(config: Config) -> Fault:
    """A weight with one nested absmax too many: a square that no other limit rejects."""
    tiles = config["nested_depth"] * NESTED_BLOCK // BLOCK
    in_blocks = min(config["act_depth"] // 2, int(tiles**0.5))
    size = struct.pack("<2I", BLOCK * in_blocks, BLOCK * (tiles // in_blocks + 1))
    change = patch(IN_FEATURES, "<Q", int.from_bytes(size, "little"))
    return _rejected("nested depth", "nested depth", change, ErrorCode.DIM_LARGE, OFFSETS["nested_absmax"], False)


def alignment_faults() -> Iterator[Fault]:
    """Every address, used or not, and the descriptor's own."""
    for name, offset in OFFSETS.items():

        def change(job: Job, window: MemoryWindow, name: str = name, offset: int = offset) -> Job:
            bent = getattr(job.descriptor, name) + random.randrange(1, ALIGNMENT)
            return patch(offset, "<Q", bent)(job, window)

        yield _rejected("alignment", f"{name} misaligned", change, ErrorCode.ALIGNMENT, offset)
    yield descriptor_fault("alignment", lambda window: window.base + 8, ErrorCode.ALIGNMENT)


def descriptor_fault(kind: str, address: Callable[[MemoryWindow], int], code: ErrorCode) -> Fault:
    """A bad descriptor address, which is the information itself."""

    def change(job: Job, window: MemoryWindow) -> Job:
        return replace(job, descriptor_address=address(window))

    return _rejected(kind, f"descriptor address, {code.name}", change, code, lambda job: job.descriptor_address)


def _outside(region: Region, window: MemoryWindow) -> dict[str, int]:
    first, end = lines(0, region.size)
    return {
        "below": window.base - ALIGNMENT,
        "end": window.limit - end + ALIGNMENT,
        "above": window.limit + first,
        "beyond the address width": region.address | 1 << ADDRESS_BITS,
        "wrapping": (1 << 64) - ALIGNMENT,
    }


def range_faults() -> Iterator[Fault]:
    """Every region that is used, one line outside and far outside of the window, and the descriptor itself."""
    regions = {region.name: backward for backward in (False, True) for region in small_regions(backward)}
    for name, backward in regions.items():
        for where in ("below", "end", "above", "beyond the address width", "wrapping"):

            def change(job: Job, window: MemoryWindow, name: str = name, where: str = where) -> Job:
                region = next(r for r in job.descriptor.regions() if r.name == name)
                return patch(OFFSETS[name], "<Q", _outside(region, window)[where])(job, window)

            yield _rejected("range", f"{name} {where}", change, ErrorCode.RANGE, OFFSETS[name], backward)
    yield descriptor_fault("range", lambda window: window.base - ALIGNMENT, ErrorCode.RANGE)
    yield descriptor_fault("range", lambda window: window.limit - ALIGNMENT, ErrorCode.RANGE)
    yield descriptor_fault("range", lambda window: window.base | 1 << 63, ErrorCode.RANGE)


def small_regions(backward: bool) -> list[Region]:
    """Regions of a small job with an adapter."""
    sizes = {"tokens": 1, "in_features": BLOCK, "out_features": BLOCK, "rank": 1, "lora_scale": 1, "absmax_offset": 0}
    return Descriptor(Opcode.BACKWARD if backward else Opcode.FORWARD, **sizes).regions()


# What is written although a region fails: the results of the steps before the one that meets it.
WRITTEN = {"x": {"dx"}, "d_lora_a": {"dx"}, "d_lora_b": {"dx", "d_lora_a"}}


def bus_faults() -> Iterator[Fault]:
    """SLVERR or DECERR on every region, read or written, and on the descriptor."""

    def descriptor_error() -> JobItem:
        return JobItem(
            small_job(random.random() < 0.5),
            code=ErrorCode.AXI_READ,
            info=lambda job: job.descriptor_address,
            faults=lambda job: [
                (job.descriptor_address, job.descriptor_address + DESCRIPTOR_BYTES, random.choice((SLVERR, DECERR)))
            ],
            rejected=True,
        )

    yield Fault("bus", "descriptor unreadable", descriptor_error)
    for backward in (False, True):
        for region in small_regions(backward):
            yield _bus_fault(region.name, region.written, backward)


def _bus_fault(name: str, written: bool, backward: bool) -> Fault:
    def item() -> JobItem:
        def faults(job: Job) -> list[tuple[int, int, int]]:
            region = next(r for r in job.descriptor.regions() if r.name == name)
            return [(*lines(region.address, region.size), random.choice((SLVERR, DECERR)))]

        return JobItem(
            small_job(backward),
            code=ErrorCode.AXI_WRITE if written else ErrorCode.AXI_READ,
            info=lambda job: getattr(job.descriptor, name),
            faults=faults,
            results=WRITTEN.get(name, set()) if backward else set(),
        )

    return Fault("bus", f"{name} {'unwritable' if written else 'unreadable'}", item)


def beat_faults() -> Iterator[Fault]:
    """One failing line somewhere in a region of many: any burst, tile or chunk, with others under way; NaN or not."""
    for backward in (False, True):
        for region in small_regions(backward):
            if region.name != "workspace":
                yield _beat_fault(region.name, region.written, backward)


def _beat_fault(name: str, written: bool, backward: bool) -> Fault:
    place, response = random.random(), random.choice((SLVERR, DECERR))

    def line(job: Job) -> int:
        region = next(r for r in job.descriptor.regions() if r.name == name)
        first, end = lines(region.address, region.size)
        return first + int(place * (end - first)) // LINE * LINE

    def item() -> JobItem:
        job = random_job(backward, 2 * BLOCK, 3 * BLOCK, random.randint(1, 5), 3, (np.float32,) * 3)
        if random.random() < 0.5:  # the bus error is what is reported, whichever comes first
            job.x[0, 0] = np.nan
        return JobItem(
            job,
            code=ErrorCode.AXI_WRITE if written else ErrorCode.AXI_READ,
            faults=lambda job: [(line(job), line(job) + LINE, response)],
            unsettled=True,
        )

    # What is reported is the start of the burst, which does not cross a page.
    return Fault("beat", f"one line of {name}", item, lambda job: (line(job) & -PAGE, line(job) + LINE - 1))


def nonfinite_faults() -> Iterator[Fault]:
    """NaN or infinity in every operand; the golden model says what becomes of them."""
    for backward in (False, True):
        for name in ("x", "dy", "lora_a", "lora_b", "scale", "nested_absmax", "offset", "codebook"):
            if name != "dy" or backward:
                yield Fault("nonfinite", f"{name} not finite", lambda b=backward, n=name: JobItem(poisoned(b, n)))


def poisoned(backward: bool, name: str) -> LayerJob:
    """A small job with a NaN or an infinity in one operand."""
    job = small_job(backward)
    value = np.float32(random.choice((np.nan, np.inf, -np.inf)))
    if name == "scale":
        return replace(job, scale=float(value))
    if name == "offset":
        return replace(job, weight=replace(job.weight, offset=value))
    if name == "codebook":
        return replace(job, codebook=Codebook(Codebook.from_values(NF4_VALUES).entries, value))
    array = (job.weight.nested_absmax if name == "nested_absmax" else getattr(job, name)).copy()
    array.flat[random.randrange(array.size)] = value
    if name == "nested_absmax":
        return replace(job, weight=replace(job.weight, nested_absmax=array))
    return replace(job, **{name: array})


def unused_faults() -> Iterator[Fault]:
    """Wild addresses in fields that the job does not use: it runs as ever."""
    for backward, rank, names in (
        (False, 2, ("dx", "d_lora_a", "d_lora_b")),
        (False, 0, ("lora_a", "lora_b", "workspace")),
        (True, 0, ("x", "lora_a", "d_lora_b", "workspace")),
    ):
        for name in names:
            change = patch(OFFSETS[name], "<Q", random.getrandbits(64) & -ALIGNMENT)
            yield Fault(
                "unused", f"{name} wild", lambda b=backward, r=rank, c=change: JobItem(small_job(b, r), change=c)
            )


def double_faults(config: Config) -> Iterator[Fault]:
    """Two things wrong at once: the one that comes first in the documented order is reported."""
    wrong = {
        HEADER: (patch(HEADER, "<I", MAGIC << 16), ErrorCode.OPCODE),
        TOKENS: (patch(TOKENS, "<I", 0), ErrorCode.DIM_ZERO),
        OUT_FEATURES: (patch(OUT_FEATURES, "<I", 65), ErrorCode.DIM_MULTIPLE),
        IN_FEATURES: (patch(IN_FEATURES, "<I", 1 << 20), ErrorCode.DIM_LARGE),
        OFFSETS["dx"]: (patch(OFFSETS["dx"], "<Q", 1), ErrorCode.ALIGNMENT),
        OFFSETS["weights"]: (patch(OFFSETS["weights"], "<Q", 0), ErrorCode.RANGE),
    }
    order = list(wrong)
    for first, second in zip(order, order[1:], strict=False):

        def change(job: Job, window: MemoryWindow, pair: tuple[int, int] = (first, second)) -> Job:
            for offset in pair:
                job = wrong[offset][0](job, window)
            return job

        yield _rejected("two errors", f"{first:#x} and {second:#x}", change, wrong[first][1], first)


def all_faults(config: Config) -> list[Fault]:
    """Every fault there is."""
    return [
        *header_faults(),
        *dimension_faults(config),
        *alignment_faults(),
        *range_faults(),
        *bus_faults(),
        *beat_faults(),
        *nonfinite_faults(),
        *unused_faults(),
        *double_faults(config),
    ]


KINDS = [
    *("magic", "reserved", "opcode", "zero dimension", "odd dimension", "format limit", "rank", "scratchpad"),
    *("nested depth", "alignment", "range", "bus", "beat", "nonfinite", "unused", "two errors"),
]


def kinds(config: Config) -> list[str]:
    """Kinds of fault that exist on this hardware: a large scratchpad holds every row that the format allows."""
    return [kind for kind in KINDS if kind != "scratchpad" or BLOCK * config["act_depth"] <= 65472]
