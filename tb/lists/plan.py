"""What is to happen to one list. No simulator import."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tb.lists.model import END, LINE, Item, Report, random_item


@dataclass(frozen=True)
class Plan:
    """A list in memory and the world around it.

    Attributes:
        items: the commands.
        address: byte address of the list.
        base, limit: the memory window in bytes, limit exclusive.
        words: what is in memory, by line.
        last_line: where the reading of the list ends; None when only the window's end can do that.
        expected: how the list ends by itself; None: well, unless something below is in its way.
        durations: longest time of a command in cycles.
        slow: cycles of single commands, by index.
        refused: cycles from its transfer until the engine refuses a command, by index.
        stuck: commands that never end, by index.
        nonfinite: MATRIX commands that meet NaN, by index.
        counted: semaphores for which no command waits and which may overflow.
        error_rate, errors_from: probability of errors from outside in a cycle, of those from this one on.
        together: what these errors are; none: any.
        failing_read: number of the request for lines that memory answers with an error.
        left: weights are left over in the end.
        fast: memory and engines never pause.
        meet: commands end when all engines have one.
    """

    items: Sequence[Item]
    address: int
    base: int
    limit: int
    words: Mapping[int, int]
    last_line: int | None
    expected: Report | None = None
    durations: int = 20
    slow: Mapping[int, int] = field(default_factory=dict)
    refused: Mapping[int, int] = field(default_factory=dict)
    stuck: frozenset[int] = frozenset()
    nonfinite: frozenset[int] = frozenset()
    counted: frozenset[int] = frozenset()
    error_rate: float = 0.0
    errors_from: int = 0
    together: tuple[str, ...] = ()
    failing_read: int | None = None
    left: bool = False
    fast: bool = False
    meet: bool = False

    @property
    def line(self) -> int:
        """First line of the list."""
        return self.address // LINE

    def address_of(self, index: int) -> int:
        """Byte address of a command."""
        return (self.line + index) * LINE

    def word(self, line: int) -> int:
        """A line of memory; where there is nothing, a command that nobody asked for."""
        return self.words[line] if line in self.words else random_item().word


def place(items: Sequence[Item], gap: int | None = None, **options) -> Plan:
    """A plan with the list somewhere in a window that ends so many lines behind END, or anywhere."""
    line = random.randrange(1 << 10, 1 << 33)
    words = {line + n: item.word for n, item in enumerate(items)} | {line + len(items): END}
    behind = random.choice((0, 1, 5, 7, 8, 9, 40)) if gap is None else gap
    limit = (line + len(words) + behind) * LINE + random.choice((0, 0, 1, LINE - 1))
    if gap is None and random.random() < 0.1:
        limit = random.choice((1 << 40, random.getrandbits(24) << 40 | 1 << 63))
    base = (line - random.choice((0, 1, 100))) * LINE
    return Plan(items, line * LINE, base, limit, words, line + len(items), **options)
