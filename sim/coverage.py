"""Coverage of a regression, merged over its runs: ``make coverage`` after ``make regress COVER=1``.

Lines, branches and toggles of the RTL come from Verilator, bins of functional coverage from the tests; those are held
against the plans in docs/ip, and lines without a hit against the reasons in sim/holes.toml.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sim.bench import ROOT
from sim.plan import planned
from sim.points import CODE, TOGGLE, Points, lines_of, load, merge
from sim.tools import write

HOLES = ROOT / "sim/holes.toml"
LINES = 0.98  # of lines and branches of rtl/ that tests reach, at least
BIT = re.compile(r"\[\d+\]|:.*$")  # indices of a signal and of the blocks it is in, and the edge
# Patterns of a source file and of a signal's name, the reason, and whether it may be one for all bits of a signal.
Rule = tuple[str, str, str, bool]


def reasons(path: Path = HOLES) -> dict[tuple[str, str, str], str]:
    """Why a line or branch is never reached, by source file, text of the source line and what of it ("else").

    Raises:
        SystemExit: an entry lacks something; the message says which.
    """
    return {
        (entry["file"], " ".join(entry["line"].split()), what): entry["reason"]
        for entry in _entries(path, "hole", "file", "line", "what")
        for what in entry["what"]
    }


def toggle_reasons(path: Path = HOLES) -> list[Rule]:
    """Why bits of signals never change.

    Raises:
        SystemExit: as of ``reasons``.
    """
    return [
        (source, name, rule["reason"], rule.get("all", False))
        for rule in _entries(path, "bits", "files", "signals")
        for source in rule["files"]
        for name in rule["signals"]
    ]


def _entries(path: Path, kind: str, *keys: str) -> list[dict]:
    found = tomllib.loads(path.read_text()).get(kind, [])
    for number, entry in enumerate(found, 1):
        if missing := [key for key in (*keys, "reason") if key not in entry]:
            raise SystemExit(f"error: {path.name}: {kind} {number} has no {missing[0]}")
    return found


def still_bits(source: str, points: Mapping[str, int], rules: Sequence[Rule]) -> dict[str, list]:
    """Signals of a file of which bits never rose or never fell: [such edges, all edges, reason or ""].

    A signal of which no bit ever changed has a reason only by a rule that says so.
    """
    edges: dict[str, list[int]] = defaultdict(list)
    for point, count in points.items():
        kind, _, bit = point.split(" ", 2)
        if kind == TOGGLE:
            edges[BIT.sub("", bit)].append(count)
    found = {}
    for name, counts in edges.items():
        if missing := counts.count(0):
            rule = rule_of(source, name, missing == len(counts), rules)
            found[name] = [missing, len(counts), rule[2] if rule else ""]
    return found


def rule_of(source: str, signal: str, all_still: bool, rules: Sequence[Rule]) -> Rule | None:
    """The first rule for a signal of which bits, or all of them, never change."""
    for rule in rules:
        file, name, _, whole = rule
        if fnmatch.fnmatch(source, file) and fnmatch.fnmatch(signal, name) and (whole or not all_still):
            return rule
    return None


def hole_of(source: str, point: str) -> tuple[str, str, str]:
    """A point as ``reasons`` names it, which stays the same when lines above it come or go."""
    _, place, what = point.split(" ", 2)
    number = place.partition(":")[0]
    lines = (ROOT / source).read_text().splitlines() if (ROOT / source).is_file() else []
    line = lines[int(number) - 1] if int(number) <= len(lines) else ""
    return source, " ".join(line.split()), what


def _place(point: str) -> list[int]:
    """Line and column of a point of code."""
    return [int(number) for number in point.split()[1].split(":")]


def summary(
    points: Points,
    bins: Mapping[str, Mapping[str, int]],
    plans: Mapping[str, Sequence[str]] | None = None,
    known: Mapping[tuple[str, str, str], str] | None = None,
    rules: Sequence[Rule] = (),
    compiled: Sequence[str] = (),
) -> dict:
    """Shares and holes.

    Args:
        points: of the RTL.
        bins: hits of each bin, by bench.
        plans: bins of each IP's test plan.
        known: reasons of holes, as ``reasons`` gives them.
        rules: reasons of bits that never change, as ``toggle_reasons`` gives them.
        compiled: files that simulations are expected to have.

    Returns:
        ``files``: by source file, [hit, all] of "code" and "toggle", and "holes", the points of code without a hit,
        with their reasons ("" without one), and "still", signals with bits that never rose or never fell;
        ``never``: files of rtl/ of which no run counted anything;
        ``stale``: reasons for holes and bits that are none;
        ``benches``: by bench, [hit, all] of "bins", and "missed", the bins without a hit;
        ``plans``: by IP, the same of its plan; ``unplanned``: bins that are in no plan.
    """
    files, open_holes, known = {}, set(), known or {}
    for source, hits in sorted(points.items()):
        code = {point: count for point, count in hits.items() if point.split()[0] in CODE}
        toggles = [count for point, count in hits.items() if point.split()[0] == TOGGLE]
        holes = sorted((point for point, count in code.items() if not count), key=_place)
        names = {point: hole_of(source, point) for point in holes}
        open_holes.update(names.values())
        files[source] = {
            "code": [len(code) - len(holes), len(code)],
            "toggle": [sum(count > 0 for count in toggles), len(toggles)],
            "holes": {point: known.get(name, "") for point, name in names.items()},
            "still": still_bits(source, hits, rules),
        }
    still = [
        (source, name, bad == whole)
        for source, file in files.items()
        for name, (bad, whole, _) in file["still"].items()
    ]
    used = {rule_of(*signal, rules) for signal in still}
    merged: Counter = sum((Counter(hits) for hits in bins.values()), Counter())
    plans = plans or {}
    wanted = {name for names in plans.values() for name in names}
    return {
        "files": files,
        "never": [name for name in compiled if name not in files],
        "stale": [list(name) for name in known if name not in open_holes]
        + [["bits", *rule[:2]] for rule in rules if rule not in used],
        "benches": {name: shares(hits, hits) for name, hits in sorted(bins.items())},
        "plans": {name: shares(names, merged) for name, names in plans.items()},
        "unplanned": sorted({name for hits in bins.values() for name in hits} - wanted) if plans else [],
    }


def shares(names: Iterable[str], hits: Mapping[str, int]) -> dict:
    """[hit, all] of some bins, and those that were missed."""
    names = list(names)
    missed = [name for name in names if not hits.get(name)]
    return {"bins": [len(names) - len(missed), len(names)], "missed": missed}


def of_regression(folder: Path) -> dict:
    """Coverage of the regression in a folder, of its runs that passed.

    Raises:
        SystemExit: there is no regression, or none of its runs counted lines.
    """
    try:
        whole = json.loads((folder / "summary.json").read_text())
        names, sources = whole["names"], whole["sources"]
    except (OSError, ValueError, KeyError):
        raise SystemExit(f"error: no regression in {folder}; run 'make regress COVER=1'") from None
    bins: dict[str, Counter] = defaultdict(Counter)
    counted, passed = [], 0
    for name in names:
        try:
            result = json.loads((folder / f"{name}.json").read_text())
            other = result["sources"] != sources
        except (OSError, ValueError, KeyError):
            other = True
        if other:
            raise SystemExit(f"error: {name}.json is not of the regression in {folder}; run it again, to its end")
        if not result["passed"]:
            continue
        passed += 1
        if (path := lines_of(name, folder)).is_file():
            counted.append(path)
        for row in (row for bench in result["benches"] for row in bench["rows"]):
            bins[row["name"]].update(row["bins"])
    if not counted:
        raise SystemExit("error: no run of the regression counted lines; run 'make regress COVER=1'")
    try:
        points = merge(map(load, counted))
    except (OSError, EOFError, ValueError) as error:
        raise SystemExit(
            f"error: lines of a run in {folder} cannot be read: {error}; run the regression again"
        ) from None
    # Verilator counts nothing in functions of packages.
    files = [path for path in sorted(ROOT.glob("rtl/**/*.sv")) if not path.stem.endswith("_pkg")]
    rtl = [str(path.relative_to(ROOT)) for path in files]
    found = summary(points, bins, planned(), reasons(), toggle_reasons(), rtl)
    numbers = {"runs": len(names), "runs_passed": passed, "runs_with_lines": len(counted)}
    return {"sources": sources, **numbers, **found}


def share(pair: tuple[int, int]) -> str:
    """A part of a whole, as text."""
    hit, whole = pair
    return f"{hit:,} of {whole:,} = {100 * hit / whole:.1f} %" if whole else "-"


def text(found: dict) -> str:
    """The summary as two tables and lists of what is missing."""
    lines = ["| file | lines and branches | toggles |", "|---|---|---|"]
    files = found["files"]
    lines += [f"| {name} | {share(file['code'])} | {share(file['toggle'])} |" for name, file in files.items()]
    totals = [[sum(file[kind][i] for file in files.values()) for i in (0, 1)] for kind in ("code", "toggle")]
    lines += [f"| **rtl/** | {share(totals[0])} | {share(totals[1])} |"]
    for title, key in (("test plan", "plans"), ("bench", "benches")):
        lines += ["", f"| {title} | bins |", "|---|---|"]
        lines += [f"| {name} | {share(part['bins'])} |" for name, part in found[key].items()]
    holes = [
        f"  {name}:{point.split(' ', 1)[1]}: {reason or 'NO REASON'}"
        for name, file in files.items()
        for point, reason in file["holes"].items()
    ]
    still = [(name, signal, *rest) for name, file in files.items() for signal, rest in file["still"].items()]
    unexplained = [f"  {name} {signal}: {bad} of {whole}" for name, signal, bad, whole, why in still if not why]
    missed = [f"  {name}, {label}" for name, plan in found["plans"].items() for label in plan["missed"]]
    for title, names in (
        ("files that no simulation with COVER=1 had", [f"  {name}" for name in found["never"]]),
        ("lines and branches never reached", holes),
        (
            "reasons in sim/holes.toml for what was reached, or is not there",
            [f"  {': '.join(h)}" for h in found["stale"]],
        ),
        (f"signals with bits that never rose or never fell, without a reason, of {len(still)}", unexplained),
        ("planned bins never hit", missed),
        ("bins in no plan", [f"  {name}" for name in found["unplanned"]]),
    ):
        lines += ["", f"{title}: {len(names)}", *names]
    return "\n".join(lines)


def still_open(found: dict) -> list[str]:
    """What is missing: runs, files, planned bins, plans of bins, reasons of holes, lines to their target."""
    hit, whole = (sum(file["code"][i] for file in found["files"].values()) for i in (0, 1))
    counts = {
        "runs that did not pass": found["runs"] - found["runs_passed"],
        "files in no simulation": len(found["never"]),
        "planned bins never hit": sum(len(plan["missed"]) for plan in found["plans"].values()),
        "bins in no plan": len(found["unplanned"]),
        "holes without a reason": sum(not why for file in found["files"].values() for why in file["holes"].values()),
        # Bits that a rule is for may change after all with more seeds.
        "reasons without a hole": sum(kind != "bits" for kind, *_ in found["stale"]),
        "signals with bits that never change, without a reason": sum(
            not why for file in found["files"].values() for *_, why in file["still"].values()
        ),
    }
    low = [f"{100 * hit / whole:.2f} % of lines and branches, less than {100 * LINES} %"] if hit < LINES * whole else []
    return [f"{number} {what}" for what, number in counts.items() if number] + low


def main() -> None:
    """Command line entry."""
    from sim.regress import RESULTS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", default=RESULTS, type=Path, help="folder of the regression's results")
    parser.add_argument("--check", default="", help="1 is an error where a plan or a hole is open")
    arguments = parser.parse_args()
    if arguments.check not in ("", "0", "1"):
        raise SystemExit(f"error: CHECK={arguments.check}; 1 fails where a plan or a hole is open")
    try:
        found = of_regression(arguments.results)
    except ValueError as error:  # a plan, or holes.toml
        raise SystemExit(f"error: {error}") from None
    write(arguments.results / "coverage.json", json.dumps(found, indent=1))
    print(text(found))
    print(f"coverage of {found['runs_with_lines']} runs; with all numbers in {arguments.results}/coverage.json")
    if arguments.check == "1" and (still := still_open(found)):
        raise SystemExit(f"error: coverage is open: {'; '.join(still)}")


if __name__ == "__main__":
    main()
