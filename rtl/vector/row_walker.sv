// SPDX-License-Identifier: Apache-2.0
//
// Addresses of an operand in the scratchpad: rows in two nested loops, the words of each row.
//
// Why: operands, destinations and results are walked in the same order with strides of their own, and each runs ahead
// of the others as far as its queue allows. Addresses advance by addition.
// Latency: start_i to the first address 2 cycles. Throughput: one address per cycle, from walk to walk too.

module row_walker #(
  // Width of an address.
  parameter int ADDR_W  = 16,
  // Width of the numbers of rows and words.
  parameter int COUNT_W = 16
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Begins a walk of outer_i * inner_i rows of words_i addresses; only while start_ready_o. Of 0: see row_counter.
  input  logic               start_i,
  output logic               start_ready_o,
  input  logic [COUNT_W-1:0] outer_i,
  input  logic [COUNT_W-1:0] inner_i,
  input  logic [COUNT_W-1:0] words_i,
  input  logic [ADDR_W-1:0]  base_i,
  input  logic [ADDR_W-1:0]  outer_stride_i,
  input  logic [ADDR_W-1:0]  inner_stride_i,
  // Word w of a row is at w XOR this.
  input  logic [COUNT_W-1:0] exchange_i,
  // No address is left.
  output logic               idle_o,

  // From registers.
  output logic               valid_o,
  input  logic               ready_i,
  output logic [ADDR_W-1:0]  address_o,
  // Last word of its row; last row of its outer iteration; last of all.
  output logic               last_word_o,
  output logic               last_inner_o,
  output logic               last_o
);

  logic               walk_valid, last_word, last_inner, last, advance;
  logic [COUNT_W-1:0] word, exchange_q;
  logic [ADDR_W-1:0]  row_base;

  row_counter #(
    .COUNT_W(COUNT_W)
  ) u_counter (
    .clk_i,
    .rst_ni,
    .start_i,
    .outer_i,
    .inner_i,
    .words_i,
    .valid_o     (walk_valid),
    .ready_i     (advance),
    .word_o      (word),
    .last_word_o (last_word),
    .last_inner_o(last_inner),
    .last_o      (last)
  );

  row_address #(
    .ADDR_W(ADDR_W)
  ) u_address (
    .clk_i,
    .start_i,
    .region_i    ({inner_stride_i, outer_stride_i, base_i}),
    .next_i      (walk_valid && advance && last_word),
    .last_inner_i(last_inner),
    .base_o      (row_base)
  );

  assign advance       = !valid_o || ready_i;
  assign start_ready_o = !walk_valid || (advance && last);
  assign idle_o        = !walk_valid && !valid_o;

  always_ff @(posedge clk_i) begin
    if (start_i) exchange_q <= exchange_i;
    if (!rst_ni) valid_o <= 1'b0;
    else if (advance) valid_o <= walk_valid;
    if (advance) begin
      address_o    <= row_base + ADDR_W'(word ^ exchange_q);
      last_word_o  <= last_word;
      last_inner_o <= last_inner;
      last_o       <= last;
    end
  end

endmodule : row_walker
