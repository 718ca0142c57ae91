// SPDX-License-Identifier: Apache-2.0
//
// LOAD commands: streams stored weights from memory into a FIFO in front of the array.
//
// Why: the array must never wait for memory's latency, and weights need nothing of what the array computes. So the loader
// runs ahead of it by as much as the FIFO holds. The read master gives it credits for that, see axi_read_clients.
//
// A command becomes regions: the header, then `count` times part 0 and part 1, without those that are absent. The FIFO marks
// the last beat of a command.
//
// Latency: a command to its first region 2 cycles; a beat to wgt_valid_o 2 cycles. Throughput: a beat per cycle, across
// commands too, while regions last longer than the 3 cycles from one command to the next.

module load_engine #(
  // Width of a byte address, at least 38: commands count lines in 32 bits.
  parameter int ADDR_W     = 40,
  // Width of the memory bus in bits.
  parameter int BUS_W      = 256,
  // Beats that the FIFO holds, a power of two; the client's credits at the read master.
  parameter int FIFO_BEATS = 512,
  // Width of the address of a line of 64 bytes; derived, leave alone.
  parameter int LINE_W     = ADDR_W - 6
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Commands, and the line that each lies in.
  input  logic              cmd_valid_i,
  output logic              cmd_ready_o,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [511:0]      cmd_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [LINE_W-1:0] cmd_tag_i,
  // The command has no repetitions or no lines; nothing more is taken until reset.
  output logic              bad_o,
  // The last beat of a command is in the FIFO.
  output logic              done_o,

  // Client of the read master.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [LINE_W-1:0] rcmd_addr_o,
  output logic [31:0]       rcmd_lines_o,
  output logic [15:0]       rcmd_rows_o,
  output logic [LINE_W-1:0] rcmd_stride_o,
  output logic              rcmd_last_o,
  output logic [LINE_W-1:0] rcmd_tag_o,
  input  logic              rdata_valid_i,
  output logic              rdata_ready_o,
  input  logic [BUS_W-1:0]  rdata_data_i,
  input  logic              rdata_last_i,
  output logic              credit_return_o,

  // Weights; last with the last beat of a command.
  output logic              wgt_valid_o,
  input  logic              wgt_ready_i,
  output logic [BUS_W-1:0]  wgt_data_o,
  output logic              wgt_last_o
);

  localparam logic [2:0] StIdle   = 3'd0;
  localparam logic [2:0] StCheck  = 3'd1;
  localparam logic [2:0] StHeader = 3'd2;
  localparam logic [2:0] StPart0  = 3'd3;
  localparam logic [2:0] StPart1  = 3'd4;
  localparam logic [2:0] StBad    = 3'd5;

  logic [2:0] state_q, state_d, after;

  // ---------------------------------------------------------------------------------------------
  // The command; addresses move from one repetition to the next
  // ---------------------------------------------------------------------------------------------
  logic [LINE_W-1:0] tag_q, address0_q, address1_q;
  logic [31:0]       header_address_q, step0_q, step1_q, lines0_q, lines1_q, stride0_q, stride1_q;
  logic [15:0]       header_lines_q, left_q, rows0_q, rows1_q;
  // Which regions there are, known from the command on; no repetition.
  logic              header_q, part0_q, part1_q, none_q;
  logic              bad, take, sent, last_repetition, ends_repetition;

  assign bad = none_q || !(header_q || part0_q || part1_q);

  assign take            = cmd_valid_i && cmd_ready_o;
  assign sent            = rcmd_valid_o && rcmd_ready_i;
  assign last_repetition = left_q == 16'd1;
  assign ends_repetition = state_q == StPart1 || (state_q == StPart0 && !part1_q);

  // The state behind the region at hand.
  always_comb begin
    case (state_q)
      StHeader: after = part0_q ? StPart0 : part1_q ? StPart1 : StIdle;
      StPart0: after = part1_q ? StPart1 : last_repetition ? StIdle : StPart0;
      default: after = last_repetition ? StIdle : part0_q ? StPart0 : StPart1;
    endcase
  end

  always_comb begin
    case (state_q)
      StIdle: state_d = cmd_valid_i ? StCheck : StIdle;
      StCheck: state_d = bad ? StBad : header_q ? StHeader : part0_q ? StPart0 : StPart1;
      StBad: state_d = StBad;
      default: state_d = rcmd_ready_i ? after : state_q;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= StIdle;
    else state_q <= state_d;
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      header_q         <= cmd_i[commands_pkg::LoadHeaderLinesLsb+:16] != '0;
      part0_q          <= cmd_i[commands_pkg::LoadLines0Lsb+:32] != '0 && cmd_i[commands_pkg::LoadRows0Lsb+:16] != '0;
      part1_q          <= cmd_i[commands_pkg::LoadLines1Lsb+:32] != '0 && cmd_i[commands_pkg::LoadRows1Lsb+:16] != '0;
      none_q           <= cmd_i[commands_pkg::LoadCountLsb+:16] == '0;
      tag_q            <= cmd_tag_i;
      header_address_q <= cmd_i[commands_pkg::LoadHeaderAddressLsb+:32];
      header_lines_q   <= cmd_i[commands_pkg::LoadHeaderLinesLsb+:16];
      left_q           <= cmd_i[commands_pkg::LoadCountLsb+:16];
      address0_q       <= LINE_W'(cmd_i[commands_pkg::LoadAddress0Lsb+:32]);
      step0_q          <= cmd_i[commands_pkg::LoadStep0Lsb+:32];
      lines0_q         <= cmd_i[commands_pkg::LoadLines0Lsb+:32];
      stride0_q        <= cmd_i[commands_pkg::LoadStride0Lsb+:32];
      rows0_q          <= cmd_i[commands_pkg::LoadRows0Lsb+:16];
      address1_q       <= LINE_W'(cmd_i[commands_pkg::LoadAddress1Lsb+:32]);
      step1_q          <= cmd_i[commands_pkg::LoadStep1Lsb+:32];
      lines1_q         <= cmd_i[commands_pkg::LoadLines1Lsb+:32];
      stride1_q        <= cmd_i[commands_pkg::LoadStride1Lsb+:32];
      rows1_q          <= cmd_i[commands_pkg::LoadRows1Lsb+:16];
    end else if (sent) begin
      if (state_q == StPart0) address0_q <= address0_q + LINE_W'($signed(step0_q));
      if (state_q == StPart1) address1_q <= address1_q + LINE_W'($signed(step1_q));
      if (ends_repetition) left_q <= left_q - 16'd1;
    end
  end

  assign cmd_ready_o = state_q == StIdle;
  assign bad_o       = state_q == StCheck && bad;

  // ---------------------------------------------------------------------------------------------
  // Regions
  // ---------------------------------------------------------------------------------------------
  assign rcmd_valid_o = state_q == StHeader || state_q == StPart0 || state_q == StPart1;
  assign rcmd_tag_o   = tag_q;
  assign rcmd_last_o  = after == StIdle;

  always_comb begin
    case (state_q)
      StHeader: begin
        rcmd_addr_o   = LINE_W'(header_address_q);
        rcmd_lines_o  = 32'(header_lines_q);
        rcmd_rows_o   = 16'd1;
        rcmd_stride_o = '0;
      end
      StPart0: begin
        rcmd_addr_o   = address0_q;
        rcmd_lines_o  = lines0_q;
        rcmd_rows_o   = rows0_q;
        rcmd_stride_o = LINE_W'($signed(stride0_q));
      end
      default: begin
        rcmd_addr_o   = address1_q;
        rcmd_lines_o  = lines1_q;
        rcmd_rows_o   = rows1_q;
        rcmd_stride_o = LINE_W'($signed(stride1_q));
      end
    endcase
  end

  // ---------------------------------------------------------------------------------------------
  // Beats
  // ---------------------------------------------------------------------------------------------
  logic credit_q, done_q, beat_valid, beat_ready;
  logic [BUS_W:0] beat;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(FIFO_BEATS+1)-1:0] level; // credits keep it from running over
  // verilator lint_on UNUSEDSIGNAL

  stream_ram_fifo #(
    .WIDTH(1 + BUS_W),
    .DEPTH(FIFO_BEATS)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i (rdata_valid_i),
    .in_ready_o (rdata_ready_o),
    .in_data_i  ({rdata_last_i, rdata_data_i}),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat),
    .level_o    (level)
  );

  // Between the RAM's slow output and the many that look at a beat before they say that they take it.
  stream_register #(
    .WIDTH(1 + BUS_W)
  ) u_beat (
    .clk_i,
    .rst_ni,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .out_valid_o(wgt_valid_o),
    .out_ready_i(wgt_ready_i),
    .out_data_o ({wgt_last_o, wgt_data_o})
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      credit_q <= 1'b0;
      done_q   <= 1'b0;
    end else begin
      credit_q <= beat_valid && beat_ready;
      done_q   <= rdata_valid_i && rdata_ready_o && rdata_last_i;
    end
  end

  assign credit_return_o = credit_q;
  assign done_o          = done_q;

  if (ADDR_W < 38) begin : g_bad_addr_w
    ERROR_load_engine_ADDR_W_must_be_at_least_38 error ();
  end

endmodule : load_engine
