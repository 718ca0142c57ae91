"""Order of commands: the rules for a list, hazards, the semaphores that it needs; held against engines at random."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest
from edge_qlora.command_layout import WeightFormat
from edge_qlora.commands import Command, End, Limits, Load, Matrix, Opcode, Part, Product, Read, Vector, Write
from edge_qlora.errors import OperandError
from edge_qlora.footprint import overlap
from edge_qlora.ordering import ENGINES, LARGEST_COUNT, check_list, hazards, synchronize
from edge_qlora.vector import Instruction, Operand, Reduction, Region

from tb.commands.program import faults, random_program

LIMITS = Limits(1024, 16, 256)
PLACES = (0, 100, 200)


def with_semaphores(command: Command, waits: tuple[int, ...], post: tuple[int, ...]) -> Command:
    return replace(command, waits=frozenset(waits), post=frozenset(post))


def read(place: int, *semaphores, address: int = 0x10000) -> Read:
    """8 words of the scratchpad, 256 bytes of memory."""
    return with_semaphores(Read(address=address, length=64, s=Region(place)), *(semaphores or ((), ())))


def write(place: int, *semaphores, address: int = 0x20000) -> Write:
    return with_semaphores(Write(address=address, length=64, s=Region(place)), *(semaphores or ((), ())))


def vector(a: int, d: int, *semaphores) -> Vector:
    command = Vector(instruction=Instruction(length=64, a=Region(a), d=Region(d)))
    return with_semaphores(command, *(semaphores or ((), ())))


def load(*semaphores, address: int = 0x30000, rows: int = 64) -> Load:
    return with_semaphores(Load(part0=Part(address, rows, 256, 256)), *(semaphores or ((), ())))


def matrix(a: int, d: int, *semaphores) -> Matrix:
    product = Product(Region(a), 64, False, WeightFormat.FP32)
    return with_semaphores(Matrix(d=Region(d), outputs=64, product0=product), *(semaphores or ((), ())))


def conflict(one: Command, other: Command) -> bool:
    """Whether two commands touch the same place and one of them writes."""
    reads, writes, memory_reads, memory_writes = one.footprint
    other_reads, other_writes, other_memory_reads, other_memory_writes = other.footprint
    pairs = (
        (memory_writes, other_memory_writes),
        (memory_writes, other_memory_reads),
        (memory_reads, other_memory_writes),
    )
    return bool(writes & (other_reads | other_writes) | reads & other_writes) or any(
        overlap(left, right) is not None for left, right in pairs
    )


class Engines:
    """Queues without end, engines that take any time, and a FIFO for weights that may hold nothing.

    ``run`` gives the faults that one random course of events has shown.
    """

    def __init__(self, commands: list[Command], seed: int):
        self.commands = commands[:-1]
        self.random = random.Random(seed)
        self.haste = {engine: self.random.choice((1, 1, 30)) for engine in ENGINES}
        self.begun: set[int] = set()
        self.ended: set[int] = set()
        self.counts = [0] * 16
        self.queues = {e: [n for n, c in enumerate(self.commands) if c.opcode == e] for e in ENGINES}
        self.conflicts = {
            n: [m for m in range(n) if conflict(self.commands[m], self.commands[n])] for n in range(len(self.commands))
        }
        self.late_loads = seed % 2 == 0

    def run(self) -> set[str]:
        faults: set[str] = set()
        while len(self.ended) < len(self.commands):
            steps = [(self.begin, n) for n in self.may_begin()] + [(self.end, n) for n in self.may_end()]
            if not steps:
                return faults | {"deadlock"}
            weights = [self.haste[self.commands[position].opcode] for _, position in steps]
            step, position = self.random.choices(steps, weights)[0]
            faults |= step(position)
        return faults

    def may_begin(self) -> list[int]:
        found = []
        for engine, queue in self.queues.items():
            waiting = [n for n in queue if n not in self.begun]
            busy = len(self.begun & set(queue)) > len(self.ended & set(queue))
            if not waiting or (busy and engine not in (Opcode.LOAD, Opcode.MATRIX)):
                continue
            if all(self.counts[s] for s in self.commands[waiting[0]].waits):
                found.append(waiting[0])
        return found

    def may_end(self) -> list[int]:
        found = []
        loads, matrices = self.queues[Opcode.LOAD], self.queues[Opcode.MATRIX]
        for queue in self.queues.values():
            running = [n for n in queue if n in self.begun and n not in self.ended]
            if not running:
                continue
            first = running[0]
            if first in matrices and loads[matrices.index(first)] not in self.ended:
                continue
            if first in loads and self.late_loads and matrices[loads.index(first)] not in self.begun:
                continue
            found.append(first)
        return found

    def begin(self, position: int) -> set[str]:
        self.begun.add(position)
        for semaphore in self.commands[position].waits:
            self.counts[semaphore] -= 1
        overtaken = any(n not in self.ended for n in self.conflicts[position])
        early = any(position in self.conflicts[n] for n in self.begun if n > position)
        return {"hazard"} if overtaken or early else set()

    def end(self, position: int) -> set[str]:
        self.ended.add(position)
        for semaphore in self.commands[position].post:
            self.counts[semaphore] += 1
        return {"count"} if max(self.counts) > LARGEST_COUNT else set()


def observed(commands: list[Command], runs: int = 20) -> set[str]:
    """Faults in some random courses of events."""
    return set().union(*(Engines(commands, seed).run() for seed in range(runs)))


DOUBLE_BUFFER = [
    command
    for n in range(6)
    for command in (
        read(PLACES[n % 2], (1,) if n > 1 else (), (0,)),
        vector(PLACES[n % 2], PLACES[2], (0, 3) if n else (0,), (1, 2)),
        write(PLACES[2], (2,), (3,), address=0x20000 + 256 * n),
    )
] + [End()]


def test_double_buffer_is_fine():
    assert not check_list(DOUBLE_BUFFER) and not hazards(DOUBLE_BUFFER) and not observed(DOUBLE_BUFFER)


@pytest.mark.parametrize("position", range(len(DOUBLE_BUFFER) - 1))
def test_double_buffer_needs_every_semaphore(position):
    """Any wait that is left out shows as a hazard, and happens."""
    command = DOUBLE_BUFFER[position]
    for semaphore in command.waits:
        changed = [*DOUBLE_BUFFER]
        changed[position] = replace(command, waits=command.waits - {semaphore})
        assert hazards(changed)
        assert "hazard" in observed(changed, 100)


def test_matrix_commands_overlap_each_other():
    """A MATRIX command may begin before the one before it has ended, a VECTOR command may not."""
    chain = [read(0, (), (0,)), load(), matrix(0, 100, (0,), ()), load(), matrix(100, 200), End()]
    assert [(h.first, h.second) for h in hazards(chain)] == [(2, 4)]
    chain[2] = matrix(0, 100, (0,), (1,))
    chain[4] = matrix(100, 200, (1,), ())
    assert not hazards(chain)
    assert not hazards([read(0, (), (0,)), vector(0, 100, (0,), ()), vector(100, 200), End()])


def test_memory_hazards():
    """Weights that are written must be loaded behind that; and until they are, nothing else may be written there."""
    chain = [read(0, (), (0, 3)), write(0, (0,), (1,), address=0x30000), load((1,), ()), matrix(0, 100, (3,), (2,))]
    chain += [write(0, (2,), (), address=0x30100), End()]
    assert not check_list(chain) and not hazards(chain)
    for position, where in ((2, "memory"), (4, "memory")):
        changed = [*chain]
        changed[position] = replace(chain[position], waits=frozenset())
        assert where in {h.where for h in hazards(changed)}


def test_sentences_of_hazards():
    (found,) = hazards([read(5), write(9), End()])
    assert (found.first, found.second, found.address) == (0, 1, 9)
    assert found.sentence == "command 0 (READ) and command 1 (WRITE) touch word 9 of the scratchpad without order"


SELF = [
    matrix(0, 4),
    replace(matrix(0, 100), outer=2, d=Region(100, 7)),
    Vector(instruction=Instruction(length=64, a=Region(0), d=Region(4))),
    Vector(instruction=Instruction(length=64, a=Region(0), exchange=1, d=Region(0))),
    Vector(instruction=Instruction(length=64, outer=2, a=Region(0), d=Region(0))),
    Vector(instruction=Instruction(length=64, x=Operand.B, b=Region(8), d=Region(0), a=Region(100))),
    Vector(instruction=Instruction(length=8, x=Operand.B, b=Region(7), b_per_row=True, d=Region(0), a=Region(100))),
    Vector(instruction=Instruction(length=64, a=Region(0), reduction=Reduction.SUM, r=Region(63))),
    Vector(instruction=Instruction(length=64, a=Region(0), d=Region(100), reduction=Reduction.SUM, r=Region(800))),
]
FINE = [
    matrix(0, 8),
    Vector(instruction=Instruction(length=64, outer=2, a=Region(0, 8), d=Region(0, 8))),
    Vector(instruction=Instruction(length=64, x=Operand.B, b=Region(0, 64), a=Region(100), outer=2, d=Region(0, 8))),
    Vector(instruction=Instruction(length=64, a=Region(0), reduction=Reduction.SUM, r=Region(64))),
]


def alone(command: Command) -> list[Command]:
    return [*([load()] if isinstance(command, Matrix) else []), command, End()]


@pytest.mark.parametrize("command", SELF)
def test_a_command_may_be_its_own_hazard(command):
    assert [h.first for h in hazards(alone(command))] == [len(alone(command)) - 2]


@pytest.mark.parametrize("command", FINE)
def test_a_command_may_work_in_its_place(command):
    assert not hazards(alone(command))


STOLEN = [read(0, (), (0,)), vector(0, 100, (0,), (1,)), read(200, (), (2,)), vector(200, 300, (2,), (0,))]
STOLEN += [load(), matrix(300, 400, (0,), ()), End()]

UNKNOWN = replace(matrix(0, 8), product0=Product(Region(0), 64, False, 7))

BROKEN = [
    ([load(rows=63), UNKNOWN, End()], "a stream of 16128 bytes for one of 16384"),
    ([], "the list does not close with END"),
    ([read(0)], "the list does not close with END"),
    ([End(), read(0), End()], "command 0 is END, but the list goes on"),
    ([load(), End()], "1 LOAD commands do not make pairs with 0 MATRIX"),
    ([matrix(0, 8), load(), End()], r"command 0 \(MATRIX\) and its command 1 \(LOAD\) are in the wrong order"),
    ([load(rows=63), matrix(0, 8), End()], "a stream of 16128 bytes for one of 16384"),
    ([vector(0, 8, (3,), ()), read(0, (), (3,)), End()], r"command 0 \(VECTOR\) waits for semaphore 3, which is zero"),
    ([load((), (1,)), read(0, (1,), (2,)), matrix(0, 8, (2,), ()), End()], r"command 1 \(READ\) waits for semaphore 1"),
    ([read(0, (), (1,))] * 16 + [End()], r"semaphore 1 may count to 16 when command 15 \(READ\) posts it"),
    (STOLEN, r"command 1 \(VECTOR\) and command 5 \(MATRIX\) both wait for semaphore 0"),
    (
        [load()] * 5 + [matrix(0, 8)] * 5 + [End()],
        r"5 LOAD commands from command 0 \(LOAD\) on are before its command 5",
    ),
    ([load()] * 4 + [matrix(0, 8)] + [load()] + [matrix(0, 8)] * 4 + [End()], None),
    ([load(rows=64), matrix(0, 8), End()], None),
]


@pytest.mark.parametrize(("commands", "sentence"), BROKEN)
def test_rules_of_a_list(commands, sentence):
    found = check_list(commands)
    if sentence is None:
        assert not found
    else:
        assert len([text for text in found if re.search(sentence, text)]) == 1


def test_codes_need_a_header():
    product = Product(Region(0), 64, False, WeightFormat.CODES)
    first = Matrix(d=Region(100), outputs=64, product0=product, block_stride=1, header_bytes=192)
    stream = Load(part0=Part(0, 1, 2112), header_bytes=192)
    codes = replace(stream, header_bytes=0), replace(first, header_bytes=0)
    assert check_list([*codes, End()]) == ["command 1 (MATRIX) has codes, but there was no header"]
    assert not check_list([stream, first, *codes, End()])
    far = replace(first, block=16 * 256 - 63)
    assert not check_list([stream, replace(far, block=far.block - 1), End()])
    (sentence,) = check_list([stream, far, End()])
    assert sentence == "command 1 (MATRIX) uses block 4096, its header has 16 nested absmax"


def test_rules_hold_what_they_promise():
    """Each of these is fine taken one after the other, and goes wrong on engines that run at the same time."""
    assert "deadlock" in observed(STOLEN, 100)
    late = [load((), (1,)), read(0, (1,), (2,)), matrix(0, 8, (2,), ()), End()]
    assert "deadlock" in observed(late)
    ahead = [c for _ in range(16) for c in (read(0, (), (1,)), vector(100, 200, (1,), ()))] + [End()]
    assert "semaphore 1 may count to 16" in check_list(ahead)[0]
    assert "count" in observed(ahead, 100)


def test_random_programs_are_legal_and_run_in_any_order():
    for seed in range(12):
        program = random_program(np.random.default_rng(seed), LIMITS, 4)
        assert not faults(program)
        assert not observed(program.commands, 6)


def test_a_semaphore_less_is_found():
    """One wait is left out of a random program. What the analysis does not call a fault never happens."""
    called, seen = 0, 0
    for seed in range(60):
        rng = np.random.default_rng([9, seed])
        commands = random_program(rng, LIMITS, 3).commands
        waiting = [n for n, c in enumerate(commands) if c.waits]
        position = int(rng.choice(waiting))
        command = commands[position]
        commands[position] = replace(command, waits=command.waits - {int(rng.choice(sorted(command.waits)))})
        fault, happened = bool(check_list(commands) or hazards(commands)), bool(observed(commands, 4))
        assert fault or not happened
        called, seen = called + fault, seen + happened
    assert called > 30 and seen > 15


def test_synchronize_adds_what_is_needed_and_no_more():
    """A chain of five engines with two buffers: one wait per command, two for those that reuse a place."""
    bare = []
    for n in range(8):
        bare += [read(PLACES[n % 2]), load(), matrix(PLACES[n % 2], 300), vector(300, 400), write(400)]
    commands = synchronize([*bare, End()])
    assert not check_list(commands) and not hazards(commands)
    assert [replace(c, waits=frozenset(), post=frozenset()) for c in commands] == [*bare, End()]
    waits = [len(c.waits) for c in commands]
    assert waits[:5] == [0, 0, 1, 1, 1] and waits[35:40] == [1, 0, 2, 2, 1]


def test_synchronize_holds_back_an_engine_that_runs_ahead():
    """READ needs nothing from VECTOR here, but would post far more than a semaphore counts."""
    commands = synchronize([c for n in range(40) for c in (read(8 * n), vector(8 * n, 500))] + [End()])
    assert not check_list(commands) and not hazards(commands)


def test_synchronize_refuses():
    with pytest.raises(OperandError, match="have semaphores already"):
        synchronize([read(0, (), (1,)), End()])
    with pytest.raises(OperandError, match=r"command 2 \(WRITE\) changes what command 1 \(LOAD\) still loads"):
        synchronize([read(0), load(), write(0, address=0x30000), matrix(0, 100), End()])
    with pytest.raises(OperandError, match="may count to 16"):
        synchronize([read(8 * n) for n in range(20)] + [vector(8 * n, 500) for n in range(20)] + [End()])


def test_random_lists_without_semaphores_are_synchronized():
    """READ, VECTOR, WRITE, LOAD and MATRIX on few places, in any order."""
    for seed in range(30):
        rng = np.random.default_rng([3, seed])
        bare: list[Command] = []
        for _ in range(30):
            a, d = (8 * int(v) for v in rng.choice(5, 2, replace=False))
            address = 0x20000 + 256 * int(rng.integers(4))
            kind = rng.integers(4)
            bare += [
                [read(d, address=address)],
                [vector(a, d)],
                [write(a, address=address)],
                [load(address=0x20000 - 256 * 62), matrix(a, d)],
            ][kind]
        commands = synchronize([*bare, End()])
        assert not check_list(commands) and not hazards(commands) and not observed(commands, 5)
