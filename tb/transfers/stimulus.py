"""Random commands and values for the engines between memory and scratchpad or weight stream."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from edge_qlora.command_layout import LOAD, MAGIC, TRANSFER, Command, ValueFormat

from tb.models import transfers
from tb.models.transfers import LINE, WORD, Fields

WORDS = 512  # of the scratchpad
LINES = 2048  # of the memory image
HALF_LINES = LINES // 2
READ_FORMATS = (ValueFormat.FP32, ValueFormat.FP16)
LONGEST = 400  # lines of a random LOAD command


def pack(opcode: Command, fields: Fields) -> int:
    """The 512 bits of a command."""
    layout = LOAD if opcode == Command.LOAD else TRANSFER
    values = {**fields, "opcode": opcode, "magic": MAGIC}
    assert all(0 <= value < 1 << layout[name][1] for name, value in values.items()), values
    return sum(value << layout[name][0] for name, value in values.items())


def unsigned(value: int) -> int:
    """A distance in lines as its field has it."""
    return value % (1 << 32)


def values(shape: tuple[int, ...]) -> np.ndarray:
    """Random FP32 patterns: any bits, what FP16 can hold, its subnormals, ties, limits, infinities and NaN."""
    rng = np.random.default_rng(random.getrandbits(64))
    count = int(np.prod(shape))
    halves = rng.integers(0, 1 << 16, count, dtype=np.uint16).view(np.float16).astype(np.float32).view(np.uint32)
    scaled = (rng.standard_normal(count) * 2.0 ** rng.integers(-30, 20, count)).astype(np.float32).view(np.uint32)
    kinds = np.stack(
        [
            rng.integers(0, 1 << 32, count, dtype=np.uint32),
            halves,
            halves ^ np.uint32(1 << 12),  # halfway between two FP16 numbers
            halves ^ rng.integers(0, 1 << 13, count, dtype=np.uint32),
            scaled,
            rng.choice(np.array([0x477FE000, 0x477FEFFF, 0x477FF000, 0x47800000, 0x33000000, 0x33000001], "u4"), count),
            rng.choice(np.array([0x7F800000, 0x7FC00000, 0x7F800001, 0x80000000, 1, 0x387FFFFF], "u4"), count),
        ]
    )
    chosen = kinds[rng.integers(0, len(kinds), count), np.arange(count)]
    return (chosen ^ rng.integers(0, 2, count, dtype=np.uint32) << 31).reshape(shape)


def scratch() -> np.ndarray:
    """Words of the scratchpad: any values, and in most places such as blocks of BFP8 can hold.

    There the sizes of values, alike for some words, cover all scales, the ends of their range more often; many values
    are halfway between two integers, and some round up beyond the largest.
    """
    rng = np.random.default_rng(random.getrandbits(64))
    words = values((WORDS, WORD))
    first = 0
    while first < WORDS:
        count = int(rng.integers(8, 33))
        part = words[first : first + count]
        if rng.random() < 0.8:
            integers = rng.integers(-256, 257, part.shape) * rng.choice([0, 1, 0.25, 2**-24], part.shape)
            exact = rng.standard_normal(part.shape) if rng.random() < 0.5 else integers / 128
            power = rng.choice([rng.integers(-26, 17), rng.integers(-20, -15), rng.integers(13, 17)])
            # In some, few values are as large as the largest, whose exponent is the block's.
            lower = rng.integers(-8, 1, part.shape) if rng.random() < 0.4 else 0
            part[:] = (exact * 2.0 ** (power + lower)).astype(np.float32).view(np.uint32)
            chosen = rng.choice(len(part), len(part) // 4, replace=False)
            part[chosen, rng.integers(0, WORD, len(chosen))] |= 0x7FFFFF
        first += count
    return words


def sparse(words: int) -> np.ndarray:
    """Words of the scratchpad [words, 8] of which every other value is zero."""
    rng = np.random.default_rng(random.getrandbits(64))
    numbers = rng.standard_normal((words, WORD)) * rng.integers(0, 2, (words, WORD))
    return numbers.astype(np.float32).view(np.uint32)


def image() -> np.ndarray:
    """A memory image: lines of random bits, which as FP16 are often special, and lines of FP32 patterns."""
    rng = np.random.default_rng(random.getrandbits(64))
    lines = rng.integers(0, 256, (LINES, LINE), dtype=np.uint8)
    lines[::2] = values((LINES // 2, LINE // 4)).view(np.uint8)
    return rng.permutation(lines).reshape(-1)


def until(make: Callable[[], Fields], accept: Callable[[Fields], bool]) -> Fields:
    """The first random choice that is acceptable."""
    while not accept(fields := make()):
        pass
    return fields


def placed(lines: np.ndarray, first: int) -> bool:
    """Whether all lines lie in the half of the memory image that begins at line ``first``."""
    return bool(((lines >= first) & (lines < first + HALF_LINES)).all())


def random_load(first: int) -> Fields:
    """A LOAD command of lines in a half of the image."""

    def make() -> Fields:
        fields = {
            "header_address": first + random.randrange(HALF_LINES),
            "header_lines": random.choice((0, 0, 1, 2, 5)),
            "count": random.choice((1, 1, 2, 3, 6)),
        }
        for part in (0, 1):
            fields |= {
                f"address{part}": first + random.randrange(HALF_LINES),
                f"step{part}": unsigned(random.randint(-40, 80)),
                f"lines{part}": random.choice((0, 1, 1, 2, 5, 33, 70)),
                f"stride{part}": unsigned(random.choice((33, -5, 0, random.randint(-40, 40)))),
                f"rows{part}": random.choice((0, 1, 1, 2, 3)),
            }
        return fields

    def accept(fields: Fields) -> bool:
        lines = transfers.load_lines(fields)
        return not transfers.load_is_bad(fields) and len(lines) <= LONGEST and placed(lines, first)

    return until(make, accept)


def random_transfer(first: int, words: range, forms: Sequence[ValueFormat] = tuple(ValueFormat)) -> Fields:
    """A READ or WRITE command of lines in a half of the image and of some words of the scratchpad."""

    def make() -> Fields:
        form = random.choice(forms)
        lines = random.choice((1, 1, 2, 3, 8))
        length = lines * transfers.line_values({"format": form})
        row = length // WORD
        distances = (row, row, row + 1, 2 * row, 0, -row, -3, random.randint(-20, 40))
        return {
            "outer": random.choice((1, 1, 2, 3, 7)),
            "inner": random.choice((1, 1, 2, 4, 9)),
            "length": length,
            "format": form,
            "address": first + random.randrange(HALF_LINES),
            "outer_stride": unsigned(random.choice((lines, 64, -lines, 0, random.randint(-80, 80)))),
            "inner_stride": unsigned(random.choice((lines, lines, -lines, 0, random.randint(-80, 80)))),
            "s_base": random.choice(words),
            "s_outer": random.choice(distances) % (1 << 16),
            "s_inner": random.choice(distances) % (1 << 16),
        }

    def accept(fields: Fields) -> bool:
        rows = transfers.scratch_rows(fields)
        inside = rows.min() >= words.start and rows.max() < words.stop
        return bool(inside) and placed(transfers.memory_rows(fields), first)

    return until(make, accept)


def moved(fields: Fields, lines: int) -> Fields:
    """A command on memory that lies so many lines higher."""
    names = [name for name in fields if name.endswith("address") or name[:-1] == "address"]
    return {**fields, **{name: fields[name] + lines for name in names}}


def simple_transfer(**changed: int) -> Mapping[str, int]:
    """A READ or WRITE command of two times three rows of two lines of FP32, with some fields changed."""
    fields = {"outer": 2, "inner": 3, "length": 32, "format": ValueFormat.FP32, "address": 4, "outer_stride": 20}
    fields |= {"inner_stride": 3, "s_base": 8, "s_outer": 40, "s_inner": 5}
    return {**fields, **changed}


def whole(form: ValueFormat, words: int) -> Fields:
    """A READ or WRITE command of so many words of the scratchpad, from the first on, in rows of four lines."""
    length = 4 * transfers.line_values({"format": form})
    rows = words * WORD // length
    return simple_transfer(
        outer=1, inner=rows, length=length, format=form, address=0, inner_stride=4, s_base=0, s_inner=length // WORD
    )


def simple_load(**changed: int) -> Fields:
    """A LOAD command of a header and two times two parts, with some fields changed."""
    fields = {"header_address": 3, "header_lines": 2, "count": 2}
    for part in (0, 1):
        fields |= {f"address{part}": 10 + 20 * part, f"step{part}": 50, f"lines{part}": 3, f"stride{part}": 4}
        fields[f"rows{part}"] = 2
    return {**fields, **changed}
