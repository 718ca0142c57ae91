// SPDX-License-Identifier: Apache-2.0
//
// Pipelined binary search: how many of 2^LEVELS-1 sorted constants a key has reached.
//
// Why: quantization to a table is this search, with 15 thresholds for NF4 and 255 for the 8-bit
// dynamic map. One comparator per level, whose constants are a ROM addressed by the bits found so far.
// Latency LEVELS enabled cycles, one search per cycle.

module threshold_search #(
  // Bits of a key, signed.
  parameter int WIDTH = 32,
  // Bits of a code.
  parameter int LEVELS = 4,
  // Threshold of code k in element k-1, ascending; equal neighbours skip a code.
  parameter logic [((1<<LEVELS)-1)*WIDTH-1:0] KEYS = '0
) (
  input  logic                    clk_i,
  // Moves every level by one; low freezes the pipeline.
  input  logic                    en_i,
  input  logic signed [WIDTH-1:0] key_i,
  // Largest k with key_i >= threshold of k; 0 when none is.
  output logic [LEVELS-1:0]       code_o
);

  // Before level l: the key, and the l bits found so far at the bottom of a code.
  logic [(LEVELS+1)*WIDTH-1:0]  key;
  logic [(LEVELS+1)*LEVELS-1:0] code;

  assign key[WIDTH-1:0]   = key_i;
  assign code[LEVELS-1:0] = '0;

  for (genvar l = 0; l < LEVELS; l++) begin : g_level
    // Codes whose threshold this level may need: an odd number times Step.
    localparam int Step = 1 << (LEVELS - 1 - l);

    logic signed [WIDTH-1:0] threshold [1<<l];
    initial for (int i = 0; i < (1 << l); i++) threshold[i] = KEYS[((2*i+1)*Step-1)*WIDTH+:WIDTH];

    logic signed [WIDTH-1:0] key_now, key_q;
    logic [LEVELS-1:0]       code_now, code_q;
    logic                    reached;

    assign key_now  = key[l*WIDTH+:WIDTH];
    assign code_now = code[l*LEVELS+:LEVELS];

    if (l == 0) begin : g_first
      assign reached = key_now >= threshold[0];
    end else begin : g_later
      assign reached = key_now >= threshold[code_now[l-1:0]];
    end

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        key_q  <= key_now;
        code_q <= (code_now << 1) | LEVELS'(reached);
      end
    end

    assign key[(l+1)*WIDTH+:WIDTH]    = key_q;
    assign code[(l+1)*LEVELS+:LEVELS] = code_q;
  end

  // Nothing compares the key after the last level.
  logic unused;
  assign unused = ^key[LEVELS*WIDTH+:WIDTH];

  assign code_o = code[LEVELS*LEVELS+:LEVELS];

endmodule : threshold_search
