// SPDX-License-Identifier: Apache-2.0
//
// Codes of the vector engine's instructions; tb/models/vector.py has the same.

package vector_pkg;

  // Users take what they need.
  // verilator lint_off UNUSEDPARAM

  // Values per scratchpad word, whatever number of them is worked on per cycle. The order of a row's sum depends on it:
  // there are eight words of interleaved sums.
  localparam int Lanes = 8;

  // Addresses of commands, in words and in values.
  localparam int AddressWidth = 16;
  localparam int ValueWidth   = 19;

  // What a value is multiplied with (x) and what is added to the product (z).
  localparam logic [1:0] OperandImmediate = 2'd0;
  localparam logic [1:0] OperandSelf      = 2'd1;  // x only: the value itself
  localparam logic [1:0] OperandB         = 2'd2;

  // What becomes of the sum; the functions are those of functions_pkg.
  localparam logic [1:0] FunctionNone = 2'd3;

  // What is stored per row.
  localparam logic [1:0] ReductionNone   = 2'd0;
  localparam logic [1:0] ReductionSum    = 2'd1;
  localparam logic [1:0] ReductionMax    = 2'd2;
  localparam logic [1:0] ReductionArgmax = 2'd3;

  // verilator lint_on UNUSEDPARAM

endpackage : vector_pkg
