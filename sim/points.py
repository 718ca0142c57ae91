"""Points of coverage: what Verilator counted in a simulation, as it is kept and added up."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.bench import ROOT
from sim.tools import write

POINT = re.compile(r"^C '(.*)' (\d+)$", re.M)
# Verilator's kinds of points: what can be executed, and what bits do.
CODE, TOGGLE = ("line", "branch"), "toggle"
# Hits by point, by source file from the project's root. A point is "kind place what", as "branch 17:5 else": a line can
# have several branches. Of bits the place is the line alone.
Points = dict[str, Counter]


def read(path: Path) -> Points:
    """What Verilator counted in one simulation, of files in ``rtl/``; instances of a module add up.

    Raises:
        ValueError: the file has nothing of the kind.
    """
    found: Points = defaultdict(Counter)
    text = path.read_text()
    for fields, hits in POINT.findall(text):
        field = dict(part.split("\2", 1) for part in fields.split("\1")[1:])
        source = Path(field["f"])
        if source.is_relative_to(ROOT / "rtl"):
            column = f":{field['n']}" if field["t"] in CODE else ""
            point = f"{field['t']} {field['l']}{column} {field['o']}"
            found[str(source.relative_to(ROOT))][point] += int(hits)
    if "C '" not in text:
        raise ValueError(f"{path} has no coverage")
    return dict(found)


def merge(all_points: Iterable[Mapping[str, Mapping[str, int]]]) -> Points:
    """Points of several simulations, with all their hits."""
    whole: Points = defaultdict(Counter)
    for points in all_points:
        for source, hits in points.items():
            whole[source].update(hits)
    return dict(whole)


def save(points: Points, path: Path) -> None:
    """Write points to a compressed JSON file."""
    write(path, gzip.compress(json.dumps(points).encode()))


def load(path: Path) -> Points:
    """Points that ``save`` wrote."""
    with gzip.open(path, "rt") as file:
        return {source: Counter(hits) for source, hits in json.load(file).items()}


def lines_of(run: str, folder: Path) -> Path:
    """Where the points of a regression's run are."""
    return folder / f"{run}.coverage.gz"
