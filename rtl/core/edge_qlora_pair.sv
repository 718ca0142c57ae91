// SPDX-License-Identifier: Apache-2.0
//
// Edge QLoRA with two pipelines: one that generates while the other fine-tunes.
//
// Why: decoding waits for the memory, training for the multipliers, so that both at a time hold each other up little. Two
// cores of their own sizes have their own lists, scratchpads, registers and interrupts and know nothing of each other; they
// share the memory port, burst by burst, and the vector engine, command by command. See docs/ip/edge_qlora_pair.md.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind s_axi_ and m_axi_.

module edge_qlora_pair #(
  // Core 0, which generates: see edge_qlora. It has no backward passes: codes in N mode alone.
  parameter int INFER_COLUMNS   = 4,
  parameter int INFER_SCRATCH_W = 12,
  parameter int INFER_MAX_ROWS  = 8,
  // Core 1, which fine-tunes.
  parameter int TUNE_COLUMNS    = 8,
  parameter int TUNE_SCRATCH_W  = 13,
  parameter int TUNE_MAX_ROWS   = 64,
  // Both; see edge_qlora.
  parameter int ACT_W           = 25,
  parameter int BUS_W           = 256,
  parameter int NESTED_DEPTH    = 4096,
  parameter int FIFO_BEATS      = 512,
  parameter int HOST_W          = 64,
  parameter int HOST_ADDR_W     = 64,
  parameter int HOST_ID_W       = 12,
  parameter int ADDR_W          = 40,
  parameter int ID_W            = 4,
  // Lanes of the shared vector engine, 4 or 8.
  parameter int VECTOR_LANES    = 4
) (
  input  logic                   clk_i,
  // Synchronous, active low.
  input  logic                   rst_ni,

  // Host: the control registers of core 0, and those of core 1 in the 4 KB behind them.
  input  logic [HOST_ID_W-1:0]   s_axi_awid,
  input  logic [HOST_ADDR_W-1:0] s_axi_awaddr,
  input  logic [7:0]             s_axi_awlen,
  input  logic [2:0]             s_axi_awsize,
  input  logic [1:0]             s_axi_awburst,
  input  logic                   s_axi_awvalid,
  output logic                   s_axi_awready,
  input  logic [HOST_W-1:0]      s_axi_wdata,
  input  logic [HOST_W/8-1:0]    s_axi_wstrb,
  input  logic                   s_axi_wlast,
  input  logic                   s_axi_wvalid,
  output logic                   s_axi_wready,
  output logic [HOST_ID_W-1:0]   s_axi_bid,
  output logic [1:0]             s_axi_bresp,
  output logic                   s_axi_bvalid,
  input  logic                   s_axi_bready,
  input  logic [HOST_ID_W-1:0]   s_axi_arid,
  input  logic [HOST_ADDR_W-1:0] s_axi_araddr,
  input  logic [7:0]             s_axi_arlen,
  input  logic [2:0]             s_axi_arsize,
  input  logic [1:0]             s_axi_arburst,
  input  logic                   s_axi_arvalid,
  output logic                   s_axi_arready,
  output logic [HOST_ID_W-1:0]   s_axi_rid,
  output logic [HOST_W-1:0]      s_axi_rdata,
  output logic [1:0]             s_axi_rresp,
  output logic                   s_axi_rlast,
  output logic                   s_axi_rvalid,
  input  logic                   s_axi_rready,

  // Memory.
  output logic [ID_W:0]          m_axi_awid,
  output logic [ADDR_W-1:0]      m_axi_awaddr,
  output logic [7:0]             m_axi_awlen,
  output logic [2:0]             m_axi_awsize,
  output logic [1:0]             m_axi_awburst,
  output logic                   m_axi_awlock,
  output logic [3:0]             m_axi_awcache,
  output logic [2:0]             m_axi_awprot,
  output logic [3:0]             m_axi_awqos,
  output logic                   m_axi_awvalid,
  input  logic                   m_axi_awready,
  output logic [BUS_W-1:0]       m_axi_wdata,
  output logic [BUS_W/8-1:0]     m_axi_wstrb,
  output logic                   m_axi_wlast,
  output logic                   m_axi_wvalid,
  input  logic                   m_axi_wready,
  input  logic [ID_W:0]          m_axi_bid,
  input  logic [1:0]             m_axi_bresp,
  input  logic                   m_axi_bvalid,
  output logic                   m_axi_bready,
  output logic [ID_W:0]          m_axi_arid,
  output logic [ADDR_W-1:0]      m_axi_araddr,
  output logic [7:0]             m_axi_arlen,
  output logic [2:0]             m_axi_arsize,
  output logic [1:0]             m_axi_arburst,
  output logic                   m_axi_arlock,
  output logic [3:0]             m_axi_arcache,
  output logic [2:0]             m_axi_arprot,
  output logic [3:0]             m_axi_arqos,
  output logic                   m_axi_arvalid,
  input  logic                   m_axi_arready,
  input  logic [ID_W:0]          m_axi_rid,
  input  logic [BUS_W-1:0]       m_axi_rdata,
  input  logic [1:0]             m_axi_rresp,
  input  logic                   m_axi_rlast,
  input  logic                   m_axi_rvalid,
  output logic                   m_axi_rready,

  // Level interrupts of core 0 and core 1, active high.
  output logic [1:0]             irq_o
);

  localparam int Cores    = 2;
  localparam int ScratchW = (INFER_SCRATCH_W > TUNE_SCRATCH_W) ? INFER_SCRATCH_W : TUNE_SCRATCH_W;
  localparam int WordW    = vector_pkg::Lanes * 32;
  localparam int WindowW  = registers_pkg::WindowBits;

  // ---------------------------------------------------------------------------------------------
  // Host
  // ---------------------------------------------------------------------------------------------
  logic                reg_valid, reg_write;
  logic [WindowW:0]    reg_addr;
  logic [31:0]         reg_wdata;
  logic [3:0]          reg_wstrb;
  logic [Cores-1:0]    reg_ready, reg_error;
  logic [Cores*32-1:0] reg_rdata;
  logic                chosen;

  assign chosen = reg_addr[WindowW];

  axi_slave #(
    .DATA_W    (HOST_W),
    .ADDR_W    (HOST_ADDR_W),
    .ID_W      (HOST_ID_W),
    .REG_ADDR_W(WindowW + 1)
  ) u_slave (
    .clk_i,
    .rst_ni,
    .s_axi_awid,
    .s_axi_awaddr,
    .s_axi_awlen,
    .s_axi_awsize,
    .s_axi_awburst,
    .s_axi_awvalid,
    .s_axi_awready,
    .s_axi_wdata,
    .s_axi_wstrb,
    .s_axi_wlast,
    .s_axi_wvalid,
    .s_axi_wready,
    .s_axi_bid,
    .s_axi_bresp,
    .s_axi_bvalid,
    .s_axi_bready,
    .s_axi_arid,
    .s_axi_araddr,
    .s_axi_arlen,
    .s_axi_arsize,
    .s_axi_arburst,
    .s_axi_arvalid,
    .s_axi_arready,
    .s_axi_rid,
    .s_axi_rdata,
    .s_axi_rresp,
    .s_axi_rlast,
    .s_axi_rvalid,
    .s_axi_rready,
    .reg_valid_o(reg_valid),
    .reg_ready_i(reg_ready[chosen]),
    .reg_write_o(reg_write),
    .reg_addr_o (reg_addr),
    .reg_wdata_o(reg_wdata),
    .reg_wstrb_o(reg_wstrb),
    .reg_rdata_i(reg_rdata[chosen*32+:32]),
    .reg_error_i(reg_error[chosen])
  );

  // ---------------------------------------------------------------------------------------------
  // Cores
  // ---------------------------------------------------------------------------------------------
  logic [Cores-1:0]              vector_rst_n, vector_cmd_valid, vector_cmd_ready, vector_bad, vector_done, vector_wait;
  logic [Cores*512-1:0]          vector_cmd;
  logic [Cores*2-1:0]            vector_req_valid, vector_req_ready, vector_rsp_valid;
  logic [Cores*2*WordW-1:0]      vector_rsp_data;
  logic [Cores-1:0]              vector_w_valid, vector_w_ready;
  // The engine's, which go to both.
  logic [2*ScratchW-1:0]         vector_req_addr;
  logic [ScratchW-1:0]           vector_w_addr;
  logic [WordW-1:0]              vector_w_data;
  logic [vector_pkg::Lanes-1:0]  vector_w_strobe;

  logic [Cores*ID_W-1:0] axi_awid;
  logic [Cores*ADDR_W-1:0] axi_awaddr;
  logic [Cores*8-1:0] axi_awlen;
  logic [Cores*3-1:0] axi_awsize;
  logic [Cores*2-1:0] axi_awburst;
  logic [Cores-1:0] axi_awlock;
  logic [Cores*4-1:0] axi_awcache;
  logic [Cores*3-1:0] axi_awprot;
  logic [Cores*4-1:0] axi_awqos;
  logic [Cores-1:0] axi_awvalid;
  logic [Cores-1:0] axi_awready;
  logic [Cores*BUS_W-1:0] axi_wdata;
  logic [Cores*BUS_W/8-1:0] axi_wstrb;
  logic [Cores-1:0] axi_wlast;
  logic [Cores-1:0] axi_wvalid;
  logic [Cores-1:0] axi_wready;
  logic [Cores-1:0] axi_bvalid;
  logic [Cores-1:0] axi_bready;
  logic [Cores*ID_W-1:0] axi_arid;
  logic [Cores*ADDR_W-1:0] axi_araddr;
  logic [Cores*8-1:0] axi_arlen;
  logic [Cores*3-1:0] axi_arsize;
  logic [Cores*2-1:0] axi_arburst;
  logic [Cores-1:0] axi_arlock;
  logic [Cores*4-1:0] axi_arcache;
  logic [Cores*3-1:0] axi_arprot;
  logic [Cores*4-1:0] axi_arqos;
  logic [Cores-1:0] axi_arvalid;
  logic [Cores-1:0] axi_arready;
  logic [Cores-1:0] axi_rvalid;
  logic [Cores-1:0] axi_rready;
  logic [ID_W-1:0]  axi_bid, axi_rid;
  logic [BUS_W-1:0] axi_rdata;
  logic [1:0]       axi_bresp, axi_rresp;
  logic             axi_rlast;

  for (genvar c = 0; c < Cores; c++) begin : g_core
    localparam int Columns      = (c == 0) ? INFER_COLUMNS : TUNE_COLUMNS;
    localparam int CoreScratchW = (c == 0) ? INFER_SCRATCH_W : TUNE_SCRATCH_W;
    localparam int MaxRows      = (c == 0) ? INFER_MAX_ROWS : TUNE_MAX_ROWS;
    localparam int Backward     = c;

    logic        doorbell, clear_counters, busy, done, error, nonfinite;
    logic [63:0] list_addr, mem_base, mem_limit, error_command, error_info;
    logic [7:0]  error_code;
    logic [registers_pkg::CounterCount*64-1:0] counters;

    control_registers #(
      .COLUMNS     (Columns),
      .ACT_W       (ACT_W),
      .BUS_W       (BUS_W),
      .SCRATCH_W   (CoreScratchW),
      .MAX_ROWS    (MaxRows),
      .NESTED_DEPTH(NESTED_DEPTH),
      .BACKWARD    (Backward)
    ) u_registers (
      .clk_i,
      .rst_ni,
      .reg_valid_i     (reg_valid && chosen == 1'(c)),
      .reg_ready_o     (reg_ready[c]),
      .reg_write_i     (reg_write),
      .reg_addr_i      (reg_addr[WindowW-1:0]),
      .reg_wdata_i     (reg_wdata),
      .reg_wstrb_i     (reg_wstrb),
      .reg_rdata_o     (reg_rdata[c*32+:32]),
      .reg_error_o     (reg_error[c]),
      .doorbell_o      (doorbell),
      .clear_counters_o(clear_counters),
      .list_addr_o     (list_addr),
      .mem_base_o      (mem_base),
      .mem_limit_o     (mem_limit),
      .busy_i          (busy),
      .done_i          (done),
      .error_i         (error),
      .error_code_i    (error_code),
      .error_command_i (error_command),
      .error_info_i    (error_info),
      .nonfinite_i     (nonfinite),
      .counters_i      (counters),
      .irq_o           (irq_o[c])
    );

    qlora_core #(
      .COLUMNS     (Columns),
      .ACT_W       (ACT_W),
      .BUS_W       (BUS_W),
      .SCRATCH_W   (CoreScratchW),
      .MAX_ROWS    (MaxRows),
      .NESTED_DEPTH(NESTED_DEPTH),
      .FIFO_BEATS  (FIFO_BEATS),
      .BACKWARD    (Backward),
      .VECTOR_LANES(VECTOR_LANES),
      .ADDR_W      (ADDR_W),
      .ID_W        (ID_W)
    ) u_core (
      .clk_i,
      .rst_ni,
      .doorbell_i      (doorbell),
      .clear_counters_i(clear_counters),
      .list_addr_i     (list_addr),
      .mem_base_i      (mem_base),
      .mem_limit_i     (mem_limit),
      .busy_o          (busy),
      .done_o          (done),
      .error_o         (error),
      .error_code_o    (error_code),
      .error_command_o (error_command),
      .error_info_o    (error_info),
      .nonfinite_o     (nonfinite),
      .counters_o      (counters),
      .vector_rst_no     (vector_rst_n[c]),
      .vector_cmd_valid_o(vector_cmd_valid[c]),
      .vector_cmd_ready_i(vector_cmd_ready[c]),
      .vector_cmd_o      (vector_cmd[c*512+:512]),
      .vector_bad_i      (vector_bad[c]),
      .vector_done_i     (vector_done[c]),
      .vector_wait_i     (vector_wait[c]),
      .vector_req_valid_i(vector_req_valid[c*2+:2]),
      .vector_req_ready_o(vector_req_ready[c*2+:2]),
      .vector_req_addr_i ({vector_req_addr[ScratchW+:CoreScratchW], vector_req_addr[0+:CoreScratchW]}),
      .vector_rsp_valid_o(vector_rsp_valid[c*2+:2]),
      .vector_rsp_data_o (vector_rsp_data[c*2*WordW+:2*WordW]),
      .vector_w_valid_i  (vector_w_valid[c]),
      .vector_w_ready_o  (vector_w_ready[c]),
      .vector_w_addr_i   (vector_w_addr[0+:CoreScratchW]),
      .vector_w_data_i   (vector_w_data),
      .vector_w_strobe_i (vector_w_strobe),
      .m_axi_awid(axi_awid[c*ID_W+:ID_W]),
      .m_axi_awaddr(axi_awaddr[c*ADDR_W+:ADDR_W]),
      .m_axi_awlen(axi_awlen[c*8+:8]),
      .m_axi_awsize(axi_awsize[c*3+:3]),
      .m_axi_awburst(axi_awburst[c*2+:2]),
      .m_axi_awlock(axi_awlock[c]),
      .m_axi_awcache(axi_awcache[c*4+:4]),
      .m_axi_awprot(axi_awprot[c*3+:3]),
      .m_axi_awqos(axi_awqos[c*4+:4]),
      .m_axi_awvalid(axi_awvalid[c]),
      .m_axi_awready(axi_awready[c]),
      .m_axi_wdata(axi_wdata[c*BUS_W+:BUS_W]),
      .m_axi_wstrb(axi_wstrb[c*BUS_W/8+:BUS_W/8]),
      .m_axi_wlast(axi_wlast[c]),
      .m_axi_wvalid(axi_wvalid[c]),
      .m_axi_wready(axi_wready[c]),
      .m_axi_bid(axi_bid),
      .m_axi_bresp(axi_bresp),
      .m_axi_bvalid(axi_bvalid[c]),
      .m_axi_bready(axi_bready[c]),
      .m_axi_arid(axi_arid[c*ID_W+:ID_W]),
      .m_axi_araddr(axi_araddr[c*ADDR_W+:ADDR_W]),
      .m_axi_arlen(axi_arlen[c*8+:8]),
      .m_axi_arsize(axi_arsize[c*3+:3]),
      .m_axi_arburst(axi_arburst[c*2+:2]),
      .m_axi_arlock(axi_arlock[c]),
      .m_axi_arcache(axi_arcache[c*4+:4]),
      .m_axi_arprot(axi_arprot[c*3+:3]),
      .m_axi_arqos(axi_arqos[c*4+:4]),
      .m_axi_arvalid(axi_arvalid[c]),
      .m_axi_arready(axi_arready[c]),
      .m_axi_rid(axi_rid),
      .m_axi_rdata(axi_rdata),
      .m_axi_rresp(axi_rresp),
      .m_axi_rlast(axi_rlast),
      .m_axi_rvalid(axi_rvalid[c]),
      .m_axi_rready(axi_rready[c])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Shared vector engine
  // ---------------------------------------------------------------------------------------------
  logic               engine_rst_n, engine_cmd_valid, engine_cmd_ready, engine_bad, engine_done;
  logic               engine_w_valid, engine_w_ready;
  logic [511:0]       engine_cmd;
  logic [1:0]         engine_req_valid, engine_req_ready, engine_rsp_valid;
  logic [2*WordW-1:0] engine_rsp_data;

  vector_share #(
    .SCRATCH_W (ScratchW),
    .SCRATCH_W0(INFER_SCRATCH_W),
    .SCRATCH_W1(TUNE_SCRATCH_W)
  ) u_share (
    .clk_i,
    .rst_ni,
    .core_rst_ni       (vector_rst_n),
    .core_cmd_valid_i  (vector_cmd_valid),
    .core_cmd_ready_o  (vector_cmd_ready),
    .core_cmd_i        (vector_cmd),
    .core_bad_o        (vector_bad),
    .core_done_o       (vector_done),
    .core_wait_o       (vector_wait),
    .core_req_valid_o  (vector_req_valid),
    .core_req_ready_i  (vector_req_ready),
    .core_rsp_valid_i  (vector_rsp_valid),
    .core_rsp_data_i   (vector_rsp_data),
    .core_w_valid_o    (vector_w_valid),
    .core_w_ready_i    (vector_w_ready),
    .engine_rst_no     (engine_rst_n),
    .engine_cmd_valid_o(engine_cmd_valid),
    .engine_cmd_ready_i(engine_cmd_ready),
    .engine_cmd_o      (engine_cmd),
    .engine_bad_i      (engine_bad),
    .engine_done_i     (engine_done),
    .engine_req_valid_i(engine_req_valid),
    .engine_req_ready_o(engine_req_ready),
    .engine_req_addr_i (vector_req_addr),
    .engine_rsp_valid_o(engine_rsp_valid),
    .engine_rsp_data_o (engine_rsp_data),
    .engine_w_valid_i  (engine_w_valid),
    .engine_w_ready_o  (engine_w_ready),
    .engine_w_addr_i   (vector_w_addr)
  );

  vector_engine #(
    .SCRATCH_W(ScratchW),
    .LANES    (VECTOR_LANES)
  ) u_vector (
    .clk_i,
    .rst_ni       (engine_rst_n),
    .cmd_valid_i  (engine_cmd_valid),
    .cmd_ready_o  (engine_cmd_ready),
    .cmd_i        (engine_cmd),
    .bad_o        (engine_bad),
    .done_o       (engine_done),
    .a_req_valid_o(engine_req_valid[0]),
    .a_req_ready_i(engine_req_ready[0]),
    .a_req_addr_o (vector_req_addr[0+:ScratchW]),
    .a_rsp_valid_i(engine_rsp_valid[0]),
    .a_rsp_data_i (engine_rsp_data[0+:WordW]),
    .b_req_valid_o(engine_req_valid[1]),
    .b_req_ready_i(engine_req_ready[1]),
    .b_req_addr_o (vector_req_addr[ScratchW+:ScratchW]),
    .b_rsp_valid_i(engine_rsp_valid[1]),
    .b_rsp_data_i (engine_rsp_data[WordW+:WordW]),
    .w_valid_o    (engine_w_valid),
    .w_ready_i    (engine_w_ready),
    .w_addr_o     (vector_w_addr),
    .w_data_o     (vector_w_data),
    .w_strobe_o   (vector_w_strobe)
  );

  // ---------------------------------------------------------------------------------------------
  // Shared memory port
  // ---------------------------------------------------------------------------------------------
  axi_join #(
    .ADDR_W(ADDR_W),
    .DATA_W(BUS_W),
    .ID_W  (ID_W)
  ) u_join (
    .clk_i,
    .rst_ni,
    .s_axi_awid(axi_awid),
    .s_axi_awaddr(axi_awaddr),
    .s_axi_awlen(axi_awlen),
    .s_axi_awvalid(axi_awvalid),
    .s_axi_awready(axi_awready),
    .s_axi_wdata(axi_wdata),
    .s_axi_wstrb(axi_wstrb),
    .s_axi_wlast(axi_wlast),
    .s_axi_wvalid(axi_wvalid),
    .s_axi_wready(axi_wready),
    .s_axi_bid(axi_bid),
    .s_axi_bresp(axi_bresp),
    .s_axi_bvalid(axi_bvalid),
    .s_axi_bready(axi_bready),
    .s_axi_arid(axi_arid),
    .s_axi_araddr(axi_araddr),
    .s_axi_arlen(axi_arlen),
    .s_axi_arvalid(axi_arvalid),
    .s_axi_arready(axi_arready),
    .s_axi_rid(axi_rid),
    .s_axi_rdata(axi_rdata),
    .s_axi_rresp(axi_rresp),
    .s_axi_rlast(axi_rlast),
    .s_axi_rvalid(axi_rvalid),
    .s_axi_rready(axi_rready),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
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
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  // All bursts are of one kind.
  assign m_axi_awsize  = axi_awsize[0+:3];
  assign m_axi_awburst = axi_awburst[0+:2];
  assign m_axi_awlock  = axi_awlock[0];
  assign m_axi_awcache = axi_awcache[0+:4];
  assign m_axi_awprot  = axi_awprot[0+:3];
  assign m_axi_awqos   = axi_awqos[0+:4];
  assign m_axi_arsize  = axi_arsize[0+:3];
  assign m_axi_arburst = axi_arburst[0+:2];
  assign m_axi_arlock  = axi_arlock[0];
  assign m_axi_arcache = axi_arcache[0+:4];
  assign m_axi_arprot  = axi_arprot[0+:3];
  assign m_axi_arqos   = axi_arqos[0+:4];

  logic unused;
  assign unused = ^{axi_awsize[3+:3], axi_awburst[2+:2], axi_awlock[1], axi_awcache[4+:4], axi_awprot[3+:3],
                    axi_awqos[4+:4], axi_arsize[3+:3], axi_arburst[2+:2], axi_arlock[1], axi_arcache[4+:4],
                    axi_arprot[3+:3], axi_arqos[4+:4]};

endmodule : edge_qlora_pair
