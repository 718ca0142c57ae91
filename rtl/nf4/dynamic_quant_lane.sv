// SPDX-License-Identifier: Apache-2.0
//
// One centred absmax to its 8-bit dynamic code.
//
// Why: bitsandbytes rounds the reciprocal of the nested absmax, the product with it, the sum with one
// and a position in a 65,536-entry table. All of that is monotone in the exact product, so this lane
// compares the product with the 255 points where the code changes.
// Latency 11 enabled cycles, one value per cycle.

module dynamic_quant_lane (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  // FP32, finite, subnormals included, magnitude at most the scale.
  input  logic [31:0] value_i,
  // Magnitude bits of the block's nested absmax.
  input  logic [30:0] scale_i,
  // Reciprocal of the scale's significand, as significand_reciprocal gives it.
  input  logic [23:0] reciprocal_i,
  input  logic        double_i,
  output logic [7:0]  code_o
);

  // 2^-128: the FP32 reciprocal of this or less is infinite.
  localparam logic [30:0] LargestTiny = 31'h0020_0000;
  // A value this many binary orders below the scale is less than 2^-25 of it and has zero's code.
  localparam logic [7:0] FarOrders = 8'd26;
  // Bits of the reciprocal that the lower of the two multipliers takes (DSP48 slices: 24x17 and 24x7).
  localparam int LowBits  = 17;
  localparam int KeyWidth = nf4_pkg::DynamicKeyWidth;
  // Zeros between the product's last bit and the last fraction bit of a key.
  localparam int PadBits  = nf4_pkg::DynamicFraction - 46;
  localparam int LostBits = int'(FarOrders);

  // Stage 1: partial products and the places between value and scale. A subnormal counts as exponent
  // 0 with its significand doubled, or as exponent -1 with it doubled twice when the scale needs that.
  logic        deep;
  logic [23:0] significand;
  logic [7:0]  orders;

  assign deep        = scale_i[30:22] == '0;
  assign significand = value_i[30:23] != '0 ? {1'b1, value_i[22:0]} :
                       deep ? {value_i[21:0], 2'b00} : {value_i[22:0], 1'b0};
  assign orders      = scale_i[30:23] - value_i[30:23];

  logic [40:0] low_q;
  logic [30:0] high_q;
  logic [4:0]  shift_q;
  logic        zero_q, tiny_q, sign_q, positive_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q      <= 41'(significand) * 41'(reciprocal_i[LowBits-1:0]);
      high_q     <= 31'(significand) * 31'(reciprocal_i[23:LowBits]);
      shift_q    <= orders[4:0] + 5'(!double_i);
      zero_q     <= orders >= FarOrders;
      tiny_q     <= scale_i <= LargestTiny;
      sign_q     <= value_i[31];
      positive_q <= !value_i[31] && value_i[30:0] != '0;
    end
  end

  // Stage 2: the product in units of 2^-46 of the scaled value before the shift.
  logic [47:0] product_q2;
  logic [4:0]  shift_q2;
  logic        zero_q2, tiny_q2, sign_q2, positive_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q2  <= {high_q, {LowBits{1'b0}}} + 48'(low_q);
      shift_q2    <= shift_q;
      zero_q2     <= zero_q;
      tiny_q2     <= tiny_q;
      sign_q2     <= sign_q;
      positive_q2 <= positive_q;
    end
  end

  // Stage 3: the search key, a signed fixed-point number whose last bit is sticky. An infinite
  // reciprocal takes positive values to the last code, negative ones and zero to the first.
  logic [KeyWidth-3:0] fixed;
  logic [LostBits-1:0] below;
  logic [KeyWidth-1:0] key_d, key_q;
  logic                unused;

  // The scaled value is below 2, so nothing is shifted out at the top.
  assign {unused, fixed, below} = {product_q2, {(PadBits+LostBits){1'b0}}} >> shift_q2;

  always_comb begin
    key_d = {1'b0, fixed, |below} ^ {KeyWidth{sign_q2}};
    if (zero_q2) key_d = '0;
    if (tiny_q2) key_d = {!positive_q2, {(KeyWidth-1){positive_q2}}};
  end

  always_ff @(posedge clk_i) begin
    if (en_i) key_q <= key_d;
  end

  // Stages 4 to 11.
  threshold_search #(
    .WIDTH(KeyWidth),
    .LEVELS(8),
    .KEYS(nf4_pkg::DynamicKeys)
  ) u_search (
    .clk_i,
    .en_i,
    .key_i(key_q),
    .code_o
  );

endmodule : dynamic_quant_lane
