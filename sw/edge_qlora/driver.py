"""Driver of the accelerator over any backend: simulation, board or model; and of one QLoRA linear layer on it.

All input and output goes through a `Backend` whose methods are coroutines, so the same driver runs under asyncio and
under a simulator's scheduler; it never sleeps and imports no event loop.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from . import registers
from .commands import ADDRESS_BITS, Limits
from .errors import BusyError, JobError, NonFiniteError, NotLoadedError, OperandError, RangeError, job_error
from .footprint import MemoryWindow
from .planner import Job, LayerPlan, Segment
from .registers import ErrorCode


class Backend(Protocol):
    """Access to the accelerator's memory and registers."""

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset."""

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset."""

    async def wait_for_interrupt(self) -> None:
        """Return once the interrupt line is high, at once if it is already; raise where the wait has a limit."""


class Accelerator:
    """Starts lists of commands and turns their error codes into exceptions; one list at a time.

    Attributes:
        limits: of the accelerator, and its memory window, once it is open.
    """

    def __init__(self, backend: Backend):
        self.backend = backend
        self.limits = Limits()

    async def open(self, window: MemoryWindow) -> None:
        """Check that the accelerator is there, read its limits, set its memory window and enable its interrupts.

        Raises:
            JobError: the identification register does not answer as it should, or the register map is another.
            RangeError: a window that is empty or reaches beyond the addresses that the accelerator has.
        """
        ends = (window.base, window.limit)
        if not all(isinstance(end, int) for end in ends) or not 0 <= ends[0] < ends[1] <= 1 << ADDRESS_BITS:
            raise RangeError(f"{window} is not a range of addresses of {ADDRESS_BITS} bits")
        magic = await self.backend.read_register(registers.ID.offset)
        if magic != registers.ID["magic"].reset:
            raise JobError(f"no accelerator: the ID register reads {magic:#010x}")
        major, expected = await self._field(registers.VERSION, "major"), registers.VERSION["major"].reset
        if major != expected:
            raise JobError(f"the accelerator's register map has major version {major}, this driver needs {expected}")
        self.limits = Limits(
            scratch_words=await self._field(registers.CAPABILITY1, "scratchpad_words"),
            max_rows=await self._field(registers.CAPABILITY2, "max_rows"),
            nested_depth=await self._field(registers.CAPABILITY2, "nested_depth"),
            window=window,
            backward=bool(await self._field(registers.CAPABILITY0, "backward")),
        )
        await self._write64(registers.MEM_BASE_LO, registers.MEM_BASE_HI, window.base)
        await self._write64(registers.MEM_LIMIT_LO, registers.MEM_LIMIT_HI, window.limit)
        await self.backend.write_register(registers.IRQ_ENABLE.offset, _mask("done", "error"))

    async def write(self, segments: Iterable[Segment]) -> None:
        """Write segments to memory."""
        for segment in segments:
            await self.backend.write(segment.address, segment.data)

    async def run_list(self, address: int) -> None:
        """Run the list of commands at an address to its end.

        Raises:
            BusyError: a list is running.
            JobError: the class of the error code that the hardware reports, with the command and the information that
                belong to it; the accelerator is ready for the next list.
        """
        if await self._field(registers.STATUS, "busy"):
            raise BusyError("a list is running")
        await self._clear(_mask("done", "error", "nonfinite"))
        await self._write64(registers.LIST_ADDR_LO, registers.LIST_ADDR_HI, address)
        await self.backend.write_register(registers.CONTROL.offset, registers.CONTROL["doorbell"].put(1))
        events = 0
        while not events & _mask("done", "error"):
            await self.backend.wait_for_interrupt()
            events = await self.backend.read_register(registers.IRQ_STATUS.offset)
        await self._clear(events)
        if events & _mask("error"):
            code = await self._field(registers.ERROR_CODE, "code")
            command = await self._read64(registers.ERROR_COMMAND_LO, registers.ERROR_COMMAND_HI)
            info = await self._read64(registers.ERROR_INFO_LO, registers.ERROR_INFO_HI)
            raise job_error(code, f"the list at {address:#x} failed", command, info)

    async def run(self, job: Job) -> dict[str, np.ndarray]:
        """Run one job and return its outputs by name.

        Raises:
            NonFiniteError: a NaN or an infinity went through the job, or a result overflowed in the format it is stored
                in; the attribute `results` has the outputs.
            BusyError, JobError: as `run_list`.
        """
        if await self._field(registers.STATUS, "busy"):
            raise BusyError("a list is running")
        await self.write(job.segments)
        try:
            await self.run_list(job.list_address)
        except NonFiniteError as error:
            error.results = await self._results(job)
            raise
        results = await self._results(job)
        for name, values in results.items():
            if not np.isfinite(values).all():
                error = NonFiniteError(f"{name} of the list at {job.list_address:#x} overflows {values.dtype}")
                error.results = results
                raise error
        return results

    async def _results(self, job: Job) -> dict[str, np.ndarray]:
        return {
            name: output.decode(await self.backend.read(output.address, output.size))
            for name, output in job.outputs.items()
        }

    async def counters(self) -> dict[str, int]:
        """The 64-bit event counters by name; each low half is read first, which holds its high half."""
        return {name: await self._read64(low, high) for name, (low, high) in registers.COUNTERS.items()}

    async def clear_counters(self) -> None:
        """Set every counter to zero."""
        await self.backend.write_register(registers.CONTROL.offset, registers.CONTROL["clear_counters"].put(1))

    async def last_error(self) -> int:
        """The error register: an `ErrorCode`, or a plain number that the register map does not name."""
        code = await self._field(registers.ERROR_CODE, "code")
        return ErrorCode(code) if code in set(ErrorCode) else code

    async def _field(self, register: registers.Register, name: str) -> int:
        return register[name].get(await self.backend.read_register(register.offset))

    async def _clear(self, events: int) -> None:
        await self.backend.write_register(registers.IRQ_STATUS.offset, events)

    async def _read64(self, low: registers.Register, high: registers.Register) -> int:
        value = await self.backend.read_register(low.offset)
        return value | await self.backend.read_register(high.offset) << 32

    async def _write64(self, low: registers.Register, high: registers.Register, value: int) -> None:
        await self.backend.write_register(low.offset, value & 0xFFFFFFFF)
        await self.backend.write_register(high.offset, value >> 32)


class QloraLinear:
    """y = W x + s B (A x) and its gradients, computed by the accelerator.

    Call `load` once, `set_adapter` whenever A or B has changed, then `forward` and `backward`.

    `forward` and `backward` raise, before the job is started:
        OperandError: x or dy has the wrong type or shape.
        NotLoadedError: `load` has not been called, or the layer has an adapter and `set_adapter` has not.
        NonFiniteError: x or dy is not finite in `x_dtype`; it has no results then.
    and after it what `Accelerator.run` raises.

    Raises:
        OperandError: the plan was made for an accelerator with other limits, or another window.
    """

    def __init__(self, accelerator: Accelerator, plan: LayerPlan):
        if plan.limits != accelerator.limits:
            raise OperandError(f"the plan is for {plan.limits}, the accelerator has {accelerator.limits}")
        self.accelerator = accelerator
        self.plan = plan
        self._missing = {"weight", "adapter"} if plan.rank else {"weight"}

    async def load(self) -> None:
        """Write the frozen weight to memory."""
        await self.accelerator.write(self.plan.static_segments())
        self._missing.discard("weight")

    async def set_adapter(self, lora_a: np.ndarray, lora_b: np.ndarray) -> None:
        """Write LoRA A [r, K] and B [N, r] to memory.

        Raises:
            AdapterShapeError, OperandError, NonFiniteError: see `LayerPlan.adapter_segments`; memory is unchanged.
        """
        await self.accelerator.write(self.plan.adapter_segments(lora_a, lora_b))
        self._missing.discard("adapter")

    async def forward(self, x: np.ndarray) -> np.ndarray:
        """y [M, N] from x [M, K]. Errors: see the class."""
        return (await self._run(self.plan.forward_job(x)))["y"]

    async def backward(self, x: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
        """Gradients from x [M, K] and dy [M, N]: "dx" [M, K], with an adapter "d_lora_a" [r, K], "d_lora_b" [N, r].

        Errors: see the class.
        """
        return await self._run(self.plan.backward_job(x, dy))

    async def _run(self, job: Job) -> dict[str, np.ndarray]:
        if self._missing:
            raise NotLoadedError(f"not in memory yet: {', '.join(sorted(self._missing))}")
        return await self.accelerator.run(job)


def _mask(*events: str) -> int:
    return sum(registers.IRQ_STATUS[event].mask for event in events)
