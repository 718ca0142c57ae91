// SPDX-License-Identifier: Apache-2.0
//
// Holds an access of an engine until its bank of the scratchpad grants it.
//
// Why: grants depend on what all ports ask, and engines move by them. Behind a register, as one bit per bank, a request is
// granted early in its cycle, and no engine waits for another's logic.
// Latency 1 cycle, one access per cycle sustained. With SPARE in_ready_o comes from a flip-flop, else the grant passes to it.

module scratchpad_port #(
  // Width of an address: 2^ADDR_W words.
  parameter int ADDR_W = 13,
  // As of the scratchpad.
  parameter int BANKS  = 4,
  // What goes with the access: values and strobes of a write.
  parameter int SIDE_W = 1,
  // 1: a second place; for reads, which are narrow.
  parameter bit SPARE  = 0
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

  logic              valid_q, advance, next_valid;
  logic [ADDR_W-1:0] next_addr;
  logic [SIDE_W-1:0] next_side;

  assign advance = !valid_q || out_ready_i;

  if (SPARE) begin : g_spare
    logic              spare_valid_q;
    logic [ADDR_W-1:0] spare_addr_q;
    logic [SIDE_W-1:0] spare_side_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) spare_valid_q <= 1'b0;
      else spare_valid_q <= !advance && (spare_valid_q || in_valid_i);
      if (!spare_valid_q) begin
        spare_addr_q <= in_addr_i;
        spare_side_q <= in_side_i;
      end
    end
    assign in_ready_o = !spare_valid_q;
    assign next_valid = spare_valid_q || in_valid_i;
    assign next_addr  = spare_valid_q ? spare_addr_q : in_addr_i;
    assign next_side  = spare_valid_q ? spare_side_q : in_side_i;
  end else begin : g_single
    assign in_ready_o = advance;
    assign next_valid = in_valid_i;
    assign next_addr  = in_addr_i;
    assign next_side  = in_side_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q    <= 1'b0;
      out_bank_o <= '0;
    end else if (advance) begin
      valid_q    <= next_valid;
      out_bank_o <= next_valid ? BANKS'(1) << next_addr[BankW-1:0] : '0;
    end
    if (advance) begin
      out_row_o  <= next_addr[ADDR_W-1:BankW];
      out_side_o <= next_side;
    end
  end

endmodule : scratchpad_port
