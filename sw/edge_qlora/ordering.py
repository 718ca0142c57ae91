"""Order between the commands of a list: what semaphores promise, what a list lacks, and the semaphores that it needs.

Engines run at the same time. So what a list means in its order holds only where semaphores, or an engine by itself,
keep two commands apart that touch the same scratchpad values or memory. Everything here follows from one analysis:
which commands have certainly ended when a command begins. It takes queues of any depth, and no time for granted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .commands import BLOCK, HEADER_LINES, LINE, LINE_VALUES, SEMAPHORES, Command, End, Load, Matrix, Opcode, Vector
from .errors import OperandError
from .footprint import overlap
from .layout import NESTED_BLOCK

LARGEST_COUNT = 15
# LOAD commands that may be before the MATRIX command of the first of them: more would fill the loader's queue, and the
# fetch would stop at the next one, before it comes to that MATRIX command.
LOADS_AHEAD = 4
ENGINES = (Opcode.LOAD, Opcode.MATRIX, Opcode.VECTOR, Opcode.READ, Opcode.WRITE)
# These may begin a command before the one before it has ended.
_OVERLAPPING = (Opcode.LOAD, Opcode.MATRIX)
# Commands of one engine that may run ahead of another's, as semaphore counts, before `synchronize` makes them wait.
_AHEAD = 6

# For each engine, how many of its commands have ended: its first so many.
Ended = dict[Opcode, int]


@dataclass(frozen=True)
class Hazard:
    """Two commands without order that touch the same values, at least one of them writing; or one command with itself.

    Attributes:
        first, second: positions in the list.
        where: "scratchpad" or "memory".
        address: a word of the scratchpad or a byte address that both touch.
        sentence: all this in words.
    """

    first: int
    second: int
    where: str
    address: int
    sentence: str


def _joined(one: Ended, other: Ended) -> Ended:
    return {engine: max(one[engine], other[engine]) for engine in ENGINES}


class _Clocks:
    """What has ended when commands begin and end; commands are added one by one, with those that they wait for."""

    def __init__(self) -> None:
        self.numbers: list[int] = []  # of each command within its engine
        self.begin: list[Ended] = []
        self.end: list[Ended] = []
        self.positions: dict[Opcode, list[int]] = {engine: [] for engine in ENGINES}

    def add(self, opcode: Opcode) -> int:
        """The position of a new command; it knows what its engine tells it."""
        position = len(self.numbers)
        self.numbers.append(len(self.positions[opcode]))
        nothing = dict.fromkeys(ENGINES, 0)
        self.begin.append(nothing)
        self.end.append(nothing)
        self.positions[opcode].append(position)
        self.learn(position, opcode, ())
        return position

    def learn(self, position: int, opcode: Opcode, after: Iterable[int]) -> bool:
        """A command begins after others have ended; whether this was news."""
        number, mates = self.numbers[position], self.positions[opcode]
        begin, end = self.begin[position], self.end[position]
        for other in after:
            begin = _joined(begin, self.end[other])
        if number:
            before = mates[number - 1]
            begin = _joined(begin, (self.begin if opcode in _OVERLAPPING else self.end)[before])
            end = _joined(end, self.end[before])
        end = _joined(_joined(end, begin), dict.fromkeys(ENGINES, 0) | {opcode: number + 1})
        loads = self.positions[Opcode.LOAD]
        if opcode == Opcode.MATRIX and number < len(loads):
            end = _joined(end, self.end[loads[number]])
        news = (begin, end) != (self.begin[position], self.end[position])
        self.begin[position], self.end[position] = begin, end
        return news


class _Order:
    """The analysis of a list with its semaphores."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = [command for command in commands if not isinstance(command, End)]
        self.clocks = _Clocks()
        # Of each semaphore, the commands that post it and that wait for it, by engine.
        self.posts: dict[int, dict[Opcode, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.waits: dict[int, dict[Opcode, list[int]]] = defaultdict(lambda: defaultdict(list))
        for command in self.commands:
            position = self.clocks.add(command.opcode)
            for semaphore in command.post:
                self.posts[semaphore][command.opcode].append(position)
            for semaphore in command.waits:
                self.waits[semaphore][command.opcode].append(position)
        news = True
        while news:
            news = False
            for position, command in enumerate(self.commands):
                after = [p for semaphore in command.waits for p in self._certain(position, semaphore)]
                news |= self.clocks.learn(position, command.opcode, after)

    def begun(self, position: int, before: int) -> bool:
        """Whether a command has certainly begun when another begins."""
        engine, number = self._engine(position), self.clocks.numbers[position]
        same = engine == self._engine(before) and number < self.clocks.numbers[before]
        return same or self.clocks.begin[before][engine] > number

    def most(self, position: int, semaphore: int) -> int:
        """The largest count that a semaphore can have when a command has just posted it."""
        posted = self._others(semaphore, lambda post: self._ends_in_order(position, post)) + 1
        waits = self.waits[semaphore].values()
        return posted - sum(_until(mates, lambda w: not self._begins_before_end(w, position)) for mates in waits)

    def _engine(self, position: int) -> Opcode:
        return self.commands[position].opcode

    def _ends_in_order(self, position: int, other: int) -> bool:
        """Whether a command certainly ends before another, or itself, ends."""
        return self.clocks.end[other][self._engine(position)] > self.clocks.numbers[position]

    def _begins_before_end(self, position: int, other: int) -> bool:
        """Whether a command certainly begins before another, or itself, ends."""
        engine, number = self._engine(position), self.clocks.numbers[position]
        same = engine == self._engine(other) and number <= self.clocks.numbers[other]
        return same or self.clocks.end[other][engine] > number

    def _others(self, semaphore: int, later: Callable[[int], bool]) -> int:
        """Posts of a semaphore for which ``later`` is false."""
        return sum(_until(mates, later) for mates in self.posts[semaphore].values())

    def _certain(self, position: int, semaphore: int) -> Iterator[int]:
        """Posts that have certainly happened when a command has taken a semaphore, of each engine the last such one.

        As many as were taken until then must have been posted. A post is certain if without it, and without those that
        come after it or after this command, too few are left.
        """
        waits = self.waits[semaphore].values()
        taken = 1 + sum(_until(mates, lambda w: not self.begun(w, position)) for mates in waits)

        def enough_without(post: int) -> bool:
            def later(other: int) -> bool:
                return self._ends_in_order(post, other) or self._begins_before_end(position, other)

            return self._others(semaphore, later) >= taken

        for mates in self.posts[semaphore].values():
            certain = _until(mates, enough_without)
            if certain and not self._begins_before_end(position, mates[certain - 1]):
                yield mates[certain - 1]


def _until(items: Sequence[int], predicate: Callable[[int], bool]) -> int:
    """How many items there are before the first for which the predicate holds; it holds for all behind that one too."""
    return bisect_left(items, True, key=predicate)


def _name(commands: Sequence[Command], position: int) -> str:
    return f"command {position} ({commands[position].opcode.name})"


def check_list(commands: Sequence[Command]) -> list[str]:
    """Which of the rules of docs/commands.md for a whole list it breaks, in plain sentences."""
    return [
        *_bad_end(commands),
        *_bad_streams(commands),
        *_bad_counts(commands),
        *_bad_headers(commands),
        *_bad_sharing(commands),
    ]


def _bad_end(commands: Sequence[Command]) -> Iterator[str]:
    if not commands or not isinstance(commands[-1], End):
        yield "the list does not close with END"
    for position, command in enumerate(commands[:-1]):
        if isinstance(command, End):
            yield f"command {position} is END, but the list goes on"


def _pairs(commands: Sequence[Command]) -> tuple[list[int], list[int]]:
    return tuple([n for n, command in enumerate(commands) if isinstance(command, cls)] for cls in (Load, Matrix))


def _bad_streams(commands: Sequence[Command]) -> Iterator[str]:
    loads, matrices = _pairs(commands)
    if len(loads) != len(matrices):
        yield f"{len(loads)} LOAD commands do not make pairs with {len(matrices)} MATRIX commands"
    for number, (load, matrix) in enumerate(zip(loads, matrices, strict=False)):
        names = f"{_name(commands, matrix)} and its {_name(commands, load)}"
        if load > matrix:
            yield f"{names} are in the wrong order"
        ahead = bisect_left(loads, matrix) - number
        if ahead > LOADS_AHEAD:
            yield f"{ahead} LOAD commands from {_name(commands, load)} on are before its {_name(commands, matrix)}"
        given, taken = commands[load].stream_bytes, commands[matrix].stream_bytes
        if given != taken:
            yield f"{names} differ: a stream of {given} bytes for one of {taken}"


def _bad_counts(commands: Sequence[Command]) -> Iterator[str]:
    """A LOAD may be held up until its MATRIX command has begun, so its posts count from there on."""
    counts = [0] * SEMAPHORES
    loads, matrices = _pairs(commands)
    partner = dict(zip(matrices, loads, strict=False))
    for position, command in enumerate(commands):
        for semaphore in sorted(command.waits):
            counts[semaphore] -= 1
            if counts[semaphore] < 0:
                counts[semaphore] = 0
                yield f"{_name(commands, position)} waits for semaphore {semaphore}, which is zero there"
        posts = [] if isinstance(command, Load) else list(command.post)
        if position in partner:
            posts += commands[partner[position]].post
        for semaphore in posts:
            counts[semaphore] += 1


def _bad_headers(commands: Sequence[Command]) -> Iterator[str]:
    values = -1
    for position, command in enumerate(commands):
        if not isinstance(command, Matrix):
            continue
        if command.header_bytes:
            values = (command.header_bytes // LINE - HEADER_LINES) * LINE_VALUES
        if not command.blocks:
            continue
        if values < 0:
            yield f"{_name(commands, position)} has codes, but there was no header"
        elif command.blocks[-1] // NESTED_BLOCK >= values:
            yield f"{_name(commands, position)} uses block {command.blocks[-1]}, its header has {values} nested absmax"


def _bad_sharing(commands: Sequence[Command]) -> Iterator[str]:
    order = _Order(commands)
    for semaphore, engines in sorted(order.waits.items()):
        for before, after in pairwise(sorted(p for mates in engines.values() for p in mates)):
            if not order.begun(before, after):
                names = f"{_name(commands, before)} and {_name(commands, after)}"
                yield f"{names} both wait for semaphore {semaphore}, and either may be the first to take it"
    for semaphore, engines in sorted(order.posts.items()):
        for position in sorted(p for mates in engines.values() for p in mates):
            if (most := order.most(position, semaphore)) > LARGEST_COUNT:
                yield f"semaphore {semaphore} may count to {most} when {_name(commands, position)} posts it"
                break


def hazards(commands: Sequence[Command]) -> list[Hazard]:
    """Commands that touch the same values, one writing, without being kept in the list's order.

    Args:
        commands: a list that ``check_list`` finds nothing wrong with.
    """
    order, touched = _Order(commands), _Touched(commands)
    found = []
    for position, command in enumerate(order.commands):
        found += [_hazard(commands, position, position, "scratchpad", word) for word in _with_itself(command)]
        for engine, known in order.clocks.begin[position].items():
            mates = touched.before(engine, position)[known:]
            for other in touched.near(mates, position):
                for where, address in _conflicts(order.commands[other], command):
                    found.append(_hazard(commands, other, position, where, address))
    return found


def _hazard(commands: Sequence[Command], first: int, second: int, where: str, address: int) -> Hazard:
    place = f"word {address}" if where == "scratchpad" else f"{address:#x}"
    if first == second:
        sentence = f"{_name(commands, first)} writes {place} of the scratchpad, which it also uses otherwise"
    else:
        names = f"{_name(commands, first)} and {_name(commands, second)}"
        sentence = f"{names} touch {place} of the {where} without order"
    return Hazard(first, second, where, address, sentence)


def _conflicts(one: Command, other: Command) -> Iterator[tuple[str, int]]:
    """Where two commands touch the same place, at least one of them writing."""
    reads, writes, memory_reads, memory_writes = one.footprint
    other_reads, other_writes, other_memory_reads, other_memory_writes = other.footprint
    values = writes & (other_reads | other_writes) | reads & other_writes
    if values:
        yield "scratchpad", _word(values)
    pairs = (
        (memory_writes, other_memory_writes),
        (memory_writes, other_memory_reads),
        (memory_reads, other_memory_writes),
    )
    for left, right in pairs:
        address = overlap(left, right)
        if address is not None:
            yield "memory", address
            return


class _Touched:
    """Finds quickly which commands may touch the same places: by the lowest and the highest that each touches."""

    def __init__(self, commands: Sequence[Command]) -> None:
        engines = [None if isinstance(command, End) else command.opcode for command in commands]
        self.positions = {e: np.array([n for n, engine in enumerate(engines) if engine == e], int) for e in ENGINES}
        bounds = [[_bounds(touched) for touched in command.footprint] for command in commands]
        # Of scratchpad reads and writes, memory reads and writes: begins and ends [commands, 4].
        self.begins, self.ends = np.moveaxis(np.array(bounds, np.int64).reshape(-1, 4, 2), 2, 0)

    def before(self, engine: Opcode, position: int) -> np.ndarray:
        """Positions of an engine's commands that are before another in the list."""
        mates = self.positions[engine]
        return mates[: np.searchsorted(mates, position)]

    def near(self, others: np.ndarray, position: int) -> list[int]:
        """Those of some commands that may have a conflict with another one."""
        hit = np.zeros(len(others), bool)
        for one, other in ((1, 0), (1, 1), (0, 1), (3, 2), (3, 3), (2, 3)):
            begin, end = self.begins[position, other], self.ends[position, other]
            if begin < end:
                hit |= (self.begins[others, one] < end) & (self.ends[others, one] > begin)
        return others[hit].tolist()


def _bounds(touched: int | np.ndarray) -> tuple[int, int]:
    """Begin and end of all that is touched, both zero if that is nothing."""
    if isinstance(touched, int):
        return ((touched & -touched).bit_length() - 1, touched.bit_length()) if touched else (0, 0)
    return (int(touched[0, 0]), int(touched[-1, 1])) if len(touched) else (0, 0)


def _word(values: int) -> int:
    return ((values & -values).bit_length() - 1) // 8


def _with_itself(command: Command) -> Iterator[int]:
    """Words where what a command writes has no defined place in time among what it reads and writes."""
    if isinstance(command, Matrix):
        written = command.scratch_writes()
        columns = -(-command.outputs // BLOCK) * BLOCK
        if shared := written & command.scratch_reads():
            yield _word(shared)
        elif written.bit_count() != command.outer * command.inner * columns:
            yield _word(written)
    elif isinstance(command, Vector):
        yield from _vector_with_itself(command)


def _vector_with_itself(command: Vector) -> Iterator[int]:
    """D may be the place of A, or of B as a stream, row by row; nothing else may be shared."""
    i = command.instruction
    a, d, r = command.a_values(), command.d_values(), command.r_values()
    apart = d.bit_count() == i.outer * i.inner * i.words * 8
    shared = r & (a | d)
    if not (i.a == i.d and not i.exchange and apart):
        shared |= d & a
    b = command.b_values()
    shared |= r & b
    if i.b_per_row or not (i.d is not None and i.b == i.d.in_values() and apart):
        shared |= d & b
    if shared:
        yield _word(shared)


def synchronize(commands: Sequence[Command]) -> list[Command]:
    """The commands with the semaphores that make them behave as if each began when the one before it has ended.

    Every semaphore has one engine that posts it and one that waits for it; a command waits for the last of an engine's
    commands that it must not overtake. Engines that would run far ahead of others that follow them are held back.

    Args:
        commands: a list without semaphores; every LOAD directly or loosely before its MATRIX command.

    Raises:
        OperandError: there are semaphores already, a WRITE changes weights between a LOAD and its MATRIX command, or
            one engine's commands run so far ahead of another's that no semaphore can count them.
    """
    if any(command.waits or command.post for command in commands):
        raise OperandError("the commands have semaphores already")
    clocks, touched = _Clocks(), _Touched(commands)
    numbers: dict[tuple[Opcode, Opcode], int] = {}
    # For each pair of engines, commands of the second that wait for the first.
    waiting: dict[tuple[Opcode, Opcode], list[int]] = defaultdict(list)
    waits: list[set[int]] = [set() for _ in commands]
    posts: list[set[int]] = [set() for _ in commands]
    for position, command in enumerate(commands):
        if isinstance(command, End):
            continue
        opcode = command.opcode
        clocks.add(opcode)
        needed = _needed(commands, clocks, touched, position)
        for engine in ENGINES:
            followers = waiting[opcode, engine]
            ahead = [w for w in followers if clocks.begin[position][engine] <= clocks.numbers[w]]
            if engine != opcode and len(ahead) > _AHEAD:
                needed[engine] = max(needed.get(engine, 0), ahead[len(ahead) // 2])
        for engine, other in needed.items():
            implied = any(clocks.end[o][engine] > clocks.numbers[other] for e, o in needed.items() if e != engine)
            if implied:
                continue
            number = numbers.setdefault((engine, opcode), len(numbers))
            posts[other].add(number)
            waits[position].add(number)
            waiting[engine, opcode].append(position)
        clocks.learn(position, opcode, needed.values())
    if len(numbers) > SEMAPHORES:
        raise OperandError(f"{len(numbers)} pairs of engines need order, there are {SEMAPHORES} semaphores")
    result = [
        replace(command, waits=frozenset(w), post=frozenset(p))
        for command, w, p in zip(commands, waits, posts, strict=True)
    ]
    wrong = [*_bad_counts(result), *_bad_sharing(result)]
    if wrong:
        raise OperandError(wrong[0])
    return result


def _needed(commands: Sequence[Command], clocks: _Clocks, touched: _Touched, position: int) -> dict[Opcode, int]:
    """For each engine the last command that must have ended before this one begins, where that is not certain yet."""
    needed: dict[Opcode, int] = {}
    for engine, known in clocks.begin[position].items():
        mates = touched.before(engine, position)[known:]
        for other in reversed(touched.near(mates, position)):
            if any(_conflicts(commands[other], commands[position])):
                by = _ender(clocks, engine, other)
                if by is None:
                    raise OperandError(f"{_name(commands, position)} changes what {_name(commands, other)} still loads")
                by_engine = commands[by].opcode
                needed[by_engine] = max(needed.get(by_engine, 0), by)
                break
    return needed


def _ender(clocks: _Clocks, engine: Opcode, position: int) -> int | None:
    """The command whose end tells that of another: of a LOAD command that of its MATRIX command."""
    if engine != Opcode.LOAD:
        return position
    matrices = clocks.positions[Opcode.MATRIX]
    number = clocks.numbers[position]
    return matrices[number] if number < len(matrices) else None
