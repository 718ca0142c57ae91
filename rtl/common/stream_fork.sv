// SPDX-License-Identifier: Apache-2.0
//
// Handshake of a stream that several consumers each take exactly once.
//
// Why: consumers stall independently, yet a transfer must reach each of them once and only once.
// The fork carries no payload: wire the input's payload to all outputs, it stays stable until the
// slowest consumer has taken it.
// Latency 0, one transfer per cycle when all outputs are ready. in_ready_o follows out_ready_i
// combinationally and never looks at a valid.

module stream_fork #(
  // Number of consumers.
  parameter int OUTPUTS = 2
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               in_valid_i,
  output logic               in_ready_o,

  output logic [OUTPUTS-1:0] out_valid_o,
  input  logic [OUTPUTS-1:0] out_ready_i
);

  if (OUTPUTS < 1) begin : g_check_outputs
    ERROR_stream_fork_OUTPUTS_must_be_positive error ();
  end

  // Outputs that have already taken the transfer now at the input.
  logic [OUTPUTS-1:0] taken_q;

  assign out_valid_o = {OUTPUTS{in_valid_i}} & ~taken_q;
  assign in_ready_o  = &(taken_q | out_ready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      taken_q <= '0;
    end else if (in_valid_i) begin
      taken_q <= in_ready_o ? '0 : taken_q | out_ready_i;
    end
  end

`ifdef FORMAL
  logic f_past_valid = 1'b0;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(in_valid_i && !in_ready_o)) assume (in_valid_i);
      // What was offered and not taken is offered again; what was taken waits for the others.
      assert (($past(out_valid_o & ~out_ready_i) & ~out_valid_o) == '0);
      if ($past(in_valid_i && !in_ready_o)) assert (($past(out_valid_o & out_ready_i) & out_valid_o) == '0);
    end
    // There is always an output left to serve.
    if (rst_ni) assert (taken_q != '1);
    if (f_past_valid && rst_ni) cover (in_valid_i && in_ready_o && taken_q == ~OUTPUTS'(1));
  end
`endif

endmodule : stream_fork
