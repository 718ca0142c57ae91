"""A netlist in the place of its RTL passes the RTL's tests, and a wrong one does not; ``make gates`` runs them all."""

from __future__ import annotations

import re

import pytest

from fpga.netlist import netlist, with_own_models, with_parameters
from sim.bench import tests
from sim.gates import benches, run_gates
from sim.run import failures

BENCH = next(bench for bench in tests()["double_quant"].benches if bench.name == "double_dequant")
ONLY = "RandomTraffic$"
SEED = 1


def test_array_quantizers_and_dequantizers_have_netlists() -> None:
    """``make gates`` leaves none of them out."""
    found = {bench.netlist.module for bench in benches("icarus", "tiny")}
    quantization = {"nf4_quantizer", "nf4_dequantizer", "double_quantizer", "double_dequantizer_stream", "exact_mean"}
    assert found == {"systolic_array"} | quantization


def test_a_netlist_passes_and_one_with_a_wrong_lut_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under Icarus with yosys's models; the fault is one LUT that gives the opposite of what it should."""
    result = run_gates(BENCH, "icarus", "tiny", SEED, only=ONLY)
    assert (result.passed, result.failed) == (1, 0), result.log
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where it is set, cocotb's runner ends the process of a failed test
    right = netlist(BENCH, "tiny")
    wrong = right.with_name(f"{right.stem}-wrong.v")
    wrong.write_text(inverted(right.read_text()))
    result = run_gates(BENCH, "icarus", "tiny", SEED, wrong, ONLY)
    assert (result.passed, result.failed) == (0, 1), result.log
    assert any("MISMATCH" in line for line in failures(result.log.read_text())), result.log


def inverted(text: str) -> str:
    """A netlist whose LUT in the middle has the opposite contents."""
    luts = list(re.finditer(r"^  LUT\d #\(\s*\.INIT\((\d+)'h([0-9a-f]+)\)", text, re.M))
    found = luts[len(luts) // 2]
    bits, init = int(found[1]), int(found[2], 16)
    begin, end = found.span(2)
    return text[:begin] + f"{~init & ((1 << bits) - 1):x}" + text[end:]


def test_a_netlist_has_the_parameters_of_its_rtl() -> None:
    """Another value stops elaboration by the name of a missing module."""
    text = with_parameters("module top(a);\n  input a;\nendmodule\n", "top", {"WIDTH": 8})
    assert "module top #(parameter WIDTH = 8) (a);" in text
    assert "if (WIDTH != 8) ERROR_netlist_of_top_is_for_WIDTH_8" in text


def test_a_memory_with_contents_is_refused() -> None:
    """The model of block RAM begins without any."""
    memory = '  RAMB18E1 #(\n    .INIT_00(4\'h{}),\n    .RAM_MODE("SDP")\n  ) memory ();\n'
    assert "INIT" not in with_own_models(memory.format("x"))
    with pytest.raises(SystemExit, match="RAMB18E1 has contents"):
        with_own_models(memory.format("a"))
