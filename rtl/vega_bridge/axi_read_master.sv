// SPDX-License-Identifier: Apache-2.0
//
// AXI4 read master: 2-D region commands in, one in-order beat stream out.
//
// Why: weights, scales and activations stream from DRAM at the full bus rate, and the memory's latency must be
// hidden. The address side therefore runs ahead of the data by up to OUTSTANDING bursts, over rows and commands.
//
// Every burst carries the same ID, so the data return in command order and no reorder memory is needed. A
// consumer that stalls lowers RREADY, which AXI allows for any time: nothing else in the master waits for
// it, neither the command queue nor the addresses already in flight nor the write master beside it.
//
// Latency: rcmd transfer to ARVALID is 4 cycles with empty queues; RVALID to rdata_valid_o is 1 cycle.
// Throughput: one beat per cycle while OUTSTANDING bursts cover the memory's latency; one burst per cycle.
//
// An SLVERR or DECERR raises read_error_o once per failing burst, no later than its first failing beat shows on
// the rdata stream. The data keep flowing and the command completes.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_read_master #(
  // Width of a byte address.
  parameter int ADDR_W      = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W      = 256,
  // Width of the AXI ID.
  parameter int ID_W        = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE    = 0,
  // Width of the destination tag of a command.
  parameter int DEST_W      = 4,
  // Longest burst in beats, 1 to 256.
  parameter int MAX_BURST   = 64,
  // Bursts in flight.
  parameter int OUTSTANDING = 8,
  // Commands that wait behind the one in progress.
  parameter int CMD_DEPTH   = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              rcmd_valid_i,
  output logic              rcmd_ready_o,
  input  logic [ADDR_W-1:0] rcmd_addr_i,
  input  logic [31:0]       rcmd_row_bytes_i,
  input  logic [15:0]       rcmd_rows_i,
  input  logic [31:0]       rcmd_stride_i,
  input  logic [DEST_W-1:0] rcmd_dest_i,

  output logic              rdata_valid_o,
  input  logic              rdata_ready_i,
  output logic [DATA_W-1:0] rdata_data_o,
  output logic [DEST_W-1:0] rdata_dest_o,
  // Last beat of the command.
  output logic              rdata_last_o,

  // High when every accepted command has delivered its last beat; falls the cycle after rcmd is accepted.
  output logic              read_idle_o,
  // One-cycle pulse per failing burst; the address and response are valid with it and hold until the next.
  output logic              read_error_o,
  output logic [ADDR_W-1:0] read_error_addr_o,
  output logic [1:0]        read_error_resp_o,
  // One-cycle pulse per beat received from the bus.
  output logic              rbeat_o,

  output logic [ID_W-1:0]   m_axi_arid,
  output logic [ADDR_W-1:0] m_axi_araddr,
  output logic [7:0]        m_axi_arlen,
  output logic [2:0]        m_axi_arsize,
  output logic [1:0]        m_axi_arburst,
  output logic              m_axi_arlock,
  output logic [3:0]        m_axi_arcache,
  output logic [2:0]        m_axi_arprot,
  output logic [3:0]        m_axi_arqos,
  output logic              m_axi_arvalid,
  input  logic              m_axi_arready,
  // Not needed: a single ID is in use.
  input  logic [ID_W-1:0]   m_axi_rid,
  input  logic [DATA_W-1:0] m_axi_rdata,
  input  logic [1:0]        m_axi_rresp,
  input  logic              m_axi_rlast,
  input  logic              m_axi_rvalid,
  output logic              m_axi_rready
);

  localparam int TrackW   = DEST_W + 1 + ADDR_W;
  localparam int OutW     = DEST_W + 1 + DATA_W;
  // Commands in the queue, in the burst generator, in flight and in the output register.
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
  logic [DEST_W-1:0] burst_dest;
  logic              ar_load;
  logic              ar_free;
  logic              arvalid_q;
  logic [ADDR_W-1:0] araddr_q;
  logic [7:0]        arlen_q;
  logic              track_in_ready;

  axi_region_bursts #(
    .ADDR_W   (ADDR_W),
    .DATA_W   (DATA_W),
    .MAX_BURST(MAX_BURST),
    .CMD_DEPTH(CMD_DEPTH),
    .TAG_W    (DEST_W)
  ) u_bursts (
    .clk_i,
    .rst_ni,
    .cmd_valid_i    (rcmd_valid_i),
    .cmd_ready_o    (rcmd_ready_o),
    .cmd_addr_i     (rcmd_addr_i),
    .cmd_row_bytes_i(rcmd_row_bytes_i),
    .cmd_rows_i     (rcmd_rows_i),
    .cmd_stride_i   (rcmd_stride_i),
    .cmd_tag_i      (rcmd_dest_i),
    .cmd_empty_o    (cmd_empty),
    .burst_valid_o  (burst_valid),
    .burst_ready_i  (burst_ready),
    .burst_addr_o   (burst_addr),
    .burst_len_o    (burst_len),
    .burst_last_o   (burst_last),
    .burst_tag_o    (burst_dest)
  );

  // A burst moves to the AR register together with its entry in the track queue, whose depth is the
  // bound on bursts in flight.
  assign ar_free     = !arvalid_q || m_axi_arready;
  assign burst_ready = ar_free && track_in_ready;
  assign ar_load     = burst_valid && burst_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arvalid_q <= 1'b0;
    end else if (ar_free) begin
      arvalid_q <= ar_load;
    end
  end

  always_ff @(posedge clk_i) begin
    if (ar_load) begin
      araddr_q <= burst_addr;
      arlen_q  <= burst_len;
    end
  end

  assign m_axi_arid    = ID_W'(ID_VALUE);
  assign m_axi_araddr  = araddr_q;
  assign m_axi_arlen   = arlen_q;
  assign m_axi_arsize  = 3'($clog2(DATA_W / 8));
  assign m_axi_arburst = 2'b01;   // INCR
  assign m_axi_arlock  = 1'b0;    // normal access
  assign m_axi_arcache = 4'b0011; // normal memory, not cached, bufferable
  assign m_axi_arprot  = 3'b000;  // unprivileged, secure, data
  assign m_axi_arqos   = 4'b0000; // no scheme
  assign m_axi_arvalid = arvalid_q;

  // ---------------------------------------------------------------------------------------------
  // Bursts in flight: start address for error reports, destination and end of command for the data
  // ---------------------------------------------------------------------------------------------
  logic              track_valid;
  logic              track_pop;
  logic [TrackW-1:0] track_data;
  logic [ADDR_W-1:0] track_addr;
  logic              track_last;
  logic [DEST_W-1:0] track_dest;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(OUTSTANDING+1)-1:0] track_level; // only the formal properties look at it
  logic [ID_W-1:0]                  unused_rid;  // a single ID is in use
  // verilator lint_on UNUSEDSIGNAL

  assign unused_rid = m_axi_rid;

  stream_fifo #(
    .WIDTH(TrackW),
    .DEPTH(OUTSTANDING)
  ) u_track (
    .clk_i,
    .rst_ni,
    .in_valid_i (ar_load),
    .in_ready_o (track_in_ready),
    .in_data_i  ({burst_dest, burst_last, burst_addr}),
    .out_valid_o(track_valid),
    .out_ready_i(track_pop),
    .out_data_o (track_data),
    .level_o    (track_level)
  );

  assign {track_dest, track_last, track_addr} = track_data;

  // ---------------------------------------------------------------------------------------------
  // Data side
  // ---------------------------------------------------------------------------------------------
  logic r_ready;
  logic r_fire;
  logic out_fire;

  assign m_axi_rready = r_ready && track_valid;
  assign r_fire       = m_axi_rvalid && m_axi_rready;
  assign track_pop    = r_fire && m_axi_rlast;
  assign out_fire     = rdata_valid_o && rdata_ready_i;

  stream_register #(
    .WIDTH(OutW)
  ) u_out (
    .clk_i,
    .rst_ni,
    .in_valid_i (m_axi_rvalid && track_valid),
    .in_ready_o (r_ready),
    .in_data_i  ({track_dest, track_last && m_axi_rlast, m_axi_rdata}),
    .out_valid_o(rdata_valid_o),
    .out_ready_i(rdata_ready_i),
    .out_data_o ({rdata_dest_o, rdata_last_o, rdata_data_o})
  );

  // ---------------------------------------------------------------------------------------------
  // Errors, beats and idleness
  // ---------------------------------------------------------------------------------------------
  logic                error_new;
  logic                error_seen_q;
  logic                error_q;
  logic [ADDR_W-1:0]   error_addr_q;
  logic [1:0]          error_resp_q;
  logic                beat_q;
  logic                cmd_in;
  logic                cmd_out;
  logic [PendingW-1:0] pending_q;

  assign error_new = r_fire && m_axi_rresp[1] && !error_seen_q;
  assign cmd_in    = rcmd_valid_i && rcmd_ready_o && !cmd_empty;
  assign cmd_out   = out_fire && rdata_last_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_seen_q <= 1'b0;
      error_q      <= 1'b0;
      beat_q       <= 1'b0;
      pending_q    <= '0;
    end else begin
      error_q <= error_new;
      beat_q  <= r_fire;
      if (r_fire) error_seen_q <= (error_seen_q || m_axi_rresp[1]) && !m_axi_rlast;
      if (cmd_in && !cmd_out) pending_q <= pending_q + PendingW'(1);
      if (!cmd_in && cmd_out) pending_q <= pending_q - PendingW'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (error_new) begin
      error_addr_q <= track_addr;
      error_resp_q <= m_axi_rresp;
    end
  end

  assign read_idle_o       = (pending_q == '0);
  assign read_error_o      = error_q;
  assign read_error_addr_o = error_addr_q;
  assign read_error_resp_o = error_resp_q;
  assign rbeat_o           = beat_q;

  if (OUTSTANDING < 2) begin : g_bad_outstanding
    ERROR_outstanding_must_be_at_least_2 u_error ();
  end
  if (ID_W < 1 || ID_VALUE < 0 || (ID_W < 31 && ID_VALUE >= (1 << ID_W))) begin : g_bad_id
    ERROR_id_value_does_not_fit_id_w u_error ();
  end
  if (DEST_W < 1) begin : g_bad_dest_w
    ERROR_dest_w_must_be_at_least_1 u_error ();
  end

`ifdef FORMAL
  localparam int FCountW = $clog2(OUTSTANDING + 2);
  logic               f_past_valid = 1'b0;
  logic               f_ar_held;
  logic [ADDR_W-1:0]  f_araddr;
  logic [7:0]         f_arlen;
  logic [FCountW-1:0] f_in_flight;
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_ar_held    <= rst_ni && m_axi_arvalid && !m_axi_arready;
    f_araddr     <= m_axi_araddr;
    f_arlen      <= m_axi_arlen;
    if (!rst_ni) f_in_flight <= '0;
    else f_in_flight <= f_in_flight + FCountW'(ar_load) - FCountW'(track_pop);
    if (f_past_valid && rst_ni) begin
      if (f_ar_held) begin
        assert (m_axi_arvalid && m_axi_araddr == f_araddr && m_axi_arlen == f_arlen);
      end
      if (m_axi_arvalid) begin
        assert (m_axi_arlen < 9'(MAX_BURST));
        assert (13'(m_axi_araddr[11:0]) + ((13'(m_axi_arlen) + 13'd1) << m_axi_arsize) <= 13'd4096);
      end
      assert (f_in_flight <= FCountW'(OUTSTANDING));
      assert (f_in_flight == FCountW'(track_level));
      // A beat is taken only for a burst that is in flight.
      if (r_fire) assert (f_in_flight != '0);
      cover (f_in_flight == FCountW'(OUTSTANDING));
      cover (out_fire && rdata_last_o);
    end
  end
`endif

endmodule : axi_read_master
