"""The DDR3 memory model: data against a golden memory, commands against the timing rules, and how fast it is."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import FallingEdge, RisingEdge, Timer, gather
from cocotbext.axi import AxiBus, AxiMaster
from pyuvm import uvm_component, uvm_test

from tb.common.axi import keep_pace
from tb.common.base import PERIOD_NS, config, cycle, finish, scaled, start, within
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamItem
from tb.ddr3_memory.bench import INDEX_W
from tb.ddr3_memory.rules import CYCLES, RuleError, Rules

GROUP = "ddr3"
BEAT, PAGE, BANKS = config()["bus_width"] // 8, 4096, 8
SIZE = BEAT << INDEX_W
ROWS = 128 * BEAT * BANKS  # from a row to the next of its bank
CHANNELS = ("aw", "w", "b", "ar", "r")


# Something that the memory was told.
sample = events(
    f"{GROUP}.commands",
    [
        "activate",
        "precharge",
        "read",
        "write",
        "refresh",
        "read after write",
        "write after read",
        "row hit",
        "row miss",
    ],
)


class CommandMonitor(uvm_component):
    """Hold the memory's commands, cycle by cycle, against the rules.

    Attributes:
        rules: the rules, with what has happened.
        hasten: cycles by which columns are seen early (fault injection).
    """

    def __init__(self, name: str, parent: uvm_component) -> None:
        super().__init__(name, parent)
        self.rules, self.hasten, self.began, self.last = Rules(), 0, 0, ""

    async def run_phase(self) -> None:
        dut = cocotb.top
        await FallingEdge(dut.rst_ni)
        await RisingEdge(dut.rst_ni)
        self.began = cycle()
        while True:
            await RisingEdge(dut.clk_i)
            now = cycle()
            if dut.refresh_o.value:
                self.rules.refresh(now)
                sample("refresh")
            if dut.pre_o.value:
                self.rules.precharge(now, int(dut.pre_bank_o.value))
                sample("precharge")
            if dut.act_o.value:
                self.rules.activate(now, int(dut.act_bank_o.value), int(dut.act_row_o.value))
                sample("activate")
            if dut.read_o.value or dut.write_o.value:
                self._column(now, bool(dut.write_o.value))

    def _column(self, now: int, write: bool) -> None:
        bank, row = int(cocotb.top.column_bank_o.value), int(cocotb.top.column_row_o.value)
        self.rules.column(now - self.hasten, bank, row, write)
        kind = "write" if write else "read"
        sample(kind)
        if self.last not in ("", kind):
            sample(f"{kind} after {self.last}")
        self.last = kind

    def check_phase(self) -> None:
        self.rules.finish(cycle(), self.began)
        kinds = self.rules.commands
        if kinds.get("activate", 0) < kinds.get("read", 0) + kinds.get("write", 0):
            sample("row hit")
        if kinds.get("precharge"):
            sample("row miss")


class MemoryTest(uvm_test):
    """Clock, reset, monitor; a subclass makes the traffic."""

    injected = False
    utilisation: tuple[str, float] | None = None

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.monitor = CommandMonitor("commands", self)
        self.board = Scoreboard("data", self)

    def attach(self) -> None:
        """What drives the bus; before the reset."""
        for channel in ("aw", "w", "ar"):
            getattr(self.dut, f"s_axi_{channel}valid").value = 0
            if channel != "w":
                getattr(self.dut, f"s_axi_{channel}size").value = BEAT.bit_length() - 1
                getattr(self.dut, f"s_axi_{channel}burst").value = 1
        self.dut.s_axi_rready.value, self.dut.s_axi_bready.value = 1, 1

    async def body(self) -> None:
        """The traffic."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        self.dut.rst_ni.value = 1
        await Timer(PERIOD_NS, "ns")
        self.attach()
        self.dut.rst_ni.value = 0
        await Timer(PERIOD_NS, "ns")
        await start(self.dut)
        began = cycle()
        await self.body()
        (unit, ratio), board = self.utilisation or ("", None), self.board
        finish(GROUP, board.compared, board.mismatches, cycle() - began, ratio, unit, self.injected)
        self.drop_objection()


class Data(MemoryTest):
    """Reads and writes of any length on pages of several rows and banks, with pauses, against a golden memory."""

    def attach(self) -> None:
        self.master = AxiMaster(
            AxiBus.from_prefix(self.dut, "s_axi"), self.dut.clk_i, self.dut.rst_ni, reset_active_level=False
        )
        write, read = self.master.write_if, self.master.read_if
        channels = (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel)
        for channel in channels:
            keep_pace(channel, Pace.any())

    async def body(self) -> None:
        first = random.sample(range(0, ROWS, PAGE), min(3, ROWS // PAGE))
        pages = [page + row * ROWS for page in first for row in (0, 5, 6, 31)]
        golden = {page: bytearray(random.randbytes(PAGE)) for page in pages}
        writes = [self.master.write(page, bytes(content)) for page, content in golden.items()]
        await within(60_000, gather(*map(cocotb.start_soon, writes)), "the first writes")
        for _ in range(scaled(12, 4)):
            # In flight at once: reads of some pages, writes to others.
            order = random.sample(pages, len(pages))
            half = len(pages) // 2
            tasks = [cocotb.start_soon(self.read(golden, page)) for page in order[:half]]
            tasks += [cocotb.start_soon(self.write(golden, page)) for page in order[half:]]
            await within(60_000, gather(*tasks), "the end of reads and writes")

    @staticmethod
    def part() -> tuple[int, int]:
        """Offset in a page, and length."""
        length = random.choice([1, BEAT, random.randint(1, 200), random.randint(1, PAGE)])
        return random.randint(0, PAGE - length), length

    async def read(self, golden: dict[int, bytearray], page: int) -> None:
        """Read part of a page and compare it."""
        offset, length = self.part()
        found = (await self.master.read(page + offset, length)).data
        wanted = golden[page][offset : offset + length]
        if self.injected:
            found = bytes([found[0] ^ 1, *found[1:]])
        self.board.expect({"data": int.from_bytes(wanted, "little")}, f"{length} bytes at {page + offset:#x}")
        self.board.write(StreamItem({"data": int.from_bytes(found, "little")}))

    async def write(self, golden: dict[int, bytearray], page: int) -> None:
        """Overwrite part of a page."""
        offset, length = self.part()
        data = random.randbytes(length)
        golden[page][offset : offset + length] = data
        await self.master.write(page + offset, data)


@pyuvm.test()
class RandomTraffic(Data):
    """First draw of pauses."""


@pyuvm.test()
class RandomTrafficAgain(Data):
    """Second draw of pauses."""


class Rate(MemoryTest):
    """Addresses as fast as they are taken, data taken and given without pauses; what leaves or enters per cycle."""

    reads = writes = 0
    beats, unit = 128, ""

    def address(self, number: int, write: bool) -> int:
        """Address of a burst: one page behind the other, writes in the other half of the memory."""
        return number * self.beats * BEAT + (SIZE // 2 if write else 0)

    async def addresses(self, channel: str, bursts: int) -> None:
        """Send all addresses of a channel."""
        dut = self.dut
        valid, ready, address, length = (
            getattr(dut, f"s_axi_{channel}{part}") for part in ("valid", "ready", "addr", "len")
        )
        for number in range(bursts):
            address.value, length.value, valid.value = self.address(number, channel == "aw"), self.beats - 1, 1
            await RisingEdge(dut.clk_i)
            while not ready.value:
                await RisingEdge(dut.clk_i)
        valid.value = 0

    async def data(self, bursts: int) -> None:
        """Send all write data."""
        dut = self.dut
        dut.s_axi_wstrb.value = (1 << BEAT) - 1
        for number in range(bursts * self.beats):
            dut.s_axi_wdata.value, dut.s_axi_wvalid.value = number, 1
            dut.s_axi_wlast.value = int(number % self.beats == self.beats - 1)
            await RisingEdge(dut.clk_i)
            while not dut.s_axi_wready.value:
                await RisingEdge(dut.clk_i)
        dut.s_axi_wvalid.value = 0

    async def body(self) -> None:
        tasks = [self.addresses("ar", self.reads), self.addresses("aw", self.writes), self.data(self.writes)]
        for task in tasks:
            cocotb.start_soon(task)
        dut, total, done, first = self.dut, (self.reads + self.writes) * self.beats, 0, None
        while done < total:
            await RisingEdge(dut.clk_i)
            if dut.read_o.value or dut.write_o.value:
                first = cycle() if first is None else first
                done += 1
            assert cycle() - (first or cycle()) < 100 * total, "hang"
        spent = cycle() - first + 1
        self.utilisation = self.unit, total / spent
        self.judge(total, spent)

    def judge(self, total: int, spent: int) -> None:
        """Whether so many beats in so many cycles are what the timing gives."""
        raise NotImplementedError


# Each refresh costs tRFC, and at most what it takes to close the rows of a burst just begun and to open one again.
REFRESH = CYCLES["rfc"] + CYCLES["rp"] + CYCLES["rcd"]
REFRESH_MOST = REFRESH + CYCLES["ras"] + CYCLES["cwl"] + 1 + CYCLES["wr"]
# A turn of the bus waits at most for the data written, and for a row to close and another to open.
TURN_MOST = CYCLES["cwl"] + 1 + CYCLES["wtr"] + CYCLES["ras"] + CYCLES["rp"] + CYCLES["rcd"]
PATIENCE, LATENCY = 64, 14  # parameters of the model


class Sequential(Rate):
    """All that refreshes leave."""

    def judge(self, total: int, spent: int) -> None:
        whole = spent // CYCLES["refi"]
        least, most = spent - (whole + 1) * REFRESH_MOST, spent - whole * CYCLES["rfc"]
        assert least <= total <= most, f"{total} beats in {spent} cycles, {least} to {most} are possible"


@pyuvm.test()
class SequentialRead(Sequential):
    """Page after page."""

    reads, unit = scaled(100, 50), "of cycles, sequential read"


@pyuvm.test()
class SequentialWrite(Sequential):
    """Page after page."""

    writes, unit = scaled(100, 50), "of cycles, sequential write"


@pyuvm.test()
class RowMisses(Rate):
    """Single beats of other rows of one bank: one in tRC cycles."""

    reads, beats, unit = 200, 1, "of cycles, rows of one bank"

    def address(self, number: int, write: bool) -> int:
        return number % 31 * ROWS

    def judge(self, total: int, spent: int) -> None:
        assert 0 <= spent / total - CYCLES["rc"] <= 1.5, f"{spent} cycles for {total} rows"


@pyuvm.test()
class ReadsAndWrites(Rate):
    """Both directions at once share the bus."""

    reads, writes, beats, unit = 60, 60, 64, "of cycles, reads and writes"

    def judge(self, total: int, spent: int) -> None:
        turns = total // PATIENCE + 1
        least = total / (total + turns * TURN_MOST) * (1 - REFRESH_MOST / CYCLES["refi"])
        assert least <= total / spent <= 1, f"{total} beats in {spent} cycles, {100 * least:.0f} % wanted"


@pyuvm.test()
class Turns(ReadsAndWrites):
    """Reads and writes of one row: every turn is as quick as the rules let it be."""

    reads, writes, beats, unit = 60, 60, 8, "of cycles, reads and writes of one row"

    def address(self, number: int, write: bool) -> int:
        return number % 16 * self.beats * BEAT


@pyuvm.test()
class FirstBeat(MemoryTest):
    """Cycles from an address to its first beat while nothing else goes on."""

    async def body(self) -> None:
        dut = self.dut
        dut.s_axi_araddr.value, dut.s_axi_arlen.value, dut.s_axi_arvalid.value = 0, 3, 1
        await RisingEdge(dut.clk_i)
        while not dut.s_axi_arready.value:
            await RisingEdge(dut.clk_i)
        began = cycle()
        dut.s_axi_arvalid.value = 0
        while not dut.s_axi_rvalid.value:
            await RisingEdge(dut.clk_i)
        expected = CYCLES["rcd"] + CYCLES["cl"] + LATENCY + 2
        assert cycle() - began == expected, f"{cycle() - began} cycles, expected {expected}"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptData(Data):
    """One flipped bit of what was read must be seen."""

    injected = True


@pyuvm.test(expect_error=RuleError)
class EarlyColumn(SequentialRead):
    """Columns that are said to come a cycle before they do break a rule."""

    injected = True

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor.hasten = 1
