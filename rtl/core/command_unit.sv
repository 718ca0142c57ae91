// SPDX-License-Identifier: Apache-2.0
//
// Lists of commands from memory to the engines, in the order that semaphores give, and what becomes of a list.
//
// Why: engines see one command after the other, each with its semaphores already taken, and know nothing of lists.
// Latency: doorbell_i to the first address on the bus 8 cycles; from a line's last beat to its engine 7 cycles at least.
// Throughput: one command in 9 cycles, and one in 11 per engine.

module command_unit #(
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W  = 256,
  // Width of a memory address.
  parameter int ADDR_W = 40,
  // Commands that wait per engine.
  parameter int DEPTH  = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Host, see control_registers.
  input  logic              doorbell_i,
  input  logic [63:0]       list_addr_i,
  input  logic [63:0]       mem_limit_i,
  output logic              busy_o,
  output logic              done_o,
  output logic              error_o,
  output logic [7:0]        error_code_o,
  output logic [63:0]       error_command_o,
  output logic [63:0]       error_info_o,
  output logic              nonfinite_o,

  // Reset of the engines, low at every list's end.
  output logic              engine_rst_no,

  // The fetch's read client, in lines of 64 bytes.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-7:0] rcmd_addr_o,
  output logic [31:0]       rcmd_lines_o,
  output logic [ADDR_W-7:0] rcmd_tag_o,
  input  logic              rdata_valid_i,
  output logic              rdata_ready_o,
  input  logic [BUS_W-1:0]  rdata_data_i,

  // Engines, number e in bit e or slice e.
  output logic [commands_pkg::Engines-1:0] cmd_valid_o,
  input  logic [commands_pkg::Engines-1:0] cmd_ready_i,
  output logic [commands_pkg::Engines*512-1:0] cmd_o,
  output logic [commands_pkg::Engines*(ADDR_W-6)-1:0] cmd_tag_o,
  input  logic [commands_pkg::Engines-1:0] bad_i,
  input  logic [commands_pkg::Engines-1:0] done_i,
  // Counters: an engine has a command; it has none because its next one waits for semaphores.
  output logic [commands_pkg::Engines-1:0] busy_engines_o,
  output logic [commands_pkg::Engines-1:0] waiting_engines_o,

  // See list_control.
  input  logic              stream_i,
  input  logic              stream_left_i,
  input  logic              nonfinite_i,
  input  logic              activity_i,
  input  logic              read_range_i,
  input  logic [ADDR_W-1:0] read_range_addr_i,
  input  logic [ADDR_W-7:0] read_range_tag_i,
  input  logic              write_range_i,
  input  logic [ADDR_W-1:0] write_range_addr_i,
  input  logic [ADDR_W-7:0] write_range_tag_i,
  input  logic              read_error_i,
  input  logic [ADDR_W-1:0] read_error_addr_i,
  input  logic [ADDR_W-7:0] read_error_tag_i,
  input  logic              write_error_i,
  input  logic [ADDR_W-1:0] write_error_addr_i,
  input  logic [ADDR_W-7:0] write_error_tag_i,
  // Nothing is under way on the bus.
  input  logic              drained_i,
  output logic              stop_o
);
  localparam int Engines = commands_pkg::Engines;
  localparam int LineW   = ADDR_W - 6;
  localparam int Masks   = commands_pkg::LoadWaitsWidth;

  logic                       start, ended, fetch_bad, overflow, fetch_activity;
  logic [LineW-1:0]           list_line, fetch_bad_line, fetch_line;
  logic [Engines-1:0]         fetch_valid, fetch_ready;
  logic [63:0]                fetch_cmd;
  logic                       fetch_first;
  logic [$clog2(Masks)-1:0]   overflow_number;
  logic [LineW-1:0]           overflow_line;
  logic [Engines-1:0]         take_valid, take_grant, empty, waiting, queue_activity;
  logic [Engines*Masks-1:0]   take_mask, post_mask;
  logic [Engines*LineW-1:0]   issued_line, oldest_line, waiting_line, post_line;

  command_fetch #(
    .BUS_W (BUS_W),
    .ADDR_W(ADDR_W)
  ) u_fetch (
    .clk_i,
    .rst_ni          (engine_rst_no),
    .start_i         (start),
    .line_i          (list_line),
    .mem_limit_i,
    .rcmd_valid_o,
    .rcmd_ready_i,
    .rcmd_addr_o,
    .rcmd_lines_o,
    .rdata_valid_i,
    .rdata_ready_o,
    .rdata_data_i,
    .cmd_valid_o     (fetch_valid),
    .cmd_ready_i     (fetch_ready),
    .cmd_o           (fetch_cmd),
    .cmd_first_o     (fetch_first),
    .cmd_line_o      (fetch_line),
    .ended_o         (ended),
    .bad_o           (fetch_bad),
    .bad_line_o      (fetch_bad_line),
    .activity_o      (fetch_activity)
  );
  assign rcmd_tag_o = rcmd_addr_o;

  for (genvar e = 0; e < Engines; e++) begin : g_engine
    localparam int Bits = (e == 32'(commands_pkg::CommandLoad) - 1) ? commands_pkg::LoadBits :
                          (e == 32'(commands_pkg::CommandMatrix) - 1) ? commands_pkg::MatrixBits :
                          (e == 32'(commands_pkg::CommandVector) - 1) ? commands_pkg::VectorBits :
                          commands_pkg::TransferBits;
    command_queue #(
      .LINE_W(LineW),
      .BITS  (Bits),
      .DEPTH (DEPTH)
    ) u_queue (
      .clk_i,
      .rst_ni        (engine_rst_no),
      .in_valid_i    (fetch_valid[e]),
      .in_ready_o    (fetch_ready[e]),
      .in_word_i     (fetch_cmd),
      .in_first_i    (fetch_first),
      .in_line_i     (fetch_line),
      .take_valid_o  (take_valid[e]),
      .take_mask_o   (take_mask[e*Masks+:Masks]),
      .take_grant_i  (take_grant[e]),
      .post_mask_o   (post_mask[e*Masks+:Masks]),
      .post_line_o   (post_line[e*LineW+:LineW]),
      .cmd_valid_o   (cmd_valid_o[e]),
      .cmd_ready_i   (cmd_ready_i[e]),
      .cmd_o         (cmd_o[e*512+:512]),
      .cmd_tag_o     (cmd_tag_o[e*LineW+:LineW]),
      .done_i        (done_i[e]),
      .issued_line_o (issued_line[e*LineW+:LineW]),
      .busy_o        (busy_engines_o[e]),
      .oldest_line_o (oldest_line[e*LineW+:LineW]),
      .waiting_o     (waiting[e]),
      .waiting_line_o(waiting_line[e*LineW+:LineW]),
      .empty_o       (empty[e]),
      .activity_o    (queue_activity[e])
    );
  end
  assign waiting_engines_o = waiting & ~take_grant & ~busy_engines_o;

  semaphores #(
    .LINE_W(LineW)
  ) u_semaphores (
    .clk_i,
    .rst_ni           (engine_rst_no),
    .take_valid_i     (take_valid),
    .take_mask_i      (take_mask),
    .take_grant_o     (take_grant),
    .post_mask_i      (post_mask),
    .post_line_i      (post_line),
    .overflow_o       (overflow),
    .overflow_number_o(overflow_number),
    .overflow_line_o  (overflow_line)
  );

  list_control #(
    .ADDR_W(ADDR_W)
  ) u_control (
    .clk_i,
    .rst_ni,
    .doorbell_i,
    .list_addr_i,
    .busy_o,
    .done_o,
    .error_o,
    .error_code_o,
    .error_command_o,
    .error_info_o,
    .nonfinite_o,
    .start_o          (start),
    .line_o           (list_line),
    .ended_i          (ended),
    .fetch_bad_i      (fetch_bad),
    .fetch_bad_line_i (fetch_bad_line),
    .empty_i          (empty),
    .busy_i           (busy_engines_o),
    .waiting_i        (waiting),
    .bad_i,
    .issued_line_i    (issued_line),
    .oldest_line_i    (oldest_line),
    .waiting_line_i   (waiting_line),
    .stream_i,
    .stream_left_i,
    .nonfinite_i,
    .overflow_i       (overflow),
    .overflow_number_i(overflow_number),
    .overflow_line_i  (overflow_line),
    .activity_i       (activity_i || fetch_activity || (|queue_activity)),
    .read_range_i,
    .read_range_addr_i,
    .read_range_tag_i,
    .write_range_i,
    .write_range_addr_i,
    .write_range_tag_i,
    .read_error_i,
    .read_error_addr_i,
    .read_error_tag_i,
    .write_error_i,
    .write_error_addr_i,
    .write_error_tag_i,
    .axi_idle_i       (drained_i),
    .stop_o,
    .engine_rst_no
  );

endmodule : command_unit
