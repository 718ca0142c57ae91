"""A software stand-in for the accelerator: registers and memory as the driver sees them, lists on the golden core.

The list alone tells it where the operands are, so a wrong address or a transposed operand shows up as a wrong result.
It shares with the package the reading and checking of commands, which have their own tests, nothing of the planning.
"""

from dataclasses import replace

import numpy as np
from edge_qlora import registers
from edge_qlora.commands import Limits
from edge_qlora.errors import ErrorCode
from edge_qlora.footprint import MemoryWindow

from tb.models.core import Core, Report

ACT_WIDTH = 25
BEAT_BYTES = 32


class ModelBackend:
    """Backend over a byte array; `fault` makes the next list end with that report, before it starts.

    Args:
        base, size: of memory.
        scratch_words, max_rows, nested_depth: as of `Limits`.
    """

    def __init__(self, base: int, size: int, scratch_words: int = 4096, max_rows: int = 16, nested_depth: int = 4096):
        self.memory = np.full(size, 0xA5, np.uint8)  # not zero: unwritten memory must not look like a result
        self.core = Core(self.memory, Limits(scratch_words, max_rows, nested_depth), ACT_WIDTH, base)
        self.base = base
        self.registers = {register.offset: 0 for register in registers.REGISTERS}
        self.registers[registers.ID.offset] = registers.ID["magic"].reset
        self.registers[registers.VERSION.offset] = sum(f.put(f.reset) for f in registers.VERSION.fields)
        self.registers[registers.CAPABILITY0.offset] = registers.CAPABILITY0["backward"].put(1)
        self.registers[registers.CAPABILITY1.offset] = registers.CAPABILITY1["scratchpad_words"].put(scratch_words)
        limits = registers.CAPABILITY2["max_rows"].put(max_rows) | registers.CAPABILITY2["nested_depth"].put(
            nested_depth
        )
        self.registers[registers.CAPABILITY2.offset] = limits
        self.fault: Report | None = None
        self.lists: list[int] = []

    async def read(self, address: int, size: int) -> bytes:
        return self._view(address, size).tobytes()

    async def write(self, address: int, data: bytes) -> None:
        self._view(address, len(data))
        self.core.write(address, data)

    async def read_register(self, offset: int) -> int:
        return self.registers[offset]

    async def write_register(self, offset: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        if offset == registers.IRQ_STATUS.offset:
            self.registers[offset] &= ~value
        elif offset == registers.CONTROL.offset:
            if registers.CONTROL["doorbell"].get(value):
                self._ring()
            if registers.CONTROL["clear_counters"].get(value):
                for low, high in registers.COUNTERS.values():
                    self.registers[low.offset] = self.registers[high.offset] = 0
        else:
            self.registers[offset] = value

    async def wait_for_interrupt(self) -> None:
        status, enable = self.registers[registers.IRQ_STATUS.offset], self.registers[registers.IRQ_ENABLE.offset]
        assert status & enable, "the driver would wait forever"

    def _view(self, address: int, size: int) -> np.ndarray:
        start = address - self.base
        assert 0 <= start and start + size <= len(self.memory), f"access to {address:#x} + {size}"
        return self.memory[start : start + size]

    def _pair(self, low: registers.Register, high: registers.Register) -> int:
        return self.registers[low.offset] | self.registers[high.offset] << 32

    def _put_pair(self, low: registers.Register, high: registers.Register, value: int) -> None:
        self.registers[low.offset], self.registers[high.offset] = value & 0xFFFFFFFF, value >> 32

    def _ring(self) -> None:
        assert self.registers[registers.IRQ_STATUS.offset] == 0, "an old event is still pending"
        base = self._pair(registers.MEM_BASE_LO, registers.MEM_BASE_HI)
        limit = self._pair(registers.MEM_LIMIT_LO, registers.MEM_LIMIT_HI)
        address = self._pair(registers.LIST_ADDR_LO, registers.LIST_ADDR_HI)
        report, self.fault = self.fault, None
        if report is None:
            self.lists.append(address)
            self.core.limits = replace(self.core.limits, window=MemoryWindow(base, limit - base))
            report = self.core.run(address)
        counts = {"READ_BEATS": report.read_bytes // BEAT_BYTES, "MAC_VECTORS": report.mac_vectors}
        for name, count in counts.items():
            self._put_pair(*registers.COUNTERS[name], self._pair(*registers.COUNTERS[name]) + count)
        event = "error" if report.error else "done"
        self.registers[registers.ERROR_CODE.offset] = registers.ERROR_CODE["code"].put(report.error)
        self._put_pair(registers.ERROR_COMMAND_LO, registers.ERROR_COMMAND_HI, report.command)
        self._put_pair(registers.ERROR_INFO_LO, registers.ERROR_INFO_HI, report.info)
        self.registers[registers.STATUS.offset] = registers.STATUS[event].mask
        self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS[event].mask
        if report.error == ErrorCode.NONFINITE:
            self.registers[registers.IRQ_STATUS.offset] |= registers.IRQ_STATUS["nonfinite"].mask
