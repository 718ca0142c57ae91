"""Run every test with every simulator, configuration and seed, in parallel: ``make regress N=20``.

Each run leaves a JSON file in sim/build/regress; ``junit.xml`` and ``summary.json`` there are of the whole regression.
One that was interrupted goes on where it was: runs that passed with the same sources are not repeated. Runs are tasks
of Dask, on this machine's processes or on the workers of a scheduler anywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from junitparser import Failure, JUnitXml, TestCase, TestSuite
from tqdm import tqdm

from sim.bench import ROOT, SIMULATORS, tests
from sim.matrix import COLUMNS, due, matrix
from sim.points import lines_of, merge, read, save
from sim.run import BUILD, failures, integer, run_test
from sim.tools import commit, fingerprint_of, require_simulator, toolchain, write

RESULTS = BUILD / "regress"
# What a run depends on besides the simulator and the compiler: pyproject.toml fixes the versions of the other tools.
SOURCES = (
    "sim/harness.cpp",
    *(
        f"{folder}/**/*.{kind}"
        for folder in ("rtl", "tb", "sim/models", "sim/tops", "fpga")
        for kind in ("sv", "svh", "v", "f", "cpp", "mem")
    ),
    "rtl/**/*.py",
    "tb/**/*.py",
    "sw/edge_qlora/**/*.py",
    *(f"sim/{module}.py" for module in ("bench", "run", "tools", "system", "points", "regress")),
    "sim/configs.toml",
    "pyproject.toml",
)
SHOWN = 8  # lines of what a failed run says that are printed
LOG_END = 20_000  # characters of a failed run's output that are kept


@dataclass(frozen=True)
class Case:
    """One run: a test, or one bench of it, with a simulator, a configuration and a seed."""

    test: str
    simulator: str
    config: str
    seed: int
    coverage: bool = False  # lines and toggles are counted
    bench: str = ""

    @property
    def name(self) -> str:
        """Names the run's file."""
        return f"{self.test}-{self.simulator}-{self.config}-{self.seed}"

    @property
    def command(self) -> str:
        """What repeats it."""
        more = f"{' COVER=1' if self.coverage else ''}{f' BENCH={self.bench}' if self.bench else ''}"
        return f"make sim TEST={self.test} SIM={self.simulator} CONFIG={self.config} SEED={self.seed}{more}"


def cases_of(
    chosen: Sequence[tuple[str, str, str]], seeds: Sequence[int], coverage: bool, whole: bool = False
) -> list[Case]:
    """Tests with their simulators and configurations, with all seeds.

    All with the first seed come first, so that builds are made once and early. Unless ``whole``, less is run with the
    others: of tests whose benches take turns one of them, and what is rare with every fourth seed only.
    """
    found, available = [], tests()
    for number, seed in enumerate(seeds):
        for name, simulator, config in chosen:
            less = number and not whole
            if less and not due(number, name, simulator, config):
                continue
            bench = available[name].turn(number - 1, simulator, config) if less else ""
            found.append(Case(name, simulator, config, seed, coverage and simulator == "verilator", bench))
    return found


def sources() -> str:
    """Digest of everything that a run depends on, but for the tools: of this checkout, as it is now."""
    found = sorted({path.relative_to(ROOT) for pattern in SOURCES for path in ROOT.glob(pattern)})
    names = [name for name in found if "build" not in name.parts]
    return fingerprint_of([ROOT / name for name in names], list(map(str, names)))


LOADED = sources()  # of which this process is


def run_case(case: Case, expected: str) -> dict:
    """Run one case and say what came of it, as its file holds it, but for "points", which have their own.

    Args:
        expected: digest of the sources that the regression is about.

    Raises:
        RuntimeError: these are other sources, or they changed meanwhile.
    """
    if (now := sources()) != expected:
        raise RuntimeError(f"the checkout in {ROOT} has other sources than the one that began the regression")
    if now != LOADED:
        raise RuntimeError(f"the checkout in {ROOT} has changed since its worker began; begin the worker again")
    began, output, outcome = time.time(), io.StringIO(), None
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            test = tests()[case.test]
            outcome = run_test(test, case.simulator, case.config, case.seed, coverage=case.coverage, only=case.bench)
        except SystemExit as error:  # it did not build
            print(error)
    if sources() != expected:
        raise RuntimeError(f"the checkout in {ROOT} changed during the run")
    results = outcome.results if outcome else []
    passed = outcome is not None and outcome.passed
    counted = passed and case.coverage
    benches = [
        {
            "name": result.bench,
            "passed": result.passed,
            "failed": result.failed,
            "skipped": result.skipped,
            "seconds": round(result.seconds, 2),
            "cycles": result.cycles,
            "khz": round(result.cycles / result.seconds / 1000, 2),
            "rows": [asdict(row) for row in result.rows],
        }
        for result in results
    ]
    said = [
        line for r in results if r.failed and r.log.is_file() for line in failures(r.log.read_text(errors="replace"))
    ]
    return {
        **no_result(case, expected),
        "passed": passed,
        "began": round(began, 2),
        "seconds": round(time.time() - began, 2),
        "failures": [] if passed else said or output.getvalue().strip().splitlines()[-3:],
        "output": "" if passed else output.getvalue()[-LOG_END:],
        "benches": benches,
        "points": merge(read(result.log.with_name("coverage.dat")) for result in results) if counted else None,
    }


def no_result(case: Case, expected: str, *failures: str) -> dict:
    """The file of a run of which nothing is known but what is said: its worker failed, or would not run it."""
    return {
        "name": case.name,
        **asdict(case),
        "passed": False,
        "began": round(time.time(), 2),
        "seconds": 0.0,
        "sources": expected,
        "tools": toolchain(case.simulator),
        "commit": commit(),
        "command": case.command,
        "failures": list(failures),
        "output": "",
        "benches": [],
    }


def stored(case: Case, folder: Path, expected: str, here: bool = True) -> dict | None:
    """The result of a run that passed with the same sources and did what this one is to do, or more, if there is one.

    Args:
        expected: digest of the sources.
        here: runs are made on this machine, and so with its simulators.
    """
    path = folder / f"{case.name}.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    counted = not case.coverage or (found.get("coverage") and lines_of(case.name, folder).is_file())
    same = found.get("sources") == expected and (not here or found.get("tools") == toolchain(case.simulator))
    whole = found.get("bench") in ("", case.bench)
    return found if found.get("passed") and same and counted and whole else None


def store(result: dict, folder: Path) -> None:
    """Write a run's files, each of them whole or not at all."""
    kept = lines_of(result["name"], folder)
    if points := result.pop("points", None):
        save(points, kept)
    else:
        kept.unlink(missing_ok=True)
    write(folder / f"{result['name']}.json", json.dumps(result, indent=1))


def first_seed(asked: str, plan: dict, folder: Path) -> int:
    """The regression's first seed: the one asked for, that of the last one if it is the same and a run failed, or new.

    The sources may have changed meanwhile: what failed is run again with the seed that it failed with.
    """
    if asked:
        return integer("SEED", asked, 0)
    with contextlib.suppress(OSError, ValueError, KeyError):
        last = json.loads((folder / "plan.json").read_text())
        if not last.pop("complete") and plan == {key: last.get(key) for key in plan}:
            return last["first"]
    return secrets.randbelow(2**30)


@contextlib.contextmanager
def workers(scheduler: str, jobs: int) -> Iterator:
    """A Dask client: of the scheduler at an address, or of as many processes of this machine.

    Raises:
        SystemExit: nothing answers there, or it has no workers.
    """
    import dask
    from distributed import Client, LocalCluster

    if not scheduler:
        # Workers would look at their threads' stacks a hundred times a second, for a web page that nobody opens.
        dask.config.set({"distributed.worker.profile.enabled": False})
        with (
            LocalCluster(n_workers=jobs, threads_per_worker=1, memory_limit=0, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout="5s")
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: no Dask scheduler answers at SCHEDULER={scheduler}: {error}") from error
    with client:
        threads = client.nthreads()
        if not threads:
            raise SystemExit(
                f"error: the scheduler at {scheduler} has no workers; 'make worker SCHEDULER={scheduler}' begins "
                "some, in a checkout of the same sources"
            )
        if busy := [name for name, count in threads.items() if count != 1]:
            raise SystemExit(f"error: worker {busy[0]} has several threads; runs need a process each: --nthreads 1")
        yield client


def execute(
    cases: Sequence[Case], scheduler: str, jobs: int, run: Callable[[Case, str], dict] = run_case
) -> Iterator[dict]:
    """Run cases, in about this order, and give each result as it comes; a run that raises has failed."""
    from distributed import as_completed

    if not cases:
        return
    with workers(scheduler, jobs) as client:
        expected, regression = sources(), secrets.token_hex(4)  # others may use the scheduler at the same time
        begun = {
            client.submit(run, case, expected, key=f"{case.name}-{regression}", priority=-place, pure=False): case
            for place, case in enumerate(cases)
        }
        for future in as_completed(begun):
            error = future.exception()
            yield no_result(begun[future], expected, f"no result: {error}") if error else future.result()


def table(results: Sequence[dict]) -> str:
    """Seeds that passed, per test, simulator and configuration, as text."""
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for result in results:
        groups[result["test"], result["simulator"], result["config"]].append(result)
    columns = "test simulator configuration seeds tests skipped transactions cycles kHz seconds".split()
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for (test, simulator, config), found in sorted(groups.items()):
        good = sum(result["passed"] for result in found)
        benches = [bench for result in found for bench in result["benches"]]
        compared = sum(row["transactions"] for bench in benches for row in bench["rows"])
        cycles, seconds = sum(b["cycles"] for b in benches), sum(b["seconds"] for b in benches)
        ran, skipped = (sum(b[what] for b in benches) for what in ("passed", "skipped"))
        speed = f"{cycles / seconds / 1000:.1f}" if seconds else "-"
        counts = " | ".join(f"{number:,}" for number in (ran, skipped, compared, cycles))
        lines.append(
            f"| {test} | {simulator} | {config} | {good} of {len(found)} | {counts} | {speed} "
            f"| {sum(result['seconds'] for result in found):.0f} |"
        )
    return "\n".join(lines)


def junit(results: Sequence[dict]) -> JUnitXml:
    """The results as CI servers read them: a suite per simulator and configuration, a case per test and seed."""
    suites: dict[str, TestSuite] = {}
    for result in results:
        name = f"{result['simulator']}.{result['config']}"
        case = TestCase(f"{result['test']} SEED={result['seed']}", f"{name}.{result['test']}", result["seconds"])
        if not result["passed"]:
            failure = Failure(result["failures"][0] if result["failures"] else "failed")
            failure.text = "\n".join([*result["failures"], f"reproduce with: {result['command']}"])
            case.result = [failure]
        if skipped := sum(bench["skipped"] for bench in result["benches"]):
            case.system_out = f"{skipped} tests skipped"
        suites.setdefault(name, TestSuite(name)).add_testcase(case)
    whole = JUnitXml("regression")
    for suite in suites.values():
        whole.add_testsuite(suite)
    whole.update_statistics()
    return whole


def summary(results: Sequence[dict], expected: str, wall: float, repeated: int, plan: dict) -> dict:
    """Numbers of the whole regression of some sources; ``repeated`` runs were made now, in ``wall`` seconds."""
    return {
        "plan": plan,
        "commit": commit(),
        "sources": expected,
        "runs": len(results),
        "passed": sum(result["passed"] for result in results),
        "wall_seconds": round(wall, 1),
        "runs_now": repeated,
        "runs_per_minute": round(60 * repeated / wall, 2) if repeated else None,
        "failed": [result["command"] for result in results if not result["passed"]],
        "names": [result["name"] for result in results],
    }


def regress(
    cases: Sequence[Case],
    scheduler: str,
    jobs: int,
    plan: dict,
    folder: Path = RESULTS,
    run: Callable[[Case, str], dict] = run_case,
) -> bool:
    """Run the cases that have not passed yet, and write what came of all of them.

    Returns:
        Whether all passed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    expected = sources()
    results = {case.name: found for case in cases if (found := stored(case, folder, expected, not scheduler))}
    missing = [case for case in cases if case.name not in results]
    if results:
        print(f"{len(results)} of {len(cases)} runs passed before with the same sources and are not repeated")
    write(folder / "plan.json", json.dumps({**plan, "complete": False}))
    began = time.monotonic()
    with tqdm(total=len(missing), unit="run", disable=not sys.stderr.isatty(), smoothing=0.1) as bar:
        for number, result in enumerate(execute(missing, scheduler, jobs, run), 1):
            store(result, folder)
            name = result["name"]
            results[name] = result
            bar.update()
            if not result["passed"]:
                said, more = result["failures"][:SHOWN], result["failures"][SHOWN:]
                said = said + [f"... and {len(more)} more lines in {name}.json"] if more else said
                tqdm.write("\n".join([f"FAIL  {name}", *(f"  {line}" for line in said)]))
                tqdm.write(f"  reproduce with: {result['command']}")
            elif bar.disable:
                print(f"[{number}/{len(missing)}] PASS  {name}  {result['seconds']:.0f} s", flush=True)
    wall = time.monotonic() - began
    ordered = [results[case.name] for case in cases]
    whole = summary(ordered, expected, wall, len(missing), plan)
    junit(ordered).write(str(folder / "junit.xml"), pretty=True)
    write(folder / "summary.json", json.dumps(whole, indent=1))
    write(folder / "plan.json", json.dumps({**plan, "complete": not whole["failed"]}))
    print(table(ordered))
    speed = f", {whole['runs_per_minute']} runs per minute" if missing else ""
    print(f"regress: {whole['passed']} of {whole['runs']} runs pass; {len(missing)} made now in {wall:.0f} s{speed}")
    for command in whole["failed"]:
        print(f"  failed: {command}")
    print(f"files: {os.path.relpath(folder)}/summary.json, junit.xml and one per run")
    return not whole["failed"]


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", default="2", help="how many consecutive seeds")
    parser.add_argument(
        "--seed", default="", help="the first one; without it that of an unfinished regression, or random"
    )
    parser.add_argument("--test", default="", help="only these tests; all that are not slow when empty")
    parser.add_argument("--sim", default="", help="only these simulators")
    parser.add_argument("--config", default="", help="only these configurations")
    parser.add_argument("--jobs", default="2", help="runs at the same time on this machine")
    parser.add_argument("--coverage", default="", help="1 counts lines and toggles of the RTL in runs with Verilator")
    parser.add_argument("--results", default=RESULTS, type=Path, help="folder of the results")
    parser.add_argument("--scheduler", default="", help="address of a Dask scheduler whose workers run the tests")
    arguments = parser.parse_args()
    count, jobs = integer("N", arguments.n, 1), integer("JOBS", arguments.jobs, 1)
    names, simulators, configs = (text.split() for text in (arguments.test, arguments.sim, arguments.config))
    for what, asked, possible in (
        ("TEST", names, list(tests())),
        ("SIM", simulators, SIMULATORS),
        ("CONFIG", configs, sorted({config for _, config in COLUMNS})),
    ):
        if unknown := [name for name in asked if name not in possible]:
            raise SystemExit(f"error: {what}={unknown[0]}; choose from {', '.join(possible)}")
    chosen = matrix(names, simulators, configs)
    if not chosen:
        raise SystemExit("error: none of these tests runs with this simulator and configuration")
    for simulator in {simulator for _, simulator, _ in chosen} if not arguments.scheduler else ():
        require_simulator(simulator)
    if arguments.coverage not in ("", "0", "1"):
        raise SystemExit(f"error: COVER={arguments.coverage}; 1 counts lines and toggles")
    coverage = arguments.coverage == "1"
    plan = {"seeds": count, "tests": names, "simulators": simulators, "configs": configs, "coverage": coverage}
    first = first_seed(arguments.seed, plan, arguments.results)
    cases = cases_of(chosen, range(first, first + count), coverage, whole=bool(names))
    print(f"{len(chosen)} tests with simulators and configurations, seeds {first} to {first + count - 1}", flush=True)
    try:
        passed = regress(cases, arguments.scheduler, jobs, {**plan, "first": first}, arguments.results)
    except KeyboardInterrupt:
        raise SystemExit("\ninterrupted; the same command goes on with what is missing") from None
    sys.exit(not passed)


if __name__ == "__main__":
    from sim import regress as module  # so that workers know what they run by its name

    module.main()
