// SPDX-License-Identifier: Apache-2.0
//
// AXI4 write master: 2-D region commands and one in-order beat stream in, bursts out.
//
// Why: results go back to DRAM at the full bus rate without the producer knowing about bursts, pages or
// responses, and whoever is stopped in the middle must still end every burst it has begun.
//
// AWVALID rises at least one cycle before the WVALID of the same burst, which does not wait for AWREADY, so
// the slave may take either first. Addresses run ahead of the data by up to OUTSTANDING bursts.
//
// Latency: wcmd transfer to AWVALID is 4 cycles; wdata transfer to WVALID is 1 cycle.
// Throughput: one beat per cycle while OUTSTANDING bursts cover the response latency; one burst per cycle, on 64 bits per two.
//
// An SLVERR or DECERR raises write_error_o once per failing burst; everything else goes on. A burst outside of the window is
// never issued, see axi_window; nothing is issued any more.
// While stop_i is high no burst is issued, the commands are forgotten, and beats that bursts in flight still need are written
// by the master itself, with all strobes off. When drained_o is high too, a new beginning is clean.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_write_master #(
  // Width of a byte address, 32 to 64.
  parameter int ADDR_W      = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W      = 256,
  // Width of the AXI ID.
  parameter int ID_W        = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE    = 0,
  // Longest burst in beats, whole lines of 64 bytes, at most 256.
  parameter int MAX_BURST   = 64,
  // Bursts in flight, from AWVALID to the response, at least 2.
  parameter int OUTSTANDING = 8,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W      = ADDR_W - 6
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // Regions in lines of 64 bytes. The tag comes back with errors.
  input  logic                wcmd_valid_i,
  output logic                wcmd_ready_o,
  input  logic [LINE_W-1:0]   wcmd_addr_i,
  input  logic [31:0]         wcmd_lines_i,
  input  logic [15:0]         wcmd_rows_i,
  input  logic [LINE_W-1:0]   wcmd_stride_i,
  input  logic [LINE_W-1:0]   wcmd_tag_i,

  input  logic                wdata_valid_i,
  // High only while a burst waits for data: data that come before their command wait.
  output logic                wdata_ready_o,
  input  logic [DATA_W-1:0]   wdata_data_i,

  // High while an accepted command has not seen its last response; rises the cycle after wcmd is accepted
  // and falls only after the last write_error_o.
  output logic                writes_pending_o,
  // First byte of the memory window, and the byte after its last.
  input  logic [ADDR_W-1:0]   window_base_i,
  input  logic [ADDR_W:0]     window_limit_i,
  input  logic                stop_i,
  // No burst is in flight.
  output logic                drained_o,
  // Level, until stop_i: a burst is not wholly inside the window; its first address outside.
  output logic                range_error_o,
  output logic [ADDR_W-1:0]   range_error_addr_o,
  output logic [LINE_W-1:0]   range_error_tag_o,
  // One-cycle pulse per failing burst; address of the burst and tag hold until the next.
  output logic                write_error_o,
  output logic [ADDR_W-1:0]   write_error_addr_o,
  output logic [LINE_W-1:0]   write_error_tag_o,
  // One-cycle pulse per beat taken by the bus.
  output logic                wbeat_o,

  output logic [ID_W-1:0]     m_axi_awid,
  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic                m_axi_awlock,
  output logic [3:0]          m_axi_awcache,
  output logic [2:0]          m_axi_awprot,
  output logic [3:0]          m_axi_awqos,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [DATA_W-1:0]   m_axi_wdata,
  output logic [DATA_W/8-1:0] m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  // Not needed: a single ID is in use.
  input  logic [ID_W-1:0]     m_axi_bid,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready
);

  // Beats of a line.
  localparam int LineBeats = 512 / DATA_W;
  localparam int LineLog2  = $clog2(LineBeats);

  logic client_rst_n;
  assign client_rst_n = rst_ni && !stop_i;

  // ---------------------------------------------------------------------------------------------
  // Address side
  // ---------------------------------------------------------------------------------------------
  logic              burst_valid, burst_ready, next_valid, bursts_idle, window_busy;
  logic [LINE_W-1:0] burst_addr, burst_tag, next_addr, next_tag, awaddr_q;
  logic [6:0]        burst_lines, next_lines;
  logic [7:0]        next_len, awlen_q;
  logic              aw_load, aw_ready, awvalid_q, track_in_ready, length_in_ready;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused_last; // a command ends with its last response
  logic [7:0]        unused_next; // no credits
  // verilator lint_on UNUSEDSIGNAL

  axi_region_bursts #(
    .LINE_W   (LINE_W),
    .MAX_LINES(MAX_BURST / LineBeats),
    .TAG_W    (LINE_W)
  ) u_bursts (
    .clk_i,
    .rst_ni       (client_rst_n),
    .cmd_valid_i  (wcmd_valid_i),
    .cmd_ready_o  (wcmd_ready_o),
    .cmd_addr_i   (wcmd_addr_i),
    .cmd_lines_i  (wcmd_lines_i),
    .cmd_rows_i   (wcmd_rows_i),
    .cmd_stride_i (wcmd_stride_i),
    .cmd_tag_i    (wcmd_tag_i),
    .burst_valid_o(burst_valid),
    .burst_ready_i(burst_ready),
    .burst_addr_o (burst_addr),
    .burst_lines_o(burst_lines),
    .burst_last_o (unused_last),
    .burst_tag_o  (burst_tag),
    .next_valid_o (unused_next[7]),
    .next_lines_o (unused_next[6:0]),
    .idle_o       (bursts_idle)
  );

  axi_window #(
    .ADDR_W   (ADDR_W),
    .SIDE_W   (LINE_W),
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
    .in_side_i   (burst_tag),
    .out_valid_o (next_valid),
    .out_ready_i (aw_ready),
    .out_addr_o  (next_addr),
    .out_lines_o (next_lines),
    .out_side_o  (next_tag),
    .busy_o      (window_busy),
    .range_o     (range_error_o),
    .range_addr_o(range_error_addr_o)
  );

  assign range_error_tag_o = next_tag;

  // A burst moves to the AW register together with its entries in the length and track queues. The register
  // has no second stage, so the data side never learns of a burst before AWVALID shows it.
  assign aw_ready = (!awvalid_q || m_axi_awready) && track_in_ready && length_in_ready;
  assign aw_load  = next_valid && aw_ready && !stop_i;
  assign next_len = 8'((10'(next_lines) << LineLog2) - 10'd1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
    end else if (!awvalid_q || m_axi_awready) begin
      awvalid_q <= aw_load;
    end
  end

  always_ff @(posedge clk_i) begin
    if (aw_load) begin
      awaddr_q <= next_addr;
      awlen_q  <= next_len;
    end
  end

  assign m_axi_awid    = ID_W'(ID_VALUE);
  assign m_axi_awaddr  = {awaddr_q, 6'd0};
  assign m_axi_awlen   = awlen_q;
  assign m_axi_awsize  = 3'($clog2(DATA_W / 8));
  assign m_axi_awburst = 2'b01;   // INCR
  assign m_axi_awlock  = 1'b0;    // normal access
  assign m_axi_awcache = 4'b0011; // normal memory, not cached, bufferable
  assign m_axi_awprot  = 3'b000;  // unprivileged, secure, data
  assign m_axi_awqos   = 4'b0000; // no scheme
  assign m_axi_awvalid = awvalid_q;

  // ---------------------------------------------------------------------------------------------
  // Data side: the length queue says how many beats of the stream belong to the burst at hand
  // ---------------------------------------------------------------------------------------------
  logic       length_valid, length_pop, beat_valid, beat_last, beat_fire, w_ready, w_mask;
  logic [7:0] length_data, beat_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(OUTSTANDING+1)-1:0] length_level; // only the formal properties look at it
  // verilator lint_on UNUSEDSIGNAL

  stream_fifo #(
    .WIDTH(8),
    .DEPTH(OUTSTANDING)
  ) u_length (
    .clk_i,
    .rst_ni,
    .in_valid_i (aw_load),
    .in_ready_o (length_in_ready),
    .in_data_i  (next_len),
    .out_valid_o(length_valid),
    .out_ready_i(length_pop),
    .out_data_o (length_data),
    .level_o    (length_level)
  );

  assign wdata_ready_o = w_ready && length_valid && !stop_i;
  assign beat_valid    = length_valid && (wdata_valid_i || stop_i);
  assign beat_fire     = beat_valid && w_ready;
  assign beat_last     = beat_q == length_data;
  assign length_pop    = beat_fire && beat_last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q <= 8'd0;
    end else if (beat_fire) begin
      beat_q <= beat_last ? 8'd0 : beat_q + 8'd1;
    end
  end

  stream_register #(
    .WIDTH(2 + DATA_W)
  ) u_beat (
    .clk_i,
    .rst_ni,
    .in_valid_i (beat_valid),
    .in_ready_o (w_ready),
    .in_data_i  ({stop_i, beat_last, wdata_data_i}),
    .out_valid_o(m_axi_wvalid),
    .out_ready_i(m_axi_wready),
    .out_data_o ({w_mask, m_axi_wlast, m_axi_wdata})
  );

  assign m_axi_wstrb = {(DATA_W / 8){!w_mask}};

  // ---------------------------------------------------------------------------------------------
  // Responses: in order, because a single ID is in use
  // ---------------------------------------------------------------------------------------------
  logic              track_valid, track_pop;
  logic [LINE_W-1:0] track_addr, track_tag;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(OUTSTANDING+1)-1:0] track_level; // only the formal properties look at it
  logic [ID_W:0]                    unused_b;    // a single ID is in use; SLVERR and DECERR are alike
  // verilator lint_on UNUSEDSIGNAL

  assign unused_b = {m_axi_bid, m_axi_bresp[0]};

  stream_fifo #(
    .WIDTH(2 * LINE_W),
    .DEPTH(OUTSTANDING)
  ) u_track (
    .clk_i,
    .rst_ni,
    .in_valid_i (aw_load),
    .in_ready_o (track_in_ready),
    .in_data_i  ({next_addr, next_tag}),
    .out_valid_o(track_valid),
    .out_ready_i(track_pop),
    .out_data_o ({track_addr, track_tag}),
    .level_o    (track_level)
  );

  assign m_axi_bready = track_valid;
  assign track_pop    = m_axi_bvalid && track_valid;
  assign drained_o    = !track_valid;

  // ---------------------------------------------------------------------------------------------
  // Errors, beats and idleness
  // ---------------------------------------------------------------------------------------------
  logic              error_new, error_q, wbeat_q, in_flight_q;
  logic [LINE_W-1:0] error_addr_q, error_tag_q;

  assign error_new = track_pop && m_axi_bresp[1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_q     <= 1'b0;
      wbeat_q     <= 1'b0;
      in_flight_q <= 1'b0;
    end else begin
      error_q     <= error_new;
      wbeat_q     <= m_axi_wvalid && m_axi_wready;
      in_flight_q <= track_valid;
    end
  end

  always_ff @(posedge clk_i) begin
    if (error_new) begin
      error_addr_q <= track_addr;
      error_tag_q  <= track_tag;
    end
  end

  // A cycle longer than a burst is in flight, so that its error is out before the command counts as done.
  assign writes_pending_o   = !bursts_idle || window_busy || track_valid || in_flight_q;
  assign write_error_o      = error_q;
  assign write_error_addr_o = {error_addr_q, 6'd0};
  assign write_error_tag_o  = error_tag_q;
  assign wbeat_o            = wbeat_q;

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
  logic               f_aw_held;
  logic [ADDR_W-1:0]  f_awaddr;
  logic [7:0]         f_awlen;
  logic               f_w_held;
  logic [DATA_W:0]    f_w;
  logic               f_w_mask, f_stop;
  logic [FCountW-1:0] f_in_flight;
  logic [ADDR_W-1:0]  f_base;
  logic [ADDR_W:0]    f_limit;
  // The burst that went to the AW register in the last cycle.
  logic               f_loaded;
  logic [LINE_W-1:0]  f_next_addr;
  logic [6:0]         f_next_lines;
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_aw_held    <= rst_ni && m_axi_awvalid && !m_axi_awready;
    f_awaddr     <= m_axi_awaddr;
    f_awlen      <= m_axi_awlen;
    f_w_held     <= rst_ni && m_axi_wvalid && !m_axi_wready;
    f_w          <= {m_axi_wlast, m_axi_wdata};
    f_w_mask     <= w_mask;
    f_stop       <= rst_ni && stop_i;
    f_base       <= window_base_i;
    f_limit      <= window_limit_i;
    f_loaded     <= rst_ni && aw_load;
    f_next_addr  <= next_addr;
    f_next_lines <= next_lines;
    if (f_past_valid && window_busy) assume (window_base_i == f_base && window_limit_i == f_limit);
    if (!rst_ni) f_in_flight <= '0;
    else f_in_flight <= f_in_flight + FCountW'(aw_load) - FCountW'(track_pop);
    if (f_past_valid && rst_ni) begin
      if (f_aw_held) begin
        assert (m_axi_awvalid && m_axi_awaddr == f_awaddr && m_axi_awlen == f_awlen);
      end
      if (f_w_held) begin
        assert (m_axi_wvalid && {m_axi_wlast, m_axi_wdata} == f_w && w_mask == f_w_mask);
      end
      // While stopped no address appears.
      if (f_stop && !f_aw_held) assert (!m_axi_awvalid);
      // What waits for the bus is a burst of the generator's, whether the window lets it pass or not.
      if (next_valid || range_error_o) begin
        assert (next_lines != '0 && next_lines <= 7'(MAX_BURST / LineBeats));
        assert (8'(next_addr[5:0]) + 8'(next_lines) <= 8'd64);
      end
      if (aw_load) begin
        assert ({next_addr, 6'd0} >= window_base_i);
        assert ((ADDR_W + 1)'({next_addr, 6'd0}) + (ADDR_W + 1)'({next_lines, 6'd0}) <= window_limit_i);
      end
      if (m_axi_awvalid) begin
        assert (m_axi_awlen < 9'(MAX_BURST));
        assert (13'(m_axi_awaddr[11:0]) + ((13'(m_axi_awlen) + 13'd1) << m_axi_awsize) <= 13'd4096);
      end
      // It shows on the bus as the window let it pass: stable until it is taken, it leaves the window nowhere.
      if (f_loaded) begin
        assert (m_axi_awvalid && m_axi_awaddr == {f_next_addr, 6'd0});
        assert (10'(m_axi_awlen) + 10'd1 == 10'(f_next_lines) << LineLog2);
        assert (m_axi_awaddr >= f_base && (ADDR_W + 1)'(m_axi_awaddr) +
                ((ADDR_W + 1)'(m_axi_awlen) + (ADDR_W + 1)'(1) << m_axi_awsize) <= f_limit);
      end
      if (m_axi_awvalid) begin
        assert (f_loaded || f_aw_held);
        assert (m_axi_awid == ID_W'(ID_VALUE) && m_axi_awburst == 2'b01 && 32'd8 << m_axi_awsize == 32'(DATA_W));
      end
      assert (f_in_flight <= FCountW'(OUTSTANDING));
      assert (f_in_flight == FCountW'(track_level));
      // The slave answers only a burst whose data have left the length queue; so no burst loses its entry early.
      if (m_axi_bvalid) assume (length_level < track_level);
      assert (length_level <= track_level);
      cover (f_in_flight == FCountW'(OUTSTANDING));
      assert (drained_o == (f_in_flight == '0));
      cover (track_pop && f_in_flight == FCountW'(1));
      cover (m_axi_awvalid && 13'(m_axi_awaddr[11:0]) + ((13'(m_axi_awlen) + 13'd1) << m_axi_awsize) == 13'd4096);
      cover (write_error_o);
      cover (range_error_o);
      cover (f_stop && drained_o && !stop_i);
    end
  end

  // A burst picked when its address is loaded has its beats and its last one in the order of the addresses. Until that
  // has been taken: last beats before it on the bus, its length, its beats that went to the register and to the bus.
  (* anyseq *) logic  f_pick;
  logic               f_watching = 1'b0, f_here, f_inside, f_push, f_pop;
  logic [FCountW+1:0] f_owed, f_before;
  logic [7:0]         f_len, f_beats_out;
  logic [8:0]         f_beats_in;
  // What is in the register, oldest first: stop, whether it is of the picked burst, last, data.
  logic [1:0]         f_stops, f_picked, f_lasts, f_held;
  logic [DATA_W-1:0]  f_data0, f_data1;
  // Of the queue of lengths, which watches one entry, see stream_fifo, and of the register.
  (* hierconn *) logic                             \u_length.f_pick , \u_length.f_watching ;
  (* hierconn *) logic [$clog2(OUTSTANDING+1)-1:0] \u_length.f_ahead ;
  (* hierconn *) logic [7:0]                       \u_length.f_data ;
  (* hierconn *) logic                             \u_beat.spare_valid_q ;
  (* hierconn *) logic [DATA_W+1:0]                \u_beat.spare_data_q ;
  assign f_here   = aw_load && f_pick && !f_watching;
  // The beats that come next are its.
  assign f_inside = \u_length.f_watching && \u_length.f_ahead == '0;
  assign f_push   = beat_valid && w_ready;
  assign f_pop    = m_axi_wvalid && m_axi_wready;

  always_ff @(posedge clk_i) begin
    assume (\u_length.f_pick == f_here);
    if (!rst_ni) begin
      f_watching  <= 1'b0;
      f_owed      <= '0;
      f_held      <= '0;
    end else begin
      f_owed <= f_owed + (FCountW + 2)'(aw_load) - (FCountW + 2)'(f_pop && m_axi_wlast);
      if (f_here) begin
        f_watching  <= 1'b1;
        f_len       <= next_len;
        f_before    <= f_owed - (FCountW + 2)'(f_pop && m_axi_wlast);
        f_beats_in  <= '0;
        f_beats_out <= '0;
      end else if (f_watching) begin
        if (f_pop && f_before != '0) f_before <= f_before - (FCountW + 2)'(m_axi_wlast);
        if (f_pop && f_before == '0) begin
          f_beats_out <= f_beats_out + 8'd1;
          f_watching  <= f_beats_out != f_len;
        end
        if (f_push && f_inside) f_beats_in <= f_beats_in + 9'd1;
      end
      if (f_pop) begin
        {f_stops[0], f_picked[0], f_lasts[0], f_data0} <= {f_stops[1], f_picked[1], f_lasts[1], f_data1};
        f_held <= f_held >> 1;
      end
      if (f_push && (f_pop ? !f_held[1] : !f_held[0])) begin
        {f_stops[0], f_picked[0], f_lasts[0], f_data0} <= {stop_i, f_inside, beat_last, wdata_data_i};
        f_held[0] <= 1'b1;
      end else if (f_push) begin
        {f_stops[1], f_picked[1], f_lasts[1], f_data1} <= {stop_i, f_inside, beat_last, wdata_data_i};
        f_held[1] <= 1'b1;
      end
    end
    if (f_past_valid && rst_ni) begin
      // A beat of data is what the client gave, or has no strobes if it was made while stopped.
      if (m_axi_wvalid) begin
        assert (f_held[0] && w_mask == f_stops[0] && m_axi_wdata == f_data0);
        assert (m_axi_wstrb == (f_stops[0] ? '0 : '1));
        cover (f_stops[0]);
        cover (!f_stops[0] && f_stop);
      end
      assert (wdata_ready_o == (w_ready && length_valid && !stop_i));
      // The picked burst has one beat more than AWLEN says, the last one marked.
      if (m_axi_wvalid) assert (f_owed != '0);
      if (f_watching && f_before == '0 && m_axi_wvalid) begin
        assert (m_axi_wlast == (f_beats_out == f_len));
        cover (m_axi_wlast && f_len > 8'd3 && f_owed > (FCountW + 2)'(1));
      end
      // What that rests on.
      assert (m_axi_wvalid == f_held[0] && \u_beat.spare_valid_q == f_held[1] && !(f_held[1] && !f_held[0]));
      if (f_held[0]) assert (m_axi_wlast == f_lasts[0]);
      if (f_held[1]) assert (\u_beat.spare_data_q == {f_stops[1], f_lasts[1], f_data1});
      if (length_valid) assert (beat_q <= length_data);
      else assert (beat_q == '0);
      if (beat_q == '0 && f_held != '0) assert (f_held[1] ? f_lasts[1] : f_lasts[0]);
      assert (f_owed == (FCountW + 2)'(length_level) + (FCountW + 2)'(f_held[0] && f_lasts[0]) +
                        (FCountW + 2)'(f_held[1] && f_lasts[1]));
      assert (f_watching || (!\u_length.f_watching && (f_held & f_picked) == '0));
      if (f_watching) begin
        if (\u_length.f_watching ) assert (\u_length.f_data == f_len);
        else assert (f_beats_in == 9'(f_len) + 9'd1 && (f_held & f_picked) != '0);
        if (f_inside) assert (f_beats_in == 9'(beat_q) && beat_q <= f_len);
        else if (\u_length.f_watching ) assert (f_beats_in == '0);
        assert (f_before == (\u_length.f_watching ? (FCountW + 2)'(\u_length.f_ahead ) : '0) +
                            (FCountW + 2)'(f_held[0] && f_lasts[0] && !f_picked[0]) +
                            (FCountW + 2)'(f_held == 2'b11 && f_lasts[1] && f_picked == 2'b00));
        assert (9'(f_beats_out) + 9'(f_held[0] && f_picked[0]) + 9'(f_held[1] && f_picked[1]) ==
                (\u_length.f_watching ? f_beats_in : 9'(f_len) + 9'd1));
        // Its beats are together, the last one alone marked; in front of its first is the last of another.
        if (f_held[0] && f_picked[0]) assert (f_before == '0 && f_lasts[0] == (f_beats_out == f_len));
        if (f_held[1] && f_picked[1]) begin
          assert (f_lasts[1] == (f_beats_out + 8'(f_picked[0]) == f_len));
          if (!f_picked[0]) assert (f_lasts[0] && f_beats_out == '0);
        end
        if (f_held[0] && !f_picked[0]) assert (f_beats_out == '0 && f_before != '0);
        if (f_held[1] && !f_picked[1] && f_picked[0]) assert (f_lasts[0] && !\u_length.f_watching );
        if (f_beats_in == '0) assert (f_beats_out == '0 && (f_held & f_picked) == '0);
      end
    end
  end
`endif

endmodule : axi_write_master
