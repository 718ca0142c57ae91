// SPDX-License-Identifier: Apache-2.0
//
// The accelerator without its host side: lists of commands from memory, run by five engines around one scratchpad.
//
// Why: loading weights, multiplying, vector work and transfers each go on by themselves; what they share is here: the
// bus, the scratchpad and the counters. The vector engine alone is outside, because two cores can share one.
//
// Latency and throughput: see the engines; doorbell_i to a list's first command in its engine about 30 cycles.

module qlora_core #(
  // Array columns, 1 to 16.
  parameter int COLUMNS      = 8,
  // Activation mantissa width: 25 or 18.
  parameter int ACT_W        = 25,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W        = 256,
  // Width of a scratchpad address: 2^SCRATCH_W words of 8 values, 9 to 16.
  parameter int SCRATCH_W    = 13,
  // Banks of the scratchpad, a power of two, at least 2: so many engines read, and write, at once.
  parameter int SCRATCH_BANKS = 4,
  // Most activation rows of a product, a power of two.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested-absmax table, a power of two, at least 16 and BUS_W / 16.
  parameter int NESTED_DEPTH = 4096,
  // Beats of weights that are loaded ahead of the array, a power of two.
  parameter int FIFO_BEATS   = 512,
  // 1: codes also in T mode, as backward passes need them; 0 saves their transposer and the multipliers of row scales.
  parameter int BACKWARD     = 1,
  // Lanes of the vector engine, 4 or 8.
  parameter int VECTOR_LANES = 8,
  // Width of a memory address, at least 38.
  parameter int ADDR_W       = 40,
  // Width of the AXI ID.
  parameter int ID_W         = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // Host, see control_registers.
  input  logic                doorbell_i,
  input  logic                clear_counters_i,
  input  logic [63:0]         list_addr_i,
  input  logic [63:0]         mem_base_i,
  input  logic [63:0]         mem_limit_i,
  output logic                busy_o,
  output logic                done_o,
  output logic                error_o,
  output logic [7:0]          error_code_o,
  output logic [63:0]         error_command_o,
  output logic [63:0]         error_info_o,
  output logic                nonfinite_o,
  output logic [registers_pkg::CounterCount*64-1:0] counters_o,

  // The vector engine, which two cores may share: its reset, its commands, and its ports to the scratchpad.
  output logic                 vector_rst_no,
  output logic                 vector_cmd_valid_o,
  input  logic                 vector_cmd_ready_i,
  output logic [511:0]         vector_cmd_o,
  input  logic                 vector_bad_i,
  input  logic                 vector_done_i,
  // A command waits for the other core's; the other's watchdog sees to it that this ends.
  input  logic                 vector_wait_i,
  input  logic [1:0]           vector_req_valid_i,  // A, B
  output logic [1:0]           vector_req_ready_o,
  input  logic [2*SCRATCH_W-1:0] vector_req_addr_i,
  output logic [1:0]           vector_rsp_valid_o,
  output logic [2*vector_pkg::Lanes*32-1:0] vector_rsp_data_o,
  input  logic                 vector_w_valid_i,
  output logic                 vector_w_ready_o,
  input  logic [SCRATCH_W-1:0] vector_w_addr_i,
  input  logic [vector_pkg::Lanes*32-1:0] vector_w_data_i,
  input  logic [vector_pkg::Lanes-1:0]    vector_w_strobe_i,

  // Memory.
  output logic [ID_W-1:0]     m_axi_awid,
  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic                m_axi_awlock,
  output logic [3:0]          m_axi_awcache,
  output logic [2:0]          m_axi_awprot,
  output logic [3:0]          m_axi_awqos,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [BUS_W-1:0]    m_axi_wdata,
  output logic [BUS_W/8-1:0]  m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  input  logic [ID_W-1:0]     m_axi_bid,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready,
  output logic [ID_W-1:0]     m_axi_arid,
  output logic [ADDR_W-1:0]   m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic [2:0]          m_axi_arsize,
  output logic [1:0]          m_axi_arburst,
  output logic                m_axi_arlock,
  output logic [3:0]          m_axi_arcache,
  output logic [2:0]          m_axi_arprot,
  output logic [3:0]          m_axi_arqos,
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [ID_W-1:0]     m_axi_rid,
  input  logic [BUS_W-1:0]    m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready
);

  // Engines in the order of their commands.
  localparam int Engines = commands_pkg::Engines;
  localparam int Load    = 32'(commands_pkg::CommandLoad) - 1;
  localparam int Matrix  = 32'(commands_pkg::CommandMatrix) - 1;
  localparam int Vector  = 32'(commands_pkg::CommandVector) - 1;
  localparam int Read    = 32'(commands_pkg::CommandRead) - 1;
  localparam int Write   = 32'(commands_pkg::CommandWrite) - 1;
  localparam int LineW   = ADDR_W - 6;

  // Read clients, the first before the others: each is short beside what follows it.
  localparam int FetchClient = 0;
  localparam int ReadClient  = 1;
  localparam int LoadClient  = 2;
  localparam int Clients     = 3;
  localparam int ReadBeats   = 64;
  localparam logic [Clients*16-1:0] Credits = {16'(FIFO_BEATS), 16'(ReadBeats), 16'd0};
  // Bursts as long as a 4 KB page and the protocol allow.
  localparam int MaxBurst = (4096 * 8 / BUS_W > 256) ? 256 : 4096 * 8 / BUS_W;

  // Scratchpad ports.
  localparam int ReadMatrix  = 0;
  localparam int ReadVectorA = 1;  // and B
  localparam int ReadWriter  = 3;
  localparam int Readers     = 4;
  localparam int WriteMatrix = 0;
  localparam int WriteVector = 1;
  localparam int WriteReader = 2;
  localparam int Writers     = 3;
  localparam int Lanes       = vector_pkg::Lanes;
  localparam int WordW       = Lanes * 32;

  logic                       engine_rst_n, stop, drained, drained_q;
  logic [Engines-1:0]         cmd_valid, cmd_ready, bad, done, busy_engines, waiting_engines;
  logic [Engines*512-1:0]     cmd;
  logic [Engines*LineW-1:0]   cmd_tag;

  logic [Clients-1:0]         rcmd_valid, rcmd_ready, rcmd_last, credit_return, credit_wait, rdata_valid, rdata_ready;
  logic [Clients*LineW-1:0]   rcmd_addr, rcmd_stride, rcmd_tag;
  logic [Clients*32-1:0]      rcmd_lines;
  logic [Clients*16-1:0]      rcmd_rows;
  logic [BUS_W-1:0]           rdata;
  logic                       rdata_last;
  logic                       wcmd_valid, wcmd_ready, wdata_valid, wdata_ready, writes_pending;
  logic [LineW-1:0]           wcmd_addr, wcmd_stride, wcmd_tag;
  logic [31:0]                wcmd_lines;
  logic [15:0]                wcmd_rows;
  logic [BUS_W-1:0]           wdata;
  logic                       read_range, write_range, read_error, write_error, rbeat, wbeat;
  logic [ADDR_W-1:0]          read_range_addr, write_range_addr, read_error_addr, write_error_addr;
  logic [LineW-1:0]           read_range_tag, write_range_tag, read_error_tag, write_error_tag;

  logic                       wgt_valid, wgt_ready, wgt_last;
  logic [BUS_W-1:0]           wgt_data;
  logic                       unused_idle;  // busy_engines tells the same
  logic                       stream_error, nonfinite, mac_vector, mac_active, weight_stall, act_stall;

  logic [Readers-1:0]         read_valid, read_ready, answer_valid;
  logic [Readers*SCRATCH_W-1:0] read_addr;
  logic [Readers*WordW-1:0]   answer_data;
  logic [Writers-1:0]         write_valid, write_ready;
  logic [Writers*SCRATCH_W-1:0] write_addr;
  logic [Writers*WordW-1:0]   write_data;
  logic [Writers*Lanes-1:0]   write_strobe;

  // Words of the scratchpad, beats of weights, and vectors of the array: a tile may keep it busy for thousands of cycles
  // with all its weights and activations there. So may another core the vector engine.
  logic activity;
  assign activity = (|(read_valid & read_ready)) || (|(write_valid & write_ready)) || (wgt_valid && wgt_ready) ||
                    mac_vector || vector_wait_i;

  command_unit #(
    .BUS_W (BUS_W),
    .ADDR_W(ADDR_W)
  ) u_commands (
    .clk_i,
    .rst_ni,
    .doorbell_i,
    .list_addr_i,
    .mem_limit_i,
    .busy_o,
    .done_o,
    .error_o,
    .error_code_o,
    .error_command_o,
    .error_info_o,
    .nonfinite_o,
    .engine_rst_no     (engine_rst_n),
    .rcmd_valid_o      (rcmd_valid[FetchClient]),
    .rcmd_ready_i      (rcmd_ready[FetchClient]),
    .rcmd_addr_o       (rcmd_addr[FetchClient*LineW+:LineW]),
    .rcmd_lines_o      (rcmd_lines[FetchClient*32+:32]),
    .rcmd_tag_o        (rcmd_tag[FetchClient*LineW+:LineW]),
    .rdata_valid_i     (rdata_valid[FetchClient]),
    .rdata_ready_o     (rdata_ready[FetchClient]),
    .rdata_data_i      (rdata),
    .cmd_valid_o       (cmd_valid),
    .cmd_ready_i       (cmd_ready),
    .cmd_o             (cmd),
    .cmd_tag_o         (cmd_tag),
    .bad_i             (bad),
    .done_i            (done),
    .busy_engines_o    (busy_engines),
    .waiting_engines_o (waiting_engines),
    .stream_i          (stream_error),
    .stream_left_i     (wgt_valid),
    .nonfinite_i       (nonfinite),
    .activity_i        (activity),
    .read_range_i      (read_range),
    .read_range_addr_i (read_range_addr),
    .read_range_tag_i  (read_range_tag),
    .write_range_i     (write_range),
    .write_range_addr_i(write_range_addr),
    .write_range_tag_i (write_range_tag),
    .read_error_i      (read_error),
    .read_error_addr_i (read_error_addr),
    .read_error_tag_i  (read_error_tag),
    .write_error_i     (write_error),
    .write_error_addr_i(write_error_addr),
    .write_error_tag_i (write_error_tag),
    .drained_i         (drained_q),
    .stop_o            (stop)
  );
  // The fetch asks for one row at a time.
  assign rcmd_rows[FetchClient*16+:16]         = 16'd1;
  assign rcmd_stride[FetchClient*LineW+:LineW] = '0;
  assign rcmd_last[FetchClient]                = 1'b0;
  assign credit_return[FetchClient]            = 1'b0;

  // ---------------------------------------------------------------------------------------------
  // Bus
  // ---------------------------------------------------------------------------------------------
  // A window that begins behind the bus's addresses is empty, one that ends behind them ends with them.
  // Both stay from the doorbell on.
  logic [ADDR_W:0]   window_limit_q;
  logic [ADDR_W-1:0] window_base_q;
  always_ff @(posedge clk_i) begin
    window_limit_q <= (mem_base_i[63:ADDR_W] != '0) ? '0 :
                      (mem_limit_i[63:ADDR_W] != '0) ? {1'b1, ADDR_W'(0)} : mem_limit_i[ADDR_W:0];
    window_base_q  <= mem_base_i[ADDR_W-1:0];
  end

  always_ff @(posedge clk_i) drained_q <= rst_ni && drained;

  axi_master #(
    .ADDR_W   (ADDR_W),
    .DATA_W   (BUS_W),
    .ID_W     (ID_W),
    .CLIENTS  (Clients),
    .CREDITS  (Credits),
    .MAX_BURST(MaxBurst)
  ) u_bus (
    .clk_i,
    .rst_ni,
    .rcmd_valid_i     (rcmd_valid),
    .rcmd_ready_o     (rcmd_ready),
    .rcmd_addr_i      (rcmd_addr),
    .rcmd_lines_i     (rcmd_lines),
    .rcmd_rows_i      (rcmd_rows),
    .rcmd_stride_i    (rcmd_stride),
    .rcmd_last_i      (rcmd_last),
    .rcmd_tag_i       (rcmd_tag),
    .credit_return_i  (credit_return),
    .credit_wait_o    (credit_wait),
    .rdata_valid_o    (rdata_valid),
    .rdata_ready_i    (rdata_ready),
    .rdata_data_o     (rdata),
    .rdata_last_o     (rdata_last),
    .wcmd_valid_i     (wcmd_valid),
    .wcmd_ready_o     (wcmd_ready),
    .wcmd_addr_i      (wcmd_addr),
    .wcmd_lines_i     (wcmd_lines),
    .wcmd_rows_i      (wcmd_rows),
    .wcmd_stride_i    (wcmd_stride),
    .wcmd_tag_i       (wcmd_tag),
    .wdata_valid_i    (wdata_valid),
    .wdata_ready_o    (wdata_ready),
    .wdata_data_i     (wdata),
    .writes_pending_o (writes_pending),
    .window_base_i    (window_base_q),
    .window_limit_i   (window_limit_q),
    .stop_i           (stop),
    .drained_o        (drained),
    .read_range_o     (read_range),
    .read_range_addr_o(read_range_addr),
    .read_range_tag_o (read_range_tag),
    .write_range_o    (write_range),
    .write_range_addr_o(write_range_addr),
    .write_range_tag_o(write_range_tag),
    .read_error_o     (read_error),
    .read_error_addr_o(read_error_addr),
    .read_error_tag_o (read_error_tag),
    .write_error_o    (write_error),
    .write_error_addr_o(write_error_addr),
    .write_error_tag_o(write_error_tag),
    .rbeat_o          (rbeat),
    .wbeat_o          (wbeat),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
    .m_axi_awlock,
    .m_axi_awcache,
    .m_axi_awprot,
    .m_axi_awqos,
    .m_axi_awvalid,
    .m_axi_awready,
    .m_axi_wdata,
    .m_axi_wstrb,
    .m_axi_wlast,
    .m_axi_wvalid,
    .m_axi_wready,
    .m_axi_bid,
    .m_axi_bresp,
    .m_axi_bvalid,
    .m_axi_bready,
    .m_axi_arid,
    .m_axi_araddr,
    .m_axi_arlen,
    .m_axi_arsize,
    .m_axi_arburst,
    .m_axi_arlock,
    .m_axi_arcache,
    .m_axi_arprot,
    .m_axi_arqos,
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  // ---------------------------------------------------------------------------------------------
  // Engines
  // ---------------------------------------------------------------------------------------------
  load_engine #(
    .ADDR_W    (ADDR_W),
    .BUS_W     (BUS_W),
    .FIFO_BEATS(FIFO_BEATS)
  ) u_load (
    .clk_i,
    .rst_ni         (engine_rst_n),
    .cmd_valid_i    (cmd_valid[Load]),
    .cmd_ready_o    (cmd_ready[Load]),
    .cmd_i          (cmd[Load*512+:512]),
    .cmd_tag_i      (cmd_tag[Load*LineW+:LineW]),
    .bad_o          (bad[Load]),
    .done_o         (done[Load]),
    .rcmd_valid_o   (rcmd_valid[LoadClient]),
    .rcmd_ready_i   (rcmd_ready[LoadClient]),
    .rcmd_addr_o    (rcmd_addr[LoadClient*LineW+:LineW]),
    .rcmd_lines_o   (rcmd_lines[LoadClient*32+:32]),
    .rcmd_rows_o    (rcmd_rows[LoadClient*16+:16]),
    .rcmd_stride_o  (rcmd_stride[LoadClient*LineW+:LineW]),
    .rcmd_last_o    (rcmd_last[LoadClient]),
    .rcmd_tag_o     (rcmd_tag[LoadClient*LineW+:LineW]),
    .rdata_valid_i  (rdata_valid[LoadClient]),
    .rdata_ready_o  (rdata_ready[LoadClient]),
    .rdata_data_i   (rdata),
    .rdata_last_i   (rdata_last),
    .credit_return_o(credit_return[LoadClient]),
    .wgt_valid_o    (wgt_valid),
    .wgt_ready_i    (wgt_ready),
    .wgt_data_o     (wgt_data),
    .wgt_last_o     (wgt_last)
  );

  matrix_engine #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH),
    .SCRATCH_W   (SCRATCH_W),
    .BACKWARD    (BACKWARD)
  ) u_matrix (
    .clk_i,
    .rst_ni          (engine_rst_n),
    .cmd_valid_i     (cmd_valid[Matrix]),
    .cmd_ready_o     (cmd_ready[Matrix]),
    .cmd_i           (cmd[Matrix*512+:512]),
    .bad_o           (bad[Matrix]),
    .done_o          (done[Matrix]),
    .done_nonfinite_o(nonfinite),
    .stream_error_o  (stream_error),
    .idle_o          (unused_idle),
    .wgt_valid_i     (wgt_valid),
    .wgt_ready_o     (wgt_ready),
    .wgt_data_i      (wgt_data),
    .wgt_last_i      (wgt_last),
    .req_valid_o     (read_valid[ReadMatrix]),
    .req_ready_i     (read_ready[ReadMatrix]),
    .req_addr_o      (read_addr[ReadMatrix*SCRATCH_W+:SCRATCH_W]),
    .rsp_valid_i     (answer_valid[ReadMatrix]),
    .rsp_data_i      (answer_data[ReadMatrix*WordW+:WordW]),
    .w_valid_o       (write_valid[WriteMatrix]),
    .w_ready_i       (write_ready[WriteMatrix]),
    .w_addr_o        (write_addr[WriteMatrix*SCRATCH_W+:SCRATCH_W]),
    .w_data_o        (write_data[WriteMatrix*WordW+:WordW]),
    .mac_vector_o    (mac_vector),
    .mac_active_o    (mac_active),
    .weight_stall_o  (weight_stall),
    .act_stall_o     (act_stall)
  );
  assign write_strobe[WriteMatrix*Lanes+:Lanes] = '1;

  // Operands A and B are neighbours among the readers.
  assign vector_rst_no      = engine_rst_n;
  assign vector_cmd_valid_o = cmd_valid[Vector];
  assign vector_cmd_o       = cmd[Vector*512+:512];
  assign cmd_ready[Vector]  = vector_cmd_ready_i;
  assign bad[Vector]        = vector_bad_i;
  assign done[Vector]       = vector_done_i;
  assign read_valid[ReadVectorA+:2] = vector_req_valid_i;
  assign read_addr[ReadVectorA*SCRATCH_W+:2*SCRATCH_W] = vector_req_addr_i;
  assign vector_req_ready_o = read_ready[ReadVectorA+:2];
  assign vector_rsp_valid_o = answer_valid[ReadVectorA+:2];
  assign vector_rsp_data_o  = answer_data[ReadVectorA*WordW+:2*WordW];
  assign write_valid[WriteVector] = vector_w_valid_i;
  assign vector_w_ready_o         = write_ready[WriteVector];
  assign write_addr[WriteVector*SCRATCH_W+:SCRATCH_W] = vector_w_addr_i;
  assign write_data[WriteVector*WordW+:WordW]         = vector_w_data_i;
  assign write_strobe[WriteVector*Lanes+:Lanes]       = vector_w_strobe_i;

  read_engine #(
    .ADDR_W    (ADDR_W),
    .BUS_W     (BUS_W),
    .SCRATCH_W (SCRATCH_W),
    .FIFO_BEATS(ReadBeats)
  ) u_read (
    .clk_i,
    .rst_ni         (engine_rst_n),
    .cmd_valid_i    (cmd_valid[Read]),
    .cmd_ready_o    (cmd_ready[Read]),
    .cmd_i          (cmd[Read*512+:512]),
    .cmd_tag_i      (cmd_tag[Read*LineW+:LineW]),
    .bad_o          (bad[Read]),
    .done_o         (done[Read]),
    .rcmd_valid_o   (rcmd_valid[ReadClient]),
    .rcmd_ready_i   (rcmd_ready[ReadClient]),
    .rcmd_addr_o    (rcmd_addr[ReadClient*LineW+:LineW]),
    .rcmd_lines_o   (rcmd_lines[ReadClient*32+:32]),
    .rcmd_rows_o    (rcmd_rows[ReadClient*16+:16]),
    .rcmd_stride_o  (rcmd_stride[ReadClient*LineW+:LineW]),
    .rcmd_tag_o     (rcmd_tag[ReadClient*LineW+:LineW]),
    .rdata_valid_i  (rdata_valid[ReadClient]),
    .rdata_ready_o  (rdata_ready[ReadClient]),
    .rdata_data_i   (rdata),
    .credit_return_o(credit_return[ReadClient]),
    .write_valid_o  (write_valid[WriteReader]),
    .write_ready_i  (write_ready[WriteReader]),
    .write_addr_o   (write_addr[WriteReader*SCRATCH_W+:SCRATCH_W]),
    .write_data_o   (write_data[WriteReader*WordW+:WordW])
  );
  assign rcmd_last[ReadClient]                  = 1'b0;
  assign write_strobe[WriteReader*Lanes+:Lanes] = '1;

  write_engine #(
    .ADDR_W   (ADDR_W),
    .BUS_W    (BUS_W),
    .SCRATCH_W(SCRATCH_W)
  ) u_write (
    .clk_i,
    .rst_ni          (engine_rst_n),
    .cmd_valid_i     (cmd_valid[Write]),
    .cmd_ready_o     (cmd_ready[Write]),
    .cmd_i           (cmd[Write*512+:512]),
    .cmd_tag_i       (cmd_tag[Write*LineW+:LineW]),
    .bad_o           (bad[Write]),
    .done_o          (done[Write]),
    .read_valid_o    (read_valid[ReadWriter]),
    .read_ready_i    (read_ready[ReadWriter]),
    .read_addr_o     (read_addr[ReadWriter*SCRATCH_W+:SCRATCH_W]),
    .answer_valid_i  (answer_valid[ReadWriter]),
    .answer_data_i   (answer_data[ReadWriter*WordW+:WordW]),
    .wcmd_valid_o    (wcmd_valid),
    .wcmd_ready_i    (wcmd_ready),
    .wcmd_addr_o     (wcmd_addr),
    .wcmd_lines_o    (wcmd_lines),
    .wcmd_rows_o     (wcmd_rows),
    .wcmd_stride_o   (wcmd_stride),
    .wcmd_tag_o      (wcmd_tag),
    .wdata_valid_o   (wdata_valid),
    .wdata_ready_i   (wdata_ready),
    .wdata_data_o    (wdata),
    .writes_pending_i(writes_pending)
  );

  // The vector engine needs two cycles for a word if its lanes are half of one, as READ does if the bus is; the array, which
  // has pauses too, more than two.
  scratchpad #(
    .ADDR_W   (SCRATCH_W),
    .LANES    (Lanes),
    .BANKS    (SCRATCH_BANKS),
    .READERS  (Readers),
    .WRITERS  (Writers),
    .HALF_RATE((VECTOR_LANES < Lanes ? Writers'(1) << WriteVector : Writers'(0)) |
               (BUS_W < Lanes * 32 ? Writers'(1) << WriteReader : Writers'(0)) |
               (2 * COLUMNS < Lanes ? Writers'(1) << WriteMatrix : Writers'(0)))
  ) u_scratchpad (
    .clk_i,
    .rst_ni        (engine_rst_n),
    .read_valid_i  (read_valid),
    .read_ready_o  (read_ready),
    .read_addr_i   (read_addr),
    .answer_valid_o(answer_valid),
    .answer_data_o (answer_data),
    .write_valid_i (write_valid),
    .write_ready_o (write_ready),
    .write_addr_i  (write_addr),
    .write_data_i  (write_data),
    .write_strobe_i(write_strobe)
  );

  // ---------------------------------------------------------------------------------------------
  // Counters
  // ---------------------------------------------------------------------------------------------
  logic [registers_pkg::CounterCount-1:0] events;
  assign events[registers_pkg::CounterCyclesBusy]  = busy_o;
  assign events[registers_pkg::CounterMacVectors]  = mac_vector;
  assign events[registers_pkg::CounterMacSlots]    = mac_active;
  assign events[registers_pkg::CounterReadBeats]   = rbeat;
  assign events[registers_pkg::CounterWriteBeats]  = wbeat;
  assign events[registers_pkg::CounterWeightStall] = weight_stall;
  assign events[registers_pkg::CounterActStall]    = act_stall;
  assign events[registers_pkg::CounterLoadBusy]    = busy_engines[Load];
  assign events[registers_pkg::CounterLoadWait]    = waiting_engines[Load];
  assign events[registers_pkg::CounterMatrixBusy]  = busy_engines[Matrix];
  assign events[registers_pkg::CounterMatrixWait]  = waiting_engines[Matrix];
  assign events[registers_pkg::CounterVectorBusy]  = busy_engines[Vector];
  assign events[registers_pkg::CounterVectorWait]  = waiting_engines[Vector];
  assign events[registers_pkg::CounterReadBusy]    = busy_engines[Read];
  assign events[registers_pkg::CounterReadWait]    = waiting_engines[Read];
  assign events[registers_pkg::CounterWriteBusy]   = busy_engines[Write];
  assign events[registers_pkg::CounterWriteWait]   = waiting_engines[Write];
  assign events[registers_pkg::CounterLoadFull]    = credit_wait[LoadClient];

  event_counters #(
    .COUNT(registers_pkg::CounterCount)
  ) u_counters (
    .clk_i,
    .rst_ni,
    .clear_i(clear_counters_i),
    .event_i(events),
    .count_o(counters_o)
  );

  // Only loading can be held up by a full buffer, and only engines with accesses need their command's address.
  logic unused;
  assign unused = ^{credit_wait[LoadClient-1:0], cmd_tag[Matrix*LineW+:2*LineW]};

endmodule : qlora_core
