// SPDX-License-Identifier: Apache-2.0
//
// Exponential, reciprocal and reciprocal square root of an FP32 value.
//
// Why: softmax, SiLU, RMSNorm and AdamW need these three and nothing else that add and multiply cannot do. One quadratic
// interpolator serves them: the top bits of a mantissa choose a segment, the rest is the position in it. For the
// exponential the mantissa is the fraction of x * log2(e), whose integer part is the exponent of the result.
// Numerics: tb/models/functions.py, less than one unit in the last place from the exact value; special values as in
// fp32_pkg. Latency functions_pkg::FunctionLatency (13) enabled cycles, one result per cycle. Five DSP slices, one block
// RAM; these are slow, so that what goes to them and comes from them is registered (stages 0 and 7).

module function_unit (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  // functions_pkg::Exp, Reciprocal or Rsqrt.
  input  logic [1:0]  function_i,
  input  logic [31:0] x_i,
  output logic [31:0] y_o
);

  localparam int SegmentW  = functions_pkg::SegmentBits;
  localparam int PositionW = functions_pkg::PositionBits;
  localparam int FixedW    = SegmentW + PositionW;              // fraction bits of x * log2(e)
  localparam int Log2eW    = functions_pkg::Log2ePoint + 1;
  localparam int LowBits   = 17;                                // of log2(e), for the lower of two DSP slices
  localparam int WholeW    = 9;                                 // integer part of x * log2(e), signed
  localparam int C0W       = functions_pkg::C0Bits;
  localparam int C1W       = functions_pkg::C1Bits;
  localparam int C2W       = functions_pkg::C2Bits;
  localparam int EntryW    = C0W + C1W + C2W;
  localparam int SumW      = 48;

  // ---------------------------------------------------------------------------------------------
  // Stage 0
  // ---------------------------------------------------------------------------------------------
  logic [31:0] x_q0;
  logic [1:0]  function_q0;
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      x_q0        <= x_i;
      function_q0 <= function_i;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Stage 1: operand class, and what the result is if no number comes out of the interpolator
  // ---------------------------------------------------------------------------------------------
  logic        is_exp, huge, negative_root, special_d;
  logic [31:0] special_value_d;

  assign is_exp = function_q0 == functions_pkg::Exp;
  // |x| of 2^7 or more overflows or vanishes whatever its fraction.
  assign huge = is_exp && x_q0[30:23] >= 8'(fp32_pkg::ExponentBias + 7);

  assign negative_root = function_q0 == functions_pkg::Rsqrt && x_q0[31];
  assign special_d = fp32_pkg::is_nan(x_q0) ||
      (is_exp ? huge : fp32_pkg::is_zero(x_q0) || fp32_pkg::is_inf(x_q0) || negative_root);
  assign special_value_d = fp32_pkg::is_nan(x_q0)  ? fp32_pkg::CanonicalNan :
                           is_exp                 ? (x_q0[31] ? 32'h0 : {1'b0, fp32_pkg::InfinityBits}) :
                           fp32_pkg::is_zero(x_q0) ? {x_q0[31], fp32_pkg::InfinityBits} :
                           negative_root          ? fp32_pkg::CanonicalNan :
                                                    {x_q0[31], 31'h0};

  // Stages 1 to 4 carry the operand for reciprocal and rsqrt; the exponential needs them for x * log2(e).
  logic [4*32-1:0] x_q;
  logic [4*2-1:0]  function_q;
  // Special results wait for the end, and so does the sign, in stages 1 to 11.
  localparam int Stages = functions_pkg::FunctionLatency - 2;
  logic [Stages*33-1:0] special_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      x_q        <= {x_q[3*32-1:0], x_q0};
      function_q <= {function_q[3*2-1:0], function_q0};
      special_q  <= {special_q[(Stages-1)*33-1:0], special_d, special_value_d};
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Stages 1 to 4: x * log2(e) in fixed point
  // ---------------------------------------------------------------------------------------------
  logic [23:0]              significand;
  logic [24+LowBits-1:0]    low_q;
  logic [24+Log2eW-LowBits-1:0] high_q;
  logic [24+Log2eW-1:0]     product_q2;
  logic [5:0]               shift_q2;
  logic [WholeW+FixedW-1:0] magnitude_q3;  // with one more place for rounding, below the point of FixedW
  logic [WholeW+FixedW-1:0] scaled_d, scaled_q4;
  logic [8:0]               places;

  // Of zero too: so far below one nothing is left of it.
  assign significand = {1'b1, x_q0[22:0]};

  // The product has 23 + Log2ePoint fraction bits at exponent 0. Beyond 63 places nothing is left, not even to round.
  assign places = 9'(fp32_pkg::ExponentBias + 23 + functions_pkg::Log2ePoint - FixedW - 1) - 9'(x_q[23+:8]);

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q        <= 41'(significand) * 41'(functions_pkg::Log2e[LowBits-1:0]);
      high_q       <= 41'(significand) * 41'(functions_pkg::Log2e[Log2eW-1:LowBits]);
      product_q2   <= {high_q, 17'h0} + 58'(low_q);
      shift_q2     <= (places[8] || places[7:6] == '0) ? places[5:0] : 6'd63;
      magnitude_q3 <= 34'(product_q2 >> shift_q2);
      scaled_q4    <= scaled_d;
    end
  end

  // Half is added before the last place goes; the sign comes after, as -(m + r) = ~m + !r with r the last place.
  logic negative;
  assign negative = x_q[2*32+31];
  assign scaled_d = ({1'b0, magnitude_q3[WholeW+FixedW-1:1]} ^ {34{negative}}) + 34'(magnitude_q3[0] ^ negative);

  // ---------------------------------------------------------------------------------------------
  // Stage 5: segment, position in it, and exponent; stage 6: coefficients and the square of the position
  // ---------------------------------------------------------------------------------------------
  logic [31:0]                 x_q4;
  logic [1:0]                  function_q4;
  logic [1:0]                  table_select;
  logic [SegmentW-1:0]         segment;
  logic signed [PositionW-1:0] position;
  logic signed [10:0]          exponent;
  logic signed [8:0]           half;

  assign x_q4        = x_q[3*32+:32];
  assign function_q4 = function_q[3*2+:2];
  // Half of the exponent, rounded down; biased exponents that are even stand for odd powers of two.
  assign half = 9'(($signed({2'b00, x_q4[30:23]}) - 10'sd127) >>> 1);

  always_comb begin
    segment  = x_q4[22-:SegmentW];
    position = {!x_q4[22-SegmentW], x_q4[21-SegmentW:0], 2'b00};
    case (function_q4)
      functions_pkg::Exp: begin
        table_select = 2'd0;
        segment      = scaled_q4[FixedW-1-:SegmentW];
        position     = {!scaled_q4[PositionW-1], scaled_q4[PositionW-2:0]};
        exponent     = 11'($signed(scaled_q4[FixedW+:WholeW])) + 11'(fp32_pkg::ExponentBias);
      end
      functions_pkg::Reciprocal: begin
        table_select = 2'd1;
        exponent     = 11'(2 * fp32_pkg::ExponentBias - 1) - 11'(x_q4[30:23]);
      end
      default: begin
        table_select = x_q4[23] ? 2'd2 : 2'd3;
        exponent     = 11'(fp32_pkg::ExponentBias - 1) - 11'(half);
      end
    endcase
  end

  logic [1:0]                  table_select_q5;
  logic [SegmentW-1:0]         segment_q5;
  logic signed [PositionW-1:0] position_q5;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      table_select_q5 <= table_select;
      segment_q5      <= segment;
      position_q5     <= position;
    end
  end

  logic [EntryW-1:0]           entry_q6;
  logic signed [PositionW-1:0] position_q6;
  // Without its lower half; at most 2^16.
  logic [PositionW-2:0]        square_q6;

  function_rom u_rom (
    .clk_i,
    .en_i,
    .address_i({table_select_q5, segment_q5}),
    .entry_o  (entry_q6)
  );

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      position_q6 <= position_q5;
      square_q6   <= 17'((36'(position_q5) * 36'(position_q5)) >> PositionW);
    end
  end

  logic [EntryW-1:0]           entry_q7;
  logic signed [PositionW-1:0] position_q7;
  logic [PositionW-2:0]        square_q7;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      entry_q7    <= entry_q6;
      position_q7 <= position_q6;
      square_q7   <= square_q6;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Stages 8 to 10: c0 + c1 * position + c2 * position^2
  // ---------------------------------------------------------------------------------------------
  logic signed [SumW-1:0] linear_q8, quadratic_q8, sum_q9;
  logic [C0W-1:0]         c0_q8, c0_q9;
  logic [C0W-1:0]         mantissa_q10;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      linear_q8    <= SumW'($signed(entry_q7[C2W+:C1W])) * SumW'(position_q7);
      quadratic_q8 <= SumW'($signed({1'b0, entry_q7[C2W-1:0]})) *
                      SumW'($signed({1'b0, square_q7}));
      sum_q9       <= linear_q8 + quadratic_q8;
      c0_q8        <= entry_q7[C1W+C2W+:C0W];
      c0_q9        <= c0_q8;
      mantissa_q10 <= c0_q9 + C0W'(sum_q9 >>> functions_pkg::SumShift);
    end
  end

  // The result's exponent and sign, in stages 5 to 10.
  logic [6*12-1:0] tail_q;
  always_ff @(posedge clk_i) begin
    if (en_i) tail_q <= {tail_q[5*12-1:0], x_q4[31] && function_q4 == functions_pkg::Reciprocal, exponent};
  end

  // ---------------------------------------------------------------------------------------------
  // Stage 11: round to 24 bits; a carry leaves a zero fraction and increments the exponent
  // ---------------------------------------------------------------------------------------------
  localparam int Dropped = C0W - 24;
  logic               sign_q10, sign_q11, round_up;
  logic signed [10:0] exponent_q10, exponent_q11;
  logic [22:0]        fraction_q11;

  assign {sign_q10, exponent_q10} = tail_q[5*12+:12];
  assign round_up = mantissa_q10[Dropped-1] && (|mantissa_q10[Dropped-2:0] || mantissa_q10[Dropped]);

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sign_q11 <= sign_q10;
      {exponent_q11, fraction_q11} <= {exponent_q10, mantissa_q10[Dropped+:23]} + 34'(round_up);
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Stage 12: pack
  // ---------------------------------------------------------------------------------------------
  logic        special_q11;
  logic [31:0] special_value_q11, y_q;

  assign {special_q11, special_value_q11} = special_q[(Stages-1)*33+:33];

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= special_q11 ? special_value_q11 : fp32_pkg::pack(sign_q11, exponent_q11, fraction_q11);
  end

  assign y_o = y_q;

endmodule : function_unit
