"""Random and bad commands of the LOAD, READ and WRITE engines."""

from __future__ import annotations

import itertools
import random

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from edge_qlora.command_layout import ValueFormat
from edge_qlora.commands import STORED_BYTES

from tb.common.base import scaled, within
from tb.common.scoreboard import ScoreboardError
from tb.models import transfers
from tb.models.transfers import LINE, WORD, Fields
from tb.transfers.env import BASES, BUS, DUT, ENGINES, TransfersTest, sample_bad
from tb.transfers.stimulus import (
    HALF_LINES,
    READ_FORMATS,
    WORDS,
    random_load,
    random_transfer,
    simple_load,
    simple_transfer,
    sparse,
    unsigned,
    whole,
)

# Words that READ and WRITE commands use, in turns, and those that only the test reads while they run.
HALVES = (range(0, 240), range(240, 480))
SPARE = range(480, WORDS)


class Crowded(TransfersTest):
    """Engines among other accesses of the scratchpad."""

    def crowd(self) -> None:
        """Let the others begin."""
        self.noisy = True
        self.others = cocotb.start_soon(self.noise()), cocotb.start_soon(self.write_noise())

    async def calm(self) -> None:
        """End the others, with the write that they are at."""
        reads, writes = self.others
        reads.cancel()
        self.noisy = False
        await writes
        DUT.host_read_valid_i.value = 0
        await ClockCycles(DUT.clk_i, 4)

    async def noise(self) -> None:
        """Keep the scratchpad's banks busy with reads, now and then."""
        while True:
            DUT.host_read_valid_i.value = random.getrandbits(1)
            DUT.host_read_addr_i.value = random.choice(SPARE)
            await ClockCycles(DUT.clk_i, random.choice((1, 1, 3, 30)))

    async def write_noise(self) -> None:
        """Keep a bank busy with writes, too, so that READ has to wait for it, with a word that came meanwhile."""
        while self.noisy:
            address = random.choice(SPARE)
            for _ in range(random.choice((1, 8, 40))):
                await self.write_word(address, np.array([random.getrandbits(32) for _ in range(WORD)], np.uint32))
            DUT.host_write_valid_i.value = 0
            await ClockCycles(DUT.clk_i, random.choice((1, 3, 30)))


class Random(Crowded):
    """Commands of all engines at the same time, on one half of memory and scratchpad each."""

    async def body(self) -> None:
        self.crowd()
        count = scaled(12, 4)
        for _ in range(2):
            source, target = random.sample((0, HALF_LINES), 2)
            into, outof = random.sample(HALVES, 2)
            await self.run(
                60_000,
                load=[random_load(source) for _ in range(count // 2)],
                read=[random_transfer(source, into, READ_FORMATS) for _ in range(count)],
                write=[random_transfer(target, outof) for _ in range(count)],
            )
        await self.calm()
        await self.compare()


@pyuvm.test()
class RandomCommands(Random):
    """First draw of commands and paces."""

    base = BASES[0]


@pyuvm.test()
class RandomCommandsAgain(Random):
    """Second draw, with a memory that never pauses, whose address is the other's complement."""

    base = BASES[1]
    quick = True


@pyuvm.test()
class LoadShapes(TransfersTest):
    """LOAD commands with and without each of their parts, once or repeated."""

    async def body(self) -> None:
        commands = []
        for header, part0, part1, count in itertools.product((0, 1, 2), (0, 1), (0, 1), (1, 3)):
            absent = {} if part0 else {random.choice(("lines0", "rows0")): 0}
            absent |= {} if part1 else {random.choice(("lines1", "rows1")): 0}
            commands.append(simple_load(header_lines=header, count=count, **absent))
        commands = [fields for fields in commands if not transfers.load_is_bad(fields)]
        await self.run(40_000, load=random.sample(commands, len(commands)))


@pyuvm.test()
class Ends(TransfersTest):
    """A command's end is told when everything of it is in its place: a read of the next cycle gets it."""

    full_speed = True

    async def body(self) -> None:
        for _ in range(scaled(10, 4)):
            fields = random_transfer(0, HALVES[0], READ_FORMATS)
            cocotb.start_soon(self.send("read", [fields]))
            await within(20_000, self.seen(DUT.read_done_o), "the end of a READ command")
            self.env.predict("read", fields)
            last = int(transfers.scratch_rows(fields)[-1, -1])
            assert (await self.read_words([last]) == self.env.scratch[last]).all(), "the last word came too late"
            fields = random_transfer(HALF_LINES, HALVES[1])
            cocotb.start_soon(self.send("write", [fields]))
            await within(20_000, self.seen(DUT.write_done_o), "the end of a WRITE command")
            self.env.predict("write", fields)
            self.compare_memory()
            fields, before = random_load(0), len(self.env.pulses.reads)
            cocotb.start_soon(self.send("load", [fields]))
            self.env.predict("load", fields)
            await within(20_000, self.seen(DUT.load_done_o), "the end of a LOAD command")
            lines = len(transfers.load_lines(fields))
            await RisingEdge(DUT.clk_i)
            assert len(self.env.pulses.reads) - before == lines * LINE * 8 // len(DUT.wgt_data_o), "not all has come"
            await within(20_000, self.env.board.drained(), "all weights")
        await self.compare()


@pyuvm.test()
class LongCommands(Crowded):
    """Many rows, long rows and many repetitions: carries go far, words come faster than the scratchpad takes them."""

    full_speed = True
    quick = True

    async def body(self) -> None:
        self.crowd()
        for engine, address in (("read", 0), ("write", HALF_LINES)):
            # The numbers differ in all of their lower bits.
            rows = random.randrange(520, 1000) // scaled(1, 8)
            length = SPARE.start * WORD - 16 * random.randrange(4)
            for shape in (
                {"outer": rows, "outer_stride": 1, "inner": 1, "s_outer": 0, "length": 16},
                {"inner": rows ^ 0xFF >> scaled(0, 3), "inner_stride": 1, "outer": 1, "s_inner": 0, "length": 16},
                {"inner": rows, "inner_stride": 1, "outer": 1, "s_inner": 0, "length": 16},
                {"inner": 1, "outer": 1, "length": length, "s_base": 0},
            ):
                await self.run(100_000, **{engine: [simple_transfer(address=address, **shape)]})
        # Bits 8 and 10 are set; it takes long on a narrow bus, where the engine is the same.
        many = random.randrange(1290, 1500) // (scaled(1, 8) if BUS == 512 else 8)
        await self.run(100_000, load=[simple_load(header_lines=many, lines0=0, lines1=0, count=1)])
        for part in (0, 1):
            one = {"header_lines": 0, f"lines{1 - part}": 0, f"address{part}": 0, "count": 1}
            one |= {f"lines{part}": 1, f"rows{part}": 1}
            for shape in ({"count": many, f"step{part}": 1}, {f"rows{part}": many, f"stride{part}": 1}):
                await self.run(100_000, load=[simple_load(**one | shape)])
            await self.run(100_000, load=[simple_load(**one | {f"lines{part}": many})])
        await self.calm()
        await self.compare()


@pyuvm.test()
class SlowMemory(TransfersTest):
    """Memory pauses before every other transfer: all stages of the engines stand still, with each format."""

    slow = True

    async def body(self) -> None:
        # Less of it on narrow buses, where the engines are the same and each line takes longer.
        words, outer = (SPARE.start, 6) if BUS == 512 else (SPARE.start // 4, 2)
        for engine, address in (("read", 0), ("write", HALF_LINES)):
            # What a stage holds is unlike what comes behind it.
            await self.fill(sparse(words))
            formats = READ_FORMATS if engine == "read" else ValueFormat
            commands = []
            for form in formats:
                commands.append(whole(form, words) | {"address": address})
                address += len(transfers.memory_rows(commands[-1]).reshape(-1))  # none overwrites another
            # How long a region waits for the one before is even or odd.
            rows = {"inner": random.randrange(33, 64), "inner_stride": 1, "s_inner": 0}
            rows |= {"outer": outer, "outer_stride": 64, "s_outer": 2}
            commands.append(simple_transfer(address=address, length=16, **rows))
            await self.run(60_000, **{engine: commands})
        await self.compare()


class Bad(TransfersTest):
    """A command that cannot be taken is refused, changes nothing that it must not, and is forgotten after a reset."""

    async def refused(self, engine: str, fields: Fields, kind: str) -> None:
        """Try a bad command between good ones."""
        before = len(self.env.pulses.reads), len(self.env.pulses.writes), dict(self.env.pulses.done)
        words = self.env.pulses.words
        late = engine != "load" and not transfers.transfer_is_bad(ENGINES[engine], fields, 1 << 16)
        await self.send(engine, [fields])
        told = self.seen(getattr(DUT, f"{engine}_bad_o"))
        await within(20_000 if late else 3, told, f"refusal of {engine} {kind}: {fields}")
        await ClockCycles(DUT.clk_i, 40)
        assert not getattr(DUT, f"{engine}_ready_o").value, "another command would be taken after a bad one"
        after = len(self.env.pulses.reads), len(self.env.pulses.writes), dict(self.env.pulses.done)
        assert late or after == before, f"memory was accessed by {engine} {kind}"
        if engine == "write":
            asked, good = self.env.pulses.words - words, self.good(fields) if late else 0
            assert asked == good, f"{asked} words were read by WRITE {kind}, {good} lie before the first bad one"
        assert after[2] == before[2] and sum(self.env.pulses.bad.values()) == 1, "pulses after a bad command"
        await self.recover()
        if late:
            self.begun(engine, fields)
        await self.run(20_000, **{engine: [simple_load() if engine == "load" else simple_transfer()]})
        sample_bad(f"{engine} {kind}")

    @staticmethod
    def good(fields: Fields) -> int:
        """Words of a command before its first one behind the scratchpad's end."""
        return int(np.argmax(transfers.scratch_rows(fields).reshape(-1) >= WORDS))

    def begun(self, engine: str, fields: Fields) -> None:
        """What a command may have done before its first word behind the scratchpad's end."""
        rows, good = transfers.scratch_rows(fields), self.good(fields)
        scratch = np.concatenate((self.env.scratch, np.zeros(((1 << 16) - WORDS, 8), np.uint32)))
        memory = self.env.memory.copy()
        if engine == "read":
            transfers.read_rows(memory, scratch, fields)
            first = np.unique(rows.reshape(-1)[:good])
            self.env.scratch[first] = scratch[first]
        else:
            # Words that were read have gone out as far as they filled beats, the others not at all.
            transfers.write_rows(memory, scratch, fields)
            size = WORD * STORED_BYTES[ValueFormat(fields["format"])]
            begun = transfers.memory_rows(fields).reshape(-1)[: -(-good * size // LINE)]
            found, old, new = (data.reshape(-1, LINE) for data in (self.env.image.data, self.env.memory, memory))
            assert (found == np.where(found == old, old, new)).all(), "memory has what nobody wrote"
            assert set(np.flatnonzero((found != old).any(1))) <= set(begun), "a row of a bad address was written"
            self.env.memory[:] = self.env.image.data


@pyuvm.test()
class BadValues(Bad):
    """Values of fields that cannot be taken: no access, no write."""

    async def body(self) -> None:
        half = ValueFormat.FP16
        for engine in ("read", "write"):
            for kind, changed in (
                ("outer", {"outer": 0}),
                ("inner", {"inner": 0}),
                ("length", {"length": 0}),
                ("part of a line", {"length": 32 + random.choice((1, 2, 4, 8))}),
                ("part of an FP16 line", {"length": 48, "format": half}),
                ("format", {"format": 3 if engine == "write" else random.choice((ValueFormat.BFP8, 3))}),
            ):
                await self.refused(engine, simple_transfer(**changed), kind)
        await self.refused("write", simple_transfer(length=96, format=ValueFormat.BFP8), "part of a BFP8 line")
        await self.refused("load", simple_load(count=0), "count")
        await self.refused("load", simple_load(header_lines=0, rows0=0, lines1=0), "empty")
        await self.compare()


@pyuvm.test()
class BadAddresses(Bad):
    """Scratchpad addresses behind its end: nothing there is read or written, nor aliased."""

    async def body(self) -> None:
        bits = random.sample(range(WORDS.bit_length() - 1, 16), 16 - WORDS.bit_length() + 1)
        for engine, own in (("read", bits[:: scaled(1, 4)]), ("write", bits[::3])):
            for kind, changed in (
                *(("first row", {"s_base": 1 << bit}) for bit in own),
                ("first row", {"s_base": (1 << 16) - 1}),
                ("last word", {"s_base": WORDS - 54 + random.choice((1, 2, 3))}),
                ("wrapped", {"s_outer": (1 << 16) - random.choice((20, 200))}),
            ):
                at = {"address": HALF_LINES if engine == "write" else 0}
                await self.refused(engine, simple_transfer(**at, **changed), kind)
            # Its last word is the scratchpad's.
            await self.run(20_000, **{engine: [simple_transfer(**at, s_base=WORDS - 54)]})
        # In the middle of a block, whose first words are in the FIFO without a scale.
        block = {"address": HALF_LINES, "format": ValueFormat.BFP8, "length": 64}
        await self.refused("write", simple_transfer(**block, s_base=WORDS - random.randrange(1, 8)), "last word")
        await self.run(20_000, write=[simple_transfer(**block)])
        await self.compare()


class OutsideTest(TransfersTest):
    """A command that leaves the memory window."""

    async def told(self, engine: str, fields: Fields, tag: int, lines: np.ndarray) -> None:
        """Hold what is told of a command against its lines of the image, in order."""
        await self.send(engine, [fields], [tag])
        name = "write" if engine == "write" else "read"
        flag, addr, found = (getattr(DUT, f"{name}_range_{part}") for part in ("o", "addr_o", "tag_o"))
        await within(20_000, self.seen(flag), f"a report of an access outside by {engine}: {fields}")
        window = int(DUT.window_base_i.value), int(DUT.window_limit_i.value)
        expected = transfers.first_outside(self.env.base // LINE + lines, *window)
        assert (int(found.value), int(addr.value)) == (tag, expected), f"{engine} outside at {expected:#x}: {fields}"
        await self.recover()
        self.env.board.forget()


@pyuvm.test()
class Outside(OutsideTest):
    """Accesses outside of the window are told with the command's tag and the first address outside."""

    async def body(self) -> None:
        for engine in ENGINES:
            first = random.getrandbits(len(DUT.load_tag_i))
            for down, tag in ((False, first), (True, first ^ (1 << len(DUT.load_tag_i)) - 1)):
                fields = self.command(engine, -300 if down else 300)
                lines = transfers.load_lines(fields) if engine == "load" else transfers.memory_rows(fields)
                await self.told(engine, fields, tag, lines)
        self.env.board.early.clear()

    def command(self, engine: str, stride: int) -> Fields:
        """A command whose second or third row leaves the window."""
        low, high = self.env.base + 300 * LINE, self.env.base + 900 * LINE + 8
        self.window(low, high)
        if engine == "load":
            return simple_load(header_lines=0, address0=550, address1=650, rows1=5, stride1=unsigned(stride))
        return simple_transfer(address=600, inner_stride=unsigned(stride), length=64)


@pyuvm.test()
class SingleBits(OutsideTest):
    """LOAD's lengths and numbers of one bit alone are none of zero: their first line outside of the window is told."""

    async def body(self) -> None:
        outside = 600
        self.window(self.env.base, self.env.base + outside * LINE)
        alone = {name: 0 for name in ("header_lines", "lines0", "lines1")} | {"count": 1}
        cases = [({"header_lines": 1 << bit, "header_address": outside}) for bit in range(16)]
        for part in (0, 1):
            region = {f"address{part}": outside, f"lines{part}": 1}
            cases += [region | {f"lines{part}": 1 << bit} for bit in range(32)]
            cases += [region | {f"rows{part}": 1 << bit} for bit in range(16)]
            # The second repetition is outside.
            repeated = region | {f"address{part}": outside - 50, f"rows{part}": 1}
            cases += [repeated | {"count": 1 << bit} for bit in range(1, 16)]
        for fields in random.sample(cases, scaled(len(cases), 12)):
            tag = random.getrandbits(len(DUT.load_tag_i))
            await self.told("load", simple_load(**alone | fields), tag, np.array([outside]))
        self.env.board.early.clear()


@pyuvm.test(expect_error=ScoreboardError)
class CorruptWeight(TransfersTest):
    """One flipped bit of one weight must be seen."""

    injected = True

    async def body(self) -> None:
        self.env.agents["wgt"].monitor.corrupt = 3
        await self.run(20_000, load=[simple_load()])


@pyuvm.test(expect_error=ScoreboardError)
class CorruptMemory(TransfersTest):
    """One flipped bit of memory must be seen in the scratchpad."""

    injected = True

    async def body(self) -> None:
        self.env.image.data[LINE * 4 + random.randrange(2 * LINE)] ^= 1 << random.randrange(8)
        await self.run(20_000, read=[simple_transfer(outer=1, inner=1)])
        await self.compare()
