// SPDX-License-Identifier: Apache-2.0
//
// AXI4 write master: 2-D region commands and one in-order beat stream in, bursts out.
//
// Why: results go back to DRAM at the full bus rate without the producer knowing about bursts, pages or
// responses, and a job that failed must still end every burst it has begun, without touching memory.
//
// AWVALID rises at least one cycle before the WVALID of the same burst, which does not wait for AWREADY, so
// the slave may take either first. Addresses run ahead of the data by up to OUTSTANDING bursts.
//
// Latency: wcmd transfer to AWVALID is 4 cycles with empty queues; wdata transfer to WVALID is 1 cycle.
// Throughput: one beat per cycle while OUTSTANDING bursts cover the response latency; one burst per cycle.
//
// Beats that are accepted while write_mask_i is high are written with all strobes off. An SLVERR or DECERR
// raises write_error_o once per failing burst; everything else goes on.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_write_master #(
  // Width of a byte address.
  parameter int ADDR_W      = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W      = 256,
  // Width of the AXI ID.
  parameter int ID_W        = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE    = 0,
  // Longest burst in beats, 1 to 256.
  parameter int MAX_BURST   = 64,
  // Bursts in flight, from AWVALID to the response.
  parameter int OUTSTANDING = 8,
  // Commands that wait behind the one in progress.
  parameter int CMD_DEPTH   = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                wcmd_valid_i,
  output logic                wcmd_ready_o,
  input  logic [ADDR_W-1:0]   wcmd_addr_i,
  input  logic [31:0]         wcmd_row_bytes_i,
  input  logic [15:0]         wcmd_rows_i,
  input  logic [31:0]         wcmd_stride_i,

  input  logic                wdata_valid_i,
  // High only while a burst waits for data: data that come before their command wait.
  output logic                wdata_ready_o,
  input  logic [DATA_W-1:0]   wdata_data_i,
  // Sampled with each beat of wdata: high leaves memory unchanged.
  input  logic                write_mask_i,

  // High while an accepted command has not seen its last response; rises the cycle after wcmd is accepted
  // and falls only after the last write_error_o.
  output logic                writes_pending_o,
  // One-cycle pulse per failing burst; the address and response are valid with it and hold until the next.
  output logic                write_error_o,
  output logic [ADDR_W-1:0]   write_error_addr_o,
  output logic [1:0]          write_error_resp_o,
  // One-cycle pulse per beat taken by the bus, masked or not.
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

  localparam int TrackW   = 1 + ADDR_W;
  localparam int BeatW    = 2 + DATA_W;
  // Commands in the queue, in the burst generator, in flight and just ended.
  localparam int PendingW = $clog2(CMD_DEPTH + OUTSTANDING + 8);

  // ---------------------------------------------------------------------------------------------
  // Address side
  // ---------------------------------------------------------------------------------------------
  logic              cmd_empty;
  logic              burst_valid;
  logic              burst_ready;
  logic [ADDR_W-1:0] burst_addr;
  logic [7:0]        burst_len;
  logic              burst_last;
  logic              aw_load;
  logic              aw_free;
  logic              awvalid_q;
  logic [ADDR_W-1:0] awaddr_q;
  logic [7:0]        awlen_q;
  logic              track_in_ready;
  logic              length_in_ready;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused_tag; // writes have no destination
  // verilator lint_on UNUSEDSIGNAL

  axi_region_bursts #(
    .ADDR_W   (ADDR_W),
    .DATA_W   (DATA_W),
    .MAX_BURST(MAX_BURST),
    .CMD_DEPTH(CMD_DEPTH),
    .TAG_W    (1)
  ) u_bursts (
    .clk_i,
    .rst_ni,
    .cmd_valid_i    (wcmd_valid_i),
    .cmd_ready_o    (wcmd_ready_o),
    .cmd_addr_i     (wcmd_addr_i),
    .cmd_row_bytes_i(wcmd_row_bytes_i),
    .cmd_rows_i     (wcmd_rows_i),
    .cmd_stride_i   (wcmd_stride_i),
    .cmd_tag_i      (1'b0),
    .cmd_empty_o    (cmd_empty),
    .burst_valid_o  (burst_valid),
    .burst_ready_i  (burst_ready),
    .burst_addr_o   (burst_addr),
    .burst_len_o    (burst_len),
    .burst_last_o   (burst_last),
    .burst_tag_o    (unused_tag)
  );

  // A burst moves to the AW register together with its entries in the length and track queues. The register
  // has no second stage, so the data side never learns of a burst before AWVALID shows it.
  assign aw_free     = !awvalid_q || m_axi_awready;
  assign burst_ready = aw_free && track_in_ready && length_in_ready;
  assign aw_load     = burst_valid && burst_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
    end else if (aw_free) begin
      awvalid_q <= aw_load;
    end
  end

  always_ff @(posedge clk_i) begin
    if (aw_load) begin
      awaddr_q <= burst_addr;
      awlen_q  <= burst_len;
    end
  end

  assign m_axi_awid    = ID_W'(ID_VALUE);
  assign m_axi_awaddr  = awaddr_q;
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
  logic       length_valid;
  logic       length_pop;
  logic [7:0] length_data;
  logic [7:0] beat_q;
  logic       beat_last;
  logic       beat_fire;
  logic       w_ready;
  logic       w_mask;
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
    .in_data_i  (burst_len),
    .out_valid_o(length_valid),
    .out_ready_i(length_pop),
    .out_data_o (length_data),
    .level_o    (length_level)
  );

  assign wdata_ready_o = w_ready && length_valid;
  assign beat_fire     = wdata_valid_i && wdata_ready_o;
  assign beat_last     = (beat_q == length_data);
  assign length_pop    = beat_fire && beat_last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q <= 8'd0;
    end else if (beat_fire) begin
      beat_q <= beat_last ? 8'd0 : beat_q + 8'd1;
    end
  end

  stream_register #(
    .WIDTH(BeatW)
  ) u_beat (
    .clk_i,
    .rst_ni,
    .in_valid_i (wdata_valid_i && length_valid),
    .in_ready_o (w_ready),
    .in_data_i  ({write_mask_i, beat_last, wdata_data_i}),
    .out_valid_o(m_axi_wvalid),
    .out_ready_i(m_axi_wready),
    .out_data_o ({w_mask, m_axi_wlast, m_axi_wdata})
  );

  assign m_axi_wstrb = {(DATA_W / 8){!w_mask}};

  // ---------------------------------------------------------------------------------------------
  // Responses: in order, because a single ID is in use
  // ---------------------------------------------------------------------------------------------
  logic              track_valid;
  logic              track_pop;
  logic [ADDR_W-1:0] track_addr;
  logic              track_last;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(OUTSTANDING+1)-1:0] track_level; // only the formal properties look at it
  logic [ID_W-1:0]                  unused_bid;  // a single ID is in use
  // verilator lint_on UNUSEDSIGNAL

  assign unused_bid = m_axi_bid;

  stream_fifo #(
    .WIDTH(TrackW),
    .DEPTH(OUTSTANDING)
  ) u_track (
    .clk_i,
    .rst_ni,
    .in_valid_i (aw_load),
    .in_ready_o (track_in_ready),
    .in_data_i  ({burst_last, burst_addr}),
    .out_valid_o(track_valid),
    .out_ready_i(track_pop),
    .out_data_o ({track_last, track_addr}),
    .level_o    (track_level)
  );

  assign m_axi_bready = track_valid;
  assign track_pop    = m_axi_bvalid && track_valid;

  // ---------------------------------------------------------------------------------------------
  // Errors, beats and idleness
  // ---------------------------------------------------------------------------------------------
  logic                error_new;
  logic                error_q;
  logic [ADDR_W-1:0]   error_addr_q;
  logic [1:0]          error_resp_q;
  logic                wbeat_q;
  logic                cmd_in;
  logic                cmd_out_q;
  logic [PendingW-1:0] pending_q;

  assign error_new = track_pop && m_axi_bresp[1];
  assign cmd_in    = wcmd_valid_i && wcmd_ready_o && !cmd_empty;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_q   <= 1'b0;
      wbeat_q   <= 1'b0;
      cmd_out_q <= 1'b0;
      pending_q <= '0;
    end else begin
      error_q   <= error_new;
      wbeat_q   <= m_axi_wvalid && m_axi_wready;
      // A cycle later than the response, so that its error is out before the command counts as done.
      cmd_out_q <= track_pop && track_last;
      if (cmd_in && !cmd_out_q) pending_q <= pending_q + PendingW'(1);
      if (!cmd_in && cmd_out_q) pending_q <= pending_q - PendingW'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (error_new) begin
      error_addr_q <= track_addr;
      error_resp_q <= m_axi_bresp;
    end
  end

  assign writes_pending_o   = (pending_q != '0);
  assign write_error_o      = error_q;
  assign write_error_addr_o = error_addr_q;
  assign write_error_resp_o = error_resp_q;
  assign wbeat_o            = wbeat_q;

  if (OUTSTANDING < 2) begin : g_bad_outstanding
    ERROR_outstanding_must_be_at_least_2 u_error ();
  end
  if (ID_W < 1 || ID_VALUE < 0 || (ID_W < 31 && ID_VALUE >= (1 << ID_W))) begin : g_bad_id
    ERROR_id_value_does_not_fit_id_w u_error ();
  end

`ifdef FORMAL
  localparam int FCountW = $clog2(OUTSTANDING + 2);
  logic               f_past_valid = 1'b0;
  logic               f_aw_held;
  logic [ADDR_W-1:0]  f_awaddr;
  logic [7:0]         f_awlen;
  logic               f_w_held;
  logic [DATA_W:0]    f_w;
  logic               f_w_mask;
  logic [FCountW-1:0] f_in_flight;
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_aw_held    <= rst_ni && m_axi_awvalid && !m_axi_awready;
    f_awaddr     <= m_axi_awaddr;
    f_awlen      <= m_axi_awlen;
    f_w_held     <= rst_ni && m_axi_wvalid && !m_axi_wready;
    f_w          <= {m_axi_wlast, m_axi_wdata};
    f_w_mask     <= w_mask;
    if (!rst_ni) f_in_flight <= '0;
    else f_in_flight <= f_in_flight + FCountW'(aw_load) - FCountW'(track_pop);
    if (f_past_valid && rst_ni) begin
      if (f_aw_held) begin
        assert (m_axi_awvalid && m_axi_awaddr == f_awaddr && m_axi_awlen == f_awlen);
      end
      if (f_w_held) begin
        assert (m_axi_wvalid && {m_axi_wlast, m_axi_wdata} == f_w && w_mask == f_w_mask);
      end
      if (m_axi_awvalid) begin
        assert (m_axi_awlen < 9'(MAX_BURST));
        assert (13'(m_axi_awaddr[11:0]) + ((13'(m_axi_awlen) + 13'd1) << m_axi_awsize) <= 13'd4096);
      end
      assert (f_in_flight <= FCountW'(OUTSTANDING));
      assert (f_in_flight == FCountW'(track_level));
      // The slave answers only a burst whose data have left the length queue; so no burst loses its entry early.
      if (m_axi_bvalid) assume (length_level < track_level);
      assert (length_level <= track_level);
      cover (f_in_flight == FCountW'(OUTSTANDING));
      cover (track_pop && track_last);
    end
  end
`endif

endmodule : axi_write_master
