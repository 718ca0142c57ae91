// SPDX-License-Identifier: Apache-2.0
//
// Transposes tiles of up to 64 rows of 64 elements that stream through it.
//
// Why: T mode needs the columns of the very tile that N mode reads by rows, so memory keeps one copy of the weights.
// Element (row, column) lies in bank (row + column) mod LANES, so that LANES neighbours of a row and LANES neighbours of
// a column are both in different banks; rotators before and after the banks put them in place. Two halves: one tile is
// written while the one before is read. Rows from in_lines_i on are not sent and read as zero; only the beats of a column
// that hold a sent row come out.
// Latency: the tile's beats + 2 cycles. Throughput: one beat per cycle on both sides.

module tile_transposer #(
  // Elements per beat: a power of two, 2 to 64.
  parameter int LANES = 8,
  // Bits per element.
  parameter int WIDTH = 32
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Rows in order, elements in order, element 0 lowest: lines * 64 / LANES beats per tile.
  input  logic                   in_valid_i,
  output logic                   in_ready_o,
  input  logic [LANES*WIDTH-1:0] in_data_i,
  // Rows of the tile, 1 to 64; the same during all of its beats.
  input  logic [6:0]             in_lines_i,
  // Columns in order, rows in order: 64 * ceil(lines / LANES) beats per tile.
  output logic                   out_valid_o,
  input  logic                   out_ready_i,
  output logic [LANES*WIDTH-1:0] out_data_o
);

  localparam int LaneW = $clog2(LANES);
  localparam int ElementW = $clog2(WIDTH);
  localparam int DataW = LANES * WIDTH;
  localparam int AddrW = 12 - LaneW;  // one bank, one half: row and part of the row

  // Position of an element in units of lanes, as a shift in bits.
  function automatic logic [DataW-1:0] rotate_right(input logic [DataW-1:0] data, input logic [LaneW-1:0] lanes);
    rotate_right = DataW'({data, data} >> {lanes, ElementW'(0)});
  endfunction

  logic [1:0] full_q, full_d;
  logic take, tile_written, tile_read;

  // Writing.
  logic write_half_q;
  logic [AddrW-1:0] write_addr_q;  // row, then part of the row
  logic [5:0] write_row;
  logic [DataW-1:0] to_banks;
  logic last_row, last_part;
  logic [13:0] lines_q;  // of both halves
  assign in_ready_o = full_q != 2'd2;
  assign take = in_valid_i && in_ready_o;
  assign write_row = 6'(write_addr_q >> (6 - LaneW));
  if (LANES == 64) begin : g_whole_row
    assign last_part = 1'b1;
  end else begin : g_row_part
    assign last_part = &write_addr_q[5-LaneW:0];
  end
  assign last_row = {1'b0, write_row} + 7'd1 == in_lines_i;
  assign tile_written = take && last_row && last_part;
  assign to_banks = rotate_right(in_data_i, -write_row[LaneW-1:0]);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_half_q <= 1'b0;
      write_addr_q <= '0;
    end else if (take) begin
      write_addr_q <= tile_written ? '0 : write_addr_q + 1'b1;
      if (tile_written) write_half_q <= !write_half_q;
    end
    if (tile_written) lines_q[write_half_q*7+:7] <= in_lines_i;
  end

  // Reading: address, banks, rotation.
  logic advance, read_half_q, read_last_beat;
  logic [5:0] column_q;
  logic [6:0] first_row_q, lines;
  logic [DataW-1:0] from_banks;
  logic valid_q, valid_q2;
  logic [LaneW-1:0] turn_q;
  logic [6:0] present_q;  // rows of this beat that were sent
  logic [DataW-1:0] turned, out_q;

  assign lines = lines_q[read_half_q*7+:7];
  assign advance = !valid_q2 || out_ready_i;
  assign read_last_beat = first_row_q + 7'(LANES) >= lines;
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
          first_row_q <= read_last_beat ? '0 : first_row_q + 7'(LANES);
          if (read_last_beat) column_q <= column_q + 1'b1;
        end
      end
    end
    if (advance) begin
      turn_q <= column_q[LaneW-1:0];
      present_q <= lines - first_row_q;
      out_q <= turned;
    end
  end

  for (genvar b = 0; b < LANES; b++) begin : g_bank
    logic [WIDTH-1:0] bank_q[2**(AddrW+1)];
    logic [WIDTH-1:0] read_q;
    logic [LaneW-1:0] lane;
    logic [AddrW-1:0] read_addr;
    // The row whose element of this column lies in this bank.
    assign lane = LaneW'(b) - column_q[LaneW-1:0];
    if (LANES == 64) begin : g_row_address
      assign read_addr = lane;
    end else begin : g_part_address
      assign read_addr = {first_row_q[5:LaneW], lane, column_q[5:LaneW]};
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
    assign turned[l*WIDTH+:WIDTH] = 7'(l) < present_q ? rotated[l*WIDTH+:WIDTH] : '0;
  end

  assign out_valid_o = valid_q2;
  assign out_data_o = out_q;

  if (LANES < 2 || LANES > 64 || 2 ** LaneW != LANES) begin : g_bad_lanes
    ERROR_tile_transposer_LANES_must_be_a_power_of_two_2_to_64 u_error ();
  end
  if (2 ** ElementW != WIDTH) begin : g_bad_width
    ERROR_tile_transposer_WIDTH_must_be_a_power_of_two u_error ();
  end

endmodule : tile_transposer
