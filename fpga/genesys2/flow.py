"""Genesys 2: write the Vivado build, then run it, or check it without Vivado."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from fpga import check, ibex
from fpga.genesys2 import board
from fpga.run import Options
from sim.bench import ROOT, configs, read_filelist
from tb.core.parameters import pair_parameters

PART = "xc7k325tffg900-2"
TOP = "genesys2_top"
CONFIG = "genesys2"
HERE = ROOT / "fpga/genesys2"
FILELIST = "fpga/genesys2/genesys2_top.f"
BUILD = ROOT / "fpga/build/genesys2"
REPORTS = ROOT / "fpga/reports/genesys2"
STUBS = HERE / "stubs.sv"
# As in host_pkg; the accelerator's instance, of which an activity file tells.
HOSTS = {"vega": 0, "ibex": 1}
ACCELERATOR = "u_system/u_pair"
# Identifier bits behind the joint of the cores and that of the host: those of a core and one for each.
ID_WIDTH = 4 + 2


def parameters(host: str) -> dict[str, int]:
    """Parameters of the top."""
    return {"HOST": HOSTS[host], **pair_parameters(configs()[CONFIG])}


def sources(options: Options) -> list[Path]:
    """Source files in order.

    Raises:
        SystemExit: one is missing.
    """
    try:
        found = [*ibex.sources(), *read_filelist(FILELIST), *(ROOT / path for path in options.host_sources)]
    except FileNotFoundError as error:
        raise SystemExit(f"error: {error}") from None
    if missing := [path for path in found if not path.is_file()]:
        raise SystemExit(f"error: no file {missing[0]}")
    return found


def _tcl(values: Iterable[object]) -> str:
    return "[list {}]".format(" ".join(f"{{{value}}}" for value in values))


def settings(options: Options, program: Path) -> str:
    """The build's settings.tcl."""
    given = parameters(options.host)
    values: Mapping[str, str] = {
        "part": PART,
        "top": TOP,
        "sources": _tcl(sources(options)),
        "include_folders": _tcl(ibex.include_folders()),
        "generics": _tcl(f"{name}={value}" for name, value in given.items()),
        "constraints": f"{{{HERE / 'genesys2.xdc'}}}",
        "memory_project": "mig.prj",
        "memory_module": board.MODULE,
        "program": program.name,
        "reports": f"{{{REPORTS}}}",
        "activity": f"{{{Path(options.activity).resolve() if options.activity else ''}}}",
        "activity_scope": f"{{{options.activity_scope}}}",
        "accelerator": ACCELERATOR,
    }
    head = "# Written by fpga/genesys2/flow.py.\n"
    return head + "".join(f"set {name} {value}\n" for name, value in values.items())


def write(options: Options) -> None:
    """Write all that Vivado reads to the build folder.

    Raises:
        SystemExit: unknown host, or a file is missing.
    """
    if options.host not in HOSTS:
        raise SystemExit(f"error: HOST='{options.host}'; the hosts are: {', '.join(HOSTS)}")
    program = Path(options.program) if options.program else HERE / "program.mem"
    for path in (program, *([Path(options.activity)] if options.activity else [])):
        if not path.is_file():
            raise SystemExit(f"error: no file {path}")
    text = settings(options, BUILD / "program.mem")
    BUILD.mkdir(parents=True, exist_ok=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, BUILD / "program.mem")
    (BUILD / "settings.tcl").write_text(text)
    data_width = parameters(options.host)["BUS_W"]
    (BUILD / "mig.prj").write_text(board.mig_project(data_width, ID_WIDTH))


def command() -> list[str]:
    """What is run in the build folder."""
    return [
        "vivado",
        "-mode",
        "batch",
        "-nojournal",
        "-log",
        "vivado.log",
        "-source",
        os.path.relpath(HERE / "build.tcl", BUILD),
    ]


def dry_run(options: Options) -> None:
    """Hold scripts, constraints and instances against each other.

    Raises:
        SystemExit: the message says what does not fit.
    """
    facts = check.run_script(HERE / "build.tcl", BUILD)
    brought = board.pins()
    found = [*read_filelist(FILELIST), *map(Path, options.host_sources)]
    for host in HOSTS:
        design = check.elaborate(TOP, [*ibex.sources(), *found, STUBS], ibex.include_folders(), parameters(host))
        check.pins(facts, design, brought)
        check.names(facts, design)
        print(f"  {TOP} with {host}: {len(design.ports)} ports, {len(design.names)} names, constraints fit")
    print(f"dry run: the build in {BUILD.relative_to(ROOT)} fits together; Vivado itself has not seen it")


def run(options: Options) -> None:
    """Build, or check.

    Raises:
        SystemExit: something is missing, does not fit, or Vivado failed.
    """
    write(options)
    if options.dry_run:
        dry_run(options)
        return
    if shutil.which("vivado") is None:
        raise SystemExit(
            "error: there is no vivado on PATH (AMD Vivado with Kintex-7 and the MIG 7 series core, source its\n"
            f"settings64.sh). Everything for it is in {BUILD.relative_to(ROOT)}; this would be run there:\n"
            f"  {' '.join(command())}\nmake fpga BOARD=genesys2 DRY_RUN=1 checks what can be checked without it."
        )
    if subprocess.run(command(), cwd=BUILD).returncode:
        raise SystemExit(f"error: Vivado failed; its log: {BUILD / 'vivado.log'}")
    print(f"bitstream: {BUILD / TOP}.bit; reports: {REPORTS}")
