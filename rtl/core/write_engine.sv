// SPDX-License-Identifier: Apache-2.0
//
// WRITE commands: rows of values from the scratchpad to memory.
//
// Why: results go to memory as FP32, FP16 or BFP8, in rows that lie anywhere in the scratchpad and anywhere in memory. Write
// addresses may go out before their data, because a scratchpad read always comes back: nothing that it waits for waits for
// memory. FP16 is rounded to nearest even, beyond its range to infinity; BFP8 is bfp8_pack's.
//
// Latency: a command to its first region and first scratchpad read 2 cycles; an answer to its beat 4 cycles at 256 bits, 6 at less, 5 at 512.
// The last word of a BFP8 block to its first beat: 2 cycles and one more per word that the beat needs, but 2 at 64 bits.
// Throughput: a word per cycle, or what a bus of 64 or 128 bits takes. One command at a time, to its last response.

module write_engine #(
  // Width of a byte address, at least 38: commands count lines in 32 bits.
  parameter int ADDR_W    = 40,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W     = 256,
  // Scratchpad of 2^SCRATCH_W words of 8 FP32 values, 9 to 16.
  parameter int SCRATCH_W = 13,
  // Width of the address of a line of 64 bytes; derived, leave alone.
  parameter int LINE_W    = ADDR_W - 6
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Commands, and the line that each lies in.
  input  logic                 cmd_valid_i,
  output logic                 cmd_ready_o,
  input  logic [511:0]         cmd_i,
  input  logic [LINE_W-1:0]    cmd_tag_i,
  // A field cannot be taken, or (later) the next word lies outside of the scratchpad; nothing more is read until reset.
  output logic                 bad_o,
  // Memory has answered the last write.
  output logic                 done_o,

  // Scratchpad: answers come in order and are not held.
  output logic                 read_valid_o,
  input  logic                 read_ready_i,
  output logic [SCRATCH_W-1:0] read_addr_o,
  input  logic                 answer_valid_i,
  input  logic [255:0]         answer_data_i,

  // Write master.
  output logic                 wcmd_valid_o,
  input  logic                 wcmd_ready_i,
  output logic [LINE_W-1:0]    wcmd_addr_o,
  output logic [31:0]          wcmd_lines_o,
  output logic [15:0]          wcmd_rows_o,
  output logic [LINE_W-1:0]    wcmd_stride_o,
  output logic [LINE_W-1:0]    wcmd_tag_o,
  output logic                 wdata_valid_o,
  input  logic                 wdata_ready_i,
  output logic [BUS_W-1:0]     wdata_data_o,
  input  logic                 writes_pending_i
);

  localparam int WordW = 256;
  // Values are rounded at the bus's width, or a word at a time.
  localparam int PartW = BUS_W > WordW ? WordW : BUS_W;
  // Words that may be asked for before the first of them has left: more than a read takes.
  localparam int Depth  = 16;
  localparam int LevelW = $clog2(Depth + 1);

  logic              half, block, addr_valid, granted, leaves;
  logic [LevelW-1:0] reserved_q;
  logic              full_q;  // all are reserved

  transfer_rows #(
    .LINE_W   (LINE_W),
    .SCRATCH_W(SCRATCH_W),
    .BLOCKS   (1)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_i,
    .cmd_tag_i,
    .bad_o,
    .ended_i        (!writes_pending_i),
    .done_o,
    .half_o         (half),
    .block_o        (block),
    .region_valid_o (wcmd_valid_o),
    .region_ready_i (wcmd_ready_i),
    .region_addr_o  (wcmd_addr_o),
    .region_lines_o (wcmd_lines_o),
    .region_rows_o  (wcmd_rows_o),
    .region_stride_o(wcmd_stride_o),
    .region_tag_o   (wcmd_tag_o),
    .word_valid_o   (addr_valid),
    .word_ready_i   (!full_q && read_ready_i),
    .word_addr_o    (read_addr_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Words to beats
  // ---------------------------------------------------------------------------------------------
  logic             head_valid, head_ready, word_valid_q, word_ready, part_valid, part_ready;
  logic             cut_valid, cut_ready, narrow_valid, narrow_ready, plain_valid, plain_ready;
  logic             block_ready, bytes_valid, bytes_ready, packed_valid;
  logic [WordW-1:0] head, word_q;
  logic [63:0]      bytes, exponents;
  logic [BUS_W-1:0] plain_beat, packed_beat;
  logic [PartW-1:0] part, cut, narrow;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused_ready; // room is reserved before a word is asked for
  logic [LevelW-1:0] unused_level;
  // verilator lint_on UNUSEDSIGNAL

  assign read_valid_o = addr_valid && !full_q;
  assign granted      = read_valid_o && read_ready_i;
  assign leaves       = head_valid && head_ready;

  stream_fifo #(
    .WIDTH(WordW),
    .DEPTH(Depth)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i (answer_valid_i),
    .in_ready_o (unused_ready),
    .in_data_i  (answer_data_i),
    .out_valid_o(head_valid),
    .out_ready_i(head_ready),
    .out_data_o (head),
    .level_o    (unused_level)
  );

  assign head_ready = !word_valid_q || word_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_valid_q <= 1'b0;
      reserved_q   <= '0;
      full_q       <= 1'b0;
    end else begin
      if (head_ready) word_valid_q <= head_valid;
      reserved_q <= reserved_q + LevelW'(granted) - LevelW'(leaves);
      full_q     <= !leaves && (full_q || (granted && reserved_q == LevelW'(Depth - 1)));
    end
  end

  always_ff @(posedge clk_i) begin
    if (head_ready) word_q <= head;
  end

  stream_resize #(
    .IN_WIDTH (WordW),
    .OUT_WIDTH(PartW)
  ) u_parts (
    .clk_i,
    .rst_ni,
    .in_valid_i (word_valid_q && !block),
    .in_ready_o (plain_ready),
    .in_data_i  (word_q),
    .out_valid_o(part_valid),
    .out_ready_i(part_ready),
    .out_data_o (part)
  );

  // A word is taken by as many flip-flops as it is wide, and the bus's ready comes late.
  if (PartW < WordW) begin : g_cut
    stream_register #(
      .WIDTH(PartW)
    ) u_register (
      .clk_i,
      .rst_ni,
      .in_valid_i (part_valid),
      .in_ready_o (part_ready),
      .in_data_i  (part),
      .out_valid_o(cut_valid),
      .out_ready_i(cut_ready),
      .out_data_o (cut)
    );
  end else begin : g_whole
    assign {cut_valid, part_ready, cut} = {part_valid, cut_ready, part};
  end

  fp_pack #(
    .WIDTH(PartW)
  ) u_pack (
    .clk_i,
    .rst_ni,
    .half_i     (half),
    .in_valid_i (cut_valid),
    .in_ready_o (cut_ready),
    .in_data_i  (cut),
    .out_valid_o(narrow_valid),
    .out_ready_i(narrow_ready),
    .out_data_o (narrow)
  );

  stream_resize #(
    .IN_WIDTH (PartW),
    .OUT_WIDTH(BUS_W)
  ) u_beats (
    .clk_i,
    .rst_ni,
    .in_valid_i (narrow_valid),
    .in_ready_o (narrow_ready),
    .in_data_i  (narrow),
    .out_valid_o(plain_valid),
    .out_ready_i(wdata_ready_i && !block),
    .out_data_o (plain_beat)
  );

  // ---------------------------------------------------------------------------------------------
  // BFP8: the FIFO holds a block until its scale is known
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < 8; l++) begin : g_exponent
    assign exponents[8*l+:8] = answer_data_i[32*l+23+:8];
  end
  bfp8_pack u_blocks (
    .clk_i,
    .rst_ni,
    .seen_valid_i    (answer_valid_i && block),
    .seen_exponents_i(exponents),
    .in_valid_i      (word_valid_q && block),
    .in_ready_o      (block_ready),
    .in_data_i       (word_q),
    .out_valid_o     (bytes_valid),
    .out_ready_i     (bytes_ready),
    .out_data_o      (bytes)
  );

  stream_resize #(
    .IN_WIDTH (64),
    .OUT_WIDTH(BUS_W)
  ) u_lines (
    .clk_i,
    .rst_ni,
    .in_valid_i (bytes_valid),
    .in_ready_o (bytes_ready),
    .in_data_i  (bytes),
    .out_valid_o(packed_valid),
    .out_ready_i(wdata_ready_i && block),
    .out_data_o (packed_beat)
  );

  // One command at a time: its format stays until its last beat has gone.
  assign word_ready    = block ? block_ready : plain_ready;
  assign wdata_valid_o = block ? packed_valid : plain_valid;
  assign wdata_data_o  = block ? packed_beat : plain_beat;

endmodule : write_engine
