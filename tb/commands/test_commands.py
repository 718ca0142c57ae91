"""Random lists on the whole accelerator: legal ones, ones with an error, and what follows an error."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyuvm
from edge_qlora.commands import Limits

from tb.commands.bus_errors import BUS_ERRORS
from tb.commands.coverage import make_sample_end, sample_commands
from tb.commands.illegal import KINDS, Illegal, illegal_program
from tb.commands.program import ALL_WEIGHTS, Program, elementwise, random_program, tiles
from tb.common.base import config, scaled
from tb.common.scoreboard import ScoreboardError
from tb.core.env import ListTest, StrayAccessError
from tb.core.items import ListItem, Outcome
from tb.models.core import Core

FAULTS = [*KINDS, *BUS_ERRORS]
ADDRESS_BITS = 38  # of what commands name
sample_end = make_sample_end(["none", *FAULTS])


def limits() -> Limits:
    """Of the hardware."""
    return Limits(config()["scratch_words"], config()["max_rows"], config()["nested_depth"])


class CommandsTest(ListTest):
    """Lists at random places in memory."""

    group = "commands"

    @staticmethod
    def core(program: Program) -> Core:
        """A golden core with a program in its memory."""
        image = program.image
        chosen = config()
        return Core(image.memory.copy(), program.limits, chosen["act_width"], image.base, chosen["columns"])

    def place(self) -> tuple[np.random.Generator, int]:
        """A seed, and where memory begins."""
        return np.random.default_rng(random.getrandbits(32)), random.randrange(1, 1 << ADDRESS_BITS - 20) << 20

    def legal(self, chains: int | Sequence[Callable]) -> ListItem:
        """A random legal list, see ``random_program``."""
        rng, base = self.place()
        program = random_program(rng, limits(), chains, base)
        return ListItem(f"{len(program.commands)} commands", self.core(program), program.address)

    def illegal(self, kind: str, chains: int) -> ListItem:
        """A list with an error."""
        rng, base = self.place()
        if kind in BUS_ERRORS:
            program = random_program(rng, limits(), chains, base)
            return BUS_ERRORS[kind](program, self.core(program))
        found: Illegal = illegal_program(rng, kind, limits(), config()["act_width"], chains, base)
        outcome = Outcome(found.error, found.commands, (found.info,))
        return ListItem(found.fault, self.core(found.program), found.address, outcome=outcome)

    def sample(self, item: ListItem, kind: str = "none") -> None:
        sample_end(item, kind)
        if item.outcome.settled:
            sample_commands(item)


@pyuvm.test()
class Legal(CommandsTest):
    """Lists of many commands over all engines."""

    def lists(self) -> Iterator[ListItem]:
        for _ in range(scaled(8, 1)):
            yield self.legal(scaled(random.randint(2, 8), 1))


@pyuvm.test()
class Weights(CommandsTest):
    """MATRIX commands of all formats and modes of both products, a few in a list."""

    def lists(self) -> Iterator[ListItem]:
        kinds, several = random.sample(ALL_WEIGHTS, scaled(len(ALL_WEIGHTS), 1)), 6
        for first in range(0, len(kinds), several):
            yield self.legal([tiles(kind) for kind in kinds[first : first + several]])


@pyuvm.test()
class Instructions(CommandsTest):
    """VECTOR commands of all kinds, many in a list."""

    def lists(self) -> Iterator[ListItem]:
        for _ in range(scaled(4, 1)):
            yield self.legal([elementwise] * scaled(12, 1))


@pyuvm.test()
class Errors(CommandsTest):
    """Every kind of error, each followed by a legal list that must not notice."""

    def lists(self) -> Iterator[ListItem]:
        for kind in random.sample(FAULTS, scaled(len(FAULTS), 1)) + ["flip"] * scaled(6, 0):
            self.kind = kind
            yield self.illegal(kind, scaled(3, 1))
            self.kind = "none"
            yield self.legal(1)

    def sample(self, item: ListItem, kind: str = "none") -> None:
        super().sample(item, self.kind)


@pyuvm.test(expect_error=ScoreboardError)
class InjectedFault(CommandsTest):
    """One flipped bit in memory must be seen."""

    injected = True
    corrupt = 1

    def lists(self) -> Iterator[ListItem]:
        yield self.legal(1)


@pyuvm.test(expect_error=StrayAccessError)
class StrayAccess(CommandsTest):
    """A read that the list does not name, here of the list itself, must be seen."""

    injected = True

    def end_of_elaboration_phase(self) -> None:
        permit = self.env.memory.permit
        self.env.memory.permit = lambda readable, writable: permit(readable[1:], writable)

    def lists(self) -> Iterator[ListItem]:
        yield self.legal(1)
