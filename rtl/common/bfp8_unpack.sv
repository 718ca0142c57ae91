// SPDX-License-Identifier: Apache-2.0
//
// Turns beats of BFP8 blocks into beats of FP16 values; beats of anything else pass.
//
// Why: keys and values of 8 bits take half of FP16's memory, and nothing behind this unit knows of them. A block of 64
// bytes holds its scale in the lowest bits of its first six (tb/models/bfp8.py), so rows are whole lines.
// Latency: 2 cycles, half a beat in between. Throughput: one beat out per cycle; a beat of BFP8 becomes two.

module bfp8_unpack #(
  // Memory bus width in bits: 64, 128, 256 or 512.
  parameter int BUS_W = 256
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  // Whole blocks where the flag is set.
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [BUS_W-1:0] in_data_i,
  input  logic             in_block_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [BUS_W-1:0] out_data_o
);

  localparam int Beats = 512 / BUS_W;  // of a block
  localparam int CountW = Beats > 1 ? $clog2(Beats) : 1;
  localparam int Half = BUS_W / 2;

  logic              second_q;  // the held half of a beat comes next
  logic              in_block, valid_q, out_valid_q, free, out_free;
  logic [CountW-1:0] beat_q;
  logic [Half-1:0]   held_q, half;
  logic [5:0]        scale_q, first_scale, scale;
  logic [BUS_W-1:0]  values;
  logic              take, give, begins, first_q;

  assign in_ready_o  = free && !second_q;
  assign take        = in_valid_i && in_ready_o;
  assign give        = (in_valid_i || second_q) && free;
  assign begins      = !second_q && beat_q == '0;
  assign in_block    = second_q || in_block_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      second_q <= 1'b0;
      beat_q <= '0;
    end else begin
      if (give) second_q <= !second_q && in_block_i;
      if (take && in_block_i) beat_q <= beat_q == CountW'(Beats - 1) ? '0 : beat_q + 1'b1;
    end
    if (take) begin
      held_q <= in_data_i[BUS_W-1:Half];
      first_q <= begins;
    end
    if (take && begins) scale_q <= first_scale;
  end

  for (genvar s = 0; s < 6; s++) begin : g_scale
    assign first_scale[s] = in_data_i[8*s];
  end
  assign scale = begins ? first_scale : scale_q;
  assign half  = second_q ? held_q : in_data_i[Half-1:0];

  // Magnitudes of half a beat's integers, or a beat that passes; then values.
  localparam int Lanes = BUS_W / 16;
  logic [BUS_W-1:0] word, word_q, out_q;
  logic [Lanes-1:0] negative_q;
  logic [5:0]       word_scale_q;
  logic             block_q;
  assign free     = !valid_q || out_free;
  assign out_free = !out_valid_q || out_ready_i;
  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    // The lowest bit of a block's first six integers is zero.
    logic       negative;
    logic [7:0] number;
    assign negative = in_block && half[8*l+7];
    assign number = {half[8*l+1+:7], half[8*l] && !(in_block && (l < 6 && begins ||
                                                    l + Half / 8 < 6 && second_q && first_q))};
    assign word[8*l+:8] = negative ? -number : number;
    always_ff @(posedge clk_i) begin
      if (free) negative_q[l] <= negative;
    end
    bfp8_to_fp16 u_lane (
      .negative_i(negative_q[l]),
      .magnitude_i(word_q[8*l+:8]),
      .scale_i(word_scale_q),
      .y_o(values[16*l+:16])
    );
  end
  assign word[BUS_W-1:Half] = in_data_i[BUS_W-1:Half];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q     <= 1'b0;
      out_valid_q <= 1'b0;
    end else begin
      if (free) valid_q <= in_valid_i || second_q;
      if (out_free) out_valid_q <= valid_q;
    end
    if (free) begin
      word_q       <= word;
      word_scale_q <= scale;
      block_q      <= in_block;
    end
    if (out_free) out_q <= block_q ? values : word_q;
  end
  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_q;

endmodule : bfp8_unpack
