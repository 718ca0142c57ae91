"""Environment of the engines: command streams, weight stream, memory, scratchpad, and what all of them should hold."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotb_coverage.coverage import CoverPoint, coverage_section
from edge_qlora.command_layout import Command, ValueFormat
from pyuvm import uvm_component, uvm_env, uvm_test

from tb.axi_master.memory import AxiMemory, any_paces
from tb.axi_master.model import PAGE, Faults, Geometry
from tb.common.base import PERIOD_NS, cycle, each_pulse, finish, start, within
from tb.common.coverage import events
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamAgent, StreamPort, StreamSequence
from tb.models import transfers
from tb.models.transfers import LINE, WORD, Fields
from tb.transfers import stimulus
from tb.transfers.stimulus import LINES, WORDS, moved, pack

GROUP = "transfers"
DUT = cocotb.top
BUS = len(DUT.wgt_data_o)
LINE_BITS = len(DUT.load_tag_i)
ENGINES = {"load": Command.LOAD, "read": Command.READ, "write": Command.WRITE}
CHANNELS = ("ar", "r", "aw", "w", "b")
# Of a read of the scratchpad, at most.
ANSWER_CYCLES = 16


@coverage_section(
    CoverPoint(f"{GROUP}.format", xf=lambda engine, fields: (engine, fields["format"]), bins=[
        *(("read", form) for form in stimulus.READ_FORMATS), *(("write", form) for form in ValueFormat)
    ]),
    CoverPoint(f"{GROUP}.rows", xf=lambda _, fields: (min(fields["outer"], 2), min(fields["inner"], 2)), bins=[
        (outer, inner) for outer in (1, 2) for inner in (1, 2)
    ]),
    CoverPoint(f"{GROUP}.downwards", xf=lambda _, fields: [
        name for name in ("outer_stride", "inner_stride", "s_outer", "s_inner") if fields[name] >= 1 << 15
    ], rel=lambda found, name: name in found, inj=True, bins=["outer_stride", "inner_stride", "s_outer", "s_inner"]),
)  # fmt: skip
def sample_transfer(engine: str, fields: Fields) -> None:
    """A READ or WRITE command."""


@CoverPoint(
    f"{GROUP}.load",
    xf=lambda fields: (
        tuple(bool(fields[f"lines{p}"] and fields[f"rows{p}"]) for p in (0, 1))
        + (bool(fields["header_lines"]), fields["count"] > 1)
    ),
    bins=[(a, b, h, n) for a in (0, 1) for b in (0, 1) for h in (0, 1) for n in (0, 1) if a or b or h],
)
def sample_load(fields: Fields) -> None:
    """A LOAD command: which parts there are, whether there is a header, and more than one repetition."""


VALUES = ("outer", "inner", "length", "part of a line", "part of an FP16 line", "format")
ADDRESSES = ("first row", "last word", "wrapped")


# A command that cannot be taken.
sample_bad = events(
    f"{GROUP}.bad",
    ["load count", "load empty"]
    + [f"{name} {k}" for name in ("read", "write") for k in VALUES + ADDRESSES]
    + ["write part of a BFP8 line"],
)


def random_base() -> int:
    """Address of a memory image, a multiple of PAGE, anywhere that commands reach but the two ends."""
    return random.randrange(LINES * LINE // PAGE, ((1 << 38) - 2 * LINES * LINE) // PAGE) * PAGE


_BASE = random_base()
BASES = _BASE, _BASE ^ (1 << 38) - PAGE  # each bit has both values


class Image:
    """Memory for the AXI model, in an array; its first byte has the address ``base``."""

    def __init__(self, data: np.ndarray, base: int) -> None:
        self.data, self.base = data, base

    def read(self, addr: int) -> int:
        """The beat at an address."""
        at = addr - self.base
        return int.from_bytes(self.data[at : at + BUS // 8].tobytes(), "little")

    def write(self, addr: int, data: int) -> None:
        """Store a beat."""
        at = addr - self.base
        self.data[at : at + BUS // 8] = np.frombuffer(data.to_bytes(BUS // 8, "little"), np.uint8)


class Pulses(uvm_component):
    """Counts the engines' pulses and the beats on the bus, of which none may come without room for it.

    Attributes:
        done, bad: pulses of each engine.
        reads, writes: cycles in which a beat was moved.
        words: how many WRITE has read.
    """

    def build_phase(self) -> None:
        self.done, self.bad = dict.fromkeys(ENGINES, 0), dict.fromkeys(ENGINES, 0)
        self.reads: list[int] = []
        self.writes: list[int] = []
        self.words = 0

    async def run_phase(self) -> None:
        for name, (kind, counts) in itertools.product(ENGINES, (("done", self.done), ("bad", self.bad))):
            self._each(getattr(DUT, f"{name}_{kind}_o"), lambda name=name, counts=counts: self._count(counts, name))
        self._each(DUT.rbeat_o, lambda: self.reads.append(cycle()))
        self._each(DUT.wbeat_o, lambda: self.writes.append(cycle()))
        self._each(DUT.word_o, self._word)
        self._each(DUT.overflow_o, self._overflow)

    @staticmethod
    def _each(signal, action: Callable[[], None]) -> None:
        cocotb.start_soon(each_pulse(DUT, signal, action))

    @staticmethod
    def _count(counts: dict[str, int], name: str) -> None:
        counts[name] += 1

    def _word(self) -> None:
        self.words += 1

    @staticmethod
    def _overflow() -> None:
        assert DUT.stop_i.value, "a beat came for which its engine had no room"


class TransfersEnv(uvm_env):
    """Streams, counters and golden state.

    Attributes:
        memory, scratch: uint8 [LINES * 64] and uint32 [WORDS, 8] as they should be.
        image: what the bus sees.
        base: address of the image's first byte.
        board: the weight stream.
    """

    def __init__(self, name: str, parent: uvm_component, commands: Pace, weights: Pace, base: int | None) -> None:
        super().__init__(name, parent)
        self.commands, self.weights = commands, weights
        self.base = random_base() if base is None else base
        self.memory, self.scratch = stimulus.image(), stimulus.scratch()
        self.image = Image(self.memory.copy(), self.base)

    def build_phase(self) -> None:
        ports = {name: StreamPort(DUT, name, ("cmd", "tag"), True) for name in ENGINES}
        ports["wgt"] = StreamPort(DUT, "wgt", ("data", "last"), False)
        for port in ports.values():
            port.reset_n = DUT.engine_rst_ni
        paces = dict.fromkeys(ENGINES, self.commands) | {"wgt": self.weights}
        self.agents = {name: StreamAgent(name, self, port, paces[name]) for name, port in ports.items()}
        self.board = Scoreboard("weights", self)
        self.pulses = Pulses("pulses", self)

    def connect_phase(self) -> None:
        self.agents["wgt"].monitor.analysis_port.connect(self.board.analysis_export)

    def predict(self, engine: str, fields: Fields) -> None:
        """What a good command does."""
        if engine == "read":
            transfers.read_rows(self.memory, self.scratch, fields)
        elif engine == "write":
            transfers.write_rows(self.memory, self.scratch, fields)
        else:
            beats = transfers.load_stream(self.memory, fields).reshape(-1, BUS // 8)
            for number, beat in enumerate(beats, 1):
                data = int.from_bytes(beat.tobytes(), "little")
                self.board.expect({"data": data, "last": int(number == len(beats))}, f"beat {number} of {len(beats)}")
            sample_load(fields)
            return
        sample_transfer(engine, fields)


class TransfersTest(uvm_test):
    """Resets everything, runs ``body`` and compares what is left; memory and scratchpad begin with random content."""

    injected = False
    ideal = False  # run on the memory that never makes the bus wait
    full_speed = False  # give commands and take weights without pauses
    quick = False  # the memory does not pause
    slow = False  # the memory pauses before every other transfer
    base: int | None = None  # of the memory image; random
    utilisation: tuple[str, float] | None = None

    def build_phase(self) -> None:
        paces = (Pace(), Pace()) if self.full_speed else (Pace(0.5, 20), Pace.any())
        self.env = TransfersEnv("env", self, *paces, self.base)
        self.compared = 0

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        DUT.rst_ni.value, DUT.engine_rst_ni.value, DUT.stop_i.value, DUT.ideal_i.value = 1, 0, 0, int(self.ideal)
        DUT.host_read_valid_i.value, DUT.host_write_valid_i.value = 0, 0
        self.window(self.env.base, self.env.base + LINES * LINE)
        # The memory model acts on edges of the reset, so it must see one, and that before the first clock edge.
        await Timer(PERIOD_NS, "ns")
        geometry = Geometry(BUS // 8, 256, len(DUT.window_base_i))
        steady = Pace() if self.ideal or self.quick else Pace(0.5, 80 * BUS // 512) if self.slow else None
        paces = dict.fromkeys(CHANNELS, steady) if steady else any_paces()
        AxiMemory(DUT, self.env.image, Faults([]), geometry, paces)
        DUT.rst_ni.value = 0
        await Timer(PERIOD_NS, "ns")
        await start(DUT)
        DUT.engine_rst_ni.value = 1
        began = cycle()
        await self.fill(self.env.scratch)
        await self.body()
        unit, ratio = self.utilisation or ("", None)
        board = self.env.board
        finish(GROUP, self.compared + board.compared, board.mismatches, cycle() - began, ratio, unit, self.injected)
        self.drop_objection()

    def window(self, base: int, limit: int) -> None:
        """Set the memory window."""
        DUT.window_base_i.value, DUT.window_limit_i.value = base, limit

    async def send(self, engine: str, commands: Iterable[Fields], tags: Iterable[int] | None = None) -> None:
        """Give commands to an engine; their addresses count from the image's first line."""
        tags = tags or (random.getrandbits(LINE_BITS) for _ in itertools.count())
        items = (
            {"cmd": pack(ENGINES[engine], moved(fields, self.env.base // LINE)), "tag": tag}
            for fields, tag in zip(commands, tags, strict=False)
        )
        await StreamSequence(items).start(self.env.agents[engine].sequencer)

    async def run(self, limit: int, **commands: list[Fields]) -> None:
        """Run good commands of some engines side by side to their end, and predict what they do."""
        done = dict(self.env.pulses.done)
        for engine, fields in commands.items():
            for each in fields:
                self.env.predict(engine, each)
            done[engine] += len(fields)
            cocotb.start_soon(self.send(engine, fields))
        await within(limit, self.settled(done), f"the end of all commands, {done}")

    async def settled(self, done: dict[str, int]) -> None:
        """Wait for so many ends of commands, and for all weights."""
        while self.env.pulses.done != done:
            assert not any(self.env.pulses.bad.values()), f"good commands refused: {self.env.pulses.bad}"
            await ClockCycles(DUT.clk_i, 8)
        await self.env.board.drained()

    async def recover(self) -> None:
        """After an error: stop the master, wait until it is at rest, reset the engines, and let all go on."""
        DUT.stop_i.value = 1
        await ClockCycles(DUT.clk_i, 2)
        await within(20_000, self.seen(DUT.drained_o), "rest of the master")
        DUT.engine_rst_ni.value = 0
        await ClockCycles(DUT.clk_i, 4)
        DUT.engine_rst_ni.value, DUT.stop_i.value = 1, 0
        self.env.pulses.bad.update(dict.fromkeys(ENGINES, 0))
        await ClockCycles(DUT.clk_i, 2)

    async def seen(self, signal) -> None:
        """Wait for a clock edge at which a signal is high."""
        await RisingEdge(DUT.clk_i)
        while not signal.value:
            await RisingEdge(DUT.clk_i)

    async def fill(self, words: np.ndarray) -> None:
        """Write words [n, 8] into the first places of the scratchpad."""
        for address, word in enumerate(words):
            await self.write_word(address, word)
        DUT.host_write_valid_i.value = 0

    async def write_word(self, address: int, word: np.ndarray) -> None:
        """Write a word [8], as the golden scratchpad has it from then on; the port is left asking for the next one."""
        self.env.scratch[address] = word
        DUT.host_write_valid_i.value, DUT.host_write_addr_i.value = 1, address
        DUT.host_write_data_i.value = int.from_bytes(word.astype("<u4").tobytes(), "little")
        await RisingEdge(DUT.clk_i)
        while not DUT.host_write_ready_o.value:
            await RisingEdge(DUT.clk_i)

    async def read_words(self, addresses: Iterable[int]) -> np.ndarray:
        """Words of the scratchpad [n, 8]."""
        words = []
        for address in addresses:
            DUT.host_read_valid_i.value, DUT.host_read_addr_i.value = 1, address
            await RisingEdge(DUT.clk_i)
            while not DUT.host_read_ready_o.value:
                await RisingEdge(DUT.clk_i)
            DUT.host_read_valid_i.value = 0
            for _ in range(ANSWER_CYCLES):
                await RisingEdge(DUT.clk_i)
                if DUT.host_answer_valid_o.value:
                    break
            assert DUT.host_answer_valid_o.value, "the scratchpad did not answer"
            words.append(int(DUT.host_answer_data_o.value).to_bytes(32, "little"))
        return np.frombuffer(b"".join(words), "<u4").reshape(-1, WORD)

    async def compare(self) -> None:
        """Hold scratchpad and memory against what they should be."""
        found = await self.read_words(range(WORDS))
        wrong = np.argwhere(found != self.env.scratch)
        if len(wrong):
            word, lane = wrong[0]
            raise ScoreboardError(
                f"{len(wrong)} values of the scratchpad differ, first value {lane} of word {word}: "
                f"{found[word, lane]:#010x}, expected {self.env.scratch[word, lane]:#010x}"
            )
        self.compare_memory()
        self.compared += WORDS + LINES

    def compare_memory(self) -> None:
        """Hold memory against what it should be."""
        wrong = np.flatnonzero(self.env.image.data != self.env.memory)
        if len(wrong):
            raise ScoreboardError(f"{len(wrong)} bytes of memory differ, first in line {wrong[0] // LINE}")
