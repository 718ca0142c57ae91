// SPDX-License-Identifier: Apache-2.0
//
// Two flip-flops in a row for bits that come from another clock.
//
// Why: a bit that changes at a clock edge may leave the first flip-flop undecided for a while; the second one sees it
// decided. The bits of a vector may arrive in different cycles: only vectors of which one bit changes at a time (Gray
// code), or bits that have nothing to do with each other, may cross so. Constraints find the cells by their names.
// Latency: two to three cycles of clk_i.

module sync_bits #(
  // Bits.
  parameter int WIDTH = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  // Straight from flip-flops of the other clock.
  input  logic [WIDTH-1:0] async_i,
`ifdef FORMAL
  // For proofs: what comes next.
  output logic [WIDTH-1:0] f_meta_o,
`endif
  output logic [WIDTH-1:0] sync_o
);

  (* ASYNC_REG = "TRUE" *) logic [WIDTH-1:0] meta_q;
  (* ASYNC_REG = "TRUE" *) logic [WIDTH-1:0] sync_q;

  assign sync_o = sync_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      meta_q <= '0;
      sync_q <= '0;
    end else begin
      meta_q <= async_i;
      sync_q <= meta_q;
    end
  end

`ifdef FORMAL
  assign f_meta_o = meta_q;
`endif

endmodule : sync_bits
