"""Memory images of one QLoRA linear layer, and the way back.

Pure NumPy: every function takes and returns arrays, none touches a device. The formats are described in
docs/memory_layout.md. N is out_features, K is in_features, r is the LoRA rank; N and K are multiples of 64.
"""

from dataclasses import dataclass

import numpy as np

from .command_layout import WeightFormat

BLOCK = 64  # weights that share one absmax
NESTED_BLOCK = 256  # absmax codes that share one nested absmax
ROW_BYTES = BLOCK // 2
# Bits of a code, of the formats with double-quantized scales.
CODE_BITS = {WeightFormat.CODES: 4, WeightFormat.CODES3: 3, WeightFormat.CODES2: 2, WeightFormat.INT8: 8}
# Bytes of a value, of the other formats.
VALUE_BYTES = {WeightFormat.FP32: 4, WeightFormat.FP16: 2, WeightFormat.BFP8: 1}
ALIGNMENT = 64
SCRATCH_ROW_BYTES = 256  # one FP32 row of the low-rank space, padded to 64 columns


def tile_bytes(fmt: WeightFormat) -> int:
    """Bytes of a tile of 64 x 64 codes: an absmax code per row, then the rows.

    Raises:
        KeyError: a floating-point format.
    """
    return BLOCK + BLOCK * BLOCK * CODE_BITS[fmt] // 8


TILE_BYTES = tile_bytes(WeightFormat.CODES)


@dataclass(frozen=True)
class NF4Weight:
    """One weight matrix [N, K] in NF4 with double quantization, in the order bitsandbytes stores it.

    Fields:
        shape: (N, K).
        packed: uint8 [N*K/2], two codes a byte, the FIRST of each pair in the HIGH nibble, row-major.
        absmax_codes: uint8 [N*K/64], codes of the dynamic map, block index n*(K/64) + kb.
        nested_absmax: float32 [ceil(N*K/64/256)], one per 256 absmax codes.
        offset: float32 scalar, the mean that was taken off absmax before its quantization.

    Raises:
        ValueError: a field whose length or type does not fit the shape.
    """

    shape: tuple[int, int]
    packed: np.ndarray
    absmax_codes: np.ndarray
    nested_absmax: np.ndarray
    offset: np.float32

    def __post_init__(self):
        n, k = self.shape
        _check_dims(n, k)
        expected = (
            ("packed", self.packed, np.uint8, n * k // 2),
            ("absmax_codes", self.absmax_codes, np.uint8, n * k // BLOCK),
            ("nested_absmax", self.nested_absmax, np.float32, nested_entries(n, k)),
        )
        for name, array, dtype, length in expected:
            if array.dtype != dtype or array.shape != (length,):
                raise ValueError(f"{name} is {array.dtype}{array.shape}, expected {np.dtype(dtype)}({length},)")

    def codes(self) -> np.ndarray:
        """The 4-bit codes as uint8 [N, K]."""
        return np.stack((self.packed >> 4, self.packed & 0xF), axis=-1).reshape(self.shape)


def _check_dims(n: int, k: int) -> None:
    if n <= 0 or k <= 0 or n % BLOCK or k % BLOCK:
        raise ValueError(f"a weight of {n} x {k} is not made of whole {BLOCK} x {BLOCK} tiles")


def align(size: int, alignment: int = ALIGNMENT) -> int:
    """`size` rounded up to a multiple of `alignment` bytes."""
    return -(-size // alignment) * alignment


def nested_entries(n: int, k: int) -> int:
    """Number of nested absmax values of an N x K weight."""
    return -(-(n * k // BLOCK) // NESTED_BLOCK)


def weight_tiles_bytes(n: int, k: int) -> int:
    """Bytes of an N x K weight in tiles, scale codes included."""
    return (n // BLOCK) * (k // BLOCK) * TILE_BYTES


def nested_absmax_bytes(n: int, k: int) -> int:
    """Bytes of the nested absmax table of an N x K weight."""
    return 4 * nested_entries(n, k)


def workspace_bytes(m: int, r: int, backward: bool) -> int:
    """Bytes of scratch memory for M tokens at rank r.

    Forward keeps u = A x as FP32 [M][64]. Backward keeps one such array and two transposed operands of r rows by
    ceil(M/64) blocks of 64 FP32 values.
    """
    token_blocks = -(-m // BLOCK)
    return m * SCRATCH_ROW_BYTES + (2 * r * token_blocks * SCRATCH_ROW_BYTES if backward else 0)


def swap_nibbles(packed: np.ndarray) -> np.ndarray:
    """Exchange the two codes of every byte: bitsandbytes order to memory order and back."""
    return (packed << 4) | (packed >> 4)


def pack_weight_tiles(weight: NF4Weight) -> np.ndarray:
    """The weight as the accelerator reads it: uint8 [N/64, K/64, 2112], tiles in row-major order.

    A tile is 64 absmax codes (one per row) and then 64 rows of 32 bytes, element k of the row in nibble k.
    """
    return _tiles(weight.shape, weight.absmax_codes, swap_nibbles(weight.packed))


def _tiles(shape: tuple[int, int], absmax_codes: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Tiles from scale codes and packed rows, both in row-major order."""
    n_tiles, k_tiles = (size // BLOCK for size in shape)
    scales = absmax_codes.reshape(n_tiles, BLOCK, k_tiles).transpose(0, 2, 1)
    rows = packed.reshape(n_tiles, BLOCK, k_tiles, -1).transpose(0, 2, 1, 3)
    return np.concatenate([scales, rows.reshape(n_tiles, k_tiles, -1)], axis=2)


@dataclass(frozen=True)
class CodedWeight:
    """One weight matrix [N, K] in any format of codes: ``w = book[code] * unit * absmax`` of its block.

    Fields:
        fmt: INT8, or codes of 2 to 4 bits.
        codes: uint8 [N, K]; of INT8 the bits of a two's complement integer.
        absmax_codes: uint8 [N, K/64], codes of the dynamic map.
        nested_absmax, offset: as of ``NF4Weight``.
        book: 16 integers of 18 bits, zeros behind those of the codes; all zero for INT8, whose codes are integers.
        unit: float32 scalar, what one of the integers is worth.
    """

    fmt: WeightFormat
    codes: np.ndarray
    absmax_codes: np.ndarray
    nested_absmax: np.ndarray
    offset: np.float32
    book: np.ndarray
    unit: np.float32


def pack_code_tiles(weight: CodedWeight) -> np.ndarray:
    """The weight as the accelerator reads it: uint8 [N/64, K/64, tile_bytes].

    A tile is 64 absmax codes (one per row) and then 64 rows, code k of a row of n-bit codes in its bits n k to n k + n.
    """
    bits = CODE_BITS[weight.fmt]
    blocks = weight.codes.reshape(-1, BLOCK)
    if bits == 4:
        packed = blocks[:, ::2] | blocks[:, 1::2] << 4
    else:
        single = blocks[:, :, None] >> np.arange(bits, dtype=np.uint8) & 1
        packed = np.packbits(single.reshape(-1, BLOCK * bits), axis=1, bitorder="little")
    return _tiles(weight.codes.shape, weight.absmax_codes, packed)


def unpack_codes(rows: np.ndarray, bits: int) -> np.ndarray:
    """Codes uint8 [..., 64] of rows of packed codes, uint8 [..., 8 * bits]."""
    if bits == 8:
        return rows
    if bits == 4:
        return np.stack((rows & 0xF, rows >> 4), axis=-1).reshape(*rows.shape[:-1], BLOCK)
    single = np.unpackbits(rows, axis=-1, bitorder="little").reshape(*rows.shape[:-1], BLOCK, bits)
    return (single << np.arange(bits, dtype=np.uint8)).sum(axis=-1, dtype=np.uint8)


def unpack_weight_tiles(
    tiles: bytes | np.ndarray, shape: tuple[int, int], nested_absmax: np.ndarray, offset: np.float32
) -> NF4Weight:
    """Inverse of `pack_weight_tiles`.

    Args:
        tiles: N/64 * K/64 * 2112 bytes.
        shape: (N, K).
        nested_absmax, offset: passed through, they are not part of the tiles.

    Raises:
        ValueError: the number of bytes does not fit the shape.
    """
    n, k = shape
    _check_dims(n, k)
    flat = np.frombuffer(tiles, np.uint8) if isinstance(tiles, bytes | bytearray) else np.ravel(tiles)
    if flat.dtype != np.uint8 or flat.size != weight_tiles_bytes(n, k):
        raise ValueError(f"{flat.size} x {flat.dtype} are not the {weight_tiles_bytes(n, k)} bytes of {n} x {k}")
    n_tiles, k_tiles = n // BLOCK, k // BLOCK
    grid = flat.reshape(n_tiles, k_tiles, TILE_BYTES)
    absmax_codes = grid[..., :BLOCK].transpose(0, 2, 1).reshape(-1)
    rows = grid[..., BLOCK:].reshape(n_tiles, k_tiles, BLOCK, ROW_BYTES).transpose(0, 2, 1, 3)
    packed = swap_nibbles(rows.reshape(-1))
    return NF4Weight(shape, packed, np.ascontiguousarray(absmax_codes), nested_absmax, np.float32(offset))


def transpose_lora_b(lora_b: np.ndarray) -> np.ndarray:
    """LoRA B [N, r], as PEFT keeps it, to the stored [r, N], or back: a contiguous transpose."""
    if lora_b.ndim != 2:
        raise ValueError(f"LoRA B has {lora_b.ndim} dimensions, expected 2")
    return np.ascontiguousarray(lora_b.T)


def tensor_bytes(array: np.ndarray) -> bytes:
    """A float array as little-endian row-major bytes (FP32 or FP16 as it is).

    Raises:
        ValueError: a type the accelerator does not read.
    """
    if array.dtype not in (np.float32, np.float16):
        raise ValueError(f"the accelerator reads float32 or float16, not {array.dtype}")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def tensor_from_bytes(data: bytes, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Inverse of `tensor_bytes`; the array is a writable copy in native byte order."""
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).reshape(shape).astype(dtype)
