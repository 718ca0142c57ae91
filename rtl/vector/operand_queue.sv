// SPDX-License-Identifier: Apache-2.0
//
// Words of an operand that are asked for or waiting, and what is noted of each when it is asked for.
//
// Why: an answer of the scratchpad is never refused, so there must be room before the question. Words are stored whole
// and leave part by part where there are fewer lanes than a word has values. Words and notes are in distributed RAM.
// Latency: an answer to its first part 1 cycle. Throughput: one word in, one part out per cycle.

module operand_queue #(
  // Bits of a word.
  parameter int WIDTH  = 256,
  // Bits of a part; WIDTH or half of it.
  parameter int PART_W = 128,
  // Bits of a note.
  parameter int NOTE_W = 3,
  // Words, a power of two from 2.
  parameter int DEPTH  = 8
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  // A word is asked for; only while room_o.
  output logic                             room_o,
  input  logic                             ask_i,
  input  logic [NOTE_W-1:0]                ask_note_i,

  // Answers, in order.
  input  logic                             answer_valid_i,
  input  logic [WIDTH-1:0]                 answer_data_i,

  // The oldest word: all of it, or one half at a time.
  output logic                             out_valid_o,
  input  logic                             out_upper_i,
  output logic [PART_W-1:0]                out_data_o,
  output logic [NOTE_W-1:0]                out_note_o,
  // The word is done with; only while out_valid_o.
  input  logic                             out_take_i
);

  localparam int PtrW = $clog2(DEPTH);

  if (DEPTH < 2 || 2 ** PtrW != DEPTH) begin : g_bad_depth
    ERROR_operand_queue_DEPTH_must_be_a_power_of_two_from_2 error ();
  end
  if (PART_W != WIDTH && 2 * PART_W != WIDTH) begin : g_bad_parts
    ERROR_operand_queue_PART_W_must_be_WIDTH_or_half_of_it error ();
  end

  // Counted round twice the queue, so that full and empty differ.
  logic [PtrW:0]     asked_q, answered_q, taken_q;
  logic [WIDTH-1:0]  words_q[DEPTH];
  logic [NOTE_W-1:0] notes_q[DEPTH];
  logic [WIDTH-1:0]  word;
  // Whether there is room, known a cycle ahead; whether it is for one word only.
  logic              room_q, one_left;

  assign room_o      = room_q;
  assign one_left    = (PtrW + 1)'(asked_q - taken_q) == (PtrW + 1)'(DEPTH - 1);
  assign out_valid_o = answered_q != taken_q;
  assign word        = words_q[taken_q[PtrW-1:0]];
  assign out_note_o  = notes_q[taken_q[PtrW-1:0]];
  assign out_data_o  = out_upper_i ? word[WIDTH-1-:PART_W] : word[0+:PART_W];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      asked_q    <= '0;
      answered_q <= '0;
      taken_q    <= '0;
      room_q     <= 1'b1;
    end else begin
      room_q <= out_take_i || (room_q && !(ask_i && one_left));
      if (ask_i) asked_q <= asked_q + (PtrW + 1)'(1);
      if (answer_valid_i) answered_q <= answered_q + (PtrW + 1)'(1);
      if (out_take_i) taken_q <= taken_q + (PtrW + 1)'(1);
    end
    if (ask_i) notes_q[asked_q[PtrW-1:0]] <= ask_note_i;
    if (answer_valid_i) words_q[answered_q[PtrW-1:0]] <= answer_data_i;
  end

`ifdef FORMAL
  logic f_past_valid = 1'b0;
  (* anyseq *) logic f_pick;
  logic              f_watching = 1'b0;
  logic              f_answered, f_was_full;
  logic [PtrW:0]     f_place;
  logic [NOTE_W-1:0] f_note;
  logic [WIDTH-1:0]  f_word;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (rst_ni) begin
      if (ask_i) assume (room_o);
      if (answer_valid_i) assume (answered_q != asked_q);
      if (out_take_i) assume (out_valid_o);
      assert ((PtrW + 1)'(asked_q - taken_q) <= (PtrW + 1)'(DEPTH));
      assert (room_q == ((PtrW + 1)'(asked_q - taken_q) != (PtrW + 1)'(DEPTH)));
      assert ((PtrW + 1)'(answered_q - taken_q) <= (PtrW + 1)'(asked_q - taken_q));
      if (f_watching) begin
        assert ((PtrW + 1)'(f_place - taken_q) < (PtrW + 1)'(asked_q - taken_q));
        assert (f_answered == ((PtrW + 1)'(f_place - taken_q) < (PtrW + 1)'(answered_q - taken_q)));
        assert (notes_q[f_place[PtrW-1:0]] == f_note);
        if (f_answered) assert (words_q[f_place[PtrW-1:0]] == f_word);
        if (out_valid_o && taken_q == f_place) assert (f_answered && word == f_word && out_note_o == f_note);
      end
      cover (f_was_full && asked_q == taken_q);
    end
    f_was_full <= f_past_valid && rst_ni && (f_was_full || !room_o);
    // A word picked at any time when it is asked for leaves with its note and its answer.
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= ask_i && f_pick;
      f_answered <= 1'b0;
      f_place    <= asked_q;
      f_note     <= ask_note_i;
    end else begin
      if (answer_valid_i && answered_q == f_place) begin
        f_answered <= 1'b1;
        f_word     <= answer_data_i;
      end
      if (out_take_i && taken_q == f_place) f_watching <= 1'b0;
    end
  end
`endif

endmodule : operand_queue
