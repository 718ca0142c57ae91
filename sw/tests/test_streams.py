"""Streams of weights: every element against the definition in docs/commands.md."""

import numpy as np
import pytest
from edge_qlora import layout, streams


def test_header_is_laid_out_in_lines():
    nested = np.arange(1, 18, dtype=np.float32)
    codebook = np.arange(16) * 17000 - (1 << 17)
    header = streams.header_bytes(codebook, np.float32(0.5), np.float32(-3), nested)
    lines = header.reshape(-1, 64)
    assert len(lines) == streams.header_lines(17) == 4
    np.testing.assert_array_equal(lines[0].view("<i4"), codebook)
    np.testing.assert_array_equal(lines[1].view("<f4"), [0.5, -3] + 14 * [0])
    np.testing.assert_array_equal(lines[2:].reshape(-1).view("<f4"), [*nested, *15 * [0]])


@pytest.mark.parametrize("codebook", [np.zeros(15), [1 << 17] + 15 * [0], [-(1 << 17) - 1] + 15 * [0]])
def test_header_refuses_a_codebook(codebook):
    with pytest.raises(ValueError, match="a codebook has 16 entries of 18 bits"):
        streams.header_bytes(codebook, np.float32(1), np.float32(0), np.zeros(1, np.float32))


def test_header_takes_the_whole_range():
    codebook = np.array([(1 << 17) - 1, -(1 << 17)] + 14 * [0])
    header = streams.header_bytes(codebook, np.float32(1), np.float32(0), np.zeros(0, np.float32))
    np.testing.assert_array_equal(header[:64].view("<i4"), codebook)
    assert header.size == 128


@pytest.mark.parametrize("transpose", [False, True])
def test_codes_follow_the_columns_of_d(transpose):
    tiles = np.random.default_rng(1).integers(0, 256, (3, 2, layout.TILE_BYTES), np.uint8)
    blocks = streams.code_blocks(tiles, transpose)
    assert len(blocks) == tiles.shape[1 if transpose else 0]
    for b, block in enumerate(blocks):
        for k, tile in enumerate(block.reshape(-1, layout.TILE_BYTES)):
            np.testing.assert_array_equal(tile, tiles[k, b] if transpose else tiles[b, k])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("outputs", [1, 64, 130])
def test_floats_in_n_mode(dtype, outputs):
    weights = np.random.default_rng(2).standard_normal((outputs, 192)).astype(dtype)
    blocks = streams.float_blocks(weights, False)
    assert len(blocks) == -(-outputs // 64)
    for b, block in enumerate(blocks):
        lines = min(64, outputs - 64 * b)
        tiles = block.view(dtype).reshape(3, lines, 64)
        for k in range(3):
            np.testing.assert_array_equal(tiles[k], weights[64 * b : 64 * b + lines, 64 * k : 64 * k + 64])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("length", [1, 64, 100])
def test_floats_in_t_mode(dtype, length):
    weights = np.random.default_rng(3).standard_normal((length, 128)).astype(dtype)
    blocks = streams.float_blocks(weights, True)
    for b, block in enumerate(blocks):
        np.testing.assert_array_equal(block.view(dtype).reshape(length, 64), weights[:, 64 * b : 64 * b + 64])


@pytest.mark.parametrize("weights", [np.zeros((2, 65), np.float32), np.zeros((2, 64)), np.zeros(64, np.float32)])
def test_other_floats_are_refused(weights):
    with pytest.raises(ValueError, match="is no float matrix"):
        streams.float_blocks(weights, False)


def test_other_tiles_are_refused():
    with pytest.raises(ValueError, match="are not tiles"):
        streams.code_blocks(np.zeros((2, 2, 2048), np.uint8), False)


def test_stream_interleaves_two_weights():
    first, second = ([np.full(64, n + i, np.uint8) for i in range(3)] for n in (10, 20))
    header = np.full(128, 1, np.uint8)
    order = [1, 1, 10, 20, 11, 21, 12, 22]
    np.testing.assert_array_equal(streams.stream(header, first, second)[::64], order)
    np.testing.assert_array_equal(streams.stream(None, first), np.concatenate(first))
    with pytest.raises(ValueError, match="do not go together"):
        streams.stream(None, first, second[:2])
