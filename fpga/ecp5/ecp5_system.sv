// SPDX-License-Identifier: Apache-2.0
//
// The accelerator with a memory of its own and a host behind a serial line.
//
// Why: all that a board without DRAM and without a processor needs, without anything that belongs to one FPGA, so that it
// is simulated as it is built. The accelerator and the link share the memory port. Memory begins at address 0 for both.

module ecp5_system #(
  // Of the accelerator, see edge_qlora.
  parameter int COLUMNS        = 2,
  parameter int ACT_W          = 18,
  parameter int BUS_W          = 128,
  parameter int SCRATCH_W      = 12,
  parameter int SCRATCH_BANKS  = 4,
  parameter int MAX_ROWS       = 32,
  parameter int NESTED_DEPTH   = 1024,
  parameter int FIFO_BEATS     = 512,
  parameter int VECTOR_LANES   = 4,
  parameter int BACKWARD       = 1,
  parameter int HOST_W         = 32,
  // Bytes of memory, a multiple of 4096.
  parameter int MEMORY_BYTES   = 1 << 17,
  // Of the link, see uart_axi.
  parameter int BIT_CLOCKS_X16 = 133,
  parameter int MAX_WORDS      = 1008,
  parameter int TIMEOUT        = 1 << 20,
  parameter int REGISTERS_BASE = 1 << 30
) (
  input  logic clk_i,
  // Synchronous, active low.
  input  logic rst_ni,

  // The line to the host.
  input  logic rx_i,
  output logic tx_o,

  // Level interrupt: a list has ended.
  output logic irq_o,
  // A frame is under way, or the accelerator is at the memory.
  output logic busy_o,
  // The last frame was damaged or its access failed.
  output logic error_o
);

  localparam int AddrW = 40;
  localparam int IdW   = 4;

  // Memory port of the accelerator (0) and of the link (1).
  logic [2*IdW-1:0]      awid, arid;
  logic [2*AddrW-1:0]    awaddr, araddr;
  logic [15:0]           awlen, arlen;
  logic [1:0]            awvalid, awready, wlast, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
  logic [2*BUS_W-1:0]    wdata;
  logic [2*BUS_W/8-1:0]  wstrb;
  logic [IdW-1:0]        bid, rid;
  logic [1:0]            bresp, rresp;
  logic [BUS_W-1:0]      rdata;
  logic                  rlast;

  // Memory.
  logic [IdW:0]          ram_awid, ram_bid, ram_arid, ram_rid;
  logic [AddrW-1:0]      ram_awaddr, ram_araddr;
  logic [7:0]            ram_awlen, ram_arlen;
  logic [BUS_W-1:0]      ram_wdata, ram_rdata;
  logic [BUS_W/8-1:0]    ram_wstrb;
  logic [1:0]            ram_bresp, ram_rresp;
  logic                  ram_awvalid, ram_awready, ram_wlast, ram_wvalid, ram_wready, ram_bvalid, ram_bready;
  logic                  ram_arvalid, ram_arready, ram_rlast, ram_rvalid, ram_rready;

  // The core's bursts, before a register: whose turn it is is known late.
  logic [IdW-1:0]        core_awid, core_arid;
  logic [AddrW-1:0]      core_awaddr, core_araddr;
  logic [7:0]            core_awlen, core_arlen;
  logic                  core_awvalid, core_awready, core_arvalid, core_arready;

  // Registers.
  logic                  host_awid, host_bid, host_arid, host_rid;
  logic [31:0]           host_awaddr, host_araddr;
  logic [7:0]            host_awlen, host_arlen;
  logic [2:0]            host_awsize, host_arsize;
  logic [1:0]            host_awburst, host_arburst, host_bresp, host_rresp;
  logic [HOST_W-1:0]     host_wdata, host_rdata;
  logic [HOST_W/8-1:0]   host_wstrb;
  logic                  host_awvalid, host_awready, host_wlast, host_wvalid, host_wready, host_bvalid, host_bready;
  logic                  host_arvalid, host_arready, host_rlast, host_rvalid, host_rready;

  logic                  link_busy;

  // verilator lint_off PINCONNECTEMPTY
  edge_qlora #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .SCRATCH_W   (SCRATCH_W),
    .SCRATCH_BANKS(SCRATCH_BANKS),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .FIFO_BEATS  (FIFO_BEATS),
    .VECTOR_LANES(VECTOR_LANES),
    .BACKWARD    (BACKWARD),
    .HOST_W      (HOST_W),
    .HOST_ADDR_W (32),
    .HOST_ID_W   (1),
    .ADDR_W      (AddrW),
    .ID_W        (IdW)
  ) u_edge_qlora (
    .clk_i,
    .rst_ni,
    .s_axi_awid   (host_awid),
    .s_axi_awaddr (host_awaddr),
    .s_axi_awlen  (host_awlen),
    .s_axi_awsize (host_awsize),
    .s_axi_awburst(host_awburst),
    .s_axi_awvalid(host_awvalid),
    .s_axi_awready(host_awready),
    .s_axi_wdata  (host_wdata),
    .s_axi_wstrb  (host_wstrb),
    .s_axi_wlast  (host_wlast),
    .s_axi_wvalid (host_wvalid),
    .s_axi_wready (host_wready),
    .s_axi_bid    (host_bid),
    .s_axi_bresp  (host_bresp),
    .s_axi_bvalid (host_bvalid),
    .s_axi_bready (host_bready),
    .s_axi_arid   (host_arid),
    .s_axi_araddr (host_araddr),
    .s_axi_arlen  (host_arlen),
    .s_axi_arsize (host_arsize),
    .s_axi_arburst(host_arburst),
    .s_axi_arvalid(host_arvalid),
    .s_axi_arready(host_arready),
    .s_axi_rid    (host_rid),
    .s_axi_rdata  (host_rdata),
    .s_axi_rresp  (host_rresp),
    .s_axi_rlast  (host_rlast),
    .s_axi_rvalid (host_rvalid),
    .s_axi_rready (host_rready),
    .m_axi_awid   (core_awid),
    .m_axi_awaddr (core_awaddr),
    .m_axi_awlen  (core_awlen),
    .m_axi_awsize (),
    .m_axi_awburst(),
    .m_axi_awlock (),
    .m_axi_awcache(),
    .m_axi_awprot (),
    .m_axi_awqos  (),
    .m_axi_awvalid(core_awvalid),
    .m_axi_awready(core_awready),
    .m_axi_wdata  (wdata[0+:BUS_W]),
    .m_axi_wstrb  (wstrb[0+:BUS_W/8]),
    .m_axi_wlast  (wlast[0]),
    .m_axi_wvalid (wvalid[0]),
    .m_axi_wready (wready[0]),
    .m_axi_bid    (bid),
    .m_axi_bresp  (bresp),
    .m_axi_bvalid (bvalid[0]),
    .m_axi_bready (bready[0]),
    .m_axi_arid   (core_arid),
    .m_axi_araddr (core_araddr),
    .m_axi_arlen  (core_arlen),
    .m_axi_arsize (),
    .m_axi_arburst(),
    .m_axi_arlock (),
    .m_axi_arcache(),
    .m_axi_arprot (),
    .m_axi_arqos  (),
    .m_axi_arvalid(core_arvalid),
    .m_axi_arready(core_arready),
    .m_axi_rid    (rid),
    .m_axi_rdata  (rdata),
    .m_axi_rresp  (rresp),
    .m_axi_rlast  (rlast),
    .m_axi_rvalid (rvalid[0]),
    .m_axi_rready (rready[0]),
    .irq_o
  );

  stream_register #(
    .WIDTH(IdW + AddrW + 8)
  ) u_writes (
    .clk_i,
    .rst_ni,
    .in_valid_i (core_awvalid),
    .in_ready_o (core_awready),
    .in_data_i  ({core_awid, core_awaddr, core_awlen}),
    .out_valid_o(awvalid[0]),
    .out_ready_i(awready[0]),
    .out_data_o ({awid[0+:IdW], awaddr[0+:AddrW], awlen[7:0]})
  );

  stream_register #(
    .WIDTH(IdW + AddrW + 8)
  ) u_reads (
    .clk_i,
    .rst_ni,
    .in_valid_i (core_arvalid),
    .in_ready_o (core_arready),
    .in_data_i  ({core_arid, core_araddr, core_arlen}),
    .out_valid_o(arvalid[0]),
    .out_ready_i(arready[0]),
    .out_data_o ({arid[0+:IdW], araddr[0+:AddrW], arlen[7:0]})
  );

  uart_axi #(
    .BIT_CLOCKS_X16(BIT_CLOCKS_X16),
    .MAX_WORDS     (MAX_WORDS),
    .TIMEOUT       (TIMEOUT),
    .DATA_W        (BUS_W),
    .ADDR_W        (AddrW),
    .ID_W          (IdW),
    .MEMORY_BYTES  (MEMORY_BYTES),
    .REGISTERS_W   (HOST_W),
    .REGISTERS_ID_W(1),
    .REGISTERS_BASE(REGISTERS_BASE)
  ) u_link (
    .clk_i,
    .rst_ni,
    .rx_i,
    .tx_o,
    .m_axi_awid   (awid[IdW+:IdW]),
    .m_axi_awaddr (awaddr[AddrW+:AddrW]),
    .m_axi_awlen  (awlen[15:8]),
    .m_axi_awsize (),
    .m_axi_awburst(),
    .m_axi_awvalid(awvalid[1]),
    .m_axi_awready(awready[1]),
    .m_axi_wdata  (wdata[BUS_W+:BUS_W]),
    .m_axi_wstrb  (wstrb[BUS_W/8+:BUS_W/8]),
    .m_axi_wlast  (wlast[1]),
    .m_axi_wvalid (wvalid[1]),
    .m_axi_wready (wready[1]),
    .m_axi_bid    (bid),
    .m_axi_bresp  (bresp),
    .m_axi_bvalid (bvalid[1]),
    .m_axi_bready (bready[1]),
    .m_axi_arid   (arid[IdW+:IdW]),
    .m_axi_araddr (araddr[AddrW+:AddrW]),
    .m_axi_arlen  (arlen[15:8]),
    .m_axi_arsize (),
    .m_axi_arburst(),
    .m_axi_arvalid(arvalid[1]),
    .m_axi_arready(arready[1]),
    .m_axi_rid    (rid),
    .m_axi_rdata  (rdata),
    .m_axi_rresp  (rresp),
    .m_axi_rlast  (rlast),
    .m_axi_rvalid (rvalid[1]),
    .m_axi_rready (rready[1]),
    .r_axi_awid   (host_awid),
    .r_axi_awaddr (host_awaddr),
    .r_axi_awlen  (host_awlen),
    .r_axi_awsize (host_awsize),
    .r_axi_awburst(host_awburst),
    .r_axi_awvalid(host_awvalid),
    .r_axi_awready(host_awready),
    .r_axi_wdata  (host_wdata),
    .r_axi_wstrb  (host_wstrb),
    .r_axi_wlast  (host_wlast),
    .r_axi_wvalid (host_wvalid),
    .r_axi_wready (host_wready),
    .r_axi_bid    (host_bid),
    .r_axi_bresp  (host_bresp),
    .r_axi_bvalid (host_bvalid),
    .r_axi_bready (host_bready),
    .r_axi_arid   (host_arid),
    .r_axi_araddr (host_araddr),
    .r_axi_arlen  (host_arlen),
    .r_axi_arsize (host_arsize),
    .r_axi_arburst(host_arburst),
    .r_axi_arvalid(host_arvalid),
    .r_axi_arready(host_arready),
    .r_axi_rid    (host_rid),
    .r_axi_rdata  (host_rdata),
    .r_axi_rresp  (host_rresp),
    .r_axi_rlast  (host_rlast),
    .r_axi_rvalid (host_rvalid),
    .r_axi_rready (host_rready),
    .busy_o       (link_busy),
    .error_o
  );

  axi_join #(
    .ADDR_W(AddrW),
    .DATA_W(BUS_W),
    .ID_W  (IdW)
  ) u_join (
    .clk_i,
    .rst_ni,
    .s_axi_awid   (awid),
    .s_axi_awaddr (awaddr),
    .s_axi_awlen  (awlen),
    .s_axi_awvalid(awvalid),
    .s_axi_awready(awready),
    .s_axi_wdata  (wdata),
    .s_axi_wstrb  (wstrb),
    .s_axi_wlast  (wlast),
    .s_axi_wvalid (wvalid),
    .s_axi_wready (wready),
    .s_axi_bid    (bid),
    .s_axi_bresp  (bresp),
    .s_axi_bvalid (bvalid),
    .s_axi_bready (bready),
    .s_axi_arid   (arid),
    .s_axi_araddr (araddr),
    .s_axi_arlen  (arlen),
    .s_axi_arvalid(arvalid),
    .s_axi_arready(arready),
    .s_axi_rid    (rid),
    .s_axi_rdata  (rdata),
    .s_axi_rresp  (rresp),
    .s_axi_rlast  (rlast),
    .s_axi_rvalid (rvalid),
    .s_axi_rready (rready),
    .m_axi_awid   (ram_awid),
    .m_axi_awaddr (ram_awaddr),
    .m_axi_awlen  (ram_awlen),
    .m_axi_awvalid(ram_awvalid),
    .m_axi_awready(ram_awready),
    .m_axi_wdata  (ram_wdata),
    .m_axi_wstrb  (ram_wstrb),
    .m_axi_wlast  (ram_wlast),
    .m_axi_wvalid (ram_wvalid),
    .m_axi_wready (ram_wready),
    .m_axi_bid    (ram_bid),
    .m_axi_bresp  (ram_bresp),
    .m_axi_bvalid (ram_bvalid),
    .m_axi_bready (ram_bready),
    .m_axi_arid   (ram_arid),
    .m_axi_araddr (ram_araddr),
    .m_axi_arlen  (ram_arlen),
    .m_axi_arvalid(ram_arvalid),
    .m_axi_arready(ram_arready),
    .m_axi_rid    (ram_rid),
    .m_axi_rdata  (ram_rdata),
    .m_axi_rresp  (ram_rresp),
    .m_axi_rlast  (ram_rlast),
    .m_axi_rvalid (ram_rvalid),
    .m_axi_rready (ram_rready)
  );
  // verilator lint_on PINCONNECTEMPTY

  axi_ram #(
    .DATA_W(BUS_W),
    .ADDR_W(AddrW),
    .ID_W  (IdW + 1),
    .BYTES (MEMORY_BYTES)
  ) u_memory (
    .clk_i,
    .rst_ni,
    .s_axi_awid   (ram_awid),
    .s_axi_awaddr (ram_awaddr),
    .s_axi_awlen  (ram_awlen),
    .s_axi_awsize (3'($clog2(BUS_W / 8))),
    .s_axi_awburst(2'b01),
    .s_axi_awvalid(ram_awvalid),
    .s_axi_awready(ram_awready),
    .s_axi_wdata  (ram_wdata),
    .s_axi_wstrb  (ram_wstrb),
    .s_axi_wlast  (ram_wlast),
    .s_axi_wvalid (ram_wvalid),
    .s_axi_wready (ram_wready),
    .s_axi_bid    (ram_bid),
    .s_axi_bresp  (ram_bresp),
    .s_axi_bvalid (ram_bvalid),
    .s_axi_bready (ram_bready),
    .s_axi_arid   (ram_arid),
    .s_axi_araddr (ram_araddr),
    .s_axi_arlen  (ram_arlen),
    .s_axi_arsize (3'($clog2(BUS_W / 8))),
    .s_axi_arburst(2'b01),
    .s_axi_arvalid(ram_arvalid),
    .s_axi_arready(ram_arready),
    .s_axi_rid    (ram_rid),
    .s_axi_rdata  (ram_rdata),
    .s_axi_rresp  (ram_rresp),
    .s_axi_rlast  (ram_rlast),
    .s_axi_rvalid (ram_rvalid),
    .s_axi_rready (ram_rready)
  );

  always_ff @(posedge clk_i) busy_o <= link_busy || arvalid[0] || awvalid[0] || rvalid[0] || wvalid[0];

endmodule : ecp5_system
