// SPDX-License-Identifier: Apache-2.0
//
// Simulation top of the stream cells, side by side, each with streams of its own.
//
// Why: one build and one run exercise them all at independent paces.

module streams_top #(
  // Bits of a narrow payload.
  parameter int WIDTH = 16,
  // Entries of the FIFO.
  parameter int DEPTH = 3,
  // Entries of the FIFO in block RAM.
  parameter int RAM_DEPTH = 4,
  // Width ratio of the converters.
  parameter int RATIO = 4
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       register_in_valid_i,
  output logic                       register_in_ready_o,
  input  logic [WIDTH-1:0]           register_in_data_i,
  output logic                       register_out_valid_o,
  input  logic                       register_out_ready_i,
  output logic [WIDTH-1:0]           register_out_data_o,

  input  logic                       stage_in_valid_i,
  output logic                       stage_in_ready_o,
  input  logic [WIDTH-1:0]           stage_in_data_i,
  output logic                       stage_out_valid_o,
  input  logic                       stage_out_ready_i,
  output logic [WIDTH-1:0]           stage_out_data_o,

  input  logic                       half_in_valid_i,
  output logic                       half_in_ready_o,
  input  logic [WIDTH-1:0]           half_in_data_i,
  output logic                       half_out_valid_o,
  input  logic                       half_out_ready_i,
  output logic [WIDTH-1:0]           half_out_data_o,

  input  logic                       fifo_in_valid_i,
  output logic                       fifo_in_ready_o,
  input  logic [WIDTH-1:0]           fifo_in_data_i,
  output logic                       fifo_out_valid_o,
  input  logic                       fifo_out_ready_i,
  output logic [WIDTH-1:0]           fifo_out_data_o,
  output logic [$clog2(DEPTH+1)-1:0] fifo_level_o,

  input  logic                       ram_in_valid_i,
  output logic                       ram_in_ready_o,
  input  logic [WIDTH-1:0]           ram_in_data_i,
  output logic                       ram_out_valid_o,
  input  logic                       ram_out_ready_i,
  output logic [WIDTH-1:0]           ram_out_data_o,
  output logic [$clog2(RAM_DEPTH+1)-1:0] ram_level_o,

  input  logic                       widen_in_valid_i,
  output logic                       widen_in_ready_o,
  input  logic [WIDTH-1:0]           widen_in_data_i,
  output logic                       widen_out_valid_o,
  input  logic                       widen_out_ready_i,
  output logic [WIDTH*RATIO-1:0]     widen_out_data_o,

  input  logic                       narrow_in_valid_i,
  output logic                       narrow_in_ready_o,
  input  logic [WIDTH*RATIO-1:0]     narrow_in_data_i,
  output logic                       narrow_out_valid_o,
  input  logic                       narrow_out_ready_i,
  output logic [WIDTH-1:0]           narrow_out_data_o,

  input  logic                       equal_in_valid_i,
  output logic                       equal_in_ready_o,
  input  logic [WIDTH-1:0]           equal_in_data_i,
  output logic                       equal_out_valid_o,
  input  logic                       equal_out_ready_i,
  output logic [WIDTH-1:0]           equal_out_data_o,

  input  logic                       fork_in_valid_i,
  output logic                       fork_in_ready_o,
  input  logic [WIDTH-1:0]           fork_in_data_i,
  output logic                       fork_out0_valid_o,
  input  logic                       fork_out0_ready_i,
  output logic [WIDTH-1:0]           fork_out0_data_o,
  output logic                       fork_out1_valid_o,
  input  logic                       fork_out1_ready_i,
  output logic [WIDTH-1:0]           fork_out1_data_o,
  output logic                       fork_out2_valid_o,
  input  logic                       fork_out2_ready_i,
  output logic [WIDTH-1:0]           fork_out2_data_o
);

  stream_register #(.WIDTH(WIDTH)) u_register (
    .clk_i,
    .rst_ni,
    .in_valid_i (register_in_valid_i),
    .in_ready_o (register_in_ready_o),
    .in_data_i  (register_in_data_i),
    .out_valid_o(register_out_valid_o),
    .out_ready_i(register_out_ready_i),
    .out_data_o (register_out_data_o)
  );

  stream_stage #(.WIDTH(WIDTH)) u_stage (
    .clk_i,
    .rst_ni,
    .in_valid_i (stage_in_valid_i),
    .in_ready_o (stage_in_ready_o),
    .in_data_i  (stage_in_data_i),
    .out_valid_o(stage_out_valid_o),
    .out_ready_i(stage_out_ready_i),
    .out_data_o (stage_out_data_o)
  );

  stream_stage #(.WIDTH(WIDTH), .HALF_RATE(1)) u_half (
    .clk_i,
    .rst_ni,
    .in_valid_i (half_in_valid_i),
    .in_ready_o (half_in_ready_o),
    .in_data_i  (half_in_data_i),
    .out_valid_o(half_out_valid_o),
    .out_ready_i(half_out_ready_i),
    .out_data_o (half_out_data_o)
  );

  stream_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_fifo (
    .clk_i,
    .rst_ni,
    .in_valid_i (fifo_in_valid_i),
    .in_ready_o (fifo_in_ready_o),
    .in_data_i  (fifo_in_data_i),
    .out_valid_o(fifo_out_valid_o),
    .out_ready_i(fifo_out_ready_i),
    .out_data_o (fifo_out_data_o),
    .level_o    (fifo_level_o)
  );

  stream_ram_fifo #(.WIDTH(WIDTH), .DEPTH(RAM_DEPTH)) u_ram (
    .clk_i,
    .rst_ni,
    .in_valid_i (ram_in_valid_i),
    .in_ready_o (ram_in_ready_o),
    .in_data_i  (ram_in_data_i),
    .out_valid_o(ram_out_valid_o),
    .out_ready_i(ram_out_ready_i),
    .out_data_o (ram_out_data_o),
    .level_o    (ram_level_o)
  );

  stream_resize #(.IN_WIDTH(WIDTH), .OUT_WIDTH(WIDTH*RATIO)) u_widen (
    .clk_i,
    .rst_ni,
    .in_valid_i (widen_in_valid_i),
    .in_ready_o (widen_in_ready_o),
    .in_data_i  (widen_in_data_i),
    .out_valid_o(widen_out_valid_o),
    .out_ready_i(widen_out_ready_i),
    .out_data_o (widen_out_data_o)
  );

  stream_resize #(.IN_WIDTH(WIDTH*RATIO), .OUT_WIDTH(WIDTH)) u_narrow (
    .clk_i,
    .rst_ni,
    .in_valid_i (narrow_in_valid_i),
    .in_ready_o (narrow_in_ready_o),
    .in_data_i  (narrow_in_data_i),
    .out_valid_o(narrow_out_valid_o),
    .out_ready_i(narrow_out_ready_i),
    .out_data_o (narrow_out_data_o)
  );

  stream_resize #(.IN_WIDTH(WIDTH), .OUT_WIDTH(WIDTH)) u_equal (
    .clk_i,
    .rst_ni,
    .in_valid_i (equal_in_valid_i),
    .in_ready_o (equal_in_ready_o),
    .in_data_i  (equal_in_data_i),
    .out_valid_o(equal_out_valid_o),
    .out_ready_i(equal_out_ready_i),
    .out_data_o (equal_out_data_o)
  );

  stream_fork #(.OUTPUTS(3)) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i (fork_in_valid_i),
    .in_ready_o (fork_in_ready_o),
    .out_valid_o({fork_out2_valid_o, fork_out1_valid_o, fork_out0_valid_o}),
    .out_ready_i({fork_out2_ready_i, fork_out1_ready_i, fork_out0_ready_i})
  );
  assign fork_out0_data_o = fork_in_data_i;
  assign fork_out1_data_o = fork_in_data_i;
  assign fork_out2_data_o = fork_in_data_i;

endmodule : streams_top
