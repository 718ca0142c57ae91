// SPDX-License-Identifier: Apache-2.0
//
// FP32 adder.
//
// Why: block sums, LoRA contributions and gradients are accumulated in FP32 by this unit alone.
// Numerics as in fp32_pkg; an exact cancellation gives +0. Latency fp32_pkg::AddLatency (5) enabled
// cycles, one result per cycle.
// Rounding comes before the long left shift: a sum that needs more than one place of normalization
// has operands at most one place apart and is therefore exact. So no stage holds both a full shift
// and a rounding carry.
// There are dozens of these in a core, so it is written for few LUTs: shifts in four ways a step, one
// LUT per bit; special operands become values that give the right result by themselves.

module fp32_add (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] y_o
);

  // Stage 1: compare magnitudes. Equal ones may go either way.
  logic [31:0] a_q, b_q;
  logic        swap_q, a_zero_q, b_zero_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      a_q      <= a_i;
      b_q      <= b_i;
      swap_q   <= b_i[30:0] > a_i[30:0];
      a_zero_q <= fp32_pkg::is_zero(a_i);
      b_zero_q <= fp32_pkg::is_zero(b_i);
    end
  end

  // Stage 2: order by magnitude.
  logic       subtract, unused_carry;
  logic [7:0] difference;

  assign subtract = a_q[31] ^ b_q[31];
  // a - b, or a - b - 1 = ~(b - a) if b is the larger one: the carry into the lowest place says which.
  assign {difference, unused_carry} = {a_q[30:23], 1'b1} + {~b_q[30:23], !swap_q};

  logic [23:0] small_q;
  logic [22:0] big_q;
  logic [7:0]  exp_q;
  logic [4:0]  places_q;
  logic        sign_q, subtract_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      // Two zeros leave a big operand with an exponent of zero, which gives a zero.
      big_q      <= swap_q ? b_q[22:0] : a_q[22:0];
      small_q    <= a_zero_q || b_zero_q ? 24'h0 : {1'b1, swap_q ? a_q[22:0] : b_q[22:0]};
      exp_q      <= swap_q ? b_q[30:23] : a_q[30:23];
      // From 27 places on only the sticky bit is left.
      places_q   <= difference[7:5] != {3{swap_q}} ? 5'd31 : difference[4:0] ^ {5{swap_q}};
      sign_q     <= (swap_q ? b_q[31] : a_q[31]) && !(a_zero_q && b_zero_q && subtract);
      subtract_q <= subtract;
    end
  end

  // Stage 3: align the smaller operand to guard, round and sticky bits, then add or subtract.
  // One step of the right shift, by 0 to 3 times `unit` places; the lowest bit stays set by what falls out.
  function automatic logic [26:0] shift(input logic [26:0] value, input logic [1:0] times, input int unit);
    logic [26:0] moved;
    logic        lost;
    begin
      moved = times == 2'd0 ? value
            : times == 2'd1 ? value >> unit
            : times == 2'd2 ? value >> 2 * unit : value >> 3 * unit;
      lost  = (times != 2'd0 && (value << (27 - unit)) != '0)
              || (times[1] && (value >> unit << (27 - unit)) != '0)
              || (times == 2'd3 && (value >> 2 * unit << (27 - unit)) != '0);
      shift = {moved[26:1], moved[0] || lost};
    end
  endfunction

  logic [26:0] addend;
  logic        special, unused_carry2;
  logic [27:0] sum;

  assign addend  = shift(shift(shift({small_q, 3'b000}, places_q[4:3], 8), places_q[2:1], 2),
                         2'(places_q[0]), 1);
  assign special = exp_q == 8'hFF;
  // The sticky bit stays what it is when it is subtracted from zero; it borrows.
  assign sum[0]  = addend[0];
  assign {sum[27:1], unused_carry2} = {2'b01, big_q, 3'b001}
                                      + {{1'b0, addend[26:1]} ^ {27{subtract_q}}, subtract_q && !addend[0]};

  logic [27:0] sum_q2;
  logic [7:0]  exp_q2;
  logic        sign_q2, top_q2, nan_q2;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      // An infinity is one with an exponent that overflows.
      sum_q2  <= special ? 28'h400_0000 : sum;
      exp_q2  <= exp_q;
      sign_q2 <= sign_q;
      top_q2  <= exp_q == 8'hFE;
      // The larger operand is a NaN, or both are infinities.
      nan_q2  <= special && (big_q != '0 || (subtract_q && places_q == '0));
    end
  end

  // Stage 4: normalize by one place to the right or 0, 1 or 13 to the left, and round. Below one, count
  // what is left to shift, empty nibbles and the places in the next one.
  logic        below, coarse, last, guard, rest, carry;
  logic [1:0]  nibbles, places;
  logic [2:0]  all_nibbles;
  logic [5:0]  empty;
  logic [2:0]  first;
  logic [22:0] normal, rounded;

  for (genvar n = 0; n < 6; n++) begin : g_empty
    assign empty[n] = sum_q2[25-4*n-:4] == '0;
  end
  assign below   = sum_q2[27:26] == '0;
  assign coarse  = below && empty[2:0] == '1;
  assign nibbles = coarse ? {empty[4] && empty[3], !empty[4] && empty[3]}
                          : {empty[1] && empty[0], !empty[1] && empty[0]};
  assign all_nibbles = coarse ? 3'd3 + 3'(nibbles) : 3'(nibbles);
  // The fourth bit of a nibble need not be seen to know where its leading one is.
  assign first   = coarse ? (nibbles[1] ? sum_q2[5:3] : nibbles[0] ? sum_q2[9:7] : sum_q2[13:11])
                          : (nibbles[1] ? sum_q2[17:15] : nibbles[0] ? sum_q2[21:19] : sum_q2[25:23]);
  assign places  = {first[2:1] == '0, !first[2] && (first[1] || !first[0])};

  // The fraction, its last bit, guard and rest, where the sum moves by one place at most. Elsewhere nothing is rounded.
  assign normal  = sum_q2[27] ? sum_q2[26:4] : sum_q2[26] ? sum_q2[25:3] : sum_q2[24:2];
  assign last    = sum_q2[27] ? sum_q2[4] : sum_q2[26] ? sum_q2[3] : sum_q2[2];
  assign guard   = sum_q2[27] ? sum_q2[3] : sum_q2[26] ? sum_q2[2] : sum_q2[1];
  assign rest    = sum_q2[0] || (!below && sum_q2[1]) || (sum_q2[27] && sum_q2[2]);
  assign rounded = normal + 23'(guard && (rest || last));
  // It carries if all of the fraction is ones, which it can be only where it moves by one place at most.
  assign carry   = sum_q2[24:4] == '1 && guard && (rest || last) &&
                   (sum_q2[27] ? sum_q2[26:25] == '1 : sum_q2[26] ? sum_q2[25] && sum_q2[3] : sum_q2[3:2] == '1);

  logic [22:0] rounded_q3;
  logic [7:0]  exp_q3;
  logic [1:0]  nibbles_q3, places_q3;
  logic [2:0]  all_nibbles_q3;
  logic        carry_q3, below_q3, above_q3, zero_q3, sign_q3, nan_q3, empty_q3, top_q3, next_top_q3, beyond_q3;
  logic [7:0]  less_q3;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      rounded_q3 <= coarse ? {sum_q2[12:0], 10'h0} : rounded;
      // An exponent that reaches 255 without the carry need not go further.
      carry_q3   <= carry && !(top_q2 && sum_q2[27]);
      below_q3   <= below;
      above_q3   <= sum_q2[27];
      nibbles_q3 <= below ? nibbles : 2'd0;
      all_nibbles_q3 <= all_nibbles;
      places_q3  <= below ? places : 2'd0;
      zero_q3    <= below && empty == '1;
      exp_q3     <= exp_q2;
      // What the exponent is compared with, and how near it is to the largest one.
      less_q3    <= exp_q2 - 8'd1;
      empty_q3   <= exp_q2 == '0;
      beyond_q3  <= exp_q2 == 8'hFF;
      top_q3     <= top_q2;
      next_top_q3 <= exp_q2 == 8'hFD;
      sign_q3    <= sign_q2;
      nan_q3     <= nan_q2;
    end
  end

  // Stage 5: the rest of the left shift, the exponent and the special results. A rounding carry leaves
  // a zero fraction and excludes a left shift.
  logic [22:0] moved, fraction;
  logic [7:0]  step, exponent;
  logic        zero, infinite, unused_carry4;
  logic [31:0] y_d, y_q;

  assign moved    = nibbles_q3 == 2'd0 ? rounded_q3
                  : nibbles_q3 == 2'd1 ? rounded_q3 << 4 : rounded_q3 << 8;
  assign fraction = places_q3 == 2'd0 ? moved
                  : places_q3 == 2'd1 ? moved << 1
                  : places_q3 == 2'd2 ? moved << 2 : moved << 3;

  // One more for a sum of 2 and above; -1 - shift = ~shift below 1.
  assign step = below_q3 ? ~{3'h0, all_nibbles_q3, places_q3} : 8'(above_q3);
  assign {exponent, unused_carry4} = {exp_q3, 1'b1} + {step, carry_q3};
  // Both without waiting for the sum: it is zero or less, or 255. With a rounding carry it is not below 1 unless it was.
  assign zero     = zero_q3 || empty_q3 ||
                    (below_q3 && !carry_q3 && less_q3 <= {3'd0, all_nibbles_q3, places_q3});
  assign infinite = beyond_q3 || (top_q3 && (above_q3 || carry_q3) && !below_q3) ||
                    (next_top_q3 && above_q3 && carry_q3);

  // The exponent is at most 255, and that if it overflows.
  assign y_d[31]    = sign_q3 && !zero_q3 && !nan_q3;
  assign y_d[30:23] = zero ? 8'h0 : exponent;
  assign y_d[22:0]  = nan_q3 ? fp32_pkg::CanonicalNan[22:0]
                    : zero || infinite ? 23'h0 : fraction;

  always_ff @(posedge clk_i) begin
    if (en_i) y_q <= y_d;
  end

  assign y_o = y_q;

endmodule : fp32_add
