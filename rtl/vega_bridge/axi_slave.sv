// SPDX-License-Identifier: Apache-2.0
//
// AXI4 slave onto a 32-bit register bus, for hosts with 32, 64 or 128 data bits.
//
// Why: the host's bus is wider than a register, so one register must be found in whatever lanes it travels on, and one
// beat may carry several. All of AXI4 is accepted (FIXED, INCR and WRAP bursts, narrow and unaligned transfers,
// strobes, identifiers); exclusive accesses get OKAY, which tells the host that they are not supported.
//
// Reads and writes have their own channel logic and share only the register bus, word by word and in turns, so neither
// direction can block the other: a write whose data is late does not hold up reads.
//
// Latency and throughput: with a register bus of a cycles per access, a beat of w registers takes w * a + 1 cycles.
//
// The AXI ports keep the names of the AXI specification behind the prefix s_axi_, without _i and _o, as host
// integration tools and bus functional models expect them.

module axi_slave #(
  // Width of the data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64,
  // Width of an AXI address.
  parameter int ADDR_W = 64,
  // Width of a transaction identifier.
  parameter int ID_W = 12,
  // Width of a register address in bytes, at least 12; AXI address bits above it are ignored, since the interconnect
  // selects the window.
  parameter int REG_ADDR_W = 12
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [ID_W-1:0]       s_axi_awid,
  input  logic [ADDR_W-1:0]     s_axi_awaddr,
  input  logic [7:0]            s_axi_awlen,
  input  logic [2:0]            s_axi_awsize,
  input  logic [1:0]            s_axi_awburst,
  input  logic                  s_axi_awvalid,
  output logic                  s_axi_awready,
  input  logic [DATA_W-1:0]     s_axi_wdata,
  input  logic [DATA_W/8-1:0]   s_axi_wstrb,
  input  logic                  s_axi_wlast,
  input  logic                  s_axi_wvalid,
  output logic                  s_axi_wready,
  output logic [ID_W-1:0]       s_axi_bid,
  output logic [1:0]            s_axi_bresp,
  output logic                  s_axi_bvalid,
  input  logic                  s_axi_bready,
  input  logic [ID_W-1:0]       s_axi_arid,
  input  logic [ADDR_W-1:0]     s_axi_araddr,
  input  logic [7:0]            s_axi_arlen,
  input  logic [2:0]            s_axi_arsize,
  input  logic [1:0]            s_axi_arburst,
  input  logic                  s_axi_arvalid,
  output logic                  s_axi_arready,
  output logic [ID_W-1:0]       s_axi_rid,
  output logic [DATA_W-1:0]     s_axi_rdata,
  output logic [1:0]            s_axi_rresp,
  output logic                  s_axi_rlast,
  output logic                  s_axi_rvalid,
  input  logic                  s_axi_rready,

  // Register bus: an access happens in the cycle in which valid and ready are high; until then all its signals are
  // stable. Read data and error belong to that cycle.
  output logic                  reg_valid_o,
  input  logic                  reg_ready_i,
  output logic                  reg_write_o,
  output logic [REG_ADDR_W-1:0] reg_addr_o,
  output logic [31:0]           reg_wdata_o,
  // At least one strobe of a write is set; a read carries zero.
  output logic [3:0]            reg_wstrb_o,
  input  logic [31:0]           reg_rdata_i,
  input  logic                  reg_error_i
);

  logic read_valid, read_ready, write_valid, write_ready;
  logic [REG_ADDR_W-1:0] read_addr, write_addr;
  logic [3:0] write_strb;
  // Direction that owns the bus now, that was last served, and that holds an access which is not yet ready.
  logic select_write, last_write_q, held_q, held_write_q;

  axi_slave_read #(
    .DATA_W(DATA_W),
    .ADDR_W(ADDR_W),
    .ID_W(ID_W),
    .REG_ADDR_W(REG_ADDR_W)
  ) u_read (
    .clk_i,
    .rst_ni,
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
    .access_valid_o(read_valid),
    .access_ready_i(read_ready),
    .access_addr_o(read_addr),
    .access_rdata_i(reg_rdata_i),
    .access_error_i(reg_error_i)
  );

  axi_slave_write #(
    .DATA_W(DATA_W),
    .ADDR_W(ADDR_W),
    .ID_W(ID_W),
    .REG_ADDR_W(REG_ADDR_W)
  ) u_write (
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
    .access_valid_o(write_valid),
    .access_ready_i(write_ready),
    .access_addr_o(write_addr),
    .access_wdata_o(reg_wdata_o),
    .access_wstrb_o(write_strb),
    .access_error_i(reg_error_i)
  );

  // Directions take turns, but an access that was shown stays until it is served.
  assign select_write = held_q ? held_write_q : write_valid && !(read_valid && last_write_q);
  assign reg_valid_o = read_valid || write_valid;
  assign reg_write_o = select_write;
  assign reg_addr_o = select_write ? write_addr : read_addr;
  assign reg_wstrb_o = select_write ? write_strb : 4'd0;
  assign write_ready = reg_ready_i && select_write;
  assign read_ready = reg_ready_i && !select_write;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      last_write_q <= 1'b0;
      held_q <= 1'b0;
    end else begin
      held_q <= reg_valid_o && !reg_ready_i;
      if (reg_valid_o && reg_ready_i) last_write_q <= select_write;
    end
    held_write_q <= select_write;
  end

`ifdef FORMAL
  // What the directions show stays; that is proved of each of them alone.
  logic       f_past_valid = 1'b0;
  logic       f_read_held, f_write_held;
  // Accesses of the other direction since this one began to wait.
  logic [1:0] f_read_waits, f_write_waits;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    f_read_held   <= rst_ni && read_valid && !read_ready;
    f_write_held  <= rst_ni && write_valid && !write_ready;
    f_read_waits  <= (rst_ni && read_valid && !read_ready) ? f_read_waits + 2'(write_valid && write_ready) : '0;
    f_write_waits <= (rst_ni && write_valid && !write_ready) ? f_write_waits + 2'(read_valid && read_ready) : '0;
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      // An access that is shown stays until it is served.
      if ($past(reg_valid_o && !reg_ready_i)) begin
        assert (reg_valid_o && $stable(reg_write_o) && $stable(reg_addr_o) && $stable(reg_wstrb_o));
        if (reg_write_o) assert ($stable(reg_wdata_o));
      end
      if ($past(s_axi_rvalid && !s_axi_rready)) assert (s_axi_rvalid && $stable(s_axi_rdata) && $stable(s_axi_rresp));
      if ($past(s_axi_bvalid && !s_axi_bready)) assert (s_axi_bvalid && $stable(s_axi_bresp));
    end
    if (f_past_valid && rst_ni) begin
      assert (reg_valid_o == (read_valid || write_valid));
      if (reg_valid_o) assert (reg_write_o ? write_valid : read_valid);
      if (reg_valid_o && reg_write_o) assert (reg_wstrb_o != 4'd0);
      if (reg_valid_o && !reg_write_o) assert (reg_wstrb_o == 4'd0);
      assert (!(read_ready && write_ready));
      // Whoever waits sees one access of the other direction at most.
      assert (f_read_waits <= 2'd1 && f_write_waits <= 2'd1);
      if (f_read_waits == 2'd1) assert (held_q ? !held_write_q : last_write_q);
      if (f_write_waits == 2'd1) assert (held_q ? held_write_q : !last_write_q);
      if (held_q) assert (held_write_q ? f_write_held : f_read_held);
      cover (read_valid && read_ready && f_read_waits == 2'd1);
      cover (write_valid && write_ready && f_write_waits == 2'd1);
    end
  end
`endif

endmodule : axi_slave
