// SPDX-License-Identifier: Apache-2.0
//
// Address arithmetic of one beat of an AXI4 burst, for both directions of a slave.
//
// Why: burst types, narrow and unaligned transfers differ only in which bytes a beat covers and where the next beat
// begins. Keeping that in one combinational cell makes the read and the write channel equal by construction.
//
// Latency: none, combinational. Throughput: one beat per cycle.

module axi_burst_address #(
  // Width of the data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64,
  // Address bits that matter; bits above are neither read nor changed by a burst. At least 12 keeps every legal burst
  // inside, since none crosses 4 KB.
  parameter int ADDR_W = 12,
  // Width of a word index within a beat, at least 1; derived, leave alone.
  parameter int WORD_W = (DATA_W > 32) ? $clog2(DATA_W / 32) : 1
) (
  // Address of this beat.
  input  logic [ADDR_W-1:0] addr_i,
  // AxLEN, AxSIZE and AxBURST of the burst.
  input  logic [7:0]        len_i,
  input  logic [2:0]        size_i,
  input  logic [1:0]        burst_i,
  // Address of the next beat, of a burst that is legal.
  output logic [ADDR_W-1:0] next_o,
  // First and last 32-bit word of the bus that this beat covers.
  output logic [WORD_W-1:0] first_word_o,
  output logic [WORD_W-1:0] last_word_o
);

  localparam logic [1:0] Fixed = 2'b00;
  localparam logic [1:0] Wrap = 2'b10;

  logic [ADDR_W-1:0] offset_mask, wrap_mask, behind;

  // Bits of an address that lie inside one transfer, and inside the whole wrapping burst, whose beats are a power of two.
  assign offset_mask = (ADDR_W'(1) << size_i) - ADDR_W'(1);
  assign wrap_mask = (ADDR_W'(len_i) << size_i) | offset_mask;
  assign behind = (addr_i | offset_mask) + ADDR_W'(1);

  always_comb begin
    case (burst_i)
      Fixed: next_o = addr_i;
      Wrap: next_o = (addr_i & ~wrap_mask) | (behind & wrap_mask);
      default: next_o = behind;
    endcase
  end

  if (DATA_W > 32) begin : g_words
    // The last byte of a transfer is the one whose offset bits are all set.
    assign first_word_o = addr_i[2+:WORD_W];
    assign last_word_o = addr_i[2+:WORD_W] | offset_mask[2+:WORD_W];
  end else begin : g_word
    assign first_word_o = '0;
    assign last_word_o = '0;
  end

  if (DATA_W != 32 && DATA_W != 64 && DATA_W != 128) begin : g_check_data
    ERROR_DATA_W_must_be_32_64_or_128 error ();
  end
  if (ADDR_W < 12) begin : g_check_address
    ERROR_ADDR_W_must_be_at_least_12 error ();
  end

endmodule : axi_burst_address
