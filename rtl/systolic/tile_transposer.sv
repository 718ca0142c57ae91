// SPDX-License-Identifier: Apache-2.0
//
// Transposes tiles of up to 64 rows of 64 elements that stream through it.
//
// Why: T mode needs the columns of the very tile that N mode reads by rows, so memory keeps one copy of the weights.
// Element (row, column) lies in bank (row + column) mod LANES, so that LANES neighbours of a row and LANES neighbours of
// a column are both in different banks; rotators before and after the banks put them in place. Two halves: one tile is
// written while the one before is read. Rows from in_lines_i on are not sent and read as zero; only the beats of a column
// that hold a sent row come out.
// An element of a wide tile takes two lanes and two neighbouring banks; it moves like two elements that stay together.
// Latency: the tile's beats + 2 cycles. Throughput: one beat per cycle on both sides.

module tile_transposer #(
  // Elements per beat, L: a power of two, 2 to 64.
  parameter int LANES = 16,
  // Bits per element.
  parameter int WIDTH = 16,
  // 1: tiles may be wide, with elements of 2 * WIDTH bits and L = LANES / 2 of them per beat; LANES is then 4 to 32.
  parameter int WIDE = 0,
  // 1: every tile has 64 rows, so that there is nothing to read as zero.
  parameter int WHOLE = 0
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Rows in order, elements in order, element 0 lowest: lines * 64 / L beats per tile.
  input  logic                   in_valid_i,
  output logic                   in_ready_o,
  input  logic [LANES*WIDTH-1:0] in_data_i,
  // Rows of the tile, 1 to 64; the same during all of its beats.
  input  logic [6:0]             in_lines_i,
  // With WIDE, 1: the tile is wide; the same during all of its beats.
  input  logic                   in_wide_i,
  // Columns in order, rows in order: 64 * ceil(lines / L) beats per tile.
  output logic                   out_valid_o,
  input  logic                   out_ready_i,
  output logic [LANES*WIDTH-1:0] out_data_o
);

  localparam int LaneW = $clog2(LANES);
  localparam int DataW = LANES * WIDTH;
  localparam int AddrW = 12 - LaneW + WIDE;  // one bank, one half: row and part of the row

  // In steps of four ways, each of which is one LUT per bit. (A `case` would make yosys build other steps.)
  function automatic logic [DataW-1:0] rotate_right(input logic [DataW-1:0] data, input logic [LaneW-1:0] lanes);
    logic [1:0] ways;
    begin
      rotate_right = data;
      for (int step = 0; step < LaneW; step += 2) begin
        ways = 2'(lanes >> step);
        rotate_right = ways == 2'd0 ? rotate_right
                     : ways == 2'd1 ? DataW'({2{rotate_right}} >> (WIDTH << step))
                     : ways == 2'd2 ? DataW'({2{rotate_right}} >> (2 * WIDTH << step))
                     : DataW'({2{rotate_right}} >> (3 * WIDTH << step));
      end
    end
  endfunction

  // Lanes in the other order: what is reversed, rotated to the right and reversed again has been rotated to the left.
  function automatic logic [DataW-1:0] reverse(input logic [DataW-1:0] data);
    for (int lane = 0; lane < LANES; lane++) reverse[lane*WIDTH+:WIDTH] = data[(LANES-1-lane)*WIDTH+:WIDTH];
  endfunction

  logic [1:0] full_q, full_d;
  logic take, tile_written, tile_read;

  // Writing.
  logic write_half_q, write_wide;
  logic [AddrW-1:0] write_addr_q;  // row, then part of the row
  logic [5:0] write_row;
  logic [LaneW-1:0] write_turn_q;  // lanes that the row's elements move by
  logic [DataW-1:0] to_banks;
  logic last_row, last_part;
  logic [13:0] lines_q;  // of both halves
  logic [11:0] last_first_q;  // the first row of a column's last beat
  logic [5:0] write_last;  // the tile's last row
  logic [1:0] wide_q;
  assign write_wide = WIDE != 0 && in_wide_i;
  assign in_ready_o = full_q != 2'd2;
  assign take = in_valid_i && in_ready_o;
  assign write_row = 6'(write_wide ? write_addr_q >> (7 - LaneW) : write_addr_q >> (6 - LaneW));
  assign last_part = &(write_addr_q | ~(write_wide ? AddrW'(2 ** (7 - LaneW) - 1) : AddrW'(2 ** (6 - LaneW) - 1)));
  assign write_last = 6'(in_lines_i - 7'd1);
  assign last_row = write_row == write_last;
  assign tile_written = take && last_row && last_part;
  assign to_banks = reverse(rotate_right(reverse(in_data_i), write_turn_q));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_half_q <= 1'b0;
      write_addr_q <= '0;
      write_turn_q <= '0;
    end else if (take) begin
      write_addr_q <= tile_written ? '0 : write_addr_q + 1'b1;
      if (tile_written) write_half_q <= !write_half_q;
      if (last_part) write_turn_q <= last_row ? '0 : write_turn_q + LaneW'(write_wide ? 2 : 1);
    end
    if (tile_written) begin
      lines_q[write_half_q*7+:7] <= in_lines_i;
      last_first_q[write_half_q*6+:6] <= write_last & ~(write_wide ? 6'(LANES / 2 - 1) : 6'(LANES - 1));
      wide_q[write_half_q] <= write_wide;
    end
  end

  // Reading: address, banks, rotation.
  logic advance, read_half_q, read_wide, read_last_beat;
  logic [5:0] column_q;
  logic [6:0] first_row_q, lines, rows;
  logic [DataW-1:0] from_banks;
  logic valid_q, valid_q2;
  logic [LaneW-1:0] read_turn, turn_q;
  logic [7:0] present_q;  // lanes of this beat whose rows were sent
  logic [DataW-1:0] out_q;

  assign lines = lines_q[read_half_q*7+:7];
  assign read_wide = WIDE != 0 && wide_q[read_half_q];
  assign rows = read_wide ? 7'(LANES / 2) : 7'(LANES);
  assign read_turn = LaneW'(read_wide ? {column_q, 1'b0} : {1'b0, column_q});
  assign advance = !valid_q2 || out_ready_i;
  assign read_last_beat = first_row_q[5:0] == last_first_q[read_half_q*6+:6];
  assign tile_read = advance && full_q != 2'd0 && read_last_beat && column_q == 6'd63;
  assign full_d = full_q + 2'(tile_written) - 2'(tile_read);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      full_q <= '0;
      read_half_q <= 1'b0;
      column_q <= '0;
      first_row_q <= '0;
      valid_q <= 1'b0;
      valid_q2 <= 1'b0;
    end else begin
      full_q <= full_d;
      if (tile_read) read_half_q <= !read_half_q;
      if (advance) begin
        valid_q <= full_q != 2'd0;
        valid_q2 <= valid_q;
        if (full_q != 2'd0) begin
          first_row_q <= read_last_beat ? '0 : first_row_q + rows;
          if (read_last_beat) column_q <= column_q + 1'b1;
        end
      end
    end
    if (advance) begin
      turn_q <= read_turn;
      present_q <= read_wide ? {lines - first_row_q, 1'b0} : {1'b0, lines - first_row_q};
    end
  end

  for (genvar b = 0; b < LANES; b++) begin : g_bank
    logic [WIDTH-1:0] bank_q[2**(AddrW+1)];
    logic [WIDTH-1:0] read_q;
    logic [LaneW-1:0] lane;
    logic [AddrW-1:0] narrow_addr, read_addr;
    // The row whose element of this column lies in this bank.
    assign lane = LaneW'(b) - read_turn;
    assign narrow_addr = AddrW'(first_row_q[5:0] | 6'(lane)) << (6 - LaneW) | AddrW'(column_q >> LaneW);
    if (WIDE != 0) begin : g_wide
      assign read_addr = !read_wide ? narrow_addr
          : AddrW'(first_row_q[5:0] | 6'(lane >> 1)) << (7 - LaneW) | AddrW'(column_q >> (LaneW - 1));
    end else begin : g_narrow
      assign read_addr = narrow_addr;
    end
    always_ff @(posedge clk_i) begin
      if (take) bank_q[{write_half_q, write_addr_q}] <= to_banks[b*WIDTH+:WIDTH];
      if (advance) read_q <= bank_q[{read_half_q, read_addr}];
    end
    assign from_banks[b*WIDTH+:WIDTH] = read_q;
  end

  logic [DataW-1:0] rotated;
  assign rotated = rotate_right(from_banks, turn_q);
  for (genvar l = 0; l < LANES; l++) begin : g_absent
    always_ff @(posedge clk_i) begin
      if (advance) out_q[l*WIDTH+:WIDTH] <= WHOLE != 0 || 8'(l) < present_q ? rotated[l*WIDTH+:WIDTH] : '0;
    end
  end

  assign out_valid_o = valid_q2;
  assign out_data_o = out_q;

  if (LANES < 2 || LANES > 64 || 2 ** LaneW != LANES) begin : g_bad_lanes
    ERROR_tile_transposer_LANES_must_be_a_power_of_two_2_to_64 u_error ();
  end
  if (WIDE != 0 && (LANES < 4 || LANES > 32)) begin : g_bad_wide
    ERROR_tile_transposer_WIDE_needs_4_to_32_LANES u_error ();
  end

endmodule : tile_transposer
