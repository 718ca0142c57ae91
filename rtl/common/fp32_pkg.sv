// SPDX-License-Identifier: Apache-2.0
//
// Constants and helpers shared by the FP32 units.
//
// Why: every unit keeps the same rules, so they are written once. IEEE 754 binary32, round to nearest
// even; a subnormal operand is read as zero of its sign; a result whose value, rounded to 24
// significant bits with unbounded exponent, lies below 2^-126 becomes zero of its sign; every NaN
// result is CanonicalNan; infinities propagate as in the standard.
//
// The units have no reset and no valid: a user moves its valid flag along a shift register of the
// latency given here, all of it enabled by the same en_i.

// A user takes what it needs from here, and the helpers look at the fields they need.
/* verilator lint_off UNUSEDPARAM */
/* verilator lint_off UNUSEDSIGNAL */

package fp32_pkg;

  // Enabled clock cycles from operand to result.
  localparam int MulLatency     = 5;
  localparam int AddLatency     = 5;
  localparam int FromIntLatency = 4;

  localparam logic [31:0] CanonicalNan  = 32'h7FC0_0000;
  localparam logic [15:0] Fp16Nan       = 16'h7E00;
  localparam logic [15:0] Bf16Nan       = 16'h7FC0;
  localparam logic [30:0] InfinityBits  = 31'h7F80_0000;
  localparam int          ExponentBias  = 127;

  // Operand classes. Subnormals count as zero.
  function automatic logic is_zero(input logic [31:0] x);
    is_zero = x[30:23] == 8'h00;
  endfunction

  function automatic logic is_inf(input logic [31:0] x);
    is_inf = x[30:0] == InfinityBits;
  endfunction

  function automatic logic is_nan(input logic [31:0] x);
    is_nan = x[30:23] == 8'hFF && x[22:0] != '0;
  endfunction

  // Assembles a rounded value; the biased exponent may lie outside the format on either side.
  function automatic logic [31:0] pack(input logic sign, input logic signed [10:0] exponent,
                                       input logic [22:0] fraction);
    if (exponent[10] || exponent == '0) pack = {sign, 31'h0};
    else if (exponent[9:8] != '0 || exponent[7:0] == 8'hFF) pack = {sign, InfinityBits};
    else pack = {sign, exponent[7:0], fraction};
  endfunction

  // Number of flags above the highest set one; 15 for none.
  function automatic logic [3:0] leading_flags(input logic [15:0] flags);
    logic [7:0] flags8;
    logic [3:0] flags4;
    logic [1:0] flags2;
    leading_flags[3] = flags[15:8] == '0;
    flags8           = leading_flags[3] ? flags[7:0] : flags[15:8];
    leading_flags[2] = flags8[7:4] == '0;
    flags4           = leading_flags[2] ? flags8[3:0] : flags8[7:4];
    leading_flags[1] = flags4[3:2] == '0;
    flags2           = leading_flags[1] ? flags4[1:0] : flags4[3:2];
    leading_flags[0] = !flags2[1];
  endfunction

  // Number of zeros above the highest set bit, up to 31. Nibbles first, then the bits of the first
  // nibble in use, which keeps it about six LUTs deep. Narrower operands go to the top bits.
  function automatic logic [4:0] leading_zeros(input logic [31:0] x);
    logic [3:0]  nibbles, bits;
    logic [31:0] shifted;
    nibbles = leading_flags({|x[31:28], |x[27:24], |x[23:20], |x[19:16], |x[15:12], |x[11:8], |x[7:4],
                             9'h1FF});
    shifted = x << {nibbles[2:0], 2'b00};
    bits    = leading_flags({shifted[31:29], 13'h1FFF});
    leading_zeros = {nibbles[2:0], bits[1:0]};
  endfunction

endpackage : fp32_pkg

/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on UNUSEDPARAM */
