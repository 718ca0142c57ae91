"""Lists of commands with what must become of them. No simulator import.

Only what the control side looks at has a meaning here: the kind of a command, its semaphores and its reserved bits; all
other bits are random. Engines have numbers: opcode - 1.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from edge_qlora.command_layout import LOAD, MAGIC, MATRIX, TRANSFER, VECTOR, Command
from edge_qlora.registers import ErrorCode

LINE = 64
BITS = 8 * LINE
ENGINES = 5
SEMAPHORES = 16
LARGEST = 15
LAYOUTS = (LOAD, MATRIX, VECTOR, TRANSFER, TRANSFER)
# Bits that may be set in a command, by engine.
USED = [sum((1 << width) - 1 << lsb for lsb, width in layout.values()) for layout in LAYOUTS]
# Several of these may be in flight at a time; the others run one after the other.
OVERLAPPING = (Command.LOAD - 1, Command.MATRIX - 1)
MATRIX_ENGINE = Command.MATRIX - 1


def head(opcode: int) -> int:
    """Word 0 of a command."""
    return MAGIC << 16 | opcode


END = head(Command.END)


@dataclass(frozen=True)
class Item:
    """A command: its engine, the sets of semaphores as masks, and all other bits."""

    engine: int
    waits: int = 0
    post: int = 0
    body: int = 0

    @property
    def word(self) -> int:
        """The command's 512 bits."""
        semaphores = self.waits << LOAD["waits"][0] | self.post << LOAD["post"][0]
        return self.body & USED[self.engine] & ~((1 << 64) - 1) | semaphores | head(self.engine + 1)


@dataclass(frozen=True)
class Report:
    """How a list ends; ``code`` is NONE for a good one."""

    code: ErrorCode = ErrorCode.NONE
    command: int = 0
    info: int = 0


def bits(mask: int) -> list[int]:
    """Numbers of the bits that are set."""
    return [n for n in range(mask.bit_length()) if mask >> n & 1]


def random_item(engine: int | None = None, waits: int = 0, post: int = 0) -> Item:
    """A command with random bits wherever they may be."""
    chosen = random.randrange(ENGINES) if engine is None else engine
    return Item(chosen, waits, post, random.getrandbits(BITS))


def random_list(length: int) -> list[Item]:
    """A list that is right one command after the other, in which one engine alone waits for each semaphore.

    A semaphore has at most 15 posts, so it does not overflow whatever runs ahead.
    """
    takers = [random.randrange(ENGINES) for _ in range(SEMAPHORES)]
    likely = random.choices((1, 1, 5), k=ENGINES)
    density = random.choice((0.02, 0.1, 0.3))
    counts, posts, items = [0] * SEMAPHORES, [0] * SEMAPHORES, []
    for _ in range(length):
        engine = random.choices(range(ENGINES), likely)[0]
        waits = [n for n in range(SEMAPHORES) if takers[n] == engine and counts[n] and random.random() < 0.7]
        post = [n for n in range(SEMAPHORES) if posts[n] < LARGEST and random.random() < density]
        for n in waits:
            counts[n] -= 1
        for n in post:
            counts[n] += 1
            posts[n] += 1
        items.append(random_item(engine, sum(1 << n for n in waits), sum(1 << n for n in post)))
    return items


def run_out(items: Sequence[Item], depth: int, in_flight: int, stuck: Collection[int] = ()) -> int | None:
    """Let a list run as far as it can.

    Args:
        depth: commands that a queue holds.
        in_flight: commands in flight per engine.
        stuck: indices of commands that never end.

    Returns:
        Index of the command that a deadlock reports: the first of the lowest engine's queue that waits for semaphores,
        or else the oldest one in the lowest engine; None when the list comes to its end.
    """
    counts, sent, taken = [0] * SEMAPHORES, 0, [False] * ENGINES
    queues: list[deque[int]] = [deque() for _ in range(ENGINES)]
    flights: list[deque[int]] = [deque() for _ in range(ENGINES)]
    moved = True
    while moved:
        moved = False
        if sent < len(items) and len(queues[items[sent].engine]) < depth:
            queues[items[sent].engine].append(sent)
            sent, moved = sent + 1, True
        for e, (queue, flight) in enumerate(zip(queues, flights, strict=True)):
            if (
                queue
                and not taken[e]
                and len(flight) < in_flight
                and all(counts[n] for n in bits(items[queue[0]].waits))
            ):
                for n in bits(items[queue[0]].waits):
                    counts[n] -= 1
                taken[e] = moved = True
            if taken[e] and (e in OVERLAPPING or not flight):
                flight.append(queue.popleft())
                taken[e], moved = False, True
            if flight and flight[0] not in stuck:
                for n in bits(items[flight.popleft()].post):
                    counts[n] += 1
                moved = True
    waiting = [q[0] for e, q in enumerate(queues) if q and not taken[e] and len(flights[e]) < in_flight]
    return next(iter(waiting + [flight[0] for flight in flights if flight]), None)


def without_a_post(items: Sequence[Item]) -> list[Item]:
    """The same list, one post of which is missing."""
    index = random.choice([n for n, item in enumerate(items) if item.post])
    number = random.choice(bits(items[index].post))
    changed = replace(items[index], post=items[index].post & ~(1 << number))
    return [*items[:index], changed, *items[index + 1 :]]


def reserved(word: int) -> list[int]:
    """Bits that a good command must not have, or END."""
    opcode = word & 0xFF
    used = 0xFFFF_00FF if opcode == Command.END else USED[opcode - 1]
    return [n for n in range(BITS) if not used >> n & 1]


def spoiled(word: int) -> dict[str, Callable[[], int]]:
    """Ways to make a good command a bad one, by name."""
    unused = reserved(word)
    found = {
        "magic": lambda: word ^ 1 << random.randrange(16, 32),
        "opcode": lambda: word & ~0xFF | random.choice((0, 7, 8, 0x80, 0x81, 0x84, 0xFF)),
    }
    if word & 0xFF == Command.END:
        found["bit of END"] = lambda: word | 1 << random.choice(unused)
    else:
        found["reserved bit"] = lambda: word | 1 << random.choice(unused)
        found["reserved bit of the first word"] = lambda: word | 1 << random.choice([n for n in unused if n < 64])
    return found
