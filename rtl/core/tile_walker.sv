// SPDX-License-Identifier: Apache-2.0
//
// Commands of one chunk: for each block of 64 outputs, the weight tiles of the first product, then of the second.
//
// Why: the loops run ahead of the array by as many tiles as the command queues hold, so that memory never waits for
// arithmetic to ask for the next tile. Every address advances by addition: a step along a row of tiles or down to
// the next row, which of the two is the inner loop depends on the mode.
//
// Each tile is announced twice, to the array and to the read master; the last one of an output block to the
// write master too.
// Latency: start_i to the first tile 2 cycles; the last command taken to done_o 1.
// Throughput: one tile per cycle, one idle cycle per product of an output block.

module tile_walker #(
  // Width of a memory address.
  parameter int ADDR_W    = 40,
  // Activation scratchpad in blocks of 64 values.
  parameter int ACT_DEPTH = 2048
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle; everything below stays stable until done_o.
  input  logic              start_i,
  // One cycle, when the last command has been taken.
  output logic              done_o,

  // Outputs in blocks of 64, reduction of the first product in blocks of 64. The second product has one block.
  input  logic [core_pkg::BlocksWidth-1:0] out_blocks_i,
  input  logic [core_pkg::BlocksWidth-1:0] red_blocks_i,
  input  logic              second_i,

  // Weights, here and below: the low half is the first product's, the high half the second's.
  input  logic [2*ADDR_W-1:0] base_i,
  // Bytes from a tile to the next in the same rows, and to the next in the same columns.
  input  logic [63:0]       along_i,
  input  logic [63:0]       down_i,
  // Bytes of a whole stored row, where the weights are floating-point numbers.
  input  logic [63:0]       row_bytes_i,
  // Stored rows.
  input  logic [31:0]       rows_i,
  // T mode; 4-bit codes; FP16, else FP32; multiplied by the LoRA scale.
  input  logic [1:0]        transpose_i,
  input  logic [1:0]        codes_i,
  input  logic [1:0]        half_i,
  input  logic [1:0]        scaled_i,
  // Blocks of 64 in a row of the coded weights.
  input  logic [core_pkg::BlocksWidth-1:0] code_blocks_i,

  // Where the activations of the second product begin in the scratchpad; those of the first begin at 0.
  input  logic [$clog2(ACT_DEPTH)-1:0] second_base_i,

  // Results.
  input  logic [ADDR_W-1:0] out_addr_i,
  input  logic              out_half_i,

  output logic              tile_valid_o,
  input  logic              tile_ready_i,
  output logic              tile_transpose_o,
  output logic              tile_codes_o,
  output logic              tile_half_o,
  output logic              tile_scaled_o,
  output logic [6:0]        tile_lines_o,
  output logic [31:0]       tile_block_o,
  output logic [$clog2(ACT_DEPTH)-1:0] tile_act_base_o,
  output logic [core_pkg::BlocksWidth-1:0] tile_act_stride_o,
  output logic              tile_first_o,
  output logic              tile_last_o,

  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-1:0] rcmd_addr_o,
  output logic [31:0]       rcmd_row_bytes_o,
  output logic [15:0]       rcmd_rows_o,
  output logic [31:0]       rcmd_stride_o,

  output logic              wcmd_valid_o,
  input  logic              wcmd_ready_i,
  output logic [ADDR_W-1:0] wcmd_addr_o
);

  localparam int BlocksW   = core_pkg::BlocksWidth;
  localparam int ActW      = $clog2(ACT_DEPTH);
  localparam int CodeRowsW = BlocksW + core_pkg::BlockLog2;

  localparam logic [1:0] StateIdle  = 2'd0;
  localparam logic [1:0] StateEnter = 2'd1;
  localparam logic [1:0] StateTile  = 2'd2;

  logic [1:0]          state_q;
  // 0 while in the first product.
  logic                product_q;
  logic [BlocksW-1:0]  ob_q, kb_q;
  // Start of each product, block number and rows left (N mode), as of the output block at hand.
  logic [2*ADDR_W-1:0] ob_addr_q;
  logic [31:0]         ob_block_q;
  logic [15:0]         ob_left_q;
  logic [ADDR_W-1:0]   out_addr_q;
  // As of the tile at hand.
  logic [ADDR_W-1:0]   addr_q;
  logic [31:0]         block_q;
  logic [15:0]         left_q;
  logic [ActW-1:0]     act_q;

  logic                transpose, half, codes;
  logic [31:0]         along, down, row_bytes;
  logic [31:0]         code_down;
  logic                last_kb, last_ob, last_product, take;
  logic [2:0]          fork_valid, fork_ready;
  logic                fork_in_ready;

  assign transpose = transpose_i[product_q];
  assign half      = half_i[product_q];
  assign codes     = codes_i[product_q];
  assign along     = along_i[product_q*32+:32];
  assign down      = down_i[product_q*32+:32];
  assign row_bytes = row_bytes_i[product_q*32+:32];
  assign code_down = 32'(CodeRowsW'(code_blocks_i) << core_pkg::BlockLog2);

  assign last_product = product_q || !second_i;
  assign last_kb      = product_q || kb_q == red_blocks_i - BlocksW'(1);
  assign last_ob      = ob_q == out_blocks_i - BlocksW'(1);
  assign take         = state_q == StateTile && fork_in_ready;

  stream_fork #(
    .OUTPUTS(3)
  ) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i (state_q == StateTile),
    .in_ready_o (fork_in_ready),
    .out_valid_o(fork_valid),
    .out_ready_i(fork_ready)
  );

  // Only the end of an output block concerns the write master.
  assign fork_ready = {wcmd_ready_i || !tile_last_o, rcmd_ready_i, tile_ready_i};

  assign tile_valid_o      = fork_valid[0];
  assign tile_transpose_o  = transpose;
  assign tile_codes_o      = codes;
  assign tile_half_o       = half;
  assign tile_scaled_o     = scaled_i[product_q];
  assign tile_lines_o      = (left_q > 16'd64) ? 7'd64 : left_q[6:0];
  assign tile_block_o      = block_q;
  assign tile_act_base_o   = act_q;
  assign tile_act_stride_o = product_q ? BlocksW'(1) : red_blocks_i;
  assign tile_first_o      = !product_q && kb_q == '0;
  assign tile_last_o       = last_product && last_kb;

  assign rcmd_valid_o      = fork_valid[1];
  assign rcmd_addr_o       = addr_q;
  assign rcmd_row_bytes_o  = codes ? 32'(core_pkg::TileBytes) : half ? 32'd128 : 32'd256;
  assign rcmd_rows_o       = codes ? 16'd1 : 16'(tile_lines_o);
  assign rcmd_stride_o     = row_bytes;

  assign wcmd_valid_o      = fork_valid[2] && tile_last_o;
  assign wcmd_addr_o       = out_addr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateIdle;
      done_o  <= 1'b0;
    end else begin
      done_o <= take && tile_last_o && last_ob;
      if (start_i) state_q <= StateEnter;
      else if (state_q == StateEnter) state_q <= StateTile;
      else if (take && last_kb) state_q <= (last_product && last_ob) ? StateIdle : StateEnter;
    end
  end

  // Output blocks: along the stored rows in T mode, down them in N mode. The second product is in T mode.
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      product_q  <= 1'b0;
      ob_q       <= '0;
      ob_addr_q  <= base_i;
      ob_block_q <= '0;
      ob_left_q  <= rows_i[15:0];
      out_addr_q <= out_addr_i;
    end else if (take && last_kb) begin
      product_q <= !last_product;
      if (last_product) begin
        ob_q       <= ob_q + BlocksW'(1);
        ob_addr_q  <= {ob_addr_q[ADDR_W+:ADDR_W] + ADDR_W'(along_i[63:32]),
                       ob_addr_q[0+:ADDR_W] + ADDR_W'(transpose_i[0] ? along_i[31:0] : down_i[31:0])};
        ob_block_q <= ob_block_q + (transpose_i[0] ? 32'd1 : code_down);
        ob_left_q  <= ob_left_q - 16'd64;
        out_addr_q <= out_addr_q + (out_half_i ? ADDR_W'(128) : ADDR_W'(256));
      end
    end
  end

  // Reduction blocks.
  always_ff @(posedge clk_i) begin
    if (state_q == StateEnter) begin
      kb_q    <= '0;
      addr_q  <= ob_addr_q[product_q*ADDR_W+:ADDR_W];
      block_q <= ob_block_q;
      left_q  <= transpose ? rows_i[product_q*16+:16] : ob_left_q;
      act_q   <= product_q ? second_base_i : '0;
    end else if (take) begin
      kb_q    <= kb_q + BlocksW'(1);
      addr_q  <= addr_q + ADDR_W'(transpose ? down : along);
      block_q <= block_q + (transpose ? code_down : 32'd1);
      act_q   <= act_q + ActW'(1);
      if (transpose) left_q <= left_q - 16'd64;
    end
  end

endmodule : tile_walker
