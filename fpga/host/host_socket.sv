// SPDX-License-Identifier: Apache-2.0
//
// The host of the accelerator: VEGA, or Ibex in its place.
//
// Why: boards do not care which; the choice is made when the design is elaborated.

module host_socket #(
  // One of host_pkg.
  parameter int HOST = host_pkg::Ibex
) (
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

  if (HOST == host_pkg::Vega) begin : g_vega
    vega_socket u_host (
      .clk_i,
      .rst_ni,
      .irq_i,
      .uart_rx_i,
      .uart_tx_o,
      .leds_o,
      .m_axi_awid,
      .m_axi_awaddr,
      .m_axi_awlen,
      .m_axi_awsize,
      .m_axi_awburst,
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
      .m_axi_arvalid,
      .m_axi_arready,
      .m_axi_rid,
      .m_axi_rdata,
      .m_axi_rresp,
      .m_axi_rlast,
      .m_axi_rvalid,
      .m_axi_rready
    );
  end else if (HOST == host_pkg::Ibex) begin : g_ibex
    ibex_host u_host (
      .clk_i,
      .rst_ni,
      .irq_i,
      .uart_rx_i,
      .uart_tx_o,
      .leds_o,
      .m_axi_awid,
      .m_axi_awaddr,
      .m_axi_awlen,
      .m_axi_awsize,
      .m_axi_awburst,
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
      .m_axi_arvalid,
      .m_axi_arready,
      .m_axi_rid,
      .m_axi_rdata,
      .m_axi_rresp,
      .m_axi_rlast,
      .m_axi_rvalid,
      .m_axi_rready
    );
  end else begin : g_check
    ERROR_host_socket_HOST_is_none_of_host_pkg error ();
  end

endmodule : host_socket
