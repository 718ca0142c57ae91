"""The bridge at work: interrupts, lists, counters, random traffic, reset, and faults that must be caught."""

from __future__ import annotations

import random

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from edge_qlora import registers as regs
from edge_qlora.registers import ErrorCode

from tb.common.base import cycle, scaled
from tb.common.scoreboard import ScoreboardError
from tb.registers.agent import AxiItem
from tb.registers.base import any_paces
from tb.registers.bridge_base import BridgeTest, capabilities
from tb.registers.burst import OKAY, SLVERR, Burst
from tb.registers.env import Setup
from tb.registers.model import BY_OFFSET, LOCKED, WORD
from tb.registers.stimulus import fill, illegal_burst, random_burst

DONE, ERROR, NONFINITE = (regs.IRQ_STATUS[name].mask for name in ("done", "error", "nonfinite"))
DOORBELL, CLEAR = (regs.CONTROL[name].mask for name in ("doorbell", "clear_counters"))
BUSY_STATUS, DONE_STATUS, ERROR_STATUS = (regs.STATUS[name].mask for name in ("busy", "done", "error"))


@pyuvm.test()
class Interrupts(BridgeTest):
    """Every combination of events, mask and clearing; an event beats its own clearing."""

    async def body(self) -> None:
        for events in range(8):
            await self.env.core.pulse(bool(events & DONE), bool(events & ERROR), bool(events & NONFINITE))
            for mask in random.sample(range(8), scaled(8, 3)):
                await self.write(regs.IRQ_ENABLE.offset, mask)
                assert await self.read(regs.IRQ_STATUS.offset) == (OKAY, events)
                assert bool(self.dut.irq_o.value) == bool(events & mask), f"events {events}, mask {mask}"
            clear = random.randrange(8)
            await self.write(regs.IRQ_STATUS.offset, clear)
            assert await self.read(regs.IRQ_STATUS.offset) == (OKAY, events & ~clear)
            await self.write(regs.IRQ_STATUS.offset, 7)
        await self._collide()
        await self._low_before_response()

    async def _collide(self) -> None:
        """Raise every event in the very cycle in which it is cleared."""
        for bit, name in enumerate(("done", "error", "nonfinite")):
            await self.env.core.pulse(**{name: True})
            await self.write_during_event(regs.IRQ_STATUS.offset, 7, name)
            assert await self.read(regs.IRQ_STATUS.offset) == (OKAY, 1 << bit), "an event was lost"
            await self.write(regs.IRQ_STATUS.offset, 7)

    async def _low_before_response(self) -> None:
        """The interrupt is low when the host learns that its clearing was done."""
        await self.write(regs.IRQ_ENABLE.offset, DONE)
        await self.env.core.pulse(done=True)
        await ClockCycles(self.dut.clk_i, 3)
        assert self.dut.irq_o.value
        task = cocotb.start_soon(self.write(regs.IRQ_STATUS.offset, DONE))
        while not self.dut.s_axi_bvalid.value:
            await RisingEdge(self.dut.clk_i)
        assert not self.dut.irq_o.value, "irq_o is still high with the response to its clearing"
        await task


@pyuvm.test()
class Doorbell(BridgeTest):
    """Lists from the host's view: start, poll, end, error, rejected doorbell, locked settings, counters' clear."""

    async def status(self) -> int:
        """STATUS."""
        return (await self.read(regs.STATUS.offset))[1]

    async def value(self, register: regs.Register) -> int:
        """Any register."""
        return (await self.read(register.offset))[1]

    async def body(self) -> None:
        core, control = self.env.core, regs.CONTROL.offset
        await self.write(control, 0)
        await self.write(control, DOORBELL, strobes=0b1110)
        assert await self.status() == 0, "a doorbell without its strobe rang"
        await self.write(control, DOORBELL)
        assert await self.status() == BUSY_STATUS, "running before busy_i rises"
        await self._reject()
        self.dut.busy_i.value = 1
        await self.write(control, CLEAR)
        await self._locked()
        await core.pulse(done=True)
        self.dut.busy_i.value = 0
        assert await self.status() == DONE_STATUS | ERROR_STATUS
        assert await self.value(regs.ERROR_CODE) == ErrorCode.BUSY, "the end of the list hid the rejected doorbell"
        assert await self.value(regs.LISTS_DONE) == 1

        await self.write(control, DOORBELL | CLEAR)
        assert await self.status() == BUSY_STATUS, "an accepted doorbell did not clear the old status"
        assert await self.value(regs.ERROR_CODE) == ErrorCode.NONE
        assert await self.value(regs.LISTS_DONE) == 0
        self.dut.busy_i.value = 1
        await self._reject()
        command, info = random.getrandbits(64), random.getrandbits(64)
        for flipped in (0, (1 << 64) - 1):
            error = {"command": command ^ flipped, "info": info ^ flipped}
            await core.pulse(error=True, code=int(ErrorCode.AXI_READ), **error)
            await self._reject_after_error(**error)
            self.dut.busy_i.value = 0
            assert await self.status() == ERROR_STATUS
            await self.write(control, DOORBELL)
            self.dut.busy_i.value = int(not flipped)
        await self.write_during_event(control, CLEAR, "done")
        assert await self.status() == DONE_STATUS, "the list after an error does not work"
        assert await self.value(regs.LISTS_DONE) == 0, "a list that ends with the clear of the counters was counted"
        await self.write(control, DOORBELL)
        await self.write_during_event(control, DOORBELL, "done")
        assert await self.status() == DONE_STATUS | ERROR_STATUS, "a doorbell in the last cycle of a list"
        await self.write(control, DOORBELL)
        await self.write_during_event(control, DOORBELL, "error", code=int(ErrorCode.RANGE))
        assert await self.status() == ERROR_STATUS
        assert await self.value(regs.ERROR_CODE) == ErrorCode.RANGE, "BUSY hid the error of the list"

    async def _reject(self) -> None:
        """Ring while busy: an error is recorded and the running list goes on."""
        await self.write(regs.CONTROL.offset, DOORBELL)
        assert await self.status() == BUSY_STATUS | ERROR_STATUS
        assert await self.value(regs.ERROR_CODE) == ErrorCode.BUSY
        for register in (regs.ERROR_COMMAND_LO, regs.ERROR_COMMAND_HI, regs.ERROR_INFO_LO, regs.ERROR_INFO_HI):
            assert await self.value(register) == 0
        assert await self.value(regs.IRQ_STATUS) & ERROR
        await self.write(regs.IRQ_STATUS.offset, ERROR)

    async def _reject_after_error(self, command: int, info: int) -> None:
        """While busy_i lingers after an error, a doorbell is rejected but the error of the list stays."""
        await self.write(regs.CONTROL.offset, DOORBELL)
        assert await self.value(regs.ERROR_CODE) == ErrorCode.AXI_READ, "BUSY hid the error of the list"
        assert await self.value(regs.ERROR_COMMAND_LO) == command & WORD
        assert await self.value(regs.ERROR_COMMAND_HI) == command >> 32
        assert await self.value(regs.ERROR_INFO_LO) == info & WORD
        assert await self.value(regs.ERROR_INFO_HI) == info >> 32

    async def _locked(self) -> None:
        """Settings that the list uses refuse writes; the next list's address does not."""
        for offset in LOCKED:
            before = (await self.read(offset))[1]
            assert await self.write(offset, before ^ WORD) == SLVERR, f"{BY_OFFSET[offset].name} changed while busy"
            assert await self.read(offset) == (OKAY, before)
        assert await self.write(regs.LIST_ADDR_LO.offset, 0x1234_5678) == OKAY
        assert await self.value(regs.LIST_ADDR_LO) == 0x1234_5678


@pyuvm.test()
class CounterTearing(BridgeTest):
    """LO and HI belong together for every counter, however long the host waits between them and whatever carries."""

    async def body(self) -> None:
        pairs = list(enumerate(regs.COUNTERS.values()))
        values = [random.getrandbits(64) for _ in pairs]
        for counters in (values, [value ^ 2**64 - 1 for value in values]):  # every bit with both values
            self.env.core.counters = counters
            self.env.core.drive_counters()
            for _, (low, _) in pairs:
                await self.read(low.offset)
            for index, (low, high) in random.sample(pairs, len(pairs)):
                await self._carry(index, low, high, random.choice(pairs)[1][0])
        if self.bus_bytes >= 8:
            await self._wide(pairs)

    async def _carry(self, index: int, low, high, other) -> None:
        """A counter carries between the reads of its halves, and another one may be read meanwhile."""
        core = self.env.core
        value = core.counters[index] | WORD
        core.counters[index] = value
        core.drive_counters()
        first = (await self.read(low.offset))[1]
        core.counters[index] = value + 1
        core.drive_counters()
        if other is not low:
            await self.read(other.offset)
        for _ in range(2):
            await ClockCycles(self.dut.clk_i, random.randint(1, 2))
            second = (await self.read(high.offset))[1]
            assert second << 32 | first == value, f"{low.name}: torn, {second:#x} {first:#x} of {value:#x}"
        await self.read(low.offset, size=0)
        kept = (await self.read(high.offset))[1]
        assert kept == (value + 1 >> 32) & WORD, "a read of one byte of LO kept nothing"

    async def _wide(self, pairs) -> None:
        """One beat that covers both halves sees one moment even while the counter runs."""
        core = self.env.core

        async def run() -> None:
            while True:
                for index in range(len(core.counters)):
                    core.counters[index] += random.choice((1, 1 << 31))
                core.drive_counters()
                await RisingEdge(self.dut.clk_i)

        task = cocotb.start_soon(run())
        for _, (low, _) in pairs:
            await self.burst(Burst(False, self.base + low.offset, 2, 3))
        task.cancel()


@pyuvm.test()
class Timing(BridgeTest):
    """Without pauses, a response comes as many cycles after its request as the documentation says."""

    async def cycles(self, first, last, task) -> int:
        """Clock cycles from the handshake of channel ``first`` to the last one of ``last``."""
        dut, at = self.dut, {}
        while not task.done():
            await RisingEdge(dut.clk_i)
            for channel in (first, last):
                valid, ready = (getattr(dut, f"s_axi_{channel}{name}").value for name in ("valid", "ready"))
                if valid == 1 and ready == 1 and (channel == last or channel not in at):
                    at[channel] = cycle()
        return at[last] - at[first]

    async def body(self) -> None:
        size, words = self.bus_bytes.bit_length() - 1, self.bus_bytes // 4
        for beats, beat_size, count in ((1, 2, 1), (1, size, words), (4, size, words)):
            table = self.base + regs.CYCLES_BUSY_LO.offset  # a refused write takes as long as any
            read = Burst(False, table, beats, beat_size)
            measured = await self.cycles("ar", "r", cocotb.start_soon(self.burst(read)))
            assert measured == beats * (3 * count + 1), f"{read}: {measured} cycles"
            write = fill(Burst(True, table, beats, beat_size), self.bus_bytes, False)
            measured = await self.cycles("w", "b", cocotb.start_soon(self.burst(write)))
            assert measured == beats * (3 * count + 1), f"{write}: {measured} cycles"
            self.utilisation = beats * count / measured


class RandomTraffic(BridgeTest):
    """Random bursts, legal and illegal, against the golden model, while the core takes lists and raises events."""

    rounds, bursts = (5, 2), (60, 40)

    def setup(self) -> Setup:
        return Setup(paces=any_paces(), core=True)

    async def body(self) -> None:
        for _ in range(scaled(*self.rounds)):
            self.env.driver.set_paces(any_paces())
            items = []
            for _ in range(scaled(*self.bursts)):
                make = illegal_burst if random.random() < 0.05 else random_burst
                items.append(AxiItem(make(self.bus_bytes, self.base, self.id_bits)))
            await self.send(*items)


@pyuvm.test()
class RandomModel(RandomTraffic):
    """Random traffic."""


@pyuvm.test()
class ResetInTheMiddle(BridgeTest):
    """Reset while a list runs and events wait restores every reset value."""

    async def body(self) -> None:
        for register in regs.REGISTERS:
            if register.writable and register is not regs.CONTROL:
                await self.write(register.offset, random.getrandbits(32))
        await self.env.core.pulse(nonfinite=True)
        await self.write(regs.CONTROL.offset, DOORBELL)
        await self.write(regs.CONTROL.offset, DOORBELL)
        await self.env.drained()
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 3)
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 2)
        for register in regs.REGISTERS:
            expected = capabilities().get(register.name, sum(field.put(field.reset or 0) for field in register.fields))
            assert await self.read(register.offset) == (OKAY, expected), f"{register.name} after a second reset"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptReadData(RandomTraffic):
    """A flipped bit of R data must be caught."""

    injected = True
    rounds, bursts = (1, 1), (20, 20)

    async def body(self) -> None:
        self.env.monitor.corrupt = 5
        await super().body()
        await self.burst(Burst(False, self.base, 16))


@pyuvm.test(expect_error=ScoreboardError)
class CorruptAnswer(RandomTraffic):
    """A register answer with an inverted error bit must be caught."""

    injected = True
    rounds, bursts = (1, 1), (20, 20)

    async def body(self) -> None:
        self.env.registers.corrupt = 5
        await super().body()


@pyuvm.test(expect_error=ScoreboardError)
class CorruptOutput(RandomTraffic):
    """A setting that the core sees with an inverted bit must be caught."""

    injected = True
    rounds, bursts = (1, 1), (20, 20)

    async def body(self) -> None:
        self.env.registers.corrupt_output = "mem_base"
        await super().body()


@pyuvm.test(expect_error=ScoreboardError)
class WrongModel(BridgeTest):
    """A golden model with another reset value must disagree with the RTL."""

    injected = True

    async def body(self) -> None:
        self.env.registers.model.settings[regs.MEM_LIMIT_LO.offset] ^= 1
        await self.read(regs.MEM_LIMIT_LO.offset)
