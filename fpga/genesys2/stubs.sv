// SPDX-License-Identifier: Apache-2.0
//
// What stands for the vendor's cells when the design is checked without Vivado: ports, and nothing inside.
//
// Why: every instance's ports and widths can be held against them. Those of the memory controller are what MIG 4.2 makes
// of board.py: 32 data bits, AXI of 256 bits, identifiers of 6 bits, 1 GB.

module MMCME2_BASE #(
  parameter real CLKIN1_PERIOD    = 0.0,
  parameter real CLKFBOUT_MULT_F  = 5.0,
  parameter int  DIVCLK_DIVIDE    = 1,
  parameter real CLKOUT0_DIVIDE_F = 1.0
) (
  input  logic CLKIN1,
  input  logic RST,
  input  logic PWRDWN,
  input  logic CLKFBIN,
  output logic CLKFBOUT,
  output logic CLKFBOUTB,
  output logic CLKOUT0,
  output logic CLKOUT0B,
  output logic CLKOUT1,
  output logic CLKOUT1B,
  output logic CLKOUT2,
  output logic CLKOUT2B,
  output logic CLKOUT3,
  output logic CLKOUT3B,
  output logic CLKOUT4,
  output logic CLKOUT5,
  output logic CLKOUT6,
  output logic LOCKED
);
endmodule : MMCME2_BASE

module BUFG (
  input  logic I,
  output logic O
);
endmodule : BUFG

module mig_ddr3 (
  input  logic         sys_clk_p,
  input  logic         sys_clk_n,
  input  logic         sys_rst,
  output logic         ui_clk,
  output logic         ui_clk_sync_rst,
  output logic         mmcm_locked,
  input  logic         aresetn,
  output logic         init_calib_complete,
  output logic [11:0]  device_temp,
  input  logic         app_sr_req,
  input  logic         app_ref_req,
  input  logic         app_zq_req,
  output logic         app_sr_active,
  output logic         app_ref_ack,
  output logic         app_zq_ack,
  input  logic [5:0]   s_axi_awid,
  input  logic [29:0]  s_axi_awaddr,
  input  logic [7:0]   s_axi_awlen,
  input  logic [2:0]   s_axi_awsize,
  input  logic [1:0]   s_axi_awburst,
  input  logic [0:0]   s_axi_awlock,
  input  logic [3:0]   s_axi_awcache,
  input  logic [2:0]   s_axi_awprot,
  input  logic [3:0]   s_axi_awqos,
  input  logic         s_axi_awvalid,
  output logic         s_axi_awready,
  input  logic [255:0] s_axi_wdata,
  input  logic [31:0]  s_axi_wstrb,
  input  logic         s_axi_wlast,
  input  logic         s_axi_wvalid,
  output logic         s_axi_wready,
  output logic [5:0]   s_axi_bid,
  output logic [1:0]   s_axi_bresp,
  output logic         s_axi_bvalid,
  input  logic         s_axi_bready,
  input  logic [5:0]   s_axi_arid,
  input  logic [29:0]  s_axi_araddr,
  input  logic [7:0]   s_axi_arlen,
  input  logic [2:0]   s_axi_arsize,
  input  logic [1:0]   s_axi_arburst,
  input  logic [0:0]   s_axi_arlock,
  input  logic [3:0]   s_axi_arcache,
  input  logic [2:0]   s_axi_arprot,
  input  logic [3:0]   s_axi_arqos,
  input  logic         s_axi_arvalid,
  output logic         s_axi_arready,
  output logic [5:0]   s_axi_rid,
  output logic [255:0] s_axi_rdata,
  output logic [1:0]   s_axi_rresp,
  output logic         s_axi_rlast,
  output logic         s_axi_rvalid,
  input  logic         s_axi_rready,
  inout  wire  [31:0]  ddr3_dq,
  inout  wire  [3:0]   ddr3_dqs_n,
  inout  wire  [3:0]   ddr3_dqs_p,
  output logic [14:0]  ddr3_addr,
  output logic [2:0]   ddr3_ba,
  output logic         ddr3_ras_n,
  output logic         ddr3_cas_n,
  output logic         ddr3_we_n,
  output logic         ddr3_reset_n,
  output logic [0:0]   ddr3_ck_p,
  output logic [0:0]   ddr3_ck_n,
  output logic [0:0]   ddr3_cke,
  output logic [0:0]   ddr3_cs_n,
  output logic [3:0]   ddr3_dm,
  output logic [0:0]   ddr3_odt
);
endmodule : mig_ddr3
