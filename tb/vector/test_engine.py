"""The vector engine against its golden model: random instructions, programs, throughput, faults to be seen."""

from __future__ import annotations

import itertools
import random

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section
from edge_qlora import vector
from edge_qlora.cycle_model import vector_cycles
from edge_qlora.vector import LANES, Function, Instruction, Operand, Reduction, Region
from pyuvm import uvm_test

from tb.common.base import config, cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import StreamItem, StreamSequence
from tb.vector.env import ANSWER_CYCLES, VectorEnv, command, pauses, reads, uses_b, with_fields
from tb.vector.test_functions import CORNERS, random_operands

GROUP = "vector"
PHYSICAL_LANES = config()["lanes"]
PARTS = LANES // PHYSICAL_LANES  # of a word


@coverage_section(
    CoverPoint(f"{GROUP}.x", xf=lambda i: i.x.name, bins=["IMMEDIATE", "SELF", "B"]),
    CoverPoint(f"{GROUP}.z", xf=lambda i: i.z.name, bins=["IMMEDIATE", "B"]),
    CoverCross(f"{GROUP}.x_z", items=[f"{GROUP}.x", f"{GROUP}.z"]),
    CoverPoint(
        f"{GROUP}.b", xf=lambda i: uses_b(i) and ("per row" if i.b_per_row else "stream"), bins=["per row", "stream"]
    ),
    CoverPoint(f"{GROUP}.function", xf=lambda i: i.function.name, bins=[f.name for f in Function]),
    CoverPoint(f"{GROUP}.reduction", xf=lambda i: i.reduction.name, bins=[r.name for r in Reduction]),
    CoverPoint(f"{GROUP}.store", xf=lambda i: i.d is not None, bins=[False, True]),
    CoverCross(f"{GROUP}.function_reduction", items=[f"{GROUP}.function", f"{GROUP}.reduction"]),
    CoverPoint(f"{GROUP}.words", xf=lambda i: min(i.words, 5), bins=[1, 2, 3, 4, 5]),
    CoverPoint(f"{GROUP}.tail", xf=lambda i: i.length % LANES, bins=list(range(LANES))),
    CoverPoint(f"{GROUP}.rows", xf=lambda i: (i.outer > 1, i.inner > 1), bins=[(o, i) for o in (0, 1) for i in (0, 1)]),
    CoverPoint(f"{GROUP}.masked", xf=lambda i: i.first is not None, bins=[False, True]),
    CoverPoint(f"{GROUP}.exchange", xf=lambda i: i.exchange, bins=[0, 1, 2, 4]),
    CoverPoint(f"{GROUP}.in_place", xf=lambda i: i.d == i.a and not i.exchange, bins=[False, True]),
)
def sample(i: Instruction) -> None:
    """An instruction ran."""


def random_instruction(words: int, longest: int) -> Instruction:
    """An instruction whose operands and results lie in four quarters of a scratchpad of so many words."""
    quarter = words // 4
    exchange = random.choice([0, 0, 0, 1, 2, 4])
    length = random.choice([random.randint(1, 8 * longest), random.randint(1, 40)])
    if exchange:  # whole pairs of halves, so that every word exchanged lies in the row
        length = 2 * exchange * LANES * random.randint(1, 2)
    size = -(-length // LANES)
    outer, inner = (random.choice([1, random.randint(2, 4)]) for _ in range(2))
    while outer * inner * size > quarter:
        outer, inner = max(1, outer - 1), max(1, inner - 1)
        if outer == inner == 1:
            break
    dense = Region(0, inner * size, size)

    def region(number: int, least: int = 0) -> Region:
        """Rows one behind the other, or with the loops exchanged, or (operands) all the same."""
        free = quarter - outer * inner * size
        base = number * quarter + random.randint(0, max(free, 0))
        kinds = [dense, Region(0, size, outer * size), Region(0, 0, size), Region(0, size, 0), Region()]
        kind = kinds[random.randrange(2 if least else len(kinds))]
        return Region(base, kind.outer, kind.inner)

    a, per_row = region(0), random.random() < 0.5
    b = region(1)
    strides = (1, outer) if random.random() < 0.5 else (inner, 1)
    b = Region(
        LANES * b.base + (random.randrange(8) if per_row else 0),
        *(strides if per_row else (LANES * b.outer, LANES * b.inner)),
    )
    reduction = random.choice(list(Reduction))
    store = reduction == Reduction.NONE or random.random() < 0.7
    d = region(2, 1) if store else None
    if store and not exchange and a.outer in (dense.outer, size) and a.inner and a.outer and random.random() < 0.3:
        if (a.outer, a.inner) in ((dense.outer, dense.inner), (size, outer * size)):
            d = a  # in place
    row_strides = random.choice([(inner, 1), (1, outer)])
    return Instruction(
        length=length,
        outer=outer,
        inner=inner,
        first=random.choice([None, random.randint(1, length), random.randint(1, 2 * length)]),
        step=random.choice([0, 1, random.randint(1, length)]),
        a=a,
        exchange=exchange,
        b=b,
        b_per_row=per_row,
        x=random.choice(list(Operand)),
        z=random.choice([Operand.IMMEDIATE, Operand.B]),
        immediate_x=random.choice([1.0, -0.5, float(np.float32(random.uniform(-3, 3)))]),
        immediate_z=random.choice([0.0, 1.0, float(np.float32(random.uniform(-3, 3)))]),
        negate_x=random.random() < 0.3,
        negate_z=random.random() < 0.3,
        function=random.choice(list(Function)),
        d=d,
        reduction=reduction,
        r=Region(LANES * 3 * quarter + random.randrange(64), *row_strides),
    )


class EngineTest(uvm_test):
    """Fills the scratchpad and runs instructions; a subclass says which."""

    injected = False
    utilisation: tuple[str, float] | None = None
    # Share of values that are not near one; a row with a NaN tells nothing of the others in its sum.
    odd = 0.02

    def build_phase(self) -> None:
        self.env = VectorEnv("env", self)
        self.rng = np.random.default_rng(random.getrandbits(64))

    def fill(self) -> None:
        """Random FP32 bits, mostly near one, with corners among them."""
        words = self.env.scratchpad.words
        bits = random_operands(self.rng, words.size)
        near = self.rng.standard_normal(words.size).astype(np.float32).view(np.uint32)
        kinds = self.rng.random(words.size)
        corners = self.rng.choice(CORNERS, words.size) | self.rng.integers(
            0, 2, words.size, dtype=np.uint32
        ) << np.uint32(31)
        chosen = np.select([kinds < self.odd / 2, kinds < self.odd], [corners, bits], near).astype(np.uint32)
        words[:] = chosen.view(np.float32).reshape(words.shape)

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run(self, instruction: Instruction) -> None:
        """Run and cover one instruction."""
        if not self.injected:
            sample(instruction)
        await self.env.run(instruction)

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        self.fill()
        began = cycle()
        await self.body()
        board, (unit, ratio) = self.env.board, self.utilisation or ("", None)
        finish(GROUP, board.compared, board.mismatches, cycle() - began, ratio, unit, self.injected)
        self.drop_objection()


@pyuvm.test()
class RandomInstructions(EngineTest):
    """Instructions of every kind while the scratchpad pauses."""

    async def body(self) -> None:
        words = len(self.env.scratchpad.words)
        for count in range(scaled(240, 60)):
            if count % 12 == 0:
                self.fill()
                pauses(self.env.scratchpad)
            await self.run(random_instruction(words, 24))


@pyuvm.test()
class Places(EngineTest):
    """Places of largest values among many equal ones, in rows of any length, of which some values count."""

    async def body(self) -> None:
        scratch = self.env.scratchpad
        rows = {"reduction": Reduction.ARGMAX, "r": Region(1900 * LANES, 1, 0)}
        for count in range(scaled(40, 12)):
            scratch.words[:] = self.rng.integers(-2, 1 + count % 3, scratch.words.shape).astype(np.float32)
            length = int(self.rng.integers(1, 300))
            first = None if count % 2 else int(self.rng.integers(1, length + 1))
            await self.run(Instruction(length=length, outer=3, first=first, step=7, a=Region(0, 40), **rows))


@pyuvm.test()
class LongRows(EngineTest):
    """Rows up to the scratchpad's end: where active values end, places, and what is stored at the end of the row."""

    odd = 0.0

    async def body(self) -> None:
        words = self.env.scratchpad.words
        values, longest = words.reshape(-1), words.size - LANES
        r = Region(longest, 1, 0)
        longest = scaled(longest, 1 << 10)
        first = (1 << longest.bit_length() - 1) - 1  # all bits below the highest
        step = first >> 1
        row = Instruction(length=first + step + 5, first=first, step=step, outer=2, reduction=Reduction.SUM, r=r)
        await self.run(row)
        for part in (1, 2):
            place = longest - LANES * part + random.randrange(LANES)
            values[place] = -100.0
            row = {"negate_x": True, "d": Region(0), "reduction": Reduction.ARGMAX, "r": r}
            await self.run(Instruction(length=longest, **row))
            values[place] = 0.0


@pyuvm.test()
class Distances(EngineTest):
    """Rows of one word whose distances are single bits, up and down."""

    odd = 0.0

    async def body(self) -> None:
        words = len(self.env.scratchpad.words)
        bits = words.bit_length() - 1
        for bit, sign in itertools.product(range(bits), (1, -1)):
            for per_row in (False, True):
                await self.run(self.instruction(words, 1 << bit, 1 << (bit + 4) % bits, sign, per_row))

    def instruction(self, words: int, outer: int, inner: int, sign: int, per_row: bool) -> Instruction:
        """Rows of all operands and results at distances that are the same in words, or in values where they count."""

        def region(scale: int, sign: int) -> tuple[Region, set[int]]:
            """A region anywhere, in units of 1 / scale word, and the words of its rows."""
            base = random.randrange(scale * words - outer - inner) + (outer + inner if sign < 0 else 0)
            distances = (sign * distance % ((1 << 16) * scale) for distance in (outer, inner))
            ends = (base + sign * at for at in (0, inner, outer, outer + inner))
            return Region(base, *distances), {end // scale for end in ends}

        while True:
            a, a_words = region(1, sign)
            b, b_words = region(LANES if per_row else 1, sign)
            d, d_words = region(1, sign)
            r, r_words = region(LANES, 1)
            if not (a_words | b_words) & (d_words | r_words) and not d_words & r_words:
                break
        return Instruction(
            length=LANES,
            outer=2,
            inner=2,
            a=a,
            b=b if per_row else Region(LANES * b.base, LANES * b.outer, LANES * b.inner),
            b_per_row=per_row,
            z=Operand.B,
            d=d,
            reduction=Reduction.MAX,
            r=r,
        )


@pyuvm.test()
class Exponents(EngineTest):
    """Products whose exponent is one bit away from zero or from infinity, in every lane, and functions of them."""

    odd = 0.0

    async def body(self) -> None:
        words = self.env.scratchpad.words.view(np.uint32)
        ends = [-1, 0, 1, 254, 255, 256, *(1 << bit for bit in range(8)), *(255 ^ 1 << bit for bit in range(8))]
        for function in Function:
            exponents = np.repeat(np.array(ends)[:, None], LANES, 1)
            a = self.rng.integers(np.maximum(1, exponents - 127), np.minimum(254, exponents + 126) + 1)
            signs, fractions = self.rng.integers(0, 2, a.shape), self.rng.integers(1, 1 << 23, a.shape)
            words[: len(ends)] = (signs << 31 | a << 23 | fractions).astype(np.uint32)
            words[512 : 512 + len(ends)] = (exponents + 127 - a << 23).astype(np.uint32)  # powers of two
            b = {"b": Region(512 * LANES), "x": Operand.B}
            await self.run(Instruction(length=len(ends) * LANES, a=Region(0), d=Region(1024), function=function, **b))


@pyuvm.test()
class LateRowValue(EngineTest):
    """While B's value of a row waits for the scratchpad, the row's words of A are read ahead."""

    odd = 0.0

    async def body(self) -> None:
        dut, ports, words = cocotb.top, self.env.scratchpad.ports, 6
        ports["b"].pause = 100
        b = {"b": Region(512 * LANES), "b_per_row": True, "x": Operand.B}
        task = cocotb.start_soon(self.run(Instruction(length=words * LANES, a=Region(0), d=Region(1024), **b)))
        granted = 0
        for _ in range(60):
            await RisingEdge(dut.clk_i)
            granted += int(dut.a_req_valid_o.value and dut.a_req_ready_i.value)
        assert ports["b"].pause and granted == words, f"{granted} words of A were read while B waited"
        await task


@pyuvm.test()
class OddValues(EngineTest):
    """Half of the values are zeros, infinities, NaN, subnormals or of any size; no pauses."""

    odd = 0.5

    async def body(self) -> None:
        words = len(self.env.scratchpad.words)
        for count in range(scaled(60, 20)):
            if count % 6 == 0:
                self.fill()
            await self.run(random_instruction(words, 6))


@pyuvm.test()
class Programs(EngineTest):
    """What a layer asks for: RMSNorm, rotary embedding, causal softmax, SiLU gate and residual, in place."""

    odd = 0.0

    async def body(self) -> None:
        pauses(self.env.scratchpad)
        tokens, heads, context, hidden = 3, 2, 40, 96
        first, second, third = (Region(at, hidden // LANES) for at in (16, 200, 400))
        head = Region(16, heads * 8, 8)
        scores = Region(512, heads * context // LANES, context // LANES)
        programs = (
            vector.rms_norm(first, 1000, second, 1100, tokens, hidden, 1e-5),
            vector.rotary(head, Region(1200, 8), Region(1300, 8), head, Region(1400, heads * 8, 8), tokens, heads, 64),
            vector.causal_softmax(scores, scores, 1500, tokens, heads, context, context - tokens + 1),
            vector.silu(first, second, tokens, hidden),
            [vector.multiply(second, third, second, tokens, hidden)],
            [vector.add(second, third, third, tokens, hidden)],
        )
        for instruction in itertools.chain(*programs):
            await self.run(instruction)


class Rate(EngineTest):
    """Without pauses, one long instruction; a subclass says which, and how many cycles a word takes."""

    odd, per_word, unit = 0.0, 2, ""

    def instruction(self, words: int) -> Instruction:
        """An instruction over so many words."""
        raise NotImplementedError

    async def body(self) -> None:
        spent = []
        for words in (64, 64 + scaled(256, 128)):
            instruction, began = self.instruction(words), cycle()
            await self.run(instruction)
            spent.append(cycle() - began)
        ratio = (reads(instruction) - 64) * self.per_word / (spent[1] - spent[0])
        self.utilisation = self.unit, ratio
        assert 0.95 <= ratio <= 1, f"{spent} cycles, {100 * ratio:.1f} % {self.unit}"


@pyuvm.test()
class PartPerCycle(Rate):
    """a * b + z, stored: eight lanes take a word, four half of one."""

    per_word, unit = PARTS, f"of cycles take {PHYSICAL_LANES} values"

    def instruction(self, words: int) -> Instruction:
        return Instruction(length=words * LANES, a=Region(0), b=Region(512 * LANES), x=Operand.B, d=Region(1024))


@pyuvm.test()
class FourCyclesPerWord(Rate):
    """An exponential with its sum: two function units serve the eight values of a word."""

    per_word, unit = 4, "of function slots"

    def instruction(self, words: int) -> Instruction:
        rows = {"reduction": Reduction.SUM, "r": Region(1900 * LANES)}
        return Instruction(length=words * LANES, a=Region(0), function=Function.EXP, d=Region(1024), **rows)


@pyuvm.test()
class Latency(EngineTest):
    """Without pauses, cycles from an instruction to its first write are those the documentation names."""

    odd, answer = 0.0, ANSWER_CYCLES

    async def body(self) -> None:
        rows = {"reduction": Reduction.SUM, "r": Region(1900 * LANES)}
        most = {"reduction": Reduction.MAX, "r": Region(1900 * LANES)}
        b = {"x": Operand.B, "b": Region(512 * LANES)}
        first, largest, added = (17, 4, 39) if PHYSICAL_LANES == 8 else (18, 3, 41)
        for what, cycles in (
            ({"d": Region(1024)}, first),
            ({"d": Region(1024), **b}, first + 1),
            ({"d": Region(1024), **b, "b_per_row": True}, first + 1),
            ({"d": Region(1024), "function": Function.EXP}, 33),
            ({**rows, "length": 4 * LANES}, first + 3 * PARTS + added),
            ({**rows, "length": LANES}, first + added),
            (most, first + largest),
            (most | {"reduction": Reduction.ARGMAX}, first + largest),
        ):
            task = cocotb.start_soon(self.run(Instruction(**{"length": 8, "a": Region(0), **what})))
            measured = await self.cycles_to_write() - self.answer
            await task
            assert measured == cycles, f"{what}: {measured} cycles and those of the scratchpad, expected {cycles}"

        added_by = (*((rows, words, added) for words in (1, 4, 8, 9)), (most, 4, largest), (most, 1, largest))
        for what, words, added in added_by:
            spent = []
            for count in (1, 5):
                began = cycle()
                await self.run(Instruction(**{"length": words * LANES, "outer": count, "a": Region(0, words), **what}))
                spent.append(cycle() - began)
            measured = (spent[1] - spent[0]) / 4 - PARTS * words
            assert measured == added, f"a row of {words} words adds {measured} cycles, expected {added}"

    async def cycles_to_write(self) -> int:
        """Cycles from the command's transfer to that of the first write."""
        dut, began = cocotb.top, None
        while True:
            await RisingEdge(dut.clk_i)
            if dut.cmd_valid_i.value and dut.cmd_ready_o.value:
                began = cycle()
            if began is not None and dut.w_valid_o.value and dut.w_ready_i.value:
                return cycle() - began


@pyuvm.test()
class Cycles(EngineTest):
    """Without pauses, every instruction takes the cycles that the cycle model says."""

    odd = 0.0

    async def body(self) -> None:
        words = len(self.env.scratchpad.words)
        for _ in range(scaled(60, 20)):
            instruction = random_instruction(words, 12)
            task = cocotb.start_soon(self.cycles_to_end())
            await self.run(instruction)
            measured, expected = await task, vector_cycles(instruction, PHYSICAL_LANES)
            assert measured == expected, f"{instruction}: {measured} cycles, expected {expected}"

    async def cycles_to_end(self) -> int:
        """Cycles from the command's transfer to its end."""
        dut = cocotb.top
        await RisingEdge(dut.clk_i)
        while not (dut.cmd_valid_i.value and dut.cmd_ready_o.value):
            await RisingEdge(dut.clk_i)
        began = cycle()
        while not dut.done_o.value:
            await RisingEdge(dut.clk_i)
        return cycle() - began


BEYOND = 0xFFF0  # an address behind every scratchpad's end, in words
ILLEGAL = (
    *({name: 0} for name in ("outer", "inner", "length")),
    *({"masked": 1, "first": 0}, {"x": 3}, {"z": 1}, {"z": 3}, {"store": 0, "reduction": 0}),
    *({f"b_{name}": LANES * 3 + low} for name in ("base", "outer", "inner") for low in (1, 2, 4)),
    *({f"{name}_outer": BEYOND // 2} for name in "ad"),
    {"r_outer": 600},  # of 2,048 words, the sum of the last row alone, which is the last access
)


@pyuvm.test()
class IllegalCommands(EngineTest):
    """Fields that cannot be, and addresses behind the scratchpad's end: reported, and nothing outside is touched."""

    odd = 0.0

    async def body(self) -> None:
        dut, stream = cocotb.top, self.env.commands
        legal = Instruction(
            length=20,
            outer=3,
            a=Region(0, 4),
            x=Operand.B,
            b=Region(512 * LANES, 4 * LANES),
            d=Region(1024, 4),
            reduction=Reduction.SUM,
            r=Region(1900 * LANES, 8),
        )
        scale = {"a": 1, "b": LANES, "d": 1, "r": LANES}
        beyond = [
            {f"{name}_base": values << bit} for name, values in scale.items() for bit in range(len(dut.w_addr_o), 16)
        ]
        for fields in (*ILLEGAL, *beyond):
            if fields not in beyond:
                await self.run(legal)
            item = {"": with_fields(command(legal), fields)}
            await StreamSequence([item]).start(stream.sequencer)
            await within(500, RisingEdge(dut.bad_o), f"the report of {fields}")
            for _ in range(50):
                await RisingEdge(dut.clk_i)
                moves = [dut.done_o, dut.w_valid_o, dut.a_req_valid_o, dut.b_req_valid_o]
                assert not any(signal.value for signal in moves), f"{fields}: an access or an end behind the report"
            assert dut.bad_o.value and not dut.cmd_ready_o.value, f"{fields}: the engine goes on"
            dut.rst_ni.value = 0
            await ClockCycles(dut.clk_i, 2)
            dut.rst_ni.value = 1
            self.env.board.expect({"reports": 1}, str(fields))
            self.env.board.write(StreamItem({"reports": 1}))


@pyuvm.test(expect_error=ScoreboardError)
class CorruptWrite(EngineTest):
    """One bit of one write is flipped, which the comparison of the memory must see."""

    injected = True

    async def body(self) -> None:
        self.env.scratchpad.corrupt = random.randrange(20)
        await self.run(Instruction(length=300, a=Region(0), d=Region(1024)))


@pyuvm.test(expect_error=ScoreboardError)
class CorruptRow(EngineTest):
    """One bit of a row's sum is flipped."""

    injected, odd = True, 0.0

    async def body(self) -> None:
        self.env.scratchpad.corrupt = 1
        rows = {"reduction": Reduction.SUM, "r": Region(1900 * LANES + 5, 1, 0)}
        await self.run(Instruction(length=30, outer=3, a=Region(0, 4, 0), **rows))
