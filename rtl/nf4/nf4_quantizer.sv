// SPDX-License-Identifier: Apache-2.0
//
// NF4 quantizer: blocks of 64 values to 64 codes and an absmax, bit for bit as bitsandbytes.
//
// Why: weights are quantized on the device after a LoRA merge, and must be the same bits that
// bitsandbytes would have stored. FP32 subnormals count with their value.
// Throughput one block every 64/LANES cycles. Latency for LANES = 8: 60 cycles from a block's first
// beat to its output when nothing waits. Blocks wait in a buffer while their reciprocal is computed;
// a block starts through the lanes only when the output FIFO has room for it, so the lanes never stall.

module nf4_quantizer #(
  // Values per beat: 1, 2, 4, 8 or 16.
  parameter int LANES = 8
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  // Restarts the block index; pulse it while no block is inside.
  input  logic                clear_i,

  // A block is 64/LANES beats, in order.
  input  logic                in_valid_i,
  output logic                in_ready_o,
  // One 32-bit slot per value; 16-bit formats use the low half of the slot.
  input  logic [LANES*32-1:0] in_data_i,
  // nf4_pkg::Format*; the first beat of a block decides.
  input  logic [1:0]          in_fmt_i,

  output logic                out_valid_o,
  input  logic                out_ready_i,
  // Code of value 0 in bits 3:0.
  output logic [255:0]        out_codes_o,
  output logic [31:0]         out_absmax_o,
  // The block held a NaN or an infinity: codes are all zero's code, absmax is NaN.
  output logic                out_nonfinite_o,
  // Blocks before this one since reset or clear_i, modulo 2^32.
  output logic [31:0]         out_index_o
);

  localparam int Beats     = nf4_pkg::Block / LANES;
  localparam int BeatWidth = $clog2(Beats);

  if (LANES != 1 && LANES != 2 && LANES != 4 && LANES != 8 && LANES != 16) begin : g_check
    ERROR_nf4_quantizer_LANES_must_be_a_power_of_two_up_to_16 error ();
  end

  // A divider stage takes one cycle more than it has bits, and may take Beats cycles.
  localparam int StageBits = Beats > 26 ? 26 : Beats - 1;
  localparam int Stages    = (26 + StageBits - 1) / StageBits;
  // Blocks inside from the first beat written to the last beat read, at full rate.
  localparam int Blocks     = 1 << $clog2(Stages + 4);
  localparam int BlockWidth = $clog2(Blocks + 1);
  localparam int AddrWidth  = $clog2(Blocks * Beats);
  // Finished or nearly finished blocks; covers the lanes' latency.
  localparam int OutDepth   = 16;
  localparam int OutWidth   = $clog2(OutDepth + 1);
  // From a beat's address to its codes: buffer read, nf4_quant_lane.
  localparam int LaneLatency = 8;

  localparam logic [BeatWidth-1:0] LastBeat = BeatWidth'(Beats - 1);

  // ---------------------------------------------------------------- input: to FP32, maximum, buffer

  logic [BlockWidth-1:0] held_q;
  logic [BeatWidth-1:0]  in_beat_q;
  logic                  accept, release_block;
  logic [1:0]            fmt, fmt_q;

  assign in_ready_o = in_beat_q != '0 || held_q != BlockWidth'(Blocks);
  assign accept     = in_valid_i && in_ready_o;
  assign fmt        = in_beat_q == '0 ? in_fmt_i : fmt_q;

  logic [LANES*32-1:0] wide, values_q;
  logic                values_valid_q, values_first_q, values_last_q;

  for (genvar i = 0; i < LANES; i++) begin : g_convert
    logic [31:0] from_fp16, from_bf16;
    fp16_to_fp32 u_fp16 (.x_i(in_data_i[i*32+:16]), .y_o(from_fp16));
    bf16_to_fp32 u_bf16 (.x_i(in_data_i[i*32+:16]), .y_o(from_bf16));
    assign wide[i*32+:32] = fmt == nf4_pkg::FormatFp16 ? from_fp16 :
                            fmt == nf4_pkg::FormatBf16 ? from_bf16 : in_data_i[i*32+:32];
  end

  logic [AddrWidth-1:0] write_addr_q, read_addr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q         <= '0;
      in_beat_q      <= '0;
      values_valid_q <= 1'b0;
      write_addr_q   <= '0;
    end else begin
      if (accept) in_beat_q <= in_beat_q + BeatWidth'(1);
      values_valid_q <= accept;
      if (values_valid_q) write_addr_q <= write_addr_q + AddrWidth'(1);
      if ((accept && in_beat_q == '0) && !release_block) held_q <= held_q + BlockWidth'(1);
      if (!(accept && in_beat_q == '0) && release_block) held_q <= held_q - BlockWidth'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    fmt_q          <= fmt;
    values_q       <= wide;
    values_first_q <= in_beat_q == '0;
    values_last_q  <= in_beat_q == LastBeat;
  end

  logic [LANES*32-1:0] buffer [Blocks*Beats];

  always_ff @(posedge clk_i) begin
    if (values_valid_q) buffer[write_addr_q] <= values_q;
  end

  // ---------------------------------------------------------------- scale: absmax, reciprocal

  logic        absmax_valid, absmax_nonfinite;
  logic [30:0] absmax;

  nf4_block_absmax #(
    .LANES(LANES)
  ) u_absmax (
    .clk_i,
    .rst_ni,
    .valid_i(values_valid_q),
    .first_i(values_first_q),
    .last_i(values_last_q),
    .values_i(values_q),
    .valid_o(absmax_valid),
    .absmax_o(absmax),
    .nonfinite_o(absmax_nonfinite)
  );

  // Never full: it has an entry for every block of the buffer.
  logic        scale_valid, scale_ready, scale_nonfinite, unused_room;
  logic [30:0] scale_absmax;
  logic [BlockWidth-1:0] unused_level;

  stream_fifo #(
    .WIDTH(32),
    .DEPTH(Blocks)
  ) u_absmax_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i(absmax_valid),
    .in_ready_o(unused_room),
    .in_data_i({absmax_nonfinite, absmax}),
    .out_valid_o(scale_valid),
    .out_ready_i(scale_ready),
    .out_data_o({scale_nonfinite, scale_absmax}),
    .level_o(unused_level)
  );

  // A scale below the smallest normal number is at least SmallestScale, so one place normalizes it.
  logic [30:0] scale;
  logic [23:0] scale_significand;
  logic [1:0]  scale_drop;

  assign scale = scale_absmax < nf4_pkg::SmallestScale[30:0] ? nf4_pkg::SmallestScale[30:0] : scale_absmax;
  assign scale_significand = scale[30:23] == '0 ? {scale[22:0], 1'b0} : {1'b1, scale[22:0]};
  // Reciprocals of scales with these exponents are subnormal.
  assign scale_drop = {scale[30:23] == 8'd254, scale[30:23] == 8'd253};

  logic        ready_valid, ready_ready, ready_double, ready_nonfinite;
  logic [23:0] ready_reciprocal;
  logic [30:0] ready_absmax;

  significand_reciprocal #(
    .STAGES(Stages),
    .PAYLOAD(32)
  ) u_reciprocal (
    .clk_i,
    .rst_ni,
    .in_valid_i(scale_valid),
    .in_ready_o(scale_ready),
    .in_significand_i(scale_significand),
    .in_drop_i(scale_drop),
    .in_payload_i({scale_nonfinite, scale_absmax}),
    .out_valid_o(ready_valid),
    .out_ready_i(ready_ready),
    .out_reciprocal_o(ready_reciprocal),
    .out_double_o(ready_double),
    .out_payload_o({ready_nonfinite, ready_absmax})
  );

  // ---------------------------------------------------------------- issue: a block through the lanes

  logic                 busy_q;
  logic [BeatWidth-1:0] beat_q;
  logic [OutWidth-1:0]  owed_q;
  logic                 start, out_pop;
  logic [31:0]          index_q;

  // owed_q counts the blocks that were started and have not left the output FIFO.
  assign ready_ready   = (!busy_q || beat_q == LastBeat) && owed_q != OutWidth'(OutDepth);
  assign start         = ready_valid && ready_ready;
  assign release_block = busy_q && beat_q == LastBeat;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q      <= 1'b0;
      beat_q      <= '0;
      owed_q      <= '0;
      read_addr_q <= '0;
      index_q     <= '0;
    end else begin
      if (busy_q) begin
        beat_q      <= beat_q + BeatWidth'(1);
        read_addr_q <= read_addr_q + AddrWidth'(1);
      end
      if (start) busy_q <= 1'b1;
      else if (beat_q == LastBeat) busy_q <= 1'b0;
      if (start && !out_pop) owed_q <= owed_q + OutWidth'(1);
      if (!start && out_pop) owed_q <= owed_q - OutWidth'(1);
      if (clear_i) index_q <= '0;
      else if (start) index_q <= index_q + 32'd1;
    end
  end

  logic [23:0]         reciprocal_q, lane_reciprocal_q;
  logic [7:0]          exponent_q, lane_exponent_q;
  logic                double_q, lane_double_q, zero_q, lane_zero_q;
  logic [LANES*32-1:0] lane_values_q;

  always_ff @(posedge clk_i) begin
    if (start) begin
      reciprocal_q <= ready_reciprocal;
      double_q     <= ready_double;
      exponent_q   <= ready_absmax[30:23];
      zero_q       <= ready_nonfinite;
    end
    lane_values_q     <= buffer[read_addr_q];
    lane_reciprocal_q <= reciprocal_q;
    lane_double_q     <= double_q;
    lane_exponent_q   <= exponent_q;
    lane_zero_q       <= zero_q;
  end

  logic [LANES*4-1:0]     codes;
  logic [LaneLatency-1:0] codes_valid_q, codes_last_q;

  for (genvar i = 0; i < LANES; i++) begin : g_lane
    nf4_quant_lane u_lane (
      .clk_i,
      .value_i(lane_values_q[i*32+:32]),
      .zero_i(lane_zero_q),
      .scale_exponent_i(lane_exponent_q),
      .reciprocal_i(lane_reciprocal_q),
      .double_i(lane_double_q),
      .code_o(codes[i*4+:4])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) codes_valid_q <= '0;
    else codes_valid_q <= {codes_valid_q[LaneLatency-2:0], busy_q};
  end

  // ---------------------------------------------------------------- output: collect beats into blocks

  // The first beat moves down to bit 0 as the others arrive.
  logic [255:LANES*4] packed_q;
  logic [255:0]       packed_d;

  assign packed_d = {codes, packed_q};

  always_ff @(posedge clk_i) begin
    codes_last_q <= {codes_last_q[LaneLatency-2:0], beat_q == LastBeat};
    if (codes_valid_q[LaneLatency-1]) packed_q <= packed_d[255:LANES*4];
  end

  // The scale FIFO fills when a block starts, the codes FIFO when it is through; owed_q keeps both from
  // overflowing, and the scale is always there before the codes.
  logic unused_codes_room, unused_scale_room, unused_scale_valid;
  logic [OutWidth-1:0] unused_codes_level, unused_scale_level;

  stream_fifo #(
    .WIDTH(256),
    .DEPTH(OutDepth)
  ) u_codes_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i(codes_valid_q[LaneLatency-1] && codes_last_q[LaneLatency-1]),
    .in_ready_o(unused_codes_room),
    .in_data_i(packed_d),
    .out_valid_o,
    .out_ready_i,
    .out_data_o(out_codes_o),
    .level_o(unused_codes_level)
  );

  stream_fifo #(
    .WIDTH(65),
    .DEPTH(OutDepth)
  ) u_scale_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i(start),
    .in_ready_o(unused_scale_room),
    .in_data_i({index_q, ready_nonfinite, ready_nonfinite ? fp32_pkg::CanonicalNan : {1'b0, ready_absmax}}),
    .out_valid_o(unused_scale_valid),
    .out_ready_i(out_pop),
    .out_data_o({out_index_o, out_nonfinite_o, out_absmax_o}),
    .level_o(unused_scale_level)
  );

  assign out_pop = out_valid_o && out_ready_i;

endmodule : nf4_quantizer
