"""Every register through the bridge, held against the register map: reset values, bits, lanes, holes."""

from __future__ import annotations

import random

import pyuvm
from edge_qlora import registers as regs
from pyuvm import uvm_status_e

from tb.common.base import scaled, within
from tb.registers.agent import AxiItem, MasterItem
from tb.registers.base import any_paces
from tb.registers.bridge_base import BridgeTest, capabilities
from tb.registers.burst import OKAY, PAGE, SLVERR, Burst
from tb.registers.env import Setup
from tb.registers.model import BY_OFFSET, WORD, access_mask
from tb.registers.ral import RegisterBlock
from tb.registers.stimulus import fill, illegal_bursts
from tb.registers.walk import compare_with_rdl

# Every bit takes both values, and every two bits differ in at least one pattern: the binary digits of the bit number.
DIGITS = [sum(1 << bit for bit in range(32) if bit >> digit & 1) for digit in range(5)]
PATTERNS = [WORD, 0, *DIGITS, *(digit ^ WORD for digit in DIGITS)]


class MasterTest(BridgeTest):
    """Test with cocotbext-axi's master, pausing at random, and the register abstraction layer."""

    def setup(self) -> Setup:
        return Setup(paces=any_paces(), master=True)

    def connect_phase(self) -> None:
        self.ral = RegisterBlock(self.env.sequencer, self.base, capabilities())

    async def ral_read(self, name: str) -> tuple[bool, int]:
        """Read through the RAL: whether it succeeded, and the value."""
        status, value = await within(5000, self.ral.by_name[name].read(), f"the answer to a read of {name}")
        return status == uvm_status_e.UVM_IS_OK, value

    async def ral_write(self, name: str, value: int) -> bool:
        """Write through the RAL: whether it succeeded."""
        status = await within(5000, self.ral.by_name[name].write(value), f"the answer to a write of {name}")
        return status == uvm_status_e.UVM_IS_OK


@pyuvm.test()
class ResetValues(MasterTest):
    """Every register reads its reset value, as the RDL file itself has it."""

    async def body(self) -> None:
        compare_with_rdl(capabilities())
        for register in regs.REGISTERS:
            okay, value = await self.ral_read(register.name)
            expected = self.ral.by_name[register.name].get_reset()
            assert okay and value == expected, f"{register.name} reads {value:#x} after reset, expected {expected:#x}"


@pyuvm.test()
class EveryBit(MasterTest):
    """Every bit of every register: writable ones take both values, all others ignore the write or refuse it."""

    async def body(self) -> None:
        for register in regs.REGISTERS:
            if register is regs.CONTROL:
                continue  # a command, not storage: see Doorbell
            model = self.ral.by_name[register.name]
            for pattern in PATTERNS if register.writable else PATTERNS[:2]:
                before = model.get_mirrored_value()
                okay = await self.ral_write(register.name, pattern)
                assert okay == register.writable, f"write to {register.name}: {'accepted' if okay else 'refused'}"
                expected = model.get_mirrored_value() if okay else before
                _, value = await self.ral_read(register.name)
                assert value == expected, f"{register.name} reads {value:#x} after {pattern:#x}, expected {expected:#x}"
        # No write went to a neighbour.
        for register in regs.REGISTERS:
            expected = self.ral.by_name[register.name].get_mirrored_value()
            _, value = await self.ral_read(register.name)
            assert value == expected, f"{register.name} reads {value:#x} at the end, expected {expected:#x}"


@pyuvm.test()
class ByteTransfers(MasterTest):
    """Transfers of any length at any byte, cut into beats of any size by the master, change exactly their bytes."""

    async def body(self) -> None:
        first, last = regs.LIST_ADDR_LO.offset, regs.MEM_LIMIT_HI.offset + 4
        mirror = bytearray(last - first)
        for _ in range(scaled(60, 20)):
            start = random.randrange(len(mirror))
            data = random.randbytes(random.randint(1, len(mirror) - start))
            size = random.choice((None, *range(self.bus_bytes.bit_length())))
            await self.send(MasterItem(True, self.base + first + start, data, size=size))
            mirror[start : start + len(data)] = data
            start = random.randrange(len(mirror))
            length = random.randint(1, len(mirror) - start)
            item = MasterItem(False, self.base + first + start, length=length, size=size)
            await self.send(item)
            assert item.okay and item.data == mirror[start : start + length], "read bytes are not the written ones"


@pyuvm.test()
class Holes(BridgeTest):
    """What is not a register answers with SLVERR, per beat in a read burst; so do writes to read-only registers."""

    async def body(self) -> None:
        step = scaled(3, 13)
        for start in range(0, PAGE, 1024):
            item = await self.burst(Burst(False, self.base + start, 256))
            for beat, response in enumerate(item.responses):
                known = start + 4 * beat in BY_OFFSET
                assert response == (OKAY if known else SLVERR), f"read at {start + 4 * beat:#x}: response {response}"
        for offset in range(random.randrange(step) * 4, PAGE, 4 * step):
            register = BY_OFFSET.get(offset)
            if register is None or not register.writable:
                assert await self.write(offset, random.getrandbits(32)) == SLVERR, f"write to {offset:#x} accepted"


@pyuvm.test()
class Lanes(BridgeTest):
    """Narrow, wide, partly strobed and unaligned beats reach exactly the registers on their lanes."""

    async def body(self) -> None:
        words = self.bus_bytes // 4
        table = regs.MEM_BASE_LO.offset
        # Every byte of every lane, then every halfword, by narrow transfers.
        for size in (0, 1):
            for offset in range(table, table + 4 * words, 1 << size):
                value = random.getrandbits(8 << size)
                assert await self.write(offset, value, size) == OKAY
                mask = access_mask(BY_OFFSET[offset & ~3], "RW") >> 8 * (offset % 4) & (1 << (8 << size)) - 1
                assert await self.read(offset, size) == (OKAY, value & mask), f"{1 << size} bytes at {offset:#x}"
        # One wide beat writes all its registers; a beat without strobes writes none, even over a hole.
        size = self.bus_bytes.bit_length() - 1
        wide = fill(Burst(True, self.base + table, 1, size), self.bus_bytes, False)
        assert (await self.burst(wide)).responses == [OKAY]
        empty = Burst(True, self.base + 0xF00, 2, size, data=[0, 0], strobes=[0, 0])
        assert (await self.burst(empty)).responses == [OKAY], "a beat without strobes touched something"
        item = await self.burst(Burst(False, self.base + table, 1, size))
        assert item.data == wide.data, f"wide read {item.data[0]:#x}, expected {wide.data[0]:#x}"
        # A refused register makes the B response of the whole burst SLVERR.
        mixed = fill(Burst(True, self.base + regs.IRQ_ENABLE.offset, 2, 2), self.bus_bytes, False)
        assert (await self.burst(mixed)).responses == [SLVERR], "IRQ_ENABLE followed by ERROR_CODE"
        # In a wide beat it does so only when its own strobes are set; the registers beside it are written all the same.
        if words == 4:
            beat = regs.ERROR_INFO_LO.offset  # ERROR_INFO_LO, ERROR_INFO_HI, LIST_ADDR_LO, LIST_ADDR_HI
            for strobes, response in ((0xFF00, OKAY), (0xFFF0, SLVERR)):
                data = random.getrandbits(128)
                item = await self.burst(Burst(True, self.base + beat, 1, size, data=[data], strobes=[strobes]))
                assert item.responses == [response], f"strobes {strobes:#x}"
                assert await self.read(regs.LIST_ADDR_HI.offset) == (OKAY, data >> 96)
        # An unaligned first beat covers only what lies at and above its address.
        item = await self.burst(Burst(False, self.base + regs.CYCLES_BUSY_HI.offset + 2, 2, min(size, 3)))
        assert item.responses == [OKAY, OKAY]


@pyuvm.test()
class IllegalBursts(BridgeTest):
    """Bursts that the specification forbids get SLVERR in every beat, touch no register and leave the slave working."""

    async def body(self) -> None:
        register = regs.MEM_LIMIT_HI.offset
        offset = register // 16 * 16
        before = await self.read(register)
        for burst in illegal_bursts(self.bus_bytes, self.base + offset, self.id_bits):
            item = await self.burst(burst)
            assert set(item.responses) == {SLVERR}, f"{burst} got {item.responses}"
            assert await self.read(register) == before
        await self.send(*(AxiItem(b) for b in illegal_bursts(self.bus_bytes, self.base + offset, self.id_bits)))
