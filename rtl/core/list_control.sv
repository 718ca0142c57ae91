// SPDX-License-Identifier: Apache-2.0
//
// The life of a list from doorbell to report, and the first thing that went wrong in it.
//
// Why: whatever happens, a list ends with exactly one report and the next one starts as after power-up. So there is one way
// out for good and bad lists alike: the bus comes to rest, the AXI masters forget what they have not begun, everything else
// is reset, the report is made.
//
// The first error (list_errors) stops the AXI masters; what follows it is a consequence and is not looked at. NaN and infinity
// stop nothing: the first command that met one is reported when the list has ended.
//
// DEADLOCK cannot come while anything can still go on. While a list runs and no access is under way, one of these holds: a
// line is on its way through the fetch, or a command through the end of its queue (some cycles), a first command's counts are
// there (granted within twice as many cycles as there are engines), an engine is offered a command and none is in it (taken
// within a few cycles, but by an engine that works for another core, which counts as activity), or an engine has a command
// and all that it needs. Each makes activity_i a pulse, the last one for every word of the scratchpad, every beat of weights
// and every vector of the array; between two of them, and from the last to the command's end, an engine takes far fewer than
// WATCHDOG cycles.
// If none holds, nothing will ever change, for posts come from commands that end.
//
// Latency: doorbell_i to start_o 2 cycles; the end of the last command to the report 11 cycles.

module list_control #(
  // Width of a memory address.
  parameter int ADDR_W   = 40,
  // Cycles without access and without activity that make a deadlock.
  parameter int WATCHDOG = 1024
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Host, see control_registers.
  input  logic              doorbell_i,
  input  logic [63:0]       list_addr_i,
  output logic              busy_o,
  output logic              done_o,
  output logic              error_o,
  // Valid with error_o.
  output logic [7:0]        error_code_o,
  output logic [63:0]       error_command_o,
  output logic [63:0]       error_info_o,
  output logic              nonfinite_o,

  // Fetch.
  output logic              start_o,
  output logic [ADDR_W-7:0] line_o,
  input  logic              ended_i,
  input  logic              fetch_bad_i,
  input  logic [ADDR_W-7:0] fetch_bad_line_i,

  // Queues and engines, engine e in bit e or in bits [e*(ADDR_W-6) +: ADDR_W-6].
  input  logic [commands_pkg::Engines-1:0] empty_i,
  input  logic [commands_pkg::Engines-1:0] busy_i,
  input  logic [commands_pkg::Engines-1:0] waiting_i,
  input  logic [commands_pkg::Engines-1:0] bad_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] issued_line_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] oldest_line_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] waiting_line_i,
  // One cycle: the weights do not fit the oldest MATRIX command in flight.
  input  logic              stream_i,
  // Weights are there that no command has taken.
  input  logic              stream_left_i,
  // One cycle: the oldest MATRIX command in flight met NaN or infinity; with its end at the latest.
  input  logic              nonfinite_i,
  // Semaphores.
  input  logic              overflow_i,
  input  logic [$clog2(commands_pkg::LoadWaitsWidth)-1:0] overflow_number_i,
  input  logic [ADDR_W-7:0] overflow_line_i,
  // Anything made a step; see above.
  input  logic              activity_i,

  // AXI masters: one cycle with the access's first address and its command.
  input  logic              read_range_i,
  input  logic [ADDR_W-1:0] read_range_addr_i,
  input  logic [ADDR_W-7:0] read_range_tag_i,
  input  logic              write_range_i,
  input  logic [ADDR_W-1:0] write_range_addr_i,
  input  logic [ADDR_W-7:0] write_range_tag_i,
  input  logic              read_error_i,
  input  logic [ADDR_W-1:0] read_error_addr_i,
  input  logic [ADDR_W-7:0] read_error_tag_i,
  input  logic              write_error_i,
  input  logic [ADDR_W-1:0] write_error_addr_i,
  input  logic [ADDR_W-7:0] write_error_tag_i,
  // No burst is under way.
  input  logic              axi_idle_i,
  // Begin no burst, write nothing, forget what has not begun.
  output logic              stop_o,
  // Reset of everything else in the core.
  output logic              engine_rst_no
);

  localparam int LineW   = ADDR_W - 6;
  localparam int WatchW  = $clog2(WATCHDOG + 1);
  // Cycles in a row in which nothing is left to do, so that an error of the last command has arrived; and of the reset.
  // Weights left over are looked for a cycle before the last of them; those in a FIFO have come to its end by then.
  // A power of two: the count begins anew by itself. The last command's overflow is seen in the last of them (semaphores).
  localparam int Settle  = 4;
  localparam int SettleW = $clog2(Settle);

  localparam logic [2:0] StateIdle   = 3'd0;
  localparam logic [2:0] StateStart  = 3'd1;
  localparam logic [2:0] StateRun    = 3'd2;
  localparam logic [2:0] StateStop   = 3'd3;
  localparam logic [2:0] StateReset  = 3'd4;
  localparam logic [2:0] StateReport = 3'd5;

  logic [2:0]         state_q, state_d;
  logic [SettleW-1:0] settle_q;
  logic               settled, quiet;
  logic [63:0]        list_addr_q;

  // ---------------------------------------------------------------------------------------------
  // What went wrong in this cycle
  // ---------------------------------------------------------------------------------------------
  logic               misaligned, outside, address_bad;
  logic               deadlock, left_q, failure;
  logic [WatchW-1:0]  watch_q;
  logic               active_q;  // in the cycle before: what moves is known late in its cycle
  logic [7:0]         code;
  logic [LineW-1:0]   line;
  logic [ADDR_W-1:0]  info;

  assign misaligned  = list_addr_q[5:0] != '0;
  assign outside     = list_addr_q[63:ADDR_W] != '0;
  assign address_bad = misaligned || outside;
  assign deadlock    = watch_q == WatchW'(WATCHDOG) && !active_q;

  list_errors #(
    .ADDR_W(ADDR_W)
  ) u_errors (
    .clk_i,
    .fetch_bad_i,
    .fetch_bad_line_i,
    .busy_i,
    .waiting_i,
    .bad_i,
    .issued_line_i,
    .oldest_line_i,
    .waiting_line_i,
    .stream_i,
    .overflow_i,
    .overflow_number_i,
    .overflow_line_i,
    .read_range_i,
    .read_range_addr_i,
    .read_range_tag_i,
    .write_range_i,
    .write_range_addr_i,
    .write_range_tag_i,
    .read_error_i,
    .read_error_addr_i,
    .read_error_tag_i,
    .write_error_i,
    .write_error_addr_i,
    .write_error_tag_i,
    .left_i    (left_q),
    .deadlock_i(deadlock),
    .failure_o (failure),
    .code_o    (code),
    .line_o    (line),
    .info_o    (info)
  );

  // ---------------------------------------------------------------------------------------------
  // The way of a list
  // ---------------------------------------------------------------------------------------------
  logic ended_q;  // no command is left: until the next list that stays so

  assign quiet   = (axi_idle_i && (state_q == StateStop || (state_q == StateRun && ended_q))) || state_q == StateReset;
  assign settled = quiet && settle_q == SettleW'(Settle - 1);

  always_comb begin
    state_d = state_q;
    case (state_q)
      StateIdle: if (doorbell_i) state_d = StateStart;
      StateStart: state_d = address_bad ? StateReset : StateRun;
      StateRun: begin
        if (failure) state_d = StateStop;
        else if (settled) state_d = StateReset;
      end
      StateStop: if (settled) state_d = StateReset;
      StateReset: if (settled) state_d = StateReport;
      default: state_d = StateIdle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q       <= StateIdle;
      settle_q      <= '0;
      watch_q       <= '0;
      active_q      <= 1'b0;
      left_q        <= 1'b0;
      start_o       <= 1'b0;
      stop_o        <= 1'b0;
      engine_rst_no <= 1'b0;
    end else begin
      state_q       <= state_d;
      settle_q      <= quiet ? settle_q + SettleW'(1) : '0;
      active_q      <= activity_i || !axi_idle_i;
      // Seen a cycle before it is settled: nothing takes weights any more.
      left_q        <= state_q == StateRun && quiet && settle_q == SettleW'(Settle - 2) && stream_left_i;
      watch_q       <= (state_q != StateRun || active_q || deadlock) ? '0 : watch_q + WatchW'(1);
      start_o       <= state_q == StateStart && !address_bad;
      stop_o        <= state_d == StateStop || state_d == StateReset;
      engine_rst_no <= state_d != StateReset;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The report
  // ---------------------------------------------------------------------------------------------
  logic               failed_q, nonfinite_q;
  logic [7:0]         code_q;
  logic [LineW-1:0]   line_q;
  logic [ADDR_W-1:0]  info_q;
  logic               address_bad_q, note, noted_q;

  assign note = state_q == StateRun && (failure || (nonfinite_i && !nonfinite_q));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      failed_q    <= 1'b0;
      nonfinite_q <= 1'b0;
      done_o      <= 1'b0;
      error_o     <= 1'b0;
      nonfinite_o <= 1'b0;
    end else begin
      if (state_q == StateIdle) begin
        failed_q    <= 1'b0;
        nonfinite_q <= 1'b0;
      end else begin
        if ((state_q == StateStart && address_bad) || (state_q == StateRun && failure)) failed_q <= 1'b1;
        if (state_q == StateRun && nonfinite_i) nonfinite_q <= 1'b1;
      end
      done_o      <= state_q == StateReport && !failed_q && !nonfinite_q;
      error_o     <= state_q == StateReport && (failed_q || nonfinite_q);
      nonfinite_o <= state_q == StateRun && nonfinite_i;
    end
  end

  always_ff @(posedge clk_i) begin
    ended_q <= ended_i && empty_i == '1;
    if (state_q == StateIdle) list_addr_q <= list_addr_i;
    if (state_q == StateStart) begin
      address_bad_q <= address_bad;
      code_q        <= misaligned ? registers_pkg::ErrorCodeAlignment : registers_pkg::ErrorCodeRange;
    end
    noted_q <= note;
    if (note) code_q <= code;
    if (noted_q) begin
      line_q <= line;
      info_q <= info;
    end
  end

  assign error_code_o    = code_q;
  assign error_command_o = address_bad_q ? list_addr_q : 64'({line_q, 6'd0});
  assign error_info_o    = address_bad_q ? list_addr_q : 64'(info_q);
  assign busy_o = state_q != StateIdle;
  assign line_o = list_addr_q[ADDR_W-1:6];

`ifdef FORMAL
  localparam int Sources = 10;
  // Errors of this cycle in the order in which they count, and those of the cycle of the first one.
  logic [Sources-1:0] f_errors, f_first;
  // A list was accepted and not reported; it has met NaN or infinity; its engines have been reset since the last one.
  logic               f_open, f_nonfinite, f_clean, f_past_error;
  logic [2:0]         f_low, f_rest;
  logic               f_past_valid = 1'b0;
  logic [7:0]         f_code;

  assign f_errors = {deadlock, write_error_i, read_error_i, overflow_i, left_q, stream_i, write_range_i, read_range_i,
                     bad_i != '0, fetch_bad_i};

  always @(*) begin
    f_code = registers_pkg::ErrorCodeDeadlock;
    if (f_first[8]) f_code = registers_pkg::ErrorCodeAxiWrite;
    if (f_first[7]) f_code = registers_pkg::ErrorCodeAxiRead;
    if (f_first[6]) f_code = registers_pkg::ErrorCodeSemaphore;
    if (f_first[5:4] != '0) f_code = registers_pkg::ErrorCodeStream;
    if (f_first[3:2] != '0) f_code = registers_pkg::ErrorCodeRange;
    if (f_first[1]) f_code = registers_pkg::ErrorCodeField;
    if (f_first[0]) f_code = registers_pkg::ErrorCodeCommand;
    if (address_bad) f_code = misaligned ? registers_pkg::ErrorCodeAlignment : registers_pkg::ErrorCodeRange;
  end

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);

    f_past_error <= rst_ni && (f_past_error || error_o);
    if (!rst_ni) f_open <= 1'b0;
    else if (doorbell_i && !busy_o) f_open <= 1'b1;
    else if (done_o || error_o) f_open <= 1'b0;

    if (!rst_ni || state_q == StateIdle) begin
      f_first     <= '0;
      f_nonfinite <= 1'b0;
    end else if (state_q == StateRun) begin
      if (f_first == '0) f_first <= f_errors;
      if (nonfinite_i) f_nonfinite <= 1'b1;
    end
    if (!rst_ni || !engine_rst_no) f_clean <= 1'b1;
    else if (start_o) f_clean <= 1'b0;
    f_low  <= (rst_ni && !engine_rst_no) ? f_low + 3'd1 : '0;
    f_rest <= (rst_ni && axi_idle_i && !settled && (state_q == StateStop || (state_q == StateRun && ended_q))) ?
              f_rest + 3'd1 : '0;

    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      assert (state_q <= StateReport);
      // A list that was accepted is running or is being reported, so it has one report; nothing else has any.
      assert (f_open == (busy_o || done_o || error_o));
      assert (!(done_o && error_o));
      if (done_o || error_o) assert (!busy_o);
      // What is reported is the first thing that went wrong.
      if (done_o) assert (f_first == '0 && !f_nonfinite && !address_bad);
      if (error_o && (f_first != '0 || address_bad)) assert (error_code_o == f_code);
      if (error_o && f_first == '0 && !address_bad) begin
        assert (f_nonfinite && error_code_o == registers_pkg::ErrorCodeNonfinite);
      end
      // A list that has failed does not stay: it waits for the bus alone, and that not longer than a few cycles.
      if (state_q == StateRun) assert (f_first == '0);
      if (state_q == StateRun && settled && $past(stream_left_i)) assert (left_q);
      assert (f_rest < 3'(Settle));
      if (state_q == StateStop) assert (3'(settle_q) == f_rest);
      assert (stop_o == (state_q == StateStop || state_q == StateReset));
      // Each list starts on engines that have been reset for some cycles, and not before the bus was at rest.
      if (start_o) assert (f_clean);
      assert ((state_q == StateReset) == !engine_rst_no);
      if ($past(!engine_rst_no && $past(rst_ni)) && engine_rst_no) assert (f_low == 3'(Settle));
      if (state_q == StateReset && $past(state_q != StateReset && state_q != StateStart)) assert ($past(axi_idle_i));
      cover (done_o && f_past_error);
      cover (error_o && error_code_o == registers_pkg::ErrorCodeDeadlock);
      // What the states above rest on.
      if (state_q == StateStart || state_q == StateRun) assert (f_first == '0 && !failed_q);
      if (state_q == StateStart) assert (!nonfinite_q);
      if (state_q == StateRun || state_q == StateStop) assert (!address_bad);
      if (state_q == StateStop) assert (f_first != '0);
      if (state_q != StateIdle && state_q != StateStart) assert (address_bad_q == address_bad);
      if (state_q != StateIdle) assert (nonfinite_q == f_nonfinite);
      if (state_q >= StateStop) assert (failed_q == (f_first != '0 || address_bad));
      if (state_q >= StateStop && failed_q) assert (code_q == f_code);
      if (state_q >= StateRun && nonfinite_q && !failed_q) assert (code_q == registers_pkg::ErrorCodeNonfinite);
      if (state_q == StateReset) assert (f_low == 3'(settle_q));
      else if (state_q != StateRun && state_q != StateStop) assert (f_clean);
    end
  end
`endif

  if (WATCHDOG < 1) begin : g_check_watchdog
    ERROR_list_control_WATCHDOG_must_be_positive error ();
  end

endmodule : list_control
