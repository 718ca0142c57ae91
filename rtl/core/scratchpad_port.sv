// SPDX-License-Identifier: Apache-2.0
//
// Holds an access of an engine until its bank of the scratchpad grants it.
//
// Why: grants depend on what all ports ask, and engines move by them. Behind a register, as one bit per bank, a request is
// granted early in its cycle, and no engine waits for another's logic.
// Latency 1 cycle, one access per cycle sustained. With SPARE or HALF_RATE in_ready_o comes from a flip-flop, else the grant
// passes to it.

module scratchpad_port #(
  // Width of an address: 2^ADDR_W words.
  parameter int ADDR_W    = 13,
  // As of the scratchpad.
  parameter int BANKS     = 4,
  // What goes with the access: values and strobes of a write.
  parameter int SIDE_W    = 1,
  // 1: a second place; for reads, which are narrow.
  parameter bit SPARE     = 0,
  // 1, without SPARE: an access every other cycle at most.
  parameter bit HALF_RATE = 0
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

  localparam int BankW    = $clog2(BANKS);
  localparam int RowW     = ADDR_W - BankW;
  localparam int RestW    = RowW + SIDE_W;

  logic [BANKS-1:0] bank;
  logic [RestW-1:0] rest, out_rest;
  logic             unused_valid;  // out_bank_o says the same

  // Both cells load while they are empty too, so nothing is asked behind an access that has gone; nor in reset, which
  // lasts longer than the cycle in which they become empty.
  assign bank    = (in_valid_i && (!HALF_RATE || in_ready_o) && rst_ni) ? BANKS'(1) << in_addr_i[BankW-1:0] : '0;
  assign rest    = {in_addr_i[ADDR_W-1:BankW], in_side_i};
  assign {out_row_o, out_side_o} = out_rest;

  if (SPARE && HALF_RATE) begin : g_bad_ready
    ERROR_scratchpad_port_has_either_SPARE_or_HALF_RATE u_error ();
  end

  if (SPARE) begin : g_spare
    stream_register #(
      .WIDTH(BANKS + RestW)
    ) u_register (
      .clk_i,
      .rst_ni,
      .in_valid_i,
      .in_ready_o,
      .in_data_i  ({bank, rest}),
      .out_valid_o(unused_valid),
      .out_ready_i,
      .out_data_o ({out_bank_o, out_rest})
    );
  end else if (HALF_RATE) begin : g_half
    // A word, which is wide, is loaded by a flip-flop too: whatever is there while the port is empty.
    logic [RestW-1:0] held_q;
    stream_stage #(
      .WIDTH    (BANKS),
      .HALF_RATE(1)
    ) u_stage (
      .clk_i,
      .rst_ni,
      .in_valid_i,
      .in_ready_o,
      .in_data_i  (bank),
      .out_valid_o(unused_valid),
      .out_ready_i,
      .out_data_o (out_bank_o)
    );
    always_ff @(posedge clk_i) if (in_ready_o) held_q <= rest;
    assign out_rest = held_q;
  end else begin : g_single
    stream_stage #(
      .WIDTH(BANKS + RestW)
    ) u_stage (
      .clk_i,
      .rst_ni,
      .in_valid_i,
      .in_ready_o,
      .in_data_i  ({bank, rest}),
      .out_valid_o(unused_valid),
      .out_ready_i,
      .out_data_o ({out_bank_o, out_rest})
    );
  end

`ifdef FORMAL
  // Exactly one bank is asked while an access is held, and none otherwise, after a reset of two cycles or more.
  logic [1:0] f_reset_q = 2'd0;
  logic       f_past_valid = 1'b0;
  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (rst_ni) f_reset_q <= 2'd0;
    else if (!f_reset_q[1]) f_reset_q <= f_reset_q + 2'd1;
    if (!f_past_valid || f_reset_q == 2'd1) assume (!rst_ni);
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(in_valid_i && !in_ready_o)) assume (in_valid_i && $stable(in_addr_i) && $stable(in_side_i));
      // An access stays with its bank until it is granted, and as it came.
      if ($past(out_bank_o != '0 && !out_ready_i)) begin
        assert ($stable(out_bank_o) && $stable(out_row_o) && $stable(out_side_o));
      end
      cover (out_bank_o != '0 && $past(out_bank_o != '0 && !out_ready_i) && in_valid_i && !in_ready_o);
    end
    if (f_past_valid && rst_ni) begin
      assert ((out_bank_o != '0) == unused_valid);
      assert ((out_bank_o & (out_bank_o - BANKS'(1))) == '0);
    end
  end
`endif

endmodule : scratchpad_port
