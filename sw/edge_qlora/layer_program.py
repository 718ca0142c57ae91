"""The commands of one QLoRA linear layer, forward and backward, without semaphores (``ordering.synchronize``).

A result's reduction is never cut, because its order is part of the numerics (``tb/models/qlora.py``). Rows are: as
many as the scratchpad holds go through one pass over the weights. Columns are, where a row of them does not fit. How
they are cut depends on the rows that arrays have, not on those that are in use: fewer tokens never make more commands.

M is the number of tokens, K in_features, N out_features, r the LoRA rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .command_layout import ValueFormat
from .commands import BLOCK_WORDS, Command, Limits, Read, Write
from .errors import ModelLimitError
from .layout import BLOCK, VALUE_BYTES
from .products import Factors, StoredCodes, StoredFloats, product
from .vector import LANES, Region


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter in memory: A [r, K], B transposed [r, N], and s in ``y = W x + s B (A x)``."""

    a: StoredFloats
    bt: StoredFloats
    scale: float


@dataclass(frozen=True)
class _Chunks:
    """How a result is cut so that it fits the scratchpad.

    Attributes:
        rows: that are worked on together.
        inputs: places for what a result's rows are computed from.
        columns: of the result that are made by one command.
        outputs: places for these.
    """

    rows: int
    inputs: int
    columns: int
    outputs: int


def _chunks(limits: Limits, rows: int, row_words: int, columns: int) -> _Chunks:
    """As many rows as possible; then two places for outputs, then two for inputs, so that transfers overlap products.

    Args:
        rows: of the result.
        row_words: words that one row's inputs take.
        columns: of the result.

    Raises:
        ModelLimitError: not even one row fits, with 64 of its columns.
    """
    for count in range(min(rows, limits.max_rows), 0, -1):
        for inputs, outputs in ((2, 2), (1, 2), (1, 1)):
            if count == rows and (inputs > 1 or outputs > 1 and columns == BLOCK):
                continue  # there is nothing to overlap with
            blocks = (limits.scratch_words - inputs * count * row_words) // (outputs * count * BLOCK_WORDS)
            if blocks >= 1:
                return _Chunks(count, inputs, min(columns, blocks * BLOCK), outputs)
    needed = row_words + BLOCK_WORDS
    raise ModelLimitError(f"a row needs {needed} words of the scratchpad, which has {limits.scratch_words}")


class _Places:
    """Where a chunk's inputs and outputs are; they change places from chunk to chunk."""

    def __init__(self, chunks: _Chunks, row_words: int):
        self.chunks, self.row_words = chunks, row_words
        self.made = 0

    def inputs(self, number: int) -> int:
        """First word of a chunk's inputs."""
        return number % self.chunks.inputs * self.chunks.rows * self.row_words

    def output(self) -> int:
        """First word of the next output."""
        base = self.chunks.inputs * self.chunks.rows * self.row_words
        size = self.chunks.rows * self.chunks.columns // LANES
        self.made += 1
        return base + (self.made - 1) % self.chunks.outputs * size


def _value_format(weights: StoredFloats) -> ValueFormat:
    return ValueFormat[weights.format.name]


def _row_bytes(weights: StoredFloats) -> int:
    return weights.columns * VALUE_BYTES[weights.format]


def _read(source: StoredFloats, begin: int, rows: int, s: Region) -> Read:
    """Rows of a matrix to the scratchpad."""
    pitch = _row_bytes(source)
    address, form = source.address + begin * pitch, _value_format(source)
    return Read(address=address, length=source.columns, s=s, outer=rows, outer_stride=pitch, format=form)


def _write(target: StoredFloats, begin: int, rows: int, column: int, columns: int, place: int) -> Write:
    """Some columns of some rows of a matrix, which lie one behind the other, to memory."""
    pitch = _row_bytes(target)
    address = target.address + begin * pitch + column * pitch // target.columns
    s, form = Region(place, columns // LANES), _value_format(target)
    return Write(address=address, length=columns, s=s, outer=rows, outer_stride=pitch, format=form)


def _results(
    target: StoredFloats, begin: int, rows: int, places: _Places, factors: list[Factors], header: bool = False
) -> Iterator[Command]:
    """Products of some rows with all columns, and their way to memory."""
    for column in range(0, target.columns, places.chunks.columns):
        columns = min(places.chunks.columns, target.columns - column)
        place = places.output()
        d = Region(place, columns // LANES)
        yield from product(d, columns, factors, rows, 1, column, header and column == 0)
        yield _write(target, begin, rows, column, columns, place)


def _linear(
    limits: Limits,
    tokens: int,
    source: StoredFloats,
    weights: StoredCodes,
    transpose: bool,
    low_rank: tuple[tuple[StoredFloats, float], tuple[StoredFloats, float]] | None,
    target: StoredFloats,
) -> Iterator[Command]:
    """``target = source W^T`` or, in T mode, ``source W``; plus ``up_scale (down_scale source down^T) up``."""
    length = source.columns // LANES
    row_words = length + (BLOCK_WORDS if low_rank else 0)
    chunks = _chunks(limits, source.rows, row_words, target.columns)
    places = _Places(chunks, row_words)

    def read(number: int) -> Iterator[Command]:
        begin = number * chunks.rows
        if begin < tokens:
            yield _read(source, begin, min(chunks.rows, tokens - begin), Region(places.inputs(number), length))

    yield from read(0)
    for number, begin in enumerate(range(0, tokens, chunks.rows)):
        if chunks.inputs > 1:
            yield from read(number + 1)
        rows, place = min(chunks.rows, tokens - begin), places.inputs(number)
        a = Region(place, length)
        factors = [Factors(a, weights, transpose)]
        if low_rank:
            (down, down_scale), (up, up_scale) = low_rank
            u = Region(place + chunks.rows * length, BLOCK_WORDS)
            yield from product(u, down.rows, [Factors(a, down, False, down_scale)], rows)
            factors.append(Factors(u, up, True, up_scale))
        yield from _results(target, begin, rows, places, factors, header=number == 0)
        if chunks.inputs == 1:
            yield from read(number + 1)


def _gradient(
    limits: Limits,
    tokens: int,
    source: StoredFloats,
    first: StoredFloats,
    first_scale: float,
    second: StoredFloats,
    second_scale: float,
    target: StoredFloats,
) -> Iterator[Command]:
    """``target = second_scale (first_scale source first^T) second``, the inner product over tokens."""
    length, low_words = source.columns // LANES, -(-first.rows // BLOCK) * BLOCK_WORDS
    first, second = replace(first, rows=tokens), replace(second, rows=tokens)
    chunks = _chunks(limits, source.rows, length + low_words, target.columns)
    places = _Places(chunks, length + low_words)
    for number, begin in enumerate(range(0, source.rows, chunks.rows)):
        rows, place = min(chunks.rows, source.rows - begin), places.inputs(number)
        a, low = Region(place, length), place + chunks.rows * length
        yield _read(source, begin, rows, a)
        for token in range(0, tokens, BLOCK):
            d = Region(low + token // LANES, low_words)
            yield from product(d, min(BLOCK, tokens - token), [Factors(a, first, False, first_scale)], rows, 1, token)
        factors = [Factors(Region(low, low_words), second, True, second_scale)]
        yield from _results(target, begin, rows, places, factors)


def forward(
    limits: Limits, tokens: int, weights: StoredCodes, adapter: Adapter | None, x: StoredFloats, y: StoredFloats
) -> list[Command]:
    """``y = W x + s B (A x)`` of the first so many rows of x [M, K] and y [M, N].

    Raises:
        ModelLimitError: the accelerator's scratchpad is too small for a row.
    """
    low_rank = None if adapter is None else ((adapter.a, 1.0), (adapter.bt, adapter.scale))
    return list(_linear(limits, tokens, x, weights, False, low_rank, y))


def input_gradient(
    limits: Limits, tokens: int, weights: StoredCodes, adapter: Adapter | None, dy: StoredFloats, dx: StoredFloats
) -> list[Command]:
    """``dx = dy W + s (dy B) A`` of dy [M, N] and dx [M, K]; otherwise as ``forward``."""
    low_rank = None if adapter is None else ((adapter.bt, adapter.scale), (adapter.a, 1.0))
    return list(_linear(limits, tokens, dy, weights, True, low_rank, dx))


def adapter_gradients(
    limits: Limits,
    tokens: int,
    adapter: Adapter,
    x: StoredFloats,
    dy: StoredFloats,
    da: StoredFloats,
    dbt: StoredFloats,
) -> list[Command]:
    """``dA = (s B^T dy^T) x`` [r, K] and ``dB^T = s (A x^T) dy`` [r, N]; otherwise as ``forward``."""
    return [
        *_gradient(limits, tokens, adapter.bt, dy, adapter.scale, x, 1.0, da),
        *_gradient(limits, tokens, adapter.a, x, 1.0, dy, adapter.scale, dbt),
    ]
