"""Memory layout: the bijection in both directions, and every element against the definition in words."""

import bitsandbytes.functional as bnb
import numpy as np
import pytest
import torch
from edge_qlora import layout
from edge_qlora.quantization import dequantize_nf4, quantize_nf4, standard_tables

SHAPES = [(64, 64), (64, 192), (192, 64), (576, 1536), (1536, 576)]


def random_weight(n: int, k: int, seed: int = 0) -> layout.NF4Weight:
    """Every code and scale code equally likely; quantized data would leave codes out."""
    rng = np.random.default_rng([seed, n, k])
    return layout.NF4Weight(
        (n, k),
        rng.integers(0, 256, n * k // 2, np.uint8),
        rng.integers(0, 256, n * k // 64, np.uint8),
        rng.standard_normal(layout.nested_entries(n, k)).astype(np.float32),
        np.float32(rng.standard_normal()),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_round_trip(shape):
    weight = random_weight(*shape)
    tiles = layout.pack_weight_tiles(weight)
    back = layout.unpack_weight_tiles(tiles.tobytes(), shape, weight.nested_absmax, weight.offset)
    assert tiles.nbytes == layout.weight_tiles_bytes(*shape)
    np.testing.assert_array_equal(back.packed, weight.packed)
    np.testing.assert_array_equal(back.absmax_codes, weight.absmax_codes)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_image_is_a_weight(shape):
    """The other direction of the bijection: every byte pattern comes back as it was."""
    image = np.random.default_rng(1).integers(0, 256, layout.weight_tiles_bytes(*shape), np.uint8)
    reference = random_weight(*shape)
    weight = layout.unpack_weight_tiles(image, shape, reference.nested_absmax, reference.offset)
    np.testing.assert_array_equal(layout.pack_weight_tiles(weight).reshape(-1), image)


def test_every_element_is_where_the_page_says():
    n, k = 128, 192
    weight = random_weight(n, k)
    image = layout.pack_weight_tiles(weight).tobytes()
    for row in range(n):
        for column in range(k):
            high_first = weight.packed[(row * k + column) // 2]
            code = high_first >> 4 if column % 2 == 0 else high_first & 0xF
            tile = 2112 * ((row // 64) * (k // 64) + column // 64)
            byte = image[tile + 64 + 32 * (row % 64) + (column % 64) // 2]
            assert (byte >> 4 if column % 2 else byte & 0xF) == code
            assert image[tile + row % 64] == weight.absmax_codes[row * (k // 64) + column // 64]


def test_codes_are_those_of_bitsandbytes():
    """Codes and scales, looked up in the standard tables, give bitsandbytes' own dequantized weight bit for bit."""
    source = torch.randn(128, 192, generator=torch.Generator().manual_seed(3))
    weight = quantize_nf4(source)
    packed, state = bnb.quantize_4bit(source, blocksize=64, compress_statistics=True, quant_type="nf4")
    tables = {name: table.numpy() for name, table in standard_tables().items()}
    index = np.arange(weight.absmax_codes.size)
    absmax = tables["nested_quant_map"][weight.absmax_codes] * weight.nested_absmax[index >> 8] + weight.offset
    values = tables["quant_map"][weight.codes()] * np.repeat(absmax.reshape(128, 3), 64, axis=1)
    expected = bnb.dequantize_4bit(packed, state).numpy()
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(dequantize_nf4(weight), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_quantize_as_their_float32_values(dtype):
    source = torch.randn(64, 128, generator=torch.Generator().manual_seed(4)).to(dtype)
    half, single = quantize_nf4(source), quantize_nf4(source.float())
    np.testing.assert_array_equal(half.packed, single.packed)
    np.testing.assert_array_equal(half.absmax_codes, single.absmax_codes)
    assert half.offset == single.offset


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (torch.full((64, 64), torch.nan), "NaN or infinity"),
        (torch.full((64, 64), torch.inf), "NaN or infinity"),
        (torch.zeros(64 * 64), r"needs \[N, K\]"),
        (torch.zeros(1, 64, 64), r"needs \[N, K\]"),
        (torch.zeros(64, 64, dtype=torch.int32), "int32"),
        (torch.zeros(64, 64, dtype=torch.complex64), "complex64"),
        (torch.zeros(64, 96), "whole 64 x 64 tiles"),
    ],
)
def test_what_cannot_be_quantized(source, message):
    with pytest.raises(ValueError, match=message):
        quantize_nf4(source)


def test_sizes():
    assert layout.weight_tiles_bytes(576, 1536) == 9 * 24 * 2112
    shapes = ((64, 64), (128, 128), (128, 192), (5632, 2048))
    assert [layout.nested_entries(*shape) for shape in shapes] == [1, 1, 2, 704]
    assert layout.nested_absmax_bytes(5632, 2048) == 2816
    assert layout.workspace_bytes(65, 16, backward=False) == 65 * 256
    assert layout.workspace_bytes(65, 16, backward=True) == 65 * 256 + 2 * 16 * 2 * 256
    assert [layout.align(size) for size in (0, 1, 64, 65)] == [0, 64, 64, 128]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_tensor_bytes_round_trip(dtype):
    values = np.random.default_rng(5).standard_normal((3, 64)).astype(dtype)
    data = layout.tensor_bytes(values)
    assert data[: values.itemsize] == values[0, 0].astype(values.dtype.newbyteorder("<")).tobytes()
    np.testing.assert_array_equal(layout.tensor_from_bytes(data, (3, 64), dtype), values)


def test_lora_b_is_stored_transposed():
    lora_b = np.arange(128 * 4, dtype=np.float32).reshape(128, 4)
    stored = np.frombuffer(layout.tensor_bytes(layout.transpose_lora_b(lora_b)), np.float32)
    assert stored[1 * 128 + 5] == lora_b[5, 1]


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (0, 64), (64, 0), (64, -64)])
def test_partial_tiles_are_refused(shape):
    with pytest.raises(ValueError, match="whole 64 x 64 tiles"):
        layout.NF4Weight(shape, *(np.zeros(1, np.uint8),) * 2, np.zeros(1, np.float32), np.float32(0))


def test_fields_that_do_not_fit_are_refused():
    good = random_weight(64, 128)
    with pytest.raises(ValueError, match="packed"):
        layout.NF4Weight(good.shape, good.packed[:-1], good.absmax_codes, good.nested_absmax, good.offset)
    with pytest.raises(ValueError, match="absmax_codes"):
        layout.NF4Weight(good.shape, good.packed, good.absmax_codes.astype(int), good.nested_absmax, good.offset)
    with pytest.raises(ValueError, match="bytes of 64 x 128"):
        layout.unpack_weight_tiles(b"\0" * 2112, (64, 128), good.nested_absmax, good.offset)
    with pytest.raises(ValueError, match="float64"):
        layout.tensor_bytes(np.zeros(64))
    with pytest.raises(ValueError, match="dimensions"):
        layout.transpose_lora_b(np.zeros(64))
