"""Where one QLoRA linear layer keeps its buffers in memory, and the lists of commands that compute it.

Plain data; `layer_program.py` makes the commands, `driver.py` does the input and output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import layer_program, layout
from .command_layout import COMMAND_BYTES, WeightFormat
from .commands import Command, End, Limits, pack_list
from .errors import AdapterShapeError, ModelLimitError, NonFiniteError, OperandError
from .layer_program import Adapter
from .layout import NF4Weight
from .memory_plan import MemoryPlan
from .ordering import synchronize
from .products import StoredCodes, StoredFloats
from .quantization import nf4_codebook
from .streams import header_bytes

MOST_TOKENS = 65535  # a reduction over tokens is a field of 16 bits
LARGEST_FEATURES = 65472  # and so are the reductions over features, whole blocks of 64
LARGEST_RANK = 64
FP32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Segment:
    """Bytes to write at an address before a job."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Output:
    """An array that a job leaves in memory, row-major; `transposed` where the user expects its transpose."""

    address: int
    shape: tuple[int, int]
    dtype: type
    transposed: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.shape[0] * self.shape[1] * np.dtype(self.dtype).itemsize

    def decode(self, data: bytes) -> np.ndarray:
        """The array that `data` holds, as the user expects it."""
        array = layout.tensor_from_bytes(data, self.shape, self.dtype)
        return np.ascontiguousarray(array.T) if self.transposed else array


@dataclass(frozen=True)
class Job:
    """One list: the `segments` to write before it (its `commands` among them) and the outputs to read after it."""

    commands: tuple[Command, ...]
    list_address: int
    segments: tuple[Segment, ...]
    outputs: dict[str, Output]


class LayerPlan:
    """The buffers of one layer, forward and backward, for up to `max_tokens` tokens.

    `static_segments` are written once, `adapter_segments` again after every optimizer step, the segments of a `Job`
    before it runs.

    Args:
        limits: of the accelerator; its window is the memory that the layer may use.
        weight: the frozen weight [N, K].
        max_tokens: largest batch M.
        rank: LoRA rank r, 0 for no adapter.
        lora_scale: s in y = W x + s B (A x).
        x_dtype, lora_dtype, y_dtype: float32 or float16 in memory: of x and dy, of A and B, of y and dx.
        codebook: 16 integers of 18 bits and what one unit of them is worth; None: NF4.

    Attributes:
        addresses: of "list", "header", "weights", "lora_a", "lora_b", "x", "y", "dy", "dx", "d_lora_a", "d_lora_b".
        memory: all buffers.

    Raises:
        MemoryFullError: the window is too small.
        ModelLimitError: the accelerator's scratchpad or its table of nested absmax values is too small, or a dimension
            is larger than any accelerator takes.
        OperandError: a number of tokens, rank or scale that is none.
        NonFiniteError: a scale, or the weight's offset or nested absmax, that is not finite in FP32.
        ValueError: a type other than float32 and float16.
    """

    def __init__(
        self,
        limits: Limits,
        weight: NF4Weight,
        max_tokens: int,
        rank: int = 0,
        lora_scale: float = 1.0,
        x_dtype: type = np.float32,
        lora_dtype: type = np.float32,
        y_dtype: type = np.float32,
        codebook: tuple[np.ndarray, np.float32] | None = None,
    ):
        self.limits, self.weight = limits, weight
        self.max_tokens = _count("max_tokens", max_tokens, 1, MOST_TOKENS)
        self.rank = _count("rank", rank, 0, LARGEST_RANK)
        self.x_dtype, self.lora_dtype, self.y_dtype = x_dtype, lora_dtype, y_dtype
        for name, scale in (("lora_scale", lora_scale), ("the weight's offset", weight.offset)):
            _check_scale(name, scale)
        _stored("nested_absmax", weight.nested_absmax, np.float32)
        n, k = weight.shape
        if max(n, k) > LARGEST_FEATURES:
            raise ModelLimitError(f"a weight of {n} x {k} is larger than {LARGEST_FEATURES}")
        if len(weight.nested_absmax) > limits.nested_depth:
            raise ModelLimitError(f"{len(weight.nested_absmax)} nested absmax values are over {limits.nested_depth}")
        book, unit = codebook or nf4_codebook()
        self._header = header_bytes(book, unit, weight.offset, weight.nested_absmax).tobytes()
        self.memory = MemoryPlan(limits.window)
        self._place(lora_scale)

    def _place(self, lora_scale: float) -> None:
        """Lay the buffers out, and remember how the layer is made of them."""
        n, k = self.weight.shape
        m, r = self.max_tokens, self.rank
        self.addresses = {
            "header": self._add("header", "weights", len(self._header)),
            "weights": self._add("weights", "weights", layout.weight_tiles_bytes(n, k)),
        }
        tiles = StoredCodes(self.addresses["weights"], n, k, self.addresses["header"], len(self._header))
        a, bt = (self._array(name, r, size, self.lora_dtype) for name, size in (("lora_a", k), ("lora_b", n)))
        adapter = Adapter(a, bt, float(np.float32(lora_scale))) if r else None
        x, dy = (self._array(name, m, size, self.x_dtype) for name, size in (("x", k), ("dy", n)))
        y, dx = (self._array(name, m, size, self.y_dtype) for name, size in (("y", n), ("dx", k)))
        da, dbt = (self._array(name, r, size, np.float32) for name, size in (("d_lora_a", k), ("d_lora_b", n)))

        def forward(tokens: int) -> list[Command]:
            return layer_program.forward(self.limits, tokens, tiles, adapter, x, y)

        def backward(tokens: int) -> list[Command]:
            commands = layer_program.input_gradient(self.limits, tokens, tiles, adapter, dy, dx)
            if adapter:
                commands += layer_program.adapter_gradients(self.limits, tokens, adapter, x, dy, da, dbt)
            return commands

        self._programs: dict[str, Callable[[int], list[Command]]] = {"forward": forward, "backward": backward}
        self._lists: dict[tuple[str, int], tuple[tuple[Command, ...], bytes]] = {}
        longest = max(len(program(m)) for program in self._programs.values()) + 1
        self.addresses["list"] = self._add("list", "commands", longest * COMMAND_BYTES)

    def _add(self, name: str, purpose: str, size: int) -> int:
        return self.memory.add(name, purpose, size)

    def _array(self, name: str, rows: int, columns: int, dtype: type) -> StoredFloats:
        form = WeightFormat.FP16 if _is_fp16(dtype) else WeightFormat.FP32
        purpose = "adapter" if "lora" in name else "activations"
        self.addresses[name] = self._add(name, purpose, rows * columns * np.dtype(dtype).itemsize)
        return StoredFloats(self.addresses[name], rows, columns, form)

    def static_segments(self) -> tuple[Segment, ...]:
        """Weight tiles and their header."""
        return (
            Segment(self.addresses["weights"], layout.pack_weight_tiles(self.weight).tobytes()),
            Segment(self.addresses["header"], self._header),
        )

    def adapter_segments(self, lora_a: np.ndarray, lora_b: np.ndarray) -> tuple[Segment, ...]:
        """LoRA A [r, K] and B [N, r], rounded to `lora_dtype`.

        Raises:
            AdapterShapeError: a matrix does not fit the rank or the weight.
            OperandError: not an array of real numbers.
            NonFiniteError: NaN or infinity, or a value that becomes one in `lora_dtype`.
        """
        n, k = self.weight.shape
        stored = {name: _stored(name, v, self.lora_dtype) for name, v in (("lora_a", lora_a), ("lora_b", lora_b))}
        for name, shape in (("lora_a", (self.rank, k)), ("lora_b", (n, self.rank))):
            found = stored[name].shape
            if found != shape:
                raise AdapterShapeError("adapter in memory", f"shape {found}, the layer needs {shape}", name)
        stored["lora_b"] = layout.transpose_lora_b(stored["lora_b"])
        return tuple(Segment(self.addresses[name], layout.tensor_bytes(array)) for name, array in stored.items())

    def forward_job(self, x: np.ndarray) -> Job:
        """y from x [M, K], rounded to `x_dtype`. Outputs: "y" [M, N] in `y_dtype`.

        Raises:
            OperandError: x is not an array of real numbers, or not of 1 to `max_tokens` rows of K.
            NonFiniteError: x holds NaN or infinity, or a value that becomes one in `x_dtype`.
        """
        n, k = self.weight.shape
        x = self._operand("x", x, k)
        return self._job("forward", {"x": x}, {"y": Output(self.addresses["y"], (len(x), n), self.y_dtype)})

    def backward_job(self, x: np.ndarray, dy: np.ndarray) -> Job:
        """Gradients from the saved x [M, K] and dy [M, N], rounded to `x_dtype`.

        Outputs: "dx" [M, K] in `y_dtype`; with an adapter "d_lora_a" [r, K] and "d_lora_b" [N, r] (decoded) in float32.

        Raises:
            OperandError: as `forward_job`, of x or dy; or they differ in their number of tokens.
            NonFiniteError: as `forward_job`, of x or dy.
            ModelLimitError: the accelerator was built without backward passes.
        """
        if not self.limits.backward:
            raise ModelLimitError("the accelerator has no backward passes: it takes codes in N mode alone")
        n, k = self.weight.shape
        x, dy = self._operand("x", x, k), self._operand("dy", dy, n)
        if len(dy) != len(x):
            raise OperandError(f"dy has {len(dy)} tokens, x has {len(x)}")
        outputs = {"dx": Output(self.addresses["dx"], (len(x), k), self.y_dtype)}
        if self.rank:
            outputs["d_lora_a"] = Output(self.addresses["d_lora_a"], (self.rank, k), np.float32)
            outputs["d_lora_b"] = Output(self.addresses["d_lora_b"], (self.rank, n), np.float32, transposed=True)
        return self._job("backward", {"x": x, "dy": dy}, outputs)

    def _operand(self, name: str, array: np.ndarray, features: int) -> np.ndarray:
        stored = _stored(name, array, self.x_dtype)
        if stored.ndim != 2 or stored.shape[1] != features or not 1 <= len(stored) <= self.max_tokens:
            raise OperandError(f"{name} is {stored.shape}, expected (1..{self.max_tokens}, {features})")
        return stored

    def _job(self, kind: str, inputs: dict[str, np.ndarray], outputs: dict[str, Output]) -> Job:
        key = kind, len(inputs["x"])
        if key not in self._lists:
            commands = tuple(synchronize([*self._programs[kind](key[1]), End()]))
            self._lists[key] = commands, pack_list(commands)
        commands, data = self._lists[key]
        segments = [Segment(self.addresses[name], layout.tensor_bytes(array)) for name, array in inputs.items()]
        segments.append(Segment(self.addresses["list"], data))
        return Job(commands, self.addresses["list"], tuple(segments), outputs)


def _count(name: str, value, least: int, most: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise OperandError(f"{name} {value!r} is not a whole number from {least} on")
    if value > most:
        raise ModelLimitError(f"{name} {value} is over {most}")
    return int(value)


def _check_scale(name: str, value) -> None:
    if not isinstance(value, int | float | np.floating) or isinstance(value, bool):
        raise OperandError(f"{name} {value!r} is not a number")
    if not abs(value) <= FP32_MAX:
        raise NonFiniteError(f"{name} {value} is not a finite FP32 number")


def _stored(name: str, array: np.ndarray, dtype: type) -> np.ndarray:
    """`array` rounded to `dtype`.

    Raises:
        OperandError: not an array of real numbers.
        NonFiniteError: an element that is NaN or infinite in `dtype`.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise OperandError(f"{name} is {getattr(array, 'dtype', type(array).__name__)}, expected an array of reals")
    with np.errstate(over="ignore"):
        stored = array.astype(dtype)
    if not np.isfinite(stored).all():
        index = tuple(np.argwhere(~np.isfinite(stored))[0].tolist())
        raise NonFiniteError(f"{name}{list(index)} = {array[index]} is not a finite {np.dtype(dtype)}")
    return stored


def _is_fp16(dtype: type) -> bool:
    if np.dtype(dtype) not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise ValueError(f"the accelerator stores float32 or float16, not {np.dtype(dtype)}")
    return np.dtype(dtype) == np.float16
