"""The register map's generated files: up to date, true to bitsandbytes' table, and usable from C."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from bitsandbytes.functional import get_4bit_type
from edge_qlora import registers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that makes the files."""
    monkeypatch.syspath_prepend(ROOT / "rtl/vega_bridge")
    monkeypatch.delitem(sys.modules, "generate", raising=False)
    return importlib.import_module("generate")


def test_generated_files_are_up_to_date(generator: ModuleType) -> None:
    """The committed package, header and module are what the RDL file makes today."""
    for path, text in generator.generated().items():
        assert path.read_text() == text, f"{path.name} is stale; run python rtl/vega_bridge/generate.py"


def test_a_changed_map_is_noticed(generator: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The comparison above fails when the RDL file says something else."""
    changed = tmp_path / "changed.rdl"
    changed.write_text(generator.RDL.read_text().replace("CODEBOOK_SCALE @ 0x02C", "CODEBOOK_SCALE @ 0x050"))
    monkeypatch.setattr(generator, "RDL", changed)
    assert all(path.read_text() != text for path, text in generator.generated().items())


def test_reset_codebook_is_the_nf4_table() -> None:
    """Reset entries are bitsandbytes' NF4 values times 131071, rounded to nearest even; the scale undoes the factor."""
    table = get_4bit_type("nf4", device="cpu").numpy().astype(np.float64)
    entries = np.array([entry["value"].reset for entry in registers.CODEBOOK])
    signed = entries - (entries >> 17 << 18)
    np.testing.assert_array_equal(signed, np.rint(table * 131071))
    scale = np.float32(1.0 / 131071)
    assert registers.CODEBOOK_SCALE["value"].reset == int(scale.view(np.uint32))


def test_html_pages(tmp_path: Path) -> None:
    """The HTML exporter accepts the map."""
    command = [sys.executable, ROOT / "rtl/vega_bridge/generate.py", "--html", tmp_path / "html"]
    subprocess.run(command, check=True)
    assert (tmp_path / "html/index.html").is_file()


def test_c_header(tmp_path: Path) -> None:
    """The header compiles without warnings, and its struct, offsets and masks are those of the Python module."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or shutil.which("g++")
    assert compiler, "a C or C++ compiler is needed, as it is for Verilator"
    lines = ['#include "edge_qlora_registers.h"', "#include <stddef.h>"]
    for register in registers.REGISTERS:
        lines.append(f'static_assert(offsetof(edge_qlora_t, {register.name}) == {register.offset}, "");')
        lines.append(f'static_assert(EDGE_QLORA__{register.name}__offset == {register.offset}, "");')
        for field in register.fields:
            name = f"EDGE_QLORA__{register.name}__{field.name.upper()}_bm"
            lines.append(f'static_assert({name} == {field.mask:#x}u, "");')
    for code in registers.ErrorCode:
        lines.append(f'static_assert(EDGE_QLORA__ERROR_CODE__CODE__{code.name} == {code.value}, "");')
    source = tmp_path / "check.c"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run(
        [compiler, "-Wall", "-Wextra", "-Werror", "-c", "-I", ROOT / "sw/include", source, "-o", tmp_path / "check.o"],
        check=True,
    )
