// SPDX-License-Identifier: Apache-2.0
//
// FIFO from one clock to another.
//
// Why: a stream crosses between clocks of any ratio and phase without losing its one transfer per cycle of the slower
// one. Each side knows the other's pointer in Gray code, two cycles late, so that it believes the FIFO fuller, or
// emptier, than it is, never the other way round.
// Latency: one cycle of the input's clock, then two to three of the output's, then the output register.
// Throughput: one transfer per cycle of the slower clock, if 2^DEPTH_W is at least 8.
//
// Both sides must be in reset at the same time for a few cycles of both clocks. All outputs come from flip-flops.
// Constraints find pointers and output register by their names.

module async_fifo #(
  // Payload bits.
  parameter int WIDTH   = 8,
  // The FIFO holds 2^DEPTH_W entries, and one more in its output register.
  parameter int DEPTH_W = 3
) (
  input  logic             in_clk_i,
  input  logic             in_rst_ni,
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [WIDTH-1:0] in_data_i,

  input  logic             out_clk_i,
  input  logic             out_rst_ni,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [WIDTH-1:0] out_data_o
);

  if (WIDTH < 1) begin : g_check_width
    ERROR_async_fifo_WIDTH_must_be_positive error ();
  end
  if (DEPTH_W < 2) begin : g_check_depth
    ERROR_async_fifo_DEPTH_W_must_be_at_least_2 error ();
  end

  // One bit more than an address, so that full and empty differ.
  localparam int PtrW = DEPTH_W + 1;
  // In Gray code, a pointer that is 2^DEPTH_W ahead differs in its two highest bits.
  localparam logic [PtrW-1:0] Ahead = PtrW'(3) << (PtrW - 2);

  logic [WIDTH-1:0] storage [1<<DEPTH_W];

  // ---------------------------------------------------------------------------------------------
  // Input side
  // ---------------------------------------------------------------------------------------------
  logic [PtrW-1:0] write_ptr_q, write_ptr_d, write_gray_d, read_gray;
  // Kept as they are: constraints name them, and their highest bit equals the pointer's.
  (* DONT_TOUCH = "TRUE" *) logic [PtrW-1:0] write_gray_q;
  logic            in_ready_q, push;

  assign push         = in_valid_i && in_ready_q;
  assign write_ptr_d  = write_ptr_q + PtrW'(push);
  assign write_gray_d = write_ptr_d ^ (write_ptr_d >> 1);
  assign in_ready_o   = in_ready_q;

  always_ff @(posedge in_clk_i) begin
    if (!in_rst_ni) begin
      write_ptr_q  <= '0;
      write_gray_q <= '0;
      in_ready_q   <= 1'b0;
    end else begin
      write_ptr_q  <= write_ptr_d;
      write_gray_q <= write_gray_d;
      in_ready_q   <= write_gray_d != (read_gray ^ Ahead);
    end
  end

  always_ff @(posedge in_clk_i) begin
    if (push) storage[write_ptr_q[DEPTH_W-1:0]] <= in_data_i;
  end

  // ---------------------------------------------------------------------------------------------
  // Output side: the pointer counts what went into the output register
  // ---------------------------------------------------------------------------------------------
  logic [PtrW-1:0]  read_ptr_q, read_ptr_d, read_gray_d, write_gray;
  (* DONT_TOUCH = "TRUE" *) logic [PtrW-1:0] read_gray_q;
  logic             out_valid_q, load;
  logic [WIDTH-1:0] out_data_q;

  assign load        = read_gray_q != write_gray && (!out_valid_q || out_ready_i);
  assign read_ptr_d  = read_ptr_q + PtrW'(load);
  assign read_gray_d = read_ptr_d ^ (read_ptr_d >> 1);
  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_data_q;

  always_ff @(posedge out_clk_i) begin
    if (!out_rst_ni) begin
      read_ptr_q  <= '0;
      read_gray_q <= '0;
      out_valid_q <= 1'b0;
    end else begin
      read_ptr_q  <= read_ptr_d;
      read_gray_q <= read_gray_d;
      out_valid_q <= load || (out_valid_q && !out_ready_i);
    end
  end

  // An entry is read only after its pointer has come across, long after it was written.
  always_ff @(posedge out_clk_i) begin
    if (load) out_data_q <= storage[read_ptr_q[DEPTH_W-1:0]];
  end

  // ---------------------------------------------------------------------------------------------
  // Pointers across
  // ---------------------------------------------------------------------------------------------
`ifdef FORMAL
  logic [PtrW-1:0] f_read_meta_gray, f_write_meta_gray;
`endif

  sync_bits #(
    .WIDTH(PtrW)
  ) u_write_gray (
    .clk_i  (out_clk_i),
    .rst_ni (out_rst_ni),
    .async_i(write_gray_q),
`ifdef FORMAL
    .f_meta_o(f_write_meta_gray),
`endif
    .sync_o (write_gray)
  );

  sync_bits #(
    .WIDTH(PtrW)
  ) u_read_gray (
    .clk_i  (in_clk_i),
    .rst_ni (in_rst_ni),
    .async_i(read_gray_q),
`ifdef FORMAL
    .f_meta_o(f_read_meta_gray),
`endif
    .sync_o (read_gray)
  );

`ifdef FORMAL
  // Without resets, from the state after them; the clocks are inputs like any other, so of any ratio and phase.
  always @(*) assume (in_rst_ni && out_rst_ni);

  function automatic logic [PtrW-1:0] f_binary(input logic [PtrW-1:0] gray);
    f_binary = gray;
    for (int i = 1; i < PtrW; i++) f_binary = f_binary ^ (gray >> i);
  endfunction

  // The pointers follow one another: read as the input knows it, read, written as the output knows it, written. All
  // steps of the way together are at most what the storage holds.
  localparam int WayW = PtrW + 3;
  logic [PtrW-1:0] f_read_meta, f_read_told, f_write_meta, f_write_told;
  logic [PtrW-1:0] f_step0, f_step1, f_step2, f_step3, f_step4;
  logic [WayW-1:0] f_way;

  assign f_read_told  = f_binary(read_gray);
  assign f_read_meta  = f_binary(f_read_meta_gray);
  assign f_write_told = f_binary(write_gray);
  assign f_write_meta = f_binary(f_write_meta_gray);
  assign f_step0      = f_read_meta - f_read_told;
  assign f_step1      = read_ptr_q - f_read_meta;
  assign f_step2      = f_write_told - read_ptr_q;
  assign f_step3      = f_write_meta - f_write_told;
  assign f_step4      = write_ptr_q - f_write_meta;
  assign f_way = WayW'(f_step0) + WayW'(f_step1) + WayW'(f_step2) + WayW'(f_step3) + WayW'(f_step4);

  // A transfer picked at any time keeps its place until it is loaded, and its data until it is taken.
  (* anyseq *) logic f_pick;
  logic              f_written = 1'b0, f_loaded = 1'b0, f_taken = 1'b0, f_was_full = 1'b0;
  logic [PtrW-1:0]   f_place, f_ahead, f_inside, f_last;
  logic [WIDTH-1:0]  f_data;

  assign f_ahead  = f_place - read_ptr_q;
  assign f_inside = write_ptr_q - read_ptr_q;
  assign f_last   = read_ptr_q - PtrW'(1);

  always_ff @(posedge in_clk_i) begin
    if (f_inside == PtrW'(1 << DEPTH_W)) f_was_full <= 1'b1;
    if (push && f_pick && !f_written) begin
      f_written <= 1'b1;
      f_place   <= write_ptr_q;
      f_data    <= in_data_i;
    end
  end
  always_ff @(posedge out_clk_i) begin
    if (f_written && load && read_ptr_q == f_place) f_loaded <= 1'b1;
    if (f_loaded && out_ready_i) f_taken <= 1'b1;
  end

  always @(*) begin
    assert (write_gray_q == (write_ptr_q ^ (write_ptr_q >> 1)));
    assert (read_gray_q == (read_ptr_q ^ (read_ptr_q >> 1)));
    // One bit changes at a time, so a pointer caught in the middle of its change is the old or the new one.
    assert (((write_gray_d ^ write_gray_q) & ((write_gray_d ^ write_gray_q) - PtrW'(1))) == '0);
    assert (((read_gray_d ^ read_gray_q) & ((read_gray_d ^ read_gray_q) - PtrW'(1))) == '0);
    assert (f_way <= WayW'(1 << DEPTH_W));
    if (in_ready_q) assert (f_way != WayW'(1 << DEPTH_W));
    if (f_loaded) assert (f_written);
    if (f_taken) assert (f_loaded);
    if (f_written && !f_loaded) assert (f_ahead < f_inside && storage[f_place[DEPTH_W-1:0]] == f_data);
    if (f_loaded && !f_taken) assert (out_valid_q && f_last == f_place && out_data_q == f_data);
  end

  // Full and then empty: in the smallest FIFO, because the way there takes the solver minutes in larger ones.
  if (DEPTH_W == 2) begin : g_f_cover
    always @(*) cover (f_was_full && f_taken && f_way == '0 && !out_valid_q);
  end
`endif

endmodule : async_fifo
