"""A processor's data bus as AXI4: random words against a memory, errors, pauses on every channel."""

from __future__ import annotations

import itertools
import logging
import random
from functools import partial

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, Event, FallingEdge, RisingEdge
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
sample_next = events(f"{GROUP}.next", ("before the answer", "in the cycle after it", "later"))


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


class Access:
    """A word that is read or written.

    Args:
        near: addresses, one of which it may be behind.
        strobes: of its bytes, or all.
    """

    def __init__(self, near: list[int], strobes: int) -> None:
        self.we = random.random() < 0.5
        self.addr = random.choice((random.getrandbits(32), random.choice(near) + random.randrange(8)))
        if random.random() < 0.15:
            self.addr = self.addr & 0x0FFF_FFFF | ERRORS << 28
        self.refused = self.addr >> 28 == ERRORS
        self.place = self.addr & ~3
        self.be = strobes if random.random() < 0.5 else 15
        if self.refused:
            self.be = self.be or 15  # a write without a strobe does not come to the memory
        self.wdata = random.getrandbits(32)
        self.gap = random.choice((-1, -1, 0, 0, 1, 7))  # cycles after the answer before; -1 asks earlier
        self.early = False  # it was asked for before that

    def __str__(self) -> str:
        return f"{DIRECTIONS[self.we]} of {self.addr:#x}, strobes {self.be:04b}, {self.wdata:#x}"


class WordTest(uvm_test):
    """Processor, memory, scoreboard; a subclass says what is asked for."""

    pace = Pace(0.3, 6)
    injected = False

    def build_phase(self) -> None:
        self.board = Scoreboard("scoreboard", self)
        self.memory, self.model = Memory(), Memory()
        self.accepted: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.granted: list[Access] = []  # the one that is under way
        self.answered = Event()

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

    def accesses(self) -> list[Access]:
        """What is asked for: words near each other and anywhere."""
        near = [random.getrandbits(32) & ~7 for _ in range(6)]
        return [Access(near, number % 16) for number in range(scaled(1200, 300))]

    async def ask(self, accesses: list[Access]) -> None:
        """Ask for one access after the other, before the answer of the last one or so many cycles after it."""
        for access in accesses:
            if access.gap >= 0 and self.granted:
                await self.answered.wait()
                for _ in range(access.gap):
                    await RisingEdge(DUT.clk_i)
            access.early = bool(self.granted)
            for name in ("we", "be", "addr", "wdata"):
                getattr(DUT, f"{name}_i").value = getattr(access, name)
            DUT.req_i.value = 1
            await FallingEdge(DUT.clk_i)
            while not DUT.gnt_o.value:
                await FallingEdge(DUT.clk_i)
            assert not self.granted, "granted before the answer of the access before"
            await RisingEdge(DUT.clk_i)
            self.granted.append(access)
            self.accepted.clear()
            self.answered.clear()
            DUT.req_i.value = 0
            for name in ("we", "be", "addr", "wdata"):  # nothing is held beyond the grant
                getattr(DUT, f"{name}_i").value = random.getrandbits(len(getattr(DUT, f"{name}_i")))

    async def answers(self, count: int) -> None:
        """Hold so many answers against the model."""
        for number in range(count):
            await FallingEdge(DUT.clk_i)
            while not DUT.rvalid_o.value:
                await FallingEdge(DUT.clk_i)
            assert self.granted, "an answer that nobody asked for"
            access = self.granted[0]
            data = 0 if access.we or access.refused else int(DUT.rdata_o.value)
            answer = {"error": int(DUT.err_o.value), "data": data, **self.asked}
            if access.we and not access.refused:
                lanes = [lane for lane in range(WORD) if access.be >> lane & 1]
                self.model.bytes.update({access.place + lane: access.wdata >> 8 * lane & 255 for lane in lanes})
            right = int.from_bytes(self.model.read_now(access.place, WORD), "little")
            expected = {"error": access.refused, "data": 0 if access.we or access.refused else right}
            self.board.expect(
                {**expected, "addr": access.place, "size": 2, "len": 0, "burst": 1},
                str(access),
                partial(self.cover, access, dict(self.accepted), number),
            )
            self.board.write(StreamItem(answer))
            await RisingEdge(DUT.clk_i)
            self.granted.clear()
            self.answered.set()

    def cover(self, access: Access, accepted: dict[str, int], number: int) -> None:
        """An access was right."""
        sample_access((DIRECTIONS[access.we], LANES[access.addr >> 2 & 1], ANSWERS[access.refused]))
        if access.we:
            sample_strobes(access.be)
            first, second = accepted["aw"], accepted["w"]
            sample_order("together" if first == second else "address first" if first < second else "data first")
        if number:
            sample_next("before the answer" if access.early else "later" if access.gap else "in the cycle after it")

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
        begin, accesses = cycle(), self.accesses()
        asking = cocotb.start_soon(self.ask(accesses))
        await within(100 * len(accesses), self.answers(len(accesses)), "the answer of all accesses")
        await asking
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
