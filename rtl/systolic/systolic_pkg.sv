// SPDX-License-Identifier: Apache-2.0
//
// Constants shared by the systolic array and the engines around it.

package systolic_pkg;
  localparam int Rows = 64;  // array rows: one block of the reduction axis
  localparam int WeightWidth = 18;  // signed weight operand: the DSP48E1's narrow input
  localparam int SumWidth = 48;  // column sum: 64 products of 25 x 18 bits fit exactly
  // Cycles from a vector's swap at systolic_array, one before its first element, to its sum at column group 0's output.
  localparam int ArrayLatency = Rows + 3;

  // Row of the array that has an element of the reduction, where a column comes in so many parts. A part's elements lie that
  // far apart, so that a part's weights have the next part's rows beside theirs.
  function automatic int row_of(input int element, input int parts);
    row_of = element % (Rows / parts) * parts + element / (Rows / parts);
  endfunction

  // Stored weight formats. One module compares with one of them only.
  /* verilator lint_off UNUSEDPARAM */
  localparam logic [2:0] FormatCodes = 3'd0;  // 4-bit codes with double-quantized scales
  localparam logic [2:0] FormatFp32 = 3'd1;
  localparam logic [2:0] FormatFp16 = 3'd2;
  localparam logic [2:0] FormatCodes3 = 3'd3;  // as 4-bit codes, and the next ones too
  localparam logic [2:0] FormatCodes2 = 3'd4;
  localparam logic [2:0] FormatInt8 = 3'd5;
  localparam logic [2:0] FormatBfp8 = 3'd6;  // 8-bit integers that hold their scale, taken as FP16
  /* verilator lint_on UNUSEDPARAM */

  // Whether a stored format is one of codes with double-quantized scales.
  function automatic logic is_codes(input logic [2:0] format);
    is_codes = format != FormatFp32 && format != FormatFp16 && format != FormatBfp8;
  endfunction

  localparam logic [31:0] FpOne = 32'h3F80_0000;

  // A small counter's next value, each bit one LUT: what moves it comes late, and a carry chain would come on top.
  function automatic logic [3:0] count(input logic [3:0] value, input logic up, input logic down);
    logic more, less;
    begin
      more = up && !down;
      less = down && !up;
      count[0] = value[0] ^ (more || less);
      count[1] = value[1] ^ ((more && value[0]) || (less && !value[0]));
      count[2] = value[2] ^ ((more && value[1:0] == 2'b11) || (less && value[1:0] == 2'b00));
      count[3] = value[3] ^ ((more && value[2:0] == 3'b111) || (less && value[2:0] == 3'b000));
    end
  endfunction

endpackage : systolic_pkg
