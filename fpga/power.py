"""Power of the accelerator on a Kintex-7 325T, estimated: ``make power``.

Cells of the netlist, by module, times how often this module's signals change in a simulation, times what a cell took in
Vivado's reports on other designs. docs/results/power.md has the sources and says how far this can be trusted.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fpga.activity import PS_PER_CYCLE, Activity, graft, rates, read_saif, simulate
from sim.bench import ROOT, configs

REPORTS = ROOT / "fpga/reports/power"
COEFFICIENTS = ROOT / "fpga/power_coefficients.toml"
AREA = ROOT / "fpga/genesys2/area.json"
CLOCK_MHZ = 200
LIMIT_W = 5.0
CASES = ("decode", "prefill")
# The accelerator in the simulation, and the instances that core 0 and 1 of the pair are there.
TOP, CORE, VECTOR = "TOP/system/u_edge_qlora", "TOP/system/u_edge_qlora/u_core", "TOP/system/u_edge_qlora/u_vector"
SCALED = ("LUT", "DSP")
# Decoding at this context, and prefill of so many tokens, with real weights.
CONTEXT, TOKENS = 64, 16


@dataclass(frozen=True)
class Watts:
    """The lowest, the typical and the highest value."""

    low: float
    typical: float
    high: float

    def times(self, factor: float) -> Watts:
        """All three scaled."""
        return Watts(self.low * factor, self.typical * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{self.typical:.2f} ({self.low:.2f} to {self.high:.2f})"


def total(parts: Iterable[Watts]) -> Watts:
    """The sum of independent values: their distances from the typical one add up as squares."""
    parts = list(parts)
    typical = sum(part.typical for part in parts)
    below = math.sqrt(sum((part.typical - part.low) ** 2 for part in parts))
    above = math.sqrt(sum((part.high - part.typical) ** 2 for part in parts))
    return Watts(max(0.0, typical - below), typical, typical + above)


def weighted(area: Mapping, kind: str, toggles: Mapping[str, float], default: float) -> float:
    """Cells of a kind, each times how much more often its module's signals change than by default.

    What the area does not say of single modules is in none of them and has the mean of all modules, which is that of
    ``toggles[""]``; so have modules that the simulation does not have.
    """
    rest, found = area["total"][kind], 0.0
    for name, cells in area["modules"].items():
        count = cells.get(kind, 0)
        rest -= count
        found += count * toggles.get(name, toggles[""]) / default
    if rest < 0:
        raise SystemExit(f"error: the modules have more {kind} than the total")
    return found + rest * toggles[""] / default


def estimate(area: Mapping, toggles: Mapping[str, float], coefficients: Mapping, mhz: float) -> dict[str, Watts]:
    """Power by what takes it.

    Args:
        area: "total" and "modules", cells by kind.
        toggles: changes per bit and cycle by module; "" has the mean of all.
        coefficients: of ``power_coefficients.toml``.
        mhz: clock.
    """
    default, found = coefficients["toggle_rate"], {}
    for kind, values in coefficients["per_mhz"].items():
        count = weighted(area, kind, toggles, default) if kind in SCALED else area["total"][kind]
        found[kind] = Watts(*values).times(count * mhz * 1e-6)
    return found | {name: Watts(*values) for name, values in coefficients["watts"].items()}


def totals(cases: Mapping[str, Mapping[str, Watts]]) -> dict[str, dict[str, float]]:
    """Sum of each case, as power.json has it and the report of the targets reads it."""
    return {name: vars(total(case.values())) for name, case in cases.items()}


def toggle_rates(activity: Activity) -> dict[str, float]:
    """Changes per bit and cycle by module of the accelerator; "" has the mean of all."""
    scope, cycles = activity.root.at(TOP), activity.duration / PS_PER_CYCLE
    found = rates(scope, "edge_qlora", cycles)
    return found | {"": rates(scope, "edge_qlora", cycles, apart=False)["edge_qlora"]}


def both(first: Mapping[str, float], second: Mapping[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Rates while core 0 does the first and core 1 the second.

    Args:
        first, second: rates by module.
        shares: of a module's cells, those in core 0; half of them if it is not there.
    """
    names = first.keys() | second.keys()
    parts = {name: shares.get(name, 0.5) for name in names}
    return {name: part * first.get(name, 0.0) + (1 - part) * second.get(name, 0.0) for name, part in parts.items()}


def table(cases: Mapping[str, Mapping[str, Watts]], accelerator: Iterable[str]) -> str:
    """Markdown: a row for each part, those of the accelerator first and with their sum, a column for each case."""
    own, names = list(accelerator), list(next(iter(cases.values())))
    sums = (("accelerator", own), ("around it", [name for name in names if name not in own]), ("**all**", names))
    lines = {name: [case[name] for case in cases.values()] for name in names}
    lines |= {name: [total(case[part] for part in parts) for case in cases.values()] for name, parts in sums}
    rows = ["| W | " + " | ".join(cases) + " |", "|---|" + "---|" * len(cases)]
    return (
        "\n".join([*rows, *(f"| {name} | {' | '.join(map(str, values))} |" for name, values in lines.items())]) + "\n"
    )


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="genesys2", choices=tuple(configs()), help="what is simulated")
    parser.add_argument("--area", type=Path, default=AREA, help="cells by module, JSON")
    parser.add_argument("--model", default="smollm2", help="its first layer is simulated")
    parser.add_argument("--reuse", default="", help="1 takes the activity files that are there")
    arguments = parser.parse_args()
    if not arguments.area.is_file():
        raise SystemExit(f"error: no file {arguments.area}; docs/results/power.md says what is in it")
    area = json.loads(arguments.area.read_text())
    coefficients = tomllib.loads(COEFFICIENTS.read_text())
    REPORTS.mkdir(parents=True, exist_ok=True)
    files = {name: REPORTS / f"{name}.saif" for name in CASES}
    if arguments.reuse != "1":
        simulate(arguments.config, files, arguments.model, CONTEXT, TOKENS)
    if missing := [path for path in files.values() if not path.is_file()]:
        raise SystemExit(f"error: no file {missing[0]}; leave out REUSE=1")
    print("  reading the activity", flush=True)
    activities = {name: read_saif(path.read_text()) for name, path in files.items()}
    toggles = {name: toggle_rates(activity) for name, activity in activities.items()}
    toggles["both at a time"] = both(*(toggles[name] for name in CASES), area.get("core 0", {}))
    found = {name: estimate(area, rate, coefficients, CLOCK_MHZ) for name, rate in toggles.items()}
    board = REPORTS / "edge_qlora_pair.saif"
    parts = {
        "g_core[0].u_core": (activities["decode"], CORE),
        "g_core[1].u_core": (activities["prefill"], CORE),
        "u_vector": (activities["prefill"], VECTOR),
    }
    board.write_text(graft(parts, "edge_qlora_pair"))
    record = {
        "area": area["source"],
        "config": arguments.config,
        "model": arguments.model,
        "watts": {name: {part: vars(value) for part, value in case.items()} for name, case in found.items()},
        "total": totals(found),
        "toggles": toggles,
    }
    (REPORTS / "power.json").write_text(json.dumps(record, indent=1) + "\n")
    rows = table(found, coefficients["per_mhz"])
    (REPORTS / "power.md").write_text(rows)
    print(f"\n{rows}")
    for path in (REPORTS / "power.json", REPORTS / "power.md", board):
        print(path.relative_to(ROOT))
    sums = {name: total(case.values()) for name, case in found.items()}
    print(f"power, wanted under {LIMIT_W:g} W: " + "; ".join(f"{name} {watts} W" for name, watts in sums.items()))


if __name__ == "__main__":
    main()
