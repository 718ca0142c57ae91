// SPDX-License-Identifier: Apache-2.0
//
// Where a row of an operand begins, for rows in two nested loops.
//
// Why: each operand has distances of its own; the loops are counted elsewhere, once for all operands that move
// together. One adder serves both loops. Latency 1 cycle from start_i or next_i. Throughput: one row per cycle.

module row_address #(
  // Width of an address.
  parameter int ADDR_W = 16
) (
  input  logic                clk_i,

  // The first row: inner distance, outer distance and base.
  input  logic                start_i,
  input  logic [3*ADDR_W-1:0] region_i,
  // The next row, which is of the next outer iteration if last_inner_i.
  input  logic                next_i,
  input  logic                last_inner_i,

  output logic [ADDR_W-1:0]   base_o
);

  logic [ADDR_W-1:0] outer_stride_q, inner_stride_q, outer_base_q, row_base_q, next_base;

  assign next_base = (last_inner_i ? outer_base_q : row_base_q) + (last_inner_i ? outer_stride_q : inner_stride_q);
  assign base_o    = row_base_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      outer_stride_q <= region_i[ADDR_W+:ADDR_W];
      inner_stride_q <= region_i[2*ADDR_W+:ADDR_W];
    end
    if (start_i || next_i) row_base_q <= start_i ? region_i[0+:ADDR_W] : next_base;
    if (start_i || (next_i && last_inner_i)) outer_base_q <= start_i ? region_i[0+:ADDR_W] : next_base;
  end

endmodule : row_address
