// SPDX-License-Identifier: Apache-2.0
//
// First-word fall-through FIFO of any depth from 2 up.
//
// Why: absorbs bursts and decouples the stalls of producer and consumer; level_o lets a producer
// reserve room before it starts something that cannot be stopped.
// Latency 1 cycle, one transfer per cycle sustained, also when full to DEPTH-1 or holding one entry.
// in_ready_o and out_valid_o come straight from flip-flops. The storage is read combinationally and
// maps to distributed RAM; only the pointers and flags are reset.

module stream_fifo #(
  // Payload bits.
  parameter int WIDTH = 8,
  // Entries; any number from 2, not only powers of two.
  parameter int DEPTH = 4
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       in_valid_i,
  output logic                       in_ready_o,
  input  logic [WIDTH-1:0]           in_data_i,

  output logic                       out_valid_o,
  input  logic                       out_ready_i,
  output logic [WIDTH-1:0]           out_data_o,

  // Entries held, counted after the transfers of the previous cycle.
  output logic [$clog2(DEPTH+1)-1:0] level_o
);

  if (WIDTH < 1) begin : g_check_width
    ERROR_stream_fifo_WIDTH_must_be_positive error ();
  end
  if (DEPTH < 2) begin : g_check_depth
    ERROR_stream_fifo_DEPTH_must_be_at_least_2 error ();
  end

  localparam int PtrWidth   = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int LevelWidth = $clog2(DEPTH + 1);
  localparam logic [PtrWidth-1:0] LastPtr = PtrWidth'(DEPTH - 1);

  logic [WIDTH-1:0]      storage [DEPTH];
  logic [PtrWidth-1:0]   write_ptr_q, read_ptr_q;
  logic [LevelWidth-1:0] level_q, level_d;
  logic                  in_ready_q, out_valid_q;
  logic                  push, pop;

  assign push = in_valid_i && in_ready_q;
  assign pop  = out_valid_q && out_ready_i;

  always_comb begin
    level_d = level_q;
    if (push && !pop) level_d = level_q + LevelWidth'(1);
    if (pop && !push) level_d = level_q - LevelWidth'(1);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      level_q     <= '0;
      in_ready_q  <= 1'b0;
      out_valid_q <= 1'b0;
      write_ptr_q <= '0;
      read_ptr_q  <= '0;
    end else begin
      level_q     <= level_d;
      in_ready_q  <= level_d != LevelWidth'(DEPTH);
      out_valid_q <= level_d != '0;
      if (push) write_ptr_q <= (write_ptr_q == LastPtr) ? '0 : write_ptr_q + PtrWidth'(1);
      if (pop)  read_ptr_q  <= (read_ptr_q == LastPtr) ? '0 : read_ptr_q + PtrWidth'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) storage[write_ptr_q] <= in_data_i;
  end

  assign in_ready_o  = in_ready_q;
  assign out_valid_o = out_valid_q;
  assign out_data_o  = storage[read_ptr_q];
  assign level_o     = level_q;

`ifdef FORMAL
  `include "stream_formal.svh"

  // Entry number n from the head.
  function automatic logic [PtrWidth-1:0] f_entry(input logic [LevelWidth-1:0] n);
    f_entry = PtrWidth'((int'(read_ptr_q) + int'(n)) % DEPTH);
  endfunction

  // A transfer picked at any time leaves unchanged, after exactly those that were ahead of it.
  (* anyseq *) logic     f_pick;
  logic                  f_watching = 1'b0;
  logic [LevelWidth-1:0] f_ahead;
  logic [WIDTH-1:0]      f_data;
  logic                  f_was_full;

  always @(posedge clk_i) begin
    f_was_full <= rst_ni && (f_was_full || level_q == LevelWidth'(DEPTH));
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= push && f_pick;
      f_ahead    <= level_q - LevelWidth'(pop);
      f_data     <= in_data_i;
    end else if (pop) begin
      f_watching <= f_ahead != '0;
      f_ahead    <= f_ahead - LevelWidth'(1);
    end
    if (f_past_valid && rst_ni) cover (f_was_full && level_q == '0);
    // It takes whenever it has room, from the second cycle after a reset on.
    if (f_past_valid && rst_ni && $past(rst_ni)) assert (in_ready_q == (level_q != LevelWidth'(DEPTH)));
    if (rst_ni) begin
      assert (level_q <= LevelWidth'(DEPTH));
      assert (out_valid_q == (level_q != '0));
      if (in_ready_q) assert (level_q != LevelWidth'(DEPTH));
      assert (write_ptr_q <= LastPtr && read_ptr_q <= LastPtr);
      assert (write_ptr_q == f_entry(level_q));
      if (f_watching) assert (f_ahead < level_q && storage[f_entry(f_ahead)] == f_data);
      if (f_watching && f_ahead == '0) assert (out_valid_o && out_data_o == f_data);
    end
  end
`endif

endmodule : stream_fifo
