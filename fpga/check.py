"""Check a Vivado build without Vivado: its Tcl under tclsh, its constraints against the elaborated design."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sim.bench import ROOT
from sim.tools import verilator_environment

COMMANDS = ROOT / "fpga/vivado_stubs.tcl"
# Ibex and vendors' cells are as they are; ports that are left open are, and those of an ECP5's cells;
# a part of a design does not use all of a package; Ibex takes the reset as an asynchronous one.
WAIVERS = """`verilator_config
lint_off -file "*/pythondata_cpu_ibex/*"
lint_off -file "*/stubs.sv"
lint_off -file "*/cells_bb_ecp5.v"
lint_off -rule UNUSEDPARAM -file "*_pkg.sv"
lint_off -rule PINMISSING -file "*/ecp5/*.sv"
lint_off -rule DECLFILENAME -file "*/ibex_prims.sv"
lint_off -rule PINCONNECTEMPTY
lint_off -rule SYNCASYNCNET
"""


@dataclass(frozen=True)
class Design:
    """An elaborated design.

    Attributes:
        ports: of the top, with indices: ``led[0]``.
        names: paths of all variables below it: ``u_system/irq_q``.
    """

    ports: frozenset[str]
    names: frozenset[str]


def run_script(script: Path, folder: Path) -> list[list[str]]:
    """Run a script for Vivado in a folder with commands that only look at their arguments.

    Returns:
        What it says of the design, see ``vivado_stubs.tcl``.

    Raises:
        SystemExit: there is no tclsh, or the script calls what does not exist.
    """
    if shutil.which("tclsh") is None:
        raise SystemExit("error: tclsh is not installed.\n  Debian, Ubuntu:  sudo apt-get install tcl")
    notes = folder / "notes.txt"
    done = subprocess.run(["tclsh", str(COMMANDS), str(script), str(notes)], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: {script.name}: {done.stderr.strip()}")
    return [line.split("\t") for line in notes.read_text().splitlines()]


def elaborate(
    top: str, sources: Sequence[Path], include_folders: Sequence[Path], parameters: Mapping[str, int]
) -> Design:
    """Elaborate a design with Verilator, every warning of the project's own files an error.

    Raises:
        SystemExit: the design does not elaborate; the message is Verilator's.
    """
    with tempfile.TemporaryDirectory() as folder:
        waivers, tree = Path(folder) / "waivers.vlt", Path(folder) / "tree.json"
        waivers.write_text(WAIVERS)
        done = subprocess.run(
            [
                *("verilator", "--json-only", "--json-only-output", str(tree), "--timescale", "1ns/1ps"),
                *("--json-only-meta-output", str(tree.with_suffix(".meta")), "-Wall", "-DSYNTHESIS", "--top", top),
                "+libext+.none",  # modules come from the sources alone, not from where headers are
                *(f"-G{name}={value}" for name, value in parameters.items()),
                *(f"+incdir+{path}" for path in include_folders),
                *map(str, (waivers, *sources)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, **verilator_environment()},
        )
        if done.returncode:
            raise SystemExit(f"error: {top} does not elaborate\n{done.stdout}{done.stderr}")
        return _design(json.loads(tree.read_text()), top)


def _design(tree: Mapping, top: str) -> Design:
    """The design in Verilator's description of it."""
    modules = {module["addr"]: module for module in tree["modulesp"]}
    types = {item["addr"]: item for table in tree["miscsp"] for item in table.get("typesp", [])}
    ports, names = set(), set()

    def visit(statements: Sequence[Mapping], path: str) -> Iterator[Mapping]:
        for item in statements:
            if item["type"] == "CELL":
                for _ in visit(modules[item["modp"]]["stmtsp"], f"{path}{item['origName']}/"):
                    pass
            elif item["type"] in ("BEGIN", "GENBLOCK"):
                block = f"{path}{item['name']}." if item["name"] else path
                yield from visit(item.get("stmtsp", []) + item.get("itemsp", []), block)
            elif item["type"] == "VAR":
                names.add(f"{path}{item['name']}")
                yield item

    (module,) = (module for module in modules.values() if module["name"] == top)
    for item in visit(module["stmtsp"], ""):
        if item["direction"] in ("INPUT", "OUTPUT", "INOUT"):
            bounds = types[item["dtypep"]].get("range")
            high, low = map(int, bounds.split(":")) if bounds else (0, 0)
            ports |= {f"{item['name']}[{bit}]" for bit in range(low, high + 1)} if bounds else {item["name"]}
    return Design(frozenset(ports), frozenset(names))


def pins(facts: Sequence[Sequence[str]], design: Design, brought: Mapping[str, str]) -> None:
    """Every port has one pad, every pad one port, every port that is named is there.

    Args:
        facts: what the scripts say.
        design: the design.
        brought: pads that come with the memory controller, by port.

    Raises:
        SystemExit: with the name that does not fit.
    """
    pads = dict(brought)
    for port, pad in (fact[1:] for fact in facts if fact[0] == "pin"):
        if port in pads:
            raise SystemExit(f"error: constraints: {port} has two pads")
        pads[port] = pad
    named = {fact[1] for fact in facts if fact[0] == "port"}
    for name in sorted(named | pads.keys()):
        if not any(name == port or ("*" in name and _like(port, name)) for port in design.ports):
            raise SystemExit(f"error: constraints: the top has no port {name}")
    if missing := sorted(design.ports - pads.keys()):
        raise SystemExit(f"error: constraints: port {missing[0]} has no pad")
    if twice := sorted(pad for pad in pads.values() if list(pads.values()).count(pad) > 1):
        raise SystemExit(f"error: constraints: pad {twice[0]} has two ports")


def names(facts: Sequence[Sequence[str]], design: Design) -> None:
    """Every register and every pin that constraints name is in the design.

    Registers are named as synthesis names their cells: the variable with ``_reg`` behind it, and its bits.

    Raises:
        SystemExit: with the name that is not there.
    """
    for kind, pattern in (fact for fact in facts if fact[0] in ("cell", "netpin")):
        if kind == "cell":
            wanted = re.sub(r"_reg(\[\*\]|\*)?$", "", pattern)
            if wanted == pattern or not any(_like(name, wanted) for name in design.names):
                raise SystemExit(f"error: constraints: no register is named {pattern}")
        else:
            instance, _, pin = pattern.rpartition("/")
            if f"{instance}/{pin}" not in design.names:
                raise SystemExit(f"error: constraints: there is no pin {pattern}")


def _like(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern in which only ``*`` is special."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
