"""AXI4 between clocks, alone and on the host's way to registers and memory: a host's transfers against bytes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import partial

import cocotb
import pyuvm
from cocotb.triggers import gather
from cocotb_coverage.coverage import CoverPoint
from cocotbext.axi import AxiBus, AxiMaster, AxiRam
from pyuvm import uvm_test

from tb.common.axi import keep_pace
from tb.common.base import cycle, finish, scaled, within
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamItem
from tb.crossing.clocks import RATIOS, Domain, start_clocks
from tb.crossing.coverage import GROUP, sample_traffic
from tb.crossing.memory import OKAY, SLVERR, BeatMemory

BRIDGE = cocotb.top._name == "host_bridge"
# What a host finds at its addresses: first address and size in bytes.
WINDOW, MEMORY = (0x2004_0000, 1 << 13), (0x8000_0000, 1 << 30)
REGIONS = {"registers": WINDOW, "memory": MEMORY} if BRIDGE else {"memory": (0, 1 << 16)}
ADDRESS_BITS, ID_BITS = len(cocotb.top.s_axi_araddr), len(cocotb.top.s_axi_arid)
# Behind the ends of either region, and where one bit alone says that it is outside.
HOLES = [0, WINDOW[0] - 4, WINDOW[0] + WINDOW[1], MEMORY[0] - 8, MEMORY[0] + MEMORY[1], 0xFFFF_FFF0]
HOLES += [base ^ 1 << bit for base, size in (WINDOW, MEMORY) for bit in range(size.bit_length() - 1, ADDRESS_BITS)]
HOLES = [place for place in HOLES if not any(base <= place < base + size for base, size in (WINDOW, MEMORY))]
FAULTY = range(MEMORY[0] + (1 << 20), MEMORY[0] + (1 << 20) + 64)  # memory that answers with errors
SIZES = len(cocotb.top.s_axi_wstrb).bit_length()  # logarithms of the bytes of a beat: 0 to this less one
WORKERS = 4
PAUSES = Pace(0.3, 6)


@CoverPoint(
    f"{GROUP}.access",
    xf=lambda region, write: (region, write),
    bins=[
        (region, write)
        for region in (*REGIONS, *(["nothing", "faulty memory"] if BRIDGE else []))
        for write in (False, True)
    ],
)
def sample_access(region: str, write: bool) -> None:
    """The host read or wrote a part of its addresses, and the answer was right."""


class HostTest(uvm_test):
    """A host in one clock, registers and memory in the other; several transfers at a time, each in its own part."""

    ratio: str | None = None
    pauses = (False, False)
    answers: Pace | None = None  # of the host in taking answers, where it is another one
    injected = False

    def build_phase(self) -> None:
        dut = cocotb.top
        self.sides = (Domain(dut, "host_"), Domain(dut, "")) if BRIDGE else (Domain(dut, "s_"), Domain(dut, "m_"))
        self.board = Scoreboard("scoreboard", self)

    async def run_phase(self) -> None:
        self.raise_objection()
        dut, (host, device) = cocotb.top, self.sides
        self.host = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), host.clk_i, host.rst_ni, reset_active_level=False)
        slave = AxiBus.from_prefix(dut, "window_axi" if BRIDGE else "m_axi")
        size = WINDOW[1] if BRIDGE else REGIONS["memory"][1]
        self.ram = AxiRam(slave, device.clk_i, device.rst_ni, reset_active_level=False, size=size)
        self.memory = BeatMemory(device, PAUSES if self.pauses[1] else Pace()) if BRIDGE else None
        if self.memory:
            self.memory.faulty = FAULTY
        ends = [(self.host, self.pauses[0]), (self.ram, self.pauses[1])]
        for end, pauses in ends:
            sides = (end.write_if, end.read_if)
            channels = [
                c for s in sides for n in ("aw", "w", "b", "ar", "r") if (c := getattr(s, f"{n}_channel", None))
            ]
            for channel in channels:
                keep_pace(channel, PAUSES if pauses else Pace())
        if self.answers:
            for channel in (self.host.write_if.b_channel, self.host.read_if.r_channel):
                keep_pace(channel, self.answers)
        ratio = self.ratio or random.choice(RATIOS)
        await start_clocks(host, device, ratio)
        began = cycle()
        await within(100_000, gather(*(self.work(part) for part in range(WORKERS))), "the end of all transfers")
        sample_traffic(ratio, *self.pauses)
        finish(GROUP, self.board.compared, self.board.mismatches, cycle() - began, injected=self.injected)
        self.drop_objection()

    async def work(self, part: int) -> None:
        """Write and read random bytes in one part of each region; now and then where nothing is."""
        known: dict[int, int] = {}
        for _ in range(scaled(30, 10)):
            if BRIDGE and random.random() < 0.2:
                await self.miss(random.random() < 0.5, random.random() < 0.5)
                continue
            region, (base, whole) = random.choice(list(REGIONS.items()))
            first = base + whole // WORKERS * part
            length = random.choice((1, 2, 4, 8, random.randrange(1, 200)))
            # Near the ends of the part, so that reads meet what was written.
            address = first + random.choice((random.randrange(300), whole // WORKERS - length - random.randrange(300)))
            covers = partial(sample_access, region, write := random.random() < 0.6)
            size = random.choice((None, random.randrange(SIZES)))
            if write:
                data = random.randbytes(length)
                answer = await self.host.write(address, data, awid=self.identifier(part), size=size)
                known.update(enumerate(data, address))
                self.compare({"resp": int(answer.resp)}, {"resp": OKAY}, f"write at {address:#x}", covers)
            else:
                answer = await self.host.read(address, length, arid=self.identifier(part), size=size)
                expected = bytes(known.get(a, 0) for a in range(address, address + length))
                seen = {"resp": int(answer.resp), "data": int.from_bytes(answer.data, "little")}
                wanted = {"resp": OKAY, "data": int.from_bytes(expected, "little")}
                self.compare(seen, wanted, f"read of {length} at {address:#x}", covers)

    def identifier(self, part: int) -> int:
        """One for a transfer of a part, which no other part uses."""
        return random.getrandbits(ID_BITS) // WORKERS * WORKERS + part

    async def miss(self, faulty: bool, write: bool, hole: int | None = None) -> None:
        """An access to what is not there, which reads as zero, or to memory that answers with an error."""
        address = random.choice(FAULTY[::4] if faulty else HOLES) if hole is None else hole
        covers = partial(sample_access, "faulty memory" if faulty else "nothing", write)
        answer = await (self.host.write(address, bytes(4)) if write else self.host.read(address, 4))
        data = 0 if write or faulty else int.from_bytes(answer.data, "little")
        wanted = {"resp": SLVERR, "data": 0}
        self.compare({"resp": int(answer.resp), "data": data}, wanted, f"error at {address:#x}", covers)

    def compare(
        self, seen: dict[str, int], wanted: dict[str, int], what: str, covers: Callable[[], None] | None = None
    ) -> None:
        """Hand one answer, what it should be, and what it covers if it is, to the scoreboard."""
        self.board.expect(wanted, what, covers)
        self.board.write(StreamItem(seen))


def _random(ratio: str, host: bool, device: bool) -> None:
    name = f"Random{ratio.title().replace(' ', '')}{'HostPauses' if host else ''}{'DevicePauses' if device else ''}"
    fields = {"ratio": ratio, "pauses": (host, device), "__module__": __name__, "__doc__": "Random transfers."}
    globals()[name] = pyuvm.test()(type(name, (HostTest,), fields))


for combination in itertools.product(RATIOS, (False, True), (False, True)):
    _random(*combination)


@pyuvm.test(skip=not BRIDGE)
class Holes(HostTest):
    """A word read and written in each of the places with nothing behind them."""

    async def work(self, part: int) -> None:
        for hole in HOLES[part::WORKERS]:
            for write in (False, True):
                await self.miss(False, write, hole)


@pyuvm.test()
class AnswersWait(HostTest):
    """A host that is slow to take its answers, with more of them under way than there is room for."""

    answers = Pace(0.9, 300)

    async def work(self, part: int) -> None:
        async def word(region: str, address: int) -> None:
            data = random.randbytes(4)
            answer, covers = await self.host.write(address, data), partial(sample_access, region, True)
            self.compare({"resp": int(answer.resp)}, {"resp": OKAY}, f"write at {address:#x}", covers)
            answer, covers = await self.host.read(address, 4), partial(sample_access, region, False)
            seen, wanted = (int.from_bytes(value, "little") for value in (answer.data, data))
            self.compare({"data": seen}, {"data": wanted}, f"read at {address:#x}", covers)

        parts = ((region, base + size // WORKERS * part) for region, (base, size) in REGIONS.items())
        words = (word(region, first + 8 * number) for region, first in parts for number in range(6))
        await gather(*map(cocotb.start_soon, words))


@pyuvm.test(expect_error=ScoreboardError)
class Corrupt(HostTest):
    """The memory flips the bits of one beat; the scoreboard objects."""

    injected = True

    async def work(self, part: int) -> None:
        if self.memory:
            self.memory.corrupt = 5
        base = REGIONS["memory"][0]
        if part == 0:
            await self.host.write(base, bytes(range(64)))
            if not BRIDGE:
                self.ram.write(20, b"\xff")
            answer = await self.host.read(base, 64)
            wanted = {"data": int.from_bytes(bytes(range(64)), "little")}
            self.compare({"data": int.from_bytes(answer.data, "little")}, wanted, "read back")
