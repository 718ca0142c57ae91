// SPDX-License-Identifier: Apache-2.0
//
// What a host processor such as VEGA sees of the accelerator: AXI4 slave, control registers and interrupt.
//
// Why: one module to place behind the accelerator window of the host's interconnect (0x2004_0000 on VEGA's Genesys 2
// sockets), whatever the width of its bus. The way to memory does not lead through here: the core has its own, wider
// AXI4 master.
//
// Latency: a read of one register shows R valid 3 cycles after AR, a write shows B valid 3 cycles after W.
// Throughput: one burst per direction at a time; a beat of w registers takes 2 w + 1 cycles.
//
// Host and core share one clock. The AXI ports keep the names of the AXI specification, see axi_slave.

module vega_bridge #(
  // Width of the host's data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64,
  // Width of an AXI address; the bits above the 4 KB window are ignored.
  parameter int ADDR_W = 64,
  // Width of a transaction identifier.
  parameter int ID_W = 12,
  // What the capability registers say of the core; see control_registers.
  parameter int COLUMNS = 2,
  parameter int ACT_W = 25,
  parameter int BUS_W = 64,
  parameter int SCRATCH_W = 13,
  parameter int MAX_ROWS = 16,
  parameter int NESTED_DEPTH = 256,
  parameter int BACKWARD = 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

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

  // To and from the core; see control_registers.
  output logic                doorbell_o,
  output logic                clear_counters_o,
  output logic [63:0]         list_addr_o,
  output logic [63:0]         mem_base_o,
  output logic [63:0]         mem_limit_o,
  input  logic                busy_i,
  input  logic                done_i,
  input  logic                error_i,
  input  logic [7:0]          error_code_i,
  input  logic [63:0]         error_command_i,
  input  logic [63:0]         error_info_i,
  input  logic                nonfinite_i,
  input  logic [registers_pkg::CounterCount*64-1:0] counters_i,

  // Level interrupt to the host, active high.
  output logic                irq_o
);

  localparam int RegAddrW = registers_pkg::WindowBits;

  logic reg_valid, reg_ready, reg_write, reg_error;
  logic [RegAddrW-1:0] reg_addr;
  logic [31:0] reg_wdata, reg_rdata;
  logic [3:0] reg_wstrb;

  axi_slave #(
    .DATA_W(DATA_W),
    .ADDR_W(ADDR_W),
    .ID_W(ID_W),
    .REG_ADDR_W(RegAddrW)
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
    .reg_valid_o(reg_valid),
    .reg_ready_i(reg_ready),
    .reg_write_o(reg_write),
    .reg_addr_o(reg_addr),
    .reg_wdata_o(reg_wdata),
    .reg_wstrb_o(reg_wstrb),
    .reg_rdata_i(reg_rdata),
    .reg_error_i(reg_error)
  );

  control_registers #(
    .COLUMNS(COLUMNS),
    .ACT_W(ACT_W),
    .BUS_W(BUS_W),
    .SCRATCH_W(SCRATCH_W),
    .MAX_ROWS(MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .BACKWARD(BACKWARD)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .reg_valid_i(reg_valid),
    .reg_ready_o(reg_ready),
    .reg_write_i(reg_write),
    .reg_addr_i(reg_addr),
    .reg_wdata_i(reg_wdata),
    .reg_wstrb_i(reg_wstrb),
    .reg_rdata_o(reg_rdata),
    .reg_error_o(reg_error),
    .doorbell_o,
    .clear_counters_o,
    .list_addr_o,
    .mem_base_o,
    .mem_limit_o,
    .busy_i,
    .done_i,
    .error_i,
    .error_code_i,
    .error_command_i,
    .error_info_i,
    .nonfinite_i,
    .counters_i,
    .irq_o
  );

endmodule : vega_bridge
