// SPDX-License-Identifier: Apache-2.0
//
// An FP32 value of a BFP8 block to its 8-bit integer, rounded to nearest even.
//
// Why: see tb/models/bfp8.py. The block's scale makes its largest value's leading bit bit 6, so the value is only shifted.
// Latency two enabled cycles: how far a value moves, its shift, and behind the last register sign and end of the range.

module fp32_to_bfp8 (
  input  logic        clk_i,
  // Moves the stage by one; low freezes it.
  input  logic        en_i,
  input  logic [31:0] x_i,
  // The integer counts units of 2^(scale - 24); a scale over 33: zero.
  input  logic [5:0]  scale_i,
  // The scale plus 110.
  input  logic [7:0]  offset_i,
  // The integer is to be even.
  input  logic        even_i,
  output logic [7:0]  y_o
);

  logic [7:0] exponent;
  // Of the leading bit from bit 6 of the integer or of its half; not negative. With the carry from `even` below.
  logic [9:0] distance;
  logic       unused_distance;
  logic [8:0] rest_q, shifted;  // the significand's upper bits, and whether there are more
  logic [2:0] places_q;
  logic [7:0] lost;
  logic [7:0] rounded;
  logic [6:0] magnitude;
  logic       zero_q, even_q, sign_q, zero_q2, even_q2, sign_q2, up;
  logic [7:0] rounded_q2;

  assign exponent = x_i[30:23];
  assign unused_distance = distance[0];
  assign distance = {1'b0, offset_i, 1'b1} + {1'b1, ~exponent, even_i};

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      places_q <= distance[3:1];
      zero_q   <= exponent == '0 || distance[9:4] != '0 || scale_i > 6'd33;
      rest_q   <= {1'b1, x_i[22:16], x_i[15:0] != '0};
      even_q   <= even_i;
      sign_q   <= x_i[31];
    end
  end

  assign {shifted, lost} = {rest_q, 8'd0} >> places_q;
  assign up       = shifted[1] && (shifted[2] || shifted[0] || lost != '0);
  assign rounded  = {1'b0, shifted[8:2]} + 8'(up);

  always_ff @(posedge clk_i) begin
    if (en_i) {rounded_q2, zero_q2, even_q2, sign_q2} <= {rounded, zero_q, even_q, sign_q};
  end

  always_comb begin
    if (even_q2) magnitude = rounded_q2[6] ? 7'd126 : {rounded_q2[5:0], 1'b0};
    else magnitude = rounded_q2[7] ? 7'd127 : rounded_q2[6:0];
  end
  assign y_o = zero_q2 ? '0 : sign_q2 ? -{1'b0, magnitude} : {1'b0, magnitude};

endmodule : fp32_to_bfp8
