"""Lists on both cores at the same time: each core's results are those that it has alone, whatever the other does."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge, gather
from cocotb_coverage.coverage import CoverCross, CoverPoint
from cocotbext.axi.axi_channels import AxiARTransaction, AxiRTransaction
from edge_qlora import registers
from edge_qlora.command_layout import WeightFormat
from edge_qlora.commands import End, Matrix, Read, Vector, Write
from edge_qlora.ordering import synchronize
from edge_qlora.registers import ErrorCode
from edge_qlora.vector import LANES, Function, Instruction, Operand, Reduction, Region
from pyuvm import uvm_test

from tb.axi_master.memory import ReadSide
from tb.axi_master.model import OKAY, Burst, Faults, Geometry
from tb.commands.coverage import ERRORS, fault_of
from tb.commands.image import Image
from tb.commands.lists import FAULTS, RandomLists
from tb.commands.program import elementwise
from tb.common.base import config, cycle, finish, start, within
from tb.common.coverage import events
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.core.device import LONGEST_LIST, DeviceMemory, Host, HostPort
from tb.core.env import CoreEnv, attach_memory
from tb.core.items import ListItem, Lists
from tb.core.parameters import pair_configs
from tb.models.core import Core

CORES = ("infer", "tune")
TUNE = 1
WATCHDOG = 1024  # cycles without a sign of life after which a core gives a list up


@CoverPoint("pair.core", xf=lambda core, item, kind: CORES[core], bins=list(CORES))
@CoverPoint("pair.kind", xf=lambda core, item, kind: fault_of(item, kind), bins=["none", *FAULTS])
@CoverPoint("pair.error", xf=lambda core, item, kind: ErrorCode(item.ended.error).name, bins=ERRORS)
@CoverCross("pair.kinds", items=["pair.core", "pair.kind"])
@CoverCross("pair.errors", items=["pair.core", "pair.error"])
def sample_end(core: int, item: ListItem, kind: str) -> None:
    """Cover the end of a list on a core."""


# What was seen where the cores meet, by the signal of the probe (sim/tops/pair_probe.sv).
MEMORY = {
    "reads compete": "reads_compete",
    "writes compete": "writes_compete",
    "order full": "order_full",
    "answers mixed": "mixed",
    "data before address": "data_first",
}
OPERANDS = ("a", "b", "result")
sample_memory = events("pair.memory", list(MEMORY))
sample_vector = events("pair.vector", [f"{core} {what}" for core in CORES for what in ("waits", "resets beside")])
sample_behind = events("pair.behind", OPERANDS)


def sample_seen() -> None:
    """Cover what the probe has seen since the reset."""

    def bits(name: str) -> int:
        return int(getattr(cocotb.top.u_probe, name).value)

    for what, name in MEMORY.items():
        if bits(name):
            sample_memory(what)
    for number, core in enumerate(CORES):
        for what, name in (("waits", "waits"), ("resets beside", "resets")):
            if bits(name) >> number & 1:
                sample_vector(f"{core} {what}")
    for number, operand in enumerate(OPERANDS):
        if bits("behind") >> number & 1:
            sample_behind(operand)


class SharedMemory:
    """One memory port in front of both cores' memories; what belongs to neither counts against the first."""

    def __init__(self, parts: Iterable[DeviceMemory]) -> None:
        self.parts = list(parts)

    def _part(self, address: int) -> DeviceMemory:
        return next((m for m in self.parts if m.base <= address < m.base + m.size), self.parts[0])

    def read(self, address: int) -> int:
        """A beat."""
        return self._part(address).read(address)

    def write(self, address: int, data: int) -> None:
        """Take a beat."""
        self._part(address).write(address, data)


class SharedFaults(Faults):
    """The faulty ranges of both cores' memories."""

    def __init__(self, parts: Iterable[Faults]) -> None:
        self.parts = list(parts)

    def response(self, addr: int) -> int:
        """AXI response of the beat at ``addr``."""
        return next(filter(None, (part.response(addr) for part in self.parts)), OKAY)

    def burst_response(self, geometry: Geometry, burst: Burst) -> int:
        """Response of the first failing beat of a burst, OKAY when none fails."""
        return next(filter(None, (part.burst_response(geometry, burst) for part in self.parts)), OKAY)


class MixedReads(ReadSide):
    """Answers the reads of each core in their order, and those of both in turns, beat by beat."""

    async def _process_read(self) -> None:
        waiting: list[deque[tuple[AxiARTransaction, int]]] = [deque() for _ in CORES]
        while True:
            while not any(waiting) or not self.ar_channel.empty():
                address = await self.ar_channel.recv()
                beats = range(int(address.arlen) + 1)
                waiting[int(address.arid) >> self.id_width - 1].extend((address, beat) for beat in beats)
            for beats in filter(None, waiting):
                await self.send_beat(self._beat(*beats.popleft()))

    def _beat(self, address: AxiARTransaction, beat: int) -> AxiRTransaction:
        at, last = int(address.araddr) + beat * self.byte_lanes, beat == int(address.arlen)
        data, response = self.memory.read(at), self.faults.response(at)
        return AxiRTransaction(rid=address.arid, rdata=data, rresp=response, rlast=last)


class PairTest(uvm_test):
    """Two environments around the cores; subclasses say what each of them runs.

    Attributes:
        corrupt: see ``ResultMonitor``; of core 1.
        injected: the test must fail, and is not reported.
        full_speed: the memory does not pause.
        reads: how it answers reads.
    """

    corrupt: int | None = None
    injected = False
    full_speed = False
    reads = ReadSide
    ratio: float | None = None

    def build_phase(self) -> None:
        port = HostPort(cocotb.top, Pace.any())
        self.envs = [CoreEnv(name, self, port, core) for core, name in enumerate(CORES)]
        self.make = [
            RandomLists(chosen, core, len(CORES), core == TUNE) for core, chosen in enumerate(pair_configs(config()))
        ]

    def end_of_elaboration_phase(self) -> None:
        self.envs[1].monitor.corrupt = self.corrupt

    def start_of_simulation_phase(self) -> None:
        memory = SharedMemory(env.memory for env in self.envs)
        faults = SharedFaults(env.faults for env in self.envs)
        self.port = cocotb.start_soon(attach_memory(cocotb.top, memory, faults, self.full_speed, self.reads))

    async def run_list(self, core: int, item: ListItem, kind: str = "none") -> ListItem:
        """Run a list on a core."""
        await Lists([item]).start(self.envs[core].sequencer)
        sample_end(core, item, kind)
        return item

    async def core(self, core: int) -> None:
        """What a core's host does."""
        raise NotImplementedError

    async def body(self) -> None:
        """What both hosts do."""
        await both(self.core)

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        begin = cycle()
        await self.body()
        boards = [env.scoreboard for env in self.envs]
        for board in boards:
            await within(LONGEST_LIST, board.drained(), "results of the last list")
        sample_seen()
        compared, mismatches = (sum(getattr(b, name) for b in boards) for name in ("compared", "mismatches"))
        finish("pair", compared, mismatches, cycle() - begin, self.ratio, "of the time apart", self.injected)
        self.drop_objection()


async def both(work: Callable[[int], Awaitable[None]]) -> None:
    """Do something for both cores at the same time."""
    await gather(*(cocotb.start_soon(work(core)) for core in range(len(CORES))))


@pyuvm.test()
class Legal(PairTest):
    """Lists of many commands over all engines."""

    async def core(self, core: int) -> None:
        for _ in range(5):
            await self.run_list(core, self.make[core].legal(random.randint(2, 6)))


@pyuvm.test()
class Instructions(PairTest):
    """VECTOR commands on both cores, many in a list."""

    async def core(self, core: int) -> None:
        for _ in range(3):
            await self.run_list(core, self.make[core].legal([elementwise] * 12))


@pyuvm.test()
class Errors(PairTest):
    """Every kind of error on one core, while the other one's lists must not notice; then the other way round."""

    async def body(self) -> None:
        for self.failing in range(len(CORES)):
            self.over = False
            await both(self.core)

    async def core(self, core: int) -> None:
        if core == self.failing:
            for kind in random.sample(FAULTS, len(FAULTS)):
                await self.fail(core, kind)
            self.over = True
        while core != self.failing and not self.over:
            await self.run_list(core, self.make[core].legal(3))

    async def fail(self, core: int, kind: str) -> None:
        """Run a list with an error; more of them if it did no harm, as a flipped bit need not."""
        for _ in range(20):
            if (await self.run_list(core, self.make[core].illegal(kind, 3), kind)).ended.failed:
                return


@pyuvm.test()
class Refusals(PairTest):
    """Each core refuses what lies behind its own scratchpad, and the first one codes in T mode."""

    async def core(self, core: int) -> None:
        make, behind = self.make[core], self.make[core].limits.scratch_words
        places = {
            "a": {"a_base": behind},
            "b": {"z": Operand.B, "b_per_row": 0, "b_base": LANES * behind},
            "d": {"store": 1, "d_base": behind},
            "r": {"store": 0, "reduction": Reduction.SUM, "r_base": LANES * behind},
        }
        changes = [(Vector, fields) for fields in places.values()]
        if core != TUNE:
            forms = (WeightFormat.CODES, WeightFormat.CODES3, WeightFormat.CODES2)
            changes += [(Matrix, {"format0": form, "transpose0": 1}) for form in forms]
        for kind, fields in changes:
            await self.run_list(core, make.refused(kind, fields), "field")
        await self.run_list(core, make.legal(1))
        host, chosen = self.envs[core].host, make.config
        fields = {name: await read_fields(host, name) for name in ("CAPABILITY0", "CAPABILITY1", "CAPABILITY2")}
        assert fields["CAPABILITY0"]["backward"] == (core == TUNE), fields
        assert fields["CAPABILITY0"]["columns"] == chosen["columns"], fields
        assert fields["CAPABILITY1"]["scratchpad_words"] == chosen["scratch_words"], fields
        assert fields["CAPABILITY2"]["max_rows"] == chosen["max_rows"], fields


async def read_fields(host: Host, name: str) -> dict[str, int]:
    """The fields of a register."""
    register = getattr(registers, name)
    value = await host.read_register(register.offset)
    return {field.name: field.get(value) for field in register.fields}


@pyuvm.test()
class LateAddresses(PairTest):
    """A memory that takes the address of a write only when it is offered the data, and mixes its answers to both cores.

    AXI allows both.
    """

    full_speed = True
    reads = MixedReads

    def start_of_simulation_phase(self) -> None:
        super().start_of_simulation_phase()
        cocotb.start_soon(self.hold_addresses())

    async def hold_addresses(self) -> None:
        """Let addresses wait for data."""
        port = await self.port
        while True:
            await RisingEdge(cocotb.top.clk_i)
            port.write.aw_channel.pause = not int(cocotb.top.m_axi_wvalid.value)

    async def core(self, core: int) -> None:
        for _ in range(2):
            await self.run_list(core, self.make[core].legal(3))


@pyuvm.test()
class LongCommand(PairTest):
    """A vector command that takes longer than a watchdog waits.

    The other core's lists begin and end, with the resets of their engines, while it runs, and do not disturb it; then
    one needs the engine too, waits, and is not given up.
    """

    def sums(self, core: int, rows: int) -> ListItem:
        """exp(x) of a row of 64 values, summed again and again; no rows: the values are copied."""
        rng, base = self.make[core].place()
        image = Image(1 << 20, base)
        x = image.place(rng.standard_normal(64, np.float32))
        result = image.allocate(4 * max(rows, 64))
        instruction = Instruction(
            length=64, outer=max(rows, 1), function=Function.EXP, reduction=Reduction.SUM, r=Region(LANES * 8, 1)
        )
        commands = [
            Read(address=x, length=64, s=Region(0)),
            *([Vector(instruction=instruction)] if rows else []),
            Write(address=result, length=rows or 64, s=Region(8 if rows else 0)),
            End(),
        ]
        chosen, limits = self.make[core].config, replace(self.make[core].limits, window=image.window)
        address = image.list(synchronize(commands))
        golden = Core(image.memory.copy(), limits, chosen["act_width"], base, chosen["columns"])
        return ListItem(f"{rows} sums", golden, address)

    async def body(self) -> None:
        for long, short in ((0, 1), (1, 0)):
            running = cocotb.start_soon(self.run_list(long, self.sums(long, 1024)))
            await ClockCycles(cocotb.top.clk_i, 2 * WATCHDOG)
            for _ in range(3):
                await self.run_list(short, self.sums(short, 0))
            began = cycle()
            await self.run_list(short, self.sums(short, 32))
            assert cycle() - began > 10 * WATCHDOG, "the list did not have to wait for the other core's"
            await running


@pyuvm.test()
class Together(PairTest):
    """The same lists apart and at once: the time of both at once is reported."""

    async def body(self) -> None:
        items = [self.make[core].legal(6) for core in range(len(CORES))]
        begin = cycle()
        for core, item in enumerate(items):
            await self.run_list(core, again(item))
        apart, begin = cycle() - begin, cycle()
        await both(lambda core: self.run_list(core, again(items[core])))
        self.ratio = (cycle() - begin) / apart


def again(item: ListItem) -> ListItem:
    """The same list on memory as it was."""
    core = item.core
    memory = Core(core.memory.copy(), core.limits, core.act_width, core.base, core.columns)
    return ListItem(item.get_name(), memory, item.address)


@pyuvm.test(expect_error=ScoreboardError)
class InjectedFault(PairTest):
    """One flipped bit in the memory of one core must be seen."""

    injected = True
    corrupt = 1

    async def core(self, core: int) -> None:
        await self.run_list(core, self.make[core].legal(1))
