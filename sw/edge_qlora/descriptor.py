"""Job descriptor of the accelerator. Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit."""

from enum import IntEnum

from .registers import Field, Register


class Opcode(IntEnum):
    """Values of the field encoded as opcode_e."""

    FORWARD = 1  # y = W x + s B (A x).
    BACKWARD = 2  # dx, dA and dB from dy.


HEADER = Register("header", 0x000, (
    Field("opcode", 0, 8, "RW", None, False),
    Field("x_fp16", 8, 1, "RW", None, False),
    Field("lora_fp16", 9, 1, "RW", None, False),
    Field("y_fp16", 10, 1, "RW", None, False),
    Field("reserved", 11, 5, "RW", 0x0, False),
    Field("magic", 16, 16, "RW", 0x514c, False),
))
MAGIC = 0x514c
DESCRIPTOR_BYTES = 128

# Byte offset of each word, and all words in this order as a format of struct.
OFFSETS = {
    "header": 0x00,
    "tokens": 0x04,
    "in_features": 0x08,
    "out_features": 0x0c,
    "rank": 0x10,
    "lora_scale": 0x14,
    "absmax_offset": 0x18,
    "reserved_1c": 0x1c,
    "x": 0x20,
    "weights": 0x28,
    "nested_absmax": 0x30,
    "lora_a": 0x38,
    "lora_b": 0x40,
    "y": 0x48,
    "dx": 0x50,
    "d_lora_a": 0x58,
    "d_lora_b": 0x60,
    "workspace": 0x68,
    "reserved_70": 0x70,
    "reserved_78": 0x78,
}
LAYOUT = "<IIIIIffIQQQQQQQQQQQQ"
ADDRESSES = (
    "x", "weights", "nested_absmax", "lora_a", "lora_b", "y", "dx", "d_lora_a", "d_lora_b", "workspace",
)
RESERVED = (
    "reserved_1c", "reserved_70", "reserved_78",
)
