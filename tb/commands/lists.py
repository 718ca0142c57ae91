"""Random lists at random places in memory, for the test of one core and for that of two."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from edge_qlora.commands import Command, Limits

from sim.bench import Config
from tb.commands.bus_errors import BUS_ERRORS
from tb.commands.illegal import KINDS, Illegal, illegal_program, refused_program
from tb.commands.program import Program, random_program
from tb.core.items import ListItem, Outcome
from tb.models.core import Core

FAULTS = [*KINDS, *BUS_ERRORS]
ADDRESS_BITS = 38  # of what commands name
PLACE = 20  # bits of an address within a list's memory


@dataclass(frozen=True)
class RandomLists:
    """Makes lists for one core.

    Attributes:
        config: settings of the core.
        core: its number, of those that share the memory; no two have the same memory.
        cores: how many these are, a power of two.
        backward: the core takes codes in T mode.
    """

    config: Config
    core: int = 0
    cores: int = 1
    backward: bool = True

    @property
    def limits(self) -> Limits:
        """Of the hardware."""
        sizes = (self.config[name] for name in ("scratch_words", "max_rows", "nested_depth"))
        return Limits(*sizes, backward=self.backward)

    def golden(self, program: Program) -> Core:
        """A golden core with a program in its memory."""
        image, chosen = program.image, self.config
        return Core(image.memory.copy(), program.limits, chosen["act_width"], image.base, chosen["columns"])

    def place(self) -> tuple[np.random.Generator, int]:
        """A seed, and where memory begins."""
        places = (1 << ADDRESS_BITS - PLACE) // self.cores
        base = (random.randrange(1, places) * self.cores + self.core) << PLACE
        return np.random.default_rng(random.getrandbits(32)), base

    def legal(self, chains: int | Sequence[Callable]) -> ListItem:
        """A random legal list, see ``random_program``."""
        rng, base = self.place()
        program = random_program(rng, self.limits, chains, base)
        return ListItem(f"{len(program.commands)} commands", self.golden(program), program.address)

    def illegal(self, kind: str, chains: int) -> ListItem:
        """A list with an error, one of ``FAULTS``."""
        rng, base = self.place()
        if kind in BUS_ERRORS:
            program = random_program(rng, self.limits, chains, base)
            return BUS_ERRORS[kind](program, self.golden(program))
        return self._item(illegal_program(rng, kind, self.limits, self.config["act_width"], chains, base))

    def refused(self, kind: type[Command], fields: dict[str, int]) -> ListItem:
        """A list in which fields of a command of a class must be refused."""
        rng, base = self.place()
        return self._item(refused_program(rng, kind, fields, self.limits, self.config["act_width"], base))

    def _item(self, found: Illegal) -> ListItem:
        outcome = Outcome(found.error, found.commands, (found.info,))
        return ListItem(found.fault, self.golden(found.program), found.address, outcome=outcome)
