// SPDX-License-Identifier: Apache-2.0
//
// One AXI4 master, two slaves: a window of addresses to slave 1, all else to slave 0.
//
// Why: the host has one port for the accelerator's registers and for memory. It is slow, so one burst per direction is
// under way at a time, which keeps answers in order without any bookkeeping.
// Latency: none. Throughput: one beat per cycle; the next burst begins the cycle after the last answer of the one before.
//
// The AXI ports keep the names of the AXI specification: of the slaves, addresses and write data are common, answers are
// slave number n's in bit or slice n.

module axi_split #(
  parameter int ADDR_W   = 64,
  parameter int DATA_W   = 64,
  parameter int ID_W     = 12,
  // The window is 2^WINDOW_W bytes at WINDOW, a multiple of its size; its address has 32 bits.
  parameter int WINDOW   = 32'h2004_0000,
  parameter int WINDOW_W = 13
) (
  input  logic clk_i,
  input  logic rst_ni,

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

  output logic [ID_W-1:0]     m_axi_awid,
  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic [1:0]          m_axi_awvalid,
  input  logic [1:0]          m_axi_awready,
  output logic [DATA_W-1:0]   m_axi_wdata,
  output logic [DATA_W/8-1:0] m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic [1:0]          m_axi_wvalid,
  input  logic [1:0]          m_axi_wready,
  input  logic [2*ID_W-1:0]   m_axi_bid,
  input  logic [3:0]          m_axi_bresp,
  input  logic [1:0]          m_axi_bvalid,
  output logic [1:0]          m_axi_bready,
  output logic [ID_W-1:0]     m_axi_arid,
  output logic [ADDR_W-1:0]   m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic [2:0]          m_axi_arsize,
  output logic [1:0]          m_axi_arburst,
  output logic [1:0]          m_axi_arvalid,
  input  logic [1:0]          m_axi_arready,
  input  logic [2*ID_W-1:0]   m_axi_rid,
  input  logic [2*DATA_W-1:0] m_axi_rdata,
  input  logic [3:0]          m_axi_rresp,
  input  logic [1:0]          m_axi_rlast,
  input  logic [1:0]          m_axi_rvalid,
  output logic [1:0]          m_axi_rready
);

  localparam logic [31:0] Window = WINDOW;

  // A burst under way, its slave, and whether its data are still to come: those behind them belong to the next burst.
  logic write_busy_q, write_data_q, write_to_q, write_to, read_busy_q, read_to_q, read_to;

  assign write_to = write_busy_q ? write_to_q : (s_axi_awaddr >> WINDOW_W) == ADDR_W'(Window >> WINDOW_W);
  assign read_to  = read_busy_q ? read_to_q : (s_axi_araddr >> WINDOW_W) == ADDR_W'(Window >> WINDOW_W);

  // Write data wait for their address.
  assign m_axi_awid    = s_axi_awid;
  assign m_axi_awaddr  = s_axi_awaddr;
  assign m_axi_awlen   = s_axi_awlen;
  assign m_axi_awsize  = s_axi_awsize;
  assign m_axi_awburst = s_axi_awburst;
  assign m_axi_awvalid = {2{s_axi_awvalid && !write_busy_q}} & {write_to, !write_to};
  assign s_axi_awready = m_axi_awready[write_to] && !write_busy_q;
  assign m_axi_wdata   = s_axi_wdata;
  assign m_axi_wstrb   = s_axi_wstrb;
  assign m_axi_wlast   = s_axi_wlast;
  assign m_axi_wvalid  = {2{s_axi_wvalid && write_data_q}} & {write_to, !write_to};
  assign s_axi_wready  = m_axi_wready[write_to] && write_data_q;
  assign s_axi_bid     = m_axi_bid[write_to*ID_W+:ID_W];
  assign s_axi_bresp   = m_axi_bresp[write_to*2+:2];
  assign s_axi_bvalid  = m_axi_bvalid[write_to] && write_busy_q;
  assign m_axi_bready  = {2{s_axi_bready && write_busy_q}} & {write_to, !write_to};

  assign m_axi_arid    = s_axi_arid;
  assign m_axi_araddr  = s_axi_araddr;
  assign m_axi_arlen   = s_axi_arlen;
  assign m_axi_arsize  = s_axi_arsize;
  assign m_axi_arburst = s_axi_arburst;
  assign m_axi_arvalid = {2{s_axi_arvalid && !read_busy_q}} & {read_to, !read_to};
  assign s_axi_arready = m_axi_arready[read_to] && !read_busy_q;
  assign s_axi_rid     = m_axi_rid[read_to*ID_W+:ID_W];
  assign s_axi_rdata   = m_axi_rdata[read_to*DATA_W+:DATA_W];
  assign s_axi_rresp   = m_axi_rresp[read_to*2+:2];
  assign s_axi_rlast   = m_axi_rlast[read_to];
  assign s_axi_rvalid  = m_axi_rvalid[read_to] && read_busy_q;
  assign m_axi_rready  = {2{s_axi_rready && read_busy_q}} & {read_to, !read_to};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_busy_q <= 1'b0;
      write_data_q <= 1'b0;
      read_busy_q  <= 1'b0;
    end else begin
      if (s_axi_awvalid && s_axi_awready) write_busy_q <= 1'b1;
      else if (s_axi_bvalid && s_axi_bready) write_busy_q <= 1'b0;
      if (s_axi_awvalid && s_axi_awready) write_data_q <= 1'b1;
      else if (s_axi_wvalid && s_axi_wready && s_axi_wlast) write_data_q <= 1'b0;
      if (s_axi_arvalid && s_axi_arready) read_busy_q <= 1'b1;
      else if (s_axi_rvalid && s_axi_rready && s_axi_rlast) read_busy_q <= 1'b0;
    end
    write_to_q <= write_to;
    read_to_q  <= read_to;
  end

endmodule : axi_split
