// SPDX-License-Identifier: Apache-2.0
//
// Read and write master behind one AXI4 port.
//
// Why: the accelerator needs DRAM at full width beside the host's narrow bus. The two directions share
// nothing but parameters, so a stalled consumer of read data cannot hold up writes, nor the reverse. There
// is no order between them either: who reads back what it wrote waits for writes_pending_o to fall first.
//
// Latency and throughput: see axi_read_master and axi_write_master; one beat per cycle in each direction.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_master #(
  // Width of a byte address, 32 to 64.
  parameter int ADDR_W            = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W            = 256,
  // Width of the AXI ID.
  parameter int ID_W              = 4,
  // The ID that every burst carries.
  parameter int ID_VALUE          = 0,
  // Read clients, 1 to 8, and the beats that each one's buffer holds, 16 bits per client; 0: no credits.
  parameter int CLIENTS           = 1,
  parameter logic [CLIENTS*16-1:0] CREDITS = '0,
  // Longest burst in beats, whole lines of 64 bytes, at most 256.
  parameter int MAX_BURST         = 64,
  // Read bursts in flight.
  parameter int READ_OUTSTANDING  = 8,
  // Write bursts in flight.
  parameter int WRITE_OUTSTANDING = 8,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W            = ADDR_W - 6
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  // Read regions, a slice per client, see axi_read_master.
  input  logic [CLIENTS-1:0]        rcmd_valid_i,
  output logic [CLIENTS-1:0]        rcmd_ready_o,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_addr_i,
  input  logic [CLIENTS*32-1:0]     rcmd_lines_i,
  input  logic [CLIENTS*16-1:0]     rcmd_rows_i,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_stride_i,
  input  logic [CLIENTS-1:0]        rcmd_last_i,
  input  logic [CLIENTS*LINE_W-1:0] rcmd_tag_i,
  input  logic [CLIENTS-1:0]        credit_return_i,
  output logic [CLIENTS-1:0]        credit_wait_o,

  output logic [CLIENTS-1:0]        rdata_valid_o,
  input  logic [CLIENTS-1:0]        rdata_ready_i,
  output logic [DATA_W-1:0]         rdata_data_o,
  output logic                      rdata_last_o,

  // Write regions, see axi_write_master.
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

  // High while an accepted write command has not seen its last response.
  output logic                      writes_pending_o,
  // First byte of the memory window, and the byte after its last.
  input  logic [ADDR_W-1:0]         window_base_i,
  input  logic [ADDR_W:0]           window_limit_i,
  // Level: nothing more is issued, bursts in flight end without effect, commands and credits are forgotten.
  input  logic                      stop_i,
  // No burst is in flight.
  output logic                      drained_o,
  // Level, until stop_i: a burst is not wholly inside the window; its first address outside.
  output logic                      read_range_o,
  output logic [ADDR_W-1:0]         read_range_addr_o,
  output logic [LINE_W-1:0]         read_range_tag_o,
  output logic                      write_range_o,
  output logic [ADDR_W-1:0]         write_range_addr_o,
  output logic [LINE_W-1:0]         write_range_tag_o,
  // One-cycle pulse per failing burst, with its start address and its command's tag.
  output logic                      read_error_o,
  output logic [ADDR_W-1:0]         read_error_addr_o,
  output logic [LINE_W-1:0]         read_error_tag_o,
  output logic                      write_error_o,
  output logic [ADDR_W-1:0]         write_error_addr_o,
  output logic [LINE_W-1:0]         write_error_tag_o,
  // One-cycle pulse per beat on the bus.
  output logic                      rbeat_o,
  output logic                      wbeat_o,

  output logic [ID_W-1:0]            m_axi_awid,
  output logic [ADDR_W-1:0]          m_axi_awaddr,
  output logic [7:0]                 m_axi_awlen,
  output logic [2:0]                 m_axi_awsize,
  output logic [1:0]                 m_axi_awburst,
  output logic                       m_axi_awlock,
  output logic [3:0]                 m_axi_awcache,
  output logic [2:0]                 m_axi_awprot,
  output logic [3:0]                 m_axi_awqos,
  output logic                       m_axi_awvalid,
  input  logic                       m_axi_awready,
  output logic [DATA_W-1:0]          m_axi_wdata,
  output logic [DATA_W/8-1:0]        m_axi_wstrb,
  output logic                       m_axi_wlast,
  output logic                       m_axi_wvalid,
  input  logic                       m_axi_wready,
  input  logic [ID_W-1:0]            m_axi_bid,
  input  logic [1:0]                 m_axi_bresp,
  input  logic                       m_axi_bvalid,
  output logic                       m_axi_bready,
  output logic [ID_W-1:0]            m_axi_arid,
  output logic [ADDR_W-1:0]          m_axi_araddr,
  output logic [7:0]                 m_axi_arlen,
  output logic [2:0]                 m_axi_arsize,
  output logic [1:0]                 m_axi_arburst,
  output logic                       m_axi_arlock,
  output logic [3:0]                 m_axi_arcache,
  output logic [2:0]                 m_axi_arprot,
  output logic [3:0]                 m_axi_arqos,
  output logic                       m_axi_arvalid,
  input  logic                       m_axi_arready,
  input  logic [ID_W-1:0]            m_axi_rid,
  input  logic [DATA_W-1:0]          m_axi_rdata,
  input  logic [1:0]                 m_axi_rresp,
  input  logic                       m_axi_rlast,
  input  logic                       m_axi_rvalid,
  output logic                       m_axi_rready
);

  logic read_drained, write_drained;
  assign drained_o = read_drained && write_drained;

  axi_read_master #(
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .ID_W       (ID_W),
    .ID_VALUE   (ID_VALUE),
    .CLIENTS    (CLIENTS),
    .CREDITS    (CREDITS),
    .MAX_BURST  (MAX_BURST),
    .OUTSTANDING(READ_OUTSTANDING)
  ) u_read (
    .clk_i,
    .rst_ni,
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
    .rdata_valid_o,
    .rdata_ready_i,
    .rdata_data_o,
    .rdata_last_o,
    .window_base_i,
    .window_limit_i,
    .stop_i,
    .drained_o         (read_drained),
    .range_error_o     (read_range_o),
    .range_error_addr_o(read_range_addr_o),
    .range_error_tag_o (read_range_tag_o),
    .read_error_o,
    .read_error_addr_o,
    .read_error_tag_o,
    .rbeat_o,
    .m_axi_arid,
    .m_axi_araddr,
    .m_axi_arlen,
    .m_axi_arsize,
    .m_axi_arburst,
    .m_axi_arlock,
    .m_axi_arcache,
    .m_axi_arprot,
    .m_axi_arqos,
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  axi_write_master #(
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .ID_W       (ID_W),
    .ID_VALUE   (ID_VALUE),
    .MAX_BURST  (MAX_BURST),
    .OUTSTANDING(WRITE_OUTSTANDING)
  ) u_write (
    .clk_i,
    .rst_ni,
    .wcmd_valid_i,
    .wcmd_ready_o,
    .wcmd_addr_i,
    .wcmd_lines_i,
    .wcmd_rows_i,
    .wcmd_stride_i,
    .wcmd_tag_i,
    .wdata_valid_i,
    .wdata_ready_o,
    .wdata_data_i,
    .writes_pending_o,
    .window_base_i,
    .window_limit_i,
    .stop_i,
    .drained_o         (write_drained),
    .range_error_o     (write_range_o),
    .range_error_addr_o(write_range_addr_o),
    .range_error_tag_o (write_range_tag_o),
    .write_error_o,
    .write_error_addr_o,
    .write_error_tag_o,
    .wbeat_o,
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
    .m_axi_awlock,
    .m_axi_awcache,
    .m_axi_awprot,
    .m_axi_awqos,
    .m_axi_awvalid,
    .m_axi_awready,
    .m_axi_wdata,
    .m_axi_wstrb,
    .m_axi_wlast,
    .m_axi_wvalid,
    .m_axi_wready,
    .m_axi_bid,
    .m_axi_bresp,
    .m_axi_bvalid,
    .m_axi_bready
  );

endmodule : axi_master
