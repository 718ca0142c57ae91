"""Golden model of BFP8: blocks of 64 integers of 8 bits with one power-of-two scale, which the block holds itself.

A block is 64 bytes. Byte i is the integer m_i, two's complement; the lowest bits of the first six bytes are not theirs
but the scale's: together they are E, the first one lowest, and the first six integers are even. The block's values are
``m_i * 2**(E - 24)``, all of which but one FP16 holds exactly. E above 33 stands for a block with a value that is not
finite, or beyond what E = 33 reaches: all its values are NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tb.models import fp32

BLOCK = 64
SCALE_BITS = 6  # bytes that give their lowest bit to the scale
BIAS = 24  # the least scale is that of FP16's subnormal numbers
LARGEST_SCALE = 33
NOT_FINITE = (1 << SCALE_BITS) - 1
LARGEST = 127
# Exponent field of an FP32 number whose leading bit is bit 6 of an integer with the least scale.
LEAST_EXPONENT = 127 - BIAS + 6


def pack(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blocks as they are stored.

    The scale puts the largest value's leading bit into bit 6. Integers are rounded to nearest even, the first six to
    the nearest even integer (ties to a multiple of 4); what would round to 128 becomes the largest that there is.

    Args:
        values: [..., 64].

    Returns:
        uint8 [..., 64].
    """
    exponents = (fp32.to_bits(values) >> 23 & 0xFF).astype(np.int64).max(axis=-1, keepdims=True)
    scale = np.maximum(exponents - LEAST_EXPONENT, 0)
    finite = scale <= LARGEST_SCALE
    exact = np.ldexp(np.where(finite, values, np.float32(0)).astype(np.float64), BIAS - np.where(finite, scale, 0))
    unit = np.where(np.arange(BLOCK) < SCALE_BITS, 2, 1)  # what the integers are multiples of
    most = LARGEST // unit
    integers = unit * np.clip(np.rint(exact / unit), -most, most).astype(np.int64)
    places = np.arange(SCALE_BITS)
    integers[..., :SCALE_BITS] |= np.where(finite, scale, NOT_FINITE) >> places & 1
    return integers.astype(np.int8).view(np.uint8)


def unpack(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Their values.

    Args:
        stored: uint8 [..., 64]; any bytes. An integer of -128 at the largest scale is beyond FP16: minus infinity.

    Returns:
        float32 [..., 64].
    """
    places = np.arange(SCALE_BITS)
    scale = ((stored[..., :SCALE_BITS].astype(np.int64) & 1) << places).sum(axis=-1, keepdims=True)
    integers = stored.view(np.int8).astype(np.int64)
    integers[..., :SCALE_BITS] &= -2
    values = np.ldexp(integers.astype(np.float32), (np.minimum(scale, LARGEST_SCALE) - BIAS).astype(np.int32))
    values = fp32.from_fp16(fp32.to_fp16(values))
    return np.where(scale <= LARGEST_SCALE, values, np.float32(np.nan))
