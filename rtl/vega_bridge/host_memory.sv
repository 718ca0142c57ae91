// SPDX-License-Identifier: Apache-2.0
//
// The host's way to memory: AXI4 bursts of a narrow host to single beats of the wide memory bus.
//
// Why: the host writes images and lists and reads results; it is slow beside the memory, so it needs all of AXI4 (bursts
// of caches, single bytes) rather than speed. axi_slave takes the bursts apart into words of 32 bits; each becomes one
// beat with its strobes. An answer to the host means that the memory has answered: what comes after it finds the data.
// Latency: that of axi_slave with the memory's. Throughput: one word at a time.
//
// The AXI ports keep the names of the AXI specification. Of the memory's channels those are left out that never change:
// identifier, size (the whole bus), burst type (INCR).

module host_memory #(
  // Host.
  parameter int HOST_W      = 64,
  parameter int HOST_ADDR_W = 64,
  parameter int HOST_ID_W   = 12,
  // Memory.
  parameter int ADDR_W      = 40,
  parameter int DATA_W      = 256,
  // The memory is 2^MEMORY_W bytes at MEMORY, a multiple of its size, in 32 bits; other addresses are answered with
  // SLVERR. The memory bus gets the address as it is, so host and accelerator mean the same byte by it.
  parameter int MEMORY      = 32'h8000_0000,
  parameter int MEMORY_W    = 30
) (
  input  logic clk_i,
  input  logic rst_ni,

  input  logic [HOST_ID_W-1:0]   s_axi_awid,
  input  logic [HOST_ADDR_W-1:0] s_axi_awaddr,
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
  output logic [HOST_ID_W-1:0]   s_axi_bid,
  output logic [1:0]             s_axi_bresp,
  output logic                   s_axi_bvalid,
  input  logic                   s_axi_bready,
  input  logic [HOST_ID_W-1:0]   s_axi_arid,
  input  logic [HOST_ADDR_W-1:0] s_axi_araddr,
  input  logic [7:0]             s_axi_arlen,
  input  logic [2:0]             s_axi_arsize,
  input  logic [1:0]             s_axi_arburst,
  input  logic                   s_axi_arvalid,
  output logic                   s_axi_arready,
  output logic [HOST_ID_W-1:0]   s_axi_rid,
  output logic [HOST_W-1:0]      s_axi_rdata,
  output logic [1:0]             s_axi_rresp,
  output logic                   s_axi_rlast,
  output logic                   s_axi_rvalid,
  input  logic                   s_axi_rready,

  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [DATA_W-1:0]   m_axi_wdata,
  output logic [DATA_W/8-1:0] m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready,
  output logic [ADDR_W-1:0]   m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [DATA_W-1:0]   m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready
);

  localparam int WordW = $clog2(DATA_W / 32);
  localparam logic [31:0] Memory = MEMORY;

  if (DATA_W < 64) begin : g_check_data
    ERROR_host_memory_DATA_W_must_be_at_least_64 error ();
  end

  logic                   word_valid, word_ready, word_write, outside, answered;
  logic [HOST_ADDR_W-1:0] word_addr;
  logic [31:0]            word_wdata;
  logic [3:0]             word_wstrb;
  logic [WordW-1:0]       lane;
  logic                   addr_sent_q, data_sent_q;

  axi_slave #(
    .DATA_W    (HOST_W),
    .ADDR_W    (HOST_ADDR_W),
    .ID_W      (HOST_ID_W),
    .REG_ADDR_W(HOST_ADDR_W)
  ) u_slave (
    .clk_i,
    .rst_ni,
    .s_axi_awid,
    .s_axi_awaddr,
    .s_axi_awlen,
    .s_axi_awsize,
    .s_axi_awburst,
    .s_axi_awvalid,
    .s_axi_awready,
    .s_axi_wdata,
    .s_axi_wstrb,
    .s_axi_wlast,
    .s_axi_wvalid,
    .s_axi_wready,
    .s_axi_bid,
    .s_axi_bresp,
    .s_axi_bvalid,
    .s_axi_bready,
    .s_axi_arid,
    .s_axi_araddr,
    .s_axi_arlen,
    .s_axi_arsize,
    .s_axi_arburst,
    .s_axi_arvalid,
    .s_axi_arready,
    .s_axi_rid,
    .s_axi_rdata,
    .s_axi_rresp,
    .s_axi_rlast,
    .s_axi_rvalid,
    .s_axi_rready,
    .reg_valid_o(word_valid),
    .reg_ready_i(word_ready),
    .reg_write_o(word_write),
    .reg_addr_o (word_addr),
    .reg_wdata_o(word_wdata),
    .reg_wstrb_o(word_wstrb),
    .reg_rdata_i(outside ? 32'd0 : m_axi_rdata[lane*32+:32]),
    .reg_error_i(outside || (word_write ? m_axi_bresp[1] : m_axi_rresp[1]))
  );

  assign outside    = (word_addr >> MEMORY_W) != HOST_ADDR_W'(Memory >> MEMORY_W);
  assign answered   = word_write ? m_axi_bvalid : m_axi_rvalid;
  assign word_ready = outside || answered;
  assign lane       = word_addr[2+:WordW];

  assign m_axi_awaddr  = ADDR_W'(word_addr >> (WordW + 2)) << (WordW + 2);
  assign m_axi_awlen   = '0;
  assign m_axi_awvalid = word_valid && word_write && !outside && !addr_sent_q;
  assign m_axi_wdata   = {(DATA_W / 32){word_wdata}};
  assign m_axi_wstrb   = (DATA_W / 8)'(word_wstrb) << {lane, 2'b00};
  assign m_axi_wlast   = 1'b1;
  assign m_axi_wvalid  = word_valid && word_write && !outside && !data_sent_q;
  assign m_axi_bready  = 1'b1;
  assign m_axi_araddr  = m_axi_awaddr;
  assign m_axi_arlen   = '0;
  assign m_axi_arvalid = word_valid && !word_write && !outside && !addr_sent_q;
  assign m_axi_rready  = 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || answered) begin
      addr_sent_q <= 1'b0;
      data_sent_q <= 1'b0;
    end else begin
      if ((m_axi_awvalid && m_axi_awready) || (m_axi_arvalid && m_axi_arready)) addr_sent_q <= 1'b1;
      if (m_axi_wvalid && m_axi_wready) data_sent_q <= 1'b1;
    end
  end

  logic unused;
  assign unused = ^{word_addr[1:0], m_axi_rlast, m_axi_bresp[0], m_axi_rresp[0]};

endmodule : host_memory
