// SPDX-License-Identifier: Apache-2.0
//
// Edge QLoRA: the accelerator as it is placed in a system.
//
// Why: a host sees a 4 KB window of registers and one interrupt on s_axi; all data move over m_axi, so the host's
// bus is never in the way. Both ports share one clock. See docs/ip/edge_qlora.md.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind s_axi_ and m_axi_.

module edge_qlora #(
  // Array columns, 1 to 16.
  parameter int COLUMNS      = 8,
  // Activation mantissa width: 25 (DSP48E1) or 18 (ECP5).
  parameter int ACT_W        = 25,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W        = 256,
  // Width of a scratchpad address: 2^SCRATCH_W words of 8 values, 9 to 16.
  parameter int SCRATCH_W    = 13,
  // Banks of the scratchpad, a power of two: 2 save multiplexers and wires, and delay engines that work at once.
  parameter int SCRATCH_BANKS = 4,
  // Most activation rows of a product, a power of two.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested-absmax table, a power of two, at least 16 and BUS_W / 16.
  parameter int NESTED_DEPTH = 4096,
  // Beats of weights that are loaded ahead of the array, a power of two.
  parameter int FIFO_BEATS   = 512,
  // Lanes of the vector engine: 4 or 8 values per cycle without a function; 4 save about 4,000 LUTs.
  parameter int VECTOR_LANES = 8,
  // 1: codes also in T mode, as backward passes need them; 0 saves what qlora_core says.
  parameter int BACKWARD     = 1,
  // Width of the host's data bus in bits: 32, 64 or 128.
  parameter int HOST_W       = 64,
  // Widths of the host's address and ID.
  parameter int HOST_ADDR_W  = 64,
  parameter int HOST_ID_W    = 12,
  // Widths of the memory port's address and ID.
  parameter int ADDR_W       = 40,
  parameter int ID_W         = 4
) (
  input  logic                   clk_i,
  // Synchronous, active low.
  input  logic                   rst_ni,

  // Host: control registers.
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

  // Memory.
  output logic [ID_W-1:0]        m_axi_awid,
  output logic [ADDR_W-1:0]      m_axi_awaddr,
  output logic [7:0]             m_axi_awlen,
  output logic [2:0]             m_axi_awsize,
  output logic [1:0]             m_axi_awburst,
  output logic                   m_axi_awlock,
  output logic [3:0]             m_axi_awcache,
  output logic [2:0]             m_axi_awprot,
  output logic [3:0]             m_axi_awqos,
  output logic                   m_axi_awvalid,
  input  logic                   m_axi_awready,
  output logic [BUS_W-1:0]       m_axi_wdata,
  output logic [BUS_W/8-1:0]     m_axi_wstrb,
  output logic                   m_axi_wlast,
  output logic                   m_axi_wvalid,
  input  logic                   m_axi_wready,
  input  logic [ID_W-1:0]        m_axi_bid,
  input  logic [1:0]             m_axi_bresp,
  input  logic                   m_axi_bvalid,
  output logic                   m_axi_bready,
  output logic [ID_W-1:0]        m_axi_arid,
  output logic [ADDR_W-1:0]      m_axi_araddr,
  output logic [7:0]             m_axi_arlen,
  output logic [2:0]             m_axi_arsize,
  output logic [1:0]             m_axi_arburst,
  output logic                   m_axi_arlock,
  output logic [3:0]             m_axi_arcache,
  output logic [2:0]             m_axi_arprot,
  output logic [3:0]             m_axi_arqos,
  output logic                   m_axi_arvalid,
  input  logic                   m_axi_arready,
  input  logic [ID_W-1:0]        m_axi_rid,
  input  logic [BUS_W-1:0]       m_axi_rdata,
  input  logic [1:0]             m_axi_rresp,
  input  logic                   m_axi_rlast,
  input  logic                   m_axi_rvalid,
  output logic                   m_axi_rready,

  // Level interrupt to the host, active high.
  output logic                   irq_o
);

  logic        doorbell, clear_counters, busy, done, error, nonfinite;
  logic [63:0] list_addr, mem_base, mem_limit, error_command, error_info;
  logic [7:0]  error_code;
  logic [registers_pkg::CounterCount*64-1:0] counters;

  localparam int WordW = vector_pkg::Lanes * 32;
  logic                   vector_rst_n, vector_cmd_valid, vector_cmd_ready, vector_bad, vector_done;
  logic [511:0]           vector_cmd;
  logic [1:0]             vector_req_valid, vector_req_ready, vector_rsp_valid;
  logic [2*SCRATCH_W-1:0] vector_req_addr;
  logic [2*WordW-1:0]     vector_rsp_data;
  logic                   vector_w_valid, vector_w_ready;
  logic [SCRATCH_W-1:0]   vector_w_addr;
  logic [WordW-1:0]       vector_w_data;
  logic [vector_pkg::Lanes-1:0] vector_w_strobe;

  vega_bridge #(
    .DATA_W      (HOST_W),
    .ADDR_W      (HOST_ADDR_W),
    .ID_W        (HOST_ID_W),
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .SCRATCH_W   (SCRATCH_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .BACKWARD    (BACKWARD)
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
    .doorbell_o      (doorbell),
    .clear_counters_o(clear_counters),
    .list_addr_o     (list_addr),
    .mem_base_o      (mem_base),
    .mem_limit_o     (mem_limit),
    .busy_i          (busy),
    .done_i          (done),
    .error_i         (error),
    .error_code_i    (error_code),
    .error_command_i (error_command),
    .error_info_i    (error_info),
    .nonfinite_i     (nonfinite),
    .counters_i      (counters),
    .irq_o
  );

  qlora_core #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .SCRATCH_W   (SCRATCH_W),
    .SCRATCH_BANKS(SCRATCH_BANKS),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .FIFO_BEATS  (FIFO_BEATS),
    .BACKWARD    (BACKWARD),
    .VECTOR_LANES(VECTOR_LANES),
    .ADDR_W      (ADDR_W),
    .ID_W        (ID_W)
  ) u_core (
    .clk_i,
    .rst_ni,
    .doorbell_i      (doorbell),
    .clear_counters_i(clear_counters),
    .list_addr_i     (list_addr),
    .mem_base_i      (mem_base),
    .mem_limit_i     (mem_limit),
    .busy_o          (busy),
    .done_o          (done),
    .error_o         (error),
    .error_code_o    (error_code),
    .error_command_o (error_command),
    .error_info_o    (error_info),
    .nonfinite_o     (nonfinite),
    .counters_o      (counters),
    .vector_rst_no     (vector_rst_n),
    .vector_cmd_valid_o(vector_cmd_valid),
    .vector_cmd_ready_i(vector_cmd_ready),
    .vector_cmd_o      (vector_cmd),
    .vector_bad_i      (vector_bad),
    .vector_done_i     (vector_done),
    .vector_wait_i     (1'b0),
    .vector_req_valid_i(vector_req_valid),
    .vector_req_ready_o(vector_req_ready),
    .vector_req_addr_i (vector_req_addr),
    .vector_rsp_valid_o(vector_rsp_valid),
    .vector_rsp_data_o (vector_rsp_data),
    .vector_w_valid_i  (vector_w_valid),
    .vector_w_ready_o  (vector_w_ready),
    .vector_w_addr_i   (vector_w_addr),
    .vector_w_data_i   (vector_w_data),
    .vector_w_strobe_i (vector_w_strobe),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
    .m_axi_awlock,
    .m_axi_awcache,
    .m_axi_awprot,
    .m_axi_awqos,
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
    .m_axi_arlock,
    .m_axi_arcache,
    .m_axi_arprot,
    .m_axi_arqos,
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  vector_engine #(
    .SCRATCH_W(SCRATCH_W),
    .LANES    (VECTOR_LANES)
  ) u_vector (
    .clk_i,
    .rst_ni       (vector_rst_n),
    .cmd_valid_i  (vector_cmd_valid),
    .cmd_ready_o  (vector_cmd_ready),
    .cmd_i        (vector_cmd),
    .bad_o        (vector_bad),
    .done_o       (vector_done),
    .a_req_valid_o(vector_req_valid[0]),
    .a_req_ready_i(vector_req_ready[0]),
    .a_req_addr_o (vector_req_addr[0+:SCRATCH_W]),
    .a_rsp_valid_i(vector_rsp_valid[0]),
    .a_rsp_data_i (vector_rsp_data[0+:WordW]),
    .b_req_valid_o(vector_req_valid[1]),
    .b_req_ready_i(vector_req_ready[1]),
    .b_req_addr_o (vector_req_addr[SCRATCH_W+:SCRATCH_W]),
    .b_rsp_valid_i(vector_rsp_valid[1]),
    .b_rsp_data_i (vector_rsp_data[WordW+:WordW]),
    .w_valid_o    (vector_w_valid),
    .w_ready_i    (vector_w_ready),
    .w_addr_o     (vector_w_addr),
    .w_data_o     (vector_w_data),
    .w_strobe_o   (vector_w_strobe)
  );

endmodule : edge_qlora
