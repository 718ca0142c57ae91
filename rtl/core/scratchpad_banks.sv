// SPDX-License-Identifier: Apache-2.0
//
// Banks of the scratchpad, of one read and one write port each, between several readers and writers.
//
// Why: engines work on it at the same time, each along its own rows. Neighbouring words lie in
// different banks, so that ports which walk fall into step: one that has to wait for a bank is one bank behind ever after.
// Reader 0, the array, goes first: it reads in every cycle when it is busy, and must not be held up. It walks along words, so
// that it leaves a bank after one access. The others take turns.
// A read granted in the cycle of a write to the same word gets what was there before; one granted in the next cycle too in
// simulation, and anything on a device: semaphores keep commands from that, and a device has no logic for it.
// Latency: a granted read to its answer 2 cycles; a granted write to the first read that gets it 2.
// Throughput: one access per cycle and port, while no more than BANKS readers or BANKS writers walk along words.

module scratchpad_banks #(
  // Width of an address: 2^ADDR_W words.
  parameter int ADDR_W  = 13,
  // Values of 32 bits per word.
  parameter int LANES   = 8,
  // A power of two, at least 2.
  parameter int BANKS   = 4,
  parameter int READERS = 4,
  parameter int WRITERS = 3
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  // Reads: a port asks one bank or none, and is granted when ready; answers come in order and are not held.
  input  logic [READERS*BANKS-1:0]    read_bank_i,
  input  logic [READERS*(ADDR_W-$clog2(BANKS))-1:0] read_row_i,
  output logic [READERS-1:0]          read_ready_o,
  output logic [READERS-1:0]          answer_valid_o,
  output logic [READERS*LANES*32-1:0] answer_data_o,

  // Writes, with a strobe per value.
  input  logic [WRITERS*BANKS-1:0]    write_bank_i,
  input  logic [WRITERS*(ADDR_W-$clog2(BANKS))-1:0] write_row_i,
  output logic [WRITERS-1:0]          write_ready_o,
  input  logic [WRITERS*LANES*32-1:0] write_data_i,
  input  logic [WRITERS*LANES-1:0]    write_strobe_i
);

  localparam int BankW = $clog2(BANKS);
  localparam int RowW  = ADDR_W - BankW;
  localparam int WordW = LANES * 32;

  if (BANKS < 2 || 2 ** BankW != BANKS || ADDR_W <= BankW) begin : g_bad_banks
    ERROR_scratchpad_BANKS_must_be_a_power_of_two_below_the_number_of_words error ();
  end

  logic [BANKS*READERS-1:0] read_grant;
  logic [BANKS*WRITERS-1:0] write_grant;
  logic [BANKS*WordW-1:0]   bank_data;

  // ---------------------------------------------------------------------------------------------
  // What the writers offered in the cycle before: a bank is as wide as a word, and a grant is known late
  // ---------------------------------------------------------------------------------------------
  logic [WRITERS*RowW-1:0]  write_row_q;
  logic [WRITERS*WordW-1:0] write_data_q;
  logic [WRITERS*LANES-1:0] write_strobe_q;

  always_ff @(posedge clk_i) begin
    write_row_q    <= write_row_i;
    write_data_q   <= write_data_i;
    write_strobe_q <= write_strobe_i;
  end

  // ---------------------------------------------------------------------------------------------
  // Banks
  // ---------------------------------------------------------------------------------------------
  for (genvar b = 0; b < BANKS; b++) begin : g_bank
    logic [READERS-1:0] read_request, other_grant;
    logic [WRITERS-1:0] write_request, write_grant_q;
    logic [RowW-1:0]    read_row, write_row;
    logic [WordW-1:0]   write_data, data_q;
    logic [LANES-1:0]   write_strobe;

    for (genvar r = 0; r < READERS; r++) begin : g_read
      assign read_request[r] = read_bank_i[r*BANKS+b];
    end
    for (genvar w = 0; w < WRITERS; w++) begin : g_write
      assign write_request[w] = write_bank_i[w*BANKS+b];
    end

    round_robin #(
      .REQUESTS(READERS)
    ) u_read (
      .clk_i,
      .rst_ni,
      .request_i(read_request[0] ? '0 : read_request),
      .grant_o  (other_grant)
    );
    assign read_grant[b*READERS+:READERS] = read_request[0] ? READERS'(1) : other_grant;
    round_robin #(
      .REQUESTS(WRITERS)
    ) u_write (
      .clk_i,
      .rst_ni,
      .request_i(write_request),
      .grant_o  (write_grant[b*WRITERS+:WRITERS])
    );

    always_ff @(posedge clk_i) write_grant_q <= write_grant[b*WRITERS+:WRITERS];

    // At most one port is granted, so what the ports offer is gathered with OR.
    always_comb begin
      read_row     = '0;
      write_row    = '0;
      write_data   = '0;
      write_strobe = '0;
      for (int r = 0; r < READERS; r++) begin
        if (read_grant[b*READERS+r]) read_row = read_row | read_row_i[r*RowW+:RowW];
      end
      for (int w = 0; w < WRITERS; w++) begin
        if (write_grant_q[w]) begin
          write_row    = write_row | write_row_q[w*RowW+:RowW];
          write_data   = write_data | write_data_q[w*WordW+:WordW];
          write_strobe = write_strobe | write_strobe_q[w*LANES+:LANES];
        end
      end
    end

    for (genvar l = 0; l < LANES; l++) begin : g_lane
      (* no_rw_check *) logic [31:0] values_q[2**RowW];
      always_ff @(posedge clk_i) begin
        if (write_strobe[l]) values_q[write_row] <= write_data[l*32+:32];
        data_q[l*32+:32] <= values_q[read_row];
      end
    end
    assign bank_data[b*WordW+:WordW] = data_q;
  end

  // ---------------------------------------------------------------------------------------------
  // Ports
  // ---------------------------------------------------------------------------------------------
  for (genvar r = 0; r < READERS; r++) begin : g_reader
    logic             granted, granted_q, answer_q;
    logic [BankW-1:0] bank, bank_q;
    logic [WordW-1:0] data_q;

    always_comb begin
      granted = 1'b0;
      bank    = '0;
      for (int b = 0; b < BANKS; b++) begin
        granted = granted | read_grant[b*READERS+r];
        if (read_bank_i[r*BANKS+b]) bank = bank | BankW'(b);
      end
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        granted_q <= 1'b0;
        answer_q  <= 1'b0;
      end else begin
        granted_q <= granted;
        answer_q  <= granted_q;
      end
      bank_q <= bank;
      data_q <= bank_data[bank_q*WordW+:WordW];
    end

    assign read_ready_o[r]                 = granted;
    assign answer_valid_o[r]               = answer_q;
    assign answer_data_o[r*WordW+:WordW]   = data_q;
  end

  for (genvar w = 0; w < WRITERS; w++) begin : g_writer
    logic granted;
    always_comb begin
      granted = 1'b0;
      for (int b = 0; b < BANKS; b++) granted = granted | write_grant[b*WRITERS+w];
    end
    assign write_ready_o[w] = granted;
  end

endmodule : scratchpad_banks
