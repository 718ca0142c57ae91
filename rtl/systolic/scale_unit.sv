// SPDX-License-Identifier: Apache-2.0
//
// Turns the 64 scale codes at the head of a code tile into FP32 scales.
//
// Why: the tile carries one byte per block (double quantization). absmax = map[byte] * nested[block / 256] + offset is
// restored here exactly as bitsandbytes does. N tiles: absmax * codebook scale, one per column, in step with the columns.
// T tiles: absmax of each row, written to the activation buffer, where it multiplies the activations.
// Latency: a scale beat to its first scales 20 cycles (N), 14 (T). Throughput: PORTS scales per cycle.

module scale_unit #(
  // Memory bus width in bits.
  parameter int BUS_W = 256,
  // Scales per cycle: columns that the array loads per cycle.
  parameter int PORTS = 1,
  // Entries of the nested absmax table, a power of two, at least 16 and BUS_W / 16.
  parameter int NESTED_DEPTH = 4096
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic [31:0]                 codebook_scale_i,
  input  logic [31:0]                 offset_i,
  // Nested absmax table: BUS_W / 32 entries per beat, from entry 0 after a restart, while no tile is in progress.
  input  logic                        nested_restart_i,
  input  logic                        nested_valid_i,
  input  logic [BUS_W-1:0]            nested_data_i,
  // One command per code tile.
  input  logic                        cmd_valid_i,
  output logic                        cmd_ready_o,
  input  logic                        cmd_transpose_i,
  // Block number of the tile's first row and its increment from row to row.
  input  logic [31:0]                 cmd_block_i,
  input  logic [15:0]                 cmd_stride_i,
  // Scale codes: 64 bytes per tile.
  input  logic                        in_valid_i,
  output logic                        in_ready_o,
  input  logic [BUS_W-1:0]            in_data_i,
  // N tiles: PORTS column scales.
  output logic                        scale_valid_o,
  input  logic                        scale_ready_i,
  output logic [PORTS*32-1:0]         scale_data_o,
  // T tiles: PORTS row scales at rows row_index_o * PORTS onwards; last pulse ends the tile.
  input  logic                        row_free_i,
  output logic                        row_reserve_o,
  output logic                        row_write_o,
  output logic                        row_last_o,
  output logic [$clog2(64/PORTS)-1:0] row_index_o,
  output logic [PORTS*32-1:0]         row_data_o
);

  localparam int Steps = 64 / PORTS;
  localparam int IndexW = $clog2(Steps);
  localparam int BeatEntries = BUS_W / 32;
  localparam int NestedBeats = NESTED_DEPTH / BeatEntries;
  localparam int NestedBeatW = $clog2(NestedBeats);
  localparam int LaneW = $clog2(BeatEntries);
  localparam int NestedW = $clog2(NESTED_DEPTH);
  localparam int DequantLatency = 1 + nf4_pkg::DoubleDequantLatency;
  localparam int Latency = DequantLatency + fp32_pkg::MulLatency;
  localparam int FifoDepth = 32;

  // Nested table.
  logic [NestedBeatW-1:0] nested_beat_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || nested_restart_i) nested_beat_q <= '0;
    else if (nested_valid_i) nested_beat_q <= nested_beat_q + 1'b1;
  end

  // Bytes in order, PORTS per cycle, with room for two tiles in front.
  localparam int TileBeats = 512 / BUS_W;
  logic head_valid, head_ready;
  logic [BUS_W-1:0] head_data;
  logic bytes_valid, bytes_ready;
  logic [PORTS*8-1:0] bytes;
  logic [$clog2(2*TileBeats+1)-1:0] unused_head_level;
  stream_fifo #(
    .WIDTH(BUS_W),
    .DEPTH(2 * TileBeats)
  ) u_head (
    .clk_i,
    .rst_ni,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(head_valid),
    .out_ready_i(head_ready),
    .out_data_o(head_data),
    .level_o(unused_head_level)
  );
  stream_resize #(
    .IN_WIDTH(BUS_W),
    .OUT_WIDTH(PORTS * 8)
  ) u_bytes (
    .clk_i,
    .rst_ni,
    .in_valid_i(head_valid),
    .in_ready_o(head_ready),
    .in_data_i(head_data),
    .out_valid_o(bytes_valid),
    .out_ready_i(bytes_ready),
    .out_data_o(bytes)
  );

  // Issue: one step per cycle while there is room behind the pipeline, which never stops.
  logic active_q, transpose_q;
  logic [5:0] step_q;
  logic [31:0] block_q;
  logic [15:0] stride_q;
  logic [5:0] credits_q;
  logic issue, last_step, accept, popped;

  logic tile_valid, tile_transpose;
  logic [31:0] tile_block;
  logic [15:0] tile_stride;
  logic [1:0] unused_cmd_level;
  stream_fifo #(
    .WIDTH(49),
    .DEPTH(2)
  ) u_commands (
    .clk_i,
    .rst_ni,
    .in_valid_i(cmd_valid_i),
    .in_ready_o(cmd_ready_o),
    .in_data_i({cmd_transpose_i, cmd_block_i, cmd_stride_i}),
    .out_valid_o(tile_valid),
    .out_ready_i(accept),
    .out_data_o({tile_transpose, tile_block, tile_stride}),
    .level_o(unused_cmd_level)
  );
  assign accept = tile_valid && (!active_q || (issue && last_step)) && (!tile_transpose || row_free_i);
  assign row_reserve_o = accept && tile_transpose;
  assign issue = active_q && bytes_valid && (transpose_q || credits_q != '0);
  assign bytes_ready = issue;
  assign last_step = step_q == 6'(Steps - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      credits_q <= 6'(FifoDepth);
    end else begin
      if (accept) active_q <= 1'b1;
      else if (issue && last_step) active_q <= 1'b0;
      credits_q <= credits_q - 6'(issue && !transpose_q) + 6'(popped);
    end
    if (accept) begin
      transpose_q <= tile_transpose;
      step_q <= '0;
      block_q <= tile_block;
      stride_q <= tile_stride;
    end else if (issue) begin
      step_q <= step_q + 1'b1;
      block_q <= block_q + 32'(stride_q) * PORTS;
    end
  end

  // Pipeline: table read, double dequantization, codebook scale.
  logic [Latency-1:0] valid_q, transpose_pipe_q, last_pipe_q;
  logic [Latency*IndexW-1:0] index_pipe_q;
  logic [PORTS*32-1:0] absmax, scaled;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= Latency'({valid_q, issue});
    transpose_pipe_q <= Latency'({transpose_pipe_q, transpose_q});
    last_pipe_q <= Latency'({last_pipe_q, last_step});
    index_pipe_q <= (Latency * IndexW)'({index_pipe_q, step_q[IndexW-1:0]});
  end

  for (genvar p = 0; p < PORTS; p++) begin : g_port
    logic [BUS_W-1:0] nested_q[NestedBeats];
    logic [BUS_W-1:0] read_q;
    logic [LaneW-1:0] lane_q;
    logic [31:0] entry;
    logic [7:0] code_q;
    assign entry = (block_q + 32'(stride_q) * p) >> $clog2(nf4_pkg::NestedBlock);
    always_ff @(posedge clk_i) begin
      if (nested_valid_i) nested_q[nested_beat_q] <= nested_data_i;
      read_q <= nested_q[entry[NestedW-1:LaneW]];
      lane_q <= entry[LaneW-1:0];
      code_q <= bytes[p*8+:8];
    end
    double_dequantizer u_absmax (
      .clk_i,
      .en_i(1'b1),
      .code_i(code_q),
      .nested_absmax_i(read_q[lane_q*32+:32]),
      .offset_i,
      .absmax_o(absmax[p*32+:32])
    );
    fp32_mul u_scale (
      .clk_i,
      .en_i(1'b1),
      .a_i(absmax[p*32+:32]),
      .b_i(codebook_scale_i),
      .y_o(scaled[p*32+:32])
    );
    logic unused_entry;
    assign unused_entry = ^entry[31:NestedW];
  end

  assign row_write_o = valid_q[DequantLatency-1] && transpose_pipe_q[DequantLatency-1];
  assign row_last_o = row_write_o && last_pipe_q[DequantLatency-1];
  assign row_index_o = index_pipe_q[(DequantLatency-1)*IndexW+:IndexW];
  assign row_data_o = absmax;

  logic unused_ready;
  logic [$clog2(FifoDepth+1)-1:0] unused_level;
  stream_fifo #(
    .WIDTH(PORTS * 32),
    .DEPTH(FifoDepth)
  ) u_scales (
    .clk_i,
    .rst_ni,
    .in_valid_i(valid_q[Latency-1] && !transpose_pipe_q[Latency-1]),
    .in_ready_o(unused_ready),
    .in_data_i(scaled),
    .out_valid_o(scale_valid_o),
    .out_ready_i(scale_ready_i),
    .out_data_o(scale_data_o),
    .level_o(unused_level)
  );
  assign popped = scale_valid_o && scale_ready_i;

endmodule : scale_unit
