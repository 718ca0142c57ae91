"""The function unit against its golden model: corners, mantissas from all segments, pauses, an injected fault."""

from __future__ import annotations

import random

import cocotb
import numpy as np
import pyuvm
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence
from tb.models import fp32, functions
from tb.vector import coverage

MODELS = (functions.exp, functions.reciprocal, functions.rsqrt)
CORNERS = np.array(
    [0, 1, 0x7FFFFF, 0x800000, 0x800001, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x40000000, 0x7E800000]
    + [0x7E800001, 0x7F000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x42B17217, 0x42B17218, 0x42AEAC4F]
    + [0x42AEAC50, 0x42FFFFFF, 0x43000000, 0x32FFFFFF, 0x33000000, 0x33000001, 0x3F317218]
    + [0x7F800000 | 1 << bit for bit in range(23)],  # NaNs of one bit
    np.uint32,
)


def random_operands(rng: np.random.Generator, count: int) -> np.ndarray:
    """FP32 bits: any, near one, of the size that an exponential makes something of, and near the ends of a segment."""
    kinds = rng.integers(0, 4, count)
    bits = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    near = rng.uniform(-4, 4, count).astype(np.float32).view(np.uint32)
    wide = rng.uniform(-90, 90, count).astype(np.float32).view(np.uint32)
    width = 23 - functions.SEGMENT_BITS
    edge = bits & np.uint32(~((1 << width) - 1) & 0xFFFFFFFF) | rng.choice([0, 1, (1 << width) - 1], count)
    return np.select([kinds == 0, kinds == 1, kinds == 2], [bits, near, wide], edge).astype(np.uint32)


def expected(select: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Results as FP32 bits."""
    with np.errstate(all="ignore"):
        results = [fp32.to_bits(model(x.view(np.float32))) for model in MODELS]
    return np.choose(select, results)


class FunctionTest(uvm_test):
    """Builds source, sink and scoreboard; a subclass says what is sent, and how."""

    flow, injected = "full speed", False
    utilisation: float | None = None

    def pace(self, stream: str) -> Pace:
        """Pauses of a stream, "op" or "result"."""
        return Pace()

    def build_phase(self) -> None:
        dut = cocotb.top
        self.lanes = len(dut.op_x_i) // 32
        self.rng = np.random.default_rng(random.getrandbits(64))
        self.source = StreamAgent("source", self, StreamPort(dut, "op", ("function", "x"), True), self.pace("op"))
        self.sink = StreamAgent("sink", self, StreamPort(dut, "result", ("y",), False), self.pace("result"))
        self.board = Scoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        self.sink.monitor.analysis_port.connect(self.board.analysis_export)

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        """Functions, as indices into MODELS, and FP32 bits."""
        count = scaled(60_000, 8_000)
        return self.rng.integers(0, 3, count), random_operands(self.rng, count)

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(cocotb.top)
        select, x = (values[: len(values) // self.lanes * self.lanes] for values in self.operands())
        y = expected(select, x)
        beats = []
        for at in range(0, len(x), self.lanes):
            lanes = slice(at, at + self.lanes)
            fields = (int.from_bytes(values[lanes].astype("<u4").tobytes(), "little") for values in (x, y))
            operand, result = fields
            function = sum(int(value) << 2 * lane for lane, value in enumerate(select[lanes]))
            beats.append({"function": function, "x": operand})
            self.board.expect({"y": result}, f"functions {select[lanes].tolist()} of {[hex(v) for v in x[lanes]]}")
        began = cycle()
        limit = 60 * len(beats) + 1000
        await within(limit, StreamSequence(beats).start(self.source.sequencer), "acceptance of all operands")
        await within(limit, self.board.drained(), "the last result")
        self.cycles = cycle() - began
        if not self.injected:
            coverage.sample(select, x, y)
            coverage.sample_flow(self.flow)
        if self.flow == "full speed" and not self.injected:
            self.utilisation = len(beats) / self.cycles
            assert self.cycles <= len(beats) + 20, f"{len(beats)} transfers took {self.cycles} cycles"
        self.drop_objection()

    def extract_phase(self) -> None:
        board, unit = self.board, "of cycles with a result" if self.utilisation is not None else ""
        count, wrong = board.compared * self.lanes, board.mismatches
        finish(coverage.GROUP, count, wrong, self.cycles, self.utilisation, unit, self.injected)


@pyuvm.test()
class Corners(FunctionTest):
    """Every function of every corner value and its negative, in every lane."""

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        x = np.concatenate([CORNERS, CORNERS | np.uint32(1 << 31)])
        select, x = np.repeat(np.arange(3), len(x)), np.tile(x, 3)
        padding = -len(x) % self.lanes + 1  # an odd number of values: each comes to another lane every time
        select, x = np.pad(select, (0, padding)), np.pad(x, (0, padding))
        return np.tile(select, self.lanes), np.tile(x, self.lanes)


@pyuvm.test()
class FullSpeed(FunctionTest):
    """Random operands without a pause: a result per lane and cycle."""


@pyuvm.test()
class Segments(FunctionTest):
    """Both ends and the middle of every segment of every table."""

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        width = 23 - functions.SEGMENT_BITS
        ends = np.array([0, 1, (1 << width - 1) - 1, 1 << width - 1, (1 << width) - 1], np.uint32)
        mantissas = (np.arange(functions.SEGMENTS, dtype=np.uint32)[:, None] << np.uint32(width) | ends).reshape(-1)
        ones = np.concatenate([mantissas | np.uint32(exponent << 23) for exponent in (127, 128)])
        points = (np.arange(functions.SEGMENTS)[:, None] + [1e-6, 0.5, 1 - 1e-6]).reshape(-1) / functions.SEGMENTS
        exps = ((points + self.rng.integers(-20, 20, len(points))) * np.log(2)).astype(np.float32).view(np.uint32)
        return np.repeat([1, 2, 0], [len(ones), len(ones), len(exps)]), np.concatenate([ones, ones, exps])


@pyuvm.test()
class Ties(FunctionTest):
    """Reciprocals and roots nearest to halfway between two FP32 numbers, where the last bits of the products decide."""

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        fraction = self.rng.integers(0, 1 << 23, 1 << 22)
        place, period = functions.locate(fraction), 1 << functions.SUM_SHIFT + functions.MANTISSA_BITS - 24
        selects, operands = [], []
        for select, exponent, name in ((1, 127, "reciprocal"), (2, 127, "rsqrt"), (2, 128, "rsqrt_odd")):
            beyond_half = (functions.polynomial(functions.tables()[name], *place) + period // 2) % period
            nearest = np.argpartition(np.minimum(beyond_half, period - beyond_half), 1000)[:1000]
            operands.append(fraction[nearest] | exponent << 23)
            selects.append(np.full(len(nearest), select))
        return np.concatenate(selects), np.concatenate(operands).astype(np.uint32)


@pyuvm.test()
class SourcePauses(FunctionTest):
    """Gaps between the operands."""

    flow = "source pauses"

    def pace(self, stream: str) -> Pace:
        return Pace(0.5, 3) if stream == "op" else Pace()

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        return tuple(values[:4000] for values in super().operands())


@pyuvm.test()
class SinkPauses(SourcePauses):
    """The results are stalled, so that the pipeline freezes partly filled."""

    flow = "sink pauses"

    def pace(self, stream: str) -> Pace:
        return Pace(0.5, 3)


@pyuvm.test(expect_error=ScoreboardError)
class CorruptResult(SourcePauses):
    """One bit of one result is flipped on its way to the scoreboard, which must see it."""

    injected = True

    def build_phase(self) -> None:
        super().build_phase()
        self.corrupt_at = random.randrange(100)

    def end_of_elaboration_phase(self) -> None:
        self.sink.monitor.corrupt = self.corrupt_at
