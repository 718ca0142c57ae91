// SPDX-License-Identifier: Apache-2.0
//
// BF16 to FP32, exact, combinational.
//
// Why: BF16 is the upper half of FP32, so this is wiring, except that any NaN becomes
// fp32_pkg::CanonicalNan. A BF16 subnormal becomes the same FP32 subnormal, which the FP32 units
// then read as zero.

module bf16_to_fp32 (
  input  logic [15:0] x_i,
  output logic [31:0] y_o
);

  logic nan;
  assign nan = x_i[14:7] == 8'hFF && x_i[6:0] != '0;
  assign y_o = nan ? fp32_pkg::CanonicalNan : {x_i, 16'h0};

endmodule : bf16_to_fp32
