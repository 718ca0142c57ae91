"""Golden model of the core: runs lists of commands from a memory image, in the list's order, bit for bit.

What a list gives on the hardware is this as long as ``edge_qlora.ordering`` finds no fault in it. After an error,
memory and scratchpad hold what the commands before it made; the hardware may have got further, or less far.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

import numpy as np
from edge_qlora.command_layout import COMMAND_BYTES
from edge_qlora.commands import (
    BLOCK,
    LINE,
    SEMAPHORES,
    Command,
    End,
    Limits,
    Load,
    Matrix,
    Read,
    Vector,
    Write,
    unpack,
)
from edge_qlora.errors import CommandError
from edge_qlora.footprint import ADDRESS_WORDS, MemoryRows, merged
from edge_qlora.ordering import LARGEST_COUNT
from edge_qlora.registers import ErrorCode
from edge_qlora.vector import LANES, Region

from tb.models import vector
from tb.models.matrix import CodeWeights, FloatWeights, Segment, gemm
from tb.models.transfers import loaded_values, stored_values
from tb.models.weights import Header, parse

PAGE = 4096


@dataclass
class Report:
    """How a list ended.

    Attributes:
        error: NONE if it ran to its end without one.
        command: address of the command that the error belongs to.
        info: see docs/commands.md.
        commands: commands that were executed.
        read_bytes, write_bytes: memory traffic without that of the list itself.
        mac_vectors: activation vectors that entered the array.
    """

    error: ErrorCode = ErrorCode.NONE
    command: int = 0
    info: int = 0
    commands: int = 0
    read_bytes: int = 0
    write_bytes: int = 0
    mac_vectors: int = 0


class _Failure(Exception):
    def __init__(self, error: ErrorCode, info: int = 0, command: int | None = None):
        self.error, self.info, self.command = error, info, command


@dataclass
class _Weights:
    """Decoded weights, of what time they are, and the pages of memory that they come from."""

    weights: list[CodeWeights | FloatWeights]
    time: int
    pages: np.ndarray

    @property
    def size(self) -> int:
        """Bytes."""
        parts = [vars(w).values() for w in self.weights]
        return sum(v.nbytes for values in parts for v in values if isinstance(v, np.ndarray))


@dataclass
class Core:
    """The accelerator's core over a memory.

    Attributes:
        memory: uint8; whoever changes it from outside says so to ``touched``, or does it by ``write``.
        limits: of the hardware, the memory window among them.
        act_width: activation mantissa width in bits.
        base: address of the memory's first byte, a multiple of 64.
        columns: of the array; only ``Report.mac_vectors`` depends on it.
        cache_bytes: most bytes of decoded weights that are kept from list to list.
        scratch: float32 [words, 8].
    """

    memory: np.ndarray | bytearray
    limits: Limits
    act_width: int
    base: int = 0
    columns: int = 8
    cache_bytes: int = 4 << 30
    scratch: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.memory = np.frombuffer(self.memory, np.uint8)
        self.scratch = np.zeros((self.limits.scratch_words, LANES), np.float32)
        self._lines = self.memory[: len(self.memory) // LINE * LINE].reshape(-1, LINE)
        # When each page was last changed, as the number of the change.
        self._changed = np.zeros(-(-len(self.memory) // PAGE), np.int64)
        self._time = 0
        self._cache: OrderedDict[tuple, _Weights] = OrderedDict()
        self._cached_bytes = 0

    def write(self, address: int, data: bytes) -> None:
        """The host writes to memory."""
        start = address - self.base
        self.memory[start : start + len(data)] = np.frombuffer(data, np.uint8)
        self.touched(address, len(data))

    def touched(self, address: int, size: int) -> None:
        """Memory was changed from outside."""
        first, last = (address - self.base) // PAGE, (address - self.base + size - 1) // PAGE
        self._time += 1
        self._changed[first : last + 1] = self._time

    def run(self, list_address: int) -> Report:
        """Run the list at an address to its end or to its first error."""
        report = Report()
        if list_address % LINE:
            return replace(report, error=ErrorCode.ALIGNMENT, command=list_address, info=list_address)
        self._semaphores = [0] * SEMAPHORES
        self._loads: list[tuple[int, Load]] = []
        self._header: tuple[bytes, Header] | None = None
        nonfinite: int | None = None
        address = list_address
        try:
            while not isinstance(command := self._fetch(address), End):
                self._take(command)
                found = self._execute(command, report)
                nonfinite = address if found and nonfinite is None else nonfinite
                self._post(command)
                report.commands += 1
                address += COMMAND_BYTES
            if self._loads:
                raise _Failure(ErrorCode.STREAM, command=self._loads[-1][0])
        except _Failure as failure:
            report.error, report.info = failure.error, failure.info
            report.command = address if failure.command is None else failure.command
        else:
            if nonfinite is not None:
                report.error, report.command = ErrorCode.NONFINITE, nonfinite
        return report

    def _fetch(self, address: int) -> Command:
        window = self.limits.window
        if window and (outside := MemoryRows(address, COMMAND_BYTES).first_outside(window)):
            raise _Failure(ErrorCode.RANGE, outside[1])
        start = address - self.base
        try:
            command = unpack(self.memory[start : start + COMMAND_BYTES].tobytes())
        except CommandError:
            raise _Failure(ErrorCode.COMMAND) from None
        self._address = address
        for error in command.violations(self.limits):
            raise _Failure(error.code, error.info or 0)
        return command

    def _take(self, command: Command) -> None:
        if any(not self._semaphores[number] for number in command.waits):
            raise _Failure(ErrorCode.DEADLOCK)
        for number in command.waits:
            self._semaphores[number] -= 1

    def _post(self, command: Command) -> None:
        for number in sorted(command.post):
            self._semaphores[number] += 1
            if self._semaphores[number] > LARGEST_COUNT:
                raise _Failure(ErrorCode.SEMAPHORE, number)

    def _execute(self, command: Command, report: Report) -> bool:
        """Run a command; whether it met a NaN or an infinity."""
        if isinstance(command, Load):
            self._loads.append((self._address, command))
            report.read_bytes += command.stream_bytes
        elif isinstance(command, Matrix):
            return self._matrix(command, report)
        elif isinstance(command, Vector):
            vector.execute(self.scratch, command.instruction)
        elif isinstance(command, Read):
            report.read_bytes += self._read(command)
        elif isinstance(command, Write):
            report.write_bytes += self._write(command)
        return False

    def _matrix(self, command: Matrix, report: Report) -> bool:
        if not self._loads:
            raise _Failure(ErrorCode.DEADLOCK)
        _, load = self._loads.pop(0)
        if load.stream_bytes != command.stream_bytes:
            raise _Failure(ErrorCode.STREAM)
        segments = [
            Segment(self._rows(product.a, command, product.length), weights, product.transpose, product.scale)
            for product, weights in zip(command.products, self._weights(load, command), strict=True)
        ]
        with np.errstate(over="ignore", invalid="ignore"):
            d = gemm(segments, self.act_width)
        words = self._words(command.d, command, -(-command.outputs // BLOCK) * BLOCK)
        padded = np.pad(d, ((0, 0), (0, -command.outputs % BLOCK)))
        self.scratch[words] = padded.reshape(*words.shape, LANES)
        report.mac_vectors += self._vectors(command)
        return not np.isfinite(d).all()

    def _words(self, region: Region, rows: Matrix | Read | Write, values: int) -> np.ndarray:
        """Words of the scratchpad [rows, words of a row] of a command's rows."""
        begins = region.rows(rows.outer, rows.inner) % ADDRESS_WORDS
        return begins[:, None] + np.arange(-(-values // LANES))

    def _rows(self, region: Region, rows: Matrix | Read | Write, length: int) -> np.ndarray:
        """Values [rows, length] of the scratchpad."""
        return self.scratch[self._words(region, rows, length)].reshape(rows.outer * rows.inner, -1)[:, :length]

    def _vectors(self, command: Matrix) -> int:
        """Vectors that enter the array: the rows, as often as it takes ``columns`` of a tile's columns at a time."""
        passes = 0
        for product in command.products:
            whole, rest = divmod(command.outputs, BLOCK)
            per_block = whole * -(-BLOCK // self.columns) + -(-rest // self.columns)
            passes += product.blocks * per_block
        return command.outer * command.inner * passes

    def _weights(self, load: Load, command: Matrix) -> list[CodeWeights | FloatWeights]:
        """The weights of a command; decoded again only if their memory has changed."""
        if command.header_bytes:
            begin = self._beginning(load, command.header_bytes)
            if self._header is None or self._header[0] != begin:
                self._header = begin, Header.parse(begin)
        in_force = self._header or (b"", Header.parse(bytes(2 * LINE)))
        products = tuple(replace(product, a=Region(), scale=1.0) for product in command.products)
        what = (products, command.outputs, command.header_bytes, command.block, command.block_stride)
        key = (replace(load, waits=frozenset(), post=frozenset()), what, in_force[0] if command.blocks else b"")
        known = self._cache.get(key)
        if known and self._changed[known.pages].max() <= known.time:
            self._cache.move_to_end(key)
            return known.weights
        stream = self._stream(load)[command.header_bytes :]
        weights = parse(command, stream, in_force[1], self.limits.nested_depth)
        self._keep(key, _Weights(weights, self._time, self._pages(load)))
        return weights

    def _keep(self, key: tuple, weights: _Weights) -> None:
        """Remember decoded weights, and forget those that were not used for the longest time."""
        old = self._cache.pop(key, None)
        self._cached_bytes += weights.size - (old.size if old else 0)
        self._cache[key] = weights
        while self._cached_bytes > self.cache_bytes and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].size

    def _beginning(self, load: Load, size: int) -> bytes:
        """The first bytes of a stream; they are the LOAD command's header, or it is a strange one."""
        if size == load.header_bytes:
            return self._gather(MemoryRows(load.header_address, size)).tobytes()
        return self._stream(load)[:size].tobytes()

    def _stream(self, load: Load) -> np.ndarray:
        """All bytes of a stream."""
        rows = list(load.memory_reads())
        header = [self._gather(rows.pop(0)).reshape(-1)] if load.header_bytes else []
        parts = [self._gather(part).reshape(load.count, -1) for part in rows]
        return np.concatenate([*header, np.concatenate(parts, axis=1).reshape(-1)] if parts else header)

    def _line_numbers(self, rows: MemoryRows) -> np.ndarray:
        """Numbers of the lines of memory [rows, lines of a row]."""
        return (rows.begins()[:, None] - self.base) // LINE + np.arange(rows.size // LINE)

    def _gather(self, rows: MemoryRows) -> np.ndarray:
        """The bytes of rows of memory [rows, bytes]."""
        return self._lines[self._line_numbers(rows)].reshape(-1, rows.size)

    def _pages(self, load: Load) -> np.ndarray:
        pieces = (merged(load.memory_reads()) - self.base) // PAGE
        # The end of a piece may be the beginning of the next page, which does no harm.
        pages = [np.arange(first, last + 1) for first, last in pieces]
        return np.unique(np.concatenate(pages)).clip(max=len(self._changed) - 1)

    def _read(self, command: Read) -> int:
        (rows,) = command.memory_reads()
        data = self._gather(rows)
        values = loaded_values(data.reshape(-1), command.format)
        words = self._words(command.s, command, command.length)
        self.scratch[words] = values.reshape(*words.shape, LANES)
        return data.size

    def _write(self, command: Write) -> int:
        (rows,) = command.memory_writes()
        values = self._rows(command.s, command, command.length)
        data = stored_values(values, command.format)
        self._lines[self._line_numbers(rows)] = data.view(np.uint8).reshape(len(data), -1, LINE)
        for begin, end in merged((rows,)):
            self.touched(int(begin), int(end - begin))
        return data.nbytes
