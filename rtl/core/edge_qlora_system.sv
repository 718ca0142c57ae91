// SPDX-License-Identifier: Apache-2.0
//
// The accelerator of two pipelines as a board takes it: host at its own clock on one side, one memory port on the other.
//
// Why: what is the same on every board and with every host is here, free of vendor's cells; boards add clocks, resets, pins,
// the memory's controller and the host. The host reaches the registers of both cores and the memory through one port;
// its accesses to memory take turns with the accelerator's bursts.
// Latency and throughput: see host_bridge, edge_qlora_pair and axi_join.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind s_axi_ and m_axi_.

module edge_qlora_system #(
  // See edge_qlora_pair.
  parameter int INFER_COLUMNS   = 4,
  parameter int INFER_SCRATCH_W = 12,
  parameter int INFER_MAX_ROWS  = 8,
  parameter int TUNE_COLUMNS    = 8,
  parameter int TUNE_SCRATCH_W  = 13,
  parameter int TUNE_MAX_ROWS   = 64,
  parameter int ACT_W           = 25,
  parameter int BUS_W           = 256,
  parameter int NESTED_DEPTH    = 4096,
  parameter int FIFO_BEATS      = 512,
  parameter int HOST_W          = 64,
  parameter int HOST_ADDR_W     = 64,
  parameter int HOST_ID_W       = 12,
  parameter int ADDR_W          = 40,
  parameter int ID_W            = 4,
  parameter int VECTOR_LANES    = 4,
  // The host's addresses of the registers, 8 KB, and of the memory, 2^MEMORY_W bytes; see host_bridge.
  parameter int WINDOW          = 32'h2004_0000,
  parameter int MEMORY          = 32'h8000_0000,
  parameter int MEMORY_W        = 30
) (
  // Host: clock, synchronous reset, active low; both resets must be on at the same time for a few cycles of both clocks.
  input  logic host_clk_i,
  input  logic host_rst_ni,
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
  // Level interrupts of core 0 and core 1, active high, at the host's clock.
  output logic [1:0] irq_o,

  // Accelerator and memory.
  input  logic clk_i,
  input  logic rst_ni,
  output logic [ID_W+1:0]    m_axi_awid,
  output logic [ADDR_W-1:0]  m_axi_awaddr,
  output logic [7:0]         m_axi_awlen,
  output logic [2:0]         m_axi_awsize,
  output logic [1:0]         m_axi_awburst,
  output logic               m_axi_awvalid,
  input  logic               m_axi_awready,
  output logic [BUS_W-1:0]   m_axi_wdata,
  output logic [BUS_W/8-1:0] m_axi_wstrb,
  output logic               m_axi_wlast,
  output logic               m_axi_wvalid,
  input  logic               m_axi_wready,
  input  logic [ID_W+1:0]    m_axi_bid,
  input  logic [1:0]         m_axi_bresp,
  input  logic               m_axi_bvalid,
  output logic               m_axi_bready,
  output logic [ID_W+1:0]    m_axi_arid,
  output logic [ADDR_W-1:0]  m_axi_araddr,
  output logic [7:0]         m_axi_arlen,
  output logic [2:0]         m_axi_arsize,
  output logic [1:0]         m_axi_arburst,
  output logic               m_axi_arvalid,
  input  logic               m_axi_arready,
  input  logic [ID_W+1:0]    m_axi_rid,
  input  logic [BUS_W-1:0]   m_axi_rdata,
  input  logic [1:0]         m_axi_rresp,
  input  logic               m_axi_rlast,
  input  logic               m_axi_rvalid,
  output logic               m_axi_rready,
  output logic       m_axi_awlock,
  output logic [3:0] m_axi_awcache,
  output logic [2:0] m_axi_awprot,
  output logic [3:0] m_axi_awqos,
  output logic       m_axi_arlock,
  output logic [3:0] m_axi_arcache,
  output logic [2:0] m_axi_arprot,
  output logic [3:0] m_axi_arqos
);

  localparam int WindowW = registers_pkg::WindowBits + 1;

  // Registers.
  logic [HOST_ID_W-1:0] window_awid, window_bid, window_arid, window_rid;
  logic [HOST_ADDR_W-1:0] window_awaddr, window_araddr;
  logic [7:0] window_awlen, window_arlen;
  logic [2:0] window_awsize, window_arsize;
  logic [1:0] window_awburst, window_bresp, window_arburst, window_rresp;
  logic window_awvalid, window_awready, window_wlast, window_wvalid, window_wready, window_bvalid, window_bready,
      window_arvalid, window_arready, window_rlast, window_rvalid, window_rready;
  logic [HOST_W-1:0] window_wdata, window_rdata;
  logic [HOST_W/8-1:0] window_wstrb;
  // Accelerator and host at the joint; answers are common to both.
  logic [ID_W:0] pair_awid, pair_arid;
  logic [ADDR_W-1:0] pair_awaddr, pair_araddr;
  logic [7:0] pair_awlen, pair_arlen;
  logic pair_awvalid, pair_awready, pair_wlast, pair_wvalid, pair_wready, pair_bvalid, pair_bready, pair_arvalid,
      pair_arready, pair_rvalid, pair_rready;
  logic [BUS_W-1:0] pair_wdata;
  logic [BUS_W/8-1:0] pair_wstrb;
  logic [ADDR_W-1:0] host_awaddr, host_araddr;
  logic [7:0] host_awlen, host_arlen;
  logic host_awvalid, host_awready, host_wlast, host_wvalid, host_wready, host_bvalid, host_bready, host_arvalid,
      host_arready, host_rvalid, host_rready;
  logic [BUS_W-1:0] host_wdata;
  logic [BUS_W/8-1:0] host_wstrb;
  logic [ID_W:0]    answer_bid, answer_rid;
  logic [1:0]       answer_bresp, answer_rresp, irq;
  logic [BUS_W-1:0] answer_rdata;
  logic             answer_rlast;

  host_bridge #(
    .HOST_W     (HOST_W),
    .HOST_ADDR_W(HOST_ADDR_W),
    .HOST_ID_W  (HOST_ID_W),
    .ADDR_W     (ADDR_W),
    .DATA_W     (BUS_W),
    .WINDOW     (WINDOW),
    .WINDOW_W   (WindowW),
    .MEMORY     (MEMORY),
    .MEMORY_W   (MEMORY_W)
  ) u_host (
    .host_clk_i,
    .host_rst_ni,
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
    .clk_i,
    .rst_ni,
    .window_axi_awid   (window_awid),
    .window_axi_awaddr (window_awaddr),
    .window_axi_awlen  (window_awlen),
    .window_axi_awsize (window_awsize),
    .window_axi_awburst(window_awburst),
    .window_axi_awvalid(window_awvalid),
    .window_axi_awready(window_awready),
    .window_axi_wdata  (window_wdata),
    .window_axi_wstrb  (window_wstrb),
    .window_axi_wlast  (window_wlast),
    .window_axi_wvalid (window_wvalid),
    .window_axi_wready (window_wready),
    .window_axi_bid    (window_bid),
    .window_axi_bresp  (window_bresp),
    .window_axi_bvalid (window_bvalid),
    .window_axi_bready (window_bready),
    .window_axi_arid   (window_arid),
    .window_axi_araddr (window_araddr),
    .window_axi_arlen  (window_arlen),
    .window_axi_arsize (window_arsize),
    .window_axi_arburst(window_arburst),
    .window_axi_arvalid(window_arvalid),
    .window_axi_arready(window_arready),
    .window_axi_rid    (window_rid),
    .window_axi_rdata  (window_rdata),
    .window_axi_rresp  (window_rresp),
    .window_axi_rlast  (window_rlast),
    .window_axi_rvalid (window_rvalid),
    .window_axi_rready (window_rready),
    .m_axi_awaddr (host_awaddr),
    .m_axi_awlen  (host_awlen),
    .m_axi_awvalid(host_awvalid),
    .m_axi_awready(host_awready),
    .m_axi_wdata  (host_wdata),
    .m_axi_wstrb  (host_wstrb),
    .m_axi_wlast  (host_wlast),
    .m_axi_wvalid (host_wvalid),
    .m_axi_wready (host_wready),
    .m_axi_bresp  (answer_bresp),
    .m_axi_bvalid (host_bvalid),
    .m_axi_bready (host_bready),
    .m_axi_araddr (host_araddr),
    .m_axi_arlen  (host_arlen),
    .m_axi_arvalid(host_arvalid),
    .m_axi_arready(host_arready),
    .m_axi_rdata  (answer_rdata),
    .m_axi_rresp  (answer_rresp),
    .m_axi_rlast  (answer_rlast),
    .m_axi_rvalid (host_rvalid),
    .m_axi_rready (host_rready)
  );

  edge_qlora_pair #(
    .INFER_COLUMNS  (INFER_COLUMNS),
    .INFER_SCRATCH_W(INFER_SCRATCH_W),
    .INFER_MAX_ROWS (INFER_MAX_ROWS),
    .TUNE_COLUMNS   (TUNE_COLUMNS),
    .TUNE_SCRATCH_W (TUNE_SCRATCH_W),
    .TUNE_MAX_ROWS  (TUNE_MAX_ROWS),
    .ACT_W          (ACT_W),
    .BUS_W          (BUS_W),
    .NESTED_DEPTH   (NESTED_DEPTH),
    .FIFO_BEATS     (FIFO_BEATS),
    .HOST_W         (HOST_W),
    .HOST_ADDR_W    (HOST_ADDR_W),
    .HOST_ID_W      (HOST_ID_W),
    .ADDR_W         (ADDR_W),
    .ID_W           (ID_W),
    .VECTOR_LANES   (VECTOR_LANES)
  ) u_pair (
    .clk_i,
    .rst_ni,
    .s_axi_awid   (window_awid),
    .s_axi_awaddr (window_awaddr),
    .s_axi_awlen  (window_awlen),
    .s_axi_awsize (window_awsize),
    .s_axi_awburst(window_awburst),
    .s_axi_awvalid(window_awvalid),
    .s_axi_awready(window_awready),
    .s_axi_wdata  (window_wdata),
    .s_axi_wstrb  (window_wstrb),
    .s_axi_wlast  (window_wlast),
    .s_axi_wvalid (window_wvalid),
    .s_axi_wready (window_wready),
    .s_axi_bid    (window_bid),
    .s_axi_bresp  (window_bresp),
    .s_axi_bvalid (window_bvalid),
    .s_axi_bready (window_bready),
    .s_axi_arid   (window_arid),
    .s_axi_araddr (window_araddr),
    .s_axi_arlen  (window_arlen),
    .s_axi_arsize (window_arsize),
    .s_axi_arburst(window_arburst),
    .s_axi_arvalid(window_arvalid),
    .s_axi_arready(window_arready),
    .s_axi_rid    (window_rid),
    .s_axi_rdata  (window_rdata),
    .s_axi_rresp  (window_rresp),
    .s_axi_rlast  (window_rlast),
    .s_axi_rvalid (window_rvalid),
    .s_axi_rready (window_rready),
    .m_axi_awid   (pair_awid),
    .m_axi_awaddr (pair_awaddr),
    .m_axi_awlen  (pair_awlen),
    .m_axi_awsize (m_axi_awsize),
    .m_axi_awburst(m_axi_awburst),
    .m_axi_awvalid(pair_awvalid),
    .m_axi_awready(pair_awready),
    .m_axi_wdata  (pair_wdata),
    .m_axi_wstrb  (pair_wstrb),
    .m_axi_wlast  (pair_wlast),
    .m_axi_wvalid (pair_wvalid),
    .m_axi_wready (pair_wready),
    .m_axi_bid    (answer_bid),
    .m_axi_bresp  (answer_bresp),
    .m_axi_bvalid (pair_bvalid),
    .m_axi_bready (pair_bready),
    .m_axi_arid   (pair_arid),
    .m_axi_araddr (pair_araddr),
    .m_axi_arlen  (pair_arlen),
    .m_axi_arsize (m_axi_arsize),
    .m_axi_arburst(m_axi_arburst),
    .m_axi_arvalid(pair_arvalid),
    .m_axi_arready(pair_arready),
    .m_axi_rid    (answer_rid),
    .m_axi_rdata  (answer_rdata),
    .m_axi_rresp  (answer_rresp),
    .m_axi_rlast  (answer_rlast),
    .m_axi_rvalid (pair_rvalid),
    .m_axi_rready (pair_rready),
    .m_axi_awlock,
    .m_axi_awcache,
    .m_axi_awprot,
    .m_axi_awqos,
    .m_axi_arlock,
    .m_axi_arcache,
    .m_axi_arprot,
    .m_axi_arqos,
    .irq_o        (irq)
  );

  // The host's beats are bursts of one, of the size and kind of the accelerator's.
  axi_join #(
    .ADDR_W(ADDR_W),
    .DATA_W(BUS_W),
    .ID_W  (ID_W + 1)
  ) u_join (
    .clk_i,
    .rst_ni,
    .s_axi_awid   ({(ID_W + 1)'(0), pair_awid}),
    .s_axi_awaddr ({host_awaddr, pair_awaddr}),
    .s_axi_awlen  ({host_awlen, pair_awlen}),
    .s_axi_awvalid({host_awvalid, pair_awvalid}),
    .s_axi_awready({host_awready, pair_awready}),
    .s_axi_wdata  ({host_wdata, pair_wdata}),
    .s_axi_wstrb  ({host_wstrb, pair_wstrb}),
    .s_axi_wlast  ({host_wlast, pair_wlast}),
    .s_axi_wvalid ({host_wvalid, pair_wvalid}),
    .s_axi_wready ({host_wready, pair_wready}),
    .s_axi_bid    (answer_bid),
    .s_axi_bresp  (answer_bresp),
    .s_axi_bvalid ({host_bvalid, pair_bvalid}),
    .s_axi_bready ({host_bready, pair_bready}),
    .s_axi_arid   ({(ID_W + 1)'(0), pair_arid}),
    .s_axi_araddr ({host_araddr, pair_araddr}),
    .s_axi_arlen  ({host_arlen, pair_arlen}),
    .s_axi_arvalid({host_arvalid, pair_arvalid}),
    .s_axi_arready({host_arready, pair_arready}),
    .s_axi_rid    (answer_rid),
    .s_axi_rdata  (answer_rdata),
    .s_axi_rresp  (answer_rresp),
    .s_axi_rlast  (answer_rlast),
    .s_axi_rvalid ({host_rvalid, pair_rvalid}),
    .s_axi_rready ({host_rready, pair_rready}),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
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
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  // The line is logic of several bits and goes across from a flip-flop. A host that clears an event sees it fall before the
  // answer to its write, which takes a cycle more to cross.
  logic [1:0] irq_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) irq_q <= '0;
    else irq_q <= irq;
  end

  sync_bits #(
    .WIDTH(2)
  ) u_irq (
    .clk_i  (host_clk_i),
    .rst_ni (host_rst_ni),
    .async_i(irq_q),
    .sync_o (irq_o)
  );

endmodule : edge_qlora_system
