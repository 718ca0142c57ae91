// SPDX-License-Identifier: Apache-2.0
//
// Runs one instruction at a time over rows of values in the scratchpad: y = f(a * x + z), stored, summed, or both.
//
// Why: normalization, rotary embedding, softmax, gates, residuals, their backward passes and the optimizer are all
// sequences of this one form; tb/models/vector.py says what an instruction means, bit for bit. Operands are read ahead,
// results leave as the scratchpad takes them, and everything between moves at the pace of the slowest.
// Latency: an instruction's transfer to its first write 10 cycles, with a function 19 + Lanes / UNITS, and those of the
// scratchpad's answer.
// Throughput: one word per cycle; with a function one in Lanes / UNITS cycles; a reduction adds its latency per row.

module vector_engine #(
  // Width of a scratchpad address in words.
  parameter int ADDR_W = 13,
  // Function units, a power of two below the number of lanes.
  parameter int UNITS  = 2
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // Instruction; see tb/models/vector.py for its fields. Addresses and strides of b and r are in values.
  input  logic                cmd_valid_i,
  output logic                cmd_ready_o,
  input  logic [15:0]         cmd_outer_i,
  input  logic [15:0]         cmd_inner_i,
  input  logic [15:0]         cmd_length_i,
  // Masked: active values of the first row, and how many more the rows of the next outer iteration have.
  input  logic                cmd_masked_i,
  input  logic [15:0]         cmd_first_i,
  input  logic [15:0]         cmd_step_i,
  input  logic [3*ADDR_W-1:0] cmd_a_i,          // inner stride, outer stride, base, like the three below
  input  logic [15:0]         cmd_exchange_i,
  input  logic [3*(ADDR_W+3)-1:0] cmd_b_i,
  input  logic                cmd_b_per_row_i,
  input  logic [1:0]          cmd_x_i,
  input  logic [1:0]          cmd_z_i,
  input  logic [31:0]         cmd_immediate_x_i,
  input  logic [31:0]         cmd_immediate_z_i,
  input  logic                cmd_negate_x_i,
  input  logic                cmd_negate_z_i,
  input  logic [1:0]          cmd_function_i,
  input  logic                cmd_store_i,
  input  logic [3*ADDR_W-1:0] cmd_d_i,
  input  logic [1:0]          cmd_reduction_i,
  input  logic [3*(ADDR_W+3)-1:0] cmd_r_i,

  // Scratchpad reads of operands A and B; answers come in order.
  output logic                a_req_valid_o,
  input  logic                a_req_ready_i,
  output logic [ADDR_W-1:0]   a_req_addr_o,
  input  logic                a_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] a_rsp_data_i,
  output logic                b_req_valid_o,
  input  logic                b_req_ready_i,
  output logic [ADDR_W-1:0]   b_req_addr_o,
  input  logic                b_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] b_rsp_data_i,

  // Scratchpad writes, with a strobe per value.
  output logic                w_valid_o,
  input  logic                w_ready_i,
  output logic [ADDR_W-1:0]   w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,
  output logic [vector_pkg::Lanes-1:0]    w_strobe_o,

  // No instruction is in progress.
  output logic                idle_o
);

  localparam int Lanes   = vector_pkg::Lanes;
  localparam int WordW   = Lanes * 32;
  localparam int ValueW  = ADDR_W + 3;
  localparam int TagW    = Lanes + 2;
  localparam int Latency = fp32_pkg::MulLatency + fp32_pkg::AddLatency;

  // ---------------------------------------------------------------------------------------------
  // Instruction
  // ---------------------------------------------------------------------------------------------
  logic        busy_q, start, done, uses_b;
  logic [15:0] words, length_q, step_q;
  logic [1:0]  x_q, z_q, function_q, reduction_q;
  logic [31:0] immediate_x_q, immediate_z_q;
  logic        negate_x_q, negate_z_q, per_row_q, uses_b_q, masked_q, store_q;

  assign cmd_ready_o = !busy_q;
  assign idle_o      = !busy_q;
  assign start       = cmd_valid_i && cmd_ready_o;
  assign words       = 16'((17'(cmd_length_i) + 17'(Lanes - 1)) >> $clog2(Lanes));
  assign uses_b      = cmd_x_i == vector_pkg::OperandB || cmd_z_i == vector_pkg::OperandB;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else busy_q <= start || (busy_q && !done);
    if (start) begin
      length_q      <= cmd_length_i;
      step_q        <= cmd_step_i;
      x_q           <= cmd_x_i;
      z_q           <= cmd_z_i;
      immediate_x_q <= cmd_immediate_x_i;
      immediate_z_q <= cmd_immediate_z_i;
      negate_x_q    <= cmd_negate_x_i;
      negate_z_q    <= cmd_negate_z_i;
      per_row_q     <= cmd_b_per_row_i;
      uses_b_q      <= uses_b;
      masked_q      <= cmd_masked_i;
      function_q    <= cmd_function_i;
      store_q       <= cmd_store_i;
      reduction_q   <= cmd_reduction_i;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Operands
  // ---------------------------------------------------------------------------------------------
  logic             a_valid, b_valid, a_taken, b_taken, a_idle, b_idle;
  logic [WordW-1:0] a_word, b_word;
  logic [2:0]       b_lane, unused_a_lane;
  logic [ValueW-1:0] b_address;

  operand_reader #(
    .WIDTH (WordW),
    .ADDR_W(ADDR_W)
  ) u_a (
    .clk_i,
    .rst_ni,
    .start_i       (start),
    .outer_i       (cmd_outer_i),
    .inner_i       (cmd_inner_i),
    .words_i       (words),
    .base_i        (cmd_a_i[0+:ADDR_W]),
    .outer_stride_i(cmd_a_i[ADDR_W+:ADDR_W]),
    .inner_stride_i(cmd_a_i[2*ADDR_W+:ADDR_W]),
    .exchange_i    (cmd_exchange_i),
    .per_row_i     (1'b0),
    .idle_o        (a_idle),
    .req_valid_o   (a_req_valid_o),
    .req_ready_i   (a_req_ready_i),
    .req_addr_o    (a_req_addr_o),
    .rsp_valid_i   (a_rsp_valid_i),
    .rsp_data_i    (a_rsp_data_i),
    .out_valid_o   (a_valid),
    .out_ready_i   (a_taken),
    .out_data_o    (a_word),
    .out_lane_o    (unused_a_lane)
  );

  // Rows of a stream begin at whole words: its addresses in values become addresses in words.
  function automatic logic [ValueW-1:0] in_words(input logic [ValueW-1:0] values, input logic per_row);
    in_words = per_row ? values : values >> 3;
  endfunction

  operand_reader #(
    .WIDTH (WordW),
    .ADDR_W(ValueW)
  ) u_b (
    .clk_i,
    .rst_ni,
    .start_i       (start && uses_b),
    .outer_i       (cmd_outer_i),
    .inner_i       (cmd_inner_i),
    .words_i       (cmd_b_per_row_i ? 16'd1 : words),
    .base_i        (in_words(cmd_b_i[0+:ValueW], cmd_b_per_row_i)),
    .outer_stride_i(in_words(cmd_b_i[ValueW+:ValueW], cmd_b_per_row_i)),
    .inner_stride_i(in_words(cmd_b_i[2*ValueW+:ValueW], cmd_b_per_row_i)),
    .exchange_i    (16'd0),
    .per_row_i     (cmd_b_per_row_i),
    .idle_o        (b_idle),
    .req_valid_o   (b_req_valid_o),
    .req_ready_i   (b_req_ready_i),
    .req_addr_o    (b_address),
    .rsp_valid_i   (b_rsp_valid_i),
    .rsp_data_i    (b_rsp_data_i),
    .out_valid_o   (b_valid),
    .out_ready_i   (b_taken),
    .out_data_o    (b_word),
    .out_lane_o    (b_lane)
  );

  assign b_req_addr_o = b_address[ADDR_W-1:0];

  // Where in its row the word at hand is, and which of its values are active.
  logic             walk_valid, last_word, last_inner, walk_last, issue, step_ready;
  logic [15:0]      first_q, row_length, left_q;
  logic [Lanes-1:0] active;
  logic             walk_idle, unused_address;

  row_walker #(
    .ADDR_W(1)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .start_i       (start),
    .outer_i       (cmd_outer_i),
    .inner_i       (cmd_inner_i),
    .words_i       (words),
    .base_i        (1'b0),
    .outer_stride_i(1'b0),
    .inner_stride_i(1'b0),
    .exchange_i    (16'd0),
    .idle_o        (walk_idle),
    .valid_o       (walk_valid),
    .ready_i       (issue),
    .address_o     (unused_address),
    .last_word_o   (last_word),
    .last_inner_o  (last_inner),
    .last_o        (walk_last)
  );

  assign issue   = walk_valid && a_valid && (b_valid || !uses_b_q) && step_ready;
  assign a_taken = issue;
  assign b_taken = issue && uses_b_q && (last_word || !per_row_q);

  // first_q is the active length of the rows of this outer iteration; row_length that of the next row.
  logic [16:0] grown;
  logic [15:0] next_first;
  assign grown      = 17'(first_q) + 17'(step_q);
  assign next_first = (grown > 17'(length_q)) ? length_q : grown[15:0];
  assign row_length = (last_inner && masked_q) ? next_first : first_q;

  always_ff @(posedge clk_i) begin
    if (start) begin
      first_q <= (cmd_masked_i && cmd_first_i < cmd_length_i) ? cmd_first_i : cmd_length_i;
      left_q  <= (cmd_masked_i && cmd_first_i < cmd_length_i) ? cmd_first_i : cmd_length_i;
    end else if (issue) begin
      if (last_word) begin
        first_q <= row_length;
        left_q  <= row_length;
      end else begin
        left_q <= (left_q < 16'(Lanes)) ? '0 : left_q - 16'(Lanes);
      end
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : g_active
    assign active[l] = left_q > 16'(l);
  end

  // ---------------------------------------------------------------------------------------------
  // a * x + z
  // ---------------------------------------------------------------------------------------------
  logic [31:0]                        b_value;
  logic [WordW-1:0]                   b_spread, sum;
  logic [Latency-1:0]                 valid_q;
  logic [Latency*TagW-1:0]            tags_q;
  logic [WordW*fp32_pkg::MulLatency-1:0] z_pipe_q;
  logic                               sum_valid, sum_ready;
  logic [WordW-1:0]                   z_word;

  assign b_value    = b_word[b_lane*32+:32];
  assign b_spread   = per_row_q ? {Lanes{b_value}} : b_word;
  assign sum_valid  = valid_q[Latency-1];
  assign step_ready = sum_ready || !sum_valid;

  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    logic [31:0] a, x, z, product;
    assign a = a_word[l*32+:32];
    assign x = (x_q == vector_pkg::OperandSelf) ? a :
               (x_q == vector_pkg::OperandB) ? b_spread[l*32+:32] : immediate_x_q;
    assign z = (z_q == vector_pkg::OperandB) ? b_spread[l*32+:32] : immediate_z_q;
    assign z_word[l*32+:32] = {z[31] ^ negate_z_q, z[30:0]};

    fp32_mul u_mul (
      .clk_i,
      .en_i(step_ready),
      .a_i (a),
      .b_i ({x[31] ^ negate_x_q, x[30:0]}),
      .y_o (product)
    );
    fp32_add u_add (
      .clk_i,
      .en_i(step_ready),
      .a_i (product),
      .b_i (z_pipe_q[(fp32_pkg::MulLatency-1)*WordW+l*32+:32]),
      .y_o (sum[l*32+:32])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (step_ready) valid_q <= {valid_q[Latency-2:0], issue};
    if (step_ready) begin
      tags_q   <= {tags_q[(Latency-1)*TagW-1:0], walk_last, last_word, active};
      z_pipe_q <= {z_pipe_q[(fp32_pkg::MulLatency-1)*WordW-1:0], z_word};
    end
  end

  // ---------------------------------------------------------------------------------------------
  // f
  // ---------------------------------------------------------------------------------------------
  logic             y_valid, y_ready, y_last, y_end;
  logic [WordW-1:0] y;
  logic [Lanes-1:0] y_active;

  function_lanes #(
    .LANES(Lanes),
    .UNITS(UNITS),
    .TAG_W(TagW)
  ) u_functions (
    .clk_i,
    .rst_ni,
    .function_i (function_q),
    .in_valid_i (sum_valid),
    .in_ready_o (sum_ready),
    .in_data_i  (sum),
    .in_tag_i   (tags_q[(Latency-1)*TagW+:TagW]),
    .out_valid_o(y_valid),
    .out_ready_i(y_ready),
    .out_data_o (y),
    .out_tag_o  ({y_end, y_last, y_active})
  );

  // ---------------------------------------------------------------------------------------------
  // Stored words and values per row
  // ---------------------------------------------------------------------------------------------
  logic [1:0]        fork_valid;
  logic              store_ready, reduce_ready, reduces, ended_q, offered_q, select_row;
  logic              d_valid, d_idle, r_valid, r_idle, result_valid, result_taken, store_taken;
  logic [ADDR_W-1:0] d_address;
  logic [ValueW-1:0] r_address;
  logic [31:0]       result;
  logic [5:0]        unused_last;

  assign reduces = reduction_q != vector_pkg::ReductionNone;

  stream_fork #(
    .OUTPUTS(2)
  ) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i (y_valid),
    .in_ready_o (y_ready),
    .out_valid_o(fork_valid),
    .out_ready_i({reduce_ready || !reduces, store_taken || !store_q})
  );

  row_walker #(
    .ADDR_W(ADDR_W)
  ) u_d (
    .clk_i,
    .rst_ni,
    .start_i       (start && cmd_store_i),
    .outer_i       (cmd_outer_i),
    .inner_i       (cmd_inner_i),
    .words_i       (words),
    .base_i        (cmd_d_i[0+:ADDR_W]),
    .outer_stride_i(cmd_d_i[ADDR_W+:ADDR_W]),
    .inner_stride_i(cmd_d_i[2*ADDR_W+:ADDR_W]),
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
    .ADDR_W(ValueW)
  ) u_r (
    .clk_i,
    .rst_ni,
    .start_i       (start && cmd_reduction_i != vector_pkg::ReductionNone),
    .outer_i       (cmd_outer_i),
    .inner_i       (cmd_inner_i),
    .words_i       (16'd1),
    .base_i        (cmd_r_i[0+:ValueW]),
    .outer_stride_i(cmd_r_i[ValueW+:ValueW]),
    .inner_stride_i(cmd_r_i[2*ValueW+:ValueW]),
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
    .in_data_i  (y),
    .in_active_i(y_active),
    .in_last_i  (y_last),
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
  assign w_addr_o     = select_row ? r_address[ValueW-1:3] : d_address;
  assign w_strobe_o   = select_row ? Lanes'(1) << r_address[2:0] : '1;

  for (genvar l = 0; l < Lanes; l++) begin : g_write
    assign w_data_o[l*32+:32] = select_row ? result : y_active[l] ? y[l*32+:32] : 32'h0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start) ended_q <= 1'b0;
    else if (y_valid && y_ready && y_end) ended_q <= 1'b1;
    offered_q <= rst_ni && w_valid_o && !w_ready_i && !select_row;
  end

  assign done = ended_q && d_idle && r_idle;

  // All words are used before the last one ends the instruction.
  logic unused_idle;
  assign unused_idle = ^{a_idle, b_idle, walk_idle, unused_a_lane, unused_last, unused_address,
                         b_address[ValueW-1:ADDR_W]};

endmodule : vector_engine
