"""The RTL as a backend of the driver: jobs against the golden model bit for bit, and everything that can go wrong.

Building the library takes half a minute on two free cores, and is repeated only when RTL changes.
"""

import asyncio
import random
import time

import numpy as np
import pytest
from edge_qlora import registers, rtl_backend
from edge_qlora.driver import Accelerator
from edge_qlora.footprint import MemoryWindow
from edge_qlora.planner import Job
from edge_qlora.rtl_backend import CHUNK, RtlBackend, SimulationError, SimulationTimeoutError

from sim.system import build, settings_of
from tb.lora_linear.jobs import LayerJob, random_job

WINDOW = MemoryWindow(0x12_4000_0000, 1 << 20)
FP32 = (np.float32,) * 3


def backend(config: str = "tiny", memory: np.ndarray | None = None, **options) -> RtlBackend:
    """Memory that is not zero, so that what nobody wrote does not look like a result."""
    content = np.full(WINDOW.size, 0xA5, np.uint8) if memory is None else memory
    return RtlBackend(build(config), content, WINDOW.base, **options)


def small_job(backward: bool = False, rows: int = 3) -> LayerJob:
    random.seed(7)
    return random_job(backward, 64, 128, rows, 4, FP32)


def place(rtl: RtlBackend, job: LayerJob) -> tuple[Accelerator, Job]:
    """An open accelerator and the job in its memory."""
    accelerator = Accelerator(rtl)
    asyncio.run(accelerator.open(WINDOW))
    return accelerator, job.place(accelerator.limits)[1]


def run(rtl: RtlBackend, job: LayerJob, act_width: int = 25) -> float:
    """Run a job and compare what it leaves in memory with the golden model; seconds of processor time of the run."""
    accelerator, placed = place(rtl, job)
    began = time.process_time()
    asyncio.run(accelerator.run(placed))
    seconds = time.process_time() - began
    compare(rtl, job, placed, act_width)
    return seconds


def compare(rtl: RtlBackend, job: LayerJob, placed: Job, act_width: int = 25) -> None:
    """Bit for bit, in the shared array itself."""
    expected = job.expected(act_width)
    assert expected
    for name, values in expected.items():
        output = placed.outputs[name]
        start = output.address - WINDOW.base
        found = rtl.memory[start : start + output.size]
        np.testing.assert_array_equal(found, np.ascontiguousarray(values).reshape(-1).view(np.uint8), err_msg=name)


@pytest.mark.parametrize("backward", [False, True])
def test_jobs_equal_the_golden_model(backward):
    rtl = backend()
    run(rtl, small_job(backward))
    run(rtl, small_job(backward, rows=33))


def test_instances_end_in_any_order():
    """The last one made first: what is left must not touch what it left behind."""
    first, second, third = backend(), backend(), backend()
    del third, first
    run(second, small_job())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "changes"),
    [
        *((config, {}) for config in ("tiny", "ecp5", "genesys2")),
        ("tiny", {"bus_width": 512, "host_width": 128}),
        *(("genesys2", {"columns": columns, "bus_width": width}) for columns in (2, 4, 8) for width in (128, 256, 512)),
    ],
)
def test_speed(config, changes, capsys):
    """Every configuration, the widest buses, arrays and buses that are not of one size: same bits, and the speed."""
    rtl = RtlBackend(build(config, **changes), np.zeros(WINDOW.size, np.uint8), WINDOW.base)
    random.seed(7)
    first, act_width = rtl.cycles, settings_of(config, changes)["act_width"]
    jobs = [random_job(backward, 256, 512, rows, 16, FP32) for backward, rows in ((False, 1), (False, 32), (True, 32))]
    seconds = sum(run(rtl, job, act_width) for job in jobs)
    cycles = rtl.cycles - first
    with capsys.disabled():
        print(f"\n  {config} {changes or ''}: {cycles} cycles, {cycles / seconds / 1e3:.0f} kHz of processor time")


def test_memory_is_a_file(tmp_path):
    """A file mapped copy-on-write is memory; the file stays as it is."""
    path = tmp_path / "memory.bin"
    np.full(WINDOW.size, 0x5A, np.uint8).tofile(path)
    memory = np.memmap(path, mode="c")
    run(backend(memory=memory), small_job())
    assert np.count_nonzero(memory != 0x5A) > 1000
    assert set(path.read_bytes()) == {0x5A}


def test_instances_are_independent():
    first, second = backend(), backend()
    cycles = second.cycles
    run(first, small_job())
    assert second.cycles == cycles and set(second.memory.tolist()) == {0xA5}
    run(second, small_job(True))
    run(first, small_job(True))


def test_a_wait_ends_with_the_registers():
    """The message says what the hardware does; a longer wait then ends well."""
    rtl = backend(limit=500)
    with pytest.raises(SimulationTimeoutError, match="500 cycles; .*STATUS busy=0x1.*CYCLES_BUSY_LO value=0x"):
        run(rtl, small_job())
    rtl.limit = 100_000
    asyncio.run(rtl.wait_for_interrupt())
    compare(rtl, small_job(), place(rtl, small_job())[1])


def test_a_wait_can_be_interrupted(monkeypatch):
    """Ctrl-C comes between chunks of cycles, and so does `progress`; the wait can then go on."""
    monkeypatch.setattr(rtl_backend, "CHUNK", 1000)
    seen = []

    def progress(cycles: int) -> None:
        seen.append(cycles)
        if len(seen) == 2:
            raise KeyboardInterrupt

    rtl = backend(progress=progress)
    with pytest.raises(KeyboardInterrupt):
        run(rtl, small_job())
    assert seen == [1000, 2000]
    asyncio.run(rtl.wait_for_interrupt())
    compare(rtl, small_job(), place(rtl, small_job())[1])


def test_access_outside_of_memory():
    """The accelerator is told of memory that does not exist: the run stops and says where; a reset helps."""

    async def scenario():
        rtl = backend()
        await Accelerator(rtl).open(MemoryWindow(WINDOW.base, 2 * WINDOW.size))
        await rtl.write_register(registers.LIST_ADDR_LO.offset, WINDOW.limit & 0xFFFFFFFF)
        await rtl.write_register(registers.LIST_ADDR_HI.offset, WINDOW.limit >> 32)
        with pytest.raises(SimulationError, match=f"reads address {WINDOW.limit:#x}, where there is no memory"):
            await rtl.write_register(registers.CONTROL.offset, registers.CONTROL["doorbell"].put(1))
            await rtl.wait_for_interrupt()
        rtl.reset()
        return rtl

    run(asyncio.run(scenario()), small_job())


def test_registers():
    async def scenario():
        rtl = backend()
        assert await rtl.read_register(registers.ID.offset) == registers.ID["magic"].reset
        for register in (registers.MEM_BASE_LO, registers.MEM_BASE_HI):  # both lanes of a host of 64 bits
            await rtl.write_register(register.offset, 0x1234_5678 ^ register.offset)
        for register in (registers.MEM_BASE_LO, registers.MEM_BASE_HI):
            assert await rtl.read_register(register.offset) == 0x1234_5678 ^ register.offset
        with pytest.raises(SimulationError, match="writing register 0x0: SLVERR"):
            await rtl.write_register(registers.ID.offset, 1)
        before = rtl.cycles
        rtl.step(2 * CHUNK + 1)
        assert rtl.cycles == before + 2 * CHUNK + 1

    asyncio.run(scenario())


def test_wrong_memory_is_refused():
    rtl = backend()
    for memory in (np.zeros(64, np.int8), np.zeros((8, 8), np.uint8), np.zeros(128, np.uint8)[::2]):
        with pytest.raises(ValueError, match="contiguous"):
            backend(memory=memory)
    with pytest.raises(ValueError, match="no memory"):
        asyncio.run(rtl.write(WINDOW.limit - 1, b"12"))
    with pytest.raises(SimulationError, match="waves=True"):
        rtl.trace("waves.vcd")


@pytest.mark.slow
def test_waveform(tmp_path):
    rtl = RtlBackend(build("tiny", waves=True), np.zeros(WINDOW.size, np.uint8), WINDOW.base)
    path = tmp_path / "waves.vcd"
    rtl.trace(path)
    run(rtl, small_job())
    rtl.trace(None)
    text = path.read_text()
    assert "irq_o" in text and text.count("\n#") > 1000
    run(rtl, small_job())
    assert path.read_text() == text
