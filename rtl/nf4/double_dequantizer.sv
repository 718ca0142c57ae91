// SPDX-License-Identifier: Apache-2.0
//
// Double dequantizer: 8-bit dynamic code, nested absmax and offset back to the FP32 absmax of a block.
//
// Why: with double quantization the scale of a weight block lies in memory as one byte. Everything
// that uses weights, the matrix path and the NF4 dequantizer alike, restores it with this pipeline.
// absmax = map[code] * nested + offset, rounded after the product and after the sum as bitsandbytes
// does; subnormals are zero, as in every FP32 unit.
// Latency nf4_pkg::DoubleDequantLatency (11) enabled cycles, one result per cycle. No reset and no
// valid, like the FP32 units: the user moves its valid flag along.

module double_dequantizer (
  input  logic        clk_i,
  // Moves every stage by one; low freezes the pipeline.
  input  logic        en_i,
  // Second-level code of one block of weights.
  input  logic [7:0]  code_i,
  // Second-level scale, shared by nf4_pkg::NestedBlock codes.
  input  logic [31:0] nested_absmax_i,
  // Mean that was subtracted before the second quantization; one per tensor.
  input  logic [31:0] offset_i,
  output logic [31:0] absmax_o
);

  // Cycles by which the offset waits for the product.
  localparam int OffsetDelay = 1 + fp32_pkg::MulLatency;

  if (nf4_pkg::DoubleDequantLatency != OffsetDelay + fp32_pkg::AddLatency) begin : g_check_latency
    ERROR_nf4_pkg_DoubleDequantLatency_is_not_the_sum_of_the_stages error ();
  end

  logic [31:0] map [256];
  initial for (int i = 0; i < 256; i++) map[i] = nf4_pkg::DynamicMap[i*32+:32];

  logic [31:0]               value_q, nested_q;
  logic [OffsetDelay*32-1:0] offset_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      value_q  <= map[code_i];
      nested_q <= nested_absmax_i;
      offset_q <= {offset_q[(OffsetDelay-1)*32-1:0], offset_i};
    end
  end

  logic [31:0] product;

  fp32_mul u_mul (
    .clk_i,
    .en_i,
    .a_i(value_q),
    .b_i(nested_q),
    .y_o(product)
  );

  fp32_add u_add (
    .clk_i,
    .en_i,
    .a_i(product),
    .b_i(offset_q[(OffsetDelay-1)*32+:32]),
    .y_o(absmax_o)
  );

endmodule : double_dequantizer
