// SPDX-License-Identifier: Apache-2.0
//
// What was seen of the places where two pipelines meet, for coverage; bound into edge_qlora_pair, for tests only.
//
// Why: at its ports nobody sees whether both cores want the memory, or the vector engine, at the same time. What happened is
// noted here until the next reset, since a look from outside in every cycle would make tests slow.

module pair_probe (
  input logic       clk_i,
  input logic       rst_ni,
  // Addresses that the cores show, and whether one of a write has room among those whose data are to come.
  input logic [1:0] reads_i,
  input logic [1:0] writes_i,
  input logic       order_ready_i,
  // The memory port: a beat of a read, whose and the last of its burst; address, beat and last beat of a write.
  input logic       r_i,
  input logic       r_core_i,
  input logic       r_last_i,
  input logic       aw_i,
  input logic       w_i,
  input logic       w_last_i,
  // The vector engine: whose it is, whose command waits, whose engines are in reset; accesses behind the end of core 0's
  // scratchpad, which is the smaller one: operand A, B, results.
  input logic [1:0] owner_i,
  input logic [1:0] wait_i,
  input logic [1:0] rst_n_i,
  input logic [2:0] behind_i
);

  // Since the reset: both cores show the address of a read; of a write; the address of a write waits for the data of those
  // before it; a beat of one core's read came within a burst of the other's; data of a write were taken before its address.
  logic       reads_compete /* verilator public_flat_rd */;
  logic       writes_compete /* verilator public_flat_rd */;
  logic       order_full /* verilator public_flat_rd */;
  logic       mixed /* verilator public_flat_rd */;
  logic       data_first /* verilator public_flat_rd */;
  // Per core: its command waited for the other's; it reset its engines while the vector engine worked for the other.
  logic [1:0] waits /* verilator public_flat_rd */;
  logic [1:0] resets /* verilator public_flat_rd */;
  // By operand.
  logic [2:0] behind /* verilator public_flat_rd */;

  logic       mixed_q, whose_q;
  // Write bursts whose address was taken, less those whose data have ended.
  logic signed [7:0] ahead_q, ahead;
  assign ahead = ahead_q + 8'(aw_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {reads_compete, writes_compete, order_full, mixed, data_first} <= '0;
      {waits, resets, behind} <= '0;
      mixed_q <= 1'b0;
      ahead_q <= '0;
    end else begin
      if (reads_i == '1) reads_compete <= 1'b1;
      if (writes_i == '1) writes_compete <= 1'b1;
      if (writes_i != '0 && !order_ready_i) order_full <= 1'b1;
      if (r_i) begin
        if (mixed_q && r_core_i != whose_q) mixed <= 1'b1;
        mixed_q <= !r_last_i;
        whose_q <= r_core_i;
      end
      if (w_i && ahead <= 8'sd0) data_first <= 1'b1;
      ahead_q <= ahead - 8'(w_i && w_last_i);
      waits   <= waits | wait_i;
      resets  <= resets | (~rst_n_i & {owner_i[0], owner_i[1]});
      behind  <= behind | (behind_i & {3{owner_i[0]}});
    end
  end

endmodule : pair_probe

bind edge_qlora_pair pair_probe u_probe (
  .clk_i,
  .rst_ni,
  .reads_i      (axi_arvalid),
  .writes_i     (axi_awvalid),
  .order_ready_i(u_join.order_ready),
  .r_i          (m_axi_rvalid && m_axi_rready),
  .r_core_i     (m_axi_rid[ID_W]),
  .r_last_i     (m_axi_rlast),
  .aw_i         (m_axi_awvalid && m_axi_awready),
  .w_i          (m_axi_wvalid && m_axi_wready),
  .w_last_i     (m_axi_wlast),
  .owner_i      (u_share.owner_q),
  .wait_i       (vector_wait),
  .rst_n_i      (vector_rst_n),
  .behind_i     ({engine_w_valid, engine_req_valid} & u_share.beyond0)
);
