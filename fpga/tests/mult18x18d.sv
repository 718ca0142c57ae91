// SPDX-License-Identifier: Apache-2.0
//
// Model of MULT18X18D as fpga/ecp5 uses it, written from the vendor's description of the cell: signed or unsigned operands,
// each register in use if its clock is named, all of them on CLK0.

module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0",
  parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", GSR = "ENABLED"
) (
  input logic
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, CE1, RST0,
  output logic
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);

  logic [17:0] a_i, b_i, a_q, b_q, a, b;
  logic [35:0] p, p_q;
  assign a_i = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  assign b_i = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  always_ff @(posedge CLK0) begin
    if (REG_INPUTA_CE == "CE1" ? CE1 : CE0) a_q <= a_i;
    if (REG_INPUTB_CE == "CE1" ? CE1 : CE0) b_q <= b_i;
    if (REG_OUTPUT_CE == "CE1" ? CE1 : CE0) p_q <= p;
  end
  assign a = REG_INPUTA_CLK == "NONE" ? a_i : a_q;
  assign b = REG_INPUTB_CLK == "NONE" ? b_i : b_q;
  assign p = $signed({SIGNEDA && a[17], a}) * $signed({SIGNEDB && b[17], b});
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = REG_OUTPUT_CLK == "NONE" ? p : p_q;

endmodule : MULT18X18D
