// SPDX-License-Identifier: Apache-2.0
//
// An 8-bit integer times a block's power of two, as FP16: exact.
//
// Why: BFP8 (tb/models/bfp8.py) becomes what the datapath knows already. Scales are those whose products FP16 holds.
// Latency: 0 (combinational).

module bfp8_to_fp16 (
  // Sign and magnitude, at most 128.
  input  logic        negative_i,
  input  logic [7:0]  magnitude_i,
  // The value is integer * 2^(scale - 24); a scale over 33: NaN.
  input  logic [5:0]  scale_i,
  output logic [15:0] y_o
);

  logic [3:0]  less, most;
  logic [3:0]  places;
  logic [9:0]  by1;
  logic [9:0]  fraction;
  logic [4:0]  exponent;
  logic        nan, normal;

  // FP16's smallest normal number is 2^10 of its units. By the place of the leading one: what a normal number's exponent is
  // less than the scale, and how far it moves.
  always_comb begin
    less   = 4'd2;
    most   = 4'd3;
    normal = 1'b0;
    for (int i = 0; i < 8; i++) begin
      if (magnitude_i[i]) less = 4'(9 - i);
      if (magnitude_i[i]) most = 4'(10 - i);
      if (magnitude_i[i] && scale_i >= 6'(10 - i)) normal = 1'b1;
    end
  end
  assign nan      = scale_i > 6'd33;
  assign exponent = scale_i[4:0] - 5'(less);

  // A normal number's leading one moves out of the fraction, to bit 10; a subnormal one moves by its scale, which then
  // is less than that. 12 places and more leave nothing.
  assign places   = nan ? 4'd12 : normal ? most : scale_i[3:0];
  assign by1      = places[1:0] == 2'd0 ? {2'd0, magnitude_i}
                  : places[1:0] == 2'd1 ? {1'd0, magnitude_i, 1'd0}
                  : places[1:0] == 2'd2 ? {magnitude_i, 2'd0} : {magnitude_i[6:0], 3'd0};
  assign fraction = places[3:2] == 2'd0 ? by1
                  : places[3:2] == 2'd1 ? {by1[5:0], 4'd0}
                  : places[3:2] == 2'd2 ? {by1[1:0], 8'd0} : 10'd0;

  // NaN has the upper six of these set.
  assign y_o[15]   = negative_i && !nan;
  assign y_o[14:9] = nan ? 6'h3F : {normal ? exponent : 5'd0, fraction[9]};
  assign y_o[8:0]  = fraction[8:0];

endmodule : bfp8_to_fp16
