// SPDX-License-Identifier: Apache-2.0
//
// Signed integer times a power of two to FP32, rounded once.
//
// Why: the array's block sums are exact integers with a block exponent; this is the only rounding
// between them and the FP32 scale.
// y = round_to_nearest_even(value * 2^exponent), numerics as in fp32_pkg, CanonicalNan when nan_i;
// zero gives +0. Latency fp32_pkg::FromIntLatency (4) enabled cycles, one result per cycle.

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

  // Magnitudes are kept left-aligned in whole nibbles. They move left by up to 48, 12 and 3 places, and
  // in the end 24 bits, a guard and a sticky bit count. So each of these steps keeps as many bits as the
  // next ones can still bring up there, and of those below only whether there are any.
  localparam int PlaceWidth  = 25 + 3;
  localparam int NibbleWidth = PlaceWidth + 12;
  localparam int Nibbles     = WIDTH < NibbleWidth ? NibbleWidth / 4 : (WIDTH + 3) / 4;
  localparam int WorkWidth   = 4 * Nibbles;
  localparam int Pad         = WorkWidth - WIDTH;

  // Stage 1: magnitude, and how many nibbles above it are empty; the shift's first step. Nibbles are
  // counted on the ones' complement, one less than the magnitude of a negative number, so as not to
  // wait for the carry.
  logic [WIDTH-1:0]     inverted, positive;
  logic [WorkWidth-1:0] work;
  logic [WorkWidth:0]   magnitude, by16;
  logic [15:0]          used;
  logic [3:0]           nibbles;

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

  assign nibbles   = fp32_pkg::leading_flags(used);
  assign positive  = inverted + WIDTH'(value_i[WIDTH-1]);
  assign magnitude = (WorkWidth+1)'(positive) << Pad;
  assign by16      = nibbles[3:2] == 2'd0 ? magnitude
                   : nibbles[3:2] == 2'd1 ? magnitude << 16
                   : nibbles[3:2] == 2'd2 ? magnitude << 32 : magnitude << 48;

  logic [WorkWidth:0] by16_q;
  logic [3:0]         nibbles_q;
  logic signed [9:0]  exp_q;
  logic               sign_q, nan_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      by16_q    <= by16;
      nibbles_q <= nibbles;
      exp_q     <= exponent_i;
      sign_q    <= value_i[WIDTH-1];
      nan_q     <= nan_i;
    end
  end

  // Stage 2: normalize. The carry of the magnitude may lie one place beyond the counted nibbles; the
  // magnitude then is a power of two.
  logic                   beyond, sticky1, sticky2, sticky3;
  logic [NibbleWidth:0]   by4;
  logic [PlaceWidth-1:0]  top;
  // Behind the leading one.
  logic [PlaceWidth-2:0]  by1;
  logic [1:0]             places;

  assign by4 = nibbles_q[1:0] == 2'd0 ? by16_q[WorkWidth-:NibbleWidth+1]
             : nibbles_q[1:0] == 2'd1 ? by16_q[WorkWidth-:NibbleWidth+1] << 4
             : nibbles_q[1:0] == 2'd2 ? by16_q[WorkWidth-:NibbleWidth+1] << 8
                                      : by16_q[WorkWidth-:NibbleWidth+1] << 12;
  assign {beyond, top} = by4[NibbleWidth-:PlaceWidth+1];
  assign places[1] = !beyond && top[PlaceWidth-1-:2] == '0;
  assign places[0] = !beyond && !top[PlaceWidth-1] && (top[PlaceWidth-2] || !top[PlaceWidth-3]);
  assign by1       = (PlaceWidth - 1)'(places == 2'd0 ? top
                                       : places == 2'd1 ? top << 1
                                       : places == 2'd2 ? top << 2 : top << 3);

  if (WorkWidth > NibbleWidth) begin : g_below
    assign sticky1 = by16_q[WorkWidth-NibbleWidth-1:0] != '0;
  end else begin : g_whole
    assign sticky1 = 1'b0;
  end
  assign sticky2 = by4[NibbleWidth-PlaceWidth-1:0] != '0;
  assign sticky3 = by1[2:0] != '0;

  logic [23:0]       normal_q2;
  logic              sticky_q2, nonzero_q2, sign_q2, nan_q2;
  logic signed [9:0] exp_q2;
  logic [7:0]        step_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      normal_q2  <= by1[PlaceWidth-2-:24];
      sticky_q2  <= sticky1 || sticky2 || sticky3;
      nonzero_q2 <= beyond || (|top[PlaceWidth-1-:4]);
      // Exponent of the leading one. Here the constant costs nothing.
      step_q2    <= 8'(fp32_pkg::ExponentBias + WIDTH - 1) - {2'b00, nibbles_q, places} + 8'(beyond);
      exp_q2     <= exp_q;
      sign_q2    <= sign_q;
      nan_q2     <= nan_q;
    end
  end

  // Stage 3: round.
  logic               guard, round_up;
  logic signed [10:0] rounded_exp;
  logic [22:0]        fraction, rounded_fraction;

  assign {fraction, guard} = normal_q2;
  assign round_up = guard && (sticky_q2 || fraction[0]);
  assign {rounded_exp, rounded_fraction} = {11'(exp_q2), fraction} + {3'b0, step_q2, 22'h0, round_up};

  logic signed [10:0] exp_q3;
  logic [22:0]        fraction_q3;
  logic               nonzero_q3, sign_q3, nan_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      exp_q3      <= rounded_exp;
      fraction_q3 <= rounded_fraction;
      nonzero_q3  <= nonzero_q2;
      sign_q3     <= sign_q2;
      nan_q3      <= nan_q2;
    end
  end

  // Stage 4: pack.
  logic [31:0] y_d, y_q;

  assign y_d = nan_q3      ? fp32_pkg::CanonicalNan :
               !nonzero_q3 ? 32'h0 :
                             fp32_pkg::pack(sign_q3, exp_q3, fraction_q3);

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : int_to_fp32
