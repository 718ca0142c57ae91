"""Run every test with many seeds on both simulators and print how many pass: ``make seeds SEEDS=20``."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from sim.bench import tests
from sim.run import BUILD, integer, run_test

MATRIX = [("verilator", "tiny"), ("icarus", "tiny")]


@dataclass(frozen=True)
class Outcome:
    """What one test did on one simulator: seeds that failed, items compared in all seeds, seconds."""

    name: str
    simulator: str
    config: str
    failed: list[int]
    transactions: int
    seconds: float


def run_seeds(name: str, simulator: str, config: str, seeds: range) -> Outcome:
    """Run one test with each of the seeds; builds happen once."""
    test, failed, transactions, began = tests()[name], [], 0, time.monotonic()
    for seed in seeds:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                passed = run_test(test, simulator, config, seed, waves=False, verbose=False)
            except SystemExit:
                passed = False
        if not passed:
            failed.append(seed)
        for bench in test.benches:
            rows = BUILD / f"{bench.name}-{simulator}-{config}" / f"seed-{seed}" / "rows.json"
            if rows.is_file():
                transactions += sum(row["transactions"] for row in json.loads(rows.read_text()))
    return Outcome(name, simulator, config, failed, transactions, time.monotonic() - began)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="20", help="how many consecutive seeds")
    parser.add_argument("--first", default="", help="first seed; random when empty")
    parser.add_argument("--test", default="", help="only these tests, in this order; all when empty")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tests that run at the same time")
    arguments = parser.parse_args()
    first = integer("SEED", arguments.first, 0) if arguments.first else secrets.randbelow(2**30)
    seeds = range(first, first + integer("SEEDS", arguments.seeds, 1))
    available = tests()
    names = arguments.test.split() or [name for name, test in available.items() if not test.slow]
    if unknown := [name for name in names if name not in available]:
        raise SystemExit(f"error: no test '{unknown[0]}'; the tests are: {', '.join(available)}")
    chosen = [
        (name, simulator, config)
        for name in names
        for simulator, config in MATRIX
        if any(simulator in b.simulators and (not b.configs or config in b.configs) for b in available[name].benches)
    ]
    if not chosen:
        raise SystemExit(f"error: {', '.join(names)} does not run with the configuration of any of {MATRIX}")
    print(f"seeds {seeds[0]} to {seeds[-1]}")
    print("| test | simulator | configuration | seeds that pass | transactions | seeds that fail | seconds |")
    print("|---|---|---|---|---|---|---|", flush=True)
    failures = 0
    with ProcessPoolExecutor(arguments.jobs, max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(run_seeds, *case, seeds) for case in chosen]):
            outcome = future.result()
            failures += len(outcome.failed)
            good, bad = len(seeds) - len(outcome.failed), ", ".join(map(str, outcome.failed)) or "none"
            print(
                f"| {outcome.name} | {outcome.simulator} | {outcome.config} | {good} of {len(seeds)} "
                f"| {outcome.transactions:,} | {bad} | {outcome.seconds:.0f} |",
                flush=True,
            )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
