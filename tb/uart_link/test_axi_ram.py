"""Memory on the chip: random bursts against a model, errors behind its end, a beat per cycle."""

from __future__ import annotations

import itertools
import logging
import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section
from cocotbext.axi import AxiBus, AxiMaster
from cocotbext.axi.axi_master import AxiReadResp
from pyuvm import uvm_component, uvm_env, uvm_test

from tb.common.axi import keep_pace
from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamItem

DUT = cocotb.top
LANES = len(DUT.s_axi_wstrb)
BYTES = int(DUT.BYTES.value)
OKAY, DECERR = 0, 3
PAGE = 4096
GROUP = "axi_ram"


@coverage_section(
    CoverPoint(f"{GROUP}.direction", xf=lambda a: "write" if a.write else "read", bins=["read", "write"]),
    CoverPoint(f"{GROUP}.where", xf=lambda a: "inside" if a.response == OKAY else "behind", bins=["inside", "behind"]),
    CoverPoint(f"{GROUP}.size", xf=lambda a: _size(a.address, a.size), bins=["part of a beat", "beats", "both"]),
    CoverCross(f"{GROUP}.access", items=[f"{GROUP}.direction", f"{GROUP}.where", f"{GROUP}.size"]),
)
def sample(access: Access) -> None:
    """An access was answered."""


def _size(address: int, size: int) -> str:
    """Whether an access is of whole beats, of a part of one, or of whole ones and parts."""
    if address % LANES == 0 and size % LANES == 0:
        return "beats"
    return "part of a beat" if address // LANES == (address + size - 1) // LANES else "both"


class Access:
    """One read or write of bytes that lie in a page: whole beats, or part of one."""

    def __init__(self) -> None:
        behind = random.random() < 0.1
        self.address = random.randrange(BYTES) + random.choice((BYTES, 1 << 32, 1 << 39)) * behind
        if random.random() < 0.5:
            self.address -= self.address % LANES
        self.size = random.randint(1, min(PAGE - self.address % PAGE, random.choice((LANES, 4 * LANES, 256 * LANES))))
        self.response = DECERR if behind else OKAY
        self.write = random.random() < 0.5
        self.data = random.randbytes(self.size)

    @classmethod
    def of_beats(cls, write: bool, behind: bool) -> Access:
        """An access of two whole beats, behind the end of memory or not."""
        access = cls()
        access.write, access.response = write, DECERR if behind else OKAY
        access.address, access.size = LANES * random.randrange(16) + BYTES * behind, 2 * LANES
        access.data = random.randbytes(access.size)
        return access


class Master(uvm_component):
    """AXI master in front of the memory."""

    def __init__(self, name: str, parent: uvm_component, pace: Pace) -> None:
        super().__init__(name, parent)
        self.pace = pace

    def attach(self) -> None:
        """Connect, when the signals are defined."""
        logging.getLogger(f"cocotb.{DUT._name}.s_axi").setLevel(logging.WARNING)
        self.bus = AxiMaster(AxiBus.from_prefix(DUT, "s_axi"), DUT.clk_i, DUT.rst_ni, reset_active_level=False)
        write, read = self.bus.write_if, self.bus.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            keep_pace(channel, self.pace)

    async def run(self, access: Access) -> StreamItem:
        """Do an access; what came back."""
        if access.write:
            answer = await within(100_000, self.bus.write(access.address, access.data), "the answer of a write")
            return StreamItem({"response": int(answer.resp), "data": 0})
        answer: AxiReadResp = await within(100_000, self.bus.read(access.address, access.size), "the answer of a read")
        data = int.from_bytes(answer.data, "little")
        return StreamItem({"response": int(answer.resp), "data": data})


class RamEnv(uvm_env):
    """Master, model, scoreboard."""

    def __init__(self, name: str, parent: uvm_component, pace: Pace) -> None:
        super().__init__(name, parent)
        self.pace = pace
        self.memory = bytearray(BYTES)

    def build_phase(self) -> None:
        self.master, self.board = Master("master", self, self.pace), Scoreboard("scoreboard", self)

    async def fill(self) -> None:
        """Write all of memory, which nothing resets."""
        self.memory[:] = random.randbytes(BYTES)
        await within(1_000_000, self.master.bus.write(0, bytes(self.memory)), "the first write")

    async def run(self, access: Access) -> None:
        """Do an access and hold it against the model."""
        part = slice(access.address, access.address + access.size)
        good = access.response == OKAY
        if access.write and good:
            self.memory[part] = access.data
        data = 0 if access.write or not good else int.from_bytes(self.memory[part], "little")
        what = f"{'write' if access.write else 'read'} of {access.size} bytes at {access.address:#x}"
        found = await self.master.run(access)
        sample(access)
        self.board.expect({"response": access.response, "data": data}, what)
        self.board.write(found)

    async def everything(self) -> None:
        """Read all of memory."""
        access = Access()
        access.write, access.address, access.size, access.response = False, 0, BYTES, OKAY
        await self.run(access)


class RamTest(uvm_test):
    """Start the memory, run ``body``."""

    pace: Pace | None = None
    injected = False

    def build_phase(self) -> None:
        self.env = RamEnv("env", self, self.pace or Pace.any())

    async def body(self) -> tuple[float, str] | None:
        """What the master does; utilisation and its unit, where it has one."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        for channel in ("aw", "w", "ar"):  # nobody drives them before the bus model does
            getattr(DUT, f"s_axi_{channel}valid").value = 0
        await start(DUT)
        await ClockCycles(DUT.clk_i, 2)
        self.env.master.attach()
        await self.env.fill()
        begin = cycle()
        found = await self.body() or (None, "")
        board = self.env.board
        finish(GROUP, board.compared, board.mismatches, cycle() - begin, *found, injected=self.injected)
        self.drop_objection()


@pyuvm.test()
class Random(RamTest):
    """Random accesses one after the other, some behind the end, which change nothing."""

    async def body(self) -> None:
        for _ in range(scaled(300, 60)):
            await self.env.run(Access())
        for write, behind in itertools.product((False, True), repeat=2):
            await self.env.run(Access.of_beats(write, behind))
        await self.env.everything()


@pyuvm.test()
class Both(RamTest):
    """Reads and writes at the same time, in two halves of memory."""

    async def body(self) -> None:
        async def half(first: int) -> None:
            for _ in range(scaled(60, 15)):
                access = Access()
                access.address = first + access.address % (BYTES // 2 - 16 * LANES)
                access.size, access.response = min(access.size, 16 * LANES), OKAY
                access.data = random.randbytes(access.size)
                await self.env.run(access)

        other = cocotb.start_soon(half(0))
        await half(BYTES // 2)
        await other


@pyuvm.test()
class Bandwidth(RamTest):
    """Bursts one behind the other: a beat in every cycle, in both directions."""

    pace = Pace()

    async def body(self) -> tuple[float, str]:
        beats = {"r": [], "w": []}

        async def watch() -> None:
            while True:
                await RisingEdge(DUT.clk_i)
                for channel, cycles in beats.items():
                    valid, ready = getattr(DUT, f"s_axi_{channel}valid"), getattr(DUT, f"s_axi_{channel}ready")
                    if valid.value and ready.value:
                        cycles.append(cycle())

        watcher = cocotb.start_soon(watch())
        bus, size = self.env.master.bus, BYTES // 2
        reads = [cocotb.start_soon(bus.read(at, 8 * LANES)) for at in range(0, size, 8 * LANES)]
        await within(100_000, bus.write(size, bytes(self.env.memory[size:])), "a write of half of memory")
        found = b"".join([(await within(100_000, read, "a read")).data for read in reads])
        watcher.cancel()
        self.env.board.expect({"data": int.from_bytes(self.env.memory[:size], "little")})
        self.env.board.write(StreamItem({"data": int.from_bytes(found, "little")}))
        shares = [len(cycles) / (cycles[-1] - cycles[0] + 1) for cycles in beats.values()]
        assert min(shares) > 0.98, f"shares of cycles with a beat: read, write {shares}"
        return min(shares), "of cycles with a beat, both directions"


@pyuvm.test()
class ResetInWrite(RamTest):
    """A beat that is still offered as a reset begins is not stored; the one before it is."""

    async def body(self) -> None:
        access = Access.of_beats(True, False)
        address = {"addr": access.address, "len": 1, "size": LANES.bit_length() - 1, "burst": 1, "id": 0}
        await self.transfer("aw", address)
        beats = [int.from_bytes(access.data[at : at + LANES], "little") for at in (0, LANES)]
        data = {"strb": (1 << LANES) - 1, "last": 0}
        await self.transfer("w", {"data": beats[0], **data})
        self.env.memory[access.address : access.address + LANES] = access.data[:LANES]
        await RisingEdge(DUT.clk_i)
        DUT.rst_ni.value = 0
        await FallingEdge(DUT.clk_i)  # the bus model has let go of its signals
        await self.transfer("w", {"data": beats[1], **data})
        await ClockCycles(DUT.clk_i, 2)
        DUT.rst_ni.value = 1
        await ClockCycles(DUT.clk_i, 2)
        await self.env.everything()

    async def transfer(self, channel: str, fields: dict[str, int]) -> None:
        """One transfer without the bus model, which is idle."""
        for name, value in fields.items():
            getattr(DUT, f"s_axi_{channel}{name}").value = value
        valid, ready = (getattr(DUT, f"s_axi_{channel}{name}") for name in ("valid", "ready"))
        valid.value = 1
        await RisingEdge(DUT.clk_i)
        while not ready.value:
            await RisingEdge(DUT.clk_i)
        valid.value = 0


@pyuvm.test(expect_error=ScoreboardError)
class WrongByteIsFound(RamTest):
    """A bit of the model is flipped."""

    injected = True

    async def body(self) -> None:
        self.env.memory[random.randrange(BYTES)] ^= 1
        await self.env.everything()
