// SPDX-License-Identifier: Apache-2.0
//
// Turns blocks of up to 64 FP32 values into signed integers that share the block's largest exponent.
//
// Why: the array multiplies integers only. The value of an output element is
// mantissa * 2^(exponent - 127 - (WIDTH - 2)). Elements are shifted right and rounded to nearest even; rounding that would
// leave the largest magnitude saturates; subnormals count as zero. Elements a short block does not bring are zero.
// Two halves work on different blocks: one collects values and finds the exponent, the other shifts and assembles.
// Latency: a block's beats + 4 cycles, from the last beat. Throughput: one beat per cycle, without gaps between blocks.

module block_aligner #(
  // FP32 values per beat: a power of two, 2 to 32.
  parameter int LANES = 8,
  // Mantissa width with sign, 2 to 25.
  parameter int WIDTH = 25,
  // Bits of a tag that travels with each block.
  parameter int TAG_W = 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                in_valid_i,
  output logic                in_ready_o,
  // Values in ascending order, the first in the lowest bits.
  input  logic [LANES*32-1:0] in_data_i,
  // Last beat of the block; the tag is taken here.
  input  logic                in_last_i,
  input  logic [TAG_W-1:0]    in_tag_i,
  // The block's exponent is known one cycle after its last beat, before its mantissas: a pulse without backpressure.
  output logic                exponent_valid_o,
  output logic [7:0]          exponent_o,
  output logic                nonfinite_o,
  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [64*WIDTH-1:0] out_data_o,
  output logic [7:0]          out_exponent_o,
  output logic                out_nonfinite_o,
  output logic [TAG_W-1:0]    out_tag_o
);

  localparam int Beats = 64 / LANES;
  localparam int BeatW = Beats > 1 ? $clog2(Beats) : 1;
  localparam int Buffers = 4;
  localparam int MagW = WIDTH - 1;
  localparam int BaseShift = 24 - MagW;
  localparam int InfoW = TAG_W + 9 + BeatW;

  // Collecting half.
  logic [LANES*32-1:0] raw_q[Buffers*Beats];
  logic [1:0] write_buffer_q;
  logic [BeatW-1:0] write_beat_q;
  logic [7:0] largest_q, largest_d, beat_largest;
  logic collected_q;
  logic [InfoW-1:0] info_q;
  logic [2:0] used_q;
  logic take, release_buffer;
  logic info_valid, info_ready;
  logic [InfoW-1:0] info;

  assign in_ready_o = used_q < 3'd4;
  assign take = in_valid_i && in_ready_o;

  // Largest exponent of a beat, as a chain of comparisons.
  for (genvar l = 0; l < LANES; l++) begin : g_largest
    logic [7:0] so_far;
    if (l == 0) begin : g_first
      assign so_far = in_data_i[30:23];
    end else begin : g_next
      assign so_far = in_data_i[l*32+23+:8] > g_largest[l-1].so_far
          ? in_data_i[l*32+23+:8] : g_largest[l-1].so_far;
    end
  end
  assign beat_largest = g_largest[LANES-1].so_far;
  assign largest_d = write_beat_q == '0 || beat_largest > largest_q ? beat_largest : largest_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_buffer_q <= '0;
      write_beat_q   <= '0;
      collected_q    <= 1'b0;
      used_q         <= '0;
    end else begin
      collected_q <= take && in_last_i;
      if (take) write_beat_q <= in_last_i ? '0 : write_beat_q + 1'b1;
      if (take && in_last_i) write_buffer_q <= write_buffer_q + 1'b1;
      used_q <= used_q + 3'(take && in_last_i) - 3'(release_buffer);
    end
    if (take) begin
      raw_q[{write_buffer_q, write_beat_q}] <= in_data_i;
      largest_q <= largest_d;
      info_q <= {in_tag_i, largest_d, largest_d == 8'hFF, write_beat_q};
    end
  end

  assign exponent_valid_o = collected_q;
  assign exponent_o = info_q[BeatW+1+:8];
  assign nonfinite_o = info_q[BeatW];

  logic unused_info_ready;
  logic [2:0] unused_level;
  // One entry per collected block; it never fills, because used_q bounds the blocks between the halves.
  stream_fifo #(
    .WIDTH(InfoW),
    .DEPTH(Buffers)
  ) u_info (
    .clk_i,
    .rst_ni,
    .in_valid_i(collected_q),
    .in_ready_o(unused_info_ready),
    .in_data_i(info_q),
    .out_valid_o(info_valid),
    .out_ready_i(info_ready),
    .out_data_o(info),
    .level_o(unused_level)
  );

  // Shifting half: read, shift, round, assemble; the whole pipeline waits while a finished block is not taken.
  logic advance;
  logic [1:0] read_buffer_q;
  logic [BeatW-1:0] read_beat_q;
  logic last_beat;
  logic valid_q, valid_q2, valid_q3;
  logic [BeatW-1:0] beat_q, beat_q2;
  logic last_q, last_q2;
  logic [TAG_W+8:0] side_q, side_q2, side_q3;
  logic [LANES*32-1:0] raw_read_q;
  logic [LANES*WIDTH-1:0] rounded;
  logic [64*WIDTH-1:0] out_q;

  assign advance = !(valid_q3 && !out_ready_i);
  assign last_beat = read_beat_q == info[BeatW-1:0];
  assign info_ready = advance && last_beat;
  assign release_buffer = info_valid && info_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_buffer_q <= '0;
      read_beat_q   <= '0;
      valid_q       <= 1'b0;
      valid_q2      <= 1'b0;
      valid_q3      <= 1'b0;
    end else if (advance) begin
      valid_q  <= info_valid;
      valid_q2 <= valid_q;
      valid_q3 <= valid_q2 && last_q2;
      if (info_valid) read_beat_q <= last_beat ? '0 : read_beat_q + 1'b1;
      if (info_valid && last_beat) read_buffer_q <= read_buffer_q + 1'b1;
    end
  end

  // Right shift by `shift` places, keeping a guard bit and a sticky bit below the result.
  function automatic logic [MagW+1:0] shift_right(input logic [23:0] magnitude, input logic [4:0] shift);
    logic [MagW+31:0] wide;
    begin
      wide = (MagW + 32)'({magnitude, 32'd0} >> shift);
      shift_right = {wide[32+:MagW], wide[31], |wide[30:0]};
    end
  endfunction

  always_ff @(posedge clk_i) begin
    if (advance) begin
      raw_read_q <= raw_q[{read_buffer_q, read_beat_q}];
      beat_q <= read_beat_q;
      last_q <= last_beat;
      side_q <= info[BeatW+:TAG_W+9];
      beat_q2 <= beat_q;
      last_q2 <= last_q;
      side_q2 <= side_q;
    end
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [31:0] value;
    logic [7:0] below;  // the element's exponent below the block's
    logic [4:0] shift;
    logic [MagW+2:0] shifted_q;  // sign, magnitude, guard, sticky
    logic [MagW:0] sum;
    logic [MagW-1:0] magnitude;
    assign value = raw_read_q[l*32+:32];
    assign below = side_q[8:1] - value[30:23];
    assign shift = below > 8'(31 - BaseShift) ? 5'd31 : below[4:0] + 5'(BaseShift);
    always_ff @(posedge clk_i) begin
      if (advance)
        shifted_q <= {value[31], value[30:23] == 8'd0 ? (MagW + 2)'(0) : shift_right({1'b1, value[22:0]}, shift)};
    end
    assign sum = {1'b0, shifted_q[MagW+1:2]} + (MagW + 1)'(shifted_q[1] && (shifted_q[0] || shifted_q[2]));
    assign magnitude = sum[MagW] ? '1 : sum[MagW-1:0];
    assign rounded[l*WIDTH+:WIDTH] = shifted_q[MagW+2] ? -{1'b0, magnitude} : {1'b0, magnitude};
  end

  for (genvar b = 0; b < Beats; b++) begin : g_assemble
    always_ff @(posedge clk_i) begin
      if (advance && valid_q2) begin
        if (beat_q2 == BeatW'(b)) out_q[b*LANES*WIDTH+:LANES*WIDTH] <= rounded;
        else if (beat_q2 == '0) out_q[b*LANES*WIDTH+:LANES*WIDTH] <= '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance && valid_q2) side_q3 <= side_q2;
  end

  assign out_valid_o = valid_q3;
  assign out_data_o = out_q;
  assign {out_tag_o, out_exponent_o, out_nonfinite_o} = side_q3;

  if (LANES < 2 || LANES > 32 || 64 % LANES != 0) begin : g_bad_lanes
    ERROR_block_aligner_LANES_must_be_2_4_8_16_or_32 u_error ();
  end
  if (WIDTH < 2 || WIDTH > 25) begin : g_bad_width
    ERROR_block_aligner_WIDTH_must_be_2_to_25 u_error ();
  end

endmodule : block_aligner
