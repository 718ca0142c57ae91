"""Prove the properties of the RTL (``ifdef FORMAL``) with SymbiYosys: ``make formal TOP="name ..."``.

TASKS is the one table of what is proved; ``sim/test_formal.py`` takes it too. A task passes if each assertion holds and
each cover is reached, and there is a cover for each assertion's condition: none holds because it is never asked.
Results are in sim/build/formal/formal.json (docs/formal.md).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from sim.bench import ROOT
from sim.tools import commit, write

BIN = Path(sys.executable).parent
RESULTS = ROOT / "sim/build/formal"
TIMEOUT = 900  # seconds of a solver
RUNS = ("hold", "reach")  # of sby: assertions, covers
TOOLS = {"yosys": "yosys", "smtbmc": "yosys-smtbmc", "witness": "yosys-witness"}


@dataclass(frozen=True)
class Design:
    """What a top is made of besides its own source; names of modules, whose sources have their names.

    Attributes:
        needs: read without their properties, packages first.
        parts: read with their properties, but for bmc. What they assume of their neighbours is asserted here.
        trusted: read with their properties and assumptions, which are those of the top.
        clocks: more than one clock, each edge of which is a step; registers begin as zero.
    """

    needs: Sequence[str] = ()
    parts: Sequence[str] = ()
    trusted: Sequence[str] = ()
    clocks: bool = False


@dataclass(frozen=True)
class Task:
    """One proof.

    Attributes:
        top: module.
        parameters: of the module.
        depth: steps of k-induction; with ``reason`` steps within which nothing fails, FORMAL_BOUNDED's included.
        cover: steps within which all covers are reached.
        reason: why there is no induction.
        slow: takes yosys' own solver too long.
    """

    top: str
    parameters: dict[str, int] = field(default_factory=dict)
    depth: int = 4
    cover: int = 20
    reason: str = ""
    slow: bool = False

    @property
    def name(self) -> str:
        """Names the task's folder."""
        end = ["bmc"] if self.reason else []
        return "-".join([self.top, *(f"{name}{value}" for name, value in self.parameters.items()), *end])

    @property
    def design(self) -> Design:
        """What the top is made of."""
        design = DESIGNS.get(self.top, Design())
        if not self.reason:
            return design
        return Design(needs=(*design.needs, *design.parts), trusted=design.trusted, clocks=design.clocks)

    @property
    def mode(self) -> str:
        """``prove`` for any time, ``bmc`` for ``depth`` cycles after reset."""
        return "bmc" if self.reason else "prove"


DESIGNS = {
    "async_fifo": Design(parts=("sync_bits",), clocks=True),
    "axi_join": Design(parts=("round_robin", "stream_fifo")),
    "axi_read_clients": Design(parts=("axi_region_bursts",)),
    "axi_slave": Design(needs=("axi_burst_address", "axi_burst_check", "axi_slave_read", "axi_slave_write")),
    "axi_slave_read": Design(needs=("axi_burst_address", "axi_burst_check")),
    "axi_slave_write": Design(needs=("axi_burst_address", "axi_burst_check")),
    "axi_read_master": Design(
        needs=("stream_register", "stream_fifo"),
        parts=("axi_region_bursts", "axi_window"),
        trusted=("axi_read_clients",),
    ),
    "axi_write_master": Design(needs=("stream_register",), parts=("stream_fifo", "axi_region_bursts", "axi_window")),
    "command_queue": Design(needs=("commands_pkg",), parts=("stream_fifo",)),
    "control_registers": Design(needs=("registers_pkg",)),
    "list_control": Design(needs=("registers_pkg", "commands_pkg", "list_errors")),
    "scratchpad_port": Design(needs=("stream_register", "stream_stage")),
    "semaphores": Design(needs=("commands_pkg",), parts=("round_robin",)),
    "vector_share": Design(needs=("vector_pkg",), parts=("round_robin",)),
}
SLAVE = {"ADDR_W": 13, "ID_W": 1}
JOIN = {"ADDR_W": 4, "DATA_W": 8, "ID_W": 1}
COMMANDS = {"LINE_W": 2, "DEPTH": 2, "IN_FLIGHT": 2}
READ = {"ADDR_W": 32, "ID_W": 1, "CLIENTS": 2, "CREDITS": 0x00280000, "OUTSTANDING": 3}
WRITE = {"ADDR_W": 32, "ID_W": 1, "OUTSTANDING": 3}
PORT = {"ADDR_W": 3, "BANKS": 4, "SIDE_W": 1}
TASKS = [
    Task("stream_register", {"WIDTH": 2}),
    Task("stream_stage", {"WIDTH": 2, "HALF_RATE": 0}),
    Task("stream_stage", {"WIDTH": 2, "HALF_RATE": 1}),
    Task("scratchpad_port", PORT),
    Task("scratchpad_port", PORT | {"HALF_RATE": 1}),
    Task("scratchpad_port", PORT | {"SPARE": 1}, depth=16, reason="the spare entry's own proof is in stream_register"),
    Task("stream_fifo", {"WIDTH": 2, "DEPTH": 2}),
    Task("stream_fifo", {"WIDTH": 1, "DEPTH": 3}),
    Task("stream_fifo", {"WIDTH": 1, "DEPTH": 8}, cover=30),
    Task("stream_ram_fifo", {"WIDTH": 1, "DEPTH": 4}),
    Task("stream_ram_fifo", {"WIDTH": 2, "DEPTH": 8}, cover=30),
    Task("async_fifo", {"WIDTH": 1, "DEPTH_W": 2}, cover=40),
    Task("async_fifo", {"WIDTH": 2, "DEPTH_W": 3}, cover=30),
    Task("stream_resize", {"IN_WIDTH": 2, "OUT_WIDTH": 6}),
    Task("stream_resize", {"IN_WIDTH": 6, "OUT_WIDTH": 2}),
    Task("stream_resize", {"IN_WIDTH": 2, "OUT_WIDTH": 2}),
    Task("stream_fork", {"OUTPUTS": 3}),
    Task("operand_queue", {"WIDTH": 2, "PART_W": 1, "NOTE_W": 1, "DEPTH": 2}),
    Task("event_counters", {"COUNT": 1, "HALF_W": 2}),
    *(Task("round_robin", {"REQUESTS": requests}, depth=8) for requests in (1, 2, 3, 5)),
    Task("semaphores", {"ENGINES": 3, "COUNT": 4, "WIDTH": 2, "LINE_W": 1}, depth=8),
    Task("semaphores", {"ENGINES": 5, "COUNT": 2, "WIDTH": 4, "LINE_W": 1}, depth=12),
    Task("list_control", {"ADDR_W": 10, "WATCHDOG": 2}, depth=6, cover=30),
    Task("axi_word_master", {"DATA_W": 64, "ADDR_W": 32, "ID_W": 1}),
    *(Task("axi_region_bursts", {"LINE_W": 26, "MAX_LINES": lines}) for lines in (2, 32, 64)),
    Task("command_queue", {"BITS": 272, **COMMANDS}, depth=3, cover=34, slow=True),
    *(Task("command_queue", {"BITS": bits, **COMMANDS}, depth=3, cover=18, slow=True) for bits in (432, 512)),
    Task("control_registers", slow=True),
    Task("vector_share", slow=True),
    *(Task("vector_share", {"SCRATCH_W": 4, "SCRATCH_W0": 7 - w, "SCRATCH_W1": w}, slow=True) for w in (3, 4)),
    Task("vector_share", depth=12, reason="what is inside of the arbiter is out of its user's sight"),
    Task("axi_join", JOIN),
    Task("axi_join", JOIN, depth=12, reason="what is inside of FIFO and arbiter is out of their user's sight"),
    *(Task("axi_slave", {"DATA_W": width, **SLAVE}) for width in (32, 64)),
    *(Task("axi_slave_write", {"DATA_W": width, **SLAVE}, slow=width != 64) for width in (32, 64, 128)),
    *(Task("axi_slave_read", {"DATA_W": width, **SLAVE}, slow=width != 64) for width in (32, 64, 128)),
    *(Task("axi_window", {"ADDR_W": 32, "MAX_LINES": 3, "HALF_RATE": half}) for half in (0, 1)),
    Task("axi_read_clients", {"LINE_W": 26, "LINE_BEATS": 8, "MAX_LINES": 3, "CLIENTS": 2, "CREDITS": 0x00280000}),
    Task("axi_read_master", {"DATA_W": 64, "MAX_BURST": 24, **READ}, slow=True),
    Task("axi_read_master", {"DATA_W": 512, "MAX_BURST": 64, **READ}, slow=True),
    Task("axi_write_master", {"DATA_W": 64, "MAX_BURST": 24, **WRITE}, slow=True),
    Task("axi_write_master", {"DATA_W": 512, "MAX_BURST": 64, **WRITE}, slow=True),
]


def source(module: str) -> Path:
    """Path of a module's source.

    Raises:
        FileNotFoundError: there is none.
    """
    for path in ROOT.glob(f"rtl/**/{module}.sv"):
        return path
    raise FileNotFoundError(f"no source of {module} in rtl/")


def sources(task: Task) -> list[Path]:
    """All files of a task: modules in the order in which they are read, then what they include."""
    design = task.design
    modules = (*design.needs, *design.parts, *design.trusted, task.top)
    return [*map(source, modules), ROOT / "rtl/common/stream_formal.svh"]


def script(task: Task) -> list[str]:
    """Commands with which yosys reads and flattens a task, in a folder with all of its sources."""
    design = task.design
    formal = [*design.parts, *design.trusted, task.top]
    bounded = " -DFORMAL_BOUNDED" if task.reason else ""
    settings = " ".join(f"-set {name} {value}" for name, value in task.parameters.items())
    return [
        *(f"read_verilog -sv {module}.sv" for module in design.needs),
        *(f"read_verilog -sv -formal{bounded} {module}.sv" for module in formal),
        *([f"chparam {settings} {task.top}"] if settings else []),
        f"hierarchy -check -top {task.top}",
        "proc",
        *(f"chformal -cover -remove *{part}*" for part in (*design.parts, *design.trusted)),
        *(f"chformal -assume2assert *{part}*" for part in design.parts),
        f"rename -top {task.top}",
        f"prep -flatten -top {task.top}",
        "memory_map",
    ]


def sby(task: Task) -> str:
    """The task's .sby file: one run for assertions, one for covers, those of the assertions' conditions too."""
    clocks = task.design.clocks
    return "\n".join(
        [
            "[tasks]",
            "hold",
            "reach",
            "[options]",
            f"hold: mode {task.mode}",
            f"hold: depth {task.depth}",
            "reach: mode cover",
            f"reach: depth {task.cover}",
            "reach: vcd off",
            f"timeout {TIMEOUT}",
            *(["multiclock on"] if clocks else []),
            "[engines]",
            "smtbmc z3",
            "[script]",
            # What parts assume is asserted; its conditions are covered like those of other assertions.
            *(
                each
                for line in script(task)
                for each in (
                    (f"hold: {line}", f"reach: {line.replace('-assume2assert', '-assume -coverenable')}")
                    if "-assume2assert" in line
                    else (line,)
                )
            ),
            *(["setundef -init -zero"] if clocks else []),
            "hold: chformal -cover -remove",
            "reach: chformal -assert -coverenable",
            "[files]",
            *(str(path.relative_to(ROOT)) for path in sources(task)),
            "",
        ]
    )


def _place(location: str) -> str:
    """``stream_fifo.sv:109.7-109.45`` as path and line."""
    name, _, columns = location.partition(":")
    path = next(ROOT.glob(f"rtl/**/{name}"), Path(name))
    return f"{path.relative_to(ROOT) if path.is_absolute() else path}:{columns.partition('.')[0]}"


def _properties(folder: Path, run: str, kind: str) -> dict[str, str]:
    """Name of each property of a kind in one of sby's runs, and where it stands."""
    report = folder / f"run_{run}" / f"{folder.name}_{run}.xml"
    if not report.exists():
        return {}
    cases = ElementTree.parse(report).iter("testcase")
    return {case.get("id", ""): _place(case.get("location", "")) for case in cases if case.get("type") == kind}


def _log(folder: Path, run: str) -> str:
    path = folder / f"run_{run}" / "logfile.txt"
    return path.read_text(errors="replace") if path.exists() else ""


def _failures(folder: Path, passed: dict[str, bool]) -> list[str]:
    """What went wrong in a task that did not pass: properties, and traces."""
    found = []
    for run in (run for run, ok in passed.items() if not ok):
        log = _log(folder, run)
        for pattern, says in (
            (r"Assert failed in \S+: (\S+:\S+)", "fails"),
            (r"Unreached cover statement at \S+: (\S+:\S+)", "is never reached"),
        ):
            found += [f"{place} {says}" for place in dict.fromkeys(map(_place, re.findall(pattern, log)))]
        if not found:
            found += [line.split("] ", 1)[-1] for line in log.splitlines() if "ERROR" in line or "TIMEOUT" in line][:4]
            found += [line.strip() for line in log.splitlines() if "induction failed" in line.lower()][:1]
        found += [f"trace {path.relative_to(ROOT)}" for path in sorted((folder / f"run_{run}").glob("engine_0/*.vcd"))]
    return found or [f"no result; see {folder.relative_to(ROOT)}/*.txt"]


def call(text: str, name: str, folder: Path) -> None:
    """Run sby on the text of a .sby file; ``run_<name>`` in the folder, which lies in the project, is then of that run.

    There is a call for each run, because after a failure sby would wait for ever for the process that it has stopped.
    """
    file = folder / f"{folder.name}.sby"
    file.write_text(text)
    tools = [word for tool, end in TOOLS.items() for word in (f"--{tool}", str(BIN / f"yowasp-{end}"))]
    command = [str(BIN / "yowasp-sby"), "-f", "-j", "1", *tools, "--prefix", str((folder / "run").relative_to(ROOT))]
    command += [str(file.relative_to(ROOT)), name]
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    with (folder / f"{name}.txt").open("w") as log:
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def run(task: Task) -> tuple[dict, list[str]]:
    """Prove one task.

    Returns:
        its entry of formal.json, and lines that say what failed.
    """
    folder = RESULTS / task.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    for name in RUNS:
        call(sby(task), name, folder)
    passed = {name: (folder / f"run_{name}" / "PASS").exists() for name in RUNS}
    asserts, covers = _properties(folder, "hold", "ASSERT"), _properties(folder, "reach", "COVER")
    reached = set(re.findall(r"\bReached cover statement .* \((\S+)\)", _log(folder, "reach")))
    ok = all(passed.values()) and bool(asserts)
    failures = [] if ok else _failures(folder, passed)
    return {
        "task": task.name,
        "top": task.top,
        "parameters": task.parameters,
        "mode": task.mode,
        "depth": task.depth,
        "asserts": len(asserts),
        "covers": len(covers),
        "covers_reached": len(reached & set(covers)),
        "passed": ok,
        "seconds": round(time.monotonic() - begin, 1),
        "command": f"make formal TOP={task.name}",
        "commit": commit(),
    }, failures


def chosen(names: Iterable[str]) -> list[Task]:
    """Tasks of modules or with names; all of them without any.

    Raises:
        SystemExit: no task has such a name.
    """
    names = list(names)
    for name in names:
        if not any(name in (task.top, task.name) for task in TASKS):
            tops = ", ".join(sorted({task.top for task in TASKS}))
            raise SystemExit(f"error: nothing is proved of TOP={name}; there are {tops}")
    return [task for task in TASKS if not names or {task.top, task.name} & set(names)]


def save(entry: dict) -> None:
    """Put an entry in formal.json, in the table's order, in place of an older one of the same task."""
    file = RESULTS / "formal.json"
    known = {old["task"]: old for old in (json.loads(file.read_text()) if file.exists() else [])}
    known[entry["task"]] = entry
    write(file, json.dumps([known[task.name] for task in TASKS if task.name in known], indent=1) + "\n")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", default="", help="modules or tasks, with blanks between them; all when empty")
    parser.add_argument("--jobs", type=int, default=2, help="tasks at a time")
    arguments = parser.parse_args()
    tasks = chosen(arguments.top.split())
    if arguments.jobs < 1:
        raise SystemExit(f"error: JOBS={arguments.jobs} must be at least 1")
    if shutil.which("z3", path=str(BIN)) is None:
        raise SystemExit("error: the solver z3 is missing; run 'make venv' again")
    begin = time.monotonic()
    entries: list[dict] = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for future in as_completed([pool.submit(run, task) for task in tasks]):
            entry, failures = future.result()
            entries.append(entry)
            save(entry)
            print(
                f"[{len(entries)}/{len(tasks)}] {'PASS' if entry['passed'] else 'FAIL'} {entry['task']}: "
                f"{entry['mode']} {entry['depth']}, {entry['asserts']} asserts, "
                f"{entry['covers_reached']} of {entry['covers']} covers, {entry['seconds']} s",
                flush=True,
            )
            for line in [*failures, *([f"again: {entry['command']}"] if failures else [])]:
                print(f"  {line}", flush=True)
    order = {task.name: place for place, task in enumerate(TASKS)}
    width = max(len(entry["task"]) for entry in entries)
    print(f"\n{'task':{width}}  mode   depth  asserts  covers  reached  seconds")
    for entry in sorted(entries, key=lambda entry: order[entry["task"]]):
        print(
            f"{entry['task']:{width}}  {entry['mode']:5}  {entry['depth']:5}  {entry['asserts']:7}  "
            f"{entry['covers']:6}  {entry['covers_reached']:7}  {entry['seconds']:7.1f}"
            f"{'' if entry['passed'] else '  FAIL'}"
        )
    failed = sum(not entry["passed"] for entry in entries)
    print(f"formal: {len(entries) - failed} of {len(entries)} tasks pass, {time.monotonic() - begin:.0f} s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
