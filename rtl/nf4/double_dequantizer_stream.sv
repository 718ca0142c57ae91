// SPDX-License-Identifier: Apache-2.0
//
// double_dequantizer as a valid/ready stream.
//
// Why: outside the matrix path, absmax is restored between streams that stall (codes from memory,
// absmax into the NF4 dequantizer).
// Latency nf4_pkg::DoubleDequantLatency (11) cycles, one result per cycle. in_ready_o follows
// out_ready_i combinationally: a stalled output freezes the pipeline.

module double_dequantizer_stream (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        in_valid_i,
  output logic        in_ready_o,
  input  logic [7:0]  in_code_i,
  input  logic [31:0] in_nested_absmax_i,
  input  logic [31:0] in_offset_i,

  output logic        out_valid_o,
  input  logic        out_ready_i,
  output logic [31:0] out_absmax_o
);

  localparam int Latency = nf4_pkg::DoubleDequantLatency;

  logic               en;
  logic [Latency-1:0] valid_q;

  assign en          = !out_valid_o || out_ready_i;
  assign in_ready_o  = en;
  assign out_valid_o = valid_q[Latency-1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (en) valid_q <= {valid_q[Latency-2:0], in_valid_i};
  end

  double_dequantizer u_dequantizer (
    .clk_i,
    .en_i(en),
    .code_i(in_code_i),
    .nested_absmax_i(in_nested_absmax_i),
    .offset_i(in_offset_i),
    .absmax_o(out_absmax_o)
  );

endmodule : double_dequantizer_stream
