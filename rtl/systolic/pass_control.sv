// SPDX-License-Identifier: Apache-2.0
//
// Drives the array: loads columns into the shadow weights and streams the activation vectors through the active ones.
//
// Why: a tile's columns pass through the array COLUMNS at a time. While one pass streams its vectors, the next pass's
// columns load; each side waits only for the other's buffer. A pass of one vector (decoding one token) takes as long as
// loading its columns; with at least COLUMNS / PORTS vectors it does not pause while columns keep coming.
// Throughput: one column group, or part of one, and one vector per cycle. Outputs to the array are registered, one cycle after the
// decision; the handshakes, act_*, acc_reserve_o and the stalls are combinational, and column_ready_o is known a
// cycle ahead.

module pass_control #(
  // Array columns.
  parameter int COLUMNS = 8,
  // Columns loaded per cycle.
  parameter int PORTS = 1,
  // Parts in which a column comes: 1 if PORTS is more.
  parameter int PARTS = 1,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Scale slots: passes that can be in flight between loading and accumulation, a power of two.
  parameter int SLOTS = 32
) (
  input  logic                                                          clk_i,
  input  logic                                                          rst_ni,
  // One command per tile.
  input  logic                                                          cmd_valid_i,
  output logic                                                          cmd_ready_o,
  // Columns of the tile, 1 to 64.
  input  logic [6:0]                                                    cmd_columns_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]                                 cmd_rows_i,
  // First and last tile of an output block.
  input  logic                                                          cmd_first_i,
  input  logic                                                          cmd_last_i,
  // Columns from the weight loader.
  input  logic                                                          column_valid_i,
  output logic                                                          column_ready_o,
  input  logic [PARTS-1:0]                                              column_parts_i,
  input  logic                                                          column_last_i,
  input  logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] column_weights_i,
  input  logic [PORTS*32-1:0]                                           column_scales_i,
  // Aligned activations of the tile.
  input  logic                                                          act_ready_i,
  output logic                                                          act_release_o,
  output logic [$clog2(MAX_ROWS)-1:0]                                   act_row_o,
  // An accumulator buffer is free for a new output block.
  input  logic                                                          acc_free_i,
  output logic                                                          acc_reserve_o,
  // To the array: shadow loads, a bit per part of each column group.
  output logic [COLUMNS/PORTS*PARTS-1:0]                                load_o,
  output logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] load_weights_o,
  output logic [PORTS*32-1:0]                                           load_scales_o,
  output logic [$clog2(SLOTS)-1:0]                                      load_slot_o,
  // To the array and the accumulators: a vector enters (in the cycle before its first element leaves the activation buffer).
  output logic                                                          vector_o,
  output logic                                                          swap_o,
  output logic                                                          first_o,
  output logic                                                          last_o,
  output logic [$clog2(SLOTS)-1:0]                                      slot_o,
  output logic [$clog2((64+COLUMNS-1)/COLUMNS*MAX_ROWS)-1:0]                                address_o,
  // Why no vector was issued while a tile waits.
  output logic                                                          weight_stall_o,
  output logic                                                          act_stall_o
);

  localparam int Groups = COLUMNS / PORTS;
  localparam int GroupW = Groups > 1 ? $clog2(Groups) : 1;
  localparam int CountW = $clog2(MAX_ROWS + 1);
  localparam int RowW = $clog2(MAX_ROWS);
  localparam int SlotW = $clog2(SLOTS);
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  // An accumulator is written AddLatency + 2 cycles after it is read. The same one is read again by the vector with the
  // same number in the output block's next tile, which must enter at least TileSpacing cycles later. With as many vectors
  // per tile it does, because they enter in order, one per cycle. A tile of fewer vectors makes the next one wait: every
  // vector of a tile, and every cycle after its last, counts down. Cycles in which its later passes wait for weights must
  // not count: the next tile's vectors may come at once behind such a pass, however many columns arrive per cycle.
  // So between a tile's vector n of V and the next tile's vector n there are V - 1 - n vectors of the one, at least
  // TileSpacing - V cycles, and n vectors of the other.
  localparam int TileSpacing = fp32_pkg::AddLatency + 3;
  localparam int SpacingW = $clog2(TileSpacing);

  // The loading side and the issuing side take the tile's command separately.
  logic first_cmd_valid, first_cmd_take, load_cmd_valid, load_cmd_ready;
  logic next_cmd_valid, next_cmd_take, issue_cmd_valid, issue_cmd_ready;
  logic [6:0] next_less;
  logic [CountW-1:0] next_last_row;
  logic next_first, next_last;
  logic load_queue_ready, issue_queue_ready;
  // Less than the tile's columns by those of one cycle or pass, and its last row.
  logic [6:0] first_less, load_less, issue_less;
  logic [CountW-1:0] issue_last_row;
  logic issue_first, issue_last;
  logic [2:0] unused_load_level, unused_issue_level;
  assign cmd_ready_o = load_queue_ready && issue_queue_ready;
  stream_fifo #(
    .WIDTH(7),
    .DEPTH(4)
  ) u_load_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid_i && issue_queue_ready),
    .in_ready_o(load_queue_ready),
    .in_data_i(cmd_columns_i > 7'(PORTS) ? cmd_columns_i - 7'(PORTS) : 7'd0),
    .out_valid_o(first_cmd_valid),
    .out_ready_i(first_cmd_take),
    .out_data_o(first_less),
    .level_o(unused_load_level)
  );
  // Commands at hand, here and below, lie in registers: what comes from a queue in LUT RAM is late in its cycle.
  stream_stage #(
    .WIDTH(7)
  ) u_load_stage (
    .clk_i,
    .rst_ni,
    .in_valid_i(first_cmd_valid),
    .in_ready_o(first_cmd_take),
    .in_data_i(first_less),
    .out_valid_o(load_cmd_valid),
    .out_ready_i(load_cmd_ready),
    .out_data_o(load_less)
  );
  stream_fifo #(
    .WIDTH(7 + CountW + 2),
    .DEPTH(4)
  ) u_issue_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid_i && load_queue_ready),
    .in_ready_o(issue_queue_ready),
    .in_data_i({cmd_columns_i > 7'(COLUMNS) ? cmd_columns_i - 7'(COLUMNS) : 7'd0, cmd_rows_i - 1'b1, cmd_first_i,
                cmd_last_i}),
    .out_valid_o(next_cmd_valid),
    .out_ready_i(next_cmd_take),
    .out_data_o({next_less, next_last_row, next_first, next_last}),
    .level_o(unused_issue_level)
  );
  stream_stage #(
    .WIDTH(7 + CountW + 2)
  ) u_issue_stage (
    .clk_i,
    .rst_ni,
    .in_valid_i(next_cmd_valid),
    .in_ready_o(next_cmd_take),
    .in_data_i({next_less, next_last_row, next_first, next_last}),
    .out_valid_o(issue_cmd_valid),
    .out_ready_i(issue_cmd_ready),
    .out_data_o({issue_less, issue_last_row, issue_first, issue_last})
  );

  // Loading side.
  logic shadow_full_q, shadow_full_d, column_ready_q, load_take, column_take, pass_loaded, tile_loaded, start;
  logic [GroupW-1:0] group_q;
  logic [6:0] loaded_q;
  logic [SlotW-1:0] load_slot_q;
  assign column_ready_o = load_cmd_valid && column_ready_q;
  assign load_take = column_valid_i && column_ready_o;
  assign tile_loaded = loaded_q >= load_less;
  assign column_take = load_take && column_last_i;
  assign pass_loaded = column_take && (tile_loaded || group_q == GroupW'(Groups - 1));
  assign load_cmd_ready = column_take && tile_loaded;
  assign shadow_full_d = pass_loaded || (shadow_full_q && !start);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      shadow_full_q <= 1'b0;
      column_ready_q <= 1'b0;
      group_q <= '0;
      loaded_q <= '0;
      load_slot_q <= '0;
      load_o <= '0;
    end else begin
      shadow_full_q <= shadow_full_d;
      column_ready_q <= !shadow_full_d || starts_next;
      if (column_take) begin
        group_q <= pass_loaded ? '0 : group_q + 1'b1;
        loaded_q <= tile_loaded ? '0 : loaded_q + 7'(PORTS);
      end
      if (pass_loaded) load_slot_q <= load_slot_q + 1'b1;
      for (int g = 0; g < Groups; g++)
        load_o[g*PARTS+:PARTS] <= load_take && group_q == GroupW'(g) ? column_parts_i : '0;
    end
    load_weights_o <= column_weights_i;
    load_scales_o <= column_scales_i;
    load_slot_o <= load_slot_q;
  end

  // Issuing side.
  logic streaming_q, streaming_d, in_tile_q, in_tile_d, issue, last_vector, last_pass, tile_start, may_start;
  logic starts_next;
  logic [CountW-1:0] row_q;
  logic [6:0] issued_q;  // columns of the tile whose passes are complete
  logic [AddressW-1:0] address_q;
  logic [SlotW-1:0] slot_q;
  logic [SpacingW-1:0] spacing_q;
  logic spaced_q, count_down;  // spacing_q is zero

  // A pass may start when its weights are loaded; a tile also needs its activations and, first, an accumulator.
  assign tile_start = !in_tile_q;
  assign may_start = in_tile_q ||
      (issue_cmd_valid && act_ready_i && spaced_q && (!issue_first || acc_free_i));
  assign start = !streaming_q && may_start && shadow_full_q;
  assign issue = start || streaming_q;
  assign last_vector = issue && row_q == issue_last_row;
  assign last_pass = issued_q >= issue_less;
  assign count_down = !spaced_q && (issue || !in_tile_q);
  assign issue_cmd_ready = last_vector && last_pass;
  assign act_release_o = issue_cmd_ready;
  assign act_row_o = RowW'(row_q);
  assign acc_reserve_o = start && tile_start && issue_first;
  assign streaming_d = issue && !last_vector;
  assign in_tile_d = last_vector ? !last_pass : in_tile_q || issue;
  // A pass that is loaded then starts in the next cycle: it is certain of a tile's later passes, and of its first if the
  // tile could have started now. Columns are asked for by this, so that no unit of the weights waits for so much logic.
  assign starts_next = !streaming_d && (in_tile_d || (!in_tile_q && !start && may_start));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      streaming_q <= 1'b0;
      in_tile_q <= 1'b0;
      row_q <= '0;
      issued_q <= '0;
      address_q <= '0;
      slot_q <= '0;
      spacing_q <= '0;
      spaced_q <= 1'b1;
      vector_o <= 1'b0;
      swap_o <= 1'b0;
    end else begin
      streaming_q <= streaming_d;
      in_tile_q <= in_tile_d;
      if (issue) begin
        row_q <= last_vector ? '0 : row_q + 1'b1;
      end
      if (last_vector) begin
        slot_q <= slot_q + 1'b1;
        issued_q <= last_pass ? '0 : issued_q + 7'(COLUMNS);
        address_q <= last_pass ? '0 : address_q + AddressW'(MAX_ROWS);
      end
      if (start && tile_start) spacing_q <= SpacingW'(TileSpacing - 1);
      else if (count_down) spacing_q <= spacing_q - 1'b1;
      if (start && tile_start) spaced_q <= 1'b0;
      else if (count_down) spaced_q <= spacing_q == SpacingW'(1);
      vector_o <= issue;
      swap_o <= start;
    end
    first_o <= issue_first;
    last_o <= issue_cmd_ready && issue_last;
    slot_o <= slot_q;
    address_o <= address_q + AddressW'(row_q);
  end

  assign weight_stall_o = issue_cmd_valid && !issue && may_start;
  assign act_stall_o = issue_cmd_valid && !issue && !in_tile_q && !act_ready_i;

  if (SLOTS != 2 ** SlotW) begin : g_bad_slots
    ERROR_pass_control_SLOTS_must_be_a_power_of_two u_error ();
  end

endmodule : pass_control
