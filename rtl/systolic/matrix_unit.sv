// SPDX-License-Identifier: Apache-2.0
//
// Array, accumulators and all that feeds and empties them: tile commands and weights in, results to the scratchpad.
//
// Why: this is the whole arithmetic of products, behind one stream of commands. A tile command says what the next weight
// tile is and which activations it meets; weights come as raw memory beats, activations from the scratchpad; after an
// output block's last tile its results go there. Results are the same, bit for bit, for every COLUMNS, BUS_W and stall
// pattern (tb/models/matrix.py is the definition).
// Latency: a vector's totals are written 82 cycles plus its column group after it enters the array; an output block's
// first result is written 84 cycles plus the column groups after its last vector (see result_drain for other than 8
// columns).
// Throughput: one memory beat of codes per cycle with one activation row; every multiply-accumulate is busy with
// 2 x COLUMNS or more rows on a 256-bit bus, in proportion more on a narrower one, as long as the scratchpad grants a word
// per cycle and COLUMNS is at most 8: a tile's rows have 8 words each.

module matrix_unit #(
  // Array columns, 1 to 16.
  parameter int COLUMNS = 8,
  // Activation mantissa width: 25 or 18.
  parameter int ACT_W = 25,
  // Memory bus width: 64, 128, 256 or 512.
  parameter int BUS_W = 256,
  // Most activation rows per pass, a power of two.
  parameter int MAX_ROWS = 64,
  // Entries of the nested absmax table, a power of two: at least two beats and 16, a line of memory.
  parameter int NESTED_DEPTH = 4096,
  // Width of a scratchpad address in words.
  parameter int SCRATCH_W = 13,
  // 1: codes also in T mode, as backward passes need them; 0 saves their transposer and the multipliers of row scales.
  parameter int BACKWARD = 1
) (
  input  logic                                    clk_i,
  input  logic                                    rst_ni,
  // Commands: a tile, or a header of the weight stream, which has a number of lines of 64 bytes and nothing else.
  input  logic                                    tile_valid_i,
  output logic                                    tile_ready_o,
  input  logic                                    tile_header_i,
  input  logic [15:0]                             tile_header_lines_i,
  // 1: the stored rows are the reduction (T mode); 0: they are the output columns (N mode).
  input  logic                                    tile_transpose_i,
  // systolic_pkg::Format*.
  input  logic [2:0]                              tile_format_i,
  // Stored rows, 1 to 64; code tiles always have 64.
  input  logic [6:0]                              tile_lines_i,
  // Code tiles: block number of row 0, and its increment from row to row.
  input  logic [31:0]                             tile_block_i,
  input  logic [15:0]                             tile_block_stride_i,
  // Floating-point tiles: FP32 factor of the product.
  input  logic [31:0]                             tile_scale_i,
  // Rows of activations and results, in two nested loops: rows = outer * inner.
  input  logic [$clog2(MAX_ROWS+1)-1:0]           tile_rows_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]           tile_outer_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]           tile_inner_i,
  // Activations: first word of row 0, distances of rows, values of the row that the tile meets, 1 to 64.
  input  logic [SCRATCH_W-1:0]                    tile_act_base_i,
  input  logic [SCRATCH_W-1:0]                    tile_act_outer_stride_i,
  input  logic [SCRATCH_W-1:0]                    tile_act_inner_stride_i,
  input  logic [6:0]                              tile_values_i,
  // Results, with an output block's last tile: first word of row 0, distances of rows.
  input  logic [SCRATCH_W-1:0]                    tile_out_base_i,
  input  logic [SCRATCH_W-1:0]                    tile_out_outer_stride_i,
  input  logic [SCRATCH_W-1:0]                    tile_out_inner_stride_i,
  // First and last tile of an output block; last tile of a product.
  input  logic                                    tile_first_i,
  input  logic                                    tile_last_i,
  input  logic                                    tile_end_i,
  // Headers and stored tiles in command order; last says that a product's stream ends.
  input  logic                                    wgt_valid_i,
  output logic                                    wgt_ready_o,
  input  logic [BUS_W-1:0]                        wgt_data_i,
  input  logic                                    wgt_last_i,
  // Pulses: a product's last beat is taken; a beat's last is not what the commands say.
  output logic                                    wgt_end_o,
  output logic                                    wgt_bad_end_o,
  // Scratchpad: activations.
  output logic                                    req_valid_o,
  input  logic                                    req_ready_i,
  output logic [SCRATCH_W-1:0]                    req_addr_o,
  input  logic                                    rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0]         rsp_data_i,
  // Scratchpad: results; columns that a block does not have are zero.
  output logic                                    w_valid_o,
  input  logic                                    w_ready_i,
  output logic [SCRATCH_W-1:0]                    w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0]         w_data_o,
  // Pulse: a product's last result is written; whether any of its results is NaN or infinite.
  output logic                                    done_o,
  output logic                                    done_nonfinite_o,
  // Counters' pulses: a vector entered the array; a tile is in progress; why no vector entered.
  output logic                                    mac_vector_o,
  output logic                                    mac_active_o,
  output logic                                    weight_stall_o,
  output logic                                    act_stall_o
);

  localparam int Ports = BUS_W == 512 && COLUMNS % 2 == 0 ? 2 : 1;
  // A column comes in as many parts as its codes need beats, so that nothing is wider than what the bus can fill.
  localparam int Parts = BUS_W < 256 ? 256 / BUS_W : 1;
  localparam int Groups = COLUMNS / Ports;
  // Passes between loading and the last use of their scales; a tile's last pass may be short.
  localparam int Slots = 2 ** $clog2(2 * ((systolic_pkg::ArrayLatency + 8 + Groups) / Groups) + 8);
  localparam int GroupW = Ports * systolic_pkg::Rows / Parts * systolic_pkg::WeightWidth;
  localparam int CountW = $clog2(MAX_ROWS + 1);
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  localparam int SlotW = $clog2(Slots);

  // Every unit takes the tiles at its own pace; a header concerns the weights only.
  logic [3:0] cmd_valid, cmd_ready, fork_valid;
  logic [6:0] tile_columns;
  assign tile_columns = tile_transpose_i ? 7'd64 : tile_lines_i;
  stream_fork #(
    .OUTPUTS(4)
  ) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i(tile_valid_i),
    .in_ready_o(tile_ready_o),
    .out_valid_o(fork_valid),
    .out_ready_i(cmd_ready | {{3{tile_header_i}}, 1'b0})
  );
  assign cmd_valid = fork_valid & ~{{3{tile_header_i}}, 1'b0};

  logic row_free, row_reserve, row_write, row_last;
  logic [$clog2(64/Ports)-1:0] row_index;
  logic [Ports*32-1:0] row_data;
  logic column_valid, column_ready, column_last;
  logic [Parts-1:0] column_parts;
  logic [GroupW-1:0] column_weights;
  logic [Ports*32-1:0] column_scales;
  weight_loader #(
    .BUS_W(BUS_W),
    .PORTS(Ports),
    .PARTS(Parts),
    .NESTED_DEPTH(NESTED_DEPTH),
    .BACKWARD(BACKWARD)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(cmd_valid[0]),
    .cmd_ready_o(cmd_ready[0]),
    .cmd_header_i(tile_header_i),
    .cmd_header_lines_i(tile_header_lines_i),
    .cmd_transpose_i(tile_transpose_i),
    .cmd_format_i(tile_format_i),
    .cmd_lines_i(tile_lines_i),
    .cmd_block_i(tile_block_i),
    .cmd_stride_i(tile_block_stride_i),
    .cmd_scale_i(tile_scale_i),
    .cmd_end_i(tile_end_i),
    .in_valid_i(wgt_valid_i),
    .in_ready_o(wgt_ready_o),
    .in_data_i(wgt_data_i),
    .in_last_i(wgt_last_i),
    .end_o(wgt_end_o),
    .bad_end_o(wgt_bad_end_o),
    .row_free_i(row_free),
    .row_reserve_o(row_reserve),
    .row_write_o(row_write),
    .row_last_o(row_last),
    .row_index_o(row_index),
    .row_data_o(row_data),
    .out_valid_o(column_valid),
    .out_ready_i(column_ready),
    .out_parts_o(column_parts),
    .out_last_o(column_last),
    .out_weights_o(column_weights),
    .out_scales_o(column_scales)
  );

  // Activations; their commands wait in a short queue, so that the fork does not hold the weights back.
  localparam int ActCmdW = 3 * SCRATCH_W + 3 * CountW + 8;
  logic act_cmd_valid, act_cmd_ready, act_scaled, act_half_ready, act_release, vector_bad;
  logic [SCRATCH_W-1:0] act_base, act_outer_stride, act_inner_stride;
  logic [CountW-1:0] act_rows, act_outer, act_inner;
  logic [6:0] act_values;
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
    .in_data_i({tile_act_base_i, tile_act_outer_stride_i, tile_act_inner_stride_i, tile_rows_i, tile_outer_i,
                tile_inner_i,
                tile_values_i, tile_transpose_i && systolic_pkg::is_codes(tile_format_i)}),
    .out_valid_o(act_cmd_valid),
    .out_ready_i(act_cmd_ready),
    .out_data_o({act_base, act_outer_stride, act_inner_stride, act_rows, act_outer, act_inner, act_values, act_scaled}),
    .level_o(unused_act_level)
  );
  activation_buffer #(
    .ACT_W(ACT_W),
    .ADDR_W(SCRATCH_W),
    .MAX_ROWS(MAX_ROWS),
    .PORTS(Ports),
    .PARTS(Parts),
    .BACKWARD(BACKWARD)
  ) u_activations (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(act_cmd_valid),
    .cmd_ready_o(act_cmd_ready),
    .cmd_base_i(act_base),
    .cmd_outer_stride_i(act_outer_stride),
    .cmd_inner_stride_i(act_inner_stride),
    .cmd_outer_i(act_outer),
    .cmd_inner_i(act_inner),
    .cmd_rows_i(act_rows),
    .cmd_values_i(act_values),
    .cmd_scaled_i(act_scaled),
    .req_valid_o,
    .req_ready_i,
    .req_addr_o,
    .rsp_valid_i,
    .rsp_data_i,
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
    .read_nonfinite_o(vector_bad)
  );

  // Two accumulator buffers.
  logic [1:0] acc_used_q, acc_used_d;
  logic acc_some_q;  // one is free
  logic acc_reserve, acc_free;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      acc_used_q <= '0;
      acc_some_q <= 1'b1;
    end else begin
      acc_used_q <= acc_used_d;
      acc_some_q <= acc_used_d != 2'd2;
    end
  end
  assign acc_used_d = acc_used_q + 2'(acc_reserve) - 2'(acc_free);

  logic [Groups*Parts-1:0] load;
  logic [Groups-1:0] load_some;
  logic [GroupW-1:0] load_weights;
  logic [Ports*32-1:0] load_scales;
  logic [SlotW-1:0] load_slot, slot;
  logic swap, first, last;
  logic [AddressW-1:0] address;
  pass_control #(
    .COLUMNS(COLUMNS),
    .PORTS(Ports),
    .PARTS(Parts),
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
    .column_parts_i(column_parts),
    .column_last_i(column_last),
    .column_weights_i(column_weights),
    .column_scales_i(column_scales),
    .act_ready_i(act_half_ready),
    .act_release_o(act_release),
    .act_row_o(act_row),
    .acc_free_i(acc_some_q),
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
    .PORTS(Ports),
    .PARTS(Parts)
  ) u_array (
    .clk_i,
    .rst_ni,
    .act_i(vector),
    .swap_i(swap),
    .load_i(load),
    .weight_i(load_weights),
    .sum_o(sums)
  );

  // The scale comes with each of a column's parts.
  for (genvar g = 0; g < Groups; g++) begin : g_load
    assign load_some[g] = load[g*Parts+:Parts] != '0;
  end

  logic block_done, drain, drain_buffer;
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
    .load_i(load_some),
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
    .COLUMNS(COLUMNS),
    .MAX_ROWS(MAX_ROWS),
    .ADDR_W(SCRATCH_W)
  ) u_drain (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(cmd_valid[3] && tile_last_i),
    .cmd_ready_o(drain_cmd_ready),
    .cmd_rows_i(tile_rows_i),
    .cmd_outer_i(tile_outer_i),
    .cmd_inner_i(tile_inner_i),
    .cmd_base_i(tile_out_base_i),
    .cmd_outer_stride_i(tile_out_outer_stride_i),
    .cmd_inner_stride_i(tile_out_inner_stride_i),
    .cmd_columns_i(tile_columns),
    .cmd_end_i(tile_end_i),
    .block_done_i(block_done),
    .drain_o(drain),
    .drain_buffer_o(drain_buffer),
    .drain_address_o(drain_address),
    .drain_data_i(drain_data),
    .free_o(acc_free),
    .w_valid_o,
    .w_ready_i,
    .w_addr_o,
    .w_data_o,
    .done_o,
    .done_nonfinite_o
  );

  // Tiles accepted and not yet through the array.
  logic [3:0] tiles_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tiles_q <= '0;
    else tiles_q <= systolic_pkg::count(tiles_q, cmd_valid[2] && cmd_ready[2], act_release);
  end
  assign mac_active_o = tiles_q != '0;

  if (ACT_W != 18 && ACT_W != 25) begin : g_bad_act
    ERROR_matrix_unit_ACT_W_must_be_18_or_25 u_error ();
  end
  if (2 ** $clog2(MAX_ROWS) != MAX_ROWS || MAX_ROWS < 2) begin : g_bad_rows
    ERROR_matrix_unit_MAX_ROWS_must_be_a_power_of_two_from_2 u_error ();
  end
  if (COLUMNS < 1 || COLUMNS > 16) begin : g_check_columns
    ERROR_matrix_unit_COLUMNS_must_be_1_to_16 u_error ();
  end
  if (2 ** $clog2(NESTED_DEPTH) != NESTED_DEPTH || NESTED_DEPTH < 16 || NESTED_DEPTH < BUS_W / 16) begin : g_bad_nested
    ERROR_matrix_unit_NESTED_DEPTH_must_be_a_power_of_two_and_at_least_16_and_two_beats u_error ();
  end

endmodule : matrix_unit
