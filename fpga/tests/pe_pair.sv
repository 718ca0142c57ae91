// SPDX-License-Identifier: Apache-2.0
//
// Model of MULT18X18D as fpga/ecp5/pe.sv uses it, written from the vendor's description of the cell, and both processing
// elements side by side: PASS after random operands, loads and swaps if the sums are the same in every cycle.

/* verilator lint_off DECLFILENAME */
module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0",
  parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", GSR = "ENABLED"
) (
  input logic
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, CE1, RST0,
  output logic
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);

  logic signed [17:0] a_q, b_q;
  logic signed [35:0] p_q;
  always_ff @(posedge CLK0) begin
    if (CE0) a_q <= {
      A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    };
    if (CE1) b_q <= {
      B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    };
    if (CE0) p_q <= a_q * b_q;
  end
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = p_q;

endmodule : MULT18X18D

module pe_pair;

  logic clk = 1'b0;
  logic load, swap;
  logic signed [17:0] act, weight, act_generic, act_ecp5;
  logic signed [47:0] sum, generic, ecp5;
  int errors = 0;
  // Corners of the operands are as frequent as others.
  function automatic logic signed [17:0] operand(input int drawn);
    operand = drawn[20:18] == 3'd0 ? 18'h20000 : drawn[20:18] == 3'd1 ? 18'h1FFFF : drawn[17:0];
  endfunction

  pe #(.ACT_W(18)) u_generic (
    .clk_i(clk), .act_i(act), .act_o(act_generic), .load_i(load), .weight_i(weight), .swap_i(swap), .sum_i(sum),
    .sum_o(generic)
  );
  pe_ecp5 #(.ACT_W(18)) u_ecp5 (
    .clk_i(clk), .act_i(act), .act_o(act_ecp5), .load_i(load), .weight_i(weight), .swap_i(swap), .sum_i(sum),
    .sum_o(ecp5)
  );

  initial begin
    for (int cycle = 0; cycle < 20000; cycle++) begin
      act = operand($urandom);
      weight = operand($urandom);
      load = cycle == 0 || $urandom % 4 == 0;
      swap = cycle == 1 || $urandom % 8 == 0;
      // What 63 products of 18 x 18 bits come to, at most.
      sum = 48'($signed(41'({$urandom, $urandom})));
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      if (cycle > 5 && (generic !== ecp5 || act_generic !== act_ecp5 || ^generic === 1'bx)) errors++;
    end
    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d", errors);
  end

endmodule : pe_pair
