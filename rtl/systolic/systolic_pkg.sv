// SPDX-License-Identifier: Apache-2.0
//
// Constants shared by the systolic array and the engines around it.

package systolic_pkg;
  localparam int Rows = 64;  // array rows: one block of the reduction axis
  localparam int WeightWidth = 18;  // signed weight operand: the DSP48E1's narrow input
  localparam int SumWidth = 48;  // column sum: 64 products of 25 x 18 bits fit exactly
  // Cycles from a vector at systolic_array's input to its sum at column group 0's output.
  localparam int ArrayLatency = Rows + 3;

  // Stored weight formats. One module compares with one of them only.
  /* verilator lint_off UNUSEDPARAM */
  localparam logic [1:0] FormatCodes = 2'd0;  // 4-bit codes with double-quantized scales
  localparam logic [1:0] FormatFp32 = 2'd1;
  localparam logic [1:0] FormatFp16 = 2'd2;
  /* verilator lint_on UNUSEDPARAM */

  localparam logic [31:0] FpOne = 32'h3F80_0000;

endpackage : systolic_pkg
