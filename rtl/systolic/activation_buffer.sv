// SPDX-License-Identifier: Apache-2.0
//
// Keeps the activations on chip as FP32 and delivers them, aligned, tile by tile.
//
// Why: activations are loaded once and used by every tile of the weights. For each tile the rows' blocks of 64 are read,
// multiplied by the tile's row scales (T tiles of codes) and aligned to ACT_W bits into one of four buffers, from which
// the array reads whole vectors as often as it needs while the others are filled.
// Latency: a tile's command to ready_o (rows + 1) * 64 / LANES + 9 cycles; read_row_i to read_data_o 1.
// Throughput: LANES values per cycle into a buffer; one vector of 64 per cycle out of it.

module activation_buffer #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Aligned mantissa width in bits.
  parameter int ACT_W = 25,
  // FP32 values read and aligned per cycle.
  parameter int LANES = 8,
  // Scratchpad size in blocks of 64 values.
  parameter int DEPTH = 2048,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Row scales written per cycle.
  parameter int PORTS = 1
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  // Loading: `blocks` blocks from block `base` on, FP32 or FP16; tiles wait until it is complete.
  input  logic                          load_valid_i,
  output logic                          load_ready_o,
  input  logic [$clog2(DEPTH)-1:0]      load_base_i,
  input  logic [$clog2(DEPTH+1)-1:0]    load_blocks_i,
  input  logic                          load_half_i,
  input  logic                          in_valid_i,
  output logic                          in_ready_o,
  input  logic [BUS_W-1:0]              in_data_i,
  // One command per tile: rows blocks at base, base + stride, ...
  input  logic                          cmd_valid_i,
  output logic                          cmd_ready_o,
  input  logic                          cmd_scaled_i,
  input  logic [$clog2(DEPTH)-1:0]      cmd_base_i,
  input  logic [$clog2(DEPTH)-1:0]      cmd_stride_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_rows_i,
  // Row scales of T tiles of codes: two tiles' worth.
  output logic                          scale_free_o,
  input  logic                          scale_reserve_i,
  input  logic                          scale_write_i,
  input  logic                          scale_last_i,
  input  logic [$clog2(64/PORTS)-1:0]   scale_index_i,
  input  logic [PORTS*32-1:0]           scale_data_i,
  // Aligned vectors of the oldest complete tile: read by row, data one cycle later.
  output logic                          ready_o,
  input  logic                          release_i,
  input  logic [$clog2(MAX_ROWS)-1:0]   read_row_i,
  output logic [64*ACT_W-1:0]           read_data_o,
  output logic [7:0]                    read_exponent_o,
  output logic                          read_nonfinite_o,
  // A block with a NaN or an infinity was aligned.
  output logic                          nonfinite_o
);

  localparam int Words = 64 / LANES;  // scratchpad words per block
  localparam int WordW = $clog2(Words);
  localparam int StepW = $clog2(LANES / PORTS);
  localparam int BlockW = $clog2(DEPTH);
  localparam int RowW = $clog2(MAX_ROWS);
  localparam int CountW = $clog2(MAX_ROWS + 1);
  localparam int AddrW = BlockW + WordW;
  localparam int MulLatency = fp32_pkg::MulLatency;
  // Two tiles would do for capacity; four hide the aligner's latency, and a block RAM is deep enough for them.
  localparam int Buffers = 4;
  localparam int BufferW = $clog2(Buffers);

  // Loading.
  logic loading_q, half_q;
  logic [AddrW-1:0] write_addr_q;
  logic [AddrW:0] write_left_q;
  // Unpacked beats of this load still to come: the next load's beats must wait, they may have another format.
  localparam int BlockBeats = 64 * 32 / BUS_W;
  localparam int LeftW = $clog2(DEPTH + 1) + $clog2(BlockBeats);
  logic [LeftW-1:0] unpack_left_q;
  logic unpacking;
  logic unpack_valid, unpack_ready, unpack_in_ready, word_valid;
  logic [BUS_W-1:0] unpacked;
  logic [LANES*32-1:0] word;

  assign load_ready_o = !loading_q;
  assign unpacking = unpack_left_q != '0;
  assign in_ready_o = unpacking && unpack_in_ready;

  fp_unpack #(
    .BUS_W(BUS_W)
  ) u_unpack (
    .clk_i,
    .rst_ni,
    .half_i(half_q),
    .in_valid_i(in_valid_i && unpacking),
    .in_ready_o(unpack_in_ready),
    .in_data_i,
    .out_valid_o(unpack_valid),
    .out_ready_i(unpack_ready),
    .out_data_o(unpacked)
  );
  stream_resize #(
    .IN_WIDTH(BUS_W),
    .OUT_WIDTH(LANES * 32)
  ) u_words (
    .clk_i,
    .rst_ni,
    .in_valid_i(unpack_valid),
    .in_ready_o(unpack_ready),
    .in_data_i(unpacked),
    .out_valid_o(word_valid),
    .out_ready_i(1'b1),
    .out_data_o(word)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      loading_q <= 1'b0;
      unpack_left_q <= '0;
    end else if (load_valid_i && load_ready_o) begin
      loading_q <= load_blocks_i != '0;
      unpack_left_q <= LeftW'(load_blocks_i) << $clog2(BlockBeats);
    end else begin
      if (word_valid && write_left_q == (AddrW + 1)'(1)) loading_q <= 1'b0;
      if (unpack_valid && unpack_ready) unpack_left_q <= unpack_left_q - 1'b1;
    end
    if (load_valid_i && load_ready_o) begin
      half_q <= load_half_i;
      write_addr_q <= {load_base_i, WordW'(0)};
      write_left_q <= (AddrW + 1)'({load_blocks_i, WordW'(0)});
    end else if (word_valid) begin
      write_addr_q <= write_addr_q + 1'b1;
      write_left_q <= write_left_q - 1'b1;
    end
  end

  // Row scales: one bank per lane, so that a word of LANES scales is read at once.
  logic [1:0] scale_used_q, scale_full_q;
  logic scale_write_half_q, scale_read_half_q, scale_release;
  logic [LANES*32-1:0] scale_word;
  logic [WordW-1:0] scale_word_index;
  assign scale_free_o = scale_used_q != 2'd2;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      scale_used_q <= '0;
      scale_full_q <= '0;
      scale_write_half_q <= 1'b0;
      scale_read_half_q <= 1'b0;
    end else begin
      scale_used_q <= scale_used_q + 2'(scale_reserve_i) - 2'(scale_release);
      scale_full_q <= scale_full_q + 2'(scale_last_i) - 2'(scale_release);
      if (scale_last_i) scale_write_half_q <= !scale_write_half_q;
      if (scale_release) scale_read_half_q <= !scale_read_half_q;
    end
  end
  for (genvar l = 0; l < LANES; l++) begin : g_scale_bank
    localparam int Port = l % PORTS;
    localparam int Step = l / PORTS;  // position of this lane within a word, in steps of PORTS scales
    logic [31:0] bank_q[2*Words];
    always_ff @(posedge clk_i) begin
      if (scale_write_i && scale_index_i[StepW-1:0] == StepW'(Step))
        bank_q[{scale_write_half_q, scale_index_i[StepW+:WordW]}] <= scale_data_i[Port*32+:32];
    end
    assign scale_word[l*32+:32] = bank_q[{scale_read_half_q, scale_word_index}];
  end

  // Reading: one scratchpad word per cycle; nothing behind can stall, because a buffer is reserved first.
  logic reading_q, scaled_q, start, last_word, last_row, buffer_release;
  logic [BufferW:0] buffers_used_q, buffers_full_q;
  logic [BlockW-1:0] block_q;
  logic [BlockW-1:0] stride_q;
  logic [CountW-1:0] rows_left_q;
  logic [WordW-1:0] word_q;
  logic vector_done;

  assign last_word = word_q == WordW'(Words - 1);
  assign last_row = rows_left_q == CountW'(1);
  assign cmd_ready_o = (!reading_q || (last_word && last_row)) &&
      buffers_used_q != (BufferW + 1)'(Buffers) && !loading_q && !load_valid_i &&
      (!cmd_scaled_i || scale_full_q > 2'(scale_release));
  assign start = cmd_valid_i && cmd_ready_o;
  assign scale_release = reading_q && scaled_q && last_word && last_row;
  assign buffer_release = release_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reading_q <= 1'b0;
      buffers_used_q <= '0;
      buffers_full_q <= '0;
    end else begin
      if (start) reading_q <= 1'b1;
      else if (last_word && last_row) reading_q <= 1'b0;
      buffers_used_q <= buffers_used_q + (BufferW + 1)'(start) - (BufferW + 1)'(buffer_release);
      buffers_full_q <= buffers_full_q + (BufferW + 1)'(vector_done) - (BufferW + 1)'(buffer_release);
    end
    if (start) begin
      scaled_q <= cmd_scaled_i;
      block_q <= cmd_base_i;
      stride_q <= cmd_stride_i;
      rows_left_q <= cmd_rows_i;
      word_q <= '0;
    end else if (reading_q) begin
      word_q <= word_q + 1'b1;
      if (last_word) begin
        block_q <= block_q + stride_q;
        rows_left_q <= rows_left_q - 1'b1;
      end
    end
  end

  // Scratchpad, one write and one read port.
  logic [LANES*32-1:0] scratch_q[DEPTH*Words];
  logic [LANES*32-1:0] scratch_read_q;
  always_ff @(posedge clk_i) begin
    if (word_valid) scratch_q[write_addr_q] <= word;
    scratch_read_q <= scratch_q[{block_q, word_q}];
  end

  // Multiply by the row scales (or by one), then align.
  localparam int PipeL = 1 + MulLatency;
  logic [PipeL-1:0] valid_pipe_q, last_word_pipe_q, last_row_pipe_q;
  logic [LANES*32-1:0] factor_q, scaled;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_pipe_q <= '0;
    else valid_pipe_q <= PipeL'({valid_pipe_q, reading_q});
    last_word_pipe_q <= PipeL'({last_word_pipe_q, last_word});
    last_row_pipe_q <= PipeL'({last_row_pipe_q, last_row});
    factor_q <= scaled_q ? scale_word : {LANES{systolic_pkg::FpOne}};
  end
  assign scale_word_index = word_q;

  for (genvar l = 0; l < LANES; l++) begin : g_scale
    fp32_mul u_mul (
      .clk_i,
      .en_i(1'b1),
      .a_i(scratch_read_q[l*32+:32]),
      .b_i(factor_q[l*32+:32]),
      .y_o(scaled[l*32+:32])
    );
  end

  logic aligner_ready, vector_valid, vector_last, vector_bad, exponent_valid, exponent_bad;
  logic [7:0] exponent, unused_early_exponent;
  logic [64*ACT_W-1:0] vector;
  block_aligner #(
    .LANES(LANES),
    .WIDTH(ACT_W),
    .TAG_W(1)
  ) u_aligner (
    .clk_i,
    .rst_ni,
    .in_valid_i(valid_pipe_q[PipeL-1]),
    .in_ready_o(aligner_ready),
    .in_data_i(scaled),
    .in_half_i(1'b0),
    .in_last_i(last_word_pipe_q[PipeL-1]),
    .in_tag_i(last_row_pipe_q[PipeL-1]),
    .exponent_valid_o(exponent_valid),
    .exponent_o(unused_early_exponent),
    .nonfinite_o(exponent_bad),
    .out_valid_o(vector_valid),
    .out_ready_i(1'b1),
    .out_data_o(vector),
    .out_exponent_o(exponent),
    .out_nonfinite_o(vector_bad),
    .out_tag_o(vector_last)
  );
  assign nonfinite_o = exponent_valid && exponent_bad;
  assign vector_done = vector_valid && vector_last;

  // Buffers of aligned vectors.
  localparam int VectorW = 64 * ACT_W + 9;
  logic [VectorW-1:0] vectors_q[2**(RowW+BufferW)];
  logic [VectorW-1:0] read_q;
  logic [BufferW-1:0] write_buffer_q, read_buffer_q;
  logic [RowW-1:0] write_row_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_buffer_q <= '0;
      read_buffer_q <= '0;
      write_row_q <= '0;
    end else begin
      if (vector_valid) write_row_q <= vector_last ? '0 : write_row_q + 1'b1;
      if (vector_done) write_buffer_q <= write_buffer_q + 1'b1;
      if (buffer_release) read_buffer_q <= read_buffer_q + 1'b1;
    end
    if (vector_valid) vectors_q[{write_buffer_q, write_row_q}] <= {vector, exponent, vector_bad};
    read_q <= vectors_q[{read_buffer_q, read_row_i}];
  end
  assign ready_o = buffers_full_q != '0;
  assign {read_data_o, read_exponent_o, read_nonfinite_o} = read_q;

`ifndef SYNTHESIS
  // Nothing holds before the first reset.
  logic was_reset_q;
  initial was_reset_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_reset_q <= 1'b1;
    else if (was_reset_q && valid_pipe_q[PipeL-1]) assert (aligner_ready);
  end
`endif
  logic unused_pipe;
  assign unused_pipe = aligner_ready;

  if (LANES % PORTS != 0) begin : g_bad_lanes
    ERROR_activation_buffer_PORTS_must_divide_LANES u_error ();
  end
  if (MAX_ROWS < 2) begin : g_bad_rows
    ERROR_activation_buffer_MAX_ROWS_must_be_at_least_2 u_error ();
  end

endmodule : activation_buffer
