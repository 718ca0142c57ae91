"""Tests of the corrections that the tools need."""

import subprocess

from sim.tools import mend_always_comb, require_simulator

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


def test_chained_always_comb_ends(tmp_path):
    """always_comb blocks that assign a default first do not hold Icarus in one time step."""
    require_simulator("icarus")
    source, program = tmp_path / "glitches.sv", tmp_path / "sim.vvp"
    source.write_text(GLITCHES)
    subprocess.run(["iverilog", "-g2012", "-o", program, source], check=True)
    mend_always_comb(program)
    run = subprocess.run(["vvp", "-n", program], capture_output=True, text=True, timeout=10, check=True)
    assert "a 1 b 2 c 3" in run.stdout
