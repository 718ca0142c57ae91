"""Random legal programs: a memory image and a list of commands over all engines, which run at the same time.

A program interleaves chains of commands: linear layers with adapters, forward and backward, attention, the vector
engine's programs, copies. Each has places of its own in the scratchpad as long as it lasts, and its places are used
again by later ones. Semaphores come from ``edge_qlora.ordering.synchronize``, with a few more than needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product as product_of

import numpy as np
from edge_qlora import vector as programs
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import (
    BLOCK,
    LINE,
    SEMAPHORES,
    Command,
    End,
    Limits,
    Load,
    Matrix,
    Part,
    Product,
    Read,
    Vector,
    Write,
)
from edge_qlora.footprint import ADDRESS_WORDS, overlap
from edge_qlora.layout import CODE_BITS, NESTED_BLOCK, VALUE_BYTES
from edge_qlora.ordering import check_list, hazards, synchronize
from edge_qlora.products import Factors, StoredFloats, product
from edge_qlora.streams import header_bytes
from edge_qlora.vector import LANES, Function, Instruction, Operand, Reduction, Region

from tb.commands.image import Image
from tb.commands.operands import random_values, random_weight
from tb.models.matrix import Codebook

# Types of arrays that hold what memory holds; uint8: BFP8, which READ does not take.
DTYPES = (np.float32, np.float16)
STORED = {np.float32: ValueFormat.FP32, np.float16: ValueFormat.FP16, np.uint8: ValueFormat.BFP8}
HEAD = 64  # values of an attention head


@dataclass
class Program:
    """A list in memory, with what it works on.

    Attributes:
        image: memory before the list runs; the list and all data are in it.
        limits: of the hardware that it is made for.
        commands: the list.
        address: of the list.
    """

    image: Image
    limits: Limits
    commands: list[Command]
    address: int

    @property
    def names(self) -> str:
        """Opcodes in order, for messages."""
        return " ".join(command.opcode.name for command in self.commands)


class _Full(Exception):
    """There is no room in the scratchpad."""


@dataclass(frozen=True)
class _Rows:
    """Rows of values in the scratchpad."""

    region: Region
    outer: int
    inner: int
    length: int

    @property
    def count(self) -> int:
        return self.outer * self.inner

    @property
    def nest(self) -> dict[str, int]:
        return {"outer": self.outer, "inner": self.inner}

    def of(self, length: int) -> _Rows:
        return replace(self, length=length)


_Group = list[Command]
_Chain = list[_Group]


class _Builder:
    """Places chains in scratchpad and memory."""

    def __init__(self, rng: np.random.Generator, image: Image, limits: Limits):
        self.rng, self.image, self.limits = rng, image, limits
        self.free = np.ones(limits.scratch_words, bool)
        self.used: list[tuple[int, int]] = []  # of the chain that is being built
        # Memory that chains write and read again, so that commands meet there too.
        self.shared = [image.allocate(4096) for _ in range(3)]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, *values):
        return values[self.rng.integers(len(values))]

    def build(self, chain: Callable[[_Builder], _Chain]) -> tuple[_Chain, list[tuple[int, int]]] | None:
        """A chain and the words that it occupies; None if there is no room for it now."""
        self.used = []
        try:
            return chain(self), self.used
        except _Full:
            self.release(self.used)
            return None

    def release(self, used: list[tuple[int, int]]) -> None:
        for begin, words in used:
            self.free[begin : begin + words] = True

    def words(self, words: int) -> int:
        """First of some free words."""
        ends = np.cumsum(np.concatenate(([0], self.free)))
        fits = np.flatnonzero(ends[words:] - ends[:-words] == words)
        if not len(fits):
            raise _Full
        begin = int(self.pick(fits[0], fits[-1], self.rng.choice(fits)))
        self.free[begin : begin + words] = False
        self.used.append((begin, words))
        return begin

    def nest(self, most: int | None = None) -> tuple[int, int]:
        """Rows in two loops."""
        rows = int(self.pick(1, 2, 3, 4, 6, 8, self.limits.max_rows))
        rows = min(rows, most or rows, self.limits.max_rows)
        inner = int(self.pick(*(n for n in range(1, rows + 1) if rows % n == 0)))
        return rows // inner, inner

    def rows(self, outer: int, inner: int, length: int) -> _Rows:
        """A place for rows, with gaps, in either order, sometimes with a negative distance."""
        words = -(-length // LANES) + int(self.pick(0, 0, 0, 1, 3))
        strides = (inner * words, words) if self.chance(0.7) else (words, outer * words)
        base = self.words(outer * inner * words)
        if outer > 1 and self.chance(0.15):
            base, strides = base + (outer - 1) * strides[0], (ADDRESS_WORDS - strides[0], strides[1])
        return _Rows(Region(base, *strides), outer, inner, length)

    def read(self, rows: _Rows, values: np.ndarray | None = None, dtype: type | None = None) -> Read:
        """Fills rows with values [rows, length] from memory, random ones unless they are given."""
        dtype = dtype or self.pick(*DTYPES)
        values = random_values(self.rng, (rows.count, rows.length), dtype) if values is None else values.astype(dtype)
        gap = int(self.pick(0, 0, LINE, 3 * LINE))
        size = values.itemsize * rows.length
        address = self.image.place(np.pad(values.view(np.uint8), ((0, 0), (0, gap))))
        inner_stride, outer_stride = size + gap, rows.inner * (size + gap)
        if rows.outer > 1 and self.chance(0.2):
            address, outer_stride = address + (rows.outer - 1) * outer_stride, -outer_stride
        return self.transfer(Read, rows, address, outer_stride, inner_stride, dtype)

    def write(self, rows: _Rows, address: int | None = None, dtype: type | None = None) -> Write:
        """Writes rows of whole lines to memory."""
        dtype = dtype or self.pick(*(DTYPES if rows.length % BLOCK else STORED))
        size = np.dtype(dtype).itemsize * rows.length
        if address is None:
            address = self.image.allocate(rows.count * size)
        return self.transfer(Write, rows, address, rows.inner * size, size, dtype)

    def transfer(self, kind, rows: _Rows, address: int, outer_stride: int, inner_stride: int, dtype: type):
        form = STORED[dtype]
        strides = {"outer_stride": outer_stride, "inner_stride": inner_stride}
        return kind(address=address, length=rows.length, s=rows.region, format=form, **rows.nest, **strides)

    def floats(self, rows: int, columns: int) -> StoredFloats:
        """A random matrix in memory."""
        return self.image.floats(random_values(self.rng, (rows, columns), self.pick(*STORED)))

    def scale(self) -> float:
        return float(np.float32(self.pick(1.0, 2.0, -0.37, self.rng.uniform(0.01, 30))))


def _vectors(instructions: list[Instruction]) -> _Chain:
    return [[Vector(instruction=instruction)] for instruction in instructions]


def _linear(b: _Builder) -> _Chain:
    """y = W x + s B (A x), or dx, with some work of the vector engine before or behind."""
    outer, inner = b.nest()
    n, k = (BLOCK * int(b.pick(1, 1, 2, 3)) for _ in range(2))
    codes = b.chance(0.7)
    transpose = b.chance(0.4) and (b.limits.backward or not codes)
    length, outputs = (n, k) if transpose else (k, n)
    if codes:
        book = b.pick(None, Codebook.from_values(b.rng.standard_normal(16)))
        weights = b.image.codes(random_weight(b.rng, n, k), book)
    else:
        weights = b.image.floats(random_values(b.rng, (n, k), b.pick(*STORED)))
        outputs = outputs if transpose else min(outputs, BLOCK)
    x, y = b.rows(outer, inner, length), b.rows(outer, inner, outputs)
    chain: _Chain = [[b.read(x)]]
    if b.chance(0.3):
        chain += _in_place(b, x)
    floats = isinstance(weights, StoredFloats)
    factors = [Factors(x.region, weights, transpose, b.scale() if floats else 1.0)]
    if b.chance(0.5) and (transpose or not floats):
        rank = int(b.pick(1, 5, 8, 16, BLOCK))
        u = b.rows(outer, inner, BLOCK)
        down, up = b.floats(rank, length), b.floats(rank, outputs)
        chain.append([*product(u.region, rank, [Factors(x.region, down, False, b.scale())], outer, inner)])
        factors.append(Factors(u.region, up, True, b.scale()))
    # D may be made in two halves, the second without a header.
    halves = [(0, BLOCK), (BLOCK, outputs - BLOCK)] if outputs > BLOCK and b.chance(0.4) else [(0, outputs)]
    for begin, columns in halves:
        d = replace(y.region, base=y.region.base + begin // LANES)
        chain.append([*product(d, columns, factors, outer, inner, begin, header=begin == 0 or b.chance(0.3))])
    if b.chance(0.5):
        chain += _in_place(b, y.of(outputs))
    if outputs % BLOCK == 0:
        chain.append([b.write(y)])
    return chain


# Format and mode of stored weights: transposed or not.
Weights = tuple[WeightFormat, bool]
FLOATS: tuple[Weights, ...] = tuple(product_of(VALUE_BYTES, (False, True)))
CODES: tuple[Weights, ...] = tuple(w for w in product_of(CODE_BITS, (False, True)) if w != (WeightFormat.INT8, True))
# Of the two products of a MATRIX command, every combination that there is.
ALL_WEIGHTS = tuple(product_of((*CODES, *FLOATS), (None, *FLOATS)))


def _tiles(b: _Builder, weights: tuple[Weights, Weights | None] | None = None) -> _Chain:
    """A MATRIX command of given weights, or any: short blocks, any block numbers, its stream anywhere in memory."""
    outer, inner = b.nest(8)
    if weights is None:
        codes = [(form, mode) for form, mode in CODES if b.limits.backward or not mode]
        chosen = b.pick(*codes) if b.chance(0.5) else b.pick(*FLOATS)
        weights = chosen, b.pick(*FLOATS) if b.chance(0.5) else None
    (first, mode), second = weights
    codes, both = first in CODE_BITS, second is not None
    second_format, second_mode = second or FLOATS[0]
    modes = [mode, second_mode]
    lengths = [
        int(b.rng.integers(1, 150)) if mode and not (codes and not number) else BLOCK * int(b.pick(1, 2))
        for number, mode in enumerate(modes)
    ]
    alone = not (codes or modes[0] or both)
    outputs = int(b.rng.integers(1, 150)) if alone else BLOCK * int(b.pick(1, 2))
    a = [b.rows(outer, inner, length + -length % 32) for length in lengths[: 1 + both]]
    d = b.rows(outer, inner, outputs + -outputs % BLOCK)
    products = [
        Product(x.region, length, mode, form, 1.0 if form in CODE_BITS else b.scale())
        for x, length, mode, form in zip(a, lengths, modes, (first, second_format), strict=False)
    ]
    matrix = Matrix(
        d=d.region,
        outputs=outputs,
        product0=products[0],
        product1=products[1] if both else None,
        outer=outer,
        inner=inner,
        block_stride=int(b.rng.integers(0, 40)) if codes else 0,
        block=int(b.rng.integers(0, 2 * NESTED_BLOCK)) if codes else 0,
    )
    header = np.zeros(0, np.uint8)
    if codes or b.chance(0.2):
        # It may come to be in force for a chain whose header was an earlier one, so it has a line of nested values.
        nested = b.rng.uniform(0.01, 0.1, matrix.blocks[-1] // NESTED_BLOCK + 1 if codes else 1)
        book = Codebook.from_values(b.rng.standard_normal(16))
        header = header_bytes(book.entries, book.scale, np.float32(b.rng.normal()), nested.astype(np.float32))
    matrix = replace(matrix, header_bytes=len(header))
    load = _scattered(b, header, np.concatenate([_stream(b, matrix)]))
    return [*([b.read(x)] for x in a), [load, matrix], [b.write(d)]]


def _stream(b: _Builder, matrix: Matrix) -> np.ndarray:
    """Random tiles of a MATRIX command."""
    blocks, rest = divmod(matrix.outputs, BLOCK)
    pieces = []
    for columns in [BLOCK] * blocks + [rest] * (rest > 0):
        for p in matrix.products:
            size = p.stream_bytes(columns)
            if p.format in CODE_BITS:
                pieces.append(b.rng.integers(0, 256, size, np.uint8))
            else:
                dtype = {WeightFormat.FP32: np.float32, WeightFormat.FP16: np.float16}.get(p.format, np.uint8)
                values = random_values(b.rng, (1, size // np.dtype(dtype).itemsize), dtype)
                pieces.append(values.view(np.uint8).reshape(-1))
    return np.concatenate(pieces)


def _scattered(b: _Builder, header: np.ndarray, stream: np.ndarray) -> Load:
    """A LOAD command whose repetitions, parts and rows lie apart, in any direction."""
    lines = len(stream) // LINE
    count = int(b.pick(*(n for n in range(1, min(lines, 12) + 1) if lines % n == 0)))
    each = lines // count
    first = int(b.rng.integers(1, each)) if each > 1 and b.chance(0.5) else each
    parts, taken = [], 0
    per_repetition = stream.reshape(count, each * LINE)
    for size in (first, each - first):
        rows = int(b.pick(*(n for n in range(1, min(size, 16) + 1) if size % n == 0))) if size else 0
        part = None
        if size:
            content = per_repetition[:, taken * LINE : (taken + size) * LINE].reshape(count, rows, -1)
            gap = LINE * int(b.pick(0, 1, 2))
            address = b.image.place(np.pad(content, ((0, 0), (0, 0), (0, gap))))
            stride = content.shape[2] + gap
            part = Part(address, rows, content.shape[2], stride, rows * stride)
        parts.append(part)
        taken += size
    address = b.image.place(header) if len(header) else 0
    return Load(part0=parts[0], part1=parts[1], count=count, header_address=address, header_bytes=len(header))


def _attention(b: _Builder) -> _Chain:
    """Attention of a few tokens to a cache of keys and values, which they may enter themselves."""
    tokens, heads = b.nest(8)
    context = int(b.rng.integers(tokens, 3 * BLOCK))
    dtype = b.pick(*STORED)
    keys, values = (b.image.floats(random_values(b.rng, (context, HEAD), dtype)) for _ in range(2))
    q, out = b.rows(tokens, heads, HEAD), b.rows(tokens, heads, HEAD)
    scores = b.rows(tokens, heads, -(-context // BLOCK) * BLOCK)
    places = -(-tokens * heads // LANES)
    scalars = b.words(2 * places + 2)
    normal = b.rng.standard_normal((q.count, HEAD))
    clear = _Rows(Region(scalars), 1, 1, LANES * (2 * places + 2) // 32 * 32)
    chain: _Chain = [[b.read(q, normal)], [b.read(clear, np.ones((1, clear.length)))]]
    if b.chance(0.6):
        for cache in (keys, values):
            new = b.rows(tokens, 1, HEAD)
            chain.append([b.read(new, b.rng.standard_normal((tokens, HEAD)))])
            address = cache.address + (context - tokens) * HEAD * np.dtype(dtype).itemsize
            chain.append([b.write(new, address, dtype)])
    factors = [Factors(q.region, keys, False, HEAD**-0.5)]
    chain.append([*product(scores.region, context, factors, tokens, heads)])
    places_of_scores = (scores.region, scores.region, scalars)
    chain += _vectors(programs.causal_softmax(*places_of_scores, tokens, heads, context, context - tokens + 1))
    chain.append([*product(out.region, HEAD, [Factors(scores.region, values, True)], tokens, heads)])
    inverse = Region(LANES * scalars, heads, 1)
    divide = Instruction(
        length=HEAD, outer=tokens, inner=heads, a=out.region, x=Operand.B, b=inverse, b_per_row=True, d=out.region
    )
    return [*chain, [Vector(instruction=divide)], [b.write(out)]]


def _in_place(b: _Builder, rows: _Rows) -> _Chain:
    """An instruction on rows in their place, and perhaps their sums or largest values."""
    function = b.pick(Function.NONE, Function.NONE, Function.EXP, Function.RECIPROCAL, Function.RSQRT)
    instruction = Instruction(
        length=rows.length,
        outer=rows.outer,
        inner=rows.inner,
        a=rows.region,
        x=b.pick(Operand.IMMEDIATE, Operand.SELF),
        immediate_x=b.scale(),
        immediate_z=b.scale(),
        negate_x=b.chance(0.3),
        negate_z=b.chance(0.3),
        function=function,
        d=rows.region,
    )
    if b.chance(0.5):
        r = b.words(-(-rows.count // LANES))
        reduction = b.pick(Reduction.SUM, Reduction.MAX, Reduction.ARGMAX)
        instruction = replace(instruction, reduction=reduction, r=Region(LANES * r, rows.inner, 1))
    return [[Vector(instruction=instruction)]]


def elementwise(b: _Builder) -> _Chain:
    """Any instruction of the vector engine on rows of any length."""
    outer, inner = b.nest()
    length = int(b.rng.integers(1, 100))
    padded = length + -length % 32
    a, d = b.rows(outer, inner, padded), b.rows(outer, inner, padded)
    exchange = int(b.pick(0, 0, 1, 2)) if padded // LANES % 4 == 0 else 0
    per_row = b.chance(0.4)
    each = outer * inner + -(outer * inner) % 32
    other = _Rows(Region(b.words(each // LANES)), 1, 1, each) if per_row else b.rows(outer, inner, padded)
    masked = b.chance(0.4)
    x = b.pick(*Operand)
    instruction = Instruction(
        length=length,
        outer=outer,
        inner=inner,
        first=int(b.rng.integers(1, length + 1)) if masked else None,
        step=int(b.pick(0, 1, 7)) if masked else 0,
        a=a.region,
        exchange=exchange,
        b=Region(LANES * other.region.base, inner, 1) if per_row else other.region.in_values(),
        b_per_row=per_row,
        x=x,
        z=b.pick(Operand.IMMEDIATE, Operand.B),
        immediate_x=b.scale(),
        immediate_z=b.scale(),
        negate_x=b.chance(0.3),
        negate_z=b.chance(0.3),
        function=b.pick(Function.NONE, *Function),
        d=d.region,
    )
    chain: _Chain = [[b.read(a)], [b.read(other)], [b.read(d)]]
    if b.chance(0.6):
        r = b.words(-(-outer * inner // LANES))
        kind = b.pick(Reduction.SUM, Reduction.MAX, Reduction.ARGMAX)
        instruction = replace(instruction, reduction=kind, r=Region(LANES * r, inner, 1))
        if b.chance(0.3):
            instruction = replace(instruction, d=None)
    return [*chain, [Vector(instruction=instruction)], [b.write(d)]]


def _norm(b: _Builder) -> _Chain:
    """RMSNorm, a gate and a residual."""
    rows, length = int(b.pick(1, 2, 5)), int(b.pick(64, 96, 160))
    x, up, y = (b.rows(rows, 1, length) for _ in range(3))
    weight, scalars = _Rows(Region(b.words(length // LANES)), 1, 1, length), b.words(4)
    clear = _Rows(Region(scalars), 1, 1, 32)
    values = [b.rng.standard_normal((r.count, r.length)) for r in (x, up, weight, clear)]
    chain: _Chain = [[b.read(r, v)] for r, v in zip((x, up, weight, clear), values, strict=True)]
    chain += _vectors(programs.rms_norm(x.region, weight.region.base, y.region, scalars, rows, length, 1e-5))
    if b.chance(0.5):
        gated = b.rows(rows, 1, length)
        chain += _vectors(programs.silu(y.region, gated.region, rows, length))
        chain += _vectors([programs.multiply(gated.region, up.region, y.region, rows, length)])
    chain += _vectors([programs.add(x.region, y.region, x.region, rows, length)])
    return [*chain, [b.write(x)]]


def _copy(b: _Builder) -> _Chain:
    """Values from memory to memory, through places that other chains use too."""
    outer, inner = b.nest(4)
    dtype = b.pick(*DTYPES)
    x, y = (b.rows(outer, inner, int(b.pick(32, 64, 96))) for _ in range(2))
    y = y.of(x.length) if y.length > x.length else y
    address = b.pick(*b.shared)
    size = np.dtype(dtype).itemsize * x.length
    back = b.transfer(Read, y, address, x.inner * size, size, dtype)
    return [[b.read(x)], [b.write(x, address, dtype)], [back], [b.write(y)]]


CHAINS = (_linear, _linear, _tiles, _attention, elementwise, _norm, _copy)


def tiles(weights: tuple[Weights, Weights | None]) -> Callable[[_Builder], _Chain]:
    """A chain around one MATRIX command of given weights, see ``ALL_WEIGHTS``."""
    return lambda b: _tiles(b, weights)


def random_program(
    rng: np.random.Generator,
    limits: Limits,
    chains: int | Sequence[Callable[[_Builder], _Chain]] = 6,
    base: int = 1 << 32,
) -> Program:
    """A legal program.

    Args:
        limits: of the hardware; its window is replaced by the image's.
        chains: the chains of commands that it is made of, or how many of any kinds.
        base: of memory, a multiple of 4,096.
    """
    image = Image(1 << 20, base)
    limits = replace(limits, window=image.window)
    builder = _Builder(rng, image, limits)
    if isinstance(chains, int):
        chains = [builder.pick(*CHAINS) for _ in range(chains)]
    commands = _interleaved(builder, list(chains))
    _load_early(builder, commands)
    commands = _renumbered(rng, synchronize([*commands, End()]))
    _more_semaphores(rng, commands)
    return Program(image, limits, commands, image.list(commands))


def _interleaved(b: _Builder, chains: list[Callable[[_Builder], _Chain]]) -> list[Command]:
    """Commands of several chains, each in its order; a new chain begins when there is room for it."""
    commands: list[Command] = []
    active: list[tuple[_Chain, list[tuple[int, int]]]] = []
    while active or chains:
        if chains and len(active) < 4:
            chain = chains.pop(0)
            if built := b.build(chain):
                active.append(built)
                continue
            chains.append(chain)  # later, when there is room, or with other sizes
        if not active:
            continue
        index = int(b.rng.integers(len(active)))
        chain, used = active[index]
        commands += chain.pop(0)
        if not chain:
            b.release(used)
            active.pop(index)
    return commands


def _load_early(b: _Builder, commands: list[Command]) -> None:
    """Move some LOAD commands forward, but not past another one or past what changes their weights."""
    for position in range(1, len(commands)):
        load, to = commands[position], position
        if not isinstance(load, Load) or b.chance(0.5):
            continue
        while to and not isinstance(before := commands[to - 1], Load) and to > position - 4:
            if overlap(before.footprint[3], load.footprint[2]) is not None:
                break
            to -= 1
        commands.insert(to, commands.pop(position))


def _renumbered(rng: np.random.Generator, commands: list[Command]) -> list[Command]:
    numbers = rng.permutation(SEMAPHORES).tolist()
    return [
        replace(c, waits=frozenset(numbers[n] for n in c.waits), post=frozenset(numbers[n] for n in c.post))
        for c in commands
    ]


def _more_semaphores(rng: np.random.Generator, commands: list[Command]) -> None:
    """Add order that is not needed, by semaphores that are not used yet."""
    used = {n for c in commands for n in c.waits | c.post}
    for number in sorted(set(range(SEMAPHORES)) - used)[: int(rng.integers(0, 4))]:
        first, second = sorted(rng.choice(len(commands) - 1, 2, replace=False).tolist())
        if not isinstance(commands[first], Load):
            commands[first] = replace(commands[first], post=commands[first].post | {number})
            commands[second] = replace(commands[second], waits=commands[second].waits | {number})


def faults(program: Program) -> list[str]:
    """What is wrong with a program's list, in plain sentences: nothing, for a legal one."""
    found = [str(error) for command in program.commands for error in command.violations(program.limits)]
    found += check_list(program.commands)
    found += [hazard.sentence for hazard in hazards(program.commands)]
    written = 0
    for position, command in enumerate(program.commands):
        if command.footprint[0] & ~written:
            found.append(f"command {position} ({command.opcode.name}) reads what nothing has written")
        written |= command.footprint[1]
    return found
