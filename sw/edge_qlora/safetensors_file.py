"""safetensors reader with named errors.

The header is checked here before the `safetensors` library sees the file, so that a truncated file and a malformed one
are told apart whatever the library's own messages are.
"""

import json
import struct
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from .errors import FileMissingError, MalformedFileError, MissingTensorError, TruncatedFileError

_LENGTH_BYTES = 8
_MAX_HEADER = 100_000_000  # the format's own limit


def existing_file(path: str | PathLike) -> Path:
    """`path`, if it is a regular file.

    Raises:
        FileMissingError.
    """
    path = Path(path)
    try:
        found = path.is_file()
    except OSError:  # such as a name that is too long
        found = False
    if not found:
        raise FileMissingError(path, "no such file")
    return path


def parse_object(path: Path, raw: bytes, what: str, tensor: str | None = None) -> dict[str, Any]:
    """A JSON object from bytes; `what` names it in messages.

    Raises:
        MalformedFileError.
    """
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(path, f"{what} is not valid JSON: {error}", tensor) from error
    if not isinstance(content, dict):
        raise MalformedFileError(path, f"{what} is a JSON {type(content).__name__}, expected an object", tensor)
    return content


def load_json(path: str | PathLike) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        FileMissingError, MalformedFileError.
    """
    path = existing_file(path)
    return parse_object(path, path.read_bytes(), "the content")


def is_integer(value: Any) -> bool:
    """Whether a JSON value is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_header(path: Path) -> None:
    """Hold the file's size against what its header promises."""
    existing_file(path)
    size = path.stat().st_size
    with path.open("rb") as handle:
        prefix = handle.read(_LENGTH_BYTES)
        if len(prefix) < _LENGTH_BYTES:
            raise TruncatedFileError(path, f"{size} bytes are less than the header's length field")
        (length,) = struct.unpack("<Q", prefix)
        if length > _MAX_HEADER:
            raise MalformedFileError(path, f"a header of {length} bytes is over the format's limit")
        if _LENGTH_BYTES + length > size:
            raise TruncatedFileError(path, f"a header of {length} bytes does not fit a file of {size} bytes")
        raw = handle.read(length)
    for name, entry in parse_object(path, raw, "the header").items():
        if name == "__metadata__":
            continue
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(is_integer(offset) for offset in offsets):
            raise MalformedFileError(path, "its entry in the header has no data_offsets", name)
        excess = _LENGTH_BYTES + length + offsets[1] - size
        if excess > 0:
            raise TruncatedFileError(path, f"its data ends {excess} bytes past the file", name)


class SafetensorsFile:
    """An open safetensors file.

    Raises:
        FileMissingError, TruncatedFileError, MalformedFileError.
    """

    def __init__(self, path: str | PathLike):
        self.path = Path(path)
        _check_header(self.path)
        try:
            self._handle = safe_open(self.path, framework="pt")
            self._names = set(self._handle.keys())
        except SafetensorError as error:
            raise MalformedFileError(self.path, str(error)) from error

    def names(self) -> list[str]:
        """Tensor names, sorted."""
        return sorted(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> torch.Tensor:
        """Tensor `name` in its stored type.

        Raises:
            MissingTensorError: no tensor of that name.
        """
        if name not in self._names:
            raise MissingTensorError(self.path, "not in the file", name)
        return self._handle.get_tensor(name)
