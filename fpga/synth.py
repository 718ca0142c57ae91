"""What the design takes of a board's device: ``make synth BOARD=genesys2`` prints tables and writes JSON.

Without TOP it is the board's design, in units (see ``area.UNITS``), which takes minutes. Nothing is merged across
units, so that it is a little larger than flattened (FLAT=1, half an hour). TOP=name is one design, TOP=all is all.

UPDATE=1 renews ``baseline.json``, what small IPs took when it was made: a test refuses IPs that have grown.
``genesys2/synth.json`` is a copy of a report of the whole design, which others read where there is none.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_qlora.backends import setting

from fpga.area import (
    ECP5,
    MEMORY,
    RESOURCES,
    XC7,
    Design,
    Family,
    Unit,
    chosen,
    synthesize,
    synthesize_units,
    total,
)
from fpga.area import yosys_version as version
from sim.bench import ROOT, read_filelist
from sim.tools import commit

# Boards, named as their configurations: what is synthesized for them, and for what.
BOARDS = {"genesys2": ("edge_qlora_pair", XC7), "ecp5": ("ecp5_system", ECP5)}
REPORTS = ROOT / "fpga/reports/synth"
RECORD = ROOT / "fpga/genesys2/synth.json"
BASELINE = ROOT / "fpga/baseline.json"
# What may grow by GROWTH percent at most; flip-flops are in the baseline for those who read it.
LIMITED, GROWTH = ("LUT", "BRAM", "DSP"), 5
# IPs of the baseline, as small as they can be, each in a run of its own: beside others an IP takes up to 9 % more
# than alone, or less, so that a change of one would look like growth of another.
BASELINE_IPS = [
    Design("vector_engine", "rtl/vector/vector_engine.f", {"SCRATCH_W": 9, "LANES": 4, "UNITS": 1}),
    Design("nf4_dequantizer", "rtl/nf4/nf4_dequantizer.f", {"LANES": 8}),
    Design("systolic_array", "rtl/systolic/matrix_unit.f", {"COLUMNS": 1}),
    Design("double_quantizer", "rtl/nf4/double_quantizer.f"),
    Design("block_aligner", "rtl/systolic/matrix_unit.f", {"LANES": 8, "WIDTH": 25}),
    Design("nf4_quantizer", "rtl/nf4/nf4_quantizer.f", {"LANES": 1}),
    Design("column_accumulator", "rtl/systolic/matrix_unit.f"),
    Design("scratchpad", "rtl/core/scratchpad.f", {"ADDR_W": 9, "READERS": 2, "WRITERS": 2}),
    Design("write_engine", "rtl/core/write_engine.f", {"BUS_W": 64}),
    Design("list_control", "rtl/core/control.f"),
    Design("axi_slave", "rtl/vega_bridge/vega_bridge.f", {"DATA_W": 32}),
    Design("axi_master", "rtl/vega_bridge/axi_master.f", {"DATA_W": 64}),
]


def flat(design: Design, family: Family = XC7) -> dict[str, float]:
    """Resources of a design, flattened."""
    return family.resources(synthesize(design.top, read_filelist(design.filelist), design.parameters, family))


def measure(design: Design) -> dict[str, dict[str, float]]:
    """Resources of an IP of the baseline, by its top."""
    used = flat(design)
    return {design.top: {name: used[name] for name in RESOURCES}}


def compare(baseline: Mapping[str, Mapping], measured: Mapping[str, Mapping]) -> tuple[list[str], list[str]]:
    """What has grown by more than GROWTH percent, or is new, and what has shrunk by more: a line for each."""
    grown, shrunk = [], []
    for ip, used in measured.items():
        if ip not in baseline:
            grown.append(f"{ip}: not in the baseline")
            continue
        for name in LIMITED:
            old, new = baseline[ip][name], used[name]
            change = (new / old - 1) if old else float(new > 0)
            if 100 * abs(new - old) > GROWTH * old:
                percent = f"{change:+.1%}" if old else "new"
                line = f"{ip}: {name} baseline {old:g}, measured {new:g} ({percent}, limit {GROWTH}%)"
                (grown if change > 0 else shrunk).append(line)
    return grown, shrunk


def update(jobs: int) -> None:
    """Write the baseline anew, and say what it changes."""
    old = json.loads(BASELINE.read_text())["ips"] if BASELINE.exists() else {}
    new: dict[str, dict[str, float]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for number, used in enumerate(pool.map(measure, BASELINE_IPS), 1):
            print(f"[{number}/{len(BASELINE_IPS)}] {', '.join(used)}", file=sys.stderr, flush=True)
            new |= used
    BASELINE.write_text(json.dumps({"yosys": version(), "device": XC7.device, "ips": new}, indent=1) + "\n")
    for ip, used in new.items():
        before = old.get(ip, {})
        print(f"{ip}: " + ", ".join(f"{name} {before.get(name, '-')} -> {used[name]:g}" for name in RESOURCES))


def record(design: Design, used: Mapping[str, float], units: Iterable[Unit]) -> dict:
    """A design's entry in the report."""
    modules = [{"module": unit.name, "instances": unit.instances, "resources": unit.resources} for unit in units]
    return {
        "top": design.top,
        "config": design.config,
        "parameters": design.parameters,
        "flat": not modules,
        "resources": used,
        "modules": modules,
    }


def whole(file: Path, units: bool) -> dict:
    """The Genesys 2's design in a report, as ``record`` makes it, with the command and the commit.

    Args:
        file: the report.
        units: it must be in units.

    Raises:
        SystemExit: there is no such file, or not this design in it, with the parameters that it has now.
    """
    top, _ = BOARDS["genesys2"]
    (design,) = chosen(top, "genesys2", {})
    if not file.is_file():
        raise SystemExit(f"error: no file {file}; 'make synth BOARD=genesys2' writes a report")
    try:
        found = json.loads(file.read_text())
        source = {name: found[name] for name in ("command", "commit")}
        for one in found["designs"]:
            if (one["top"], one["parameters"]) == (top, design.parameters) and not (units and one["flat"]):
                return one | source
    except (ValueError, TypeError, KeyError) as error:
        raise SystemExit(f"error: {file} is no report of 'make synth': {error!r}") from None
    raise SystemExit(
        f"error: {file} ({', '.join(source.values())}) has no {top}{' in units' * units} with the parameters of "
        "configuration genesys2; a report of 'make synth BOARD=genesys2' does"
    )


def latest(units: bool) -> dict:
    """The Genesys 2's design in the last report here, or in the record where that has another; see ``whole``.

    Raises:
        SystemExit: the record does not have it either.
    """
    with contextlib.suppress(SystemExit):
        return whole(REPORTS / "genesys2.json", units)
    return whole(RECORD, units)


def head(family: Family, *first: str) -> str:
    """Two lines that begin a table."""
    columns = [*first, "LUT", MEMORY, "FF", *family.names, "share of LUT", "FF", "BRAM", "DSP"]
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def row(family: Family, used: Mapping[str, float], *first: str) -> str:
    """A line of a table."""
    numbers = [f"{used[name]:g}" for name in ("LUT", MEMORY, "FF", "BRAM", "DSP")]
    shares = [f"{used[name] / family.capacity[name]:.1%}" for name in RESOURCES]
    return f"| {' | '.join((*first, *numbers, *shares))} |"


def report(designs: Sequence[Design], family: Family, flatten: bool, jobs: int) -> list[dict]:
    """Synthesize designs, print their tables as they come, and give what the file gets."""
    found, began = [], time.monotonic()

    def progress(name: str, done: int, count: int) -> None:
        print(f"[{done}/{count}] {name}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    alone = [design for design in designs if flatten or not design.config]
    if alone:
        print(head(family, "module"), flush=True)
        with ThreadPoolExecutor(jobs) as pool:
            results = pool.map(lambda design: flat(design, family), alone)
            for number, (design, used) in enumerate(zip(alone, results, strict=True), 1):
                print(row(family, used, f"`{design.name}`"), flush=True)
                progress(design.top, number, len(alone))
                found.append(record(design, used, []))
    for design in designs:
        if design not in alone:
            print(f"{design.name}: elaboration ...", file=sys.stderr, flush=True)
            units = synthesize_units(design, family, jobs, progress)
            used = total(units)
            print(f"\n{design.name} on {family.device}, each unit without those in it:\n")
            print(head(family, "unit", "instances"))
            for unit in units:
                print(row(family, unit.resources, f"`{unit.name}`", str(unit.instances)))
            print(row(family, used, f"**{design.top}**", ""), flush=True)
            found.append(record(design, used, units))
    return found


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="genesys2")
    parser.add_argument("--top", default="", help="one design only, or all")
    parser.add_argument("--config", default="", help="configuration; the board's by default")
    parser.add_argument("--set", action="append", default=[], type=setting, help="replace a setting, as columns=4")
    parser.add_argument("--flat", default="", help="1 flattens what is synthesized in units otherwise")
    parser.add_argument("--jobs", type=int, default=1, help="runs of yosys at the same time")
    parser.add_argument("--update", default="", help="1 renews the baseline and does nothing else")
    arguments = parser.parse_args()
    if arguments.update == "1":
        return update(arguments.jobs)
    if arguments.board not in BOARDS:
        raise SystemExit(f"error: BOARD='{arguments.board}'; the boards are: {', '.join(BOARDS)}")
    top, family = BOARDS[arguments.board]
    top = {"": top, "all": ""}.get(arguments.top, arguments.top)
    designs = chosen(top, arguments.config or arguments.board, dict(arguments.set))
    found = report(designs, family, arguments.flat == "1", arguments.jobs)
    file = REPORTS / f"{arguments.board}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"board": arguments.board, "device": family.device, "capacity": family.capacity, "yosys": version()}
    about |= {"commit": commit(), "command": "make synth " + " ".join(f"{k}={v}" for k, v in _asked(arguments))}
    file.write_text(json.dumps(about | {"designs": found}, indent=1) + "\n")
    print(f"{file.relative_to(ROOT)} written", file=sys.stderr)


def _asked(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Variables of ``make`` that were given."""
    changes = " ".join(f"{name}={value}" for name, value in arguments.set)
    named = {"BOARD": arguments.board, "TOP": arguments.top, "CONFIG": arguments.config, "FLAT": arguments.flat}
    return [(name, value) for name, value in named.items() if value] + ([("SET", f'"{changes}"')] if changes else [])


if __name__ == "__main__":
    main()
