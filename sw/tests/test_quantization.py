"""Formats of codes beside NF4: levels, nearest codes, scales, and what is refused."""

from __future__ import annotations

import bitsandbytes.functional as bnb
import numpy as np
import pytest
from edge_qlora import layout
from edge_qlora.command_layout import WeightFormat
from edge_qlora.errors import OperandError
from edge_qlora.layout import CODE_BITS
from edge_qlora.quantization import coded, dequantize, dequantize_nf4, normal_float, quantize, quantize_nf4

RNG = np.random.default_rng(0)
WEIGHT = (0.02 * RNG.standard_normal((192, 320))).astype(np.float32)


def test_normal_float_of_four_bits_is_nf4():
    """The same construction gives bitsandbytes' table, which was computed in FP32."""
    np.testing.assert_allclose(normal_float(4), bnb.get_4bit_type("nf4", device="cpu").numpy(), atol=1e-6)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_levels(bits: int):
    """As many as there are codes, ascending, from -1 to 1, zero among them."""
    levels = normal_float(bits)
    assert len(levels) == 1 << bits and (np.diff(levels) > 0).all()
    assert (levels[0], levels[-1]) == (-1, 1) and 0 in levels


def test_nf4_is_that_of_bitsandbytes():
    """Bit for bit the same codes and scales, and restored values but for the codebook's 18 bits."""
    stored, found = quantize_nf4(WEIGHT), quantize(WEIGHT, WeightFormat.CODES)
    np.testing.assert_array_equal(layout.pack_code_tiles(found), layout.pack_weight_tiles(stored))
    np.testing.assert_allclose(dequantize(found), dequantize_nf4(stored), rtol=1e-5, atol=2**-17 * abs(WEIGHT).max())
    np.testing.assert_array_equal(coded(stored).codes, found.codes)


def test_more_bits_are_closer():
    """Root mean square errors, relative to the weights: each bit less than halves them."""
    errors = [
        np.linalg.norm(dequantize(quantize(WEIGHT, form)) - WEIGHT) / np.linalg.norm(WEIGHT)
        for form in (WeightFormat.INT8, WeightFormat.CODES, WeightFormat.CODES3, WeightFormat.CODES2)
    ]
    # A uniform step of absmax / 127, about 2.4 standard deviations in blocks of 64, has an error of step / sqrt(12).
    assert errors[0] < 0.006
    assert errors[0] < errors[1] / 4 and errors[1] < errors[2] / 1.8 and errors[2] < errors[3] / 1.5


@pytest.mark.parametrize("form", [WeightFormat.CODES3, WeightFormat.CODES2, WeightFormat.INT8])
def test_codes_are_the_nearest(form: WeightFormat):
    """No other code of a block is closer to the weight, whatever its scale came out as."""
    weight = WEIGHT.copy()
    weight[3, 64:128] = 0
    weight[5, :64] *= 30
    found = quantize(weight, form)
    every = np.arange(1 << CODE_BITS[form], dtype=np.uint8)
    least = np.full(weight.shape, np.inf)
    for code in np.delete(every, 128) if form == WeightFormat.INT8 else every:
        other = layout.CodedWeight(**vars(found) | {"codes": np.full_like(found.codes, code)})
        least = np.minimum(least, abs(dequantize(other).astype(np.float64) - weight))
    error = abs(dequantize(found).astype(np.float64) - weight)
    assert (error <= least + 1e-6 * abs(weight).max()).all()


@pytest.mark.parametrize("form", CODE_BITS)
def test_tiles(form: WeightFormat):
    """Codes come back from their tiles; their bits lie one behind the other."""
    found, bits = quantize(WEIGHT, form), CODE_BITS[form]
    tiles = layout.pack_code_tiles(found)
    assert tiles.shape == (3, 5, layout.tile_bytes(form))
    rows = tiles[1, 2, 64:].reshape(64, -1)
    np.testing.assert_array_equal(layout.unpack_codes(rows, bits), found.codes[64:128, 128:192])
    packed = int.from_bytes(rows[7].tobytes(), "little")
    assert [packed >> bits * k & (1 << bits) - 1 for k in range(64)] == found.codes[71, 128:192].tolist()


@pytest.mark.parametrize("form", CODE_BITS)
def test_refused(form: WeightFormat):
    """NaN, and sizes that are not made of blocks."""
    bad = WEIGHT.copy()
    bad[1, 2] = np.nan
    with pytest.raises(OperandError, match="NaN"):
        quantize(bad, form)
    with pytest.raises(ValueError, match="not made of whole"):
        quantize(WEIGHT[:, :100], form)
    with pytest.raises(OperandError, match="FP16 is no format of codes"):
        quantize(WEIGHT, WeightFormat.FP16)
    if form != WeightFormat.CODES:
        with pytest.raises(OperandError, match="beyond FP32"):
            quantize(np.full_like(WEIGHT, 3e38), form)
