"""Power of the accelerator on a Kintex-7 325T, estimated: ``make power``.

Cells of the netlist, by unit (``make synth``), times how often this unit's signals change in a simulation, times what a
cell took in Vivado's reports on other designs. docs/results/power.md has the sources and says how far this can be
trusted.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fpga import area, synth
from fpga.activity import PS_PER_CYCLE, Activity, graft, instances, rates, read_saif, simulate
from sim.bench import ROOT, configs
from sim.tools import changed_since

REPORTS = ROOT / "fpga/reports/power"
COEFFICIENTS = ROOT / "fpga/power_coefficients.toml"
CLOCK_MHZ = 200
LIMIT_W = 5.0
CASES = ("decode", "prefill")
# The accelerator in the simulation, and the instances that core 0 and 1 of the pair are there.
TOP, CORE, VECTOR = "TOP/system/u_edge_qlora", "TOP/system/u_edge_qlora/u_core", "TOP/system/u_edge_qlora/u_vector"
# What is placed, which has two cores; a unit of its own that the simulation of one does not have.
PAIR, PAIR_ONLY = "edge_qlora_pair", "vector_share"
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


Cells = Mapping[str, Mapping[str, float]]


def units_below(module: str) -> set[str]:
    """A module and the units of ``make synth`` inside of it."""
    known = instances()

    def inside(module: str) -> set[str]:
        return {module}.union(*map(inside, set(known[module].values())))

    return {module} | inside(module).intersection(area.UNITS)


def cells(design: Mapping, wanted: Collection[str]) -> dict[str, Mapping[str, float]]:
    """Cells by kind of each unit of a design that ``synth.whole`` gives.

    Raises:
        SystemExit: these are not the units wanted.
    """
    found = {unit["module"]: unit["resources"] for unit in design["modules"]}
    if differ := sorted(found.keys() ^ set(wanted)):
        told = ", ".join(f"{name} is {'not in rtl/' if name in found else 'missing'}" for name in differ)
        raise SystemExit(
            f"error: the area is of other units ({design['command']}, {design['commit']}): {told}; "
            "'make synth BOARD=genesys2' counts anew"
        )
    return found


def weighted(cells: Cells, kind: str, toggles: Mapping[str, float], default: float) -> float:
    """Cells of a kind, each times how much more often its unit's signals change than by default."""
    return sum(used[kind] * toggles[name] / default for name, used in cells.items())


def estimate(cells: Cells, toggles: Mapping[str, float], coefficients: Mapping, mhz: float) -> dict[str, Watts]:
    """Power by what takes it.

    Args:
        cells: by unit and kind.
        toggles: changes per bit and cycle by unit.
        coefficients: of ``power_coefficients.toml``.
        mhz: clock.
    """
    default, found = coefficients["toggle_rate"], {}
    for kind, values in coefficients["per_mhz"].items():
        all_of_it = sum(used[kind] for used in cells.values())
        count = weighted(cells, kind, toggles, default) if kind in SCALED else all_of_it
        found[kind] = Watts(*values).times(count * mhz * 1e-6)
    return found | {name: Watts(*values) for name, values in coefficients["watts"].items()}


def totals(cases: Mapping[str, Mapping[str, Watts]]) -> dict[str, dict[str, float]]:
    """Sum of each case, as power.json has it and the report of the targets reads it."""
    return {name: vars(total(case.values())) for name, case in cases.items()}


def toggle_rates(activity: Activity, units: Collection[str]) -> dict[str, float]:
    """Changes per bit and cycle of each unit of the pair; "" has the mean of all, as has what a single core lacks.

    Raises:
        SystemExit: the activity is that of a design without one of them.
    """
    scope, cycles = activity.root.at(TOP), activity.duration / PS_PER_CYCLE
    mean = rates(scope, PAIR, cycles)[PAIR]
    found = rates(scope, "edge_qlora", cycles, units)
    found |= {PAIR: found.pop("edge_qlora"), PAIR_ONLY: mean, "": mean}
    if missing := sorted(set(units) - found.keys()):
        raise SystemExit(f"error: the activity has no {', '.join(missing)}; leave out REUSE=1")
    return found


def core_0(design: Mapping) -> dict[str, float]:
    """Of units that are not there half and half: the share of their instances in core 0 of the pair.

    Processing elements and accumulators are those of its columns. The vector engine counts with core 1.
    """
    columns = design["parameters"]["INFER_COLUMNS"]
    all_of_it = {unit["module"]: unit["instances"] for unit in design["modules"]}
    # A column's addition, product and conversion; two products and a sum for scales.
    inside = {"pe": 64 * columns, "column_accumulator": columns, "int_to_fp32": columns}
    inside |= {"fp32_add": columns + 1, "fp32_mul": columns + 2}
    inside |= dict.fromkeys(("vector_engine", "function_unit", PAIR_ONLY), 0)
    return {name: count / all_of_it[name] for name, count in inside.items()}


def both(first: Mapping[str, float], second: Mapping[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Rates while core 0 does the first and core 1 the second.

    Args:
        first, second: rates by unit.
        shares: of a unit's cells, those in core 0; half of them if it is not there.
    """
    parts = {name: shares.get(name, 0.5) for name in first}
    return {name: part * first[name] + (1 - part) * second[name] for name, part in parts.items()}


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
    parser.add_argument("--area", type=Path, help="report of make synth; the last one here, or the record, by default")
    parser.add_argument("--model", default="smollm2", help="its first layer is simulated")
    parser.add_argument("--reuse", default="", help="1 takes the activity files that are there")
    arguments = parser.parse_args()
    design = synth.whole(arguments.area, units=True) if arguments.area else synth.latest(units=True)
    used = cells(design, units_below(PAIR))
    of = f"{design['command']}, {design['commit']}"
    old = changed_since(design["commit"], ROOT / "rtl")
    print(f"  area: {of}{'; rtl/ is not the same any more' if old else ''}", flush=True)
    coefficients = tomllib.loads(COEFFICIENTS.read_text())
    REPORTS.mkdir(parents=True, exist_ok=True)
    files = {name: REPORTS / f"{name}.saif" for name in CASES}
    if arguments.reuse != "1":
        simulate(arguments.config, files, arguments.model, CONTEXT, TOKENS)
    if missing := [path for path in files.values() if not path.is_file()]:
        raise SystemExit(f"error: no file {missing[0]}; leave out REUSE=1")
    print("  reading the activity", flush=True)
    activities = {name: read_saif(path.read_text()) for name, path in files.items()}
    toggles = {name: toggle_rates(activity, used) for name, activity in activities.items()}
    toggles["both at a time"] = both(*(toggles[name] for name in CASES), core_0(design))
    found = {name: estimate(used, rate, coefficients, CLOCK_MHZ) for name, rate in toggles.items()}
    board = REPORTS / "edge_qlora_pair.saif"
    parts = {
        "g_core[0].u_core": (activities["decode"], CORE),
        "g_core[1].u_core": (activities["prefill"], CORE),
        "u_vector": (activities["prefill"], VECTOR),
    }
    board.write_text(graft(parts, "edge_qlora_pair"))
    record = {
        "area": of,
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
