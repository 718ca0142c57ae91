// SPDX-License-Identifier: Apache-2.0
//
// One array column's way from exact integer sums to FP32 results.
//
// Why: each block's sum becomes FP32, is multiplied by the column's scale and added to the running total of its output
// row; totals of blocks are added in ascending order, so results do not depend on the array's size. Two accumulator
// buffers let one output block be written out while the next one accumulates.
// Latency: 15 cycles from the sum to the written total; the operands of later stages arrive later, as the ports say.
// Throughput: one sum per cycle. The same address may come again after 8 cycles.

module column_accumulator #(
  // Accumulators per buffer.
  parameter int DEPTH = 512
) (
  input  logic                            clk_i,
  // Stage 0: the sum, its power of two, and whether its activations are unusable.
  input  logic signed [systolic_pkg::SumWidth-1:0] sum_i,
  input  logic signed [9:0]               exponent_i,
  input  logic                            nonfinite_i,
  // Stage 4: the column's scale.
  input  logic [31:0]                     scale_i,
  // Stage 7: which total to read.
  input  logic [$clog2(DEPTH)-1:0]        read_address_i,
  // Stage 8: start from zero instead; which buffer was read.
  input  logic                            first_i,
  input  logic                            buffer_read_i,
  // Stage 14: where to write the new total.
  input  logic                            write_i,
  input  logic                            buffer_write_i,
  input  logic [$clog2(DEPTH)-1:0]        write_address_i,
  // Reading results: the buffer given here is read at drain_address_i, data one cycle later.
  input  logic                            drain_i,
  input  logic                            drain_buffer_i,
  input  logic [$clog2(DEPTH)-1:0]        drain_address_i,
  output logic [31:0]                     drain_data_o
);

  localparam int AddressW = $clog2(DEPTH);

  logic [31:0] term, scaled, total, old_q, even_read_q, odd_read_q;
  logic [31:0] even_q[DEPTH];
  logic [31:0] odd_q[DEPTH];
  logic [AddressW-1:0] even_address, odd_address;
  logic drain_buffer_q;

  int_to_fp32 #(
    .WIDTH(systolic_pkg::SumWidth)
  ) u_convert (
    .clk_i,
    .en_i(1'b1),
    .nan_i(nonfinite_i),
    .value_i(sum_i),
    .exponent_i,
    .y_o(term)
  );
  fp32_mul u_scale (
    .clk_i,
    .en_i(1'b1),
    .a_i(term),
    .b_i(scale_i),
    .y_o(scaled)
  );

  assign even_address = drain_i && !drain_buffer_i ? drain_address_i : read_address_i;
  assign odd_address = drain_i && drain_buffer_i ? drain_address_i : read_address_i;
  always_ff @(posedge clk_i) begin
    if (write_i && !buffer_write_i) even_q[write_address_i] <= total;
    even_read_q <= even_q[even_address];
  end
  always_ff @(posedge clk_i) begin
    if (write_i && buffer_write_i) odd_q[write_address_i] <= total;
    odd_read_q <= odd_q[odd_address];
  end
  always_ff @(posedge clk_i) drain_buffer_q <= drain_buffer_i;

  always_ff @(posedge clk_i) begin
    if (first_i) old_q <= '0;
    else old_q <= buffer_read_i ? odd_read_q : even_read_q;
  end
  assign drain_data_o = drain_buffer_q ? odd_read_q : even_read_q;

  fp32_add u_add (
    .clk_i,
    .en_i(1'b1),
    .a_i(old_q),
    .b_i(scaled),
    .y_o(total)
  );

endmodule : column_accumulator
