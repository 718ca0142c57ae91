"""Run every test bench under both simulators: the part of ``make test`` that simulates RTL.

What a regression runs with every fourth seed only takes turns here: one in four, by the seed.

Environment: ``SEED`` fixes the seed, otherwise each run draws its own and prints it.
"""

from __future__ import annotations

import os
import secrets

import pytest

from sim.bench import SIMULATORS, tests
from sim.matrix import RARE_SEEDS, matrix, rare
from sim.plan import planned
from sim.run import run_test

CASES = matrix()
RARE = [case for case in CASES if rare(*case)]


def test_every_test_runs_on_its_simulators() -> None:
    """No test, and none of the simulators it supports, is left out of the regression."""
    for name, test in tests().items():
        simulators = {s for bench in test.benches for s in bench.simulators if s in SIMULATORS}
        assert test.slow or {s for n, s, _ in CASES if n == name} == simulators, name


@pytest.mark.parametrize(("name", "simulator", "config"), CASES, ids=["-".join(case) for case in CASES])
def test_bench(name: str, simulator: str, config: str, capfd: pytest.CaptureFixture) -> None:
    """The bench passes: no cocotb test failed, the closing table has no mismatch, its bins are those of a test plan."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    case = name, simulator, config
    if case in RARE and RARE.index(case) % RARE_SEEDS != seed % RARE_SEEDS:
        pytest.skip(f"one in {RARE_SEEDS} of the larger ones, by the seed; make regress runs all of them")
    test = tests()[name]
    outcome = run_test(test, simulator, config, seed, only=test.turn(seed, simulator, config))
    output = capfd.readouterr()
    with capfd.disabled():
        print("\n" + output.out, end="", flush=True)
    assert outcome.passed, output.err
    bins = {label for result in outcome.results for row in result.rows for label in row.bins}
    assert bins, "no bin of functional coverage"
    assert bins <= {label for plan in planned().values() for label in plan}, "bins that no plan in docs/ip has"
