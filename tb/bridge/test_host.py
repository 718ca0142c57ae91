"""What a host does besides starting jobs: a second doorbell, counters, other codebooks, sharing the interrupt."""

from __future__ import annotations

import random
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from edge_qlora import registers as regs
from edge_qlora.errors import ErrorCode
from pyuvm import uvm_test

from tb.bridge.coverage import sample
from tb.bridge.model import expected_counters
from tb.cases import smollm2_random_case
from tb.common.base import config, cycle, finish, scaled, start, within
from tb.core.device import LONGEST_LIST, WORD, Host
from tb.lora_linear.env import JobItem, Jobs, LayerEnv
from tb.lora_linear.jobs import LayerJob, random_job
from tb.lora_linear.test_lora_linear import CaseTest
from tb.models.align import BLOCK
from tb.models.matrix import Codebook
from tb.reference import LinearCase

FP32 = (np.float32,) * 3  # formats in which no random job overflows


class HostTest(uvm_test):
    """Start the accelerator, run ``body``, compare results."""

    full_speed = False

    def build_phase(self) -> None:
        self.env = LayerEnv("env", self, cocotb.top, 1 << 19, self.full_speed)

    async def body(self) -> None:
        """What the host does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        begin = cycle()
        await ClockCycles(cocotb.top.clk_i, 2)
        await self.body()
        await within(LONGEST_LIST, self.env.scoreboard.drained(), "results of the last job")
        board = self.env.scoreboard
        finish("bridge", board.compared, board.mismatches, cycle() - begin)
        self.drop_objection()

    async def submit(self, item: JobItem) -> None:
        """Put a prepared job into memory and its address into the register; the doorbell is the caller's."""
        host = self.env.host
        for segment in item.placed.segments:
            await host.write(segment.address, segment.data)
        await host.write_register(regs.DESC_ADDR_LO.offset, item.placed.descriptor_address & 0xFFFFFFFF)
        await host.write_register(regs.DESC_ADDR_HI.offset, item.placed.descriptor_address >> 32)

    @staticmethod
    async def ring(host: Host) -> None:
        """Write the doorbell."""
        await host.write_register(regs.CONTROL.offset, regs.CONTROL["doorbell"].put(1))

    @staticmethod
    async def status(host: Host) -> dict[str, int]:
        """The fields of STATUS."""
        value = await host.read_register(regs.STATUS.offset)
        return {name: regs.STATUS[name].get(value) for name in ("busy", "done", "error")}

    async def run_jobs(self, jobs: list[LayerJob]) -> list[JobItem]:
        """Run jobs that end well."""
        items = [JobItem(job) for job in jobs]
        for item in items:
            await Jobs([item]).start(self.env.sequencer)
            sample("none", item.ended[0], self.env.host.poll)
        return items


@pyuvm.test()
class Counters(HostTest):
    """Beats and vectors are exactly those that the job's sizes imply; busy time is what the host sees."""

    async def body(self) -> None:
        jobs = []
        for _ in range(scaled(6, 2)):
            n, k = (BLOCK * random.randint(1, scaled(3, 1)) for _ in range(2))
            tokens = random.choice((1, 3, scaled(config()["max_rows"] + 1, 2)))
            jobs.append(random_job(random.random() < 0.5, n, k, tokens, random.choice((0, 1, 7)), FP32))
        for item in await self.run_jobs(jobs):
            counters = item.counters
            for name, value in expected_counters(item.job, config()).items():
                assert counters[name] == value, f"{item.get_name()}: {name} is {counters[name]}, expected {value}"
            assert counters["READ_BEATS"] <= counters["CYCLES_BUSY"] <= item.cycles
            assert counters["MAC_VECTORS"] <= counters["MAC_SLOTS"] <= counters["CYCLES_BUSY"]
        host = self.env.host
        assert await host.read_register(regs.JOBS_DONE.offset) == 1, "the counters are cleared before each job"
        await self.env.driver.accelerator.clear_counters()
        assert not any((await self.env.driver.accelerator.counters()).values())
        assert await host.read_register(regs.JOBS_DONE.offset) == 0


@pyuvm.test()
class RealProjection(CaseTest):
    """A projection of SmolLM2-135M, quantized by bitsandbytes, forward and backward; its accuracy against PyTorch."""

    group = "bridge"

    def case(self) -> LinearCase:
        name = random.choice(["self_attn.k_proj", "self_attn.v_proj"])
        tokens, rank = scaled(random.randint(1, 4), 1), scaled(8, 4)
        return smollm2_random_case(random.randrange(30), name, tokens, rank=rank, seed=random.getrandbits(16))


@pyuvm.test()
class Codebooks(HostTest):
    """Codebooks of 2, 3 and 4 bits, and NF4 again."""

    async def body(self) -> None:
        jobs = []
        for bits in (2, 3, 4, None)[scaled(0, 2) :]:
            job = random_job(random.random() < 0.5, BLOCK, BLOCK, 2, 1)
            if bits:
                values = np.random.default_rng(random.getrandbits(32)).standard_normal(1 << bits)
                job = replace(job, codebook=Codebook.from_values(values))
            jobs.append(job)
        await self.run_jobs(jobs)


@pyuvm.test()
class ResetInJob(HostTest):
    """A reset at any time ends a job without a trace; the next job is as ever."""

    async def body(self) -> None:
        for _ in range(scaled(6, 1)):
            job = random_job(random.random() < 0.5, 2 * BLOCK, BLOCK, 3, 2, FP32)
            item, host, clock = JobItem(job), self.env.host, cocotb.top.clk_i
            await self.run_jobs([random_job(False, BLOCK, BLOCK, 1, 0, FP32)])
            await self.env.driver.prepare(item)
            await self.submit(item)
            await self.ring(host)
            await ClockCycles(clock, random.randint(1, 4000))
            cocotb.top.rst_ni.value = 0
            await ClockCycles(clock, random.randint(1, 3))
            cocotb.top.rst_ni.value = 1
            await ClockCycles(clock, 2)
            assert cocotb.top.irq_o.value == 0
            assert await self.status(host) == {"busy": 0, "done": 0, "error": 0}
            self.env.driver.codebook = None
            await self.run_jobs([job])


@pyuvm.test()
class DoorbellWhileBusy(HostTest):
    """A second doorbell is refused and reported; the running job ends as if nothing had happened."""

    async def body(self) -> None:
        env = self.env
        item = JobItem(random_job(True, BLOCK, BLOCK, 3, 2, FP32))
        # The driver software runs one job at a time, so here the registers are used directly.
        await Jobs([JobItem(random_job(False, BLOCK, BLOCK, 1, 0, FP32))]).start(env.sequencer)
        await env.driver.prepare(item)
        env.driver.started.write(item)
        host = env.host
        await self.submit(item)
        await self.ring(host)
        # The address of the next job may be written at once; only the doorbell must wait.
        await host.write_register(regs.DESC_ADDR_LO.offset, 0x12345678)
        await self.ring(host)
        assert await self.status(host) == {"busy": 1, "done": 0, "error": 1}
        assert await host.read_register(regs.ERROR_CODE.offset) == ErrorCode.BUSY
        sample("none", ErrorCode.BUSY, False)
        error, done = regs.IRQ_STATUS["error"].mask, regs.IRQ_STATUS["done"].mask
        assert await host.read_register(regs.IRQ_STATUS.offset) == error
        assert cocotb.top.irq_o.value == 1
        await host.write_register(regs.IRQ_STATUS.offset, error)
        assert cocotb.top.irq_o.value == 0
        answer = await host.bus.write(regs.MEM_BASE_LO.offset, bytes(4), size=WORD)
        assert answer.resp != 0, "the memory window must be locked while a job runs"
        host.poll = False
        await host.wait_for_interrupt()
        assert await self.status(host) == {"busy": 0, "done": 1, "error": 1}
        assert await host.read_register(regs.IRQ_STATUS.offset) == done
        await host.write_register(regs.IRQ_STATUS.offset, done)
        item.ended, item.status = (ErrorCode.NONE, 0), regs.STATUS["done"].mask
        env.driver.finished.write(item)
        await self.run_jobs([random_job(False, BLOCK, BLOCK, 1, 0, FP32)])
