// SPDX-License-Identifier: Apache-2.0
//
// Ibex as a host: the open stand-in for VEGA.
//
// Why: boards can be built, simulated and brought up without a licence. Like VEGA's small cores Ibex is a 32-bit RISC-V
// (RV32IMC, three stages with its writeback stage). It runs a program from its own RAM and reaches the accelerator's
// registers and the memory through the same AXI4 port as VEGA.
//
// | address     | what                                                                                        |
// |-------------|---------------------------------------------------------------------------------------------|
// | 0x0000_0000 | RAM of 64 KB, program and data; the program begins at 0x80                                  |
// | 0x1000_0000 | UART: a write sends a byte, a read takes the last one received                              |
// | 0x1000_0004 | UART: bit 0 a byte can be sent, bit 1 a byte was received                                   |
// | 0x1000_0008 | LEDs                                                                                        |
// | all else    | AXI4                                                                                        |
//
// The interrupts of core 0 and 1 are Ibex's fast interrupts 0 and 1.

module ibex_host (
  input  logic        clk_i,
  // Synchronous, active low.
  input  logic        rst_ni,

  // Level interrupts of core 0 and core 1.
  input  logic [1:0]  irq_i,
  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  output logic [3:0]  leds_o,

  // To registers and memory: AXI4, 64 data bits, 12 bits of identifier, 64 of address.
  output logic [11:0] m_axi_awid,
  output logic [63:0] m_axi_awaddr,
  output logic [7:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [11:0] m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,
  output logic [11:0] m_axi_arid,
  output logic [63:0] m_axi_araddr,
  output logic [7:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [11:0] m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready
);

  localparam int RamW   = 14;  // address bits of a word
  localparam int ClockHz = 50_000_000;
  localparam int Baud   = 115_200;

  // ---------------------------------------------------------------------------------------------
  // Processor
  // ---------------------------------------------------------------------------------------------
  logic        instr_req, instr_rvalid_q;
  logic [31:0] instr_addr, instr_rdata_q;
  logic        data_req, data_gnt, data_rvalid, data_we, data_err;
  logic [3:0]  data_be;
  logic [31:0] data_addr, data_wdata, data_rdata;

  ibex_top #(
    .RV32M         (ibex_pkg::RV32MFast),
    .RegFile       (ibex_pkg::RegFileFPGA),
    .WritebackStage(1'b1)
  ) u_ibex (
    .clk_i,
    .rst_ni,
    .test_en_i             (1'b0),
    .ram_cfg_i             ('0),
    .hart_id_i             (32'd0),
    .boot_addr_i           (32'd0),
    .instr_req_o           (instr_req),
    .instr_gnt_i           (1'b1),
    .instr_rvalid_i        (instr_rvalid_q),
    .instr_addr_o          (instr_addr),
    .instr_rdata_i         (instr_rdata_q),
    .instr_rdata_intg_i    ('0),
    .instr_err_i           (1'b0),
    .data_req_o            (data_req),
    .data_gnt_i            (data_gnt),
    .data_rvalid_i         (data_rvalid),
    .data_we_o             (data_we),
    .data_be_o             (data_be),
    .data_addr_o           (data_addr),
    .data_wdata_o          (data_wdata),
    .data_wdata_intg_o     (),
    .data_rdata_i          (data_rdata),
    .data_rdata_intg_i     ('0),
    .data_err_i            (data_err),
    .irq_software_i        (1'b0),
    .irq_timer_i           (1'b0),
    .irq_external_i        (1'b0),
    .irq_fast_i            ({13'd0, irq_i}),
    .irq_nm_i              (1'b0),
    .scramble_key_valid_i  (1'b0),
    .scramble_key_i        ('0),
    .scramble_nonce_i      ('0),
    .scramble_req_o        (),
    .debug_req_i           (1'b0),
    .crash_dump_o          (),
    .double_fault_seen_o   (),
    .fetch_enable_i        (ibex_pkg::IbexMuBiOn),
    .alert_minor_o         (),
    .alert_major_internal_o(),
    .alert_major_bus_o     (),
    .core_sleep_o          (),
    .scan_rst_ni           (1'b1)
  );

  // ---------------------------------------------------------------------------------------------
  // Data bus: RAM and devices answer in the next cycle, AXI some time; one access at a time
  // ---------------------------------------------------------------------------------------------
  logic        to_ram, to_device, near, near_rvalid_q, near_device_q, waiting_q;
  logic        axi_gnt, axi_rvalid, axi_err;
  logic [31:0] axi_rdata, ram_rdata_q, device_rdata_q;

  assign to_ram     = data_addr[31:RamW+2] == '0;
  assign to_device  = data_addr[31:4] == 28'h1000_000;
  assign near       = data_req && (to_ram || to_device) && !waiting_q;
  assign data_gnt   = near || axi_gnt;
  assign data_rvalid = near_rvalid_q || axi_rvalid;
  assign data_rdata = !near_rvalid_q ? axi_rdata : near_device_q ? device_rdata_q : ram_rdata_q;
  assign data_err   = axi_rvalid && axi_err;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      instr_rvalid_q <= 1'b0;
      near_rvalid_q  <= 1'b0;
      waiting_q      <= 1'b0;
    end else begin
      instr_rvalid_q <= instr_req;
      near_rvalid_q  <= near;
      waiting_q      <= axi_gnt || (waiting_q && !axi_rvalid);
    end
    near_device_q <= to_device;
  end

  word_master u_axi (
    .clk_i,
    .rst_ni,
    .req_i   (data_req && !to_ram && !to_device),
    .gnt_o   (axi_gnt),
    .we_i    (data_we),
    .be_i    (data_be),
    .addr_i  (data_addr),
    .wdata_i (data_wdata),
    .rvalid_o(axi_rvalid),
    .rdata_o (axi_rdata),
    .err_o   (axi_err),
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

  // ---------------------------------------------------------------------------------------------
  // RAM: instructions and data have a port each
  // ---------------------------------------------------------------------------------------------
  logic [31:0] ram [1<<RamW];

  initial begin
    $readmemh("program.mem", ram);
  end

  always_ff @(posedge clk_i) begin
    if (instr_req) instr_rdata_q <= ram[instr_addr[2+:RamW]];
  end

  always_ff @(posedge clk_i) begin
    if (near && to_ram) begin
      for (int lane = 0; lane < 4; lane++) begin
        if (data_we && data_be[lane]) ram[data_addr[2+:RamW]][lane*8+:8] <= data_wdata[lane*8+:8];
      end
      ram_rdata_q <= ram[data_addr[2+:RamW]];
    end
  end

  // ---------------------------------------------------------------------------------------------
  // UART and LEDs
  // ---------------------------------------------------------------------------------------------
  logic       send, can_send, received_q, take, arrived;
  logic [7:0] byte_q, byte_in;

  assign send = near && to_device && data_we && data_addr[3:2] == 2'd0;
  assign take = near && to_device && !data_we && data_addr[3:2] == 2'd0;

  host_uart #(
    .DIVIDER(ClockHz / Baud)
  ) u_uart (
    .clk_i,
    .rst_ni,
    .rx_i   (uart_rx_i),
    .tx_o   (uart_tx_o),
    .valid_i(send),
    .ready_o(can_send),
    .data_i (data_wdata[7:0]),
    .valid_o(arrived),
    .data_o (byte_in)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      received_q <= 1'b0;
      leds_o     <= '0;
    end else begin
      received_q <= arrived || (received_q && !take);
      if (near && to_device && data_we && data_addr[3:2] == 2'd2) leds_o <= data_wdata[3:0];
    end
    if (arrived) byte_q <= byte_in;
    if (near) begin
      case (data_addr[3:2])
        2'd0:    device_rdata_q <= {24'd0, byte_q};
        2'd1:    device_rdata_q <= {30'd0, received_q, can_send};
        default: device_rdata_q <= {28'd0, leds_o};
      endcase
    end
  end

  logic unused;
  assign unused = ^{instr_addr[31:RamW+2], instr_addr[1:0]};

endmodule : ibex_host
