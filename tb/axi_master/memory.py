"""AXI memory on cocotbext-axi's slave models: random pauses on each channel, errors that depend on the address."""

from __future__ import annotations

import logging
import random

from cocotbext.axi import AxiBus
from cocotbext.axi.axi_slave import AxiSlaveRead, AxiSlaveWrite

from tb.axi_master.model import OKAY, Burst, Faults, Geometry, Memory
from tb.common.axi import keep_pace
from tb.common.stream import Pace

# Deeper than the master's bound on bursts in flight, so that the bound itself is reached.
QUEUED_BURSTS = 32


class ReadSide(AxiSlaveRead):
    """Read channels: data of ``memory``, responses of ``faults`` beat by beat."""

    def __init__(self, bus: AxiBus, dut, memory: Memory, faults: Faults) -> None:
        super().__init__(bus.read, dut.clk_i, dut.rst_ni, reset_active_level=False)
        self.memory, self.faults = memory, faults
        self.response = OKAY
        self.ar_channel.queue_occupancy_limit = QUEUED_BURSTS
        self.send_beat = self.r_channel.send
        self.r_channel.send = self.send

    async def _read(self, address: int, length: int) -> bytes:
        self.response = self.faults.response(address)
        return self.memory.read(address).to_bytes(length, "little")

    async def send(self, beat) -> None:
        """Put the response of the address just read on its beat."""
        beat.rresp = self.response
        await self.send_beat(beat)


class WriteSide(AxiSlaveWrite):
    """Write channels: beats in a faulty range are dropped, the response is that of the first of them."""

    def __init__(self, bus: AxiBus, dut, memory: Memory, faults: Faults, geometry: Geometry) -> None:
        super().__init__(bus.write, dut.clk_i, dut.rst_ni, reset_active_level=False)
        self.memory, self.faults, self.geometry = memory, faults, geometry
        self.response = OKAY
        self.aw_channel.queue_occupancy_limit = QUEUED_BURSTS
        self.receive_address = self.aw_channel.recv
        self.send_response = self.b_channel.send
        self.aw_channel.recv = self.recv
        self.b_channel.send = self.send

    async def recv(self):
        """Note the response of the burst whose address arrives."""
        aw = await self.receive_address()
        burst = Burst(int(aw.awaddr), int(aw.awlen) + 1, False, "")
        self.response = self.faults.burst_response(self.geometry, burst)
        return aw

    async def _write(self, address: int, data: bytes) -> None:
        assert len(data) == self.geometry.beat_bytes, "the master writes whole beats or nothing"
        if self.faults.response(address) == OKAY:
            self.memory.write(address, int.from_bytes(data, "little"))

    async def send(self, response) -> None:
        """Put the noted response on the B beat."""
        response.bresp = self.response
        await self.send_response(response)


class AxiMemory:
    """AXI slave on the DUT's ``m_axi`` port.

    Args:
        dut: cocotb handle with the ``m_axi_`` signals.
        memory: its content.
        faults: address ranges that answer with an error.
        geometry: bus parameters.
        paces: pauses of the channels "ar", "r", "aw", "w", "b".
        reads: how reads are answered.
    """

    def __init__(
        self,
        dut,
        memory: Memory,
        faults: Faults,
        geometry: Geometry,
        paces: dict[str, Pace],
        reads: type[ReadSide] = ReadSide,
    ) -> None:
        logging.getLogger(f"cocotb.{dut._name}.m_axi").setLevel(logging.WARNING)
        bus = AxiBus.from_prefix(dut, "m_axi")
        self.read = reads(bus, dut, memory, faults)
        self.write = WriteSide(bus, dut, memory, faults, geometry)
        channels = {
            "ar": self.read.ar_channel,
            "r": self.read.r_channel,
            "aw": self.write.aw_channel,
            "w": self.write.w_channel,
            "b": self.write.b_channel,
        }
        for name, channel in channels.items():
            keep_pace(channel, paces[name])


def any_paces() -> dict[str, Pace]:
    """A random pace for each channel; now and then a memory without pauses."""
    names = ("ar", "r", "aw", "w", "b")
    return {name: Pace() for name in names} if random.random() < 0.2 else {name: Pace.any() for name in names}
