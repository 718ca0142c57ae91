// SPDX-License-Identifier: Apache-2.0
//
// Width converter for a valid/ready stream, in either direction, by an integer ratio.
//
// Why: lets memory beats, lanes and register words of different widths meet without each user
// writing its own shifter. The least significant part comes first on the narrow side.
// Widening: latency 1 cycle after the last part. Narrowing: latency 1 cycle to the first part.
// The narrow side moves one part per cycle sustained. Equal widths are plain wires (latency 0).
// in_ready_o follows out_ready_i combinationally; put a stream_register beside it where that
// path is too long. A word is only ever delivered whole: there is no flush of a partial word.

module stream_resize #(
  // Payload bits on the input and on the output; one divides the other.
  parameter int IN_WIDTH  = 8,
  parameter int OUT_WIDTH = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 in_valid_i,
  output logic                 in_ready_o,
  input  logic [IN_WIDTH-1:0]  in_data_i,

  output logic                 out_valid_o,
  input  logic                 out_ready_i,
  output logic [OUT_WIDTH-1:0] out_data_o
);

  if (IN_WIDTH < 1 || OUT_WIDTH < 1) begin : g_check_widths
    ERROR_stream_resize_widths_must_be_positive error ();
  end else if (IN_WIDTH % OUT_WIDTH != 0 && OUT_WIDTH % IN_WIDTH != 0) begin : g_check_ratio
    ERROR_stream_resize_widths_must_have_an_integer_ratio error ();

  end else if (IN_WIDTH == OUT_WIDTH) begin : g_wires
    assign in_ready_o  = out_ready_i;
    assign out_valid_o = in_valid_i;
    assign out_data_o  = in_data_i;
    logic unused_signals;
    assign unused_signals = ^{clk_i, rst_ni};

  end else if (IN_WIDTH < OUT_WIDTH) begin : g_widen
    localparam int Ratio      = OUT_WIDTH / IN_WIDTH;
    localparam int CountWidth = $clog2(Ratio);
    localparam logic [CountWidth-1:0] LastPart = CountWidth'(Ratio - 1);

    logic [OUT_WIDTH-1:0]  data_q;
    logic [CountWidth-1:0] count_q;
    logic                  full_q;
    logic                  accept;

    // A finished word leaves in the cycle in which the first part of the next one shifts in.
    assign in_ready_o  = !full_q || out_ready_i;
    assign out_valid_o = full_q;
    assign out_data_o  = data_q;
    assign accept      = in_valid_i && in_ready_o;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        full_q  <= 1'b0;
      end else begin
        if (accept) count_q <= (count_q == LastPart) ? '0 : count_q + CountWidth'(1);
        if (accept && count_q == LastPart) full_q <= 1'b1;
        else if (out_ready_i) full_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (accept) data_q <= {in_data_i, data_q[OUT_WIDTH-1:IN_WIDTH]};
    end

  end else begin : g_narrow
    localparam int Ratio      = IN_WIDTH / OUT_WIDTH;
    localparam int CountWidth = $clog2(Ratio);
    localparam logic [CountWidth-1:0] LastPart = CountWidth'(Ratio - 1);

    logic [IN_WIDTH-1:0]   data_q;
    logic [CountWidth-1:0] count_q;
    logic                  busy_q;
    logic                  accept, emit;

    // The next word loads in the cycle in which the last part of the previous one leaves.
    assign in_ready_o  = !busy_q || (out_ready_i && count_q == LastPart);
    assign out_valid_o = busy_q;
    assign out_data_o  = data_q[OUT_WIDTH-1:0];
    assign accept      = in_valid_i && in_ready_o;
    assign emit        = busy_q && out_ready_i;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        busy_q  <= 1'b0;
      end else begin
        if (emit) count_q <= (count_q == LastPart) ? '0 : count_q + CountWidth'(1);
        if (accept) busy_q <= 1'b1;
        else if (emit && count_q == LastPart) busy_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (accept) data_q <= in_data_i;
      else if (emit) data_q <= {{OUT_WIDTH{1'b0}}, data_q[IN_WIDTH-1:OUT_WIDTH]};
    end
  end

`ifdef FORMAL
  `include "stream_formal.svh"

  // What came and has not left, as it came; in parts of the narrow side. The names are those that yosys gives the blocks.
  if (IN_WIDTH == OUT_WIDTH) begin : g_f_wires
    always @(posedge clk_i) assert (out_data_o == in_data_i && out_valid_o == in_valid_i && in_ready_o == out_ready_i);
  end else if (IN_WIDTH < OUT_WIDTH) begin : g_f_widen
    localparam int Ratio = OUT_WIDTH / IN_WIDTH;
    logic [OUT_WIDTH-1:0] f_came;
    int                   f_parts;
    always @(posedge clk_i) begin
      if (!rst_ni) f_parts <= 0;
      else f_parts <= f_parts + int'(in_valid_i && in_ready_o) - ((out_valid_o && out_ready_i) ? Ratio : 0);
      if (in_valid_i && in_ready_o) f_came <= {in_data_i, f_came[OUT_WIDTH-1:IN_WIDTH]};
      if (f_past_valid && rst_ni) begin
        assert (f_parts >= 0 && f_parts <= Ratio && out_valid_o == (f_parts == Ratio));
        assert (int'(genblk1.genblk1.genblk1.g_widen.count_q) == (out_valid_o ? 0 : f_parts));
        assert (((out_data_o ^ f_came) >> ((Ratio - f_parts) * IN_WIDTH)) == '0);
        cover (out_valid_o && out_ready_i && in_valid_i);
      end
    end
  end else begin : g_f_narrow
    localparam int Ratio = IN_WIDTH / OUT_WIDTH;
    logic [IN_WIDTH-1:0] f_came;
    int                  f_parts;
    always @(posedge clk_i) begin
      if (!rst_ni) f_parts <= 0;
      else f_parts <= f_parts + ((in_valid_i && in_ready_o) ? Ratio : 0) - int'(out_valid_o && out_ready_i);
      if (in_valid_i && in_ready_o) f_came <= in_data_i;
      else if (out_valid_o && out_ready_i) f_came <= f_came >> OUT_WIDTH;
      if (f_past_valid && rst_ni) begin
        assert (f_parts >= 0 && f_parts <= Ratio && out_valid_o == (f_parts != 0));
        assert (int'(genblk1.genblk1.genblk1.g_narrow.count_q) == (out_valid_o ? Ratio - f_parts : 0));
        if (out_valid_o) begin
          assert (genblk1.genblk1.genblk1.g_narrow.data_q == f_came);
          assert (out_data_o == f_came[OUT_WIDTH-1:0]);
        end
        cover (out_valid_o && out_ready_i && in_valid_i && in_ready_o);
      end
    end
  end
`endif

endmodule : stream_resize
