"""The AXI slave alone: every kind of burst, every kind of pause, a slow and failing register bus."""

from __future__ import annotations

import itertools
import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge

from tb.common.base import cycle, scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.registers.agent import AxiItem, Items
from tb.registers.base import AxiTest, any_paces
from tb.registers.burst import PAGE, SLVERR, Burst, Kind
from tb.registers.coverage_slave import SlaveCoverage, sample_reset
from tb.registers.env import AxiEnv, RegisterBus, Setup
from tb.registers.stimulus import fill, illegal_burst, illegal_bursts, random_burst


class SlaveEnv(AxiEnv):
    """Environment that covers what only these tests provoke."""

    def build_phase(self) -> None:
        super().build_phase()
        self.coverage = SlaveCoverage("coverage", self, self.predictor)

    def connect_phase(self) -> None:
        super().connect_phase()
        self.monitor.analysis_port.connect(self.coverage.analysis_export)


class SlaveTest(AxiTest):
    """Test on the axi_slave top."""

    def make_env(self, setup: Setup) -> AxiEnv:
        env = SlaveEnv("env", self, self.dut, "i", setup)
        self.bus = RegisterBus("bus", self, self.dut, Pace.any(), random.choice((0.0, 0.05, 0.5)))
        return env

    def random_items(self, count: int) -> list[AxiItem]:
        """Random bursts, one in ten illegal."""
        return [
            AxiItem((illegal_burst if random.random() < 0.1 else random_burst)(self.bus_bytes, self.base, self.id_bits))
            for _ in range(count)
        ]


@pyuvm.test()
class RandomBursts(SlaveTest):
    """Random bursts while the pauses of all channels and of the register bus change."""

    async def body(self) -> None:
        await self.send(*(AxiItem(burst) for burst in illegal_bursts(self.bus_bytes, self.base, self.id_bits)))
        for _ in range(scaled(6, 5)):
            self.env.driver.set_paces(any_paces())
            self.bus.pace = Pace.any()
            await self.send(*self.random_items(scaled(60, 40)))


@pyuvm.test()
class Illegal(SlaveTest):
    """Every size that the bus is too narrow for, and wrapping bursts that one bit of the address misaligns."""

    async def body(self) -> None:
        largest, address = self.bus_bytes.bit_length() - 1, self.base + random.randrange(1, 31) * 128
        bursts = []
        for write in (False, True):
            bursts += [Burst(write, address, 2, size) for size in range(largest + 1, 8)]
            bursts += [
                Burst(write, address + (1 << bit), 4, size, Kind.WRAP)
                for size in range(1, largest + 1)
                for bit in range(size)
            ]
        await self.send(*(AxiItem(fill(b, self.bus_bytes, False) if b.write else b) for b in bursts))


@pyuvm.test()
class Wraps(SlaveTest):
    """Wrapping bursts of every length and size, each with every bit of the address above it once low and once high."""

    async def body(self) -> None:
        self.bus.pace, self.bus.errors = Pace(), 0.0
        bursts = []
        for size, beats in itertools.product(range(self.bus_bytes.bit_length()), (2, 4, 8, 16)):
            total, chosen = beats << size, random.randrange(PAGE)
            for address in (chosen, chosen ^ PAGE - total):
                for write in (False, True):
                    burst = Burst(write, self.base + (address >> size << size), beats, size, Kind.WRAP)
                    bursts.append(fill(burst, self.bus_bytes, False) if write else burst)
        await self.send(*(AxiItem(burst) for burst in bursts))


@pyuvm.test()
class Latency(SlaveTest):
    """The response to a beat comes a cycle after the accesses to all words that it covers."""

    async def body(self) -> None:
        self.bus.pace = Pace()
        for write, size in itertools.product((False, True), range(self.bus_bytes.bit_length())):
            for lane in range(0, self.bus_bytes, 1 << size):
                burst = Burst(write, self.base + lane, 1, size)
                if write:
                    fill(burst, self.bus_bytes, False)
                task = cocotb.start_soon(self.cycles("w" if write else "ar", "b" if write else "r"))
                await self.burst(burst)
                measured, expected = await task, 1 + len(burst.words(0, self.bus_bytes))
                assert measured == expected, f"{burst}: {measured} cycles, expected {expected}"

    async def cycles(self, asked: str, answered: str) -> int:
        """Cycles from the next transfer of one channel until the other is valid."""
        valid, ready, answer = (
            getattr(self.dut, f"s_axi_{name}") for name in (f"{asked}valid", f"{asked}ready", f"{answered}valid")
        )
        await RisingEdge(self.dut.clk_i)
        while not (valid.value and ready.value):
            await RisingEdge(self.dut.clk_i)
        began = cycle()
        while not answer.value:
            await RisingEdge(self.dut.clk_i)
        return cycle() - began


@pyuvm.test()
class Turns(SlaveTest):
    """Of accesses that come at once, the one of the direction that was not the last goes first, however long ago."""

    async def body(self) -> None:
        self.bus.pace = Pace()
        dut, driver = self.dut, self.env.driver
        for last, idle in itertools.product((False, True), range(4)):
            await self.burst(self.one(last))
            driver.w.pause = driver.ar.pause = True
            await self.send(AxiItem(self.one(True)), AxiItem(self.one(False)))
            await ClockCycles(dut.clk_i, 8 + idle)
            driver.w.pause = driver.ar.pause = False
            while not (dut.s_axi_wvalid.value and dut.s_axi_wready.value):
                await RisingEdge(dut.clk_i)
            assert dut.s_axi_arvalid.value and dut.s_axi_arready.value, "the accesses do not come at once"
            await RisingEdge(dut.clk_i)
            assert dut.reg_valid_o.value and dut.reg_ready_i.value
            assert bool(dut.reg_write_o.value) != last, f"{'write' if last else 'read'} twice while the other waits"
            await within(1000, self.env.drained(), "both responses")

    def one(self, write: bool) -> Burst:
        """A burst of one access."""
        burst = Burst(write, self.base, 1)
        return fill(burst, self.bus_bytes, False) if write else burst


@pyuvm.test()
class ReadsPassAStarvedWrite(SlaveTest):
    """A write whose data does not come leaves reads alone; it finishes when the data comes at last."""

    async def body(self) -> None:
        self.bus.pace = Pace()
        driver = self.env.driver
        driver.w.pause = True
        write = AxiItem(fill(Burst(True, self.base, 4), self.bus_bytes, False))
        await self.send(write)
        for _ in range(8):
            await self.burst(Burst(False, self.base + 64, 3))
        assert not write.done.is_set(), "the write finished without its data"
        driver.w.pause = False
        await within(1000, write.done.wait(), "the end of the write")


@pyuvm.test()
class WritesPassABlockedRead(SlaveTest):
    """A read whose data is not taken leaves writes alone, and the other way round for B."""

    async def body(self) -> None:
        self.bus.pace = Pace()
        driver = self.env.driver
        driver.r.pause = True
        read = AxiItem(Burst(False, self.base, 4))
        await self.send(read)
        await ClockCycles(self.dut.clk_i, 20)
        for _ in range(8):
            await self.burst(fill(Burst(True, self.base + 64, 3), self.bus_bytes, False))
        assert not read.done.is_set(), "the read finished though its data was not taken"
        driver.r.pause, driver.b.pause = False, True
        await within(1000, read.done.wait(), "the end of the read")
        await ClockCycles(self.dut.clk_i, 2)
        write = AxiItem(fill(Burst(True, self.base, 1), self.bus_bytes, False))
        await self.send(write)
        for _ in range(8):
            await self.burst(Burst(False, self.base + 64, 3))
        assert not write.done.is_set(), "the write finished though its response was not taken"
        driver.b.pause = False
        await within(1000, write.done.wait(), "the end of the write")


@pyuvm.test()
class FairTurns(SlaveTest):
    """While both directions always have work, each gets at least a third of the register bus."""

    async def body(self) -> None:
        self.bus.pace = Pace()
        size = self.bus_bytes.bit_length() - 1
        writes = [AxiItem(fill(Burst(True, self.base, 16, size), self.bus_bytes, False)) for _ in range(6)]
        reads = [AxiItem(Burst(False, self.base, 16, size)) for _ in range(6)]
        await self.send(*(item for pair in zip(writes, reads, strict=True) for item in pair))
        counts, began = {True: 0, False: 0}, cycle()
        while not writes[-1].done.is_set() and not reads[-1].done.is_set():
            await ClockCycles(self.dut.clk_i, 1)
            if self.dut.reg_valid_o.value and self.dut.reg_ready_i.value:
                counts[bool(self.dut.reg_write_o.value)] += 1
        share = counts[True] / sum(counts.values())
        self.utilisation = sum(counts.values()) / (cycle() - began)
        assert 1 / 3 < share < 2 / 3, f"writes got {100 * share:.0f} % of the register bus"


@pyuvm.test()
class SlowRegisters(SlaveTest):
    """Each direction waits for the other's accesses, which take long."""

    async def body(self) -> None:
        self.bus.pace = Pace(1.0, 12)
        writes = [AxiItem(fill(Burst(True, self.base, 4), self.bus_bytes, False)) for _ in range(3)]
        reads = [AxiItem(Burst(False, self.base, 4)) for _ in range(3)]
        await self.send(*(item for pair in zip(writes, reads, strict=True) for item in pair))


@pyuvm.test()
class ResetInBurst(SlaveTest):
    """A reset in the middle of bursts forgets them; those after it are right."""

    async def body(self) -> None:
        env = self.env
        for _ in range(scaled(12, 6)):
            env.driver.set_paces(any_paces())
            self.bus.pace = Pace.any()
            await self.send(
                AxiItem(fill(Burst(True, self.base, 16), self.bus_bytes, False)), AxiItem(Burst(False, self.base, 16))
            )
            await ClockCycles(self.dut.clk_i, random.randint(1, 30))
            self.dut.rst_ni.value = 0
            await ClockCycles(self.dut.clk_i, 2)
            if env.predictor.read_beats or env.boards["r"].expected:
                sample_reset("in a read")
            if env.predictor.writes or env.boards["b"].expected:
                sample_reset("in a write")
            for part in (env.driver, env.predictor, env.coverage):
                part.forget()
            self.dut.rst_ni.value = 1
            await ClockCycles(self.dut.clk_i, 1)
            await self.send(*self.random_items(3))
            await within(20_000, env.drained(), "the response to every burst")


@pyuvm.test()
class WrongLast(SlaveTest):
    """A WLAST in the wrong place is answered with SLVERR after the number of beats that AWLEN names."""

    async def body(self) -> None:
        self.bus.errors = 0.0
        driver, original = self.env.driver, self.env.driver.w.send

        async def send(beat) -> None:
            beat.wlast ^= self.flips.pop(0)
            await original(beat)

        driver.w.send = send
        for self.flips in ([1, 0], [0, 1], [1, 1]):
            item = await self.burst(fill(Burst(True, self.base, 2), self.bus_bytes, False))
            assert item.responses == [SLVERR], "a wrong WLAST went unnoticed"
        self.flips = [0, 0]
        item = await self.burst(fill(Burst(True, self.base, 2), self.bus_bytes, False))
        assert item.responses != [SLVERR], "the error of an earlier burst stuck"


@pyuvm.test()
class EveryShape(SlaveTest):
    """Every size at every lane, in both directions and for each burst type, without pauses."""

    async def body(self) -> None:
        self.bus.pace, self.bus.errors = Pace(), 0.0
        bursts = []
        for size in range(self.bus_bytes.bit_length()):
            for lane in range(self.bus_bytes):
                shapes = [(Kind.INCR, 1), (Kind.INCR, 3), (Kind.FIXED, 2)]
                if lane % (1 << size) == 0:
                    shapes.append((Kind.WRAP, 4))
                for kind, beats in shapes:
                    for write in (False, True):
                        burst = Burst(write, self.base + 0x40 + lane, beats, size, kind)
                        bursts.append(fill(burst, self.bus_bytes, False) if write else burst)
        await Items([AxiItem(burst) for burst in bursts]).start(self.env.sequencer)
        await within(200_000, self.env.drained(), "the response to every burst")


@pyuvm.test(expect_error=ScoreboardError)
class CorruptReadData(SlaveTest):
    """A flipped bit of R data must be caught."""

    injected = True

    async def body(self) -> None:
        self.env.monitor.corrupt = 2
        await self.burst(Burst(False, self.base, 4))


class Falsified(SlaveTest):
    """One bit of a field of every transfer of a channel is flipped on its way to the scoreboards."""

    injected = True
    write, falsify = False, ("access", "addr", 4)

    async def body(self) -> None:
        publish = self.env.monitor._publish
        falsified, field, bit = self.falsify

        def other(channel: str, fields: dict) -> None:
            publish(channel, {**fields, field: fields[field] ^ bit} if channel == falsified else fields)

        self.env.monitor._publish = other
        burst = Burst(self.write, self.base, 1)
        await self.burst(fill(burst, self.bus_bytes, False) if self.write else burst)
        cocotb.log.info("the scoreboard must now report a mismatch of %s", field)


@pyuvm.test(expect_error=ScoreboardError)
class LostAccess(Falsified):
    """A read that the register bus sees at another address than the burst says must be caught."""


@pyuvm.test(expect_error=ScoreboardError)
class WrongWriteData(Falsified):
    """Write data that the register bus sees otherwise than the burst carries it must be caught."""

    write, falsify = True, ("access", "wdata", 1 << 31)


@pyuvm.test(expect_error=ScoreboardError)
class WrongWriteResponse(Falsified):
    """A write response other than the register's answer must be caught."""

    write, falsify = True, ("b", "resp", 2)
