// SPDX-License-Identifier: Apache-2.0
//
// Delays a word by a fixed number of cycles.
//
// Why: the side information of a vector (its exponent, its accumulator address) waits here while the vector crosses the
// array. Flip-flops would be DELAY per bit; this is a ring in distributed RAM.
// Latency: DELAY cycles. Throughput: one word per cycle, no backpressure. The payload is not reset.

module delay_line #(
  // Bits per word.
  parameter int WIDTH = 8,
  // Delay in cycles, at least 2.
  parameter int DELAY = 67
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [WIDTH-1:0] data_i,
  output logic [WIDTH-1:0] data_o
);

  localparam int Depth = DELAY - 1;
  localparam int PtrW = Depth > 1 ? $clog2(Depth) : 1;

  logic [WIDTH-1:0] ring_q[Depth];
  logic [WIDTH-1:0] data_q;
  logic [PtrW-1:0] ptr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) ptr_q <= '0;
    else ptr_q <= ptr_q == PtrW'(Depth - 1) ? '0 : ptr_q + 1'b1;
    ring_q[ptr_q] <= data_i;
    data_q <= ring_q[ptr_q];
  end

  assign data_o = data_q;

  if (DELAY < 2) begin : g_bad_delay
    ERROR_delay_line_DELAY_must_be_at_least_2 u_error ();
  end

endmodule : delay_line
