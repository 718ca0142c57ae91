// SPDX-License-Identifier: Apache-2.0
//
// Turns the stream of headers and stored weight tiles into array columns with their scales.
//
// Why: headers, tiles of codes and of floating-point values follow one another in one stream of memory beats. The front end
// counts beats and sends each part to its unit, running ahead of the array; the columns come out in tile order. A header
// waits until the columns of all codes before it have left: nothing needs the old codebook and scales any more. Tiles of
// floating-point values and the array itself do not hold it back.
// Latency from a tile's first beat to its first column: codes 20 cycles (N); in T mode 6 after the last beat on 64
// and 128 bits, 69 after the first on wider buses (two PORTS: 71); floating-point tiles as in float_columns.
// Throughput: one beat per cycle in, but for a header's first line, small codes (code_expander) and BFP8 (bfp8_unpack);
// PORTS columns or a part of one per cycle out for N tiles of codes, half as many of 8-bit integers.

module weight_loader #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Columns that the array loads per cycle.
  parameter int PORTS = 1,
  // Parts in which a column leaves: 1 if PORTS is more.
  parameter int PARTS = 1,
  // Entries of the nested absmax table.
  parameter int NESTED_DEPTH = 4096,
  // 1: codes also in T mode.
  parameter int BACKWARD = 1
) (
  input  logic                                                          clk_i,
  input  logic                                                          rst_ni,
  // One command per tile, or per header, which has a number of lines of 64 bytes and nothing else.
  input  logic                                                          cmd_valid_i,
  output logic                                                          cmd_ready_o,
  input  logic                                                          cmd_header_i,
  input  logic [15:0]                                                   cmd_header_lines_i,
  input  logic                                                          cmd_transpose_i,
  input  logic [2:0]                                                    cmd_format_i,
  input  logic [6:0]                                                    cmd_lines_i,
  input  logic [31:0]                                                   cmd_block_i,
  input  logic [15:0]                                                   cmd_stride_i,
  input  logic [31:0]                                                   cmd_scale_i,
  // A product's stream ends with this tile.
  input  logic                                                          cmd_end_i,
  // Headers and stored tiles; last says that a product's stream ends.
  input  logic                                                          in_valid_i,
  output logic                                                          in_ready_o,
  input  logic [BUS_W-1:0]                                              in_data_i,
  input  logic                                                          in_last_i,
  // Pulses: a product's last beat is taken; a beat's last is not what the commands say.
  output logic                                                          end_o,
  output logic                                                          bad_end_o,
  // Row scales of T tiles of codes, for the activation buffer (see scale_unit).
  input  logic                                                          row_free_i,
  output logic                                                          row_reserve_o,
  output logic                                                          row_write_o,
  output logic                                                          row_last_o,
  output logic [$clog2(64/PORTS)-1:0]                                   row_index_o,
  output logic [PORTS*32-1:0]                                           row_data_o,
  // PORTS columns of 64 weights, with their scales. Or a part of a column, or several that are zero, with the column's scale,
  // and whether it is the column's last.
  output logic                                                          out_valid_o,
  input  logic                                                          out_ready_i,
  output logic [PARTS-1:0]                                              out_parts_o,
  output logic                                                          out_last_o,
  output logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] out_weights_o,
  output logic [PORTS*32-1:0]                                           out_scales_o
);

  localparam int ScaleBeats = 64 * 8 / BUS_W;
  localparam int BitBeats = 64 * 64 / BUS_W;  // beats of a tile per bit of its codes
  localparam int BeatW = 12;  // counts the 2048 beats of a floating-point tile on a 64-bit bus
  localparam int GroupW = PORTS * systolic_pkg::Rows / PARTS * systolic_pkg::WeightWidth;
  localparam int Fp32Shift = 11 - $clog2(BUS_W);  // beats per row of 64 FP32 values, as a power of two

  // Front end: which part of what the next beat belongs to.
  localparam logic [2:0] PartIdle = 3'd0;
  localparam logic [2:0] PartScales = 3'd1;
  localparam logic [2:0] PartCodes = 3'd2;
  localparam logic [2:0] PartFloats = 3'd3;
  localparam logic [2:0] PartHeader = 3'd4;
  logic [2:0] part_q;
  logic [BeatW-1:0] left_q, code_beats;
  logic [2:0] front_format_q;
  logic front_transpose_q, front_end_q;
  logic accept, accept_tile, accept_codes, accept_floats, is_codes, take, part_end, tile_end, header_end;
  logic order_ready, scale_cmd_ready, float_cmd_ready, code_cmd_ready;
  logic scales_ready, codes_ready, floats_ready, header_ready;
  logic codes_done;
  logic unused_codes;
  logic [2:0] codes_q, codes_d;  // tiles of codes whose columns have not all left

  assign is_codes = systolic_pkg::is_codes(cmd_format_i);
  assign {unused_codes, codes_d} = systolic_pkg::count({1'b0, codes_q}, accept_codes, codes_done);
  assign cmd_ready_o = part_q == PartIdle && (cmd_header_i ? codes_q == '0 :
      order_ready && (is_codes ? scale_cmd_ready && code_cmd_ready : float_cmd_ready));
  assign accept = cmd_valid_i && cmd_ready_o;
  assign accept_tile = accept && !cmd_header_i;
  assign accept_codes = accept_tile && is_codes;
  assign accept_floats = accept_tile && !is_codes;
  // Readiness for floating-point values is known last.
  assign in_ready_o = (part_q == PartScales && scales_ready) || (part_q == PartCodes && codes_ready) ||
                      (part_q == PartHeader && header_ready) || (part_q == PartFloats && floats_ready);
  assign code_beats = front_format_q == systolic_pkg::FormatInt8 ? BeatW'(8 * BitBeats)
                    : front_format_q == systolic_pkg::FormatCodes3 ? BeatW'(3 * BitBeats)
                    : front_format_q == systolic_pkg::FormatCodes2 ? BeatW'(2 * BitBeats) : BeatW'(4 * BitBeats);
  assign take = in_valid_i && in_ready_o;
  assign part_end = take && left_q == BeatW'(1);
  assign tile_end = part_end && (part_q == PartCodes || part_q == PartFloats);
  assign end_o = tile_end && front_end_q;
  assign bad_end_o = take && in_last_i != end_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      part_q <= PartIdle;
      codes_q <= '0;
    end else begin
      if (accept) part_q <= cmd_header_i ? PartHeader : is_codes ? PartScales : PartFloats;
      else if (part_q == PartHeader ? header_end : part_end) part_q <= part_q == PartScales ? PartCodes : PartIdle;
      codes_q <= codes_d;
    end
    if (accept) begin
      front_format_q <= cmd_format_i;
      front_transpose_q <= cmd_transpose_i;
      front_end_q <= cmd_end_i;
    end
    // Only without a part at hand is anything accepted, and with one taken; both are known late.
    if (accept || take) begin
      if (part_q != PartIdle) left_q <= left_q == BeatW'(1) && part_q == PartScales ? code_beats : left_q - 1'b1;
      else if (is_codes) left_q <= BeatW'(ScaleBeats);
      else left_q <= cmd_format_i == systolic_pkg::FormatBfp8 ? BeatW'(12'(cmd_lines_i) << Fp32Shift >> 2)
          : cmd_format_i == systolic_pkg::FormatFp16 ? BeatW'(12'(cmd_lines_i) << Fp32Shift >> 1)
          : BeatW'(12'(cmd_lines_i) << Fp32Shift);
    end
  end

  logic entry_write, nested_valid;
  logic [3:0] entry_index;
  logic [systolic_pkg::WeightWidth-1:0] entry;
  logic [31:0] codebook_scale, offset;
  logic [BUS_W-1:0] nested_data;
  weight_header #(
    .BUS_W(BUS_W)
  ) u_header (
    .clk_i,
    .rst_ni,
    .start_i(accept && cmd_header_i),
    .lines_i(cmd_header_lines_i),
    .end_o(header_end),
    .in_valid_i(in_valid_i && part_q == PartHeader),
    .in_ready_o(header_ready),
    .in_data_i,
    .entry_write_o(entry_write),
    .entry_index_o(entry_index),
    .entry_o(entry),
    .codebook_scale_o(codebook_scale),
    .offset_o(offset),
    .nested_valid_o(nested_valid),
    .nested_data_o(nested_data)
  );

  logic scale_valid, scale_ready;
  logic [PORTS*32-1:0] scale_data;
  scale_unit #(
    .BUS_W(BUS_W),
    .PORTS(PORTS),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_scales (
    .clk_i,
    .rst_ni,
    .codebook_scale_i(codebook_scale),
    .offset_i(offset),
    .nested_restart_i(accept && cmd_header_i),
    .nested_valid_i(nested_valid),
    .nested_data_i(nested_data),
    .cmd_valid_i(accept_codes),
    .cmd_ready_o(scale_cmd_ready),
    .cmd_transpose_i,
    .cmd_block_i,
    .cmd_stride_i,
    .in_valid_i(in_valid_i && part_q == PartScales),
    .in_ready_o(scales_ready),
    .in_data_i,
    .scale_valid_o(scale_valid),
    .scale_ready_i(scale_ready),
    .scale_data_o(scale_data),
    .row_free_i,
    .row_reserve_o,
    .row_write_o,
    .row_last_o,
    .row_index_o,
    .row_data_o
  );

  // Order of the tiles at the output: whose columns, how many come behind the first PORTS, and whether none do.
  logic order_valid, order_codes, order_alone, order_take;
  logic [6:0] order_behind, columns;
  logic [2:0] unused_level;
  assign columns = cmd_transpose_i ? 7'd64 : cmd_lines_i;
  stream_fifo #(
    .WIDTH(9),
    .DEPTH(4)
  ) u_order (
    .clk_i,
    .rst_ni,
    .in_valid_i(accept_tile),
    .in_ready_o(order_ready),
    .in_data_i({is_codes, columns <= 7'(PORTS), columns - 7'(PORTS)}),
    .out_valid_o(order_valid),
    .out_ready_i(order_take),
    .out_data_o({order_codes, order_alone, order_behind}),
    .level_o(unused_level)
  );

  logic code_valid, code_ready, float_valid, float_ready, unused_float_bad;
  logic [GroupW-1:0] code_weights, float_weights;
  logic code_wide, float_last;
  logic [PARTS-1:0] code_parts, float_parts;
  logic [PORTS*systolic_pkg::Rows/PARTS*8-1:0] code_integers;
  logic [PORTS*32-1:0] code_scales, float_scales;
  logic current_q, current_codes_q, last_group_q;  // the last group is the one that comes next
  logic [6:0] left_columns_q;  // behind those that come next

  logic expanded_valid, expanded_ready, expanded_transpose;
  logic [BUS_W-1:0] expanded;
  code_expander #(
    .BUS_W(BUS_W)
  ) u_expander (
    .clk_i,
    .rst_ni,
    .in_valid_i(in_valid_i && part_q == PartCodes),
    .in_ready_o(codes_ready),
    .in_data_i,
    .in_three_i(front_format_q == systolic_pkg::FormatCodes3),
    .in_two_i(front_format_q == systolic_pkg::FormatCodes2),
    .in_transpose_i(front_transpose_q),
    .out_valid_o(expanded_valid),
    .out_ready_i(expanded_ready),
    .out_data_o(expanded),
    .out_transpose_o(expanded_transpose)
  );

  code_columns #(
    .BUS_W(BUS_W),
    .PORTS(PORTS),
    .PARTS(PARTS),
    .BACKWARD(BACKWARD)
  ) u_codes (
    .clk_i,
    .rst_ni,
    .entry_write_i(entry_write),
    .entry_index_i(entry_index),
    .entry_i(entry),
    .codebook_scale_i(codebook_scale),
    .cmd_valid_i(accept_codes),
    .cmd_ready_o(code_cmd_ready),
    .cmd_transpose_i,
    .cmd_wide_i(cmd_format_i == systolic_pkg::FormatInt8),
    .in_valid_i(expanded_valid),
    .in_ready_o(expanded_ready),
    .in_data_i(expanded),
    .in_transpose_i(expanded_transpose),
    .scale_valid_i(scale_valid),
    .scale_ready_o(scale_ready),
    .scale_data_i(scale_data),
    .out_valid_o(code_valid),
    .out_ready_i(code_ready),
    .out_wide_o(code_wide),
    .out_parts_o(code_parts),
    .out_weights_o(code_weights),
    .out_integers_o(code_integers),
    .out_scales_o(code_scales)
  );

  logic values_valid, values_ready;
  logic [BUS_W-1:0] values;
  bfp8_unpack #(
    .BUS_W(BUS_W)
  ) u_blocks (
    .clk_i,
    .rst_ni,
    .in_valid_i(in_valid_i && part_q == PartFloats),
    .in_ready_o(floats_ready),
    .in_data_i,
    .in_block_i(front_format_q == systolic_pkg::FormatBfp8),
    .out_valid_o(values_valid),
    .out_ready_i(values_ready),
    .out_data_o(values)
  );

  float_columns #(
    .BUS_W(BUS_W),
    .PORTS(PORTS),
    .PARTS(PARTS)
  ) u_floats (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(accept_floats),
    .cmd_ready_o(float_cmd_ready),
    .cmd_transpose_i,
    .cmd_half_i(cmd_format_i != systolic_pkg::FormatFp32),
    .cmd_lines_i,
    .cmd_scale_i,
    .in_valid_i(values_valid),
    .in_ready_o(values_ready),
    .in_data_i(values),
    .out_valid_o(float_valid),
    .out_ready_i(float_ready),
    .out_parts_o(float_parts),
    .out_last_o(float_last),
    .out_weights_o(float_weights),
    .out_scales_o(float_scales),
    .nonfinite_o(unused_float_bad)
  );

  // Select the unit whose tile comes next. A new tile is taken in the cycle in which the one before ends.
  logic out_take, ends;
  assign out_valid_o = current_q && (current_codes_q ? code_valid : float_valid);
  // Of three kinds, which is one LUT per bit.
  for (genvar i = 0; i < PORTS * systolic_pkg::Rows / PARTS; i++) begin : g_weight
    localparam int WgtW = systolic_pkg::WeightWidth;
    assign out_weights_o[i*WgtW+:WgtW] = !current_codes_q ? float_weights[i*WgtW+:WgtW]
                                       : code_wide ? WgtW'($signed(code_integers[i*8+:8]))
                                       : code_weights[i*WgtW+:WgtW];
  end
  assign out_scales_o = current_codes_q ? code_scales : float_scales;
  assign out_parts_o = current_codes_q ? code_parts : float_parts;
  assign out_last_o = current_codes_q ? code_parts[PARTS-1] : float_last;
  assign code_ready = current_q && current_codes_q && out_ready_i;
  assign float_ready = current_q && !current_codes_q && out_ready_i;
  assign out_take = out_valid_o && out_ready_i;
  assign ends = out_take && out_last_o && last_group_q;
  assign order_take = order_valid && (!current_q || ends);
  assign codes_done = ends && current_codes_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) current_q <= 1'b0;
    else if (order_take) current_q <= 1'b1;
    else if (ends) current_q <= 1'b0;
    if (order_take) begin
      current_codes_q <= order_codes;
      left_columns_q <= order_behind;
      last_group_q <= order_alone;
    end else if (out_take && out_last_o) begin
      left_columns_q <= left_columns_q - 7'(PORTS);
      last_group_q <= left_columns_q <= 7'(PORTS);
    end
  end

  if (BUS_W != 64 && BUS_W != 128 && BUS_W != 256 && BUS_W != 512) begin : g_bad_bus
    ERROR_weight_loader_BUS_W_must_be_64_128_256_or_512 u_error ();
  end

endmodule : weight_loader
