"""The test plans in docs/ip: which bins of functional coverage each IP's tests have to hit.

A plan is a table with the columns ``cover point``, ``bins`` and ``what for``. Bins are names in backticks, or a product
of lists of them: ``(`read`, `write`) x (`0`, `2`)``; ``but not `read`, `2` `` takes one out of it.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from sim.bench import ROOT

HEADER = re.compile(r"^\| *cover point *\| *bins *\|", re.M)
ROW = re.compile(r"^\| *`([\w.]+)` *\| *(.*?) *\|", re.M)
NAME = re.compile(r"`([^`]*)`")


def bins_of(cell: str) -> list[str]:
    """Names of bins that a cell of a plan says, those of a product as cocotb-coverage names them: ``('read', 2)``.

    Raises:
        ValueError: it names none, or one twice, or takes one out that is not there.
    """
    wanted, *excepted = cell.split("but not")
    lists = [NAME.findall(part) for part in wanted.split(" x ")]
    found = [tuple(names) for names in itertools.product(*lists)]
    for exception in (tuple(NAME.findall(part)) for text in excepted for part in text.split(";")):
        found.remove(exception)
    labels = [label(*names) for names in found]
    if not labels or len(set(labels)) != len(labels):
        raise ValueError(f"no bins, or one of them twice: {cell}")
    return labels


def label(*names: str) -> str:
    """A bin's name in a plan: of a product its parts with x in between."""
    return " x ".join(names)


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
                    plans.setdefault(page.stem, []).extend(f"{cells[1]}: {name}" for name in bins_of(cells[2]))
                except ValueError as error:
                    raise ValueError(f"{page.name}: {error}") from None
    return plans
