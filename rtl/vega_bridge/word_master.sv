// SPDX-License-Identifier: Apache-2.0
//
// A 32-bit processor's data bus as an AXI4 master.
//
// Why: small processors (Ibex) have a bus of requests, grants and answers; the accelerator's socket is AXI4, twice as wide.
// A word at offset 4 travels on the upper lanes. One access at a time; a write is answered when its slave has answered.
// Latency: one cycle more than the slave's. Throughput: one access at a time.
//
// The AXI ports keep the names of the AXI specification.

module word_master #(
  // AXI: 64 data bits, any width of address from 32 and of identifier.
  parameter int ADDR_W = 64,
  parameter int DATA_W = 64,
  parameter int ID_W   = 12
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // A request stands until it is granted; its answer comes in a later cycle.
  input  logic        req_i,
  output logic        gnt_o,
  input  logic        we_i,
  input  logic [3:0]  be_i,
  input  logic [31:0] addr_i,
  input  logic [31:0] wdata_i,
  output logic        rvalid_o,
  output logic [31:0] rdata_o,
  output logic        err_o,

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

  if (DATA_W != 64) begin : g_check
    ERROR_word_master_DATA_W_must_be_64 error ();
  end

  localparam logic [2:0] WordSize = 3'd2;
  localparam logic [1:0] Incr = 2'b01;

  logic        busy_q, we_q, addr_sent_q, data_sent_q;
  logic [3:0]  be_q;
  logic [31:0] addr_q, wdata_q;

  assign gnt_o    = req_i && !busy_q;
  assign rvalid_o = busy_q && (we_q ? m_axi_bvalid : m_axi_rvalid);
  assign rdata_o  = addr_q[2] ? m_axi_rdata[63:32] : m_axi_rdata[31:0];
  assign err_o    = we_q ? m_axi_bresp[1] : m_axi_rresp[1];

  assign m_axi_awid    = '0;
  assign m_axi_awaddr  = ADDR_W'({addr_q[31:2], 2'b00});
  assign m_axi_awlen   = '0;
  assign m_axi_awsize  = WordSize;
  assign m_axi_awburst = Incr;
  assign m_axi_awvalid = busy_q && we_q && !addr_sent_q;
  assign m_axi_wdata   = {2{wdata_q}};
  assign m_axi_wstrb   = addr_q[2] ? {be_q, 4'd0} : {4'd0, be_q};
  assign m_axi_wlast   = 1'b1;
  assign m_axi_wvalid  = busy_q && we_q && !data_sent_q;
  assign m_axi_bready  = 1'b1;
  assign m_axi_arid    = '0;
  assign m_axi_araddr  = m_axi_awaddr;
  assign m_axi_arlen   = '0;
  assign m_axi_arsize  = WordSize;
  assign m_axi_arburst = Incr;
  assign m_axi_arvalid = busy_q && !we_q && !addr_sent_q;
  assign m_axi_rready  = 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (!busy_q) begin
      busy_q <= req_i;
    end else begin
      busy_q <= !rvalid_o;
    end
    if (!busy_q) begin
      addr_sent_q <= 1'b0;
      data_sent_q <= 1'b0;
      we_q        <= we_i;
      be_q        <= be_i;
      addr_q      <= addr_i;
      wdata_q     <= wdata_i;
    end else begin
      if ((m_axi_awvalid && m_axi_awready) || (m_axi_arvalid && m_axi_arready)) addr_sent_q <= 1'b1;
      if (m_axi_wvalid && m_axi_wready) data_sent_q <= 1'b1;
    end
  end

  logic unused;
  assign unused = ^{addr_q[1:0], m_axi_bid, m_axi_rid, m_axi_rlast, m_axi_bresp[0], m_axi_rresp[0]};

endmodule : word_master
