// SPDX-License-Identifier: Apache-2.0
//
// AXI4 master of single 32-bit accesses on a bus of any width.
//
// Why: a slow host link needs no bursts, and words of 32 bits reach registers and wide memory alike. An access happens in
// the cycle in which req_valid_i and req_ready_o are both high, with its answer; until then the request is stable.
// Latency: one cycle to the address; the answer comes with the slave's. Throughput: one access at a time.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_.

module axi_word_master #(
  // Width of the data bus in bits: 32, 64, 128, 256 or 512.
  parameter int DATA_W = 128,
  // Width of a byte address, at least 32.
  parameter int ADDR_W = 40,
  // Width of the identifier, which is zero.
  parameter int ID_W   = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                req_valid_i,
  output logic                req_ready_o,
  input  logic                req_write_i,
  // A multiple of 4.
  input  logic [31:0]         req_addr_i,
  input  logic [31:0]         req_wdata_i,
  output logic [31:0]         req_rdata_o,
  // RRESP or BRESP.
  output logic [1:0]          req_resp_o,

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

  if (DATA_W != 32 && DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_check_data
    ERROR_axi_word_master_DATA_W_must_be_32_64_128_256_or_512 error ();
  end
  if (ADDR_W < 32) begin : g_check_address
    ERROR_axi_word_master_ADDR_W_must_be_at_least_32 error ();
  end

  localparam int Words = DATA_W / 32;

  // An access is under way; what of it is still to be taken.
  logic open_q, awvalid_q, wvalid_q, arvalid_q, answered;
  // verilator lint_off UNUSEDSIGNAL
  logic unused; // one access is under way, of one beat
  // verilator lint_on UNUSEDSIGNAL

  assign unused   = ^{m_axi_bid, m_axi_rid, m_axi_rlast};
  assign answered = open_q && (m_axi_bvalid || m_axi_rvalid);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      open_q    <= 1'b0;
      awvalid_q <= 1'b0;
      wvalid_q  <= 1'b0;
      arvalid_q <= 1'b0;
    end else if (!open_q) begin
      open_q    <= req_valid_i;
      awvalid_q <= req_valid_i && req_write_i;
      wvalid_q  <= req_valid_i && req_write_i;
      arvalid_q <= req_valid_i && !req_write_i;
    end else begin
      open_q    <= !answered;
      awvalid_q <= awvalid_q && !m_axi_awready;
      wvalid_q  <= wvalid_q && !m_axi_wready;
      arvalid_q <= arvalid_q && !m_axi_arready;
    end
  end

  assign req_ready_o = answered;
  assign req_resp_o  = m_axi_bvalid ? m_axi_bresp : m_axi_rresp;

  if (Words == 1) begin : g_word
    assign m_axi_wstrb = '1;
    assign req_rdata_o = m_axi_rdata;
  end else begin : g_words
    logic [$clog2(Words)-1:0] lane;
    assign lane        = req_addr_i[2+:$clog2(Words)];
    assign m_axi_wstrb = (DATA_W / 8)'(15) << {lane, 2'd0};
    assign req_rdata_o = m_axi_rdata[{lane, 5'd0}+:32];
  end

  assign m_axi_awid    = '0;
  assign m_axi_awaddr  = ADDR_W'(req_addr_i);
  assign m_axi_awlen   = 8'd0;
  assign m_axi_awsize  = 3'd2;
  assign m_axi_awburst = 2'b01;
  assign m_axi_awvalid = awvalid_q;
  assign m_axi_wdata   = {Words{req_wdata_i}};
  assign m_axi_wlast   = 1'b1;
  assign m_axi_wvalid  = wvalid_q;
  assign m_axi_bready  = open_q;
  assign m_axi_arid    = '0;
  assign m_axi_araddr  = ADDR_W'(req_addr_i);
  assign m_axi_arlen   = 8'd0;
  assign m_axi_arsize  = 3'd2;
  assign m_axi_arburst = 2'b01;
  assign m_axi_arvalid = arvalid_q;
  assign m_axi_rready  = open_q;

`ifdef FORMAL
  // What the slave owes: addresses and data that were taken and not answered yet.
  logic f_past_valid = 1'b0;
  logic f_read, f_address, f_data;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (!rst_ni) begin
      f_read    <= 1'b0;
      f_address <= 1'b0;
      f_data    <= 1'b0;
    end else begin
      f_read    <= (f_read || (m_axi_arvalid && m_axi_arready)) && !m_axi_rvalid;
      f_address <= (f_address || (m_axi_awvalid && m_axi_awready)) && !m_axi_bvalid;
      f_data    <= (f_data || (m_axi_wvalid && m_axi_wready)) && !m_axi_bvalid;
      // The slave answers what it has taken.
      if (m_axi_rvalid) assume (f_read);
      if (m_axi_bvalid) assume (f_address && f_data);
    end
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(req_valid_i && !req_ready_o)) begin
        assume (req_valid_i && $stable(req_write_i) && $stable(req_addr_i) && $stable(req_wdata_i));
      end
      if ($past(m_axi_awvalid && !m_axi_awready)) assert (m_axi_awvalid && $stable(m_axi_awaddr));
      if ($past(m_axi_wvalid && !m_axi_wready)) begin
        assert (m_axi_wvalid && $stable(m_axi_wdata) && $stable(m_axi_wstrb));
      end
      if ($past(m_axi_arvalid && !m_axi_arready)) assert (m_axi_arvalid && $stable(m_axi_araddr));
      // An answer is taken at once, and by a request.
      if (m_axi_bvalid) assert (m_axi_bready && req_valid_i && req_write_i && req_ready_o);
      if (m_axi_rvalid) assert (m_axi_rready && req_valid_i && !req_write_i && req_ready_o);
    end
    if (f_past_valid && rst_ni) begin
      // Every access makes one address, and a write one beat of data.
      if (open_q) assert (req_valid_i);
      assert ((awvalid_q || f_address) == (open_q && req_write_i));
      assert ((wvalid_q || f_data) == (open_q && req_write_i));
      assert ((arvalid_q || f_read) == (open_q && !req_write_i));
      assert (!(awvalid_q && f_address) && !(wvalid_q && f_data) && !(arvalid_q && f_read));
      cover (req_ready_o && req_write_i && req_resp_o[1] && $past(req_ready_o && !req_write_i, 3));
    end
  end
`endif

endmodule : axi_word_master
