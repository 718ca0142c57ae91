// SPDX-License-Identifier: Apache-2.0
//
// Writes what the vector engine computes: the words of y, and a sum or a largest value per row.
//
// Why: both go to the same scratchpad at addresses of their own, and a row's value comes some cycles after its last word.
// Latency: a word passes in its cycle; a row's value comes as row_reducer says. Throughput: one word per cycle.

module result_writer #(
  // Width of an address in words.
  parameter int ADDR_W  = 16,
  // Width of an address in values.
  parameter int VALUE_W = 19
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // A command: rows as of row_walker; inner distance, outer distance and base of D in words and of R in values.
  input  logic                 start_i,
  input  logic [15:0]          outer_i,
  input  logic [15:0]          inner_i,
  input  logic [15:0]          words_i,
  input  logic                 store_i,
  input  logic [3*ADDR_W-1:0]  d_i,
  input  logic [1:0]           reduction_i,
  input  logic [3*VALUE_W-1:0] r_i,

  // Words of y with their active values; last of its row; last of all.
  input  logic                 in_valid_i,
  output logic                 in_ready_o,
  input  logic [vector_pkg::Lanes*32-1:0] in_data_i,
  input  logic [vector_pkg::Lanes-1:0]    in_active_i,
  input  logic                 in_last_i,
  input  logic                 in_end_i,
  // High when everything of the command is written, until the next start.
  output logic                 done_o,

  output logic                 w_valid_o,
  input  logic                 w_ready_i,
  output logic [ADDR_W-1:0]    w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,
  output logic [vector_pkg::Lanes-1:0]    w_strobe_o
);

  localparam int Lanes = vector_pkg::Lanes;

  logic               store_q;
  logic [1:0]         reduction_q, fork_valid;
  logic               store_ready, reduce_ready, reduces, ended_q, offered_q, select_row;
  logic               d_valid, d_idle, r_valid, r_idle, result_valid, result_taken, store_taken;
  logic [ADDR_W-1:0]  d_address;
  logic [VALUE_W-1:0] r_address;
  logic [31:0]        result;
  logic [5:0]         unused_last;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      store_q     <= store_i;
      reduction_q <= reduction_i;
    end
  end
  assign reduces = reduction_q != vector_pkg::ReductionNone;

  stream_fork #(
    .OUTPUTS(2)
  ) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i,
    .in_ready_o,
    .out_valid_o(fork_valid),
    .out_ready_i({reduce_ready || !reduces, store_taken || !store_q})
  );

  row_walker #(
    .ADDR_W(ADDR_W)
  ) u_d (
    .clk_i,
    .rst_ni,
    .start_i       (start_i && store_i),
    .outer_i,
    .inner_i,
    .words_i,
    .base_i        (d_i[0+:ADDR_W]),
    .outer_stride_i(d_i[ADDR_W+:ADDR_W]),
    .inner_stride_i(d_i[2*ADDR_W+:ADDR_W]),
    .exchange_i    (16'd0),
    .idle_o        (d_idle),
    .valid_o       (d_valid),
    .ready_i       (store_ready && fork_valid[0]),
    .address_o     (d_address),
    .last_word_o   (unused_last[0]),
    .last_inner_o  (unused_last[1]),
    .last_o        (unused_last[2])
  );

  row_walker #(
    .ADDR_W(VALUE_W)
  ) u_r (
    .clk_i,
    .rst_ni,
    .start_i       (start_i && reduction_i != vector_pkg::ReductionNone),
    .outer_i,
    .inner_i,
    .words_i       (16'd1),
    .base_i        (r_i[0+:VALUE_W]),
    .outer_stride_i(r_i[VALUE_W+:VALUE_W]),
    .inner_stride_i(r_i[2*VALUE_W+:VALUE_W]),
    .exchange_i    (16'd0),
    .idle_o        (r_idle),
    .valid_o       (r_valid),
    .ready_i       (result_taken),
    .address_o     (r_address),
    .last_word_o   (unused_last[3]),
    .last_inner_o  (unused_last[4]),
    .last_o        (unused_last[5])
  );

  row_reducer u_reducer (
    .clk_i,
    .rst_ni,
    .reduction_i(reduction_q),
    .in_valid_i (fork_valid[1] && reduces),
    .in_ready_o (reduce_ready),
    .in_data_i,
    .in_active_i,
    .in_last_i,
    .out_valid_o(result_valid),
    .out_ready_i(result_taken),
    .out_data_o (result)
  );

  // A row's value goes first, one among many words, but not before a word that is already offered.
  assign select_row   = result_valid && !offered_q;
  assign store_ready  = w_ready_i && !select_row;
  assign store_taken  = store_ready && d_valid;
  assign result_taken = w_ready_i && select_row && r_valid;
  assign w_valid_o    = select_row ? r_valid : fork_valid[0] && store_q && d_valid;
  assign w_addr_o     = select_row ? r_address[VALUE_W-1:3] : d_address;
  assign w_strobe_o   = select_row ? Lanes'(1) << r_address[2:0] : '1;

  for (genvar l = 0; l < Lanes; l++) begin : g_write
    assign w_data_o[l*32+:32] = select_row ? result : in_active_i[l] ? in_data_i[l*32+:32] : 32'h0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i) ended_q <= 1'b0;
    else if (in_valid_i && in_ready_o && in_end_i) ended_q <= 1'b1;
    offered_q <= rst_ni && w_valid_o && !w_ready_i && !select_row;
  end

  assign done_o = ended_q && d_idle && r_idle;

endmodule : result_writer
