"""Closing table of a test: transactions, mismatches, coverage, cycles and utilisation."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

SHOWN = 8  # most bins that are named per row


@dataclass(frozen=True)
class Row:
    """One row of a closing table.

    Attributes:
        name: what was tested.
        transactions: items the scoreboard compared.
        mismatches: items that differed (an expected-fail test reports none: it raises).
        bins: functional coverage: how often each planned bin was hit, by the name of its point and its own.
        cycles: clock cycles simulated while transactions ran.
        utilisation: busy slots over available slots, 0 to 1, by what is counted ("of MAC slots").
        failed: cases that failed, whose numbers may be missing from the others.
    """

    name: str
    transactions: int
    mismatches: int
    bins: dict[str, int]
    cycles: int
    utilisation: dict[str, float] = field(default_factory=dict)
    failed: int = 0

    @property
    def missed(self) -> list[str]:
        """Names of the planned bins that were not hit."""
        return [name for name, hits in self.bins.items() if not hits]


def report(row: Row) -> None:
    """Add a row to the file that the runner prints as the closing table.

    Rows of the same name add up; coverage, which the simulation accumulates, and utilisation are the latest.
    """
    path = os.environ.get("EDGE_QLORA_ROWS")
    if path is None:
        return
    file = Path(path)
    rows = {r["name"]: Row(**r) for r in json.loads(file.read_text())} if file.is_file() else {}
    if old := rows.get(row.name):
        row = replace(
            row,
            transactions=old.transactions + row.transactions,
            mismatches=old.mismatches + row.mismatches,
            bins=old.bins | row.bins,
            cycles=old.cycles + row.cycles,
            utilisation=old.utilisation | row.utilisation,
        )
    rows[row.name] = row
    file.write_text(json.dumps([asdict(r) for r in rows.values()], indent=1))


def format_table(rows: list[Row]) -> str:
    """Rows as an aligned text table, and below it the coverage bins that were not hit."""
    head = ("test", "transactions", "mismatches", "failed cases", "coverage bins", "cycles", "utilisation")
    cells = [head]
    for row in rows:
        first, *others = [f"{100 * ratio:.1f} % {what}".strip() for what, ratio in row.utilisation.items()] or ["-"]
        bins = f"{len(row.bins) - len(row.missed)}/{len(row.bins)}"
        counts = (row.transactions, row.mismatches, row.failed)
        cells.append((row.name, *map(str, counts), bins, str(row.cycles), first))
        cells += [(*[""] * (len(head) - 1), other) for other in others]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = ["  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, "  " + "  ".join("-" * width for width in widths))
    for row in rows:
        if missed := row.missed:
            more = f" and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
            lines.append(f"  {row.name}, bins not hit: {', '.join(missed[:SHOWN])}{more}")
    return "\n".join(lines)
