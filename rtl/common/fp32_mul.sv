// SPDX-License-Identifier: Apache-2.0
//
// FP32 multiplier.
//
// Why: scales, column results and LoRA factors are FP32; this is the one multiplier they all use.
// Numerics as in fp32_pkg. Latency fp32_pkg::MulLatency (5) enabled cycles, one result per cycle.
// The 24x24 product is written as 24x17 and 24x7, the widths of two DSP48 slices, whose registers are the first two
// pipeline stages; the third adds the halves in the slice's own adder.

module fp32_mul (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);

  // Bits of the second significand that the lower of the two multipliers takes.
  localparam int LowBits = 17;

  // Stage 1: operands. A multiplier is slow, and its place is given: it has registers of its own before it.
  logic [31:0] a_q, b_q;
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      a_q <= a_i;
      b_q <= b_i;
    end
  end

  // Stage 2: partial products, exponent sum, operand classes. A zero operand needs no zero
  // significand, because the exponent decides the result.
  logic [23:0] man_a, man_b;
  assign man_a   = {1'b1, a_q[22:0]};
  assign man_b   = {1'b1, b_q[22:0]};

  logic [40:0] low_q2;
  logic [30:0] high_q2;
  logic [8:0]  exp_q2;
  logic        sign_q2, zero_q2, a_special_q2, b_special_q2, a_rest_q2, b_rest_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q2  <= 41'(man_a) * 41'(man_b[LowBits-1:0]);
      high_q2 <= 31'(man_a) * 31'(man_b[23:LowBits]);
      // With its bias twice.
      exp_q2       <= 9'(a_q[30:23]) + 9'(b_q[30:23]);
      sign_q2      <= a_q[31] ^ b_q[31];
      zero_q2      <= fp32_pkg::is_zero(a_q) || fp32_pkg::is_zero(b_q);
      a_special_q2 <= a_q[30:23] == 8'hFF;
      b_special_q2 <= b_q[30:23] == 8'hFF;
      a_rest_q2    <= a_q[22:0] != '0;
      b_rest_q2    <= b_q[22:0] != '0;
    end
  end

  // Stage 3: the product above its low 17 bits, which matter only as a sticky bit.
  logic [30:0]       product_q3;
  logic              sticky_q3;
  logic signed [9:0] exp_q3;
  logic              sign_q3, nan_q3, inf_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q3 <= high_q2 + 31'(low_q2[40:LowBits]);
      sticky_q3  <= |low_q2[LowBits-1:0];
      // Zeros make it too small for a number.
      exp_q3     <= zero_q2 ? -10'sd128 : 10'(exp_q2) - 10'(fp32_pkg::ExponentBias);
      sign_q3    <= sign_q2;
      nan_q3     <= (a_special_q2 && (a_rest_q2 || zero_q2)) || (b_special_q2 && (b_rest_q2 || zero_q2));
      inf_q3     <= a_special_q2 || b_special_q2;
    end
  end

  // Stage 4: normalize by at most one, round. A product of 2 or more increments the exponent, or a
  // carry out of the fraction does; not both, because the largest product does not round up. So both
  // go into the exponent at one place: there 1 + 1 makes a carry, 1 + 0 lets that of the fraction pass.
  logic               above;
  logic [22:0]        fraction;
  logic               guard, sticky, round_up;
  logic signed [9:0]  rounded_exp;
  logic [22:0]        rounded_fraction;
  logic               unused_between;

  assign above    = product_q3[30];
  assign fraction = above ? product_q3[29:7] : product_q3[28:6];
  assign guard    = above ? product_q3[6] : product_q3[5];
  assign sticky   = sticky_q3 || (|product_q3[4:0]) || (above && product_q3[5]);
  assign round_up = guard && (sticky || fraction[0]);
  assign {rounded_exp, unused_between, rounded_fraction} =
      {exp_q3, 1'b1, fraction} + {10'h0, above, 22'h0, round_up};

  logic signed [9:0] exp_q4;
  logic [22:0]       fraction_q4;
  logic              sign_q4, nan_q4, inf_q4;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      exp_q4      <= rounded_exp;
      fraction_q4 <= rounded_fraction;
      sign_q4     <= sign_q3;
      nan_q4      <= nan_q3;
      inf_q4      <= inf_q3;
    end
  end

  // Stage 5: pack.
  logic [31:0] y_d, y_q;

  assign y_d = nan_q4 ? fp32_pkg::CanonicalNan :
               inf_q4 ? {sign_q4, fp32_pkg::InfinityBits} :
                        fp32_pkg::pack(sign_q4, 11'(exp_q4), fraction_q4);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : fp32_mul
