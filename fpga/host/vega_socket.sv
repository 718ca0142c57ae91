// SPDX-License-Identifier: Apache-2.0
//
// Where the VEGA processor goes: its ports, and nothing inside.
//
// Why: VEGA's netlist is C-DAC's and comes under licence. Whoever has it puts its instance here, in place of the lines below
// that keep the outputs quiet, and lists its files with HOST_SOURCES (fpga/README.md). The ports are those of the
// accelerator socket of VEGA AS1061 on the Genesys 2: one AXI4 master of 64 data bits at 50 MHz; the accelerator's
// window is at 0x2004_0000. A processor that has its own UART and pins leaves leds_o at zero.

module vega_socket (
  input  logic        clk_i,
  // Synchronous, active low.
  input  logic        rst_ni,

  // Level interrupts of core 0 and core 1.
  input  logic [1:0]  irq_i,
  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  output logic [3:0]  leds_o,

  // To registers and memory: AXI4, 64 data bits, 12 bits of identifier, 64 of address.
  output logic [11:0] m_axi_awid,
  output logic [63:0] m_axi_awaddr,
  output logic [7:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [11:0] m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,
  output logic [11:0] m_axi_arid,
  output logic [63:0] m_axi_araddr,
  output logic [7:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [11:0] m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready
);

  // The netlist's instance replaces everything from here on.
  assign uart_tx_o     = 1'b1;
  assign leds_o        = '0;
  assign m_axi_awid    = '0;
  assign m_axi_awaddr  = '0;
  assign m_axi_awlen   = '0;
  assign m_axi_awsize  = '0;
  assign m_axi_awburst = '0;
  assign m_axi_awvalid = '0;
  assign m_axi_wdata   = '0;
  assign m_axi_wstrb   = '0;
  assign m_axi_wlast   = '0;
  assign m_axi_wvalid  = '0;
  assign m_axi_bready  = 1'b1;
  assign m_axi_arid    = '0;
  assign m_axi_araddr  = '0;
  assign m_axi_arlen   = '0;
  assign m_axi_arsize  = '0;
  assign m_axi_arburst = '0;
  assign m_axi_arvalid = '0;
  assign m_axi_rready  = 1'b1;

  logic unused;
  assign unused = ^{clk_i, rst_ni, irq_i, uart_rx_i, m_axi_awready, m_axi_wready, m_axi_arready,
                    m_axi_bid, m_axi_bresp, m_axi_bvalid,
                    m_axi_rid, m_axi_rdata, m_axi_rresp, m_axi_rlast, m_axi_rvalid};

endmodule : vega_socket
