// SPDX-License-Identifier: Apache-2.0
//
// AXI master and its clients on the ideal memory: what the bandwidth tests of the master run on.
//
// The bus comes out under its own names, so the bus monitors of the random tests attach here as well.

module axi_master_ideal #(
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
  // Size of the memory in beats.
  parameter int BEATS             = 4096,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W            = ADDR_W - 6
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  // Latency of the memory in cycles.
  input  logic [15:0]               latency_i,

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

  // The bus, for monitors.
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
  output logic                      m_axi_awready,
  output logic [DATA_W-1:0]         m_axi_wdata,
  output logic [DATA_W/8-1:0]       m_axi_wstrb,
  output logic                      m_axi_wlast,
  output logic                      m_axi_wvalid,
  output logic                      m_axi_wready,
  output logic [ID_W-1:0]           m_axi_bid,
  output logic [1:0]                m_axi_bresp,
  output logic                      m_axi_bvalid,
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
  output logic                      m_axi_arready,
  output logic [ID_W-1:0]           m_axi_rid,
  output logic [DATA_W-1:0]         m_axi_rdata,
  output logic [1:0]                m_axi_rresp,
  output logic                      m_axi_rlast,
  output logic                      m_axi_rvalid,
  output logic                      m_axi_rready
);

  // verilator lint_off UNUSEDSIGNAL
  logic [2:0] seen_wait_o, seen_full_o, seen_return_o, seen_rivals_o; // for coverage of other tests
  // verilator lint_on UNUSEDSIGNAL

  axi_clients #(
    .ADDR_W           (ADDR_W),
    .DATA_W           (DATA_W),
    .ID_W             (ID_W),
    .ID_VALUE         (ID_VALUE),
    .CREDITS0         (CREDITS0),
    .CREDITS1         (CREDITS1),
    .CREDITS2         (CREDITS2),
    .MAX_BURST        (MAX_BURST),
    .READ_OUTSTANDING (READ_OUTSTANDING),
    .WRITE_OUTSTANDING(WRITE_OUTSTANDING)
  ) u_clients (.*);

  axi_ideal_memory #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W),
    .ID_W  (ID_W),
    .BEATS (BEATS)
  ) u_memory (
    .clk_i,
    .rst_ni,
    .latency_i,
    .s_axi_awid   (m_axi_awid),
    .s_axi_awaddr (m_axi_awaddr),
    .s_axi_awlen  (m_axi_awlen),
    .s_axi_awvalid(m_axi_awvalid),
    .s_axi_awready(m_axi_awready),
    .s_axi_wdata  (m_axi_wdata),
    .s_axi_wstrb  (m_axi_wstrb),
    .s_axi_wlast  (m_axi_wlast),
    .s_axi_wvalid (m_axi_wvalid),
    .s_axi_wready (m_axi_wready),
    .s_axi_bid    (m_axi_bid),
    .s_axi_bresp  (m_axi_bresp),
    .s_axi_bvalid (m_axi_bvalid),
    .s_axi_bready (m_axi_bready),
    .s_axi_arid   (m_axi_arid),
    .s_axi_araddr (m_axi_araddr),
    .s_axi_arlen  (m_axi_arlen),
    .s_axi_arvalid(m_axi_arvalid),
    .s_axi_arready(m_axi_arready),
    .s_axi_rid    (m_axi_rid),
    .s_axi_rdata  (m_axi_rdata),
    .s_axi_rresp  (m_axi_rresp),
    .s_axi_rlast  (m_axi_rlast),
    .s_axi_rvalid (m_axi_rvalid),
    .s_axi_rready (m_axi_rready)
  );

endmodule : axi_master_ideal
