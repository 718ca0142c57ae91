// SPDX-License-Identifier: Apache-2.0
//
// Turns a tile of FP32 or FP16 weights into array columns of aligned integers with their FP32 scales.
//
// Why: LoRA matrices, saved activations and gradients take the weight side of the array without being quantized. Each
// column of 64 values is aligned to 18 bits; its scale is 2^(exponent - 127 - 16) times the tile's factor.
// N tiles: a stored row is a column. T tiles: the stored rows are the reduction and are transposed on the way; rows that
// are not stored count as zero. FP16 stays 16 bits wide up to the aligner's shifters, so that a memory beat is one beat
// everywhere; FP32 values are two lanes of the transposer.
// Latency from the last beat, with W beats per column: W + 4 cycles to a row's column (N), 2 W + 6 to the tile's first
// column (T); with two PORTS a pair leaves one cycle after its second column.
// Throughput: one memory beat per cycle. With V values per beat (BUS_W / 16 of FP16, BUS_W / 32 of FP32) a column takes
// 64 / V cycles (N) or as many as its rows need, ceil(rows / V) (T).

module float_columns #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Columns that the array loads per cycle.
  parameter int PORTS = 1
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
  // PORTS columns: 64 weights and one scale each. An odd last column of an N tile comes with a zero neighbour.
  output logic                                                          out_valid_o,
  input  logic                                                          out_ready_i,
  output logic [PORTS*systolic_pkg::Rows*systolic_pkg::WeightWidth-1:0] out_weights_o,
  output logic [PORTS*32-1:0]                                           out_scales_o,
  // A column holds a NaN or an infinity.
  output logic                                                          nonfinite_o
);

  localparam int Lanes = BUS_W / 32;
  localparam int LaneShift = $clog2(Lanes);
  localparam int HalfLanes = 2 * Lanes;
  localparam int WgtW = systolic_pkg::WeightWidth;
  localparam int ColumnW = systolic_pkg::Rows * WgtW;
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
      front_left_q <= BeatsW'(cmd_lines_i) << (cmd_half_i ? 5 - LaneShift : 6 - LaneShift);
    end else if (beat_take) begin
      front_left_q <= front_left_q - 1'b1;
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

  // Order of the tiles as they reach the aligner.
  logic tile_valid, tile_ready, tile_transpose, tile_half;
  logic [6:0] tile_lines;
  logic [31:0] tile_scale;
  logic [1:0] unused_level;
  stream_fifo #(
    .WIDTH(41),
    .DEPTH(3)
  ) u_order (
    .clk_i,
    .rst_ni,
    .in_valid_i(front_accept),
    .in_ready_o(order_ready),
    .in_data_i({cmd_transpose_i, cmd_half_i, cmd_lines_i, cmd_scale_i}),
    .out_valid_o(tile_valid),
    .out_ready_i(tile_ready),
    .out_data_o({tile_transpose, tile_half, tile_lines, tile_scale}),
    .level_o(unused_level)
  );

  // Feed the aligner column by column; complete the last group of columns with zeros.
  logic [6:0] column_q, columns;
  logic [6-LaneShift:0] beats, column_beats, row_beats;
  logic [6-LaneShift:0] beat_q;
  logic filler, align_valid, align_ready, align_last, align_take, source_valid;
  logic [BUS_W-1:0] align_beat;

  assign columns = tile_transpose ? 7'd64 : (tile_lines + 7'(PORTS - 1)) & ~7'(PORTS - 1);
  assign filler = !tile_transpose && column_q >= tile_lines;
  assign column_beats = tile_half ? (7 - LaneShift)'((tile_lines + 7'(HalfLanes - 1)) >> (LaneShift + 1))
                                  : (7 - LaneShift)'((tile_lines + 7'(Lanes - 1)) >> LaneShift);
  assign row_beats = tile_half ? (7 - LaneShift)'(64 / HalfLanes) : (7 - LaneShift)'(64 / Lanes);
  assign beats = tile_transpose ? column_beats : filler ? (7 - LaneShift)'(1) : row_beats;
  assign source_valid = filler || (tile_transpose ? turned_valid : direct_valid);
  assign align_valid = tile_valid && source_valid;
  assign align_beat = filler ? '0 : tile_transpose ? turned : in_data_i;
  assign align_last = beat_q == beats - 1'b1;
  assign align_take = align_valid && align_ready;
  assign direct_ready = tile_valid && !tile_transpose && !filler && align_ready;
  assign turned_ready = tile_valid && tile_transpose && align_ready;
  assign tile_ready = align_take && align_last && column_q == columns - 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      column_q <= '0;
      beat_q <= '0;
    end else if (align_take) begin
      beat_q <= align_last ? '0 : beat_q + 1'b1;
      if (align_last) column_q <= tile_ready ? '0 : column_q + 1'b1;
    end
  end

  logic exponent_valid, exponent_bad, column_valid, column_ready, unused_bad;
  logic [31:0] column_factor, unused_factor;
  logic [7:0] column_exponent, unused_exponent;
  logic [ColumnW-1:0] column;
  block_aligner #(
    .LANES(Lanes),
    .WIDTH(WgtW),
    .TAG_W(32),
    .HALVES(1)
  ) u_aligner (
    .clk_i,
    .rst_ni,
    .in_valid_i(align_valid),
    .in_ready_o(align_ready),
    .in_data_i(align_beat),
    .in_half_i(tile_half),
    .in_last_i(align_last),
    .in_tag_i(tile_scale),
    .exponent_valid_o(exponent_valid),
    .exponent_o(column_exponent),
    .nonfinite_o(exponent_bad),
    .exponent_tag_o(column_factor),
    .out_valid_o(column_valid),
    .out_ready_i(column_ready),
    .out_data_o(column),
    .out_exponent_o(unused_exponent),
    .out_nonfinite_o(unused_bad),
    .out_tag_o(unused_factor)
  );
  assign nonfinite_o = exponent_valid && exponent_bad;

  // The column's scale, computed while its mantissas are still being shifted: the tile's factor times a power of two,
  // 2^(exponent - 127 - 16), which counts as zero below the normal range. A product as fp32_mul gives it.
  logic scale_valid_q, tiny;
  logic [31:0] scale_q;
  logic signed [10:0] scale_exponent;
  assign tiny = column_exponent <= 8'd16;
  assign scale_exponent = 11'(column_factor[30:23]) + 11'(column_exponent) - 11'(16 + fp32_pkg::ExponentBias);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) scale_valid_q <= 1'b0;
    else scale_valid_q <= exponent_valid;
    if (exponent_bad || fp32_pkg::is_nan(column_factor) || (fp32_pkg::is_inf(column_factor) && tiny)) begin
      scale_q <= fp32_pkg::CanonicalNan;
    end else if (fp32_pkg::is_inf(column_factor)) begin
      scale_q <= column_factor;
    end else begin
      scale_q <= fp32_pkg::pack(column_factor[31], fp32_pkg::is_zero(column_factor) || tiny ? '0 : scale_exponent,
                                column_factor[22:0]);
    end
  end

  logic scale_valid, scale_ready, unused_scale_ready;
  logic [31:0] scale;
  localparam int ScaleDepth = 4 * 64 / Lanes + 4;
  logic [$clog2(ScaleDepth+1)-1:0] unused_scale_level;
  // Between the aligner's two outputs are as many columns as it holds beats, and three in its pipeline. So this never
  // fills.
  stream_fifo #(
    .WIDTH(32),
    .DEPTH(ScaleDepth)
  ) u_scales (
    .clk_i,
    .rst_ni,
    .in_valid_i(scale_valid_q),
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
  assign scale_ready = pair_ready && column_valid;
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
  for (genvar p = 0; p < PORTS; p++) begin : g_port
    assign {out_weights_o[p*ColumnW+:ColumnW], out_scales_o[p*32+:32]} = group[p*(ColumnW+32)+:ColumnW+32];
  end

endmodule : float_columns
