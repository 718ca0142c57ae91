"""The matrix engine against its golden model: random products, corners, errors, utilisation, a fault to be seen."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import cocotb
import numpy as np
import pyuvm
from cocotb.triggers import RisingEdge
from cocotb_coverage.coverage import CoverCross, CoverPoint
from edge_qlora.command_layout import WeightFormat
from edge_qlora.layout import CODE_BITS, TILE_BYTES, VALUE_BYTES, tile_bytes
from pyuvm import uvm_test

from tb.common.base import config, cycle, finish, scaled, simulator, start, within
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.models.align import BLOCK
from tb.systolic.bench import parameters
from tb.systolic.env import MatrixEnv, initialise_inputs
from tb.systolic.program import Operand, Placement, Program, StoredCodes, command, compile_product
from tb.systolic.stimulus import (
    corner_products,
    illegal_changes,
    legal_fields,
    random_codes,
    random_operand,
    random_product,
    random_values,
)

# Rates are the same on every simulator, and Icarus takes minutes for them.
RATES_ELSEWHERE = simulator() == "icarus"
# A bus of 512 bits comes to 100 cycles a second there, and the narrow ones have these.
NARROW_ONLY = simulator() == "icarus" and config()["bus_width"] == 512
ENTRIES = 24  # most nested absmax values of most products: the table is long, and so is its header


@CoverPoint("systolic.weights", xf=lambda o, f: o.format.name, bins=[f.name for f in WeightFormat])
@CoverPoint("systolic.mode", xf=lambda o, f: "T" if o.transpose else "N", bins=["N", "T"])
@CoverCross("systolic.weights_mode", items=["systolic.weights", "systolic.mode"], ign_bins=[("INT8", "T")])
@CoverPoint("systolic.rows", xf=lambda o, f: _size(len(o.activations)), bins=["one", "few", "most"])
@CoverPoint("systolic.lines", xf=lambda o, f: "partial" if o.shape[0] % BLOCK else "whole", bins=["whole", "partial"])
@CoverPoint("systolic.words", xf=lambda o, f: o.activations.shape[1] % 8 > 0, bins=[False, True])
def sample(operand: Operand, fields: int) -> None:
    """Functional coverage of one segment."""


@CoverPoint("systolic.header", xf=lambda o, header: header, bins=[False, True])
@CoverPoint("systolic.second", xf=lambda o, header: _second(o), bins=["none", "N", "T", "T, several blocks"])
@CoverPoint("systolic.first_block", xf=lambda o, header: _first_block(o), bins=["zero", "another", "no codes"])
def sample_command(operands: list[Operand], header: bool) -> None:
    """Functional coverage of one command."""


@CoverPoint("systolic.outer", xf=lambda outer, inner: outer > 1, bins=[False, True])
@CoverPoint("systolic.inner", xf=lambda outer, inner: inner > 1, bins=[False, True])
@CoverCross("systolic.nest", items=["systolic.outer", "systolic.inner"])
def sample_nest(outer: int, inner: int) -> None:
    """Functional coverage of the loops over rows."""


def _describe(operand: Operand) -> str:
    mode, shape = "T" if operand.transpose else "N", list(operand.shape)
    return f"{list(operand.activations.shape)} x {operand.format.name} {shape} {mode} scale {operand.scale:.4g}"


def _size(rows: int) -> str:
    return "one" if rows == 1 else ("most" if rows == config()["max_rows"] else "few")


def _second(operands: list[Operand]) -> str:
    if len(operands) == 1:
        return "none"
    second = operands[1]
    return ("T, several blocks" if second.shape[0] > BLOCK else "T") if second.transpose else "N"


def _first_block(operands: list[Operand]) -> str:
    weights = operands[0].weights
    return ("another" if weights.first else "zero") if isinstance(weights, StoredCodes) else "no codes"


def scratchpad(rng: np.random.Generator | None = None, scattered: bool = True) -> Placement:
    """An empty scratchpad."""
    words, rng = 1 << parameters(config())["SCRATCH_W"], rng or np.random.default_rng(random.getrandbits(32))
    return Placement(words, rng, scattered)


def tile_beats_limit() -> float:
    """Largest share of cycles with a beat, in N mode: a tile of codes must not take fewer cycles than its columns."""
    loaded = 2 if config()["columns"] % 2 == 0 else 1
    return min(1.0, TILE_BYTES * 8 / config()["bus_width"] / (BLOCK // loaded))


def sample_program(program: Program) -> None:
    """Functional coverage of commands that have been done."""
    for command_bits, (operands, header) in zip(program.commands, program.products, strict=True):
        for operand in operands:
            sample(operand, 0)
        sample_command(operands, header)
        sample_nest(*(command_bits >> lsb & 0xFFFF for lsb in (64, 80)))


def compiled(operands: list[Operand], placement: Placement | None = None, header: bool = True) -> Program:
    """One product, logged; its rows in an empty scratchpad if no other is given."""
    chosen = config()
    header &= isinstance(operands[0].weights, StoredCodes)
    name = " + ".join(map(_describe, operands))
    cocotb.log.info("product: %s%s", name, ", header" if header else "")
    shape = chosen["act_width"], chosen["bus_width"], chosen["columns"]
    program = compile_product(operands, placement or scratchpad(), *shape, header)
    program.writes = [(word, f"{name}, {context}") for word, context in program.writes]
    return program


def commands_in_a_row(rng: np.random.Generator, count: int, size: int) -> Program:
    """Products of all kinds, their tiles directly behind one another; some codes have a header, some use the last.

    Codes that use the last header may be of another format than those that came with it.
    """
    placement, program = scratchpad(rng), Program()
    for number in range(count):
        header = number == 0 or rng.random() < 0.4
        if header:
            codes = random_codes(rng, size, size, ENTRIES)
        transpose = bool(rng.integers(2))
        forms = [form for form in CODE_BITS if not (transpose and form == WeightFormat.INT8)]
        form = forms[rng.integers(len(forms))]
        values = rng.integers(0, 1 << CODE_BITS[form], codes.codes.shape, np.uint8)
        codes = replace(codes, codes=values, format=form)
        operand = random_operand(rng, int(rng.integers(1, 4)), transpose, size, size, None)
        if header or rng.random() < 0.5:
            operand = Operand(operand.activations, codes, transpose)
        program += compiled([operand], placement, header)
    return program


class MatrixTest(uvm_test):
    """Run products one after another; subclasses say which."""

    full_speed = False
    paces: Mapping[str, Pace] = {}
    corrupt: int | None = None

    def build_phase(self) -> None:
        self.env = MatrixEnv("env", self, self.full_speed, self.paces)

    def end_of_elaboration_phase(self) -> None:
        self.env.writes.corrupt = self.corrupt

    def products(self) -> Iterator[list[Operand]]:
        """Yield operands."""
        raise NotImplementedError

    def programs(self) -> Iterator[Program]:
        """Yield what is run, one after the other with the engine idle between."""
        for operands in self.products():
            yield compiled(operands)

    async def run(self, program: Program) -> None:
        """Run commands; they are covered when all that they write and report was right."""
        await self.env.run(program)
        if not self.env.scoreboard.mismatches and not self.env.ends.mismatches:
            sample_program(program)

    async def body(self) -> None:
        """What the test does once the clock runs."""
        for program in self.programs():
            await self.run(program)

    async def run_phase(self) -> None:
        self.raise_objection()
        initialise_inputs()
        await start(cocotb.top)
        begin = cycle()
        await self.body()
        boards = self.env.scoreboard, self.env.ends
        compared, mismatches = (sum(getattr(b, name) for b in boards) for name in ("compared", "mismatches"))
        finish("systolic", compared, mismatches, cycle() - begin, injected=self.corrupt is not None)
        self.drop_objection()

    def check_phase(self) -> None:
        assert self.env.refused == 0, "a command was refused"
        assert not self.env.stream_errors, "a stream error was reported"


@pyuvm.test()
class RandomProducts(MatrixTest):
    """Products of random kinds and sizes with random pauses on every stream."""

    def products(self):
        chosen = config()
        rows = scaled(chosen["max_rows"], min(4, chosen["max_rows"]))
        for _ in range(scaled(20, 2)):
            yield random_product(rows, min(ENTRIES, chosen["nested_depth"]), scaled(3, 1))


@pyuvm.test()
class Corners(MatrixTest):
    """Extremes of the number range, non-finite values, smallest shapes; an ordinary product after them is unharmed."""

    def products(self):
        corners = list(corner_products().items())
        for name, operands in random.sample(corners, scaled(len(corners), 3)):
            cocotb.log.info("corner: %s", name)
            yield operands
        rng = np.random.default_rng(1)
        depth = config()["nested_depth"]
        yield [random_operand(rng, 2, False, BLOCK, BLOCK, scaled(depth, min(depth, 128)))]


@pyuvm.test(skip=NARROW_ONLY)
class BackToBack(MatrixTest):
    """Commands that follow one another without a gap."""

    paces = {"writes": Pace(0.2, 100)}  # long enough for a block's last word to meet the next block's first

    def programs(self):
        rng = np.random.default_rng(random.getrandbits(32))
        for _ in range(scaled(3, 1)):
            yield commands_in_a_row(rng, scaled(8, 2), 2 * BLOCK)


@pyuvm.test()
class FewVectors(MatrixTest):
    """Tiles of two or more passes and so few vectors that an accumulator's total is written after the next tile starts.

    The next tile must wait, however its weights come. Here long pauses make the later passes of one tile late and those
    of the next early, while activations and commands have time to run ahead.
    """

    paces = {"wgt": Pace(0.2, 60), "cmd": Pace(), "reads": Pace()}

    def products(self):
        rng = np.random.default_rng(random.getrandbits(32))
        columns = config()["columns"]
        # A tile that does not wait shows in two of five products where a pass is shortest, on one column.
        for _ in range(scaled(12, 4)):
            rows, stored = int(rng.choice([1, 1, 2])), list(VALUE_BYTES)[rng.integers(len(VALUE_BYTES))]
            lines = int(rng.choice([columns + 1, rng.integers(columns + 1, 3 * columns + 1)]))
            length = BLOCK * scaled(16, 4)
            weights = random_values(rng, (lines, length), stored)
            yield [Operand(random_values(rng, (rows, length)), weights, False, stored=stored)]


@pyuvm.test(skip=NARROW_ONLY)
class ResultsWait(MatrixTest):
    """More output blocks than accumulator buffers, and a scratchpad that takes no results for long times."""

    full_speed = True
    paces = {"writes": Pace(0.9, 60)}

    def products(self):
        rng = np.random.default_rng(random.getrandbits(32))
        for transpose in (False, True):
            outputs = scaled(6, 3) * BLOCK
            shape = (BLOCK, outputs) if transpose else (outputs, BLOCK)
            activations = random_values(rng, (scaled(config()["max_rows"], 2), BLOCK))
            yield [Operand(activations, random_codes(rng, *shape), transpose)]


@pyuvm.test()
class IllegalCommands(MatrixTest):
    """What the array cannot do is refused, nothing of it happens, and the next command is done."""

    async def body(self):
        dut, chosen, env = cocotb.top, config(), self.env
        changes = list(illegal_changes(chosen["max_rows"], chosen["nested_depth"], 1 << len(dut.w_addr_o)))
        for number, (name, change) in enumerate(random.sample(changes, scaled(len(changes), 8))):
            await within(5 * chosen["max_rows"] + 100, env.send([command(**legal_fields() | change)]), name)
            for _ in range(8):
                await RisingEdge(dut.clk_i)
                assert dut.idle_o.value and not dut.req_valid_o.value, f"{name} was begun"
            assert env.refused == number + 1, f"{name} was not refused"
        env.refused = 0
        await self.run(compiled(random_product(2, 1, 1)))


@pyuvm.test(skip=NARROW_ONLY)
class StreamErrors(MatrixTest):
    """A stream that ends too early or too late is told once, after the commands before its own have ended."""

    async def body(self):
        rng = np.random.default_rng(random.getrandbits(32))
        for case in range(scaled(8, 2)):
            self.env.stream_errors.clear()
            program = commands_in_a_row(rng, 3, BLOCK)
            ends = [-1, *(number for number, beat in enumerate(program.stream) if beat["last"])]
            wrong, late = int(rng.integers(3)), case % 2
            beat = ends[wrong + 1] if late else int(rng.integers(ends[wrong] + 1, ends[wrong + 1]))
            program.stream[beat]["last"] ^= 1
            await self.run(program)
            assert self.env.stream_errors == [wrong], f"stream of command {wrong}: told after {self.env.stream_errors}"
            await self.env.reset()
        self.env.stream_errors.clear()
        await self.run(compiled(random_product(2, 1, 1)))


@pyuvm.test(expect_error=ScoreboardError)
class FaultIsSeen(MatrixTest):
    """One flipped bit in one written word must fail the scoreboard."""

    corrupt = 0

    def products(self):
        yield random_product(4, 1, 1)


class Utilisation(MatrixTest):
    """Measure busy slots without pauses; by default of the stream, with codes as weights."""

    full_speed = True
    rows = 1
    transpose, unit = False, ""
    form = WeightFormat.CODES
    rivals = False

    def limit(self) -> float:
        """Largest possible share of busy slots."""
        return 1.0

    def products(self):
        rng = np.random.default_rng(3)
        blocks = scaled(6, 2)
        activations = rng.standard_normal((self.rows, blocks * BLOCK)).astype(np.float32)
        # Where tiles wait for one another, the first and the last must be few among many.
        shape = (scaled(3, 2) if self.limit() == 1 else 16) * BLOCK, blocks * BLOCK
        weights = random_codes(rng, *shape[:: -1 if self.transpose else 1], form=self.form)
        yield [Operand(activations, weights, self.transpose)]

    def programs(self):
        placement, program = scratchpad(scattered=False), Program()
        for operands in self.products():
            program += compiled(operands, placement)
        yield program

    async def body(self) -> None:
        for program in self.programs():
            cocotb.top.rivals_i.value = int(self.rivals)
            await self.run(program)

    def ratio(self) -> float:
        """Busy slots over all slots."""
        counters = self.env.counters
        return counters.beats / counters.beat_cycles

    def report_phase(self) -> None:
        ratio, limit = self.ratio(), self.limit()
        cocotb.log.info("%s: %.2f %%", type(self).__name__, 100 * ratio)
        assert ratio >= 0.95 * limit, f"{100 * ratio:.1f} % {self.unit}, 95 % of {100 * limit:.1f} % wanted"
        finish("systolic", 0, 0, 0, ratio, self.unit)


@pyuvm.test(skip=RATES_ELSEWHERE)
class ArrayIsBusy(Utilisation):
    """At least 95 % of the multiply-accumulate slots are used by 2 x COLUMNS rows, 4 x COLUMNS on a 64-bit bus.

    A tile's row has 8 words of activations, so the passes of more than 8 columns have to wait for them.
    """

    @property
    def unit(self) -> str:
        return f"of MAC slots ({self.rows} rows, {config()['columns']} columns)"

    @property
    def rows(self) -> int:
        return min(2 * config()["columns"] * max(1, 128 // config()["bus_width"]), config()["max_rows"])

    def limit(self) -> float:
        return min(1.0, -(-BLOCK // config()["columns"]) / 8)

    def ratio(self) -> float:
        counters = self.env.counters
        return counters.vectors / counters.active


@pyuvm.test(skip=RATES_ELSEWHERE)
class ArrayIsBusyAmongRivals(ArrayIsBusy):
    """The same while two others read a word per cycle from the scratchpad, and one writes."""

    rivals = True

    @property
    def unit(self) -> str:
        return f"of MAC slots ({self.rows} rows, scratchpad shared)"


@pyuvm.test(skip=RATES_ELSEWHERE)
class BusIsBusy(Utilisation):
    """With one row (decoding one token), a memory beat is consumed in at least 95 % of the cycles.

    An odd number of columns loads one per cycle: 64 cycles for a tile of 33 beats of 512 bits.
    """

    unit = "of cycles take a beat (codes)"

    def limit(self) -> float:
        return tile_beats_limit()


@pyuvm.test(skip=RATES_ELSEWHERE)
class BusIsBusyTransposed(Utilisation):
    """The same in T mode, where the transposer gives a column a cycle: 64 cycles for a tile of 33 beats of 512 bits."""

    transpose, unit = True, "of cycles take a beat (codes, T mode)"

    def limit(self) -> float:
        return min(1.0, TILE_BYTES * 8 / config()["bus_width"] / BLOCK)


class OtherCodes(Utilisation):
    """One row with codes that are not of 4 bits."""

    # Of so few tiles per output block that draining the results takes longer.
    short = simulator() == "icarus"

    @property
    def unit(self) -> str:
        return f"of cycles take a beat ({self.form.name})"

    def limit(self) -> float:
        """Smaller codes become beats of 4-bit codes, one per cycle."""
        width, bits = config()["bus_width"], max(4, CODE_BITS[self.form])
        ports = 2 if width == 512 and config()["columns"] % 2 == 0 else 1
        # Two steps for columns of 8-bit integers.
        columns = BLOCK // ports * bits // 4
        return tile_bytes(self.form) * 8 / width / max((BLOCK + BLOCK * BLOCK * bits // 8) * 8 / width, columns)


@pyuvm.test(skip=OtherCodes.short)
class IntegersKeepTheBusBusy(OtherCodes):
    """8-bit integers pass at the rate of the bus."""

    form = WeightFormat.INT8


@pyuvm.test(skip=OtherCodes.short)
class ThreeBits(OtherCodes):
    """3-bit codes take the time of 4-bit codes."""

    form = WeightFormat.CODES3


@pyuvm.test(skip=OtherCodes.short)
class TwoBits(OtherCodes):
    """And so do 2-bit codes."""

    form = WeightFormat.CODES2


@pyuvm.test(skip=RATES_ELSEWHERE)
class BusIsBusyAcrossCommands(Utilisation):
    """Commands with headers, one row each: what a header and a command cost the stream."""

    unit = "of cycles take a beat (codes, commands with headers)"

    def products(self):
        rng = np.random.default_rng(4)
        for _ in range(scaled(4, 2)):
            activations = random_values(rng, (1, 6 * BLOCK))
            yield [Operand(activations, random_codes(rng, 3 * BLOCK, 6 * BLOCK, 16), False)]

    def limit(self) -> float:
        # A command's first beat comes at most this many cycles later than without a header.
        beats = 18 * TILE_BYTES * 8 / config()["bus_width"]
        return beats / (beats / tile_beats_limit() + 60)


@pyuvm.test()
class StallsAreTold(MatrixTest):
    """Between a tile's vectors the array waits for weights; before them, for each row's words and their alignment."""

    full_speed = True

    def programs(self):
        rng = np.random.default_rng(random.getrandbits(32))
        most, waits = config()["max_rows"], []
        for rows in (1, most):
            trace = self.env.counters.trace = []
            codes = random_codes(rng, BLOCK, BLOCK)
            yield compiled([Operand(random_values(rng, (rows, BLOCK)), codes, False)])
            # A vector shows a cycle after the decision that the stalls are told of.
            entered, for_weights = [vector for vector, _, _ in trace[1:]], [weights for _, weights, _ in trace[:-1]]
            first, last = entered.index(True), len(entered) - entered[::-1].index(True)
            pairs = zip(entered[first:last], for_weights[first:last], strict=True)
            assert all(vector != weights for vector, weights in pairs), "a cycle was not told, or told wrongly"
            assert sum(for_weights[last:]) == 0, "the array waited for weights after its last vector"
            waits.append(sum(activations for _, _, activations in trace))
        assert waits[1] - waits[0] == (most - 1) * 8, f"1 row waits {waits[0]} cycles, {most} rows {waits[1]}"


class FloatWeights(Utilisation):
    """Floating-point weights: products of one output block that accumulate."""

    stored, lines, tiles = WeightFormat.FP32, BLOCK, 6
    modes: tuple[bool, ...] = (False,)

    def products(self):
        rng = np.random.default_rng(3)
        operands = []
        for transpose in self.modes:
            weights = random_values(rng, (self.lines, scaled(self.tiles, 2) * BLOCK), self.stored)
            activations = random_values(rng, (1, self.lines if transpose else weights.shape[1]))
            operands.append(Operand(activations, weights, transpose, stored=self.stored))
        for operand in operands:
            yield [operand]


@pyuvm.test(skip=RATES_ELSEWHERE)
class Fp32Weights(FloatWeights):
    """A beat in every cycle, N mode and then T mode."""

    modes, tiles, unit = (False, True), 3, "of cycles take a beat (FP32)"


@pyuvm.test(skip=RATES_ELSEWHERE)
class Fp16Weights(FloatWeights):
    """A beat in every cycle, N mode."""

    stored, unit = WeightFormat.FP16, "of cycles take a beat (FP16)"


@pyuvm.test(skip=RATES_ELSEWHERE)
class Fp16WeightsTransposed(FloatWeights):
    """A beat in every cycle, T mode."""

    stored, modes, unit = WeightFormat.FP16, (True,), "of cycles take a beat (FP16, T mode)"


@pyuvm.test(skip=RATES_ELSEWHERE)
class BlockWeights(FloatWeights):
    """BFP8 becomes FP16, a beat of it two: a beat in every other cycle, N mode and then T mode."""

    stored, modes, unit = WeightFormat.BFP8, (False, True), "of cycles take a beat (BFP8)"

    def limit(self) -> float:
        return 0.5


@pyuvm.test(skip=RATES_ELSEWHERE)
class CodesWithAdapter(Utilisation):
    """Codes, and after each output block's tiles one FP16 tile of as many rows as a beat has values, as LoRA has.

    Its columns come when all of it is there, so that up to LOST cycles are lost per output block: on 512 bits, where a
    block has about a thousand beats, more than the twentieth that is allowed elsewhere.
    """

    LOST = 72

    def products(self):
        rng, blocks, outputs = np.random.default_rng(5), scaled(32, 2) * BLOCK, scaled(3, 2) * BLOCK
        low = random_values(rng, (self.rank, outputs), WeightFormat.FP16)
        yield [
            Operand(random_values(rng, (1, blocks)), random_codes(rng, outputs, blocks), False),
            Operand(random_values(rng, (1, self.rank)), low, True, stored=WeightFormat.FP16),
        ]

    @property
    def rank(self) -> int:
        """Rows of the FP16 tile."""
        return config()["bus_width"] // 16

    @property
    def unit(self) -> str:
        return f"of cycles take a beat (codes, FP16 of rank {self.rank})"

    def limit(self) -> float:
        width = config()["bus_width"]
        beats = (32 * tile_bytes(WeightFormat.CODES) + 2 * BLOCK * self.rank) * 8 // width
        return min(tile_beats_limit(), beats / (beats + self.LOST) / 0.95)
