// SPDX-License-Identifier: Apache-2.0
//
// Processing element: one multiply-accumulate of the weight-stationary array, made to fit one DSP48E1.
//
// Why: the array costs one slice per element only if nothing is left outside of it; sim/test_synthesis.py tests it.
// Every register here exists inside the DSP slice: A (activation), B1 and B2 (shadow and active weight), M (product) and
// P (sum, fed by the cascade from the row above). The activation also leaves to the right.
// Latency: activation to product 2 cycles, to sum 3. Throughput: one product per cycle.

module pe #(
  // Activation width in bits, signed.
  parameter int ACT_W = 25,
  // Weight width in bits, signed.
  parameter int WGT_W = 18,
  // Sum width in bits, signed.
  parameter int SUM_W = 48
) (
  input  logic                    clk_i,
  input  logic signed [ACT_W-1:0] act_i,
  output logic signed [ACT_W-1:0] act_o,
  // Loads weight_i into the shadow register.
  input  logic                    load_i,
  input  logic signed [WGT_W-1:0] weight_i,
  // Makes the shadow weight active for the activation that arrives in the same cycle.
  input  logic                    swap_i,
  input  logic signed [SUM_W-1:0] sum_i,
  output logic signed [SUM_W-1:0] sum_o
);

  logic signed [ACT_W-1:0] act_q;
  logic signed [WGT_W-1:0] shadow_q, active_q;
  logic signed [ACT_W+WGT_W-1:0] product_q;
  logic signed [SUM_W-1:0] sum_q;

  always_ff @(posedge clk_i) begin
    act_q <= act_i;
    if (load_i) shadow_q <= weight_i;
    if (swap_i) active_q <= shadow_q;
    product_q <= act_q * active_q;
    sum_q <= sum_i + SUM_W'(product_q);
  end

  assign act_o = act_q;
  assign sum_o = sum_q;

endmodule : pe
