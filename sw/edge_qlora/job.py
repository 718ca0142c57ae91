"""The 128-byte job descriptor and its checks, as described in docs/memory_layout.md.

Pure functions and plain data: `planner.py` fills the addresses in, `driver.py` does the input and output.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import layout
from .descriptor import ADDRESSES, DESCRIPTOR_BYTES, HEADER, LAYOUT, MAGIC, OFFSETS, RESERVED, Opcode
from .errors import (
    AlignmentError,
    DescriptorError,
    DimLargeError,
    DimMultipleError,
    DimZeroError,
    JobError,
    NonFiniteError,
    OpcodeError,
    RangeError,
)
from .layout import ALIGNMENT, BLOCK

_FLAGS = ("x_fp16", "lora_fp16", "y_fp16")
_LAYOUT = struct.Struct(LAYOUT)
_FP32_MAX = (2.0 - 2.0**-23) * 2.0**127


@dataclass(frozen=True)
class Limits:
    """What a job may ask for. The defaults are those of the descriptor format; None: not checked.

    Fields:
        tokens, features, rank: largest dimensions.
        nested_depth: entries of the nested absmax table on chip.
        act_depth: activation scratchpad on chip in blocks of 64 values; a row of any operand must fit.
        address_bits: width of the memory port's addresses; no register tells it.
    """

    tokens: int = 65535
    features: int = 65472
    rank: int = 64
    nested_depth: int | None = None
    act_depth: int | None = None
    address_bits: int = 40


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
        fields = {"opcode": self.opcode, "magic": MAGIC} | {name: getattr(self, name) for name in _FLAGS}
        try:
            header = sum(HEADER[name].put(value) for name, value in fields.items())
        except ValueError as error:
            raise struct.error(str(error)) from None
        words = dict.fromkeys(RESERVED, 0) | {"header": header}
        return _LAYOUT.pack(*(words[name] if name in words else getattr(self, name) for name in OFFSETS))

    @classmethod
    def unpack(cls, data: bytes) -> "Descriptor":
        """Inverse of `pack`.

        Raises:
            DescriptorError: not 128 bytes, a wrong magic number, or a reserved bit set.
        """
        if len(data) != DESCRIPTOR_BYTES:
            raise DescriptorError(f"a descriptor has {DESCRIPTOR_BYTES} bytes, not {len(data)}")
        words = dict(zip(OFFSETS, _LAYOUT.unpack(data), strict=True))
        header = {field.name: field.get(words["header"]) for field in HEADER.fields}
        if header["magic"] != MAGIC:
            raise DescriptorError(f"magic number {header['magic']:#06x}, expected {MAGIC:#06x}")
        if header["reserved"] or any(words[name] for name in RESERVED):
            raise DescriptorError("a reserved bit is set")
        operands = {name: value for name, value in words.items() if name not in ("header", *RESERVED)}
        return cls(header["opcode"], **operands, **{name: bool(header[name]) for name in _FLAGS})

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

    def violations(
        self, window: MemoryWindow | None = None, limits: Limits | None = None, address: int | None = None
    ) -> Iterator[JobError]:
        """Everything wrong with this job, in the order in which the hardware reports it.

        The order is: the descriptor's own address, opcode, zero dimension, dimension not a multiple of 64, dimension
        too large, alignment, range. What no descriptor can hold comes before it, and ends the list; a scalar that is
        not finite in FP32, which the hardware would meet while computing, comes after it.

        Args:
            window: memory that the job may touch; None leaves the range unchecked.
            limits: of the accelerator; None takes those of the descriptor format.
            address: of the descriptor in memory; None leaves it unchecked.
        """
        limits = limits or Limits()
        unfit = list(self._unfit(address))
        if unfit:
            yield from unfit
            return
        if address is not None:
            yield from _misaligned("the descriptor", address)
            yield from _outside("the descriptor", address, DESCRIPTOR_BYTES, window, limits)
        if self.opcode not in set(Opcode):
            yield OpcodeError(f"opcode {self.opcode} is not one of {[f'{o.value} {o.name}' for o in Opcode]}")
            return
        bad_dimensions = list(self._bad_dimensions(limits))
        yield from bad_dimensions
        for name in ADDRESSES:
            yield from _misaligned(name, getattr(self, name))
        for region in [] if bad_dimensions else self.regions():
            yield from _outside(region.name, region.address, region.size, window, limits)
        for name in ("lora_scale", "absmax_offset"):
            if not abs(getattr(self, name)) <= _FP32_MAX:
                yield NonFiniteError(f"{name} {getattr(self, name)} is not a finite FP32 number")

    def _unfit(self, address: int | None) -> Iterator[JobError]:
        """Fields whose value a descriptor cannot hold; a float beyond FP32 counts as an infinity, not here."""
        bits = {"opcode": 8} | dict.fromkeys(("tokens", "in_features", "out_features", "rank"), 32)
        values = {name: (getattr(self, name), width) for name, width in (bits | dict.fromkeys(ADDRESSES, 64)).items()}
        if address is not None:
            values["the descriptor's address"] = (address, 64)
        for name, (value, width) in values.items():
            if not _is_integer(value) or not 0 <= value < 1 << width:
                yield DescriptorError(f"{name} {value!r} is not an unsigned integer of {width} bits")
        for name in _FLAGS:
            if not isinstance(getattr(self, name), bool):
                yield DescriptorError(f"{name} {getattr(self, name)!r} is not a truth value")
        for name in ("lora_scale", "absmax_offset"):
            if not isinstance(getattr(self, name), int | float | np.floating):
                yield DescriptorError(f"{name} {getattr(self, name)!r} is not a number")

    def _bad_dimensions(self, limits: Limits) -> Iterator[JobError]:
        dims = {"tokens": self.tokens, "in_features": self.in_features, "out_features": self.out_features}
        features = ("in_features", "out_features")
        yield from (DimZeroError(f"{name} is zero") for name, value in dims.items() if value == 0)
        yield from (
            DimMultipleError(f"{f} {dims[f]} is not a multiple of {BLOCK}") for f in features if dims[f] % BLOCK
        )
        maxima = dict.fromkeys(features, limits.features) | {"tokens": limits.tokens, "rank": limits.rank}
        for name, largest in maxima.items():
            if getattr(self, name) > largest:
                yield DimLargeError(f"{name} {getattr(self, name)} is over {largest}")
        for name, blocks in self._row_blocks().items():
            if limits.act_depth is not None and blocks > limits.act_depth:
                yield DimLargeError(
                    f"{name} {dims[name]} needs {blocks} blocks of the scratchpad, which has {limits.act_depth}"
                )
        entries = layout.nested_entries(self.out_features, self.in_features)
        if limits.nested_depth is not None and entries > limits.nested_depth:
            yield DimLargeError(f"{entries} nested absmax values are over {limits.nested_depth}")

    def _row_blocks(self) -> dict[str, int]:
        """Blocks of 64 values in the longest row that each dimension makes: what the scratchpad holds at once.

        A row of the step that adds the adapter's product has one more block, the low-rank row.
        """
        adapter = int(self.rank > 0)
        m, k, n = (math.ceil(value / BLOCK) for value in (self.tokens, self.in_features, self.out_features))
        if self.opcode == Opcode.FORWARD:
            return {"in_features": k + adapter}
        return {"out_features": n + adapter} | ({"tokens": m, "in_features": k} if adapter else {})

    def validate(
        self, window: MemoryWindow | None = None, limits: Limits | None = None, address: int | None = None
    ) -> None:
        """Raise the first of `violations`, if there is one."""
        for error in self.violations(window, limits, address):
            raise error


def _is_integer(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _misaligned(name: str, address: int) -> Iterator[JobError]:
    if address % ALIGNMENT:
        yield AlignmentError(f"{name} at {address:#x} is not aligned to {ALIGNMENT} bytes")


def _outside(name: str, address: int, size: int, window: MemoryWindow | None, limits: Limits) -> Iterator[JobError]:
    """The hardware moves whole lines, so a region counts up to the end of its last one."""
    if window is None:
        return
    end, limit = address + layout.align(size), min(window.limit, 1 << limits.address_bits)
    if address < window.base or end > limit:
        yield RangeError(f"{name} [{address:#x}, {end:#x}) is outside [{window.base:#x}, {limit:#x})")
