"""Tests that compare all outputs with a golden model in every cycle."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Protocol

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start
from tb.common.scoreboard import Scoreboard
from tb.common.stream import StreamItem

RATES = (0.0, 0.1, 0.5, 0.9, 1.0)  # at which something happens


class Golden(Protocol):
    """What a cycle-accurate model has to do."""

    def inputs(self, rates: Mapping[str, float]) -> dict[str, int]:
        """Random inputs of a cycle, as the neighbours may show them; each kind as often as its rate says."""

    def outputs(self, pins: Mapping[str, int]) -> dict[str, int]:
        """Outputs in a cycle with these inputs; those that nobody may look at are left out."""

    def clock(self, pins: Mapping[str, int]) -> None:
        """The cycle ends."""


class CycleTest(uvm_test):
    """Random inputs, in phases of other rates, with a reset before each; a subclass says of which model."""

    group: str
    golden: type[Golden]
    kinds: tuple[str, ...]
    flip: str = ""  # output of which a bit is falsified once
    phases, length = 100, 60  # and cycles of each

    def build_phase(self) -> None:
        self.outputs = Scoreboard("outputs", self)

    async def run_phase(self) -> None:
        self.raise_objection()
        dut = cocotb.top
        self.drive(self.golden().inputs(dict.fromkeys(self.kinds, 0.0)))
        await start(dut)
        began = cycle()
        for phase in range(scaled(self.phases, min(self.phases, 20))):
            dut.rst_ni.value = 0
            await RisingEdge(dut.clk_i)
            dut.rst_ni.value = 1
            model = self.golden()
            rates = {kind: random.choice(RATES) for kind in self.kinds}
            for number in range(self.length):
                pins = model.inputs(rates)
                self.drive(pins)
                await FallingEdge(dut.clk_i)
                expected = model.outputs(pins)
                seen = {name: int(getattr(dut, name).value) for name in expected}
                if self.flip in seen and (phase, number) == (1, 5):
                    seen[self.flip] ^= 1
                self.outputs.expect(expected, f"phase {phase}, cycle {number}")
                self.outputs.write(StreamItem(seen))
                model.clock(pins)
                await RisingEdge(dut.clk_i)
        finish(self.group, self.outputs.compared, self.outputs.mismatches, cycle() - began, injected=bool(self.flip))
        self.drop_objection()

    def drive(self, pins: Mapping[str, int]) -> None:
        """Set inputs."""
        for name, value in pins.items():
            getattr(cocotb.top, name).value = value
