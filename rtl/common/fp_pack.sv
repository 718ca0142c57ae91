// SPDX-License-Identifier: Apache-2.0
//
// Turns beats of FP32 values into beats of FP32 or FP16 values of the same width.
//
// Why: all values of the datapath are FP32, memory may hold FP16, rounded to nearest even (fp32_to_fp16). Two beats then make
// one. The counterpart of fp_unpack.
// Latency: 2 cycles. Throughput: one input beat per cycle.

module fp_pack #(
  // Width of a beat in bits.
  parameter int WIDTH = 256
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  // 1: to FP16; stable while the beats of a row pass, which are then even in number.
  input  logic             half_i,
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [WIDTH-1:0] in_data_i,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [WIDTH-1:0] out_data_o
);

  logic               valid_q, half_q, free, upper_q, out_valid_q, out_free;
  logic [WIDTH-1:0]   data_q, out_q;
  logic [WIDTH/2-1:0] narrowed, lower_q;

  assign out_free   = !out_valid_q || out_ready_i;
  assign free       = !valid_q || out_free || (half_q && !upper_q);
  assign in_ready_o = free;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (free) valid_q <= in_valid_i;
    if (free) begin
      data_q <= in_data_i;
      half_q <= half_i;
    end
  end

  for (genvar l = 0; l < WIDTH / 32; l++) begin : g_lane
    fp32_to_fp16 u_narrow (
      .clk_i,
      .en_i(free),
      .x_i (in_data_i[l*32+:32]),
      .y_o (narrowed[l*16+:16])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_q <= 1'b0;
    else if (out_free) out_valid_q <= valid_q && (!half_q || upper_q);
    if (out_free) out_q <= half_q ? {narrowed, lower_q} : data_q;
  end
  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) upper_q <= 1'b0;
    else if (valid_q && free) upper_q <= half_q && !upper_q;
  end

  always_ff @(posedge clk_i) begin
    if (!upper_q) lower_q <= narrowed;
  end

endmodule : fp_pack
