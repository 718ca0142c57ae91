// SPDX-License-Identifier: Apache-2.0
//
// One value to its NF4 code.
//
// Why: the rule of bitsandbytes rounds twice, once in the reciprocal of the block's absmax and once in
// the product with it, then compares with bounds. Rounding is monotone, so this lane leaves the
// product exact and compares it with the exact points where the rounded one passes a bound.
// Latency Latency (7) cycles, one value per cycle.

module nf4_quant_lane (
  input  logic        clk_i,
  // FP32, finite, subnormals included.
  input  logic [31:0] value_i,
  // Gives the code of zero whatever the value is.
  input  logic        zero_i,
  // Biased exponent of the block's scale, at least that of the value.
  input  logic [7:0]  scale_exponent_i,
  // Reciprocal of the scale's significand, as significand_reciprocal gives it.
  input  logic [23:0] reciprocal_i,
  input  logic        double_i,
  output logic [3:0]  code_o
);

  // A value this many binary orders below the scale is less than 2^-5 of it, closer to zero than every bound.
  localparam logic [7:0] FarOrders = 8'd6;
  // Bits of the reciprocal that the lower of the two multipliers takes (DSP48 slices: 24x17 and 24x7).
  localparam int LowBits = 17;
  // Product bits that lie below the fraction bits of a key before the shift.
  localparam int DropBits = 46 - nf4_pkg::Nf4Fraction;

  // Stage 1: partial products and the places between value and scale. A subnormal counts as exponent
  // 0 with its significand doubled, like a subnormal scale.
  logic [23:0] significand;
  logic [7:0]  orders;

  assign significand = value_i[30:23] == '0 ? {value_i[22:0], 1'b0} : {1'b1, value_i[22:0]};
  assign orders      = scale_exponent_i - value_i[30:23];

  logic [40:0] low_q;
  logic [30:0] high_q;
  logic [2:0]  shift_q;
  logic        zero_q, sign_q;

  always_ff @(posedge clk_i) begin
    low_q   <= 41'(significand) * 41'(reciprocal_i[LowBits-1:0]);
    high_q  <= 31'(significand) * 31'(reciprocal_i[23:LowBits]);
    shift_q <= orders[2:0] + 3'(!double_i);
    zero_q  <= zero_i || orders >= FarOrders;
    sign_q  <= value_i[31];
  end

  // Stage 2: the product in units of 2^-46 of the scaled value before the shift.
  logic [47:0] product_q2;
  logic [2:0]  shift_q2;
  logic        zero_q2, sign_q2;

  always_ff @(posedge clk_i) begin
    product_q2 <= {high_q, {LowBits{1'b0}}} + 48'(low_q);
    shift_q2   <= shift_q;
    zero_q2    <= zero_q;
    sign_q2    <= sign_q;
  end

  // Stage 3: the search key, a signed fixed-point number whose last bit is sticky.
  logic [nf4_pkg::Nf4Fraction:0] fixed;
  logic [DropBits+7:0]           below;
  logic                          overflow;
  logic [31:0]                   key_q;

  // The scaled value is below 2, so nothing is shifted out at the top.
  assign {overflow, fixed, below} = {product_q2, 8'h00} >> shift_q2;

  always_ff @(posedge clk_i) begin
    key_q <= zero_q2 ? '0 : {1'b0, fixed, |below} ^ {32{sign_q2}};
  end

  logic unused;
  assign unused = overflow;

  // Stages 4 to 7.
  threshold_search #(
    .WIDTH(nf4_pkg::Nf4KeyWidth),
    .LEVELS(4),
    .KEYS(nf4_pkg::Nf4Keys)
  ) u_search (
    .clk_i,
    .en_i(1'b1),
    .key_i(key_q),
    .code_o
  );

endmodule : nf4_quant_lane
