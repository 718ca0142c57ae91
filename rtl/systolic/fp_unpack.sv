// SPDX-License-Identifier: Apache-2.0
//
// Turns memory beats of FP32 or FP16 values into beats of BUS_W / 32 FP32 values.
//
// Why: the rest of the datapath knows FP32 only. An FP16 beat holds twice as many values and leaves in two cycles.
// Latency: 0 (combinational from input to output). Throughput: one output beat per cycle.

module fp_unpack #(
  // Memory bus width in bits.
  parameter int BUS_W = 256
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  // 1: the beats hold FP16; stable while beats of one region pass.
  input  logic             half_i,
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [BUS_W-1:0] in_data_i,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [BUS_W-1:0] out_data_o
);

  localparam int Lanes = BUS_W / 32;

  logic upper_q;
  logic [BUS_W/2-1:0] halves;
  logic [BUS_W-1:0] widened;

  assign halves = upper_q ? in_data_i[BUS_W/2+:BUS_W/2] : in_data_i[0+:BUS_W/2];

  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    fp16_to_fp32 u_widen (
      .x_i(halves[l*16+:16]),
      .y_o(widened[l*32+:32])
    );
  end

  assign out_valid_o = in_valid_i;
  assign out_data_o = half_i ? widened : in_data_i;
  assign in_ready_o = out_ready_i && (!half_i || upper_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) upper_q <= 1'b0;
    else if (in_valid_i && out_ready_i) upper_q <= half_i && !upper_q;
  end

endmodule : fp_unpack
