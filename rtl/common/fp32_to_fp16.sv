// SPDX-License-Identifier: Apache-2.0
//
// FP32 to FP16, round to nearest even.
//
// Why: results may be stored as FP16. Unlike the FP32 units this produces subnormal results, exactly
// rounded, because dequantized weights as small as that exist in FP16 models. Overflow gives
// infinity, any NaN fp32_pkg::Fp16Nan; FP32 subnormals lie below half the smallest FP16 number and
// give zero of their sign. Latency one enabled cycle: how far a value moves is worked out before the register, the rest
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

  logic        nan_q, sign_q, overflow, subnormal, below_q, sticky, round_up;
  logic [3:0]  places_q;
  logic [4:0]  exponent_q;
  logic [11:0] significand_q, by4;
  logic [10:0] by1;
  logic [14:0] rounded;

  assign overflow  = x_i[30:23] >= Overflow;
  assign subnormal = x_i[30:23] < MinNormal;

  // A normal number drops its leading one at the top. Below MinNormal the significand moves right and
  // the exponent field is zero; the rounding carry then counts through to the smallest normal number
  // by itself, and likewise to infinity at the top. 15 places leave neither a fraction nor a guard bit.
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      nan_q         <= fp32_pkg::is_nan(x_i);
      sign_q        <= x_i[31];
      places_q      <= overflow || x_i[30:23] <= Vanished ? 4'd15 : subnormal ? 4'(MinNormal - x_i[30:23]) : 4'd0;
      exponent_q    <= overflow ? 5'h1F : subnormal ? 5'd0 : 5'(x_i[30:23] - (MinNormal - 8'd1));
      // The fraction with its leading one, and the guard bit.
      significand_q <= {1'b1, x_i[22:12]};
      below_q       <= x_i[11:0] != '0;
    end
  end

  // Four ways a step are one LUT per bit.
  assign by4 = places_q[3:2] == 2'd0 ? significand_q
             : places_q[3:2] == 2'd1 ? significand_q >> 4
             : places_q[3:2] == 2'd2 ? significand_q >> 8 : 12'd0;
  assign by1 = 11'(places_q[1:0] == 2'd0 ? by4
                   : places_q[1:0] == 2'd1 ? by4 >> 1
                   : places_q[1:0] == 2'd2 ? by4 >> 2 : by4 >> 3);

  assign sticky = below_q
                  || (places_q[3:2] != '0 && significand_q[3:0] != '0)
                  || (places_q[3] && significand_q[7:4] != '0)
                  || (places_q[3:2] == 2'd3)
                  || (places_q[1:0] != '0 && by4[0])
                  || (places_q[1] && by4[1])
                  || (places_q[1:0] == 2'd3 && by4[2]);
  assign round_up = by1[0] && (sticky || by1[1]);
  assign rounded  = {exponent_q, by1[10:1]} + 15'(round_up);

  assign y_o = nan_q ? fp32_pkg::Fp16Nan : {sign_q, rounded};

endmodule : fp32_to_fp16
