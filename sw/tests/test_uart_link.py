"""The serial link's host side on a serial port that is not there: the golden board and the golden core behind it."""

import asyncio
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from edge_qlora import cli, registers, uart_link
from edge_qlora.backends import open_backend
from edge_qlora.commands import Limits
from edge_qlora.driver import Accelerator
from edge_qlora.errors import JobError, MemoryFullError
from edge_qlora.footprint import MemoryWindow
from edge_qlora.uart_link import AccessError, LinkError, SerialTransport, Status, UartBackend, answer, parse

from tb.lora_linear.jobs import random_job
from tb.models.golden_backend import GoldenBackend
from tb.models.uart_board import Board

BYTES, BASE, MAX_WORDS = 1 << 16, 1 << 30, 100
SLVERR, DECERR = 2, 3


def now(coroutine):
    """Result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


class Accelerators:
    """The golden core as the link sees it."""

    def __init__(self) -> None:
        limits = Limits(1024, 16, 256, MemoryWindow(0, BYTES))
        self.golden = GoldenBackend(np.full(BYTES, 0xA5, np.uint8), limits)
        self.doorbells = 0

    def read(self, address: int) -> tuple[int, int]:
        """Word and response."""
        if address >= BASE:
            found = self.golden.registers.get(address - BASE)
            return (0, SLVERR) if found is None else (found, 0)
        word = self.golden.memory[address : address + 4].tobytes()
        return (int.from_bytes(word, "little"), 0) if address < BYTES else (0, DECERR)

    def write(self, address: int, word: int) -> int:
        """Response."""
        if address >= BASE:
            self.doorbells += address - BASE == registers.CONTROL.offset
            now(self.golden.write_register(address - BASE, word))
        elif address < BYTES:
            now(self.golden.write(address, word.to_bytes(4, "little")))
        return 0 if address < BYTES or address >= BASE else DECERR


class FakeSerial:
    """What pyserial's ``Serial`` does, with a board behind it.

    Attributes:
        spoil: changes what goes to the board, and what comes from it.
        dead: nothing comes back.
    """

    def __init__(self, port: str, baud: int, timeout: float) -> None:
        if port != "ttyFAKE":
            raise FakeSerial.SerialException(f"could not open port {port}: No such file or directory")
        self.space = Accelerators()
        self.board = Board(self.space, MAX_WORDS, BASE, BYTES)
        self.baud, self.timeout, self.closed = baud, timeout, False
        self.data, self.dead = b"", False
        self.spoil = lambda data: data
        FakeSerial.last = self

    class SerialException(OSError):
        """pyserial's."""

    def write(self, data: bytes) -> int:
        """Send; what the board answers is there at once."""
        answers = b"".join(self.board.receive(self.spoil(data)))
        if not self.dead:
            self.data += self.spoil(answers)
        return len(data)

    @property
    def in_waiting(self) -> int:
        """Bytes that have come."""
        return len(self.data)

    def read(self, size: int) -> bytes:
        """Some of them."""
        found, self.data = self.data[:size], self.data[size:]
        return found

    def reset_input_buffer(self) -> None:
        """Forget them."""
        self.data = b""

    def close(self) -> None:
        """End."""
        self.closed = True


@pytest.fixture
def board(monkeypatch) -> FakeSerial:
    """A board at port ttyFAKE."""
    fake = SimpleNamespace(Serial=FakeSerial, SerialException=FakeSerial.SerialException)
    monkeypatch.setitem(sys.modules, "serial", fake)
    backend = open_backend("uart", "tiny", np.zeros(0, np.uint8), 0, port="ttyFAKE", baud=115200)
    asyncio.run(backend.start())
    FakeSerial.last.backend = backend
    return FakeSerial.last


def run_layer(board: FakeSerial, backward: bool = False) -> None:
    """A layer on the board equals the golden model."""
    accelerator = Accelerator(board.backend)
    asyncio.run(accelerator.open(MemoryWindow(0, BYTES)))
    random.seed(7)
    job = random_job(backward, 64, 128, 3, 4, (np.float32,) * 3)
    _, placed = job.place(accelerator.limits)
    asyncio.run(accelerator.run(placed))
    for name, values in job.expected(25).items():
        output = placed.outputs[name]
        found = asyncio.run(board.backend.read(output.address, output.size))
        assert found == np.ascontiguousarray(values).tobytes(), name


def flips(rate: float):
    """Bits that are wrong, and bytes that get lost."""
    rng = random.Random(5)

    def spoil(data: bytes) -> bytes:
        if not data or rng.random() >= rate:
            return data
        at = rng.randrange(len(data))
        return data[:at] + (bytes([data[at] ^ 1 << rng.randrange(8)]) if rng.random() < 0.5 else b"") + data[at + 1 :]

    return spoil


@pytest.mark.parametrize("backward", [False, True])
def test_layers_equal_the_golden_model(board, backward):
    run_layer(board, backward)
    assert board.backend.link.repeated == 0 and board.baud == 115200


def test_damaged_frames_are_sent_again(board):
    """The doorbell is rung once, though its answer may get lost."""
    board.spoil = flips(0.2)
    board.backend.link.retries = 20
    run_layer(board)
    assert board.backend.link.repeated > 10
    assert board.space.doorbells == 1


def test_bytes_at_any_address(board):
    memory = bytearray(b"\xa5" * BYTES)
    rng = random.Random(3)
    for _ in range(200):
        address, size = rng.randrange(2000), rng.randrange(1500)
        memory[address : address + size] = data = rng.randbytes(size)
        asyncio.run(board.backend.write(address, data))
        address, size = rng.randrange(2000), rng.randrange(1500)
        assert asyncio.run(board.backend.read(address, size)) == memory[address : address + size]
    assert board.space.golden.memory.tobytes() == bytes(memory)


def test_frames_are_found_in_garbage():
    """A whole answer behind noise and a damaged one, byte by byte; nothing is found in the damaged one."""
    rng = random.Random(1)
    for _ in range(300):
        payload = rng.randbytes(4 * rng.randrange(5))
        frame = answer(Status.OKAY, rng.randrange(256), payload)
        at = rng.choice([at for at in range(1, len(frame)) if at not in (3, 4)])
        damaged = frame[:at] + bytes([frame[at] ^ 1 << rng.randrange(8)]) + frame[at + 1 :]
        if 0x5A in damaged[1:]:
            continue  # a mark whose length may reach far behind
        assert parse(damaged)[0] is None
        data, found = b"", None
        for byte in rng.randbytes(rng.randrange(4)).replace(b"\x5a", b"") + damaged + frame:
            assert found is None
            data += bytes([byte])
            found, used = parse(data)
            data = data[used:]
        assert found and found.payload == payload and not data


def test_the_checksum_is_the_one_that_is_documented():
    assert uart_link.crc(b"123456789") == 0x29B1
    assert (
        uart_link.request(uart_link.Kind.WRITE, 7, 0x40000018, 1, b"\1\0\0\0").hex() == "a50702180000400100010000001c24"
    )


def test_errors_of_the_bus(board):
    with pytest.raises(AccessError, match="read of 1 words at 0x40000ff0: SLVERR"):
        asyncio.run(board.backend.read_register(0xFF0))
    with pytest.raises(LinkError, match="no memory at"):
        asyncio.run(board.backend.read(BYTES - 2, 4))


def test_an_image_that_is_too_large(board):
    with pytest.raises(MemoryFullError, match="65,540 bytes at 0x0 does not fit the board's memory of 65,536 bytes"):
        asyncio.run(board.backend.load(bytes(BYTES + 4)))


def test_no_answer(board):
    board.dead = True
    with pytest.raises(LinkError, match="does not answer after 5 attempts; the last one: no answer"):
        asyncio.run(board.backend.read(0, 4))


def test_only_damage(board):
    board.spoil = flips(1.0)
    with pytest.raises(LinkError, match="does not answer after 5 attempts"):
        asyncio.run(board.backend.read(0, 400))


def test_a_list_that_does_not_end(board):
    ticks = iter(range(100))
    board.backend.clock = lambda: 20.0 * next(ticks)
    with pytest.raises(LinkError, match="not ended after 60 seconds"):
        asyncio.run(board.backend.wait_for_interrupt())


def test_something_else_at_the_port(board):
    board.space.golden.registers[registers.ID.offset] = 0
    with pytest.raises(JobError, match="no accelerator: the ID register reads 0x00000000"):
        asyncio.run(Accelerator(board.backend).open(MemoryWindow(0, BYTES)))
    board.board.info = (0x45515502, *board.board.info[1:])
    with pytest.raises(LinkError, match="identifies itself as 0x45515502"):
        asyncio.run(UartBackend(board.backend.link.transport).start())


def test_no_such_port(board, capsys):
    with pytest.raises(LinkError, match="serial port /dev/none: could not open port /dev/none: No such file"):
        SerialTransport("/dev/none")
    with pytest.raises(LinkError, match="needs --port"):
        open_backend("uart", "tiny", np.zeros(0, np.uint8), 0)
    arguments = ["generate", "--backend", "uart", "--port", "COM7", "--baud", "12000000", "--prompt", "x"]
    options = cli.parser().parse_args(arguments)
    assert (options.port, options.baud) == ("COM7", 12_000_000)


def test_pyserial_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(LinkError, match="pip install pyserial"):
        SerialTransport("ttyFAKE")
