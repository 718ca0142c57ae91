// SPDX-License-Identifier: Apache-2.0
//
// Reads a finished output block from the accumulators and sends it as memory beats, row by row.
//
// Why: the accumulators hold COLUMNS results per address, memory wants rows of 64. A row is gathered in a shift register,
// whatever COLUMNS is, and leaves as FP32 or FP16. Columns that the block does not have are sent as zero.
// Latency: block_done_i to the first beat ceil(64 / COLUMNS) + 3 cycles, 2 more for FP16.
// Throughput: a row of 64 every ceil(64 / COLUMNS) + 2048 / BUS_W + 1 cycles.

module result_drain #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Array columns.
  parameter int COLUMNS = 8,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  // One command per output block, in order.
  input  logic                            cmd_valid_i,
  output logic                            cmd_ready_o,
  input  logic [$clog2(MAX_ROWS+1)-1:0]   cmd_rows_i,
  input  logic [6:0]                      cmd_columns_i,
  input  logic                            cmd_half_i,
  // Pulse: the next output block's totals are complete.
  input  logic                            block_done_i,
  // Accumulators.
  output logic                            drain_o,
  output logic                            drain_buffer_o,
  output logic [$clog2((64+COLUMNS-1)/COLUMNS*MAX_ROWS)-1:0]  drain_address_o,
  input  logic [COLUMNS*32-1:0]           drain_data_i,
  // Pulse: the block has left the accumulators; its buffer is free.
  output logic                            free_o,
  output logic                            out_valid_o,
  input  logic                            out_ready_i,
  output logic [BUS_W-1:0]                out_data_o,
  // No block is waiting or leaving.
  output logic                            idle_o,
  // Pulse: the beat that left a cycle ago holds a NaN or an infinity.
  output logic                            nonfinite_o
);

  localparam int Passes = (64 + COLUMNS - 1) / COLUMNS;
  localparam int RowW = Passes * COLUMNS * 32;
  localparam int GatherW = COLUMNS * 32;
  localparam int CountW = $clog2(MAX_ROWS + 1);
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  localparam int Lanes = BUS_W / 32;
  localparam int Beats = 64 / Lanes;
  localparam int BeatW = $clog2(Beats + 1);

  localparam logic [1:0] StateIdle = 2'd0;
  localparam logic [1:0] StateGather = 2'd1;
  localparam logic [1:0] StateSend = 2'd2;

  logic [1:0] state_q;
  logic [1:0] done_q;  // complete blocks not yet started
  logic start, gathering_q, row_end, sent;
  logic buffer_q, half_q;
  logic [CountW-1:0] rows_left_q;
  logic [6:0] columns_q, base_q, base_q2;
  logic [AddressW-1:0] address_q, row_address_q;
  logic [BeatW-1:0] beats_left_q;
  logic [RowW-1:0] row_q;
  logic [GatherW-1:0] masked;
  logic last_pass, wide_valid, wide_ready, narrow_valid, narrow_ready, half_valid;
  logic [BUS_W/2-1:0] narrowed;
  logic [BUS_W-1:0] half_data;

  logic cmd_valid;
  logic [CountW-1:0] cmd_rows;
  logic [6:0] cmd_columns;
  logic cmd_half;
  logic [2:0] level;
  stream_fifo #(
    .WIDTH(CountW + 8),
    .DEPTH(6)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid_i),
    .in_ready_o(cmd_ready_o),
    .in_data_i({cmd_rows_i, cmd_columns_i, cmd_half_i}),
    .out_valid_o(cmd_valid),
    .out_ready_i(start),
    .out_data_o({cmd_rows, cmd_columns, cmd_half}),
    .level_o(level)
  );

  assign start = state_q == StateIdle && done_q != 2'd0 && cmd_valid;
  assign last_pass = base_q + 7'(COLUMNS) >= 7'd64;
  assign sent = half_q ? narrow_valid && narrow_ready : wide_valid && wide_ready;
  assign row_end = state_q == StateSend && sent && beats_left_q == BeatW'(1);
  assign free_o = row_end && rows_left_q == CountW'(1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateIdle;
      done_q <= '0;
      buffer_q <= 1'b0;
      gathering_q <= 1'b0;
    end else begin
      done_q <= done_q + 2'(block_done_i) - 2'(start);
      gathering_q <= state_q == StateGather;
      if (free_o) buffer_q <= !buffer_q;
      case (state_q)
        StateIdle: if (start) state_q <= StateGather;
        StateGather: if (last_pass) state_q <= StateSend;
        default: if (row_end) state_q <= free_o ? StateIdle : StateGather;
      endcase
    end
    base_q2 <= base_q;
    if (start) begin
      rows_left_q <= cmd_rows;
      columns_q <= cmd_columns;
      half_q <= cmd_half;
      row_address_q <= AddressW'(1);
      address_q <= '0;
      base_q <= '0;
    end else if (state_q == StateGather) begin
      address_q <= address_q + AddressW'(MAX_ROWS);
      base_q <= base_q + 7'(COLUMNS);
    end else if (row_end) begin
      rows_left_q <= rows_left_q - 1'b1;
      address_q <= row_address_q;
      row_address_q <= row_address_q + 1'b1;
      base_q <= '0;
    end
    if (state_q == StateGather) beats_left_q <= BeatW'(Beats);
    else if (state_q == StateSend && sent) beats_left_q <= beats_left_q - 1'b1;
    if (gathering_q) row_q <= {masked, row_q[RowW-1:GatherW]};
    else if (state_q == StateSend && sent) row_q <= {{BUS_W{1'b0}}, row_q[RowW-1:BUS_W]};
  end

  assign drain_o = state_q == StateGather;
  assign drain_buffer_o = buffer_q;
  assign drain_address_o = address_q;

  for (genvar c = 0; c < COLUMNS; c++) begin : g_mask
    assign masked[c*32+:32] = base_q2 + 7'(c) < columns_q ? drain_data_i[c*32+:32] : 32'd0;
  end

  for (genvar l = 0; l < Lanes; l++) begin : g_narrow
    fp32_to_fp16 u_narrow (
      .x_i(row_q[l*32+:32]),
      .y_o(narrowed[l*16+:16])
    );
  end
  assign narrow_valid = state_q == StateSend && !gathering_q && half_q;
  stream_resize #(
    .IN_WIDTH(BUS_W / 2),
    .OUT_WIDTH(BUS_W)
  ) u_halves (
    .clk_i,
    .rst_ni,
    .in_valid_i(narrow_valid),
    .in_ready_o(narrow_ready),
    .in_data_i(narrowed),
    .out_valid_o(half_valid),
    .out_ready_i,
    .out_data_o(half_data)
  );
  // A last FP16 beat leaves before the next block's first FP32 beat.
  assign wide_valid = state_q == StateSend && !gathering_q && !half_q && !half_valid;
  assign wide_ready = out_ready_i;
  assign out_valid_o = half_valid || wide_valid;
  assign out_data_o = half_valid ? half_data : row_q[BUS_W-1:0];
  assign idle_o = state_q == StateIdle && level == '0 && !half_valid;

  // Overflow may happen here or in any operation before; either way it shows in what leaves.
  logic [Lanes-1:0] bad_wide;
  logic [2*Lanes-1:0] bad_half;
  for (genvar l = 0; l < Lanes; l++) begin : g_bad
    assign bad_wide[l] = &row_q[l*32+23+:8];
    assign bad_half[2*l+:2] = {&half_data[l*32+26+:5], &half_data[l*32+10+:5]};
  end
  always_ff @(posedge clk_i) begin
    nonfinite_o <= rst_ni && out_valid_o && out_ready_i && (half_valid ? |bad_half : |bad_wide);
  end

endmodule : result_drain
