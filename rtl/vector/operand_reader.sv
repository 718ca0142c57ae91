// SPDX-License-Identifier: Apache-2.0
//
// Reads the words of an operand of the vector engine from the scratchpad, ahead of their use.
//
// Why: the scratchpad is shared, so a read is granted when it is free. A request is made only if the queue has room for
// its answer, so an answer is never refused.
// Latency: start_i to out_valid_o 2 cycles and those of the scratchpad. Throughput: one word per cycle while the
// scratchpad answers within DEPTH - 2 cycles.

module operand_reader #(
  // Bits of a word.
  parameter int WIDTH  = 256,
  // Width of an address in values.
  parameter int ADDR_W = 16,
  // Words that are asked for or waiting, at least 2.
  parameter int DEPTH  = 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // As of row_walker, in words, or in values where each row has one.
  input  logic              start_i,
  input  logic [15:0]       outer_i,
  input  logic [15:0]       inner_i,
  input  logic [15:0]       words_i,
  input  logic [ADDR_W-1:0] base_i,
  input  logic [ADDR_W-1:0] outer_stride_i,
  input  logic [ADDR_W-1:0] inner_stride_i,
  input  logic [15:0]       exchange_i,
  // One value per row: its word, with the value's place in the word.
  input  logic              per_row_i,
  output logic              idle_o,

  // Scratchpad: answers come in order.
  output logic              req_valid_o,
  input  logic              req_ready_i,
  output logic [ADDR_W-1:0] req_addr_o,
  input  logic              rsp_valid_i,
  input  logic [WIDTH-1:0]  rsp_data_i,

  output logic              out_valid_o,
  input  logic              out_ready_i,
  output logic [WIDTH-1:0]  out_data_o,
  output logic [2:0]        out_lane_o
);

  localparam int LevelW = $clog2(DEPTH + 1);

  logic              walk_valid, walk_ready, walk_idle, room, per_row_q, lane_in_ready, lane_valid, data_in_ready;
  logic [ADDR_W-1:0] address;
  logic [LevelW-1:0] taken_q, lane_level, data_level;
  logic [2:0]        unused_last;

  row_walker #(
    .ADDR_W(ADDR_W)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i,
    .outer_i,
    .inner_i,
    .words_i,
    .base_i,
    .outer_stride_i,
    .inner_stride_i,
    .exchange_i,
    .idle_o      (walk_idle),
    .valid_o     (walk_valid),
    .ready_i     (walk_ready),
    .address_o   (address),
    .last_word_o (unused_last[0]),
    .last_inner_o(unused_last[1]),
    .last_o      (unused_last[2])
  );

  assign room        = taken_q != LevelW'(DEPTH);
  assign req_valid_o = walk_valid && room;
  assign walk_ready  = req_ready_i && room;
  assign req_addr_o  = per_row_q ? address >> 3 : address;
  assign idle_o      = walk_idle && taken_q == '0;

  // Words asked for and not yet used.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) taken_q <= '0;
    else taken_q <= taken_q + LevelW'(req_valid_o && req_ready_i) - LevelW'(out_valid_o && out_ready_i);
    if (start_i) per_row_q <= per_row_i;
  end

  stream_fifo #(
    .WIDTH(3),
    .DEPTH(DEPTH)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .in_valid_i (req_valid_o && req_ready_i),
    .in_ready_o (lane_in_ready),
    .in_data_i  (address[2:0]),
    .out_valid_o(lane_valid),
    .out_ready_i(out_valid_o && out_ready_i),
    .out_data_o (out_lane_o),
    .level_o    (lane_level)
  );

  stream_fifo #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_data (
    .clk_i,
    .rst_ni,
    .in_valid_i (rsp_valid_i),
    .in_ready_o (data_in_ready),
    .in_data_i  (rsp_data_i),
    .out_valid_o,
    .out_ready_i,
    .out_data_o,
    .level_o    (data_level)
  );

  // Room is counted here, once for both queues; a word's lane is there before its data.
  logic unused_queues;
  assign unused_queues = ^{lane_in_ready, lane_valid, lane_level, data_in_ready, data_level};

endmodule : operand_reader
