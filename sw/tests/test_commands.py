"""Commands: their bytes, what is refused and in which words, and what they touch."""

from dataclasses import replace

import numpy as np
import pytest
from edge_qlora.command_layout import COMMAND_BYTES, MAGIC, ValueFormat, WeightFormat
from edge_qlora.commands import (
    LAYOUTS,
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
    pack_list,
    unpack,
)
from edge_qlora.errors import CommandError, FieldError, RangeError
from edge_qlora.footprint import MemoryRows, MemoryWindow, merged, overlap, scratch_values
from edge_qlora.vector import Function, Instruction, Operand, Reduction, Region

from tb.commands.program import random_program

WINDOW = MemoryWindow(0x10000, 1 << 20)
LIMITS = Limits(1024, 16, 256, WINDOW)
LOAD = Load(
    part0=Part(0x12000, 3, 2112, -2112, 0x2000),
    part1=Part(0x18000, 2, 128, 256, 512),
    count=4,
    header_address=0x11000,
    header_bytes=192,
    waits=frozenset({0, 15}),
    post=frozenset({1}),
)
MATRIX = Matrix(
    d=Region(600, 8, 16),
    outputs=128,
    product0=Product(Region(1, 16, 32), 128, False, WeightFormat.CODES),
    product1=Product(Region(300, 2, 4), 5, True, WeightFormat.FP16, 0.5),
    outer=2,
    inner=3,
    header_bytes=192,
    block=7,
    block_stride=9,
)
VECTOR = Vector(
    instruction=Instruction(
        length=60,
        outer=2,
        inner=3,
        first=7,
        step=2,
        a=Region(1, 24, 8),
        exchange=1,
        b=Region(800, 64, 0),
        x=Operand.B,
        z=Operand.IMMEDIATE,
        immediate_z=-1.5,
        negate_x=True,
        function=Function.EXP,
        d=Region(200, 24, 8),
        reduction=Reduction.MAX,
        r=Region(4001, 3, 1),
    )
)
READ = Read(
    address=0x20000, length=96, s=Region(5, 40, 12), outer=2, inner=3, outer_stride=-512, inner_stride=1024, format=1
)
WRITE = Write(address=0x20000, length=64, s=Region(5, 40, 12), outer=2, inner=3, outer_stride=4096, inner_stride=1024)
COMMANDS = (LOAD, MATRIX, VECTOR, READ, WRITE, End())


def word(command: Command, number: int) -> int:
    return int.from_bytes(command.pack()[4 * number : 4 * number + 4], "little")


def changed(command: Command, change: dict) -> Command:
    """A copy; a name with __ is that of a part of a part."""
    for name, value in change.items():
        outer, _, inner = name.partition("__")
        new = replace(getattr(command, outer), **{inner: value}) if inner else value
        command = replace(command, **{outer: new})
    return command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.opcode.name)
def test_examples_are_legal_and_survive_their_packing(command):
    assert len(command.pack()) == COMMAND_BYTES
    assert unpack(command.pack()) == command
    assert not list(command.violations(LIMITS))


def test_bits_by_hand():
    """Some words of each layout, written down from the tables of the RDL."""
    assert [word(LOAD, n) for n in (0, 1)] == [0x514C0001, 0x0002_8001]
    assert [word(LOAD, n) for n in (2, 3, 4, 5)] == [0x440, 4 << 16 | 3, 0x480, 0x80]
    assert [word(LOAD, n) for n in (6, 7, 8)] == [33, 2**32 - 33, 3]
    assert [word(LOAD, n) for n in (9, 10, 11, 12, 13, 14, 15)] == [0x600, 8, 2, 4, 2, 0, 0]
    assert [word(MATRIX, n) for n in (2, 3, 4, 5)] == [3 << 16 | 2, 128, 3 << 16 | 2 << 5 | 1 << 4, 5 << 16 | 128]
    assert [word(MATRIX, n) for n in (6, 7, 8, 9)] == [0x3F800000, 0x3F000000, 7, 9]
    assert [word(MATRIX, n) for n in (10, 11, 12)] == [300 << 16 | 1, 32 << 16 | 16, 4 << 16 | 2]
    assert [word(MATRIX, n) for n in (13, 14, 15)] == [600, 16 << 16 | 8, 0]
    assert [word(VECTOR, n) for n in (3, 4)] == [1 << 16 | 60, 2 << 16 | 7]
    assert word(VECTOR, 5) == 1 | 2 << 2 | 1 << 6 | 1 << 10 | 2 << 11
    assert [word(VECTOR, n) for n in (7, 8, 9, 10)] == [0xBFC00000, 24 << 16 | 1, 200 << 16 | 8, 8 << 16 | 24]
    assert [word(VECTOR, n) for n in (11, 12, 13, 14, 15)] == [800, 64, 0, 4001, 1 << 16 | 3]
    assert [word(READ, n) for n in (0, 3, 4, 5)] == [0x514C0004, 1 << 16 | 96, 0x800, 2**32 - 8]
    assert [word(WRITE, n) for n in (0, 6, 7, 8)] == [0x514C0005, 16, 40 << 16 | 5, 12]
    assert End().pack() == (0x514C0006).to_bytes(4, "little") + bytes(60)


def test_random_commands_survive_their_packing():
    for seed in range(10):
        for command in random_program(np.random.default_rng(seed), LIMITS).commands:
            assert unpack(command.pack()).pack() == command.pack()


def test_pack_list():
    assert pack_list(COMMANDS) == b"".join(command.pack() for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.opcode.name)
def test_reserved_bits_and_magic_number(command):
    """Every bit that is no field, and every bit of the magic number."""
    bits = int.from_bytes(command.pack(), "little")
    fields = {bit for lsb, width in LAYOUTS[command.opcode].values() for bit in range(lsb, lsb + width)}
    for bit in [*(set(range(512)) - fields), *range(16, 32)]:
        with pytest.raises(CommandError, match="magic" if bit in range(16, 32) else f"reserved bit {bit}"):
            unpack((bits ^ 1 << bit).to_bytes(COMMAND_BYTES, "little"))


def test_other_bytes_are_no_command():
    with pytest.raises(CommandError, match="63"):
        unpack(bytes(63))
    for opcode in (0, 7, 255):
        with pytest.raises(CommandError, match=f"opcode {opcode}"):
            unpack((MAGIC << 16 | opcode).to_bytes(COMMAND_BYTES, "little"))


REFUSED = [
    (LOAD, {"count": 0}, "LOAD: count 0"),
    (LOAD, {"count": 1 << 16}, "LOAD: count 65536 does not fit its 16 bits"),
    (LOAD, {"part0": None, "part1": None, "header_bytes": 0}, "LOAD: it has neither"),
    (LOAD, {"part0__address": 0x12020}, "LOAD: part 0's address 73760 is not a multiple of 64"),
    (LOAD, {"part1__step": 1 << 37}, "LOAD: part 1's step 137438953472 in lines does not fit 32 bits"),
    (LOAD, {"waits": frozenset({16})}, r"LOAD: waits \[16\] are not all semaphores"),
    (MATRIX, {"outer": 0}, "MATRIX: outer 0"),
    (MATRIX, {"inner": 0}, "MATRIX: inner 0"),
    (MATRIX, {"inner": 9}, r"MATRIX: outer \* inner 18 is over 16"),
    (MATRIX, {"outputs": 0}, "MATRIX: outputs 0"),
    (MATRIX, {"outputs": 100}, "MATRIX: outputs 100 is not a multiple of 64"),
    (MATRIX, {"product0__length": 0}, "MATRIX: length0 0"),
    (MATRIX, {"product0__length": 100}, "MATRIX: length0 100 is not a multiple of 64"),
    (MATRIX, {"product0__format": 7}, "MATRIX: format0 7"),
    (MATRIX, {"product0__format": WeightFormat.INT8, "product0__transpose": True}, "MATRIX: format0 .* is no format"),
    (MATRIX, {"product1__format": WeightFormat.CODES}, "MATRIX: format1 .* is no format"),
    (MATRIX, {"product1__format": WeightFormat.INT8}, "MATRIX: format1 .* is no format"),
    (MATRIX, {"product1__transpose": False}, "MATRIX: length1 5 is not a multiple of 64"),
    (MATRIX, {"header_bytes": 64}, "MATRIX: header_bytes 64"),
    (MATRIX, {"header_bytes": 64 * 19}, "MATRIX: header_bytes 1216 are not 2 to 18 lines"),
    (MATRIX, {"block": 1 << 16}, "MATRIX: block 65536"),
    (MATRIX, {"d__base": 1000}, "MATRIX: D has a row whose word 1024 lies behind the scratchpad's end of 1024 words"),
    (MATRIX, {"product0__a": Region(960, 16, 32)}, "MATRIX: A0 has a row whose word 1024"),
    (MATRIX, {"product1__a": Region(0, 65535)}, "MATRIX: A1 has a row whose word 65535"),
    (MATRIX, {"d__outer": 1 << 16}, "MATRIX: d_outer 65536 does not fit"),
    (VECTOR, {"instruction__length": 0}, "VECTOR: length 0"),
    (VECTOR, {"instruction__outer": 0}, "VECTOR: outer 0"),
    (VECTOR, {"instruction__first": 0}, "VECTOR: first 0"),
    (VECTOR, {"instruction__x": 3}, "VECTOR: x 3"),
    (VECTOR, {"instruction__z": Operand.SELF}, "VECTOR: z"),
    (VECTOR, {"instruction__reduction": 4}, "VECTOR: reduction 4"),
    (VECTOR, {"instruction__d": None, "instruction__reduction": Reduction.NONE}, "VECTOR: it neither"),
    (VECTOR, {"instruction__b": Region(4, 64)}, "VECTOR: b_base 4 of a stream is not a multiple of 8"),
    (VECTOR, {"instruction__a": Region(1000, 24, 8)}, "VECTOR: A has a row whose word 1024"),
    (VECTOR, {"instruction__b": Region(8160, 64)}, "VECTOR: B has a row whose word 1024"),
    (VECTOR, {"instruction__d": Region(1000, 24, 8)}, "VECTOR: D has a row whose word 1024"),
    (VECTOR, {"instruction__r": Region(8190, 3, 1)}, "VECTOR: R has a row whose word 1024"),
    (READ, {"length": 0}, "READ: length 0"),
    (READ, {"length": 80}, "READ: length 80 is not a positive multiple of 32"),
    (READ, {"format": 3}, "READ: format 3"),
    (READ, {"format": ValueFormat.BFP8}, "READ: format .* is no format of values to read"),
    (WRITE, {"format": ValueFormat.BFP8, "length": 96}, "WRITE: length 96 is not a positive multiple of 64"),
    (WRITE, {"length": 8}, "WRITE: length 8 is not a positive multiple of 16"),
    (WRITE, {"inner": 0}, "WRITE: inner 0"),
    (WRITE, {"s": Region(960, 40, 12)}, "WRITE: the scratchpad's side has a row whose word 1024"),
    (End(), {"post": frozenset({1})}, "END: it has no semaphores"),
]


@pytest.mark.parametrize(("command", "change", "message"), REFUSED)
def test_refused_fields(command, change, message):
    with pytest.raises(FieldError, match=message):
        changed(command, change).validate(LIMITS)


ACCEPTED = [
    (LOAD, {"part0": None}),
    (LOAD, {"header_bytes": 0, "header_address": 0}),
    (MATRIX, {"inner": 8}),
    (MATRIX, {"header_bytes": 64 * 18}),
    (MATRIX, {"block": (1 << 16) - 1}),
    (MATRIX, {"d__base": 968}),
    (MATRIX, {"product1": None, "product0__format": WeightFormat.FP32, "outputs": 1}),
    (MATRIX, {"product0__a": Region(96, 65536 - 16, 65536 - 32)}),
    (VECTOR, {"instruction__r": Region(8186, 3, 1)}),
    (VECTOR, {"instruction__b": Region(4, 64), "instruction__b_per_row": True}),
    (VECTOR, {"instruction__b": Region(4, 64), "instruction__x": Operand.SELF}),
]


@pytest.mark.parametrize(("command", "change"), ACCEPTED)
def test_accepted_fields(command, change):
    changed(command, change).validate(LIMITS)


OUTSIDE = [
    (LOAD, {"header_address": WINDOW.base - 64}, WINDOW.base - 64),
    (LOAD, {"header_address": WINDOW.limit - 64}, WINDOW.limit),
    (LOAD, {"part0__address": WINDOW.base + 2112}, WINDOW.base - 2112),
    (LOAD, {"part0__step": 0x80000}, 0x112000),
    (LOAD, {"part1__stride": 0xF8000, "part0__step": 0x80000}, WINDOW.limit),  # its repetition 0 comes first
    (READ, {"address": WINDOW.base + 448}, WINDOW.base - 64),
    (WRITE, {"inner_stride": 0x78000}, WINDOW.limit),
]


@pytest.mark.parametrize(("command", "change", "address"), OUTSIDE)
def test_accesses_outside_of_the_window(command, change, address):
    with pytest.raises(RangeError) as caught:
        changed(command, change).validate(LIMITS)
    assert caught.value.info == address


def brute_force(region: Region, outer: int, inner: int, words: int, exchange: int) -> set[int]:
    """Values of rows in words, one by one."""
    return {
        8 * ((region.base + o * region.outer + i * region.inner) % 65536 + (w ^ exchange)) + lane
        for o in range(outer)
        for i in range(inner)
        for w in range(words)
        for lane in range(8)
    }


def test_scratchpad_footprints_are_exact():
    rng = np.random.default_rng(5)
    for _ in range(60):
        region = Region(*(int(v) for v in rng.choice([0, 1, 7, 100, 65530, 65535], 3)))
        outer, inner, words = (int(v) for v in rng.integers(1, 9, 3))
        exchange = int(rng.choice([0, 0, 1, 2, 4]))
        bits = scratch_values(region.in_values(), outer, inner, 8 * words, exchange)
        found = {n for n, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"}
        assert found == brute_force(region, outer, inner, words, exchange)


def test_scratchpad_footprints_of_many_rows():
    """The largest counts take no time: nothing is walked."""
    assert scratch_values(Region(0, 8, 0), 65535, 65535, 8).bit_length() == 65535 * 8
    assert scratch_values(Region(3, 0, 0), 65535, 65535, 1) == 8


def random_rows(rng: np.random.Generator) -> MemoryRows:
    base, size, outer_stride, inner_stride = (64 * int(v) for v in rng.integers((0, 1, -9, -9), (40, 4, 10, 10)))
    outer, inner = (int(v) for v in rng.integers(1, 5, 2))
    return MemoryRows(base + 4096, size, outer, outer_stride, inner, inner_stride)


def covered(rows: MemoryRows) -> set[int]:
    return {line for begin in rows.begins() for line in range(int(begin), int(begin) + rows.size, 64)}


def test_memory_footprints_are_exact():
    rng = np.random.default_rng(6)
    for _ in range(500):
        one, other = random_rows(rng), random_rows(rng)
        pieces = merged((one, other))
        assert {line for b, e in pieces for line in range(int(b), int(e), 64)} == covered(one) | covered(other)
        assert (pieces[1:, 0] > pieces[:-1, 1]).all()
        common = covered(one) & covered(other)
        found = overlap(merged((one,)), merged((other,)))
        assert found in common if common else found is None


def test_first_access_outside_is_exact():
    rng = np.random.default_rng(7)
    window = MemoryWindow(4096 + 64 * 5, 64 * 60)
    for _ in range(500):
        rows = random_rows(rng)
        expected = None
        for number, begin in enumerate(rows.begins().tolist()):
            outside = [line for line in range(begin, begin + rows.size, 64) if not window.base <= line < window.limit]
            if outside:
                expected = number // rows.inner, outside[0]
                break
        assert rows.first_outside(window) == expected


def test_streams_have_the_lengths_of_their_tiles():
    """Header, then two blocks of columns with two tiles of codes and five rows of 64 FP16 values."""
    assert MATRIX.stream_bytes == 192 + 2 * (2 * 2112 + 5 * 128)
    assert LOAD.stream_bytes == 192 + 4 * (3 * 2112 + 2 * 128)
    short = replace(MATRIX, product0=replace(MATRIX.product0, format=WeightFormat.FP32), product1=None, outputs=70)
    assert short.stream_bytes == 192 + 70 * 2 * 256
    assert ValueFormat.FP16 == READ.format and READ.value_bytes == 2
