// SPDX-License-Identifier: Apache-2.0
//
// AXI4 from the clock of its master to the clock of its slave.
//
// Why: the host runs at its own clock, the accelerator at the memory's. Each channel is a stream of its own, so a FIFO
// each is all that it takes; nothing relates channels to one another but what master and slave do.
// Latency and throughput: those of async_fifo, in each direction. Resets: as in async_fifo.
//
// The AXI ports keep the names of the AXI specification. Hints (lock, cache, prot, qos) do not cross: nobody behind it
// looks at them.

module axi_crossing #(
  parameter int ADDR_W  = 64,
  parameter int DATA_W  = 64,
  parameter int ID_W    = 12,
  // Each channel holds 2^DEPTH_W transfers.
  parameter int DEPTH_W = 3
) (
  // The master's clock, and its channels.
  input  logic s_clk_i,
  input  logic s_rst_ni,
  input  logic [ID_W-1:0]     s_axi_awid,
  input  logic [ADDR_W-1:0]   s_axi_awaddr,
  input  logic [7:0]          s_axi_awlen,
  input  logic [2:0]          s_axi_awsize,
  input  logic [1:0]          s_axi_awburst,
  input  logic                s_axi_awvalid,
  output logic                s_axi_awready,
  input  logic [DATA_W-1:0]   s_axi_wdata,
  input  logic [DATA_W/8-1:0] s_axi_wstrb,
  input  logic                s_axi_wlast,
  input  logic                s_axi_wvalid,
  output logic                s_axi_wready,
  output logic [ID_W-1:0]     s_axi_bid,
  output logic [1:0]          s_axi_bresp,
  output logic                s_axi_bvalid,
  input  logic                s_axi_bready,
  input  logic [ID_W-1:0]     s_axi_arid,
  input  logic [ADDR_W-1:0]   s_axi_araddr,
  input  logic [7:0]          s_axi_arlen,
  input  logic [2:0]          s_axi_arsize,
  input  logic [1:0]          s_axi_arburst,
  input  logic                s_axi_arvalid,
  output logic                s_axi_arready,
  output logic [ID_W-1:0]     s_axi_rid,
  output logic [DATA_W-1:0]   s_axi_rdata,
  output logic [1:0]          s_axi_rresp,
  output logic                s_axi_rlast,
  output logic                s_axi_rvalid,
  input  logic                s_axi_rready,

  // The slave's.
  input  logic m_clk_i,
  input  logic m_rst_ni,
  output logic [ID_W-1:0]     m_axi_awid,
  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
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
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [ID_W-1:0]     m_axi_rid,
  input  logic [DATA_W-1:0]   m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready
);

  localparam int AddrW = ID_W + ADDR_W + 8 + 3 + 2;
  localparam int DataW = DATA_W + DATA_W / 8 + 1;
  localparam int RespW = ID_W + 2;
  localparam int ReadW = ID_W + DATA_W + 2 + 1;

  async_fifo #(
    .WIDTH  (AddrW),
    .DEPTH_W(DEPTH_W)
  ) u_aw (
    .in_clk_i   (s_clk_i),
    .in_rst_ni  (s_rst_ni),
    .in_valid_i (s_axi_awvalid),
    .in_ready_o (s_axi_awready),
    .in_data_i  ({s_axi_awid, s_axi_awaddr, s_axi_awlen, s_axi_awsize, s_axi_awburst}),
    .out_clk_i  (m_clk_i),
    .out_rst_ni (m_rst_ni),
    .out_valid_o(m_axi_awvalid),
    .out_ready_i(m_axi_awready),
    .out_data_o ({m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst})
  );

  async_fifo #(
    .WIDTH  (DataW),
    .DEPTH_W(DEPTH_W)
  ) u_w (
    .in_clk_i   (s_clk_i),
    .in_rst_ni  (s_rst_ni),
    .in_valid_i (s_axi_wvalid),
    .in_ready_o (s_axi_wready),
    .in_data_i  ({s_axi_wdata, s_axi_wstrb, s_axi_wlast}),
    .out_clk_i  (m_clk_i),
    .out_rst_ni (m_rst_ni),
    .out_valid_o(m_axi_wvalid),
    .out_ready_i(m_axi_wready),
    .out_data_o ({m_axi_wdata, m_axi_wstrb, m_axi_wlast})
  );

  async_fifo #(
    .WIDTH  (RespW),
    .DEPTH_W(DEPTH_W)
  ) u_b (
    .in_clk_i   (m_clk_i),
    .in_rst_ni  (m_rst_ni),
    .in_valid_i (m_axi_bvalid),
    .in_ready_o (m_axi_bready),
    .in_data_i  ({m_axi_bid, m_axi_bresp}),
    .out_clk_i  (s_clk_i),
    .out_rst_ni (s_rst_ni),
    .out_valid_o(s_axi_bvalid),
    .out_ready_i(s_axi_bready),
    .out_data_o ({s_axi_bid, s_axi_bresp})
  );

  async_fifo #(
    .WIDTH  (AddrW),
    .DEPTH_W(DEPTH_W)
  ) u_ar (
    .in_clk_i   (s_clk_i),
    .in_rst_ni  (s_rst_ni),
    .in_valid_i (s_axi_arvalid),
    .in_ready_o (s_axi_arready),
    .in_data_i  ({s_axi_arid, s_axi_araddr, s_axi_arlen, s_axi_arsize, s_axi_arburst}),
    .out_clk_i  (m_clk_i),
    .out_rst_ni (m_rst_ni),
    .out_valid_o(m_axi_arvalid),
    .out_ready_i(m_axi_arready),
    .out_data_o ({m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst})
  );

  async_fifo #(
    .WIDTH  (ReadW),
    .DEPTH_W(DEPTH_W)
  ) u_r (
    .in_clk_i   (m_clk_i),
    .in_rst_ni  (m_rst_ni),
    .in_valid_i (m_axi_rvalid),
    .in_ready_o (m_axi_rready),
    .in_data_i  ({m_axi_rid, m_axi_rdata, m_axi_rresp, m_axi_rlast}),
    .out_clk_i  (s_clk_i),
    .out_rst_ni (s_rst_ni),
    .out_valid_o(s_axi_rvalid),
    .out_ready_i(s_axi_rready),
    .out_data_o ({s_axi_rid, s_axi_rdata, s_axi_rresp, s_axi_rlast})
  );

endmodule : axi_crossing
