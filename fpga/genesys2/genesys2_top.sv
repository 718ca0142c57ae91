// SPDX-License-Identifier: Apache-2.0
//
// The accelerator of two pipelines on Digilent's Genesys 2 (XC7K325T-2FFG900C).
//
// Why: pins, clocks, resets and the memory controller are the board's; all else is edge_qlora_system and the host.
//
// | clock      | from                                                | what runs on it                                       |
// |------------|-----------------------------------------------------|-------------------------------------------------------|
// | `ui_clk`   | memory controller: 200 MHz, a quarter of DDR3-1600's | accelerator, memory port                              |
// | `host_clk` | MMCM on `ui_clk`: 50 MHz                             | host                                                  |
//
// The board's button resets the memory controller, which holds everything else in reset until the memory is calibrated and the
// host's clock has locked.

module genesys2_top #(
  // Who is the host: see host_pkg.
  parameter int HOST = host_pkg::Ibex,
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
  parameter int VECTOR_LANES    = 4
) (
  // 200 MHz, differential.
  input  logic        sysclk_p,
  input  logic        sysclk_n,
  // Button, low while pressed.
  input  logic        cpu_resetn,
  // UART, by the names of the schematic: into the board's USB bridge and out of it.
  output logic        uart_rx_out,
  input  logic        uart_tx_in,
  // Calibrated, locked, interrupts of core 0 and 1, four of the host's.
  output logic [7:0]  led,
  // The fan runs all the time.
  output logic        fan_pwm,

  // DDR3, 32 bits wide: pins and standards come with the memory controller, from board.py.
  inout  wire  [31:0] ddr3_dq,
  inout  wire  [3:0]  ddr3_dqs_n,
  inout  wire  [3:0]  ddr3_dqs_p,
  output logic [14:0] ddr3_addr,
  output logic [2:0]  ddr3_ba,
  output logic        ddr3_ras_n,
  output logic        ddr3_cas_n,
  output logic        ddr3_we_n,
  output logic        ddr3_reset_n,
  output logic [0:0]  ddr3_ck_p,
  output logic [0:0]  ddr3_ck_n,
  output logic [0:0]  ddr3_cke,
  output logic [0:0]  ddr3_cs_n,
  output logic [3:0]  ddr3_dm,
  output logic [0:0]  ddr3_odt
);

  localparam int IdW     = 4;
  localparam int AddrW   = 40;
  // 1 GB at 0x8000_0000 of the host; the controller sees the address modulo 1 GB.
  localparam int MemoryW = 30;

  if (BUS_W != 256) begin : g_check_bus
    ERROR_genesys2_top_BUS_W_must_be_256_as_in_board_py error ();
  end
  if (HOST_W != 64) begin : g_check_host
    ERROR_genesys2_top_HOST_W_must_be_64_as_host_socket_has error ();
  end

  logic       ui_clk, ui_rst, ui_rst_n, host_clk, host_rst_n, calibrated, locked, memory_rst_n;
  logic [1:0] irq;
  logic [3:0] host_leds;
  logic [11:0] host_awid, host_bid, host_arid, host_rid;
  logic [63:0] host_awaddr, host_wdata, host_araddr, host_rdata;
  logic [7:0] host_awlen, host_wstrb, host_arlen;
  logic [2:0] host_awsize, host_arsize;
  logic [1:0] host_awburst, host_bresp, host_arburst, host_rresp;
  logic host_awvalid, host_awready, host_wlast, host_wvalid, host_wready, host_bvalid, host_bready, host_arvalid,
      host_arready, host_rlast, host_rvalid, host_rready;
  logic [IdW+1:0] memory_awid, memory_bid, memory_arid, memory_rid;
  logic [AddrW-1:0] memory_awaddr, memory_araddr;
  logic [7:0] memory_awlen, memory_arlen;
  logic [2:0] memory_awsize, memory_arsize, memory_awprot, memory_arprot;
  logic [1:0] memory_awburst, memory_bresp, memory_arburst, memory_rresp;
  logic memory_awvalid, memory_awready, memory_wlast, memory_wvalid, memory_wready, memory_bvalid, memory_bready,
      memory_arvalid, memory_arready, memory_rlast, memory_rvalid, memory_rready, memory_awlock, memory_arlock;
  logic [BUS_W-1:0] memory_wdata, memory_rdata;
  logic [BUS_W/8-1:0] memory_wstrb;
  logic [3:0] memory_awcache, memory_awqos, memory_arcache, memory_arqos;

  // ---------------------------------------------------------------------------------------------
  // Clocks and resets
  // ---------------------------------------------------------------------------------------------
  logic feedback, feedback_buffered, host_clk_unbuffered, run_n;

  // 200 MHz * 5 / 20.
  MMCME2_BASE #(
    .CLKIN1_PERIOD   (5.0),
    .CLKFBOUT_MULT_F (5.0),
    .DIVCLK_DIVIDE   (1),
    .CLKOUT0_DIVIDE_F(20.0)
  ) u_mmcm (
    .CLKIN1   (ui_clk),
    .RST      (ui_rst),
    .PWRDWN   (1'b0),
    .CLKFBIN  (feedback_buffered),
    .CLKFBOUT (feedback),
    .CLKFBOUTB(),
    .CLKOUT0  (host_clk_unbuffered),
    .CLKOUT0B (),
    .CLKOUT1  (),
    .CLKOUT1B (),
    .CLKOUT2  (),
    .CLKOUT2B (),
    .CLKOUT3  (),
    .CLKOUT3B (),
    .CLKOUT4  (),
    .CLKOUT5  (),
    .CLKOUT6  (),
    .LOCKED   (locked)
  );

  BUFG u_feedback (
    .I(feedback),
    .O(feedback_buffered)
  );
  BUFG u_host_clk (
    .I(host_clk_unbuffered),
    .O(host_clk)
  );

  // Both sides of the crossing are in reset at the same time: neither leaves it before all of this holds.
  assign run_n = !ui_rst && calibrated && locked;

  sync_reset u_memory_reset (
    .clk_i     (ui_clk),
    .request_ni(!ui_rst),
    .rst_no    (memory_rst_n)
  );
  sync_reset u_ui_reset (
    .clk_i     (ui_clk),
    .request_ni(run_n),
    .rst_no    (ui_rst_n)
  );
  sync_reset u_host_reset (
    .clk_i     (host_clk),
    .request_ni(run_n),
    .rst_no    (host_rst_n)
  );

  // ---------------------------------------------------------------------------------------------
  // Host, accelerator
  // ---------------------------------------------------------------------------------------------
  host_socket #(
    .HOST(HOST)
  ) u_host (
    .clk_i    (host_clk),
    .rst_ni   (host_rst_n),
    .irq_i    (irq),
    .uart_rx_i(uart_tx_in),
    .uart_tx_o(uart_rx_out),
    .leds_o   (host_leds),
    .m_axi_awid   (host_awid),
    .m_axi_awaddr (host_awaddr),
    .m_axi_awlen  (host_awlen),
    .m_axi_awsize (host_awsize),
    .m_axi_awburst(host_awburst),
    .m_axi_awvalid(host_awvalid),
    .m_axi_awready(host_awready),
    .m_axi_wdata  (host_wdata),
    .m_axi_wstrb  (host_wstrb),
    .m_axi_wlast  (host_wlast),
    .m_axi_wvalid (host_wvalid),
    .m_axi_wready (host_wready),
    .m_axi_bid    (host_bid),
    .m_axi_bresp  (host_bresp),
    .m_axi_bvalid (host_bvalid),
    .m_axi_bready (host_bready),
    .m_axi_arid   (host_arid),
    .m_axi_araddr (host_araddr),
    .m_axi_arlen  (host_arlen),
    .m_axi_arsize (host_arsize),
    .m_axi_arburst(host_arburst),
    .m_axi_arvalid(host_arvalid),
    .m_axi_arready(host_arready),
    .m_axi_rid    (host_rid),
    .m_axi_rdata  (host_rdata),
    .m_axi_rresp  (host_rresp),
    .m_axi_rlast  (host_rlast),
    .m_axi_rvalid (host_rvalid),
    .m_axi_rready (host_rready)
  );

  edge_qlora_system #(
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
    .VECTOR_LANES   (VECTOR_LANES),
    .ADDR_W         (AddrW),
    .ID_W           (IdW),
    .MEMORY_W       (MemoryW)
  ) u_system (
    .host_clk_i   (host_clk),
    .host_rst_ni  (host_rst_n),
    .irq_o        (irq),
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
    .clk_i        (ui_clk),
    .rst_ni       (ui_rst_n),
    .m_axi_awid   (memory_awid),
    .m_axi_awaddr (memory_awaddr),
    .m_axi_awlen  (memory_awlen),
    .m_axi_awsize (memory_awsize),
    .m_axi_awburst(memory_awburst),
    .m_axi_awvalid(memory_awvalid),
    .m_axi_awready(memory_awready),
    .m_axi_wdata  (memory_wdata),
    .m_axi_wstrb  (memory_wstrb),
    .m_axi_wlast  (memory_wlast),
    .m_axi_wvalid (memory_wvalid),
    .m_axi_wready (memory_wready),
    .m_axi_bid    (memory_bid),
    .m_axi_bresp  (memory_bresp),
    .m_axi_bvalid (memory_bvalid),
    .m_axi_bready (memory_bready),
    .m_axi_arid   (memory_arid),
    .m_axi_araddr (memory_araddr),
    .m_axi_arlen  (memory_arlen),
    .m_axi_arsize (memory_arsize),
    .m_axi_arburst(memory_arburst),
    .m_axi_arvalid(memory_arvalid),
    .m_axi_arready(memory_arready),
    .m_axi_rid    (memory_rid),
    .m_axi_rdata  (memory_rdata),
    .m_axi_rresp  (memory_rresp),
    .m_axi_rlast  (memory_rlast),
    .m_axi_rvalid (memory_rvalid),
    .m_axi_rready (memory_rready),
    .m_axi_awlock (memory_awlock),
    .m_axi_awcache(memory_awcache),
    .m_axi_awprot (memory_awprot),
    .m_axi_awqos  (memory_awqos),
    .m_axi_arlock (memory_arlock),
    .m_axi_arcache(memory_arcache),
    .m_axi_arprot (memory_arprot),
    .m_axi_arqos  (memory_arqos)
  );

  // ---------------------------------------------------------------------------------------------
  // Memory
  // ---------------------------------------------------------------------------------------------
  mig_ddr3 u_mig (
    .sys_clk_p          (sysclk_p),
    .sys_clk_n          (sysclk_n),
    .sys_rst            (cpu_resetn),
    .ui_clk,
    .ui_clk_sync_rst    (ui_rst),
    .mmcm_locked        (),
    .aresetn            (memory_rst_n),
    .init_calib_complete(calibrated),
    .device_temp        (),
    .app_sr_req         (1'b0),
    .app_ref_req        (1'b0),
    .app_zq_req         (1'b0),
    .app_sr_active      (),
    .app_ref_ack        (),
    .app_zq_ack         (),
    .s_axi_awid   (memory_awid),
    .s_axi_awaddr (memory_awaddr[MemoryW-1:0]),
    .s_axi_awlen  (memory_awlen),
    .s_axi_awsize (memory_awsize),
    .s_axi_awburst(memory_awburst),
    .s_axi_awvalid(memory_awvalid),
    .s_axi_awready(memory_awready),
    .s_axi_wdata  (memory_wdata),
    .s_axi_wstrb  (memory_wstrb),
    .s_axi_wlast  (memory_wlast),
    .s_axi_wvalid (memory_wvalid),
    .s_axi_wready (memory_wready),
    .s_axi_bid    (memory_bid),
    .s_axi_bresp  (memory_bresp),
    .s_axi_bvalid (memory_bvalid),
    .s_axi_bready (memory_bready),
    .s_axi_arid   (memory_arid),
    .s_axi_araddr (memory_araddr[MemoryW-1:0]),
    .s_axi_arlen  (memory_arlen),
    .s_axi_arsize (memory_arsize),
    .s_axi_arburst(memory_arburst),
    .s_axi_arvalid(memory_arvalid),
    .s_axi_arready(memory_arready),
    .s_axi_rid    (memory_rid),
    .s_axi_rdata  (memory_rdata),
    .s_axi_rresp  (memory_rresp),
    .s_axi_rlast  (memory_rlast),
    .s_axi_rvalid (memory_rvalid),
    .s_axi_rready (memory_rready),
    .s_axi_awlock (memory_awlock),
    .s_axi_awcache(memory_awcache),
    .s_axi_awprot (memory_awprot),
    .s_axi_awqos  (memory_awqos),
    .s_axi_arlock (memory_arlock),
    .s_axi_arcache(memory_arcache),
    .s_axi_arprot (memory_arprot),
    .s_axi_arqos  (memory_arqos),
    .ddr3_dq,
    .ddr3_dqs_n,
    .ddr3_dqs_p,
    .ddr3_addr,
    .ddr3_ba,
    .ddr3_ras_n,
    .ddr3_cas_n,
    .ddr3_we_n,
    .ddr3_reset_n,
    .ddr3_ck_p,
    .ddr3_ck_n,
    .ddr3_cke,
    .ddr3_cs_n,
    .ddr3_dm,
    .ddr3_odt
  );

  assign led     = {host_leds, irq, locked, calibrated};
  assign fan_pwm = 1'b1;

  logic unused;
  assign unused = ^{memory_awaddr[AddrW-1:MemoryW], memory_araddr[AddrW-1:MemoryW]};

endmodule : genesys2_top
