// SPDX-License-Identifier: Apache-2.0
//
// Looks up 4-bit codes in a programmable table of 16 signed integers, LANES at a time.
//
// Why: NF4 or any other codebook of up to 4 bits becomes the array's integer weights here. The table sits in distributed
// RAM, one copy per lane, all written together: multiplexers from registers cost eight times as much.
// Latency: 0 (combinational). Throughput: LANES codes per cycle.

module codebook #(
  // Codes per cycle.
  parameter int LANES = 64
) (
  input  logic                                       clk_i,
  input  logic                                       write_i,
  input  logic [3:0]                                 index_i,
  input  logic [systolic_pkg::WeightWidth-1:0]       entry_i,
  input  logic [LANES*4-1:0]                         codes_i,
  output logic [LANES*systolic_pkg::WeightWidth-1:0] weights_o
);

  localparam int WgtW = systolic_pkg::WeightWidth;

  (* ram_style = "distributed" *) logic [WgtW-1:0] table_q[16];

  always_ff @(posedge clk_i) begin
    if (write_i) table_q[index_i] <= entry_i;
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    assign weights_o[l*WgtW+:WgtW] = table_q[codes_i[l*4+:4]];
  end

endmodule : codebook
