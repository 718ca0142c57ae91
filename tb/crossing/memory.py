"""A memory of single beats, as host_memory uses it: no identifiers, no bursts, any delay on every channel."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from tb.common.stream import Pace

OKAY, SLVERR, DECERR = 0, 2, 3


class BeatMemory:
    """Answer the device's ``m_axi_`` port.

    Attributes:
        content: byte address to byte; what was never written reads as zero.
        corrupt: number of the read beat of which one bit flips, or None.
        faulty: byte addresses that are answered with SLVERR or DECERR.
    """

    def __init__(self, domain, pace: Pace) -> None:
        self.port, self.pace = domain, pace
        self.bytes = len(domain.m_axi_wdata) // 8
        self.content: dict[int, int] = {}
        self.corrupt: int | None = None
        self.faulty = range(0)
        self.reads = 0
        for name in ("awready", "wready", "bvalid", "arready", "rvalid"):
            self._signal(name).value = 0
        cocotb.start_soon(self._serve_writes())
        cocotb.start_soon(self._serve_reads())

    def _signal(self, name: str):
        return getattr(self.port, f"m_axi_{name}")

    async def _take(self, channel: str, *fields: str) -> list[int]:
        """Take one transfer."""
        await ClockCycles(self.port.clk_i, 1 + self.pace.cycles())
        self._signal(f"{channel}ready").value = 1
        while True:
            await RisingEdge(self.port.clk_i)
            if self._signal(f"{channel}valid").value and self.port.rst_ni.value:
                break
        self._signal(f"{channel}ready").value = 0
        return [int(self._signal(f"{channel}{field}").value) for field in fields]

    async def _give(self, channel: str, quiet: tuple[str, ...], **fields: int) -> None:
        """Offer one transfer until it is taken; meanwhile some channels must have nothing: an access at a time."""
        await ClockCycles(self.port.clk_i, 1 + self.pace.cycles())
        for field, value in fields.items():
            self._signal(f"{channel}{field}").value = value
        self._signal(f"{channel}valid").value = 1
        while True:
            await RisingEdge(self.port.clk_i)
            for other in quiet:
                assert not self._signal(f"{other}valid").value, f"{other} again, before the answer"
            if self._signal(f"{channel}ready").value:
                break
        self._signal(f"{channel}valid").value = 0

    def _response(self, address: int) -> int:
        """Of the beat at an address."""
        return random.choice((SLVERR, DECERR)) if address in self.faulty else OKAY

    async def _serve_writes(self) -> None:
        while True:
            takes = [("aw", "addr", "len"), ("w", "data", "strb", "last")]
            if random.random() < 0.5:  # a memory may wait for either
                takes.reverse()
            found = {take[0]: await self._take(*take) for take in takes}
            (address, length), (data, strobe, last) = found["aw"], found["w"]
            assert length == 0 and last and address % self.bytes == 0, f"not one whole beat: {address:#x}, {length}"
            for lane in (lane for lane in range(self.bytes) if strobe >> lane & 1):
                self.content[address + lane] = data >> 8 * lane & 0xFF
            await self._give("b", ("aw", "w"), resp=self._response(address))

    async def _serve_reads(self) -> None:
        while True:
            address, length = await self._take("ar", "addr", "len")
            assert length == 0 and address % self.bytes == 0, f"not one whole beat: {address:#x}, {length}"
            data = sum(self.content.get(address + lane, 0) << 8 * lane for lane in range(self.bytes))
            if self.reads == self.corrupt:
                data ^= (1 << 8 * self.bytes) - 1
            self.reads += 1
            await self._give("r", ("ar",), data=data, resp=self._response(address), last=1)
