// SPDX-License-Identifier: Apache-2.0
//
// Turns beats of BFP8 blocks into beats of FP16 values; beats of anything else pass.
//
// Why: keys and values of 8 bits take half of FP16's memory, and nothing behind this unit knows of them. A block of 64
// bytes holds its scale in the lowest bits of its first six (tb/models/bfp8.py), so rows are whole lines.
// Latency: 0 (combinational from input to output). Throughput: one beat out per cycle; a beat of BFP8 becomes two.

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
  logic [CountW-1:0] beat_q;
  logic [Half-1:0]   held_q, half;
  logic [5:0]        scale_q, first_scale, scale;
  logic [BUS_W-1:0]  values;
  logic              take, give, begins, first_q;

  assign out_valid_o = in_valid_i || second_q;
  assign in_ready_o  = out_ready_i && !second_q;
  assign take        = in_valid_i && in_ready_o;
  assign give        = out_valid_o && out_ready_i;
  assign begins      = !second_q && beat_q == '0;

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

  for (genvar l = 0; l < BUS_W / 16; l++) begin : g_lane
    // The lowest bit of a block's first six integers is zero.
    logic [7:0] number;
    assign number = {half[8*l+1+:7], half[8*l] && !(l < 6 && begins || l + Half / 8 < 6 && second_q && first_q)};
    bfp8_to_fp16 u_lane (
      .integer_i(number),
      .scale_i(scale),
      .y_o(values[16*l+:16])
    );
  end
  assign out_data_o = second_q || in_block_i ? values : in_data_i;

endmodule : bfp8_unpack
