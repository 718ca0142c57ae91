// SPDX-License-Identifier: Apache-2.0
//
// Host link over a serial line: reads and writes memory and registers as frames on the line ask for it.
//
// Why: a small board has no processor and no other way to its host. Addresses from REGISTERS_BASE on are registers, on a
// port of their own as narrow as the accelerator's host port; those below are memory.
// Latency, throughput: see uart_frames; a word takes about five cycles beside the line's hundreds.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind m_axi_ (memory) and r_axi_
// (registers).

module uart_axi #(
  // Clocks of a bit on the line, times 16; at least 64.
  parameter int BIT_CLOCKS_X16 = 133,
  // Most words of 32 bits of a frame.
  parameter int MAX_WORDS      = 1008,
  // Cycles without a byte after which a frame is over, longer than two bytes.
  parameter int TIMEOUT        = 1 << 20,
  // Memory port: data bus, address, identifier.
  parameter int DATA_W         = 128,
  parameter int ADDR_W         = 40,
  parameter int ID_W           = 4,
  // Bytes of memory, which the link only tells its host.
  parameter int MEMORY_BYTES   = 1 << 17,
  // Register port: data bus and identifier.
  parameter int REGISTERS_W    = 32,
  parameter int REGISTERS_ID_W = 1,
  // Address of the first register for the host; on the port it is 0.
  parameter int REGISTERS_BASE = 1 << 30
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  // The line.
  input  logic                      rx_i,
  output logic                      tx_o,

  // Memory.
  output logic [ID_W-1:0]           m_axi_awid,
  output logic [ADDR_W-1:0]         m_axi_awaddr,
  output logic [7:0]                m_axi_awlen,
  output logic [2:0]                m_axi_awsize,
  output logic [1:0]                m_axi_awburst,
  output logic                      m_axi_awvalid,
  input  logic                      m_axi_awready,
  output logic [DATA_W-1:0]         m_axi_wdata,
  output logic [DATA_W/8-1:0]       m_axi_wstrb,
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
  output logic                      m_axi_arvalid,
  input  logic                      m_axi_arready,
  input  logic [ID_W-1:0]           m_axi_rid,
  input  logic [DATA_W-1:0]         m_axi_rdata,
  input  logic [1:0]                m_axi_rresp,
  input  logic                      m_axi_rlast,
  input  logic                      m_axi_rvalid,
  output logic                      m_axi_rready,

  // Registers.
  output logic [REGISTERS_ID_W-1:0] r_axi_awid,
  output logic [31:0]               r_axi_awaddr,
  output logic [7:0]                r_axi_awlen,
  output logic [2:0]                r_axi_awsize,
  output logic [1:0]                r_axi_awburst,
  output logic                      r_axi_awvalid,
  input  logic                      r_axi_awready,
  output logic [REGISTERS_W-1:0]    r_axi_wdata,
  output logic [REGISTERS_W/8-1:0]  r_axi_wstrb,
  output logic                      r_axi_wlast,
  output logic                      r_axi_wvalid,
  input  logic                      r_axi_wready,
  input  logic [REGISTERS_ID_W-1:0] r_axi_bid,
  input  logic [1:0]                r_axi_bresp,
  input  logic                      r_axi_bvalid,
  output logic                      r_axi_bready,
  output logic [REGISTERS_ID_W-1:0] r_axi_arid,
  output logic [31:0]               r_axi_araddr,
  output logic [7:0]                r_axi_arlen,
  output logic [2:0]                r_axi_arsize,
  output logic [1:0]                r_axi_arburst,
  output logic                      r_axi_arvalid,
  input  logic                      r_axi_arready,
  input  logic [REGISTERS_ID_W-1:0] r_axi_rid,
  input  logic [REGISTERS_W-1:0]    r_axi_rdata,
  input  logic [1:0]                r_axi_rresp,
  input  logic                      r_axi_rlast,
  input  logic                      r_axi_rvalid,
  output logic                      r_axi_rready,

  // A frame is under way; the last one was damaged or its access failed.
  output logic                      busy_o,
  output logic                      error_o
);

  if (MEMORY_BYTES < 1 || MEMORY_BYTES > REGISTERS_BASE || REGISTERS_BASE % 4 != 0) begin : g_check_base
    ERROR_uart_axi_REGISTERS_BASE_must_be_a_multiple_of_4_behind_the_memory error ();
  end
  if (TIMEOUT < 2 * BIT_CLOCKS_X16) begin : g_check_timeout
    ERROR_uart_axi_TIMEOUT_must_be_longer_than_two_bytes error ();
  end

  // Identification: "EQU" and the version of the protocol, and what the host must know.
  localparam logic [31:0] Protocol = 32'h45515501;
  localparam logic [127:0] Info = {32'(MEMORY_BYTES), 32'(REGISTERS_BASE), 32'(MAX_WORDS), Protocol};

  logic        byte_valid, byte_error, out_valid, out_ready;
  logic [7:0]  byte_data, out_data;
  logic        req_valid, req_ready, req_write, registers, memory_ready, registers_ready;
  logic [31:0] req_addr, req_wdata, memory_rdata, registers_rdata;
  logic [1:0]  memory_resp, registers_resp;

  uart_receiver #(
    .BIT_CLOCKS_X16(BIT_CLOCKS_X16)
  ) u_receiver (
    .clk_i,
    .rst_ni,
    .rx_i,
    .byte_valid_o(byte_valid),
    .byte_data_o (byte_data),
    .byte_error_o(byte_error)
  );

  uart_transmitter #(
    .BIT_CLOCKS_X16(BIT_CLOCKS_X16)
  ) u_transmitter (
    .clk_i,
    .rst_ni,
    .in_valid_i(out_valid),
    .in_ready_o(out_ready),
    .in_data_i (out_data),
    .tx_o
  );

  uart_frames #(
    .MAX_WORDS(MAX_WORDS),
    .TIMEOUT  (TIMEOUT)
  ) u_frames (
    .clk_i,
    .rst_ni,
    .byte_valid_i(byte_valid),
    .byte_data_i (byte_data),
    .byte_error_i(byte_error),
    .out_valid_o (out_valid),
    .out_ready_i (out_ready),
    .out_data_o  (out_data),
    .req_valid_o (req_valid),
    .req_ready_i (req_ready),
    .req_write_o (req_write),
    .req_addr_o  (req_addr),
    .req_wdata_o (req_wdata),
    .req_rdata_i (registers ? registers_rdata : memory_rdata),
    .req_resp_i  (registers ? registers_resp : memory_resp),
    .info_i      (Info),
    .busy_o,
    .error_o
  );

  assign registers = req_addr >= 32'(REGISTERS_BASE);
  assign req_ready = registers ? registers_ready : memory_ready;

  axi_word_master #(
    .DATA_W(DATA_W),
    .ADDR_W(ADDR_W),
    .ID_W  (ID_W)
  ) u_memory (
    .clk_i,
    .rst_ni,
    .req_valid_i(req_valid && !registers),
    .req_ready_o(memory_ready),
    .req_write_i(req_write),
    .req_addr_i (req_addr),
    .req_wdata_i(req_wdata),
    .req_rdata_o(memory_rdata),
    .req_resp_o (memory_resp),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
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
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  axi_word_master #(
    .DATA_W(REGISTERS_W),
    .ADDR_W(32),
    .ID_W  (REGISTERS_ID_W)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .req_valid_i  (req_valid && registers),
    .req_ready_o  (registers_ready),
    .req_write_i  (req_write),
    .req_addr_i   (req_addr - 32'(REGISTERS_BASE)),
    .req_wdata_i  (req_wdata),
    .req_rdata_o  (registers_rdata),
    .req_resp_o   (registers_resp),
    .m_axi_awid   (r_axi_awid),
    .m_axi_awaddr (r_axi_awaddr),
    .m_axi_awlen  (r_axi_awlen),
    .m_axi_awsize (r_axi_awsize),
    .m_axi_awburst(r_axi_awburst),
    .m_axi_awvalid(r_axi_awvalid),
    .m_axi_awready(r_axi_awready),
    .m_axi_wdata  (r_axi_wdata),
    .m_axi_wstrb  (r_axi_wstrb),
    .m_axi_wlast  (r_axi_wlast),
    .m_axi_wvalid (r_axi_wvalid),
    .m_axi_wready (r_axi_wready),
    .m_axi_bid    (r_axi_bid),
    .m_axi_bresp  (r_axi_bresp),
    .m_axi_bvalid (r_axi_bvalid),
    .m_axi_bready (r_axi_bready),
    .m_axi_arid   (r_axi_arid),
    .m_axi_araddr (r_axi_araddr),
    .m_axi_arlen  (r_axi_arlen),
    .m_axi_arsize (r_axi_arsize),
    .m_axi_arburst(r_axi_arburst),
    .m_axi_arvalid(r_axi_arvalid),
    .m_axi_arready(r_axi_arready),
    .m_axi_rid    (r_axi_rid),
    .m_axi_rdata  (r_axi_rdata),
    .m_axi_rresp  (r_axi_rresp),
    .m_axi_rlast  (r_axi_rlast),
    .m_axi_rvalid (r_axi_rvalid),
    .m_axi_rready (r_axi_rready)
  );

endmodule : uart_axi
