"""The generated files of register map and commands: up to date, usable from C."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from edge_qlora import command_layout, registers
from edge_qlora.command_layout import COMMAND_BYTES, WeightFormat
from edge_qlora.layout import BLOCK

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
        ("COMMANDS_", {'from other data."; } magic[31:16] = 0x514C': 'data."; } magic[31:16] = 0x514D'}),
        ("COMMANDS_", {"post[31:16]": "waits[31:16]", "waits[15:0]": "post[15:0]"}),
        ("COMMANDS_", {"count[31:16]": "header_lines[31:16]", "header_lines[15:0];\n  } w3": "count[15:0];\n  } w3"}),
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
    """The header compiles without warnings, and its struct, offsets and masks are those of the Python module."""
    lines = ['#include "edge_qlora_registers.h"', "#include <stddef.h>"]
    values = [
        (f"EDGE_QLORA__{register.name}__{field.name.upper()}_bm", field.mask)
        for register in registers.REGISTERS
        for field in register.fields
    ]
    for register in registers.REGISTERS:
        lines.append(f'static_assert(offsetof(edge_qlora_t, {register.name}) == {register.offset}, "");')
        values.append((f"EDGE_QLORA__{register.name}__offset", register.offset))
    values += [(f"EDGE_QLORA__ERROR_CODE__CODE__{code.name}", code) for code in registers.ErrorCode]
    lines += [f'static_assert({name} == {int(value)}u, "");' for name, value in values]
    compile_c(compiler, lines, tmp_path / "check.o", "-c")


def word_name(number: int) -> str:
    """The name of a command's word in C."""
    return {0: "head", 1: "semaphores"}.get(number, f"w{number}")


@pytest.mark.parametrize("name", ["load", "matrix", "vector", "transfer"])
def test_commands_made_in_c(name: str, compiler: str, tmp_path: Path) -> None:
    """A program that knows only the header puts every field where the package does."""
    layout = getattr(command_layout, name.upper())
    values = {field: (0x9E3779B1 * (n + 1) >> 3) % (1 << width) for n, (field, (_, width)) in enumerate(layout.items())}
    lines = [
        '#include "edge_qlora_commands.h"',
        "#include <stdio.h>",
        "int main(void) {",
        f"  static edge_qlora_commands__{name}_t command;",
    ]
    for field, (lsb, _) in layout.items():
        word = word_name(lsb // 32)
        position = f"EDGE_QLORA_COMMANDS__{name.upper()}__{word.upper()}__{field.upper()}_bp"
        lines.append(f"  command.{word} |= {values[field]}u << {position};")
    compile_c(compiler, [*lines, "  return fwrite(&command, sizeof command, 1, stdout) != 1;", "}"], tmp_path / "made")
    bits = sum(values[field] << lsb for field, (lsb, _) in layout.items())
    made = subprocess.run([tmp_path / "made"], capture_output=True, check=True).stdout
    assert made == bits.to_bytes(COMMAND_BYTES, "little")


def rtl_constants(package: str) -> dict[str, int]:
    """Decimal constants of a SystemVerilog package."""
    found = re.findall(r"localparam\b.* (\w+) *= (?:\d+'d)?(\d+);", (ROOT / package).read_text())
    return {name: int(value) for name, value in found}


def test_constants_of_the_rtl() -> None:
    """Formats that only a hand-written package names are those of the software."""
    systolic = rtl_constants("rtl/systolic/systolic_pkg.sv")
    assert systolic["Rows"] == BLOCK
    formats = {value.name.capitalize(): value for value in WeightFormat}
    assert {name: systolic[f"Format{name}"] for name in formats} == formats
