// SPDX-License-Identifier: Apache-2.0
//
// The matrix engine: weight tiles and activations in, FP32 or FP16 output blocks out.
//
// Why: this is the whole arithmetic of a linear layer behind streams. A tile command says what the next 64 x 64 weight
// tile is and which activations it meets; weights come as raw memory beats; after an output block's last tile its results
// leave as memory beats. Results are the same, bit for bit, for every COLUMNS, BUS_W and stall pattern (tb/models/matrix.py
// is the definition).
// Latency: a vector's totals are written 78 cycles plus its column group after it enters the array; an output block's
// first result beat comes 80 + column groups + ceil(64 / COLUMNS) cycles after its last vector, 2 more for FP16.
// Throughput: one memory beat of codes per cycle with one activation row; every multiply-accumulate is busy with
// 2 x COLUMNS or more rows on a 256-bit bus, in proportion more on a narrower one.

module matrix_unit #(
  // Array columns, 1 to 16.
  parameter int COLUMNS = 8,
  // Activation mantissa width: 25 or 18.
  parameter int ACT_W = 25,
  // Memory bus width: 64, 128, 256 or 512.
  parameter int BUS_W = 256,
  // Activation scratchpad in blocks of 64 values, a power of two.
  parameter int ACT_DEPTH = 2048,
  // Most activation rows per pass, a power of two.
  parameter int MAX_ROWS = 64,
  // Entries of the nested absmax table, a power of two: at least two beats and 16, a line of memory.
  parameter int NESTED_DEPTH = 4096
) (
  input  logic                                    clk_i,
  input  logic                                    rst_ni,
  // Programmable codebook; stable while tiles are in progress.
  input  logic [16*systolic_pkg::WeightWidth-1:0] codebook_i,
  input  logic [31:0]                             codebook_scale_i,
  input  logic [31:0]                             absmax_offset_i,
  // Nested absmax table: BUS_W / 32 entries per beat, from entry 0 after a restart.
  input  logic                                    nested_restart_i,
  input  logic                                    nested_valid_i,
  output logic                                    nested_ready_o,
  input  logic [BUS_W-1:0]                        nested_data_i,
  // Activation load commands and their beats. Load only while idle_o.
  input  logic                                    load_valid_i,
  output logic                                    load_ready_o,
  input  logic [$clog2(ACT_DEPTH)-1:0]            load_base_i,
  input  logic [$clog2(ACT_DEPTH+1)-1:0]          load_blocks_i,
  input  logic                                    load_format_i,
  input  logic                                    act_valid_i,
  output logic                                    act_ready_o,
  input  logic [BUS_W-1:0]                        act_data_i,
  // Tile commands.
  input  logic                                    tile_valid_i,
  output logic                                    tile_ready_o,
  // 1: the stored rows are the reduction (T mode); 0: they are the output columns (N mode).
  input  logic                                    tile_transpose_i,
  // systolic_pkg::Format*.
  input  logic [1:0]                              tile_format_i,
  // Stored rows, 1 to 64; code tiles always have 64.
  input  logic [6:0]                              tile_lines_i,
  // Code tiles: block number of row 0, and its increment from row to row.
  input  logic [31:0]                             tile_block_i,
  input  logic [15:0]                             tile_block_stride_i,
  // Activations: scratchpad block of row 0, increment, number of rows.
  input  logic [$clog2(ACT_DEPTH)-1:0]            tile_act_base_i,
  input  logic [15:0]                             tile_act_stride_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]           tile_rows_i,
  // First and last tile of an output block.
  input  logic                                    tile_first_i,
  input  logic                                    tile_last_i,
  // Floating-point tiles: FP32 factor of the product.
  input  logic [31:0]                             tile_scale_i,
  // Last tile: 1 writes FP16.
  input  logic                                    tile_out_format_i,
  // Stored tiles in command order.
  input  logic                                    wgt_valid_i,
  output logic                                    wgt_ready_o,
  input  logic [BUS_W-1:0]                        wgt_data_i,
  // Output blocks: rows of 64.
  output logic                                    out_valid_o,
  input  logic                                    out_ready_i,
  output logic [BUS_W-1:0]                        out_data_o,
  // No tile is in progress and all results have left.
  output logic                                    idle_o,
  // Pulse: an operand's block, a scale or a result beat holds a NaN or an infinity.
  output logic                                    nonfinite_o,
  // Counters' pulses: a vector entered the array; a tile is in progress; why no vector entered.
  output logic                                    mac_vector_o,
  output logic                                    mac_active_o,
  output logic                                    weight_stall_o,
  output logic                                    act_stall_o
);

  localparam int Ports = BUS_W == 512 && COLUMNS % 2 == 0 ? 2 : 1;
  localparam int Groups = COLUMNS / Ports;
  localparam int ActLanes = COLUMNS <= 4 ? 4 : COLUMNS <= 8 ? 8 : 16;
  // Passes between loading and the last use of their scales; a tile's last pass may be short.
  localparam int Slots = 2 ** $clog2(2 * ((systolic_pkg::ArrayLatency + 8 + Groups) / Groups) + 8);
  localparam int GroupW = Ports * systolic_pkg::Rows * systolic_pkg::WeightWidth;
  localparam int CountW = $clog2(MAX_ROWS + 1);
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  localparam int SlotW = $clog2(Slots);

  // Every unit takes the commands at its own pace.
  logic [3:0] cmd_valid, cmd_ready;
  logic is_codes;
  logic [6:0] tile_columns;
  assign is_codes = tile_format_i == systolic_pkg::FormatCodes;
  assign tile_columns = tile_transpose_i ? 7'd64 : tile_lines_i;
  stream_fork #(
    .OUTPUTS(4)
  ) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i(tile_valid_i),
    .in_ready_o(tile_ready_o),
    .out_valid_o(cmd_valid),
    .out_ready_i(cmd_ready)
  );

  logic row_free, row_reserve, row_write, row_last, weight_bad;
  logic [$clog2(64/Ports)-1:0] row_index;
  logic [Ports*32-1:0] row_data;
  logic column_valid, column_ready;
  logic [GroupW-1:0] column_weights;
  logic [Ports*32-1:0] column_scales;
  weight_loader #(
    .BUS_W(BUS_W),
    .PORTS(Ports),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .codebook_i,
    .codebook_scale_i,
    .offset_i(absmax_offset_i),
    .nested_restart_i,
    .nested_valid_i,
    .nested_ready_o,
    .nested_data_i,
    .cmd_valid_i(cmd_valid[0]),
    .cmd_ready_o(cmd_ready[0]),
    .cmd_transpose_i(tile_transpose_i),
    .cmd_format_i(tile_format_i),
    .cmd_lines_i(tile_lines_i),
    .cmd_block_i(tile_block_i),
    .cmd_stride_i(tile_block_stride_i),
    .cmd_scale_i(tile_scale_i),
    .in_valid_i(wgt_valid_i),
    .in_ready_o(wgt_ready_o),
    .in_data_i(wgt_data_i),
    .row_free_i(row_free),
    .row_reserve_o(row_reserve),
    .row_write_o(row_write),
    .row_last_o(row_last),
    .row_index_o(row_index),
    .row_data_o(row_data),
    .out_valid_o(column_valid),
    .out_ready_i(column_ready),
    .out_weights_o(column_weights),
    .out_scales_o(column_scales),
    .nonfinite_o(weight_bad)
  );

  // Activations; their commands wait in a short queue, so that the fork does not hold the weights back.
  localparam int BlockW = $clog2(ACT_DEPTH);
  localparam int ActCmdW = 1 + 2 * BlockW + CountW;
  logic act_cmd_valid, act_cmd_ready, act_scaled, act_half_ready, act_release, act_bad, vector_bad;
  logic [BlockW-1:0] act_base, act_stride;
  logic unused_stride;  // a stride beyond the scratchpad's size means nothing
  assign unused_stride = ^tile_act_stride_i[15:BlockW];
  logic [CountW-1:0] act_rows;
  logic [$clog2(MAX_ROWS)-1:0] act_row;
  logic [64*ACT_W-1:0] vector;
  logic [7:0] vector_exponent;
  logic [2:0] unused_act_level;
  stream_fifo #(
    .WIDTH(ActCmdW),
    .DEPTH(4)
  ) u_act_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid[1]),
    .in_ready_o(cmd_ready[1]),
    .in_data_i({is_codes && tile_transpose_i, tile_act_base_i, tile_act_stride_i[BlockW-1:0], tile_rows_i}),
    .out_valid_o(act_cmd_valid),
    .out_ready_i(act_cmd_ready),
    .out_data_o({act_scaled, act_base, act_stride, act_rows}),
    .level_o(unused_act_level)
  );
  activation_buffer #(
    .BUS_W(BUS_W),
    .ACT_W(ACT_W),
    .LANES(ActLanes),
    .DEPTH(ACT_DEPTH),
    .MAX_ROWS(MAX_ROWS),
    .PORTS(Ports)
  ) u_activations (
    .clk_i,
    .rst_ni,
    .load_valid_i,
    .load_ready_o,
    .load_base_i,
    .load_blocks_i,
    .load_half_i(load_format_i),
    .in_valid_i(act_valid_i),
    .in_ready_o(act_ready_o),
    .in_data_i(act_data_i),
    .cmd_valid_i(act_cmd_valid),
    .cmd_ready_o(act_cmd_ready),
    .cmd_scaled_i(act_scaled),
    .cmd_base_i(act_base),
    .cmd_stride_i(act_stride),
    .cmd_rows_i(act_rows),
    .scale_free_o(row_free),
    .scale_reserve_i(row_reserve),
    .scale_write_i(row_write),
    .scale_last_i(row_last),
    .scale_index_i(row_index),
    .scale_data_i(row_data),
    .ready_o(act_half_ready),
    .release_i(act_release),
    .read_row_i(act_row),
    .read_data_o(vector),
    .read_exponent_o(vector_exponent),
    .read_nonfinite_o(vector_bad),
    .nonfinite_o(act_bad)
  );

  // Two accumulator buffers.
  logic [1:0] acc_used_q;
  logic acc_reserve, acc_free;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) acc_used_q <= '0;
    else acc_used_q <= acc_used_q + 2'(acc_reserve) - 2'(acc_free);
  end

  logic [Groups-1:0] load;
  logic [GroupW-1:0] load_weights;
  logic [Ports*32-1:0] load_scales;
  logic [SlotW-1:0] load_slot, slot;
  logic swap, first, last;
  logic [AddressW-1:0] address;
  pass_control #(
    .COLUMNS(COLUMNS),
    .PORTS(Ports),
    .MAX_ROWS(MAX_ROWS),
    .SLOTS(Slots)
  ) u_control (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(cmd_valid[2]),
    .cmd_ready_o(cmd_ready[2]),
    .cmd_columns_i(tile_columns),
    .cmd_rows_i(tile_rows_i),
    .cmd_first_i(tile_first_i),
    .cmd_last_i(tile_last_i),
    .column_valid_i(column_valid),
    .column_ready_o(column_ready),
    .column_weights_i(column_weights),
    .column_scales_i(column_scales),
    .act_ready_i(act_half_ready),
    .act_release_o(act_release),
    .act_row_o(act_row),
    .acc_free_i(acc_used_q != 2'd2),
    .acc_reserve_o(acc_reserve),
    .load_o(load),
    .load_weights_o(load_weights),
    .load_scales_o(load_scales),
    .load_slot_o(load_slot),
    .vector_o(mac_vector_o),
    .swap_o(swap),
    .first_o(first),
    .last_o(last),
    .slot_o(slot),
    .address_o(address),
    .weight_stall_o,
    .act_stall_o
  );

  logic [COLUMNS*systolic_pkg::SumWidth-1:0] sums;
  systolic_array #(
    .COLUMNS(COLUMNS),
    .ACT_W(ACT_W),
    .PORTS(Ports)
  ) u_array (
    .clk_i,
    .rst_ni,
    .act_i(vector),
    .swap_i(swap),
    .load_i(load),
    .weight_i(load_weights),
    .sum_o(sums)
  );

  logic block_done, drain, drain_buffer, drain_idle, result_bad;
  logic [AddressW-1:0] drain_address;
  logic [COLUMNS*32-1:0] drain_data;
  column_bank #(
    .COLUMNS(COLUMNS),
    .PORTS(Ports),
    .ACT_W(ACT_W),
    .MAX_ROWS(MAX_ROWS),
    .SLOTS(Slots)
  ) u_columns (
    .clk_i,
    .rst_ni,
    .load_i(load),
    .load_scales_i(load_scales),
    .load_slot_i(load_slot),
    .vector_i(mac_vector_o),
    .first_i(first),
    .last_i(last),
    .slot_i(slot),
    .address_i(address),
    .exponent_i(vector_exponent),
    .nonfinite_i(vector_bad),
    .sum_i(sums),
    .done_o(block_done),
    .drain_i(drain),
    .drain_buffer_i(drain_buffer),
    .drain_address_i(drain_address),
    .drain_data_o(drain_data)
  );

  logic drain_cmd_ready;
  assign cmd_ready[3] = !tile_last_i || drain_cmd_ready;
  result_drain #(
    .BUS_W(BUS_W),
    .COLUMNS(COLUMNS),
    .MAX_ROWS(MAX_ROWS)
  ) u_drain (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(cmd_valid[3] && tile_last_i),
    .cmd_ready_o(drain_cmd_ready),
    .cmd_rows_i(tile_rows_i),
    .cmd_columns_i(tile_columns),
    .cmd_half_i(tile_out_format_i),
    .block_done_i(block_done),
    .drain_o(drain),
    .drain_buffer_o(drain_buffer),
    .drain_address_o(drain_address),
    .drain_data_i(drain_data),
    .free_o(acc_free),
    .out_valid_o,
    .out_ready_i,
    .out_data_o,
    .idle_o(drain_idle),
    .nonfinite_o(result_bad)
  );

  // Tiles accepted and not yet through the array.
  logic [3:0] tiles_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tiles_q <= '0;
    else tiles_q <= tiles_q + 4'(cmd_valid[2] && cmd_ready[2]) - 4'(act_release);
  end
  assign mac_active_o = tiles_q != '0;
  assign idle_o = tiles_q == '0 && acc_used_q == '0 && drain_idle && !tile_valid_i && load_ready_o;
  assign nonfinite_o = weight_bad || act_bad || result_bad;

  if (ACT_W != 18 && ACT_W != 25) begin : g_bad_act
    ERROR_matrix_unit_ACT_W_must_be_18_or_25 u_error ();
  end
  if (2 ** $clog2(ACT_DEPTH) != ACT_DEPTH || 2 ** $clog2(MAX_ROWS) != MAX_ROWS) begin : g_bad_depth
    ERROR_matrix_unit_ACT_DEPTH_and_MAX_ROWS_must_be_powers_of_two u_error ();
  end
  if (COLUMNS < 1 || COLUMNS > 16) begin : g_check_columns
    ERROR_matrix_unit_COLUMNS_must_be_1_to_16 u_error ();
  end
  if (MAX_ROWS < 2 || ACT_DEPTH > 32768) begin : g_check_sizes
    ERROR_matrix_unit_MAX_ROWS_must_be_at_least_2_and_ACT_DEPTH_at_most_32768 u_error ();
  end
  if (2 ** $clog2(NESTED_DEPTH) != NESTED_DEPTH || NESTED_DEPTH < 16 || NESTED_DEPTH < BUS_W / 16) begin : g_bad_nested
    ERROR_matrix_unit_NESTED_DEPTH_must_be_a_power_of_two_and_at_least_16_and_two_beats u_error ();
  end

endmodule : matrix_unit
