"""Environment of the whole accelerator: host, memory, golden model, scoreboard."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from edge_qlora import registers
from edge_qlora.driver import Accelerator
from edge_qlora.errors import ErrorCode, JobError
from edge_qlora.job import DESCRIPTOR_BYTES, MemoryWindow
from edge_qlora.planner import Job
from pyuvm import (
    uvm_analysis_port,
    uvm_component,
    uvm_driver,
    uvm_env,
    uvm_sequence,
    uvm_sequence_item,
    uvm_sequencer,
    uvm_subscriber,
)

from tb.axi_master.memory import AxiMemory, any_paces
from tb.axi_master.model import Faults, Geometry
from tb.common.base import config, cycle
from tb.common.scoreboard import Scoreboard
from tb.common.stream import Pace, StreamItem
from tb.core.device import LINE, DeviceMemory, Host
from tb.lora_linear.jobs import LayerJob

MEMORY_BASE = 0x12_4000_0000
DEFAULT_SIZE = 1 << 20


class JobItem(uvm_sequence_item):
    """One job for the host driver.

    Args:
        job: what to compute.
        change: edits the placed job, given its memory window, before it is written (fault injection), or None.
        code, info: expected error code and information; None for what the golden model says.
        faults: memory ranges that answer with an error, as a function of the placed job.
        results: names of the results that are expected in memory, None for all; the others must stay as they were.
        rejected: the job must not touch any memory but its descriptor.
        unsettled: the results are not looked at, because the job fails at a time that depends on the bus.

    Attributes:
        placed, window: the job in memory and the window it has there.
        ended: ErrorCode and information the job ended with.
        status: the status register after the job.
        cycles: from doorbell to the end.
        counters: the event counters after the job.
    """

    def __init__(
        self,
        job: LayerJob,
        change: Callable[[Job, MemoryWindow], Job] | None = None,
        code: ErrorCode | None = None,
        info: Callable[[Job], int] | int | None = None,
        faults: Callable[[Job], list[tuple[int, int, int]]] | None = None,
        results: Collection[str] | None = None,
        rejected: bool = False,
        unsettled: bool = False,
    ) -> None:
        super().__init__(job.name)
        self.job, self.change, self.code, self.info, self.faults = job, change, code, info, faults
        self.results = () if rejected else results
        self.rejected, self.unsettled = rejected, unsettled
        self.placed: Job | None = None
        self.window: MemoryWindow | None = None
        self.ended: tuple[ErrorCode, int] | None = None
        self.status = 0
        self.cycles = 0
        self.counters: dict[str, int] = {}

    def expects(self, field: str) -> bool:
        """Whether the result ``field`` is to be written."""
        return self.results is None or field in self.results


class Jobs(uvm_sequence):
    """Run the given jobs in order."""

    def __init__(self, items: Iterable[JobItem]) -> None:
        super().__init__("jobs")
        self.items = items

    async def body(self) -> None:
        for item in self.items:
            await self.start_item(item)
            await self.finish_item(item)


def lines(address: int, size: int) -> tuple[int, int]:
    """A region as whole lines."""
    return address, -(-(address + size) // LINE) * LINE


class HostDriver(uvm_driver):
    """Place jobs in memory and run them through the driver software, by interrupt or by polling.

    ``started`` publishes an item before its job runs, ``finished`` after it.
    """

    def __init__(self, name: str, parent: uvm_component, host: Host, memory: DeviceMemory, faults: Faults) -> None:
        super().__init__(name, parent)
        self.host, self.memory, self.faults = host, memory, faults
        self.accelerator = Accelerator(host)
        self.codebook = None

    def build_phase(self) -> None:
        self.started = uvm_analysis_port("started", self)
        self.finished = uvm_analysis_port("finished", self)

    async def run_phase(self) -> None:
        await RisingEdge(self.host.dut.rst_ni)
        self.host.attach()
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.run_job(item)
            self.seq_item_port.item_done()

    async def prepare(self, item: JobItem) -> None:
        """Place one job at a random address and write everything but the memory image and the doorbell."""
        memory = self.memory
        offset = LINE * random.randrange(64)
        window = MemoryWindow(memory.base + offset, memory.size - offset)
        plan, job = item.job.place(window)
        # The window ends exactly where the job's buffers do.
        window = MemoryWindow(window.base, plan.end - window.base)
        item.placed = item.change(job, window) if item.change else job
        item.window = window
        self.faults.ranges = item.faults(job) if item.faults else []
        regions = [] if item.rejected else job.descriptor.regions()
        spans = [(lines(region.address, region.size), region.written) for region in regions]
        descriptor = (job.descriptor_address, job.descriptor_address + DESCRIPTOR_BYTES)
        memory.permit([descriptor, *(span for span, _ in spans)], [span for span, written in spans if written])
        self.host.poll = random.random() < 0.3
        await self.accelerator.open(window)
        await self.program(item.job.codebook)
        await self.accelerator.clear_counters()

    async def run_job(self, item: JobItem) -> None:
        """Prepare one job, run it, and publish both ends."""
        await self.prepare(item)
        cocotb.log.info("job: %s (%s)", item.get_name(), item.job.name)
        self.started.write(item)
        begin = cycle()
        try:
            await self.accelerator.run(item.placed)
            item.ended = (ErrorCode.NONE, 0)
        except JobError as error:
            low, high = registers.ERROR_INFO_LO.offset, registers.ERROR_INFO_HI.offset
            info = await self.host.read_register(low) | await self.host.read_register(high) << 32
            item.ended = (error.code, info)
        item.cycles = cycle() - begin
        item.status = await self.host.read_register(registers.STATUS.offset)
        item.counters = await self.accelerator.counters()
        self.finished.write(item)

    async def program(self, codebook) -> None:
        """Write the codebook registers unless they hold this codebook already."""
        if codebook is self.codebook:
            return
        self.codebook = codebook
        if codebook is None:
            entries = [register["value"].reset for register in registers.CODEBOOK]
            scale = registers.CODEBOOK_SCALE["value"].reset
        else:
            entries = [int(entry) & 0x3FFFF for entry in codebook.entries]
            scale = int(np.float32(codebook.scale).view(np.uint32))
        for register, entry in zip(registers.CODEBOOK, entries, strict=True):
            await self.host.write_register(register.offset, entry)
        await self.host.write_register(registers.CODEBOOK_SCALE.offset, scale)


def row_values(array: np.ndarray) -> list[int]:
    """Each row as one unsigned integer, element 0 lowest."""
    return [int.from_bytes(np.ascontiguousarray(row).tobytes(), "little") for row in array]


class Predictor(uvm_subscriber):
    """Tell the scoreboard what each job must leave behind: how it ends, then every row of every result."""

    def __init__(self, name: str, parent: uvm_component, scoreboard: Scoreboard, memory: DeviceMemory) -> None:
        super().__init__(name, parent)
        self.scoreboard, self.memory = scoreboard, memory

    def write(self, item: JobItem) -> None:
        """Take a job that is about to run."""
        act_width, name = config()["act_width"], item.get_name()
        code, info = item.code, item.info
        if code is None:
            info = item.job.nonfinite_result(item.placed.descriptor, act_width)
            code = ErrorCode.NONE if info is None else ErrorCode.NONFINITE
        end = {"code": int(code), "status": registers.STATUS["error" if code else "done"].mask}
        if info is not None or code == ErrorCode.NONE:
            end["info"] = info(item.placed) if callable(info) else info or 0
        self.scoreboard.expect(end, f"end of {name}")
        if item.unsettled:
            return
        rows = item.job.expected(act_width) if item.results is None or item.results else {}
        for field, output in item.placed.outputs.items():
            if item.expects(field):
                for row, value in enumerate(row_values(rows[field])):
                    self.scoreboard.expect({field: value}, f"{name}, row {row}")
            else:
                value = int.from_bytes(self.memory.peek(output.address, output.size), "little")
                self.scoreboard.expect({field: value}, f"{name}, untouched")


class ResultMonitor(uvm_subscriber):
    """Publish how a job ended and what lies in memory then: row by row, or whole results that must be untouched.

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

    def write(self, item: JobItem) -> None:
        """Take a job that has ended."""
        code, info = item.ended
        self._publish({"code": int(code), "info": info, "status": item.status}, 8)
        if item.unsettled:
            return
        for field, output in item.placed.outputs.items():
            data = self.memory.peek(output.address, output.size)
            size = len(data) // output.shape[0] if item.expects(field) else len(data)
            for at in range(0, len(data), size):
                self._publish({field: int.from_bytes(data[at : at + size], "little")}, 8 * size)

    def _publish(self, fields: dict[str, int], bits: int) -> None:
        if self.transfers == self.corrupt:
            first = next(iter(fields))
            fields[first] ^= 1 << random.randrange(bits)
        self.transfers += 1
        self.analysis_port.write(StreamItem(fields))


class StrayAccessError(AssertionError):
    """The accelerator touched memory that its job does not give it."""


class AccessMonitor(uvm_component):
    """Raise StrayAccessError at the end if the accelerator read or wrote outside of a job's regions."""

    def __init__(self, name: str, parent: uvm_component, memory: DeviceMemory) -> None:
        super().__init__(name, parent)
        self.memory = memory

    def check_phase(self) -> None:
        if found := self.memory.violations:
            raise StrayAccessError(f"{len(found)} accesses outside of the job's regions: {', '.join(found[:5])}")


class LayerEnv(uvm_env):
    """Host agent, memory, predictor, monitor and scoreboard around edge_qlora.

    Args:
        dut: handle of edge_qlora.
        size: bytes of memory.
        full_speed: neither side pauses.
    """

    def __init__(self, name: str, parent: uvm_component, dut, size: int = DEFAULT_SIZE, full_speed: bool = False):
        super().__init__(name, parent)
        self.dut, self.size, self.full_speed = dut, size, full_speed

    def build_phase(self) -> None:
        self.beat_bytes = config()["bus_width"] // 8
        self.memory = DeviceMemory(MEMORY_BASE, self.size, self.beat_bytes)
        self.faults = Faults([])
        self.host = Host(self.dut, self.memory, Pace() if self.full_speed else Pace.any())
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = HostDriver("driver", self, self.host, self.memory, self.faults)
        self.monitor = ResultMonitor("monitor", self, self.memory)
        self.accesses = AccessMonitor("accesses", self, self.memory)
        self.scoreboard = Scoreboard("scoreboard", self)
        self.predictor = Predictor("predictor", self, self.scoreboard, self.memory)

    async def run_phase(self) -> None:
        paces = {name: Pace() for name in ("ar", "r", "aw", "w", "b")} if self.full_speed else any_paces()
        await RisingEdge(self.dut.rst_ni)
        AxiMemory(self.dut, self.memory, self.faults, Geometry(self.beat_bytes, 256, 40), paces)

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.driver.started.connect(self.predictor.analysis_export)
        self.driver.finished.connect(self.monitor.analysis_export)
        self.monitor.analysis_port.connect(self.scoreboard.analysis_export)
