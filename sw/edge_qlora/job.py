"""The 128-byte job descriptor and its checks, as described in docs/memory_layout.md.

Pure functions and plain data: `planner.py` fills the addresses in, `driver.py` does the input and output.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from . import layout
from .errors import (
    AlignmentError,
    DescriptorError,
    DimLargeError,
    DimMultipleError,
    DimZeroError,
    JobError,
    OpcodeError,
    RangeError,
)
from .layout import ALIGNMENT, BLOCK

MAGIC = 0x514C
DESCRIPTOR_BYTES = 128
_LAYOUT = struct.Struct("<5I2fI10Q16x")
_RESERVED_HEADER = 0xF800
_HEADER_FIELDS = 7  # struct fields before the reserved word at 0x1C
ADDRESSES = ("x", "weights", "nested_absmax", "lora_a", "lora_b", "y", "dx", "d_lora_a", "d_lora_b", "workspace")


class Opcode(IntEnum):
    """What a job computes."""

    FORWARD = 1  # y = W x + s B (A x)
    BACKWARD = 2  # dx, dA and dB from dy


@dataclass(frozen=True)
class Limits:
    """Largest dimensions a job may have. The defaults are those of the descriptor format."""

    tokens: int = 65535
    features: int = 65472
    rank: int = 64
    nested_depth: int | None = None  # entries of the nested absmax table on chip; None: not checked


@dataclass(frozen=True)
class MemoryWindow:
    """The byte addresses base <= address < base + size that the accelerator may touch."""

    base: int
    size: int

    @property
    def limit(self) -> int:
        """First address behind the window."""
        return self.base + self.size


@dataclass(frozen=True)
class Region:
    """A buffer of a job: bytes [address, address + size), `written` by the accelerator or only read."""

    name: str
    address: int
    size: int
    written: bool


@dataclass(frozen=True)
class Descriptor:
    """One job as the accelerator reads it from memory.

    M = tokens, K = in_features, N = out_features, r = rank. `y` is written by FORWARD and holds dy for BACKWARD. Each
    `*_fp16` flag selects FP16 in memory, else FP32: `x_fp16` for x and dy, `lora_fp16` for A and B, `y_fp16` for y and
    dx.
    """

    opcode: int
    tokens: int
    in_features: int
    out_features: int
    rank: int
    lora_scale: float
    absmax_offset: float
    x: int = 0
    weights: int = 0
    nested_absmax: int = 0
    lora_a: int = 0
    lora_b: int = 0
    y: int = 0
    dx: int = 0
    d_lora_a: int = 0
    d_lora_b: int = 0
    workspace: int = 0
    x_fp16: bool = False
    lora_fp16: bool = False
    y_fp16: bool = False

    def pack(self) -> bytes:
        """The 128 bytes. Nothing is checked but that every value fits its field (struct.error otherwise)."""
        header = self.opcode | self.x_fp16 << 8 | self.lora_fp16 << 9 | self.y_fp16 << 10 | MAGIC << 16
        if not 0 <= self.opcode <= 0xFF:
            raise struct.error(f"opcode {self.opcode} does not fit 8 bits")
        addresses = (getattr(self, name) for name in ADDRESSES)
        dims = (self.tokens, self.in_features, self.out_features, self.rank)
        return _LAYOUT.pack(header, *dims, self.lora_scale, self.absmax_offset, 0, *addresses)

    @classmethod
    def unpack(cls, data: bytes) -> "Descriptor":
        """Inverse of `pack`.

        Raises:
            DescriptorError: not 128 bytes, a wrong magic number, or a reserved bit set.
        """
        if len(data) != DESCRIPTOR_BYTES:
            raise DescriptorError(f"a descriptor has {DESCRIPTOR_BYTES} bytes, not {len(data)}")
        header, *numbers = _LAYOUT.unpack(data)
        if header >> 16 != MAGIC:
            raise DescriptorError(f"magic number {header >> 16:#06x}, expected {MAGIC:#06x}")
        reserved = numbers[_HEADER_FIELDS - 1]
        if header & _RESERVED_HEADER or reserved or any(data[-16:]):
            raise DescriptorError("a reserved bit is set")
        flags = {"x_fp16": bool(header >> 8 & 1), "lora_fp16": bool(header >> 9 & 1), "y_fp16": bool(header >> 10 & 1)}
        addresses = dict(zip(ADDRESSES, numbers[_HEADER_FIELDS:], strict=True))
        return cls(header & 0xFF, *numbers[: _HEADER_FIELDS - 1], **addresses, **flags)

    def regions(self) -> list[Region]:
        """Every buffer this job reads or writes, in descriptor order; a buffer it does not use is left out."""
        backward = self.opcode == Opcode.BACKWARD
        m, k, n, r = self.tokens, self.in_features, self.out_features, self.rank
        x_item, lora_item, y_item = (2 if fp16 else 4 for fp16 in (self.x_fp16, self.lora_fp16, self.y_fp16))
        sizes = {
            "x": m * k * x_item if r or not backward else 0,
            "weights": layout.weight_tiles_bytes(n, k),
            "nested_absmax": layout.nested_absmax_bytes(n, k),
            "lora_a": r * k * lora_item,
            "lora_b": r * n * lora_item,
            "y": m * n * (x_item if backward else y_item),
            "dx": m * k * y_item if backward else 0,
            "d_lora_a": r * k * 4 if backward else 0,
            "d_lora_b": r * n * 4 if backward else 0,
            "workspace": layout.workspace_bytes(m, r, backward),
        }
        written = {"workspace", "dx", "d_lora_a", "d_lora_b"} | (set() if backward else {"y"})
        return [Region(name, getattr(self, name), size, name in written) for name, size in sizes.items() if size]

    def violations(self, window: MemoryWindow | None = None, limits: Limits | None = None) -> Iterator[JobError]:
        """Everything wrong with this job, in the order in which the hardware reports it.

        The order is opcode, zero dimension, dimension not a multiple of 64, dimension too large, alignment, range;
        sizes are taken only of dimensions that have passed. `window` None leaves the range unchecked.
        """
        limits = limits or Limits()
        if self.opcode not in set(Opcode):
            yield OpcodeError(f"opcode {self.opcode} is not one of {[f'{o.value} {o.name}' for o in Opcode]}")
            return
        dims = {"tokens": self.tokens, "in_features": self.in_features, "out_features": self.out_features}
        features = ("in_features", "out_features")
        maxima = dict(zip(dims, (limits.tokens, limits.features, limits.features), strict=True))
        bad_dimensions = [
            *(DimZeroError(f"{name} is zero") for name, value in dims.items() if value == 0),
            *(DimMultipleError(f"{f} {dims[f]} is not a multiple of {BLOCK}") for f in features if dims[f] % BLOCK),
            *(DimLargeError(f"{n} {v} is over {maxima[n]}") for n, v in dims.items() if v > maxima[n]),
        ]
        if self.rank > limits.rank:
            bad_dimensions.append(DimLargeError(f"rank {self.rank} is over {limits.rank}"))
        entries = layout.nested_entries(self.out_features, self.in_features)
        if limits.nested_depth is not None and entries > limits.nested_depth:
            bad_dimensions.append(DimLargeError(f"{entries} nested absmax values are over {limits.nested_depth}"))
        yield from bad_dimensions
        for name in ADDRESSES:
            if getattr(self, name) % ALIGNMENT:
                yield AlignmentError(f"{name} at {getattr(self, name):#x} is not aligned to {ALIGNMENT} bytes")
        if window is None or bad_dimensions:
            return
        for region in self.regions():
            if region.address < window.base or region.address + region.size > window.limit:
                yield RangeError(
                    f"{region.name} [{region.address:#x}, {region.address + region.size:#x}) is outside "
                    f"[{window.base:#x}, {window.limit:#x})"
                )

    def validate(self, window: MemoryWindow | None = None, limits: Limits | None = None) -> None:
        """Raise the first of `violations`, if there is one."""
        for error in self.violations(window, limits):
            raise error
