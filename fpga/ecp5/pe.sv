// SPDX-License-Identifier: Apache-2.0
//
// rtl/systolic/pe.sv on an ECP5, the same results in the same cycles.
//
// Why: yosys infers MULT18X18D without its registers, and a product then has no cycle of its own. Here the multiplier holds
// activation, active weight and product; the shadow weight, the activation that leaves and the sum are in the fabric. A
// sum of 64 products has SumBits bits, those above are its sign.
// Latency: activation to product 2 cycles, to sum 3. Throughput: one product per cycle.

module pe #(
  // Activation width in bits, signed, at most 18.
  parameter int ACT_W = 18,
  // Weight width in bits, signed, at most 18.
  parameter int WGT_W = 18,
  // Sum width in bits, signed.
  parameter int SUM_W = 48
) (
  input  logic                    clk_i,
  input  logic signed [ACT_W-1:0] act_i,
  output logic signed [ACT_W-1:0] act_o,
  // Loads weight_i into the shadow register.
  input  logic                    load_i,
  input  logic signed [WGT_W-1:0] weight_i,
  // Makes the shadow weight active for the activation that arrives in the same cycle.
  input  logic                    swap_i,
  input  logic signed [SUM_W-1:0] sum_i,
  output logic signed [SUM_W-1:0] sum_o
);

  localparam int SumBits = 42;

  logic signed [ACT_W-1:0] act_q;
  logic signed [WGT_W-1:0] shadow_q;
  logic [17:0] a, b;
  logic [35:0] p;
  logic signed [SumBits-1:0] sum_q;

  assign a = 18'(act_i);
  assign b = 18'(shadow_q);

  MULT18X18D #(
    .REG_INPUTA_CLK  ("CLK0"),
    .REG_INPUTA_CE   ("CE0"),
    .REG_INPUTB_CLK  ("CLK0"),
    .REG_INPUTB_CE   ("CE1"),
    .REG_OUTPUT_CLK  ("CLK0"),
    .REG_OUTPUT_CE   ("CE0"),
    .GSR             ("DISABLED")
  ) u_multiplier (
    .A0(a[0]), .A1(a[1]), .A2(a[2]), .A3(a[3]), .A4(a[4]), .A5(a[5]),
    .A6(a[6]), .A7(a[7]), .A8(a[8]), .A9(a[9]), .A10(a[10]), .A11(a[11]),
    .A12(a[12]), .A13(a[13]), .A14(a[14]), .A15(a[15]), .A16(a[16]), .A17(a[17]),
    .B0(b[0]), .B1(b[1]), .B2(b[2]), .B3(b[3]), .B4(b[4]), .B5(b[5]),
    .B6(b[6]), .B7(b[7]), .B8(b[8]), .B9(b[9]), .B10(b[10]), .B11(b[11]),
    .B12(b[12]), .B13(b[13]), .B14(b[14]), .B15(b[15]), .B16(b[16]), .B17(b[17]),
    .P0(p[0]), .P1(p[1]), .P2(p[2]), .P3(p[3]), .P4(p[4]), .P5(p[5]),
    .P6(p[6]), .P7(p[7]), .P8(p[8]), .P9(p[9]), .P10(p[10]), .P11(p[11]),
    .P12(p[12]), .P13(p[13]), .P14(p[14]), .P15(p[15]), .P16(p[16]), .P17(p[17]),
    .P18(p[18]), .P19(p[19]), .P20(p[20]), .P21(p[21]), .P22(p[22]), .P23(p[23]),
    .P24(p[24]), .P25(p[25]), .P26(p[26]), .P27(p[27]), .P28(p[28]), .P29(p[29]),
    .P30(p[30]), .P31(p[31]), .P32(p[32]), .P33(p[33]), .P34(p[34]), .P35(p[35]),
    .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
    .CLK0(clk_i), .CE0(1'b1), .CE1(swap_i), .RST0(1'b0)
  );

  always_ff @(posedge clk_i) begin
    act_q <= act_i;
    if (load_i) shadow_q <= weight_i;
    sum_q <= $signed(sum_i[SumBits-1:0]) + SumBits'($signed(p));
  end

  logic unused_sign;
  assign unused_sign = ^sum_i[SUM_W-1:SumBits];

  assign act_o = act_q;
  assign sum_o = SUM_W'(sum_q);

endmodule : pe
