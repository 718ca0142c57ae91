// SPDX-License-Identifier: Apache-2.0
//
// Addresses of an operand in the scratchpad: rows in two nested loops, the words of each row.
//
// Why: every operand, destination and reduction is walked in the same order with strides of its own, and each runs ahead
// of the others as far as its queue allows. Addresses advance by addition.
// Latency: start_i to the first address 1 cycle. Throughput: one address per cycle, from walk to walk too.

module row_walker #(
  // Width of an address.
  parameter int ADDR_W  = 16,
  // Width of the numbers of rows and words.
  parameter int COUNT_W = 16
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Begins a walk of outer_i * inner_i rows of words_i addresses, each at least 1; only while idle_o, or when the last
  // address of the walk before is taken.
  input  logic               start_i,
  input  logic [COUNT_W-1:0] outer_i,
  input  logic [COUNT_W-1:0] inner_i,
  input  logic [COUNT_W-1:0] words_i,
  input  logic [ADDR_W-1:0]  base_i,
  input  logic [ADDR_W-1:0]  outer_stride_i,
  input  logic [ADDR_W-1:0]  inner_stride_i,
  // Word w of a row is at w XOR this.
  input  logic [COUNT_W-1:0] exchange_i,
  output logic               idle_o,

  output logic               valid_o,
  input  logic               ready_i,
  output logic [ADDR_W-1:0]  address_o,
  // Last word of its row; last row of its outer iteration; last of all.
  output logic               last_word_o,
  output logic               last_inner_o,
  output logic               last_o
);

  logic               valid_q;
  logic [COUNT_W-1:0] inner_q, words_q, inner_left_q, outer_left_q, word_q, exchange_q;
  logic [ADDR_W-1:0]  outer_stride_q, inner_stride_q, outer_base_q, row_base_q, next_outer_base;
  logic               take;

  assign idle_o          = !valid_q;
  assign valid_o         = valid_q;
  assign address_o       = row_base_q + ADDR_W'(word_q ^ exchange_q);
  assign last_word_o     = word_q == words_q - COUNT_W'(1);
  assign last_inner_o    = inner_left_q == COUNT_W'(1);
  assign last_o          = last_word_o && last_inner_o && outer_left_q == COUNT_W'(1);
  assign take            = valid_q && ready_i;
  assign next_outer_base = outer_base_q + outer_stride_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (start_i) valid_q <= 1'b1;
    else if (take && last_o) valid_q <= 1'b0;

    if (start_i) begin
      inner_q        <= inner_i;
      words_q        <= words_i;
      outer_stride_q <= outer_stride_i;
      inner_stride_q <= inner_stride_i;
      exchange_q     <= exchange_i;
      outer_left_q   <= outer_i;
      inner_left_q   <= inner_i;
      outer_base_q   <= base_i;
      row_base_q     <= base_i;
      word_q         <= '0;
    end else if (take) begin
      word_q <= last_word_o ? '0 : word_q + COUNT_W'(1);
      if (last_word_o) begin
        inner_left_q <= last_inner_o ? inner_q : inner_left_q - COUNT_W'(1);
        row_base_q   <= last_inner_o ? next_outer_base : row_base_q + inner_stride_q;
        if (last_inner_o) begin
          outer_left_q <= outer_left_q - COUNT_W'(1);
          outer_base_q <= next_outer_base;
        end
      end
    end
  end

endmodule : row_walker
