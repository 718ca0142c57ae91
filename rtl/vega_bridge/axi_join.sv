// SPDX-License-Identifier: Apache-2.0
//
// Joins two AXI4 masters at one memory port.
//
// Why: two cores share a memory that has one port. Bursts alternate while both ask; write data follow in the order of
// their addresses, as AXI4 wants it. The number of the master is the highest bit of the identifier behind the joint and
// brings the answer back; beats of the two may come mixed. Both masters must take their answers some time, whatever becomes of the other.
// Latency: none for addresses and answers; write data one cycle behind the first of their address, taken or not.
// Throughput: one beat per cycle and channel.
//
// The AXI ports keep the names of the AXI specification: s_axi_ of both masters, number m in bit or slice m; m_axi_.

module axi_join #(
  parameter int ADDR_W = 40,
  parameter int DATA_W = 256,
  // Width of the masters' identifiers; those of the memory are one bit wider.
  parameter int ID_W   = 4
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [2*ID_W-1:0]     s_axi_awid,
  input  logic [2*ADDR_W-1:0]   s_axi_awaddr,
  input  logic [15:0]           s_axi_awlen,
  input  logic [1:0]            s_axi_awvalid,
  output logic [1:0]            s_axi_awready,
  input  logic [2*DATA_W-1:0]   s_axi_wdata,
  input  logic [2*DATA_W/8-1:0] s_axi_wstrb,
  input  logic [1:0]            s_axi_wlast,
  input  logic [1:0]            s_axi_wvalid,
  output logic [1:0]            s_axi_wready,
  output logic [ID_W-1:0]       s_axi_bid,
  output logic [1:0]            s_axi_bresp,
  output logic [1:0]            s_axi_bvalid,
  input  logic [1:0]            s_axi_bready,
  input  logic [2*ID_W-1:0]     s_axi_arid,
  input  logic [2*ADDR_W-1:0]   s_axi_araddr,
  input  logic [15:0]           s_axi_arlen,
  input  logic [1:0]            s_axi_arvalid,
  output logic [1:0]            s_axi_arready,
  output logic [ID_W-1:0]       s_axi_rid,
  output logic [DATA_W-1:0]     s_axi_rdata,
  output logic [1:0]            s_axi_rresp,
  output logic                  s_axi_rlast,
  output logic [1:0]            s_axi_rvalid,
  input  logic [1:0]            s_axi_rready,

  output logic [ID_W:0]         m_axi_awid,
  output logic [ADDR_W-1:0]     m_axi_awaddr,
  output logic [7:0]            m_axi_awlen,
  output logic                  m_axi_awvalid,
  input  logic                  m_axi_awready,
  output logic [DATA_W-1:0]     m_axi_wdata,
  output logic [DATA_W/8-1:0]   m_axi_wstrb,
  output logic                  m_axi_wlast,
  output logic                  m_axi_wvalid,
  input  logic                  m_axi_wready,
  input  logic [ID_W:0]         m_axi_bid,
  input  logic [1:0]            m_axi_bresp,
  input  logic                  m_axi_bvalid,
  output logic                  m_axi_bready,
  output logic [ID_W:0]         m_axi_arid,
  output logic [ADDR_W-1:0]     m_axi_araddr,
  output logic [7:0]            m_axi_arlen,
  output logic                  m_axi_arvalid,
  input  logic                  m_axi_arready,
  input  logic [ID_W:0]         m_axi_rid,
  input  logic [DATA_W-1:0]     m_axi_rdata,
  input  logic [1:0]            m_axi_rresp,
  input  logic                  m_axi_rlast,
  input  logic                  m_axi_rvalid,
  output logic                  m_axi_rready
);

  // Write bursts whose data are still to come.
  localparam int WriteBursts = 4;

  // An address that is shown stays until it is taken.
  logic [1:0] read_turn, read_held_q, read_from, write_turn, write_held_q, write_from;
  logic       read_to, write_to, order_ready, data_valid, data_from;
  logic [2:0] unused_level;

  // ---------------------------------------------------------------------------------------------
  // Reads
  // ---------------------------------------------------------------------------------------------
  round_robin #(
    .REQUESTS(2)
  ) u_read_turn (
    .clk_i,
    .rst_ni,
    .request_i(read_held_q == '0 ? s_axi_arvalid : 2'b00),
    .grant_o  (read_turn)
  );
  assign read_from     = read_turn | read_held_q;
  assign m_axi_arvalid = read_from != '0;
  assign s_axi_arready = read_from & {2{m_axi_arready}};
  assign m_axi_arid    = {read_from[1], read_from[1] ? s_axi_arid[ID_W+:ID_W] : s_axi_arid[0+:ID_W]};
  assign m_axi_araddr  = read_from[1] ? s_axi_araddr[ADDR_W+:ADDR_W] : s_axi_araddr[0+:ADDR_W];
  assign m_axi_arlen   = read_from[1] ? s_axi_arlen[15:8] : s_axi_arlen[7:0];

  assign read_to      = m_axi_rid[ID_W];
  assign s_axi_rid    = m_axi_rid[ID_W-1:0];
  assign s_axi_rdata  = m_axi_rdata;
  assign s_axi_rresp  = m_axi_rresp;
  assign s_axi_rlast  = m_axi_rlast;
  assign s_axi_rvalid = {m_axi_rvalid && read_to, m_axi_rvalid && !read_to};
  assign m_axi_rready = (s_axi_rvalid & s_axi_rready) != '0;

  // ---------------------------------------------------------------------------------------------
  // Writes
  // ---------------------------------------------------------------------------------------------
  round_robin #(
    .REQUESTS(2)
  ) u_write_turn (
    .clk_i,
    .rst_ni,
    .request_i(write_held_q == '0 && order_ready ? s_axi_awvalid : 2'b00),
    .grant_o  (write_turn)
  );
  assign write_from    = write_turn | write_held_q;
  assign m_axi_awvalid = write_from != '0;
  assign s_axi_awready = write_from & {2{m_axi_awready}};
  assign m_axi_awid    = {write_from[1], write_from[1] ? s_axi_awid[ID_W+:ID_W] : s_axi_awid[0+:ID_W]};
  assign m_axi_awaddr  = write_from[1] ? s_axi_awaddr[ADDR_W+:ADDR_W] : s_axi_awaddr[0+:ADDR_W];
  assign m_axi_awlen   = write_from[1] ? s_axi_awlen[15:8] : s_axi_awlen[7:0];

  // In the order in which addresses are shown, which is that in which they are taken: data must not wait for an address
  // to be taken, because a memory may take an address only with its data.
  stream_fifo #(
    .WIDTH(1),
    .DEPTH(WriteBursts)
  ) u_order (
    .clk_i,
    .rst_ni,
    .in_valid_i (write_turn != '0),
    .in_ready_o (order_ready),
    .in_data_i  (write_turn[1]),
    .out_valid_o(data_valid),
    .out_ready_i(m_axi_wvalid && m_axi_wready && m_axi_wlast),
    .out_data_o (data_from),
    .level_o    (unused_level)
  );
  assign m_axi_wvalid = data_valid && s_axi_wvalid[data_from];
  assign m_axi_wlast  = s_axi_wlast[data_from];
  assign m_axi_wdata  = data_from ? s_axi_wdata[DATA_W+:DATA_W] : s_axi_wdata[0+:DATA_W];
  assign m_axi_wstrb  = data_from ? s_axi_wstrb[DATA_W/8+:DATA_W/8] : s_axi_wstrb[0+:DATA_W/8];
  assign s_axi_wready = {data_valid && data_from && m_axi_wready, data_valid && !data_from && m_axi_wready};

  assign write_to     = m_axi_bid[ID_W];
  assign s_axi_bid    = m_axi_bid[ID_W-1:0];
  assign s_axi_bresp  = m_axi_bresp;
  assign s_axi_bvalid = {m_axi_bvalid && write_to, m_axi_bvalid && !write_to};
  assign m_axi_bready = (s_axi_bvalid & s_axi_bready) != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_held_q  <= '0;
      write_held_q <= '0;
    end else begin
      read_held_q  <= m_axi_arready ? '0 : read_from;
      write_held_q <= m_axi_awready ? '0 : write_from;
    end
  end

endmodule : axi_join
