// SPDX-License-Identifier: Apache-2.0
//
// Turns the codes of a 64 x 64 tile into array columns of integer weights with their FP32 scales.
//
// Why: the same stored tile serves both modes. N tiles: a stored row is an array column. T tiles: the tile is transposed
// on chip, and every column carries the codebook's scale alone, because the row scales went into the activations. Wide
// tiles, N only, have 8-bit integers, which are weights as they are, in place of 4-bit codes.
// Latency: that of the FIFO in front (N), and one tile (T). Throughput: PORTS columns or a part of one per cycle (N), half as
// many of a wide tile, one column or part per cycle (T).

module code_columns #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Columns that the array loads per cycle.
  parameter int PORTS = 1,
  // Parts in which a column leaves: 1 if PORTS is more.
  parameter int PARTS = 1,
  // 1: T tiles, too.
  parameter int BACKWARD = 1
) (
  input  logic                                                          clk_i,
  input  logic                                                          rst_ni,
  // Codebook, written while no tile is in progress.
  input  logic                                                          entry_write_i,
  input  logic [3:0]                                                    entry_index_i,
  input  logic [systolic_pkg::WeightWidth-1:0]                          entry_i,
  input  logic [31:0]                                                   codebook_scale_i,
  // One command per tile.
  input  logic                                                          cmd_valid_i,
  output logic                                                          cmd_ready_o,
  input  logic                                                          cmd_transpose_i,
  input  logic                                                          cmd_wide_i,
  // Codes, 2048 bytes per tile (wide: 4096), row by row; in_transpose_i belongs to the beat's tile.
  input  logic                                                          in_valid_i,
  output logic                                                          in_ready_o,
  input  logic [BUS_W-1:0]                                              in_data_i,
  input  logic                                                          in_transpose_i,
  // Column scales of N tiles.
  input  logic                                                          scale_valid_i,
  output logic                                                          scale_ready_o,
  input  logic [PORTS*32-1:0]                                           scale_data_i,
  // PORTS columns: 64 weights and one scale each; of a wide tile 64 integers in place of the weights. Or a part of one.
  output logic                                                          out_valid_o,
  input  logic                                                          out_ready_i,
  output logic                                                          out_wide_o,
  output logic [PARTS-1:0]                                              out_parts_o,
  output logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] out_weights_o,
  output logic [PORTS*systolic_pkg::Rows/PARTS*8-1:0]                   out_integers_o,
  output logic [PORTS*32-1:0]                                           out_scales_o
);

  localparam int RowW = 64 * 4;
  localparam int GroupW = PORTS * RowW / PARTS;
  localparam int Steps = 64 / PORTS;

  // Whole rows, PORTS at a time, or parts of one: a beat has one or two. Each carries its tile's mode as one more bit.
  localparam int InGroups = BUS_W / GroupW;
  logic rows_valid, rows_ready, rows_transpose;
  logic [GroupW-1:0] rows;
  logic [InGroups*(GroupW+1)-1:0] marked;

  for (genvar p = 0; p < InGroups; p++) begin : g_mark
    assign marked[p*(GroupW+1)+:GroupW+1] = {in_data_i[p*GroupW+:GroupW], in_transpose_i};
  end
  // Beats wait here while their scales, which came just before them, are restored.
  logic held_valid, held_ready;
  logic [InGroups*(GroupW+1)-1:0] held;
  logic [5:0] unused_held_level;
  stream_fifo #(
    .WIDTH(InGroups * (GroupW + 1)),
    .DEPTH(32)
  ) u_held (
    .clk_i,
    .rst_ni,
    .in_valid_i,
    .in_ready_o,
    .in_data_i(marked),
    .out_valid_o(held_valid),
    .out_ready_i(held_ready),
    .out_data_o(held),
    .level_o(unused_held_level)
  );
  stream_resize #(
    .IN_WIDTH(InGroups * (GroupW + 1)),
    .OUT_WIDTH(GroupW + 1)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .in_valid_i(held_valid),
    .in_ready_o(held_ready),
    .in_data_i(held),
    .out_valid_o(rows_valid),
    .out_ready_i(rows_ready),
    .out_data_o({rows, rows_transpose})
  );
  // T tiles: one row at a time through the transposer.
  logic to_transposer_valid, to_transposer_ready, columns_valid, columns_ready;
  logic [GroupW-1:0] columns;
  assign to_transposer_valid = rows_valid && rows_transpose;

  if (BACKWARD != 0) begin : g_turn
    logic row_valid, row_ready, column_valid, column_ready;
    logic [RowW-1:0] row, column;
    stream_resize #(
      .IN_WIDTH(GroupW),
      .OUT_WIDTH(RowW)
    ) u_split (
      .clk_i,
      .rst_ni,
      .in_valid_i(to_transposer_valid),
      .in_ready_o(to_transposer_ready),
      .in_data_i(rows),
      .out_valid_o(row_valid),
      .out_ready_i(row_ready),
      .out_data_o(row)
    );
    tile_transposer #(
      .LANES(64),
      .WIDTH(4),
      .WIDE(0),
      .WHOLE(1)
    ) u_transposer (
      .clk_i,
      .rst_ni,
      .in_valid_i(row_valid),
      .in_ready_o(row_ready),
      .in_data_i(row),
      .in_lines_i(7'd64),
      .in_wide_i(1'b0),
      .out_valid_o(column_valid),
      .out_ready_i(column_ready),
      .out_data_o(column)
    );
    stream_resize #(
      .IN_WIDTH(RowW),
      .OUT_WIDTH(GroupW)
    ) u_pair (
      .clk_i,
      .rst_ni,
      .in_valid_i(column_valid),
      .in_ready_o(column_ready),
      .in_data_i(column),
      .out_valid_o(columns_valid),
      .out_ready_i(columns_ready),
      .out_data_o(columns)
    );
  end else begin : g_no_turn
    assign to_transposer_ready = 1'b0;
    assign columns_valid = 1'b0;
    assign columns = '0;
    logic unused_turn;
    assign unused_turn = ^{to_transposer_valid, columns_ready};
  end

  // The command says which of the two comes next.
  logic order_valid, order_ready, order_transpose, order_wide;
  logic [2:0] unused_order_level;
  stream_fifo #(
    .WIDTH(2),
    .DEPTH(4)
  ) u_order (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid_i),
    .in_ready_o(cmd_ready_o),
    .in_data_i({cmd_wide_i, cmd_transpose_i}),
    .out_valid_o(order_valid),
    .out_ready_i(order_ready),
    .out_data_o({order_wide, order_transpose}),
    .level_o(unused_order_level)
  );
  logic active_q, transpose_q, wide_q, last_step, accept, step;
  // The first half of PORTS rows of a wide tile, or of a part, waits for the second.
  logic half_q, take_half;
  logic [GroupW-1:0] first_half_q;
  logic [5:0] step_q;
  logic [PARTS-1:0] part_q;  // which one comes
  logic last_part;
  logic source_valid;
  logic [GroupW-1:0] codes;

  assign last_part = part_q[PARTS-1];
  assign last_step = last_part && step_q == 6'(Steps - 1);
  assign accept = order_valid && order_ready;
  assign order_ready = !active_q || (step && last_step);
  // A tile's columns come after all rows of the T tiles before it, so that the row at hand is an N tile's own.
  assign source_valid = transpose_q ? columns_valid : rows_valid && scale_valid_i && half_q == wide_q;
  assign take_half = active_q && wide_q && !half_q && rows_valid;
  assign out_valid_o = active_q && source_valid;
  assign step = out_valid_o && out_ready_i;
  assign columns_ready = step && transpose_q;
  assign rows_ready = rows_transpose ? to_transposer_ready : take_half || (step && !transpose_q);
  assign scale_ready_o = step && !transpose_q && last_part;
  assign codes = transpose_q ? columns : rows;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      step_q <= '0;
      part_q <= PARTS'(1);
      half_q <= 1'b0;
    end else begin
      if (take_half) half_q <= 1'b1;
      else if (step) half_q <= 1'b0;
      if (accept) active_q <= 1'b1;
      else if (step && last_step) active_q <= 1'b0;
      if (step) part_q <= last_part ? PARTS'(1) : part_q << 1;
      if (step && last_part) step_q <= last_step ? '0 : step_q + 1'b1;
    end
    if (accept) {wide_q, transpose_q} <= {order_wide, order_transpose};
    if (take_half) first_half_q <= rows;
  end

`ifndef SYNTHESIS
  // Nothing holds before the first reset.
  logic was_reset_q;
  initial was_reset_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_reset_q <= 1'b1;
    else if (was_reset_q && active_q && !transpose_q && rows_valid) assert (!rows_transpose);
  end
`endif

  codebook #(
    .LANES(PORTS * 64 / PARTS)
  ) u_codebook (
    .clk_i,
    .write_i(entry_write_i),
    .index_i(entry_index_i),
    .entry_i,
    .codes_i(codes),
    .weights_o(out_weights_o)
  );
  assign out_integers_o = {rows, first_half_q};
  assign out_wide_o = wide_q;
  assign out_parts_o = part_q;
  assign out_scales_o = transpose_q ? {PORTS{codebook_scale_i}} : scale_data_i;

  if (GroupW > BUS_W) begin : g_bad_parts
    ERROR_code_columns_PARTS_must_not_be_wider_than_a_beat u_error ();
  end

endmodule : code_columns
