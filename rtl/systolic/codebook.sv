// SPDX-License-Identifier: Apache-2.0
//
// Looks up 4-bit codes in a programmable table of 16 signed integers, LANES at a time.
//
// Why: NF4 or any other codebook of up to 4 bits becomes the array's integer weights here. The table sits in distributed
// RAM, one copy per lane: a multiplexer from registers would cost seven times as much. The copies are refreshed all the
// time, one entry a cycle, so a change of entries_i takes effect within 16 cycles.
// Latency: 0 (combinational). Throughput: LANES codes per cycle.

module codebook #(
  // Codes per cycle.
  parameter int LANES = 64
) (
  input  logic                                           clk_i,
  input  logic                                           rst_ni,
  input  logic [16*systolic_pkg::WeightWidth-1:0]        entries_i,
  input  logic [LANES*4-1:0]                             codes_i,
  output logic [LANES*systolic_pkg::WeightWidth-1:0]     weights_o
);

  localparam int WgtW = systolic_pkg::WeightWidth;

  logic [WgtW-1:0] table_q[16];
  logic [3:0] refresh_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) refresh_q <= '0;
    else refresh_q <= refresh_q + 1'b1;
    table_q[refresh_q] <= entries_i[refresh_q*WgtW+:WgtW];
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    assign weights_o[l*WgtW+:WgtW] = table_q[codes_i[l*4+:4]];
  end

endmodule : codebook
