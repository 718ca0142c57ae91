// SPDX-License-Identifier: Apache-2.0
//
// The matrix engine with a scratchpad, for the tests of systolic.
//
// The test writes activations through a port of its own and sees the engine's writes. It may hold the engine's requests,
// and let three rivals loose on the scratchpad: two that read and one that writes, each walking along the words, one per
// cycle, as the vector engine does. The rival's writes change nothing.

module matrix_engine_top #(
  parameter int COLUMNS      = 2,
  parameter int ACT_W        = 25,
  parameter int BUS_W        = 64,
  parameter int MAX_ROWS     = 16,
  parameter int NESTED_DEPTH = 256,
  parameter int SCRATCH_W    = 12
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 cmd_valid_i,
  output logic                 cmd_ready_o,
  input  logic [511:0]         cmd_data_i,
  output logic                 bad_o,
  output logic                 done_o,
  output logic                 done_nonfinite_o,
  output logic                 stream_error_o,
  output logic                 idle_o,

  input  logic                 wgt_valid_i,
  output logic                 wgt_ready_o,
  input  logic [BUS_W-1:0]     wgt_data_i,
  input  logic                 wgt_last_i,

  // Words for the scratchpad.
  input  logic                 host_valid_i,
  output logic                 host_ready_o,
  input  logic [SCRATCH_W-1:0] host_addr_i,
  input  logic [255:0]         host_data_i,

  // What the engine does with the scratchpad.
  output logic                 req_valid_o,
  output logic                 w_valid_o,
  output logic                 w_ready_o,
  output logic [SCRATCH_W-1:0] w_addr_o,
  output logic [255:0]         w_data_o,

  input  logic                 read_hold_i,
  input  logic                 write_hold_i,
  input  logic                 rivals_i,

  output logic                 mac_vector_o,
  output logic                 mac_active_o,
  output logic                 weight_stall_o,
  output logic                 act_stall_o
);

  localparam int Readers = 3;
  localparam int Writers = 3;

  logic [SCRATCH_W-1:0]         req_addr;
  logic                         req_ready;
  logic [Readers-1:0]           read_valid, read_ready, answer_valid;
  logic [Readers*SCRATCH_W-1:0] read_addr;
  logic [Readers*256-1:0]       answer_data;
  logic [Writers-1:0]           write_valid, write_ready;
  logic [Writers*SCRATCH_W-1:0] write_addr;
  // Next word of the two readers and of the writer.
  logic [SCRATCH_W-1:0]         rival_q, rival_q2, rival_q3;

  assign read_valid   = {rivals_i, rivals_i, req_valid_o && !read_hold_i};
  assign read_addr    = {rival_q2, rival_q, req_addr};
  assign req_ready    = read_ready[0] && !read_hold_i;
  assign write_valid  = {rivals_i, host_valid_i, w_valid_o && !write_hold_i};
  assign write_addr   = {rival_q3, host_addr_i, w_addr_o};
  assign w_ready_o    = write_ready[0] && !write_hold_i;
  assign host_ready_o = write_ready[1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rival_q  <= '0;
      rival_q2 <= '0;
      rival_q3 <= '0;
    end else begin
      if (rivals_i && read_ready[1]) rival_q <= rival_q + SCRATCH_W'(1);
      if (rivals_i && read_ready[2]) rival_q2 <= rival_q2 + SCRATCH_W'(1);
      if (rivals_i && write_ready[2]) rival_q3 <= rival_q3 + SCRATCH_W'(1);
    end
  end

  scratchpad #(
    .ADDR_W (SCRATCH_W),
    .READERS(Readers),
    .WRITERS(Writers)
  ) u_scratchpad (
    .clk_i,
    .rst_ni,
    .read_valid_i  (read_valid),
    .read_ready_o  (read_ready),
    .read_addr_i   (read_addr),
    .answer_valid_o(answer_valid),
    .answer_data_o (answer_data),
    .write_valid_i (write_valid),
    .write_ready_o (write_ready),
    .write_addr_i  (write_addr),
    .write_data_i  ({256'd0, host_data_i, w_data_o}),
    .write_strobe_i({8'h00, 8'hFF, 8'hFF})
  );

  matrix_engine #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .SCRATCH_W   (SCRATCH_W)
  ) u_engine (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_i      (cmd_data_i),
    .bad_o,
    .done_o,
    .done_nonfinite_o,
    .stream_error_o,
    .idle_o,
    .wgt_valid_i,
    .wgt_ready_o,
    .wgt_data_i,
    .wgt_last_i,
    .req_valid_o,
    .req_ready_i(req_ready),
    .req_addr_o (req_addr),
    .rsp_valid_i(answer_valid[0]),
    .rsp_data_i (answer_data[255:0]),
    .w_valid_o,
    .w_ready_i  (w_ready_o),
    .w_addr_o,
    .w_data_o,
    .mac_vector_o,
    .mac_active_o,
    .weight_stall_o,
    .act_stall_o
  );

  // A request that waits stays as it is. Nothing holds before the first reset.
  logic                 waits_q, was_reset_q;
  logic [SCRATCH_W-1:0] addr_q;
  initial was_reset_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_reset_q <= 1'b1;
    waits_q <= rst_ni && req_valid_o && !req_ready;
    addr_q  <= req_addr;
    if (was_reset_q && rst_ni && waits_q) assert (req_valid_o && req_addr == addr_q);
  end

  logic unused_answers;
  assign unused_answers = ^{answer_valid[Readers-1:1], answer_data[Readers*256-1:256]};

endmodule : matrix_engine_top
