// SPDX-License-Identifier: Apache-2.0
//
// Turns words of 8 FP32 values into words of 8 bytes of BFP8 blocks; a block has 8 words.
//
// Why: a block's scale comes from its largest value, so its words must have been seen before the first of them leaves.
// Whoever uses this keeps them in a FIFO of 16 words and a register; this unit sees what goes in and takes what comes out.
// The format is that of tb/models/bfp8.py.
// Latency: 6 cycles from a block's last word seen to its first word taken; 2 from there.
// Throughput: a word per cycle.

module bfp8_pack (
  input  logic         clk_i,
  input  logic         rst_ni,

  // Exponents of a word as it enters the FIFO: at most 17 words have not been taken.
  input  logic         seen_valid_i,
  input  logic [63:0]  seen_exponents_i,

  // The words.
  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [255:0] in_data_i,

  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [63:0]  out_data_o
);

  // ---------------------------------------------------------------------------------------------
  // The scale: from the largest exponent of a block
  // ---------------------------------------------------------------------------------------------
  // A tree with a register behind every node: node n is the larger of nodes 2n and 2n + 1, nodes 8 to 15 are the exponents.
  localparam int Rounds = 3;
  logic [Rounds-1:0] word_valid_q;
  logic              word_valid, block_end_q;
  logic [7:0]        word, largest_q;
  logic [127:8]      node;  // of 16, the first of which is not there
  logic [2:0]        seen_q, taken_q;
  logic [5:0]        new_scale, scale;
  logic              next_valid, next_ready, scale_valid, take;
  logic [5:0]        next_scale;
  logic [7:0]        next_offset, offset;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused_ready;  // three blocks are in 17 words
  logic [2:0]        unused_level;
  // verilator lint_on UNUSEDSIGNAL

  assign node[127:64] = seen_exponents_i;
  for (genvar n = 1; n < 8; n++) begin : g_node
    logic [7:0] larger_q;
    always_ff @(posedge clk_i) larger_q <= node[16*n+:8] > node[16*n+8+:8] ? node[16*n+:8] : node[16*n+8+:8];
    assign node[8*n+:8] = larger_q;
  end
  assign word = node[8+:8];
  assign word_valid = word_valid_q[Rounds-1];
  assign new_scale = largest_q > 8'd142 ? 6'd63 : largest_q > 8'd109 ? 6'(largest_q - 8'd109) : 6'd0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_valid_q <= '0;
      block_end_q <= 1'b0;
      seen_q <= '0;
      taken_q <= '0;
    end else begin
      word_valid_q <= Rounds'({word_valid_q, seen_valid_i});
      block_end_q <= word_valid && seen_q == 3'd7;
      if (word_valid) seen_q <= seen_q + 3'd1;
      if (take) taken_q <= taken_q + 3'd1;
    end
    if (word_valid && (seen_q == '0 || word > largest_q)) largest_q <= word;
  end

  stream_fifo #(
    .WIDTH(6),
    .DEPTH(4)
  ) u_scales (
    .clk_i,
    .rst_ni,
    .in_valid_i (block_end_q),
    .in_ready_o (unused_ready),
    .in_data_i  (new_scale),
    .out_valid_o(next_valid),
    .out_ready_i(next_ready),
    .out_data_o (next_scale),
    .level_o    (unused_level)
  );
  // With what a value's distance is counted from.
  assign next_offset = 8'(next_scale) + 8'd110;
  stream_stage #(
    .WIDTH(14)
  ) u_scale (
    .clk_i,
    .rst_ni,
    .in_valid_i (next_valid),
    .in_ready_o (next_ready),
    .in_data_i  ({next_offset, next_scale}),
    .out_valid_o(scale_valid),
    .out_ready_i(take && taken_q == 3'd7),
    .out_data_o ({offset, scale})
  );

  // ---------------------------------------------------------------------------------------------
  // The integers; six of a block's first word have a bit of the scale
  // ---------------------------------------------------------------------------------------------
  logic        free;
  logic [1:0]  valid_q, first_q;
  logic [11:0] scale_q;
  assign free       = !valid_q[1] || out_ready_i;
  assign in_ready_o = free && scale_valid;
  assign take       = in_valid_i && in_ready_o;
  assign out_valid_o = valid_q[1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (free) valid_q <= {valid_q[0], take};
    if (free) begin
      first_q <= {first_q[0], taken_q == '0};
      scale_q <= {scale_q[5:0], scale};
    end
  end

  for (genvar l = 0; l < 8; l++) begin : g_lane
    logic       even;
    logic [7:0] number;
    assign even = l < 6 && taken_q == '0;
    fp32_to_bfp8 u_lane (
      .clk_i,
      .en_i    (free),
      .x_i     (in_data_i[32*l+:32]),
      .scale_i (scale),
      .offset_i(offset),
      .even_i  (even),
      .y_o     (number)
    );
    if (l < 6) begin : g_scale
      assign out_data_o[8*l+:8] = {number[7:1], first_q[1] ? scale_q[6+l] : number[0]};
    end else begin : g_number
      assign out_data_o[8*l+:8] = number;
    end
  end

endmodule : bfp8_pack
