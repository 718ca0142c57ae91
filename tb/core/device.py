"""The two sides of the accelerator in a test: memory behind its AXI master, host in front of its AXI slave."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from functools import cached_property

from cocotb.triggers import ClockCycles, ValueChange
from cocotbext.axi import AxiBus, AxiMaster
from edge_qlora import registers

from tb.common.axi import keep_pace
from tb.common.base import within
from tb.common.stream import Pace

WORD = 2  # AxSIZE of 32 bits: a wider beat would also touch the registers, or holes, beside the one that is meant
LINE = 64  # bytes; regions count as whole lines
LONGEST_LIST = 20_000_000  # cycles after which a list counts as hung
LONGEST_ACCESS = 100_000  # and an access to a register


class DeviceMemory:
    """Memory as bytes, which notes every access of the accelerator outside of what a list may touch.

    Args:
        base, size: addresses base <= address < base + size exist.
        beat_bytes: bytes of a bus beat.

    Attributes:
        violations: accesses outside of the permitted ranges, in words.
    """

    def __init__(self, base: int, size: int, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        self.violations: list[str] = []
        self.load(base, random.randbytes(size))

    def load(self, base: int, content: bytes) -> None:
        """Another memory in place of this one; nothing of it may be touched yet."""
        self.base, self.size = base, len(content)
        self.bytes = bytearray(content)
        self.permit((), ())

    def permit(self, readable: Iterable[tuple[int, int]], writable: Iterable[tuple[int, int]]) -> None:
        """Set the ranges [first, end), which count as whole lines, that the next list may read and write."""
        self.permitted = {"read": bytearray(-(-self.size // LINE)), "write": bytearray(-(-self.size // LINE))}
        for lines, ranges in zip(self.permitted.values(), (readable, writable), strict=True):
            for first, end in ranges:
                begin, behind = (first - self.base) // LINE, -((self.base - end) // LINE)
                begin, behind = max(0, begin), min(len(lines), behind)
                lines[begin:behind] = bytes([1]) * max(0, behind - begin)

    def _check(self, what: str, address: int) -> int:
        line = (address - self.base) // LINE
        if not (0 <= line < len(self.permitted[what]) and self.permitted[what][line]):
            self.violations.append(f"{what} at {address:#x}")
        return (address - self.base) % self.size

    def read(self, address: int) -> int:
        """A beat, for the bus."""
        at = self._check("read", address)
        return int.from_bytes(self.bytes[at : at + self.beat_bytes], "little")

    def write(self, address: int, data: int) -> None:
        """A beat, from the bus."""
        at = self._check("write", address)
        self.bytes[at : at + self.beat_bytes] = data.to_bytes(self.beat_bytes, "little")

    def peek(self, address: int, size: int) -> bytes:
        """Bytes, for the test."""
        at = address - self.base
        assert 0 <= at <= self.size - size, f"the test reads outside of memory at {address:#x}"
        return bytes(self.bytes[at : at + size])

    def poke(self, address: int, data: bytes) -> None:
        """Bytes, from the test."""
        at = address - self.base
        assert 0 <= at <= self.size - len(data), f"the test writes outside of memory at {address:#x}"
        self.bytes[at : at + len(data)] = data


class HostPort:
    """The accelerator's AXI4 slave, which the hosts of several cores may share.

    Args:
        dut: handle of edge_qlora or edge_qlora_pair.
        pace: pauses of the host's channels.
    """

    def __init__(self, dut, pace: Pace) -> None:
        logging.getLogger(f"cocotb.{dut._name}.s_axi").setLevel(logging.WARNING)
        self.dut, self.pace = dut, pace

    @cached_property
    def bus(self) -> AxiMaster:
        """Connected when it is first used; only after reset, because the bus model takes no undefined signals."""
        dut = self.dut
        bus = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk_i, dut.rst_ni, reset_active_level=False)
        write, read = bus.write_if, bus.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            keep_pace(channel, self.pace)
        return bus


class Host:
    """Backend of the driver software: registers over AXI, memory directly.

    Args:
        port: of the registers.
        memory: what the core sees.
        core: its number, of those that share the port.

    Attributes:
        poll: wait for the end by reading STATUS instead of by the interrupt line.
    """

    def __init__(self, port: HostPort, memory: DeviceMemory, core: int = 0) -> None:
        self.port, self.dut, self.memory, self.core = port, port.dut, memory, core
        self.poll = False

    def attach(self) -> None:
        """Connect to the port."""
        self.bus, self.registers = self.port.bus, self.core * registers.WINDOW_SIZE

    @property
    def interrupt(self) -> bool:
        """Level of the core's interrupt line."""
        return bool(int(self.dut.irq_o.value) >> self.core & 1)

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        return self.memory.peek(address, size)

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""
        self.memory.poke(address, data)

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset."""
        access = self.bus.read(self.registers + offset, 4, size=WORD)
        answer = await within(LONGEST_ACCESS, access, f"the answer of register {offset:#x}")
        assert answer.resp == 0, f"reading register {offset:#x} gave response {answer.resp}"
        return int.from_bytes(answer.data, "little")

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset."""
        access = self.bus.write(self.registers + offset, value.to_bytes(4, "little"), size=WORD)
        answer = await within(LONGEST_ACCESS, access, f"the answer of register {offset:#x}")
        assert answer.resp == 0, f"writing register {offset:#x} gave response {answer.resp}"

    async def read64(self, low: registers.Register) -> int:
        """A pair of registers, of which this is the lower half; a counter's lower half holds its upper one."""
        value = await self.read_register(low.offset)
        return value | await self.read_register(low.offset + 4) << 32

    async def write64(self, low: registers.Register, value: int) -> None:
        """Write a pair of registers, of which this is the lower half."""
        await self.write_register(low.offset, value & 0xFFFFFFFF)
        await self.write_register(low.offset + 4, value >> 32)

    async def wait_for_interrupt(self) -> None:
        """Return once the interrupt line is high or, when polling, once the list has ended."""
        await within(LONGEST_LIST, self._ended(), "end of the list")

    async def _ended(self) -> None:
        if self.poll:
            while registers.STATUS["busy"].get(await self.read_register(registers.STATUS.offset)):
                await ClockCycles(self.dut.clk_i, 50)
        while not self.poll and not self.interrupt:
            await ValueChange(self.dut.irq_o)
