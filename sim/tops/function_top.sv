// SPDX-License-Identifier: Apache-2.0
//
// Simulation top of the function unit: several lanes of it, as a stream.
//
// Why: the unit moves by en_i alone. Here it gets the valid chain that its users build from functions_pkg's latency, so
// a wrong latency shows as a wrong result.

module function_top #(
  // Units side by side.
  parameter int LANES = 8
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // One function and one operand per lane.
  input  logic                op_valid_i,
  output logic                op_ready_o,
  input  logic [LANES*2-1:0]  op_function_i,
  input  logic [LANES*32-1:0] op_x_i,

  output logic                result_valid_o,
  input  logic                result_ready_i,
  output logic [LANES*32-1:0] result_y_o
);

  // The pipeline moves while its last stage is empty or leaves.
  logic [functions_pkg::FunctionLatency-1:0] chain_q;

  assign result_valid_o = chain_q[functions_pkg::FunctionLatency-1];
  assign op_ready_o     = result_ready_i || !result_valid_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) chain_q <= '0;
    else if (op_ready_o) chain_q <= {chain_q[functions_pkg::FunctionLatency-2:0], op_valid_i};
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    function_unit u_unit (
      .clk_i,
      .en_i      (op_ready_o),
      .function_i(op_function_i[l*2+:2]),
      .x_i       (op_x_i[l*32+:32]),
      .y_o       (result_y_o[l*32+:32])
    );
  end

endmodule : function_top
