// SPDX-License-Identifier: Apache-2.0
//
// Client side of the read master: region commands of several clients in, one stream of bursts out.
//
// Why: all clients share one bus, whose data return in the order of the addresses. A client that did not take its beats
// would hold up all others. Hence credits: for a client with CREDITS a burst leaves only when the client's buffer has room
// for all of it, those on their way counted. Between bursts the client of the lowest number goes first.
//
// Latency: the first burst of a command is offered 2 cycles after the command was taken. Throughput: one burst per cycle.
// burst_valid_o may pass from one client to another of a lower number while the burst is not taken.

module axi_read_clients #(
  // Width of the address of a line of 64 bytes.
  parameter int LINE_W     = 34,
  // Beats of a line: 1, 2, 4 or 8.
  parameter int LINE_BEATS = 2,
  // Longest burst in lines, 1 to 64.
  parameter int MAX_LINES  = 32,
  // Clients.
  parameter int CLIENTS    = 1,
  // Beats that each client's buffer holds, 16 bits per client; 0: no credits.
  parameter logic [CLIENTS*16-1:0] CREDITS = '0
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  // Regions, a slice per client, see axi_read_master.
  input  logic [CLIENTS-1:0]        rcmd_valid_i,
  output logic [CLIENTS-1:0]        rcmd_ready_o,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_addr_i,
  input  logic [CLIENTS*32-1:0]     rcmd_lines_i,
  input  logic [CLIENTS*16-1:0]     rcmd_rows_i,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_stride_i,
  input  logic [CLIENTS-1:0]        rcmd_last_i,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_tag_i,
  // A beat has left the client's buffer.
  input  logic [CLIENTS-1:0]        credit_return_i,
  // The client's next burst waits for credits.
  output logic [CLIENTS-1:0]        credit_wait_o,

  // Bursts: first line, number of lines, one-hot client, tag; last: it ends a region with last.
  output logic                      burst_valid_o,
  input  logic                      burst_ready_i,
  output logic [LINE_W-1:0]         burst_addr_o,
  output logic [6:0]                burst_lines_o,
  output logic [CLIENTS-1:0]        burst_client_o,
  output logic                      burst_last_o,
  output logic [LINE_W-1:0]         burst_tag_o
);

  localparam int LineLog2 = $clog2(LINE_BEATS);

  logic [CLIENTS-1:0]        waiting, fits, eligible, chosen, last;
  logic [CLIENTS*LINE_W-1:0] addr, tag;
  logic [CLIENTS*7-1:0]      lines, next_lines;
  logic [CLIENTS-1:0]        next;
  // verilator lint_off UNUSEDSIGNAL
  logic [CLIENTS-1:0]        unused_idle; // clients count what they have asked for
  // verilator lint_on UNUSEDSIGNAL

`ifdef FORMAL
  logic f_past_valid = 1'b0;
  always_ff @(posedge clk_i) f_past_valid <= 1'b1;
  always_comb if (!f_past_valid) assume (!rst_ni);
`endif

  for (genvar c = 0; c < CLIENTS; c++) begin : g_client
    localparam int Credit  = int'(CREDITS[c*16+:16]);
    // A quarter of the buffer, so that some bursts can drain while others are on their way.
    localparam int Quarter = Credit / 4 / LINE_BEATS;
    localparam int Longest = (Credit == 0 || Quarter > MAX_LINES) ? MAX_LINES : Quarter < 1 ? 1 : Quarter;
    logic ends_region, marked, taken;

    axi_region_bursts #(
      .LINE_W   (LINE_W),
      .MAX_LINES(Longest),
      .TAG_W    (1 + LINE_W)
    ) u_bursts (
      .clk_i,
      .rst_ni,
      .cmd_valid_i  (rcmd_valid_i[c]),
      .cmd_ready_o  (rcmd_ready_o[c]),
      .cmd_addr_i   (rcmd_addr_i[c*LINE_W+:LINE_W]),
      .cmd_lines_i  (rcmd_lines_i[c*32+:32]),
      .cmd_rows_i   (rcmd_rows_i[c*16+:16]),
      .cmd_stride_i (rcmd_stride_i[c*LINE_W+:LINE_W]),
      .cmd_tag_i    ({rcmd_last_i[c], rcmd_tag_i[c*LINE_W+:LINE_W]}),
      .burst_valid_o(waiting[c]),
      .burst_ready_i(taken),
      .burst_addr_o (addr[c*LINE_W+:LINE_W]),
      .burst_lines_o(lines[c*7+:7]),
      .burst_last_o (ends_region),
      .burst_tag_o  ({marked, tag[c*LINE_W+:LINE_W]}),
      .next_valid_o (next[c]),
      .next_lines_o (next_lines[c*7+:7]),
      .idle_o       (unused_idle[c])
    );
    assign last[c] = ends_region && marked;
    assign taken   = burst_ready_i && chosen[c];

    if (Credit == 0) begin : g_always
      logic unused;
      assign fits[c] = 1'b1;
      assign unused  = ^{credit_return_i[c], next[c], next_lines[c*7+:7]};
    end else begin : g_credits
      localparam int FreeW = $clog2(Credit + 1) + 1;
      // Beats for which there is room, those on their way taken off, and those of the burst that is offered: it has no
      // room while that is negative. So whether a burst fits is known from the cycle on in which it is offered.
      logic signed [FreeW-1:0] free_q;
      logic [FreeW-1:0]        asked;
      assign fits[c] = !free_q[FreeW-1];
      assign asked   = next[c] ? FreeW'(32'(next_lines[c*7+:7]) << LineLog2) : '0;
      always_ff @(posedge clk_i) begin
        if (!rst_ni) free_q <= FreeW'(Credit);
        else free_q <= free_q + FreeW'(credit_return_i[c]) - asked;
      end
      if (Credit < LINE_BEATS) begin : g_bad_credits
        ERROR_CREDITS_must_be_0_or_at_least_a_line u_error ();
      end
`ifdef FORMAL
      // A client that gives back only what it has got never gets more than it has room for.
      logic [FreeW-1:0] f_held, f_beats;
      assign f_beats = FreeW'(32'(lines[c*7+:7]) << LineLog2);
      always_ff @(posedge clk_i) begin
        if (!rst_ni) f_held <= '0;
        else f_held <= f_held - FreeW'(credit_return_i[c]) + (taken ? f_beats : '0);
        if (f_held == '0) assume (!credit_return_i[c]);
        if (f_past_valid && rst_ni) begin
          assert (f_held <= FreeW'(Credit));
          assert (free_q == FreeW'(Credit) - f_held - (waiting[c] ? f_beats : '0));
          // A burst is offered as soon as there is room for it, and never before.
          if (waiting[c]) assert (fits[c] == (f_held + f_beats <= FreeW'(Credit)));
        end
      end
`endif
    end
  end

  assign eligible      = waiting & fits;
  // The lowest of them; an adder would find it later.
  assign chosen[0]     = eligible[0];
  for (genvar c = 1; c < CLIENTS; c++) begin : g_chosen
    assign chosen[c] = eligible[c] && eligible[c-1:0] == '0;
  end
  assign credit_wait_o = waiting & ~fits;

  // At most one client is chosen, so what the clients offer is gathered with OR.
  always_comb begin
    burst_addr_o  = '0;
    burst_lines_o = '0;
    burst_tag_o   = '0;
    for (int c = 0; c < CLIENTS; c++) begin
      if (chosen[c]) begin
        burst_addr_o  = burst_addr_o | addr[c*LINE_W+:LINE_W];
        burst_lines_o = burst_lines_o | lines[c*7+:7];
        burst_tag_o   = burst_tag_o | tag[c*LINE_W+:LINE_W];
      end
    end
  end

  assign burst_valid_o  = eligible != '0;
  assign burst_client_o = chosen;
  assign burst_last_o   = (chosen & last) != '0;

`ifdef FORMAL
  always_ff @(posedge clk_i) begin
    if (f_past_valid && rst_ni) begin
      assert ((chosen & (chosen - CLIENTS'(1))) == '0);
      assert ((chosen != '0) == burst_valid_o);
      assert ((chosen & ~eligible) == '0);
      if (burst_valid_o) begin
        assert (burst_lines_o != '0 && burst_lines_o <= 7'(MAX_LINES));
        assert (8'(burst_addr_o[5:0]) + 8'(burst_lines_o) <= 8'd64);
      end
    end
  end
`endif

  if (CLIENTS < 1 || CLIENTS > 8) begin : g_bad_clients
    ERROR_clients_must_be_1_to_8 u_error ();
  end
`ifdef FORMAL
  always_ff @(posedge clk_i) begin
    if (f_past_valid && rst_ni) begin
      // The lowest client that has a burst and room for it, with that burst's address, length, tag and end.
      for (int c = 0; c < CLIENTS; c++) begin
        if (eligible[c] && (eligible & ((CLIENTS'(1) << c) - CLIENTS'(1))) == '0) begin
          assert (burst_client_o == CLIENTS'(1) << c);
          assert (burst_addr_o == addr[c*LINE_W+:LINE_W] && burst_lines_o == lines[c*7+:7]);
          assert (burst_tag_o == tag[c*LINE_W+:LINE_W] && burst_last_o == last[c]);
        end
      end
      cover (burst_valid_o && burst_ready_i && eligible == '1);
      cover (burst_valid_o && burst_ready_i && credit_wait_o != '0);
    end
  end
`endif

endmodule : axi_read_clients
