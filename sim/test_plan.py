"""Tests of how test plans are read, and that every IP has one."""

import pytest

from sim.bench import ROOT
from sim.plan import bins_of, planned


@pytest.mark.parametrize(
    ("cell", "bins"),
    [
        ("`read`, `a, b`", ["read", "a, b"]),
        ("`0` to `3`, `9`", ["0", "1", "2", "3", "9"]),
        ("`N`, `T` x `1` to `2`", ["N x 1", "N x 2", "T x 1", "T x 2"]),
        ("`N`, `T` x `INT8`, `FP16` but not `T`, `INT8`", ["N x INT8", "N x FP16", "T x FP16"]),
        ("`1` to `2` x `1` to `2` but not `1`, `1`; `2`, `2`", ["1 x 2", "2 x 1"]),
        ("`read x 0`, `write x 2`", ["read x 0", "write x 2"]),
    ],
)
def test_cells(cell: str, bins: list[str]):
    """Names, numbers, products, and products with holes."""
    assert bins_of(cell) == bins


@pytest.mark.parametrize("cell", ["read", "`a`, `a`", "`N` x `1` but not `T`, `1`"])
def test_cells_that_say_nothing(cell: str):
    """No name, a name twice, an exception that is none."""
    with pytest.raises(ValueError):
        bins_of(cell)


def plan(folder, *rows: str) -> None:
    """A page with a plan of these rows, and a text behind it."""
    table = ["| cover point | bins | what for |", "|---|---|---|", *rows]
    (folder / "fifo.md").write_text("\n".join(["# FIFO", "", *table, "", "| `not.a` | `plan` |"]))


def test_a_plan_is_read(tmp_path):
    """Bins of all rows, the same point twice too, and nothing behind the table."""
    plan(tmp_path, "| `fifo.level` | `0`, `1` | ends |", "| `fifo.level` | `2` | more |")
    assert planned(tmp_path) == {"fifo": ["fifo.level: 0", "fifo.level: 1", "fifo.level: 2"]}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["| fifo.level | `0` |"], "fifo.md: not a row of a plan"),
        (["| `fifo.level` | 0 |"], "fifo.md: no bins"),
        (["| `fifo.level` | `0` |", "| `fifo.level` | `0` |"], "fifo.md: planned twice: fifo.level: 0"),
    ],
)
def test_plans_that_cannot_be_read(tmp_path, rows: list[str], message: str):
    """The message names page and row."""
    plan(tmp_path, *rows)
    with pytest.raises(ValueError, match=message):
        planned(tmp_path)


def test_every_ip_has_a_plan():
    """Every page of docs/ip has one."""
    assert planned().keys() == {page.stem for page in (ROOT / "docs/ip").glob("*.md")}
