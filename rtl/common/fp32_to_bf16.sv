// SPDX-License-Identifier: Apache-2.0
//
// FP32 to BF16, round to nearest even, combinational.
//
// Why: results may be stored as BF16. Overflow gives infinity, any NaN fp32_pkg::Bf16Nan. FP32
// subnormals are read as zero of their sign, as in every FP32 unit, so no subnormal is produced.

module fp32_to_bf16 (
  input  logic [31:0] x_i,
  output logic [15:0] y_o
);

  logic round_up;
  assign round_up = x_i[15] && ((|x_i[14:0]) || x_i[16]);

  // The rounding carry counts from the fraction into the exponent and, at the top, to infinity.
  assign y_o = fp32_pkg::is_nan(x_i)  ? fp32_pkg::Bf16Nan :
               fp32_pkg::is_zero(x_i) ? {x_i[31], 15'h0} :
                                        {x_i[31], x_i[30:16] + 15'(round_up)};

endmodule : fp32_to_bf16
