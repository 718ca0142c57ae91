// SPDX-License-Identifier: Apache-2.0
//
// Passes words of values through the function unit, a few values per cycle.
//
// Why: functions are needed for one value in many, so there are fewer units than lanes. A word goes in at once, its values
// leave UNITS at a time and are gathered behind the units. Without a function the word passes unchanged, by the same way.
// Latency: LANES / UNITS + functions_pkg::FunctionLatency + 1 cycles. Throughput: a word every LANES / UNITS cycles; without
// a function, a word every cycle with one cycle of latency.

module function_lanes #(
  // Values per word.
  parameter int LANES = 8,
  // Function units; divides LANES and is less.
  parameter int UNITS = 2,
  // Bits that travel along with a word.
  parameter int TAG_W = 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // functions_pkg, or vector_pkg::FunctionNone; changes only while no word is inside.
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
  localparam int Latency = functions_pkg::FunctionLatency;

  if (LANES % UNITS != 0 || Parts < 2 || 2 ** PartW != Parts) begin : g_bad_units
    ERROR_function_lanes_LANES_must_be_UNITS_times_a_power_of_two error ();
  end

  // ---------------------------------------------------------------------------------------------
  // Words wait here while their parts go into the units, lowest first
  // ---------------------------------------------------------------------------------------------
  logic                bypass, busy_q, en, last_part, accept;
  logic [PartW-1:0]    part_q;
  logic [LANES*32-1:0] word_q;
  logic [TAG_W-1:0]    tag_q;

  assign bypass     = function_i == vector_pkg::FunctionNone;
  assign last_part  = &part_q;
  assign in_ready_o = en && (bypass || !busy_q || last_part);
  assign accept     = in_valid_i && in_ready_o && !bypass;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (accept) busy_q <= 1'b1;
    else if (en && last_part) busy_q <= 1'b0;
    if (!rst_ni) part_q <= '0;
    else if (en && busy_q) part_q <= part_q + 1'b1;

    if (accept) begin
      word_q <= in_data_i;
      tag_q  <= in_tag_i;
    end else if (en) begin
      word_q <= word_q >> GroupW;
    end
  end

  logic [GroupW-1:0] results;
  for (genvar u = 0; u < UNITS; u++) begin : g_unit
    function_unit u_unit (
      .clk_i,
      .en_i      (en),
      .function_i(function_i),
      .x_i       (word_q[u*32+:32]),
      .y_o       (results[u*32+:32])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Results are shifted in from above; with the last part the word is whole
  // ---------------------------------------------------------------------------------------------
  logic [Latency-1:0]       valid_q, last_q;
  logic [Latency*TAG_W-1:0] tags_q;
  logic                     out_valid_q;
  logic [LANES*32-1:0]      out_q;
  logic [TAG_W-1:0]         out_tag_q;

  assign en = out_ready_i || !out_valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q     <= '0;
      out_valid_q <= 1'b0;
    end else if (en) begin
      valid_q     <= {valid_q[Latency-2:0], busy_q};
      out_valid_q <= bypass ? in_valid_i : valid_q[Latency-1] && last_q[Latency-1];
    end
    if (en) begin
      last_q <= {last_q[Latency-2:0], last_part};
      tags_q <= {tags_q[(Latency-1)*TAG_W-1:0], tag_q};
      if (bypass) out_q <= in_data_i;
      else if (valid_q[Latency-1]) out_q <= {results, out_q[LANES*32-1:GroupW]};
      out_tag_q <= bypass ? in_tag_i : tags_q[(Latency-1)*TAG_W+:TAG_W];
    end
  end

  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_q;
  assign out_tag_o   = out_tag_q;

endmodule : function_lanes
