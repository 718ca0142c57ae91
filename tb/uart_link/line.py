"""The host's end of the serial line at the pins, and as a transport of ``edge_qlora.uart_link``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import cocotb
from cocotb.triggers import Event, FallingEdge, First, Timer, ValueChange
from cocotb.utils import get_sim_time

from tb.common.base import PERIOD_NS

# Cycles without a byte after which the host gives up: longer than the board needs to give up a frame, and to answer.
SILENCE = 10_000
LONG_AGO = 10**12  # ps


class Line:
    """Send and receive bytes at the DUT's ``rx_i`` and ``tx_o``, whose edges are where its own bits begin.

    Args:
        dut: handle with these ports.
        rate: clocks of a bit, times 16, as the DUT has it.
        skew: how much longer the host's bits are, as a part of them.

    Attributes:
        received: bytes that have come, None for one without a stop bit.
        dead: what the DUT sends is lost.
        spike: clocks after which each data bit that is sent is the other one for a clock, or None.
    """

    def __init__(self, dut, rate: int, skew: float = 0.0) -> None:
        self.dut, self.rate = dut, rate
        self.bit_ps = round(rate / 16 * PERIOD_NS * 1000 * (1 + skew))
        self.received: deque[int | None] = deque()
        self.dead = False
        self.spike: int | None = None
        self._arrived = Event()
        dut.rx_i.value = 1

    def start(self) -> None:
        """Listen; only when ``tx_o`` is defined."""
        cocotb.start_soon(self._listen())
        cocotb.start_soon(self._watch_edges())

    async def bits(self, levels: Iterable[int]) -> None:
        """Drive the line, a bit time each."""
        for level in levels:
            self.dut.rx_i.value = level
            await Timer(self.bit_ps, "ps")

    async def send(self, data: bytes, stop: int = 1) -> None:
        """Send bytes; without their stop bit if ``stop`` is 0, and the line idle for a bit after that."""
        for byte in data:
            await self.bits([0])
            for bit in range(8):
                await self._data(byte >> bit & 1)
            await self.bits([stop] if stop else [0, 1])

    async def _data(self, level: int) -> None:
        """Drive a data bit, with its spike."""
        if self.spike is None:
            return await self.bits([level])
        clock = PERIOD_NS * 1000
        times = self.spike * clock, clock, self.bit_ps - (self.spike + 1) * clock
        for value, time in zip((level, 1 - level, level), times, strict=True):
            self.dut.rx_i.value = value
            await Timer(time, "ps")
        return None

    async def idle(self, bits: int) -> None:
        """Leave the line idle."""
        await Timer(bits * self.bit_ps, "ps")

    async def receive(self) -> bytes:
        """Bytes that have come, at least one; nothing when the line was silent for too long."""
        if not self.received:
            self._arrived.clear()
            await First(self._arrived.wait(), Timer(SILENCE * PERIOD_NS, "ns"))
        assert None not in self.received, "the DUT sent a byte without a stop bit"
        data = bytes(self.received)
        self.received.clear()
        return data

    def discard(self) -> None:
        """Forget what has come."""
        self.received.clear()

    async def _watch_edges(self) -> None:
        """The DUT's bits begin in the clock in which they should, counted from the start bit of their byte."""
        start = -LONG_AGO
        while True:
            await ValueChange(self.dut.tx_o)
            clocks = round((get_sim_time("ps") - start) / (PERIOD_NS * 1000))
            bits = round(clocks * 16 / self.rate)
            if bits > 9:
                start = get_sim_time("ps")
            else:
                expected = bits * self.rate // 16
                assert clocks == expected, f"an edge {clocks} clocks behind the start bit's, expected {expected}"

    async def _listen(self) -> None:
        while True:
            if self.dut.tx_o.value:
                await FallingEdge(self.dut.tx_o)
            await Timer(self.bit_ps // 2, "ps")
            assert not self.dut.tx_o.value, "a start bit that is too short"
            byte = 0
            for bit in range(8):
                await Timer(self.bit_ps, "ps")
                byte |= int(self.dut.tx_o.value) << bit
            await Timer(self.bit_ps, "ps")
            if not self.dead:
                self.received.append(byte if self.dut.tx_o.value else None)
                self._arrived.set()
