"""The two sides of the accelerator in a test: memory behind its AXI master, host in front of its AXI slave."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable

from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiMaster
from edge_qlora import registers

from tb.common.axi import keep_pace
from tb.common.base import within
from tb.common.stream import Pace

WORD = 2  # AxSIZE of 32 bits: a wider beat would also touch the registers, or holes, beside the one that is meant
LINE = 64  # bytes; regions count as whole lines
LONGEST_JOB = 20_000_000  # cycles after which a job counts as hung
LONGEST_ACCESS = 100_000  # and an access to a register


class DeviceMemory:
    """Memory as bytes, which notes every access of the accelerator outside of what a job may touch.

    Args:
        base, size: addresses base <= address < base + size exist.
        beat_bytes: bytes of a bus beat.

    Attributes:
        violations: accesses outside of the permitted ranges, in words.
    """

    def __init__(self, base: int, size: int, beat_bytes: int) -> None:
        self.base, self.size, self.beat_bytes = base, size, beat_bytes
        self.bytes = bytearray(random.randbytes(size))
        self.violations: list[str] = []
        self.readable: list[tuple[int, int]] = []
        self.writable: list[tuple[int, int]] = []

    def permit(self, readable: Iterable[tuple[int, int]], writable: Iterable[tuple[int, int]]) -> None:
        """Set the ranges [first, end) that the next job may read and write."""
        self.readable, self.writable = list(readable), list(writable)

    def _check(self, what: str, address: int, ranges: list[tuple[int, int]]) -> int:
        if not any(first <= address and address + self.beat_bytes <= end for first, end in ranges):
            self.violations.append(f"{what} at {address:#x}")
        return (address - self.base) % self.size

    def read(self, address: int) -> int:
        """A beat, for the bus."""
        at = self._check("read", address, self.readable)
        return int.from_bytes(self.bytes[at : at + self.beat_bytes], "little")

    def write(self, address: int, data: int) -> None:
        """A beat, from the bus."""
        at = self._check("write", address, self.writable)
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


class Host:
    """Backend of the driver software: registers over AXI, memory directly.

    Args:
        dut: handle of edge_qlora.
        memory: what the accelerator sees.
        pace: pauses of the host's channels.

    Attributes:
        poll: wait for jobs by reading STATUS instead of by the interrupt line.
    """

    def __init__(self, dut, memory: DeviceMemory, pace: Pace) -> None:
        logging.getLogger(f"cocotb.{dut._name}.s_axi").setLevel(logging.WARNING)
        self.dut, self.memory, self.pace = dut, memory, pace
        self.poll = False

    def attach(self) -> None:
        """Connect to the port; only after reset, because the bus model takes no undefined signals."""
        dut = self.dut
        self.bus = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk_i, dut.rst_ni, reset_active_level=False)
        write, read = self.bus.write_if, self.bus.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            keep_pace(channel, self.pace)

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        return self.memory.peek(address, size)

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""
        self.memory.poke(address, data)

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset."""
        access = self.bus.read(offset, 4, size=WORD)
        answer = await within(LONGEST_ACCESS, access, f"the answer of register {offset:#x}")
        assert answer.resp == 0, f"reading register {offset:#x} gave response {answer.resp}"
        return int.from_bytes(answer.data, "little")

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset."""
        access = self.bus.write(offset, value.to_bytes(4, "little"), size=WORD)
        answer = await within(LONGEST_ACCESS, access, f"the answer of register {offset:#x}")
        assert answer.resp == 0, f"writing register {offset:#x} gave response {answer.resp}"

    async def wait_for_interrupt(self) -> None:
        """Return once the interrupt line is high or, when polling, once the job has ended."""
        await within(LONGEST_JOB, self._ended(), "end of the job")

    async def _ended(self) -> None:
        if self.poll:
            while registers.STATUS["busy"].get(await self.read_register(registers.STATUS.offset)):
                await ClockCycles(self.dut.clk_i, 50)
        elif not self.dut.irq_o.value:
            await RisingEdge(self.dut.irq_o)
