"""Golden model of LOAD, READ and WRITE: what moves between memory and the weight stream or the scratchpad.

Pure NumPy. A command is a mapping of field names to unsigned values, as ``edge_qlora.command_layout`` lists them.
Memory is a uint8 array whose first byte has the address ``base``, the scratchpad a uint32 array [words, 8] of FP32
patterns. The functions take commands that ``load_is_bad`` and ``transfer_is_bad`` let pass, and memory that holds all
of their lines.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from edge_qlora.command_layout import Command, ValueFormat
from edge_qlora.commands import STORED_BYTES
from numpy.typing import NDArray

from tb.models import bfp8, fp32

LINE = 64  # bytes
WORD = 8  # FP32 values of a scratchpad word
ADDRESS_BITS = 40  # of a byte in memory; addresses wrap
SCRATCH_ADDRESS_BITS = 16  # of a scratchpad word; addresses wrap
Fields = Mapping[str, int]
Lines = NDArray[np.int64]


def _signed(value: int) -> int:
    return value - (value >> 31 << 32)


def _wrapped(lines: NDArray) -> Lines:
    return np.asarray(lines, np.int64) % (1 << ADDRESS_BITS - 6)


def load_is_bad(fields: Fields) -> bool:
    """A LOAD command without repetitions or without lines."""
    parts = any(fields[f"lines{part}"] and fields[f"rows{part}"] for part in (0, 1))
    return fields["count"] == 0 or not (fields["header_lines"] or parts)


def load_lines(fields: Fields) -> Lines:
    """Line numbers of a LOAD command's stream, in order."""
    found = [fields["header_address"] + np.arange(fields["header_lines"], dtype=np.int64)]
    for repetition in range(fields["count"]):
        for part in (0, 1):
            first, step, stride = (fields[f"{name}{part}"] for name in ("address", "step", "stride"))
            rows = first + repetition * _signed(step) + _signed(stride) * np.arange(fields[f"rows{part}"])
            found.append((rows[:, None] + np.arange(fields[f"lines{part}"])).reshape(-1))
    return _wrapped(np.concatenate(found))


def load_stream(memory: NDArray[np.uint8], fields: Fields, base: int = 0) -> NDArray[np.uint8]:
    """The bytes of a LOAD command's stream [lines * 64]."""
    return memory.reshape(-1, LINE)[load_lines(fields) - base // LINE].reshape(-1)


def transfer_is_bad(opcode: Command, fields: Fields, scratch_words: int) -> bool:
    """A READ or WRITE command with a field that cannot be taken, or with a word behind the scratchpad's end."""
    if not (fields["outer"] and fields["inner"] and fields["length"]) or fields["format"] not in list(ValueFormat):
        return True
    if fields["format"] == ValueFormat.BFP8 and opcode == Command.READ:
        return True
    return bool(fields["length"] % line_values(fields) or (scratch_rows(fields) >= scratch_words).any())


def line_values(fields: Fields) -> int:
    """Values of a line of memory."""
    return LINE // STORED_BYTES[ValueFormat(fields["format"])]


def memory_rows(fields: Fields) -> Lines:
    """Line numbers of a READ or WRITE command [outer * inner, lines of a row]."""
    outer, inner = np.arange(fields["outer"]), np.arange(fields["inner"])
    rows = _signed(fields["outer_stride"]) * outer[:, None] + _signed(fields["inner_stride"]) * inner
    lines = np.arange(fields["length"] // line_values(fields))
    return _wrapped(fields["address"] + rows.reshape(-1, 1) + lines)


def scratch_rows(fields: Fields) -> NDArray[np.int64]:
    """Scratchpad words of a READ or WRITE command [outer * inner, words of a row]."""
    outer, inner = np.arange(fields["outer"]), np.arange(fields["inner"])
    rows = fields["s_base"] + fields["s_outer"] * outer[:, None] + fields["s_inner"] * inner
    return (rows.reshape(-1, 1) + np.arange(fields["length"] // WORD)) % (1 << SCRATCH_ADDRESS_BITS)


def read_rows(memory: NDArray[np.uint8], scratch: NDArray[np.uint32], fields: Fields, base: int = 0) -> None:
    """A READ command: rows of memory, widened exactly, into the scratchpad; later rows over earlier ones."""
    data = memory.reshape(-1, LINE)[memory_rows(fields) - base // LINE]
    values = fp32.to_bits(loaded_values(data.reshape(-1), fields["format"]))
    for words, row in zip(scratch_rows(fields), values.reshape(len(data), -1, WORD), strict=True):
        scratch[words] = row


def write_rows(memory: NDArray[np.uint8], scratch: NDArray[np.uint32], fields: Fields, base: int = 0) -> None:
    """A WRITE command: rows of the scratchpad, rounded to nearest even, into memory; later rows over earlier ones."""
    lines = memory.reshape(-1, LINE)
    for numbers, words in zip(memory_rows(fields) - base // LINE, scratch_rows(fields), strict=True):
        stored = stored_values(fp32.from_bits(scratch[words].reshape(-1)), fields["format"])
        lines[numbers] = stored.view(np.uint8).reshape(-1, LINE)


def stored_values(values: NDArray[np.float32], form: int) -> NDArray:
    """FP32 values [..., n] as a WRITE command stores them: an array of the same shape whose bytes are memory's."""
    if form == ValueFormat.BFP8:
        return bfp8.pack(values.reshape(-1, bfp8.BLOCK)).reshape(values.shape)
    return fp32.to_fp16(values).astype("<u2") if form == ValueFormat.FP16 else values.astype("<f4")


def loaded_values(data: NDArray[np.uint8], form: int) -> NDArray[np.float32]:
    """FP32 values [n], exactly, of what memory holds; inverse of ``stored_values`` up to its rounding."""
    if form == ValueFormat.BFP8:
        return bfp8.unpack(data.reshape(-1, bfp8.BLOCK)).reshape(-1)
    return fp32.from_fp16(data.view("<u2")) if form == ValueFormat.FP16 else data.view("<f4")


def first_outside(lines: NDArray, window_base: int, window_limit: int) -> int | None:
    """First byte, in the order of access, outside of a memory window; None if all lines lie inside.

    Args:
        lines: line numbers in the order of access.
        window_base, window_limit: first byte inside, and the byte behind the last.
    """
    starts = np.asarray(lines, np.int64).reshape(-1) * LINE
    outside = (starts < window_base) | (starts + LINE > window_limit)
    if not outside.any():
        return None
    start = int(starts[np.argmax(outside)])
    return window_limit if window_base <= start < window_limit else start
