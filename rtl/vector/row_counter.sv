// SPDX-License-Identifier: Apache-2.0
//
// Counts rows in two nested loops, and the words of each row.
//
// Why: all operands of an instruction have the same rows; what differs is where these begin (row_address).
// Latency: start_i to the first word 1 cycle. Throughput: one word per cycle, from walk to walk too.

module row_counter #(
  // Width of the numbers of rows and words.
  parameter int COUNT_W = 16
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  // Begins a walk of outer_i * inner_i rows of words_i words; only while valid_o is low, or when the last word of the
  // walk before is taken. With a number that is 0 the walk has no meaning and must be ended by a reset.
  input  logic               start_i,
  input  logic [COUNT_W-1:0] outer_i,
  input  logic [COUNT_W-1:0] inner_i,
  input  logic [COUNT_W-1:0] words_i,

  output logic               valid_o,
  input  logic               ready_i,
  // Number of the word in its row.
  output logic [COUNT_W-1:0] word_o,
  // Last word of its row; last row of its outer iteration; last of all.
  output logic               last_word_o,
  output logic               last_inner_o,
  output logic               last_o
);

  // Of each loop: its length, known to be 1, and less 2; where it is; whether that is its last.
  logic               valid_q, take, row_ends, outer_ends;
  logic [COUNT_W-1:0] outer_less_q, inner_less_q, words_less_q;
  logic [COUNT_W-1:0] outer_at_q, inner_at_q, word_q;
  logic               one_inner_q, one_word_q, last_outer_q, last_inner_q, last_word_q;

  assign last_word_o  = last_word_q;
  assign last_inner_o = last_inner_q;
  assign last_o       = last_word_q && last_inner_q && last_outer_q;
  assign valid_o      = valid_q;
  assign word_o       = word_q;
  assign take         = valid_q && ready_i;
  assign row_ends     = take && last_word_q;
  assign outer_ends   = row_ends && last_inner_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (start_i) valid_q <= 1'b1;
    else if (take && last_o) valid_q <= 1'b0;

    if (start_i) begin
      outer_less_q <= outer_i - COUNT_W'(2);
      inner_less_q <= inner_i - COUNT_W'(2);
      words_less_q <= words_i - COUNT_W'(2);
      one_inner_q  <= inner_i == COUNT_W'(1);
      one_word_q   <= words_i == COUNT_W'(1);
    end
    // Where a walk is returns to the beginning with its last word. Neither a start nor an end, which are known late, resets
    // anything.
    if (!rst_ni) word_q <= '0;
    else if (take) word_q <= (word_q + COUNT_W'(1)) & {COUNT_W{!last_word_q}};
    if (!rst_ni) inner_at_q <= '0;
    else if (row_ends) inner_at_q <= (inner_at_q + COUNT_W'(1)) & {COUNT_W{!last_inner_q}};
    if (!rst_ni) outer_at_q <= '0;
    else if (outer_ends) outer_at_q <= (outer_at_q + COUNT_W'(1)) & {COUNT_W{!last_outer_q}};

    if (start_i || row_ends) last_word_q <= start_i ? words_i == COUNT_W'(1) : one_word_q;
    else if (take) last_word_q <= word_q == words_less_q;
    if (start_i || outer_ends) last_inner_q <= start_i ? inner_i == COUNT_W'(1) : one_inner_q;
    else if (row_ends) last_inner_q <= inner_at_q == inner_less_q;
    if (start_i) last_outer_q <= outer_i == COUNT_W'(1);
    else if (outer_ends) last_outer_q <= outer_at_q == outer_less_q;
  end

endmodule : row_counter
