"""The test plans in docs/ip: which bins of functional coverage each IP's tests have to hit.

A plan is a table with the columns "cover point", "bins" and "what for". Bins are names in backticks with commas, `0`
to `9` for numbers, or a product of such lists with an x in between, some taken out of it with "but not". A point may
have several rows.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from sim.bench import ROOT

HEADER = re.compile(r"^\| *cover point *\| *bins *\|", re.M)
ROW = re.compile(r"^\| *`([\w.]+)` *\| *(.*?) *\|", re.M)
NAMES = re.compile(r"`(\d+)` to `(\d+)`|`([^`]*)`")


def names_of(text: str) -> list[str]:
    """Names in backticks, and all numbers of ranges."""
    found: list[str] = []
    for first, last, name in NAMES.findall(text):
        found += map(str, range(int(first), int(last) + 1)) if first else [name]
    return found


def bins_of(cell: str) -> list[str]:
    """Names of bins that a cell of a plan says; of a product "read x 2".

    Raises:
        ValueError: it names none, or one twice, or takes one out that is not there.
    """
    wanted, _, excepted = cell.partition("but not")
    lists = [names_of(part) for part in re.split(r"(?<=`) x (?=`)", wanted)]
    labels = [" x ".join(names) for names in itertools.product(*lists)]
    for names in filter(None, map(names_of, excepted.split(";"))):
        labels.remove(" x ".join(names))
    if not labels or len(set(labels)) != len(labels):
        raise ValueError(f"no bins, or one of them twice: {cell}")
    return labels


def planned(folder: Path = ROOT / "docs/ip") -> dict[str, list[str]]:
    """Bins of every plan, as "point: bin", by the name of the IP's page.

    Raises:
        ValueError: a table cannot be read; the message says where.
    """
    plans: dict[str, list[str]] = {}
    for page in sorted(folder.glob("*.md")):
        text = page.read_text()
        for table in HEADER.finditer(text):
            rows = text[table.start() :].split("\n\n")[0].splitlines()[2:]
            for row in rows:
                cells = ROW.match(row)
                try:
                    if not cells:
                        raise ValueError(f"not a row of a plan: {row}")
                    found = [f"{cells[1]}: {name}" for name in bins_of(cells[2])]
                    if twice := set(found) & {name for plan in plans.values() for name in plan}:
                        raise ValueError(f"planned twice: {min(twice)}")
                    plans.setdefault(page.stem, []).extend(found)
                except ValueError as error:
                    raise ValueError(f"{page.name}: {error}") from None
    return plans
