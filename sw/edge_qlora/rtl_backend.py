"""Backend over the simulated RTL: a library that `sim.system` builds, and memory that it shares with Python."""

import ctypes
import weakref
from collections.abc import Callable
from os import PathLike, fspath

import numpy as np

from . import registers
from .errors import EdgeQloraError

# Cycles between two looks at Ctrl-C and two calls of `progress`: well under a second.
CHUNK = 50_000
RESPONSES = {-1: "no answer", 1: "EXOKAY", 2: "SLVERR", 3: "DECERR"}

_SYSTEM, _TEXT = ctypes.c_void_p, ctypes.c_char_p
_FUNCTIONS = {
    "create": (_SYSTEM, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64),
    "destroy": (None, _SYSTEM),
    "error": (_TEXT, _SYSTEM),
    "cycles": (ctypes.c_uint64, _SYSTEM),
    "irq": (ctypes.c_int, _SYSTEM),
    "step": (ctypes.c_uint64, _SYSTEM, ctypes.c_uint64),
    "run_until_irq": (ctypes.c_uint64, _SYSTEM, ctypes.c_uint64),
    "reset": (None, _SYSTEM),
    "read_register": (ctypes.c_int, _SYSTEM, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint32)),
    "write_register": (ctypes.c_int, _SYSTEM, ctypes.c_uint64, ctypes.c_uint32),
    "trace": (ctypes.c_int, _SYSTEM, _TEXT),
}


class SimulationError(EdgeQloraError):
    """The simulated hardware did what it must not, or did not answer."""


class SimulationTimeoutError(SimulationError):
    """No interrupt within the limit; the accelerator runs on when it is waited for again."""


class RtlBackend:
    """The RTL as a backend of `driver.Accelerator`, reset and ready.

    Args:
        library: the path that ``sim.system.build`` returns.
        memory: uint8, one-dimensional, contiguous, writable. The accelerator works on this array itself, so the caller
            may look at it and change it between jobs; `np.memmap(path, mode="c")` is a file's content at no cost.
        base: address of its first byte.
        limit: cycles that one wait may take.
        progress: called every `CHUNK` cycles of a wait with the number of its cycles so far.

    Raises:
        ValueError: memory is not such an array.
        OSError: there is no such library.
    """

    def __init__(
        self,
        library: str | PathLike,
        memory: np.ndarray,
        base: int = 0,
        limit: int = 1_000_000_000,
        progress: Callable[[int], None] | None = None,
    ):
        if memory.dtype != np.uint8 or memory.ndim != 1 or not memory.flags.c_contiguous or not memory.flags.writeable:
            raise ValueError("memory must be a contiguous, writable, one-dimensional array of uint8")
        self.memory, self.base, self.limit, self.progress = memory, base, limit, progress
        self._library = ctypes.CDLL(fspath(library))
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(self._library, f"system_{name}")
            function.restype, function.argtypes = result, arguments
        self._system = self._library.system_create(memory.ctypes.data, base, len(memory))
        weakref.finalize(self, self._library.system_destroy, self._system)
        self.reset()

    @property
    def cycles(self) -> int:
        """Clock cycles since the backend was made."""
        return self._library.system_cycles(self._system)

    def reset(self) -> None:
        """Reset the accelerator, also after an error; memory stays."""
        self._library.system_reset(self._system)

    def trace(self, path: str | PathLike | None) -> None:
        """Write a waveform (VCD) to `path` from now on, or end it.

        Raises:
            SimulationError: the library was built without waveforms.
        """
        if not self._library.system_trace(self._system, None if path is None else fspath(path).encode()):
            raise SimulationError("this library writes no waveforms; build it with waves=True")

    def step(self, cycles: int) -> None:
        """Run so many cycles.

        Raises:
            SimulationError: the simulation stopped.
        """
        while cycles:
            cycles -= self._library.system_step(self._system, min(cycles, CHUNK))
            self._check()

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        return self._view(address, size).tobytes()

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""
        self._view(address, len(data))[:] = np.frombuffer(data, np.uint8)

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset.

        Raises:
            SimulationError: an error response, no answer, or the simulation stopped.
        """
        value = ctypes.c_uint32()
        self._answered("reading", offset, self._library.system_read_register(self._system, offset, value))
        return value.value

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset. Errors: see `read_register`."""
        self._answered("writing", offset, self._library.system_write_register(self._system, offset, value))

    async def wait_for_interrupt(self) -> None:
        """Run until the interrupt line is high.

        Raises:
            SimulationTimeoutError: it was not within `limit` cycles; the message has the registers.
            SimulationError: the simulation stopped.
        """
        done = 0
        while not self._library.system_irq(self._system):
            if done >= self.limit:
                raise SimulationTimeoutError(f"no interrupt after {done} cycles; {await self._state()}")
            done += self._library.system_run_until_irq(self._system, min(CHUNK, self.limit - done))
            self._check()
            if self.progress:
                self.progress(done)

    async def _state(self) -> str:
        """What the hardware reports of itself: fields that it changes and that are not zero, and STATUS."""
        found = []
        for register in registers.REGISTERS:
            if any(field.hardware for field in register.fields):
                value = await self.read_register(register.offset)
                fields = [(field.name, field.get(value)) for field in register.fields if field.get(value)]
                text = " ".join(f"{name}={content:#x}" for name, content in fields)
                found += [f"{register.name} {text or 'zero'}"] if fields or register is registers.STATUS else []
        return ", ".join(found)

    def _view(self, address: int, size: int) -> np.ndarray:
        start = address - self.base
        if not 0 <= start <= start + size <= len(self.memory):
            raise ValueError(f"there is no memory at [{address:#x}, {address + size:#x})")
        return self.memory[start : start + size]

    def _check(self) -> None:
        if text := self._library.system_error(self._system):
            raise SimulationError(text.decode())

    def _answered(self, action: str, offset: int, response: int) -> None:
        self._check()
        if response:
            raise SimulationError(f"{action} register {offset:#x}: {RESPONSES[response]}")
