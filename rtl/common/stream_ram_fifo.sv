// SPDX-License-Identifier: Apache-2.0
//
// First-word fall-through FIFO in block RAM.
//
// Why: some hundred memory beats of weights wait between bus and array; as distributed RAM (stream_fifo) they would take
// thousands of LUTs. The storage is read a cycle ahead into the RAM's output register.
//
// Latency 2 cycles, one transfer per cycle sustained, also when full to DEPTH-1 or holding one entry. in_ready_o and
// out_valid_o come straight from flip-flops. Only pointers and flags are reset.

module stream_ram_fifo #(
  // Payload bits.
  parameter int WIDTH = 8,
  // Entries, a power of two, at least 4.
  parameter int DEPTH = 512
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

  localparam int PtrWidth   = $clog2(DEPTH);
  localparam int LevelWidth = $clog2(DEPTH + 1);

  if (WIDTH < 1) begin : g_check_width
    ERROR_stream_ram_fifo_WIDTH_must_be_positive error ();
  end
  if (DEPTH < 4 || DEPTH != 2 ** PtrWidth) begin : g_check_depth
    ERROR_stream_ram_fifo_DEPTH_must_be_a_power_of_two_of_at_least_4 error ();
  end

  // The entry that is being written is not looked at.
  (* no_rw_check *) logic [WIDTH-1:0] storage [DEPTH];
  logic [WIDTH-1:0]      data_q;
  logic [PtrWidth-1:0]   write_ptr_q, read_ptr_q, read_ptr_d;
  logic [LevelWidth-1:0] level_q, left;
  logic                  in_ready_q, out_valid_q, push, pop;

  assign push = in_valid_i && in_ready_q;
  assign pop  = out_valid_q && out_ready_i;

  // Entries that were there a cycle ago and stay: the first of them is read now, to be the next one at the output.
  assign left       = level_q - LevelWidth'(pop);
  assign read_ptr_d = read_ptr_q + PtrWidth'(pop);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      level_q     <= '0;
      in_ready_q  <= 1'b0;
      out_valid_q <= 1'b0;
      write_ptr_q <= '0;
      read_ptr_q  <= '0;
    end else begin
      level_q     <= left + LevelWidth'(push);
      in_ready_q  <= left + LevelWidth'(push) != LevelWidth'(DEPTH);
      out_valid_q <= left != '0;
      write_ptr_q <= write_ptr_q + PtrWidth'(push);
      read_ptr_q  <= read_ptr_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) storage[write_ptr_q] <= in_data_i;
    data_q <= storage[read_ptr_d];
  end

  assign in_ready_o  = in_ready_q;
  assign out_valid_o = out_valid_q;
  assign out_data_o  = data_q;
  assign level_o     = level_q;

`ifdef FORMAL
  `include "stream_formal.svh"

  // A transfer picked at any time leaves unchanged, after exactly those that were ahead of it.
  (* anyseq *) logic     f_pick;
  logic                  f_watching = 1'b0;
  logic [LevelWidth-1:0] f_ahead;
  logic [WIDTH-1:0]      f_data;
  logic [PtrWidth-1:0]   f_entry;
  logic                  f_was_full;
  assign f_entry = read_ptr_q + PtrWidth'(f_ahead);

  always @(posedge clk_i) begin
    f_was_full <= rst_ni && (f_was_full || level_q == LevelWidth'(DEPTH));
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= push && f_pick;
      f_ahead    <= left;
      f_data     <= in_data_i;
    end else if (pop) begin
      f_watching <= f_ahead != '0;
      f_ahead    <= f_ahead - LevelWidth'(1);
    end
    if (f_past_valid && rst_ni) cover (f_was_full && level_q == '0);
    // It takes whenever it has room, from the second cycle after a reset on, and offers what it holds for a cycle.
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      assert (in_ready_q == (level_q != LevelWidth'(DEPTH)));
      if ($past(level_q) > LevelWidth'($past(pop))) assert (out_valid_q);
    end
    if (rst_ni) begin
      assert (level_q <= LevelWidth'(DEPTH));
      if (out_valid_q) assert (level_q != '0);
      if (in_ready_q) assert (level_q != LevelWidth'(DEPTH));
      assert (write_ptr_q == PtrWidth'(read_ptr_q + PtrWidth'(level_q)));
      if (out_valid_q) assert (data_q == storage[read_ptr_q]);
      if (f_watching) assert (f_ahead < level_q && storage[f_entry] == f_data);
      if (f_watching && f_ahead == '0 && out_valid_o) assert (out_data_o == f_data);
    end
  end
`endif

endmodule : stream_ram_fifo
