// SPDX-License-Identifier: Apache-2.0
//
// On-chip memory of the engines: a register per port (scratchpad_port) in front of the banks (scratchpad_banks).
//
// Why: array, vector engine and transfers work on it at the same time.
// Latency: a read that is taken to its answer 3 cycles, and one more for each access that its bank grants before; a write
// that is taken to the first read that gets it, if that is taken later: WRITERS + 1 cycles later is late enough,
// which two commands of the vector engine, one behind the other, just keep.
// Throughput: one access per cycle and port, while no more than BANKS readers or BANKS writers walk along words; of
// HALF_RATE writers one every other cycle.

module scratchpad #(
  // Width of an address: 2^ADDR_W words.
  parameter int ADDR_W  = 13,
  // Values of 32 bits per word.
  parameter int LANES   = 8,
  // A power of two, at least 2.
  parameter int BANKS   = 4,
  parameter int READERS = 4,
  parameter int WRITERS = 3,
  // Writers whose words take two cycles to make, so that their ready need not come from the grant.
  parameter logic [WRITERS-1:0] HALF_RATE = '0
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  // Reads: answers come in order and are not held.
  input  logic [READERS-1:0]          read_valid_i,
  output logic [READERS-1:0]          read_ready_o,
  input  logic [READERS*ADDR_W-1:0]   read_addr_i,
  output logic [READERS-1:0]          answer_valid_o,
  output logic [READERS*LANES*32-1:0] answer_data_o,

  // Writes, with a strobe per value.
  input  logic [WRITERS-1:0]          write_valid_i,
  output logic [WRITERS-1:0]          write_ready_o,
  input  logic [WRITERS*ADDR_W-1:0]   write_addr_i,
  input  logic [WRITERS*LANES*32-1:0] write_data_i,
  input  logic [WRITERS*LANES-1:0]    write_strobe_i
);

  localparam int RowW  = ADDR_W - $clog2(BANKS);
  localparam int WordW = LANES * 32;

  logic [READERS*BANKS-1:0] read_bank;
  logic [READERS*RowW-1:0]  read_row;
  logic [READERS-1:0]       read_grant, unused_side;
  logic [WRITERS*BANKS-1:0] write_bank;
  logic [WRITERS*RowW-1:0]  write_row;
  logic [WRITERS-1:0]       write_grant;
  logic [WRITERS*WordW-1:0] write_data;
  logic [WRITERS*LANES-1:0] write_strobe;

  for (genvar r = 0; r < READERS; r++) begin : g_reader
    scratchpad_port #(
      .ADDR_W(ADDR_W),
      .BANKS (BANKS),
      .SPARE (1)
    ) u_port (
      .clk_i,
      .rst_ni,
      .in_valid_i (read_valid_i[r]),
      .in_ready_o (read_ready_o[r]),
      .in_addr_i  (read_addr_i[r*ADDR_W+:ADDR_W]),
      .in_side_i  (1'b0),
      .out_bank_o (read_bank[r*BANKS+:BANKS]),
      .out_ready_i(read_grant[r]),
      .out_row_o  (read_row[r*RowW+:RowW]),
      .out_side_o (unused_side[r])
    );
  end

  for (genvar w = 0; w < WRITERS; w++) begin : g_writer
    logic [LANES+WordW-1:0] side;
    scratchpad_port #(
      .ADDR_W   (ADDR_W),
      .BANKS    (BANKS),
      .SIDE_W   (LANES + WordW),
      .HALF_RATE(HALF_RATE[w])
    ) u_port (
      .clk_i,
      .rst_ni,
      .in_valid_i (write_valid_i[w]),
      .in_ready_o (write_ready_o[w]),
      .in_addr_i  (write_addr_i[w*ADDR_W+:ADDR_W]),
      .in_side_i  ({write_strobe_i[w*LANES+:LANES], write_data_i[w*WordW+:WordW]}),
      .out_bank_o (write_bank[w*BANKS+:BANKS]),
      .out_ready_i(write_grant[w]),
      .out_row_o  (write_row[w*RowW+:RowW]),
      .out_side_o (side)
    );
    assign {write_strobe[w*LANES+:LANES], write_data[w*WordW+:WordW]} = side;
  end

  scratchpad_banks #(
    .ADDR_W (ADDR_W),
    .LANES  (LANES),
    .BANKS  (BANKS),
    .READERS(READERS),
    .WRITERS(WRITERS)
  ) u_banks (
    .clk_i,
    .rst_ni,
    .read_bank_i   (read_bank),
    .read_row_i    (read_row),
    .read_ready_o  (read_grant),
    .answer_valid_o,
    .answer_data_o,
    .write_bank_i  (write_bank),
    .write_row_i   (write_row),
    .write_ready_o (write_grant),
    .write_data_i  (write_data),
    .write_strobe_i(write_strobe)
  );

endmodule : scratchpad
