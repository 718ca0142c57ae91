// SPDX-License-Identifier: Apache-2.0
//
// Holds the next burst of a master until the bus takes it, and lets none leave the memory window.
//
// Why: whatever a list of commands names, no access outside of the window may reach the bus. The check is here, on the last
// step before the address channel, for both directions alike. A burst outside stays for good and blocks those behind it.
//
// Latency: 2 cycles. Throughput: one burst per cycle, or with HALF_RATE every other cycle: as fast as bursts of two beats.

module axi_window #(
  // Width of a byte address.
  parameter int ADDR_W    = 40,
  // Width of what travels beside the address.
  parameter int SIDE_W    = 1,
  // Most lines of a burst, 1 to 64; for the proof of it.
  parameter int MAX_LINES = 64,
  // 1: a burst every other cycle at most, and in_ready_o from a flip-flop.
  parameter bit HALF_RATE = 0,
  // Width of the address of a line of 64 bytes; derived, leave alone.
  parameter int LINE_W    = ADDR_W - 6
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // First byte of the window, and the byte after its last; stable while bursts come.
  input  logic [ADDR_W-1:0] base_i,
  input  logic [ADDR_W:0]   limit_i,

  // Bursts inside one page, first line and number of lines.
  input  logic              in_valid_i,
  output logic              in_ready_o,
  input  logic [LINE_W-1:0] in_addr_i,
  input  logic [6:0]        in_lines_i,
  input  logic [SIDE_W-1:0] in_side_i,

  output logic              out_valid_o,
  input  logic              out_ready_i,
  output logic [LINE_W-1:0] out_addr_o,
  output logic [6:0]        out_lines_o,
  output logic [SIDE_W-1:0] out_side_o,

  // A burst is held.
  output logic              busy_o,
  // The burst is not wholly inside; its first address outside.
  output logic              range_o,
  output logic [ADDR_W-1:0] range_addr_o
);

  logic              valid_q, valid_q2, starts_inside, allowed_q2, free, free2;
  logic              behind_base, below, same_page, last_below;  // of the burst in the first register
  logic              behind_base_q2, below_q2, same_page_q2, first_below_q2;
  logic [LINE_W-1:0] addr_q, addr_q2;
  logic [6:0]        lines_q, lines_q2;
  logic [SIDE_W-1:0] side_q, side_q2;
  logic [5:0]        last_offset;

  assign free       = !valid_q || free2;
  assign in_ready_o = HALF_RATE ? !valid_q : free;
  assign free2      = !valid_q2 || (allowed_q2 && out_ready_i);
  assign busy_o     = valid_q || valid_q2;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q  <= 1'b0;
      valid_q2 <= 1'b0;
    end else begin
      if (free) valid_q <= in_valid_i && in_ready_o;
      if (free2) valid_q2 <= valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_ready_o) begin
      addr_q  <= in_addr_i;
      lines_q <= in_lines_i;
      side_q  <= in_side_i;
    end
    if (free2) begin
      addr_q2          <= addr_q;
      lines_q2         <= lines_q;
      side_q2          <= side_q;
      behind_base_q2   <= behind_base;
      below_q2         <= below;
      same_page_q2     <= same_page;
      first_below_q2   <= {addr_q[5:0], 6'd0} < limit_i[11:0];
      allowed_q2       <= behind_base && (below || (same_page && last_below));
    end
  end

  // First and last line differ inside the page only, and the last one is not before the first.
  assign last_offset   = addr_q[5:0] + 6'(lines_q - 7'd1);
  assign behind_base   = {addr_q, 6'd0} >= base_i;
  assign below         = {1'b0, addr_q[LINE_W-1:6]} < limit_i[ADDR_W:12];
  assign same_page     = {1'b0, addr_q[LINE_W-1:6]} == limit_i[ADDR_W:12];
  assign last_below    = {last_offset, 6'd63} < limit_i[11:0];
  assign starts_inside = behind_base_q2 && (below_q2 || (same_page_q2 && first_below_q2));

  assign out_valid_o  = valid_q2 && allowed_q2;
  assign out_addr_o   = addr_q2;
  assign out_lines_o  = lines_q2;
  assign out_side_o   = side_q2;
  assign range_o      = valid_q2 && !allowed_q2;
  assign range_addr_o = starts_inside ? limit_i[ADDR_W-1:0] : {addr_q2, 6'd0};

  if (MAX_LINES < 1 || MAX_LINES > 64) begin : g_bad_max_lines
    ERROR_axi_window_MAX_LINES_must_be_1_to_64 u_error ();
  end

`ifdef FORMAL
  logic [ADDR_W-1:0] f_base;
  logic [ADDR_W:0]   f_limit;
  logic              f_some = 1'b0, f_held, f_blocked, f_watching = 1'b0, f_behind;
  (* anyseq *) logic f_pick;
  logic [LINE_W-1:0] f_addr;
  logic [1:0]        f_inside;
  logic [6:0]        f_lines;
  logic [SIDE_W-1:0] f_side;
  logic [LINE_W+7+SIDE_W-1:0] f_burst;
  logic [5:0]        f_last_offset;
  assign f_last_offset = addr_q2[5:0] + 6'(lines_q2 - 7'd1);
  always_ff @(posedge clk_i) begin
    f_base  <= base_i;
    f_limit <= limit_i;
    f_some  <= 1'b1;
    if (!f_some) assume (!rst_ni);
    if (f_some && busy_o) assume (base_i == f_base && limit_i == f_limit);
    // The generator's bursts stay in their page.
    if (f_some && rst_ni && in_valid_i) begin
      assume (in_lines_i != '0 && in_lines_i <= 7'(MAX_LINES) && 8'(in_addr_i[5:0]) + 8'(in_lines_i) <= 8'd64);
    end
    // What waits is what the generator of bursts gave, and what is known of it is right.
    if (f_some && rst_ni && valid_q) begin
      assert (lines_q != '0 && lines_q <= 7'(MAX_LINES) && 8'(addr_q[5:0]) + 8'(lines_q) <= 8'd64);
    end
    if (f_some && rst_ni && valid_q2) begin
      assert (behind_base_q2 == ({addr_q2, 6'd0} >= base_i));
      assert (below_q2 == ({1'b0, addr_q2[LINE_W-1:6]} < limit_i[ADDR_W:12]));
      assert (same_page_q2 == ({1'b0, addr_q2[LINE_W-1:6]} == limit_i[ADDR_W:12]));
      assert (first_below_q2 == ({addr_q2[5:0], 6'd0} < limit_i[11:0]));
      assert (allowed_q2 == (behind_base_q2 && (below_q2 || (same_page_q2 && {f_last_offset, 6'd63} < limit_i[11:0]))));
    end
    if (f_some && rst_ni) begin
      // Nothing leaves that is not wholly inside.
      if (out_valid_o) begin
        assert ({out_addr_o, 6'd0} >= base_i);
        assert ({1'b0, out_addr_o, 6'd0} + (ADDR_W + 1)'({out_lines_o, 6'd0}) <= limit_i);
      end
      // What does not leave starts or ends outside, and stays; its first address outside is told.
      if (range_o) begin
        assert (!out_valid_o);
        assert ({1'b0, range_addr_o} >= limit_i || range_addr_o < base_i);
        assert (range_addr_o >= {out_addr_o, 6'd0} && range_addr_o - {out_addr_o, 6'd0} < ADDR_W'({out_lines_o, 6'd0}));
        if (f_blocked) assert (out_addr_o == f_addr && out_side_o == f_side);
      end
      if (f_blocked) assert (range_o);
      // No burst is lost or doubled.
      assert (f_inside == 2'(valid_q) + 2'(valid_q2));
      if (f_held) assert (out_valid_o && out_addr_o == f_addr && out_lines_o == f_lines && out_side_o == f_side);
      // A burst picked when it comes leaves as it came, behind the one that is ahead of it at most.
      if (f_watching && f_behind) assert (valid_q && valid_q2);
      if (f_watching && (f_behind || !valid_q2)) assert (valid_q && {addr_q, lines_q, side_q} == f_burst);
      if (f_watching && !f_behind && valid_q2) assert ({addr_q2, lines_q2, side_q2} == f_burst);
      cover (out_valid_o && {1'b0, out_addr_o, 6'd0} + (ADDR_W + 1)'({out_lines_o, 6'd0}) == limit_i);
      cover (range_o && range_addr_o == limit_i[ADDR_W-1:0] && out_addr_o[5:0] != '0 && limit_i[11:0] != '0);
      cover (range_o && range_addr_o < base_i && valid_q);
    end
    f_inside  <= rst_ni ? f_inside + 2'(in_valid_i && in_ready_o) - 2'(out_valid_o && out_ready_i) : '0;
    f_held    <= rst_ni && out_valid_o && !out_ready_i;
    f_blocked <= rst_ni && range_o;
    f_addr    <= out_addr_o;
    f_lines   <= out_lines_o;
    f_side    <= out_side_o;
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= in_valid_i && in_ready_o && f_pick;
      f_behind   <= valid_q ? 1'b1 : valid_q2 && !free2;
      f_burst    <= {in_addr_i, in_lines_i, in_side_i};
    end else if (out_valid_o && out_ready_i) begin
      f_watching <= f_behind;
      f_behind   <= 1'b0;
    end
  end
`endif

endmodule : axi_window
