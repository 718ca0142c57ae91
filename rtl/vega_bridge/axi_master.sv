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
  // Width of the destination tag of a read command.
  parameter int DEST_W            = 4,
  // Longest burst in beats, 1 to 256.
  parameter int MAX_BURST         = 64,
  // Read bursts in flight.
  parameter int READ_OUTSTANDING  = 8,
  // Write bursts in flight.
  parameter int WRITE_OUTSTANDING = 8,
  // Commands that wait behind the one in progress, per direction.
  parameter int CMD_DEPTH         = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // Read regions; the address, the row size and the stride are multiples of a beat.
  input  logic                rcmd_valid_i,
  output logic                rcmd_ready_o,
  input  logic [ADDR_W-1:0]   rcmd_addr_i,
  input  logic [31:0]         rcmd_row_bytes_i,
  input  logic [15:0]         rcmd_rows_i,
  input  logic [31:0]         rcmd_stride_i,
  input  logic [DEST_W-1:0]   rcmd_dest_i,

  output logic                rdata_valid_o,
  input  logic                rdata_ready_i,
  output logic [DATA_W-1:0]   rdata_data_o,
  output logic [DEST_W-1:0]   rdata_dest_o,
  // Last beat of the command.
  output logic                rdata_last_o,

  // Write regions, as the read regions.
  input  logic                wcmd_valid_i,
  output logic                wcmd_ready_o,
  input  logic [ADDR_W-1:0]   wcmd_addr_i,
  input  logic [31:0]         wcmd_row_bytes_i,
  input  logic [15:0]         wcmd_rows_i,
  input  logic [31:0]         wcmd_stride_i,

  input  logic                wdata_valid_i,
  output logic                wdata_ready_o,
  input  logic [DATA_W-1:0]   wdata_data_i,
  // Sampled with each beat of wdata: high leaves memory unchanged.
  input  logic                write_mask_i,

  // High when every accepted read command has delivered its last beat.
  output logic                read_idle_o,
  // High while an accepted write command has not seen its last response.
  output logic                writes_pending_o,
  // One-cycle pulse per failing burst, with its start address and response.
  output logic                read_error_o,
  output logic [ADDR_W-1:0]   read_error_addr_o,
  output logic [1:0]          read_error_resp_o,
  output logic                write_error_o,
  output logic [ADDR_W-1:0]   write_error_addr_o,
  output logic [1:0]          write_error_resp_o,
  // One-cycle pulse per beat on the bus.
  output logic                rbeat_o,
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
  input  logic [ID_W-1:0]     m_axi_bid,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready,
  output logic [ID_W-1:0]     m_axi_arid,
  output logic [ADDR_W-1:0]   m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic [2:0]          m_axi_arsize,
  output logic [1:0]          m_axi_arburst,
  output logic                m_axi_arlock,
  output logic [3:0]          m_axi_arcache,
  output logic [2:0]          m_axi_arprot,
  output logic [3:0]          m_axi_arqos,
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [ID_W-1:0]     m_axi_rid,
  input  logic [DATA_W-1:0]   m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready
);

  axi_read_master #(
    .ADDR_W     (ADDR_W),
    .DATA_W     (DATA_W),
    .ID_W       (ID_W),
    .ID_VALUE   (ID_VALUE),
    .DEST_W     (DEST_W),
    .MAX_BURST  (MAX_BURST),
    .OUTSTANDING(READ_OUTSTANDING),
    .CMD_DEPTH  (CMD_DEPTH)
  ) u_read (
    .clk_i,
    .rst_ni,
    .rcmd_valid_i,
    .rcmd_ready_o,
    .rcmd_addr_i,
    .rcmd_row_bytes_i,
    .rcmd_rows_i,
    .rcmd_stride_i,
    .rcmd_dest_i,
    .rdata_valid_o,
    .rdata_ready_i,
    .rdata_data_o,
    .rdata_dest_o,
    .rdata_last_o,
    .read_idle_o,
    .read_error_o,
    .read_error_addr_o,
    .read_error_resp_o,
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
    .OUTSTANDING(WRITE_OUTSTANDING),
    .CMD_DEPTH  (CMD_DEPTH)
  ) u_write (
    .clk_i,
    .rst_ni,
    .wcmd_valid_i,
    .wcmd_ready_o,
    .wcmd_addr_i,
    .wcmd_row_bytes_i,
    .wcmd_rows_i,
    .wcmd_stride_i,
    .wdata_valid_i,
    .wdata_ready_o,
    .wdata_data_i,
    .write_mask_i,
    .writes_pending_o,
    .write_error_o,
    .write_error_addr_o,
    .write_error_resp_o,
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
