"""Build a bitstream for a board: ``make fpga BOARD=genesys2``; ``DRY_RUN=1`` checks what it can without its tools.

A board is a folder here with a ``flow.py`` that has ``run(options)``.
"""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path

from edge_qlora.backends import setting

from sim.bench import ROOT


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes:
        host: who runs the accelerator, by its name in ``host_pkg``, small letters.
        dry_run: check, do not build.
        program: memory file of the host's program; empty for the board's own.
        activity: SAIF file for the power report; empty for none.
        activity_scope: instance in that file that is the accelerator.
        host_sources: more source files, those of a licensed host.
        top: what is built; empty for the board's top.
        clock: MHz of the core; empty for the board's default.
        seed: of placement; empty for 1.
        settings: replaced settings of the configuration.
    """

    host: str = "ibex"
    dry_run: bool = False
    program: str = ""
    activity: str = ""
    activity_scope: str = ""
    host_sources: tuple[str, ...] = ()
    top: str = ""
    clock: str = ""
    seed: str = ""
    settings: tuple[tuple[str, int], ...] = ()


def boards(root: Path = ROOT) -> list[str]:
    """Names of the boards."""
    return sorted(path.parent.name for path in root.glob("fpga/*/flow.py"))


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="")
    parser.add_argument("--host", default="ibex")
    parser.add_argument("--dry-run", default="", help="1 checks without building")
    parser.add_argument("--program", default="", help="memory file of the host's program")
    parser.add_argument("--activity", default="", help="SAIF file for the power report")
    parser.add_argument("--activity-scope", default="", help="instance in the SAIF file that is the accelerator")
    parser.add_argument("--host-source", action="append", default=[], help="a licensed host's source file")
    parser.add_argument("--top", default="", help="ecp5: build this module alone")
    parser.add_argument("--clock", default="", help="ecp5: clock of the core in MHz")
    parser.add_argument("--seed", default="", help="ecp5: seed of placement")
    parser.add_argument(
        "--set", action="append", default=[], type=setting, help="ecp5: replace a setting, as columns=1"
    )
    arguments = parser.parse_args()
    if arguments.board not in boards():
        raise SystemExit(f"error: BOARD='{arguments.board}'; the boards are: {', '.join(boards())}")
    flow = importlib.import_module(f"fpga.{arguments.board}.flow")
    flow.run(
        Options(
            host=arguments.host,
            dry_run=arguments.dry_run == "1",
            program=arguments.program,
            activity=arguments.activity,
            activity_scope=arguments.activity_scope,
            host_sources=tuple(arguments.host_source),
            top=arguments.top,
            clock=arguments.clock,
            seed=arguments.seed,
            settings=tuple(arguments.set),
        )
    )


if __name__ == "__main__":
    main()
