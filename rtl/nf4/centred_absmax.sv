// SPDX-License-Identifier: Apache-2.0
//
// Difference of two FP32 values in full IEEE 754, subnormals included.
//
// Why: double quantization codes absmax minus its mean. The project's FP32 adder flushes subnormals,
// which would change the codes of tensors with very small scales; this subtractor keeps them, so that
// the codes equal bitsandbytes' for every finite input.
// Latency 4 enabled cycles, one difference per cycle.

module centred_absmax (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  input  logic [31:0] value_i,
  input  logic [31:0] offset_i,
  // value_i - offset_i, round to nearest even; meaningless when nonfinite_o. A zero has either sign.
  output logic [31:0] difference_o,
  // An operand is NaN or infinite, or the difference overflows.
  output logic        nonfinite_o
);

  // Stage 1: order by magnitude. A subnormal has the exponent of the smallest normal number.
  logic [30:0] value, offset, greater, lesser;
  logic        swap;

  assign value  = value_i[30:0];
  assign offset = offset_i[30:0];
  assign swap   = offset > value;
  assign greater = swap ? offset : value;
  assign lesser  = swap ? value : offset;

  logic [7:0] greater_exp, lesser_exp;

  assign greater_exp = greater[30:23] == '0 ? 8'd1 : greater[30:23];
  assign lesser_exp  = lesser[30:23] == '0 ? 8'd1 : lesser[30:23];

  logic [23:0] greater_q, lesser_q;
  logic [7:0]  exp_q, shift_q;
  logic        sign_q, subtract_q, nonfinite_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      greater_q   <= {greater[30:23] != '0, greater[22:0]};
      lesser_q    <= {lesser[30:23] != '0, lesser[22:0]};
      exp_q       <= greater_exp;
      shift_q     <= greater_exp - lesser_exp;
      sign_q      <= swap ? !offset_i[31] : value_i[31];
      subtract_q  <= value_i[31] == offset_i[31];
      nonfinite_q <= greater[30:23] == 8'hFF;
    end
  end

  // Stage 2: align, with guard, round and sticky bits, and add or subtract.
  logic [26:0] aligned, addend;
  logic [25:0] lost;
  logic        far;

  assign far             = shift_q > 8'd26;
  assign {aligned, lost} = {lesser_q, 29'h0} >> shift_q[4:0];
  assign addend          = far ? {26'h0, |lesser_q} : {aligned[26:1], aligned[0] || (|lost)};

  logic [27:0] sum_q2;
  logic [7:0]  exp_q2;
  logic        sign_q2, nonfinite_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sum_q2       <= {1'b0, greater_q, 3'b000} + ({1'b0, addend} ^ {28{subtract_q}}) + 28'(subtract_q);
      exp_q2       <= exp_q;
      sign_q2      <= sign_q;
      nonfinite_q2 <= nonfinite_q;
    end
  end

  // Stage 3: places to the left, no more than the exponent allows.
  logic [4:0] zeros;
  logic [7:0] room;

  assign zeros = fp32_pkg::leading_zeros({sum_q2[26:0], 5'h0});
  assign room  = exp_q2 - 8'd1;

  logic [27:0] sum_q3;
  logic [7:0]  exp_q3;
  logic [4:0]  left_q3;
  logic        sign_q3, nonfinite_q3, carry_q3, zero_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sum_q3       <= sum_q2;
      carry_q3     <= sum_q2[27];
      zero_q3      <= sum_q2 == '0;
      left_q3      <= sum_q2[27] ? 5'd0 : room < 8'(zeros) ? room[4:0] : zeros;
      exp_q3       <= exp_q2;
      sign_q3      <= sign_q2;
      nonfinite_q3 <= nonfinite_q2;
    end
  end

  // Stage 4: shift, round, pack. The hidden bit counts one up in the exponent field; without it the
  // field is zero already, because the shift stopped at exponent 1.
  logic [26:0] normal;
  logic [7:0]  field;
  logic        round_up;
  logic [31:0] packed_d;

  // Nothing is shifted out at the top: the leading one stops at bit 26.
  assign normal   = carry_q3 ? {sum_q3[27:2], |sum_q3[1:0]} : sum_q3[26:0] << left_q3;
  assign field    = zero_q3 ? '0 : exp_q3 + 8'(carry_q3) - 8'(left_q3) - 8'd1;
  assign round_up = normal[2] && ((|normal[1:0]) || normal[3]);
  assign packed_d = {1'b0, field, 23'h0} + 32'(normal[26:3]) + 32'(round_up);

  logic [31:0] difference_q;
  logic        nonfinite_q4;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      difference_q <= {sign_q3, packed_d[30:0]};
      nonfinite_q4 <= nonfinite_q3 || packed_d[30:23] == 8'hFF;
    end
  end

  logic unused;
  assign unused = packed_d[31];

  assign difference_o = difference_q;
  assign nonfinite_o  = nonfinite_q4;

endmodule : centred_absmax
