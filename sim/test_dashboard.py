"""The page of a regression: its counts and gaps, what is said where something is missing, and how it looks.

Tests in a browser are skipped where Playwright or Chromium is not there; ``make test-dashboard`` installs the first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fpga.report import Figure
from sim import mutate
from sim.bench import ROOT, read_filelist, tests
from sim.dashboard import history, page, plots, view
from sim.dashboard.__main__ import main
from sim.dashboard.browser import browser, reason
from sim.dashboard.inputs import read
from sim.matrix import matrix
from sim.regress import Case
from sim.run import BUILD

FAILED = Case("fp32", "icarus", "tiny", 4)
CASES = [
    *(Case("fp32", simulator, "tiny", seed) for simulator in ("verilator", "icarus") for seed in (3, 4)),
    *(Case(test, "verilator", "genesys2", seed) for test in ("systolic", "lora_linear") for seed in (3, 4)),
]
TARGETS = [
    ("a part is small", "30 %", "met", "synthesis: `make synth`, abc"),
    ("it needs little", "7 W", "**not met**", "estimate: `make power`, abc"),
    ("it learns", "not measured", "", "nobody tried"),
]
FIGURES = [
    Figure("LUT", 38.3, "%", "0000001", 40),
    Figure("DSP", 99.3, "%", "0000001"),
    Figure("array", 228.2, "MHz", "0000002", 200),
    Figure("context 1", 87.1, "ms", "0000003", 100),
]
FORMAL = [
    {"task": "fifo", "top": "stream_fifo", "parameters": {"DEPTH": 2}, "mode": "prove", "depth": 20, "asserts": 5,
     "covers": 0, "covers_reached": 0, "passed": True, "seconds": 3.2, "command": "make formal TASK=fifo",
     "commit": "0000002"},
    {"task": "arbiter", "top": "round_robin", "parameters": {}, "mode": "cover", "depth": 20, "asserts": 0, "covers": 4,
     "covers_reached": 3, "passed": False, "seconds": 60, "command": "make formal TASK=arbiter", "commit": "0000002"},
]  # fmt: skip
MUTATION = [
    {"ip": "fp32", "top": "fp32_add", "bench": "fp32", "mutants": 50, "killed": 46, "hung": 1, "equivalent": 2,
     "survived": 1, "share": 47 / 48, "seconds": 90.0, "seed": 1, "commit": "0000003", "survivors": [
         {"mutation": "- instead of +", "source": "rtl/common/fp32_add.sv:40",
          "explanation": "only <b>denormal</b> numbers"}]},
    {"ip": "streams", "top": "stream_fifo", "bench": "streams", "mutants": 16, "killed": 16, "hung": 0, "equivalent": 0,
     "survived": 0, "share": 1.0, "seconds": 30.0, "seed": 1, "commit": "0000003", "survivors": []},
]  # fmt: skip
COVERAGE = {
    "sources": "s1",
    "runs": 8,
    "runs_with_lines": 6,
    "files": {
        "rtl/common/fp32_add.sv": {
            "code": [39, 40],
            "toggle": [90, 100],
            "holes": {"branch 17 else": "no caller does it"},
        },
        "rtl/core/lists.sv": {"code": [20, 20], "toggle": [0, 0], "holes": {}},
    },
    "plans": {"fp32": {"bins": [9, 10], "missed": ["add: both infinite"]}},
    "benches": {"fp32": {"bins": [9, 9], "missed": []}},
}


def result(case: Case, passed: bool) -> dict:
    """A run's file."""
    row = {"name": case.test, "transactions": 10, "mismatches": 0, "bins": {}, "cycles": 5,
           "utilisation": {"of MAC slots": 0.953}}  # fmt: skip
    bench = {"name": case.test, "passed": 1, "failed": 0, "skipped": 0, "seconds": 2.0, "cycles": 4000, "khz": 2.0}
    return {
        "name": case.name, "test": case.test, "simulator": case.simulator, "config": case.config, "seed": case.seed,
        "coverage": False, "passed": passed, "began": 1_700_000_000.0, "seconds": 3.0, "sources": "s1",
        "commit": "0000003", "command": case.command,
        "failures": [] if passed else ["Values failed at 90.00ns", "  MISMATCH <1> & 2"],
        "output": "" if passed else "the end", "benches": [{**bench, "rows": [row]}],
    }  # fmt: skip


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Results: 8 runs in 4 cells, one of which failed, with everything that is optional."""
    for place, found in (("regress/coverage", COVERAGE), ("formal/formal", FORMAL), ("mutate/mutate", MUTATION)):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / f"{place}.json").write_text(json.dumps(found))
    for case in CASES:
        (tmp_path / f"regress/{case.name}.json").write_text(json.dumps(result(case, case != FAILED)))
        log = tmp_path / f"{case.test}-{case.simulator}-{case.config}/seed-{case.seed}/run.log"
        log.parent.mkdir(parents=True)
        log.write_text("log of a run")
    (tmp_path / "fp32-icarus-tiny/seed-4/dump.fst").write_text("")
    summary = {
        "commit": "0000003", "sources": "s1", "runs": 8, "passed": 7, "wall_seconds": 24.0, "runs_now": 8,
        "runs_per_minute": 20.0, "failed": [FAILED.command], "names": [case.name for case in CASES],
    }  # fmt: skip
    (tmp_path / "regress/summary.json").write_text(json.dumps(summary))
    return tmp_path


def entry(commit: str, **more: object) -> dict:
    """A line of the history."""
    return {"commit": commit, "sources": f"s{commit}", "when": 1_690_000_000, "runs": 8, "passed": 8, **more}


def made(build: Path, publish: bool = False, old: tuple[dict, ...] = ()) -> Path:
    """The page of these results, after these commits."""
    inputs = read(build, TARGETS, FIGURES)
    return page.write(inputs, [*old, history.entry(inputs)], build / "dashboard", publish)


OLD = (
    entry("0000001", coverage={"lines": [90, 100], "toggles": [70, 100], "bins": [8, 10]}, khz={"verilator": 40.0},
          measured={"LUT": [39.0, "0000001"], "array": [190, "0000001"]}),
    entry("0000002", passed=6, khz={"verilator": 42.5, "icarus": 3.1}, cycles={"vector": 12000, "decode": 1_200_000},
          measured={"LUT": [38.3, "0000001"], "array": [228.2, "0000002"], "mutants": [91.0, "0000002"]}),
)  # fmt: skip


def names_of(page: Path, state: str) -> set[tuple[str, str]]:
    """Test and text of the cells of the matrix that have a state, from the page itself."""
    table = re.search(r'<table class="matrix">.*?</table>', page.read_text(), re.S)[0]
    found = set()
    for name, row in re.findall(r'<tr><th scope="row"[^>]*>(\w+)</th>(.*?)</tr>', table, re.S):
        for kind, cell in re.findall(r'<td class="(\w+)">(.*?)</td>', row, re.S):
            if kind == state:
                found.add((name, " ".join(re.sub(r"<[^>]*>", "", cell).split())))
    return found


def test_counts(build):
    """Each cell has its seeds; what a regression of everything runs and this one did not is grey, the rest empty."""
    found = made(build)
    assert names_of(found, "pass") == {("fp32", "✓ 2 of 2"), ("systolic", "✓ 2 of 2"), ("lora_linear", "✓ 2 of 2")}
    assert names_of(found, "fail") == {("fp32", "✗ 1 of 2")}
    assert {text for _, text in names_of(found, "none")} == {"not run"}
    planned = matrix()
    shown = view.matrix_view(view.cells_of(read(build).runs), planned)
    cells = {
        (row["test"], column["simulator"], column["config"]): cell["state"]
        for row in shown["rows"]
        for column, cell in zip(shown["columns"], row["cells"], strict=True)
    }
    ran = {(case.test, case.simulator, case.config) for case in CASES}
    assert {cell for cell, state in cells.items() if state == "none"} == set(planned) - ran
    assert {cell for cell, state in cells.items() if state == "off"} == cells.keys() - set(planned) - ran
    text = found.read_text()
    for said in ("7 of 8 runs pass", "Commit <code>0000003</code> · 2023-11-14 22:13 UTC · 8 runs made in 24 s, 20 per",
                 f"4 of {len(planned)}"):  # fmt: skip
        assert said in text


def test_a_failed_cell_leads_to_its_command(build):
    """The cell's address is a part of the page with command, failures as text, log and waveform."""
    found = made(build)
    text = found.read_text()
    assert 'href="#fp32-icarus-tiny" id="cell-fp32-icarus-tiny"' in text
    part = re.search(r'<section class="runs first" id="fp32-icarus-tiny">.*?</section>', text, re.S)[0]
    assert part.index(f"<code>{FAILED.command}</code>") < part.index("seed 3"), "the failed run comes first"
    assert "MISMATCH &lt;1&gt; &amp; 2" in part and "95.3 % of MAC slots" in part and "4,000 cycles" in part
    links = re.findall(r'<a href="(\.\.[^"]*)">([^<]*)', part)
    assert [said for _, said in links] == ["log of fp32", "waveform of fp32", "log of fp32"]
    assert all((found.parent / link).is_file() for link, _ in links)


def test_every_cell_has_its_part(build):
    """No link within the page leads nowhere, and no address is there twice."""
    text = made(build).read_text()
    there = re.findall(r'\bid="([^"]+)"', text)
    assert len(there) == len(set(there))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(there)


def test_published_pages_need_nothing_outside(build):
    """With PUBLISH=1 the logs of failed runs are in the folder, and every link stays in it."""
    found = made(build, publish=True)
    links = re.findall(r'(?:href|src)="([^"#:]+)"', found.read_text())
    assert "logs/fp32-icarus-tiny-4-fp32.txt" in links
    assert all((found.parent / link).is_file() and ".." not in link for link in links)
    assert sorted(path.name for path in (found.parent / "logs").iterdir()) == ["fp32-icarus-tiny-4-fp32.txt"]


def test_optional_inputs(build):
    """Proofs, mutants, coverage and targets are shown, with what failed and why something is missing."""
    text = made(build).read_text()
    for said in ("3 of 4", "make formal TASK=arbiter", "97.9 %", "98.4 %", "97.5 %",
                 "only &lt;b&gt;denormal&lt;/b&gt; numbers", "branch 17 else",
                 "no caller does it", "add: both infinite", "✗ not met", "– not measured",
                 "<code>make synth</code>"):  # fmt: skip
        assert said in text, said
    assert "Not measured in these results" not in text


@pytest.mark.parametrize(
    ("place", "command"),
    [("regress/coverage", "make coverage"), ("formal/formal", "make formal"), ("mutate/mutate", "make mutate")],
)
def test_what_is_missing_is_said(build, place, command):
    """Without an input, or with half of one, the page names the command, and the history has no number."""
    path = build / f"{place}.json"
    path.write_text(path.read_text()[:-2])
    inputs = read(build, TARGETS, FIGURES)
    assert [note for note in inputs.notes if command in note and path.name in note]
    path.unlink()
    inputs = read(build, TARGETS, FIGURES)
    assert not inputs.notes
    line = history.entry(inputs)
    assert bool(line["coverage"]) == (command != "make coverage")
    assert ("mutants" in line["measured"]) == (command != "make mutate")
    text = made(build).read_text()
    assert f"Not measured in these results: <code>{command}</code>" in text
    assert f"not there: {command}" in text


def test_coverage_of_an_earlier_regression(build):
    """It is not taken for that of the present one."""
    path = build / "regress/coverage.json"
    path.write_text(path.read_text().replace('"s1"', '"s0"'))
    inputs = read(build)
    assert inputs.coverage is None and "of another regression" in inputs.notes[0]


def test_proofs_and_mutants_of_other_sources(build, monkeypatch):
    """What was found with other sources is no pass, nor is it all as long as something was not looked at."""
    path = build / "formal/formal.json"
    path.write_text(json.dumps([{**one, "passed": True} for one in FORMAL]))
    monkeypatch.setattr("sim.dashboard.inputs.changed_since", lambda commit, *paths: Path("old") in paths)
    new, old = [Path("new")], [Path("new"), Path("old")]

    def shown(**known) -> tuple:
        inputs = read(build, known=known)
        found = {tile["key"]: tile for tile in view.tiles(inputs, 4, 65)}
        return *((found[key]["value"], found[key]["state"]) for key in ("formal", "mutation")), inputs

    good, caught, inputs = shown(formal={"fifo": new, "arbiter": new}, mutation={"fp32": new, "streams": new})
    assert (good, caught, inputs.notes) == (("2 of 2", "pass"), ("98.4 %", "pass"), [])
    good, caught, inputs = shown(formal={"fifo": new, "arbiter": old}, mutation={"fp32": old, "streams": new})
    assert (good, caught) == (("2 of 2", "none"), ("98.4 %", "none"))
    rows = {row["task"]: row["text"] for row in view.formal_view(inputs.formal)}
    assert rows == {"fifo": "pass", "arbiter": "pass, with other sources"}
    good, caught, inputs = shown(
        formal={"fifo": new, "arbiter": new, "join": new}, mutation={"fp32": new, "lists": new}
    )
    assert (good, caught[1]) == (("2 of 3", "none"), "pass")
    assert inputs.notes == [
        "formal/formal.json has nothing of join; run 'make formal'",
        "mutate/mutate.json has nothing of lists; run 'make mutate'",
    ]


def test_runs_whose_files_are_not_theirs(build):
    """A run without a file, or with one of other sources, did not pass; the history has it as one that did not."""
    (build / "regress/fp32-verilator-tiny-3.json").write_text("{")
    other = build / "regress/fp32-verilator-tiny-4.json"
    other.write_text(other.read_text().replace('"s1"', '"s2"'))
    inputs = read(build)
    assert view.verdict(inputs)["text"] == "5 of 8 runs pass" and view.verdict(inputs)["state"] == "fail"
    assert (history.entry(inputs)["runs"], history.entry(inputs)["passed"]) == (8, 5)
    assert "fp32-verilator-tiny-3.json of the regression cannot be read" in inputs.notes[0]
    assert "fp32-verilator-tiny-4.json is of other sources" in inputs.notes[1]


def test_no_regression(tmp_path, monkeypatch):
    """There is nothing to show; the command says what to run."""
    monkeypatch.setattr("sys.argv", ["dashboard", "--build", str(tmp_path)])
    with pytest.raises(SystemExit, match="error: no regression in .*; run 'make regress'"):
        main()


def test_history_of_commits(build, tmp_path):
    """A commit adds a line; the same one with the same sources takes the place of its own."""
    path, inputs = tmp_path / "kept/history.jsonl", read(build, TARGETS, FIGURES)
    line = history.entry(inputs)
    for other in OLD:
        history.update(path, other)
    history.update(path, line)
    history.update(path, entry("0000004"))
    entries, notes = history.update(path, {**line, "passed": 1})
    assert not notes and [one["commit"] for one in entries] == ["0000001", "0000002", "0000003", "0000004"]
    assert [json.loads(text) for text in path.read_text().splitlines()] == entries and entries[2]["passed"] == 1
    assert history.update(path, {**line, "sources": "others"})[0][-1]["sources"] == "others"
    assert line["khz"] == {"icarus": 2.0, "verilator": 2.0} and line["cycles"] == {}
    assert line["measured"]["mutants"] == [98.44, "0000003"]
    inputs.mutation[0]["commit"] = "0000002"
    assert history.entry(inputs)["measured"]["mutants"] == [98.44, "several commits"]


def test_a_part_of_the_matrix_does_not_hide_the_whole(tmp_path):
    """After a regression of a few tests at the same commit the history still has that of all, until all run again."""
    path = tmp_path / "history.jsonl"
    history.update(path, entry("0000001", cells=65, passed=9))
    entries, notes = history.update(path, entry("0000001", cells=2, passed=1))
    assert entries[0]["passed"] == 9 and notes == ["the history keeps 65 cells of the matrix of this commit, not 2"]
    entries, notes = history.update(path, entry("0000001", cells=65, passed=10))
    assert entries[0]["passed"] == 10 and not notes


def test_lines_that_are_not_understood_stay(tmp_path):
    """Half a line, another format, bytes and numbers that are none: told, skipped, kept as they are."""
    path = tmp_path / "history.jsonl"
    good = json.dumps(entry("0000001")).encode()
    strange = [
        good[:40], b"[1, 2]", b"\xff\xfe", b'{"commit": "x"}', good.replace(b"1690000000", b"NaN"),
        json.dumps(entry("2", khz=[1])).encode(), json.dumps(entry("3", measured={"LUT": 38})).encode(),
        json.dumps(entry("4", coverage={"lines": ["9", 10]})).encode(), good[:-3],
    ]  # fmt: skip
    path.write_bytes(b"\n".join([strange[0], good, *strange[1:]]))
    entries, notes = history.update(path, entry("0000005"))
    assert [one["commit"] for one in entries] == ["0000001", "0000005"]
    assert [int(re.match(r"line (\d+) of history.jsonl is not understood", note)[1]) for note in notes] == [
        1,
        *range(3, 11),
    ]
    lines = path.read_bytes().splitlines()
    assert lines[:-1] == [strange[0], good, *strange[1:]] and json.loads(lines[-1])["commit"] == "0000005"


def test_lines_are_small(build, tmp_path):
    """Whatever the number of runs; a line that would be long is refused."""
    runs = [{**run, "seed": seed, "test": name} for run in read(build).runs for seed in range(50) for name in tests()]
    line = history.entry(replace(read(build, TARGETS, FIGURES * 3), runs=runs))
    assert len(json.dumps(line)) < 2048
    with pytest.raises(SystemExit, match="bytes, more than it may have"):
        history.update(tmp_path / "history.jsonl", {**line, "cycles": {str(n): n for n in range(1000)}})


def drawn(build: Path) -> dict[str, dict]:
    """Charts of the present results and two commits before."""
    entries = [*OLD, history.entry(read(build, TARGETS, FIGURES))]
    return {chart.key: plots.figure(chart, entries) for chart in plots.charts(entries, FIGURES)}


def test_charts_have_gaps(build):
    """What a commit does not have is no value, neither zero nor a line across; a share is of its own commit."""
    found = {key: {line["name"]: line for line in one["data"]} for key, one in drawn(build).items()}
    assert found["passed"]["passed"]["y"] == [100, 75, 87.5]
    assert found["covered"]["lines"]["y"] == [90, None, pytest.approx(98.33, abs=0.01)]
    assert found["khz"]["icarus"]["y"] == [None, 3.1, 2.0]
    assert found["mutants"]["mutants"]["y"] == [None, 91.0, 98.44]
    assert found["cycles"]["decode"]["y"] == [None, 1_200_000, None] and "prefill" not in found["cycles"]
    assert found["token"]["context 1"]["y"] == [None, None, 87.1]
    assert not any(line["connectgaps"] for lines in found.values() for line in lines.values())


def test_charts_say_of_when_values_are(build):
    """A value carried over from another commit has an open mark, and its commit in the text."""
    lut = next(line for line in drawn(build)["area"]["data"] if line["name"] == "LUT")
    assert lut["marker"]["symbol"] == ["circle", "circle-open", "circle-open"]
    assert lut["customdata"][2].endswith("measured at 0000001") and "measured" not in lut["customdata"][0]
    assert plots.same_commit("99596c1", "99596c1a+") and not plots.same_commit("99596c1", "0141484")


def test_charts_have_targets(build):
    """Targets are dashed lines with their text, within the axis."""
    charts = drawn(build)
    for key, value, text in (("area", 40, "target 40 %"), ("clock", 200, "target 200 MHz"),
                             ("token", 100, "target 100 ms"), ("mutants", 95, "target 95 %")):  # fmt: skip
        (line,) = charts[key]["layout"]["shapes"]
        assert (line["y0"], line["y1"], line["line"]["dash"]) == (value, value, "dash")
        assert text in [label["text"] for label in charts[key]["layout"]["annotations"]]
        low, high = charts[key]["layout"]["yaxis"]["range"]
        assert low < value < high
    assert not charts["khz"]["layout"].get("shapes")


def test_labels_do_not_lie_on_one_another():
    """They move apart in their order, and stay in the chart."""
    assert plots.spread([0.5, 0.51, 0.9]) == [0.5, 0.6, 0.9]
    found = plots.spread([0.99, 1.0, 0.98, 0.2])
    assert found[2] < found[0] < found[1] <= 1 and found[3] == 0.2
    assert min(abs(a - b) for n, a in enumerate(found) for b in found[:n]) >= plots.LABEL_SHARE - 1e-9


def test_shares_are_not_rounded_up():
    """Only all of it is 100 %."""
    assert [view.percent(*pair) for pair in ((9999, 10000), (5, 5), (0, 0))] == ["99.9 %", "100.0 %", "–"]


def test_workflows_name_real_targets():
    """Each make target of the GitHub workflows is in the Makefile, actions have a version, and all IPs are mutated."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    files = {path.stem: yaml.safe_load(path.read_text())["jobs"] for path in ROOT.glob(".github/workflows/*.yml")}
    steps = [(name, step) for name, jobs in files.items() for job in jobs.values() for step in job["steps"]]
    for name, step in steps:
        for target in re.findall(r"\bmake +([a-z-]+)", step.get("run", "")):
            assert target in known, f"{name}: make {target}"
        action = step.get("uses", "actions/none@v1")
        assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d+", action), f"{name}: {action}"
    assert all("timeout-minutes" in job for name in files for key, job in files[name].items() if key != "publish")
    parts = files["nightly"]["mutate"]["strategy"]["matrix"]["include"]
    assert sorted(" ".join(part["top"] for part in parts).split()) == sorted(ip.name for ip in mutate.IPS)


# Texts whose contrast with what is behind them is below 4.5.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  let seen = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!text || !element.checkVisibility() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(element instanceof SVGElement ? style.fill : style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return [seen, found];
}"""
in_browser = [pytest.mark.browser, pytest.mark.skipif(bool(reason()), reason=reason() or "can be opened")]


@pytest.fixture(scope="module")
def chrome() -> Iterator:
    """A browser."""
    with browser() as started:
        yield started


class Opened:
    """A page in a browser, with what it said and asked for."""

    def __init__(self, started, page: Path, width: int = 1440, theme: str = "light", part: str = ""):
        self.said: list[str] = []
        self.page = started.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked(request.url))
        self.page.goto(page.resolve().as_uri() + part)
        self.page.wait_for_selector(".plot .main-svg")

    def asked(self, address: str) -> None:
        """Files of the page are no requests of the network."""
        if not address.startswith(("file:", "data:", "blob:")):
            self.said.append(f"request of {address}")

    def check(self) -> None:
        """Nothing was said or asked for, nothing is cut off at the side, every text can be read."""
        assert not self.said
        self.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        width, window = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= window
        seen, faint = self.page.evaluate(CONTRAST)
        assert seen > 100 and not faint


class TestInBrowser:
    """The page in Chromium, from its file."""

    pytestmark = in_browser

    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1440, 390])
    def test_it_is_readable(self, build, chrome, width, theme):
        """On a wide screen and on a phone, in light and dark, a cell's runs open and closed."""
        found = made(build, old=OLD)
        Opened(chrome, found, width, theme).check()
        Opened(chrome, found, width, theme, "#fp32-icarus-tiny").check()

    def test_the_matrix_scrolls_in_its_own_box(self, build, chrome):
        """On a phone it is wider than its box, which scrolls."""
        shown = Opened(chrome, made(build), 390).page
        wide, box = shown.eval_on_selector(".scroll", "box => [box.scrollWidth, box.clientWidth]")
        assert wide > box

    def test_a_failed_cell_is_followed(self, build, chrome):
        """From the matrix to the command, on a phone too; the command can be copied."""
        shown = Opened(chrome, made(build), 390).page
        command = shown.locator("#fp32-icarus-tiny .command code", has_text="SEED=4")
        assert not command.is_visible()
        shown.click("#cell-fp32-icarus-tiny")
        command.wait_for(state="visible")
        assert command.inner_text() == FAILED.command
        assert shown.evaluate("document.querySelector(':target').getBoundingClientRect().top < innerHeight")
        shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
        shown.click("#fp32-icarus-tiny .copy >> nth=0")
        shown.wait_for_function("document.querySelector('#fp32-icarus-tiny .copy').textContent === 'Copied'")
        assert shown.evaluate("navigator.clipboard.readText()") == FAILED.command

    def test_the_theme_changes(self, build, chrome):
        """The button changes the page and its charts."""
        opened = Opened(chrome, made(build, old=OLD))
        ground = "getComputedStyle(document.body).backgroundColor"
        label = "getComputedStyle(document.querySelector('.plot .ytick text')).fill"
        before = opened.page.evaluate(f"[{ground}, {label}]")
        opened.page.click("#theme")
        after = opened.page.evaluate(f"[{ground}, {label}]")
        assert before[0] != after[0] and before[1] != after[1]
        opened.check()

    def test_charts_are_drawn(self, build, chrome):
        """A chart for each key that has values, with marks, labels and the dashed line."""
        shown = Opened(chrome, made(build, old=OLD)).page
        drawn = "[...document.querySelectorAll('.plot')].map(plot => plot.querySelectorAll('.point').length)"
        points = shown.evaluate(drawn)
        assert len(points) == 9 and all(points)
        assert shown.locator("#plot-area .scatterlayer .point").count() == 4
        assert shown.locator("#plot-area .shapelayer path").count() == 1
        assert shown.locator("#plot-khz .annotation-text").all_text_contents() == ["icarus 2", "verilator 2"]

    def test_a_real_regression(self, tmp_path, chrome):
        """Its own files make a page that says what it said."""
        folder = tmp_path / "regress"
        options = ["--test", "scratchpad", "--sim", "icarus", "--n", "1", "--seed", "1", "--jobs", "1"]
        python("sim.regress", *options, "--results", str(folder))
        found = made(tmp_path)
        assert names_of(found, "pass") == {("scratchpad", "✓ 1 of 1")} and not names_of(found, "fail")
        opened = Opened(chrome, found, part="#scratchpad-icarus-tiny")
        opened.check()
        assert opened.page.inner_text("#verdict") == "1 of 1 runs pass"
        said = opened.page.inner_text("#scratchpad-icarus-tiny")
        (run,) = read(tmp_path).runs
        assert f"{sum(bench['cycles'] for bench in run['benches']):,} cycles" in said and run["command"] in said


def python(module: str, *options: str, root: Path = ROOT, status: int = 0) -> str:
    """Run a module of a checkout and return what it printed."""
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'sw'}"}
    environment.pop("PYTEST_CURRENT_TEST")  # with it cocotb's runner exits where a test fails
    done = subprocess.run(
        [sys.executable, "-m", module, *options], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


FAULT = ("rtl/common/fp32_mul.sv", "round_up = guard && (sticky || fraction[0]);", "round_up = 1'b0;")
AROUND = ("fp32", "double_quant", "nf4_quant", "nf4_dequant", "scratchpad")


@pytest.fixture
def faulty() -> Iterator[Path]:
    """A copy of the project whose multiplier does not round."""
    copy = BUILD / f"faulty-{os.getpid()}"
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in files.stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, copy / name)
    path = copy / FAULT[0]
    assert FAULT[1] in path.read_text()
    path.write_text(path.read_text().replace(*FAULT[1:]))
    yield copy
    shutil.rmtree(copy)


def test_a_fault_in_the_rtl_turns_its_tests_red(faulty):
    """Tests whose design has the faulty module fail, and no other; their cells lead to commands and logs."""
    hit = {
        name
        for name in AROUND
        if any(ROOT / FAULT[0] in read_filelist(bench.filelist) for bench in tests()[name].benches)
    }
    assert hit == {"fp32", "double_quant"}
    options = ["--test", " ".join(AROUND), "--sim", "icarus", "--n", "1", "--seed", "1", "--jobs", "1"]
    python("sim.regress", *options, root=faulty, status=1)
    said = python("sim.dashboard", root=faulty)
    assert "dashboard: 3 of 5 runs pass; 1 commits in " in said
    found = faulty / "sim/build/dashboard/index.html"
    assert names_of(found, "fail") == {(name, "✗ 0 of 1") for name in hit}
    assert names_of(found, "pass") == {(name, "✓ 1 of 1") for name in set(AROUND) - hit}
    text = found.read_text()
    for name in hit:
        part = re.search(rf'<section class="runs[^"]*" id="{name}-icarus-tiny">.*?</section>', text, re.S)[0]
        assert f"make sim TEST={name} SIM=icarus CONFIG=tiny SEED=1" in part and "MISMATCH" in part
        logs = re.findall(r'href="(\.\./[^"]*run\.log)"', part)
        assert logs and all((found.parent / log).is_file() for log in logs)
    assert "under 40 % of the Kintex-7 325T" in text
