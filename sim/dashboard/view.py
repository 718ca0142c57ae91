"""The inputs as the page's template takes them: plain lists and texts, no HTML."""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from sim.bench import tests
from sim.coverage import share
from sim.dashboard.history import coverage_totals, mutation_share
from sim.dashboard.inputs import OPTIONAL, Inputs
from sim.matrix import matrix
from sim.mutate import TARGET
from sim.run import seed_folder

FAILURES_SHOWN = 20  # failed runs at the top
LOG_BYTES = 1 << 20  # end of a failed run's log that is published
Cell = tuple[str, str, str]


def context(inputs: Inputs, folder: Path, publish: bool = False) -> dict:
    """Everything that the template shows, but for the plots.

    Args:
        folder: of the page, from where links go.
        publish: link nothing outside of the folder, and copy the logs of failed runs into it.
    """
    links = Links(inputs.build, folder, publish)
    cells = cells_of(inputs.runs)
    failed = [run_view(run, links) for run in inputs.runs if not run["passed"]]
    planned = matrix()
    views = [cell_view(cell, found, links) for cell, found in cells.items()]
    return {
        "verdict": verdict(inputs),
        "tiles": tiles(inputs, len(cells.keys() & set(planned)), len(planned)),
        "notes": inputs.notes,
        "failed": failed[:FAILURES_SHOWN],
        "failed_more": len(failed) - len(failed[:FAILURES_SHOWN]),
        "matrix": matrix_view(cells, planned),
        "cells": views,
        "shown": next((one["id"] for one in sorted(views, key=lambda one: one["state"] != "fail")), ""),
        "coverage": coverage_view(inputs.coverage),
        "formal": formal_view(inputs.formal),
        "mutation": mutation_view(inputs.mutation),
        "targets": [target_view(row) for row in inputs.targets],
        "commands": {key: command for key, (_, command, _) in OPTIONAL.items()},
    }


def verdict(inputs: Inputs) -> dict:
    """Whether all is well, and of what."""
    runs, passed = len(inputs.summary["names"]), inputs.passed
    state = "fail" if passed < runs or not runs else "pass"
    speed = inputs.summary.get("runs_per_minute")
    now = inputs.summary.get("runs_now", 0)
    made = (
        f"{now:,} run{'s' if now != 1 else ''} made in {duration(inputs.summary.get('wall_seconds', 0))}"
        if now
        else "no run made anew"
    )
    return {
        "state": state,
        "text": f"{passed:,} of {runs:,} runs pass",
        "commit": inputs.summary.get("commit") or "no commit",
        "when": f"{datetime.fromtimestamp(inputs.when, UTC):%Y-%m-%d %H:%M} UTC",
        "made": f"{made}, {speed:g} per minute" if speed else made,
    }


def tiles(inputs: Inputs, ran: int, planned: int) -> list[dict]:
    """The parts of the page in a number each."""
    found = [_tile("matrix", "Matrix", f"{ran} of {planned}", "tests with simulator and configuration ran", "")]
    if inputs.coverage is None:
        found.append(_missing("coverage", "Coverage"))
    else:
        totals = {name: percent(*pair) for name, pair in coverage_totals(inputs.coverage).items()}
        said = f"toggles {totals['toggles']}, bins {totals['bins']}"
        found.append(_tile("coverage", "Lines and branches", totals["lines"], said, ""))
    if inputs.formal is None:
        found.append(_missing("formal", "Formal"))
    else:
        good = sum(one["passed"] for one in inputs.formal)
        whole = inputs.expected.get("formal", len(inputs.formal))
        old = sum(one["stale"] for one in inputs.formal)
        said = f"tasks pass, {old} with other sources" if old else "tasks pass"
        state = "fail" if good < len(inputs.formal) else "none" if old or good < whole else "pass"
        found.append(_tile("formal", "Formal", f"{good} of {whole}", said, state))
    if (caught := mutation_share(inputs.mutation)) is None:
        found.append(_missing("mutation", "Mutants"))
    else:
        whole = inputs.expected.get("mutation", len(inputs.mutation))
        low, old = sum(one["share"] < TARGET for one in inputs.mutation), sum(one["stale"] for one in inputs.mutation)
        said = [f"in {len(inputs.mutation)} of {whole} IPs"]
        said += [f"{low} below {100 * TARGET:.0f} %"] if low else []
        said += [f"{old} with other sources"] if old else []
        state = "fail" if low else "none" if old or len(inputs.mutation) < whole else "pass"
        found.append(_tile("mutation", "Mutants found", f"{100 * caught:.1f} %", ", ".join(said), state))
    verdicts = [row[2] for row in inputs.targets if row[2]]
    met = sum(said == "met" for said in verdicts)
    unknown = len(inputs.targets) - len(verdicts)
    said = f"of those measured are met, {unknown} are not measured" if unknown else "are met"
    found.append(_tile("targets", "Targets", f"{met} of {len(verdicts)}", said, ""))
    return found


def _tile(key: str, name: str, value: str, said: str, state: str) -> dict:
    return {"key": key, "name": name, "value": value, "said": said, "state": state}


def _missing(key: str, name: str) -> dict:
    return _tile(key, name, "–", f"not there: {OPTIONAL[key][1]}", "none")


def cells_of(runs: Iterable[dict]) -> dict[Cell, list[dict]]:
    """Runs by test, simulator and configuration, with the seeds in order."""
    found = defaultdict(list)
    for run in runs:
        found[run["test"], run["simulator"], run["config"]].append(run)
    return {cell: sorted(found[cell], key=lambda run: run["seed"]) for cell in sorted(found)}


def matrix_view(cells: Mapping[Cell, Sequence[dict]], planned: Iterable[Cell]) -> dict:
    """The matrix: what ran, what a regression of everything would run, and what no test has."""
    planned = set(planned)
    filled = Counter(cell[1:] for cell in planned | cells.keys())
    columns = sorted(filled, key=lambda column: (-filled[column], column[0] != "verilator", column))
    described = {name: test.description for name, test in tests().items()}
    names = sorted({cell[0] for cell in (*cells, *planned)})
    return {
        "columns": [{"simulator": simulator, "config": config} for simulator, config in columns],
        "rows": [
            {
                "test": name,
                "said": described.get(name, ""),
                "cells": [matrix_cell((name, *column), cells, planned) for column in columns],
            }
            for name in names
        ],
    }


def matrix_cell(cell: Cell, cells: Mapping[Cell, Sequence[dict]], planned: set[Cell]) -> dict:
    """A cell: how many of its seeds pass, in words and as a state."""
    if cell not in cells:
        return {"state": "none", "text": "not run"} if cell in planned else {"state": "off", "text": ""}
    good, count = sum(bool(run["passed"]) for run in cells[cell]), len(cells[cell])
    return {"state": "pass" if good == count else "fail", "text": f"{good} of {count}", "id": "-".join(cell)}


def cell_view(cell: Cell, runs: Sequence[dict], links: Links) -> dict:
    """A cell's runs, those that failed first."""
    good = sum(bool(run["passed"]) for run in runs)
    return {
        "id": "-".join(cell),
        "test": cell[0],
        "column": f"{cell[1]}, {cell[2]}",
        "state": "pass" if good == len(runs) else "fail",
        "text": f"{good} of {len(runs)} seeds pass",
        "runs": [run_view(run, links) for run in sorted(runs, key=lambda run: bool(run["passed"]))],
    }


def run_view(run: dict, links: Links) -> dict:
    """A run: what it did, what repeats it, and where its files are."""
    cycles = sum(bench["cycles"] for bench in run["benches"])
    seconds = sum(bench["seconds"] for bench in run["benches"])
    rows = [row for bench in run["benches"] for row in bench["rows"]]
    ran, skipped = (sum(bench[what] for bench in run["benches"]) for what in ("passed", "skipped"))
    numbers = [f"{ran:,} tests" + (f", {skipped:,} skipped" if skipped else "")]
    numbers += [f"{cycles:,} cycles"] if cycles else []
    numbers += [f"{cycles / seconds / 1000:.1f} kHz"] if seconds and cycles else []
    numbers += [f"{run.get('seconds', 0):.0f} s with build"]
    return {
        "id": "-".join((run["test"], run["simulator"], run["config"])),
        "name": f"{run['test']}, {run['simulator']}, {run['config']}",
        "seed": run["seed"],
        "state": "pass" if run["passed"] else "fail",
        "numbers": numbers,
        "utilisation": [
            f"{row['name']} {100 * value:.1f} % {what}"
            for row in rows
            for what, value in row.get("utilisation", {}).items()
        ],
        "command": run["command"],
        "failures": "\n".join(run["failures"]) or ("nothing was said" if not run["passed"] else ""),
        "output": "" if run["passed"] else run.get("output", ""),
        "links": links.of(run),
    }


class Links:
    """Links from the page to logs and waveforms that are there."""

    def __init__(self, build: Path, folder: Path, publish: bool):
        """See ``context``."""
        self.build, self.folder, self.publish = build, folder, publish

    def of(self, run: Mapping) -> list[dict]:
        """Text and relative address of a run's files."""
        found = []
        for bench in run["benches"]:
            place = (bench["name"], run["simulator"], run["config"], run["seed"])
            main = self._here(seed_folder(*place, "-coverage" if run.get("coverage") else ""))
            if (log := main / "run.log").is_file() and not (self.publish and run["passed"]):
                found.append({"text": f"log of {bench['name']}", "href": self._log(log, run, bench["name"])})
            if self.publish:
                continue
            for folder in (main, self._here(seed_folder(*place, "-waves"))):
                waves = sorted(path for path in folder.glob("*") if path.suffix in (".vcd", ".fst"))
                found += [{"text": f"waveform of {bench['name']}", "href": self._relative(wave)} for wave in waves]
        return found

    def _here(self, folder: Path) -> Path:
        """The same folder below the results that the page is about."""
        return self.build / Path(*folder.parts[-2:])

    def _log(self, log: Path, run: Mapping, bench: str) -> str:
        if not self.publish:
            return self._relative(log)
        kept = self.folder / "logs" / f"{run['name']}-{bench}.txt"
        kept.parent.mkdir(exist_ok=True)
        if log.stat().st_size <= LOG_BYTES:
            shutil.copyfile(log, kept)
        else:
            kept.write_bytes(b"...\n" + log.read_bytes()[-LOG_BYTES:])
        return f"logs/{kept.name}"

    def _relative(self, path: Path) -> str:
        return PurePosixPath(os.path.relpath(path, self.folder)).as_posix()


def coverage_view(coverage: Mapping | None) -> dict | None:
    """Bars by folder and file, and by bench, with what is missing."""
    if coverage is None:
        return None
    groups = defaultdict(list)
    for name, file in coverage["files"].items():
        groups[str(PurePosixPath(name).parent)].append((name, file))
    folders = [
        {
            "name": folder,
            "bars": [_bar([sum(file[kind][i] for _, file in files) for i in (0, 1)]) for kind in ("code", "toggle")],
            "files": [
                {
                    "name": PurePosixPath(name).name,
                    "bars": [_bar(file[kind]) for kind in ("code", "toggle")],
                    "holes": _holes(file["holes"]),
                }
                for name, file in files
            ],
        }
        for folder, files in sorted(groups.items())
    ]
    parts = [
        {
            "name": title,
            "missed": sum(len(one["missed"]) for one in coverage[key].values()),
            "bar": _bar([sum(one["bins"][i] for one in coverage[key].values()) for i in (0, 1)]),
            "rows": [
                {"name": name, "bar": _bar(one["bins"]), "missed": _holes(dict.fromkeys(one["missed"], ""))}
                for name, one in coverage[key].items()
            ],
        }
        for title, key in (("Test plans", "plans"), ("Benches", "benches"))
    ]
    totals = coverage_totals(coverage)
    return {
        "totals": [
            {"name": name, "bar": _bar(totals[key])}
            for key, name in (("lines", "Lines and branches"), ("toggles", "Toggles"), ("bins", "Functional bins"))
        ],
        "runs": f"{coverage['runs_with_lines']:,} of {coverage['runs']:,} runs counted lines",
        "folders": folders,
        "parts": parts,
        "holes": sum(len(file["holes"]) for folder in folders for file in folder["files"]),
    }


def _bar(pair: Sequence[int]) -> dict:
    hit, whole = pair
    return {
        "width": round(100 * hit / whole, 1) if whole else 0,
        "percent": percent(hit, whole),
        "said": share((hit, whole)),
        "of": f"{hit:,} of {whole:,}",
    }


def _holes(found: Mapping[str, str]) -> list[dict]:
    """Holes with their reasons, where there are any."""
    return [{"text": hole, "reason": reason} for hole, reason in found.items()]


def formal_view(formal: Sequence[Mapping] | None) -> list[dict] | None:
    """Rows of the table of proofs, those that failed first."""
    if formal is None:
        return None
    rows = [
        {
            **{key: str(one[key]) for key in ("task", "top", "mode", "depth", "asserts", "command", "commit")},
            "parameters": ", ".join(f"{name} = {value}" for name, value in one["parameters"].items()),
            "covers": f"{one['covers_reached']} of {one['covers']}" if one["covers"] else "–",
            "state": "fail" if not one["passed"] else "none" if one["stale"] else "pass",
            "text": ("pass" if one["passed"] else "fail") + (", with other sources" if one["stale"] else ""),
            "seconds": f"{one['seconds']:.0f} s",
        }
        for one in formal
    ]
    return sorted(rows, key=lambda row: ("fail", "none", "pass").index(row["state"]))


def mutation_view(mutation: Sequence[Mapping] | None) -> list[dict] | None:
    """Rows of the table of mutants, the least share first, with the survivors."""
    if mutation is None:
        return None
    rows = [
        {
            **{key: str(one[key]) for key in ("ip", "top", "bench", "commit", "seed")},
            "counts": [one[key] for key in ("mutants", "killed", "hung", "equivalent", "survived")],
            "share": one["share"],
            "percent": f"{100 * one['share']:.1f} %",
            "note": "with other sources" if one["stale"] else "",
            "survivors": one["survivors"],
        }
        for one in mutation
    ]
    return sorted(rows, key=lambda row: row["share"])


def target_view(row: Sequence[str]) -> dict:
    """A row of the report; its verdict without Markdown, and the text in pieces, every second one code."""
    target, measured, said, how = row
    states = {"met": ("pass", "met"), "": ("none", "not measured")}
    state, text = states.get(said, ("fail", "not met"))
    return {"target": target, "measured": measured, "state": state, "text": text, "how": how.split("`")}


def percent(hit: int, whole: int) -> str:
    """A share as text, rounded down, so that only all of it is 100 %."""
    return f"{int(1000 * hit / whole) / 10:.1f} %" if whole else "–"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
