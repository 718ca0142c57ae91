"""What the vector engine's instructions (``edge_qlora.vector``) do to the scratchpad, bit for bit."""

from __future__ import annotations

import numpy as np
from edge_qlora.footprint import ADDRESS_WORDS
from edge_qlora.vector import LANES, PLACE_ZERO, Function, Instruction, Operand, Reduction, Region

from tb.models import fp32, functions

# A row's sum is the sum of this many interleaved sums: those of eight words.
PARTIAL_SUMS = 64
NEGATIVE_INFINITY = np.float32(-np.inf)


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


def _keys(flushed: np.ndarray) -> np.ndarray:
    """Unsigned integers in the order of FP32 values."""
    bits = fp32.to_bits(flushed)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))


def row_maxima(values: np.ndarray) -> fp32.Float32:
    """Largest values over the last axis; NaN if there is one, subnormals count as zeros, -0 is below +0."""
    flushed = fp32.flush(values)
    largest = _keys(flushed).max(axis=1)
    found = np.where(largest >> 31, largest & np.uint32(0x7FFFFFFF), ~largest)
    return np.where(np.isnan(flushed).any(axis=1), fp32.CANONICAL_NAN, found).astype(np.uint32).view(np.float32)


def row_places(values: np.ndarray) -> fp32.Float32:
    """PLACE_ZERO plus the numbers of the largest values, by the order of ``row_maxima``; NaN if there is one."""
    flushed = fp32.flush(values)
    places = (PLACE_ZERO + _keys(flushed).argmax(axis=1)).astype(np.float32)
    return np.where(np.isnan(flushed).any(axis=1), fp32.from_bits(fp32.CANONICAL_NAN), places)


_FUNCTIONS = {
    Function.EXP: functions.exp,
    Function.RECIPROCAL: functions.reciprocal,
    Function.RSQRT: functions.rsqrt,
}


def apply(
    a: np.ndarray, x: np.ndarray | float = 1.0, z: np.ndarray | float = 0.0, function: Function = Function.NONE
) -> fp32.Float32:
    """``f(a * x + z)`` with the engine's roundings; operands broadcast."""
    x, z = (np.broadcast_to(np.asarray(operand, np.float32), np.shape(a)) for operand in (x, z))
    y = fp32.add(fp32.mul(a, x), z)
    return y if function == Function.NONE else _FUNCTIONS[function](y)


def execute(memory: np.ndarray, instruction: Instruction) -> None:
    """Run one instruction.

    Args:
        memory: float32 [words, LANES], changed in place. Operands are read before anything is written. Rows begin at
            addresses modulo 2**16 words.

    Raises:
        IndexError: an address outside of the memory.
    """
    i, flat = instruction, memory.reshape(-1)

    def begins(region: Region, space: int = ADDRESS_WORDS) -> np.ndarray:
        return region.rows(i.outer, i.inner) % space

    words = np.arange(i.words)
    a = memory[begins(i.a)[:, None] + (words ^ i.exchange)].reshape(i.outer * i.inner, -1)
    b = np.zeros_like(a)
    if Operand.B in (i.x, i.z):
        begin = begins(i.b, ADDRESS_WORDS * LANES)[:, None]
        b = flat[begin + (0 if i.b_per_row else np.arange(i.words * LANES))]
    operands = {Operand.IMMEDIATE: np.float32(i.immediate_x), Operand.SELF: a, Operand.B: b}
    z = b if i.z == Operand.B else np.float32(i.immediate_z)
    y = apply(a, _negated(operands[i.x], i.negate_x), _negated(z, i.negate_z), i.function)
    active = np.arange(i.words * LANES) < i.active()[:, None]
    if i.d is not None:
        memory[begins(i.d)[:, None] + words] = np.where(active, y, 0).reshape(-1, i.words, LANES)
    if i.reduction == Reduction.SUM:
        flat[begins(i.r, ADDRESS_WORDS * LANES)] = row_sums(np.where(active, y, np.float32(0)))
    elif i.reduction == Reduction.MAX:
        flat[begins(i.r, ADDRESS_WORDS * LANES)] = row_maxima(np.where(active, y, NEGATIVE_INFINITY))
    elif i.reduction == Reduction.ARGMAX:
        flat[begins(i.r, ADDRESS_WORDS * LANES)] = row_places(np.where(active, y, NEGATIVE_INFINITY))
