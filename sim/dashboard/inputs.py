"""What the page is made from: files of ``make regress``, ``coverage``, ``formal`` and ``mutate``, and the targets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fpga.report import Figure, Row
from sim.tools import changed_since

# Optional inputs: place below sim/build, what makes it, what its JSON is.
OPTIONAL: dict[str, tuple[str, str, type]] = {
    "coverage": ("regress/coverage.json", "make coverage", dict),
    "formal": ("formal/formal.json", "make formal", list),
    "mutation": ("mutate/mutate.json", "make mutate", list),
}


@dataclass(frozen=True)
class Inputs:
    """All that was found.

    Attributes:
        build: folder with the results, ``sim/build``.
        summary: of the regression.
        runs: its runs, as their files have them.
        coverage, formal, mutation: as their targets wrote them; None where they did not. Proofs and mutants have
            "stale", whether their sources have changed since.
        expected: numbers of tasks and of IPs, by "formal" and "mutation", where they are known.
        targets: rows of ``fpga/report.py``.
        figures: numbers of area, clock and time per token.
        notes: what is wrong with the inputs, for the reader.
    """

    build: Path
    summary: dict
    runs: Sequence[dict]
    coverage: dict | None = None
    formal: list[dict] | None = None
    mutation: list[dict] | None = None
    targets: Sequence[Row] = ()
    figures: Sequence[Figure] = ()
    notes: list[str] = field(default_factory=list)
    expected: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """Runs that passed."""
        return sum(bool(run["passed"]) for run in self.runs)

    @property
    def when(self) -> float:
        """End of the last run, in seconds since 1970."""
        return max((run["began"] + run["seconds"] for run in self.runs), default=0.0)


def read(
    build: Path,
    targets: Sequence[Row] = (),
    figures: Sequence[Figure] = (),
    known: Mapping[str, Mapping[str, Sequence[Path]]] | None = None,
) -> Inputs:
    """Read the results below a folder.

    Args:
        known: what each of the tasks ("formal") and IPs ("mutation") depends on, by name.

    Raises:
        SystemExit: there is no regression.
    """
    folder = build / "regress"
    try:
        summary = json.loads((folder / "summary.json").read_text())
        names = summary["names"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SystemExit(f"error: no regression in {folder}; run 'make regress'") from None
    notes: list[str] = []
    runs = [_run(folder / f"{name}.json", summary, notes) for name in names]
    found = {key: _optional(key, build, notes) for key in OPTIONAL}
    if found["coverage"] is not None and found["coverage"].get("sources") != summary.get("sources"):
        notes.append("coverage.json is of another regression and left out; run 'make coverage'")
        found["coverage"] = None
    known = known or {}
    for key, name in (("formal", "task"), ("mutation", "ip")):
        paths, there = known.get(key, {}), found[key] or []
        for one in there:
            one["stale"] = one[name] in paths and changed_since(one["commit"], *paths[one[name]])
        if there and (missing := paths.keys() - {one[name] for one in there}):
            notes.append(f"{OPTIONAL[key][0]} has nothing of {', '.join(sorted(missing))}; run '{OPTIONAL[key][1]}'")
    expected = {key: len(paths) for key, paths in known.items()}
    good = [run for run in runs if run]
    return Inputs(build, summary, good, **found, targets=targets, figures=figures, notes=notes, expected=expected)


def _run(path: Path, summary: dict, notes: list[str]) -> dict | None:
    """A run's file; a note in its place if it cannot be read, or is of another regression."""
    try:
        found = json.loads(path.read_text())
        for key in ("test", "simulator", "config", "seed", "passed", "command", "failures", "benches", "began"):
            found[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        notes.append(f"{path.name} of the regression cannot be read and is left out: {error!r}")
        return None
    if found.get("sources") != summary.get("sources"):
        notes.append(f"{path.name} is of other sources than the regression and left out; run it again, to its end")
        return None
    return found


def _optional(key: str, build: Path, notes: list[str]) -> Any:
    """An optional input; None, and a note if it is there but not what it should be."""
    place, command, kind = OPTIONAL[key]
    path = build / place
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        notes.append(f"{place} cannot be read ({error}); run '{command}'")
        return None
    if not isinstance(found, kind) or not all(isinstance(one, dict) for one in found if kind is list):
        notes.append(f"{place} is not what '{command}' writes; run it again")
        return None
    return found
