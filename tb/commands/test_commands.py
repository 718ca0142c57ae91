"""Random lists on the whole accelerator: legal ones, ones with an error, and what follows an error."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pyuvm

from tb.commands.coverage import make_sample_end, sample_commands
from tb.commands.lists import FAULTS, RandomLists
from tb.commands.program import ALL_WEIGHTS, elementwise, tiles
from tb.common.base import config, scaled, simulator
from tb.common.scoreboard import ScoreboardError
from tb.core.env import ListTest, StrayAccessError
from tb.core.items import ListItem

sample_end = make_sample_end(["none", *FAULTS])


class CommandsTest(ListTest):
    """Random lists."""

    group = "commands"

    def build_phase(self) -> None:
        super().build_phase()
        self.make = RandomLists(config())

    def sample(self, item: ListItem, kind: str = "none") -> None:
        sample_end(item, kind)
        if item.outcome.settled:
            sample_commands(item)


@pyuvm.test()
class Legal(CommandsTest):
    """Lists of many commands over all engines."""

    def lists(self) -> Iterator[ListItem]:
        for _ in range(scaled(8, 1)):
            yield self.make.legal(scaled(random.randint(2, 8), 1))


@pyuvm.test()
class Weights(CommandsTest):
    """MATRIX commands of all formats and modes of both products, a few in a list."""

    def lists(self) -> Iterator[ListItem]:
        kinds, several = random.sample(ALL_WEIGHTS, scaled(len(ALL_WEIGHTS), 1)), 6
        for first in range(0, len(kinds), several):
            yield self.make.legal([tiles(kind) for kind in kinds[first : first + several]])


@pyuvm.test()
class Instructions(CommandsTest):
    """VECTOR commands of all kinds, many in a list."""

    def lists(self) -> Iterator[ListItem]:
        for _ in range(scaled(4, 1)):
            yield self.make.legal([elementwise] * scaled(12, 1))


@pyuvm.test()
class Errors(CommandsTest):
    """Every kind of error, each followed by a legal list that must not notice."""

    def lists(self) -> Iterator[ListItem]:
        for kind in random.sample(FAULTS, scaled(len(FAULTS), 1)) + ["flip"] * scaled(6, 0):
            self.kind = kind
            yield self.make.illegal(kind, scaled(3, 1))
            self.kind = "none"
            yield self.make.legal(1)

    def sample(self, item: ListItem, kind: str = "none") -> None:
        super().sample(item, self.kind)


@pyuvm.test(expect_error=ScoreboardError, skip=simulator() == "icarus")
class InjectedFault(CommandsTest):
    """One flipped bit in memory must be seen."""

    injected = True
    corrupt = 1

    def lists(self) -> Iterator[ListItem]:
        yield self.make.legal(1)


@pyuvm.test(expect_error=StrayAccessError, skip=simulator() == "icarus")
class StrayAccess(CommandsTest):
    """A read that the list does not name, here of the list itself, must be seen."""

    injected = True

    def end_of_elaboration_phase(self) -> None:
        permit = self.env.memory.permit
        self.env.memory.permit = lambda readable, writable: permit(readable[1:], writable)

    def lists(self) -> Iterator[ListItem]:
        yield self.make.legal(1)
