// SPDX-License-Identifier: Apache-2.0
//
// FP16 to FP32, exact, combinational.
//
// Why: activations and LoRA matrices may lie in memory as FP16 while all arithmetic is FP32.
// FP16 subnormals become normal FP32 numbers; any NaN becomes fp32_pkg::CanonicalNan.

module fp16_to_fp32 (
  input  logic [15:0] x_i,
  output logic [31:0] y_o
);

  // A subnormal fraction moved up until its leading one has left it, and the places of that less one.
  logic [9:0] by8, by4, by2, fraction;
  logic [3:0] places;

  assign places[3] = x_i[9:2] == '0;
  assign by8       = places[3] ? {x_i[1:0], 8'h0} : x_i[9:0];
  assign places[2] = by8[9:6] == '0;
  assign by4       = places[2] ? {by8[5:0], 4'h0} : by8;
  assign places[1] = by4[9:8] == '0;
  assign by2       = places[1] ? {by4[7:0], 2'h0} : by4;
  assign places[0] = !by2[9];
  assign fraction  = places[0] ? {by2[7:0], 2'h0} : {by2[8:0], 1'b0};

  // The exponent's bias moves from 15 to 127, by 112, which is 7 in the upper half; a subnormal value's exponent is 112
  // less its places. Written without adders, which would have a carry chain each.
  logic [7:0] normal_exponent, subnormal_exponent;
  logic [3:0] below;  // 16 less the places
  assign normal_exponent = {x_i[14], {3{!x_i[14]}}, x_i[13:10]};
  assign below = {places[3] ^ (|places[2:0]), places[2] ^ (|places[1:0]), places[1] ^ places[0], places[0]};
  assign subnormal_exponent = {3'b011, places == '0, below};

  logic special, normal, nonzero;
  assign special = x_i[14:10] == 5'h1F;
  assign normal  = x_i[14:10] != '0;
  assign nonzero = x_i[9:0] != '0;

  assign y_o = special && nonzero ? fp32_pkg::CanonicalNan :
               special            ? {x_i[15], fp32_pkg::InfinityBits} :
               normal             ? {x_i[15], normal_exponent, x_i[9:0], 13'h0} :
               nonzero            ? {x_i[15], subnormal_exponent, fraction, 13'h0} :
                                    {x_i[15], 31'h0};

endmodule : fp16_to_fp32
