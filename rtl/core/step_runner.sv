// SPDX-License-Identifier: Apache-2.0
//
// Runs one step of a job: chunk after chunk, loads the activations and walks the weight tiles.
//
// Why: the loads and loops of a step are the same for every step, so job_control only starts it and waits for its end.
// A chunk begins when the one before has left the matrix unit, because the scratchpad is not double-buffered; a step
// ends when its results are in memory, because the next one reads them.
//
// Latency, with R rows in a chunk: start_i to the first read command R + 9 cycles; load command to first tile 3; drained_i
// to the next chunk's read command R + 3, to done_o 1. Throughput: a tile per cycle within a chunk, as tile_walker.

module step_runner #(
  // Width of a memory address.
  parameter int ADDR_W    = 40,
  // Activation scratchpad in blocks of 64 values.
  parameter int ACT_DEPTH = 2048,
  // Most rows of a chunk.
  parameter int MAX_ROWS  = 64
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle each; the job and step_i stay stable from the first to the second.
  input  logic              start_i,
  output logic              done_o,

  input  logic [2:0]        step_i,
  // The job, see step_operands.
  input  logic              backward_i,
  input  logic [2:0]        half_i,
  input  logic [15:0]       tokens_i,
  input  logic [9:0]        in_blocks_i,
  input  logic [15:0]       out_features_i,
  input  logic [6:0]        rank_i,
  input  logic [16:0]       rank_blocks_i,
  input  logic [31:0]       lora_scale_i,
  output logic [3:0]        word_index_o,
  input  logic [ADDR_W-1:0] word_i,
  output logic [2:0]        first_step_o,
  output logic              last_step_o,
  // Where the step's results begin.
  output logic [ADDR_W-1:0] result_addr_o,

  // Reads; weights or else activations.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-1:0] rcmd_addr_o,
  output logic [31:0]       rcmd_row_bytes_o,
  output logic [15:0]       rcmd_rows_o,
  output logic [31:0]       rcmd_stride_o,
  output logic              rcmd_weight_o,

  // Commands of the matrix unit, see there.
  output logic              load_valid_o,
  input  logic              load_ready_i,
  output logic [$clog2(ACT_DEPTH)-1:0]   load_base_o,
  output logic [$clog2(ACT_DEPTH+1)-1:0] load_blocks_o,
  output logic              load_format_o,
  output logic              tile_valid_o,
  input  logic              tile_ready_i,
  output logic              tile_transpose_o,
  output logic [1:0]        tile_format_o,
  output logic [6:0]        tile_lines_o,
  output logic [31:0]       tile_block_o,
  output logic [15:0]       tile_block_stride_o,
  output logic [$clog2(ACT_DEPTH)-1:0]   tile_act_base_o,
  output logic [15:0]       tile_act_stride_o,
  output logic [$clog2(MAX_ROWS+1)-1:0]  tile_rows_o,
  output logic              tile_first_o,
  output logic              tile_last_o,
  output logic [31:0]       tile_scale_o,
  output logic              tile_out_format_o,

  // Writes, one command per output block.
  output logic              wcmd_valid_o,
  input  logic              wcmd_ready_i,
  output logic [ADDR_W-1:0] wcmd_addr_o,
  output logic [31:0]       wcmd_stride_o,
  output logic              wcmd_half_o,
  output logic [$clog2(MAX_ROWS+1)-1:0]  wcmd_rows_o,

  // Nothing that was commanded is still under way: loads, tiles, results, writes.
  input  logic              drained_i
);

  localparam int BlocksW = core_pkg::BlocksWidth;
  localparam int RowsW   = $clog2(MAX_ROWS + 1);
  localparam int DepthW  = $clog2(ACT_DEPTH + 1);
  localparam int ActW    = $clog2(ACT_DEPTH);

  localparam logic [2:0] StateIdle   = 3'd0;
  localparam logic [2:0] StateSetup  = 3'd1;
  localparam logic [2:0] StatePlan   = 3'd2;
  localparam logic [2:0] StateLoad   = 3'd3;
  localparam logic [2:0] StateSecond = 3'd4;
  localparam logic [2:0] StateWalk   = 3'd5;
  localparam logic [2:0] StateDrain  = 3'd6;

  logic [2:0]          state_q;
  logic                ready, planned, load_done, walked, next_chunk, last_chunk;
  logic                plan_q, walk_q;

  // ---------------------------------------------------------------------------------------------
  // Step
  // ---------------------------------------------------------------------------------------------
  logic                second, act_half, out_half;
  logic [ADDR_W-1:0]   act_addr, second_act_addr, out_addr;
  logic [15:0]         act_rows;
  logic [BlocksW-1:0]  act_blocks, out_blocks;
  logic [31:0]         out_stride;
  logic [2*ADDR_W-1:0] weight_addr;
  logic [63:0]         along, down, row_bytes;
  logic [31:0]         weight_rows;
  logic [1:0]          transpose, codes, weight_half, scaled;

  step_operands #(
    .ADDR_W(ADDR_W)
  ) u_operands (
    .clk_i,
    .rst_ni,
    .start_i,
    .done_o           (ready),
    .step_i,
    .backward_i,
    .half_i,
    .tokens_i,
    .in_blocks_i,
    .out_features_i,
    .rank_i,
    .rank_blocks_i,
    .word_index_o,
    .word_i,
    .first_step_o,
    .last_step_o,
    .second_o         (second),
    .act_addr_o       (act_addr),
    .second_act_addr_o(second_act_addr),
    .act_rows_o       (act_rows),
    .act_blocks_o     (act_blocks),
    .act_half_o       (act_half),
    .weight_addr_o    (weight_addr),
    .along_o          (along),
    .down_o           (down),
    .row_bytes_o      (row_bytes),
    .weight_rows_o    (weight_rows),
    .transpose_o      (transpose),
    .codes_o          (codes),
    .weight_half_o    (weight_half),
    .scaled_o         (scaled),
    .out_addr_o       (out_addr),
    .out_blocks_o     (out_blocks),
    .out_stride_o     (out_stride),
    .out_half_o       (out_half)
  );

  // ---------------------------------------------------------------------------------------------
  // Chunk
  // ---------------------------------------------------------------------------------------------
  logic [15:0]       rows_left_q;
  logic [ADDR_W-1:0] act_addr_q, second_act_addr_q, out_addr_q, chunk_out_bytes;
  logic [RowsW-1:0]  chunk_rows;
  logic [DepthW-1:0] chunk_blocks;
  logic [31:0]       act_bytes, second_act_bytes;

  chunk_planner #(
    .ADDR_W   (ADDR_W),
    .ACT_DEPTH(ACT_DEPTH),
    .MAX_ROWS (MAX_ROWS)
  ) u_planner (
    .clk_i,
    .rst_ni,
    .start_i     (plan_q),
    .rows_left_i (rows_left_q),
    .blocks_i    (act_blocks),
    .second_i    (second),
    .out_stride_i(out_stride),
    .done_o      (planned),
    .rows_o      (chunk_rows),
    .act_blocks_o(chunk_blocks),
    .out_bytes_o (chunk_out_bytes)
  );

  // The activation rows of a chunk lie one behind the other in memory.
  assign act_bytes        = act_half ? 32'(chunk_blocks) << 7 : 32'(chunk_blocks) << 8;
  assign second_act_bytes = 32'(chunk_rows) << 8;
  assign last_chunk       = rows_left_q == 16'(chunk_rows);
  assign next_chunk       = state_q == StateDrain && drained_i;

  always_ff @(posedge clk_i) begin
    if (ready) begin
      rows_left_q       <= act_rows;
      act_addr_q        <= act_addr;
      second_act_addr_q <= second_act_addr;
      out_addr_q        <= out_addr;
    end else if (next_chunk) begin
      rows_left_q       <= rows_left_q - 16'(chunk_rows);
      act_addr_q        <= act_addr_q + ADDR_W'(act_bytes);
      second_act_addr_q <= second_act_addr_q + ADDR_W'(second_act_bytes);
      out_addr_q        <= out_addr_q + chunk_out_bytes;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Control
  // ---------------------------------------------------------------------------------------------
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateIdle;
      plan_q  <= 1'b0;
      walk_q  <= 1'b0;
      done_o  <= 1'b0;
    end else begin
      plan_q <= ready || (next_chunk && !last_chunk);
      walk_q <= load_done && (state_q == StateSecond || !second);
      done_o <= next_chunk && last_chunk;
      case (state_q)
        StateIdle: if (start_i) state_q <= StateSetup;
        StateSetup: if (ready) state_q <= StatePlan;
        StatePlan: if (planned) state_q <= StateLoad;
        StateLoad: if (load_done) state_q <= second ? StateSecond : StateWalk;
        StateSecond: if (load_done) state_q <= StateWalk;
        StateWalk: if (walked) state_q <= StateDrain;
        default: if (drained_i) state_q <= last_chunk ? StateIdle : StatePlan;
      endcase
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Activations: one load command and one read each
  // ---------------------------------------------------------------------------------------------
  logic       loading, load_taken;
  logic [1:0] load_valid;

  assign loading   = state_q == StateLoad || state_q == StateSecond;
  assign load_done = loading && load_taken;

  stream_fork #(
    .OUTPUTS(2)
  ) u_load_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i (loading),
    .in_ready_o (load_taken),
    .out_valid_o(load_valid),
    .out_ready_i({rcmd_ready_i, load_ready_i})
  );

  // The second product's activations, one block per row, lie behind those of the first.
  assign load_valid_o  = load_valid[0];
  assign load_base_o   = (state_q == StateSecond) ? ActW'(chunk_blocks) : '0;
  assign load_blocks_o = (state_q == StateSecond) ? DepthW'(chunk_rows) : chunk_blocks;
  assign load_format_o = (state_q == StateSecond) ? 1'b0 : act_half;

  // ---------------------------------------------------------------------------------------------
  // Tiles
  // ---------------------------------------------------------------------------------------------
  logic               tile_codes, tile_half, tile_scaled;
  logic [BlocksW-1:0] tile_act_stride;
  logic               walk_rcmd_valid;
  logic [ADDR_W-1:0]  walk_rcmd_addr;
  logic [31:0]        walk_rcmd_row_bytes;
  logic [15:0]        walk_rcmd_rows;

  tile_walker #(
    .ADDR_W   (ADDR_W),
    .ACT_DEPTH(ACT_DEPTH)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i          (walk_q),
    .done_o           (walked),
    .out_blocks_i     (out_blocks),
    .red_blocks_i     (act_blocks),
    .second_i         (second),
    .base_i           (weight_addr),
    .along_i          (along),
    .down_i           (down),
    .row_bytes_i      (row_bytes),
    .rows_i           (weight_rows),
    .transpose_i      (transpose),
    .codes_i          (codes),
    .half_i           (weight_half),
    .scaled_i         (scaled),
    .code_blocks_i    (BlocksW'(in_blocks_i)),
    .second_base_i    (ActW'(chunk_blocks)),
    .out_addr_i       (out_addr_q),
    .out_half_i       (out_half),
    .tile_valid_o,
    .tile_ready_i,
    .tile_transpose_o,
    .tile_codes_o     (tile_codes),
    .tile_half_o      (tile_half),
    .tile_scaled_o    (tile_scaled),
    .tile_lines_o,
    .tile_block_o,
    .tile_act_base_o,
    .tile_act_stride_o(tile_act_stride),
    .tile_first_o,
    .tile_last_o,
    .rcmd_valid_o     (walk_rcmd_valid),
    .rcmd_ready_i     (rcmd_ready_i),
    .rcmd_addr_o      (walk_rcmd_addr),
    .rcmd_row_bytes_o (walk_rcmd_row_bytes),
    .rcmd_rows_o      (walk_rcmd_rows),
    .rcmd_stride_o,
    .wcmd_valid_o,
    .wcmd_ready_i,
    .wcmd_addr_o
  );

  assign tile_format_o       = tile_codes ? systolic_pkg::FormatCodes :
                               tile_half ? systolic_pkg::FormatFp16 : systolic_pkg::FormatFp32;
  assign tile_block_stride_o = 16'(in_blocks_i);
  assign tile_act_stride_o   = 16'(tile_act_stride);
  assign tile_rows_o         = chunk_rows;
  assign tile_scale_o        = tile_scaled ? lora_scale_i : systolic_pkg::FpOne;
  assign tile_out_format_o   = out_half;

  assign result_addr_o = out_addr;
  assign wcmd_stride_o = out_stride;
  assign wcmd_half_o   = out_half;
  assign wcmd_rows_o   = chunk_rows;

  // The walker rests while activations are loaded.
  assign rcmd_valid_o     = loading ? load_valid[1] : walk_rcmd_valid;
  assign rcmd_weight_o    = !loading;
  assign rcmd_addr_o      = !loading ? walk_rcmd_addr : (state_q == StateSecond) ? second_act_addr_q : act_addr_q;
  assign rcmd_row_bytes_o = !loading ? walk_rcmd_row_bytes : (state_q == StateSecond) ? second_act_bytes : act_bytes;
  assign rcmd_rows_o      = loading ? 16'd1 : walk_rcmd_rows;

endmodule : step_runner
