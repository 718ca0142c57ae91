// SPDX-License-Identifier: Apache-2.0
//
// Runs VECTOR commands one by one over rows of values in the scratchpad: y = f(a * x + z), stored, summed, or both.
//
// Why: normalization, rotary embedding, softmax, gates, residuals, their backward passes and the optimizer are all
// sequences of this one form; tb/models/vector.py says what an instruction means, bit for bit. Operands are read ahead,
// results leave as the scratchpad takes them, and everything between moves at the pace of the slowest.
// With 4 lanes a word is worked on in two parts, lower half first; the results are the same.
// Latency: a command's transfer to its first write 17 cycles, with 4 lanes 18, with a function 29 + 8 / UNITS, with
// operand B one more, and those of the scratchpad's answer.
// Throughput: one word per cycle, with 4 lanes in two; with a function one in 8 / UNITS cycles; a sum adds 39 cycles
// per row, with 4 lanes 41, of which with a function as many are hidden as the row's words take longer; a largest value
// adds 4, with 4 lanes 3.

module vector_engine #(
  // Width of a scratchpad address in words, at most 16.
  parameter int SCRATCH_W = 13,
  // Values per cycle without a function: 8, a word, or 4, half of one.
  parameter int LANES     = 8,
  // Function units, a power of two below LANES.
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

  localparam int WordLanes = vector_pkg::Lanes;
  localparam int WordLaneW = $clog2(WordLanes);
  localparam int PartW     = LANES * 32;
  localparam int LowW      = $clog2(LANES);
  localparam int ValueW    = vector_pkg::ValueWidth;
  localparam int AddrW     = vector_pkg::AddressWidth;
  localparam int TagW      = LANES + 3;
  localparam int Latency   = fp32_pkg::MulLatency + fp32_pkg::AddLatency;
  // Parts that wait for the results' writer: more than functions give while a row is added up, and what a LUT holds.
  localparam int Waiting   = 32;

  // What a value is multiplied with: an operand, B as a stream or as one value per row.
  localparam logic [1:0] FactorImmediate = 2'd0;
  localparam logic [1:0] FactorSelf      = 2'd1;
  localparam logic [1:0] FactorStream    = 2'd2;
  localparam logic [1:0] FactorPerRow    = 2'd3;

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
  assign words     = 16'(length[15:WordLaneW]) + 16'(length[WordLaneW-1:0] != '0);
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

  logic        busy_q, bad_q, start, done, outside;
  logic [WordLaneW-1:0] length_q;  // of a row's last word, zero for a whole one
  logic [15:0] step_q;
  logic [1:0]  factor_q, function_q;
  logic [31:0] immediate_x_q, immediate_z_q;
  logic        negate_x_q, negate_z_q, per_row_q, z_is_b_q;

  assign cmd_ready_o = !busy_q && !bad_q;
  // An illegal instruction begins too, for that it is one is known late; bad_q lets none of its accesses out.
  assign start       = cmd_valid_i && cmd_ready_o;
  assign bad_o       = bad_q;
  assign done_o      = busy_q && done && !bad_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else busy_q <= start || (busy_q && !done);
    if (!rst_ni) bad_q <= 1'b0;
    else if ((start && illegal) || outside) bad_q <= 1'b1;
    if (start) begin
      length_q      <= length[WordLaneW-1:0];
      step_q        <= cmd_i[commands_pkg::VectorStepLsb+:16];
      factor_q      <= (x == vector_pkg::OperandB)    ? (per_row ? FactorPerRow : FactorStream) :
                       (x == vector_pkg::OperandSelf) ? FactorSelf : FactorImmediate;
      z_is_b_q      <= z == vector_pkg::OperandB;
      immediate_x_q <= cmd_i[commands_pkg::VectorImmediateXLsb+:32];
      immediate_z_q <= cmd_i[commands_pkg::VectorImmediateZLsb+:32];
      negate_x_q    <= cmd_i[commands_pkg::VectorNegateXLsb];
      negate_z_q    <= cmd_i[commands_pkg::VectorNegateZLsb];
      per_row_q     <= per_row;
      function_q    <= cmd_i[commands_pkg::VectorFunctionCodeLsb+:2];
    end
  end

  // An access behind the scratchpad's end is not made, and none after it; whoever asked for it goes on for that cycle only.
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
  assign {w_valid_o, b_req_valid_o, a_req_valid_o} = bad_q ? 3'd0 : port_valid & ~port_outside;
  assign a_req_addr_o  = port_addr[0+:SCRATCH_W];
  assign b_req_addr_o  = port_addr[AddrW+:SCRATCH_W];
  assign w_addr_o      = port_addr[2*AddrW+:SCRATCH_W];

  // ---------------------------------------------------------------------------------------------
  // Operands
  // ---------------------------------------------------------------------------------------------
  logic             parts_valid, last_part, last_word, last_inner, last, issue, step_ready;
  logic [PartW-1:0] a_part, b_part;
  logic [31:0]      b_value;

  operand_reader #(
    .LANES  (LANES),
    .ADDR_W (AddrW),
    .VALUE_W(ValueW)
  ) u_operands (
    .clk_i,
    .rst_ni,
    .start_i         (start),
    .outer_i         (outer),
    .inner_i         (inner),
    .words_i         (words),
    .a_i             (a_region),
    .exchange_i      (cmd_i[commands_pkg::VectorExchangeLsb+:16]),
    .uses_b_i        (uses_b),
    .per_row_i       (per_row),
    .b_i             (b_region),
    .a_req_valid_o   (port_valid[0]),
    .a_req_ready_i   (a_req_ready_i && !bad_q),
    .a_req_addr_o    (port_addr[0+:AddrW]),
    .a_rsp_valid_i,
    .a_rsp_data_i,
    .b_req_valid_o   (port_valid[1]),
    .b_req_ready_i   (b_req_ready_i && !bad_q),
    .b_req_addr_o    (port_addr[AddrW+:AddrW]),
    .b_rsp_valid_i,
    .b_rsp_data_i,
    .out_valid_o     (parts_valid),
    .out_ready_i     (step_ready),
    .out_a_o         (a_part),
    .out_b_o         (b_part),
    .out_b_value_o   (b_value),
    .out_last_part_o (last_part),
    .out_last_word_o (last_word),
    .out_last_inner_o(last_inner),
    .out_last_o      (last)
  );

  assign issue = parts_valid && step_ready;

  // ---------------------------------------------------------------------------------------------
  // Which values of a part are active
  // ---------------------------------------------------------------------------------------------
  // Active values of the rows of this outer iteration, were they long enough; from 2**16 on it does not matter how
  // many.
  logic [16:0]        first_q;
  logic [15-LowW:0]   part_q;  // number of the part in its row
  logic               some;
  logic [LANES-1:0]   first_values, active;
  logic [WordLanes-1:0] length_values;

  always_ff @(posedge clk_i) begin
    if (start) first_q <= {!masked, first};
    else if (issue && last_part && last_word && last_inner && !first_q[16]) first_q <= first_q + 17'(step_q);
    if (start || (issue && last_part && last_word)) part_q <= '0;
    else if (issue) part_q <= part_q + (16 - LowW)'(1);
  end

  assign some         = {1'b0, part_q} == first_q[16:LowW];
  assign first_values = ~({LANES{1'b1}} << first_q[LowW-1:0]);
  assign length_values = ~({WordLanes{1'b1}} << length_q);
  for (genvar l = 0; l < LANES; l++) begin : g_active
    logic in_first, in_length;
    logic [WordLaneW-1:0] place;  // in the word
    assign place     = WordLaneW'(last_part ? l + WordLanes - LANES : l);
    assign in_first  = {1'b0, part_q} < first_q[16:LowW] || (some && first_values[l]);
    assign in_length = !last_word || length_q == '0 || length_values[place];
    assign active[l] = in_first && in_length;
  end

  // ---------------------------------------------------------------------------------------------
  // a * x + z
  // ---------------------------------------------------------------------------------------------
  logic [PartW-1:0]        sum, addends_q, z_part;
  logic [Latency-1:0]      valid_q;
  logic [Latency*TagW-1:0] tags_q;
  logic                    sum_valid, sum_ready;

  assign sum_valid  = valid_q[Latency-1];
  assign step_ready = sum_ready || !sum_valid;

  step_delay #(
    .WIDTH(PartW),
    .DEPTH(4)
  ) u_z (
    .clk_i,
    .rst_ni,
    .en_i  (step_ready),
    .data_i(addends_q),
    .back_i(2'(fp32_pkg::MulLatency - 1)),
    .data_o(z_part)
  );

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [31:0] a, b, factor, addend, product;
    assign a = a_part[l*32+:32];
    assign b = b_part[l*32+:32];
    assign factor = (factor_q == FactorSelf)   ? a :
                    (factor_q == FactorStream) ? b :
                    (factor_q == FactorPerRow) ? b_value : immediate_x_q;
    assign addend = !z_is_b_q ? immediate_z_q : per_row_q ? b_value : b;

    always_ff @(posedge clk_i) begin
      if (step_ready) begin
        addends_q[l*32+:32] <= {addend[31] ^ negate_z_q, addend[30:0]};
      end
    end

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
      .b_i (z_part[l*32+:32]),
      .y_o (sum[l*32+:32])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (step_ready) valid_q <= {valid_q[Latency-2:0], issue};
    if (step_ready) tags_q <= {tags_q[(Latency-1)*TagW-1:0], last, last_inner, last_word, active};
  end

  // ---------------------------------------------------------------------------------------------
  // f, or not
  // ---------------------------------------------------------------------------------------------
  logic             has_function, function_valid, function_ready, y_ready;
  logic [PartW-1:0] function_part;
  logic [TagW-1:0]  sum_tag, function_tag, y_tag;

  assign has_function = function_q != vector_pkg::FunctionNone;
  assign sum_tag      = tags_q[(Latency-1)*TagW+:TagW];
  assign sum_ready    = has_function ? function_ready : y_ready;
  assign y_tag        = has_function ? function_tag : sum_tag;

  function_lanes #(
    .LANES(LANES),
    .UNITS(UNITS),
    .TAG_W(TagW)
  ) u_functions (
    .clk_i,
    .rst_ni,
    .function_i (function_q),
    .in_valid_i (sum_valid && has_function),
    .in_ready_o (function_ready),
    .in_data_i  (sum),
    .in_tag_i   (sum_tag),
    .out_valid_o(function_valid),
    .out_ready_i(y_ready),
    .out_data_o (function_part),
    .out_tag_o  (function_tag)
  );

  // While a row's sums are added up, its parts wait, and functions of the next row are worked on meanwhile.
  logic             waiting_valid, waiting_ready, result_valid_q, result_ready;
  logic [PartW-1:0] waiting, result_q;
  logic [TagW-1:0]  waiting_tag, result_tag_q;
  logic [$clog2(Waiting+1)-1:0] unused_level;
  stream_fifo #(
    .WIDTH(TagW + PartW),
    .DEPTH(Waiting)
  ) u_waiting (
    .clk_i,
    .rst_ni,
    .in_valid_i (has_function ? function_valid : sum_valid),
    .in_ready_o (y_ready),
    .in_data_i  ({y_tag, has_function ? function_part : sum}),
    .out_valid_o(waiting_valid),
    .out_ready_i(waiting_ready),
    .out_data_o ({waiting_tag, waiting}),
    .level_o    (unused_level)
  );
  assign waiting_ready = result_ready || !result_valid_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) result_valid_q <= 1'b0;
    else if (waiting_ready) result_valid_q <= waiting_valid;
    if (waiting_ready) {result_tag_q, result_q} <= {waiting_tag, waiting};
  end

  result_writer #(
    .LANES  (LANES),
    .ADDR_W (AddrW),
    .VALUE_W(ValueW)
  ) u_writer (
    .clk_i,
    .rst_ni,
    .start_i        (start),
    .store_i        (store),
    .d_i            (d_region),
    .reduction_i    (reduction),
    .r_i            (r_region),
    .in_valid_i     (result_valid_q),
    .in_ready_o     (result_ready),
    .in_data_i      (result_q),
    .in_active_i    (result_tag_q[LANES-1:0]),
    .in_last_word_i (result_tag_q[LANES]),
    .in_last_inner_i(result_tag_q[LANES+1]),
    .in_last_i      (result_tag_q[LANES+2]),
    .done_o         (done),
    .w_valid_o      (port_valid[2]),
    .w_ready_i      (w_ready_i && !bad_q),
    .w_addr_o       (port_addr[2*AddrW+:AddrW]),
    .w_data_o,
    .w_strobe_o
  );

  if (SCRATCH_W > AddrW || SCRATCH_W < 1) begin : g_bad_scratch
    ERROR_vector_engine_SCRATCH_W_must_be_1_to_16 u_error ();
  end
  if (LANES != WordLanes && 2 * LANES != WordLanes) begin : g_bad_lanes
    ERROR_vector_engine_LANES_must_be_4_or_8 u_error ();
  end

endmodule : vector_engine
