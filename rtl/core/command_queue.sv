// SPDX-License-Identifier: Apache-2.0
//
// The commands of one engine between fetch and end: those that wait, the one on offer, and those in flight.
//
// Why: an engine knows nothing of lists and semaphores. Its queue takes a command's counts when the command is the first and
// the engine may begin it, and posts when the engine says that it has ended. It keeps the addresses that an error needs: of
// the command handed over last, whose fields the engine may still refuse, of the oldest in flight, and of the one that waits.
//
// Commands wait in words, and are put together when the one before is handed over. What says whose a command is, and the
// zeros at its end are left out then. A command without its last word is none. An engine refuses a command at most 8 cycles
// after the transfer: the next command is not there before, so the refused one is the last.
//
// Latency: a command's last word to cmd_valid_o 4 cycles; done_i to post_mask_o 1 cycle. Throughput: a command in 11 cycles.

module command_queue #(
  // Width of a line address.
  parameter int LINE_W    = 34,
  // Bits of a command from which on all are zero, commands_pkg::<Layout>Bits.
  parameter int BITS      = 512,
  // Commands that wait behind the one on offer.
  parameter int DEPTH     = 4,
  // Commands in flight.
  parameter int IN_FLIGHT = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // From the fetch: 8 words per command.
  input  logic              in_valid_i,
  output logic              in_ready_o,
  input  logic [63:0]       in_word_i,
  input  logic              in_first_i,
  input  logic [LINE_W-1:0] in_line_i,

  // To the semaphores, which grant in the cycle after the request at the earliest.
  output logic              take_valid_o,
  output logic [commands_pkg::LoadWaitsWidth-1:0] take_mask_o,
  input  logic              take_grant_i,
  // One cycle, else zero.
  output logic [commands_pkg::LoadPostWidth-1:0]  post_mask_o,
  output logic [LINE_W-1:0] post_line_o,

  // To the engine.
  output logic              cmd_valid_o,
  input  logic              cmd_ready_i,
  // Bits 31:0 are zero.
  output logic [511:0]      cmd_o,
  output logic [LINE_W-1:0] cmd_tag_o,
  // One cycle for each command, in order; not before the cycle after its transfer.
  input  logic              done_i,

  // The command handed over last.
  output logic [LINE_W-1:0] issued_line_o,
  // A command is in flight; the oldest one.
  output logic              busy_o,
  output logic [LINE_W-1:0] oldest_line_o,
  // The first command waits for semaphores, or takes them.
  output logic              waiting_o,
  output logic [LINE_W-1:0] waiting_line_o,
  // Nothing waits and nothing is in flight.
  output logic              empty_o,
  // A command made a step: its counts were taken, it was handed over, or it ended.
  output logic              activity_o
);

  localparam int MaskW  = commands_pkg::LoadPostWidth;
  localparam int Word   = 64;
  localparam int Words  = 512 / Word;
  localparam int Kept   = (BITS + Word - 1) / Word;
  localparam int FillW  = $clog2(Words);
  localparam int Own    = 32;  // bits that say whose it is

  logic              next_valid, head_valid, flight_ready, flight_valid, fill, unused_line_ready, unused_line_valid;
  logic [FillW-1:0]  fill_q;
  logic [Word-1:0]   next;
  logic [Kept*Word-1:0] head_q;
  logic [BITS-1:Own] head;
  logic [LINE_W-1:0] next_line, head_line;
  logic [MaskW-1:0]  flight_mask;
  logic              taken_q, transfer, take;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(Words*DEPTH+1)-1:0] queue_level;
  logic [$clog2(DEPTH+1)-1:0]     line_level;
  logic [$clog2(IN_FLIGHT+1)-1:0] flight_level;
  logic                           unused_bits;  // zeros and the command's kind, which the fetch has looked at
  // verilator lint_on UNUSEDSIGNAL

  assign unused_bits = ^head_q;

  stream_fifo #(
    .WIDTH(Word),
    .DEPTH(Words * DEPTH)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i,
    .in_ready_o,
    .in_data_i  (in_word_i),
    .out_valid_o(next_valid),
    .out_ready_i(!head_valid),
    .out_data_o (next),
    .level_o    (queue_level)
  );
  // Lines of the commands whose first words are there: as many at most.
  stream_fifo #(
    .WIDTH(LINE_W),
    .DEPTH(DEPTH)
  ) u_lines (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i && in_ready_o && in_first_i),
    .in_ready_o (unused_line_ready),
    .in_data_i  (in_line_i),
    .out_valid_o(unused_line_valid),
    .out_ready_i(fill && fill_q == '0),
    .out_data_o (next_line),
    .level_o    (line_level)
  );

  // The first command lies in registers, for engines look at it at length.
  assign fill = next_valid && !head_valid;
  assign head = head_q[BITS-1:Own];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_valid <= 1'b0;
      fill_q     <= '0;
    end else begin
      head_valid <= head_valid ? !transfer : fill && fill_q == FillW'(Words - 1);
      if (fill) fill_q <= fill_q + FillW'(1);
    end
    if (fill && (FillW + 1)'(fill_q) < (FillW + 1)'(Kept)) head_q <= (Kept * Word)'({next, head_q} >> Word);
    if (fill && fill_q == '0) head_line <= next_line;
  end

  // Counts are taken only when the engine may begin the command: there is room in flight.
  assign take_valid_o = head_valid && !taken_q && flight_ready;
  assign take         = take_valid_o && take_grant_i;
  assign transfer     = taken_q && cmd_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      taken_q     <= 1'b0;
      post_mask_o <= '0;
    end else begin
      if (take) taken_q <= 1'b1;
      else if (transfer) taken_q <= 1'b0;
      post_mask_o <= (done_i && flight_valid) ? flight_mask : '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (transfer) issued_line_o <= head_line;
    post_line_o <= oldest_line_o;
  end

  stream_fifo #(
    .WIDTH(LINE_W + MaskW),
    .DEPTH(IN_FLIGHT)
  ) u_flight (
    .clk_i,
    .rst_ni,
    .in_valid_i (transfer),
    .in_ready_o (flight_ready),
    .in_data_i  ({head_line, head[commands_pkg::LoadPostLsb+:MaskW]}),
    .out_valid_o(flight_valid),
    .out_ready_i(done_i),
    .out_data_o ({oldest_line_o, flight_mask}),
    .level_o    (flight_level)
  );

  assign take_mask_o    = head[commands_pkg::LoadWaitsLsb+:commands_pkg::LoadWaitsWidth];
  assign cmd_valid_o    = taken_q;
  assign cmd_o          = 512'({head, Own'(0)});
  assign cmd_tag_o      = head_line;
  assign busy_o         = flight_valid;
  assign waiting_o      = take_valid_o;
  assign waiting_line_o = head_line;
  assign empty_o        = !next_valid && fill_q == '0 && !head_valid && !flight_valid;
  assign activity_o     = take || transfer || done_i;

  if (BITS < 64 || BITS > 512) begin : g_check_bits
    ERROR_command_queue_BITS_must_be_64_to_512 error ();
  end

`ifdef FORMAL
  // The fetch hands on eight words of a command, the first marked; the engine ends only what it has.
  localparam int CountW = 8;
  localparam int FlightW = LINE_W + MaskW;
  // What of a command reaches the engine.
  localparam logic [511:0] FKept = ({512{1'b1}} >> (512 - BITS + Own)) << Own;
  logic              f_past_valid = 1'b0;
  logic [FillW-1:0]  f_word;                 // of the next word that comes
  logic [CountW-1:0] f_words, f_firsts;      // words in queue and head; commands whose line is in its queue
  logic [CountW-1:0] f_flight;               // commands handed over and not ended
  logic              f_granted;              // the head's counts were taken
  logic              f_push, f_taken_last;
  logic [CountW-1:0] f_got;                  // words of the head that is there, or is being put together
  assign f_push = in_valid_i && in_ready_o;
  assign f_got  = head_valid ? CountW'(Words) : CountW'(fill_q);

  // A command picked when its first word comes: how many are ahead of it, its line, and one of its words, any of them.
  // From its transfer to its end: how many are ahead of it in the engine.
  (* anyseq *) logic               f_pick;
  (* anyconst *) logic [FillW-1:0] f_index;
  logic                            f_watching = 1'b0, f_flying = 1'b0, f_posts = 1'b0, f_known, f_second, f_behind;
  logic                            f_here, f_mine, f_current;
  logic [CountW-1:0]               f_ahead, f_flight_ahead;
  logic [LINE_W-1:0]               f_line;
  logic [Word-1:0]                 f_data;
  assign f_here    = f_push && in_first_i && f_pick && !f_watching && !f_flying;
  assign f_mine    = f_push && (f_here ? f_index == '0 : f_watching && !f_known && f_word == f_index);

  // The queues watch one entry each, see stream_fifo; these are theirs, to say that it is the command's.
  (* hierconn *) logic                               \u_queue.f_pick , \u_queue.f_watching ;
  (* hierconn *) logic [$clog2(Words*DEPTH+1)-1:0]   \u_queue.f_ahead ;
  (* hierconn *) logic [Word-1:0]                    \u_queue.f_data ;
  (* hierconn *) logic                               \u_lines.f_pick , \u_lines.f_watching ;
  (* hierconn *) logic [$clog2(DEPTH+1)-1:0]         \u_lines.f_ahead ;
  (* hierconn *) logic [LINE_W-1:0]                  \u_lines.f_data ;
  (* hierconn *) logic                               \u_flight.f_pick , \u_flight.f_watching ;
  (* hierconn *) logic [$clog2(IN_FLIGHT+1)-1:0]     \u_flight.f_ahead ;
  (* hierconn *) logic [FlightW-1:0]                 \u_flight.f_data ;
  // It is the head, or its first word is in the head.
  assign f_current = f_watching && !\u_lines.f_watching ;

  // Place of the picked word in the head, which fills from above.
  logic [CountW-1:0] f_slot;
  logic [Word-1:0]   f_in_head;
  assign f_slot    = f_got >= CountW'(Kept) ? CountW'(f_index) : CountW'(Kept) + CountW'(f_index) - f_got;
  assign f_in_head = Word'(head_q >> {f_slot, 6'd0});

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    f_taken_last <= rst_ni && transfer;
    if (!rst_ni) begin
      f_word     <= '0;
      f_words    <= '0;
      f_firsts   <= '0;
      f_flight   <= '0;
      f_granted  <= 1'b0;
      f_watching <= 1'b0;
      f_flying   <= 1'b0;
      f_posts    <= 1'b0;
    end else begin
      if (f_push) f_word <= f_word + FillW'(1);
      f_words   <= f_words + CountW'(f_push) - (transfer ? CountW'(Words) : '0);
      f_firsts  <= f_firsts + CountW'(f_push && in_first_i) - CountW'(fill && fill_q == '0);
      f_flight  <= f_flight + CountW'(cmd_valid_o && cmd_ready_i) - CountW'(done_i);
      f_granted <= (f_granted || (take_valid_o && take_grant_i)) && !(cmd_valid_o && cmd_ready_i);
      if (f_here) begin
        f_watching <= 1'b1;
        f_line     <= in_line_i;
        f_ahead    <= f_firsts + CountW'(head_valid || fill_q != '0) - CountW'(transfer);
      end else if (f_watching && transfer) begin
        f_watching <= f_ahead != '0;
        f_ahead    <= f_ahead - CountW'(1);
      end
      if (f_mine) f_data <= in_word_i;
      f_known <= f_mine || (f_known && !f_here);
      if (f_watching && f_ahead == '0 && transfer) begin
        f_flying       <= 1'b1;
        f_flight_ahead <= f_flight - CountW'(done_i);
      end else if (f_flying && done_i) begin
        f_flying       <= f_flight_ahead != '0;
        f_flight_ahead <= f_flight_ahead - CountW'(1);
      end
      f_posts <= f_flying && f_flight_ahead == '0 && done_i;
    end
    f_second <= rst_ni && (f_watching && (f_second || (transfer && f_ahead != '0)));
    if (f_flying && done_i) f_behind <= f_flight_ahead != '0 || f_behind;
    if (!rst_ni || f_here) f_behind <= 1'b0;
    assume (in_first_i == (f_word == '0));
    if (done_i) assume (f_flight != '0);
    if (take_grant_i) assume (take_valid_o);
    assume (\u_queue.f_pick == f_mine && \u_lines.f_pick == f_here);
    assume (\u_flight.f_pick == (f_watching && f_ahead == '0));
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(in_valid_i && !in_ready_o)) begin
        assume (in_valid_i && $stable(in_word_i) && $stable(in_first_i) && $stable(in_line_i));
      end
      // What is offered stays.
      if ($past(cmd_valid_o && !cmd_ready_i)) assert (cmd_valid_o && $stable(cmd_o) && $stable(cmd_tag_o));
      if ($past(take_valid_o && !take_grant_i)) assert (take_valid_o && $stable(take_mask_o));
      // A command that ends posts once; nothing else does.
      if ($past(done_i)) assert (post_mask_o == $past(flight_mask) && post_line_o == $past(oldest_line_o));
      else assert (post_mask_o == '0);
      // No deadlock: the queue takes words while it has room, and the head is put together without a break.
      assert (in_ready_o == (queue_level != ($clog2(Words*DEPTH+1))'(Words * DEPTH)));
      if ($past(queue_level != '0 && !head_valid)) assert (f_got == $past(f_got) + CountW'(1));
      if (f_taken_last) assert (issued_line_o == $past(cmd_tag_o));
    end
    if (f_past_valid && rst_ni) begin
      // No word is lost or doubled on the way from the fetch to the engine, and each command has its line.
      assert (f_words == CountW'(queue_level) + f_got);
      assert (f_firsts == CountW'(line_level));
      if (head_valid) assert (fill_q == '0);
      assert (CountW'(f_word) == f_words % CountW'(Words));
      assert (f_firsts == (f_words + CountW'(Words - 1)) / CountW'(Words) - CountW'(head_valid || fill_q != '0));
      if (f_push && in_first_i) assert (unused_line_ready);
      if (fill && fill_q == '0) assert (unused_line_valid);
      // A command is handed over once, after its counts were taken once, and with a place in flight.
      assert (cmd_valid_o == f_granted);
      if (cmd_valid_o) assert (head_valid && flight_ready && !take_valid_o);
      if (take_valid_o) assert (head_valid && !f_granted);
      assert (f_flight == CountW'(flight_level) && f_flight <= CountW'(IN_FLIGHT));
      assert (busy_o == (f_flight != '0));
      assert (empty_o == (f_words == '0 && f_flight == '0));
      assert (activity_o == ((take_valid_o && take_grant_i) || (cmd_valid_o && cmd_ready_i) || done_i));
      // No deadlock: the first command waits for its engine, for its counts, or for an end in the engine.
      if (head_valid) assert (cmd_valid_o || take_valid_o || busy_o);
      cover (empty_o && $past(done_i));
      // The counts are those of the command on offer; what says whose it is, and what is behind its end, is zero.
      if (take_valid_o) assert (take_mask_o == cmd_o[commands_pkg::LoadWaitsLsb+:commands_pkg::LoadWaitsWidth]);
      if (take_valid_o) assert (waiting_o && waiting_line_o == cmd_tag_o);
      if (cmd_valid_o) assert ((cmd_o & ~FKept) == '0);
      // The picked command is offered behind exactly those ahead of it, with its line and its word. That holds already
      // when it asks for its counts.
      if (f_watching && f_ahead == '0 && (cmd_valid_o || take_valid_o)) begin
        assert (f_known && cmd_tag_o == f_line);
        assert (Word'(cmd_o >> {f_index, 6'd0}) == (f_data & Word'(FKept >> {f_index, 6'd0})));
      end
      // It ends behind exactly those that were in the engine, and posts its own counts.
      if (f_flying && f_flight_ahead == '0) assert (oldest_line_o == f_line);
      if (f_posts) begin
        assert (post_line_o == f_line);
        if (f_index == '0) assert (post_mask_o == f_data[commands_pkg::LoadPostLsb+:MaskW]);
      end
      // What the above rests on: where in the queues the picked command is.
      assert (!(f_watching && f_flying));
      if (!f_watching) assert (!\u_lines.f_watching );
      if (!f_watching || !f_known) assert (!\u_queue.f_watching );
      assert (\u_flight.f_watching == f_flying);
      if (\u_lines.f_watching ) begin
        assert (\u_lines.f_data == f_line);
        assert (f_ahead == CountW'(\u_lines.f_ahead ) + CountW'(head_valid || fill_q != '0));
      end
      if (f_current) assert (f_ahead == '0 && (head_valid || fill_q != '0) && head_line == f_line);
      if (f_watching && !f_known) begin
        assert (f_word != '0 && f_word <= f_index);
        assert (f_firsts == (f_current ? '0 : CountW'(\u_lines.f_ahead ) + CountW'(1)));
      end
      if (\u_queue.f_watching ) begin
        assert (\u_queue.f_data == f_data);
        if (f_current) assert (CountW'(\u_queue.f_ahead ) + f_got == CountW'(f_index));
        else assert (CountW'(\u_queue.f_ahead ) == CountW'(\u_lines.f_ahead ) * CountW'(Words) + CountW'(f_index) +
                     (CountW'(Words) - f_got) % CountW'(Words));
      end
      if (f_watching && f_known && !\u_queue.f_watching ) begin
        assert (f_current && f_got > CountW'(f_index));
        if (CountW'(f_index) < CountW'(Kept)) assert (f_in_head == f_data);
      end
      if (f_flying) begin
        assert (f_known && \u_flight.f_data [FlightW-1-:LINE_W] == f_line);
        assert (f_flight_ahead == CountW'(\u_flight.f_ahead ));
        if (f_index == '0) assert (\u_flight.f_data [MaskW-1:0] == f_data[commands_pkg::LoadPostLsb+:MaskW]);
      end
    end
  end

  // Ways through several commands: with the shortest, because they take the solver minutes.
  if (BITS == 272) begin : g_f_cover
    always @(posedge clk_i) begin
      if (f_past_valid && rst_ni && $past(rst_ni)) begin
        // Posted while another is in flight.
        cover ($past(done_i) && post_mask_o != '0 && f_flight != '0);
        // The picked command is the second on offer.
        cover (f_watching && f_ahead == '0 && cmd_valid_o && f_second);
        // It is the second to end.
        cover (f_posts && f_behind);
        // The head waits for an end.
        cover (head_valid && !flight_ready && done_i);
      end
    end
  end
`endif

endmodule : command_queue
