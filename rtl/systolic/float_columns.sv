// SPDX-License-Identifier: Apache-2.0
//
// Turns a tile of FP32 or FP16 weights into array columns of aligned integers with their FP32 scales.
//
// Why: LoRA matrices, saved activations and gradients take the weight side of the array without being quantized. Each
// column of 64 values is aligned to 18 bits; its scale is 2^(exponent - 127 - 16) times the tile's factor.
// N tiles: a stored row is a column. T tiles: the stored rows are the reduction and are transposed on the way; rows that
// are not stored count as zero. FP16 stays 16 bits wide up to the aligner's shifters, so that a memory beat is one beat
// everywhere; FP32 values are two lanes of the transposer.
// Latency from the last beat, with W beats per column: W + 9 cycles to a row's column (N), 2 W + 11 to the tile's first
// column (T), on 64 and 128 bits two more; with two PORTS a pair leaves one cycle after its second column.
// Throughput: one memory beat per cycle. With V values per beat (BUS_W / 16 of FP16, BUS_W / 32 of FP32) a column takes
// 64 / V cycles (N) or as many as its rows need, ceil(rows / V) (T), but one cycle per part that has rows, and one
// for all others.

module float_columns #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Columns that the array loads per cycle.
  parameter int PORTS = 1,
  // Parts in which a column leaves: 1 if PORTS is more.
  parameter int PARTS = 1
) (
  input  logic                                                          clk_i,
  input  logic                                                          rst_ni,
  // One command per tile.
  input  logic                                                          cmd_valid_i,
  output logic                                                          cmd_ready_o,
  input  logic                                                          cmd_transpose_i,
  input  logic                                                          cmd_half_i,
  // Stored rows, 1 to 64.
  input  logic [6:0]                                                    cmd_lines_i,
  // FP32 factor of the product.
  input  logic [31:0]                                                   cmd_scale_i,
  // Rows of 64 values.
  input  logic                                                          in_valid_i,
  output logic                                                          in_ready_o,
  input  logic [BUS_W-1:0]                                              in_data_i,
  // PORTS columns: 64 weights and one scale each. An odd last column of an N tile comes with a zero neighbour. Or a part of
  // a column, or at once all that are zero because the tile has no rows there, and whether it is the column's last.
  output logic                                                          out_valid_o,
  input  logic                                                          out_ready_i,
  output logic [PARTS-1:0]                                              out_parts_o,
  output logic                                                          out_last_o,
  output logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] out_weights_o,
  output logic [PORTS*32-1:0]                                           out_scales_o,
  // A column holds a NaN or an infinity.
  output logic                                                          nonfinite_o
);

  localparam int Lanes = BUS_W / 32;
  localparam int LaneShift = $clog2(Lanes);
  localparam int HalfLanes = 2 * Lanes;
  localparam int WgtW = systolic_pkg::WeightWidth;
  localparam int ColumnW = systolic_pkg::Rows / PARTS * WgtW;
  localparam int BeatsW = 13 - LaneShift;  // counts 64 * 64 / Lanes

  // Front: count the tile's beats in and send them to the transposer or straight on.
  logic front_q, front_transpose_q, front_half_q, front_accept, order_ready;
  logic [6:0] front_lines_q;
  logic [BeatsW-1:0] front_left_q;
  logic beat_take;
  logic transposer_ready, direct_valid, direct_ready;

  assign cmd_ready_o = !front_q && order_ready;
  assign front_accept = cmd_valid_i && cmd_ready_o;
  assign beat_take = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) front_q <= 1'b0;
    else if (front_accept) front_q <= 1'b1;
    else if (beat_take && front_left_q == BeatsW'(1)) front_q <= 1'b0;
    if (front_accept) begin
      front_transpose_q <= cmd_transpose_i;
      front_half_q <= cmd_half_i;
      front_lines_q <= cmd_lines_i;
    end
    if (front_accept || beat_take) begin
      front_left_q <= front_q ? front_left_q - 1'b1
                              : BeatsW'(cmd_lines_i) << (cmd_half_i ? 5 - LaneShift : 6 - LaneShift);
    end
  end

  assign in_ready_o = front_q && (front_transpose_q ? transposer_ready : direct_ready);
  assign direct_valid = in_valid_i && front_q && !front_transpose_q;

  logic turned_valid, turned_ready;
  logic [BUS_W-1:0] turned;
  tile_transposer #(
    .LANES(HalfLanes),
    .WIDTH(16),
    .WIDE(1)
  ) u_transposer (
    .clk_i,
    .rst_ni,
    .in_valid_i(in_valid_i && front_q && front_transpose_q),
    .in_ready_o(transposer_ready),
    .in_data_i,
    .in_lines_i(front_lines_q),
    .in_wide_i(!front_half_q),
    .out_valid_o(turned_valid),
    .out_ready_i(turned_ready),
    .out_data_o(turned)
  );

  // Order of the tiles as they reach the aligner. What its feed counts is worked out here: the tile's last column, its
  // first one that is not stored and completes a group, and the last beat of a column.
  logic order_valid, order_take, order_transpose, order_half;
  logic [5:0] order_last_column;
  logic [5:0] last_stored;  // its group's last column
  logic [6:0] order_lines;
  logic [31:0] order_scale;
  logic [1:0] unused_level;
  assign last_stored = (cmd_lines_i[5:0] - 6'd1) | 6'(PORTS - 1);
  stream_fifo #(
    .WIDTH(47),
    .DEPTH(3)
  ) u_order (
    .clk_i,
    .rst_ni,
    .in_valid_i(front_accept),
    .in_ready_o(order_ready),
    .in_data_i({cmd_transpose_i, cmd_half_i, cmd_transpose_i ? 6'd63 : last_stored, cmd_lines_i, cmd_scale_i}),
    .out_valid_o(order_valid),
    .out_ready_i(order_take),
    .out_data_o({order_transpose, order_half, order_last_column, order_lines, order_scale}),
    .level_o(unused_level)
  );

  // The tile whose columns go into the aligner.
  localparam int LastW = LaneShift < 6 ? 6 - LaneShift : 1;
  logic tile_q, tile_transpose_q, tile_half_q, tile_end;
  logic [5:0] last_column_q;
  logic [6:0] stored_q;
  logic [LastW-1:0] last_beat_q;
  logic [31:0] tile_scale_q;
  assign order_take = !tile_q || tile_end;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tile_q <= 1'b0;
    else if (order_take) tile_q <= order_valid;
    if (order_take) begin
      tile_transpose_q <= order_transpose;
      tile_half_q <= order_half;
      last_column_q <= order_last_column;
      stored_q <= order_transpose ? 7'd64 : order_lines;
      tile_scale_q <= order_scale;
      if (order_transpose) last_beat_q <= LastW'((order_lines - 7'd1) >> (order_half ? LaneShift + 1 : LaneShift));
      else last_beat_q <= order_half ? LastW'(64 / HalfLanes - 1) : LastW'(64 / Lanes - 1);
    end
  end

  // Feed the aligner column by column; complete the last group of columns with zeros.
  logic [5:0] column_q;
  logic [LastW-1:0] beat_q;
  logic filler_q, align_valid, align_ready, align_last, align_take, source_valid;
  logic [BUS_W-1:0] align_beat;

  assign source_valid = filler_q || (tile_transpose_q ? turned_valid : direct_valid);
  assign align_valid = tile_q && source_valid;
  assign align_beat = filler_q ? '0 : tile_transpose_q ? turned : in_data_i;
  assign align_last = filler_q || beat_q == last_beat_q;
  assign align_take = align_valid && align_ready;
  assign direct_ready = tile_q && !tile_transpose_q && !filler_q && align_ready;
  assign turned_ready = tile_q && tile_transpose_q && align_ready;
  assign tile_end = align_take && align_last && column_q == last_column_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      column_q <= '0;
      beat_q <= '0;
      filler_q <= 1'b0;
    end else if (align_take) begin
      beat_q <= align_last ? '0 : beat_q + 1'b1;
      if (align_last) begin
        column_q <= tile_end ? '0 : column_q + 1'b1;
        filler_q <= !tile_end && 7'(column_q) + 7'd1 == stored_q;
      end
    end
  end

  logic exponent_valid, exponent_bad, column_valid, column_ready, column_last, unused_bad;
  logic [PARTS-1:0] column_parts;
  logic [31:0] column_factor, unused_factor;
  logic [7:0] column_exponent, unused_exponent;
  logic [ColumnW-1:0] column;
  block_aligner #(
    .LANES(Lanes),
    .WIDTH(WgtW),
    .TAG_W(32),
    .HALVES(1),
    .PARTS(PARTS)
  ) u_aligner (
    .clk_i,
    .rst_ni,
    .in_valid_i(align_valid),
    .in_ready_o(align_ready),
    .in_data_i(align_beat),
    .in_half_i(tile_half_q),
    .in_last_i(align_last),
    .in_tag_i(tile_scale_q),
    .exponent_valid_o(exponent_valid),
    .exponent_o(column_exponent),
    .nonfinite_o(exponent_bad),
    .exponent_tag_o(column_factor),
    .out_valid_o(column_valid),
    .out_ready_i(column_ready),
    .out_data_o(column),
    .out_parts_o(column_parts),
    .out_last_o(column_last),
    .out_exponent_o(unused_exponent),
    .out_nonfinite_o(unused_bad),
    .out_tag_o(unused_factor)
  );
  assign nonfinite_o = exponent_valid && exponent_bad;

  // The column's scale, computed while its mantissas are still being shifted: the tile's factor times a power of two,
  // 2^(exponent - 127 - 16), which counts as zero below the normal range. A product as fp32_mul gives it.
  logic scale_valid_q, scale_valid_q2, nan_q, infinite_q, vanishes_q, tiny;
  logic [31:0] factor_q, scale_q;
  logic signed [10:0] scale_exponent_q;
  assign tiny = column_exponent <= 8'd16;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) {scale_valid_q2, scale_valid_q} <= '0;
    else {scale_valid_q2, scale_valid_q} <= {scale_valid_q, exponent_valid};
    factor_q <= column_factor;
    scale_exponent_q <= 11'(column_factor[30:23]) + 11'(column_exponent) - 11'(16 + fp32_pkg::ExponentBias);
    nan_q <= exponent_bad || fp32_pkg::is_nan(column_factor) || (fp32_pkg::is_inf(column_factor) && tiny);
    infinite_q <= fp32_pkg::is_inf(column_factor);
    vanishes_q <= fp32_pkg::is_zero(column_factor) || tiny;
    scale_q <= nan_q ? fp32_pkg::CanonicalNan
             : infinite_q ? factor_q
             : fp32_pkg::pack(factor_q[31], vanishes_q ? '0 : scale_exponent_q, factor_q[22:0]);
  end

  logic scale_valid, scale_ready, unused_scale_ready;
  logic [31:0] scale;
  localparam int ScaleDepth = 16 + 6;
  logic [$clog2(ScaleDepth+1)-1:0] unused_scale_level;
  // Between the two outputs of the aligner are at most 16 columns, and five in its pipeline. So this never
  // fills.
  stream_fifo #(
    .WIDTH(32),
    .DEPTH(ScaleDepth)
  ) u_scales (
    .clk_i,
    .rst_ni,
    .in_valid_i(scale_valid_q2),
    .in_ready_o(unused_scale_ready),
    .in_data_i(scale_q),
    .out_valid_o(scale_valid),
    .out_ready_i(scale_ready),
    .out_data_o(scale),
    .level_o(unused_scale_level)
  );

  // Column and scale leave together, PORTS at a time.
  logic pair_ready;
  logic [PORTS*(ColumnW+32)-1:0] group;
  assign column_ready = pair_ready && scale_valid;
  assign scale_ready = pair_ready && column_valid && column_last;
  stream_resize #(
    .IN_WIDTH(ColumnW + 32),
    .OUT_WIDTH(PORTS * (ColumnW + 32))
  ) u_group (
    .clk_i,
    .rst_ni,
    .in_valid_i(column_valid && scale_valid),
    .in_ready_o(pair_ready),
    .in_data_i({column, scale}),
    .out_valid_o,
    .out_ready_i,
    .out_data_o(group)
  );
  if (PARTS > 1) begin : g_parts
    assign out_parts_o = column_parts;
    assign out_last_o = column_last;
  end else begin : g_whole
    assign out_parts_o = 1'b1;
    assign out_last_o = 1'b1;
    logic unused_parts;
    assign unused_parts = column_parts;
  end
  for (genvar p = 0; p < PORTS; p++) begin : g_port
    assign {out_weights_o[p*ColumnW+:ColumnW], out_scales_o[p*32+:32]} = group[p*(ColumnW+32)+:ColumnW+32];
  end

endmodule : float_columns
