"""Run every test with many seeds on both simulators and print how many pass: ``make seeds SEEDS=20``."""

from __future__ import annotations

import argparse
import contextlib
import io
import secrets
import sys

from sim.bench import tests
from sim.run import run_test

MATRIX = [("verilator", "tiny"), ("icarus", "tiny"), ("verilator", "genesys2")]


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--test", default="")
    parser.add_argument("--first", type=int, default=None)
    arguments = parser.parse_args()
    first = secrets.randbelow(2**30) if arguments.first is None else arguments.first
    failures = 0
    for name, test in tests().items():
        if test.slow or (arguments.test and name != arguments.test):
            continue
        for simulator, config in MATRIX:
            if not any(simulator in b.simulators and (not b.configs or config in b.configs) for b in test.benches):
                continue
            failed = []
            for seed in range(first, first + arguments.seeds):
                with contextlib.redirect_stdout(io.StringIO()):
                    if not run_test(test, simulator, config, seed, waves=False, verbose=False):
                        failed.append(seed)
            failures += len(failed)
            good = arguments.seeds - len(failed)
            print(f"{name:14s} {simulator:9s} {config:8s} {good}/{arguments.seeds} seeds pass", *failed, flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
