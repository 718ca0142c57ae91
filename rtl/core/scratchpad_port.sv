// SPDX-License-Identifier: Apache-2.0
//
// Holds an access of an engine until its bank of the scratchpad grants it.
//
// Why: grants depend on what all ports ask, and engines move by them. Behind a register, as one bit per bank, a request is
// granted early in its cycle, and no engine waits for another's logic.
// Latency 1 cycle, one access per cycle sustained; the grant passes to in_ready_o combinationally.

module scratchpad_port #(
  // Width of an address: 2^ADDR_W words.
  parameter int ADDR_W = 13,
  // As of the scratchpad.
  parameter int BANKS  = 4,
  // What goes with the access: values and strobes of a write.
  parameter int SIDE_W = 1
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            in_valid_i,
  output logic                            in_ready_o,
  input  logic [ADDR_W-1:0]               in_addr_i,
  input  logic [SIDE_W-1:0]               in_side_i,

  // The bank that is asked, none without an access, and the row in it.
  output logic [BANKS-1:0]                out_bank_o,
  input  logic                            out_ready_i,
  output logic [ADDR_W-$clog2(BANKS)-1:0] out_row_o,
  output logic [SIDE_W-1:0]               out_side_o
);

  localparam int BankW = $clog2(BANKS);

  logic valid_q;

  assign in_ready_o = !valid_q || out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q    <= 1'b0;
      out_bank_o <= '0;
    end else if (in_ready_o) begin
      valid_q    <= in_valid_i;
      out_bank_o <= BANKS'(in_valid_i) << in_addr_i[BankW-1:0];
    end
    if (in_ready_o) begin
      out_row_o  <= in_addr_i[ADDR_W-1:BankW];
      out_side_o <= in_side_i;
    end
  end

endmodule : scratchpad_port
