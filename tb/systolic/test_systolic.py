"""The matrix engine against its golden model: random products, corners, utilisation, and a fault that must be seen."""

from __future__ import annotations

import random
from collections.abc import Mapping

import cocotb
import numpy as np
import pyuvm
from cocotb_coverage.coverage import CoverCross, CoverPoint
from edge_qlora.layout import TILE_BYTES
from pyuvm import uvm_test

from tb.common.base import config, cycle, finish, scaled, start
from tb.common.scoreboard import ScoreboardError
from tb.common.stream import Pace
from tb.models.align import BLOCK
from tb.systolic.env import MatrixEnv, initialise_inputs, parameters
from tb.systolic.program import Operand, Program, StoredCodes, back_to_back, compile_product
from tb.systolic.stimulus import corner_products, random_codes, random_product, random_values


@CoverPoint("systolic.weights", xf=lambda o, rows, half: _kind(o), bins=["codes", "fp32", "fp16"])
@CoverPoint("systolic.mode", xf=lambda o, rows, half: "T" if o.transpose else "N", bins=["N", "T"])
@CoverCross("systolic.weights_mode", items=["systolic.weights", "systolic.mode"])
@CoverPoint("systolic.activations", xf=lambda o, rows, half: o.act_half, bins=[False, True])
@CoverPoint("systolic.rows", xf=lambda o, rows, half: _size(rows), bins=["one", "few", "most"])
@CoverPoint("systolic.lines", xf=lambda o, rows, half: _lines(o), bins=["whole", "partial"])
@CoverPoint("systolic.output", xf=lambda o, rows, half: half, bins=[False, True])
def sample(operand: Operand, rows: int, half: bool) -> None:
    """Functional coverage of one segment."""


def _describe(operand: Operand) -> str:
    shape = (operand.weights.codes if isinstance(operand.weights, StoredCodes) else operand.weights).shape
    x = f"{'fp16' if operand.act_half else 'fp32'} {list(operand.activations.shape)}"
    return f"{x} x {_kind(operand)} {list(shape)} {'T' if operand.transpose else 'N'} scale {operand.scale:.4g}"


def _kind(operand: Operand) -> str:
    return "codes" if isinstance(operand.weights, StoredCodes) else ("fp16" if operand.weight_half else "fp32")


def _size(rows: int) -> str:
    return "one" if rows == 1 else ("most" if rows == config()["max_rows"] else "few")


def _lines(operand: Operand) -> str:
    return "partial" if _kind(operand) != "codes" and operand.weights.shape[0] % BLOCK else "whole"


class MatrixTest(uvm_test):
    """Run products one after another; subclasses say which."""

    full_speed = False
    paces: Mapping[str, Pace] = {}
    corrupt: int | None = None

    def build_phase(self) -> None:
        self.env = MatrixEnv("env", self, self.full_speed, self.paces)

    def end_of_elaboration_phase(self) -> None:
        self.env.out.monitor.corrupt = self.corrupt

    def products(self):
        """Yield (operands, FP16 output)."""
        raise NotImplementedError

    def programs(self):
        """Yield what is run, one after the other with the unit idle between."""
        for operands, half in self.products():
            yield self.compiled(operands, half)

    @staticmethod
    def compiled(operands: list[Operand], half: bool) -> Program:
        """One product, logged and covered."""
        name = " + ".join(map(_describe, operands)) + (", FP16 results" if half else "")
        cocotb.log.info("product: %s", name)
        for operand in operands:
            sample(operand, len(operand.activations), half)
        program = compile_product(operands, *parameters(), half)
        program.expected = [(beat, f"{name}, {context}") for beat, context in program.expected]
        return program

    async def run_phase(self) -> None:
        self.raise_objection()
        initialise_inputs()
        await start(cocotb.top)
        begin = cycle()
        for program in self.programs():
            flags = self.env.counters.nonfinite
            await self.env.run(program)
            flagged = self.env.counters.nonfinite > flags
            assert flagged != program.finite, f"nonfinite_o {'rose' if flagged else 'did not rise'}"
        board = self.env.scoreboard
        finish("systolic", board.compared, board.mismatches, cycle() - begin, injected=self.corrupt is not None)
        self.drop_objection()


@pyuvm.test()
class RandomProducts(MatrixTest):
    """Products of random kinds and sizes with random pauses on every stream."""

    def products(self):
        chosen = config()
        rows = scaled(chosen["max_rows"], min(4, chosen["max_rows"]))
        for _ in range(scaled(40, 2)):
            yield random_product(rows, chosen["act_depth"], scaled(3, 1)), bool(random.getrandbits(1))


@pyuvm.test()
class Corners(MatrixTest):
    """Extremes of the number range, non-finite values, smallest shapes; an ordinary product after them is unharmed."""

    def products(self):
        corners = list(corner_products().items())
        for name, operands in random.sample(corners, scaled(len(corners), 3)):
            cocotb.log.info("corner: %s", name)
            yield operands, bool(random.getrandbits(1))
        rng = np.random.default_rng(1)
        yield [Operand(rng.standard_normal((2, BLOCK)).astype(np.float32), random_codes(rng, 64, 64), False)], True


@pyuvm.test()
class BackToBack(MatrixTest):
    """Products of all kinds and result formats whose tiles follow one another without a gap."""

    paces = {"out": Pace(0.2, 100)}  # long enough for a block's last beat to meet the next block's first

    def programs(self):
        rng = np.random.default_rng(random.getrandbits(32))
        for _ in range(scaled(4, 1)):
            codes = random_codes(rng, 2 * BLOCK, 2 * BLOCK)
            parts = []
            for number in range(scaled(8, 3)):
                kind = rng.integers(3) if number else 0
                half = bool(rng.integers(2))
                weights = codes if kind < 2 else random_values(rng, (2 * BLOCK, 2 * BLOCK), half)
                activations = random_values(rng, (int(rng.integers(1, 4)), 2 * BLOCK), False)
                operand = Operand(activations, weights, bool(rng.integers(2)), weight_half=half and kind == 2)
                parts.append(self.compiled([operand], bool(rng.integers(2))))
            yield back_to_back(parts, codes.codebook)


@pyuvm.test()
class FewVectors(MatrixTest):
    """Tiles of two or more passes and so few vectors that an accumulator's total is written after the next tile starts.

    The next tile must wait, however its weights come. Here long pauses make the later passes of one tile late and those
    of the next early, while activations and commands have time to run ahead.
    """

    paces = {"wgt": Pace(0.2, 60), "tile": Pace(), "act": Pace()}

    def products(self):
        rng = np.random.default_rng(random.getrandbits(32))
        columns = config()["columns"]
        for _ in range(scaled(60, 4)):
            rows, half = int(rng.choice([1, 1, 2])), bool(rng.integers(4))
            lines = int(rng.choice([columns + 1, rng.integers(columns + 1, 3 * columns + 1)]))
            length = BLOCK * scaled(16, 4)
            weights = random_values(rng, (lines, length), half)
            yield [Operand(random_values(rng, (rows, length), False), weights, False, weight_half=half)], False


@pyuvm.test()
class ResultsWait(MatrixTest):
    """More output blocks than accumulator buffers, and nobody who takes the results for long times."""

    full_speed = True
    paces = {"out": Pace(0.9, 60)}

    def products(self):
        rng = np.random.default_rng(random.getrandbits(32))
        for transpose in (False, True):
            shape = (BLOCK, 6 * BLOCK) if transpose else (6 * BLOCK, BLOCK)
            activations = random_values(rng, (scaled(config()["max_rows"], 2), BLOCK), False)
            yield [Operand(activations, random_codes(rng, *shape), transpose)], False


@pyuvm.test(expect_error=ScoreboardError)
class FaultIsSeen(MatrixTest):
    """One flipped bit in one output beat must fail the scoreboard."""

    corrupt = 0

    def products(self):
        yield random_product(4, config()["act_depth"], 1), False


class Utilisation(MatrixTest):
    """Measure busy slots without pauses; by default of the memory bus, with codes as weights."""

    full_speed = True
    rows = 1
    transpose, unit = False, ""

    def limit(self) -> float:
        """Largest possible share of busy slots."""
        return 1.0

    def products(self):
        rng = np.random.default_rng(3)
        blocks = min(scaled(6, 2), config()["act_depth"] // self.rows)
        activations = rng.standard_normal((self.rows, blocks * BLOCK)).astype(np.float32)
        # Where tiles wait for one another, the first and the last must be few among many.
        shape = (scaled(3, 2) if self.limit() == 1 else 16) * BLOCK, blocks * BLOCK
        weights = random_codes(rng, *shape[:: -1 if self.transpose else 1])
        yield [Operand(activations, weights, self.transpose)], False

    def ratio(self) -> float:
        """Busy slots over all slots."""
        counters = self.env.counters
        return counters.beats / counters.beat_cycles

    def report_phase(self) -> None:
        ratio, limit = self.ratio(), self.limit()
        cocotb.log.info("%s: %.2f %%", type(self).__name__, 100 * ratio)
        assert ratio >= 0.95 * limit, f"{100 * ratio:.1f} % {self.unit}, 95 % of {100 * limit:.1f} % wanted"
        finish("systolic", 0, 0, 0, ratio, self.unit)


@pyuvm.test()
class ArrayIsBusy(Utilisation):
    """At least 95 % of the multiply-accumulate slots are used by 2 x COLUMNS rows, 4 x COLUMNS on a 64-bit bus."""

    @property
    def unit(self) -> str:
        return f"of MAC slots ({self.rows} rows, {config()['columns']} columns)"

    @property
    def rows(self) -> int:
        return min(2 * config()["columns"] * max(1, 128 // config()["bus_width"]), config()["max_rows"])

    def ratio(self) -> float:
        counters = self.env.counters
        return counters.vectors / counters.active


@pyuvm.test()
class BusIsBusy(Utilisation):
    """With one row (decoding one token), a memory beat is consumed in at least 95 % of the cycles.

    An odd number of columns loads one per cycle: 64 cycles for a tile of 33 beats of 512 bits.
    """

    unit = "of cycles take a beat (codes)"

    def limit(self) -> float:
        loaded = 2 if config()["columns"] % 2 == 0 else 1
        return min(1.0, TILE_BYTES * 8 / config()["bus_width"] / (BLOCK // loaded))


@pyuvm.test()
class BusIsBusyTransposed(Utilisation):
    """The same in T mode, where the transposer gives a column a cycle: 64 cycles for a tile of 33 beats of 512 bits."""

    transpose, unit = True, "of cycles take a beat (codes, T mode)"

    def limit(self) -> float:
        return min(1.0, TILE_BYTES * 8 / config()["bus_width"] / BLOCK)


@pyuvm.test()
class StallsAreTold(MatrixTest):
    """Between a tile's vectors the array waits for weights; before them, for each row's beats and their alignment."""

    full_speed = True

    def programs(self):
        rng = np.random.default_rng(random.getrandbits(32))
        most, waits = config()["max_rows"], []
        for rows in (1, most):
            trace = self.env.counters.trace
            trace.clear()
            codes = random_codes(rng, BLOCK, BLOCK)
            yield self.compiled([Operand(random_values(rng, (rows, BLOCK), False), codes, False)], False)
            # A vector shows a cycle after the decision that the stalls are told of.
            entered, for_weights = [vector for vector, _, _ in trace[1:]], [weights for _, weights, _ in trace[:-1]]
            first, last = entered.index(True), len(entered) - entered[::-1].index(True)
            pairs = zip(entered[first:last], for_weights[first:last], strict=True)
            assert all(vector != weights for vector, weights in pairs), "a cycle was not told, or told wrongly"
            assert sum(for_weights[last:]) == 0, "the array waited for weights after its last vector"
            waits.append(sum(activations for _, _, activations in trace))
        # Scratchpad words hold as many values as are aligned per cycle; loading moves one per cycle, or a beat.
        words = BLOCK // next(lanes for lanes in (4, 8, 16) if config()["columns"] <= lanes)
        per_row = max(BLOCK * 32 // config()["bus_width"], words) + words
        assert waits[1] - waits[0] == (most - 1) * per_row, f"1 row waits {waits[0]} cycles, {most} rows {waits[1]}"


class FloatWeights(Utilisation):
    """Floating-point weights: products of one output block that accumulate."""

    half, lines, tiles = False, BLOCK, 6
    modes: tuple[bool, ...] = (False,)

    def products(self):
        rng = np.random.default_rng(3)
        operands = []
        for transpose in self.modes:
            for _ in range(scaled(self.tiles, 2)):
                activations = random_values(rng, (1, self.lines if transpose else BLOCK), False)
                weights = random_values(rng, (self.lines, BLOCK), self.half)
                operands.append(Operand(activations, weights, transpose, weight_half=self.half))
        yield operands, False


@pyuvm.test()
class Fp32Weights(FloatWeights):
    """A beat in every cycle, N mode and then T mode."""

    modes, tiles, unit = (False, True), 3, "of cycles take a beat (FP32)"


@pyuvm.test()
class Fp16Weights(FloatWeights):
    """A beat in every cycle, N mode."""

    half, unit = True, "of cycles take a beat (FP16)"


@pyuvm.test()
class Fp16WeightsTransposed(FloatWeights):
    """A beat in every cycle, T mode."""

    half, modes, unit = True, (True,), "of cycles take a beat (FP16, T mode)"


@pyuvm.test()
class Fp16WeightsFewRows(FloatWeights):
    """The same with tiles of as many rows as a beat has values: 64 beats and 64 columns of one beat each."""

    half, modes, tiles = True, (True,), 24

    @property
    def lines(self) -> int:
        return config()["bus_width"] // 16

    @property
    def unit(self) -> str:
        return f"of cycles take a beat (FP16, T mode, {self.lines} rows)"
