// SPDX-License-Identifier: Apache-2.0
//
// Reads the list of commands from memory, line by line, and hands each command to the queue of its engine, word by word.
//
// Why: the list is the only thing that the core takes on trust, so every command is checked for its kind and its reserved bits
// before an engine sees it: the last word of a wrong one is not handed on. Words keep what goes to the queues narrow, for
// engines take far longer than a command's words. Lines are read ahead in groups, so that a short command does not wait for
// the memory's latency.
//
// Room for a group is there before it is asked for: the data are always taken, and a full queue cannot block the bus, over
// which the commands before may be reading. No group crosses the end of the memory window. Near it lines are read one
// by one, each only when those before were good and not END; so the read that leaves the window, for which the master
// reports an error, is one that the list really asks for. What was read behind END is dropped.
//
// Latency: last beat of a line to its last word 5 cycles on 64 and 128 bits, 4 on wider buses, and N more where a beat has
// N > 1 words.
// Throughput: a line in 9 cycles.

module command_fetch #(
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W      = 256,
  // Width of a memory address.
  parameter int ADDR_W     = 40,
  // Lines per request, on 64 and 128 bits a power of two. There is room for two requests.
  parameter int READ_AHEAD = 8
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle, once after each reset: read the list from this line on.
  input  logic              start_i,
  input  logic [ADDR_W-7:0] line_i,
  // First byte address behind the memory window; stable.
  input  logic [63:0]       mem_limit_i,

  // Read client: so many lines from this one on, which is also the request's tag.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-7:0] rcmd_addr_o,
  output logic [31:0]       rcmd_lines_o,
  input  logic              rdata_valid_i,
  // Always high while a request is under way.
  output logic              rdata_ready_o,
  input  logic [BUS_W-1:0]  rdata_data_i,

  // To the queues: a command's words, and the one engine that they are for; the first word, and the command's line.
  output logic [commands_pkg::Engines-1:0] cmd_valid_o,
  input  logic [commands_pkg::Engines-1:0] cmd_ready_i,
  output logic [63:0]       cmd_o,
  output logic              cmd_first_o,
  output logic [ADDR_W-7:0] cmd_line_o,

  // END was read. What was asked for beyond it may still come, and is dropped.
  output logic              ended_o,
  // One cycle: this line is no command. Nothing is handed on from then on.
  output logic              bad_o,
  output logic [ADDR_W-7:0] bad_line_o,
  // A command was handed on.
  output logic              activity_o
);

  localparam int Engines   = commands_pkg::Engines;
  localparam int LineW     = ADDR_W - 6;
  localparam int LineBeats = 512 / BUS_W;
  localparam int Word      = 64;
  localparam int Words     = 512 / Word;
  localparam int Room      = 2 * READ_AHEAD;
  localparam int CountW    = $clog2(Room + 1);
  localparam int MagicLsb  = commands_pkg::LoadMagicLsb;
  localparam int MagicW    = commands_pkg::LoadMagicWidth;
  localparam int OpcodeLsb = commands_pkg::LoadOpcodeLsb;
  localparam int OpcodeW   = commands_pkg::LoadOpcodeWidth;
  // END is word 0 alone.
  localparam logic [511:0] EndZeros = commands_pkg::LoadZeros | {{480{1'b1}}, 32'd0};

  // ---------------------------------------------------------------------------------------------
  // Requests
  // ---------------------------------------------------------------------------------------------
  logic              running_q;
  // Whether the group at next_q fits is known a cycle after next_q, which stays while a request is offered.
  logic              request, group_fits, group_fits_q, ready_q, last_leaves;
  logic [CountW-1:0] count_q, lines_q, lines;
  logic [LineW-1:0]  next_q;
  logic [LineW:0]    limit;
  logic              unused_limit;  // a line that holds the limit is outside

  assign unused_limit = ^mem_limit_i[5:0];
  assign limit      = (mem_limit_i[63:ADDR_W] != '0) ? {1'b1, {LineW{1'b0}}} : {1'b0, mem_limit_i[ADDR_W-1:6]};
  assign group_fits = {1'b0, next_q} + (LineW + 1)'(READ_AHEAD) <= limit;
  assign lines      = group_fits_q ? CountW'(READ_AHEAD) : CountW'(1);
  assign request    = ready_q && running_q && !rcmd_valid_o &&
                      (group_fits_q ? count_q <= CountW'(Room - READ_AHEAD) : count_q == '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rcmd_valid_o <= 1'b0;
      count_q      <= '0;
      ready_q      <= 1'b0;
    end else begin
      ready_q <= running_q;
      if (request) rcmd_valid_o <= 1'b1;
      else if (rcmd_ready_i) rcmd_valid_o <= 1'b0;
      // Lines asked for whose last word has not left.
      count_q <= count_q + (request ? lines : '0) - CountW'(last_leaves);
    end
  end

  always_ff @(posedge clk_i) begin
    group_fits_q <= group_fits;
    if (start_i) next_q <= line_i;
    else if (request) next_q <= next_q + LineW'(lines);
    if (request) begin
      rcmd_addr_o <= next_q;
      lines_q     <= lines;
    end
  end

  assign rcmd_lines_o = 32'(lines_q);

  // ---------------------------------------------------------------------------------------------
  // Beats to words
  // ---------------------------------------------------------------------------------------------
  logic             beat_valid, beat_ready, word_valid, word_ready;
  logic [BUS_W-1:0] beat;
  logic [Word-1:0]  word;

  beat_fifo #(
    .WIDTH(BUS_W),
    .DEPTH(Room * LineBeats)
  ) u_beats (
    .clk_i,
    .rst_ni,
    .in_valid_i (rdata_valid_i),
    .in_ready_o (rdata_ready_o),
    .in_data_i  (rdata_data_i),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat)
  );

  stream_resize #(
    .IN_WIDTH (BUS_W),
    .OUT_WIDTH(Word)
  ) u_words (
    .clk_i,
    .rst_ni,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (word)
  );

  // ---------------------------------------------------------------------------------------------
  // Words to commands: a word is looked at in one cycle, and goes on the next; the last one waits for the judgement
  // ---------------------------------------------------------------------------------------------
  localparam int Kinds  = Engines + 1;  // END is the last
  localparam int IndexW = $clog2(Words);

  logic              magic, held_q, first_q, last_q, wrong_q, taken, leaves, judged_q, good_q;
  logic [OpcodeW-1:0] opcode;
  logic [IndexW-1:0] index_q;
  logic [Kinds-1:0]  kind, kind_q, offends, offends_q;
  logic [Engines-1:0] offered;
  logic [LineW-1:0]  line_q;

  assign magic  = word[MagicLsb+:MagicW] == commands_pkg::LoadMagicValue;
  assign opcode = word[OpcodeLsb+:OpcodeW];

  for (genvar k = 0; k < Kinds; k++) begin : g_kind
    localparam logic [OpcodeW-1:0] Opcode = k == Engines ? commands_pkg::CommandEnd : OpcodeW'(k + 1);
    localparam logic [511:0] Zeros = (Opcode == commands_pkg::CommandEnd)    ? EndZeros :
                                     (Opcode == commands_pkg::CommandLoad)   ? commands_pkg::LoadZeros :
                                     (Opcode == commands_pkg::CommandMatrix) ? commands_pkg::MatrixZeros :
                                     (Opcode == commands_pkg::CommandVector) ? commands_pkg::VectorZeros :
                                                                               commands_pkg::TransferZeros;
    assign kind[k]    = magic && opcode == Opcode;
    assign offends[k] = (word & Zeros[index_q*Word+:Word]) != '0;
  end

  // The last word of a line goes on only if all of them are right, and without it a queue has no command. A full queue
  // holds the words of a wrong command back, too.
  assign offered     = (held_q && running_q && (!last_q || (judged_q && good_q))) ? kind_q[Engines-1:0] : '0;
  assign leaves      = held_q && (!last_q || judged_q) && (offered & ~cmd_ready_i) == '0;
  assign last_leaves = leaves && last_q;
  assign word_ready  = !held_q || leaves;
  assign taken       = word_valid && word_ready;
  assign cmd_valid_o = offered;
  assign cmd_first_o = first_q;
  assign cmd_line_o  = line_q;
  assign bad_o       = judged_q && running_q && !good_q;
  assign bad_line_o  = line_q;
  assign activity_o  = leaves;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      running_q <= 1'b0;
      ended_o   <= 1'b0;
      held_q    <= 1'b0;
      judged_q  <= 1'b0;
      index_q   <= '0;
    end else begin
      if (word_ready) held_q <= word_valid;
      if (taken) index_q <= index_q + IndexW'(1);
      if (start_i) running_q <= 1'b1;
      else if (judged_q && (kind_q[Engines] || !good_q)) running_q <= 1'b0;
      if (judged_q && running_q && good_q && kind_q[Engines]) ended_o <= 1'b1;
      judged_q <= held_q && last_q && !leaves;
    end
  end

  always_ff @(posedge clk_i) begin
    if (taken) begin
      cmd_o     <= word;
      first_q   <= index_q == '0;
      last_q    <= index_q == IndexW'(Words - 1);
      offends_q <= offends;
      if (index_q == '0) kind_q <= kind;
      wrong_q <= index_q != '0 && (wrong_q || (kind_q & offends_q) != '0);
    end
    good_q <= kind_q != '0 && !wrong_q && (kind_q & offends_q) == '0;
    if (start_i) line_q <= line_i;
    else if (last_leaves) line_q <= line_q + LineW'(1);
  end

  if (BUS_W != 64 && BUS_W != 128 && BUS_W != 256 && BUS_W != 512) begin : g_check_bus
    ERROR_command_fetch_BUS_W_must_be_64_128_256_or_512 error ();
  end
  if (READ_AHEAD < 1 || READ_AHEAD > 512) begin : g_check_read_ahead
    ERROR_command_fetch_READ_AHEAD_must_be_1_to_512 error ();
  end

endmodule : command_fetch
