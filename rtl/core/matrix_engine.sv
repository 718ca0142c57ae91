// SPDX-License-Identifier: Apache-2.0
//
// The engine of MATRIX commands: D = A0 W0 + A1 W1, with A and D in the scratchpad and W0, W1 from the stream.
//
// Why: it turns commands into tiles and keeps account of the commands in progress. A command is checked while the one before
// is cut into tiles, and its tiles follow directly behind: several commands are in the array at the same time, and end in
// order. A stream that ends at the wrong place is told when all commands before its own have ended, so that it is clear
// whose it is.
// Latency: cmd_valid_i to the first activation's request rows + 5 cycles, 1 more with a header in front; last result
// written to done_o 1.
// Throughput: as of matrix_unit; between two commands the tiles pause for 3 cycles.

module matrix_engine #(
  // Array columns, 1 to 16.
  parameter int COLUMNS = 8,
  // Activation mantissa width: 25 or 18.
  parameter int ACT_W = 25,
  // Width of the weight stream: 64, 128, 256 or 512.
  parameter int BUS_W = 256,
  // Most rows of a command, a power of two.
  parameter int MAX_ROWS = 64,
  // Entries of the nested absmax table, a power of two: at least two beats and 16, a line of memory.
  parameter int NESTED_DEPTH = 4096,
  // Width of a scratchpad address in words, 9 to 16.
  parameter int SCRATCH_W = 13,
  // 1: codes also in T mode, as backward passes need them; 0 saves their transposer and the multipliers of row scales.
  parameter int BACKWARD = 1
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  // Commands, laid out as commands_pkg::Matrix* say; stable until taken.
  input  logic                            cmd_valid_i,
  output logic                            cmd_ready_o,
  input  logic [511:0]                    cmd_i,
  // Pulse in the cycle after a command is taken: it has a field that cannot be, and nothing of it is started.
  output logic                            bad_o,
  // Pulse per command, in order: its last result is in the scratchpad; with it, whether it met NaN or infinity.
  output logic                            done_o,
  output logic                            done_nonfinite_o,
  // Pulse, once: the stream of the oldest command in progress is longer or shorter than the command says.
  output logic                            stream_error_o,
  // No command is in progress.
  output logic                            idle_o,

  // Weights; last comes with the last beat of a LOAD.
  input  logic                            wgt_valid_i,
  output logic                            wgt_ready_o,
  input  logic [BUS_W-1:0]                wgt_data_i,
  input  logic                            wgt_last_i,

  // Scratchpad reads: answers in order, at least one cycle after the request.
  output logic                            req_valid_o,
  input  logic                            req_ready_i,
  output logic [SCRATCH_W-1:0]            req_addr_o,
  input  logic                            rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] rsp_data_i,
  // Scratchpad writes of whole words.
  output logic                            w_valid_o,
  input  logic                            w_ready_i,
  output logic [SCRATCH_W-1:0]            w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,

  // Counters' pulses: a vector entered the array; a tile is in progress; why no vector entered.
  output logic                            mac_vector_o,
  output logic                            mac_active_o,
  output logic                            weight_stall_o,
  output logic                            act_stall_o
);

  localparam int CountW = $clog2(MAX_ROWS + 1);

  // ---------------------------------------------------------------------------------------------
  // Commands
  // ---------------------------------------------------------------------------------------------
  logic              taken, checked, bad, tiles_ready;
  logic [CountW-1:0] rows;

  matrix_check #(
    .SCRATCH_W   (SCRATCH_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .BACKWARD    (BACKWARD)
  ) u_check (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_i,
    .taken_i(taken),
    .done_o (checked),
    .bad_o  (bad),
    .rows_o (rows)
  );

  assign cmd_ready_o = checked && (bad || tiles_ready);
  assign taken       = cmd_valid_i && cmd_ready_o;

  logic                 tile_valid, tile_ready, tile_header, tile_transpose, tile_first, tile_last, tile_end;
  logic [15:0]          tile_header_lines, tile_block_stride;
  logic [2:0]           tile_format;
  logic [6:0]           tile_lines, tile_values;
  logic [31:0]          tile_block, tile_scale;
  logic [CountW-1:0]    tile_rows, tile_outer, tile_inner;
  logic [SCRATCH_W-1:0] tile_act_base, tile_act_outer_stride, tile_act_inner_stride;
  logic [SCRATCH_W-1:0] tile_out_base, tile_out_outer_stride, tile_out_inner_stride;
  logic                 next_valid, next_header, next_transpose, next_first, next_last, next_end;
  logic [15:0]          next_header_lines, next_block_stride;
  logic [2:0]           next_format;
  logic [6:0]           next_lines, next_values;
  logic [31:0]          next_block, next_scale;
  logic [CountW-1:0]    next_rows, next_outer, next_inner;
  logic [SCRATCH_W-1:0] next_act_base, next_act_outer_stride, next_act_inner_stride;
  logic [SCRATCH_W-1:0] next_out_base, next_out_outer_stride, next_out_inner_stride;

  matrix_tiles #(
    .SCRATCH_W(SCRATCH_W),
    .MAX_ROWS (MAX_ROWS)
  ) u_tiles (
    .clk_i,
    .rst_ni,
    .cmd_valid_i            (cmd_valid_i && checked && !bad),
    .cmd_ready_o            (tiles_ready),
    .cmd_i,
    .cmd_rows_i             (rows),
    .tile_valid_o           (next_valid),
    .tile_ready_i           (!tile_valid),
    .tile_header_o          (next_header),
    .tile_header_lines_o    (next_header_lines),
    .tile_transpose_o       (next_transpose),
    .tile_format_o          (next_format),
    .tile_lines_o           (next_lines),
    .tile_block_o           (next_block),
    .tile_block_stride_o    (next_block_stride),
    .tile_scale_o           (next_scale),
    .tile_rows_o            (next_rows),
    .tile_outer_o           (next_outer),
    .tile_inner_o           (next_inner),
    .tile_act_base_o        (next_act_base),
    .tile_act_outer_stride_o(next_act_outer_stride),
    .tile_act_inner_stride_o(next_act_inner_stride),
    .tile_values_o          (next_values),
    .tile_out_base_o        (next_out_base),
    .tile_out_outer_stride_o(next_out_outer_stride),
    .tile_out_inner_stride_o(next_out_inner_stride),
    .tile_first_o           (next_first),
    .tile_last_o            (next_last),
    .tile_end_o             (next_end)
  );

  // ---------------------------------------------------------------------------------------------
  // The tile at hand, from registers; the next one is worked out meanwhile.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tile_valid <= 1'b0;
    else tile_valid <= tile_valid ? !tile_ready : next_valid;
    if (!tile_valid) begin
      tile_header <= next_header;
      tile_header_lines <= next_header_lines;
      tile_transpose <= next_transpose;
      tile_format <= next_format;
      tile_lines <= next_lines;
      tile_block <= next_block;
      tile_block_stride <= next_block_stride;
      tile_scale <= next_scale;
      tile_rows <= next_rows;
      tile_outer <= next_outer;
      tile_inner <= next_inner;
      tile_act_base <= next_act_base;
      tile_act_outer_stride <= next_act_outer_stride;
      tile_act_inner_stride <= next_act_inner_stride;
      tile_values <= next_values;
      tile_out_base <= next_out_base;
      tile_out_outer_stride <= next_out_outer_stride;
      tile_out_inner_stride <= next_out_inner_stride;
      tile_first <= next_first;
      tile_last <= next_last;
      tile_end <= next_end;
    end
  end

  // Array
  // ---------------------------------------------------------------------------------------------
  logic wgt_end, wgt_bad_end;

  matrix_unit #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .SCRATCH_W   (SCRATCH_W),
    .BACKWARD    (BACKWARD)
  ) u_unit (
    .clk_i,
    .rst_ni,
    .tile_valid_i           (tile_valid),
    .tile_ready_o           (tile_ready),
    .tile_header_i          (tile_header),
    .tile_header_lines_i    (tile_header_lines),
    .tile_transpose_i       (tile_transpose),
    .tile_format_i          (tile_format),
    .tile_lines_i           (tile_lines),
    .tile_block_i           (tile_block),
    .tile_block_stride_i    (tile_block_stride),
    .tile_scale_i           (tile_scale),
    .tile_rows_i            (tile_rows),
    .tile_outer_i           (tile_outer),
    .tile_inner_i           (tile_inner),
    .tile_act_base_i        (tile_act_base),
    .tile_act_outer_stride_i(tile_act_outer_stride),
    .tile_act_inner_stride_i(tile_act_inner_stride),
    .tile_values_i          (tile_values),
    .tile_out_base_i        (tile_out_base),
    .tile_out_outer_stride_i(tile_out_outer_stride),
    .tile_out_inner_stride_i(tile_out_inner_stride),
    .tile_first_i           (tile_first),
    .tile_last_i            (tile_last),
    .tile_end_i             (tile_end),
    .wgt_valid_i,
    .wgt_ready_o,
    .wgt_data_i,
    .wgt_last_i,
    .wgt_end_o              (wgt_end),
    .wgt_bad_end_o          (wgt_bad_end),
    .req_valid_o,
    .req_ready_i,
    .req_addr_o,
    .rsp_valid_i,
    .rsp_data_i,
    .w_valid_o,
    .w_ready_i,
    .w_addr_o,
    .w_data_o,
    .done_o,
    .done_nonfinite_o,
    .mac_vector_o,
    .mac_active_o,
    .weight_stall_o,
    .act_stall_o
  );

  // ---------------------------------------------------------------------------------------------
  // Account of the commands: at most 6 wait for their results in the unit, and one each is drained, cut and accepted.
  // ---------------------------------------------------------------------------------------------
  logic [3:0] started_q;   // taken and not ended
  logic [3:0] streamed_q;  // whose stream is complete, not ended
  logic       stream_bad_q, tell, told_q;

  assign tell   = stream_bad_q && !told_q && streamed_q == '0;
  assign idle_o = started_q == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bad_o          <= 1'b0;
      started_q      <= '0;
      streamed_q     <= '0;
      stream_bad_q   <= 1'b0;
      stream_error_o <= 1'b0;
      told_q         <= 1'b0;
    end else begin
      bad_o          <= taken && bad;
      started_q      <= started_q + 4'(taken && !bad) - 4'(done_o);
      streamed_q     <= systolic_pkg::count(streamed_q, wgt_end && !wgt_bad_end && !stream_bad_q, done_o);
      stream_bad_q   <= stream_bad_q || wgt_bad_end;
      // A cycle later it is still the oldest: commands end further apart.
      stream_error_o <= tell;
      told_q         <= told_q || tell;
    end
  end

endmodule : matrix_engine
