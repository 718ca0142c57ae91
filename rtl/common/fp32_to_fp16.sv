// SPDX-License-Identifier: Apache-2.0
//
// FP32 to FP16, round to nearest even, combinational.
//
// Why: results may be stored as FP16. Unlike the FP32 units this produces subnormal results, exactly
// rounded, because dequantized weights as small as that exist in FP16 models. Overflow gives
// infinity, any NaN fp32_pkg::Fp16Nan; FP32 subnormals lie below half the smallest FP16 number and
// give zero of their sign.

module fp32_to_fp16 (
  input  logic [31:0] x_i,
  output logic [15:0] y_o
);

  // FP32 exponents of the smallest normal FP16 number and of the first power of two beyond the format.
  localparam logic [7:0] MinNormal = 8'd113;
  localparam logic [7:0] Overflow  = 8'd143;
  // Places by which a significand may be moved before even its rounding bit is gone.
  localparam logic [7:0] MaxPlaces = 8'd12;

  logic        subnormal;
  logic [7:0]  places;
  logic [4:0]  exponent;
  logic [23:0] significand;
  logic [22:0] moved;
  logic [11:0] lost;
  logic        guard, sticky, round_up;
  logic [14:0] truncated;

  assign subnormal   = x_i[30:23] < MinNormal;
  assign places      = subnormal ? MinNormal - x_i[30:23] : 8'd0;
  assign exponent    = subnormal ? 5'd0 : 5'(x_i[30:23] - (MinNormal - 8'd1));
  assign significand = {1'b1, x_i[22:0]};

  // A normal number drops its leading one at the top. Below MinNormal the significand moves right and
  // the exponent field is zero; the rounding carry then counts through to the smallest normal number
  // by itself, and likewise to infinity at the top.
  assign {moved, lost} = 35'({significand, 12'h0} >> places[3:0]);
  assign truncated     = {exponent, moved[22:13]};
  assign guard         = moved[12];
  assign sticky        = (|moved[11:0]) || (|lost);
  assign round_up      = guard && (sticky || moved[13]);

  assign y_o = fp32_pkg::is_nan(x_i)   ? fp32_pkg::Fp16Nan :
               x_i[30:23] >= Overflow  ? {x_i[31], 5'h1F, 10'h0} :
               places >= MaxPlaces     ? {x_i[31], 15'h0} :
                                         {x_i[31], truncated + 15'(round_up)};

endmodule : fp32_to_fp16
