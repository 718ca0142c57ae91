// SPDX-License-Identifier: Apache-2.0
//
// The bridge with its inner register bus brought out, for tests only.
//
// Why: the golden model of the registers must know in which cycle an access takes effect, since events of the core may
// fall into the same cycle. Simulators differ in whether they show signals inside a top; ports they all show.
//
// Latency and throughput are those of vega_bridge.

module vega_bridge_probe #(
  // Width of the host's data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64,
  // Width of an AXI address; the bits above the 4 KB window are ignored.
  parameter int ADDR_W = 64,
  // Width of a transaction identifier.
  parameter int ID_W = 12,
  // What the capability registers say.
  parameter int COLUMNS = 2,
  parameter int ACT_W = 25,
  parameter int BUS_W = 64,
  parameter int SCRATCH_W = 13,
  parameter int MAX_ROWS = 16,
  parameter int NESTED_DEPTH = 256
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
  output logic                irq_o,

  // The register bus between slave and registers.
  output logic                reg_valid_o,
  output logic                reg_ready_o,
  output logic                reg_write_o,
  output logic [registers_pkg::WindowBits-1:0] reg_addr_o,
  output logic [31:0]         reg_wdata_o,
  output logic [3:0]          reg_wstrb_o,
  output logic [31:0]         reg_rdata_o,
  output logic                reg_error_o
);


  vega_bridge #(
    .DATA_W(DATA_W),
    .ADDR_W(ADDR_W),
    .ID_W(ID_W),
    .COLUMNS(COLUMNS),
    .ACT_W(ACT_W),
    .BUS_W(BUS_W),
    .SCRATCH_W(SCRATCH_W),
    .MAX_ROWS(MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_bridge (
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

  assign reg_valid_o = u_bridge.reg_valid;
  assign reg_ready_o = u_bridge.reg_ready;
  assign reg_write_o = u_bridge.reg_write;
  assign reg_addr_o = u_bridge.reg_addr;
  assign reg_wdata_o = u_bridge.reg_wdata;
  assign reg_wstrb_o = u_bridge.reg_wstrb;
  assign reg_rdata_o = u_bridge.reg_rdata;
  assign reg_error_o = u_bridge.reg_error;

endmodule : vega_bridge_probe
