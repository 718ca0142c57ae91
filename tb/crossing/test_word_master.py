"""A processor's data bus as AXI4: random words against a memory, errors, pauses on every channel."""

from __future__ import annotations

import itertools
import logging
import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotbext.axi import AxiBus, AxiSlave
from cocotbext.axi.address_space import Region
from pyuvm import uvm_test

from tb.common.axi import keep_pace
from tb.common.base import cycle, finish, scaled, start, within
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamItem

DUT = cocotb.top
WORD = 4
ERRORS = 0xE  # upper four bits of addresses that the memory refuses
BUS = ("aw", "w", "b", "ar", "r")
GROUP = "word_master"
DIRECTIONS, LANES, ANSWERS = ("read", "write"), ("lower lanes", "upper lanes"), ("done", "refused")

sample_access = events(f"{GROUP}.access", itertools.product(DIRECTIONS, LANES, ANSWERS))
sample_strobes = events(f"{GROUP}.strobes", range(16))
sample_order = events(f"{GROUP}.order", ("address first", "data first", "together"))
sample_next = events(f"{GROUP}.next", ("waits for the answer", "in the cycle after the answer", "later"))


class Memory(Region):
    """Bytes that have been written, at any address; some it refuses."""

    def __init__(self) -> None:
        super().__init__(1 << 64)
        self.bytes: dict[int, int] = {}

    def read_now(self, address: int, length: int) -> bytes:
        """Bytes; what was not written depends on its address."""
        return bytes(self.bytes.get(at, at * 73 & 255) for at in range(address, address + length))

    async def _read(self, address: int, length: int, **_) -> bytes:
        if address >> 28 == ERRORS:
            raise ValueError("refused")
        return self.read_now(address, length)

    async def _write(self, address: int, data: bytes, **_) -> None:
        if address >> 28 == ERRORS:
            raise ValueError("refused")
        self.bytes.update(enumerate(data, address))


class WordTest(uvm_test):
    """Processor, memory, scoreboard; a subclass says what is asked for."""

    pace = Pace(0.3, 6)
    injected = False

    def build_phase(self) -> None:
        self.board = Scoreboard("scoreboard", self)
        self.memory, self.model = Memory(), Memory()
        self.accepted: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    async def watch(self) -> None:
        """Keep when address and data were taken, and what the address channels said."""
        while True:
            await RisingEdge(DUT.clk_i)
            for channel in ("aw", "w", "ar"):
                if getattr(DUT, f"m_axi_{channel}valid").value and getattr(DUT, f"m_axi_{channel}ready").value:
                    assert channel not in self.accepted, f"{channel} twice in an access"
                    self.accepted[channel] = cycle()
                    if channel != "w":
                        names = ("addr", "size", "len", "burst")
                        self.asked = {name: int(getattr(DUT, f"m_axi_{channel}{name}").value) for name in names}

    def accesses(self) -> list[tuple[bool, int, int, int, int]]:
        """Each is a write or not, strobes, address, data, and cycles after the answer before; -1 asks earlier."""
        near = [random.getrandbits(32) & ~7 for _ in range(6)]
        found = []
        for number in range(scaled(1200, 300)):
            address = random.choice((random.getrandbits(32), random.choice(near) + random.randrange(8)))
            strobes = number % 16 if random.random() < 0.5 else 15
            if random.random() < 0.15:
                address = address & 0x0FFF_FFFF | ERRORS << 28
            if address >> 28 == ERRORS:
                strobes = strobes or 15  # a write without a strobe does not come to the memory
            found.append(
                (random.random() < 0.5, strobes, address, random.getrandbits(32), random.choice((-1, 0, 0, 1, 7)))
            )
        return found

    async def ask(self, write: bool, strobes: int, address: int, data: int, gap: int, answered: int) -> None:
        """Do an access and hold its answer against the model."""
        for _ in range(gap):
            await RisingEdge(DUT.clk_i)
        self.accepted.clear()
        for name, value in (("req", 1), ("we", write), ("be", strobes), ("addr", address), ("wdata", data)):
            getattr(DUT, f"{name}_i").value = value
        await FallingEdge(DUT.clk_i)
        while not DUT.gnt_o.value:
            await FallingEdge(DUT.clk_i)
        await RisingEdge(DUT.clk_i)
        DUT.req_i.value = 0
        for name in ("we", "be", "addr", "wdata"):  # nothing is held beyond the grant
            getattr(DUT, f"{name}_i").value = random.getrandbits(len(getattr(DUT, f"{name}_i")))
        await FallingEdge(DUT.clk_i)
        while not DUT.rvalid_o.value:
            await FallingEdge(DUT.clk_i)
        refused, place = address >> 28 == ERRORS, address & ~3
        data_read = 0 if write or refused else int(DUT.rdata_o.value)
        answer = {"error": int(DUT.err_o.value), "data": data_read, **self.asked}
        if write and not refused:
            self.model.bytes.update(
                {place + lane: data >> 8 * lane & 255 for lane in range(WORD) if strobes >> lane & 1}
            )
        data_there = 0 if write or refused else int.from_bytes(self.model.read_now(place, WORD), "little")
        expected = {"error": refused, "data": data_there, "addr": place, "size": 2, "len": 0, "burst": 1}
        matched = (DIRECTIONS[write], LANES[address >> 2 & 1], ANSWERS[refused])
        self.board.expect(expected, f"{matched[0]} of {address:#x}, strobes {strobes:04b}, {data:#x}")
        self.board.write(StreamItem(answer))
        if self.board.mismatches:
            return
        sample_access(matched)
        if write:
            sample_strobes(strobes)
            first, second = (self.accepted[channel] for channel in ("aw", "w"))
            sample_order("together" if first == second else "address first" if first < second else "data first")
        if answered:
            sample_next(("in the cycle after the answer", "later")[gap > 0] if gap >= 0 else "waits for the answer")

    async def run_phase(self) -> None:
        self.raise_objection()
        for channel in BUS:  # nobody drives them before the memory does
            name = "ready" if channel in ("aw", "w", "ar") else "valid"
            getattr(DUT, f"m_axi_{channel}{name}").value = 0
        DUT.req_i.value = 0
        await start(DUT)
        logging.getLogger(f"cocotb.{DUT._name}.m_axi").setLevel(logging.CRITICAL)
        slave = AxiSlave(AxiBus.from_prefix(DUT, "m_axi"), DUT.clk_i, DUT.rst_ni, self.memory, reset_active_level=False)
        write, read = slave.write_if, slave.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            keep_pace(channel, self.pace)
        watcher = cocotb.start_soon(self.watch())
        await ClockCycles(DUT.clk_i, 2)
        begin, answered = cycle(), 0
        for access in self.accesses():
            await within(1000, self.ask(*access, answered), "the answer of an access")
            answered = cycle()
            await RisingEdge(DUT.clk_i)
        watcher.cancel()
        finish(GROUP, self.board.compared, self.board.mismatches, cycle() - begin, injected=self.injected)
        self.drop_objection()


@pyuvm.test()
class Random(WordTest):
    """Reads and writes of words, halves and bytes, near each other and anywhere, with pauses on all channels."""


@pyuvm.test()
class NoPauses(WordTest):
    """The memory takes everything at once."""

    pace = Pace()


@pyuvm.test(expect_error=ScoreboardError)
class WrongByteIsFound(WordTest):
    """A write changes a byte more than it is to."""

    injected = True

    def build_phase(self) -> None:
        super().build_phase()
        write = self.memory._write

        async def longer(address: int, data: bytes, **_) -> None:
            await write(address, data)
            if address >> 28 != ERRORS:
                self.memory.bytes[address] ^= 1

        self.memory._write = longer
