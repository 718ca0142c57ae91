// SPDX-License-Identifier: Apache-2.0
//
// Largest magnitude of each block, and whether the block is finite.
//
// Why: the scale of a block must be known before its first value can be quantized, so the values are
// examined on their way into the block buffer.
// Latency 2 cycles after a block's last beat, one beat per cycle; cannot stall.

module nf4_block_absmax #(
  // Values per beat, a power of two.
  parameter int LANES = 8
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                valid_i,
  input  logic                first_i,
  input  logic                last_i,
  // FP32, any bits.
  input  logic [LANES*32-1:0] values_i,

  // One cycle per block.
  output logic                valid_o,
  // Meaningless when nonfinite_o.
  output logic [30:0]         absmax_o,
  output logic                nonfinite_o
);

  // Lanes whose maximum the first stage finds; the second stage joins the groups and earlier beats.
  localparam int Group  = LANES < 4 ? LANES : 4;
  localparam int Groups = LANES / Group;

  // An infinity or a NaN has the largest exponent, so the maximum alone tells whether one came.
  logic [Groups*31-1:0] group_d, group_q;
  logic                 valid_q, first_q, last_q;

  always_comb begin
    for (int g = 0; g < Groups; g++) begin
      group_d[g*31+:31] = values_i[g*Group*32+:31];
      for (int i = 1; i < Group; i++) begin
        if (values_i[(g*Group+i)*32+:31] > group_d[g*31+:31]) begin
          group_d[g*31+:31] = values_i[(g*Group+i)*32+:31];
        end
      end
    end
  end

  logic [30:0] largest_d, largest_q;
  logic        done_q;

  always_comb begin
    largest_d = first_q ? '0 : largest_q;
    for (int g = 0; g < Groups; g++) begin
      if (group_q[g*31+:31] > largest_d) largest_d = group_q[g*31+:31];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      done_q  <= 1'b0;
    end else begin
      valid_q <= valid_i;
      done_q  <= valid_q && last_q;
    end
  end

  always_ff @(posedge clk_i) begin
    group_q <= group_d;
    first_q <= first_i;
    last_q  <= last_i;
    if (valid_q) largest_q <= largest_d;
  end

  assign valid_o     = done_q;
  assign absmax_o    = largest_q;
  assign nonfinite_o = largest_q[30:23] == 8'hFF;

endmodule : nf4_block_absmax
