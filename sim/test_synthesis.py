"""What synthesis must find: one DSP48E1 per processing element with no logic around it, memory in block RAM."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from fpga.area import Design, synthesize
from fpga.timing import WIRE, Netlist, library, netlist
from sim.bench import ROOT, read_filelist


@pytest.mark.parametrize("act_width", [18, 25])
def test_processing_element_is_one_dsp(act_width: int) -> None:
    """Multiplier and adder are in one DSP48E1; besides registers nothing is outside of it."""
    found = synthesize("pe", [ROOT / "rtl/systolic/pe.sv"], {"ACT_W": act_width})
    assert found.get("DSP48E1") == 1, found
    outside = {name: count for name, count in found.items() if name not in ("DSP48E1", "FDRE")}
    assert not outside, f"logic outside of the DSP: {outside}"


def test_array_has_one_dsp_per_processing_element() -> None:
    """Flattened, an array of one column has 64 DSP48E1: none is shared, merged away or added."""
    sources = read_filelist("sim/tops/systolic_array.f")
    found = synthesize("systolic_array", sources, {"COLUMNS": 1, "ACT_W": 25})
    assert found.get("DSP48E1") == 64, found


def test_memory_on_the_chip_is_block_ram() -> None:
    """64 KB are 16 block RAMs, with nothing that chooses between them."""
    sources = read_filelist("rtl/uart_link/axi_ram.f")
    found = synthesize("axi_ram", sources, {"DATA_W": 128, "BYTES": 1 << 16})
    assert found.get("RAMB36E1") == 16, found
    assert sum(count for name, count in found.items() if name.startswith("LUT")) < 300, found


def test_a_latch_is_refused() -> None:
    """A module that holds its output while an input is low does not pass."""
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "sim/build") as folder:
        source = Path(folder) / "latch.sv"
        source.write_text("module latch (input en_i, d_i, output reg q_o); always @* if (en_i) q_o = d_i; endmodule\n")
        with pytest.raises(SystemExit, match="latch has latches: LDCE"):
            synthesize("latch", [source], {})


def test_a_path_is_measured(tmp_path: Path) -> None:
    """From register to register through one LUT: clock to output, two wires, the LUT's slowest input in use, setup."""
    (ROOT / "sim/build").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "sim/build") as folder:
        source, filelist = Path(folder) / "path.sv", Path(folder) / "path.f"
        source.write_text(
            "module path (input clk_i, input [3:0] d_i, output reg q_o); reg [3:0] d_q;\n"
            "always @(posedge clk_i) begin d_q <= d_i; q_o <= ^d_q; end endmodule\n"
        )
        filelist.write_text(f"{source.relative_to(ROOT)}\n")
        found = netlist(Design("path", str(filelist.relative_to(ROOT)))).worst()[0]
    lut = max(ps for _, _, _, _, ps in library()["LUT4"].arcs)
    clock_to, setup = library()["FDRE"].clock_to[0][2], [ps for pin, _, ps in library()["FDRE"].setup if pin == "D"][0]
    assert (found.delay, found.levels) == (clock_to + 2 * WIRE + lut + setup, 1)
    assert found.start.startswith("d_q") and found.end == "q_o (FDRE.D)"


def test_a_path_goes_on_behind_a_memory() -> None:
    """What a memory in LUTs gives is due to its address where that is later than the clock, and so is all behind it."""

    def cell(kind: str, output: str, **pins: int) -> dict:
        directions = {pin: "output" if pin == output else "input" for pin in pins}
        connections = {pin: [bit] for pin, bit in pins.items()}
        return {"type": kind, "connections": connections, "port_directions": directions}

    cells = {
        "from": cell("FDRE", "Q", D=2, Q=3),
        "address": cell("LUT1", "O", I0=3, O=4),
        "memory": cell("RAM32M", "DOA", ADDRA=4, DOA=5),
        "first": cell("LUT1", "O", I0=5, O=6),
        "second": cell("LUT1", "O", I0=6, O=7),
        "to": cell("FDRE", "Q", D=7, Q=8),
    }
    found = Netlist({"ports": {}, "netnames": {}, "cells": cells}).worst()[0]
    times = [step.at for step in found.steps]
    lut = library()["LUT1"].arcs[0][4]
    assert [step.cell for step in found.steps] == ["FDRE", "LUT1", "RAM32M", "LUT1", "LUT1"]
    assert times[4] - times[3] == times[3] - times[2] == lut + WIRE, times


@pytest.mark.parametrize("unit", ["fp32_add", "fp32_mul"])
def test_no_path_of_an_fp32_unit_is_longer_than_200_mhz_allows(unit: str) -> None:
    """They are what most of a core's arithmetic consists of."""
    worst = netlist(Design(unit, "rtl/common/fp32.f")).worst()[0]
    assert worst.delay <= 5000, f"{worst.delay} ps from {worst.start} to {worst.end}"
