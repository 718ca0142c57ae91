"""Register map of the accelerator. Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Field:
    """A bit field.

    Attributes:
        name: name in its register.
        lsb: lowest bit.
        width: number of bits.
        access: RO, RW, WO (reads as zero) or W1C (writing one clears), seen from the host.
        reset: value after reset; None where parameters of the RTL set it.
        hardware: True when the accelerator changes the field by itself.
    """

    name: str
    lsb: int
    width: int
    access: str
    reset: int | None
    hardware: bool

    @property
    def mask(self) -> int:
        """The field's bits within its register."""
        return ((1 << self.width) - 1) << self.lsb

    def get(self, register: int) -> int:
        """The field's value within a register value."""
        return (register & self.mask) >> self.lsb

    def put(self, value: int) -> int:
        """A register value with this field set to ``value`` and the other bits zero.

        Raises:
            ValueError: ``value`` does not fit.
        """
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{value:#x} does not fit the {self.width} bits of field {self.name}")
        return value << self.lsb


@dataclass(frozen=True)
class Register:
    """A 32-bit register; ``register["field"]`` is one of its fields.

    Attributes:
        name: name in the register map.
        offset: byte offset in the window of the control registers.
        fields: bit fields, lowest first.
    """

    name: str
    offset: int
    fields: tuple[Field, ...]

    @property
    def writable(self) -> bool:
        """Whether a write is accepted; otherwise it is answered with SLVERR."""
        return any(field.access != "RO" for field in self.fields)

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"register {self.name} has no field {name}")


class BusWidth(IntEnum):
    """Values of the field encoded as bus_width_e."""

    BITS_64 = 0  # 64-bit memory bus.
    BITS_128 = 1  # 128-bit memory bus.
    BITS_256 = 2  # 256-bit memory bus.
    BITS_512 = 3  # 512-bit memory bus.


class ErrorCode(IntEnum):
    """Values of the field encoded as error_code_e."""

    NONE = 0  # No error since the last accepted doorbell.
    OPCODE = 1  # The descriptor names an unknown operation.
    DESCRIPTOR = 2  # The descriptor's magic number is wrong or a reserved bit is set.
    ALIGNMENT = 3  # An address is not aligned as its operand requires.
    RANGE = 4  # An operand lies outside MEM_BASE <= address < MEM_LIMIT.
    DIM_ZERO = 5  # A dimension is zero.
    DIM_MULTIPLE = 6  # A dimension is not a multiple of what the operation requires.
    DIM_LARGE = 7  # A dimension exceeds what the capability registers offer.
    AXI_READ = 8  # Memory answered a read with SLVERR or DECERR.
    AXI_WRITE = 9  # Memory answered a write with SLVERR or DECERR.
    NONFINITE = 10  # The job ran to its end; an operand or a result was NaN or infinite.
    BUSY = 11  # The doorbell was rung while a job was running; that job goes on.


# Tells that the accelerator is there.
ID = Register("ID", 0x000, (Field("magic", 0, 32, "RO", 0x45514c52, False),))
# Version of the register map and of the descriptor format (semantic versioning).
VERSION = Register("VERSION", 0x004, (
    Field("patch", 0, 8, "RO", 0x0, False),
    Field("minor", 8, 8, "RO", 0x1, False),
    Field("major", 16, 16, "RO", 0x0, False),
))
# Geometry of the array, set by the parameters of the RTL.
CAPABILITY0 = Register("CAPABILITY0", 0x008, (
    Field("columns", 0, 8, "RO", None, True),
    Field("act_width", 8, 8, "RO", None, True),
    Field("bus_width", 16, 3, "RO", None, True),
))
# Limits of one job, set by the parameters of the RTL.
CAPABILITY1 = Register("CAPABILITY1", 0x00c, (
    Field("act_depth", 0, 16, "RO", None, True),
    Field("max_rank", 16, 16, "RO", None, True),
))
# More limits of one job, set by the parameters of the RTL.
CAPABILITY2 = Register("CAPABILITY2", 0x010, (
    Field("nested_depth", 0, 16, "RO", None, True),
    Field("max_rows", 16, 16, "RO", None, True),
))
# Jobs ended without error since reset or CONTROL.clear_counters, modulo 2^32.
JOBS_DONE = Register("JOBS_DONE", 0x014, (Field("value", 0, 32, "RO", 0x0, True),))
# Commands.
CONTROL = Register("CONTROL", 0x018, (
    Field("doorbell", 0, 1, "WO", 0x0, False),
    Field("clear_counters", 1, 1, "WO", 0x0, False),
))
# State of the last job, for polling.
STATUS = Register("STATUS", 0x01c, (
    Field("busy", 0, 1, "RO", 0x0, True),
    Field("done", 1, 1, "RO", 0x0, True),
    Field("error", 2, 1, "RO", 0x0, True),
))
# Events since they were last cleared, whether enabled or not.
IRQ_STATUS = Register("IRQ_STATUS", 0x020, (
    Field("done", 0, 1, "W1C", 0x0, True),
    Field("error", 1, 1, "W1C", 0x0, True),
    Field("nonfinite", 2, 1, "W1C", 0x0, True),
))
# The interrupt line is high while IRQ_STATUS & IRQ_ENABLE is not zero.
IRQ_ENABLE = Register("IRQ_ENABLE", 0x024, (
    Field("done", 0, 1, "RW", 0x0, False),
    Field("error", 1, 1, "RW", 0x0, False),
    Field("nonfinite", 2, 1, "RW", 0x0, False),
))
# First error since the last accepted doorbell.
ERROR_CODE = Register("ERROR_CODE", 0x028, (Field("code", 0, 8, "RO", 0x0, True),))
# Scale of the codebook.
CODEBOOK_SCALE = Register("CODEBOOK_SCALE", 0x02c, (Field("value", 0, 32, "RW", 0x37000040, False),))
# 32 bits of the offending byte address or of the descriptor field's byte offset.
ERROR_INFO_LO = Register("ERROR_INFO_LO", 0x030, (Field("value", 0, 32, "RO", 0x0, True),))
# 32 bits of the offending byte address or of the descriptor field's byte offset.
ERROR_INFO_HI = Register("ERROR_INFO_HI", 0x034, (Field("value", 0, 32, "RO", 0x0, True),))
# Byte address of the job's descriptor, taken when the doorbell is rung.
DESC_ADDR_LO = Register("DESC_ADDR_LO", 0x038, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
DESC_ADDR_HI = Register("DESC_ADDR_HI", 0x03c, (Field("value", 0, 32, "RW", 0x0, False),))
# First byte address the accelerator may touch.
MEM_BASE_LO = Register("MEM_BASE_LO", 0x040, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
MEM_BASE_HI = Register("MEM_BASE_HI", 0x044, (Field("value", 0, 32, "RW", 0x0, False),))
# First byte address behind the allowed window.
MEM_LIMIT_LO = Register("MEM_LIMIT_LO", 0x048, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
MEM_LIMIT_HI = Register("MEM_LIMIT_HI", 0x04c, (Field("value", 0, 32, "RW", 0x0, False),))
# Codebook entry, two's complement.
CODEBOOK0 = Register("CODEBOOK0", 0x080, (Field("value", 0, 18, "RW", 0x20001, False),))
# Codebook entry, two's complement.
CODEBOOK1 = Register("CODEBOOK1", 0x084, (Field("value", 0, 18, "RW", 0x29b8d, False),))
# Codebook entry, two's complement.
CODEBOOK2 = Register("CODEBOOK2", 0x088, (Field("value", 0, 18, "RW", 0x2f32a, False),))
# Codebook entry, two's complement.
CODEBOOK3 = Register("CODEBOOK3", 0x08c, (Field("value", 0, 18, "RW", 0x335ce, False),))
# Codebook entry, two's complement.
CODEBOOK4 = Register("CODEBOOK4", 0x090, (Field("value", 0, 18, "RW", 0x36e5e, False),))
# Codebook entry, two's complement.
CODEBOOK5 = Register("CODEBOOK5", 0x094, (Field("value", 0, 18, "RW", 0x3a166, False),))
# Codebook entry, two's complement.
CODEBOOK6 = Register("CODEBOOK6", 0x098, (Field("value", 0, 18, "RW", 0x3d162, False),))
# Codebook entry, two's complement.
CODEBOOK7 = Register("CODEBOOK7", 0x09c, (Field("value", 0, 18, "RW", 0x0, False),))
# Codebook entry, two's complement.
CODEBOOK8 = Register("CODEBOOK8", 0x0a0, (Field("value", 0, 18, "RW", 0x28bf, False),))
# Codebook entry, two's complement.
CODEBOOK9 = Register("CODEBOOK9", 0x0a4, (Field("value", 0, 18, "RW", 0x5265, False),))
# Codebook entry, two's complement.
CODEBOOK10 = Register("CODEBOOK10", 0x0a8, (Field("value", 0, 18, "RW", 0x7e02, False),))
# Codebook entry, two's complement.
CODEBOOK11 = Register("CODEBOOK11", 0x0ac, (Field("value", 0, 18, "RW", 0xad03, False),))
# Codebook entry, two's complement.
CODEBOOK12 = Register("CODEBOOK12", 0x0b0, (Field("value", 0, 18, "RW", 0xe1a4, False),))
# Codebook entry, two's complement.
CODEBOOK13 = Register("CODEBOOK13", 0x0b4, (Field("value", 0, 18, "RW", 0x1200f, False),))
# Codebook entry, two's complement.
CODEBOOK14 = Register("CODEBOOK14", 0x0b8, (Field("value", 0, 18, "RW", 0x17227, False),))
# Codebook entry, two's complement.
CODEBOOK15 = Register("CODEBOOK15", 0x0bc, (Field("value", 0, 18, "RW", 0x1ffff, False),))
# Clock cycles in which a job was running.
CYCLES_BUSY_LO = Register("CYCLES_BUSY_LO", 0x100, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
CYCLES_BUSY_HI = Register("CYCLES_BUSY_HI", 0x104, (Field("value", 0, 32, "RO", 0x0, True),))
# Vector slots of the array that carried an activation vector.
MAC_VECTORS_LO = Register("MAC_VECTORS_LO", 0x108, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
MAC_VECTORS_HI = Register("MAC_VECTORS_HI", 0x10c, (Field("value", 0, 32, "RO", 0x0, True),))
# Vector slots of the array, used or not, while a job computed.
MAC_SLOTS_LO = Register("MAC_SLOTS_LO", 0x110, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
MAC_SLOTS_HI = Register("MAC_SLOTS_HI", 0x114, (Field("value", 0, 32, "RO", 0x0, True),))
# Data beats read from memory.
READ_BEATS_LO = Register("READ_BEATS_LO", 0x118, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
READ_BEATS_HI = Register("READ_BEATS_HI", 0x11c, (Field("value", 0, 32, "RO", 0x0, True),))
# Data beats written to memory.
WRITE_BEATS_LO = Register("WRITE_BEATS_LO", 0x120, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
WRITE_BEATS_HI = Register("WRITE_BEATS_HI", 0x124, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which the array waited for weights.
WEIGHT_STALL_LO = Register("WEIGHT_STALL_LO", 0x128, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
WEIGHT_STALL_HI = Register("WEIGHT_STALL_HI", 0x12c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which the array waited for activations.
ACT_STALL_LO = Register("ACT_STALL_LO", 0x130, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
ACT_STALL_HI = Register("ACT_STALL_HI", 0x134, (Field("value", 0, 32, "RO", 0x0, True),))

REGISTERS = (
    ID, VERSION, CAPABILITY0, CAPABILITY1, CAPABILITY2, JOBS_DONE, CONTROL, STATUS, IRQ_STATUS,
    IRQ_ENABLE, ERROR_CODE, CODEBOOK_SCALE, ERROR_INFO_LO, ERROR_INFO_HI, DESC_ADDR_LO, DESC_ADDR_HI,
    MEM_BASE_LO, MEM_BASE_HI, MEM_LIMIT_LO, MEM_LIMIT_HI, CODEBOOK0, CODEBOOK1, CODEBOOK2, CODEBOOK3,
    CODEBOOK4, CODEBOOK5, CODEBOOK6, CODEBOOK7, CODEBOOK8, CODEBOOK9, CODEBOOK10, CODEBOOK11, CODEBOOK12,
    CODEBOOK13, CODEBOOK14, CODEBOOK15, CYCLES_BUSY_LO, CYCLES_BUSY_HI, MAC_VECTORS_LO, MAC_VECTORS_HI,
    MAC_SLOTS_LO, MAC_SLOTS_HI, READ_BEATS_LO, READ_BEATS_HI, WRITE_BEATS_LO, WRITE_BEATS_HI,
    WEIGHT_STALL_LO, WEIGHT_STALL_HI, ACT_STALL_LO, ACT_STALL_HI,
)

# The table CODEBOOK0 to CODEBOOK15.
CODEBOOK = (
    CODEBOOK0, CODEBOOK1, CODEBOOK2, CODEBOOK3, CODEBOOK4, CODEBOOK5, CODEBOOK6, CODEBOOK7, CODEBOOK8,
    CODEBOOK9, CODEBOOK10, CODEBOOK11, CODEBOOK12, CODEBOOK13, CODEBOOK14, CODEBOOK15,
)

# 64-bit counters in address order, as (LO, HI).
COUNTERS = {
    "CYCLES_BUSY": (CYCLES_BUSY_LO, CYCLES_BUSY_HI),
    "MAC_VECTORS": (MAC_VECTORS_LO, MAC_VECTORS_HI),
    "MAC_SLOTS": (MAC_SLOTS_LO, MAC_SLOTS_HI),
    "READ_BEATS": (READ_BEATS_LO, READ_BEATS_HI),
    "WRITE_BEATS": (WRITE_BEATS_LO, WRITE_BEATS_HI),
    "WEIGHT_STALL": (WEIGHT_STALL_LO, WEIGHT_STALL_HI),
    "ACT_STALL": (ACT_STALL_LO, ACT_STALL_HI),
}

# Size of the register window in bytes.
WINDOW_SIZE = 0x1000
