"""safetensors reader with named errors.

The header is checked here before the `safetensors` library sees the file, so that a truncated file and a malformed one
are told apart whatever the library's own messages are.
"""

import json
import struct
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from .errors import FileMissingError, MalformedFileError, MissingTensorError, TruncatedFileError

_LENGTH_BYTES = 8
_MAX_HEADER = 100_000_000  # the format's own limit


def load_json(path: str | PathLike) -> dict:
    """A JSON object from a file.

    Raises:
        FileMissingError, MalformedFileError.
    """
    path = Path(path)
    if not path.is_file():
        raise FileMissingError(path, "no such file")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise MalformedFileError(path, f"not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise MalformedFileError(path, f"holds a JSON {type(content).__name__}, expected an object")
    return content


def _check_header(path: Path) -> None:
    """Hold the file's size against what its header promises."""
    if not path.is_file():
        raise FileMissingError(path, "no such file")
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
    try:
        header = json.loads(raw)
        ends = {name: int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise MalformedFileError(path, f"the header is not a tensor table: {error!r}") from error
    for name, end in ends.items():
        excess = _LENGTH_BYTES + length + end - size
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
