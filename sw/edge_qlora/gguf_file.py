"""GGUF container reader that checks every length against the file before it believes it.

The `gguf` package supplies the format constants and the dequantization of blocks. Its own reader trusts the header, so
that a damaged array length can make it loop for hours; this one reports a named error instead, and walks the header of
a 49,000-token model in a fraction of a second.
"""

import mmap
import struct
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from .errors import (
    MalformedFileError,
    MissingTensorError,
    TruncatedFileError,
    UnsupportedQuantizationError,
)
from .safetensors_file import existing_file

_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 4
_SCALARS = {
    gguf.GGUFValueType.UINT8: "<B",
    gguf.GGUFValueType.INT8: "<b",
    gguf.GGUFValueType.UINT16: "<H",
    gguf.GGUFValueType.INT16: "<h",
    gguf.GGUFValueType.UINT32: "<I",
    gguf.GGUFValueType.INT32: "<i",
    gguf.GGUFValueType.FLOAT32: "<f",
    gguf.GGUFValueType.BOOL: "<?",
    gguf.GGUFValueType.UINT64: "<Q",
    gguf.GGUFValueType.INT64: "<q",
    gguf.GGUFValueType.FLOAT64: "<d",
}


@dataclass(frozen=True)
class _Tensor:
    """Where a tensor lies: NumPy shape (slowest axis first), storage type, absolute byte range."""

    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType
    start: int
    size: int


class _Cursor:
    """Reads little-endian fields in order; every step is bounded by the file's size."""

    def __init__(self, path: Path, data: mmap.mmap):
        self.path = path
        self.data = data
        self.position = 0

    def take(self, size: int) -> int:
        """Advance by `size` bytes and return where they start."""
        start = self.position
        if size > len(self.data) - start:
            raise TruncatedFileError(
                self.path, f"the header needs {size} bytes at offset {start}, the file has {len(self.data)}"
            )
        self.position = start + size
        return start

    def scalar(self, layout: str) -> Any:
        return struct.unpack_from(layout, self.data, self.take(struct.calcsize(layout)))[0]

    def string(self) -> str:
        length = self.scalar("<Q")
        start = self.take(length)
        try:
            return self.data[start : start + length].decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedFileError(self.path, f"the string at offset {start} is not UTF-8") from error

    def value(self, kind: int, inside_array: bool = False) -> Any:
        """One metadata value of GGUF type `kind`; strings become a list, other arrays a read-only NumPy array."""
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == gguf.GGUFValueType.STRING:
            return self.string()
        if kind != gguf.GGUFValueType.ARRAY or inside_array:
            raise MalformedFileError(self.path, f"metadata type {kind} at offset {self.position} is not known")
        item, count = self.scalar("<I"), self.scalar("<Q")
        if item in _SCALARS:
            start = self.take(count * struct.calcsize(_SCALARS[item]))
            return np.frombuffer(self.data, np.dtype(_SCALARS[item]), count, start)
        return [self.value(item, inside_array=True) for _ in range(count)]


class GgufFile:
    """An open GGUF file: `metadata` is a dict, tensors are read on demand.

    Raises:
        FileMissingError, TruncatedFileError, MalformedFileError, UnsupportedQuantizationError.
    """

    def __init__(self, path: str | PathLike):
        self.path = existing_file(path)
        if self.path.stat().st_size == 0:
            raise TruncatedFileError(self.path, "the file is empty")
        with self.path.open("rb") as handle:
            self._data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        cursor = _Cursor(self.path, self._data)
        magic, version = cursor.scalar("<I"), cursor.scalar("<I")
        if magic != gguf.GGUF_MAGIC:
            raise MalformedFileError(self.path, f"magic number {magic:#010x} is not GGUF's")
        if version not in _VERSIONS:
            raise MalformedFileError(self.path, f"GGUF version {version} is not one of {_VERSIONS}")
        tensors, entries = cursor.scalar("<Q"), cursor.scalar("<Q")
        self.metadata: dict[str, Any] = {}
        for _ in range(entries):
            key = cursor.string()
            self.metadata[key] = cursor.value(cursor.scalar("<I"))
        headers = [self._tensor_header(cursor) for _ in range(tensors)]
        self._tensors = self._place(headers, cursor.position)

    def _tensor_header(self, cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
        name = cursor.string()
        dimensions = cursor.scalar("<I")
        if not 1 <= dimensions <= _MAX_DIMENSIONS:
            raise MalformedFileError(self.path, f"{dimensions} dimensions", name)
        shape = tuple(cursor.scalar("<Q") for _ in range(dimensions))[::-1]
        return name, shape, cursor.scalar("<I"), cursor.scalar("<Q")

    def _place(self, headers: list, header_end: int) -> dict[str, _Tensor]:
        """Check the tensor table against the file's size."""
        alignment = self.metadata.get("general.alignment", gguf.GGUF_DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise MalformedFileError(self.path, f"alignment {alignment!r} is not a power of two")
        base = -(-header_end // alignment) * alignment
        table: dict[str, _Tensor] = {}
        for name, shape, kind, offset in headers:
            if name in table:
                raise MalformedFileError(self.path, "named twice", name)
            if kind not in gguf.GGML_QUANT_SIZES:
                raise UnsupportedQuantizationError(self.path, f"storage type {kind} is not known", name)
            block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
            elements = 1
            for extent in shape:
                elements *= extent
            if elements == 0 or shape[-1] % block:
                raise MalformedFileError(self.path, f"shape {shape} is not made of blocks of {block}", name)
            size = elements // block * block_bytes
            if base + offset + size > len(self._data):
                raise TruncatedFileError(
                    self.path, f"its data ends at byte {base + offset + size}, the file has {len(self._data)}", name
                )
            table[name] = _Tensor(shape, gguf.GGMLQuantizationType(kind), base + offset, size)
        return table

    def names(self) -> list[str]:
        """Tensor names in file order."""
        return list(self._tensors)

    def read(self, name: str) -> np.ndarray:
        """Tensor `name` as float32, slowest axis first, dequantized as llama.cpp does.

        Raises:
            MissingTensorError: no tensor of that name.
            UnsupportedQuantizationError: a storage type that cannot be dequantized here.
        """
        if name not in self._tensors:
            raise MissingTensorError(self.path, "not in the file", name)
        entry = self._tensors[name]
        raw = np.frombuffer(self._data, np.uint8, entry.size, entry.start).reshape(*entry.shape[:-1], -1)
        try:
            values = gguf.quants.dequantize(raw, entry.kind)
        except NotImplementedError as error:
            raise UnsupportedQuantizationError(self.path, f"stored as {entry.kind.name}", name) from error
        return np.require(values, np.float32, ["C", "W"]).reshape(entry.shape)
