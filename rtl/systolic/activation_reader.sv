// SPDX-License-Identifier: Apache-2.0
//
// Reads the activations of each tile from the scratchpad and says what every answer is.
//
// Why: the scratchpad is shared, so answers come when they come, in order. Requests run ahead, into the next tiles too;
// the other half counts answers and knows the row, the word in the row and the tile they belong to. Answers are never
// refused: whoever starts a tile has room for all of it. A row always has 8 words; of a shorter one, what is read behind
// its end is not active, whatever and wherever it is.
// Latency: a tile's command to its first request 2 cycles; an answer is told of in its own cycle.
// Throughput: one request and one answer per cycle, from tile to tile too.

module activation_reader #(
  // Width of a scratchpad address in words.
  parameter int ADDR_W   = 13,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Tiles that may wait behind the one whose answers come.
  parameter int TILES    = 4
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  // One command per tile: rows_i = outer_i * inner_i rows of 1 to 64 values, with their distances in words.
  input  logic                          cmd_valid_i,
  output logic                          cmd_ready_o,
  input  logic [ADDR_W-1:0]             cmd_base_i,
  input  logic [ADDR_W-1:0]             cmd_outer_stride_i,
  input  logic [ADDR_W-1:0]             cmd_inner_stride_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_outer_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_inner_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_rows_i,
  input  logic [6:0]                    cmd_values_i,
  // A flag that comes back with the tile's answers.
  input  logic                          cmd_scaled_i,

  // Scratchpad.
  output logic                          req_valid_o,
  input  logic                          req_ready_i,
  output logic [ADDR_W-1:0]             req_addr_o,
  input  logic                          rsp_valid_i,

  // The answer of this cycle: its place in the row, which of its values belong to the row, last word and last row.
  output logic [2:0]                    word_o,
  output logic [vector_pkg::Lanes-1:0]  active_o,
  output logic                          last_word_o,
  output logic                          last_row_o,
  output logic                          scaled_o
);

  localparam int Lanes  = vector_pkg::Lanes;
  localparam int Words  = 64 / Lanes;
  localparam int CountW = $clog2(MAX_ROWS + 1);
  // Counts rows, and words of a row.
  localparam int WalkW  = CountW > 4 ? CountW : 4;

  // ---------------------------------------------------------------------------------------------
  // Requests
  // ---------------------------------------------------------------------------------------------
  logic       start, walk_ready, tile_ready, unused_idle;
  logic [2:0] unused_last;

  assign cmd_ready_o = tile_ready && walk_ready;
  assign start       = cmd_valid_i && cmd_ready_o;

  row_walker #(
    .ADDR_W (ADDR_W),
    .COUNT_W(WalkW)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i       (start),
    .start_ready_o (walk_ready),
    .outer_i       (WalkW'(cmd_outer_i)),
    .inner_i       (WalkW'(cmd_inner_i)),
    .words_i       (WalkW'(Words)),
    .base_i        (cmd_base_i),
    .outer_stride_i(cmd_outer_stride_i),
    .inner_stride_i(cmd_inner_stride_i),
    .exchange_i    (WalkW'(0)),
    .idle_o        (unused_idle),
    .valid_o       (req_valid_o),
    .ready_i       (req_ready_i),
    .address_o     (req_addr_o),
    .last_word_o   (unused_last[0]),
    .last_inner_o  (unused_last[1]),
    .last_o        (unused_last[2])
  );

  // ---------------------------------------------------------------------------------------------
  // Answers
  // ---------------------------------------------------------------------------------------------
  logic                       next_valid, next_take, tile_valid, tile_end, last_word_q;
  logic [CountW+7:0]          next_tile;
  logic [CountW-1:0]          tile_rows, row_q;
  logic [6:0]                 tile_values;
  logic [2:0]                 word_q;
  logic [$clog2(TILES+1)-1:0] tile_level;

  stream_fifo #(
    .WIDTH(CountW + 8),
    .DEPTH(TILES)
  ) u_tiles (
    .clk_i,
    .rst_ni,
    .in_valid_i (start),
    .in_ready_o (tile_ready),
    .in_data_i  ({cmd_scaled_i, cmd_rows_i, cmd_values_i}),
    .out_valid_o(next_valid),
    .out_ready_i(next_take),
    .out_data_o (next_tile),
    .level_o    (tile_level)
  );
  stream_stage #(
    .WIDTH(CountW + 8)
  ) u_tile (
    .clk_i,
    .rst_ni,
    .in_valid_i (next_valid),
    .in_ready_o (next_take),
    .in_data_i  (next_tile),
    .out_valid_o(tile_valid),
    .out_ready_i(tile_end),
    .out_data_o ({scaled_o, tile_rows, tile_values})
  );

  assign word_o      = word_q;
  assign last_word_o = last_word_q;
  assign last_row_o  = row_q == tile_rows;
  assign tile_end    = rsp_valid_i && last_word_o && last_row_o;

  for (genvar l = 0; l < Lanes; l++) begin : g_active
    assign active_o[l] = {1'b0, word_q, 3'(l)} < tile_values;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q      <= '0;
      last_word_q <= 1'b0;
      row_q       <= CountW'(1);
    end else if (rsp_valid_i) begin
      word_q      <= word_q + 3'd1;
      last_word_q <= word_q == 3'(Words - 2);
      if (last_word_q) row_q <= last_row_o ? CountW'(1) : row_q + CountW'(1);
    end
  end

  // A tile's answers come later than its command.
  logic unused_tiles;
  assign unused_tiles = ^{tile_valid, tile_level, unused_last, unused_idle};

  if (Lanes != 8) begin : g_bad_lanes
    ERROR_activation_reader_a_word_must_have_8_values u_error ();
  end

endmodule : activation_reader
