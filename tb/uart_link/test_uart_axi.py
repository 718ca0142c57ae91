"""The serial link at its pins: frames, damaged frames and AXI errors against the golden board."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from functools import partial

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles, FallingEdge, Timer
from edge_qlora.uart_link import (
    IDENTIFY_WORDS,
    REQUEST_MARK,
    WORD,
    AccessError,
    Kind,
    Status,
    UartBackend,
    parse,
    request,
)
from pyuvm import (
    uvm_analysis_port,
    uvm_component,
    uvm_driver,
    uvm_env,
    uvm_sequence,
    uvm_sequence_item,
    uvm_sequencer,
    uvm_subscriber,
    uvm_test,
)

from tb.common.base import PERIOD_NS, cycle, finish, scaled, start, within
from tb.common.scoreboard import Scoreboard, ScoreboardError
from tb.common.stream import Pace, StreamItem
from tb.models.uart_board import Board, Done
from tb.uart_link import coverage
from tb.uart_link.line import Line
from tb.uart_link.ports import Port, Words

DUT = cocotb.top
RATE = int(DUT.BIT_CLOCKS_X16.value)
MAX_WORDS = int(DUT.MAX_WORDS.value)
TIMEOUT_BITS = int(DUT.TIMEOUT.value) * 16 // RATE + 1
BASE = int(DUT.REGISTERS_BASE.value)
MEMORY_BYTES = int(DUT.MEMORY_BYTES.value)
LONGEST = 200_000  # cycles of an exchange
FAULTS = 60


@dataclass
class Sent:
    """Bytes on the line, None for one without a stop bit, and pauses behind some of them in bit times."""

    line: list[int | None]
    pauses: dict[int, int]


class FrameItem(uvm_sequence_item):
    """What the host sends before it waits for an answer; it is named after the frame that was meant."""

    def __init__(self, kind: Kind, address: int, words: int, sent: Sent) -> None:
        super().__init__(f"{kind.name} of {words} words at {address:#x}")
        self.sent = sent


def random_request(tag: int, kind: Kind | None = None) -> tuple[Kind, int, int, bytes]:
    """Kind, address, words and frame of a legal request."""
    kind = kind or random.choices(list(Kind), (10, 10, 1))[0]
    words = random.choice((1, 1, random.randint(2, MAX_WORDS - 1), MAX_WORDS))
    address = random.choice((0, BASE)) + WORD * random.randrange(1 << 10)
    if random.random() < 0.2:
        address = WORD * random.getrandbits(30)
    if kind == Kind.IDENTIFY:
        address, words = random.getrandbits(32), IDENTIFY_WORDS
    payload = random.randbytes(WORD * words) if kind == Kind.WRITE else b""
    return kind, address, words, request(kind, tag, address, words, payload)


def damaged(frame: bytes) -> list[int | None]:
    """A frame that is lost in part, changed, or has something around it."""
    line: list[int | None] = list(frame)
    how = random.choice(("bit", "cut", "lost", "stop", "header", "garbage", "behind"))
    if how == "bit":
        line[random.randrange(1, len(line))] ^= 1 << random.randrange(8)
    if how == "cut":
        del line[random.randrange(1, len(line)) :]
    if how == "lost":
        del line[random.randrange(len(line))]
    if how == "stop":
        line[random.randrange(1, len(line))] = None
    if how == "header":
        at, value = random.choice(
            ((2, 0), (2, 4), (2, line[2] ^ 1 << random.randrange(8)), (7, 0), (8, 0xFF), (3, line[3] | 1))
        )
        line[at] = value
    if how == "garbage":
        line = [*(random.choice((None, *range(256))) for _ in range(random.randint(1, 20))), *line]
    if how == "behind":
        # The frame does not get through its own checksum, and what follows looks like another one.
        line = [*line[:-1], line[-1] ^ 1, REQUEST_MARK, *line[1:]]
    return line


class Frames(uvm_sequence):
    """Random frames: some of them damaged, some repeated with the same tag."""

    def __init__(self, count: int, damage: float) -> None:
        super().__init__("frames")
        self.count, self.damage = count, damage

    async def body(self) -> None:
        tag, last = 0, None
        for _ in range(self.count):
            kind, address, words, frame = random_request(tag)
            if last and random.random() < 0.15:
                kind, address, words, frame = last
            else:
                tag = (tag + 1) % 256
            last = kind, address, words, frame
            line = damaged(frame) if random.random() < self.damage else list(frame)
            pauses = {}
            if random.random() < 0.2:
                pauses = {random.randrange(len(line)): random.randint(1, TIMEOUT_BITS - 20)}
            item = FrameItem(kind, address, words, Sent(line, pauses))
            await self.start_item(item)
            await self.finish_item(item)


class Given(uvm_sequence):
    """Frames as they are given: kind, address, words, bytes."""

    def __init__(self, frames: list[tuple[Kind, int, int, bytes]]) -> None:
        super().__init__("given")
        self.frames = frames

    async def body(self) -> None:
        for kind, address, words, frame in self.frames:
            item = FrameItem(kind, address, words, Sent(list(frame), {}))
            await self.start_item(item)
            await self.finish_item(item)


class HostDriver(uvm_driver):
    """Send what an item says and collect the answers to it.

    ``sent`` publishes the item in front of it, ``answered`` every answer.
    """

    def __init__(self, name: str, parent: uvm_component, line: Line) -> None:
        super().__init__(name, parent)
        self.line = line

    def build_phase(self) -> None:
        self.sent = uvm_analysis_port("sent", self)
        self.answered = uvm_analysis_port("answered", self)

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            self.sent.write(item)
            for index, byte in enumerate(item.sent.line):
                await self.line.send(bytes([byte or 0]), stop=int(byte is not None))
                if index in item.sent.pauses:
                    await self.line.idle(item.sent.pauses[index])
            for _ in range(item.answers):
                await within(LONGEST, self.answer(), "the answer to a frame")
            self.seq_item_port.item_done()

    async def answer(self) -> None:
        """Wait for an answer and publish it."""
        data = b""
        while True:
            received = await self.line.receive()
            data += received
            found, used = parse(data)
            if found:
                assert used == len(data), "more than the answer"
                assert bool(DUT.error_o.value) == (found.status != Status.OKAY), "the light for an error"
                payload = int.from_bytes(found.payload, "little")
                # The tag of a frame that was damaged means nothing.
                tag = found.tag if found.status < Status.CRC else 0
                fields = {"status": found.status, "tag": tag, "bytes": len(found.payload), "payload": payload}
                self.answered.write(StreamItem(fields))
                return
            if not received and not DUT.busy_o.value:
                return  # the scoreboard misses it


class Predictor(uvm_subscriber):
    """Tell the scoreboards what follows from what is sent."""

    def __init__(
        self, name: str, parent: uvm_component, board: Board, answers: Scoreboard, accesses: Scoreboard
    ) -> None:
        super().__init__(name, parent)
        self.board, self.answers, self.accesses = board, answers, accesses
        self.corrupt = False

    def write(self, item: FrameItem) -> None:
        """An item is going to be sent."""
        answers = self.board.receive(item.sent.line)
        item.answers = len(answers)
        for frame, done in zip(answers, self.board.done, strict=True):
            found, _ = parse(frame)
            payload = int.from_bytes(found.payload, "little")
            status = found.status ^ self.corrupt
            expected = {"status": status, "tag": found.tag, "bytes": len(found.payload), "payload": payload}
            self.answers.expect(expected, item.get_name(), partial(cover, Status(found.status), done))
        for access in self.board.space.log:
            self.accesses.expect(access, item.get_name())
        self.board.space.log.clear()
        self.board.done.clear()


def cover(status: Status, done: Done | None) -> None:
    """A frame was answered rightly; a damaged one has made no access, whatever it was meant to be."""
    coverage.sample_status(status.name)
    if done:
        coverage.sample_kind(done.kind.name)
    if done and done.accesses:
        size = coverage.SIZES[0 if done.accesses == 1 else 2 if done.accesses == MAX_WORDS else 1]
        coverage.sample_access(done.kind.name, "registers" if done.address >= BASE else "memory", size)


class LinkEnv(uvm_env):
    """Line, ports, model, scoreboards."""

    def __init__(self, name: str, parent: uvm_component, faults: int, pace: Pace, skew: float) -> None:
        super().__init__(name, parent)
        self.faults, self.pace = faults, pace
        self.line = Line(DUT, RATE, skew)

    def build_phase(self) -> None:
        seed = random.getrandbits(32)
        self.answers, self.accesses = Scoreboard("answers", self), Scoreboard("accesses", self)
        board = Board(Words(seed, self.faults), MAX_WORDS, BASE, MEMORY_BYTES)
        self.predictor = Predictor("predictor", self, board, self.answers, self.accesses)
        self.sequencer, self.driver = uvm_sequencer("sequencer", self), HostDriver("driver", self, self.line)
        words = Words(seed, self.faults)
        self.ports = [
            Port("memory", self, DUT, "m_axi", 0, words, self.pace),
            Port("registers", self, DUT, "r_axi", BASE, words, self.pace),
        ]

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.driver.sent.connect(self.predictor.analysis_export)
        self.driver.answered.connect(self.answers.analysis_export)
        for port in self.ports:
            port.analysis_port.connect(self.accesses.analysis_export)


class LinkTest(uvm_test):
    """Start the link, run ``body``, compare."""

    faults = 0
    skew = 0.0
    injected = False

    def build_phase(self) -> None:
        self.env = LinkEnv("env", self, self.faults, Pace.any(), self.skew)

    async def body(self) -> None:
        """What the host does."""
        raise NotImplementedError

    async def run_phase(self) -> None:
        self.raise_objection()
        await start(DUT)
        await ClockCycles(DUT.clk_i, 2)
        for port in self.env.ports:
            port.attach()
        self.env.line.start()
        begin = cycle()
        await self.body()
        boards = self.env.answers, self.env.accesses
        finish(
            coverage.GROUP,
            sum(board.compared for board in boards),
            sum(board.mismatches for board in boards),
            cycle() - begin,
            injected=self.injected,
        )
        self.drop_objection()


@pyuvm.test()
class RandomFrames(LinkTest):
    """Random reads and writes, back to back; some fail on the bus, some come twice."""

    faults = FAULTS

    async def body(self) -> None:
        await Frames(scaled(150, 15), 0.0).start(self.env.sequencer)


@pyuvm.test()
class DamagedFrames(LinkTest):
    """Bits that are wrong, bytes that are lost, garbage, framing errors; each time the next frame gets through."""

    async def body(self) -> None:
        await Frames(scaled(250, 25), 0.6).start(self.env.sequencer)


class SkewedTest(LinkTest):
    """A host whose clock is off."""

    async def body(self) -> None:
        await Frames(scaled(30, 4), 0.0).start(self.env.sequencer)


@pyuvm.test()
class SlowHost(SkewedTest):
    """A host whose bits are 2 % too long."""

    skew = 0.02


@pyuvm.test()
class FastHost(SkewedTest):
    """A host whose bits are 2 % too short."""

    skew = -0.02


@pyuvm.test()
class Breaks(LinkTest):
    """Breaks, false start bits and an idle line leave no trace; a break in a frame is a framing error."""

    async def body(self) -> None:
        env, line = self.env, self.env.line
        for _ in range(scaled(6, 2)):
            await line.bits([0] * random.randint(11, 40) + [1] * 2)
            await Frames(1, 0.0).start(env.sequencer)  # begins while a receiver that had missed the break is in a byte
            DUT.rx_i.value = 0  # shorter than half a bit
            await ClockCycles(DUT.clk_i, 1)
            DUT.rx_i.value = 1
            await line.idle(random.choice((20, 3 * TIMEOUT_BITS)))
            assert not line.received, "an answer to nothing"
            await Frames(2, 0.0).start(env.sequencer)
        *_, frame = random_request(200, Kind.WRITE)
        await line.send(frame[: random.randint(1, len(frame) - 1)])
        await line.bits([0] * 30 + [1])
        found, _ = parse(await self._all())
        assert found and found.status == Status.FRAMING, found
        await Frames(2, 0.0).start(env.sequencer)

    async def _all(self) -> bytes:
        data = b""
        while received := await self.env.line.receive():
            data += received
        return data


@pyuvm.test(skip=RATE < 8 * 16)  # with less, a spike beside an edge is two of the three samples of a bit
class Spikes(LinkTest):
    """A bit that is the other one for a clock, wherever in the bit, is not noticed."""

    async def body(self) -> None:
        for clocks in range(1, RATE // 16 - 1):
            self.env.line.spike = clocks
            await Frames(scaled(2, 1), 0.0).start(self.env.sequencer)


@pyuvm.test()
class RepeatedWrites(LinkTest):
    """A write that comes again, with its tag, is answered as before, whatever that was, and not done again."""

    faults = FAULTS

    async def body(self) -> None:
        words, frames = self.env.predictor.board.space, []
        for tag, response in enumerate((Status.DECERR, Status.OKAY, Status.SLVERR)):
            place = next(at for at in itertools.count(BASE, WORD) if words.response(at) == response)
            frame = request(Kind.WRITE, tag, place, 1, random.randbytes(WORD))
            frames += [(Kind.WRITE, place, 1, frame)] * 2
        # With the tag of a read, behind a damaged write: none that comes again.
        frame = request(Kind.WRITE, 6, place, 1, random.randbytes(WORD))
        damaged = frame[:-1] + bytes([frame[-1] ^ 1])
        frames.append((Kind.READ, place, 1, request(Kind.READ, 6, place, 1)))
        frames += [(Kind.WRITE, place, 1, line) for line in (damaged, frame)]
        await Given(frames).start(self.env.sequencer)
        assert self.env.accesses.compared == 5, "accesses of a read and of eight writes, three repeated and one damaged"


@pyuvm.test()
class Headers(LinkTest):
    """Each bit of a kind matters, of an address that is no word's, and of a number of words that is too large."""

    async def body(self) -> None:
        frames = []
        for kind in Kind:
            *meant, frame = random_request(1, kind)
            wrong = [(2, 1 << bit) for bit in range(8)]
            if kind != Kind.IDENTIFY:
                wrong += [(3, 1), (3, 2), *((7, 1 << bit) for bit in (6, 7)), *((8, 1 << bit) for bit in range(8))]
            for at, bit in wrong:
                line = bytearray(frame)
                line[at] ^= bit
                frames.append((*meant, bytes(line)))
        await Given(random.sample(frames, scaled(len(frames), 8))).start(self.env.sequencer)


@pyuvm.test()
class Timeouts(LinkTest):
    """A byte that comes in the last clock is in time; with none, the answer begins right behind it."""

    async def body(self) -> None:
        line, clock, timeout = self.env.line, PERIOD_NS * 1000, int(DUT.TIMEOUT.value)
        for _ in range(scaled(4, 2)):
            *meant, frame = random_request(202, Kind.WRITE)
            cut = random.randrange(1, len(frame))
            self.env.predictor.write(FrameItem(*meant, Sent(list(frame), {})))
            await line.send(frame[:cut])
            await Timer((timeout - 1) * clock - 10 * line.bit_ps, "ps")
            await line.send(frame[cut:])
            await within(LONGEST, self.env.driver.answer(), "the answer to a frame with a long pause")
            self.env.predictor.write(FrameItem(*meant, Sent(list(frame[:cut]), {})))
            await line.send(frame[:cut])
            # The stop bit of the last byte was looked at half a bit ago, and some clocks more.
            await Timer(timeout * clock - line.bit_ps // 2, "ps")
            assert DUT.tx_o.value, "an answer before the time is over"
            await within(12, FallingEdge(DUT.tx_o), "the start of an answer when the time is over")
            await within(LONGEST, self.env.driver.answer(), "the answer to half a frame")
            await Frames(1, 0.0).start(self.env.sequencer)


@pyuvm.test()
class ResetInFrame(LinkTest):
    """A reset in the middle of a frame forgets it."""

    async def body(self) -> None:
        for _ in range(scaled(4, 1)):
            *_, frame = random_request(201)
            await self.env.line.send(frame[: random.randint(1, len(frame) - 1)])
            DUT.rst_ni.value = 0
            await ClockCycles(DUT.clk_i, 2)
            DUT.rst_ni.value = 1
            await ClockCycles(DUT.clk_i, 2)
            assert DUT.tx_o.value == 1 and DUT.busy_o.value == 0
            self.env.predictor.board.last_write = None
            await Frames(2, 0.0).start(self.env.sequencer)


@pyuvm.test()
class HostSoftware(LinkTest):
    """The host's software: bytes at any address, a line that loses frames and answers, an error on the bus."""

    faults = 0

    async def body(self) -> None:
        env, line = self.env, self.env.line
        backend = UartBackend(line)
        await backend.start()
        assert backend.memory_bytes == MEMORY_BYTES
        model = Words(env.ports[0].words.seed, 0)
        memory = bytearray(b"".join(model.word(at).to_bytes(WORD, "little") for at in range(0, 1024, WORD)))
        for _ in range(scaled(20, 3)):
            address, size = random.randrange(600), random.randint(0, 400)
            data = random.randbytes(size)
            memory[address : address + size] = data
            await backend.write(address, data)
            address, size = random.randrange(600), random.randint(0, 400)
            assert await backend.read(address, size) == memory[address : address + size]
        send, lossy = line.send, {"frames": 0}

        async def lose(data: bytes, stop: int = 1) -> None:
            lossy["frames"] += 1
            how = random.choice(("good", "bit", "answer"))
            line.dead = how == "answer"
            if how == "bit":
                at = random.randrange(len(data))
                data = data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
            await send(data, stop)

        line.send = lose
        backend.link.retries = 30
        for number in range(scaled(12, 2)):
            await backend.write_register(0x18, number)
            assert await backend.read_register(0x18) == number
        line.send, line.dead = send, False
        assert backend.link.repeated > 0 or lossy["frames"] < 8
        # Every register write reached the bus once, though its answer may have been lost.
        assert env.ports[1].writes == list(range(scaled(12, 2))), env.ports[1].writes
        env.ports[0].words.faults = 1
        try:
            await backend.read(0, 4)
        except AccessError as error:
            assert "ERR" in str(error)
        else:
            raise AssertionError("an error on the bus is not reported")
        env.accesses.early.clear()


class FaultTest(LinkTest):
    """A fault is injected, which the scoreboard must find."""

    injected = True

    async def body(self) -> None:
        await Frames(3, 0.0).start(self.env.sequencer)


@pyuvm.test(expect_error=ScoreboardError)
class WrongStatusIsFound(FaultTest):
    """The model expects another status."""

    def connect_phase(self) -> None:
        self.env.predictor.corrupt = True


@pyuvm.test(expect_error=ScoreboardError)
class WrongWordIsFound(FaultTest):
    """The memory behind the port has another content than the model's."""

    def connect_phase(self) -> None:
        self.env.ports[0].words.seed ^= 1

    async def body(self) -> None:
        for kind in (Kind.READ, Kind.WRITE):
            frame = request(kind, kind, 64, 1, bytes(WORD) if kind == Kind.WRITE else b"")
            item = FrameItem(kind, 64, 1, Sent(list(frame), {}))
            sequence = uvm_sequence("one")
            sequence.sequencer = self.env.sequencer
            await sequence.start_item(item)
            await sequence.finish_item(item)
