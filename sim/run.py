"""Build and run test benches: ``python -m sim.run --test systolic --sim verilator --seed 1``."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import logging
import os
import re
import resource
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from cocotb_tools.runner import get_results, get_runner

from fpga.netlist import models, netlist
from sim.bench import PERIOD_NS, ROOT, SIMULATORS, Bench, Test, configs, read_filelist, tests
from sim.tools import (
    alone,
    compiler_version,
    fingerprint_of,
    mend_program,
    quick_build,
    require_simulator,
    simulator_version,
    verilator_environment,
)
from tb.common.report import Row, format_table

BUILD = ROOT / "sim/build"
# CPU seconds of one simulation; all need far less, and a regression with one that hangs still ends and says which.
CPU_LIMIT = 1800
# Lines of a simulation's log.
STARTED = re.compile(r"cocotb\.regression +running (\S+) \(\d+/\d+\)")
ENDED = re.compile(r"cocotb\.regression +(\S+) (passed|failed)")
TIMED = re.compile(r" *[\d.]+ns ")
VERILATOR_ARGS = [
    "-O3",
    # Tests see the top module's ports and parameters; every signal visible makes builds and runs much slower.
    "--no-public-flat-rw",
    "-Wno-fatal",
    "-Wno-WIDTH",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--assert",
]


@dataclass(frozen=True)
class Result:
    """Outcome of one bench.

    Attributes:
        bench: its name.
        passed, failed, skipped: numbers of tests.
        rows: of the closing table.
        log: what the simulation printed.
        seconds: of the simulation with its start, without the build.
        cycles: simulated in all tests, of PERIOD_NS each.
    """

    bench: str
    passed: int
    failed: int
    skipped: int
    rows: list[Row]
    log: Path
    seconds: float
    cycles: int

    @property
    def ok(self) -> bool:
        """No test failed, and something was compared."""
        return not self.failed and bool(self.rows) and not any(row.mismatches for row in self.rows)


@dataclass(frozen=True)
class Outcome:
    """What a test did with one seed: the results of its benches, and the command that does it again."""

    results: list[Result]
    command: str

    @property
    def passed(self) -> bool:
        """Every bench passed, and there is one."""
        return bool(self.results) and all(result.ok for result in self.results)


@contextmanager
def environment(**variables: str):
    """Set environment variables for the duration of a block."""
    saved = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in saved.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _restore_runtime(folder: Path, store: Path) -> None:
    """Copy Verilator's compiled runtime from the store that all builds with the same options share.

    The makefile compiles again what is older than itself, so the copies date from the future until the build is done.
    """
    for path in store.glob("verilated*.[do]"):
        future = time.time() + 3600
        os.utime(shutil.copy(path, folder), (future, future))


def _keep_runtime(folder: Path, store: Path, program: Path) -> None:
    """Copy what of the runtime is not in the store to it, and date all of it like the program made with it."""
    store.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("verilated*.[do]"):
        os.utime(path, ns=(program.stat().st_mtime_ns,) * 2)
        if not (store / path.name).is_file():
            partial = store / f"{path.name}.{os.getpid()}"  # other builds may run at the same time
            shutil.copy(path, partial).replace(store / path.name)


def build(
    bench: Bench, simulator: str, config: str, waves: bool, gates: Path | None = None, coverage: bool = False
) -> tuple[object, Path]:
    """Build a bench, or reuse the build of the same sources, parameters and options, whichever bench it was made for.

    Args:
        gates: netlist in place of the bench's module that has one.
        coverage: count lines and toggles of the RTL, which only Verilator does.

    Returns:
        The cocotb runner and the build folder.

    Raises:
        SystemExit: the build failed; the end of its log is printed.
    """
    parameters = dict(bench.parameters(bench.config(config)))
    shape = hashlib.sha256(repr((bench.filelist, sorted(parameters.items()))).encode()).hexdigest()[:8]
    folder = BUILD / f"{bench.top}-{simulator}-{shape}{_kind(waves, gates, coverage)}"
    with alone(BUILD / f"{folder.name}.lock"):
        return _build(bench, simulator, config, waves, parameters, folder, gates, coverage), folder


def seed_folder(bench: str, simulator: str, config: str, seed: int, kind: str = "") -> Path:
    """Where a bench's log, results and waveforms of one seed are."""
    return BUILD / f"{bench}-{simulator}-{config}{kind}" / f"seed-{seed}"


def _kind(waves: bool, gates: Path | None, coverage: bool) -> str:
    """What distinguishes the folders of other builds than the usual one."""
    return f"{f'-{gates.stem}' if gates else ''}{'-waves' if waves else ''}{'-coverage' if coverage else ''}"


def _build(
    bench: Bench,
    simulator: str,
    config: str,
    waves: bool,
    parameters: Mapping[str, int],
    folder: Path,
    gates: Path | None,
    coverage: bool,
) -> object:
    sources = read_filelist(bench.filelist)
    if gates:
        sources = [*(source for source in sources if source.stem != bench.netlist.module), gates, *models()]
    compiled = (compiler_version(), quick_build(coverage)) if simulator == "verilator" else ()
    tools = simulator_version(simulator), version("cocotb"), *compiled
    arguments = VERILATOR_ARGS if simulator == "verilator" else ["-Wall", "-Wno-timescale"]
    if coverage:
        arguments = [*arguments, "--coverage-line", "--coverage-toggle"]
    if gates and simulator == "icarus":
        arguments = [*arguments, "-Wno-portbind"]  # yosys leaves pins that a cell does not use unconnected
    stamp, log, visible = folder / "fingerprint", folder / "build.log", folder / "visible.vlt"
    fingerprint = fingerprint_of(sources, bench.top, parameters, arguments, tools)
    runtime = BUILD / "runtime" / hashlib.sha256(repr((arguments, waves, tools)).encode()).hexdigest()[:8]
    runner = get_runner(simulator)
    runner.log.setLevel(logging.ERROR)  # it warns of every build that it does not repeat
    fresh = stamp.is_file() and stamp.read_text() == fingerprint
    if not fresh:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if simulator == "verilator":
            _restore_runtime(folder, runtime)
            signals = f'public_flat_rw -module "{bench.top}" -port "*"'
            parameters_read = f'public_flat_rd -module "{bench.top}" -param "*"'
            visible.write_text(f"`verilator_config\n{signals}\n{parameters_read}\n")
        print(
            f"  building {bench.name} for {simulator}, configuration {config}; log: {log.relative_to(ROOT)}", flush=True
        )
    started = time.monotonic()
    try:
        runner.build(
            sources=[*([visible] if simulator == "verilator" else []), *sources],
            hdl_toplevel=bench.top,
            parameters=parameters,
            build_args=arguments,
            build_dir=folder,
            timescale=("1ns", "1ps"),
            waves=waves,
            log_file=log,
            always=not fresh,
        )
    except Exception as error:
        tail = log.read_text().splitlines()[-30:] if log.is_file() else [str(error)]
        print("\n".join(tail), file=sys.stderr)
        raise SystemExit(f"error: building {bench.name} for {simulator} failed; whole log: {log}") from error
    if simulator == "icarus":
        mend_program(folder / "sim.vvp")
    if not fresh:
        if simulator == "verilator":
            _keep_runtime(folder, runtime, folder / bench.top)
        stamp.write_text(fingerprint)
        print(f"  built in {time.monotonic() - started:.0f} s", flush=True)
    return runner


def simulation_environment(bench: Bench, simulator: str, config: str) -> dict[str, str]:
    """Environment variables that tests and cocotb read."""
    return {
        "EDGE_QLORA_BENCH": bench.name,
        "EDGE_QLORA_CONFIG": json.dumps(bench.config(config)),
        "EDGE_QLORA_SIM": simulator,
        "COCOTB_ANSI_OUTPUT": "0",
        # By default every imported module, PyTorch included, would be rewritten at each start.
        "COCOTB_REWRITE_ASSERTION_FILES": "test_*.py",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sw")]),
    }


def random_registers(seed: int) -> list[str]:
    """Arguments with which a simulation by Verilator begins with random values in registers."""
    return ["+verilator+rand+reset+2", f"+verilator+seed+{seed % (2**31 - 1) + 1}"]


def run(
    bench: Bench,
    simulator: str,
    config: str,
    seed: int,
    waves: bool = False,
    verbose: bool = False,
    gates: Path | None = None,
    only: str | None = None,
    coverage: bool = False,
) -> Result:
    """Build and run one bench.

    Args:
        gates: netlist in place of the bench's module that has one.
        coverage: count lines and toggles of the RTL, in ``coverage.dat`` beside the log.
        only: regular expression of the names of the cocotb tests to run; all without it.

    Returns:
        Its result; rows of the closing table are those the tests reported.
    """
    require_simulator(simulator)
    makeflags = {"MAKEFLAGS": quick_build(coverage)}
    with environment(**(verilator_environment() | makeflags if simulator == "verilator" else {})):
        runner, folder = build(bench, simulator, config, waves, gates, coverage)
        test_dir = seed_folder(bench.name, simulator, config, seed, _kind(waves, gates, coverage))
        shutil.rmtree(test_dir, ignore_errors=True)
        test_dir.mkdir(parents=True)
        rows_file, log, results = test_dir / "rows.json", test_dir / "run.log", test_dir / "results.xml"
        started, crashed = time.monotonic(), False
        print(f"  running {bench.name}, log: {log.relative_to(ROOT)}", flush=True)
        with _cpu_limit(CPU_LIMIT), nullcontext() if verbose else _progress(log):
            try:
                runner.test(
                    test_module=bench.module,
                    hdl_toplevel=bench.top,
                    test_filter=only,
                    seed=seed,
                    waves=waves,
                    build_dir=folder,
                    test_dir=test_dir,
                    results_xml=str(results),
                    test_args=random_registers(seed) if simulator == "verilator" else [],
                    timescale=("1ns", "1ps"),
                    log_file=None if verbose else log,
                    extra_env={**simulation_environment(bench, simulator, config), "EDGE_QLORA_ROWS": str(rows_file)},
                )
            except RuntimeError as error:  # the simulator itself ended with an error, whatever the tests said
                crashed = True
                print(f"  {bench.name}: {error}", file=sys.stderr)
    for wave in folder.glob("*.fst"):  # Icarus writes it beside its program, where the next seed would replace it
        wave.replace(test_dir / wave.name)
    seconds = time.monotonic() - started
    try:
        total, failed = get_results(results)
        tree = ElementTree.parse(results)
        skipped = len(list(tree.iter("skipped")))
        spans = [p for p in tree.iter("property") if p.get("name") == "sim_time_duration"]
        cycles = round(sum(float(span.get("value")) for span in spans) / PERIOD_NS)
    except RuntimeError:
        total, failed, skipped, cycles = 1, 1, 0, 0
    if total == 0 or (crashed and failed == 0):
        total, failed = total + 1, 1
    found = json.loads(rows_file.read_text()) if rows_file.is_file() else []
    rows = [Row(**row | {"failed": failed}) for row in found]
    return Result(bench.name, total - failed - skipped, failed, skipped, rows, log, seconds, cycles)


def _at(line: str) -> str:
    """Simulation time of a line of the log, as a waveform shows it."""
    time = TIMED.match(line)
    return time[0].strip() if time else "an unknown time"


def failures(log: str) -> list[str]:
    """What a simulation's log says of each failed test: its first mismatches and the error that ended it."""
    found, name, mismatches = [], "the simulation", []
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if started := STARTED.search(line):
            name, mismatches = started[1], []
        elif "MISMATCH" in line:
            mismatches.append(f"{_at(line)}: {line[line.index('MISMATCH') :]}")
        elif ended := ENDED.search(line):
            if ended[2] == "failed":
                report = itertools.takewhile(lambda text: not TIMED.match(text), lines[number + 1 :])
                errors = [text.strip() for text in report if re.search(r"\w(Error|Exception): ", text)]
                more = [f"... and {len(mismatches) - 3} more"] if len(mismatches) > 3 else []
                found += [
                    f"{name} failed at {_at(line)}",
                    *(f"  {text}" for text in mismatches[:3] + more + errors[-1:]),
                ]
            name = None
    if name is not None and lines:
        found += [f"{name} did not end (limit: {CPU_LIMIT} s of CPU time); the log's last lines:", *lines[-15:]]
    return found


def _print_failure(result: Result, command: str) -> None:
    print(f"\nFAILED: {result.bench}", file=sys.stderr)
    if result.log.is_file():
        print("\n".join(failures(result.log.read_text(errors="replace"))), file=sys.stderr)
    print(f"whole log: {result.log}\nreproduce with: {command} (WAVES=1 for a waveform)", file=sys.stderr)


@contextmanager
def _cpu_limit(seconds: int):
    """End every simulator started meanwhile after so much CPU time: one that runs on within a time step never would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit if soft < 0 else min(limit, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def complete_lines(file: Path, position: int) -> bytes:
    """What a file has from a place on, up to the end of its last whole line; empty of none."""
    text = file.read_bytes()[position:] if file.is_file() else b""
    return text[: text.rfind(b"\n") + 1]


def _progress(log: Path):
    """Print the name of each test as it ends, while the simulator writes the log."""
    position = 0

    def look(_: bool) -> None:
        nonlocal position
        complete = complete_lines(log, position)
        for ended in ENDED.finditer(complete.decode(errors="replace")):
            print(f"    {ended[1].rsplit('.', 1)[-1]} {ended[2]}", flush=True)
        position += len(complete)

    return meanwhile(1, look)


@contextmanager
def meanwhile(seconds: float, look: Callable[[bool], None]):
    """Call ``look`` every so many seconds during a block, and at its end, which it is told, once more."""
    stop = threading.Event()

    def follow() -> None:
        done = False
        while not done:
            done = stop.wait(seconds)
            look(done)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run_test(
    test: Test,
    simulator: str,
    config: str,
    seed: int,
    waves: bool = False,
    verbose: bool = False,
    gates: bool = False,
    coverage: bool = False,
    only: str = "",
) -> Outcome:
    """Run the benches of a test and print its closing table.

    Args:
        only: name of the one bench to run; all without it.
        gates: simulate netlists, of benches that have one.
        coverage: count lines and toggles of the RTL; only with Verilator.
    """
    benches = [b for b in test.of(simulator, config) if (b.netlist or not gates) and only in ("", b.name)]
    more = f"{' GATES=1' if gates else ''}{' COVER=1' if coverage else ''}{f' BENCH={only}' if only else ''}"
    command = f"make sim TEST={test.name} SIM={simulator} CONFIG={config} SEED={seed}{more}"
    print(f"{test.name}: {simulator}, configuration {config}, SEED={seed}", flush=True)
    if not benches:
        offered = {(s, c) for b in test.benches for s in b.simulators for c in (b.configs or tuple(configs()))}
        choices = ", ".join(f"SIM={s} CONFIG={c}" for s, c in sorted(offered))
        print(f"error: no bench of '{test.name}' runs with SIM={simulator} CONFIG={config}; it runs with {choices}")
        return Outcome([], command)
    if skipped := [bench.name for bench in test.benches if bench not in benches and not only]:
        print(f"  not run with SIM={simulator} CONFIG={config}: {', '.join(skipped)}", flush=True)
    results = []
    for bench in benches:
        netlists = netlist(bench, config) if gates else None
        result = run(bench, simulator, config, seed, waves, verbose, netlists, coverage=coverage)
        results.append(result)
        skipped = f", {result.skipped} skipped" if result.skipped else ""
        print(
            f"  {bench.name}: {result.passed} passed, {result.failed} failed{skipped}, {result.seconds:.1f} s",
            flush=True,
        )
        if result.failed:
            _print_failure(result, command)
        elif not result.rows:
            print(f"error: {bench.name} compared nothing: it reported no row for the closing table", file=sys.stderr)
        if waves:
            found = [*result.log.parent.glob("*.vcd"), *result.log.parent.glob("*.fst")]
            print(f"  waveform: {', '.join(str(path.relative_to(ROOT)) for path in found) or 'none written'}")
    if rows := [row for result in results for row in result.rows]:
        print(format_table(rows))
    outcome = Outcome(results, command)
    print(f"{test.name}: {'PASS' if outcome.passed else 'FAIL'}", flush=True)
    return outcome


def integer(name: str, text: str, least: int) -> int:
    """The value of an argument of ``make``.

    Raises:
        SystemExit: it is not an integer of ``least`` or more.
    """
    try:
        value = int(text, 0)
    except ValueError:
        value = None
    if value is None or value < least:
        raise SystemExit(f"error: {name}={text} is not an integer of {least} or more")
    return value


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", default="", help="test name; without it the tests are listed")
    parser.add_argument("--bench", default="", help="only this bench of the test")
    parser.add_argument("--sim", default="verilator")
    parser.add_argument("--config", default="tiny")
    parser.add_argument("--seed", default="", help="integer; random when empty")
    parser.add_argument("--seeds", default="1", help="run this many consecutive seeds")
    parser.add_argument("--waves", default="", help="1 writes a waveform")
    parser.add_argument("--gates", default="", help="1 simulates the netlist of the device under test")
    parser.add_argument("--coverage", default="", help="1 counts lines and toggles, as a regression with COVER=1 does")
    parser.add_argument("--verbose", action="store_true", help="simulator output on the terminal, not in a log file")
    arguments = parser.parse_args()
    available = tests()
    if not arguments.test:
        print("TEST is not set. Tests (make sim TEST=<name>):")
        for test in available.values():
            print(f"  {test.name:16s} {test.description}")
        return
    if arguments.test not in available:
        raise SystemExit(f"error: no test '{arguments.test}'; the tests are: {', '.join(available)}")
    for name, value, choices in (
        ("SIM", arguments.sim, SIMULATORS),
        ("CONFIG", arguments.config, tuple(configs())),
        ("BENCH", arguments.bench, ("", *(bench.name for bench in available[arguments.test].benches))),
    ):
        if value not in choices:
            raise SystemExit(f"error: {name}={value}; choose one of {', '.join(filter(None, choices))}")
    for name, value, what in (
        ("WAVES", arguments.waves, "writes a waveform"),
        ("GATES", arguments.gates, "simulates a netlist"),
        ("COVER", arguments.coverage, "counts lines and toggles"),
    ):
        if value not in ("", "0", "1"):
            raise SystemExit(f"error: {name}={value}; 1 {what}")
    gates, coverage = arguments.gates == "1", arguments.coverage == "1"
    if coverage and arguments.sim != "verilator":
        raise SystemExit(f"error: COVER=1 is for SIM=verilator, not {arguments.sim}")
    with_netlist = [name for name, test in available.items() if any(bench.netlist for bench in test.benches)]
    if gates and arguments.test not in with_netlist:
        raise SystemExit(f"error: '{arguments.test}' has no netlist; GATES=1 is for TEST={', '.join(with_netlist)}")
    seed = integer("SEED", arguments.seed, 0) if arguments.seed else secrets.randbelow(2**31)
    seeds = integer("SEEDS", arguments.seeds, 1)
    passed = 0
    for offset in range(seeds):
        passed += run_test(
            available[arguments.test],
            arguments.sim,
            arguments.config,
            seed + offset,
            arguments.waves == "1",
            arguments.verbose,
            gates,
            coverage,
            arguments.bench,
        ).passed
    if seeds > 1:
        print(f"{arguments.test}: {passed} of {seeds} seeds pass ({arguments.sim}, {arguments.config})")
    sys.exit(passed != seeds)


if __name__ == "__main__":
    main()
