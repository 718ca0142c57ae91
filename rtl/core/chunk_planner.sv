// SPDX-License-Identifier: Apache-2.0
//
// How many activation rows go through the array together.
//
// Why: every weight is read once per chunk, so a chunk is as large as the scratchpad and the row counters of the array
// allow. Adding one row per cycle needs neither a divider nor a multiplier, and gives the sizes in blocks and the step of
// the output address on the way.
//
// Latency: one cycle per row of the chunk, and one more.

module chunk_planner #(
  // Width of a memory address.
  parameter int ADDR_W    = 40,
  // Activation scratchpad in blocks of 64 values.
  parameter int ACT_DEPTH = 2048,
  // Most rows of a chunk.
  parameter int MAX_ROWS  = 64
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle; the inputs below stay stable until done_o. A single row fits the scratchpad.
  input  logic              start_i,
  input  logic [15:0]       rows_left_i,
  // Blocks per row of the first and the second product; the second has one or none.
  input  logic [core_pkg::BlocksWidth-1:0] blocks_i,
  input  logic              second_i,
  // Distance of output rows in bytes.
  input  logic [31:0]       out_stride_i,

  // One cycle; the results hold until the next start.
  output logic              done_o,
  output logic [$clog2(MAX_ROWS+1)-1:0]  rows_o,
  output logic [$clog2(ACT_DEPTH+1)-1:0] act_blocks_o,
  output logic [ADDR_W-1:0]              out_bytes_o
);

  localparam int RowsW  = $clog2(MAX_ROWS + 1);
  localparam int DepthW = $clog2(ACT_DEPTH + 1);
  // One more row than fits must not overflow.
  localparam int TotalW = ((DepthW > core_pkg::BlocksWidth) ? DepthW : core_pkg::BlocksWidth) + 2;

  logic              active_q;
  logic [TotalW-1:0] total_q, per_row;
  logic              full;

  assign per_row = TotalW'(blocks_i) + TotalW'(second_i);
  assign full    = 16'(rows_o) == rows_left_i || rows_o == RowsW'(MAX_ROWS) ||
                   total_q + per_row > TotalW'(ACT_DEPTH);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      done_o   <= 1'b0;
    end else begin
      if (start_i) active_q <= 1'b1;
      else if (full) active_q <= 1'b0;
      done_o <= active_q && full;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      rows_o       <= RowsW'(1);
      act_blocks_o <= DepthW'(blocks_i);
      total_q      <= per_row;
      out_bytes_o  <= ADDR_W'(out_stride_i);
    end else if (active_q && !full) begin
      rows_o       <= rows_o + RowsW'(1);
      act_blocks_o <= act_blocks_o + DepthW'(blocks_i);
      total_q      <= total_q + per_row;
      out_bytes_o  <= out_bytes_o + ADDR_W'(out_stride_i);
    end
  end

endmodule : chunk_planner
