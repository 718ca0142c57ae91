// SPDX-License-Identifier: Apache-2.0
//
// Takes the header in front of a matrix of codes: codebook, its scale, the absmax offset, nested absmax values.
//
// Why: what codes mean comes in the stream, so that the memory side moves nothing but lines. Line 0 is the codebook, line 1
// scale and offset, the others are the nested values (docs/commands.md). All of it stays in force until the next header.
// Latency: values are in force in the cycle after their beat. Throughput: line 0 takes 16 cycles, one per entry, because
// the table has one write port; then one beat per cycle.

module weight_header #(
  // Memory bus width in bits.
  parameter int BUS_W = 256
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,

  // Begins a header of that many lines of 64 bytes, at least 2; while none is in progress.
  input  logic                                 start_i,
  input  logic [15:0]                          lines_i,
  // The header's last beat is taken in this cycle.
  output logic                                 end_o,

  input  logic                                 in_valid_i,
  output logic                                 in_ready_o,
  input  logic [BUS_W-1:0]                     in_data_i,

  // Codebook table.
  output logic                                 entry_write_o,
  output logic [3:0]                           entry_index_o,
  output logic [systolic_pkg::WeightWidth-1:0] entry_o,
  output logic [31:0]                          codebook_scale_o,
  output logic [31:0]                          offset_o,
  // Nested absmax table: from its first entry after start_i.
  output logic                                 nested_valid_o,
  output logic [BUS_W-1:0]                     nested_data_o
);

  localparam int LineBeats   = 512 / BUS_W;
  localparam int BeatEntries = BUS_W / 32;
  localparam int EntryW      = $clog2(BeatEntries);
  localparam int BeatW       = LineBeats > 1 ? $clog2(LineBeats) : 1;

  localparam logic [1:0] LineCodebook = 2'd0;
  localparam logic [1:0] LineScales   = 2'd1;
  localparam logic [1:0] LineNested   = 2'd2;

  logic [1:0]       line_q;
  logic [15:0]      lines_left_q;
  logic [BeatW-1:0] beat_q;
  logic [3:0]       entry_q;
  logic             take, line_end;

  assign in_ready_o = line_q != LineCodebook || entry_q[EntryW-1:0] == '1;
  assign take       = in_valid_i && in_ready_o;
  assign line_end   = take && beat_q == BeatW'(LineBeats - 1);
  assign end_o      = line_end && lines_left_q == 16'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q  <= '0;
      entry_q <= '0;
    end else begin
      if (take) beat_q <= line_end ? '0 : beat_q + BeatW'(1);
      if (entry_write_o) entry_q <= entry_q + 4'd1;
    end
    if (start_i) begin
      line_q       <= LineCodebook;
      lines_left_q <= lines_i;
    end else if (line_end) begin
      line_q       <= (line_q == LineCodebook) ? LineScales : LineNested;
      lines_left_q <= lines_left_q - 16'd1;
    end
    if (take && line_q == LineScales && beat_q == '0) begin
      codebook_scale_o <= in_data_i[31:0];
      offset_o         <= in_data_i[63:32];
    end
  end

  assign entry_write_o  = in_valid_i && line_q == LineCodebook;
  assign entry_index_o  = entry_q;
  assign entry_o        = in_data_i[entry_q[EntryW-1:0]*32+:systolic_pkg::WeightWidth];
  assign nested_valid_o = in_valid_i && line_q == LineNested;
  assign nested_data_o  = in_data_i;

endmodule : weight_header
