"""Where one QLoRA linear layer keeps its buffers in memory, and the jobs that follow from it.

Pure functions and plain data; `driver.py` does the input and output.
"""

from dataclasses import dataclass, replace

import numpy as np

from . import layout
from .errors import AdapterShapeError, NonFiniteError, OperandError, RangeError
from .job import ADDRESSES, DESCRIPTOR_BYTES, Descriptor, MemoryWindow, Opcode
from .layout import NF4Weight


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
    """One job: the `segments` to write before it (its descriptor among them) and the outputs to read after it."""

    descriptor: Descriptor
    descriptor_address: int
    segments: tuple[Segment, ...]
    outputs: dict[str, Output]


class Allocator:
    """Hands out 64-byte aligned buffers from a window, upwards, without reuse."""

    def __init__(self, window: MemoryWindow):
        self.window = window
        self.next = layout.align(window.base)

    def allocate(self, size: int) -> int:
        """Address of `size` bytes; a buffer of no bytes gets a valid address too.

        Raises:
            RangeError: the window is full.
        """
        address, end = self.next, layout.align(self.next + size)
        if end > self.window.limit:
            raise RangeError(f"{size} bytes do not fit the {max(0, self.window.limit - address)} left in the window")
        self.next = end
        return address


class LayerPlan:
    """The buffers of one layer for both opcodes and up to `max_tokens` tokens.

    `static_segments` are written once, `adapter_segments` again after every optimizer step, the segments of a `Job`
    before it runs.

    Args:
        window: memory that the layer may use.
        weight: the frozen weight [N, K].
        max_tokens: largest batch M.
        rank: LoRA rank r, 0 for no adapter.
        lora_scale: s in y = W x + s B (A x).
        x_dtype, lora_dtype, y_dtype: float32 or float16 in memory: of x and dy, of A and B, of y and dx.

    Raises:
        RangeError: the window is too small.
        DimZeroError, DimMultipleError, DimLargeError: dimensions that the accelerator does not take.
        DescriptorError: a dimension that is negative or not an integer, a scale that is not a number.
        NonFiniteError: a scale, or the weight's offset or nested absmax, that is not finite in FP32.
        ValueError: a type other than float32 and float16.
    """

    def __init__(
        self,
        window: MemoryWindow,
        weight: NF4Weight,
        max_tokens: int,
        rank: int = 0,
        lora_scale: float = 1.0,
        x_dtype: type = np.float32,
        lora_dtype: type = np.float32,
        y_dtype: type = np.float32,
    ):
        max_tokens, rank = (int(v) if isinstance(v, np.integer) else v for v in (max_tokens, rank))
        self.window, self.weight, self.rank, self.max_tokens = window, weight, rank, max_tokens
        self.x_dtype, self.lora_dtype, self.y_dtype = x_dtype, lora_dtype, y_dtype
        n, k = weight.shape
        forward = Descriptor(
            opcode=Opcode.FORWARD,
            tokens=max_tokens,
            in_features=k,
            out_features=n,
            rank=rank,
            lora_scale=lora_scale,
            absmax_offset=float(weight.offset),
            x_fp16=_is_fp16(x_dtype),
            lora_fp16=_is_fp16(lora_dtype),
            y_fp16=_is_fp16(y_dtype),
        )
        backward = replace(forward, opcode=Opcode.BACKWARD)
        for draft in (forward, backward):
            draft.validate()
        _stored("nested_absmax", weight.nested_absmax, np.float32)
        sizes = {region.name: region.size for region in forward.regions()}
        sizes |= {"dy" if region.name == "y" else region.name: region.size for region in backward.regions()}
        allocator = Allocator(window)
        self.descriptor_address = allocator.allocate(DESCRIPTOR_BYTES)
        self.addresses = {name: allocator.allocate(sizes.get(name, 0)) for name in (*ADDRESSES, "dy")}
        self.end = allocator.next
        in_descriptor = {name: self.addresses[name] for name in ADDRESSES}
        self._forward = replace(forward, **in_descriptor)
        self._backward = replace(backward, **in_descriptor | {"y": self.addresses["dy"]})

    def static_segments(self) -> tuple[Segment, ...]:
        """Weight tiles and nested absmax."""
        return (
            Segment(self.addresses["weights"], layout.pack_weight_tiles(self.weight).tobytes()),
            Segment(self.addresses["nested_absmax"], layout.tensor_bytes(self.weight.nested_absmax)),
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
            RangeError: the window ends above the addresses that the accelerator has.
        """
        n, k = self.weight.shape
        x = self._operand("x", x, k)
        descriptor = replace(self._forward, tokens=len(x))
        return self._job(descriptor, {"x": x}, {"y": Output(descriptor.y, (len(x), n), self.y_dtype)})

    def backward_job(self, x: np.ndarray, dy: np.ndarray) -> Job:
        """Gradients from the saved x [M, K] and dy [M, N], rounded to `x_dtype`.

        Outputs: "dx" [M, K] in `y_dtype`; with an adapter "d_lora_a" [r, K] and "d_lora_b" [N, r] (decoded) in float32.

        Raises:
            OperandError: as `forward_job`, of x or dy; or they differ in their number of tokens.
            NonFiniteError, RangeError: as `forward_job`, of x or dy.
        """
        n, k = self.weight.shape
        x, dy = self._operand("x", x, k), self._operand("dy", dy, n)
        if len(dy) != len(x):
            raise OperandError(f"dy has {len(dy)} tokens, x has {len(x)}")
        descriptor = replace(self._backward, tokens=len(x))
        outputs = {"dx": Output(descriptor.dx, (len(x), k), self.y_dtype)}
        if self.rank:
            outputs["d_lora_a"] = Output(descriptor.d_lora_a, (self.rank, k), np.float32)
            outputs["d_lora_b"] = Output(descriptor.d_lora_b, (self.rank, n), np.float32, transposed=True)
        return self._job(descriptor, {"x": x, "dy": dy}, outputs)

    def _operand(self, name: str, array: np.ndarray, features: int) -> np.ndarray:
        stored = _stored(name, array, self.x_dtype)
        if stored.ndim != 2 or stored.shape[1] != features or not 1 <= len(stored) <= self.max_tokens:
            raise OperandError(f"{name} is {stored.shape}, expected (1..{self.max_tokens}, {features})")
        return stored

    def _job(self, descriptor: Descriptor, inputs: dict[str, np.ndarray], outputs: dict[str, Output]) -> Job:
        descriptor.validate(self.window)
        segments = [Segment(self.addresses[name], layout.tensor_bytes(array)) for name, array in inputs.items()]
        segments.append(Segment(self.descriptor_address, descriptor.pack()))
        return Job(descriptor, self.descriptor_address, tuple(segments), outputs)


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
