// SPDX-License-Identifier: Apache-2.0
//
// An 8-bit integer times a block's power of two, as FP16: exact.
//
// Why: BFP8 (tb/models/bfp8.py) becomes what the datapath knows already. Scales are those whose products FP16 holds.
// Latency: 0 (combinational).

module bfp8_to_fp16 (
  // Two's complement.
  input  logic [7:0]  integer_i,
  // The value is integer * 2^(scale - 24); a scale over 33: NaN.
  input  logic [5:0]  scale_i,
  output logic [15:0] y_o
);

  logic [7:0] magnitude;
  logic [6:0] normal;  // behind the leading bit
  logic [2:0] zeros;
  logic [9:0] subnormal;
  logic signed [6:0] exponent;

  assign magnitude = integer_i[7] ? -integer_i : integer_i;
  always_comb begin
    zeros = 3'd0;
    for (int i = 0; i < 8; i++) if (magnitude[i]) zeros = 3'(7 - i);
  end
  assign normal    = magnitude[6:0] << zeros;
  assign subnormal = 10'(magnitude) << scale_i[3:0];
  // FP16's exponent field, at most zero where the number is subnormal.
  assign exponent  = $signed({1'b0, scale_i}) - 7'sd2 - $signed({4'b0, zeros});

  assign y_o = scale_i > 6'd33 ? 16'h7E00
             : magnitude == '0 ? 16'h0000
             : exponent > 0 ? {integer_i[7], exponent[4:0], normal, 3'b000}
             : {integer_i[7], 5'd0, subnormal};

endmodule : bfp8_to_fp16
