// SPDX-License-Identifier: Apache-2.0
//
// Holds a MATRIX command against what the array can do, before anything of it begins.
//
// Why: an address behind the scratchpad's end or a length that is not a multiple of 64 must stop the list, not give wrong
// results. All rows of A0, A1 and D are walked at the same time, one row per cycle, which needs additions only, counts the
// rows and holds for distances that go backwards too. The command is looked at where it waits.
// Latency: cmd_valid_i to done_o rows + 1 cycles, 2 where a field by itself is bad.

module matrix_check #(
  // Width of a scratchpad address in words, at most 16.
  parameter int SCRATCH_W    = 13,
  // Most rows of a command.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested absmax table.
  parameter int NESTED_DEPTH = 4096,
  // 1: codes also in T mode.
  parameter int BACKWARD     = 1
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  // Stable from cmd_valid_i to taken_i.
  input  logic                          cmd_valid_i,
  input  logic [511:0]                  cmd_i,
  input  logic                          taken_i,

  // The verdict, until taken_i; bad_o: a field has a value that cannot be taken.
  output logic                          done_o,
  output logic                          bad_o,
  output logic [$clog2(MAX_ROWS+1)-1:0] rows_o
);

  localparam int CountW = $clog2(MAX_ROWS + 1);

  // ---------------------------------------------------------------------------------------------
  // Fields by themselves
  // ---------------------------------------------------------------------------------------------
  logic [15:0] outer, inner, outputs, length0, length1, header_lines;
  logic [2:0]  format0, format1;
  logic        transpose0, transpose1, codes, second;

  assign outer        = cmd_i[commands_pkg::MatrixOuterLsb+:16];
  assign inner        = cmd_i[commands_pkg::MatrixInnerLsb+:16];
  assign outputs      = cmd_i[commands_pkg::MatrixOutputsLsb+:16];
  assign length0      = cmd_i[commands_pkg::MatrixLength0Lsb+:16];
  assign length1      = cmd_i[commands_pkg::MatrixLength1Lsb+:16];
  assign header_lines = cmd_i[commands_pkg::MatrixHeaderLinesLsb+:16];
  assign format0      = cmd_i[commands_pkg::MatrixFormat0Lsb+:3];
  assign format1      = cmd_i[commands_pkg::MatrixFormat1Lsb+:3];
  assign transpose0   = cmd_i[commands_pkg::MatrixTranspose0Lsb];
  assign transpose1   = cmd_i[commands_pkg::MatrixTranspose1Lsb];
  assign codes        = systolic_pkg::is_codes(format0);
  assign second       = length1 != '0;

  logic bad_rows, bad_outputs, bad_lengths, bad_formats, bad_header;
  assign bad_rows    = outer == '0 || inner == '0 || outer > 16'(MAX_ROWS) || inner > 16'(MAX_ROWS);
  assign bad_outputs = outputs == '0 || (outputs[5:0] != '0 && (codes || transpose0 || second));
  assign bad_lengths = length0 == '0 || (length0[5:0] != '0 && (codes || !transpose0)) ||
                       (length1[5:0] != '0 && !transpose1);
  assign bad_formats = format0 > commands_pkg::WeightFormatBfp8 ||
                       (codes && transpose0 && (BACKWARD == 0 || format0 == commands_pkg::WeightFormatInt8)) ||
                       (second && (format1 > commands_pkg::WeightFormatBfp8 || systolic_pkg::is_codes(format1)));
  assign bad_header  = header_lines == 16'd1 || 32'(header_lines) > 32'(2 + NESTED_DEPTH / 16) ||
                       (codes && cmd_i[commands_pkg::MatrixBlockLsb+:32] >= 32'(NESTED_DEPTH * nf4_pkg::NestedBlock));

  // ---------------------------------------------------------------------------------------------
  // Rows
  // ---------------------------------------------------------------------------------------------
  localparam logic [1:0] StateNew  = 2'd0;
  localparam logic [1:0] StateWalk = 2'd1;
  localparam logic [1:0] StateDone = 2'd2;

  logic [1:0]        state_q;
  logic              bad_q, start, last_inner, last_row, too_many;
  logic [CountW-1:0] inner_left_q, outer_left_q, rows_q;
  logic [2:0]        outside;
  // Of fields by themselves.
  logic [4:0]        bad_fields_q;

  assign start      = state_q == StateNew && cmd_valid_i;
  assign last_inner = inner_left_q == CountW'(1);
  assign last_row   = last_inner && outer_left_q == CountW'(1);
  assign too_many   = rows_q == CountW'(MAX_ROWS) && !last_row;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= StateNew;
    else if (start) state_q <= StateWalk;
    else if (state_q == StateWalk && (last_row || too_many || bad_fields_q != '0)) state_q <= StateDone;
    else if (taken_i) state_q <= StateNew;

    if (start) begin
      bad_q        <= 1'b0;
      bad_fields_q <= {bad_rows, bad_outputs, bad_lengths, bad_formats, bad_header};
      rows_q       <= CountW'(1);
      inner_left_q <= CountW'(inner);
      outer_left_q <= CountW'(outer);
    end else if (state_q == StateWalk) begin
      bad_q <= bad_q || bad_fields_q != '0 || too_many || outside != '0;
      if (!last_row) rows_q <= rows_q + CountW'(1);
      inner_left_q <= last_inner ? CountW'(inner) : inner_left_q - CountW'(1);
      if (last_inner) outer_left_q <= outer_left_q - CountW'(1);
    end
  end

  // A0, A1, D: where their rows begin, where the distances are, and the row's last word.
  localparam logic [95:0] BaseLsb  = {32'(commands_pkg::MatrixDBaseLsb), 32'(commands_pkg::MatrixA1BaseLsb),
                                      32'(commands_pkg::MatrixA0BaseLsb)};
  localparam logic [95:0] OuterLsb = {32'(commands_pkg::MatrixDOuterLsb), 32'(commands_pkg::MatrixA1OuterLsb),
                                      32'(commands_pkg::MatrixA0OuterLsb)};
  localparam logic [95:0] InnerLsb = {32'(commands_pkg::MatrixDInnerLsb), 32'(commands_pkg::MatrixA1InnerLsb),
                                      32'(commands_pkg::MatrixA0InnerLsb)};
  logic [3*13-1:0] last_word, last_word_q;
  always_ff @(posedge clk_i) if (start) last_word_q <= last_word;
  assign last_word = {10'((outputs - 16'd1) >> 6), 3'd7, 13'((length1 - 16'd1) >> 3), 13'((length0 - 16'd1) >> 3)};

  for (genvar r = 0; r < 3; r++) begin : g_region
    logic [15:0] base, row_q, outer_q, next;

    assign base = cmd_i[BaseLsb[r*32+:32]+:16];
    assign next = (last_inner ? outer_q : row_q) +
                  (last_inner ? cmd_i[OuterLsb[r*32+:32]+:16] : cmd_i[InnerLsb[r*32+:32]+:16]);
    // With a scratchpad of all addresses nothing is outside.
    assign outside[r] = SCRATCH_W < 16 && (17'(row_q) + 17'(last_word_q[r*13+:13])) >> SCRATCH_W != '0 &&
                        (r != 1 || second);

    always_ff @(posedge clk_i) begin
      if (start || (state_q == StateWalk && last_inner)) outer_q <= start ? base : next;
      if (start || state_q == StateWalk) row_q <= start ? base : next;
    end
  end

  assign done_o = state_q == StateDone;
  assign bad_o  = bad_q;
  assign rows_o = rows_q;

  logic unused_fields;
  assign unused_fields = ^cmd_i;

  if (SCRATCH_W < 9 || SCRATCH_W > 16) begin : g_bad_scratch
    ERROR_matrix_check_SCRATCH_W_must_be_9_to_16 u_error ();
  end

endmodule : matrix_check
