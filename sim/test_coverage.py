"""Tests of what is said of coverage: points from Verilator's files, their sum over runs, and what is missing."""

import json
from collections import Counter

import pytest

from sim import coverage
from sim.bench import ROOT
from sim.points import lines_of, load, merge, read, save
from tb.common.base import finish
from tb.common.coverage import counted, events

FIFO = "rtl/common/stream_fifo.sv"
RUNS = {"runs": 2, "runs_passed": 2}


def line(
    source: str, number: int, kind: str, what: str, hits: int, instance: str = "top.u_fifo", column: int = 7
) -> str:
    """A line of Verilator's file."""
    fields = {"f": source, "l": number, "n": column, "t": kind, "page": f"v_{kind}/x", "o": what, "h": instance}
    return "C '" + "".join(f"\1{key}\2{value}" for key, value in fields.items()) + f"' {hits}\n"


def dat(tmp_path, *lines: str):
    """A file of Verilator with these lines."""
    path = tmp_path / "coverage.dat"
    path.write_text("# SystemC::Coverage-3\n" + "".join(lines))
    return path


def test_points_of_a_simulation(tmp_path):
    """Instances of a module add up, branches of a line do not; what is not in rtl/ does not count."""
    source = f"{ROOT}/{FIFO}"
    path = dat(
        tmp_path,
        line(source, 40, "branch", "if", 3),
        line(source, 40, "branch", "if", 4, "top.u_other"),
        line(source, 40, "branch", "else", 0),
        line(source, 40, "branch", "else", 6, column=30),
        line(source, 18, "toggle", "rst_ni:0->1", 1),
        line(f"{ROOT}/sim/tops/streams_top.sv", 5, "line", "block", 9),
    )
    branches = {"branch 40:7 if": 7, "branch 40:7 else": 0, "branch 40:30 else": 6}
    assert read(path) == {FIFO: {**branches, "toggle 18 rst_ni:0->1": 1}}


def test_an_empty_file_is_an_error(tmp_path):
    """A simulation that counted nothing is not one that reached nothing."""
    with pytest.raises(ValueError, match="has no coverage"):
        read(dat(tmp_path))


def test_runs_add_up(tmp_path):
    """A point is reached if a run reached it, whatever others did; files keep what they hold."""
    one = {FIFO: Counter({"branch 40:3 if": 0, "line 50:3 block": 2})}
    two = {FIFO: Counter({"branch 40:3 if": 1}), "rtl/a.sv": Counter({"line 1:3 block": 0})}
    save(one, tmp_path / "one.gz")
    whole = merge([load(tmp_path / "one.gz"), two])
    assert whole == {FIFO: {"branch 40:3 if": 1, "line 50:3 block": 2}, "rtl/a.sv": {"line 1:3 block": 0}}


def test_holes_are_named():
    """Shares of lines and toggles, every line and bin without a hit in order, and the reasons for them."""
    points = {FIFO: Counter({"line 101:3 block": 0, "branch 1:3 if": 0, "line 50:3 block": 2, "toggle 9 a:0->1": 0})}
    first = " ".join((ROOT / FIFO).read_text().splitlines()[0].split())
    known = {(FIFO, first, "if"): "it is a comment", (FIFO, first, "else"): "none"}
    bins = {"streams": {"fifo: push at 0": 3, "fifo: pop at 1": 0}, "deep": {"fifo: push at 9": 1}}
    found = coverage.summary(points, bins, {"streams": ["fifo: push at 0", "fifo: pop at 1", "fifo: full"]}, known)
    assert found["files"][FIFO] == {
        "code": [1, 3],
        "toggle": [0, 1],
        "holes": {"branch 1:3 if": "it is a comment", "line 101:3 block": ""},
        "still": {"a": [1, 1, ""]},
    }
    assert found["stale"] == [[FIFO, first, "else"]]
    assert found["benches"]["streams"] == {"bins": [1, 2], "missed": ["fifo: pop at 1"]}
    assert found["plans"]["streams"] == {"bins": [1, 3], "missed": ["fifo: pop at 1", "fifo: full"]}
    assert found["unplanned"] == ["fifo: push at 9"]
    said = coverage.text(found)
    assert f"| {FIFO} | 1 of 3 = 33.3 % | 0 of 1 = 0.0 % |" in said
    assert f"never reached: 2\n  {FIFO}:1:3 if: it is a comment\n  {FIFO}:101:3 block: NO REASON\n" in said
    assert "planned bins never hit: 2\n  streams, fifo: pop at 1\n  streams, fifo: full\n" in said
    assert "bins in no plan: 1\n  fifo: push at 9" in said
    assert coverage.still_open(found | RUNS) == [
        "2 planned bins never hit",
        "1 bins in no plan",
        "1 holes without a reason",
        "1 reasons without a hole",
        "1 signals with bits that never change, without a reason",
        "33.33 % of lines and branches, less than 98.0 %",
    ]


def test_bits_that_never_change():
    """Bits and blocks of a signal are one line, with the reason of the first rule for its file and name."""
    bits = {
        "toggle 9 g[0].a[1]:0->1": 0,
        "toggle 9 g[0].a[1]:1->0": 0,
        "toggle 9 g[1].a[0]:0->1": 4,
        "toggle 3 b:0->1": 0,
    }
    rules = [
        ("rtl/other.sv", "g.a", "not this", False),
        ("rtl/common/*", "g.*", "high bits", False),
        ("*", "g.a", "too late", False),
    ]
    assert coverage.still_bits(FIFO, bits, rules) == {"g.a": [2, 3, "high bits"], "b": [1, 1, ""]}
    assert coverage.toggle_reasons(), "sim/holes.toml has such rules"


@pytest.mark.parametrize(("whole", "reason"), [(False, ""), (True, "constant")])
def test_a_signal_that_never_changes(tmp_path, whole: bool, reason: str):
    """Where no bit ever changed, only a rule for whole signals is a reason: a test may have been lost."""
    path = tmp_path / "holes.toml"
    path.write_text(
        f'[[bits]]\nreason = "constant"\nfiles = ["rtl/common/*"]\nsignals = ["a"]\nall = {str(whole).lower()}\n'
    )
    rules, bits = coverage.toggle_reasons(path), {"toggle 9 a[1]:0->1": 0, "toggle 9 a[1]:1->0": 0}
    assert coverage.still_bits(FIFO, bits, rules) == {"a": [2, 2, reason]}
    assert coverage.still_bits(FIFO, {**bits, "toggle 9 a[0]:0->1": 1}, rules) == {"a": [2, 3, "constant"]}
    found = coverage.summary({FIFO: Counter(bits)}, {}, rules=rules)
    assert found["stale"] == ([] if whole else [["bits", "rtl/common/*", "a"]])
    assert "reasons without a hole" not in " ".join(coverage.still_open(found | RUNS))


def test_nothing_is_open():
    """All bins hit, the only hole with a reason: nothing is missing."""
    points = {FIFO: Counter({f"line {number}:3 block": number > 1 for number in range(1, 101)})}
    known = {(FIFO, " ".join((ROOT / FIFO).read_text().splitlines()[0].split()), "block"): "it is a comment"}
    found = coverage.summary(points, {"streams": {"a": 1}}, {"streams": ["a"]}, known, compiled=[FIFO])
    assert coverage.still_open(found | RUNS) == []
    assert coverage.still_open(found | RUNS | {"runs": 3}) == ["1 runs that did not pass"]
    found = coverage.summary(points, {"streams": {"a": 1}}, {"streams": ["a"]}, known, compiled=[FIFO, "rtl/b.sv"])
    assert coverage.still_open(found | RUNS) == ["1 files in no simulation"]


def test_reasons(tmp_path):
    """A hole is of a file, a line's text and one or more of its points; one without a reason is an error."""
    path = tmp_path / "holes.toml"
    path.write_text('[[hole]]\nfile = "a.sv"\nline = "if  (x)"\nwhat = ["if", "else"]\nreason = "never"\n')
    assert coverage.reasons(path) == {("a.sv", "if (x)", "if"): "never", ("a.sv", "if (x)", "else"): "never"}
    path.write_text('[[hole]]\nfile = "a.sv"\nline = "if (x)"\nwhat = ["if"]\n')
    with pytest.raises(SystemExit, match="hole 1 has no reason"):
        coverage.reasons(path)


def regression(folder, **runs: bool) -> None:
    """Files of a regression with these runs, which passed or did not, each with lines and a bin."""
    (folder / "summary.json").write_text(json.dumps({"names": list(runs), "sources": "s1"}))
    for number, (name, passed) in enumerate(runs.items()):
        rows = [{"name": "streams", "bins": {"a": number, "b": 0}}]
        (folder / f"{name}.json").write_text(
            json.dumps({"passed": passed, "sources": "s1", "benches": [{"rows": rows}]})
        )
        save({FIFO: {f"line {number}:3 block": 1}}, folder / f"{name}.coverage.gz")


def test_runs_that_failed_cover_nothing(tmp_path):
    """Lines and bins of the runs that passed count, and no others."""
    regression(tmp_path, one=True, two=True, three=False)
    found = coverage.of_regression(tmp_path)
    assert (found["runs"], found["runs_with_lines"]) == (3, 2)
    assert found["files"][FIFO]["code"] == [2, 2]
    assert found["benches"]["streams"] == {"bins": [1, 2], "missed": ["b"]}


def test_a_run_of_other_sources_is_an_error(tmp_path):
    """A later regression that did not come to its end has left its runs among those of the last one."""
    regression(tmp_path, one=True, two=True)
    (tmp_path / "two.json").write_text(json.dumps({"passed": True, "sources": "s2", "benches": []}))
    with pytest.raises(SystemExit, match="two.json is not of the regression in"):
        coverage.of_regression(tmp_path)
    regression(tmp_path, one=True, two=True)
    lines_of("two", tmp_path).write_bytes(lines_of("two", tmp_path).read_bytes()[:20])
    with pytest.raises(SystemExit, match="lines of a run in .* cannot be read"):
        coverage.of_regression(tmp_path)


def test_nothing_to_say(tmp_path):
    """Without a regression, and without one that counted lines, it is said what to run."""
    with pytest.raises(SystemExit, match="no regression in .*; run 'make regress COVER=1'"):
        coverage.of_regression(tmp_path)
    regression(tmp_path, one=True)
    (tmp_path / "one.coverage.gz").unlink()
    with pytest.raises(SystemExit, match="no run of the regression counted lines; run 'make regress COVER=1'"):
        coverage.of_regression(tmp_path)


@pytest.mark.parametrize(("check", "fails"), [("1", "coverage is open: "), ("2", "CHECK=2"), ("0", None), ("", None)])
def test_check(tmp_path, monkeypatch, check: str, fails: str | None):
    """CHECK=1 is an error where something is missing; the numbers are written all the same."""
    regression(tmp_path, one=True)
    monkeypatch.setattr("sys.argv", ["coverage", "--results", str(tmp_path), "--check", check])
    if fails:
        with pytest.raises(SystemExit, match=fails):
            coverage.main()
    else:
        coverage.main()
    assert (tmp_path / "coverage.json").is_file() == (check != "2")


def test_injected_faults_cover_nothing(tmp_path, monkeypatch):
    """What tests cover that inject a fault, or end before their report, does not count; what others cover does."""
    monkeypatch.setenv("EDGE_QLORA_BENCH", "unit")
    monkeypatch.setenv("EDGE_QLORA_ROWS", str(tmp_path / "rows.json"))
    sample = events("unit.what", ["good", "behind the report", "fault", "behind the fault", "broken off"])

    def run(*what: str, behind: str = "", injected: bool = False, reports: bool = True) -> None:
        counted.begin()
        for one in what:
            sample(one)
        if reports:
            finish("unit", 1, 0, 1, injected=injected)
        if behind:
            sample(behind)

    run("good", behind="behind the report")
    run("fault", behind="behind the fault", injected=True)
    run("broken off", reports=False)
    run("good")
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    names = {name.removeprefix("unit.what: "): hits for name, hits in row["bins"].items()}
    assert names == {"good": 2, "behind the report": 1, "fault": 0, "behind the fault": 0, "broken off": 0}
