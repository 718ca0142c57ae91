"""Host side of the serial link (docs/ip/uart_link.md): frames as pure functions, exchanges with repeats, a backend.

`UartBackend` runs over any `Transport`: `SerialTransport` is a port of the machine, tests have their own.
"""

from __future__ import annotations

import binascii
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from . import registers
from .errors import EdgeQloraError, MemoryFullError

REQUEST_MARK, ANSWER_MARK = 0xA5, 0x5A
CRC_START = 0xFFFF
WORD = 4  # bytes
HEADER_BYTES, CRC_BYTES = 5, 2  # of an answer: mark, status, tag, number of words
IDENTIFY_WORDS = 4
PROTOCOL = int.from_bytes(b"EQU\x01", "big")
BAUD = 3_000_000
# Seconds without a byte after which no answer comes; the board gives a broken frame up after some milliseconds.
SILENCE = 0.25
RETRIES = 4


class Kind(IntEnum):
    """What a request asks for."""

    READ = 1
    WRITE = 2
    IDENTIFY = 3


class Status(IntEnum):
    """How a request ended; from CRC on it did not arrive and nothing was done."""

    OKAY = 0x00
    SLVERR = 0x02
    DECERR = 0x03
    CRC = 0x10
    FRAMING = 0x11
    TIMEOUT = 0x12
    REQUEST = 0x13


class LinkError(EdgeQloraError):
    """The board cannot be reached, or is not what it should be."""


class AccessError(LinkError):
    """The board answered an access to memory or registers with an AXI error response."""


@dataclass(frozen=True)
class Answer:
    """An answer whose checksum is right."""

    status: int
    tag: int
    payload: bytes


def crc(data: bytes) -> int:
    """CRC-16 of polynomial 0x1021 from all ones, highest bit first."""
    return binascii.crc_hqx(data, CRC_START)


def checked(body: bytes) -> bytes:
    """A frame's bytes behind the mark with their checksum."""
    return body + crc(body).to_bytes(CRC_BYTES, "big")


def request(kind: int, tag: int, address: int, words: int, payload: bytes = b"") -> bytes:
    """A request's frame; ``payload`` is the data of a write."""
    header = bytes([tag, kind]) + address.to_bytes(4, "little") + words.to_bytes(2, "little")
    return bytes([REQUEST_MARK]) + checked(header + payload)


def answer(status: int, tag: int, payload: bytes = b"") -> bytes:
    """An answer's frame, as the board sends it."""
    header = bytes([status, tag]) + (len(payload) // WORD).to_bytes(2, "little")
    return bytes([ANSWER_MARK]) + checked(header + payload)


def parse(data: bytes) -> tuple[Answer | None, int]:
    """The first whole answer in what was received, and how many bytes need not be looked at again.

    Bytes in front of a mark, and marks behind which no right checksum follows, are passed over.
    """
    first = data.find(ANSWER_MARK)
    while first >= 0:
        end = first + HEADER_BYTES
        if len(data) < end:
            return None, first
        end += WORD * int.from_bytes(data[first + 3 : end], "little") + CRC_BYTES
        if len(data) < end:
            return None, first
        if crc(data[first + 1 : end]) == 0:
            return Answer(data[first + 1], data[first + 2], data[first + HEADER_BYTES : end - CRC_BYTES]), end
        first = data.find(ANSWER_MARK, first + 1)
    return None, len(data)


class Transport(Protocol):
    """Bytes to and from the board."""

    async def send(self, data: bytes) -> None:
        """Send bytes."""

    async def receive(self) -> bytes:
        """What has come, at least a byte; nothing when the line was silent for too long."""

    def discard(self) -> None:
        """Forget what has come."""


class SerialTransport:
    """A serial port of this machine.

    Args:
        port: its name, such as ``/dev/ttyUSB1`` or ``COM4``.
        baud: bits per second, those the board was built for.
        silence: seconds without a byte after which `receive` gives up.

    Raises:
        LinkError: there is no such port, it cannot be opened, or pyserial is not installed.
    """

    def __init__(self, port: str, baud: int = BAUD, silence: float = SILENCE):
        try:
            import serial
        except ImportError as error:
            raise LinkError("a board needs the package pyserial: pip install pyserial") from error
        try:
            self._port = serial.Serial(port, baud, timeout=silence)
        except (serial.SerialException, ValueError) as error:
            raise LinkError(f"serial port {port}: {error}") from error
        self.name, self._failure = port, serial.SerialException

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write(data)
        except self._failure as error:
            raise LinkError(f"serial port {self.name}: {error}") from error

    async def receive(self) -> bytes:
        """What has come, see `Transport`."""
        try:
            return self._port.read(max(1, self._port.in_waiting))
        except self._failure as error:
            raise LinkError(f"serial port {self.name}: {error}") from error

    def discard(self) -> None:
        """Forget what has come."""
        self._port.reset_input_buffer()

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


class UartLink:
    """Words of the board's address space, frame by frame; a frame that is lost or damaged is sent again.

    A request keeps its tag when it is sent again, and the board does no write twice.

    Attributes:
        repeated: frames that were sent again.
    """

    def __init__(self, transport: Transport, retries: int = RETRIES):
        self.transport, self.retries = transport, retries
        self.repeated = 0
        self._tags = itertools.cycle(range(256))

    async def exchange(self, kind: Kind, address: int, words: int, payload: bytes = b"") -> bytes:
        """Send a request until it is answered; the answer's payload.

        Raises:
            AccessError: the access failed on the board.
            LinkError: no answer, or only damaged frames.
        """
        tag = next(self._tags)
        frame = request(kind, tag, address, words, payload)
        expected = 0 if kind == Kind.WRITE else words * WORD
        for attempt in range(self.retries + 1):
            self.repeated += attempt > 0
            self.transport.discard()
            await self.transport.send(frame)
            found, failure = await self._answer(tag)
            if found is None:
                continue
            if found.status != Status.OKAY:
                name = Status(found.status).name if found.status in set(Status) else f"status {found.status:#x}"
                raise AccessError(f"{kind.name.lower()} of {words} words at {address:#x}: {name}")
            if len(found.payload) == expected:
                return found.payload
            failure = f"an answer of {len(found.payload)} bytes in place of {expected}"
        raise LinkError(f"the board does not answer after {self.retries + 1} attempts; the last one: {failure}")

    async def _answer(self, tag: int) -> tuple[Answer | None, str]:
        """The answer to the request with this tag, or None and why there is none."""
        data = b""
        while True:
            found, used = parse(data)
            data = data[used:]
            if found is None:
                received = await self.transport.receive()
                if not received:
                    return None, "a damaged answer" if data else "no answer"
                data += received
            elif found.status >= Status.CRC:
                name = Status(found.status).name if found.status in set(Status) else f"{found.status:#x}"
                return None, f"the board received a damaged frame ({name})"
            elif found.tag == tag:
                return found, ""


class UartBackend:
    """A board at the end of a serial link, as a backend of `driver.Accelerator`; `start` it first.

    Args:
        transport: to the board.
        limit: seconds that one list may take.
        clock: seconds of a clock.

    Attributes:
        memory_bytes: of the board's memory, which begins at address 0.
    """

    def __init__(self, transport: Transport, limit: float = 60.0, clock: Callable[[], float] = time.monotonic):
        self.link, self.limit, self.clock = UartLink(transport), limit, clock
        self.memory_bytes = 0
        self._frame_words, self._registers_base = IDENTIFY_WORDS, 0

    async def start(self) -> None:
        """Ask what the board is.

        Raises:
            LinkError: nothing answers, or something that is not this link.
        """
        data = await self.link.exchange(Kind.IDENTIFY, 0, IDENTIFY_WORDS)
        protocol, words, base, memory = (int.from_bytes(data[at : at + 4], "little") for at in range(0, 16, 4))
        if protocol != PROTOCOL:
            raise LinkError(
                f"the board's link identifies itself as {protocol:#010x}, this software needs {PROTOCOL:#x}"
            )
        self._frame_words, self._registers_base, self.memory_bytes = words, base, memory

    async def load(self, memory: bytes, address: int = 0) -> None:
        """Write an image to the board's memory.

        Raises:
            MemoryFullError: it is larger than the memory.
        """
        if address < 0 or address + len(memory) > self.memory_bytes:
            raise MemoryFullError(
                f"an image of {len(memory):,} bytes at {address:#x} does not fit the board's memory of "
                f"{self.memory_bytes:,} bytes"
            )
        await self.write(address, memory)

    async def read(self, address: int, size: int) -> bytes:
        """`size` bytes of memory."""
        self._check(address, size)
        first, end = address // WORD, -(-(address + size) // WORD)
        parts = []
        for at in range(first, end, self._frame_words):
            words = min(self._frame_words, end - at)
            parts.append(await self.link.exchange(Kind.READ, at * WORD, words))
        return b"".join(parts)[address - first * WORD :][:size]

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory; words at the ends that are written in part are read before."""
        self._check(address, len(data))
        before, after = address % WORD, -(address + len(data)) % WORD
        if before:
            data = (await self.read(address - before, before)) + data
        if after:
            data = data + await self.read(address - before + len(data), after)
        chunk = self._frame_words * WORD
        for at in range(0, len(data), chunk):
            part = bytes(data[at : at + chunk])
            await self.link.exchange(Kind.WRITE, address - before + at, len(part) // WORD, part)

    async def read_register(self, offset: int) -> int:
        """A 32-bit register by byte offset."""
        return (await self._registers(offset, 1))[0]

    async def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit register by byte offset."""
        await self.link.exchange(Kind.WRITE, self._registers_base + offset, 1, value.to_bytes(WORD, "little"))

    async def wait_for_interrupt(self) -> None:
        """Ask until an enabled event is pending, which is what the interrupt line tells.

        Raises:
            LinkError: none was within `limit` seconds.
        """
        began = self.clock()
        while True:
            status, enable = await self._registers(registers.IRQ_STATUS.offset, 2)
            if status & enable:
                return
            if self.clock() - began > self.limit:
                raise LinkError(f"the list has not ended after {self.limit:g} seconds")

    async def _registers(self, offset: int, count: int) -> list[int]:
        data = await self.link.exchange(Kind.READ, self._registers_base + offset, count)
        return [int.from_bytes(data[at : at + WORD], "little") for at in range(0, len(data), WORD)]

    def _check(self, address: int, size: int) -> None:
        if not 0 <= address <= address + size <= self.memory_bytes:
            raise LinkError(f"the board has no memory at [{address:#x}, {address + size:#x})")
