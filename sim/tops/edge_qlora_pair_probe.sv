// SPDX-License-Identifier: Apache-2.0
//
// Two pipelines, and what was seen of the places where they meet, for coverage; for tests only.
//
// Why: at the ports of edge_qlora_pair nobody sees whether both cores want the memory, or the vector engine, at the same time.
// What happened is noted here until the next reset, since a look from outside in every cycle would make tests slow.
//
// Latency and throughput are those of edge_qlora_pair.

module edge_qlora_pair_probe #(
  // Core 0, which generates: see edge_qlora. It has no backward passes: codes in N mode alone.
  parameter int INFER_COLUMNS   = 4,
  parameter int INFER_SCRATCH_W = 12,
  parameter int INFER_MAX_ROWS  = 8,
  // Core 1, which fine-tunes.
  parameter int TUNE_COLUMNS    = 8,
  parameter int TUNE_SCRATCH_W  = 13,
  parameter int TUNE_MAX_ROWS   = 64,
  // Both; see edge_qlora.
  parameter int ACT_W           = 25,
  parameter int BUS_W           = 256,
  parameter int NESTED_DEPTH    = 4096,
  parameter int FIFO_BEATS      = 512,
  parameter int HOST_W          = 64,
  parameter int HOST_ADDR_W     = 64,
  parameter int HOST_ID_W       = 12,
  parameter int ADDR_W          = 40,
  parameter int ID_W            = 4,
  // Lanes of the shared vector engine, 4 or 8.
  parameter int VECTOR_LANES    = 4
) (
  input  logic                   clk_i,
  // Synchronous, active low.
  input  logic                   rst_ni,

  // Host: the control registers of core 0, and those of core 1 in the 4 KB behind them.
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
  output logic [ID_W:0]          m_axi_awid,
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
  input  logic [ID_W:0]          m_axi_bid,
  input  logic [1:0]             m_axi_bresp,
  input  logic                   m_axi_bvalid,
  output logic                   m_axi_bready,
  output logic [ID_W:0]          m_axi_arid,
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
  input  logic [ID_W:0]          m_axi_rid,
  input  logic [BUS_W-1:0]       m_axi_rdata,
  input  logic [1:0]             m_axi_rresp,
  input  logic                   m_axi_rlast,
  input  logic                   m_axi_rvalid,
  output logic                   m_axi_rready,

  // Level interrupts of core 0 and core 1, active high.
  output logic [1:0]             irq_o,

  // Seen since the reset: both cores show the address of a read; of a write; the address of a write waits for the data of
  // those before it; a beat of one core's read came within a burst of the other's; data of a write were taken before its
  // address.
  output logic                   seen_reads_compete_o,
  output logic                   seen_writes_compete_o,
  output logic                   seen_order_full_o,
  output logic                   seen_mixed_o,
  output logic                   seen_data_first_o,
  // Per core: its command waited for the other's in the vector engine; it reset its engines while the vector engine worked
  // for the other.
  output logic [1:0]             seen_wait_o,
  output logic [1:0]             seen_reset_o,
  // Accesses of the vector engine behind the end of core 0's scratchpad, which is the smaller one: operand A, B, results.
  output logic [2:0]             seen_behind_o
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
  ) u_pair (.*);

  logic       mixed_q, whose_q, ahead_take, ahead_end;
  // Write bursts whose address was taken, less those whose data have ended.
  logic signed [7:0] ahead_q, ahead;
  assign ahead_take = m_axi_awvalid && m_axi_awready;
  assign ahead_end  = m_axi_wvalid && m_axi_wready && m_axi_wlast;
  assign ahead      = ahead_q + 8'(ahead_take);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      seen_reads_compete_o  <= 1'b0;
      seen_writes_compete_o <= 1'b0;
      seen_order_full_o     <= 1'b0;
      seen_mixed_o          <= 1'b0;
      seen_data_first_o     <= 1'b0;
      seen_wait_o           <= '0;
      seen_reset_o          <= '0;
      seen_behind_o         <= '0;
      mixed_q               <= 1'b0;
      ahead_q               <= '0;
    end else begin
      if (u_pair.axi_arvalid == 2'b11) seen_reads_compete_o <= 1'b1;
      if (u_pair.axi_awvalid == 2'b11) seen_writes_compete_o <= 1'b1;
      if (u_pair.axi_awvalid != '0 && !u_pair.u_join.order_ready) seen_order_full_o <= 1'b1;
      if (m_axi_rvalid && m_axi_rready) begin
        if (mixed_q && m_axi_rid[ID_W] != whose_q) seen_mixed_o <= 1'b1;
        mixed_q <= !m_axi_rlast;
        whose_q <= m_axi_rid[ID_W];
      end
      if (m_axi_wvalid && m_axi_wready && ahead <= 8'sd0) seen_data_first_o <= 1'b1;
      ahead_q       <= ahead - 8'(ahead_end);
      seen_wait_o   <= seen_wait_o | u_pair.vector_wait;
      seen_reset_o  <= seen_reset_o | (~u_pair.vector_rst_n & {u_pair.u_share.owner_q[0], u_pair.u_share.owner_q[1]});
      seen_behind_o <= seen_behind_o |
                       ({u_pair.engine_w_valid, u_pair.engine_req_valid} & {3{u_pair.u_share.owner_q[0]}} &
                        u_pair.u_share.beyond0);
    end
  end

endmodule : edge_qlora_pair_probe
