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
    COMMAND = 1  # A command has an unknown opcode, a wrong magic number or a reserved bit that is set.
    FIELD = 2  # A field of a command has a value that its engine cannot take.
    RANGE = 3  # An access outside MEM_BASE <= address < MEM_LIMIT.
    STREAM = 4  # A LOAD command and its MATRIX command differ in length.
    SEMAPHORE = 5  # A semaphore passed its largest count.
    DEADLOCK = 6  # No command can go on.
    ALIGNMENT = 7  # LIST_ADDR is not a multiple of 64.
    AXI_READ = 8  # Memory answered a read with SLVERR or DECERR.
    AXI_WRITE = 9  # Memory answered a write with SLVERR or DECERR.
    NONFINITE = 10  # The list ran to its end; a MATRIX command met NaN or infinity.
    BUSY = 11  # The doorbell was rung while a list was running; that list goes on.


# Tells that the accelerator is there.
ID = Register("ID", 0x000, (Field("magic", 0, 32, "RO", 0x45514c52, False),))
# Version of the register map and of the commands (semantic versioning).
VERSION = Register("VERSION", 0x004, (
    Field("patch", 0, 8, "RO", 0x0, False),
    Field("minor", 8, 8, "RO", 0x4, False),
    Field("major", 16, 16, "RO", 0x0, False),
))
# Geometry and abilities of the array, set by the parameters of the RTL.
CAPABILITY0 = Register("CAPABILITY0", 0x008, (
    Field("columns", 0, 8, "RO", None, True),
    Field("act_width", 8, 8, "RO", None, True),
    Field("bus_width", 16, 3, "RO", None, True),
    Field("backward", 24, 1, "RO", None, True),
))
# Size of the scratchpad, set by the parameters of the RTL.
CAPABILITY1 = Register("CAPABILITY1", 0x00c, (Field("scratchpad_words", 0, 32, "RO", None, True),))
# Limits of a MATRIX command, set by the parameters of the RTL.
CAPABILITY2 = Register("CAPABILITY2", 0x010, (
    Field("nested_depth", 0, 16, "RO", None, True),
    Field("max_rows", 16, 16, "RO", None, True),
))
# Lists ended without error since reset or CONTROL.clear_counters, modulo 2^32.
LISTS_DONE = Register("LISTS_DONE", 0x014, (Field("value", 0, 32, "RO", 0x0, True),))
# Requests.
CONTROL = Register("CONTROL", 0x018, (
    Field("doorbell", 0, 1, "WO", 0x0, False),
    Field("clear_counters", 1, 1, "WO", 0x0, False),
))
# State of the last list, for polling.
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
# 32 bits of what ERROR_CODE says more: the address of the access, or the number of the semaphore.
ERROR_INFO_LO = Register("ERROR_INFO_LO", 0x030, (Field("value", 0, 32, "RO", 0x0, True),))
# 32 bits of what ERROR_CODE says more: the address of the access, or the number of the semaphore.
ERROR_INFO_HI = Register("ERROR_INFO_HI", 0x034, (Field("value", 0, 32, "RO", 0x0, True),))
# Byte address of the list of commands, taken when the doorbell is rung.
LIST_ADDR_LO = Register("LIST_ADDR_LO", 0x038, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
LIST_ADDR_HI = Register("LIST_ADDR_HI", 0x03c, (Field("value", 0, 32, "RW", 0x0, False),))
# First byte address the accelerator may touch.
MEM_BASE_LO = Register("MEM_BASE_LO", 0x040, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
MEM_BASE_HI = Register("MEM_BASE_HI", 0x044, (Field("value", 0, 32, "RW", 0x0, False),))
# First byte address behind the allowed window.
MEM_LIMIT_LO = Register("MEM_LIMIT_LO", 0x048, (Field("value", 0, 32, "RW", 0x0, False),))
# Bits 63:32 of the address.
MEM_LIMIT_HI = Register("MEM_LIMIT_HI", 0x04c, (Field("value", 0, 32, "RW", 0x0, False),))
# 32 bits of the byte address of the command that ERROR_CODE belongs to.
ERROR_COMMAND_LO = Register("ERROR_COMMAND_LO", 0x050, (Field("value", 0, 32, "RO", 0x0, True),))
# 32 bits of the byte address of the command that ERROR_CODE belongs to.
ERROR_COMMAND_HI = Register("ERROR_COMMAND_HI", 0x054, (Field("value", 0, 32, "RO", 0x0, True),))
# Clock cycles in which a list was running.
CYCLES_BUSY_LO = Register("CYCLES_BUSY_LO", 0x100, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
CYCLES_BUSY_HI = Register("CYCLES_BUSY_HI", 0x104, (Field("value", 0, 32, "RO", 0x0, True),))
# Vector slots of the array that carried an activation vector.
MAC_VECTORS_LO = Register("MAC_VECTORS_LO", 0x108, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
MAC_VECTORS_HI = Register("MAC_VECTORS_HI", 0x10c, (Field("value", 0, 32, "RO", 0x0, True),))
# Vector slots of the array, used or not, while a MATRIX command computed.
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
# Cycles in which a LOAD command was in its engine.
LOAD_BUSY_LO = Register("LOAD_BUSY_LO", 0x138, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
LOAD_BUSY_HI = Register("LOAD_BUSY_HI", 0x13c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a LOAD command waited for a semaphore and none was in its engine.
LOAD_WAIT_LO = Register("LOAD_WAIT_LO", 0x140, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
LOAD_WAIT_HI = Register("LOAD_WAIT_HI", 0x144, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a MATRIX command was in its engine.
MATRIX_BUSY_LO = Register("MATRIX_BUSY_LO", 0x148, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
MATRIX_BUSY_HI = Register("MATRIX_BUSY_HI", 0x14c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a MATRIX command waited for a semaphore and none was in its engine.
MATRIX_WAIT_LO = Register("MATRIX_WAIT_LO", 0x150, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
MATRIX_WAIT_HI = Register("MATRIX_WAIT_HI", 0x154, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a VECTOR command was in its engine.
VECTOR_BUSY_LO = Register("VECTOR_BUSY_LO", 0x158, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
VECTOR_BUSY_HI = Register("VECTOR_BUSY_HI", 0x15c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a VECTOR command waited for a semaphore and none was in its engine.
VECTOR_WAIT_LO = Register("VECTOR_WAIT_LO", 0x160, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
VECTOR_WAIT_HI = Register("VECTOR_WAIT_HI", 0x164, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a READ command was in its engine.
READ_BUSY_LO = Register("READ_BUSY_LO", 0x168, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
READ_BUSY_HI = Register("READ_BUSY_HI", 0x16c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a READ command waited for a semaphore and none was in its engine.
READ_WAIT_LO = Register("READ_WAIT_LO", 0x170, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
READ_WAIT_HI = Register("READ_WAIT_HI", 0x174, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a WRITE command was in its engine.
WRITE_BUSY_LO = Register("WRITE_BUSY_LO", 0x178, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
WRITE_BUSY_HI = Register("WRITE_BUSY_HI", 0x17c, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a WRITE command waited for a semaphore and none was in its engine.
WRITE_WAIT_LO = Register("WRITE_WAIT_LO", 0x180, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
WRITE_WAIT_HI = Register("WRITE_WAIT_HI", 0x184, (Field("value", 0, 32, "RO", 0x0, True),))
# Cycles in which a LOAD command had to wait because the array had not taken enough weights.
LOAD_FULL_LO = Register("LOAD_FULL_LO", 0x188, (Field("value", 0, 32, "RO", 0x0, True),))
# Bits 63:32 at the last read of the LO register.
LOAD_FULL_HI = Register("LOAD_FULL_HI", 0x18c, (Field("value", 0, 32, "RO", 0x0, True),))

REGISTERS = (
    ID, VERSION, CAPABILITY0, CAPABILITY1, CAPABILITY2, LISTS_DONE, CONTROL, STATUS, IRQ_STATUS,
    IRQ_ENABLE, ERROR_CODE, ERROR_INFO_LO, ERROR_INFO_HI, LIST_ADDR_LO, LIST_ADDR_HI, MEM_BASE_LO,
    MEM_BASE_HI, MEM_LIMIT_LO, MEM_LIMIT_HI, ERROR_COMMAND_LO, ERROR_COMMAND_HI, CYCLES_BUSY_LO,
    CYCLES_BUSY_HI, MAC_VECTORS_LO, MAC_VECTORS_HI, MAC_SLOTS_LO, MAC_SLOTS_HI, READ_BEATS_LO,
    READ_BEATS_HI, WRITE_BEATS_LO, WRITE_BEATS_HI, WEIGHT_STALL_LO, WEIGHT_STALL_HI, ACT_STALL_LO,
    ACT_STALL_HI, LOAD_BUSY_LO, LOAD_BUSY_HI, LOAD_WAIT_LO, LOAD_WAIT_HI, MATRIX_BUSY_LO, MATRIX_BUSY_HI,
    MATRIX_WAIT_LO, MATRIX_WAIT_HI, VECTOR_BUSY_LO, VECTOR_BUSY_HI, VECTOR_WAIT_LO, VECTOR_WAIT_HI,
    READ_BUSY_LO, READ_BUSY_HI, READ_WAIT_LO, READ_WAIT_HI, WRITE_BUSY_LO, WRITE_BUSY_HI, WRITE_WAIT_LO,
    WRITE_WAIT_HI, LOAD_FULL_LO, LOAD_FULL_HI,
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
    "LOAD_BUSY": (LOAD_BUSY_LO, LOAD_BUSY_HI),
    "LOAD_WAIT": (LOAD_WAIT_LO, LOAD_WAIT_HI),
    "MATRIX_BUSY": (MATRIX_BUSY_LO, MATRIX_BUSY_HI),
    "MATRIX_WAIT": (MATRIX_WAIT_LO, MATRIX_WAIT_HI),
    "VECTOR_BUSY": (VECTOR_BUSY_LO, VECTOR_BUSY_HI),
    "VECTOR_WAIT": (VECTOR_WAIT_LO, VECTOR_WAIT_HI),
    "READ_BUSY": (READ_BUSY_LO, READ_BUSY_HI),
    "READ_WAIT": (READ_WAIT_LO, READ_WAIT_HI),
    "WRITE_BUSY": (WRITE_BUSY_LO, WRITE_BUSY_HI),
    "WRITE_WAIT": (WRITE_WAIT_LO, WRITE_WAIT_HI),
    "LOAD_FULL": (LOAD_FULL_LO, LOAD_FULL_HI),
}

# Size of the register window in bytes.
WINDOW_SIZE = 0x1000
