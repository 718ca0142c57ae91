"""Instructions of the vector engine on the scratchpad, bit for bit.

An instruction runs over ``outer * inner`` rows of ``length`` values. Of each value a of operand A it computes

    y = f(a * x + z)        rounded after the product, after the sum and in f

where x is an immediate, a itself, or operand B, z an immediate or operand B, either with its sign inverted if wanted,
and f nothing, the exponential, the reciprocal or the reciprocal square root (``tb/models/functions.py``). Operand B is
a stream of values like A or one value per row. y goes to destination D, and its sum or its largest value over the row
to R, one value per row. With a mask, row (o, i) has only ``first + o * step`` active values: the others are zero in D
and count in no reduction, which is the causal mask of attention.

The scratchpad is an array of FP32 words of LANES values; A and D are in words, B and R in values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from tb.models import fp32, functions

LANES = 8
# A row's sum is the sum of this many interleaved sums: the adder's latency times the lanes.
PARTIAL_SUMS = 32
NEGATIVE_INFINITY = np.float32(-np.inf)


class Operand(IntEnum):
    """What x or z is."""

    IMMEDIATE = 0
    SELF = 1  # x only: a itself
    B = 2


class Function(IntEnum):
    """f; the codes are those of ``functions_pkg``, and 3 for none."""

    EXP = 0
    RECIPROCAL = 1
    RSQRT = 2
    NONE = 3


class Reduction(IntEnum):
    """What goes to R."""

    NONE = 0
    SUM = 1
    MAX = 2


@dataclass(frozen=True)
class Region:
    """Where a row of an operand begins: ``base + o * outer + i * inner``."""

    base: int = 0
    outer: int = 0
    inner: int = 0

    def rows(self, outer: int, inner: int) -> np.ndarray:
        """Beginnings of all rows, [outer, inner], flattened."""
        return (self.base + self.outer * np.arange(outer)[:, None] + self.inner * np.arange(inner)).reshape(-1)


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        outer, inner: rows, at least 1 each.
        length: values per row, at least 1.
        first, step: active values of row (o, i) are ``min(length, first + o * step)``; None: all of them. At least 1.
        a: operand A, in words.
        exchange: A's word w of a row is read at w XOR exchange, which exchanges halves of attention heads for RoPE.
        b: operand B, in values; as a stream its rows begin at whole words.
        b_per_row: B is one value per row.
        x, z: what the value is multiplied with, and what is added.
        immediate_x, immediate_z: FP32 values.
        negate_x, negate_z: x or z has its sign inverted.
        function: f.
        d: destination in words, None: y is not stored.
        reduction, r: what is stored per row, and where, in values.
    """

    length: int
    outer: int = 1
    inner: int = 1
    first: int | None = None
    step: int = 0
    a: Region = field(default_factory=Region)
    exchange: int = 0
    b: Region = field(default_factory=Region)
    b_per_row: bool = False
    x: Operand = Operand.IMMEDIATE
    z: Operand = Operand.IMMEDIATE
    immediate_x: float = 1.0
    immediate_z: float = 0.0
    negate_x: bool = False
    negate_z: bool = False
    function: Function = Function.NONE
    d: Region | None = None
    reduction: Reduction = Reduction.NONE
    r: Region = field(default_factory=Region)

    @property
    def words(self) -> int:
        """Words per row."""
        return -(-self.length // LANES)

    def active(self) -> np.ndarray:
        """Active values of each row, int64 [outer * inner]."""
        if self.first is None:
            return np.full(self.outer * self.inner, self.length)
        lengths = np.minimum(self.length, self.first + self.step * np.arange(self.outer))
        return np.repeat(lengths, self.inner)


def _negated(values: np.ndarray, negate: bool) -> np.ndarray:
    return (fp32.to_bits(values) ^ np.uint32(negate << 31)).view(np.float32)


def row_sums(values: np.ndarray) -> fp32.Float32:
    """Sums over the last axis in the engine's order.

    PARTIAL_SUMS interleaved sums, each from zero in ascending order, then halves added to halves.

    Args:
        values: float32 [rows, n].
    """
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % PARTIAL_SUMS)))
    partial = np.zeros((len(values), PARTIAL_SUMS), np.float32)
    for part in padded.reshape(len(values), -1, PARTIAL_SUMS).swapaxes(0, 1):
        partial = fp32.add(partial, part)
    while partial.shape[1] > 1:
        half = partial.shape[1] // 2
        partial = fp32.add(partial[:, :half], partial[:, half:])
    return partial[:, 0]


def row_maxima(values: np.ndarray) -> fp32.Float32:
    """Largest values over the last axis; NaN if there is one, subnormals count as zeros, -0 is below +0."""
    flushed = fp32.flush(values)
    bits = fp32.to_bits(flushed)
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    largest = keys.max(axis=1)
    found = np.where(largest >> 31, largest & np.uint32(0x7FFFFFFF), ~largest)
    return np.where(np.isnan(flushed).any(axis=1), fp32.CANONICAL_NAN, found).astype(np.uint32).view(np.float32)


_FUNCTIONS = {
    Function.EXP: functions.exp,
    Function.RECIPROCAL: functions.reciprocal,
    Function.RSQRT: functions.rsqrt,
}


def execute(memory: np.ndarray, instruction: Instruction) -> None:
    """Run one instruction.

    Args:
        memory: float32 [words, LANES], changed in place. Operands are read before anything is written.

    Raises:
        IndexError: an address outside of the memory.
    """
    i, flat = instruction, memory.reshape(-1)
    words = np.arange(i.words)
    a = memory[i.a.rows(i.outer, i.inner)[:, None] + (words ^ i.exchange)].reshape(i.outer * i.inner, -1)
    b = np.zeros_like(a)
    if Operand.B in (i.x, i.z):
        begin = i.b.rows(i.outer, i.inner)[:, None]
        b = flat[begin + (0 if i.b_per_row else np.arange(i.words * LANES))]
    operands = {Operand.IMMEDIATE: np.float32(i.immediate_x), Operand.SELF: a, Operand.B: b}
    x = _negated(np.broadcast_to(operands[i.x], a.shape), i.negate_x)
    z = b if i.z == Operand.B else np.float32(i.immediate_z)
    y = fp32.add(fp32.mul(a, x), _negated(np.broadcast_to(z, a.shape), i.negate_z))
    if i.function != Function.NONE:
        y = _FUNCTIONS[i.function](y)
    active = np.arange(i.words * LANES) < i.active()[:, None]
    if i.d is not None:
        memory[i.d.rows(i.outer, i.inner)[:, None] + words] = np.where(active, y, 0).reshape(-1, i.words, LANES)
    if i.reduction == Reduction.SUM:
        flat[i.r.rows(i.outer, i.inner)] = row_sums(np.where(active, y, np.float32(0)))
    elif i.reduction == Reduction.MAX:
        flat[i.r.rows(i.outer, i.inner)] = row_maxima(np.where(active, y, NEGATIVE_INFINITY))
