// SPDX-License-Identifier: Apache-2.0
//
// Magnitude of one NF4 constant times absmax, rounded to FP32 with subnormals.
//
// Why: a block holds only 16 distinct values, so the dequantizer multiplies 14 times per block and
// not 64 times. The constant is at least 2^-4, so a subnormal result needs a shift of at most four
// places more: exact subnormals cost next to nothing here.
// Latency Latency (3) enabled cycles, one product per cycle. A non-finite absmax is the user's affair.

module nf4_product #(
  // FP32 magnitude of the constant: normal, below 1, at least 2^-4.
  parameter logic [30:0] CONSTANT = 31'h3F00_0000
) (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  // Magnitude bits of absmax.
  input  logic [30:0] absmax_i,
  output logic [30:0] product_o
);

  localparam int          Orders      = 127 - int'(CONSTANT[30:23]);
  localparam logic [23:0] Significand = {1'b1, CONSTANT[22:0]};

  if (Orders < 1 || Orders > 4) begin : g_check
    ERROR_nf4_product_CONSTANT_must_be_below_1_and_at_least_one_sixteenth error ();
  end

  // Places that a subnormal result is moved, at most Orders; a normal one is moved at most one.
  localparam int ShiftWidth = $clog2(Orders + 1);

  // Bits of absmax that the lower of the two multipliers takes (DSP48 slices: 24x17 and 24x7).
  localparam int LowBits = 17;

  // Stage 1: partial products. A subnormal absmax has the exponent of the smallest normal one.
  logic [40:0] low_q;
  logic [30:0] high_q;
  logic [7:0]  exponent, exponent_q;

  assign exponent = absmax_i[30:23] == '0 ? 8'd1 : absmax_i[30:23];

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q      <= 41'(Significand) * 41'(absmax_i[LowBits-1:0]);
      high_q     <= 31'(Significand) * 31'({absmax_i[30:23] != '0, absmax_i[22:LowBits]});
      exponent_q <= exponent;
    end
  end

  // Stage 2: the product, and the shift a subnormal result needs. base is the exponent field of a
  // result with its leading one in product bit 46.
  logic [47:0]           product_q2;
  logic signed [8:0]     base;
  logic [7:0]            base_q2;
  logic [ShiftWidth-1:0] extra_q2;
  logic                  normal_q2;

  assign base = 9'({1'b0, exponent_q}) - 9'(Orders);

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q2 <= {high_q, {LowBits{1'b0}}} + 48'(low_q);
      base_q2    <= base[7:0];
      extra_q2   <= ShiftWidth'(1) - base[ShiftWidth-1:0];
      normal_q2  <= base > 9'sd0;
    end
  end

  // Stage 3: shift, round, pack. A significand with its hidden bit counts one up in the exponent
  // field, so the field below it is added; a subnormal result adds none.
  logic [ShiftWidth-1:0] shift;
  logic [23:0]           kept;
  logic                  guard, round_up;
  logic [25:0]           below;
  logic [7:0]            field;
  logic [30:0]           product_q3;
  logic                  unused;

  assign shift                        = normal_q2 ? ShiftWidth'(product_q2[47]) : extra_q2;
  assign {unused, kept, guard, below} = {product_q2, 4'h0} >> shift;
  assign round_up                     = guard && ((|below) || kept[0]);
  assign field                        = normal_q2 ? base_q2 - 8'(!product_q2[47]) : 8'd0;

  always_ff @(posedge clk_i) begin
    if (en_i) product_q3 <= {field, 23'h0} + 31'(kept) + 31'(round_up);
  end

  assign product_o = product_q3;

endmodule : nf4_product
