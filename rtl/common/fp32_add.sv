// SPDX-License-Identifier: Apache-2.0
//
// FP32 adder.
//
// Why: block sums, LoRA contributions and gradients are accumulated in FP32 by this unit alone.
// Numerics as in fp32_pkg; an exact cancellation gives +0. Latency fp32_pkg::AddLatency (4) enabled
// cycles, one result per cycle.
// Rounding comes before the long left shift: a sum that needs more than one place of normalization
// has operands at most one place apart and is therefore exact. So no stage holds both a full shift
// and a rounding carry.

module fp32_add (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);

  // Stage 1: order by magnitude. Equal magnitudes may go either way.
  logic        swap;
  logic [23:0] man_a, man_b;
  logic        subtract;

  assign swap     = b_i[30:0] > a_i[30:0];
  assign man_a    = fp32_pkg::is_zero(a_i) ? 24'h0 : {1'b1, a_i[22:0]};
  assign man_b    = fp32_pkg::is_zero(b_i) ? 24'h0 : {1'b1, b_i[22:0]};
  assign subtract = a_i[31] ^ b_i[31];

  logic [23:0] big_q, small_q;
  logic [7:0]  exp_q, shift_q;
  logic        sign_q, subtract_q, nan_q, inf_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      big_q      <= swap ? man_b : man_a;
      small_q    <= swap ? man_a : man_b;
      exp_q      <= swap ? b_i[30:23] : a_i[30:23];
      shift_q    <= swap ? b_i[30:23] - a_i[30:23] : a_i[30:23] - b_i[30:23];
      sign_q     <= swap ? b_i[31] : a_i[31];
      subtract_q <= subtract;
      inf_q      <= fp32_pkg::is_inf(a_i) || fp32_pkg::is_inf(b_i);
      nan_q      <= fp32_pkg::is_nan(a_i) || fp32_pkg::is_nan(b_i)
                    || (fp32_pkg::is_inf(a_i) && fp32_pkg::is_inf(b_i) && subtract);
    end
  end

  // Stage 2: align the smaller operand to guard, round and sticky bits, then add or subtract.
  logic        far;
  logic [26:0] shifted;
  logic [23:0] lost_mask;
  logic        sticky;
  logic [27:0] addend;

  // From 27 places on only the sticky bit is left; the shifter and the mask see to that up to 31.
  assign far       = |shift_q[7:5];
  assign shifted   = {small_q, 3'b000} >> shift_q[4:0];
  // Ones over the bits of small_q that fall below the sticky position.
  assign lost_mask = ~(24'hFF_FFFF << (shift_q[4:0] < 5'd3 ? 5'd0 : shift_q[4:0] - 5'd3));
  assign sticky    = |(small_q & (lost_mask | {24{far}}));
  assign addend    = far ? {27'h0, sticky} : {1'b0, shifted[26:1], shifted[0] | sticky};

  logic [27:0] sum_q2;
  logic [7:0]  exp_q2;
  logic        sign_q2, subtract_q2, nan_q2, inf_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sum_q2      <= {1'b0, big_q, 3'b000} + (addend ^ {28{subtract_q}}) + 28'(subtract_q);
      exp_q2      <= exp_q;
      sign_q2     <= sign_q;
      subtract_q2 <= subtract_q;
      nan_q2      <= nan_q;
      inf_q2      <= inf_q;
    end
  end

  // Stage 3: normalize by one place either way and round; count what is left to shift.
  logic [22:0]        normal;
  logic               guard, rest, round_up;
  logic signed [10:0] normal_exp;
  logic [4:0]         zeros;

  // Fraction (the leading one left out), guard and rest for a sum of 2 or more, of 1 to 2, and of less than 1.
  assign {normal, guard, rest} = sum_q2[27] ? {sum_q2[26:3], |sum_q2[2:0]} :
                                 sum_q2[26] ? {sum_q2[25:2], |sum_q2[1:0]} :
                                              sum_q2[24:0];
  assign normal_exp = 11'(exp_q2) + (sum_q2[27] ? 11'sd1 : sum_q2[26] ? 11'sd0 : -11'sd1);
  assign round_up = guard && (rest || normal[0]);
  assign zeros    = fp32_pkg::leading_zeros({sum_q2[25:2], 8'h0});

  logic [23:0]        rounded_q3;
  logic signed [10:0] exp_q3;
  logic [4:0]         zeros_q3;
  logic               sign_q3, zero_q3, nan_q3, inf_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      rounded_q3 <= 24'(normal) + 24'(round_up);
      exp_q3     <= normal_exp;
      zeros_q3   <= (|sum_q2[27:26]) ? 5'd0 : zeros;
      zero_q3    <= sum_q2 == '0;
      sign_q3    <= sign_q2 && !(subtract_q2 && sum_q2 == '0);
      nan_q3     <= nan_q2;
      inf_q3     <= inf_q2;
    end
  end

  // Stage 4: the long left shift, the exponent and the special results. A rounding carry leaves a
  // zero fraction and excludes a left shift.
  logic [22:0]        fraction;
  logic signed [10:0] final_exp;
  logic [31:0]        y_d, y_q;

  assign fraction  = rounded_q3[22:0] << zeros_q3;
  assign final_exp = exp_q3 - (rounded_q3[23] ? -11'sd1 : 11'(zeros_q3));

  assign y_d = nan_q3  ? fp32_pkg::CanonicalNan :
               inf_q3  ? {sign_q3, fp32_pkg::InfinityBits} :
               zero_q3 ? {sign_q3, 31'h0} :
                         fp32_pkg::pack(sign_q3, final_exp, fraction);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : fp32_add
