"""What is behind the link's two AXI ports: words in memory and registers, with errors at some addresses."""

from __future__ import annotations

import logging
import random

from cocotbext.axi import AxiBus
from cocotbext.axi.axi_slave import AxiSlaveRead, AxiSlaveWrite
from pyuvm import uvm_analysis_port, uvm_component

from tb.common.axi import keep_pace
from tb.common.stream import Pace, StreamItem

OKAY, SLVERR, DECERR = 0, 2, 3
WORD = 4


class Words:
    """Content of the address space and its errors, for the model and for the ports.

    Args:
        seed: of what was never written.
        faults: of one address in so many; 0 for none.
    """

    def __init__(self, seed: int, faults: int) -> None:
        self.seed, self.faults = seed, faults
        self.written: dict[int, int] = {}
        self.log: list[dict[str, int]] = []

    def response(self, address: int) -> int:
        """Response of the word at an address."""
        draw = random.Random(f"{self.seed} {address} fault")
        return draw.choice((SLVERR, DECERR)) if self.faults and draw.randrange(self.faults) == 0 else OKAY

    def word(self, address: int) -> int:
        """The word at an address."""
        return self.written.get(address, random.Random(f"{self.seed} {address}").getrandbits(32))

    def read(self, address: int) -> tuple[int, int]:
        """Word and response, noted in the log."""
        self.log.append({"write": 0, "address": address, "data": 0})
        return self.word(address), self.response(address)

    def write(self, address: int, word: int) -> int:
        """Response, noted in the log."""
        self.log.append({"write": 1, "address": address, "data": word})
        if self.response(address) == OKAY:
            self.written[address] = word
        return self.response(address)


class Port(uvm_component):
    """Slave on one of the ports; ``analysis_port`` publishes every access.

    Args:
        dut: the link.
        prefix: of the port's signals.
        base: address of the port's first byte in the host's eyes.
        words: content.
        pace: pauses of all channels.

    Attributes:
        writes: data written, in order.
    """

    def __init__(self, name: str, parent: uvm_component, dut, prefix: str, base: int, words: Words, pace: Pace) -> None:
        super().__init__(name, parent)
        self.dut, self.prefix, self.base, self.words, self.pace = dut, prefix, base, words, pace
        self.writes: list[int] = []

    def build_phase(self) -> None:
        self.analysis_port = uvm_analysis_port("analysis_port", self)

    def attach(self) -> None:
        """Connect to the signals, which must be defined."""
        logging.getLogger(f"cocotb.{self.dut._name}.{self.prefix}").setLevel(logging.WARNING)
        bus = AxiBus.from_prefix(self.dut, self.prefix)
        read = AxiSlaveRead(bus.read, self.dut.clk_i, self.dut.rst_ni, reset_active_level=False)
        write = AxiSlaveWrite(bus.write, self.dut.clk_i, self.dut.rst_ni, reset_active_level=False)
        take_read, take_write = read.ar_channel.recv, write.aw_channel.recv
        give_read, give_write = read.r_channel.send, write.b_channel.send
        place = {}

        async def take_ar():
            ar = await take_read()
            assert (int(ar.arlen), int(ar.arsize), int(ar.arburst)) == (0, 2, 1), "not a single word"
            place["read"] = int(ar.araddr)
            self.analysis_port.write(StreamItem({"write": 0, "address": self.base + place["read"], "data": 0}))
            return ar

        async def take_aw():
            aw = await take_write()
            assert (int(aw.awlen), int(aw.awsize), int(aw.awburst)) == (0, 2, 1), "not a single word"
            place["write"] = int(aw.awaddr)
            return aw

        async def read_beat(address: int, length: int) -> bytes:
            words = range(self.base + address, self.base + address + length, WORD)
            return b"".join(self.words.word(at).to_bytes(WORD, "little") for at in words)

        async def write_bytes(address: int, data: bytes) -> None:
            assert (address, len(data)) == (place["write"], WORD), "the strobes are not those of the word"
            word = int.from_bytes(data, "little")
            self.writes.append(word)
            self.analysis_port.write(StreamItem({"write": 1, "address": self.base + address, "data": word}))
            if self.words.response(self.base + address) == OKAY:
                self.words.written[self.base + address] = word

        async def give_r(beat) -> None:
            beat.rresp = self.words.response(self.base + place["read"])
            await give_read(beat)

        async def give_b(beat) -> None:
            beat.bresp = self.words.response(self.base + place["write"])
            await give_write(beat)

        read.ar_channel.recv, read._read, read.r_channel.send = take_ar, read_beat, give_r
        write.aw_channel.recv, write._write, write.b_channel.send = take_aw, write_bytes, give_b
        for channel in (read.ar_channel, read.r_channel, write.aw_channel, write.w_channel, write.b_channel):
            keep_pace(channel, self.pace)
