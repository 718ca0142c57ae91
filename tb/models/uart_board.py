"""Golden model of the board's end of the serial link: from bytes on the line to accesses and answers. No simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_qlora.uart_link import (
    CRC_BYTES,
    IDENTIFY_WORDS,
    PROTOCOL,
    REQUEST_MARK,
    WORD,
    Kind,
    Status,
    answer,
    crc,
)

HEADER_BYTES = 8  # of a request behind the mark: tag, kind, address, number of words


class Space(Protocol):
    """What the link reads and writes, by words of 32 bits; responses are those of AXI."""

    def read(self, address: int) -> tuple[int, int]:
        """Word and response."""

    def write(self, address: int, word: int) -> int:
        """Response."""


@dataclass(frozen=True)
class Done:
    """A whole frame that was done.

    Attributes:
        kind, address, words: as it says.
        accesses: words that were read or written; none if the frame came again, or asked who is there.
    """

    kind: Kind
    address: int
    words: int
    accesses: int


class Board:
    """Frames in, answers out.

    Args:
        space: memory and registers.
        max_words: of a frame.
        registers_base, memory_bytes: what the link tells of itself.

    Attributes:
        done: of each answer, the frame that it is for, None for a damaged one; whoever reads it clears it.
    """

    def __init__(self, space: Space, max_words: int, registers_base: int, memory_bytes: int) -> None:
        self.space, self.max_words = space, max_words
        self.info = (PROTOCOL, max_words, registers_base, memory_bytes)
        self.last_write: tuple[int, int] | None = None  # tag and status, until another frame is done
        self.done: list[Done | None] = []

    def receive(self, line: Sequence[int | None]) -> list[bytes]:
        """Answers to bytes that come one behind the other, None for one without a stop bit; then the line is quiet.

        A host waits for each answer, so that nothing comes behind a whole frame before it.
        """
        line, answers, at = list(line), [], 0
        while at < len(line):
            if line[at] != REQUEST_MARK:
                at += 1
                continue
            found, at = self._frame(line[at + 1 :]), at + 1
            answers.append(found[0])
            at += found[1]
        return answers

    def _frame(self, line: Sequence[int | None]) -> tuple[bytes, int]:
        """Answer, and how many bytes it is for; a damaged frame takes all that follows."""
        header, failure = self._take(line, HEADER_BYTES)
        if failure is None and not self._legal(header):
            failure = Status.REQUEST
        if failure is None:
            words = int.from_bytes(header[6:8], "little")
            size = HEADER_BYTES + CRC_BYTES + (words * WORD if header[1] == Kind.WRITE else 0)
            frame, failure = self._take(line, size)
        if failure is None and crc(frame) != 0:
            failure = Status.CRC
        if failure is not None:
            self.done.append(None)
            return answer(failure, 0), len(line)
        return self._done(frame), size

    @staticmethod
    def _take(line: Sequence[int | None], size: int) -> tuple[bytes, Status | None]:
        found = line[:size]
        if None in found:
            return b"", Status.FRAMING
        return bytes(found), None if len(found) == size else Status.TIMEOUT

    def _legal(self, header: bytes) -> bool:
        kind, address, words = header[1], int.from_bytes(header[2:6], "little"), int.from_bytes(header[6:8], "little")
        if kind == Kind.IDENTIFY:
            return words == IDENTIFY_WORDS
        return kind in (Kind.READ, Kind.WRITE) and address % WORD == 0 and 1 <= words <= self.max_words

    def _done(self, frame: bytes) -> bytes:
        tag, kind, address = frame[0], frame[1], int.from_bytes(frame[2:6], "little")
        count, payload = int.from_bytes(frame[6:8], "little"), frame[HEADER_BYTES:-CRC_BYTES]
        if kind == Kind.WRITE and self.last_write and self.last_write[0] == tag:
            self.done.append(Done(Kind(kind), address, count, 0))
            return answer(self.last_write[1], tag)
        words, status, accesses = [], Status.OKAY, 0
        for index in range(count):
            if kind == Kind.IDENTIFY:
                words.append(self.info[index])
                continue
            accesses += 1
            place = address + index * WORD & 0xFFFFFFFF
            if kind == Kind.READ:
                word, status = self.space.read(place)
                words.append(word)
            else:
                status = self.space.write(place, int.from_bytes(payload[index * WORD :][:WORD], "little"))
            if status != Status.OKAY:
                break
        self.done.append(Done(Kind(kind), address, count, accesses))
        self.last_write = (tag, status) if kind == Kind.WRITE else None
        return answer(
            status, tag, b"".join(w.to_bytes(WORD, "little") for w in words) if status == Status.OKAY else b""
        )
