"""Instructions of the vector engine, and the programs that a transformer's layers make of them.

An instruction runs over ``outer * inner`` rows of ``length`` values. Of each value a of operand A it computes

    y = f(a * x + z)        rounded after the product, after the sum and in f

where x is an immediate, a itself, or operand B, z an immediate or operand B, either with its sign inverted if wanted,
and f nothing, the exponential, the reciprocal or the reciprocal square root. Operand B is a stream of values like A or
one value per row. y goes to destination D, and its sum, its largest value or the place of that over the row to R, one
value per row. With a mask, row (o, i) has only ``first + o * step`` active values: the others are zero in D and count
in no reduction. This is the causal mask of attention.

The scratchpad is an array of FP32 words of LANES values; A and D are in words, B and R in values. What an instruction
means bit for bit is in ``tb/models/vector.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np

LANES = 8
PLACE_ZERO = 1 << 23  # FP32 holds the whole numbers from it on exactly


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
    ARGMAX = 3  # PLACE_ZERO plus the number of the largest value, the first of equal ones


@dataclass(frozen=True)
class Region:
    """Where a row of an operand begins: ``base + o * outer + i * inner``."""

    base: int = 0
    outer: int = 0
    inner: int = 0

    def in_values(self) -> Region:
        """The same region with its addresses in values instead of words."""
        return Region(LANES * self.base, LANES * self.outer, LANES * self.inner)

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


def rms_norm(x: Region, weight: int, y: Region, scalars: int, rows: int, length: int, eps: float) -> list[Instruction]:
    """``y = x / sqrt(mean(x**2) + eps) * weight`` of each row.

    Args:
        x, y: rows, in words; ``outer`` is the distance of rows. They may be the same.
        weight: first word of the weights.
        scalars: first word of a place for one value per row.
    """
    values = -(-rows // LANES) * LANES
    per_row = Region(LANES * scalars, 1, 0)
    every = Instruction(length=length, outer=rows, a=x)
    return [
        replace(every, x=Operand.SELF, reduction=Reduction.SUM, r=per_row),
        Instruction(
            length=values,
            a=Region(scalars),
            immediate_x=1 / length,
            immediate_z=eps,
            function=Function.RSQRT,
            d=Region(scalars),
        ),
        replace(every, x=Operand.B, b=per_row, b_per_row=True, d=y),
        replace(every, a=y, x=Operand.B, b=Region(LANES * weight), d=y),
    ]


def causal_softmax(
    scores: Region, y: Region, scalars: int, tokens: int, heads: int, context: int, first: int
) -> list[Instruction]:
    """Softmax of the scores of ``tokens`` over ``context`` positions, without its division.

    y becomes ``exp(score - largest)``, zero beyond the row's token. The division is left to the outputs of attention,
    which are fewer: one over each row's sum is in ``scalars``, row (token, head) at value ``token * heads + head``.

    Args:
        scores, y: rows, in words; ``outer`` is the distance of tokens, ``inner`` that of heads. They may be the same.
        scalars: first word of a place for two values per row.
        first: positions that the first of the tokens sees; each that follows sees one more.
    """
    places = -(-tokens * heads // LANES)
    largest, sums = (Region(LANES * place, heads, 1) for place in (scalars + places, scalars))
    every = Instruction(length=context, outer=tokens, inner=heads, first=first, step=1, a=scores)
    return [
        replace(every, reduction=Reduction.MAX, r=largest),
        replace(
            every,
            z=Operand.B,
            b=largest,
            b_per_row=True,
            negate_z=True,
            function=Function.EXP,
            d=y,
            reduction=Reduction.SUM,
            r=sums,
        ),
        Instruction(length=places * LANES, a=Region(scalars), function=Function.RECIPROCAL, d=Region(scalars)),
    ]


def silu(gate: Region, y: Region, rows: int, length: int) -> list[Instruction]:
    """``y = gate / (1 + exp(-gate))`` of each row; y is not gate.

    Args:
        gate, y: rows, in words; ``outer`` is the distance of rows.
    """
    every = Instruction(length=length, outer=rows, d=y)
    return [
        replace(every, a=gate, immediate_x=-1.0, function=Function.EXP),
        replace(every, a=y, immediate_z=1.0, function=Function.RECIPROCAL),
        multiply(gate, y, y, rows, length),
    ]


def rotary(
    x: Region, cosines: Region, sines: Region, y: Region, spare: Region, tokens: int, heads: int, size: int
) -> list[Instruction]:
    """Rotary embedding in the order of Hugging Face: ``y = x cos + rotate_half(x) sin``.

    Args:
        x, y, spare: rows of heads, in words; ``outer`` is the distance of tokens, ``inner`` that of heads. y may be x.
        cosines, sines: a row per token, ``inner`` 0; sines with their first half negated, as rotate_half wants it.
        spare: a place for as much as x.
        size: values of a head, a multiple of 2 * LANES whose half is a power of two of words.
    """
    half = size // 2 // LANES
    if size % (2 * LANES) or half & (half - 1):
        raise ValueError(f"heads of {size} values have no halves of a power of two of words")
    every = Instruction(length=size, outer=tokens, inner=heads, a=x, x=Operand.B)
    return [
        replace(every, exchange=half, b=sines.in_values(), d=spare),
        replace(every, b=cosines.in_values(), d=y),
        replace(every, a=y, x=Operand.IMMEDIATE, z=Operand.B, b=spare.in_values(), d=y),
    ]


def multiply(x: Region, other: Region, y: Region, rows: int, length: int) -> Instruction:
    """``y = x * other``; regions as of ``silu``, y may be one of the others."""
    return Instruction(length=length, outer=rows, a=x, x=Operand.B, b=other.in_values(), d=y)


def add(x: Region, other: Region, y: Region, rows: int, length: int) -> Instruction:
    """``y = x + other``, the residual; regions as of ``multiply``."""
    return Instruction(length=length, outer=rows, a=x, z=Operand.B, b=other.in_values(), d=y)
