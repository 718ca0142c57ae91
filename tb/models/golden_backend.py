"""The golden core behind the registers that the driver sees: a backend like a simulation or a board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from edge_qlora import registers
from edge_qlora.commands import Limits
from edge_qlora.errors import ErrorCode
from edge_qlora.footprint import MemoryWindow

from tb.models.core import Core, Report


class GoldenBackend:
    """A backend of ``driver.Accelerator`` that runs lists at once, in their order.

    Args:
        memory: uint8, one-dimensional, writable; the core works on this array itself.
        limits: of the hardware; its window is that of the registers.
        base: address of the first byte.
        act_width: activation mantissa width in bits.

    Attributes:
        report: how the last list ended.
    """

    def __init__(self, memory: np.ndarray, limits: Limits, base: int = 0, act_width: int = 25):
        self.core = Core(memory, limits, act_width, base)
        self.memory, self.base, self.limits = memory, base, limits
        self.report = Report()
        self.registers = {register.offset: 0 for register in registers.REGISTERS}
        for register in (registers.ID, registers.VERSION):
            self.registers[register.offset] = sum(field.put(field.reset) for field in register.fields)
        capabilities = {
            registers.CAPABILITY0: {"backward": int(limits.backward)},
            registers.CAPABILITY1: {"scratchpad_words": limits.scratch_words},
            registers.CAPABILITY2: {"max_rows": limits.max_rows, "nested_depth": limits.nested_depth},
        }
        for register, values in capabilities.items():
            self.registers[register.offset] = sum(register[name].put(value) for name, value in values.items())

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        return self.memory[address - self.base :][:size].tobytes()

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""
        self.core.write(address, bytes(data))

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset."""
        return self.registers[offset]

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset."""
        if offset == registers.IRQ_STATUS.offset:
            self.registers[offset] &= ~value
        elif offset == registers.CONTROL.offset:
            if registers.CONTROL["doorbell"].get(value):
                self._ring()
        else:
            self.registers[offset] = value

    async def wait_for_interrupt(self) -> None:
        """Nothing: a list has ended as soon as it was started."""

    def _pair(self, low: registers.Register, high: registers.Register) -> int:
        return self.registers[low.offset] | self.registers[high.offset] << 32

    def _ring(self) -> None:
        base, limit = (
            self._pair(getattr(registers, f"MEM_{end}_LO"), getattr(registers, f"MEM_{end}_HI"))
            for end in ("BASE", "LIMIT")
        )
        self.core.limits = replace(self.limits, window=MemoryWindow(base, limit - base))
        self.report = self.core.run(self._pair(registers.LIST_ADDR_LO, registers.LIST_ADDR_HI))
        event = "error" if self.report.error != ErrorCode.NONE else "done"
        self.registers[registers.ERROR_CODE.offset] = registers.ERROR_CODE["code"].put(self.report.error)
        for name, value in (("ERROR_COMMAND", self.report.command), ("ERROR_INFO", self.report.info)):
            self.registers[getattr(registers, f"{name}_LO").offset] = value & 0xFFFFFFFF
            self.registers[getattr(registers, f"{name}_HI").offset] = value >> 32
        self.registers[registers.STATUS.offset] = registers.STATUS[event].mask
        self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS[event].mask
