"""A line of JSON per commit: what is followed over time.

Lines that are not understood stay in the file as they are: they may be of a later version, or half of one that can be
mended.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from sim.dashboard.inputs import Inputs
from sim.tools import write

# Tests whose cycles are followed, with Verilator and the configuration tiny.
CYCLES_OF = ("lora_linear", "prefill", "decode", "transfers", "vector")
MAX_BYTES = 4096
_NEEDED = {"commit": str, "sources": str, "when": (int, float), "runs": int, "passed": int}
_MAPPINGS = ("coverage", "khz", "cycles", "measured")


def entry(inputs: Inputs) -> dict:
    """The line of the present results.

    Returns:
        ``commit``, ``sources``, ``when``, ``runs``, ``passed``, ``cells`` (of the matrix, that ran), and, where they
        are known, ``coverage`` (kind to [hit, all]), ``khz`` (by simulator), ``cycles`` (mean of a test's runs), and
        ``measured`` (name to [value, commit of which it holds]) of area, clock, time per token and "mutants", the
        percentage of mutants that were found.
    """
    measured = {figure.name: [figure.value, figure.commit] for figure in inputs.figures}
    if (share := mutation_share(inputs.mutation)) is not None:
        commits = {one["commit"] for one in inputs.mutation}
        measured["mutants"] = [round(100 * share, 2), commits.pop() if len(commits) == 1 else "several commits"]
    return {
        "commit": inputs.summary.get("commit", ""),
        "sources": inputs.summary.get("sources", ""),
        "when": round(inputs.when),
        "runs": len(inputs.summary["names"]),
        "cells": len({(run["test"], run["simulator"], run["config"]) for run in inputs.runs}),
        "passed": inputs.passed,
        "coverage": coverage_totals(inputs.coverage),
        "khz": speeds(inputs.runs),
        "cycles": _cycles(inputs.runs),
        "measured": measured,
    }


def coverage_totals(coverage: Mapping | None) -> dict[str, list[int]]:
    """[hit, all] of lines and branches, toggles, and bins of the test plans."""
    if coverage is None:
        return {}
    found = {"lines": ("files", "code"), "toggles": ("files", "toggle"), "bins": ("plans", "bins")}
    return {
        name: [sum(one[key][i] for one in coverage[group].values()) for i in (0, 1)]
        for name, (group, key) in found.items()
    }


def mutation_share(mutation: Sequence[Mapping] | None) -> float | None:
    """Share of the mutants that were found, of all IPs together; equivalent ones do not count."""
    real = [(one["share"], one["mutants"] - one["equivalent"]) for one in mutation or ()]
    whole = sum(count for _, count in real)
    return sum(share * count for share, count in real) / whole if whole else None


def speeds(runs: Iterable[Mapping]) -> dict[str, float]:
    """Thousands of cycles per second by simulator; those that count coverage by themselves, as they are slower."""
    cycles, seconds = defaultdict(int), defaultdict(float)
    for run in runs:
        name = run["simulator"] + (" COVER=1" if run.get("coverage") else "")
        for bench in run["benches"]:
            cycles[name] += bench["cycles"]
            seconds[name] += bench["seconds"]
    return {name: round(cycles[name] / seconds[name] / 1000, 2) for name in sorted(cycles) if seconds[name]}


def _cycles(runs: Iterable[Mapping]) -> dict[str, float]:
    found = defaultdict(list)
    for run in runs:
        if (run["simulator"], run["config"]) == ("verilator", "tiny") and run["test"] in CYCLES_OF and run["passed"]:
            found[run["test"]].append(sum(bench["cycles"] for bench in run["benches"]))
    return {name: round(mean(found[name])) for name in CYCLES_OF if found[name]}


def update(path: Path, new: dict) -> tuple[list[dict], list[str]]:
    """Put an entry into a file, in place of that of the same commit and sources, unless more tests ran for that one.

    Returns:
        All entries in the file's order, and what is said of the lines that were skipped.

    Raises:
        SystemExit: the file cannot be read or written.
    """
    text = json.dumps(new, separators=(",", ":")).encode()
    if len(text) >= MAX_BYTES:
        raise SystemExit(f"error: the history's line has {len(text):,} bytes, more than it may have")
    try:
        old = path.read_bytes().splitlines() if path.exists() else []
        lines, entries, notes, placed = [], [], [], False
        for number, line in enumerate(old, 1):
            if not line.strip():
                continue
            found = parse(line)
            if found is None:
                notes.append(f"line {number} of {path.name} is not understood; skipped, and kept in the file")
            elif (found["commit"], found["sources"]) == (new["commit"], new["sources"]):
                if placed:
                    continue
                placed = True
                if found.get("cells", 0) > new["cells"]:
                    notes.append(
                        f"the history keeps {found['cells']} cells of the matrix of this commit, not {new['cells']}"
                    )
                else:
                    line, found = text, new
            lines.append(line)
            entries += [found] if found else []
        if not placed:
            lines.append(text)
            entries.append(new)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise SystemExit(f"error: HISTORY={path}: {error}") from None
    return entries, notes


def parse(line: bytes) -> dict | None:
    """An entry, or None if the line is none."""
    try:
        found = json.loads(line, parse_constant=_refuse)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(key), kind) for key, kind in _NEEDED.items()):
        return None
    pairs = [value for key in ("coverage", "measured") for value in _mapping(found, key).values()]
    numbers = [value for key in ("khz", "cycles") for value in _mapping(found, key).values()]
    good = (
        all(isinstance(found.get(key, {}), dict) for key in _MAPPINGS)
        and all(isinstance(pair, list) and len(pair) == 2 and _number(pair[0]) for pair in pairs)
        and all(map(_number, numbers))
        and all(_number(pair[1]) for pair in _mapping(found, "coverage").values())
        and _number(found.get("cells", 0))
    )
    return found if good else None


def _mapping(found: Mapping, key: str) -> Mapping:
    value = found.get(key, {})
    return value if isinstance(value, dict) else {}


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
