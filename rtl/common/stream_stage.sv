// SPDX-License-Identifier: Apache-2.0
//
// One register of a valid/ready stream, whose ready passes through.
//
// Why: cuts valid and payload with half of what stream_register takes; for wide payloads whose ready is known early. One
// that gets no more than a transfer every other cycle can have its ready cut too, at no cost: HALF_RATE.
// Latency 1 cycle, one transfer per cycle sustained; with HALF_RATE every other cycle, and ready from a flip-flop.

module stream_stage #(
  // Payload bits.
  parameter int WIDTH     = 8,
  // 1: no transfer comes in while one leaves.
  parameter bit HALF_RATE = 0
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [WIDTH-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [WIDTH-1:0] out_data_o
);

  if (WIDTH < 1) begin : g_check_width
    ERROR_stream_stage_WIDTH_must_be_positive error ();
  end

  logic             valid_q, free;
  logic [WIDTH-1:0] data_q;

  assign free        = !valid_q || out_ready_i;
  assign in_ready_o  = HALF_RATE ? !valid_q : free;
  assign out_valid_o = valid_q;
  assign out_data_o  = data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (free) valid_q <= in_valid_i && in_ready_o;
    if (free) data_q <= in_data_i;
  end

`ifdef FORMAL
  `include "stream_formal.svh"

  // A transfer leaves unchanged in the cycle after it came, or later; nothing else does.
  logic             f_held;
  logic [WIDTH-1:0] f_data;

  always @(posedge clk_i) begin
    if (!rst_ni) f_held <= 1'b0;
    else if (in_ready_o || out_ready_i) f_held <= in_valid_i && in_ready_o;
    if (in_valid_i && in_ready_o) f_data <= in_data_i;
    if (rst_ni) begin
      assert (out_valid_o == f_held);
      if (f_held) assert (out_data_o == f_data);
    end
  end
`endif

endmodule : stream_stage
