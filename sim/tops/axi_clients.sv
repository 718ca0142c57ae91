// SPDX-License-Identifier: Apache-2.0
//
// AXI master with three read clients, each with ports of its own: what the random tests run on.
//
// Why: a client with credits has a buffer, as engines have; it stands here, so that streams and pauses behind it are the
// tests'. While the master is stopped the clients are in reset, as the engines of the core then are.

module axi_clients #(
  // Width of a byte address.
  parameter int ADDR_W            = 40,
  // Width of the data bus in bits.
  parameter int DATA_W            = 256,
  // Width of the AXI ID.
  parameter int ID_W              = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE          = 0,
  // Beats in the buffer of each client, 0: no buffer and no credits.
  parameter int CREDITS0          = 0,
  parameter int CREDITS1          = 16,
  parameter int CREDITS2          = 100,
  // Longest burst in beats.
  parameter int MAX_BURST         = 64,
  // Bursts in flight per direction.
  parameter int READ_OUTSTANDING  = 8,
  parameter int WRITE_OUTSTANDING = 8,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W            = ADDR_W - 6
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  // Read regions and beats of each client, as the ports of axi_master.
  input  logic                      rcmd0_valid_i,
  output logic                      rcmd0_ready_o,
  input  logic [LINE_W-1:0]         rcmd0_addr_i,
  input  logic [31:0]               rcmd0_lines_i,
  input  logic [15:0]               rcmd0_rows_i,
  input  logic [LINE_W-1:0]         rcmd0_stride_i,
  input  logic                      rcmd0_last_i,
  input  logic [LINE_W-1:0]         rcmd0_tag_i,
  output logic                      rdata0_valid_o,
  input  logic                      rdata0_ready_i,
  output logic [DATA_W-1:0]         rdata0_data_o,
  output logic                      rdata0_last_o,
  input  logic                      rcmd1_valid_i,
  output logic                      rcmd1_ready_o,
  input  logic [LINE_W-1:0]         rcmd1_addr_i,
  input  logic [31:0]               rcmd1_lines_i,
  input  logic [15:0]               rcmd1_rows_i,
  input  logic [LINE_W-1:0]         rcmd1_stride_i,
  input  logic                      rcmd1_last_i,
  input  logic [LINE_W-1:0]         rcmd1_tag_i,
  output logic                      rdata1_valid_o,
  input  logic                      rdata1_ready_i,
  output logic [DATA_W-1:0]         rdata1_data_o,
  output logic                      rdata1_last_o,
  input  logic                      rcmd2_valid_i,
  output logic                      rcmd2_ready_o,
  input  logic [LINE_W-1:0]         rcmd2_addr_i,
  input  logic [31:0]               rcmd2_lines_i,
  input  logic [15:0]               rcmd2_rows_i,
  input  logic [LINE_W-1:0]         rcmd2_stride_i,
  input  logic                      rcmd2_last_i,
  input  logic [LINE_W-1:0]         rcmd2_tag_i,
  output logic                      rdata2_valid_o,
  input  logic                      rdata2_ready_i,
  output logic [DATA_W-1:0]         rdata2_data_o,
  output logic                      rdata2_last_o,

  input  logic                      wcmd_valid_i,
  output logic                      wcmd_ready_o,
  input  logic [LINE_W-1:0]         wcmd_addr_i,
  input  logic [31:0]               wcmd_lines_i,
  input  logic [15:0]               wcmd_rows_i,
  input  logic [LINE_W-1:0]         wcmd_stride_i,
  input  logic [LINE_W-1:0]         wcmd_tag_i,
  input  logic                      wdata_valid_i,
  output logic                      wdata_ready_o,
  input  logic [DATA_W-1:0]         wdata_data_i,

  // Status, see axi_master.
  output logic [2:0]                credit_wait_o,
  output logic                      writes_pending_o,
  input  logic [ADDR_W-1:0]         window_base_i,
  input  logic [ADDR_W:0]           window_limit_i,
  input  logic                      stop_i,
  output logic                      drained_o,
  output logic                      read_range_o,
  output logic [ADDR_W-1:0]         read_range_addr_o,
  output logic [LINE_W-1:0]         read_range_tag_o,
  output logic                      write_range_o,
  output logic [ADDR_W-1:0]         write_range_addr_o,
  output logic [LINE_W-1:0]         write_range_tag_o,
  output logic                      read_error_o,
  output logic [ADDR_W-1:0]         read_error_addr_o,
  output logic [LINE_W-1:0]         read_error_tag_o,
  output logic                      write_error_o,
  output logic [ADDR_W-1:0]         write_error_addr_o,
  output logic [LINE_W-1:0]         write_error_tag_o,
  output logic                      rbeat_o,
  output logic                      wbeat_o,
  // A beat came for which its client had no room.
  output logic                      overflow_o,
  // Reset of the clients.
  output logic                      client_rst_no,

  // Seen since the reset, for coverage, per client: its burst waited for credits; its buffer had no room for a line more; a
  // burst of it went out after one had waited.
  output logic [2:0]                seen_wait_o,
  output logic [2:0]                seen_full_o,
  output logic [2:0]                seen_return_o,
  // A burst of client 0 went out while one of client 1 could have, of 0 while 2, of 1 while 2.
  output logic [2:0]                seen_rivals_o,

  output logic [ID_W-1:0]           m_axi_awid,
  output logic [ADDR_W-1:0]         m_axi_awaddr,
  output logic [7:0]                m_axi_awlen,
  output logic [2:0]                m_axi_awsize,
  output logic [1:0]                m_axi_awburst,
  output logic                      m_axi_awlock,
  output logic [3:0]                m_axi_awcache,
  output logic [2:0]                m_axi_awprot,
  output logic [3:0]                m_axi_awqos,
  output logic                      m_axi_awvalid,
  input  logic                      m_axi_awready,
  output logic [DATA_W-1:0]         m_axi_wdata,
  output logic [DATA_W/8-1:0]       m_axi_wstrb,
  output logic                      m_axi_wlast,
  output logic                      m_axi_wvalid,
  input  logic                      m_axi_wready,
  input  logic [ID_W-1:0]           m_axi_bid,
  input  logic [1:0]                m_axi_bresp,
  input  logic                      m_axi_bvalid,
  output logic                      m_axi_bready,
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
  input  logic [ID_W-1:0]           m_axi_rid,
  input  logic [DATA_W-1:0]         m_axi_rdata,
  input  logic [1:0]                m_axi_rresp,
  input  logic                      m_axi_rlast,
  input  logic                      m_axi_rvalid,
  output logic                      m_axi_rready
);

  localparam int Clients   = 3;
  localparam int LineBeats = 512 / DATA_W;
  localparam logic [Clients*16-1:0] Credits = {16'(CREDITS2), 16'(CREDITS1), 16'(CREDITS0)};

  logic [Clients-1:0]        rcmd_valid, rcmd_ready, rcmd_last, rdata_valid, rdata_ready, credit_return, overflow, full;
  logic [Clients*LINE_W-1:0] rcmd_addr, rcmd_stride, rcmd_tag;
  logic [Clients*32-1:0]     rcmd_lines;
  logic [Clients*16-1:0]     rcmd_rows;
  logic [DATA_W-1:0]         rdata_data;
  logic                      rdata_last, wcmd_ready;
  logic [Clients-1:0]        out_valid, out_ready, out_last;
  logic [Clients*DATA_W-1:0] out_data;

  assign rcmd_valid  = {rcmd2_valid_i, rcmd1_valid_i, rcmd0_valid_i} & {Clients{!stop_i}};
  assign rcmd_addr   = {rcmd2_addr_i, rcmd1_addr_i, rcmd0_addr_i};
  assign rcmd_lines  = {rcmd2_lines_i, rcmd1_lines_i, rcmd0_lines_i};
  assign rcmd_rows   = {rcmd2_rows_i, rcmd1_rows_i, rcmd0_rows_i};
  assign rcmd_stride = {rcmd2_stride_i, rcmd1_stride_i, rcmd0_stride_i};
  assign rcmd_last   = {rcmd2_last_i, rcmd1_last_i, rcmd0_last_i};
  assign rcmd_tag    = {rcmd2_tag_i, rcmd1_tag_i, rcmd0_tag_i};
  assign {rcmd2_ready_o, rcmd1_ready_o, rcmd0_ready_o}    = rcmd_ready & {Clients{!stop_i}};
  assign {rdata2_valid_o, rdata1_valid_o, rdata0_valid_o} = out_valid;
  assign {rdata2_data_o, rdata1_data_o, rdata0_data_o}    = out_data;
  assign {rdata2_last_o, rdata1_last_o, rdata0_last_o}    = out_last;
  assign out_ready    = {rdata2_ready_i, rdata1_ready_i, rdata0_ready_i};
  assign wcmd_ready_o = wcmd_ready && !stop_i;

  for (genvar c = 0; c < Clients; c++) begin : g_client
    if (Credits[c*16+:16] == 0) begin : g_direct
      assign out_valid[c]                = rdata_valid[c] && !stop_i;
      assign out_data[c*DATA_W+:DATA_W]  = rdata_data;
      assign out_last[c]                 = rdata_last;
      assign rdata_ready[c]              = out_ready[c];
      assign credit_return[c]            = 1'b0;
      assign overflow[c]                 = 1'b0;
      assign full[c]                     = 1'b0;
    end else begin : g_buffer
      logic room, valid;
      logic [$clog2(int'(Credits[c*16+:16])+1)-1:0] level;
      stream_fifo #(
        .WIDTH(1 + DATA_W),
        .DEPTH(int'(Credits[c*16+:16]))
      ) u_buffer (
        .clk_i,
        .rst_ni     (client_rst_no),
        .in_valid_i (rdata_valid[c] && !stop_i),
        .in_ready_o (room),
        .in_data_i  ({rdata_last, rdata_data}),
        .out_valid_o(valid),
        .out_ready_i(out_ready[c] && !stop_i),
        .out_data_o ({out_last[c], out_data[c*DATA_W+:DATA_W]}),
        .level_o    (level)
      );
      assign full[c]          = 32'(level) + 32'(LineBeats) > 32'(Credits[c*16+:16]);
      assign out_valid[c]     = valid && !stop_i;
      assign rdata_ready[c]   = 1'b1;
      assign credit_return[c] = out_valid[c] && out_ready[c];
      assign overflow[c]      = rdata_valid[c] && !room && !stop_i;
    end
  end

  // Clients whose burst could go out, and the one whose burst does; the first never comes behind another.
  logic [Clients-1:1] eligible;
  logic [Clients-1:0] taken;
  assign eligible = u_master.u_read.u_clients.eligible[Clients-1:1];
  assign taken    = u_master.u_read.u_clients.chosen & {Clients{u_master.u_read.u_clients.burst_ready_i}};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      seen_wait_o   <= '0;
      seen_full_o   <= '0;
      seen_return_o <= '0;
      seen_rivals_o <= '0;
    end else begin
      seen_wait_o   <= seen_wait_o | credit_wait_o;
      seen_full_o   <= seen_full_o | full;
      seen_return_o <= seen_return_o | (seen_wait_o & taken);
      seen_rivals_o <= seen_rivals_o |
                       {taken[1] && eligible[2], taken[0] && eligible[2], taken[0] && eligible[1]};
    end
  end

  assign overflow_o    = overflow != '0;
  assign client_rst_no = rst_ni && !stop_i;

  axi_master #(
    .ADDR_W           (ADDR_W),
    .DATA_W           (DATA_W),
    .ID_W             (ID_W),
    .ID_VALUE         (ID_VALUE),
    .CLIENTS          (Clients),
    .CREDITS          (Credits),
    .MAX_BURST        (MAX_BURST),
    .READ_OUTSTANDING (READ_OUTSTANDING),
    .WRITE_OUTSTANDING(WRITE_OUTSTANDING)
  ) u_master (
    .rcmd_valid_i   (rcmd_valid),
    .rcmd_ready_o   (rcmd_ready),
    .rcmd_addr_i    (rcmd_addr),
    .rcmd_lines_i   (rcmd_lines),
    .rcmd_rows_i    (rcmd_rows),
    .rcmd_stride_i  (rcmd_stride),
    .rcmd_last_i    (rcmd_last),
    .rcmd_tag_i     (rcmd_tag),
    .credit_return_i(credit_return),
    .rdata_valid_o  (rdata_valid),
    .rdata_ready_i  (rdata_ready),
    .rdata_data_o   (rdata_data),
    .rdata_last_o   (rdata_last),
    .wcmd_valid_i   (wcmd_valid_i && !stop_i),
    .wcmd_ready_o   (wcmd_ready),
    .*
  );

endmodule : axi_clients
