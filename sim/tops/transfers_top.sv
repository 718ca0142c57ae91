// SPDX-License-Identifier: Apache-2.0
//
// Simulation top of everything between memory and scratchpad or weight stream: LOAD, READ and WRITE engines with the AXI
// master, and a scratchpad with one more port of each kind for the test.
//
// Why: the engines prove themselves together, on one bus and one scratchpad, as they are used. Memory is the test's, at
// m_axi, or (ideal_i) one that never makes the bus wait, for measuring.

module transfers_top #(
  // Width of the memory bus in bits.
  parameter int BUS_W      = 256,
  // Scratchpad of 2^SCRATCH_W words.
  parameter int SCRATCH_W  = 9,
  // Beats of the engines' FIFOs.
  parameter int LOAD_BEATS = 512,
  parameter int READ_BEATS = 64,
  // Longest burst in beats.
  parameter int MAX_BURST  = 64,
  // Width of a byte address and of the AXI ID.
  parameter int ADDR_W     = 40,
  parameter int ID_W       = 4,
  // Size of the ideal memory in beats.
  parameter int BEATS      = 16384,
  // Width of the address of a line; derived, leave alone.
  parameter int LINE_W     = ADDR_W - 6
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  // Of the engines alone.
  input  logic                      engine_rst_ni,
  input  logic                      ideal_i,

  input  logic                      load_valid_i,
  output logic                      load_ready_o,
  input  logic [511:0]              load_cmd_i,
  input  logic [LINE_W-1:0]         load_tag_i,
  output logic                      load_bad_o,
  output logic                      load_done_o,
  input  logic                      read_valid_i,
  output logic                      read_ready_o,
  input  logic [511:0]              read_cmd_i,
  input  logic [LINE_W-1:0]         read_tag_i,
  output logic                      read_bad_o,
  output logic                      read_done_o,
  input  logic                      write_valid_i,
  output logic                      write_ready_o,
  input  logic [511:0]              write_cmd_i,
  input  logic [LINE_W-1:0]         write_tag_i,
  output logic                      write_bad_o,
  output logic                      write_done_o,

  output logic                      wgt_valid_o,
  input  logic                      wgt_ready_i,
  output logic [BUS_W-1:0]          wgt_data_o,
  output logic                      wgt_last_o,

  // Ports of the scratchpad for the test.
  input  logic                      host_read_valid_i,
  output logic                      host_read_ready_o,
  input  logic [SCRATCH_W-1:0]      host_read_addr_i,
  output logic                      host_answer_valid_o,
  output logic [255:0]              host_answer_data_o,
  input  logic                      host_write_valid_i,
  output logic                      host_write_ready_o,
  input  logic [SCRATCH_W-1:0]      host_write_addr_i,
  input  logic [255:0]              host_write_data_i,

  // Window and life of the master, see axi_master.
  input  logic [ADDR_W-1:0]         window_base_i,
  input  logic [ADDR_W:0]           window_limit_i,
  input  logic                      stop_i,
  output logic                      drained_o,
  output logic                      read_range_o,
  output logic [ADDR_W-1:0]         read_range_addr_o,
  output logic [LINE_W-1:0]         read_range_tag_o,
  output logic                      write_range_o,
  output logic [ADDR_W-1:0]         write_range_addr_o,
  output logic [LINE_W-1:0]         write_range_tag_o,
  output logic                      rbeat_o,
  output logic                      wbeat_o,
  output logic                      word_o,  // WRITE reads a word
  // A beat came for which its engine had no room.
  output logic                      overflow_o,

  output logic [ID_W-1:0]           m_axi_awid,
  output logic [ADDR_W-1:0]         m_axi_awaddr,
  output logic [7:0]                m_axi_awlen,
  output logic [2:0]                m_axi_awsize,
  output logic [1:0]                m_axi_awburst,
  output logic                      m_axi_awlock,
  output logic [3:0]                m_axi_awcache,
  output logic [2:0]                m_axi_awprot,
  output logic [3:0]                m_axi_awqos,
  output logic                      m_axi_awvalid,
  input  logic                      m_axi_awready,
  output logic [BUS_W-1:0]         m_axi_wdata,
  output logic [BUS_W/8-1:0]       m_axi_wstrb,
  output logic                      m_axi_wlast,
  output logic                      m_axi_wvalid,
  input  logic                      m_axi_wready,
  input  logic [ID_W-1:0]           m_axi_bid,
  input  logic [1:0]                m_axi_bresp,
  input  logic                      m_axi_bvalid,
  output logic                      m_axi_bready,
  output logic [ID_W-1:0]           m_axi_arid,
  output logic [ADDR_W-1:0]         m_axi_araddr,
  output logic [7:0]                m_axi_arlen,
  output logic [2:0]                m_axi_arsize,
  output logic [1:0]                m_axi_arburst,
  output logic                      m_axi_arlock,
  output logic [3:0]                m_axi_arcache,
  output logic [2:0]                m_axi_arprot,
  output logic [3:0]                m_axi_arqos,
  output logic                      m_axi_arvalid,
  input  logic                      m_axi_arready,
  input  logic [ID_W-1:0]           m_axi_rid,
  input  logic [BUS_W-1:0]         m_axi_rdata,
  input  logic [1:0]                m_axi_rresp,
  input  logic                      m_axi_rlast,
  input  logic                      m_axi_rvalid,
  output logic                      m_axi_rready
);

  localparam int Clients = 2;
  localparam int Read    = 0;
  localparam int Load    = 1;
  localparam logic [Clients*16-1:0] Credits = {16'(LOAD_BEATS), 16'(READ_BEATS)};

  logic engine_rst_n;
  assign engine_rst_n = rst_ni && engine_rst_ni;

  // ---------------------------------------------------------------------------------------------
  // Engines
  // ---------------------------------------------------------------------------------------------
  logic [Clients-1:0]        rcmd_valid, rcmd_ready, rcmd_last, credit_return, rdata_valid, rdata_ready;
  logic [Clients*LINE_W-1:0] rcmd_addr, rcmd_stride, rcmd_tag;
  logic [Clients*32-1:0]     rcmd_lines;
  logic [Clients*16-1:0]     rcmd_rows;
  logic [BUS_W-1:0]          rdata_data, wdata_data;
  logic                      rdata_last, wcmd_valid, wcmd_ready, wdata_valid, wdata_ready, writes_pending;
  logic [LINE_W-1:0]         wcmd_addr, wcmd_stride, wcmd_tag;
  logic [31:0]               wcmd_lines;
  logic [15:0]               wcmd_rows;
  logic                      s_read_valid, s_read_ready, s_answer_valid, s_write_valid, s_write_ready;
  logic [SCRATCH_W-1:0]      s_read_addr, s_write_addr;
  logic [255:0]              s_answer_data, s_write_data;

  load_engine #(
    .ADDR_W    (ADDR_W),
    .BUS_W     (BUS_W),
    .FIFO_BEATS(LOAD_BEATS)
  ) u_load (
    .clk_i,
    .rst_ni         (engine_rst_n),
    .cmd_valid_i    (load_valid_i),
    .cmd_ready_o    (load_ready_o),
    .cmd_i          (load_cmd_i),
    .cmd_tag_i      (load_tag_i),
    .bad_o          (load_bad_o),
    .done_o         (load_done_o),
    .rcmd_valid_o   (rcmd_valid[Load]),
    .rcmd_ready_i   (rcmd_ready[Load]),
    .rcmd_addr_o    (rcmd_addr[Load*LINE_W+:LINE_W]),
    .rcmd_lines_o   (rcmd_lines[Load*32+:32]),
    .rcmd_rows_o    (rcmd_rows[Load*16+:16]),
    .rcmd_stride_o  (rcmd_stride[Load*LINE_W+:LINE_W]),
    .rcmd_last_o    (rcmd_last[Load]),
    .rcmd_tag_o     (rcmd_tag[Load*LINE_W+:LINE_W]),
    .rdata_valid_i  (rdata_valid[Load]),
    .rdata_ready_o  (rdata_ready[Load]),
    .rdata_data_i   (rdata_data),
    .rdata_last_i   (rdata_last),
    .credit_return_o(credit_return[Load]),
    .wgt_valid_o,
    .wgt_ready_i,
    .wgt_data_o,
    .wgt_last_o
  );

  read_engine #(
    .ADDR_W    (ADDR_W),
    .BUS_W     (BUS_W),
    .SCRATCH_W (SCRATCH_W),
    .FIFO_BEATS(READ_BEATS)
  ) u_read (
    .clk_i,
    .rst_ni         (engine_rst_n),
    .cmd_valid_i    (read_valid_i),
    .cmd_ready_o    (read_ready_o),
    .cmd_i          (read_cmd_i),
    .cmd_tag_i      (read_tag_i),
    .bad_o          (read_bad_o),
    .done_o         (read_done_o),
    .rcmd_valid_o   (rcmd_valid[Read]),
    .rcmd_ready_i   (rcmd_ready[Read]),
    .rcmd_addr_o    (rcmd_addr[Read*LINE_W+:LINE_W]),
    .rcmd_lines_o   (rcmd_lines[Read*32+:32]),
    .rcmd_rows_o    (rcmd_rows[Read*16+:16]),
    .rcmd_stride_o  (rcmd_stride[Read*LINE_W+:LINE_W]),
    .rcmd_tag_o     (rcmd_tag[Read*LINE_W+:LINE_W]),
    .rdata_valid_i  (rdata_valid[Read]),
    .rdata_ready_o  (rdata_ready[Read]),
    .rdata_data_i   (rdata_data),
    .credit_return_o(credit_return[Read]),
    .write_valid_o  (s_write_valid),
    .write_ready_i  (s_write_ready),
    .write_addr_o   (s_write_addr),
    .write_data_o   (s_write_data)
  );
  assign rcmd_last[Read] = 1'b0;
  assign overflow_o      = (rdata_valid & ~rdata_ready) != '0;

  write_engine #(
    .ADDR_W   (ADDR_W),
    .BUS_W    (BUS_W),
    .SCRATCH_W(SCRATCH_W)
  ) u_write (
    .clk_i,
    .rst_ni          (engine_rst_n),
    .cmd_valid_i     (write_valid_i),
    .cmd_ready_o     (write_ready_o),
    .cmd_i           (write_cmd_i),
    .cmd_tag_i       (write_tag_i),
    .bad_o           (write_bad_o),
    .done_o          (write_done_o),
    .read_valid_o    (s_read_valid),
    .read_ready_i    (s_read_ready),
    .read_addr_o     (s_read_addr),
    .answer_valid_i  (s_answer_valid),
    .answer_data_i   (s_answer_data),
    .wcmd_valid_o    (wcmd_valid),
    .wcmd_ready_i    (wcmd_ready),
    .wcmd_addr_o     (wcmd_addr),
    .wcmd_lines_o    (wcmd_lines),
    .wcmd_rows_o     (wcmd_rows),
    .wcmd_stride_o   (wcmd_stride),
    .wcmd_tag_o      (wcmd_tag),
    .wdata_valid_o   (wdata_valid),
    .wdata_ready_i   (wdata_ready),
    .wdata_data_o    (wdata_data),
    .writes_pending_i(writes_pending)
  );

  assign word_o = s_read_valid && s_read_ready;

  // The test has the ports that never wait, so that the engines do.
  scratchpad #(
    .ADDR_W (SCRATCH_W),
    .READERS(2),
    .WRITERS(2)
  ) u_scratchpad (
    .clk_i,
    .rst_ni,
    .read_valid_i  ({s_read_valid, host_read_valid_i}),
    .read_ready_o  ({s_read_ready, host_read_ready_o}),
    .read_addr_i   ({s_read_addr, host_read_addr_i}),
    .answer_valid_o({s_answer_valid, host_answer_valid_o}),
    .answer_data_o ({s_answer_data, host_answer_data_o}),
    .write_valid_i ({s_write_valid, host_write_valid_i}),
    .write_ready_o ({s_write_ready, host_write_ready_o}),
    .write_addr_i  ({s_write_addr, host_write_addr_i}),
    .write_data_i  ({s_write_data, host_write_data_i}),
    .write_strobe_i({16{1'b1}})
  );

  // ---------------------------------------------------------------------------------------------
  // Bus, to one of the memories
  // ---------------------------------------------------------------------------------------------
  logic awvalid, wvalid, arvalid;
  logic bus_awready;
  logic bus_wready;
  logic [ID_W-1:0] bus_bid;
  logic [1:0] bus_bresp;
  logic bus_bvalid;
  logic bus_arready;
  logic [ID_W-1:0] bus_rid;
  logic [BUS_W-1:0] bus_rdata;
  logic [1:0] bus_rresp;
  logic bus_rlast;
  logic bus_rvalid;
  logic ideal_awready;
  logic ideal_wready;
  logic [ID_W-1:0] ideal_bid;
  logic [1:0] ideal_bresp;
  logic ideal_bvalid;
  logic ideal_arready;
  logic [ID_W-1:0] ideal_rid;
  logic [BUS_W-1:0] ideal_rdata;
  logic [1:0] ideal_rresp;
  logic ideal_rlast;
  logic ideal_rvalid;
  // verilator lint_off UNUSEDSIGNAL
  logic [Clients-1:0] unused_wait;
  logic               unused_read_error, unused_write_error;
  logic [ADDR_W-1:0]  unused_read_error_addr, unused_write_error_addr;
  logic [LINE_W-1:0]  unused_read_error_tag, unused_write_error_tag;
  // verilator lint_on UNUSEDSIGNAL

  assign m_axi_awvalid = awvalid && !ideal_i;
  assign m_axi_wvalid  = wvalid && !ideal_i;
  assign m_axi_arvalid = arvalid && !ideal_i;
  assign bus_awready = ideal_i ? ideal_awready : m_axi_awready;
  assign bus_wready  = ideal_i ? ideal_wready : m_axi_wready;
  assign bus_bid     = ideal_i ? ideal_bid : m_axi_bid;
  assign bus_bresp   = ideal_i ? ideal_bresp : m_axi_bresp;
  assign bus_bvalid  = ideal_i ? ideal_bvalid : m_axi_bvalid;
  assign bus_arready = ideal_i ? ideal_arready : m_axi_arready;
  assign bus_rid     = ideal_i ? ideal_rid : m_axi_rid;
  assign bus_rdata   = ideal_i ? ideal_rdata : m_axi_rdata;
  assign bus_rresp   = ideal_i ? ideal_rresp : m_axi_rresp;
  assign bus_rlast   = ideal_i ? ideal_rlast : m_axi_rlast;
  assign bus_rvalid  = ideal_i ? ideal_rvalid : m_axi_rvalid;

  axi_master #(
    .ADDR_W   (ADDR_W),
    .DATA_W   (BUS_W),
    .ID_W     (ID_W),
    .CLIENTS  (Clients),
    .CREDITS  (Credits),
    .MAX_BURST(MAX_BURST)
  ) u_master (
    .rcmd_valid_i      (rcmd_valid),
    .rcmd_ready_o      (rcmd_ready),
    .rcmd_addr_i       (rcmd_addr),
    .rcmd_lines_i      (rcmd_lines),
    .rcmd_rows_i       (rcmd_rows),
    .rcmd_stride_i     (rcmd_stride),
    .rcmd_last_i       (rcmd_last),
    .rcmd_tag_i        (rcmd_tag),
    .credit_return_i   (credit_return),
    .credit_wait_o     (unused_wait),
    .rdata_valid_o     (rdata_valid),
    .rdata_ready_i     (rdata_ready),
    .rdata_data_o      (rdata_data),
    .rdata_last_o      (rdata_last),
    .wcmd_valid_i      (wcmd_valid),
    .wcmd_ready_o      (wcmd_ready),
    .wcmd_addr_i       (wcmd_addr),
    .wcmd_lines_i      (wcmd_lines),
    .wcmd_rows_i       (wcmd_rows),
    .wcmd_stride_i     (wcmd_stride),
    .wcmd_tag_i        (wcmd_tag),
    .wdata_valid_i     (wdata_valid),
    .wdata_ready_o     (wdata_ready),
    .wdata_data_i      (wdata_data),
    .writes_pending_o  (writes_pending),
    .read_error_o      (unused_read_error),
    .read_error_addr_o (unused_read_error_addr),
    .read_error_tag_o  (unused_read_error_tag),
    .write_error_o     (unused_write_error),
    .write_error_addr_o(unused_write_error_addr),
    .write_error_tag_o (unused_write_error_tag),
    .m_axi_awvalid     (awvalid),
    .m_axi_wvalid      (wvalid),
    .m_axi_arvalid     (arvalid),
    .m_axi_awready     (bus_awready),
    .m_axi_wready      (bus_wready),
    .m_axi_bid         (bus_bid),
    .m_axi_bresp       (bus_bresp),
    .m_axi_bvalid      (bus_bvalid),
    .m_axi_arready     (bus_arready),
    .m_axi_rid         (bus_rid),
    .m_axi_rdata       (bus_rdata),
    .m_axi_rresp       (bus_rresp),
    .m_axi_rlast       (bus_rlast),
    .m_axi_rvalid      (bus_rvalid),
    .*
  );

  axi_ideal_memory #(
    .ADDR_W(ADDR_W),
    .DATA_W(BUS_W),
    .ID_W  (ID_W),
    .BEATS (BEATS)
  ) u_memory (
    .clk_i,
    .rst_ni,
    .latency_i    (16'd20),
    .s_axi_awvalid(awvalid && ideal_i),
    .s_axi_wvalid (wvalid && ideal_i),
    .s_axi_arvalid(arvalid && ideal_i),
    .s_axi_awid   (m_axi_awid),
    .s_axi_awaddr (m_axi_awaddr),
    .s_axi_awlen  (m_axi_awlen),
    .s_axi_wdata  (m_axi_wdata),
    .s_axi_wstrb  (m_axi_wstrb),
    .s_axi_wlast  (m_axi_wlast),
    .s_axi_bready (m_axi_bready),
    .s_axi_arid   (m_axi_arid),
    .s_axi_araddr (m_axi_araddr),
    .s_axi_arlen  (m_axi_arlen),
    .s_axi_rready (m_axi_rready),
    .s_axi_awready(ideal_awready),
    .s_axi_wready (ideal_wready),
    .s_axi_bid    (ideal_bid),
    .s_axi_bresp  (ideal_bresp),
    .s_axi_bvalid (ideal_bvalid),
    .s_axi_arready(ideal_arready),
    .s_axi_rid    (ideal_rid),
    .s_axi_rdata  (ideal_rdata),
    .s_axi_rresp  (ideal_rresp),
    .s_axi_rlast  (ideal_rlast),
    .s_axi_rvalid (ideal_rvalid)
  );

endmodule : transfers_top
