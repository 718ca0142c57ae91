"""Tests of the regression: what it runs where, what it keeps, and what it says."""

import ast
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from distributed import LocalCluster

from sim import regress
from sim.bench import ROOT, tests
from sim.coverage import of_regression
from sim.points import lines_of
from sim.regress import Case

CASES = [Case("fp32", simulator, "tiny", seed) for seed in (3, 4) for simulator in ("verilator", "icarus")]
PLAN = {"seeds": 2, "tests": [], "simulators": [], "configs": [], "coverage": False, "first": 3}


def result_of(case: Case, sources: str, passed: bool = True) -> dict:
    """The result of a run that was not made."""
    row = {"name": case.test, "transactions": 10, "mismatches": 0, "bins": {"a: 1": 2}, "cycles": 5}
    bench = {"name": case.test, "passed": 1, "failed": 0, "skipped": 0, "seconds": 2.0, "cycles": 4000, "khz": 2.0}
    said = [] if passed else ["Values failed at 90.00ns", "  MISMATCH"]
    return {
        **regress.no_result(case, sources),
        "passed": passed,
        "failures": said,
        "seconds": 3.0,
        "benches": [{**bench, "rows": [row]}],
    }


def run_somewhere(case: Case, sources: str) -> dict:
    """A run that takes a moment, says which process it was in, and fails under Icarus with one seed."""
    if (case.simulator, case.seed) == ("icarus", 4):
        raise RuntimeError("the simulator is gone")
    time.sleep(0.5)
    return {**result_of(case, sources), "process": os.getpid()}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty folder for results, of a project without any source."""
    monkeypatch.setattr(regress, "ROOT", tmp_path)
    return tmp_path / "results"


def test_workers_of_a_scheduler_share_the_runs():
    """Two workers make all runs of a regression that has the address of their scheduler; one that raises has failed."""
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=":0") as cluster:
        found = list(regress.execute(CASES, cluster.scheduler_address, 1, run_somewhere))
    assert sorted(result["command"] for result in found) == sorted(case.command for case in CASES)
    assert len({result["process"] for result in found if result["passed"]}) == 2
    failed = [result for result in found if not result["passed"]]
    assert [(result["simulator"], result["seed"], result["failures"]) for result in failed] == [
        ("icarus", 4, ["no result: the simulator is gone"])
    ]


def test_what_benches_import_is_a_source():
    """Every Python file of the project that a bench imports, at any remove, is in the digest of a run's sources."""
    watched = {path for pattern in regress.SOURCES for path in ROOT.glob(pattern)}
    left, seen = [ROOT / "sim/run.py", *ROOT.glob("tb/**/*.py")], set()
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{names[0]}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            places = (root / f"{name.replace('.', '/')}.py" for name in names for root in (ROOT, ROOT / "sw"))
            left += [place for place in places if place.is_file()]
    # Netlists are not part of a regression.
    assert {path for path in seen - watched if path.parent != ROOT / "fpga"} == set()


def test_a_run_is_of_the_same_sources(results, monkeypatch):
    """A worker whose checkout differs, or has changed since it began, runs nothing; nor may it change meanwhile."""
    before = regress.sources()
    with pytest.raises(RuntimeError, match="has other sources"):
        regress.run_case(CASES[0], "other")
    with pytest.raises(RuntimeError, match="has changed since its worker began"):
        regress.run_case(CASES[0], before)
    monkeypatch.setattr(regress, "LOADED", before)
    monkeypatch.setattr(regress, "run_test", lambda *_, **__: (regress.ROOT / "pyproject.toml").write_text("changed"))
    with pytest.raises(RuntimeError, match="changed during the run"):
        regress.run_case(CASES[0], before)


def test_a_regression_goes_on_where_it_was(results, monkeypatch, capsys):
    """What passed with the same sources is not run again; what failed, or passed with other sources, is."""
    begun = []

    def execute(cases, scheduler, jobs, run):
        begun.append(cases)
        return (result_of(case, regress.sources(), passed=case.simulator == "verilator") for case in cases)

    monkeypatch.setattr(regress, "execute", execute)
    assert not regress.regress(CASES, "", 1, PLAN, results)
    assert not regress.regress(CASES, "", 1, PLAN, results)
    assert begun == [CASES, [case for case in CASES if case.simulator == "icarus"]]
    said = capsys.readouterr().out
    assert "2 of 4 runs passed before with the same sources" in said
    assert "| fp32 | icarus | tiny | 0 of 2 | 2 | 0 | 20 | 8,000 | 2.0 | 6 |" in said
    assert "  failed: make sim TEST=fp32 SIM=icarus CONFIG=tiny SEED=3" in said
    (regress.ROOT / "pyproject.toml").write_text("changed")
    assert not regress.regress(CASES, "", 1, PLAN, results)
    assert begun[2] == CASES


def test_what_a_stored_result_is_good_for(results, monkeypatch):
    """A run that counted lines is not repeated for a regression that does not count, but the other way round."""
    case, sources = CASES[0], regress.sources()
    counting, lines = replace(case, coverage=True), lines_of(case.name, results)
    results.mkdir()
    regress.store({**result_of(counting, sources), "points": {"rtl/a.sv": {"line 1:1 block": 1}}}, results)
    assert regress.stored(case, results, sources) and regress.stored(counting, results, sources)
    assert not regress.stored(case, results, "other")
    lines.unlink()
    assert not regress.stored(counting, results, sources)
    lines.write_text("of a run before")
    regress.store(result_of(case, sources), results)
    assert regress.stored(case, results, sources) and not lines.is_file()
    # Of another simulator than this machine's it is good only where runs are made elsewhere.
    monkeypatch.setattr(regress, "toolchain", lambda _: "another version")
    assert not regress.stored(case, results, sources) and regress.stored(case, results, sources, here=False)


def test_benches_take_turns():
    """Shapes of one test all run with the first seed, and each in its turn with the others; not so other tests."""
    chosen = [("decode_shapes", "verilator", "tiny"), ("crossing", "icarus", "tiny")]
    shapes = [bench.name for bench in tests()["decode_shapes"].benches]
    cases = regress.cases_of(chosen, range(7, 12), False)
    assert [(case.seed, case.bench) for case in cases if case.test == "decode_shapes"] == [
        (7, ""), *zip(range(8, 12), [*shapes, shapes[0]], strict=True)
    ]  # fmt: skip
    assert {case.bench for case in cases if case.test == "crossing"} == {""}
    assert cases[2].command == f"make sim TEST=decode_shapes SIM=verilator CONFIG=tiny SEED=8 BENCH={shapes[0]}"


def test_what_takes_long_has_every_fourth_seed():
    """So have, from the first on, the whole accelerator with Icarus and the larger configurations, and nothing else."""
    columns = ("icarus", "tiny"), ("verilator", "tiny"), ("verilator", "genesys2")
    chosen = [(name, *column) for name in ("commands", "transfers") for column in columns]
    cases = regress.cases_of(chosen, range(7, 13), False)
    seeds = [[c.seed for c in cases if (c.test, c.simulator, c.config) == one] for one in chosen]
    few, all_ = [7, 11], [*range(7, 13)]
    assert seeds == [few, all_, few, all_, all_, few]
    assert len(regress.cases_of(chosen, range(7, 13), False, whole=True)) == 36


def test_a_run_of_one_bench_is_none_of_all(results):
    """A stored run of all benches is good for one of them, and not the other way round."""
    whole, sources = CASES[0], regress.sources()
    one = replace(whole, bench="fp32_int20")
    results.mkdir()
    regress.store(result_of(one, sources), results)
    assert regress.stored(one, results, sources) and not regress.stored(whole, results, sources)
    assert not regress.stored(replace(whole, bench="fp32"), results, sources)
    regress.store(result_of(whole, sources), results)
    assert regress.stored(one, results, sources)


def test_the_seed_stays_until_a_regression_is_complete(results, monkeypatch):
    """One that failed or was interrupted is repeated with its seed; after one that passed the seed is a new one."""
    monkeypatch.setattr(regress, "execute", lambda cases, *_: (result_of(c, regress.sources(), passing) for c in cases))
    asked = {key: PLAN[key] for key in PLAN if key != "first"}
    passing = False
    regress.regress(CASES, "", 1, PLAN, results)
    assert regress.first_seed("", asked, results) == 3
    assert regress.first_seed("7", asked, results) == 7
    assert regress.first_seed("", asked | {"seeds": 5}, results) != 3
    assert regress.first_seed("", asked | {"asked for later": 1}, results) != 3
    (regress.ROOT / "pyproject.toml").write_text("mended")
    assert regress.first_seed("", asked, results) == 3
    passing = True
    regress.regress(CASES, "", 1, PLAN, results)
    assert regress.first_seed("", asked, results) != 3


def test_files_for_other_programs(results, monkeypatch):
    """JUnit XML has a case per run, with what failed and how to repeat it; the summary has the numbers."""
    bad = CASES[1]
    monkeypatch.setattr(
        regress, "execute", lambda cases, *_: (result_of(c, regress.sources(), passed=c != bad) for c in cases)
    )
    regress.regress(CASES, "", 1, PLAN, results)
    tree = ElementTree.parse(results / "junit.xml").getroot()
    assert (tree.get("tests"), tree.get("failures")) == ("4", "1")
    (failure,) = tree.iter("failure")
    assert failure.get("message") == "Values failed at 90.00ns"
    assert f"reproduce with: {bad.command}" in failure.text
    whole = json.loads((results / "summary.json").read_text())
    assert (whole["runs"], whole["passed"], whole["failed"]) == (4, 3, [bad.command])
    one = json.loads((results / f"{bad.name}.json").read_text())
    assert (one["passed"], one["seed"], one["benches"][0]["khz"]) == (False, 3, 2.0)


def test_real_runs_on_workers_elsewhere(tmp_path):
    """The command gives a real run to a scheduler's workers; its files have cycles, speed, bins and lines."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sw'}"}
    options = ["--test", "scratchpad", "--sim", "verilator", "--n", "1", "--seed", "1", "--coverage", "1"]
    with LocalCluster(n_workers=1, threads_per_worker=1, memory_limit=0, dashboard_address=":0") as cluster:
        command = [sys.executable, "-m", "sim.regress", *options, "--results", str(tmp_path), "--scheduler"]
        done = subprocess.run(
            [*command, cluster.scheduler_address], cwd=ROOT, env=environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "scratchpad-verilator-tiny-1.json").read_text())
    assert result["passed"] and result["sources"] == regress.sources()
    assert {bench["name"] for bench in result["benches"]} == {bench.name for bench in tests()["scratchpad"].benches}
    for bench in result["benches"]:
        (row,) = bench["rows"]
        assert bench["cycles"] > row["transactions"] / 100 and bench["khz"] > 0 and sum(row["bins"].values()) > 0
    found = of_regression(tmp_path)
    hit, points = found["files"]["rtl/core/scratchpad_banks.sv"]["code"]
    assert 0 < hit <= points and found["runs_with_lines"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--test", "sistolic"], "error: TEST=sistolic; choose from attention, "),
        (["--config", "huge"], "error: CONFIG=huge; choose from ecp5, genesys2, tiny"),
        (["--n", "0"], "error: N=0 is not an integer of 1 or more"),
        (["--test", "host_system", "--sim", "icarus"], "error: none of these tests runs with this simulator"),
        (["--test", "fp32", "--scheduler", "tcp://127.0.0.1:9"], "error: no Dask scheduler answers at SCHEDULER=tcp:"),
    ],
)
def test_what_cannot_be_is_said(options, message, monkeypatch, results):
    """Wrong arguments stop with what is wrong."""
    monkeypatch.setattr("sys.argv", ["regress", *options])
    with pytest.raises(SystemExit) as stopped:
        regress.main()
    assert str(stopped.value).startswith(message)


def test_sources_count_wherever_the_project_is(tmp_path, monkeypatch):
    """What is built does not count; a project in a folder named build does."""
    monkeypatch.setattr(regress, "ROOT", tmp_path / "build/project")
    said = []
    for name in ("rtl/a.sv", "sim/build/b.sv", "tb/c.py"):
        path = regress.ROOT / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
        said.append(regress.sources())
    assert said[0] == said[1] != said[2]


def test_everything_that_a_run_reads_is_a_source():
    """Files of the design and its tests, in whatever folder, count when it is asked whether a run is still true."""
    files = {path for pattern in regress.SOURCES for path in ROOT.glob(pattern)}
    for name in ("rtl/common/stream_fifo.sv", "tb/common/base.py", "sim/configs.toml", "sw/edge_qlora/layout.py",
                 "fpga/ecp5/pe.sv", "sim/models/axi_ddr3_memory.sv", "rtl/common/stream_formal.svh"):  # fmt: skip
        assert ROOT / name in files, name
