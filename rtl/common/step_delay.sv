// SPDX-License-Identifier: Apache-2.0
//
// What a word was some steps ago.
//
// Why: beside a pipeline, or around it in a loop, words wait until their partner is there. A ring in distributed RAM
// takes two thirds of the LUTs of shift registers, and any of its words can be had.
// Latency: back_i steps, of DEPTH for back_i zero. Throughput: one word per step. Only the pointer is reset.

module step_delay #(
  // Bits per word.
  parameter int WIDTH = 8,
  // Steps that are remembered, a power of two from 2.
  parameter int DEPTH = 4
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // A step: the word at the input is remembered.
  input  logic                     en_i,
  input  logic [WIDTH-1:0]         data_i,
  // How many steps ago, modulo DEPTH.
  input  logic [$clog2(DEPTH)-1:0] back_i,
  output logic [WIDTH-1:0]         data_o
);

  localparam int PtrW = $clog2(DEPTH);

  if (DEPTH < 2 || 2 ** PtrW != DEPTH) begin : g_bad_depth
    ERROR_step_delay_DEPTH_must_be_a_power_of_two_from_2 error ();
  end

  (* ram_style = "distributed" *) logic [WIDTH-1:0] ring_q[DEPTH];
  logic [PtrW-1:0] ptr_q, read_ptr;

  assign read_ptr = ptr_q - back_i;
  assign data_o   = ring_q[read_ptr];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) ptr_q <= '0;
    else if (en_i) ptr_q <= ptr_q + 1'b1;
    if (en_i) ring_q[ptr_q] <= data_i;
  end

endmodule : step_delay
