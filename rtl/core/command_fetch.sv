// SPDX-License-Identifier: Apache-2.0
//
// Reads the list of commands from memory, line by line, and hands each command to the queue of its engine.
//
// Why: the list is the only thing that the core takes on trust, so every command is checked for its kind and its reserved bits
// before an engine sees it. Lines are read ahead in groups, so that a short command does not wait for the memory's latency.
//
// Room for a group is there before it is asked for: the data are always taken, and a full queue cannot block the bus, over
// which the commands before may be reading. No group crosses the end of the memory window. Near it lines are read one
// by one, each only when those before were good and not END; so the read that leaves the window, for which the master
// reports an error, is one that the list really asks for. What was read behind END is dropped.
//
// Latency: last beat of a line to cmd_valid_o 3 cycles, 2 where a line is one beat. Throughput: a line in one cycle more
// than it has beats.

module command_fetch #(
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W      = 256,
  // Width of a memory address.
  parameter int ADDR_W     = 40,
  // Lines per request. There is room for two requests.
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

  // To the queues: a command, and the one engine that it is for.
  output logic [commands_pkg::Engines-1:0] cmd_valid_o,
  input  logic [commands_pkg::Engines-1:0] cmd_ready_i,
  output logic [511:0]      cmd_o,
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
  logic              request, group_fits, group_fits_q, ready_q;
  logic [CountW-1:0] count_q, lines_q, lines;
  logic [LineW-1:0]  next_q;
  logic [LineW:0]    limit;
  logic              word_leaves;
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
      // Lines asked for that have not left the converter.
      count_q <= count_q + (request ? lines : '0) - CountW'(word_leaves);
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
  // Beats to lines
  // ---------------------------------------------------------------------------------------------
  logic             beat_valid, beat_ready, word_valid, word_ready;
  logic [BUS_W-1:0] beat;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(Room*LineBeats+1)-1:0] beat_level;  // count_q has it
  // verilator lint_on UNUSEDSIGNAL

  stream_fifo #(
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
    .out_data_o (beat),
    .level_o    (beat_level)
  );

  stream_resize #(
    .IN_WIDTH (BUS_W),
    .OUT_WIDTH(512)
  ) u_lines (
    .clk_i,
    .rst_ni,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (cmd_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Lines to commands: a line is looked at in one cycle, and goes on the next
  // ---------------------------------------------------------------------------------------------
  logic [OpcodeW-1:0] opcode;
  logic [Engines-1:0] engine, engine_q;
  logic               magic, is_end, checked_q, end_q, good_q;
  logic [LineW-1:0]   line_q;

  assign magic  = cmd_o[MagicLsb+:MagicW] == commands_pkg::LoadMagicValue;
  assign opcode = cmd_o[OpcodeLsb+:OpcodeW];
  assign is_end = magic && opcode == commands_pkg::CommandEnd && (cmd_o & EndZeros) == '0;

  for (genvar e = 0; e < Engines; e++) begin : g_engine
    localparam logic [OpcodeW-1:0] Opcode = OpcodeW'(e + 1);
    localparam logic [511:0] Zeros = (Opcode == commands_pkg::CommandLoad)   ? commands_pkg::LoadZeros :
                                     (Opcode == commands_pkg::CommandMatrix) ? commands_pkg::MatrixZeros :
                                     (Opcode == commands_pkg::CommandVector) ? commands_pkg::VectorZeros :
                                                                               commands_pkg::TransferZeros;
    assign engine[e] = magic && opcode == Opcode && (cmd_o & Zeros) == '0;
  end

  assign word_ready  = !running_q || (checked_q && (end_q || (engine_q & cmd_ready_i) != '0));
  assign word_leaves = word_valid && word_ready;
  assign cmd_valid_o = (checked_q && running_q) ? engine_q : '0;
  assign cmd_line_o  = line_q;
  assign bad_o       = checked_q && running_q && !good_q;
  assign bad_line_o  = line_q;
  assign activity_o  = word_leaves;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      running_q <= 1'b0;
      ended_o   <= 1'b0;
      checked_q <= 1'b0;
    end else begin
      checked_q <= word_valid && running_q && !word_leaves;
      if (start_i) running_q <= 1'b1;
      else if (checked_q && (end_q || !good_q)) running_q <= 1'b0;
      if (checked_q && running_q && end_q) ended_o <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    engine_q <= engine;
    end_q    <= is_end;
    good_q   <= is_end || engine != '0;
    if (start_i) line_q <= line_i;
    else if (word_leaves) line_q <= line_q + LineW'(1);
  end

  if (BUS_W != 64 && BUS_W != 128 && BUS_W != 256 && BUS_W != 512) begin : g_check_bus
    ERROR_command_fetch_BUS_W_must_be_64_128_256_or_512 error ();
  end
  if (READ_AHEAD < 1 || READ_AHEAD > 512) begin : g_check_read_ahead
    ERROR_command_fetch_READ_AHEAD_must_be_1_to_512 error ();
  end

endmodule : command_fetch
