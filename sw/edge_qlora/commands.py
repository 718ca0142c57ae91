"""The commands of the core: plain data, their 64 bytes, and what the hardware would reject. See docs/commands.md.

Addresses, strides and sizes of memory are in bytes here, in lines of 64 bytes in the packed form. Regions of the
scratchpad are in words of 8 values; VECTOR counts its operands B and R in values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from operator import index
from typing import ClassVar

import numpy as np

from . import command_layout as layout
from .command_layout import COMMAND_BYTES, ValueFormat, WeightFormat
from .command_layout import Command as Opcode
from .errors import CommandError, FieldError, JobError, RangeError
from .footprint import ADDRESS_WORDS, MemoryRows, MemoryWindow, merged, scratch_values
from .layout import BLOCK, CODE_BITS, NESTED_BLOCK, VALUE_BYTES, tile_bytes
from .vector import LANES, Function, Instruction, Operand, Reduction, Region

LINE = 64
BLOCK_WORDS = BLOCK // LANES
ADDRESS_BITS = 40  # of a byte in memory
SEMAPHORES = 16
HEADER_LINES = 2  # codebook, its scale and the offset
LINE_VALUES = LINE // 4  # nested absmax values in a line
STORED_BYTES = {form: VALUE_BYTES[WeightFormat[form.name]] for form in ValueFormat}  # of a value in memory

_END = {name: layout.LOAD[name] for name in ("opcode", "magic")}
LAYOUTS = {
    Opcode.LOAD: layout.LOAD,
    Opcode.MATRIX: layout.MATRIX,
    Opcode.VECTOR: layout.VECTOR,
    Opcode.READ: layout.TRANSFER,
    Opcode.WRITE: layout.TRANSFER,
    Opcode.END: _END,
}


@dataclass(frozen=True)
class Limits:
    """What the hardware takes.

    Attributes:
        scratch_words: words of the scratchpad.
        max_rows: most rows of a MATRIX command.
        nested_depth: entries of the table of nested absmax values.
        window: memory that commands may touch; None: not checked.
        backward: MATRIX takes codes in T mode.
    """

    scratch_words: int = ADDRESS_WORDS
    max_rows: int = 0xFFFF
    nested_depth: int = 0xFFFF
    window: MemoryWindow | None = None
    backward: bool = True


@dataclass(frozen=True, kw_only=True)
class Command:
    """What all commands have.

    Attributes:
        waits: semaphores that the command waits for and decrements when it begins.
        post: semaphores that it increments when it has ended.
    """

    waits: frozenset[int] = frozenset()
    post: frozenset[int] = frozenset()
    opcode: ClassVar[Opcode]

    def pack(self) -> bytes:
        """The 64 bytes.

        Raises:
            FieldError: a value does not fit its field, or an address or size is not in whole lines.
        """
        bits = 0
        head = {"opcode": self.opcode, "magic": layout.MAGIC}
        if self.opcode != Opcode.END:
            head |= {"waits": self._mask("waits"), "post": self._mask("post")}
        elif self.waits or self.post:
            raise FieldError("END: it has no semaphores")
        for name, value in (head | self._fields()).items():
            lsb, width = LAYOUTS[self.opcode][name]
            try:
                number = index(value)
            except TypeError:
                number = -1
            if isinstance(value, bool | np.bool_) and width > 1 or not 0 <= number < 1 << width:
                raise self._bad(name, value, f"does not fit its {width} bits")
            bits |= number << lsb
        return bits.to_bytes(COMMAND_BYTES, "little")

    def violations(self, limits: Limits) -> Iterator[JobError]:
        """What the hardware would reject: errors FIELD, then RANGE, in plain sentences."""
        try:
            self.pack()
        except FieldError as error:
            yield error
            return
        bad = list(self._bad_fields(limits))
        yield from bad
        if limits.window is None or bad:
            return
        found = [
            (row, part, address)
            for part, rows in enumerate((*self.memory_reads(), *self.memory_writes()))
            for row, address in [rows.first_outside(limits.window) or (None, 0)]
            if row is not None
        ]
        if found:
            _, _, address = min(found, key=lambda hit: (0 if self._is_header(hit[1]) else 1, *hit))
            base, limit = limits.window.base, limits.window.limit
            error = RangeError(f"{self.opcode.name}: the access at {address:#x} is outside of [{base:#x}, {limit:#x})")
            error.info = address
            yield error

    def validate(self, limits: Limits) -> None:
        """Raise the first of ``violations``, if there is one."""
        for error in self.violations(limits):
            raise error

    def scratch_reads(self) -> int:
        """Values of the scratchpad that the command reads, as a set of bits."""
        return 0

    def scratch_writes(self) -> int:
        """Values of the scratchpad that the command writes, as a set of bits."""
        return 0

    def memory_reads(self) -> tuple[MemoryRows, ...]:
        """Rows of memory that the command reads."""
        return ()

    def memory_writes(self) -> tuple[MemoryRows, ...]:
        """Rows of memory that the command writes."""
        return ()

    @cached_property
    def footprint(self) -> tuple[int, int, np.ndarray, np.ndarray]:
        """Scratchpad read and written, memory read and written (see ``footprint.merged``)."""
        memory = (merged(rows) for rows in (self.memory_reads(), self.memory_writes()))
        return self.scratch_reads(), self.scratch_writes(), *memory

    def _fields(self) -> dict[str, int]:
        return {}

    def _bad_fields(self, limits: Limits) -> Iterator[FieldError]:
        yield from ()

    def _is_header(self, part: int) -> bool:
        return False

    @classmethod
    def _of(cls, fields: dict[str, int], common: dict) -> Command:
        return cls(**common)

    def _bad(self, name: str, value, reason: str) -> FieldError:
        return FieldError(f"{self.opcode.name}: {name} {value!r} {reason}")

    def _mask(self, name: str) -> int:
        numbers = getattr(self, name)
        if not all(isinstance(number, int) and 0 <= number < SEMAPHORES for number in numbers):
            raise self._bad(name, sorted(numbers), f"are not all semaphores 0 to {SEMAPHORES - 1}")
        return sum(1 << number for number in numbers)

    def _lines(self, name: str, size: int, width: int = 0) -> int:
        """A size in lines; with ``width`` as a two's complement number."""
        lines, rest = divmod(size, LINE)
        if rest:
            raise self._bad(name, size, f"is not a multiple of {LINE}")
        if not width:
            return lines
        if not -(1 << width - 1) <= lines < 1 << width - 1:
            raise self._bad(name, size, f"in lines does not fit {width} bits")
        return lines % (1 << width)

    def _behind(self, name: str, values: int, limits: Limits) -> Iterator[FieldError]:
        over = values >> LANES * limits.scratch_words
        if over:
            word = limits.scratch_words + ((over & -over).bit_length() - 1) // LANES
            reason = f"lies behind the scratchpad's end of {limits.scratch_words} words"
            yield FieldError(f"{self.opcode.name}: {name} has a row whose word {word} {reason}")

    def _rows_missing(self) -> Iterator[FieldError]:
        for name in ("outer", "inner"):
            if not getattr(self, name):
                yield self._bad(name, 0, "is no number of rows")


@dataclass(frozen=True)
class Part:
    """A part of a LOAD: in repetition n, row r of ``row_bytes`` is at ``address + n * step + r * stride``."""

    address: int
    rows: int
    row_bytes: int
    stride: int = 0
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class Load(Command):
    """The stream of stored weights of a MATRIX command: the header, then ``count`` times part 0 and part 1.

    Attributes:
        part0, part1: the parts; None: absent.
        count: repetitions.
        header_address, header_bytes: the header; 0 bytes: none.
    """

    part0: Part | None = None
    part1: Part | None = None
    count: int = 1
    header_address: int = 0
    header_bytes: int = 0
    opcode = Opcode.LOAD

    @property
    def stream_bytes(self) -> int:
        """Length of the stream."""
        return self.header_bytes + self.count * sum(part.rows * part.row_bytes for part in self.parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that are there."""
        return tuple(part for part in (self.part0, self.part1) if part is not None and part.rows and part.row_bytes)

    def memory_reads(self) -> tuple[MemoryRows, ...]:
        header = (MemoryRows(self.header_address, self.header_bytes),) if self.header_bytes else ()
        return header + tuple(
            MemoryRows(p.address, p.row_bytes, self.count, p.step, p.rows, p.stride) for p in self.parts
        )

    def _is_header(self, part: int) -> bool:
        return part == 0 and self.header_bytes > 0

    def _fields(self) -> dict[str, int]:
        fields = {
            "header_address": self._lines("header_address", self.header_address),
            "header_lines": self._lines("header_bytes", self.header_bytes),
            "count": self.count,
        }
        for number, part in enumerate((self.part0, self.part1)):
            if part is not None:
                fields |= {
                    f"address{number}": self._lines(f"part {number}'s address", part.address),
                    f"step{number}": self._lines(f"part {number}'s step", part.step, 32),
                    f"lines{number}": self._lines(f"part {number}'s row_bytes", part.row_bytes),
                    f"stride{number}": self._lines(f"part {number}'s stride", part.stride, 32),
                    f"rows{number}": part.rows,
                }
        return fields

    def _bad_fields(self, limits: Limits) -> Iterator[FieldError]:
        if not self.count:
            yield self._bad("count", 0, "is no number of repetitions")
        elif not self.stream_bytes:
            yield FieldError("LOAD: it has neither a header nor a part")

    @classmethod
    def _of(cls, fields: dict[str, int], common: dict) -> Load:
        def part(number: int) -> Part | None:
            names = ("address", "lines", "stride", "step", "rows")
            address, lines, stride, step, rows = (fields[f"{name}{number}"] for name in names)
            if not rows or not lines:
                return None
            return Part(LINE * address, rows, LINE * lines, LINE * _signed(stride), LINE * _signed(step))

        return cls(
            part0=part(0),
            part1=part(1),
            count=fields["count"],
            header_address=LINE * fields["header_address"],
            header_bytes=LINE * fields["header_lines"],
            **common,
        )


@dataclass(frozen=True)
class Product:
    """One product of a MATRIX command.

    Attributes:
        a: the activations' rows, in words.
        length: the reduction.
        transpose: False: N mode, stored rows are columns of D; True: T mode, stored rows are the reduction.
        format: of the stored weights.
        scale: FP32 factor of floating-point weights.
    """

    a: Region
    length: int
    transpose: bool
    format: int
    scale: float = 1.0

    @property
    def blocks(self) -> int:
        """Blocks of 64 of the reduction."""
        return -(-self.length // BLOCK)

    def stream_bytes(self, outputs: int) -> int:
        """Length of the weights' stream."""
        columns = -(-outputs // BLOCK)
        if self.format in CODE_BITS:
            return columns * self.blocks * tile_bytes(self.format)
        rows = columns * self.length if self.transpose else outputs * self.blocks
        return rows * BLOCK * VALUE_BYTES.get(self.format, 4)


@dataclass(frozen=True, kw_only=True)
class Matrix(Command):
    """D = A0 W0 + A1 W1 with weights from the LOAD command of the same number.

    Attributes:
        d: the results' rows, in words.
        outputs: columns of D.
        product0, product1: the products; product1 may be None.
        outer, inner: rows in two nested loops.
        header_bytes: of the header in the stream.
        block: codes: number of the first stored block; block_stride: blocks per stored row of the whole matrix.
    """

    d: Region
    outputs: int
    product0: Product
    product1: Product | None = None
    outer: int = 1
    inner: int = 1
    header_bytes: int = 0
    block: int = 0
    block_stride: int = 0
    opcode = Opcode.MATRIX

    @property
    def stream_bytes(self) -> int:
        """Length of the stream that the command takes."""
        return self.header_bytes + sum(product.stream_bytes(self.outputs) for product in self.products)

    @property
    def products(self) -> tuple[Product, ...]:
        """The products that are there."""
        return (self.product0,) if self.product1 is None else (self.product0, self.product1)

    @property
    def blocks(self) -> range:
        """Codes: numbers from the first stored block to the last; empty for floating-point weights."""
        first = self.product0
        if first.format not in CODE_BITS:
            return range(0)
        rows, columns = first.length, -(-self.outputs // BLOCK)
        if not first.transpose:
            rows, columns = self.outputs, first.blocks
        return range(self.block, self.block + (rows - 1) * self.block_stride + columns)

    def scratch_reads(self) -> int:
        found = 0
        for product in self.products:
            found |= self._values(product.a, product.length)
        return found

    def scratch_writes(self) -> int:
        return self._values(self.d, -(-self.outputs // BLOCK) * BLOCK)

    def _values(self, region: Region, length: int) -> int:
        words = -(-length // LANES)
        return scratch_values(region.in_values(), self.outer, self.inner, LANES * words)

    def _fields(self) -> dict[str, int]:
        fields = {
            "outer": self.outer,
            "inner": self.inner,
            "outputs": self.outputs,
            "header_lines": self._lines("header_bytes", self.header_bytes),
            "block": self.block,
            "block_stride": self.block_stride,
            "d_base": self.d.base,
            "d_outer": self.d.outer,
            "d_inner": self.d.inner,
        }
        for number, product in enumerate(self.products):
            fields |= {
                f"transpose{number}": product.transpose,
                f"format{number}": product.format,
                f"length{number}": product.length,
                f"scale{number}": _float_bits(product.scale),
                f"a{number}_base": product.a.base,
                f"a{number}_outer": product.a.outer,
                f"a{number}_inner": product.a.inner,
            }
        return fields

    def _bad_fields(self, limits: Limits) -> Iterator[FieldError]:
        yield from self._rows_missing()
        if self.outer * self.inner > limits.max_rows:
            yield self._bad("outer * inner", self.outer * self.inner, f"is over {limits.max_rows} rows")
        first = self.product0
        alone = first.format not in CODE_BITS and not first.transpose and self.product1 is None
        if not self.outputs:
            yield self._bad("outputs", 0, "is no number of columns")
        elif self.outputs % BLOCK and not alone:
            yield self._bad("outputs", self.outputs, f"is not a multiple of {BLOCK}")
        for number, product in enumerate(self.products):
            codes = product.format in CODE_BITS
            takes = limits.backward and product.format != WeightFormat.INT8
            if product.format not in set(WeightFormat) or codes and (number or product.transpose and not takes):
                yield self._bad(f"format{number}", product.format, "is no format of these weights")
            if not product.length:
                yield self._bad(f"length{number}", 0, "is no reduction")
            elif product.length % BLOCK and (codes or not product.transpose):
                yield self._bad(f"length{number}", product.length, f"is not a multiple of {BLOCK}")
            if product.length:
                yield from self._behind(f"A{number}", self._values(product.a, product.length), limits)
        lines, most = self.header_bytes // LINE, HEADER_LINES + limits.nested_depth // LINE_VALUES
        if lines and not HEADER_LINES <= lines <= most:
            yield self._bad("header_bytes", self.header_bytes, f"are not {HEADER_LINES} to {most} lines")
        if first.format in CODE_BITS and self.block >= NESTED_BLOCK * limits.nested_depth:
            yield self._bad("block", self.block, f"is behind {limits.nested_depth} nested absmax values")
        if self.outputs:
            yield from self._behind("D", self.scratch_writes(), limits)

    @classmethod
    def _of(cls, fields: dict[str, int], common: dict) -> Matrix:
        def product(number: int) -> Product:
            names = ("transpose", "format", "length", "scale")
            transpose, weights, length, scale = (fields[f"{name}{number}"] for name in names)
            region = _region(fields, f"a{number}")
            return Product(region, length, bool(transpose), _known(WeightFormat, weights), _float(scale))

        names = ("outputs", "outer", "inner", "block", "block_stride")
        return cls(
            d=_region(fields, "d"),
            product0=product(0),
            product1=product(1) if fields["length1"] else None,
            header_bytes=LINE * fields["header_lines"],
            **{name: fields[name] for name in names},
            **common,
        )


@dataclass(frozen=True, kw_only=True)
class Vector(Command):
    """One instruction of the vector engine."""

    instruction: Instruction
    opcode = Opcode.VECTOR

    def scratch_reads(self) -> int:
        return self.a_values() | self.b_values()

    def scratch_writes(self) -> int:
        return self.d_values() | self.r_values()

    def a_values(self) -> int:
        """Values of operand A, as a set of bits."""
        i = self.instruction
        return scratch_values(i.a.in_values(), i.outer, i.inner, LANES * i.words, i.exchange)

    def b_values(self) -> int:
        """Values of operand B, none if it is not used."""
        i = self.instruction
        if Operand.B not in (i.x, i.z):
            return 0
        return scratch_values(i.b, i.outer, i.inner, 1 if i.b_per_row else LANES * i.words)

    def d_values(self) -> int:
        """Values of destination D, none if y is not stored."""
        i = self.instruction
        return scratch_values(i.d.in_values(), i.outer, i.inner, LANES * i.words) if i.d is not None else 0

    def r_values(self) -> int:
        """Values of R, none without a reduction."""
        i = self.instruction
        return scratch_values(i.r, i.outer, i.inner, 1) if i.reduction else 0

    def _fields(self) -> dict[str, int]:
        i = self.instruction
        d = i.d or Region()
        masked = {} if i.first is None else {"masked": 1, "first": i.first, "step": i.step}
        return masked | {
            "outer": i.outer,
            "inner": i.inner,
            "length": i.length,
            "exchange": i.exchange,
            "b_per_row": i.b_per_row,
            "x": i.x,
            "z": i.z,
            "negate_x": i.negate_x,
            "negate_z": i.negate_z,
            "function_code": i.function,
            "store": i.d is not None,
            "reduction": i.reduction,
            "immediate_x": _float_bits(i.immediate_x),
            "immediate_z": _float_bits(i.immediate_z),
            "a_base": i.a.base,
            "a_outer": i.a.outer,
            "a_inner": i.a.inner,
            "d_base": d.base,
            "d_outer": d.outer,
            "d_inner": d.inner,
            "b_base": i.b.base,
            "b_outer": i.b.outer,
            "b_inner": i.b.inner,
            "r_base": i.r.base,
            "r_outer": i.r.outer,
            "r_inner": i.r.inner,
        }

    def _bad_fields(self, limits: Limits) -> Iterator[FieldError]:
        i = self.instruction
        for name in ("outer", "inner", "length"):
            if not getattr(i, name):
                yield self._bad(name, 0, "must be at least 1")
        if i.first == 0:
            yield self._bad("first", 0, "must be at least 1")
        if i.x not in set(Operand):
            yield self._bad("x", i.x, "is no operand")
        if i.z not in (Operand.IMMEDIATE, Operand.B):
            yield self._bad("z", i.z, "is no operand for z")
        if i.reduction not in set(Reduction):
            yield self._bad("reduction", i.reduction, "is no reduction")
        if i.d is None and not i.reduction:
            yield FieldError("VECTOR: it neither stores nor reduces")
        uses_b = Operand.B in (i.x, i.z)
        for name in ("base", "outer", "inner"):
            if uses_b and not i.b_per_row and getattr(i.b, name) % LANES:
                yield self._bad(f"b_{name}", getattr(i.b, name), f"of a stream is not a multiple of {LANES} values")
        if i.length and i.outer and i.inner:
            for name in "abdr":
                yield from self._behind(name.upper(), getattr(self, f"{name}_values")(), limits)

    @classmethod
    def _of(cls, fields: dict[str, int], common: dict) -> Vector:
        names = ("outer", "inner", "length", "exchange")
        instruction = Instruction(
            **{name: fields[name] for name in names},
            first=fields["first"] if fields["masked"] else None,
            step=fields["step"] if fields["masked"] else 0,
            a=_region(fields, "a"),
            b=_region(fields, "b"),
            b_per_row=bool(fields["b_per_row"]),
            x=_known(Operand, fields["x"]),
            z=_known(Operand, fields["z"]),
            immediate_x=_float(fields["immediate_x"]),
            immediate_z=_float(fields["immediate_z"]),
            negate_x=bool(fields["negate_x"]),
            negate_z=bool(fields["negate_z"]),
            function=Function(fields["function_code"]),
            d=_region(fields, "d") if fields["store"] else None,
            reduction=_known(Reduction, fields["reduction"]),
            r=_region(fields, "r"),
        )
        return cls(instruction=instruction, **common)


@dataclass(frozen=True, kw_only=True)
class Transfer(Command):
    """What READ and WRITE have in common: rows of values in memory and in the scratchpad, in two nested loops.

    Attributes:
        address: first row in memory.
        length: values per row, whole lines.
        s: rows in the scratchpad, in words.
        outer, inner: rows.
        outer_stride, inner_stride: distances of rows in memory.
        format: of the values in memory.
    """

    address: int
    length: int
    s: Region
    outer: int = 1
    inner: int = 1
    outer_stride: int = 0
    inner_stride: int = 0
    format: int = ValueFormat.FP32

    @property
    def value_bytes(self) -> int:
        """Bytes of a value in memory."""
        return STORED_BYTES.get(self.format, 4)

    def _memory(self) -> MemoryRows:
        rows = (self.outer, self.outer_stride, self.inner, self.inner_stride)
        return MemoryRows(self.address, self.length * self.value_bytes, *rows)

    def _scratch(self) -> int:
        return scratch_values(self.s.in_values(), self.outer, self.inner, self.length)

    def _fields(self) -> dict[str, int]:
        return {
            "outer": self.outer,
            "inner": self.inner,
            "length": self.length,
            "format": self.format,
            "address": self._lines("address", self.address),
            "outer_stride": self._lines("outer_stride", self.outer_stride, 32),
            "inner_stride": self._lines("inner_stride", self.inner_stride, 32),
            "s_base": self.s.base,
            "s_outer": self.s.outer,
            "s_inner": self.s.inner,
        }

    def _bad_fields(self, limits: Limits) -> Iterator[FieldError]:
        yield from self._rows_missing()
        if self.format not in set(ValueFormat) or self.format == ValueFormat.BFP8 and self.opcode == Opcode.READ:
            yield self._bad("format", self.format, f"is no format of values to {self.opcode.name.lower()}")
        values = LINE // self.value_bytes
        if not self.length or self.length % values:
            yield self._bad("length", self.length, f"is not a positive multiple of {values}")
        if self.length and self.outer and self.inner:
            yield from self._behind("the scratchpad's side", self._scratch(), limits)

    @classmethod
    def _of(cls, fields: dict[str, int], common: dict) -> Transfer:
        return cls(
            address=LINE * fields["address"],
            length=fields["length"],
            s=_region(fields, "s"),
            outer=fields["outer"],
            inner=fields["inner"],
            outer_stride=LINE * _signed(fields["outer_stride"]),
            inner_stride=LINE * _signed(fields["inner_stride"]),
            format=_known(ValueFormat, fields["format"]),
            **common,
        )


@dataclass(frozen=True, kw_only=True)
class Read(Transfer):
    """Rows of values from memory to the scratchpad; see ``Transfer``."""

    opcode = Opcode.READ

    def memory_reads(self) -> tuple[MemoryRows, ...]:
        return (self._memory(),)

    def scratch_writes(self) -> int:
        return self._scratch()


@dataclass(frozen=True, kw_only=True)
class Write(Transfer):
    """Rows of values from the scratchpad to memory; see ``Transfer``."""

    opcode = Opcode.WRITE

    def scratch_reads(self) -> int:
        return self._scratch()

    def memory_writes(self) -> tuple[MemoryRows, ...]:
        return (self._memory(),)


@dataclass(frozen=True, kw_only=True)
class End(Command):
    """The list's end; it has no semaphores."""

    opcode = Opcode.END


_CLASSES: dict[int, type[Command]] = {cls.opcode: cls for cls in (Load, Matrix, Vector, Read, Write, End)}


def unpack(data: bytes) -> Command:
    """Inverse of ``pack``. A value that no field may have stays as it is, for ``violations`` to find.

    Raises:
        CommandError: not 64 bytes, an unknown opcode, a wrong magic number, or a reserved bit that is set.
    """
    if len(data) != COMMAND_BYTES:
        raise CommandError(f"a command has {COMMAND_BYTES} bytes, not {len(data)}")
    bits = int.from_bytes(data, "little")
    opcode, magic = (bits >> lsb & (1 << width) - 1 for lsb, width in (_END["opcode"], _END["magic"]))
    if magic != layout.MAGIC:
        raise CommandError(f"magic number {magic:#06x}, expected {layout.MAGIC:#06x}")
    if opcode not in _CLASSES:
        raise CommandError(f"opcode {opcode} is none of {[f'{o.value} {o.name}' for o in Opcode]}")
    fields = {}
    for name, (lsb, width) in LAYOUTS[Opcode(opcode)].items():
        mask = (1 << width) - 1
        fields[name] = bits >> lsb & mask
        bits &= ~(mask << lsb)
    if bits:
        raise CommandError(f"{Opcode(opcode).name}: reserved bit {(bits & -bits).bit_length() - 1} is set")
    masks = {name: fields.get(name, 0) for name in ("waits", "post")}
    common = {name: frozenset(n for n in range(SEMAPHORES) if mask >> n & 1) for name, mask in masks.items()}
    return _CLASSES[opcode]._of(fields, common)


def pack_list(commands: Iterable[Command]) -> bytes:
    """The bytes of a list.

    Raises:
        FieldError: see ``Command.pack``.
    """
    return b"".join(command.pack() for command in commands)


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def _region(fields: dict[str, int], name: str) -> Region:
    return Region(*(fields[f"{name}_{part}"] for part in ("base", "outer", "inner")))


def _known(enum: type[IntEnum], value: int) -> int:
    return enum(value) if value in set(enum) else value


def _float_bits(value: float) -> int:
    with np.errstate(over="ignore"):
        return int(np.float32(value).view(np.uint32))


def _float(bits: int) -> float:
    return float(np.uint32(bits).view(np.float32))
