// SPDX-License-Identifier: Apache-2.0
//
// Double quantizer: a tensor's absmax values to 8-bit dynamic codes and a nested absmax per 256.
//
// Why: scales in FP32 cost half a bit per weight; bitsandbytes' compress_statistics codes them in a
// byte. Given the same offset, codes and nested absmax are the same bits, subnormals included.
// Throughput a block of 256 values every 274 cycles; its first code leaves about 50 cycles after its
// last value came. Blocks of 256 alternate between two halves of a buffer, because a block's scale is known only
// at its end. A block begins to leave when its nested absmax finds room in the nested stream, so the
// consumer of one stream must not wait for the other.

module double_quantizer (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        in_valid_i,
  output logic        in_ready_o,
  // FP32, any bits.
  input  logic [31:0] in_absmax_i,
  // FP32 subtracted from this value: the tensor's mean, the same for all its values.
  input  logic [31:0] in_offset_i,
  // Last value of a tensor; its last block may be shorter than 256.
  input  logic        in_last_i,

  output logic        codes_valid_o,
  input  logic        codes_ready_i,
  output logic [7:0]  codes_code_o,
  // Last value of a tensor.
  output logic        codes_last_o,

  // One per block.
  output logic        nested_valid_o,
  input  logic        nested_ready_i,
  // FP32.
  output logic [31:0] nested_absmax_o,
  // The block held a NaN or an infinity: codes are all nf4_pkg::DynamicZeroCode, absmax is NaN.
  output logic        nested_nonfinite_o,
  // Blocks of this tensor before this one.
  output logic [31:0] nested_index_o,
  // Last block of a tensor.
  output logic        nested_last_o
);

  localparam int AddrWidth = $clog2(nf4_pkg::NestedBlock);
  // Of centred_absmax; of the buffer read and dynamic_quant_lane.
  localparam int CentreLatency = 4;
  localparam int LaneLatency   = 12;

  // ---------------------------------------------------------------- input: difference, maximum, buffer

  logic [AddrWidth-1:0] in_count_q;
  logic [1:0]           held_q;
  logic                 accept, first, release_block;

  assign first      = in_count_q == '0;
  assign in_ready_o = !first || held_q != 2'd2;
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_count_q <= '0;
      held_q     <= '0;
    end else begin
      if (accept) in_count_q <= in_last_i ? '0 : in_count_q + AddrWidth'(1);
      if (accept && first && !release_block) held_q <= held_q + 2'd1;
      if (!(accept && first) && release_block) held_q <= held_q - 2'd1;
    end
  end

  logic [31:0] centred;
  logic        centred_nonfinite;

  centred_absmax u_centre (
    .clk_i,
    .en_i(1'b1),
    .value_i(in_absmax_i),
    .offset_i(in_offset_i),
    .difference_o(centred),
    .nonfinite_o(centred_nonfinite)
  );

  logic [CentreLatency-1:0] centred_valid_q, centred_last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) centred_valid_q <= '0;
    else centred_valid_q <= {centred_valid_q[CentreLatency-2:0], accept};
    centred_last_q <= {centred_last_q[CentreLatency-2:0], in_last_i};
  end

  logic                 write, last, block_end, write_half_q, block_valid_q, block_last_q;
  logic                 nonfinite_d, nonfinite_q;
  logic [AddrWidth-1:0] write_addr_q, block_count_q;
  logic [30:0]          largest_d, largest_q;

  assign write     = centred_valid_q[CentreLatency-1];
  assign last      = centred_last_q[CentreLatency-1];
  assign block_end = last || write_addr_q == '1;

  logic        begins, grows;

  assign begins      = write_addr_q == '0;
  assign grows       = centred[30:0] > largest_q;
  assign largest_d   = begins || grows ? centred[30:0] : largest_q;
  assign nonfinite_d = centred_nonfinite || (nonfinite_q && !begins);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_addr_q  <= '0;
      write_half_q  <= 1'b0;
      block_valid_q <= 1'b0;
    end else begin
      block_valid_q <= write && block_end;
      if (write) begin
        write_addr_q <= block_end ? '0 : write_addr_q + AddrWidth'(1);
        write_half_q <= write_half_q ^ block_end;
      end
    end
  end

  logic [31:0] buffer [2*nf4_pkg::NestedBlock];

  always_ff @(posedge clk_i) begin
    if (write) begin
      buffer[{write_half_q, write_addr_q}] <= centred;
      largest_q     <= largest_d;
      nonfinite_q   <= nonfinite_d;
      block_last_q  <= last;
      block_count_q <= write_addr_q;
    end
  end

  // ---------------------------------------------------------------- scale: nested absmax, reciprocal

  // Never full: it has an entry for each half of the buffer.
  localparam int BlockBits = 31 + 1 + 1 + AddrWidth;

  logic                 block_valid, block_ready, unused_room;
  logic [1:0]           unused_level;
  logic [BlockBits-1:0] block;

  stream_fifo #(
    .WIDTH(BlockBits),
    .DEPTH(2)
  ) u_block_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i(block_valid_q),
    .in_ready_o(unused_room),
    .in_data_i({block_count_q, block_last_q, nonfinite_q, largest_q}),
    .out_valid_o(block_valid),
    .out_ready_i(block_ready),
    .out_data_o(block),
    .level_o(unused_level)
  );

  // Scales down to 2^-128 are normalized; the lane needs no reciprocal for smaller ones.
  logic [30:0] scale;
  logic [23:0] scale_significand;
  logic [1:0]  scale_drop;

  assign scale             = block[30:0];
  assign scale_significand = scale[30:23] != '0 ? {1'b1, scale[22:0]} :
                             scale[22] ? {scale[22:0], 1'b0} : {scale[21:0], 2'b00};
  // Reciprocals of scales with these exponents are subnormal.
  assign scale_drop        = {scale[30:23] == 8'd254, scale[30:23] == 8'd253};

  logic                 ready_valid, start, ready_double, ready_last, ready_nonfinite;
  logic [23:0]          ready_reciprocal;
  logic [30:0]          ready_scale;
  logic [AddrWidth-1:0] ready_count;

  significand_reciprocal #(
    .STAGES(1),
    .PAYLOAD(BlockBits)
  ) u_reciprocal (
    .clk_i,
    .rst_ni,
    .in_valid_i(block_valid),
    .in_ready_o(block_ready),
    .in_significand_i(scale_significand),
    .in_drop_i(scale_drop),
    .in_payload_i(block),
    .out_valid_o(ready_valid),
    .out_ready_i(start),
    .out_reciprocal_o(ready_reciprocal),
    .out_double_o(ready_double),
    .out_payload_o({ready_count, ready_last, ready_nonfinite, ready_scale})
  );

  // ---------------------------------------------------------------- output

  logic                 en, busy_q, read_half_q, nested_valid_q;
  logic [AddrWidth-1:0] read_addr_q, count_q;
  logic                 read_end, last_q, zero_q, double_q;
  logic [23:0]          reciprocal_q;
  logic [30:0]          scale_q;
  logic [31:0]          index_q;

  assign start         = ready_valid && !busy_q && (!nested_valid_q || nested_ready_i);
  assign read_end      = read_addr_q == count_q;
  assign release_block = busy_q && en && read_end;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q         <= 1'b0;
      read_half_q    <= 1'b0;
      nested_valid_q <= 1'b0;
      index_q        <= '0;
    end else begin
      if (start) busy_q <= 1'b1;
      else if (release_block) busy_q <= 1'b0;
      if (release_block) read_half_q <= !read_half_q;
      if (start) nested_valid_q <= 1'b1;
      else if (nested_ready_i) nested_valid_q <= 1'b0;
      if (start) index_q <= ready_last ? '0 : index_q + 32'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      read_addr_q  <= '0;
      count_q      <= ready_count;
      last_q       <= ready_last;
      zero_q       <= ready_nonfinite;
      double_q     <= ready_double;
      reciprocal_q <= ready_reciprocal;
      scale_q      <= ready_scale;
    end else if (busy_q && en) begin
      read_addr_q <= read_addr_q + AddrWidth'(1);
    end
  end

  logic [31:0] nested_absmax_q, nested_index_q;
  logic        nested_nonfinite_q, nested_last_q;

  always_ff @(posedge clk_i) begin
    if (start) begin
      nested_absmax_q    <= ready_nonfinite ? fp32_pkg::CanonicalNan : {1'b0, ready_scale};
      nested_nonfinite_q <= ready_nonfinite;
      nested_index_q     <= index_q;
      nested_last_q      <= ready_last;
    end
  end

  assign nested_valid_o     = nested_valid_q;
  assign nested_absmax_o    = nested_absmax_q;
  assign nested_nonfinite_o = nested_nonfinite_q;
  assign nested_index_o     = nested_index_q;
  assign nested_last_o      = nested_last_q;

  // Values through the lane; a stalled output freezes it.
  logic [31:0]            lane_value_q;
  logic [30:0]            lane_scale_q;
  logic [23:0]            lane_reciprocal_q;
  logic                   lane_double_q;
  logic [LaneLatency-1:0] valid_q, code_last_q, code_zero_q;
  logic [7:0]             code;

  assign en = !codes_valid_o || codes_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (en) valid_q <= {valid_q[LaneLatency-2:0], busy_q};
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      lane_value_q      <= buffer[{read_half_q, read_addr_q}];
      lane_scale_q      <= scale_q;
      lane_reciprocal_q <= reciprocal_q;
      lane_double_q     <= double_q;
      code_last_q       <= {code_last_q[LaneLatency-2:0], last_q && read_end};
      code_zero_q       <= {code_zero_q[LaneLatency-2:0], zero_q};
    end
  end

  dynamic_quant_lane u_lane (
    .clk_i,
    .en_i(en),
    .value_i(lane_value_q),
    .scale_i(lane_scale_q),
    .reciprocal_i(lane_reciprocal_q),
    .double_i(lane_double_q),
    .code_o(code)
  );

  assign codes_valid_o = valid_q[LaneLatency-1];
  assign codes_code_o  = code_zero_q[LaneLatency-1] ? nf4_pkg::DynamicZeroCode : code;
  assign codes_last_o  = code_last_q[LaneLatency-1];

endmodule : double_quantizer
