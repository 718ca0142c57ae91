// SPDX-License-Identifier: Apache-2.0
//
// A READ or WRITE command as regions of memory and as words of the scratchpad.
//
// Why: both commands walk along the same rows, in two nested loops on both sides, and must be checked alike. The two
// sequences come from here; which way the values go is the engine's business.
//
// The rows of an outer iteration are one region. Every scratchpad address is held against the scratchpad's end before it is
// offered. A bad command ends everything until reset.
//
// Latency: a command to its first region and first word 2 cycles. Throughput: a region and a word per cycle.

module transfer_rows #(
  // Width of the address of a line of 64 bytes, at least 32.
  parameter int LINE_W    = 34,
  // Scratchpad of 2^SCRATCH_W words, at most 16.
  parameter int SCRATCH_W = 13,
  // 1: memory may hold BFP8.
  parameter bit BLOCKS    = 0
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // One command at a time, and the line that it lies in.
  input  logic                 cmd_valid_i,
  output logic                 cmd_ready_o,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [511:0]         cmd_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [LINE_W-1:0]    cmd_tag_i,
  // A field cannot be taken, or the next word lies outside of the scratchpad.
  output logic                 bad_o,
  // What has been offered here has ended everywhere.
  input  logic                 ended_i,
  output logic                 done_o,

  // Memory holds FP16; BFP8.
  output logic                 half_o,
  output logic                 block_o,

  output logic                 region_valid_o,
  input  logic                 region_ready_i,
  output logic [LINE_W-1:0]    region_addr_o,
  output logic [31:0]          region_lines_o,
  output logic [15:0]          region_rows_o,
  output logic [LINE_W-1:0]    region_stride_o,
  output logic [LINE_W-1:0]    region_tag_o,

  output logic                 word_valid_o,
  input  logic                 word_ready_i,
  output logic [SCRATCH_W-1:0] word_addr_o
);

  localparam logic [1:0] StIdle  = 2'd0;
  localparam logic [1:0] StCheck = 2'd1;
  localparam logic [1:0] StRun   = 2'd2;
  localparam logic [1:0] StBad   = 2'd3;

  logic [1:0] state_q;

  // ---------------------------------------------------------------------------------------------
  // The command; address and count move along the outer rows
  // ---------------------------------------------------------------------------------------------
  logic [LINE_W-1:0] tag_q, address_q;
  logic [31:0]       outer_stride_q, inner_stride_q;
  logic [15:0]       outer_left_q, inner_q;
  logic [15:4]       length_q;
  logic [1:0]        format_q;
  logic              take, sent, bad_field, bad_field_q, outside, all_sent, finished_q;

  assign take   = cmd_valid_i && cmd_ready_o;
  assign sent   = region_valid_o && region_ready_i;
  assign half_o = format_q == commands_pkg::ValueFormatFp16;
  assign block_o = BLOCKS && format_q == commands_pkg::ValueFormatBfp8;

  // Known from the command on.
  logic [15:0] cmd_length;
  logic [1:0]  cmd_format;
  logic        cmd_half, cmd_block;
  assign cmd_length = cmd_i[commands_pkg::TransferLengthLsb+:16];
  assign cmd_format = cmd_i[commands_pkg::TransferFormatLsb+:2];
  assign cmd_half   = cmd_format == commands_pkg::ValueFormatFp16;
  assign cmd_block  = BLOCKS && cmd_format == commands_pkg::ValueFormatBfp8;
  assign bad_field  = cmd_i[commands_pkg::TransferOuterLsb+:16] == '0 ||
                      cmd_i[commands_pkg::TransferInnerLsb+:16] == '0 ||
                      cmd_length == '0 || cmd_length[3:0] != '0 ||
                      (cmd_half && cmd_length[4]) || (cmd_block && cmd_length[5:4] != '0) ||
                      (cmd_format != commands_pkg::ValueFormatFp32 && !cmd_half && !cmd_block);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      bad_o   <= 1'b0;
    end else begin
      bad_o <= (state_q == StCheck && bad_field_q) || (state_q == StRun && outside);
      case (state_q)
        StIdle: if (cmd_valid_i) state_q <= StCheck;
        StCheck: state_q <= bad_field_q ? StBad : StRun;
        StRun: if (outside) state_q <= StBad;
        else if (finished_q) state_q <= StIdle;
        default: ;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      tag_q          <= cmd_tag_i;
      bad_field_q    <= bad_field;
      outer_left_q   <= cmd_i[commands_pkg::TransferOuterLsb+:16];
      inner_q        <= cmd_i[commands_pkg::TransferInnerLsb+:16];
      length_q       <= cmd_length[15:4];
      format_q       <= cmd_format;
      address_q      <= LINE_W'(cmd_i[commands_pkg::TransferAddressLsb+:32]);
      outer_stride_q <= cmd_i[commands_pkg::TransferOuterStrideLsb+:32];
      inner_stride_q <= cmd_i[commands_pkg::TransferInnerStrideLsb+:32];
    end else if (sent) begin
      outer_left_q <= outer_left_q - 16'd1;
      address_q    <= address_q + LINE_W'($signed(outer_stride_q));
    end
  end

  assign cmd_ready_o = state_q == StIdle;
  assign done_o      = state_q == StRun && finished_q;

  // ---------------------------------------------------------------------------------------------
  // Memory
  // ---------------------------------------------------------------------------------------------
  assign all_sent        = outer_left_q == '0;
  assign region_valid_o  = state_q == StRun && !all_sent;
  assign region_addr_o   = address_q;
  assign region_lines_o  = block_o ? 32'(length_q[15:6])
                         : half_o ? 32'(length_q[15:5]) : 32'(length_q[15:4]);
  assign region_rows_o   = inner_q;
  assign region_stride_o = LINE_W'($signed(inner_stride_q));
  assign region_tag_o    = tag_q;

  // ---------------------------------------------------------------------------------------------
  // Scratchpad: the walk begins with the command, nothing of it is seen before the check
  // ---------------------------------------------------------------------------------------------
  logic        walk_idle, walk_valid;
  logic [15:0] walk_addr;
  // verilator lint_off UNUSEDSIGNAL
  logic        unused_word, unused_inner, unused_last; // words are all alike
  logic        unused_ready; // a walk begins when all has ended
  // verilator lint_on UNUSEDSIGNAL

  row_walker #(
    .ADDR_W(16)
  ) u_walker (
    .clk_i,
    .rst_ni,
    .start_i       (take),
    .start_ready_o (unused_ready),
    .outer_i       (cmd_i[commands_pkg::TransferOuterLsb+:16]),
    .inner_i       (cmd_i[commands_pkg::TransferInnerLsb+:16]),
    .words_i       (cmd_i[commands_pkg::TransferLengthLsb+:16] >> 3),
    .base_i        (cmd_i[commands_pkg::TransferSBaseLsb+:16]),
    .outer_stride_i(cmd_i[commands_pkg::TransferSOuterLsb+:16]),
    .inner_stride_i(cmd_i[commands_pkg::TransferSInnerLsb+:16]),
    .exchange_i    (16'd0),
    .idle_o        (walk_idle),
    .valid_o       (walk_valid),
    .ready_i       (state_q == StRun && word_ready_i),
    .address_o     (walk_addr),
    .last_word_o   (unused_word),
    .last_inner_o  (unused_inner),
    .last_o        (unused_last)
  );

  if (SCRATCH_W < 16) begin : g_end
    assign outside = walk_valid && walk_addr[15:SCRATCH_W] != '0;
  end else begin : g_all
    assign outside = 1'b0;
  end

  assign word_valid_o = state_q == StRun && walk_valid && !outside;
  assign word_addr_o  = walk_addr[SCRATCH_W-1:0];

  // Once all has ended, it has ended for good.
  always_ff @(posedge clk_i) finished_q <= state_q == StRun && !finished_q && all_sent && walk_idle && ended_i;

  if (LINE_W < 32) begin : g_bad_line_w
    ERROR_transfer_rows_ADDR_W_must_be_at_least_38 error ();
  end
  if (SCRATCH_W < 9 || SCRATCH_W > 16) begin : g_bad_scratch_w
    ERROR_transfer_rows_SCRATCH_W_must_be_9_to_16 error ();
  end

endmodule : transfer_rows
