// SPDX-License-Identifier: Apache-2.0
//
// READ commands: rows of values from memory to the scratchpad.
//
// Why: activations, norms and tables come from memory as FP32 or FP16, in rows that lie anywhere in memory and anywhere in
// the scratchpad. Beats wait in a FIFO for which the read master gives credits (axi_read_clients), because FP16 leaves it
// at half the bus's rate and the scratchpad may be busy. FP16 is widened exactly.
//
// Latency: a command to its first region 2 cycles; a beat to its first word 4 cycles at 256 bits. Throughput: a word per
// cycle, or what a bus of 64 or 128 bits gives: of FP32 its whole rate, of FP16 half. One command at a time.

module read_engine #(
  // Width of a byte address, at least 38: commands count lines in 32 bits.
  parameter int ADDR_W     = 40,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W      = 256,
  // Scratchpad of 2^SCRATCH_W words of 8 FP32 values, 9 to 16.
  parameter int SCRATCH_W  = 13,
  // Beats that the FIFO holds, a power of two; the client's credits at the read master.
  parameter int FIFO_BEATS = 64,
  // Width of the address of a line of 64 bytes; derived, leave alone.
  parameter int LINE_W     = ADDR_W - 6
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Commands, and the line that each lies in.
  input  logic                 cmd_valid_i,
  output logic                 cmd_ready_o,
  input  logic [511:0]         cmd_i,
  input  logic [LINE_W-1:0]    cmd_tag_i,
  // A field cannot be taken, or (later) the next word lies outside of the scratchpad; nothing more is written until reset.
  output logic                 bad_o,
  // The last word is in the scratchpad.
  output logic                 done_o,

  // Client of the read master.
  output logic                 rcmd_valid_o,
  input  logic                 rcmd_ready_i,
  output logic [LINE_W-1:0]    rcmd_addr_o,
  output logic [31:0]          rcmd_lines_o,
  output logic [15:0]          rcmd_rows_o,
  output logic [LINE_W-1:0]    rcmd_stride_o,
  output logic [LINE_W-1:0]    rcmd_tag_o,
  input  logic                 rdata_valid_i,
  output logic                 rdata_ready_o,
  input  logic [BUS_W-1:0]     rdata_data_i,
  output logic                 credit_return_o,

  // Scratchpad, whole words.
  output logic                 write_valid_o,
  input  logic                 write_ready_i,
  output logic [SCRATCH_W-1:0] write_addr_o,
  output logic [255:0]         write_data_o
);

  localparam int WordW = 256;
  // Values are widened at the bus's width, or a word at a time.
  localparam int PartW = BUS_W > WordW ? WordW : BUS_W;

  logic half, addr_valid, word_valid_q;
  // verilator lint_off UNUSEDSIGNAL
  logic unused_block;  // not among READ's formats
  // verilator lint_on UNUSEDSIGNAL

  transfer_rows #(
    .LINE_W   (LINE_W),
    .SCRATCH_W(SCRATCH_W)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_i,
    .cmd_tag_i,
    .bad_o,
    .ended_i        (1'b1),
    .done_o,
    .half_o         (half),
    .block_o        (unused_block),
    .region_valid_o (rcmd_valid_o),
    .region_ready_i (rcmd_ready_i),
    .region_addr_o  (rcmd_addr_o),
    .region_lines_o (rcmd_lines_o),
    .region_rows_o  (rcmd_rows_o),
    .region_stride_o(rcmd_stride_o),
    .region_tag_o   (rcmd_tag_o),
    .word_valid_o   (addr_valid),
    .word_ready_i   (word_valid_q && write_ready_i),
    .word_addr_o    (write_addr_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Beats to words
  // ---------------------------------------------------------------------------------------------
  logic             beat_valid, beat_ready, part_valid, part_ready, wide_valid, wide_ready, next_valid, next_ready;
  logic [BUS_W-1:0] beat;
  logic [PartW-1:0] part, wide;
  logic [WordW-1:0] next_word, word_q;
  logic             credit_q;

  // Credits keep it from running over.
  beat_fifo #(
    .WIDTH(BUS_W),
    .DEPTH(FIFO_BEATS)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i (rdata_valid_i),
    .in_ready_o (rdata_ready_o),
    .in_data_i  (rdata_data_i),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat)
  );

  stream_resize #(
    .IN_WIDTH (BUS_W),
    .OUT_WIDTH(PartW)
  ) u_parts (
    .clk_i,
    .rst_ni,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .out_valid_o(part_valid),
    .out_ready_i(part_ready),
    .out_data_o (part)
  );

  fp_unpack #(
    .BUS_W(PartW)
  ) u_unpack (
    .clk_i,
    .rst_ni,
    .half_i     (half),
    .in_valid_i (part_valid),
    .in_ready_o (part_ready),
    .in_data_i  (part),
    .out_valid_o(wide_valid),
    .out_ready_i(wide_ready),
    .out_data_o (wide)
  );

  stream_resize #(
    .IN_WIDTH (PartW),
    .OUT_WIDTH(WordW)
  ) u_words (
    .clk_i,
    .rst_ni,
    .in_valid_i (wide_valid),
    .in_ready_o (wide_ready),
    .in_data_i  (wide),
    .out_valid_o(next_valid),
    .out_ready_i(next_ready),
    .out_data_o (next_word)
  );

  assign next_ready = !word_valid_q || (addr_valid && write_ready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_valid_q <= 1'b0;
      credit_q     <= 1'b0;
    end else begin
      if (next_ready) word_valid_q <= next_valid;
      credit_q <= beat_valid && beat_ready;
    end
  end

  always_ff @(posedge clk_i) begin
    if (next_ready) word_q <= next_word;
  end

  assign write_valid_o   = word_valid_q && addr_valid;
  assign write_data_o    = word_q;
  assign credit_return_o = credit_q;

endmodule : read_engine
