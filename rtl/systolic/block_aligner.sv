// SPDX-License-Identifier: Apache-2.0
//
// Turns blocks of up to 64 FP32 or FP16 values into signed integers that share the block's largest exponent.
//
// Why: the array multiplies integers only. The value of an output element is
// mantissa * 2^(exponent - 127 - (WIDTH - 2)). Elements are shifted right and rounded to nearest even; rounding that would
// leave the largest magnitude saturates. FP32 subnormals count as zero, FP16 subnormals with their value. Elements a short
// block does not bring are zero.
// Two halves work on different blocks: one collects values and finds the exponent, the other shifts and assembles.
// A beat of FP16 has twice as many values as one of FP32. Those in the upper halves of its words use the shifters of FP32,
// the others have their own for 11 bits. A block leaves in PARTS, so that what is behind need not be as wide as a block.
// Latency: a block's beats + log2(LANES) + 4 cycles, with HALVES two more, and with LANES below 8 two more, from the last beat
// to the last of what it brings. Throughput: one beat per cycle, without gaps between blocks, but no less than a cycle per part that a block
// brings and one for the zeros behind them.

module block_aligner #(
  // FP32 values per beat: a power of two, 2 to 32.
  parameter int LANES = 8,
  // Mantissa width with sign, 2 to 25.
  parameter int WIDTH = 25,
  // Bits of a tag that travels with each block.
  parameter int TAG_W = 1,
  // 1: a block's beats may also hold 2 * LANES FP16 values each; WIDTH is then 18.
  parameter int HALVES = 0,
  // Parts in which a block leaves, a power of two; a part has the values of a beat at least.
  parameter int PARTS = 1,
  // 1: blocks always bring all of their values.
  parameter int WHOLE = 0
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                in_valid_i,
  output logic                in_ready_o,
  // Values in ascending order, the first in the lowest bits.
  input  logic [LANES*32-1:0] in_data_i,
  // With HALVES, 1: the values are FP16; the same in all beats of a block.
  input  logic                in_half_i,
  // Last beat of the block; the tag is taken here.
  input  logic                in_last_i,
  input  logic [TAG_W-1:0]    in_tag_i,
  // The block's exponent is known log2(LANES) + 1 cycles after its last beat, with HALVES two more, before its
  // mantissas: a pulse without backpressure.
  output logic                exponent_valid_o,
  output logic [7:0]          exponent_o,
  output logic                nonfinite_o,
  output logic [TAG_W-1:0]    exponent_tag_o,
  output logic                out_valid_o,
  input  logic                out_ready_i,
  // A part's values; which part it is, or all those that a short block has not brought, which are zero; the block's last.
  output logic [64/PARTS*WIDTH-1:0] out_data_o,
  output logic [PARTS-1:0]    out_parts_o,
  output logic                out_last_o,
  output logic [7:0]          out_exponent_o,
  output logic                out_nonfinite_o,
  output logic [TAG_W-1:0]    out_tag_o
);

  localparam int Beats = 64 / LANES;
  localparam int BeatW = Beats > 1 ? $clog2(Beats) : 1;
  // Beats that wait for their block's exponent, and blocks: they may be of one beat.
  localparam int Depth = 4 * Beats;
  localparam int Blocks = Depth < 16 ? Depth : 16;
  // Many beats are in block RAM, and go through two registers, of which the first is the RAM's own.
  localparam int ReadL = Depth > 32 ? 2 : 0;
  localparam int PtrW = $clog2(Depth);
  localparam int MagW = WIDTH - 1;
  localparam int InfoW = TAG_W + 19 + BeatW;
  // An FP32 value with the block's exponent has its leading one at bit 23 and is shifted to the top of the magnitude.
  localparam int BaseShift = 24 - MagW;
  // An FP16 fraction lies in bits 25 to 16. A normal value with the block's exponent is shifted by 10; all others of such
  // a block by more, and a block of nothing but subnormals by less, so that its largest value reaches the top, too.
  localparam int HalfShift = 10;
  localparam int SigW = HALVES != 0 ? 27 : 24;
  localparam int ShiftedW = MagW + 2;
  // Without HALVES the last place of the shift is still to come when this is stored.
  localparam int MovedW = HALVES != 0 ? MagW + 2 : SigW + 2;
  localparam int Values = HALVES != 0 ? 2 * LANES : LANES;
  localparam int PartBeats = Beats / PARTS;  // of FP32
  localparam int SpotW = PartBeats > 1 ? $clog2(PartBeats) : 1;
  // FP16 exponents in FP32: the bias is larger by this, and subnormals begin at the exponent of one.
  localparam logic [7:0] BiasStep = 8'd112;

  // Collecting half.
  logic [LANES*32-1:0] raw_q[Depth];
  logic [PtrW-1:0] write_ptr_q;
  logic [PtrW:0] used_q;
  logic [BeatW-1:0] write_beat_q;
  logic in_half, take, release_beat, ready_q, blocks_free;
  logic info_valid, info_ready;
  logic [TAG_W-1:0] info_tag;
  logic [7:0] info_exponent;
  logic [8:0] base, info_base;
  logic info_nonfinite, info_half;
  logic [BeatW-1:0] info_beat;

  assign in_half = HALVES != 0 && in_half_i;
  assign in_ready_o = ready_q;
  assign take = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_ptr_q  <= '0;
      write_beat_q <= '0;
      used_q       <= '0;
      ready_q      <= 1'b0;
    end else begin
      // For one that is being taken, and one more.
      ready_q <= used_q <= (PtrW + 1)'(Depth - 2) && blocks_free;
      if (take) write_ptr_q <= write_ptr_q + 1'b1;
      if (take) write_beat_q <= in_last_i ? '0 : write_beat_q + 1'b1;
      used_q <= used_q + (PtrW + 1)'(take) - (PtrW + 1)'(release_beat);
    end
    if (take) raw_q[write_ptr_q] <= in_data_i;
  end

  // Largest exponent of a beat, as a tree with a register behind every node: node n has the larger one of nodes 2 n + 1
  // and 2 n + 2. With HALVES there is one round more, that of the two halves of each word.
  localparam int Rounds = $clog2(LANES) + (HALVES != 0 ? 1 : 0);
  logic [(2*LANES-1)*8-1:0] tree;
  for (genvar l = 0; l < LANES; l++) begin : g_word
    logic [7:0] single;
    assign single = in_data_i[l*32+23+:8];
    if (HALVES != 0) begin : g_either
      logic [4:0] lower, upper;
      logic [7:0] larger_q;
      assign lower = in_data_i[l*32+10+:5];
      assign upper = in_data_i[l*32+26+:5];
      always_ff @(posedge clk_i) larger_q <= !in_half ? single : upper > lower ? 8'(upper) : 8'(lower);
      assign tree[(LANES-1+l)*8+:8] = larger_q;
    end else begin : g_single
      assign tree[(LANES-1+l)*8+:8] = single;
    end
  end
  for (genvar n = 0; n < LANES - 1; n++) begin : g_node
    logic [7:0] left, right, larger_q;
    assign left = tree[(2*n+1)*8+:8];
    assign right = tree[(2*n+2)*8+:8];
    always_ff @(posedge clk_i) larger_q <= left > right ? left : right;
    assign tree[n*8+:8] = larger_q;
  end

  // What is known of the beat meanwhile; valid of its last one apart.
  localparam int SideW = TAG_W + BeatW + 2;
  logic [Rounds-1:0] beat_valid_q, beat_last_q;
  logic [Rounds*SideW-1:0] beat_side_q;
  logic seen, seen_last, seen_first, seen_half;
  logic [TAG_W+BeatW-1:0] seen_place;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_valid_q <= '0;
      beat_last_q  <= '0;
    end else begin
      beat_valid_q <= Rounds'({beat_valid_q, take});
      beat_last_q  <= Rounds'({beat_last_q, take && in_last_i});
    end
    beat_side_q <= (Rounds * SideW)'({beat_side_q, in_tag_i, write_beat_q, write_beat_q == '0, in_half});
  end
  assign seen = beat_valid_q[Rounds-1];
  assign seen_last = beat_last_q[Rounds-1];
  assign {seen_place, seen_first, seen_half} = beat_side_q[(Rounds-1)*SideW+:SideW];

  // Of the block so far.
  logic [7:0] largest_q;
  logic collected_q, collected_half_q;
  logic [TAG_W+BeatW-1:0] place_q, place;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) collected_q <= 1'b0;
    else collected_q <= seen_last;
    if (seen && (seen_first || tree[7:0] > largest_q)) largest_q <= tree[7:0];
    if (seen) begin
      collected_half_q <= seen_half;
      place_q <= seen_place;
    end
  end

  // Where all FP16 values are subnormal, the largest one's leading one is that of all fractions ored.
  logic exponent_half;
  if (HALVES != 0) begin : g_half_exponent
    logic [9:0] fractions_q, subnormals;
    logic [LANES*10-1:0] ored;
    logic [Rounds*10-1:0] beat_ored_q;
    for (genvar l = 0; l < LANES; l++) begin : g_or
      logic [9:0] both;
      assign both = in_data_i[l*32+:10] | in_data_i[l*32+16+:10];
      if (l == 0) begin : g_first
        assign ored[9:0] = both;
      end else begin : g_next
        assign ored[l*10+:10] = ored[(l-1)*10+:10] | both;
      end
    end
    assign subnormals = beat_ored_q[(Rounds-1)*10+:10];
    always_ff @(posedge clk_i) begin
      beat_ored_q <= (Rounds * 10)'({beat_ored_q, ored[(LANES-1)*10+:10]});
      if (seen) fractions_q <= seen_first ? subnormals : fractions_q | subnormals;
    end
    logic [3:0] below;
    logic [7:0] exponent_q;
    logic known_q, known_half_q;
    logic [TAG_W+BeatW-1:0] known_place_q;
    assign below = fp32_pkg::leading_flags({fractions_q, 6'd0});
    always_ff @(posedge clk_i) begin
      if (!rst_ni) known_q <= 1'b0;
      else known_q <= collected_q;
      known_half_q  <= collected_half_q;
      known_place_q <= place_q;
      exponent_q    <= !collected_half_q ? largest_q
                     : largest_q[4:0] == 5'h1F ? 8'hFF
                     : largest_q[4:0] != '0 ? largest_q + BiasStep
                     : fractions_q != '0 ? BiasStep - 8'(below) : 8'd0;
    end
    assign exponent_valid_o = known_q;
    assign exponent_o = exponent_q;
    assign exponent_half = known_half_q;
    assign place = known_place_q;
  end else begin : g_exponent
    assign exponent_valid_o = collected_q;
    assign exponent_o = largest_q;
    assign exponent_half = 1'b0;
    assign place = place_q;
    logic unused_half;
    assign unused_half = in_half_i ^ collected_half_q;
  end
  assign nonfinite_o = exponent_o == 8'hFF;
  assign exponent_tag_o = place[BeatW+:TAG_W];
  // Places that a value with an exponent of zero would move right by.
  assign base = 9'(exponent_o) + (exponent_half ? 9'(HalfShift) - 9'(BiasStep) : 9'(BaseShift));

  // Blocks that have come and not left.
  if (Depth > Blocks) begin : g_blocks
    localparam int CountW = $clog2(Blocks);
    logic [CountW:0] blocks_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) blocks_q <= '0;
      else blocks_q <= blocks_q + (CountW + 1)'(take && in_last_i) - (CountW + 1)'(info_valid && info_ready);
    end
    assign blocks_free = blocks_q <= (CountW + 1)'(Blocks - 2);
  end else begin : g_no_blocks
    assign blocks_free = 1'b1;
  end

  logic unused_info_ready;
  logic [$clog2(Blocks+1)-1:0] unused_level;
  // One entry per collected block; it never fills.
  stream_fifo #(
    .WIDTH(InfoW),
    .DEPTH(Blocks)
  ) u_info (
    .clk_i,
    .rst_ni,
    .in_valid_i(exponent_valid_o),
    .in_ready_o(unused_info_ready),
    .in_data_i({exponent_o, base, nonfinite_o, exponent_half, place}),
    .out_valid_o(info_valid),
    .out_ready_i(info_ready),
    .out_data_o({info_exponent, info_base, info_nonfinite, info_half, info_tag, info_beat}),
    .level_o(unused_level)
  );

  // Shifting half: read, shift, round, assemble; the whole pipeline waits while a finished part is not taken. Zeros behind
  // a short block go before it.
  logic advance, fill;
  logic [PtrW-1:0] read_ptr_q;
  logic [BeatW-1:0] read_beat_q;
  logic last_beat;
  logic valid_q, valid_q2, valid_q3;
  logic [BeatW-1:0] beat_q;
  // Position in the block, in beats of FP32, where a beat of FP16 is two.
  logic [BeatW-1:0] at;
  logic [SpotW-1:0] spot_q2;  // in the part
  logic part_ends, part_ends_q2, short, short_q2, short_q3, last_q3;
  logic [PARTS-1:0] part, part_q2, part_q3;
  logic read_last_q, read_last_q2, half, half_q2, half_q3;
  logic [TAG_W+8:0] side_q, side_q2, side_q3;
  logic [LANES*32-1:0] raw_read;
  // The same when it has come out of the RAM.
  logic got_valid, got_last, got_half;
  logic [BeatW-1:0] got_beat;
  logic [8:0] got_base;
  logic [TAG_W+8:0] got_side;
  logic [LANES*32-1:0] got;
  logic [Values*WIDTH-1:0] rounded;
  logic [64/PARTS*WIDTH-1:0] out_q;

  assign advance = !(valid_q3 && (!out_ready_i || fill));
  assign last_beat = read_beat_q == info_beat;
  assign info_ready = advance && last_beat;
  assign release_beat = info_valid && advance;
  assign raw_read = raw_q[read_ptr_q];
  assign half = HALVES != 0 && got_half;

  localparam int GotW = 2 + BeatW + 9 + TAG_W + 9 + LANES * 32;
  logic [GotW-1:0] read;
  assign read = {last_beat, info_half, read_beat_q, info_base, info_tag, info_exponent, info_nonfinite, raw_read};
  if (ReadL != 0) begin : g_read
    logic [ReadL-1:0] read_valid_q;
    logic [ReadL*GotW-1:0] read_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) read_valid_q <= '0;
      else if (advance) read_valid_q <= ReadL'({read_valid_q, info_valid});
      if (advance) read_q <= (ReadL * GotW)'({read_q, read});
    end
    assign got_valid = read_valid_q[ReadL-1];
    assign {got_last, got_half, got_beat, got_base, got_side, got} = read_q[(ReadL-1)*GotW+:GotW];
  end else begin : g_no_read
    assign got_valid = info_valid;
    assign {got_last, got_half, got_beat, got_base, got_side, got} = read;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_ptr_q    <= '0;
      read_beat_q   <= '0;
      valid_q       <= 1'b0;
      valid_q2      <= 1'b0;
      valid_q3      <= 1'b0;
    end else if (advance) begin
      valid_q  <= got_valid;
      valid_q2 <= valid_q;
      valid_q3 <= valid_q2 && (read_last_q2 || part_ends_q2);
      if (info_valid) read_beat_q <= last_beat ? '0 : read_beat_q + 1'b1;
      if (info_valid) read_ptr_q <= read_ptr_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance) begin
      beat_q <= got_beat;
      read_last_q <= got_last;
      half_q2 <= half;
      side_q <= got_side;
      spot_q2 <= SpotW'(at);
      part_q2 <= part;
      part_ends_q2 <= part_ends;
      short_q2 <= short;
      read_last_q2 <= read_last_q;
      half_q3 <= half_q2;
      side_q2 <= side_q;
    end
  end

  assign at = half_q2 ? BeatW'(beat_q << 1) : beat_q;
  if (PARTS > 1) begin : g_parts
    localparam int PartW = $clog2(PARTS);
    assign part = PARTS'(1) << at[$clog2(PartBeats)+:PartW];
    if (PartBeats > 1) begin : g_spot
      // Of FP16, the last beat of a part is at the last but one.
      assign part_ends = (at[SpotW-1:0] | SpotW'(half_q2)) == '1;
    end else begin : g_beat
      assign part_ends = 1'b1;
    end
    assign short = WHOLE == 0 && read_last_q && !part[PARTS-1];
  end else begin : g_whole
    assign part = 1'b1;
    assign part_ends = 1'b0;
    assign short = 1'b0;
  end

  // Places that a value of this exponent moves right, of those for an exponent of zero; from 32 on, which the highest bit
  // stands for, nothing is left. An FP16 subnormal counts as one of exponent one; the carry into the subtraction takes that
  // off.
  function automatic logic [5:0] places(input logic [8:0] most, input logic [7:0] exponent, input logic subnormal);
    logic [8:0] difference;
    logic unused_low;
    begin
      {difference, unused_low} = {most, 1'b1} + {1'b1, ~exponent, !subnormal};
      places = {difference[8:5] != '0, difference[4:0]};
    end
  endfunction

  // One step of a right shift, by 0 to 3 times `unit` places. The lowest bit stays set by what falls out. Four ways are one
  // LUT per bit, and large steps come first, because their losses need not move on.
  function automatic logic [SigW+1:0] shift(input logic [SigW+1:0] value, input logic [1:0] times, input int unit);
    logic [SigW+1:0] moved;
    logic lost;
    begin
      moved = times == 2'd0 ? value
            : times == 2'd1 ? value >> unit
            : times == 2'd2 ? value >> 2 * unit : value >> 3 * unit;
      lost = (times != 2'd0 && (value << (SigW + 2 - unit)) != '0) ||
          (times[1] && (value >> unit << (SigW + 2 - unit)) != '0) ||
          (times == 2'd3 && (value >> 2 * unit << (SigW + 2 - unit)) != '0);
      shift = {moved[SigW+1:1], moved[0] || lost};
    end
  endfunction

  // Lanes of the words: FP32 values, and FP16 values in upper halves, whose fractions already lie where they belong.
  // What is shifted ends with a guard and a sticky bit; what leaves a lane is sign, whether to round up, and magnitude.
  logic [LANES*ShiftedW-1:0] words;
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [31:0] value;
    logic [7:0] exponent;
    logic zero, subnormal, sign_q, sign_q2, far, vanishes_q;
    logic [SigW-1:0] significand, significand_q;
    logic [4:0] right, right_q;
    logic [SigW+1:0] even;
    logic [MovedW-1:0] moved, moved_q;
    logic [MagW+1:0] shifted;
    logic ones;  // the largest magnitude
    assign value = got[l*32+:32];
    if (HALVES != 0) begin : g_either
      logic normal;
      assign normal = value[30:26] != '0;
      assign exponent = half ? {3'd0, value[30:26]} : value[30:23];
      assign subnormal = half && !normal;
      assign zero = !half && value[30:23] == '0;
      assign significand = {half ? {normal, value[25:23]} : 4'b0001, value[22:16], half ? 16'd0 : value[15:0]};
    end else begin : g_single
      assign exponent = value[30:23];
      assign subnormal = 1'b0;
      assign zero = exponent == '0;
      assign significand = {1'b1, value[22:0]};
    end
    assign {far, right} = places(got_base, exponent, subnormal);
    always_ff @(posedge clk_i) begin
      if (advance) begin
        sign_q <= value[31];
        significand_q <= significand;
        right_q <= right;
        vanishes_q <= far || zero;
        sign_q2 <= sign_q;
        moved_q <= vanishes_q ? '0 : moved;
      end
    end
    assign even = shift(shift({significand_q, 2'b0}, right_q[4:3], 8), right_q[2:1], 2);
    if (HALVES != 0) begin : g_odd
      logic ones_q;
      assign moved = MovedW'(shift(even, 2'(right_q[0]), 1));
      always_ff @(posedge clk_i) begin
        if (advance) ones_q <= moved[2+:MagW] == '1;
      end
      assign shifted = moved_q;
      assign ones = ones_q;
    end else begin : g_late
      // The last place shares the LUTs of the negation.
      logic odd_q;
      always_ff @(posedge clk_i) begin
        if (advance) odd_q <= right_q[0];
      end
      assign moved = even;
      assign shifted = (MagW + 2)'(shift(moved_q, 2'(odd_q), 1));
      assign ones = shifted[2+:MagW] == '1;
    end
    // The largest magnitude does not round up; unless BaseShift moves it, it has nothing to round.
    assign words[l*ShiftedW+:ShiftedW] = {
      sign_q2, shifted[1] && (shifted[0] || shifted[2]) && (BaseShift == 0 || !ones), shifted[2+:MagW]
    };
  end

  // Lanes of FP16 values in lower halves, whose 11 bits never round up to more than the largest magnitude.
  logic [Values*ShiftedW-1:0] halves;
  if (HALVES != 0) begin : g_halves
    for (genvar l = 0; l < LANES; l++) begin : g_lane
      logic [15:0] value;
      logic normal, sign_q, sign_q2, far, vanishes_q;
      logic [10:0] significand_q;
      logic [4:0] right, right_q;
      logic [MagW+1:0] shifted_q;
      assign value = got[l*32+:16];
      assign normal = value[14:10] != '0;
      assign {far, right} = places(got_base, {3'd0, value[14:10]}, !normal);
      always_ff @(posedge clk_i) begin
        if (advance) begin
          sign_q <= value[15];
          significand_q <= {normal, value[9:0]};
          right_q <= right;
          vanishes_q <= far;
          sign_q2 <= sign_q;
          if (vanishes_q) shifted_q <= '0;
          else shifted_q <= (MagW + 2)'(shift(shift(shift({significand_q, 18'b0}, 2'(right_q[4]), 16), right_q[3:2], 4),
                                              right_q[1:0], 1));
        end
      end
      assign halves[2*l*ShiftedW+:2*ShiftedW] = {
        words[l*ShiftedW+:ShiftedW], sign_q2, shifted_q[1] && (shifted_q[0] || shifted_q[2]), shifted_q[2+:MagW]
      };
    end
  end else begin : g_no_halves
    assign halves = words;
  end

  // Rounded and negated by one addition: -(m + up) is ~m + !up.
  for (genvar v = 0; v < Values; v++) begin : g_value
    logic sign, up;
    logic [MagW-1:0] magnitude;
    assign {sign, up, magnitude} =
        half_q3 ? halves[v*ShiftedW+:ShiftedW] : words[(v%LANES)*ShiftedW+:ShiftedW];
    assign rounded[v*WIDTH+:WIDTH] = {sign, magnitude ^ {MagW{sign}}} + WIDTH'(sign ^ up);
  end

  // A beat of FP16 fills two spots.
  for (genvar b = 0; b < PartBeats; b++) begin : g_assemble
    localparam int First = b * LANES % Values;
    logic here, begins;
    if (PartBeats > 1) begin : g_spot
      assign here = (spot_q2 | SpotW'(half_q3 && b % 2 == 1)) == SpotW'(b);
      assign begins = spot_q2 == '0;
    end else begin : g_beat
      assign here = 1'b1;
      assign begins = 1'b1;
      logic unused_spot;
      assign unused_spot = spot_q2;
    end
    always_ff @(posedge clk_i) begin
      if (advance && valid_q2) begin
        if (here) out_q[b*LANES*WIDTH+:LANES*WIDTH] <= rounded[First*WIDTH+:LANES*WIDTH];
        else if (begins) out_q[b*LANES*WIDTH+:LANES*WIDTH] <= '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance && valid_q2) begin
      side_q3  <= side_q2;
      part_q3  <= part_q2;
      last_q3  <= read_last_q2;
      short_q3 <= short_q2;
    end
  end

  // Behind the last part that a short block brings come all others at once, while the next block's is assembled.
  logic [PARTS-1:0] fill_parts;
  logic [TAG_W+8:0] fill_side;
  if (PARTS > 1 && WHOLE == 0) begin : g_fill
    logic fill_q;
    logic [PARTS-1:0] fill_parts_q;
    logic [TAG_W+8:0] fill_side_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) fill_q <= 1'b0;
      else fill_q <= fill_q ? !out_ready_i : valid_q3 && short_q3 && out_ready_i;
      if (!fill_q) begin
        fill_parts_q <= PARTS'(-(part_q3 << 1));  // all above
        fill_side_q  <= side_q3;
      end
    end
    assign fill = fill_q;
    assign fill_parts = fill_parts_q;
    assign fill_side = fill_side_q;
  end else begin : g_no_fill
    assign fill = 1'b0;
    assign fill_parts = '0;
    assign fill_side = '0;
    logic unused_short;
    assign unused_short = short_q3;
  end

  assign out_valid_o = valid_q3 || fill;
  assign out_data_o = fill ? '0 : out_q;
  assign out_parts_o = fill ? fill_parts : part_q3;
  assign out_last_o = fill || (last_q3 && !short_q3);
  assign {out_tag_o, out_exponent_o, out_nonfinite_o} = fill ? fill_side : side_q3;

  if (LANES < 2 || LANES > 32 || 64 % LANES != 0) begin : g_bad_lanes
    ERROR_block_aligner_LANES_must_be_2_4_8_16_or_32 u_error ();
  end
  if (WIDTH < 2 || WIDTH > 25) begin : g_bad_width
    ERROR_block_aligner_WIDTH_must_be_2_to_25 u_error ();
  end
  if (PARTS < 1 || 2 ** $clog2(PARTS) != PARTS || 64 / PARTS < Values) begin : g_bad_parts
    ERROR_block_aligner_PARTS_must_be_a_power_of_two_and_have_a_beat_s_values_each u_error ();
  end
  if (HALVES != 0 && WIDTH != 18) begin : g_bad_halves
    ERROR_block_aligner_HALVES_needs_a_WIDTH_of_18 u_error ();
  end

endmodule : block_aligner
