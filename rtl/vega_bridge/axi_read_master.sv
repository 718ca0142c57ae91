// SPDX-License-Identifier: Apache-2.0
//
// AXI4 read master: 2-D region commands of several clients in, one in-order beat stream out.
//
// Why: weights, activations and commands stream from DRAM at the full bus rate, and the memory's latency must be hidden. The
// address side therefore runs ahead of the data by up to OUTSTANDING bursts, over rows, commands and clients.
//
// Every burst carries the same ID, so the data return in the order of the addresses and no reorder memory is needed. Which
// client is next, and why a client that takes no beats does not hold up the others, is in axi_read_clients. A client
// without credits must always take its beats in the end.
//
// Latency: rcmd transfer to ARVALID is 4 cycles; RVALID to rdata_valid_o is 1 cycle.
// Throughput: one beat per cycle while OUTSTANDING bursts cover the memory's latency; one burst per cycle, on 64 bits per two.
//
// An SLVERR or DECERR raises read_error_o once per failing burst, no later than its first failing beat shows on the rdata
// stream. The data keep flowing. A burst outside of the window is never issued, see axi_window; nothing is issued any more.
// While stop_i is high no burst is issued, arriving beats are dropped and everything of the clients is forgotten: commands,
// credits, offered beats. When drained_o is high too, a new beginning is clean.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_read_master #(
  // Width of a byte address, 32 to 64.
  parameter int ADDR_W      = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W      = 256,
  // Width of the AXI ID.
  parameter int ID_W        = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE    = 0,
  // Clients, 1 to 8.
  parameter int CLIENTS     = 1,
  // Beats that each client's buffer holds, 16 bits per client; 0: no credits, the client always takes its beats. A burst
  // is at most a quarter of the buffer, or a line.
  parameter logic [CLIENTS*16-1:0] CREDITS = '0,
  // Longest burst in beats, whole lines of 64 bytes, at most 256.
  parameter int MAX_BURST   = 64,
  // Bursts in flight, at least 2.
  parameter int OUTSTANDING = 8,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W      = ADDR_W - 6
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  // Regions, a slice per client, in lines of 64 bytes. The last beat of a region with last has rdata_last_o. The tag
  // comes back with errors.
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

  // Beats; valid is high for at most one client.
  output logic [CLIENTS-1:0]        rdata_valid_o,
  input  logic [CLIENTS-1:0]        rdata_ready_i,
  output logic [DATA_W-1:0]         rdata_data_o,
  output logic                      rdata_last_o,

  // First byte of the memory window, and the byte after its last.
  input  logic [ADDR_W-1:0]         window_base_i,
  input  logic [ADDR_W:0]           window_limit_i,
  input  logic                      stop_i,
  // No burst is in flight.
  output logic                      drained_o,
  // Level, until stop_i: a burst is not wholly inside the window; its first address outside.
  output logic                      range_error_o,
  output logic [ADDR_W-1:0]         range_error_addr_o,
  output logic [LINE_W-1:0]         range_error_tag_o,
  // One-cycle pulse per failing burst; address of the burst and tag hold until the next.
  output logic                      read_error_o,
  output logic [ADDR_W-1:0]         read_error_addr_o,
  output logic [LINE_W-1:0]         read_error_tag_o,
  // One-cycle pulse per beat received from the bus.
  output logic                      rbeat_o,

  output logic [ID_W-1:0]           m_axi_arid,
  output logic [ADDR_W-1:0]         m_axi_araddr,
  output logic [7:0]                m_axi_arlen,
  output logic [2:0]                m_axi_arsize,
  output logic [1:0]                m_axi_arburst,
  output logic                      m_axi_arlock,
  output logic [3:0]                m_axi_arcache,
  output logic [2:0]                m_axi_arprot,
  output logic [3:0]                m_axi_arqos,
  output logic                      m_axi_arvalid,
  input  logic                      m_axi_arready,
  // Not needed: a single ID is in use.
  input  logic [ID_W-1:0]           m_axi_rid,
  input  logic [DATA_W-1:0]         m_axi_rdata,
  input  logic [1:0]                m_axi_rresp,
  input  logic                      m_axi_rlast,
  input  logic                      m_axi_rvalid,
  output logic                      m_axi_rready
);

  // Beats of a line.
  localparam int LineBeats = 512 / DATA_W;
  localparam int LineLog2  = $clog2(LineBeats);
  // What travels with a burst: client, end of command, tag.
  localparam int SideW     = CLIENTS + 1 + LINE_W;

  logic client_rst_n;
  assign client_rst_n = rst_ni && !stop_i;

  // ---------------------------------------------------------------------------------------------
  // Bursts of the clients
  // ---------------------------------------------------------------------------------------------
  logic              burst_valid, burst_ready;
  logic [LINE_W-1:0] burst_addr;
  logic [6:0]        burst_lines;
  logic [SideW-1:0]  burst_side;

  axi_read_clients #(
    .LINE_W    (LINE_W),
    .LINE_BEATS(LineBeats),
    .MAX_LINES (MAX_BURST / LineBeats),
    .CLIENTS   (CLIENTS),
    .CREDITS   (CREDITS)
  ) u_clients (
    .clk_i,
    .rst_ni        (client_rst_n),
    .rcmd_valid_i,
    .rcmd_ready_o,
    .rcmd_addr_i,
    .rcmd_lines_i,
    .rcmd_rows_i,
    .rcmd_stride_i,
    .rcmd_last_i,
    .rcmd_tag_i,
    .credit_return_i,
    .credit_wait_o,
    .burst_valid_o (burst_valid),
    .burst_ready_i (burst_ready),
    .burst_addr_o  (burst_addr),
    .burst_lines_o (burst_lines),
    .burst_client_o(burst_side[SideW-1-:CLIENTS]),
    .burst_last_o  (burst_side[LINE_W]),
    .burst_tag_o   (burst_side[LINE_W-1:0])
  );

  // ---------------------------------------------------------------------------------------------
  // Address channel
  // ---------------------------------------------------------------------------------------------
  logic              next_valid, ar_load, ar_free, arvalid_q, track_in_ready;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused_window_busy; // clients count what they have asked for
  // verilator lint_on UNUSEDSIGNAL
  logic [LINE_W-1:0] next_addr, araddr_q;
  logic [6:0]        next_lines;
  logic [SideW-1:0]  next_side;
  logic [7:0]        arlen_q;

  axi_window #(
    .ADDR_W   (ADDR_W),
    .SIDE_W   (SideW),
    .MAX_LINES(MAX_BURST / LineBeats),
    .HALF_RATE(LineBeats >= 8)
  ) u_window (
    .clk_i,
    .rst_ni      (client_rst_n),
    .base_i      (window_base_i),
    .limit_i     (window_limit_i),
    .in_valid_i  (burst_valid),
    .in_ready_o  (burst_ready),
    .in_addr_i   (burst_addr),
    .in_lines_i  (burst_lines),
    .in_side_i   (burst_side),
    .out_valid_o (next_valid),
    .out_ready_i (ar_free && track_in_ready),
    .out_addr_o  (next_addr),
    .out_lines_o (next_lines),
    .out_side_o  (next_side),
    .busy_o      (unused_window_busy),
    .range_o     (range_error_o),
    .range_addr_o(range_error_addr_o)
  );

  assign range_error_tag_o = next_side[LINE_W-1:0];

  // A burst moves to the AR register together with its entry in the track queue, whose depth is the
  // bound on bursts in flight.
  assign ar_free = !arvalid_q || m_axi_arready;
  assign ar_load = next_valid && ar_free && track_in_ready && !stop_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arvalid_q <= 1'b0;
    end else if (ar_free) begin
      arvalid_q <= ar_load;
    end
  end

  always_ff @(posedge clk_i) begin
    if (ar_load) begin
      araddr_q <= next_addr;
      arlen_q  <= 8'((10'(next_lines) << LineLog2) - 10'd1);
    end
  end

  assign m_axi_arid    = ID_W'(ID_VALUE);
  assign m_axi_araddr  = {araddr_q, 6'd0};
  assign m_axi_arlen   = arlen_q;
  assign m_axi_arsize  = 3'($clog2(DATA_W / 8));
  assign m_axi_arburst = 2'b01;   // INCR
  assign m_axi_arlock  = 1'b0;    // normal access
  assign m_axi_arcache = 4'b0011; // normal memory, not cached, bufferable
  assign m_axi_arprot  = 3'b000;  // unprivileged, secure, data
  assign m_axi_arqos   = 4'b0000; // no scheme
  assign m_axi_arvalid = arvalid_q;

  // ---------------------------------------------------------------------------------------------
  // Bursts in flight: client and end of command for the data, address and tag for error reports
  // ---------------------------------------------------------------------------------------------
  logic               track_valid, track_pop, track_last;
  logic [CLIENTS-1:0] track_client;
  logic [LINE_W-1:0]  track_addr, track_tag;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(OUTSTANDING+1)-1:0] track_level; // only the formal properties look at it
  logic [ID_W:0]                    unused_r;    // a single ID is in use; SLVERR and DECERR are alike
  // verilator lint_on UNUSEDSIGNAL

  assign unused_r = {m_axi_rid, m_axi_rresp[0]};

  stream_fifo #(
    .WIDTH(LINE_W + SideW),
    .DEPTH(OUTSTANDING)
  ) u_track (
    .clk_i,
    .rst_ni,
    .in_valid_i (ar_load),
    .in_ready_o (track_in_ready),
    .in_data_i  ({next_addr, next_side}),
    .out_valid_o(track_valid),
    .out_ready_i(track_pop),
    .out_data_o ({track_addr, track_client, track_last, track_tag}),
    .level_o    (track_level)
  );

  assign drained_o = !track_valid;

  // ---------------------------------------------------------------------------------------------
  // Data side
  // ---------------------------------------------------------------------------------------------
  logic               out_ready, out_valid, r_ready, r_fire;
  logic [CLIENTS-1:0] out_client;

  assign m_axi_rready  = r_ready && track_valid;
  assign r_fire        = m_axi_rvalid && m_axi_rready;
  assign track_pop     = r_fire && m_axi_rlast;
  assign out_ready     = (out_client & rdata_ready_i) != '0;
  assign rdata_valid_o = out_valid ? out_client : '0;

  // Held in reset while stopped, it takes and drops whatever arrives.
  stream_register #(
    .WIDTH(CLIENTS + 1 + DATA_W)
  ) u_out (
    .clk_i,
    .rst_ni     (client_rst_n),
    .in_valid_i (m_axi_rvalid && track_valid),
    .in_ready_o (r_ready),
    .in_data_i  ({track_client, track_last && m_axi_rlast, m_axi_rdata}),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready),
    .out_data_o ({out_client, rdata_last_o, rdata_data_o})
  );

  // ---------------------------------------------------------------------------------------------
  // Errors and beats
  // ---------------------------------------------------------------------------------------------
  logic              error_new, error_seen_q, error_q, beat_q;
  logic [LINE_W-1:0] error_addr_q, error_tag_q;

  assign error_new = r_fire && m_axi_rresp[1] && !error_seen_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_seen_q <= 1'b0;
      error_q      <= 1'b0;
      beat_q       <= 1'b0;
    end else begin
      error_q <= error_new;
      beat_q  <= r_fire;
      if (r_fire) error_seen_q <= (error_seen_q || m_axi_rresp[1]) && !m_axi_rlast;
    end
  end

  always_ff @(posedge clk_i) begin
    if (error_new) begin
      error_addr_q <= track_addr;
      error_tag_q  <= track_tag;
    end
  end

  assign read_error_o      = error_q;
  assign read_error_addr_o = {error_addr_q, 6'd0};
  assign read_error_tag_o  = error_tag_q;
  assign rbeat_o           = beat_q;

  if (DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_bad_data_w
    ERROR_data_w_must_be_64_128_256_or_512 u_error ();
  end
  if (MAX_BURST > 256 || MAX_BURST % LineBeats != 0) begin : g_bad_max_burst
    ERROR_max_burst_must_be_whole_lines_of_at_most_256_beats u_error ();
  end
  if (OUTSTANDING < 2) begin : g_bad_outstanding
    ERROR_outstanding_must_be_at_least_2 u_error ();
  end
  if (ID_W < 1 || ID_VALUE < 0 || (ID_W < 31 && ID_VALUE >= (1 << ID_W))) begin : g_bad_id
    ERROR_id_value_does_not_fit_id_w u_error ();
  end

`ifdef FORMAL
  localparam int FCountW = $clog2(OUTSTANDING + 2);
  logic               f_past_valid = 1'b0;
  always_comb if (!f_past_valid) assume (!rst_ni);
  logic               f_ar_held, f_stop;
  logic [ADDR_W-1:0]  f_araddr;
  logic [7:0]         f_arlen;
  logic [FCountW-1:0] f_in_flight;
  logic [ADDR_W-1:0]  f_base;
  logic [ADDR_W:0]    f_limit;
  // The burst that went to the AR register in the last cycle.
  logic               f_loaded;
  logic [LINE_W-1:0]  f_next_addr;
  logic [6:0]         f_next_lines;
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_ar_held    <= rst_ni && m_axi_arvalid && !m_axi_arready;
    f_araddr     <= m_axi_araddr;
    f_arlen      <= m_axi_arlen;
    f_stop       <= rst_ni && stop_i;
    f_base       <= window_base_i;
    f_limit      <= window_limit_i;
    f_loaded     <= rst_ni && ar_load;
    f_next_addr  <= next_addr;
    f_next_lines <= next_lines;
    if (f_past_valid && unused_window_busy) assume (window_base_i == f_base && window_limit_i == f_limit);
    if (!rst_ni) f_in_flight <= '0;
    else f_in_flight <= f_in_flight + FCountW'(ar_load) - FCountW'(track_pop);
    if (f_past_valid && rst_ni) begin
      if (f_ar_held) begin
        assert (m_axi_arvalid && m_axi_araddr == f_araddr && m_axi_arlen == f_arlen);
      end
      // While stopped no address appears, and no beat is offered to a client.
      if (f_stop && !f_ar_held) assert (!m_axi_arvalid);
      if (f_stop) assert (rdata_valid_o == '0);
      if (m_axi_arvalid) begin
        assert (m_axi_arlen < 9'(MAX_BURST));
        assert (13'(m_axi_araddr[11:0]) + ((13'(m_axi_arlen) + 13'd1) << m_axi_arsize) <= 13'd4096);
      end
      // What waits for the bus is a burst of the generator's, whether the window lets it pass or not.
      if (next_valid || range_error_o) begin
        assert (next_lines != '0 && next_lines <= 7'(MAX_BURST / LineBeats));
        assert (8'(next_addr[5:0]) + 8'(next_lines) <= 8'd64);
      end
      if (ar_load) begin
        assert ({next_addr, 6'd0} >= window_base_i);
        assert ((ADDR_W + 1)'({next_addr, 6'd0}) + (ADDR_W + 1)'({next_lines, 6'd0}) <= window_limit_i);
      end
      // It shows on the bus as the window let it pass: stable until it is taken, it leaves the window nowhere.
      if (f_loaded) begin
        assert (m_axi_arvalid && m_axi_araddr == {f_next_addr, 6'd0});
        assert (10'(m_axi_arlen) + 10'd1 == 10'(f_next_lines) << LineLog2);
        assert (m_axi_araddr >= f_base && (ADDR_W + 1)'(m_axi_araddr) +
                ((ADDR_W + 1)'(m_axi_arlen) + (ADDR_W + 1)'(1) << m_axi_arsize) <= f_limit);
      end
      if (m_axi_arvalid) begin
        assert (f_loaded || f_ar_held);
        assert (m_axi_arid == ID_W'(ID_VALUE) && m_axi_arburst == 2'b01 && 32'd8 << m_axi_arsize == 32'(DATA_W));
      end
      assert (f_in_flight <= FCountW'(OUTSTANDING));
      assert (f_in_flight == FCountW'(track_level));
      // A beat is taken only for a burst that is in flight.
      if (r_fire) assert (f_in_flight != '0);
      assert (drained_o == (f_in_flight == '0));
      cover (f_in_flight == FCountW'(OUTSTANDING));
      cover (rdata_valid_o != '0 && out_ready && rdata_last_o);
      cover (m_axi_arvalid && 13'(m_axi_araddr[11:0]) + ((13'(m_axi_arlen) + 13'd1) << m_axi_arsize) == 13'd4096);
      cover (read_error_o);
      cover (range_error_o);
      cover (f_stop && drained_o && !stop_i);
    end
  end
`endif

endmodule : axi_read_master
