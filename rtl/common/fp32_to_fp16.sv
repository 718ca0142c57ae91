// SPDX-License-Identifier: Apache-2.0
//
// FP32 to FP16, round to nearest even.
//
// Why: results may be stored as FP16. Unlike the FP32 units this produces subnormal results, exactly
// rounded, because dequantized weights as small as that exist in FP16 models. Overflow gives
// infinity, any NaN fp32_pkg::Fp16Nan; FP32 subnormals lie below half the smallest FP16 number and
// give zero of their sign. Latency one enabled cycle: the coarse half of the shift is before the register, the rest
// behind it. One result per cycle.

module fp32_to_fp16 (
  input  logic        clk_i,
  // Moves the stage by one; low freezes it.
  input  logic        en_i,
  input  logic [31:0] x_i,
  output logic [15:0] y_o
);

  // FP32 exponents of the smallest normal FP16 number, of half the smallest subnormal one less one, and of
  // the first power of two beyond the format.
  localparam logic [7:0] MinNormal = 8'd113;
  localparam logic [7:0] Vanished  = 8'd101;
  localparam logic [7:0] Overflow  = 8'd143;

  logic        overflow, subnormal, lost4;
  logic [3:0]  places;
  logic [11:0] significand, by4;
  logic        nan_q, sign_q, lost_q, sticky, round_up;
  logic [1:0]  places_q;
  logic [4:0]  exponent_q;
  logic [11:0] by4_q;
  logic [10:0] by1;
  logic [14:0] rounded;

  assign overflow  = x_i[30:23] >= Overflow;
  assign subnormal = x_i[30:23] < MinNormal;

  // A normal number drops its leading one at the top. Below MinNormal the significand moves right and
  // the exponent field is zero; the rounding carry then counts through to the smallest normal number
  // by itself, and likewise to infinity at the top. 15 places leave neither a fraction nor a guard bit.
  assign places = overflow || x_i[30:23] <= Vanished ? 4'd15 : subnormal ? 4'(MinNormal - x_i[30:23]) : 4'd0;
  // The fraction with its leading one, and the guard bit.
  assign significand = {1'b1, x_i[22:12]};

  // Four ways a step are one LUT per bit.
  assign by4   = places[3:2] == 2'd0 ? significand
               : places[3:2] == 2'd1 ? significand >> 4
               : places[3:2] == 2'd2 ? significand >> 8 : 12'd0;
  assign lost4 = (places[3:2] != '0 && significand[3:0] != '0) || (places[3] && significand[7:4] != '0) ||
                 places[3:2] == 2'd3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      nan_q      <= fp32_pkg::is_nan(x_i);
      sign_q     <= x_i[31];
      places_q   <= places[1:0];
      exponent_q <= overflow ? 5'h1F : subnormal ? 5'd0 : 5'(x_i[30:23] - (MinNormal - 8'd1));
      by4_q      <= by4;
      lost_q     <= x_i[11:0] != '0 || lost4;
    end
  end

  assign by1 = 11'(places_q == 2'd0 ? by4_q
                   : places_q == 2'd1 ? by4_q >> 1
                   : places_q == 2'd2 ? by4_q >> 2 : by4_q >> 3);

  assign sticky = lost_q
                  || (places_q != '0 && by4_q[0])
                  || (places_q[1] && by4_q[1])
                  || (places_q == 2'd3 && by4_q[2]);
  assign round_up = by1[0] && (sticky || by1[1]);
  assign rounded  = {exponent_q, by1[10:1]} + 15'(round_up);

  assign y_o = nan_q ? fp32_pkg::Fp16Nan : {sign_q, rounded};

endmodule : fp32_to_fp16
