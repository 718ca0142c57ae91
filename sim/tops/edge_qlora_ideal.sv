// Copyright the Edge QLoRA contributors.
// SPDX-License-Identifier: Apache-2.0
//
// The whole accelerator on a memory that never makes the bus wait, for large jobs and for measuring utilisation.
//
// Why: a memory model in Python costs more simulation time than the accelerator itself. Here memory is filled from and
// written to files, whole, between jobs. Simulation only.

module edge_qlora_ideal #(
  // As in edge_qlora.
  parameter int COLUMNS      = 8,
  parameter int ACT_W        = 25,
  parameter int BUS_W        = 256,
  parameter int ACT_DEPTH    = 2048,
  parameter int MAX_ROWS     = 64,
  parameter int NESTED_DEPTH = 4096,
  parameter int HOST_W       = 64,
  parameter int HOST_ADDR_W  = 64,
  parameter int HOST_ID_W    = 12,
  parameter int ADDR_W       = 40,
  parameter int ID_W         = 4,
  // Size of the memory in beats, a power of two.
  parameter int BEATS        = 1 << 19
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Latency of the memory in cycles.
  input  logic [15:0]            latency_i,
  // One cycle: read beats 0 to last_beat_i from memory.hex, or write them to result.hex.
  input  logic                   load_i,
  input  logic                   dump_i,
  input  logic [31:0]            last_beat_i,

  // Host.
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
  output logic                   irq_o
);

  logic [ID_W-1:0]     m_axi_awid;
  logic [ADDR_W-1:0]   m_axi_awaddr;
  logic [7:0]          m_axi_awlen;
  logic [2:0]          m_axi_awsize;
  logic [1:0]          m_axi_awburst;
  logic                m_axi_awlock;
  logic [3:0]          m_axi_awcache;
  logic [2:0]          m_axi_awprot;
  logic [3:0]          m_axi_awqos;
  logic                m_axi_awvalid;
  logic                m_axi_awready;
  logic [BUS_W-1:0]    m_axi_wdata;
  logic [BUS_W/8-1:0]  m_axi_wstrb;
  logic                m_axi_wlast;
  logic                m_axi_wvalid;
  logic                m_axi_wready;
  logic [ID_W-1:0]     m_axi_bid;
  logic [1:0]          m_axi_bresp;
  logic                m_axi_bvalid;
  logic                m_axi_bready;
  logic [ID_W-1:0]     m_axi_arid;
  logic [ADDR_W-1:0]   m_axi_araddr;
  logic [7:0]          m_axi_arlen;
  logic [2:0]          m_axi_arsize;
  logic [1:0]          m_axi_arburst;
  logic                m_axi_arlock;
  logic [3:0]          m_axi_arcache;
  logic [2:0]          m_axi_arprot;
  logic [3:0]          m_axi_arqos;
  logic                m_axi_arvalid;
  logic                m_axi_arready;
  logic [ID_W-1:0]     m_axi_rid;
  logic [BUS_W-1:0]    m_axi_rdata;
  logic [1:0]          m_axi_rresp;
  logic                m_axi_rlast;
  logic                m_axi_rvalid;
  logic                m_axi_rready;
  // verilator lint_off UNUSEDSIGNAL
  logic unused; // the memory knows one kind of burst only
  // verilator lint_on UNUSEDSIGNAL

  assign unused = ^{m_axi_awsize, m_axi_awburst, m_axi_awlock, m_axi_awcache, m_axi_awprot, m_axi_awqos,
                    m_axi_arsize, m_axi_arburst, m_axi_arlock, m_axi_arcache, m_axi_arprot, m_axi_arqos};

  edge_qlora #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .ACT_DEPTH   (ACT_DEPTH),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .HOST_W      (HOST_W),
    .HOST_ADDR_W (HOST_ADDR_W),
    .HOST_ID_W   (HOST_ID_W),
    .ADDR_W      (ADDR_W),
    .ID_W        (ID_W)
  ) u_dut (
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
    .m_axi_bready,
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
    .m_axi_rready,
    .irq_o
  );

  axi_ideal_memory #(
    .ADDR_W(ADDR_W),
    .DATA_W(BUS_W),
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

  always_ff @(posedge clk_i) begin
    if (load_i) $readmemh("memory.hex", u_memory.mem, 0, last_beat_i);
    if (dump_i) $writememh("result.hex", u_memory.mem, 0, last_beat_i);
  end

endmodule : edge_qlora_ideal
