// SPDX-License-Identifier: Apache-2.0
//
// Reads a finished output block from the accumulators and writes its rows to the scratchpad.
//
// Why: the accumulators hold COLUMNS results per address, the scratchpad has words of 8. The results stream through two
// width converters by the greatest common divisor of the two, so that any COLUMNS works and the usual ones lose nothing.
// Columns that the block does not have are written as zero. NaN and infinity stay NaN or infinity through every sum, so
// looking at the results finds those of activations, weights and scales too.
// Latency: block_done_i to the first write 3 cycles with 8 columns, 4 with 16, 3 + 8 / COLUMNS with 1, 2 or 4.
// Throughput: a row of 64 every 64 / (greatest common divisor of COLUMNS and 8) cycles, 3 more per block.

module result_drain #(
  // Array columns.
  parameter int COLUMNS = 8,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Width of a scratchpad address in words.
  parameter int ADDR_W = 13
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  // One command per output block, in order: rows_i = outer_i * inner_i rows, with their distances in words.
  input  logic                            cmd_valid_i,
  output logic                            cmd_ready_o,
  input  logic [$clog2(MAX_ROWS+1)-1:0]   cmd_rows_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]   cmd_outer_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]   cmd_inner_i,
  input  logic [ADDR_W-1:0]               cmd_base_i,
  input  logic [ADDR_W-1:0]               cmd_outer_stride_i,
  input  logic [ADDR_W-1:0]               cmd_inner_stride_i,
  // Columns of the block, 1 to 64.
  input  logic [6:0]                      cmd_columns_i,
  // Last block of a product.
  input  logic                            cmd_end_i,
  // Pulse: the next output block's totals are complete.
  input  logic                            block_done_i,
  // Accumulators: data of an address come one cycle later and stay while the address does.
  output logic                            drain_o,
  output logic                            drain_buffer_o,
  output logic [$clog2((64+COLUMNS-1)/COLUMNS*MAX_ROWS)-1:0]  drain_address_o,
  input  logic [COLUMNS*32-1:0]           drain_data_i,
  // Pulse: the block has left the accumulators; its buffer is free.
  output logic                            free_o,
  // Scratchpad.
  output logic                            w_valid_o,
  input  logic                            w_ready_i,
  output logic [ADDR_W-1:0]               w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,
  // Pulse: the product's last word has been written; whether any of its words holds a NaN or an infinity.
  output logic                            done_o,
  output logic                            done_nonfinite_o
);

  localparam int Lanes    = vector_pkg::Lanes;
  localparam int Passes   = (64 + COLUMNS - 1) / COLUMNS;
  localparam int CountW   = $clog2(MAX_ROWS + 1);
  localparam int WalkW    = CountW > 4 ? CountW : 4;
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  localparam int Common   = COLUMNS % 8 == 0 ? 8 : COLUMNS % 4 == 0 ? 4 : COLUMNS % 2 == 0 ? 2 : 1;

  // ---------------------------------------------------------------------------------------------
  // Blocks
  // ---------------------------------------------------------------------------------------------
  logic              cmd_valid, start, cmd_end, end_q, walk_idle;
  logic [CountW-1:0] cmd_rows, cmd_outer, cmd_inner;
  logic [ADDR_W-1:0] cmd_base, cmd_outer_stride, cmd_inner_stride;
  logic [6:0]        cmd_columns;
  logic [2:0]        unused_level;
  logic [1:0]        blocks_q;  // complete blocks not yet started
  logic              reading_q;

  stream_fifo #(
    .WIDTH(3 * CountW + 3 * ADDR_W + 8),
    .DEPTH(6)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i (cmd_valid_i),
    .in_ready_o (cmd_ready_o),
    .in_data_i  ({cmd_rows_i, cmd_outer_i, cmd_inner_i, cmd_base_i, cmd_outer_stride_i, cmd_inner_stride_i,
                  cmd_columns_i,
                  cmd_end_i}),
    .out_valid_o(cmd_valid),
    .out_ready_i(start),
    .out_data_o ({cmd_rows, cmd_outer, cmd_inner, cmd_base, cmd_outer_stride, cmd_inner_stride, cmd_columns, cmd_end}),
    .level_o    (unused_level)
  );

  assign start = !reading_q && walk_idle && blocks_q != 2'd0 && cmd_valid;

  // ---------------------------------------------------------------------------------------------
  // Accumulators, row by row
  // ---------------------------------------------------------------------------------------------
  logic                  take, chunk_ready, last_pass, buffer_q;
  logic [CountW-1:0]     rows_left_q;
  logic [6:0]            columns_q, column_q;  // of the block; first one at the address at hand
  logic [AddressW-1:0]   address_d, address_q, row_address_q;
  logic [COLUMNS*32-1:0] masked;

  assign take      = reading_q && chunk_ready;
  assign last_pass = column_q + 7'(COLUMNS) >= 7'd64;
  assign free_o    = take && last_pass && rows_left_q == CountW'(1);

  assign address_d = start ? '0 : !take ? address_q : last_pass ? row_address_q : address_q + AddressW'(MAX_ROWS);

  assign drain_o         = start || reading_q;
  assign drain_buffer_o  = buffer_q;
  assign drain_address_o = address_d;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reading_q <= 1'b0;
      blocks_q  <= '0;
      buffer_q  <= 1'b0;
    end else begin
      reading_q <= start || (reading_q && !free_o);
      blocks_q  <= blocks_q + 2'(block_done_i) - 2'(start);
      if (free_o) buffer_q <= !buffer_q;
    end
    address_q <= address_d;
    if (start) begin
      rows_left_q   <= cmd_rows;
      columns_q     <= cmd_columns;
      end_q         <= cmd_end;
      column_q      <= '0;
      row_address_q <= AddressW'(1);
    end else if (take) begin
      column_q <= last_pass ? '0 : column_q + 7'(COLUMNS);
      if (last_pass) begin
        rows_left_q   <= rows_left_q - CountW'(1);
        row_address_q <= row_address_q + AddressW'(1);
      end
    end
  end

  for (genvar c = 0; c < COLUMNS; c++) begin : g_mask
    assign masked[c*32+:32] = column_q + 7'(c) < columns_q ? drain_data_i[c*32+:32] : 32'd0;
  end

  // ---------------------------------------------------------------------------------------------
  // Words
  // ---------------------------------------------------------------------------------------------
  logic                 part_valid, part_ready, part_in_row, wide_ready, word_valid, word_ready, out_valid, out_ready;
  logic [Common*32-1:0] part;
  logic                 out_bad;
  logic [Lanes*32-1:0]  word;
  logic [Lanes-1:0]     bad;
  logic [2:0]           unused_words;

  stream_resize #(
    .IN_WIDTH (COLUMNS * 32),
    .OUT_WIDTH(Common * 32)
  ) u_parts (
    .clk_i,
    .rst_ni,
    .in_valid_i (reading_q),
    .in_ready_o (chunk_ready),
    .in_data_i  (masked),
    .out_valid_o(part_valid),
    .out_ready_i(part_ready),
    .out_data_o (part)
  );

  // The last pass may reach beyond the row's 64 columns.
  if (Passes * COLUMNS > 64) begin : g_surplus
    localparam int Parts = Passes * COLUMNS / Common;
    logic [6:0] part_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) part_q <= '0;
      else if (part_valid && part_ready) part_q <= (part_q == 7'(Parts - 1)) ? '0 : part_q + 7'd1;
    end
    assign part_in_row = part_q < 7'(64 / Common);
  end else begin : g_exact
    assign part_in_row = 1'b1;
  end
  assign part_ready = wide_ready || !part_in_row;

  stream_resize #(
    .IN_WIDTH (Common * 32),
    .OUT_WIDTH(Lanes * 32)
  ) u_wide (
    .clk_i,
    .rst_ni,
    .in_valid_i (part_valid && part_in_row),
    .in_ready_o (wide_ready),
    .in_data_i  (part),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (word)
  );
  // With whether one of a word's values is a NaN or an infinity.
  for (genvar l = 0; l < Lanes; l++) begin : g_bad
    assign bad[l] = &word[l*32+23+:8];
  end
  stream_fifo #(
    .WIDTH(1 + Lanes * 32),
    .DEPTH(4)
  ) u_words (
    .clk_i,
    .rst_ni,
    .in_valid_i (word_valid),
    .in_ready_o (word_ready),
    .in_data_i  ({|bad, word}),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready),
    .out_data_o ({out_bad, w_data_o}),
    .level_o    (unused_words)
  );

  // ---------------------------------------------------------------------------------------------
  // Scratchpad
  // ---------------------------------------------------------------------------------------------
  logic             walk_valid, walk_last, written, nonfinite_q, unused_ready;
  logic [1:0]       unused_last;

  row_walker #(
    .ADDR_W (ADDR_W),
    .COUNT_W(WalkW)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i       (start),
    .start_ready_o (unused_ready),
    .outer_i       (WalkW'(cmd_outer)),
    .inner_i       (WalkW'(cmd_inner)),
    .words_i       (WalkW'(64 / Lanes)),
    .base_i        (cmd_base),
    .outer_stride_i(cmd_outer_stride),
    .inner_stride_i(cmd_inner_stride),
    .exchange_i    (WalkW'(0)),
    .idle_o        (walk_idle),
    .valid_o       (walk_valid),
    .ready_i       (w_ready_i && out_valid),
    .address_o     (w_addr_o),
    .last_word_o   (unused_last[0]),
    .last_inner_o  (unused_last[1]),
    .last_o        (walk_last)
  );

  assign w_valid_o = out_valid && walk_valid;
  assign out_ready = w_ready_i && walk_valid;
  assign written   = w_valid_o && w_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      done_o      <= 1'b0;
      nonfinite_q <= 1'b0;
    end else begin
      done_o      <= written && walk_last && end_q;
      nonfinite_q <= (nonfinite_q && !done_o) || (written && out_bad);
    end
  end
  assign done_nonfinite_o = nonfinite_q;

endmodule : result_drain
