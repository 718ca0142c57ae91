"""The generated files of register map and job descriptor: up to date, usable from C."""

from __future__ import annotations

import importlib
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from edge_qlora import descriptor, layout, registers
from edge_qlora.command_layout import WeightFormat
from edge_qlora.job import Descriptor, Limits

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that makes the files."""
    monkeypatch.syspath_prepend(ROOT / "rtl/vega_bridge")
    monkeypatch.delitem(sys.modules, "generate", raising=False)
    return importlib.import_module("generate")


def test_generated_files_are_up_to_date(generator: ModuleType) -> None:
    """The committed packages, headers and modules are what the RDL file makes today."""
    for path, text in generator.generated().items():
        assert path.read_text() == text, f"{path.name} is stale; run python rtl/vega_bridge/generate.py"


@pytest.mark.parametrize(
    ("prefix", "changes"),
    [
        ("", {"IRQ_ENABLE @ 0x024": "IRQ_ENABLE @ 0x02C"}),
        ("DESCRIPTOR_", {"BACKWARD = 8'd2": "BACKWARD = 8'd3"}),
        (
            "DESCRIPTOR_",
            {'descriptor from other data."; } magic[31:16] = 0x514C': 'descriptor."; } magic[31:16] = 0x514D'},
        ),
        ("DESCRIPTOR_", {"y_fp16[10:10]": "x_fp16[10:10]", "x_fp16[8:8]": "y_fp16[8:8]"}),
        ("COMMANDS_", {"post[31:16]": "waits[31:16]", "waits[15:0]": "post[15:0]"}),
        ("DESCRIPTOR_", {"tokens @ 0x04": "tokens @ 0x08", "in_features @ 0x08": "in_features @ 0x04"}),
    ],
)
def test_a_change_is_noticed(
    prefix: str, changes: dict[str, str], generator: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The comparison above fails, for each file that it concerns, when the RDL file says something else."""
    text = generator.RDL.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    changed = tmp_path / "changed.rdl"
    changed.write_text(text)
    monkeypatch.setattr(generator, "RDL", changed)
    stale = {path for path, text in generator.generated().items() if path.read_text() != text}
    assert stale == {getattr(generator, prefix + name) for name in ("SV_PACKAGE", "C_HEADER", "PYTHON_MODULE")}


def test_html_pages(tmp_path: Path) -> None:
    """The HTML exporter accepts the map."""
    command = [sys.executable, ROOT / "rtl/vega_bridge/generate.py", "--html", tmp_path / "html"]
    subprocess.run(command, check=True)
    assert (tmp_path / "html/index.html").is_file()


@pytest.fixture
def compiler() -> str:
    """A C compiler; that of C++ takes the headers too."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or shutil.which("g++")
    assert found, "a C or C++ compiler is needed, as it is for Verilator"
    return found


def compile_c(compiler: str, lines: list[str], output: Path, *options: str) -> None:
    """Compile a source of these lines, with every warning an error."""
    source = output.with_suffix(".c")
    source.write_text("\n".join(lines) + "\n")
    warnings = ("-Wall", "-Wextra", "-Werror")
    subprocess.run([compiler, *warnings, "-I", ROOT / "sw/include", source, "-o", output, *options], check=True)


def test_c_header(compiler: str, tmp_path: Path) -> None:
    """Both headers compile without warnings, and their structs, offsets and masks are those of the Python modules."""
    lines = [f'#include "edge_qlora_{name}.h"' for name in ("registers", "descriptor")] + ["#include <stddef.h>"]
    offsets = [("edge_qlora", register.name, register.offset) for register in registers.REGISTERS]
    offsets += [("edge_qlora_descriptor", name, offset) for name, offset in descriptor.OFFSETS.items()]
    values = [
        (f"EDGE_QLORA__{register.name}__{field.name.upper()}_bm", field.mask)
        for register in registers.REGISTERS
        for field in register.fields
    ]
    for struct_name, name, offset in offsets:
        lines.append(f'static_assert(offsetof({struct_name}_t, {name}) == {offset}, "");')
        values.append((f"{struct_name.upper()}__{name.upper()}__offset", offset))
    values += [(f"EDGE_QLORA__ERROR_CODE__CODE__{code.name}", code) for code in registers.ErrorCode]
    header = "EDGE_QLORA_DESCRIPTOR__HEADER__"
    values += [(f"{header}{field.name.upper()}_bm", field.mask) for field in descriptor.HEADER.fields]
    values += [(f"{header}OPCODE__{opcode.name}", opcode) for opcode in descriptor.Opcode]
    values += [(f"{header}MAGIC_reset", descriptor.MAGIC)]
    values += [("sizeof(edge_qlora_descriptor_t)", descriptor.DESCRIPTOR_BYTES)]
    lines += [f'static_assert({name} == {int(value)}u, "");' for name, value in values]
    compile_c(compiler, lines, tmp_path / "check.o", "-c")


@pytest.mark.parametrize("opcode", descriptor.Opcode)
def test_descriptor_made_in_c(opcode: descriptor.Opcode, compiler: str, tmp_path: Path) -> None:
    """A program that knows only the header makes the same 128 bytes as the package."""
    dims = {"tokens": 5, "in_features": 128, "out_features": 192, "rank": 8}
    addresses = {name: 0x1_2345_0000 + 64 * number for number, name in enumerate(descriptor.ADDRESSES)}
    job = Descriptor(opcode, **dims, lora_scale=2.0, absmax_offset=0.75, **addresses, lora_fp16=True)
    fields = dims | addresses | {"lora_scale": 0x40000000, "absmax_offset": 0x3F400000}
    header = "EDGE_QLORA_DESCRIPTOR__HEADER__"
    lines = [
        '#include "edge_qlora_descriptor.h"',
        "#include <stdio.h>",
        "int main(void) {",
        "  static edge_qlora_descriptor_t job;",
        f"  job.header = (uint32_t){header}MAGIC_reset << {header}MAGIC_bp | {header}LORA_FP16_bm |",
        f"               {header}OPCODE__{opcode.name};",
        *(f"  job.{name} = {value:#x};" for name, value in fields.items()),
        "  return fwrite(&job, sizeof job, 1, stdout) != 1;",
        "}",
    ]
    compile_c(compiler, lines, tmp_path / "job")
    assert subprocess.run([tmp_path / "job"], capture_output=True, check=True).stdout == job.pack()


def test_layout_of_struct_is_that_of_the_offsets() -> None:
    """What the package packs by format lies at the offsets that the RTL goes by."""
    position = 0
    for letter, offset in zip(descriptor.LAYOUT[1:], descriptor.OFFSETS.values(), strict=True):
        assert position == offset
        position += struct.calcsize(f"<{letter}")
    assert position == descriptor.DESCRIPTOR_BYTES


def rtl_constants(package: str) -> dict[str, int]:
    """Decimal constants of a SystemVerilog package."""
    found = re.findall(r"localparam\b.* (\w+) *= (?:\d+'d)?(\d+);", (ROOT / package).read_text())
    return {name: int(value) for name, value in found}


def test_constants_of_the_rtl() -> None:
    """Formats that only hand-written packages name are those of the software and of the test benches."""
    core, systolic = (rtl_constants(f"rtl/{name}/{name}_pkg.sv") for name in ("core", "systolic"))
    assert core["TileBytes"] == layout.TILE_BYTES
    assert 1 << core["BlockLog2"] == layout.BLOCK == systolic["Rows"]
    assert core["MaxRank"] == Limits().rank
    formats = {value.name.capitalize(): value for value in WeightFormat}
    assert {name: systolic[f"Format{name}"] for name in formats} == formats
