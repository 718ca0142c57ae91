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

`ifdef FORMAL
  // Masters keep what they show; the memory's answers to one master stay until they are taken.
  logic       f_past_valid = 1'b0;
  // Data bursts owed of each master: addresses shown less last beats; addresses shown and not taken.
  logic [2:0] f_owed0, f_owed1;
  // Bursts of the other master since one began to wait.
  logic [3:0] f_read_waits, f_write_waits;
  // A write burst picked when its address is shown, how many are ahead of it, and whose it is.
  (* anyseq *) logic f_pick;
  logic              f_watching = 1'b0, f_whose;
  logic [2:0]        f_ahead;
  logic              f_last;
  assign f_last = m_axi_wvalid && m_axi_wready && m_axi_wlast;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (!rst_ni) begin
      f_owed0 <= '0;
      f_owed1 <= '0;
    end else begin
      f_owed0 <= f_owed0 + 3'(write_turn[0]) - 3'(f_last && !data_from);
      f_owed1 <= f_owed1 + 3'(write_turn[1]) - 3'(f_last && data_from);
    end
    for (int m = 0; m < 2; m++) begin
      f_read_waits[2*m+:2]  <= (rst_ni && s_axi_arvalid[m] && !s_axi_arready[m]) ?
                               f_read_waits[2*m+:2] + 2'(s_axi_arready[1-m]) : '0;
      f_write_waits[2*m+:2] <= (rst_ni && s_axi_awvalid[m] && !s_axi_awready[m]) ?
                               f_write_waits[2*m+:2] + 2'(s_axi_awready[1-m]) : '0;
    end
    if (!rst_ni) begin
      f_watching <= 1'b0;
    end else if (!f_watching) begin
      f_watching <= write_turn != '0 && f_pick;
      f_whose    <= write_turn[1];
      f_ahead    <= unused_level - 3'(f_last);
    end else if (f_last) begin
      f_watching <= f_ahead != '0;
      f_ahead    <= f_ahead - 3'd1;
    end
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      for (int m = 0; m < 2; m++) begin
        if ($past(s_axi_arvalid[m] && !s_axi_arready[m])) begin
          assume (s_axi_arvalid[m] && $stable(s_axi_araddr[m*ADDR_W+:ADDR_W]));
          assume ($stable(s_axi_arlen[m*8+:8]) && $stable(s_axi_arid[m*ID_W+:ID_W]));
        end
        if ($past(s_axi_awvalid[m] && !s_axi_awready[m])) begin
          assume (s_axi_awvalid[m] && $stable(s_axi_awaddr[m*ADDR_W+:ADDR_W]));
          assume ($stable(s_axi_awlen[m*8+:8]) && $stable(s_axi_awid[m*ID_W+:ID_W]));
        end
        if ($past(s_axi_wvalid[m] && !s_axi_wready[m])) begin
          assume (s_axi_wvalid[m] && $stable(s_axi_wdata[m*DATA_W+:DATA_W]) && $stable(s_axi_wlast[m]));
          assume ($stable(s_axi_wstrb[m*(DATA_W/8)+:DATA_W/8]));
        end
      end
      if ($past(m_axi_rvalid && !m_axi_rready)) assume (m_axi_rvalid && $stable(m_axi_rid) && $stable(m_axi_rdata));
      if ($past(m_axi_bvalid && !m_axi_bready)) assume (m_axi_bvalid && $stable(m_axi_bid) && $stable(m_axi_bresp));
      // So does the joint.
      if ($past(m_axi_arvalid && !m_axi_arready)) begin
        assert (m_axi_arvalid && $stable(m_axi_araddr) && $stable(m_axi_arlen) && $stable(m_axi_arid));
      end
      if ($past(m_axi_awvalid && !m_axi_awready)) begin
        assert (m_axi_awvalid && $stable(m_axi_awaddr) && $stable(m_axi_awlen) && $stable(m_axi_awid));
      end
      if ($past(m_axi_wvalid && !m_axi_wready)) begin
        assert (m_axi_wvalid && $stable(m_axi_wdata) && $stable(m_axi_wstrb) && $stable(m_axi_wlast));
      end
    end
    if (f_past_valid && rst_ni) begin
`ifndef FORMAL_BOUNDED
      // A transfer of the memory's side is one of exactly one master's, with its payload and its number.
      assert ((s_axi_arready & s_axi_arvalid) == (read_from & {2{m_axi_arvalid && m_axi_arready}}));
      assert ((s_axi_awready & s_axi_awvalid) == (write_from & {2{m_axi_awvalid && m_axi_awready}}));
      assert (read_from != 2'b11 && write_from != 2'b11 && s_axi_wready != 2'b11);
      assert (m_axi_arvalid == (read_from != '0) && m_axi_awvalid == (write_from != '0));
      if (m_axi_arvalid) assert ((read_from & ~s_axi_arvalid) == '0 && m_axi_arid[ID_W] == read_from[1]);
      if (m_axi_awvalid) assert ((write_from & ~s_axi_awvalid) == '0 && m_axi_awid[ID_W] == write_from[1]);
      for (int m = 0; m < 2; m++) begin
        if (m_axi_arvalid && read_from[m]) begin
          assert (m_axi_araddr == s_axi_araddr[m*ADDR_W+:ADDR_W] && m_axi_arlen == s_axi_arlen[m*8+:8]);
          assert (m_axi_arid[ID_W-1:0] == s_axi_arid[m*ID_W+:ID_W]);
        end
        if (m_axi_awvalid && write_from[m]) begin
          assert (m_axi_awaddr == s_axi_awaddr[m*ADDR_W+:ADDR_W] && m_axi_awlen == s_axi_awlen[m*8+:8]);
          assert (m_axi_awid[ID_W-1:0] == s_axi_awid[m*ID_W+:ID_W]);
        end
        if (m_axi_wvalid && data_from == 1'(m)) begin
          assert (m_axi_wdata == s_axi_wdata[m*DATA_W+:DATA_W] && m_axi_wlast == s_axi_wlast[m]);
          assert (m_axi_wstrb == s_axi_wstrb[m*(DATA_W/8)+:DATA_W/8]);
        end
      end
      if (m_axi_wvalid) assert (s_axi_wvalid[data_from]);
      assert ((s_axi_wready & s_axi_wvalid) == ((m_axi_wvalid && m_axi_wready) ? 2'b01 << data_from : 2'b00));
      // An answer goes to the master whose number it has, as it is, and is taken when that one takes it.
      assert (s_axi_rvalid == {m_axi_rvalid && m_axi_rid[ID_W], m_axi_rvalid && !m_axi_rid[ID_W]});
      assert (s_axi_bvalid == {m_axi_bvalid && m_axi_bid[ID_W], m_axi_bvalid && !m_axi_bid[ID_W]});
      if (m_axi_rvalid) begin
        assert (m_axi_rready == s_axi_rready[m_axi_rid[ID_W]]);
        assert ({s_axi_rid, s_axi_rdata, s_axi_rresp, s_axi_rlast} ==
                {m_axi_rid[ID_W-1:0], m_axi_rdata, m_axi_rresp, m_axi_rlast});
      end
      if (m_axi_bvalid) begin
        assert (m_axi_bready == s_axi_bready[m_axi_bid[ID_W]]);
        assert ({s_axi_bid, s_axi_bresp} == {m_axi_bid[ID_W-1:0], m_axi_bresp});
      end
`endif
      if (f_watching) assert (f_ahead < unused_level);
`ifdef FORMAL_BOUNDED
      // Nobody waits for more than one burst of the other.
      for (int m = 0; m < 2; m++) assert (f_read_waits[2*m+:2] <= 2'd1 && f_write_waits[2*m+:2] <= 2'd1);
      // Data come only of bursts whose address is shown, in the order of the addresses.
      assert (4'(f_owed0) + 4'(f_owed1) == 4'(unused_level));
      if (m_axi_wvalid) assert (data_from ? f_owed1 != '0 : f_owed0 != '0);
      if (f_watching && f_ahead == '0 && data_valid) assert (data_from == f_whose);
`endif
      cover (f_last && data_from && f_owed0 != '0);
      cover (f_last && f_watching && f_ahead == 3'd1);
      cover (f_read_waits[1:0] == 2'd1 && s_axi_arready[0]);
      cover (m_axi_wvalid && m_axi_awvalid && !m_axi_awready);
      cover (m_axi_rvalid && !m_axi_rready && s_axi_rready != '0);
      cover (m_axi_bvalid && !m_axi_bready && s_axi_bready != '0);
    end
  end
`endif

endmodule : axi_join
