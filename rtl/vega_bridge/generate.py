"""Make everything that knows the register map or the commands from ``edge_qlora.rdl``.

python rtl/vega_bridge/generate.py              write the SystemVerilog packages, C headers and Python modules
python rtl/vega_bridge/generate.py --check      fail when one of the written files is not what the RDL says
python rtl/vega_bridge/generate.py --html DIR   write the HTML pages (about 8 MB) to DIR
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from peakrdl_cheader.exporter import CHeaderExporter
from peakrdl_html import HTMLExporter
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, RegNode
from systemrdl.rdltypes import AccessType, OnWriteType

ROOT = Path(__file__).resolve().parents[2]
RDL = Path(__file__).with_name("edge_qlora.rdl")
SV_PACKAGE = Path(__file__).with_name("registers_pkg.sv")
C_HEADER = ROOT / "sw/include/edge_qlora_registers.h"
PYTHON_MODULE = ROOT / "sw/edge_qlora/registers.py"
COMMANDS_SV_PACKAGE = ROOT / "rtl/core/commands_pkg.sv"
COMMANDS_C_HEADER = ROOT / "sw/include/edge_qlora_commands.h"
COMMANDS_PYTHON_MODULE = ROOT / "sw/edge_qlora/command_layout.py"
BANNER = "Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit."
LICENSE = ["// SPDX-License-Identifier: Apache-2.0", "//"]
WINDOW_BITS = 12  # the control registers fill a 4 KB window

PYTHON_PRELUDE = '''
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Field:
    """A bit field.

    Attributes:
        name: name in its register.
        lsb: lowest bit.
        width: number of bits.
        access: RO, RW, WO (reads as zero) or W1C (writing one clears), seen from the host.
        reset: value after reset; None where parameters of the RTL set it.
        hardware: True when the accelerator changes the field by itself.
    """

    name: str
    lsb: int
    width: int
    access: str
    reset: int | None
    hardware: bool

    @property
    def mask(self) -> int:
        """The field's bits within its register."""
        return ((1 << self.width) - 1) << self.lsb

    def get(self, register: int) -> int:
        """The field's value within a register value."""
        return (register & self.mask) >> self.lsb

    def put(self, value: int) -> int:
        """A register value with this field set to ``value`` and the other bits zero.

        Raises:
            ValueError: ``value`` does not fit.
        """
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{value:#x} does not fit the {self.width} bits of field {self.name}")
        return value << self.lsb


@dataclass(frozen=True)
class Register:
    """A 32-bit register; ``register["field"]`` is one of its fields.

    Attributes:
        name: name in the register map.
        offset: byte offset in the window of the control registers.
        fields: bit fields, lowest first.
    """

    name: str
    offset: int
    fields: tuple[Field, ...]

    @property
    def writable(self) -> bool:
        """Whether a write is accepted; otherwise it is answered with SLVERR."""
        return any(field.access != "RO" for field in self.fields)

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"register {self.name} has no field {name}")
'''


def compile_maps() -> tuple[AddrmapNode, AddrmapNode]:
    """Compile and elaborate the RDL file.

    Returns:
        The nodes of the control registers and of the commands.

    Raises:
        systemrdl.RDLCompileError: the file has an error, already printed.
    """
    compiler = RDLCompiler()
    compiler.compile_file(str(RDL))
    control, commands = (compiler.elaborate(name).top for name in ("edge_qlora", "edge_qlora_commands"))
    return control, commands


def registers(top: AddrmapNode) -> list[RegNode]:
    """Registers in ascending address order.

    Raises:
        ValueError: a register is not 32 bits wide, not aligned or outside the window.
    """
    found = sorted((node for node in top.children(unroll=True) if isinstance(node, RegNode)), key=address)
    for node in found:
        if node.get_property("regwidth") != 32 or address(node) % 4 or address(node) >= 1 << WINDOW_BITS:
            raise ValueError(f"{node.inst_name} must be an aligned 32-bit register inside the window")
    return found


def address(node: RegNode) -> int:
    """Byte offset of a register in the window, or of a word of a command."""
    return node.raw_absolute_address


def access(field: FieldNode) -> str:
    """Access of a field as the host sees it: RO, RW, WO or W1C.

    Raises:
        ValueError: the field's software properties are none of these.
    """
    kind = (field.get_property("sw"), field.get_property("onwrite"))
    known = {
        (AccessType.r, None): "RO",
        (AccessType.rw, None): "RW",
        (AccessType.rw, OnWriteType.woclr): "W1C",
        (AccessType.w, None): "WO",
    }
    if kind not in known:
        raise ValueError(f"{field.get_path()}: the RTL generator does not know {kind}")
    return known[kind]


def reset(node: RegNode) -> int | None:
    """Reset value of a whole register, or None when a field's comes from RTL parameters."""
    value = 0
    for field in node.fields():
        if field.get_property("reset") is None:
            return None
        value |= field.get_property("reset") << field.lsb
    return value


def counters(top: AddrmapNode) -> list[str]:
    """Names of the 64-bit counters, in address order, without their _LO."""
    return [node.inst_name.removesuffix("_LO") for node in registers(top) if node.type_name.startswith("counter_lo")]


def encodings(nodes: Iterable[RegNode]) -> Iterator[tuple[RegNode, FieldNode, type]]:
    """Fields with named values."""
    for node in nodes:
        for field in node.fields():
            if (encode := field.get_property("encode")) is not None:
                yield node, field, encode


def camel(name: str) -> str:
    """UPPER_CASE or snake_case to CamelCase."""
    return "".join(part.capitalize() for part in name.split("_"))


def first_sentence(node: RegNode) -> str:
    """Description of a register on one line, or of its only field where it has none."""
    text = node.get_property("desc") or next(iter(node.fields())).get_property("desc") or ""
    return re.split(r"(?<=[.;]) ", " ".join(text.split()))[0].rstrip(".;")


def sv_package(top: AddrmapNode) -> str:
    """SystemVerilog package of the map: offsets, reset values, field positions and named values."""
    out = [
        *LICENSE,
        f"// {BANNER}",
        "// Keeps addresses, field positions and reset values of the control registers out of hand-written RTL.",
        "package registers_pkg;",
        "  // The package holds the whole map; no module needs all of it.",
        "  /* verilator lint_off UNUSEDPARAM */",
        f"  localparam int WindowBits = {WINDOW_BITS};",
    ]
    for node in registers(top):
        name = camel(node.inst_name)
        out += ["", f"  // {first_sentence(node)}."]
        out.append(f"  localparam [{WINDOW_BITS - 1}:0] {name}Offset = {WINDOW_BITS}'h{address(node):03x};")
        if reset(node) is not None:
            out.append(f"  localparam [31:0] {name}Reset = 32'h{reset(node):08x};")
        for field in node.fields():
            if field.width != 32:
                out.append(f"  localparam int {name}{camel(field.inst_name)}Lsb = {field.lsb};")
                out.append(f"  localparam int {name}{camel(field.inst_name)}Width = {field.width};")
    for node, _, encode in encodings(registers(top)):
        width = len(f"{max(int(member) for member in encode):b}")
        field = next(f for f in node.fields() if f.get_property("encode") is encode)
        width = max(width, field.width)
        out += ["", f"  // Values of {node.inst_name}.{field.inst_name}."]
        for member in encode:
            out.append(
                f"  localparam [{width - 1}:0] {camel(node.inst_name)}{camel(member.name)} = {width}'d{int(member)};"
            )
    names = counters(top)
    out += ["", "  // 64-bit counters as LO/HI pairs from CounterOffset on; positions in the core's counter vector."]
    out += [f"  localparam int CounterCount = {len(names)};"]
    out += [f"  localparam [{WINDOW_BITS - 1}:0] CounterOffset = {camel(names[0])}LoOffset;"]
    out += [f"  localparam int Counter{camel(name)} = {index};" for index, name in enumerate(names)]
    return "\n".join([*out, "  /* verilator lint_on UNUSEDPARAM */", "endpackage : registers_pkg", ""])


def command_fields(layout: AddrmapNode) -> list[FieldNode]:
    """Fields of a command in ascending order, with the bits between them taken.

    Raises:
        ValueError: the layout leaves a bit out, has no 64 bytes, or uses a name twice.
    """
    found = [field for node in sorted(layout.registers(), key=address) for field in node.fields()]
    position = 0
    for field in found:
        if command_lsb(field) != position:
            raise ValueError(f"{field.get_path()} must begin at bit {position} of the command")
        position += field.width
    if position != 512 or len({field.inst_name for field in found}) != len(found):
        raise ValueError(f"{layout.inst_name} must have 512 bits and every name once")
    return found


def command_lsb(field: FieldNode) -> int:
    """Position of a field's lowest bit in the 512 bits of its command."""
    return (address(field.parent) - address(field.parent.parent)) * 8 + field.lsb


def is_zero_field(field: FieldNode) -> bool:
    """Whether the field is there to be zero."""
    return re.fullmatch(r"zero\d+|reserved", field.inst_name) is not None


def command_encodings(commands: AddrmapNode) -> dict[str, tuple[type, int]]:
    """Enumerations of the commands' fields, and the fields' widths, by name without their ``_e``."""
    nodes = (node for layout in commands.children() for node in layout.registers())
    return {encode.type_name.removesuffix("_e"): (encode, field.width) for _, field, encode in encodings(nodes)}


def sv_commands_package(commands: AddrmapNode) -> str:
    """SystemVerilog package of the commands: opcodes, formats, and the position of each field in the 512 bits."""
    out = [
        *LICENSE,
        f"// {BANNER}",
        "// Keeps the layout of the commands out of hand-written RTL. A command is 512 bits, word 0 lowest.",
        "package commands_pkg;",
        "  // The package holds the whole layout; no module needs all of it.",
        "  /* verilator lint_off UNUSEDPARAM */",
        "  localparam int Bytes = 64;",
    ]
    for name, (encode, width) in command_encodings(commands).items():
        out += ["", f"  // Values of {name}."]
        out += [f"  localparam [{width - 1}:0] {camel(name)}{camel(m.name)} = {width}'d{int(m)};" for m in encode]
    engines = len(command_encodings(commands)["command"][0]) - 1
    out += ["", "  // Every command but END has an engine; its number is the opcode - 1."]
    out += [f"  localparam int Engines = {engines};"]
    for layout in commands.children():
        name = camel(layout.inst_name)
        out += ["", f"  // {layout.get_property('name')}."]
        zeros = 0
        for field in command_fields(layout):
            if is_zero_field(field):
                zeros |= ((1 << field.width) - 1) << command_lsb(field)
                continue
            out.append(f"  localparam int {name}{camel(field.inst_name)}Lsb = {command_lsb(field)};")
            out.append(f"  localparam int {name}{camel(field.inst_name)}Width = {field.width};")
            if field.inst_name == "magic":
                out.append(f"  localparam [15:0] {name}MagicValue = 16'h{field.get_property('reset'):x};")
        out += ["  // Bits from which on all must be zero."]
        out += [f"  localparam int {name}Bits = {(((1 << 512) - 1) ^ zeros).bit_length()};"]
        parts = ", ".join(f"128'h{zeros >> shift & ((1 << 128) - 1):032x}" for shift in (384, 256, 128, 0))
        out += ["  // Bits that must be zero.", f"  localparam [511:0] {name}Zeros = {{"]
        out += [*(f"    {line}" for line in wrap(parts)), "  };"]
    return "\n".join([*out, "  /* verilator lint_on UNUSEDPARAM */", "endpackage : commands_pkg", ""])


def python_commands_module(commands: AddrmapNode) -> str:
    """Python module of the commands: enumerations, and the position and width of each field."""
    layouts = list(commands.children())
    magic = next(f for f in command_fields(layouts[0]) if f.inst_name == "magic").get_property("reset")
    out = [f'"""Layout of the commands. {BANNER}"""', "", "from enum import IntEnum", ""]
    for name, (encode, _) in command_encodings(commands).items():
        out += ["", f"class {camel(name)}(IntEnum):", f'    """Values of {encode.type_name}."""', ""]
        out += [f"    {m.name} = {int(m)}  # {' '.join((m.rdl_desc or '').split())}" for m in encode] + [""]
    out += ["", f"MAGIC = {magic:#x}", "COMMAND_BYTES = 64", ""]
    out += ["# Lowest bit and width of each field in the 512 bits of a command; what is not listed is zero."]
    for layout in layouts:
        fields = [field for field in command_fields(layout) if not is_zero_field(field)]
        out += [f"{layout.inst_name.upper()} = {{"]
        out += [f'    "{field.inst_name}": ({command_lsb(field)}, {field.width}),' for field in fields] + ["}"]
    return "\n".join([*out, ""])


def listing(nodes: Iterable[RegNode]) -> list[str]:
    """Indented lines that name registers, comma after each."""
    return [f"    {line}" for line in wrap(", ".join(node.inst_name for node in nodes) + ",")]


def wrap(text: str, width: int = 100) -> list[str]:
    """Break a comma-separated list into lines."""
    lines = [""]
    for part in text.split(", "):
        if len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += f"{part}, "
    lines[-1] = lines[-1].removesuffix(", ")
    return [line.rstrip() for line in lines]


def c_header(top: AddrmapNode, nodes: Iterable[RegNode], name: str) -> str:
    """C header called ``name``: PeakRDL's struct and field masks, with offsets and named values added."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        CHeaderExporter().export(top, str(path), reuse_typedefs=False)
        text = path.read_text()
    # All members are aligned words. A packed struct would let a compiler for a strict-alignment RISC-V split each
    # access into bytes, which a device register must not see; the static assertion on the size remains.
    text = text.replace("struct __attribute__ ((__packed__))", "struct")
    prefix = top.inst_name.upper()
    extra = ["", "// Byte offsets"]
    extra += [f"#define {prefix}__{node.inst_name.upper()}__offset {address(node):#05x}" for node in nodes]
    for node, field, encode in encodings(nodes):
        extra += ["", f"// Values of {node.inst_name}.{field.inst_name}"]
        for member in encode:
            value = f"{prefix}__{node.inst_name.upper()}__{field.inst_name.upper()}__{member.name}"
            extra.append(f"#define {value} {int(member)}")
    mark = "#include <assert.h>\n"
    if text.count(mark) != 1:
        raise ValueError("PeakRDL-cheader's output no longer has the place where offsets are added")
    return "\n".join([*LICENSE, f"// {BANNER}\n"]) + text.replace(mark, mark + "\n".join(extra) + "\n")


def python_module(top: AddrmapNode) -> str:
    """Python module of the map: one Register per register, enumerations and counters."""
    out = [f'"""Register map of the accelerator. {BANNER}"""', PYTHON_PRELUDE]
    out += [*python_enumerations(registers(top)), ""]
    for node in registers(top):
        out += [f"# {first_sentence(node)}.", *python_register(node)]
    out += ["", "REGISTERS = (", *listing(registers(top)), ")"]
    out += ["", "# 64-bit counters in address order, as (LO, HI)."]
    out += ["COUNTERS = {"] + [f'    "{name}": ({name}_LO, {name}_HI),' for name in counters(top)] + ["}"]
    out += ["", "# Size of the register window in bytes.", f"WINDOW_SIZE = {1 << WINDOW_BITS:#x}", ""]
    return "\n".join(out)


def python_enumerations(nodes: Iterable[RegNode]) -> list[str]:
    """An IntEnum for each field with named values."""
    out = []
    for _, _, encode in encodings(nodes):
        name = camel(encode.type_name.removesuffix("_e"))
        out += ["", f"class {name}(IntEnum):", f'    """Values of the field encoded as {encode.type_name}."""', ""]
        for member in encode:
            out.append(f"    {member.name} = {int(member)}  # {' '.join((member.rdl_desc or '').split())}")
        out.append("")
    return out


def python_register(node: RegNode) -> list[str]:
    """The Register that describes a node."""
    fields = []
    for field in node.fields():
        value = field.get_property("reset")
        hardware = field.get_property("hw") in (AccessType.w, AccessType.rw)
        fields.append(
            f'Field("{field.inst_name}", {field.lsb}, {field.width}, "{access(field)}", '
            f"{value if value is None else hex(value)}, {hardware}),"
        )
    head = f'{node.inst_name.upper()} = Register("{node.inst_name}", {address(node):#05x}, ('
    return [f"{head}{fields[0]}))"] if len(fields) == 1 else [head, *(f"    {field}" for field in fields), "))"]


def generated() -> dict[Path, str]:
    """Every committed file that comes from the RDL, with the text it must have."""
    control, commands = compile_maps()
    return {
        SV_PACKAGE: sv_package(control),
        C_HEADER: c_header(control, registers(control), C_HEADER.name),
        PYTHON_MODULE: python_module(control),
        COMMANDS_SV_PACKAGE: sv_commands_package(commands),
        COMMANDS_C_HEADER: c_header(commands, [], COMMANDS_C_HEADER.name),
        COMMANDS_PYTHON_MODULE: python_commands_module(commands),
    }


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--html", type=Path, help="folder for the HTML pages")
    arguments = parser.parse_args()
    if arguments.html:
        HTMLExporter().export(list(compile_maps()), str(arguments.html), title="Edge QLoRA registers and commands")
        print(f"wrote {arguments.html}/index.html")
        return
    stale = 0
    for path, text in generated().items():
        old = path.read_text() if path.is_file() else ""
        if arguments.check and old != text:
            stale += 1
            lines = difflib.unified_diff(old.splitlines(), text.splitlines(), path.name, "from the RDL", lineterm="")
            print("\n".join(list(lines)[:40]), file=sys.stderr)
        elif not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        sys.exit(f"error: {stale} generated file(s) differ from edge_qlora.rdl; run rtl/vega_bridge/generate.py")


if __name__ == "__main__":
    main()
