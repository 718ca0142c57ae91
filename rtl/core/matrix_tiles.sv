// SPDX-License-Identifier: Apache-2.0
//
// Tiles of a MATRIX command: for each block of 64 columns of D, those of the first product, then those of the second.
//
// Why: the loops run ahead of the array by as many tiles as the queues below hold, so that the stream never waits for
// arithmetic to ask for the next tile. Every address advances by addition. The header, if there is one, goes first.
// Latency: cmd_valid_i to the first tile 2 cycles, to the header 1.
// Throughput: one tile per cycle, one idle cycle per product of a block of D and per command.

module matrix_tiles #(
  // Width of a scratchpad address in words.
  parameter int SCRATCH_W = 13,
  // Most rows of a command.
  parameter int MAX_ROWS  = 64
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  // A checked command and its number of rows.
  input  logic                          cmd_valid_i,
  output logic                          cmd_ready_o,
  input  logic [511:0]                  cmd_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_rows_i,

  // Tiles, as of matrix_unit.
  output logic                          tile_valid_o,
  input  logic                          tile_ready_i,
  output logic                          tile_header_o,
  output logic [15:0]                   tile_header_lines_o,
  output logic                          tile_transpose_o,
  output logic [2:0]                    tile_format_o,
  output logic [6:0]                    tile_lines_o,
  output logic [31:0]                   tile_block_o,
  output logic [15:0]                   tile_block_stride_o,
  output logic [31:0]                   tile_scale_o,
  output logic [$clog2(MAX_ROWS+1)-1:0] tile_rows_o,
  output logic [$clog2(MAX_ROWS+1)-1:0] tile_outer_o,
  output logic [$clog2(MAX_ROWS+1)-1:0] tile_inner_o,
  output logic [SCRATCH_W-1:0]          tile_act_base_o,
  output logic [SCRATCH_W-1:0]          tile_act_outer_stride_o,
  output logic [SCRATCH_W-1:0]          tile_act_inner_stride_o,
  output logic [6:0]                    tile_values_o,
  output logic [SCRATCH_W-1:0]          tile_out_base_o,
  output logic [SCRATCH_W-1:0]          tile_out_outer_stride_o,
  output logic [SCRATCH_W-1:0]          tile_out_inner_stride_o,
  output logic                          tile_first_o,
  output logic                          tile_last_o,
  output logic                          tile_end_o
);

  localparam int CountW = $clog2(MAX_ROWS + 1);
  // Words of 64 values.
  localparam int BlockWords = 64 / vector_pkg::Lanes;

  localparam logic [1:0] StateIdle   = 2'd0;
  localparam logic [1:0] StateHeader = 2'd1;
  localparam logic [1:0] StateEnter  = 2'd2;
  localparam logic [1:0] StateTile   = 2'd3;

  // The command; where there are two, the first product's part is the low one.
  logic [15:0]            header_lines_q, block_stride_q;
  logic [1:0]             transpose_q;
  logic [5:0]             format_q;
  logic [31:0]            length_q;
  logic [63:0]            scale_q;
  logic [CountW-1:0]      rows_q, outer_q, inner_q;
  logic [2*SCRATCH_W-1:0] act_base_q, act_outer_q, act_inner_q;
  logic [SCRATCH_W-1:0]   out_outer_q, out_inner_q;

  logic [1:0]             state_q;
  logic                   product_q;  // 0 while in the first product
  // As of the block of D at hand: columns left, block number of its first tile, its first word.
  logic [15:0]            out_left_q;
  logic [31:0]            out_block_q;
  logic [SCRATCH_W-1:0]   out_base_q;
  // As of the tile at hand: reduction left, block number, first word of its activations.
  logic [15:0]            left_q;
  logic [31:0]            block_q;
  logic [SCRATCH_W-1:0]   act_q;
  logic                   first_q;

  logic                   accept, take, transpose, last_block, last_out, last_product;
  logic [6:0]             left, out_left;
  logic [31:0]            block_row;

  assign cmd_ready_o  = state_q == StateIdle;
  assign accept       = cmd_valid_i && cmd_ready_o;
  assign take         = state_q == StateTile && tile_ready_i;
  assign transpose    = transpose_q[product_q];
  assign left         = (left_q > 16'd64) ? 7'd64 : left_q[6:0];
  assign out_left     = (out_left_q > 16'd64) ? 7'd64 : out_left_q[6:0];
  assign last_block   = left_q <= 16'd64;
  assign last_out     = out_left_q <= 16'd64;
  assign last_product = product_q || length_q[31:16] == '0;
  // Block numbers from a row of tiles to the next.
  assign block_row    = {10'd0, block_stride_q, 6'd0};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateIdle;
    end else begin
      case (state_q)
        StateIdle:
        if (cmd_valid_i) state_q <= (cmd_i[commands_pkg::MatrixHeaderLinesLsb+:16] != '0) ? StateHeader : StateEnter;
        StateHeader: if (tile_ready_i) state_q <= StateEnter;
        StateEnter: state_q <= StateTile;
        default: if (take && last_block) state_q <= (last_product && last_out) ? StateIdle : StateEnter;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      header_lines_q <= cmd_i[commands_pkg::MatrixHeaderLinesLsb+:16];
      block_stride_q <= cmd_i[commands_pkg::MatrixBlockStrideLsb+:16];
      transpose_q    <= {cmd_i[commands_pkg::MatrixTranspose1Lsb], cmd_i[commands_pkg::MatrixTranspose0Lsb]};
      format_q       <= {cmd_i[commands_pkg::MatrixFormat1Lsb+:3], cmd_i[commands_pkg::MatrixFormat0Lsb+:3]};
      length_q       <= {cmd_i[commands_pkg::MatrixLength1Lsb+:16], cmd_i[commands_pkg::MatrixLength0Lsb+:16]};
      scale_q        <= {cmd_i[commands_pkg::MatrixScale1Lsb+:32], cmd_i[commands_pkg::MatrixScale0Lsb+:32]};
      rows_q         <= cmd_rows_i;
      outer_q        <= cmd_i[commands_pkg::MatrixOuterLsb+:CountW];
      inner_q        <= cmd_i[commands_pkg::MatrixInnerLsb+:CountW];
      act_base_q     <= {cmd_i[commands_pkg::MatrixA1BaseLsb+:SCRATCH_W],
                         cmd_i[commands_pkg::MatrixA0BaseLsb+:SCRATCH_W]};
      act_outer_q    <= {cmd_i[commands_pkg::MatrixA1OuterLsb+:SCRATCH_W],
                         cmd_i[commands_pkg::MatrixA0OuterLsb+:SCRATCH_W]};
      act_inner_q    <= {cmd_i[commands_pkg::MatrixA1InnerLsb+:SCRATCH_W],
                         cmd_i[commands_pkg::MatrixA0InnerLsb+:SCRATCH_W]};
      out_outer_q    <= cmd_i[commands_pkg::MatrixDOuterLsb+:SCRATCH_W];
      out_inner_q    <= cmd_i[commands_pkg::MatrixDInnerLsb+:SCRATCH_W];
      product_q      <= 1'b0;
      out_left_q     <= cmd_i[commands_pkg::MatrixOutputsLsb+:16];
      out_block_q    <= cmd_i[commands_pkg::MatrixBlockLsb+:32];
      out_base_q     <= cmd_i[commands_pkg::MatrixDBaseLsb+:SCRATCH_W];
    end else if (take && last_block) begin
      product_q <= !last_product;
      if (last_product) begin
        out_left_q  <= out_left_q - 16'd64;
        out_block_q <= out_block_q + (transpose_q[0] ? 32'd1 : block_row);
        out_base_q  <= out_base_q + SCRATCH_W'(BlockWords);
      end
    end
    if (state_q == StateEnter) begin
      left_q  <= length_q[product_q*16+:16];
      block_q <= out_block_q;
      act_q   <= act_base_q[product_q*SCRATCH_W+:SCRATCH_W];
      first_q <= !product_q;
    end else if (take) begin
      left_q  <= left_q - 16'd64;
      block_q <= block_q + (transpose ? block_row : 32'd1);
      act_q   <= act_q + SCRATCH_W'(BlockWords);
      first_q <= 1'b0;
    end
  end

  assign tile_valid_o            = state_q == StateTile || state_q == StateHeader;
  assign tile_header_o           = state_q == StateHeader;
  assign tile_header_lines_o     = header_lines_q;
  assign tile_transpose_o        = transpose;
  assign tile_format_o           = format_q[product_q*3+:3];
  assign tile_lines_o            = transpose ? left : out_left;
  assign tile_block_o            = block_q;
  assign tile_block_stride_o     = block_stride_q;
  assign tile_scale_o            = scale_q[product_q*32+:32];
  assign tile_rows_o             = rows_q;
  assign tile_outer_o            = outer_q;
  assign tile_inner_o            = inner_q;
  assign tile_act_base_o         = act_q;
  assign tile_act_outer_stride_o = act_outer_q[product_q*SCRATCH_W+:SCRATCH_W];
  assign tile_act_inner_stride_o = act_inner_q[product_q*SCRATCH_W+:SCRATCH_W];
  assign tile_values_o           = left;
  assign tile_out_base_o         = out_base_q;
  assign tile_out_outer_stride_o = out_outer_q;
  assign tile_out_inner_stride_o = out_inner_q;
  assign tile_first_o            = first_q;
  assign tile_last_o             = last_product && last_block;
  assign tile_end_o              = last_product && last_block && last_out;

  logic unused_fields;
  assign unused_fields = ^cmd_i;

endmodule : matrix_tiles
