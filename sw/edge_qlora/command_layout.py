"""Layout of the commands. Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit."""

from enum import IntEnum


class Command(IntEnum):
    """Values of command_e."""

    LOAD = 1  # Weights from memory to the array.
    MATRIX = 2  # A matrix product on the array.
    VECTOR = 3  # One instruction of the vector engine.
    READ = 4  # Rows of values from memory to the scratchpad.
    WRITE = 5  # Rows of values from the scratchpad to memory.
    END = 6  # The list ends when everything before has ended.


class WeightFormat(IntEnum):
    """Values of weight_format_e."""

    CODES = 0  # Tiles of 4-bit codes with double-quantized scales.
    FP32 = 1  # IEEE binary32.
    FP16 = 2  # IEEE binary16.
    CODES3 = 3  # Tiles of 3-bit codes, as of 4-bit codes.
    CODES2 = 4  # Tiles of 2-bit codes, as of 4-bit codes.
    INT8 = 5  # Tiles of 8-bit integers with double-quantized scales; N mode only.
    BFP8 = 6  # Blocks of 64 integers of 8 bits that hold their power-of-two scale themselves.


class ValueFormat(IntEnum):
    """Values of value_format_e."""

    FP32 = 0  # IEEE binary32.
    FP16 = 1  # IEEE binary16; rounded to nearest even when written.
    BFP8 = 2  # Blocks of 64 integers of 8 bits with a power-of-two scale; WRITE only.


MAGIC = 0x514c
COMMAND_BYTES = 64

# Lowest bit and width of each field in the 512 bits of a command; what is not listed is zero.
LOAD = {
    "opcode": (0, 8),
    "magic": (16, 16),
    "waits": (32, 16),
    "post": (48, 16),
    "header_address": (64, 32),
    "header_lines": (96, 16),
    "count": (112, 16),
    "address0": (128, 32),
    "step0": (160, 32),
    "lines0": (192, 32),
    "stride0": (224, 32),
    "rows0": (256, 16),
    "address1": (288, 32),
    "step1": (320, 32),
    "lines1": (352, 32),
    "stride1": (384, 32),
    "rows1": (416, 16),
}
MATRIX = {
    "opcode": (0, 8),
    "magic": (16, 16),
    "waits": (32, 16),
    "post": (48, 16),
    "outer": (64, 16),
    "inner": (80, 16),
    "outputs": (96, 16),
    "transpose0": (128, 1),
    "format0": (129, 3),
    "transpose1": (132, 1),
    "format1": (133, 3),
    "header_lines": (144, 16),
    "length0": (160, 16),
    "length1": (176, 16),
    "scale0": (192, 32),
    "scale1": (224, 32),
    "block": (256, 32),
    "block_stride": (288, 16),
    "a0_base": (320, 16),
    "a1_base": (336, 16),
    "a0_outer": (352, 16),
    "a0_inner": (368, 16),
    "a1_outer": (384, 16),
    "a1_inner": (400, 16),
    "d_base": (416, 16),
    "d_outer": (448, 16),
    "d_inner": (464, 16),
}
VECTOR = {
    "opcode": (0, 8),
    "magic": (16, 16),
    "waits": (32, 16),
    "post": (48, 16),
    "outer": (64, 16),
    "inner": (80, 16),
    "length": (96, 16),
    "exchange": (112, 16),
    "first": (128, 16),
    "step": (144, 16),
    "masked": (160, 1),
    "b_per_row": (161, 1),
    "x": (162, 2),
    "z": (164, 2),
    "negate_x": (166, 1),
    "negate_z": (167, 1),
    "function_code": (168, 2),
    "store": (170, 1),
    "reduction": (171, 2),
    "immediate_x": (192, 32),
    "immediate_z": (224, 32),
    "a_base": (256, 16),
    "a_outer": (272, 16),
    "a_inner": (288, 16),
    "d_base": (304, 16),
    "d_outer": (320, 16),
    "d_inner": (336, 16),
    "b_base": (352, 19),
    "b_outer": (384, 19),
    "b_inner": (416, 19),
    "r_base": (448, 19),
    "r_outer": (480, 16),
    "r_inner": (496, 16),
}
TRANSFER = {
    "opcode": (0, 8),
    "magic": (16, 16),
    "waits": (32, 16),
    "post": (48, 16),
    "outer": (64, 16),
    "inner": (80, 16),
    "length": (96, 16),
    "format": (112, 2),
    "address": (128, 32),
    "outer_stride": (160, 32),
    "inner_stride": (192, 32),
    "s_base": (224, 16),
    "s_outer": (240, 16),
    "s_inner": (256, 16),
}
