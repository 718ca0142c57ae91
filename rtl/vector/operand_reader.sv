// SPDX-License-Identifier: Apache-2.0
//
// Reads the words of the vector engine's operands A and B from the scratchpad, ahead of their use, and gives them whole
// or in halves.
//
// Why: the scratchpad is shared, so a read is granted when it is free. Both operands have the same rows, which are
// counted once: B's word is asked for when A's is granted, a cycle behind it, so that two operands that lie alike in
// the banks do not meet there. Where B is one value per row, it is asked for with the row's first word and stays until
// the last.
// Latency: start_i to out_valid_o 4 cycles and those of the scratchpad, with B one more. Throughput: one part per cycle
// while the scratchpad grants a word in as many cycles as it has parts, and answers within DEPTH - 2 cycles.

module operand_reader #(
  // Values of a part: a word's, or half of them.
  parameter int LANES   = 8,
  // Width of an address in words.
  parameter int ADDR_W  = 16,
  // Width of an address in values.
  parameter int VALUE_W = 19,
  // Words of each operand that are asked for or waiting, a power of two.
  parameter int DEPTH   = 8
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // As of row_counter; inner distance, outer distance and base of A in words and of B in values.
  input  logic                 start_i,
  input  logic [15:0]          outer_i,
  input  logic [15:0]          inner_i,
  input  logic [15:0]          words_i,
  input  logic [3*ADDR_W-1:0]  a_i,
  // Word w of a row of A is at w XOR this.
  input  logic [15:0]          exchange_i,
  // B is read; as one value per row.
  input  logic                 uses_b_i,
  input  logic                 per_row_i,
  input  logic [3*VALUE_W-1:0] b_i,

  // Scratchpad: answers come in order.
  output logic                 a_req_valid_o,
  input  logic                 a_req_ready_i,
  output logic [ADDR_W-1:0]    a_req_addr_o,
  input  logic                 a_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] a_rsp_data_i,
  output logic                 b_req_valid_o,
  input  logic                 b_req_ready_i,
  output logic [ADDR_W-1:0]    b_req_addr_o,
  input  logic                 b_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] b_rsp_data_i,

  // Parts of a word, lowest first: those of A and of B, and B's value of the row.
  output logic                 out_valid_o,
  input  logic                 out_ready_i,
  output logic [LANES*32-1:0]  out_a_o,
  output logic [LANES*32-1:0]  out_b_o,
  output logic [31:0]          out_b_value_o,
  // Last part of its word; part of the last word of its row, of the last row of its outer iteration, of the last row of
  // all.
  output logic                 out_last_part_o,
  output logic                 out_last_word_o,
  output logic                 out_last_inner_o,
  output logic                 out_last_o
);

  localparam int WordW = vector_pkg::Lanes * 32;
  localparam int PartW = LANES * 32;
  localparam int LaneW = $clog2(vector_pkg::Lanes);
  localparam int PartLaneW = $clog2(LANES);
  localparam bit Whole = LANES == vector_pkg::Lanes;

  // ---------------------------------------------------------------------------------------------
  // Questions
  // ---------------------------------------------------------------------------------------------
  logic               walk_valid, walk_ready, walk_last_word, walk_last_inner, walk_last, first_word_q, uses_b_q;
  logic               pending_q, last_word_q, last_inner_q, last_q, b_wanted_q, advance, room, a_granted, a_asked_q;
  logic               per_row_q, b_granted, b_valid_q, unused_b_room;
  logic [15:0]        word, exchange_q;
  logic [ADDR_W-1:0]  a_base, a_addr_q;
  logic [VALUE_W-1:0] b_base, b_next_q, b_addr_q;

  row_counter u_rows (
    .clk_i,
    .rst_ni,
    .start_i,
    .outer_i,
    .inner_i,
    .words_i,
    .valid_o     (walk_valid),
    .ready_i     (walk_ready),
    .word_o      (word),
    .last_word_o (walk_last_word),
    .last_inner_o(walk_last_inner),
    .last_o      (walk_last)
  );
  row_address #(
    .ADDR_W(ADDR_W)
  ) u_a_rows (
    .clk_i,
    .start_i,
    .region_i    (a_i),
    .next_i      (walk_valid && walk_ready && walk_last_word),
    .last_inner_i(walk_last_inner),
    .base_o      (a_base)
  );
  row_address #(
    .ADDR_W(VALUE_W)
  ) u_b_rows (
    .clk_i,
    .start_i,
    .region_i    (b_i),
    .next_i      (walk_valid && walk_ready && walk_last_word),
    .last_inner_i(walk_last_inner),
    .base_o      (b_base)
  );

  // The next word, with its addresses.
  assign walk_ready = advance || !pending_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) pending_q <= 1'b0;
    else if (walk_ready) pending_q <= walk_valid;
    if (walk_ready) begin
      a_addr_q     <= a_base + ADDR_W'(word ^ exchange_q);
      b_next_q     <= b_base + VALUE_W'({word, LaneW'(0)});
      b_wanted_q   <= uses_b_q && (first_word_q || !per_row_q);
      last_word_q  <= walk_last_word;
      last_inner_q <= walk_last_inner;
      last_q       <= walk_last;
    end
    if (start_i) first_word_q <= 1'b1;
    else if (walk_valid && walk_ready) first_word_q <= walk_last_word;
  end

  assign a_req_valid_o = pending_q && room && !a_asked_q;
  assign a_req_addr_o  = a_addr_q;
  assign a_granted     = a_req_valid_o && a_req_ready_i;
  assign b_granted     = b_valid_q && b_req_ready_i;
  assign advance       = (a_granted || a_asked_q) && (b_granted || !b_valid_q || !b_wanted_q);
  assign b_req_valid_o = b_valid_q;
  assign b_req_addr_o  = b_addr_q[LaneW+:ADDR_W];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      a_asked_q <= 1'b0;
      b_valid_q <= 1'b0;
    end else begin
      a_asked_q <= (a_granted || a_asked_q) && !advance;
      b_valid_q <= (advance && b_wanted_q) || (b_valid_q && !b_granted);
    end
    if (advance && b_wanted_q) b_addr_q <= b_next_q;
    if (start_i) begin
      exchange_q <= exchange_i;
      uses_b_q   <= uses_b_i;
      per_row_q  <= per_row_i;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Answers
  // ---------------------------------------------------------------------------------------------
  logic             a_valid, b_valid, valid, last_part_q, upper, take, take_ready, a_take, last_word, last_inner, last;
  logic [LaneW-1:0] b_lane;
  logic [PartW-1:0] a_part, b_part;

  operand_queue #(
    .WIDTH (WordW),
    .PART_W(PartW),
    .NOTE_W(3),
    .DEPTH (DEPTH)
  ) u_a (
    .clk_i,
    .rst_ni,
    .room_o        (room),
    .ask_i         (a_granted),
    .ask_note_i    ({last_q, last_inner_q, last_word_q}),
    .answer_valid_i(a_rsp_valid_i),
    .answer_data_i (a_rsp_data_i),
    .out_valid_o   (a_valid),
    .out_upper_i   (upper),
    .out_data_o    (a_part),
    .out_note_o    ({last, last_inner, last_word}),
    .out_take_i    (a_take)
  );

  // B has room whenever A had: a word of B, and a row's value, is there no longer than a word of A with it.
  operand_queue #(
    .WIDTH (WordW),
    .PART_W(PartW),
    .NOTE_W(LaneW),
    .DEPTH (DEPTH)
  ) u_b (
    .clk_i,
    .rst_ni,
    .room_o        (unused_b_room),
    .ask_i         (b_granted),
    .ask_note_i    (b_addr_q[LaneW-1:0]),
    .answer_valid_i(b_rsp_valid_i),
    .answer_data_i (b_rsp_data_i),
    .out_valid_o   (b_valid),
    .out_upper_i   ((per_row_q && !Whole) ? b_lane[LaneW-1] : upper),
    .out_data_o    (b_part),
    .out_note_o    (b_lane),
    .out_take_i    (a_take && uses_b_q && (last_word || !per_row_q))
  );

  assign upper  = last_part_q && !Whole;
  assign valid  = a_valid && (b_valid || !uses_b_q);
  assign take   = valid && take_ready;
  assign a_take = take && last_part_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) last_part_q <= Whole;
    else if (take) last_part_q <= Whole || !last_part_q;
  end

  // The memories are behind a part, the choice of a row's value before it.
  logic [PartLaneW-1:0] b_part_lane;
  stream_stage #(
    .WIDTH(2 * PartW + PartLaneW + 4)
  ) u_part (
    .clk_i,
    .rst_ni,
    .in_valid_i (valid),
    .in_ready_o (take_ready),
    .in_data_i  ({a_part, b_part, b_lane[PartLaneW-1:0], last_part_q, last_word, last_inner, last}),
    .out_valid_o,
    .out_ready_i,
    .out_data_o ({out_a_o, out_b_o, b_part_lane, out_last_part_o, out_last_word_o, out_last_inner_o, out_last_o})
  );
  assign out_b_value_o = out_b_o[b_part_lane*32+:32];

endmodule : operand_reader
