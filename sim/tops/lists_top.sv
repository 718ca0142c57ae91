// SPDX-License-Identifier: Apache-2.0
//
// The control side of the core as it is put together in the core, with engines and AXI masters outside, for tests only.
//
// Why: a test that plays engines and masters itself can make every order of events and every error, and knows what each list
// must lead to.
//
// Latency and throughput are those of the modules.

module lists_top #(
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W      = 64,
  // Width of a memory address.
  parameter int ADDR_W     = 40,
  // Lines per request of the fetch.
  parameter int READ_AHEAD = 8,
  // Cycles without access and without activity that make a deadlock.
  parameter int WATCHDOG   = 200,
  // Commands that wait in each queue, and those in flight.
  parameter int DEPTH      = 4,
  parameter int IN_FLIGHT  = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Host.
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

  // Read client of the fetch.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-7:0] rcmd_addr_o,
  output logic [31:0]       rcmd_lines_o,
  input  logic              rdata_valid_i,
  output logic              rdata_ready_o,
  input  logic [BUS_W-1:0]  rdata_data_i,

  // Engines.
  output logic [commands_pkg::Engines-1:0] cmd_valid_o,
  input  logic [commands_pkg::Engines-1:0] cmd_ready_i,
  output logic [commands_pkg::Engines*512-1:0] cmd_o,
  output logic [commands_pkg::Engines*(ADDR_W-6)-1:0] cmd_tag_o,
  input  logic [commands_pkg::Engines-1:0] bad_i,
  input  logic [commands_pkg::Engines-1:0] done_i,
  input  logic              stream_i,
  input  logic              stream_left_i,
  input  logic              nonfinite_i,
  input  logic              activity_i,
  output logic              engine_rst_no,
  // What the counters see.
  output logic [commands_pkg::Engines-1:0] in_engine_o,
  output logic [commands_pkg::Engines-1:0] waiting_o,
  // What tests see of the queues, a bit of each, from the lowest: a word comes; a word finds no room; waiting_o.
  output logic [3*commands_pkg::Engines-1:0] queues_o,

  // AXI masters.
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
  input  logic              axi_idle_i,
  output logic              stop_o
);

  localparam int Engines = commands_pkg::Engines;
  localparam int LineW   = ADDR_W - 6;
  localparam int Count   = commands_pkg::LoadWaitsWidth;

  logic                     start, ended, fetch_bad, fetch_activity, overflow;
  logic [LineW-1:0]         start_line, fetch_bad_line, line, overflow_line;
  logic [$clog2(Count)-1:0] overflow_number;
  logic [63:0]              cmd;
  logic                     first;
  logic [Engines-1:0]       queue_valid, queue_ready, take_valid, take_grant, empty, activity;
  logic [Engines*Count-1:0] take_mask, post_mask;
  logic [Engines*LineW-1:0] post_line, issued_line, oldest_line, waiting_line;

  assign queues_o = {waiting_o, queue_valid & ~queue_ready, queue_valid & queue_ready};

  command_fetch #(
    .BUS_W     (BUS_W),
    .ADDR_W    (ADDR_W),
    .READ_AHEAD(READ_AHEAD)
  ) u_fetch (
    .clk_i,
    .rst_ni       (engine_rst_no),
    .start_i      (start),
    .line_i       (start_line),
    .mem_limit_i,
    .rcmd_valid_o,
    .rcmd_ready_i,
    .rcmd_addr_o,
    .rcmd_lines_o,
    .rdata_valid_i,
    .rdata_ready_o,
    .rdata_data_i,
    .cmd_valid_o  (queue_valid),
    .cmd_ready_i  (queue_ready),
    .cmd_o        (cmd),
    .cmd_first_o  (first),
    .cmd_line_o   (line),
    .ended_o      (ended),
    .bad_o        (fetch_bad),
    .bad_line_o   (fetch_bad_line),
    .activity_o   (fetch_activity)
  );

  for (genvar e = 0; e < Engines; e++) begin : g_engine
    localparam int Bits = (e + 1 == 32'(commands_pkg::CommandLoad))   ? commands_pkg::LoadBits :
                          (e + 1 == 32'(commands_pkg::CommandMatrix)) ? commands_pkg::MatrixBits :
                          (e + 1 == 32'(commands_pkg::CommandVector)) ? commands_pkg::VectorBits :
                                                                        commands_pkg::TransferBits;
    command_queue #(
      .LINE_W   (LineW),
      .BITS     (Bits),
      .DEPTH    (DEPTH),
      .IN_FLIGHT(IN_FLIGHT)
    ) u_queue (
      .clk_i,
      .rst_ni        (engine_rst_no),
      .in_valid_i    (queue_valid[e]),
      .in_ready_o    (queue_ready[e]),
      .in_word_i     (cmd),
      .in_first_i    (first),
      .in_line_i     (line),
      .take_valid_o  (take_valid[e]),
      .take_mask_o   (take_mask[e*Count+:Count]),
      .take_grant_i  (take_grant[e]),
      .post_mask_o   (post_mask[e*Count+:Count]),
      .post_line_o   (post_line[e*LineW+:LineW]),
      .cmd_valid_o   (cmd_valid_o[e]),
      .cmd_ready_i   (cmd_ready_i[e]),
      .cmd_o         (cmd_o[e*512+:512]),
      .cmd_tag_o     (cmd_tag_o[e*LineW+:LineW]),
      .done_i        (done_i[e]),
      .issued_line_o (issued_line[e*LineW+:LineW]),
      .busy_o        (in_engine_o[e]),
      .oldest_line_o (oldest_line[e*LineW+:LineW]),
      .waiting_o     (waiting_o[e]),
      .waiting_line_o(waiting_line[e*LineW+:LineW]),
      .empty_o       (empty[e]),
      .activity_o    (activity[e])
    );
  end

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
    .ADDR_W  (ADDR_W),
    .WATCHDOG(WATCHDOG)
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
    .start_o           (start),
    .line_o            (start_line),
    .ended_i           (ended),
    .fetch_bad_i       (fetch_bad),
    .fetch_bad_line_i  (fetch_bad_line),
    .empty_i           (empty),
    .busy_i            (in_engine_o),
    .waiting_i         (waiting_o),
    .bad_i,
    .issued_line_i     (issued_line),
    .oldest_line_i     (oldest_line),
    .waiting_line_i    (waiting_line),
    .stream_i,
    .stream_left_i,
    .nonfinite_i,
    .overflow_i        (overflow),
    .overflow_number_i (overflow_number),
    .overflow_line_i   (overflow_line),
    .activity_i        (activity_i || fetch_activity || activity != '0),
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
    .axi_idle_i,
    .stop_o,
    .engine_rst_no
  );

endmodule : lists_top
