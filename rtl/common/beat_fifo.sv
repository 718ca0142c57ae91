// SPDX-License-Identifier: Apache-2.0
//
// FIFO of memory beats, with a register behind it.
//
// Why: some tens of beats are distributed RAM on a wide bus, and a block RAM or two on a narrow one, where there are more of
// them. Neither is quick enough for much logic behind its output.
// Latency 2 cycles, where WIDTH is at most 128 3; one transfer per cycle sustained. in_ready_o and out_valid_o come straight
// from flip-flops.

module beat_fifo #(
  // Payload bits.
  parameter int WIDTH = 64,
  // Entries without the one in the register, a power of two, at least 4.
  parameter int DEPTH = 64
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [WIDTH-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [WIDTH-1:0] out_data_o
);

  logic                       head_valid, head_ready;
  logic [WIDTH-1:0]           head;
  logic [$clog2(DEPTH+1)-1:0] unused_level;

  if (WIDTH <= 128) begin : g_block
    stream_ram_fifo #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH)
    ) u_fifo (
      .clk_i,
      .rst_ni,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o(head_valid),
      .out_ready_i(head_ready),
      .out_data_o (head),
      .level_o    (unused_level)
    );
  end else begin : g_distributed
    stream_fifo #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH)
    ) u_fifo (
      .clk_i,
      .rst_ni,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o(head_valid),
      .out_ready_i(head_ready),
      .out_data_o (head),
      .level_o    (unused_level)
    );
  end

  stream_stage #(
    .WIDTH(WIDTH)
  ) u_stage (
    .clk_i,
    .rst_ni,
    .in_valid_i (head_valid),
    .in_ready_o (head_ready),
    .in_data_i  (head),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule : beat_fifo
