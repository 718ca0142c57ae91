"""Run the tests of every module that has a netlist on the netlist: ``make gates``."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from fpga.netlist import netlist
from sim.bench import SIMULATORS, Bench, configs, tests
from sim.run import Result, failures, integer, run
from tb.common.report import format_table


def benches(simulator: str, config: str) -> list[Bench]:
    """Benches whose device under test has a netlist."""
    return [bench for test in tests().values() for bench in test.of(simulator, config) if bench.netlist]


def run_gates(
    bench: Bench, simulator: str, config: str, seed: int, gates: Path | None = None, only: str = ""
) -> Result:
    """The bench on its netlist, or on another in its place; ``only`` is a regular expression of names of tests."""
    gates = gates or netlist(bench, config)
    return run(bench, simulator, config, seed, gates=gates, only=only or None)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sim", default="verilator", choices=SIMULATORS)
    parser.add_argument("--config", default="tiny", choices=tuple(configs()))
    parser.add_argument("--seed", default="", help="integer; random when empty")
    arguments = parser.parse_args()
    seed = integer("SEED", arguments.seed, 0) if arguments.seed else secrets.randbelow(2**31)
    chosen, results, rows = benches(arguments.sim, arguments.config), [], []
    for number, bench in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {bench.name}: {arguments.sim}, {arguments.config}, SEED={seed}", flush=True)
        result = run_gates(bench, arguments.sim, arguments.config, seed)
        results.append(result)
        rows += result.rows
        print(f"  {result.passed} passed, {result.failed} failed, {result.skipped} skipped, {result.seconds:.0f} s")
        if result.failed:
            print("\n".join(failures(result.log.read_text(errors="replace"))), file=sys.stderr, flush=True)
    print(format_table(rows))
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    failed += sum(row.mismatches > 0 for row in rows)
    skipped = sum(result.skipped for result in results)
    print(f"gates: {passed} tests passed, {failed} failed, {skipped} skipped, on netlists of {len(results)} benches")
    sys.exit(failed > 0 or not results)


if __name__ == "__main__":
    main()
