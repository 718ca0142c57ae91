// SPDX-License-Identifier: Apache-2.0
//
// Signed integer times a power of two to FP32, rounded once.
//
// Why: the array's block sums are exact integers with a block exponent; this is the only rounding
// between them and the FP32 scale.
// y = round_to_nearest_even(value * 2^exponent), numerics as in fp32_pkg, CanonicalNan when nan_i;
// zero gives +0. Latency fp32_pkg::FromIntLatency (3) enabled cycles, one result per cycle.

module int_to_fp32 #(
  // Bits of the integer, 2 to 64.
  parameter int WIDTH = 48
) (
  input  logic                    clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic                    en_i,
  // The value is not a number, whatever the integer says.
  input  logic                    nan_i,
  input  logic signed [WIDTH-1:0] value_i,
  input  logic signed [9:0]       exponent_i,
  output logic [31:0]             y_o
);

  if (WIDTH < 2 || WIDTH > 64) begin : g_check_width
    ERROR_int_to_fp32_WIDTH_must_be_2_to_64 error ();
  end

  // Magnitudes are kept left-aligned in at least this many bits, so that narrow integers too have
  // a guard and a sticky bit.
  localparam int WorkWidth = WIDTH < 28 ? 28 : WIDTH;

  // Stage 1: sign and magnitude.
  logic [WIDTH-1:0]   magnitude_q;
  logic signed [9:0]  exponent_q;
  logic               sign_q, nan_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      magnitude_q <= (value_i ^ {WIDTH{value_i[WIDTH-1]}}) + WIDTH'(value_i[WIDTH-1]);
      exponent_q  <= exponent_i;
      sign_q      <= value_i[WIDTH-1];
      nan_q       <= nan_i;
    end
  end

  // Stage 2: normalize. The exponent is biased and stands for the leading one.
  logic [WorkWidth-1:0] work;
  logic [5:0]           zeros;
  logic [63:0]          aligned;

  assign work    = WorkWidth'(magnitude_q) << (WorkWidth - WIDTH);
  assign aligned = 64'(work) << (64 - WorkWidth);
  assign zeros   = fp32_pkg::leading_zeros(aligned);

  logic [WorkWidth-1:0] normal_q2;
  logic signed [10:0]   exp_q2;
  logic                 sign_q2, nan_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      normal_q2 <= work << zeros;
      exp_q2    <= 11'(exponent_q) + 11'(fp32_pkg::ExponentBias + WIDTH - 1) - 11'(zeros);
      sign_q2   <= sign_q;
      nan_q2    <= nan_q;
    end
  end

  // Stage 3: round and pack. Only zero has no leading one after normalization.
  logic [22:0]        fraction;
  logic               guard, sticky, round_up;
  logic signed [10:0] rounded_exp;
  logic [22:0]        rounded_fraction;
  logic [31:0]        y_d, y_q;

  assign fraction = normal_q2[WorkWidth-2 -: 23];
  assign guard    = normal_q2[WorkWidth-25];
  assign sticky   = |normal_q2[WorkWidth-26:0];
  assign round_up = guard && (sticky || fraction[0]);
  assign {rounded_exp, rounded_fraction} = {exp_q2, fraction} + 34'(round_up);

  assign y_d = nan_q2                  ? fp32_pkg::CanonicalNan :
               !normal_q2[WorkWidth-1] ? 32'h0 :
                                         fp32_pkg::pack(sign_q2, rounded_exp, rounded_fraction);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : int_to_fp32
