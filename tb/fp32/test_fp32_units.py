"""FP32 units against the golden model: directed corners, many random operations, pauses, injected faults."""

from __future__ import annotations

import random

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace, StreamSequence
from tb.fp32 import coverage
from tb.fp32.env import UNITS, Fp32Env
from tb.fp32.stimulus import Operands, directed_operands, random_operands


class Fp32Test(uvm_test):
    """Builds the environment and runs ``body`` after reset; one that injects a fault sets ``injected``."""

    injected = False
    utilisation: float | None = None

    def paces(self) -> dict[str, Pace]:
        """Paces by stream; those left out never pause."""
        return {}

    def build_phase(self) -> None:
        self.dut = cocotb.top
        self.env = Fp32Env("env", self, self.dut, self.paces())
        self.rng = np.random.default_rng(random.getrandbits(64))

    def count(self, most: int, icarus: int) -> int:
        """Operations to send: whole beats; a quarter of them in the benches that vary only the integer's width."""
        share = 1 if self.env.layout.int_width == 48 else 4
        return scaled(most, icarus) // share // self.env.layout.lanes * self.env.layout.lanes

    def random(self, count: int) -> Operands:
        """New random operands."""
        return random_operands(count, self.env.layout.int_width, self.rng)

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(self.dut)
        self.began = cycle()
        await self.body()
        self.cycles = cycle() - self.began
        self.drop_objection()

    async def send(self, operands: Operands) -> None:
        """Send operands and wait for all results."""
        for agent in self.env.agents.values():
            agent.monitor.measure()
        transfers = self.env.layout.to_transfers(operands)
        limit = 60 * len(transfers) + 1000
        sequence = StreamSequence(transfers)
        await within(limit, sequence.start(self.env.agents["op"].sequencer), "acceptance of all operands")
        await ClockCycles(self.dut.clk_i, 2)
        self.env.predictor.flush()
        for unit in UNITS:
            await within(limit, self.env.scoreboards[unit].drained(), f"results of {unit}")
        source, sinks = self.env.agents["op"].monitor.paused, [self.env.agents[u].monitor.stalled for u in UNITS]
        for happened, flow in (
            (not source and not any(sinks), "full speed"),
            (source, "source pauses"),
            (all(sinks), "sinks pause"),
        ):
            if happened:
                coverage.sample_flow(flow)
        await ClockCycles(self.dut.clk_i, 8)

    def extract_phase(self) -> None:
        unit = "of cycles with a beat" if self.utilisation is not None else ""
        env = self.env
        finish(coverage.GROUP, env.compared, env.mismatches, self.cycles, self.utilisation, unit, self.injected)


@pyuvm.test()
class Directed(Fp32Test):
    """Every pair of corner values; powers of two and their neighbours; the corners of the narrow formats."""

    async def body(self) -> None:
        await self.send(directed_operands(self.env.layout.int_width, self.env.layout.lanes))


@pyuvm.test()
class FullSpeed(Fp32Test):
    """Corner-biased random operations without a pause: one a cycle."""

    async def body(self) -> None:
        operands = self.random(self.count(120_000, 12_000))
        before = cycle()
        await self.send(operands)
        beats, spent = len(operands) // self.env.layout.lanes, cycle() - before
        self.utilisation = beats / spent
        assert spent <= beats + 40, f"{beats} transfers took {spent} cycles"


@pyuvm.test()
class SourcePauses(Fp32Test):
    """Gaps between the operands."""

    def paces(self) -> dict[str, Pace]:
        return {"op": Pace(0.5, 3)}

    async def body(self) -> None:
        await self.send(self.random(self.count(8_000, 2_000)))


@pyuvm.test()
class SinksPause(Fp32Test):
    """Each unit is stalled at its own random times, so that pipelines freeze partly filled."""

    def paces(self) -> dict[str, Pace]:
        paces = {unit: Pace(random.choice((0.2, 0.5, 0.8)), random.choice((1, 3, 8))) for unit in UNITS}
        return paces | {"op": Pace(random.choice((0.0, 0.3)), 3)}

    async def body(self) -> None:
        await self.send(self.random(self.count(12_000, 2_000)))


class CorruptResult(Fp32Test):
    """One bit of one result is flipped on its way to the scoreboard."""

    injected = True
    unit = ""

    async def body(self) -> None:
        operands = self.random(64 * self.env.layout.lanes)
        self.env.agents[self.unit].monitor.corrupt = random.randrange(64)
        await self.send(operands)


@pyuvm.test(expect_error=ScoreboardError)
class CorruptMul(CorruptResult):
    """The multiplier's scoreboard objects."""

    unit = "mul"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptAdd(CorruptResult):
    """The adder's scoreboard objects."""

    unit = "add"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptInt(CorruptResult):
    """The integer conversion's scoreboard objects."""

    unit = "int"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptConvert(CorruptResult):
    """The conversions' scoreboard objects."""

    unit = "convert"
