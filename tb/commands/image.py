"""A memory image that operands are placed in, one behind the other."""

from __future__ import annotations

import numpy as np
from edge_qlora import layout
from edge_qlora.command_layout import WeightFormat
from edge_qlora.commands import Command, pack_list
from edge_qlora.footprint import MemoryWindow
from edge_qlora.layout import NF4Weight
from edge_qlora.products import StoredCodes, StoredFloats
from edge_qlora.streams import header_bytes

from tb.models import qlora
from tb.models.matrix import Codebook


class Image:
    """Memory from ``base`` on.

    Attributes:
        memory: uint8; what nothing was placed in is not zero.
        base: address of its first byte.
        window: all of it.
    """

    def __init__(self, size: int, base: int = 0):
        self.memory = np.full(size, 0xA5, np.uint8)
        self.base = base
        self.window = MemoryWindow(base, size)
        self._next = base

    def allocate(self, size: int) -> int:
        """Address of whole lines."""
        address, self._next = self._next, self._next + layout.align(size)
        if self._next > self.window.limit:
            raise ValueError(f"{size} bytes do not fit the image")
        return address

    def place(self, data: np.ndarray | bytes) -> int:
        """Address of a copy of an array."""
        raw = np.frombuffer(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes(), np.uint8)
        address = self.allocate(len(raw))
        self.memory[address - self.base : address - self.base + len(raw)] = raw
        return address

    def floats(self, array: np.ndarray) -> StoredFloats:
        """A float32 or float16 matrix in memory; or of uint8, the bytes of rows of BFP8 blocks."""
        forms = {np.float32: WeightFormat.FP32, np.float16: WeightFormat.FP16, np.uint8: WeightFormat.BFP8}
        form = forms[array.dtype.type]
        return StoredFloats(self.place(array), *array.shape, form)

    def codes(self, weight: NF4Weight, codebook: Codebook | None = None) -> StoredCodes:
        """A matrix of codes in memory, with its header; NF4 unless a codebook is given."""
        book = codebook or Codebook.from_values(qlora.NF4_VALUES)
        header = header_bytes(book.entries, book.scale, weight.offset, weight.nested_absmax)
        tiles = self.place(layout.pack_weight_tiles(weight))
        return StoredCodes(tiles, *weight.shape, self.place(header), len(header))

    def list(self, commands: list[Command]) -> int:
        """Address of a list in memory."""
        return self.place(pack_list(commands))

    def array(self, address: int, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """A copy of an array in memory."""
        start = address - self.base
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self.memory[start : start + size].view(dtype).reshape(shape).copy()
