// SPDX-License-Identifier: Apache-2.0
//
// Runs VECTOR commands one by one over rows of values in the scratchpad: y = f(a * x + z), stored, summed, or both.
//
// Why: normalization, rotary embedding, softmax, gates, residuals, their backward passes and the optimizer are all
// sequences of this one form; tb/models/vector.py says what an instruction means, bit for bit. Operands are read ahead,
// results leave as the scratchpad takes them, and everything between moves at the pace of the slowest.
// Latency: a command's transfer to its first write 10 cycles, with a function 19 + Lanes / UNITS, and those of the
// scratchpad's answer.
// Throughput: one word per cycle; with a function one in Lanes / UNITS cycles; a reduction adds its latency per row.

module vector_engine #(
  // Width of a scratchpad address in words, at most 16.
  parameter int SCRATCH_W = 13,
  // Function units, a power of two below the number of lanes.
  parameter int UNITS     = 2
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  // See docs/commands.md.
  input  logic                  cmd_valid_i,
  output logic                  cmd_ready_o,
  input  logic [511:0]          cmd_i,
  // The command just taken has a field that cannot be, or an address behind the scratchpad's end; until the next reset.
  output logic                  bad_o,
  // Pulse: the command's last result is written.
  output logic                  done_o,

  // Scratchpad reads of operands A and B; answers come in order.
  output logic                  a_req_valid_o,
  input  logic                  a_req_ready_i,
  output logic [SCRATCH_W-1:0]  a_req_addr_o,
  input  logic                  a_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] a_rsp_data_i,
  output logic                  b_req_valid_o,
  input  logic                  b_req_ready_i,
  output logic [SCRATCH_W-1:0]  b_req_addr_o,
  input  logic                  b_rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0] b_rsp_data_i,

  // Scratchpad writes, with a strobe per value.
  output logic                  w_valid_o,
  input  logic                  w_ready_i,
  output logic [SCRATCH_W-1:0]  w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,
  output logic [vector_pkg::Lanes-1:0]    w_strobe_o
);

  localparam int Lanes   = vector_pkg::Lanes;
  localparam int WordW   = Lanes * 32;
  localparam int ValueW  = vector_pkg::ValueWidth;
  localparam int AddrW   = vector_pkg::AddressWidth;
  localparam int TagW    = Lanes + 2;
  localparam int Latency = fp32_pkg::MulLatency + fp32_pkg::AddLatency;

  // ---------------------------------------------------------------------------------------------
  // Command
  // ---------------------------------------------------------------------------------------------
  // Fields of the command at the input.
  logic [15:0]       outer, inner, length, first, words;
  logic [1:0]        x, z, reduction;
  logic              masked, per_row, store, uses_b, illegal;
  logic [2:0]          b_low;  // of base and distances: a stream's rows begin at whole words
  logic [3*AddrW-1:0]  a_region, d_region;  // inner distance, outer distance, base
  logic [3*ValueW-1:0] b_region, r_region;

  assign outer     = cmd_i[commands_pkg::VectorOuterLsb+:16];
  assign inner     = cmd_i[commands_pkg::VectorInnerLsb+:16];
  assign length    = cmd_i[commands_pkg::VectorLengthLsb+:16];
  assign first     = cmd_i[commands_pkg::VectorFirstLsb+:16];
  assign x         = cmd_i[commands_pkg::VectorXLsb+:2];
  assign z         = cmd_i[commands_pkg::VectorZLsb+:2];
  assign reduction = cmd_i[commands_pkg::VectorReductionLsb+:2];
  assign masked    = cmd_i[commands_pkg::VectorMaskedLsb];
  assign per_row   = cmd_i[commands_pkg::VectorBPerRowLsb];
  assign store     = cmd_i[commands_pkg::VectorStoreLsb];
  assign uses_b    = x == vector_pkg::OperandB || z == vector_pkg::OperandB;
  assign words     = 16'((17'(length) + 17'(Lanes - 1)) >> $clog2(Lanes));
  assign a_region  = {cmd_i[commands_pkg::VectorAInnerLsb+:AddrW], cmd_i[commands_pkg::VectorAOuterLsb+:AddrW],
                      cmd_i[commands_pkg::VectorABaseLsb+:AddrW]};
  assign d_region  = {cmd_i[commands_pkg::VectorDInnerLsb+:AddrW], cmd_i[commands_pkg::VectorDOuterLsb+:AddrW],
                      cmd_i[commands_pkg::VectorDBaseLsb+:AddrW]};
  assign b_region  = {cmd_i[commands_pkg::VectorBInnerLsb+:ValueW], cmd_i[commands_pkg::VectorBOuterLsb+:ValueW],
                      cmd_i[commands_pkg::VectorBBaseLsb+:ValueW]};
  assign b_low     = cmd_i[commands_pkg::VectorBBaseLsb+:3] | cmd_i[commands_pkg::VectorBOuterLsb+:3] |
                     cmd_i[commands_pkg::VectorBInnerLsb+:3];
  assign r_region  = {ValueW'(cmd_i[commands_pkg::VectorRInnerLsb+:16]),
                      ValueW'(cmd_i[commands_pkg::VectorROuterLsb+:16]), cmd_i[commands_pkg::VectorRBaseLsb+:ValueW]};
  assign illegal   = outer == '0 || inner == '0 || length == '0 || (masked && first == '0) || &x || z[0] ||
                     (!store && reduction == vector_pkg::ReductionNone) ||
                     (uses_b && !per_row && b_low != '0);

  logic        busy_q, bad_q, take, start, done, outside;
  logic [15:0] length_q, step_q;
  logic [1:0]  x_q, z_q, function_q;
  logic [31:0] immediate_x_q, immediate_z_q;
  logic        negate_x_q, negate_z_q, per_row_q, uses_b_q, masked_q;

  assign cmd_ready_o = !busy_q && !bad_q;
  assign take        = cmd_valid_i && cmd_ready_o;
  assign start       = take && !illegal;
  assign bad_o       = bad_q;
  assign done_o      = busy_q && done;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else busy_q <= start || (busy_q && !done);
    if (!rst_ni) bad_q <= 1'b0;
    else if ((take && illegal) || outside) bad_q <= 1'b1;
    if (start) begin
      length_q      <= length;
      step_q        <= cmd_i[commands_pkg::VectorStepLsb+:16];
      x_q           <= x;
      z_q           <= z;
      immediate_x_q <= cmd_i[commands_pkg::VectorImmediateXLsb+:32];
      immediate_z_q <= cmd_i[commands_pkg::VectorImmediateZLsb+:32];
      negate_x_q    <= cmd_i[commands_pkg::VectorNegateXLsb];
      negate_z_q    <= cmd_i[commands_pkg::VectorNegateZLsb];
      per_row_q     <= per_row;
      uses_b_q      <= uses_b;
      masked_q      <= masked;
      function_q    <= cmd_i[commands_pkg::VectorFunctionCodeLsb+:2];
    end
  end

  // An access behind the scratchpad's end is not made.
  logic [2:0]        port_valid, port_outside;
  logic [3*AddrW-1:0] port_addr;
  for (genvar p = 0; p < 3; p++) begin : g_port
    if (SCRATCH_W < AddrW) begin : g_check
      assign port_outside[p] = port_valid[p] && port_addr[p*AddrW+SCRATCH_W+:AddrW-SCRATCH_W] != '0;
    end else begin : g_all
      assign port_outside[p] = 1'b0;
    end
  end
  assign outside       = |port_outside;
  assign {w_valid_o, b_req_valid_o, a_req_valid_o} = port_valid & ~port_outside;
  assign a_req_addr_o  = port_addr[0+:SCRATCH_W];
  assign b_req_addr_o  = port_addr[AddrW+:SCRATCH_W];
  assign w_addr_o      = port_addr[2*AddrW+:SCRATCH_W];

  // ---------------------------------------------------------------------------------------------
  // Operands
  // ---------------------------------------------------------------------------------------------
  logic             a_valid, b_valid, a_taken, b_taken, a_idle, b_idle;
  logic [WordW-1:0] a_word, b_word;
  logic [2:0]       b_lane, unused_a_lane;
  logic [ValueW-AddrW-1:0] unused_b_address;

  operand_reader #(
    .WIDTH (WordW),
    .ADDR_W(AddrW)
  ) u_a (
    .clk_i,
    .rst_ni,
    .start_i       (start),
    .outer_i       (outer),
    .inner_i       (inner),
    .words_i       (words),
    .base_i        (a_region[0+:AddrW]),
    .outer_stride_i(a_region[AddrW+:AddrW]),
    .inner_stride_i(a_region[2*AddrW+:AddrW]),
    .exchange_i    (cmd_i[commands_pkg::VectorExchangeLsb+:16]),
    .per_row_i     (1'b0),
    .idle_o        (a_idle),
    .req_valid_o   (port_valid[0]),
    .req_ready_i   (a_req_ready_i && !port_outside[0]),
    .req_addr_o    (port_addr[0+:AddrW]),
    .rsp_valid_i   (a_rsp_valid_i),
    .rsp_data_i    (a_rsp_data_i),
    .out_valid_o   (a_valid),
    .out_ready_i   (a_taken),
    .out_data_o    (a_word),
    .out_lane_o    (unused_a_lane)
  );

  // Rows of a stream begin at whole words: its addresses in values become addresses in words.
  function automatic logic [ValueW-1:0] in_words(input logic [ValueW-1:0] values, input logic as_they_are);
    in_words = as_they_are ? values : values >> 3;
  endfunction

  operand_reader #(
    .WIDTH (WordW),
    .ADDR_W(ValueW)
  ) u_b (
    .clk_i,
    .rst_ni,
    .start_i       (start && uses_b),
    .outer_i       (outer),
    .inner_i       (inner),
    .words_i       (per_row ? 16'd1 : words),
    .base_i        (in_words(b_region[0+:ValueW], per_row)),
    .outer_stride_i(in_words(b_region[ValueW+:ValueW], per_row)),
    .inner_stride_i(in_words(b_region[2*ValueW+:ValueW], per_row)),
    .exchange_i    (16'd0),
    .per_row_i     (per_row),
    .idle_o        (b_idle),
    .req_valid_o   (port_valid[1]),
    .req_ready_i   (b_req_ready_i && !port_outside[1]),
    .req_addr_o    ({unused_b_address, port_addr[AddrW+:AddrW]}),
    .rsp_valid_i   (b_rsp_valid_i),
    .rsp_data_i    (b_rsp_data_i),
    .out_valid_o   (b_valid),
    .out_ready_i   (b_taken),
    .out_data_o    (b_word),
    .out_lane_o    (b_lane)
  );

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
    .outer_i       (outer),
    .inner_i       (inner),
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
      first_q <= (masked && first < length) ? first : length;
      left_q  <= (masked && first < length) ? first : length;
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
    logic [31:0] a, factor, addend, product;
    assign a = a_word[l*32+:32];
    assign factor = (x_q == vector_pkg::OperandSelf) ? a :
               (x_q == vector_pkg::OperandB) ? b_spread[l*32+:32] : immediate_x_q;
    assign addend = (z_q == vector_pkg::OperandB) ? b_spread[l*32+:32] : immediate_z_q;
    assign z_word[l*32+:32] = {addend[31] ^ negate_z_q, addend[30:0]};

    fp32_mul u_mul (
      .clk_i,
      .en_i(step_ready),
      .a_i (a),
      .b_i ({factor[31] ^ negate_x_q, factor[30:0]}),
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

  result_writer #(
    .ADDR_W (AddrW),
    .VALUE_W(ValueW)
  ) u_writer (
    .clk_i,
    .rst_ni,
    .start_i    (start),
    .outer_i    (outer),
    .inner_i    (inner),
    .words_i    (words),
    .store_i    (store),
    .d_i        (d_region),
    .reduction_i(reduction),
    .r_i        (r_region),
    .in_valid_i (y_valid),
    .in_ready_o (y_ready),
    .in_data_i  (y),
    .in_active_i(y_active),
    .in_last_i  (y_last),
    .in_end_i   (y_end),
    .done_o     (done),
    .w_valid_o  (port_valid[2]),
    .w_ready_i  (w_ready_i && !port_outside[2]),
    .w_addr_o   (port_addr[2*AddrW+:AddrW]),
    .w_data_o,
    .w_strobe_o
  );

  // All words are used before the last one ends the command.
  logic unused_idle;
  assign unused_idle = ^{a_idle, b_idle, walk_idle, unused_a_lane, unused_address, unused_b_address};

  if (SCRATCH_W > AddrW || SCRATCH_W < 1) begin : g_bad_scratch
    ERROR_vector_engine_SCRATCH_W_must_be_1_to_16 u_error ();
  end

endmodule : vector_engine
