"""Environment of the whole accelerator: host, memory, golden core, scoreboard."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from edge_qlora import registers as regs
from edge_qlora.errors import ErrorCode
from edge_qlora.footprint import MemoryWindow
from pyuvm import uvm_analysis_port, uvm_component, uvm_driver, uvm_env, uvm_sequencer, uvm_subscriber, uvm_test

from tb.axi_master.memory import AxiMemory, ReadSide, any_paces
from tb.axi_master.model import Faults, Geometry, Memory
from tb.common.base import config, cycle, finish, start, within
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamItem
from tb.core.counters import check_counters
from tb.core.device import LINE, LONGEST_LIST, DeviceMemory, Host, HostPort
from tb.core.items import Ended, ListItem, Lists, footprint

ADDRESS_WIDTH = 40
ENDED = regs.IRQ_STATUS["done"].mask | regs.IRQ_STATUS["error"].mask
EVENTS = ENDED | regs.IRQ_STATUS["nonfinite"].mask
QUIET = 40  # cycles after a list in which nothing more may be reported


class HostDriver(uvm_driver):
    """Run lists through the registers, by interrupt or by polling.

    ``started`` publishes an item before its list runs, ``finished`` after it.
    """

    def __init__(self, name: str, parent: uvm_component, host: Host, memory: DeviceMemory, faults: Faults) -> None:
        super().__init__(name, parent)
        self.host, self.memory, self.faults = host, memory, faults
        self.window: MemoryWindow | None = None

    def build_phase(self) -> None:
        self.started = uvm_analysis_port("started", self)
        self.finished = uvm_analysis_port("finished", self)

    async def run_phase(self) -> None:
        await RisingEdge(self.host.dut.rst_ni)
        self.host.attach()
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.prepare(item)
            await self.run_list(item)
            self.seq_item_port.item_done()

    async def prepare(self, item: ListItem) -> None:
        """Put memory and registers into the state in which the list is to run."""
        core, host = item.core, self.host
        for address, data in item.writes:
            core.write(address, data)
        if item.loaded:
            for address, data in item.writes:
                self.memory.poke(address, data)
        else:
            self.memory.load(core.base, core.memory.tobytes())
        item.touched = footprint(core, item.address)
        self.memory.permit(item.touched.readable, item.touched.writable)
        self.faults.ranges = item.faults
        host.poll = random.random() < 0.3
        if core.limits.window != self.window:
            self.window = core.limits.window
            await host.write64(regs.MEM_BASE_LO, self.window.base)
            await host.write64(regs.MEM_LIMIT_LO, self.window.limit)
        await host.write_register(regs.IRQ_ENABLE.offset, ENDED)
        await host.write_register(regs.CONTROL.offset, regs.CONTROL["clear_counters"].put(1))

    async def run_list(self, item: ListItem) -> None:
        """Run a list that is prepared, and publish both ends."""
        host = self.host
        cocotb.log.info("list: %s", item.get_name())
        self.started.write(item)
        await host.write_register(regs.IRQ_STATUS.offset, EVENTS)
        await host.write64(regs.LIST_ADDR_LO, item.address)
        begin = cycle()
        await host.write_register(regs.CONTROL.offset, regs.CONTROL["doorbell"].put(1))
        await host.wait_for_interrupt()
        cycles = cycle() - begin
        events = await host.read_register(regs.IRQ_STATUS.offset)
        await host.write_register(regs.IRQ_STATUS.offset, events)
        # There is one report, so nothing comes to the interrupt line any more.
        await ClockCycles(host.dut.clk_i, QUIET)
        assert not host.interrupt, f"{item.get_name()} is reported twice"
        item.ended = Ended(
            status=await host.read_register(regs.STATUS.offset),
            events=events,
            error=await host.read_register(regs.ERROR_CODE.offset),
            command=await host.read64(regs.ERROR_COMMAND_LO),
            info=await host.read64(regs.ERROR_INFO_LO),
            lists=await host.read_register(regs.LISTS_DONE.offset),
            cycles=cycles,
        )
        item.counters = {name: await host.read64(low) for name, (low, _) in regs.COUNTERS.items()}
        self.finished.write(item)


class Predictor(uvm_subscriber):
    """Tell the scoreboard what each list must leave behind: its report, then every line that it may write."""

    def __init__(self, name: str, parent: uvm_component, scoreboard: Scoreboard) -> None:
        super().__init__(name, parent)
        self.scoreboard = scoreboard

    def write(self, item: ListItem) -> None:
        """Take a list that is about to run."""
        outcome, name = item.predict(), item.get_name()
        kind = "error" if outcome.error else "done"
        end = {"error": outcome.error, "command": outcome.commands[0], "info": outcome.info[0]}
        events = EVENTS & ~regs.IRQ_STATUS["done"].mask
        if outcome.error != ErrorCode.NONFINITE:
            events = regs.IRQ_STATUS[kind].mask
        end |= {"status": regs.STATUS[kind].mask, "events": events, "lists": not outcome.error}
        self.scoreboard.expect(end, f"end of {name}")
        if outcome.settled:
            content = item.core.memory.data
            for address, line in written_lines(item, content, item.core.base):
                self.scoreboard.expect({"line": line}, f"{name}, memory at {address:#x}")


class ResultMonitor(uvm_subscriber):
    """Publish how a list ended, and then what lies in memory.

    Attributes:
        corrupt: number of the transfer that is published with one bit flipped (fault injection), or None.
    """

    def __init__(self, name: str, parent: uvm_component, memory: DeviceMemory) -> None:
        super().__init__(name, parent)
        self.memory = memory
        self.corrupt: int | None = None
        self.transfers = 0

    def build_phase(self) -> None:
        self.analysis_port = uvm_analysis_port("analysis_port", self)

    def write(self, item: ListItem) -> None:
        """Take a list that has ended; of several reports that it may have, the first stands for all."""
        ended, outcome = item.ended, item.outcome
        command = outcome.commands[0] if ended.command in outcome.commands else ended.command
        info = outcome.info[0] if ended.info in outcome.info else ended.info
        # A NaN or an infinity may have been met before another error.
        events = ended.events & ENDED if not outcome.settled else ended.events
        end = {"error": ended.error, "command": command, "info": info, "status": ended.status, "events": events}
        self._publish(end | {"lists": ended.lists}, 8)
        if outcome.settled:
            for _, line in written_lines(item, self.memory.bytes, self.memory.base):
                self._publish({"line": line}, 8 * LINE)

    def _publish(self, fields: dict[str, int], bits: int) -> None:
        if self.transfers == self.corrupt:
            first = next(iter(fields))
            fields[first] ^= 1 << random.randrange(bits)
        self.transfers += 1
        self.analysis_port.write(StreamItem(fields))


def written_lines(item: ListItem, content: bytes, base: int) -> Iterator[tuple[int, int]]:
    """Address and content of each line that a list may write."""
    for first, end in item.touched.writable:
        for address in range(first, end, LINE):
            yield address, int.from_bytes(content[address - base : address - base + LINE], "little")


class CounterMonitor(uvm_subscriber):
    """Hold the event counters of every list that ran to its end against what it is."""

    def write(self, item: ListItem) -> None:
        """Take a list that has ended."""
        if item.outcome.settled and item.ended.error == item.outcome.error:
            check_counters(item)


class StrayAccessError(AssertionError):
    """The accelerator touched memory that its list does not name."""


class AccessMonitor(uvm_component):
    """Raise StrayAccessError at the end if the accelerator read or wrote what its list does not name."""

    def __init__(self, name: str, parent: uvm_component, memory: DeviceMemory) -> None:
        super().__init__(name, parent)
        self.memory = memory

    def check_phase(self) -> None:
        if found := self.memory.violations:
            raise StrayAccessError(f"{len(found)} accesses that no list names: {', '.join(found[:5])}")


class CoreEnv(uvm_env):
    """Host agent, memory, predictor, monitors and scoreboard around edge_qlora, or around one core of edge_qlora_pair.

    Args:
        port: of the host, to the registers.
        core: number of the core.
    """

    def __init__(self, name: str, parent: uvm_component, port: HostPort, core: int = 0):
        super().__init__(name, parent)
        self.port, self.core = port, core

    def build_phase(self) -> None:
        self.memory = DeviceMemory(0, LINE, config()["bus_width"] // 8)
        self.faults = Faults([])
        self.host = Host(self.port, self.memory, self.core)
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = HostDriver("driver", self, self.host, self.memory, self.faults)
        self.monitor = ResultMonitor("monitor", self, self.memory)
        self.counters = CounterMonitor("counters", self)
        self.accesses = AccessMonitor("accesses", self, self.memory)
        self.scoreboard = Scoreboard("scoreboard", self)
        self.predictor = Predictor("predictor", self, self.scoreboard)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.driver.started.connect(self.predictor.analysis_export)
        self.driver.finished.connect(self.monitor.analysis_export)
        self.driver.finished.connect(self.counters.analysis_export)
        self.monitor.analysis_port.connect(self.scoreboard.analysis_export)


async def attach_memory(
    dut, memory: Memory, faults: Faults, full_speed: bool = False, reads: type[ReadSide] = ReadSide
) -> AxiMemory:
    """Connect a memory to the ``m_axi`` port after reset; ``full_speed``: it does not pause; ``reads``: its answers."""
    paces = {name: Pace() for name in ("ar", "r", "aw", "w", "b")} if full_speed else any_paces()
    await RisingEdge(dut.rst_ni)
    return AxiMemory(dut, memory, faults, Geometry(config()["bus_width"] // 8, 256, ADDRESS_WIDTH), paces, reads)


class ListTest(uvm_test):
    """Run lists one after the other; subclasses say which.

    Attributes:
        group: of the coverage in the closing table.
        corrupt: see ``ResultMonitor``.
        injected: the test must fail, and is not reported.
        full_speed: neither host nor memory pauses.
    """

    group: str
    corrupt: int | None = None
    injected = False
    full_speed = False

    def build_phase(self) -> None:
        self.env = CoreEnv("env", self, HostPort(cocotb.top, Pace() if self.full_speed else Pace.any()))

    def end_of_elaboration_phase(self) -> None:
        self.env.monitor.corrupt = self.corrupt

    def lists(self) -> Iterable[ListItem]:
        """The lists of this test, made as they are asked for."""
        raise NotImplementedError

    async def after(self) -> None:
        """What the host does when the lists have run."""

    def sample(self, item: ListItem) -> None:
        """Cover a list that has ended."""

    def utilisation(self) -> tuple[str, float | None]:
        """What the closing table says of the lists' speed, and its ratio."""
        return "", None

    def start_of_simulation_phase(self) -> None:
        cocotb.start_soon(attach_memory(cocotb.top, self.env.memory, self.env.faults, self.full_speed))

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        begin = cycle()
        self.items: list[ListItem] = []
        for item in self.lists():
            await Lists([item]).start(self.env.sequencer)
            self.items.append(item)
            if not self.injected:
                self.sample(item)
        await self.after()
        board, (unit, ratio) = self.env.scoreboard, self.utilisation()
        await within(LONGEST_LIST, board.drained(), "results of the last list")
        finish(self.group, board.compared, board.mismatches, cycle() - begin, ratio, unit, self.injected)
        self.drop_objection()
