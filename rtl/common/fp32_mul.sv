// SPDX-License-Identifier: Apache-2.0
//
// FP32 multiplier.
//
// Why: scales, column results and LoRA factors are FP32; this is the one multiplier they all use.
// Numerics as in fp32_pkg. Latency fp32_pkg::MulLatency (4) enabled cycles, one result per cycle.
// The 24x24 product is written as 24x17 and 24x7, the widths of two DSP48 slices whose registers are
// the first pipeline stage; the second stage adds the halves in the slice's own adder.

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

  // Stage 1: partial products, exponent sum, operand classes. A zero operand needs no zero
  // significand, because the exponent decides the result.
  logic [23:0] man_a, man_b;
  assign man_a   = {1'b1, a_i[22:0]};
  assign man_b   = {1'b1, b_i[22:0]};

  logic [40:0] low_q;
  logic [30:0] high_q;
  logic [8:0]  exp_q;
  logic        sign_q, zero_q, a_special_q, b_special_q, a_rest_q, b_rest_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q  <= 41'(man_a) * 41'(man_b[LowBits-1:0]);
      high_q <= 31'(man_a) * 31'(man_b[23:LowBits]);
      // With its bias twice.
      exp_q       <= 9'(a_i[30:23]) + 9'(b_i[30:23]);
      sign_q      <= a_i[31] ^ b_i[31];
      zero_q      <= fp32_pkg::is_zero(a_i) || fp32_pkg::is_zero(b_i);
      a_special_q <= a_i[30:23] == 8'hFF;
      b_special_q <= b_i[30:23] == 8'hFF;
      a_rest_q    <= a_i[22:0] != '0;
      b_rest_q    <= b_i[22:0] != '0;
    end
  end

  // Stage 2: the product above its low 17 bits, which matter only as a sticky bit.
  logic [30:0]       product_q2;
  logic              sticky_q2;
  logic signed [9:0] exp_q2;
  logic              sign_q2, nan_q2, inf_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q2 <= high_q + 31'(low_q[40:LowBits]);
      sticky_q2  <= |low_q[LowBits-1:0];
      // Zeros make it too small for a number.
      exp_q2     <= zero_q ? -10'sd128 : 10'(exp_q) - 10'(fp32_pkg::ExponentBias);
      sign_q2    <= sign_q;
      nan_q2     <= (a_special_q && (a_rest_q || zero_q)) || (b_special_q && (b_rest_q || zero_q));
      inf_q2     <= a_special_q || b_special_q;
    end
  end

  // Stage 3: normalize by at most one, round. A product of 2 or more increments the exponent, or a
  // carry out of the fraction does; not both, because the largest product does not round up. So both
  // go into the exponent at one place: there 1 + 1 makes a carry, 1 + 0 lets that of the fraction pass.
  logic               above;
  logic [22:0]        fraction;
  logic               guard, sticky, round_up;
  logic signed [9:0]  rounded_exp;
  logic [22:0]        rounded_fraction;
  logic               unused_between;

  assign above    = product_q2[30];
  assign fraction = above ? product_q2[29:7] : product_q2[28:6];
  assign guard    = above ? product_q2[6] : product_q2[5];
  assign sticky   = sticky_q2 || (|product_q2[4:0]) || (above && product_q2[5]);
  assign round_up = guard && (sticky || fraction[0]);
  assign {rounded_exp, unused_between, rounded_fraction} =
      {exp_q2, 1'b1, fraction} + {10'h0, above, 22'h0, round_up};

  logic signed [9:0] exp_q3;
  logic [22:0]       fraction_q3;
  logic              sign_q3, nan_q3, inf_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      exp_q3      <= rounded_exp;
      fraction_q3 <= rounded_fraction;
      sign_q3     <= sign_q2;
      nan_q3      <= nan_q2;
      inf_q3      <= inf_q2;
    end
  end

  // Stage 4: pack.
  logic [31:0] y_d, y_q;

  assign y_d = nan_q3 ? fp32_pkg::CanonicalNan :
               inf_q3 ? {sign_q3, fp32_pkg::InfinityBits} :
                        fp32_pkg::pack(sign_q3, 11'(exp_q3), fraction_q3);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : fp32_mul
