"""What a host does besides starting lists: a second doorbell, a reset, other codebooks, counters, polling."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from edge_qlora import registers as regs
from edge_qlora.command_layout import COMMAND_BYTES
from edge_qlora.errors import ErrorCode
from edge_qlora.footprint import MemoryWindow

from tb.cases import smollm2_random_case
from tb.common.base import config, cycle, finish, scaled, simulator, start, within
from tb.common.coverage import events
from tb.core.device import LONGEST_LIST, WORD, Host
from tb.core.env import ListTest
from tb.core.items import READ_AHEAD, Ended, ListItem, Lists
from tb.lora_linear.jobs import LayerJob, random_job
from tb.lora_linear.test_lora_linear import CaseTest, LayerTest, item_of
from tb.models.align import BLOCK
from tb.models.core import Core
from tb.models.matrix import Codebook
from tb.reference import LinearCase

SIZE = 1 << 19
FP32 = (np.float32,) * 3  # formats in which no random job overflows
GROUP = "bridge"
BITS = (2, 3, 4, None)[scaled(0, 2) :]  # of codebooks; None is NF4
sample_host = events(
    f"{GROUP}.host",
    [
        "counters cleared",
        "reset within a list",
        "doorbell while busy",
        "window locked while busy",
        "window ends behind the bus",
    ],
)
sample_codebook = events(f"{GROUP}.codebook", [f"{bits} bits" if bits else "NF4" for bits in BITS])


class HostTest(ListTest):
    """Start the accelerator, run ``body``, compare results."""

    group = GROUP

    async def body(self) -> None:
        """What the host does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        begin = cycle()
        await ClockCycles(cocotb.top.clk_i, 2)
        await self.body()
        await within(LONGEST_LIST, self.env.scoreboard.drained(), "results of the last list")
        board = self.env.scoreboard
        finish(GROUP, board.compared, board.mismatches, cycle() - begin)
        self.drop_objection()

    async def ring(self, item: ListItem) -> None:
        """Start a prepared list."""
        await self.env.host.write64(regs.LIST_ADDR_LO, item.address)
        await self.doorbell()

    async def doorbell(self) -> None:
        """Write the doorbell."""
        await self.env.host.write_register(regs.CONTROL.offset, regs.CONTROL["doorbell"].put(1))

    @staticmethod
    async def status(host: Host) -> dict[str, int]:
        """The fields of STATUS."""
        value = await host.read_register(regs.STATUS.offset)
        return {name: regs.STATUS[name].get(value) for name in ("busy", "done", "error")}

    async def run_one(self, job: LayerJob) -> ListItem:
        """Run a job that ends well."""
        item, _ = item_of(job, SIZE)
        await Lists([item]).start(self.env.sequencer)
        return item


def small(backward: bool, tokens: int = 1, rank: int = 0) -> LayerJob:
    """A job of one tile."""
    return random_job(backward, BLOCK, BLOCK, tokens, rank, FP32)


@pyuvm.test()
class Counters(HostTest):
    """Counters are cleared on request, and so is the number of lists."""

    async def body(self) -> None:
        host = self.env.host
        await self.run_one(small(True, 3, 2))
        assert await host.read_register(regs.LISTS_DONE.offset) == 1, "the counters are cleared before each list"
        await host.write_register(regs.CONTROL.offset, regs.CONTROL["clear_counters"].put(1))
        for name, (low, _) in regs.COUNTERS.items():
            assert await host.read64(low) == 0, f"{name} is not cleared"
        assert await host.read_register(regs.LISTS_DONE.offset) == 0
        sample_host("counters cleared")


@pyuvm.test(skip=simulator() == "icarus")  # minutes there
class RealProjection(CaseTest):
    """A projection of SmolLM2-135M, quantized by bitsandbytes, forward and backward; its accuracy against PyTorch."""

    group = GROUP

    def case(self) -> LinearCase:
        name = random.choice(["self_attn.k_proj", "self_attn.v_proj"])
        tokens, rank = scaled(random.randint(1, 4), 1), scaled(8, 4)
        return smollm2_random_case(random.randrange(30), name, tokens, rank=rank, seed=random.getrandbits(16))


@pyuvm.test()
class Codebooks(LayerTest):
    """Codebooks of 2, 3 and 4 bits, and NF4 again."""

    group = GROUP

    def jobs(self) -> Iterator[LayerJob]:
        for bits in BITS:
            job = random_job(random.random() < 0.5, BLOCK, BLOCK, 2, 1)
            if bits:
                values = np.random.default_rng(random.getrandbits(32)).standard_normal(1 << bits)
                job = replace(job, codebook=Codebook.from_values(values))
            yield job
            sample_codebook(f"{bits} bits" if bits else "NF4")


@pyuvm.test()
class ResetInList(HostTest):
    """A reset at any time ends a list without a trace; the next list is as ever."""

    async def body(self) -> None:
        host, clock, env = self.env.host, cocotb.top.clk_i, self.env
        for _ in range(scaled(6, 1)):
            await self.run_one(small(False))
            job = random_job(random.random() < 0.5, 2 * BLOCK, BLOCK, 3, 2, FP32)
            item, _ = item_of(job, SIZE)
            await env.driver.prepare(item)
            await self.ring(item)
            await ClockCycles(clock, random.randint(1, 4000))
            running = (await self.status(host))["busy"]
            cocotb.top.rst_ni.value = 0
            await ClockCycles(clock, random.randint(1, 3))
            cocotb.top.rst_ni.value = 1
            await ClockCycles(clock, 2)
            assert cocotb.top.irq_o.value == 0
            assert await self.status(host) == {"busy": 0, "done": 0, "error": 0}
            env.driver.window = None  # the registers have forgotten it
            await self.run_one(job)
            if running:
                sample_host("reset within a list")


@pyuvm.test()
class WindowBehindTheBus(HostTest):
    """A window that ends behind the last address of the bus holds all that is inside of it."""

    async def body(self) -> None:
        item, _ = item_of(small(False), SIZE)
        base, limit = item.core.base, 1 << 50
        limits = replace(item.core.limits, window=MemoryWindow(base, limit - base))
        # The end of the window no longer keeps the fetch from what is behind the list.
        memory = np.append(item.core.memory, np.zeros(READ_AHEAD * COMMAND_BYTES, np.uint8))
        core = Core(memory, limits, config()["act_width"], base, config()["columns"])
        item = ListItem(item.get_name(), core, item.address)
        await Lists([item]).start(self.env.sequencer)
        assert await self.env.host.read64(regs.MEM_LIMIT_LO) == limit
        sample_host("window ends behind the bus")


@pyuvm.test()
class DoorbellWhileBusy(HostTest):
    """A second doorbell is refused and reported; the running list ends as if nothing had happened."""

    async def body(self) -> None:
        env, host = self.env, self.env.host
        await self.run_one(small(False))
        item, _ = item_of(small(True, 3, 2), SIZE)
        await env.driver.prepare(item)
        env.driver.started.write(item)
        begin = cycle()
        await self.ring(item)
        # The address of the next list may be written at once; only the doorbell must wait.
        await host.write_register(regs.LIST_ADDR_LO.offset, 0x12345678)
        await self.doorbell()
        assert await self.status(host) == {"busy": 1, "done": 0, "error": 1}
        assert await host.read_register(regs.ERROR_CODE.offset) == ErrorCode.BUSY
        sample_host("doorbell while busy")
        error, done = regs.IRQ_STATUS["error"].mask, regs.IRQ_STATUS["done"].mask
        assert await host.read_register(regs.IRQ_STATUS.offset) == error
        assert cocotb.top.irq_o.value == 1
        await host.write_register(regs.IRQ_STATUS.offset, error)
        assert cocotb.top.irq_o.value == 0
        answer = await host.bus.write(regs.MEM_BASE_LO.offset, bytes(4), size=WORD)
        assert answer.resp != 0, "the memory window must be locked while a list runs"
        sample_host("window locked while busy")
        host.poll = False
        await host.wait_for_interrupt()
        assert await self.status(host) == {"busy": 0, "done": 1, "error": 1}
        assert await host.read_register(regs.IRQ_STATUS.offset) == done
        await host.write_register(regs.IRQ_STATUS.offset, done)
        lists, status = await host.read_register(regs.LISTS_DONE.offset), regs.STATUS["done"].mask
        item.ended = Ended(status, done, ErrorCode.NONE, 0, 0, lists, cycle() - begin)
        item.counters = {name: await host.read64(low) for name, (low, _) in regs.COUNTERS.items()}
        env.driver.finished.write(item)
        await self.run_one(small(False))
