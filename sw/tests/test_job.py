"""Descriptor: the bytes, the checks in the hardware's order, and the error names."""

import struct
from dataclasses import fields, replace

import numpy as np
import pytest
from edge_qlora import errors, registers
from edge_qlora.job import ADDRESSES, DESCRIPTOR_BYTES, Descriptor, Limits, MemoryWindow, Opcode

WINDOW = MemoryWindow(0x8000_0000, 1 << 24)
GOOD = Descriptor(
    opcode=Opcode.BACKWARD,
    tokens=33,
    in_features=192,
    out_features=128,
    rank=8,
    lora_scale=0.5,
    absmax_offset=0.25,
    **{name: WINDOW.base + 0x1_0000 * number for number, name in enumerate(ADDRESSES)},
    x_fp16=True,
    y_fp16=True,
)

# Offset and struct format of every field, from the table in docs/memory_layout.md.
TABLE = {
    "tokens": (0x04, "<I"),
    "in_features": (0x08, "<I"),
    "out_features": (0x0C, "<I"),
    "rank": (0x10, "<I"),
    "lora_scale": (0x14, "<f"),
    "absmax_offset": (0x18, "<f"),
    "x": (0x20, "<Q"),
    "weights": (0x28, "<Q"),
    "nested_absmax": (0x30, "<Q"),
    "lora_a": (0x38, "<Q"),
    "lora_b": (0x40, "<Q"),
    "y": (0x48, "<Q"),
    "dx": (0x50, "<Q"),
    "d_lora_a": (0x58, "<Q"),
    "d_lora_b": (0x60, "<Q"),
    "workspace": (0x68, "<Q"),
}


def test_every_field_is_at_its_offset():
    data = GOOD.pack()
    assert len(data) == DESCRIPTOR_BYTES
    for name, (offset, layout) in TABLE.items():
        assert struct.unpack_from(layout, data, offset)[0] == getattr(GOOD, name), name
    assert struct.unpack_from("<I", data, 0)[0] == 0x514C0000 | 1 << 10 | 1 << 8 | 2
    assert data[0x1C:0x20] == bytes(4) and data[0x70:] == bytes(16)
    assert {field.name for field in fields(Descriptor)} == {*TABLE, "opcode", "x_fp16", "lora_fp16", "y_fp16"}


@pytest.mark.parametrize("flag", ["x_fp16", "lora_fp16", "y_fp16"])
@pytest.mark.parametrize("opcode", Opcode)
def test_pack_round_trip(opcode, flag):
    descriptor = replace(GOOD, opcode=opcode, **{"x_fp16": False, "y_fp16": False, flag: True})
    assert Descriptor.unpack(descriptor.pack()) == descriptor


def test_values_that_do_not_fit_are_refused():
    for change in ({"opcode": 256}, {"tokens": 1 << 32}, {"x": 1 << 64}, {"rank": -1}):
        with pytest.raises(struct.error):
            replace(GOOD, **change).pack()


RESERVED_BITS = [*range(11, 16), *range(8 * 0x1C, 8 * 0x20), *range(8 * 0x70, 8 * 0x80)]


@pytest.mark.parametrize("bit", [*range(16, 32), *RESERVED_BITS])
def test_magic_and_reserved_bits(bit):
    data = bytearray(GOOD.pack())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(errors.DescriptorError):
        Descriptor.unpack(bytes(data))


def test_short_descriptor():
    with pytest.raises(errors.DescriptorError, match="127"):
        Descriptor.unpack(GOOD.pack()[:-1])


REJECTED = [
    ({"opcode": 0}, errors.OpcodeError),
    ({"opcode": 3}, errors.OpcodeError),
    ({"tokens": 0}, errors.DimZeroError),
    ({"in_features": 0}, errors.DimZeroError),
    ({"out_features": 0}, errors.DimZeroError),
    ({"in_features": 32}, errors.DimMultipleError),
    ({"out_features": 65}, errors.DimMultipleError),
    ({"tokens": 65536}, errors.DimLargeError),
    ({"in_features": 65536}, errors.DimLargeError),
    ({"out_features": 65536}, errors.DimLargeError),
    ({"rank": 65}, errors.DimLargeError),
    *(({name: getattr(GOOD, name) + offset}, errors.AlignmentError) for name in ADDRESSES for offset in (1, 32)),
    *(({name: WINDOW.base - 64}, errors.RangeError) for name in ADDRESSES),
    *(({name: WINDOW.limit - 64}, errors.RangeError) for name in ADDRESSES if name != "nested_absmax"),
    ({"nested_absmax": WINDOW.limit}, errors.RangeError),
    *(
        ({name: value}, errors.DescriptorError)
        for name in ("tokens", "rank", "opcode", "x")
        for value in (-1, 1.0, None)
    ),
    ({"tokens": True}, errors.DescriptorError),
    ({"tokens": 1 << 32}, errors.DescriptorError),
    ({"x": 1 << 64}, errors.DescriptorError),
    ({"x_fp16": 2}, errors.DescriptorError),
    ({"lora_scale": None}, errors.DescriptorError),
    *(
        ({name: value}, errors.NonFiniteError)
        for name in ("lora_scale", "absmax_offset")
        for value in (float("nan"), float("-inf"), 3.5e38, 10**400)
    ),
    ({"x": (1 << 64) - 64}, errors.RangeError),
]


@pytest.mark.parametrize(("change", "error"), REJECTED)
def test_rejected(change, error):
    with pytest.raises(error):
        replace(GOOD, **change).validate(WINDOW)


def test_limits_are_accepted():
    GOOD.validate(WINDOW)
    replace(GOOD, tokens=65535, in_features=65472, out_features=65472, rank=64).validate()
    whole = next(region for region in GOOD.regions() if region.name == "dx")
    replace(GOOD, dx=WINDOW.limit - whole.size).validate(WINDOW)
    replace(GOOD, rank=0).validate(WINDOW)


def test_limits_of_a_smaller_accelerator():
    with pytest.raises(errors.DimLargeError, match="rank"):
        GOOD.validate(limits=Limits(rank=4))
    with pytest.raises(errors.DimLargeError, match="nested"):
        GOOD.validate(limits=Limits(nested_depth=1))
    GOOD.validate(limits=Limits(nested_depth=2))


@pytest.mark.parametrize(
    ("opcode", "rank", "dimension", "blocks"),
    [
        (Opcode.FORWARD, 0, "in_features", 5),
        (Opcode.FORWARD, 8, "in_features", 4),
        (Opcode.BACKWARD, 0, "out_features", 5),
        (Opcode.BACKWARD, 8, "out_features", 4),
        (Opcode.BACKWARD, 8, "in_features", 5),
        (Opcode.BACKWARD, 8, "tokens", 5),
    ],
)
def test_scratchpad(opcode, rank, dimension, blocks):
    """Five blocks of scratchpad: the largest row that fits, and the smallest that does not."""
    small = replace(GOOD, opcode=opcode, rank=rank, tokens=1, in_features=64, out_features=64)
    step = 1 if dimension == "tokens" else 64
    replace(small, **{dimension: 64 * blocks}).validate(limits=Limits(act_depth=5))
    with pytest.raises(errors.DimLargeError, match=f"{dimension} .*scratchpad, which has 5"):
        replace(small, **{dimension: 64 * blocks + step}).validate(limits=Limits(act_depth=5))


@pytest.mark.parametrize("change", [{"opcode": Opcode.FORWARD, "tokens": 1000}, {"rank": 0, "in_features": 640}])
def test_dimensions_that_need_no_scratchpad(change):
    replace(GOOD, **change).validate(limits=Limits(act_depth=4))


def test_regions_end_with_their_lines():
    """The nested absmax are 8 bytes, which the hardware reads as a line of 64."""
    odd = MemoryWindow(WINDOW.base, WINDOW.size - 32)
    replace(GOOD, nested_absmax=WINDOW.limit - 128).validate(odd)
    with pytest.raises(errors.RangeError, match="nested_absmax"):
        replace(GOOD, nested_absmax=WINDOW.limit - 64).validate(odd)


@pytest.mark.parametrize("rows", [4200, 65535])
def test_large_regions(rows):
    """The last byte counts in regions of 1 GiB and of 16 GiB too."""
    window = MemoryWindow(1 << 32, 1 << 36)
    inside = {name: window.base for name in ADDRESSES}
    large = replace(GOOD, opcode=Opcode.FORWARD, tokens=rows, in_features=65472, out_features=64, rank=0, x_fp16=False)
    last = window.limit - rows * 65472 * 4
    replace(large, **inside | {"x": last}).validate(window)
    with pytest.raises(errors.RangeError, match="x "):
        replace(large, **inside | {"x": last + 64}).validate(window)


def test_address_width():
    high = MemoryWindow((1 << 40) - WINDOW.size, 2 * WINDOW.size)
    moved = {name: getattr(GOOD, name) - WINDOW.base + high.base for name in ADDRESSES}
    replace(GOOD, **moved).validate(high)
    with pytest.raises(errors.RangeError, match="dx"):
        replace(GOOD, **moved | {"dx": (1 << 40) - 64}).validate(high)
    replace(GOOD, **moved | {"dx": (1 << 40) - 64}).validate(high, Limits(address_bits=41))


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (WINDOW.base + 32, errors.AlignmentError),
        (WINDOW.base - 64, errors.RangeError),
        (WINDOW.limit - 64, errors.RangeError),
        (WINDOW.base | 1 << 63, errors.RangeError),
        (-64, errors.DescriptorError),
    ],
)
def test_address_of_the_descriptor(address, error):
    """It is checked before everything that the descriptor says."""
    GOOD.validate(WINDOW, address=WINDOW.limit - 128)
    with pytest.raises(error, match="descriptor"):
        replace(GOOD, opcode=9).validate(WINDOW, address=address)


def test_first_error_wins():
    """Everything wrong at once: taking the faults away one by one shows the order."""
    faults = [
        ({"opcode": 9}, errors.OpcodeError),
        ({"tokens": 0}, errors.DimZeroError),
        ({"in_features": 100}, errors.DimMultipleError),
        ({"rank": 99}, errors.DimLargeError),
        ({"x": 1}, errors.AlignmentError),
        ({"dx": 0}, errors.RangeError),
    ]
    for number, (_, error) in enumerate(faults):
        bad = GOOD
        for change, _ in faults[number:]:
            bad = replace(bad, **change)
        with pytest.raises(error):
            bad.validate(WINDOW)


def test_regions():
    m, k, n, r = 33, 192, 128, 8
    expected = {
        "x": (m * k * 2, False),
        "weights": (6 * 2112, False),
        "nested_absmax": (8, False),
        "lora_a": (r * k * 4, False),
        "lora_b": (r * n * 4, False),
        "y": (m * n * 2, False),
        "dx": (m * k * 2, True),
        "d_lora_a": (r * k * 4, True),
        "d_lora_b": (r * n * 4, True),
        "workspace": (m * 256 + 2 * r * 256, True),
    }
    assert {region.name: (region.size, region.written) for region in GOOD.regions()} == expected
    forward = {region.name: region for region in replace(GOOD, opcode=Opcode.FORWARD, y_fp16=False).regions()}
    assert (forward["y"].size, forward["y"].written) == (m * n * 4, True)
    assert set(forward) == {"x", "weights", "nested_absmax", "lora_a", "lora_b", "y", "workspace"}
    mixed = {region.name: region.size for region in replace(GOOD, x_fp16=True, y_fp16=False).regions()}
    assert (mixed["x"], mixed["y"], mixed["dx"]) == (m * k * 2, m * n * 2, m * k * 4)
    half = {region.name: region.size for region in replace(GOOD, lora_fp16=True).regions()}
    assert (half["lora_a"], half["lora_b"], half["d_lora_b"]) == (r * k * 2, r * n * 2, r * n * 4)
    without_adapter = {region.name for region in replace(GOOD, rank=0).regions()}
    assert without_adapter == {"weights", "nested_absmax", "y", "dx", "workspace"}


def test_every_hardware_code_has_an_exception():
    codes = set(registers.ErrorCode)
    assert set(errors.JOB_ERRORS) == codes - {registers.ErrorCode.NONE}
    assert [code.name for code in sorted(codes)] == [
        "NONE",
        "COMMAND",
        "FIELD",
        "RANGE",
        "STREAM",
        "SEMAPHORE",
        "DEADLOCK",
        "ALIGNMENT",
        "AXI_READ",
        "AXI_WRITE",
        "NONFINITE",
        "BUSY",
    ]
    assert sorted(codes) == list(range(12))


def test_error_by_code():
    error = errors.job_error(3, "the job failed")
    assert isinstance(error, errors.RangeError) and error.code == registers.ErrorCode.RANGE
    assert "RANGE" in str(error)
    unknown = errors.job_error(200, "the job failed")
    assert type(unknown) is errors.JobError and unknown.code == 200


def test_scalars_are_single_precision():
    back = Descriptor.unpack(replace(GOOD, lora_scale=0.1).pack())
    assert back.lora_scale == float(np.float32(0.1))
