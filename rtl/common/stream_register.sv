// SPDX-License-Identifier: Apache-2.0
//
// Two-entry register slice for a valid/ready stream.
//
// Why: cuts every combinational path between its two sides, valid, payload and ready alike, so that
// two blocks can be placed far apart or composed without building a long ready chain.
// Latency 1 cycle, one transfer per cycle sustained. in_ready_o comes straight from a flip-flop.

module stream_register #(
  // Payload bits.
  parameter int WIDTH = 8
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
    ERROR_stream_register_WIDTH_must_be_positive error ();
  end

  logic             out_valid_q, spare_valid_q;
  logic [WIDTH-1:0] out_data_q, spare_data_q;
  logic             advance;

  // The output register may be loaded: it is empty or is being emptied.
  assign advance     = out_ready_i || !out_valid_q;
  assign in_ready_o  = !spare_valid_q;
  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_q   <= 1'b0;
      spare_valid_q <= 1'b0;
    end else if (advance) begin
      out_valid_q   <= in_valid_i || spare_valid_q;
      spare_valid_q <= 1'b0;
    end else if (in_valid_i) begin
      spare_valid_q <= 1'b1;
    end
  end

  // The spare entry follows the input while it is free, so it needs no enable beyond its own flag.
  always_ff @(posedge clk_i) begin
    if (advance) out_data_q <= spare_valid_q ? spare_data_q : in_data_i;
    if (!spare_valid_q) spare_data_q <= in_data_i;
  end

`ifdef FORMAL
  `include "stream_formal.svh"

  // A transfer picked at any time leaves unchanged, after the one that may be ahead of it.
  (* anyseq *) logic f_pick;
  logic              f_watching = 1'b0;
  logic              f_behind;
  logic [WIDTH-1:0]  f_data;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= in_valid_i && in_ready_o && f_pick;
      f_behind   <= out_valid_q && !out_ready_i;
      f_data     <= in_data_i;
    end else if (out_valid_q && out_ready_i) begin
      f_watching <= f_behind;
      f_behind   <= 1'b0;
    end
    if (f_past_valid && rst_ni) cover (out_valid_q && out_ready_i && $past(out_valid_q && out_ready_i));
    if (rst_ni) begin
      if (spare_valid_q) assert (out_valid_q);
      if (f_watching && f_behind) assert (spare_valid_q && spare_data_q == f_data);
      if (f_watching && !f_behind) assert (out_valid_q && out_data_q == f_data);
    end
  end
`endif

endmodule : stream_register
