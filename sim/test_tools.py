"""Tests of the corrections that the tools need."""

import os
import subprocess

import pytest

from sim.bench import check_settings, configs
from sim.run import _keep_runtime, _restore_runtime, failures
from sim.tools import mend_program, require_simulator

# Each block assigns a default first, and is read by the next.
GLITCHES = """
module glitches;
  logic start = 0;
  logic [1:0] a, b, c;
  initial begin
    #1 start = 1;
    #1 $display("a %0d b %0d c %0d", a, b, c);
    $finish;
  end
  always_comb begin a = 0; if (start) a = 1; end
  always_comb begin b = 0; if (a == 1) b = 2; end
  always_comb begin c = 0; if (b == 2) c = 3; end
endmodule
"""
# A net driven in parts: by assignments, an instance, what may be unknown or undriven, and by itself.
PARTS = """
module inverter(input [3:0] a, output [3:0] y);
  assign y = ~a;
endmodule
module parts;
  logic [7:0] count = 0;
  logic [3:0] unknown;
  wire [19:0] whole;
  for (genvar i = 0; i < 4; i++) begin : g_bit
    assign whole[i] = count[3 - i];
  end
  inverter u_inverter(.a(count[7:4]), .y(whole[7:4]));
  assign whole[11:8] = count[1] ? 4'bz : count[5:2], whole[15:12] = unknown, whole[19:16] = whole[3:0];
  initial repeat (20) begin
    #1 $display("%b", whole);
    count = count + 13;
    if (count[2]) unknown = count[5:2];
  end
endmodule
"""


def outputs(folder, text: str, mended: bool) -> str:
    """What a module prints when Icarus runs it."""
    source, program = folder / "module.sv", folder / "sim.vvp"
    source.write_text(text)
    subprocess.run(["iverilog", "-g2012", "-o", program, source], check=True)
    if mended:
        mend_program(program)
    return subprocess.run(["vvp", "-n", program], capture_output=True, text=True, timeout=10, check=True).stdout


def test_chained_always_comb_ends(tmp_path):
    """always_comb blocks that assign a default first do not hold Icarus in one time step."""
    require_simulator("icarus")
    assert "a 1 b 2 c 3" in outputs(tmp_path, GLITCHES, mended=True)


def test_nets_in_parts_have_the_same_values(tmp_path):
    """Put together from values, and not from strengths, nets are the same: also where a part is unknown or undriven."""
    require_simulator("icarus")
    plain = outputs(tmp_path, PARTS, mended=False)
    assert "concat8" in (tmp_path / "sim.vvp").read_text(), "nothing to mend"
    assert "x" in plain and "z" in plain and len(set(plain.split())) > 10
    assert outputs(tmp_path, PARTS, mended=True) == plain
    assert "concat8" not in (tmp_path / "sim.vvp").read_text()


def test_the_runtime_is_compiled_once(tmp_path):
    """What the store has is not compiled again though the makefile is newer, nor is the program linked again."""
    store, folder = tmp_path / "store", tmp_path / "build"
    for path in (store, folder):
        path.mkdir()
    (store / "verilated.o").write_text("compiled")
    os.utime(store / "verilated.o", (0, 0))
    _restore_runtime(folder, store)
    (folder / "Makefile").write_text(
        "program: verilated.o verilated_vpi.o\n\tcat $^ > $@\n"
        "verilated.o verilated_vpi.o: Makefile\n\techo compiled here > $@\n"
    )
    subprocess.run(["make", "-C", folder], check=True)
    assert (folder / "program").read_text() == "compiledcompiled here\n"
    _keep_runtime(folder, store, folder / "program")
    assert (store / "verilated_vpi.o").read_text() == "compiled here\n"
    assert (store / "verilated.o").read_text() == "compiled"
    assert subprocess.run(["make", "-q", "-C", folder]).returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colums": 2}, r"\[mine\]: unknown setting 'colums'; the settings are: columns, act_width"),
        ({"columns": "two"}, r"\[mine\]: columns = 'two' is not an integer"),
        ({"columns": True}, r"\[mine\]: columns = True is not an integer"),
        ({"vector_lanes": 6}, r"\[mine\]: vector_lanes = 6; possible are 4, 8$"),
        ({"bus_width": None}, r"\[mine\]: no bus_width"),
    ],
)
def test_wrong_settings_are_named(change, message):
    """A configuration with a wrong setting stops with a message that names it."""
    settings = {key: value for key, value in {**configs()["tiny"], **change}.items() if value is not None}
    with pytest.raises(SystemExit, match=message):
        check_settings("mine", settings)


LOG = """\
     0.00ns INFO     cocotb.regression                  running tb.x.test_x.Good (1/2)
    90.00ns INFO     cocotb.regression                  tb.x.test_x.Good passed
    90.00ns INFO     cocotb.regression                  running tb.x.test_x.Bad (2/2)
   125.00ns ERROR    cocotb                             MISMATCH board transfer 3: data is 0x1, expected 0x0
   130.00ns WARNING  cocotb.regression                  tb.x.test_x.Bad failed
                                                        Traceback (most recent call last):
                                                        ScoreboardError: board: 1 of 9 transfers differ
   130.00ns INFO     cocotb.regression                  the table
"""


def test_failures_say_what_and_when():
    """The summary of a failed run has the time of each mismatch, and what ended the test; a cut log says so."""
    assert failures(LOG) == [
        "tb.x.test_x.Bad failed at 130.00ns",
        "  125.00ns: MISMATCH board transfer 3: data is 0x1, expected 0x0",
        "  ScoreboardError: board: 1 of 9 transfers differ",
    ]
    assert failures(LOG[: LOG.index("   130.00ns WARNING")])[0].startswith("tb.x.test_x.Bad did not end")
