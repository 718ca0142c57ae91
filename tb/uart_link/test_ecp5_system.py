"""A layer over the line: loaded, run, waited for and read back by the host's software; equal to the golden model.

A core without codes in T mode ends a list that has some with FIELD.
"""

from __future__ import annotations

import random
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from edge_qlora import registers as regs
from edge_qlora.driver import Accelerator
from edge_qlora.errors import FieldError, MemoryFullError, RangeError
from edge_qlora.footprint import MemoryWindow
from edge_qlora.uart_link import AccessError, Kind, UartBackend
from pyuvm import uvm_test

from tb.common.base import config, cycle, finish, start
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard
from tb.common.stream import StreamItem
from tb.lora_linear.jobs import random_job
from tb.uart_link.line import Line

DUT = cocotb.top
FP32 = (np.float32,) * 3
BYTES = int(DUT.MEMORY_BYTES.value)
BACKWARD = bool(DUT.BACKWARD.value)
GROUP = "ecp5_system"
sample = events(
    f"{GROUP}.seen",
    [
        "layer forward",
        "layer backward" if BACKWARD else "layer backward refused",
        "list outside of the window",
        "memory that is not there",
        "frame to memory that is not there",
        "register that is not written",
        "image larger than memory",
    ],
)


class BoardTest(uvm_test):
    """Open the accelerator over the line and run ``body``."""

    def build_phase(self) -> None:
        self.board = Scoreboard("scoreboard", self)

    async def body(self) -> None:
        """What the host does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        line = Line(DUT, int(DUT.BIT_CLOCKS_X16.value))
        await start(DUT)
        await ClockCycles(DUT.clk_i, 2)
        line.start()
        begin = cycle()
        self.backend = UartBackend(line)
        await self.backend.start()
        assert self.backend.memory_bytes == BYTES
        self.accelerator = Accelerator(self.backend)
        await self.accelerator.open(MemoryWindow(0, BYTES))
        limits, chosen = self.accelerator.limits, config()
        assert (limits.scratch_words, limits.max_rows) == (chosen["scratch_words"], chosen["max_rows"])
        assert limits.backward == BACKWARD
        await self.body()
        finish(GROUP, self.board.compared, self.board.mismatches, cycle() - begin)
        self.drop_objection()

    async def run_layer(self, backward: bool) -> None:
        """Run a layer of one or two tiles and compare its results, if the core takes it."""
        job = random_job(backward, 64, 64 * random.randint(1, 2), random.randint(1, 3), random.randint(0, 3), FP32)
        _, placed = job.place(replace(self.accelerator.limits, backward=True))
        await self.accelerator.write(placed.segments)
        if backward and not BACKWARD:
            try:
                await self.accelerator.run_list(placed.list_address)
            except FieldError:
                return sample("layer backward refused")
            raise AssertionError("a core without codes in T mode took some")
        await self.accelerator.run_list(placed.list_address)
        for name, values in job.expected(config()["act_width"]).items():
            self.board.expect({name: int.from_bytes(np.ascontiguousarray(values).tobytes(), "little")}, job.name)
            output = placed.outputs[name]
            found = await self.backend.read(output.address, output.size)
            self.board.write(StreamItem({name: int.from_bytes(found, "little")}))
        sample("layer backward" if backward else "layer forward")


@pyuvm.test()
class Layers(BoardTest):
    """Layers forward and one backward between them."""

    async def body(self) -> None:
        for backward in (False, True, False):
            await self.run_layer(backward)
            assert DUT.irq_o.value == 0, "the driver has cleared its event"
        counters = await self.accelerator.counters()
        assert counters["READ_BEATS"] and counters["WRITE_BEATS"], counters
        assert self.backend.link.repeated == 0


@pyuvm.test()
class Errors(BoardTest):
    """A list outside of the window, memory and a register that are not there; a layer runs after each."""

    async def body(self) -> None:
        try:
            await self.accelerator.run_list(BYTES)
        except RangeError as error:
            assert error.info == BYTES, error
            sample("list outside of the window")
        else:
            raise AssertionError("a list behind the memory was run")
        # The memory itself refuses what the window lets pass.
        await self.backend.write_register(regs.MEM_LIMIT_LO.offset, 2 * BYTES)
        try:
            await self.accelerator.run_list(BYTES)
        except Exception as error:
            assert type(error).__name__ == "AxiReadError", error
            sample("memory that is not there")
        else:
            raise AssertionError("memory that is not there was read")
        await self.backend.write_register(regs.MEM_LIMIT_LO.offset, BYTES)
        for access, name, what in (
            (self.backend.link.exchange(Kind.READ, BYTES, 1), "DECERR", "frame to memory that is not there"),
            (self.backend.write_register(regs.ID.offset, 1), "SLVERR", "register that is not written"),
        ):
            try:
                await access
            except AccessError as error:
                assert name in str(error), error
                assert DUT.error_o.value == 1
                sample(what)
            else:
                raise AssertionError(f"an access without {name}")
        try:
            await self.backend.load(bytes(BYTES), 4)
        except MemoryFullError:
            sample("image larger than memory")
        else:
            raise AssertionError("an image larger than memory was written")
        await self.run_layer(False)
        assert DUT.error_o.value == 0
