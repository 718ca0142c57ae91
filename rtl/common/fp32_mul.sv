// SPDX-License-Identifier: Apache-2.0
//
// FP32 multiplier.
//
// Why: scales, column results and LoRA factors are FP32; this is the one multiplier they all use.
// Numerics as in fp32_pkg. Latency fp32_pkg::MulLatency (3) enabled cycles, one result per cycle.
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
  // significand, because the class decides the result.
  logic [23:0] man_a, man_b;
  assign man_a = {1'b1, a_i[22:0]};
  assign man_b = {1'b1, b_i[22:0]};

  logic [40:0]        low_q;
  logic [30:0]        high_q;
  logic signed [10:0] exp_q;
  logic               sign_q, nan_q, inf_q, zero_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q  <= 41'(man_a) * 41'(man_b[LowBits-1:0]);
      high_q <= 31'(man_a) * 31'(man_b[23:LowBits]);
      exp_q  <= 11'(a_i[30:23]) + 11'(b_i[30:23]) - 11'(fp32_pkg::ExponentBias);
      sign_q <= a_i[31] ^ b_i[31];
      zero_q <= fp32_pkg::is_zero(a_i) || fp32_pkg::is_zero(b_i);
      inf_q  <= fp32_pkg::is_inf(a_i) || fp32_pkg::is_inf(b_i);
      nan_q  <= fp32_pkg::is_nan(a_i) || fp32_pkg::is_nan(b_i)
                || (fp32_pkg::is_inf(a_i) && fp32_pkg::is_zero(b_i))
                || (fp32_pkg::is_zero(a_i) && fp32_pkg::is_inf(b_i));
    end
  end

  // Stage 2: the product above its low 17 bits, which matter only as a sticky bit; the exponent for
  // both positions of the leading one.
  logic [30:0]        product_q2;
  logic               sticky_q2;
  logic signed [10:0] exp_q2, exp_next_q2;
  logic               sign_q2, nan_q2, inf_q2, zero_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q2  <= high_q + 31'(low_q[40:LowBits]);
      sticky_q2   <= |low_q[LowBits-1:0];
      exp_q2      <= exp_q;
      exp_next_q2 <= exp_q + 11'sd1;
      sign_q2     <= sign_q;
      nan_q2      <= nan_q;
      inf_q2      <= inf_q;
      zero_q2     <= zero_q;
    end
  end

  // Stage 3: normalize by at most one, round, pack. A carry out of the fraction increments the
  // exponent, which is what the rounded value needs.
  logic               carry;
  logic [22:0]        fraction;
  logic               guard, sticky, round_up;
  logic signed [10:0] rounded_exp;
  logic [22:0]        rounded_fraction;
  logic [31:0]        y_d, y_q;

  assign carry    = product_q2[30];
  assign fraction = carry ? product_q2[29:7] : product_q2[28:6];
  assign guard    = carry ? product_q2[6] : product_q2[5];
  assign sticky   = sticky_q2 || (|product_q2[4:0]) || (carry && product_q2[5]);
  assign round_up = guard && (sticky || fraction[0]);
  assign {rounded_exp, rounded_fraction} =
      {carry ? exp_next_q2 : exp_q2, fraction} + 34'(round_up);

  assign y_d = nan_q2  ? fp32_pkg::CanonicalNan :
               inf_q2  ? {sign_q2, fp32_pkg::InfinityBits} :
               zero_q2 ? {sign_q2, 31'h0} :
                         fp32_pkg::pack(sign_q2, rounded_exp, rounded_fraction);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : fp32_mul
