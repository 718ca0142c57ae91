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


class Line:
    """Send and receive bytes at the DUT's ``rx_i`` and ``tx_o``, whose edges are where its own bits begin.

    Args:
        dut: handle with these ports.
        rate: clocks of a bit, times 16, as the DUT has it.
        skew: how much longer the host's bits are, as a part of them.

    Attributes:
        received: bytes that have come, None for one without a stop bit.
        dead: what the DUT sends is lost.
    """

    def __init__(self, dut, rate: int, skew: float = 0.0) -> None:
        self.dut = dut
        self.dut_bit_ps = rate / 16 * PERIOD_NS * 1000
        self.bit_ps = round(self.dut_bit_ps * (1 + skew))
        self.received: deque[int | None] = deque()
        self.dead = False
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
            await self.bits([0, *(byte >> bit & 1 for bit in range(8)), stop, *([] if stop else [1])])

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
        """The DUT's bits are as long as they should be, to a clock."""
        start = -10 * self.dut_bit_ps
        while True:
            await ValueChange(self.dut.tx_o)
            bits = (get_sim_time("ps") - start) / self.dut_bit_ps
            if bits > 9.5:
                start = get_sim_time("ps")
            else:
                late = abs(bits - round(bits)) * self.dut_bit_ps
                assert late <= 1000 * PERIOD_NS, f"an edge {late} ps from where a bit begins"

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
