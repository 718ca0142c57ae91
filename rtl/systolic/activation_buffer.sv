// SPDX-License-Identifier: Apache-2.0
//
// Delivers the activations, aligned, tile by tile.
//
// Why: the activations are FP32 in the scratchpad, and every tile of the weights meets them anew. For each tile the rows'
// blocks of 64 are read, multiplied by the tile's row scales (T tiles of codes) and aligned to ACT_W bits into one of eight
// buffers, from which the array reads vectors as often as it needs while the others are filled.
// The array takes a vector's value for row r r cycles after that for row 0. So the address moves along the memories, a cycle
// per row, and hardly any element needs a delay of its own.
// Latency: a tile's command to ready_o 8 * rows + 24 cycles, 20 without BACKWARD, where the scratchpad answers after 2;
// read_row_i to read_exponent_o 1, to the array's row r in read_data_o r + 2.
// Throughput: one scratchpad word per cycle into a buffer; one vector of 64 per cycle out of it.

module activation_buffer #(
  // Aligned mantissa width in bits.
  parameter int ACT_W = 25,
  // Width of a scratchpad address in words.
  parameter int ADDR_W = 13,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Row scales written per cycle.
  parameter int PORTS = 1,
  // Parts in which the array's columns come, which say what element a row of the array has.
  parameter int PARTS = 1,
  // 1: tiles may be scaled.
  parameter int BACKWARD = 1
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  // One command per tile, see activation_reader; scaled: the tile's row scales are multiplied in.
  input  logic                             cmd_valid_i,
  output logic                             cmd_ready_o,
  input  logic [ADDR_W-1:0]                cmd_base_i,
  input  logic [ADDR_W-1:0]                cmd_outer_stride_i,
  input  logic [ADDR_W-1:0]                cmd_inner_stride_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]    cmd_outer_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]    cmd_inner_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0]    cmd_rows_i,
  input  logic [6:0]                       cmd_values_i,
  input  logic                             cmd_scaled_i,
  // Scratchpad.
  output logic                             req_valid_o,
  input  logic                             req_ready_i,
  output logic [ADDR_W-1:0]                req_addr_o,
  input  logic                             rsp_valid_i,
  input  logic [vector_pkg::Lanes*32-1:0]  rsp_data_i,
  // Row scales of T tiles of codes: two tiles' worth.
  output logic                             scale_free_o,
  input  logic                             scale_reserve_i,
  input  logic                             scale_write_i,
  input  logic                             scale_last_i,
  input  logic [$clog2(64/PORTS)-1:0]      scale_index_i,
  input  logic [PORTS*32-1:0]              scale_data_i,
  // Aligned vectors of the oldest complete tile: read by row. With the last read comes the release.
  output logic                             ready_o,
  input  logic                             release_i,
  input  logic [$clog2(MAX_ROWS)-1:0]      read_row_i,
  output logic [64*ACT_W-1:0]              read_data_o,
  output logic [7:0]                       read_exponent_o,
  output logic                             read_nonfinite_o
);

  localparam int Rows = systolic_pkg::Rows;
  localparam int Lanes = vector_pkg::Lanes;
  localparam int Words = Rows / Lanes;
  localparam int WordW = $clog2(Words);
  localparam int StepW = $clog2(Lanes / PORTS);
  localparam int RowW = $clog2(MAX_ROWS);
  // Two tiles would do for capacity; the others hide the aligner's latency and the vectors' last way through the array, and
  // a block RAM is deep enough for them.
  localparam int Buffers = 8;
  localparam int BufferW = $clog2(Buffers);

  // Words of the scratchpad; nothing behind can stall, because a buffer is reserved first.
  logic start, may_start, reader_ready, vector_done, released;
  logic [BufferW:0] buffers_used_q, buffers_full_q;
  logic [Rows-1:0] release_q;
  logic ready_q, some, more;
  logic [WordW-1:0] word_index;
  logic [Lanes-1:0] active;
  logic last_word, last_row, scaled;

  assign cmd_ready_o = reader_ready && may_start;
  assign start = cmd_valid_i && cmd_ready_o;

  activation_reader #(
    .ADDR_W(ADDR_W),
    .MAX_ROWS(MAX_ROWS),
    .TILES(Buffers)
  ) u_reader (
    .clk_i,
    .rst_ni,
    .cmd_valid_i(cmd_valid_i && may_start),
    .cmd_ready_o(reader_ready),
    .cmd_base_i,
    .cmd_outer_stride_i,
    .cmd_inner_stride_i,
    .cmd_outer_i,
    .cmd_inner_i,
    .cmd_rows_i,
    .cmd_values_i,
    .cmd_scaled_i,
    .req_valid_o,
    .req_ready_i,
    .req_addr_o,
    .rsp_valid_i,
    .word_o(word_index),
    .active_o(active),
    .last_word_o(last_word),
    .last_row_o(last_row),
    .scaled_o(scaled)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      buffers_used_q <= '0;
      buffers_full_q <= '0;
      ready_q        <= 1'b0;
    end else begin
      buffers_used_q <= buffers_used_q + (BufferW + 1)'(start) - (BufferW + 1)'(released);
      buffers_full_q <= buffers_full_q + (BufferW + 1)'(vector_done) - (BufferW + 1)'(release_q[0]);
      ready_q        <= vector_done || (release_i ? more : some);
    end
  end
  // Full ones, and more than one, after the release of the cycle before; this cycle's is known late.
  assign some = buffers_full_q > (BufferW + 1)'(release_q[0]);
  assign more = buffers_full_q > (BufferW + 1)'(1) + (BufferW + 1)'(release_q[0]);

  // A buffer is free when its last vector has been read for the last row.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) release_q <= '0;
    else release_q <= Rows'({release_q, release_i});
  end
  assign released = release_q[Rows-1];

  // Values behind the row's end count as zero.
  localparam int PipeL = (BACKWARD != 0) ? fp32_pkg::MulLatency : 1;
  logic [PipeL-1:0] valid_pipe_q, last_word_pipe_q, last_row_pipe_q;
  logic [Lanes*32-1:0] masked, product;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_pipe_q <= '0;
    else valid_pipe_q <= PipeL'({valid_pipe_q, rsp_valid_i});
    last_word_pipe_q <= PipeL'({last_word_pipe_q, last_word});
    last_row_pipe_q <= PipeL'({last_row_pipe_q, last_row});
  end
  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    assign masked[l*32+:32] = active[l] ? rsp_data_i[l*32+:32] : 32'd0;
  end

  logic buffer_free;
  assign buffer_free = buffers_used_q != (BufferW + 1)'(Buffers);
  if (BACKWARD != 0) begin : g_scales
    // Row scales: one bank per lane, so that a word of scales is read at once. A tile claims its half when it starts and
    // gives it back with its last answer.
    logic [1:0] scale_used_q, scale_full_q;
    logic scale_write_half_q, scale_read_half_q, scale_release;
    assign scale_free_o = scale_used_q != 2'd2;
    assign scale_release = rsp_valid_i && scaled && last_word && last_row;
    assign may_start = buffer_free && (!cmd_scaled_i || scale_full_q != '0);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        scale_used_q <= '0;
        scale_full_q <= '0;
        scale_write_half_q <= 1'b0;
        scale_read_half_q <= 1'b0;
      end else begin
        scale_used_q <= scale_used_q + 2'(scale_reserve_i) - 2'(scale_release);
        scale_full_q <= scale_full_q + 2'(scale_last_i) - 2'(start && cmd_scaled_i);
        if (scale_last_i) scale_write_half_q <= !scale_write_half_q;
        if (scale_release) scale_read_half_q <= !scale_read_half_q;
      end
    end
    // The values times the row scales, or times one.
    for (genvar l = 0; l < Lanes; l++) begin : g_lane
      localparam int Port = l % PORTS;
      localparam int Step = l / PORTS;  // position of this lane within a word, in steps of PORTS scales
      logic [31:0] bank_q[2*Words];
      logic [31:0] factor;
      assign factor = scaled ? bank_q[{scale_read_half_q, word_index}] : systolic_pkg::FpOne;
      always_ff @(posedge clk_i) begin
        if (scale_write_i && scale_index_i[StepW-1:0] == StepW'(Step))
          bank_q[{scale_write_half_q, scale_index_i[StepW+:WordW]}] <= scale_data_i[Port*32+:32];
      end
      fp32_mul u_mul (
        .clk_i,
        .en_i(1'b1),
        .a_i(masked[l*32+:32]),
        .b_i(factor),
        .y_o(product[l*32+:32])
      );
    end
  end else begin : g_no_scales
    assign scale_free_o = 1'b0;
    assign may_start = buffer_free;
    always_ff @(posedge clk_i) product <= masked;
    logic unused_scales;
    assign unused_scales = ^{scaled, word_index, scale_reserve_i, scale_write_i, scale_last_i, scale_index_i,
                             scale_data_i};
  end

  logic aligner_ready, part_valid, vector_last, vector_tag, vector_bad, exponent_valid, exponent_bad, unused_tag;
  logic [7:0] exponent, early_exponent;
  logic [Words-1:0] parts;
  logic [Lanes*ACT_W-1:0] part;
  block_aligner #(
    .LANES(Lanes),
    .WIDTH(ACT_W),
    .TAG_W(1),
    .PARTS(Words),
    .WHOLE(1)
  ) u_aligner (
    .clk_i,
    .rst_ni,
    .in_valid_i(valid_pipe_q[PipeL-1]),
    .in_ready_o(aligner_ready),
    .in_data_i(product),
    .in_half_i(1'b0),
    .in_last_i(last_word_pipe_q[PipeL-1]),
    .in_tag_i(last_row_pipe_q[PipeL-1]),
    .exponent_valid_o(exponent_valid),
    .exponent_o(early_exponent),
    .nonfinite_o(exponent_bad),
    .exponent_tag_o(unused_tag),
    .out_valid_o(part_valid),
    .out_ready_i(1'b1),
    .out_data_o(part),
    .out_parts_o(parts),
    .out_last_o(vector_last),
    .out_exponent_o(exponent),
    .out_nonfinite_o(vector_bad),
    .out_tag_o(vector_tag)
  );
  logic vector_valid;
  assign vector_valid = part_valid && vector_last;
  assign vector_done = vector_valid && vector_tag;

  // Buffers of aligned vectors.
  localparam int AddressW = RowW + BufferW;
  localparam int SliceW = 36;
  localparam int Slices = (Lanes * ACT_W + SliceW - 1) / SliceW;
  // Up to the row of the last slice's first element.
  localparam int Taps = systolic_pkg::row_of(Rows - Lanes + (Slices - 1) * SliceW / ACT_W, PARTS) + 1;
  logic [BufferW-1:0] write_buffer_q, read_buffer_q;
  logic [RowW-1:0] write_row_q;
  logic [AddressW-1:0] write_address;
  // Position r: where what the array's row r takes is read.
  logic [Taps*AddressW-1:0] address_at;
  logic [(Taps-1)*AddressW-1:0] address_q;
  assign write_address = {write_buffer_q, write_row_q};
  assign address_at = {address_q, read_buffer_q, read_row_i};
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_buffer_q <= '0;
      read_buffer_q <= '0;
      write_row_q <= '0;
    end else begin
      if (vector_valid) write_row_q <= vector_tag ? '0 : write_row_q + 1'b1;
      if (vector_done) write_buffer_q <= write_buffer_q + 1'b1;
      if (release_i) read_buffer_q <= read_buffer_q + 1'b1;
    end
    address_q <= address_at[(Taps-1)*AddressW-1:0];
  end
  assign ready_o = ready_q;

  logic [8:0] exponents_q[2**AddressW];
  logic [8:0] exponent_q;
  always_ff @(posedge clk_i) begin
    if (vector_valid) exponents_q[write_address] <= {exponent, vector_bad};
    exponent_q <= exponents_q[address_at[AddressW-1:0]];
  end
  assign {read_exponent_o, read_nonfinite_o} = exponent_q;

  // Words of the aligner in slices as wide as the narrowest block RAM, each read when the first element in it is due. Its
  // other elements wait behind it.
  for (genvar w = 0; w < Words; w++) begin : g_word
    for (genvar s = 0; s < Slices; s++) begin : g_slice
      localparam int Low = s * SliceW;
      localparam int Bits = Lanes * ACT_W - Low < SliceW ? Lanes * ACT_W - Low : SliceW;
      localparam int First = Low / ACT_W;  // elements in the word
      localparam int Last = (Low + Bits - 1) / ACT_W;
      localparam int FirstRow = systolic_pkg::row_of(w * Lanes + First, PARTS);
      (* no_rw_check *) logic [Bits-1:0] slice_q[2**AddressW];  // a buffer is not read while it is written
      logic [Bits-1:0] read_q;
      always_ff @(posedge clk_i) begin
        if (part_valid && parts[w]) slice_q[write_address] <= part[Low+:Bits];
        read_q <= slice_q[address_at[FirstRow*AddressW+:AddressW]];
      end
      for (genvar e = First; e <= Last; e++) begin : g_element
        localparam int From = e * ACT_W > Low ? e * ACT_W : Low;  // bits of the word
        localparam int To = (e + 1) * ACT_W < Low + Bits ? (e + 1) * ACT_W : Low + Bits;
        localparam int N = To - From;
        localparam int Row = systolic_pkg::row_of(w * Lanes + e, PARTS);
        localparam int Wait = Row - FirstRow + 1;
        logic [Wait*N-1:0] wait_q;
        always_ff @(posedge clk_i) wait_q <= (Wait * N)'({wait_q, read_q[From-Low+:N]});
        assign read_data_o[Row*ACT_W+From-e*ACT_W+:N] = wait_q[(Wait-1)*N+:N];
      end
    end
  end

`ifndef SYNTHESIS
  // Nothing holds before the first reset.
  logic was_reset_q;
  initial was_reset_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_reset_q <= 1'b1;
    else if (was_reset_q && valid_pipe_q[PipeL-1]) assert (aligner_ready);
  end
`endif
  logic unused_aligner;
  assign unused_aligner = ^{aligner_ready, exponent_valid, exponent_bad, early_exponent};

  if (Lanes % PORTS != 0) begin : g_bad_ports
    ERROR_activation_buffer_PORTS_must_divide_the_values_of_a_word u_error ();
  end
  if (MAX_ROWS < 2) begin : g_bad_rows
    ERROR_activation_buffer_MAX_ROWS_must_be_at_least_2 u_error ();
  end

endmodule : activation_buffer
