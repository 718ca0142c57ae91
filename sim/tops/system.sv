// SPDX-License-Identifier: Apache-2.0
//
// The accelerator on its memory: what simulations of whole models run on.
//
// Why: host software drives it through the pins that a host has, registers and interrupt, and memory contents are the
// program's own buffer, so nothing of a cycle is done outside of the simulator. See docs/simulation.md. The memory is a
// DDR3-1600 as wide as the bus needs it; it has all addresses of the port. Simulation only.

module system #(
  // Array columns, 1 to 16.
  parameter int COLUMNS      = 8,
  // Activation mantissa width: 25 (DSP48E1) or 18 (ECP5).
  parameter int ACT_W        = 25,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W        = 256,
  // Width of a scratchpad address: 2^SCRATCH_W words of 8 values, 9 to 16.
  parameter int SCRATCH_W    = 13,
  // Most activation rows that one pass over the weights serves, a power of two.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested-absmax table, a power of two, at least 16 and BUS_W / 16.
  parameter int NESTED_DEPTH = 4096,
  // Lanes of the vector engine: 4 or 8.
  parameter int VECTOR_LANES = 8,
  // Width of the host's data bus in bits: 32, 64 or 128.
  parameter int HOST_W       = 64,
  // Widths of the host's address and ID, and of the memory port's.
  localparam int HostAddrW   = 64,
  localparam int HostIdW     = 12,
  localparam int AddrW       = 40,
  localparam int IdW         = 4
) (
  input  logic                   clk_i,
  // Synchronous, active low.
  input  logic                   rst_ni,

  input  logic [HostIdW-1:0]     s_axi_awid,
  input  logic [HostAddrW-1:0]   s_axi_awaddr,
  input  logic [7:0]             s_axi_awlen,
  input  logic [2:0]             s_axi_awsize,
  input  logic [1:0]             s_axi_awburst,
  input  logic                   s_axi_awvalid,
  output logic                   s_axi_awready,
  input  logic [HOST_W-1:0]      s_axi_wdata,
  input  logic [HOST_W/8-1:0]    s_axi_wstrb,
  input  logic                   s_axi_wlast,
  input  logic                   s_axi_wvalid,
  output logic                   s_axi_wready,
  output logic [HostIdW-1:0]     s_axi_bid,
  output logic [1:0]             s_axi_bresp,
  output logic                   s_axi_bvalid,
  input  logic                   s_axi_bready,
  input  logic [HostIdW-1:0]     s_axi_arid,
  input  logic [HostAddrW-1:0]   s_axi_araddr,
  input  logic [7:0]             s_axi_arlen,
  input  logic [2:0]             s_axi_arsize,
  input  logic [1:0]             s_axi_arburst,
  input  logic                   s_axi_arvalid,
  output logic                   s_axi_arready,
  output logic [HostIdW-1:0]     s_axi_rid,
  output logic [HOST_W-1:0]      s_axi_rdata,
  output logic [1:0]             s_axi_rresp,
  output logic                   s_axi_rlast,
  output logic                   s_axi_rvalid,
  input  logic                   s_axi_rready,

  output logic                   irq_o
);

  logic [IdW-1:0]     m_axi_awid, m_axi_bid, m_axi_arid, m_axi_rid;
  logic [AddrW-1:0]   m_axi_awaddr, m_axi_araddr;
  logic [7:0]         m_axi_awlen, m_axi_arlen;
  logic [2:0]         m_axi_awsize, m_axi_arsize;
  logic [1:0]         m_axi_awburst, m_axi_arburst, m_axi_bresp, m_axi_rresp;
  logic               m_axi_awvalid, m_axi_awready, m_axi_wvalid, m_axi_wready, m_axi_bvalid, m_axi_bready;
  logic               m_axi_arvalid, m_axi_arready, m_axi_rvalid, m_axi_rready, m_axi_wlast, m_axi_rlast;
  logic [BUS_W-1:0]   m_axi_wdata, m_axi_rdata;
  logic [BUS_W/8-1:0] m_axi_wstrb;

  // verilator lint_off PINCONNECTEMPTY
  edge_qlora #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .SCRATCH_W   (SCRATCH_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .VECTOR_LANES(VECTOR_LANES),
    .HOST_W      (HOST_W),
    .HOST_ADDR_W (HostAddrW),
    .HOST_ID_W   (HostIdW),
    .ADDR_W      (AddrW),
    .ID_W        (IdW)
  ) u_edge_qlora (
    .m_axi_awlock (),
    .m_axi_awcache(),
    .m_axi_awprot (),
    .m_axi_awqos  (),
    .m_axi_arlock (),
    .m_axi_arcache(),
    .m_axi_arprot (),
    .m_axi_arqos  (),
    .*
  );

  axi_ddr3_memory #(
    .ADDR_W (AddrW),
    .DATA_W (BUS_W),
    .ID_W   (IdW),
    .INDEX_W(AddrW - $clog2(BUS_W / 8))
  ) u_memory (
    .clk_i,
    .rst_ni,
    .s_axi_awid   (m_axi_awid),
    .s_axi_awaddr (m_axi_awaddr),
    .s_axi_awlen  (m_axi_awlen),
    .s_axi_awsize (m_axi_awsize),
    .s_axi_awburst(m_axi_awburst),
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
    .s_axi_arsize (m_axi_arsize),
    .s_axi_arburst(m_axi_arburst),
    .s_axi_arvalid(m_axi_arvalid),
    .s_axi_arready(m_axi_arready),
    .s_axi_rid    (m_axi_rid),
    .s_axi_rdata  (m_axi_rdata),
    .s_axi_rresp  (m_axi_rresp),
    .s_axi_rlast  (m_axi_rlast),
    .s_axi_rvalid (m_axi_rvalid),
    .s_axi_rready (m_axi_rready),
    .act_o        (),
    .act_bank_o   (),
    .act_row_o    (),
    .pre_o        (),
    .pre_bank_o   (),
    .read_o       (),
    .write_o      (),
    .column_bank_o(),
    .column_row_o (),
    .refresh_o    ()
  );
  // verilator lint_on PINCONNECTEMPTY

endmodule : system
