// SPDX-License-Identifier: Apache-2.0
//
// Sends values that come together through the function unit, a few per cycle.
//
// Why: functions are needed for one value in many, so there are fewer units than lanes. Values wait at the input until
// the last of them goes into a unit; of the results, the first wait behind the units for the last.
// Latency: LANES / UNITS - 1 + functions_pkg::FunctionLatency cycles. Throughput: LANES values every LANES / UNITS
// cycles.

module function_lanes #(
  // Values that come together.
  parameter int LANES = 4,
  // Function units; divides LANES and is less.
  parameter int UNITS = 2,
  // Bits that travel along.
  parameter int TAG_W = 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // As of functions_pkg; changes only while nothing is inside.
  input  logic [1:0]          function_i,

  input  logic                in_valid_i,
  output logic                in_ready_o,
  input  logic [LANES*32-1:0] in_data_i,
  input  logic [TAG_W-1:0]    in_tag_i,

  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [LANES*32-1:0] out_data_o,
  output logic [TAG_W-1:0]    out_tag_o
);

  localparam int Parts   = LANES / UNITS;
  localparam int PartW   = $clog2(Parts);
  localparam int GroupW  = UNITS * 32;
  localparam int HeldW   = Parts < 2 ? GroupW : LANES * 32 - GroupW;
  localparam int Latency = functions_pkg::FunctionLatency;

  if (LANES % UNITS != 0 || Parts < 2 || 2 ** PartW != Parts) begin : g_bad_units
    ERROR_function_lanes_LANES_must_be_UNITS_times_a_power_of_two error ();
  end

  logic [PartW-1:0]         part_q;
  logic                     en, last_part;
  logic [GroupW-1:0]        operands, results;
  logic [Latency-1:0]       valid_q;  // of last parts
  logic [Latency*TAG_W-1:0] tags_q;
  logic [HeldW-1:0]         held_q;

  assign en         = out_ready_i || !out_valid_o;
  assign last_part  = &part_q;
  assign in_ready_o = en && last_part;
  assign operands   = in_data_i[part_q*GroupW+:GroupW];

  for (genvar u = 0; u < UNITS; u++) begin : g_unit
    function_unit u_unit (
      .clk_i,
      .en_i      (en),
      .function_i(function_i),
      .x_i       (operands[u*32+:32]),
      .y_o       (results[u*32+:32])
    );
  end

  // Parts follow one another step by step, lowest first: the results before the last are those of the same values.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      part_q  <= '0;
      valid_q <= '0;
    end else if (en) begin
      if (in_valid_i) part_q <= part_q + 1'b1;
      valid_q <= {valid_q[Latency-2:0], in_valid_i && last_part};
    end
    if (en) begin
      tags_q <= {tags_q[(Latency-1)*TAG_W-1:0], in_tag_i};
      held_q <= HeldW'({results, held_q} >> GroupW);
    end
  end

  assign out_valid_o = valid_q[Latency-1];
  assign out_data_o  = {results, held_q};
  assign out_tag_o   = tags_q[(Latency-1)*TAG_W+:TAG_W];

endmodule : function_lanes
