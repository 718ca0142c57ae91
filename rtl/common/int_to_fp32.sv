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

  // Magnitudes are kept left-aligned in whole nibbles, at least 28 bits so that narrow integers too
  // have a guard and a sticky bit.
  localparam int Nibbles   = WIDTH < 28 ? 7 : (WIDTH + 3) / 4;
  localparam int WorkWidth = 4 * Nibbles;
  localparam int Pad       = WorkWidth - WIDTH;

  // Stage 1: magnitude, and how many nibbles above it are empty. That is counted on the ones'
  // complement, one less than the magnitude of a negative number, so as not to wait for the carry.
  logic [WIDTH-1:0]     inverted;
  logic [WorkWidth-1:0] work;
  logic [15:0]          used;

  assign inverted = value_i ^ {WIDTH{value_i[WIDTH-1]}};
  assign work     = WorkWidth'(inverted) << Pad;

  for (genvar n = 0; n < 16; n++) begin : g_used
    // The count ends at the nibble of the integer's own last bit.
    if (n < Nibbles - 1 - Pad / 4) begin : g_count
      assign used[15-n] = |work[WorkWidth-1-4*n -: 4];
    end else begin : g_end
      assign used[15-n] = 1'b1;
    end
  end

  // The last nibble is where the count ends whatever it holds.
  logic unused_work;
  assign unused_work = ^work;

  logic [WIDTH-1:0]   magnitude_q;
  logic [3:0]         nibbles_q;
  logic signed [10:0] exp_q;
  logic               sign_q, nan_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      magnitude_q <= inverted + WIDTH'(value_i[WIDTH-1]);
      nibbles_q   <= fp32_pkg::leading_flags(used);
      exp_q       <= 11'(exponent_i) + 11'(fp32_pkg::ExponentBias + WIDTH - 1);
      sign_q      <= value_i[WIDTH-1];
      nan_q       <= nan_i;
    end
  end

  // Stage 2: normalize. The exponent counts the nibbles; what is left to add to it, the places within
  // the nibble or the one place of a carry beyond the counted nibbles (the magnitude then is a power
  // of two), goes to the rounding adder.
  logic                 beyond;
  logic [WorkWidth-1:0] shifted;
  logic [1:0]           places;

  assign {beyond, shifted} = ((WorkWidth+1)'(magnitude_q) << Pad) << {nibbles_q, 2'b00};
  assign places[1]         = shifted[WorkWidth-1 -: 2] == '0;
  assign places[0]         = !shifted[WorkWidth-1] && (shifted[WorkWidth-2] || !shifted[WorkWidth-3]);

  logic [WorkWidth-2:0] normal_q2;
  logic signed [10:0]   exp_q2;
  logic [2:0]           step_q2;
  logic                 nonzero_q2, sign_q2, nan_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      normal_q2  <= shifted[WorkWidth-2:0] << places;
      exp_q2     <= exp_q - 11'({nibbles_q, 2'b00});
      step_q2    <= beyond ? 3'd1 : 3'd0 - 3'(places);
      nonzero_q2 <= beyond || (|shifted[WorkWidth-1 -: 4]);
      sign_q2    <= sign_q;
      nan_q2     <= nan_q;
    end
  end

  // Stage 3: round and pack.
  logic [22:0]        fraction;
  logic               guard, sticky, round_up;
  logic signed [10:0] rounded_exp;
  logic [22:0]        rounded_fraction;
  logic [31:0]        y_d, y_q;

  assign fraction = normal_q2[WorkWidth-2 -: 23];
  assign guard    = normal_q2[WorkWidth-25];
  assign sticky   = |normal_q2[WorkWidth-26:0];
  assign round_up = guard && (sticky || fraction[0]);
  assign {rounded_exp, rounded_fraction} =
      {exp_q2, fraction} + {{8{step_q2[2]}}, step_q2, 22'h0, round_up};

  assign y_d = nan_q2      ? fp32_pkg::CanonicalNan :
               !nonzero_q2 ? 32'h0 :
                             fp32_pkg::pack(sign_q2, rounded_exp, rounded_fraction);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : int_to_fp32
