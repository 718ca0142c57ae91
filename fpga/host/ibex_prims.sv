// SPDX-License-Identifier: Apache-2.0
//
// The cells that Ibex leaves to its technology, for any FPGA.
//
// Why: Ibex's package has no wrappers of them. The clock is not gated: a sleeping core keeps its clock and does nothing.

module prim_buf #(
  parameter int Width = 1
) (
  input        [Width-1:0] in_i,
  output logic [Width-1:0] out_o
);
  assign out_o = in_i;
endmodule : prim_buf

module prim_flop #(
  parameter int               Width      = 1,
  parameter logic [Width-1:0] ResetValue = '0
) (
  input                    clk_i,
  input                    rst_ni,
  input        [Width-1:0] d_i,
  output logic [Width-1:0] q_o
);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) q_o <= ResetValue;
    else         q_o <= d_i;
  end
endmodule : prim_flop

module prim_clock_gating (
  input        clk_i,
  input        en_i,
  input        test_en_i,
  output logic clk_o
);
  logic unused;
  assign unused = en_i ^ test_en_i;
  assign clk_o  = clk_i;
endmodule : prim_clock_gating
