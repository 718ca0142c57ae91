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
  localparam int MulLatency     = 3;
  localparam int AddLatency     = 4;
  localparam int FromIntLatency = 3;

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
    if (exponent <= 11'sd0) pack = {sign, 31'h0};
    else if (exponent >= 11'sd255) pack = {sign, InfinityBits};
    else pack = {sign, exponent[7:0], fraction};
  endfunction

  // Number of zeros above the highest set bit; 63 for zero. Two steps, nibbles first, keep it about
  // six LUTs deep. Narrower operands go to the top bits.
  function automatic logic [5:0] leading_zeros(input logic [63:0] x);
    logic [15:0] used;
    logic [7:0]  used8;
    logic [3:0]  used4, nibble;
    logic [1:0]  used2, top2;
    logic [63:0] shifted;
    used = {|x[63:60], |x[59:56], |x[55:52], |x[51:48], |x[47:44], |x[43:40], |x[39:36], |x[35:32],
            |x[31:28], |x[27:24], |x[23:20], |x[19:16], |x[15:12], |x[11:8], |x[7:4], |x[3:0]};
    leading_zeros[5] = ~|used[15:8];
    used8            = leading_zeros[5] ? used[7:0] : used[15:8];
    leading_zeros[4] = ~|used8[7:4];
    used4            = leading_zeros[4] ? used8[3:0] : used8[7:4];
    leading_zeros[3] = ~|used4[3:2];
    used2            = leading_zeros[3] ? used4[1:0] : used4[3:2];
    leading_zeros[2] = ~used2[1];
    shifted          = x << {leading_zeros[5:2], 2'b00};
    nibble           = shifted[63:60];
    leading_zeros[1] = ~|nibble[3:2];
    top2             = leading_zeros[1] ? nibble[1:0] : nibble[3:2];
    leading_zeros[0] = ~top2[1];
  endfunction

endpackage : fp32_pkg

/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on UNUSEDPARAM */
