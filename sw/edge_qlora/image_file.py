"""Packed models: a file with the memory's content, and a JSON file beside it that says where everything is."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .checkpoint import ModelConfig
from .command_layout import ValueFormat, WeightFormat
from .commands import Limits
from .errors import FileMissingError, MalformedFileError, TruncatedFileError
from .footprint import MemoryWindow
from .memory_plan import Buffer, MemoryPlan
from .model_image import LayerImage, Linear, LowRank, ModelImage, Progress
from .safetensors_file import load_json

FORMAT = "edge-qlora image 4"
CHUNK = 1 << 24  # bytes


def description_path(path: Path) -> Path:
    """The JSON file that belongs to a packed model."""
    return path.with_suffix(".json")


def save(
    path: Path,
    image: ModelImage,
    contents: Iterable[tuple[int, np.ndarray]],
    limits: Limits,
    progress: Progress = lambda *_: None,
) -> None:
    """Write a packed model; the description comes last, so that an interrupted run leaves none.

    Args:
        path: of the content.
        image, contents: from ``model_image.build``.
        limits: of the hardware that it was built for.
        progress: is told of bytes written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    description_path(path).unlink(missing_ok=True)
    base, size = image.plan.window.base, image.plan.end - image.plan.window.base
    memory = np.memmap(path, np.uint8, "w+", shape=(size,))
    for address, content in contents:
        memory[address - base : address - base + content.size] = content
        progress("packing", address + content.size - base, size)
    memory.flush()
    names = ("scratch_words", "max_rows", "nested_depth", "backward")
    fields = {name: getattr(limits, name) for name in names}
    description = {"format": FORMAT, "size": size, "limits": fields, "image": asdict(image)}
    description["checksum"] = _checksum(description, memory)
    description_path(path).write_text(json.dumps(description, indent=1) + "\n")


def load(path: Path) -> tuple[ModelImage, np.ndarray, Limits]:
    """A packed model: where everything is, the content as a private copy-on-write map, and the limits it needs.

    Raises:
        FileMissingError, TruncatedFileError, MalformedFileError: it is not there, too short, not a packed model, or
            its content or description is not what was written.
    """
    description = load_json(description_path(path))
    if description.get("format") != FORMAT:
        raise MalformedFileError(description_path(path), f"not the description of a packed model ({FORMAT!r})")
    if not path.is_file():
        raise FileMissingError(path, "no such file")
    try:
        size, fields = description["size"], description["limits"]
        image = _image(description["image"])
        limits = Limits(**fields, window=MemoryWindow(image.plan.window.base, size))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedFileError(description_path(path), f"incomplete: {error!r}") from error
    if path.stat().st_size != size:
        raise TruncatedFileError(path, f"{path.stat().st_size} bytes, expected {size}")
    memory = np.memmap(path, np.uint8, "c")
    stored = description.pop("checksum", None)
    if stored != (found := _checksum(description, memory)):
        raise MalformedFileError(path, f"damaged, it or {description_path(path).name}: checksum {found}, not {stored}")
    return image, memory, limits


def _checksum(description: dict, memory: np.ndarray) -> int:
    """CRC-32 of a description without its checksum, then of the content."""
    crc = zlib.crc32(json.dumps(description, sort_keys=True).encode())
    for begin in range(0, len(memory), CHUNK):
        crc = zlib.crc32(memory[begin : begin + CHUNK], crc)
    return crc


def _image(fields: dict) -> ModelImage:
    plan = MemoryPlan(MemoryWindow(**fields["plan"]["window"]), [Buffer(**b) for b in fields["plan"]["buffers"]])
    layers = tuple(
        LayerImage(**layer | {"projections": {name: _linear(p) for name, p in layer["projections"].items()}})
        for layer in fields["layers"]
    )
    adapters = {
        key: {name: _low_rank(low) for name, low in adapter.items()} for key, adapter in fields["adapters"].items()
    }
    parts = {"config": ModelConfig(**fields["config"]), "layers": layers, "head": _linear(fields["head"]), "plan": plan}
    parts |= {"adapters": adapters, "cache": ValueFormat(fields["cache"])}
    return ModelImage(**fields | parts)


def _linear(fields: dict) -> Linear:
    return Linear(**fields | {"format": WeightFormat(fields["format"]), "low_rank": _low_rank(fields["low_rank"])})


def _low_rank(fields: dict | None) -> LowRank | None:
    return None if fields is None else LowRank(**fields | {"format": WeightFormat(fields["format"])})
