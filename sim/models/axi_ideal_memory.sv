// SPDX-License-Identifier: Apache-2.0
//
// AXI4 memory that never makes the bus wait, for measuring what a master achieves by itself.
//
// Why: Python bus models leave bubbles between bursts and cost much simulation time per beat. This one
// accepts an address every cycle, returns read beats without gaps within and between bursts, and takes write
// data every cycle. Only the latency is a setting, so a bubble on the bus is the master's.
//
// Latency: the first read beat can be seen latency_i cycles after the address was accepted, the write response
// latency_i cycles after the last data beat; both at least 1.
// Supported: full-width INCR bursts in order, any ID. Addresses wrap at the size of the memory. Simulation only.

module axi_ideal_memory #(
  // Width of a byte address.
  parameter int ADDR_W = 40,
  // Width of the data bus in bits.
  parameter int DATA_W = 256,
  // Width of the AXI ID.
  parameter int ID_W   = 4,
  // Size in beats, a power of two.
  parameter int BEATS  = 4096,
  // Bursts that can be in flight per direction, a power of two; more lower the address ready.
  parameter int BURSTS = 64
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  // Latency in cycles, at least 1; change it while idle.
  input  logic [15:0]         latency_i,

  input  logic [ID_W-1:0]     s_axi_awid,
  input  logic [ADDR_W-1:0]   s_axi_awaddr,
  input  logic [7:0]          s_axi_awlen,
  input  logic                s_axi_awvalid,
  output logic                s_axi_awready,
  input  logic [DATA_W-1:0]   s_axi_wdata,
  input  logic [DATA_W/8-1:0] s_axi_wstrb,
  input  logic                s_axi_wlast,
  input  logic                s_axi_wvalid,
  output logic                s_axi_wready,
  output logic [ID_W-1:0]     s_axi_bid,
  output logic [1:0]          s_axi_bresp,
  output logic                s_axi_bvalid,
  input  logic                s_axi_bready,
  input  logic [ID_W-1:0]     s_axi_arid,
  input  logic [ADDR_W-1:0]   s_axi_araddr,
  input  logic [7:0]          s_axi_arlen,
  input  logic                s_axi_arvalid,
  output logic                s_axi_arready,
  output logic [ID_W-1:0]     s_axi_rid,
  output logic [DATA_W-1:0]   s_axi_rdata,
  output logic [1:0]          s_axi_rresp,
  output logic                s_axi_rlast,
  output logic                s_axi_rvalid,
  input  logic                s_axi_rready
);

  localparam int BeatLog2 = $clog2(DATA_W / 8);
  localparam int IndexW   = $clog2(BEATS);
  localparam int BurstW   = $clog2(BURSTS);
  localparam int PtrW     = BurstW + 1;
  localparam logic [PtrW-1:0] Full = PtrW'(BURSTS);

  // Open to the testbench, which may load and inspect it.
  logic [DATA_W-1:0] mem [BEATS];

  // Time in cycles.
  logic [31:0] now_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) now_q <= '0;
    else now_q <= now_q + 32'd1;
  end

  // ---------------------------------------------------------------------------------------------
  // Read
  // ---------------------------------------------------------------------------------------------
  logic [IndexW-1:0] ar_index [BURSTS];
  logic [7:0]        ar_len   [BURSTS];
  logic [ID_W-1:0]   ar_id    [BURSTS];
  logic [31:0]       ar_due   [BURSTS];
  logic [PtrW-1:0]   ar_put_q, ar_get_q;
  logic [BurstW-1:0] ar_put, ar_get;
  logic [7:0]        r_beat_q;
  logic [IndexW-1:0] r_index;
  logic              ar_fire, r_fire;

  assign ar_put        = ar_put_q[BurstW-1:0];
  assign ar_get        = ar_get_q[BurstW-1:0];
  assign s_axi_arready = (ar_put_q - ar_get_q) != Full;
  assign ar_fire       = s_axi_arvalid && s_axi_arready;
  assign r_fire        = s_axi_rvalid && s_axi_rready;
  assign r_index       = ar_index[ar_get] + IndexW'(r_beat_q);

  assign s_axi_rvalid  = (ar_put_q != ar_get_q) && $signed(now_q - ar_due[ar_get]) >= 0;
  assign s_axi_rid     = ar_id[ar_get];
  assign s_axi_rdata   = mem[r_index];
  assign s_axi_rresp   = 2'b00;
  assign s_axi_rlast   = (r_beat_q == ar_len[ar_get]);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ar_put_q <= '0;
      ar_get_q <= '0;
      r_beat_q <= '0;
    end else begin
      if (ar_fire) begin
        ar_index[ar_put] <= s_axi_araddr[BeatLog2+:IndexW];
        ar_len[ar_put]   <= s_axi_arlen;
        ar_id[ar_put]    <= s_axi_arid;
        ar_due[ar_put]   <= now_q + 32'(latency_i);
        ar_put_q         <= ar_put_q + PtrW'(1);
      end
      if (r_fire) begin
        r_beat_q <= s_axi_rlast ? 8'd0 : r_beat_q + 8'd1;
        if (s_axi_rlast) ar_get_q <= ar_get_q + PtrW'(1);
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Write: aw_get_q follows the data, b_get_q the responses
  // ---------------------------------------------------------------------------------------------
  logic [IndexW-1:0] aw_index [BURSTS];
  logic [ID_W-1:0]   aw_id    [BURSTS];
  logic [31:0]       b_due    [BURSTS];
  logic [PtrW-1:0]   aw_put_q, aw_get_q, b_get_q;
  logic [BurstW-1:0] aw_put, aw_get, b_get;
  logic [7:0]        w_beat_q;
  logic [IndexW-1:0] w_index;
  logic [DATA_W-1:0] w_merged;
  logic              aw_fire, w_fire, b_fire;
  // verilator lint_off UNUSEDSIGNAL
  logic              unused; // the data side goes by WLAST; address bits beyond the memory wrap
  // verilator lint_on UNUSEDSIGNAL

  assign unused        = ^{s_axi_awlen, s_axi_awaddr, s_axi_araddr};
  assign aw_put        = aw_put_q[BurstW-1:0];
  assign aw_get        = aw_get_q[BurstW-1:0];
  assign b_get         = b_get_q[BurstW-1:0];
  assign s_axi_awready = (aw_put_q - b_get_q) != Full;
  assign s_axi_wready  = (aw_put_q != aw_get_q);
  assign aw_fire       = s_axi_awvalid && s_axi_awready;
  assign w_fire        = s_axi_wvalid && s_axi_wready;
  assign b_fire        = s_axi_bvalid && s_axi_bready;
  assign w_index       = aw_index[aw_get] + IndexW'(w_beat_q);

  assign s_axi_bvalid  = (aw_get_q != b_get_q) && $signed(now_q - b_due[b_get]) >= 0;
  assign s_axi_bid     = aw_id[b_get];
  assign s_axi_bresp   = 2'b00;

  always_comb begin
    w_merged = mem[w_index];
    for (int lane = 0; lane < DATA_W / 8; lane++) begin
      if (s_axi_wstrb[lane]) w_merged[8*lane+:8] = s_axi_wdata[8*lane+:8];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_put_q <= '0;
      aw_get_q <= '0;
      b_get_q  <= '0;
      w_beat_q <= '0;
    end else begin
      if (aw_fire) begin
        aw_index[aw_put] <= s_axi_awaddr[BeatLog2+:IndexW];
        aw_id[aw_put]    <= s_axi_awid;
        aw_put_q         <= aw_put_q + PtrW'(1);
      end
      if (w_fire) begin
        mem[w_index] <= w_merged;
        w_beat_q     <= s_axi_wlast ? 8'd0 : w_beat_q + 8'd1;
        if (s_axi_wlast) begin
          b_due[aw_get] <= now_q + 32'(latency_i);
          aw_get_q      <= aw_get_q + PtrW'(1);
        end
      end
      if (b_fire) b_get_q <= b_get_q + PtrW'(1);
    end
  end

  if (BEATS < 2 || BEATS != (1 << IndexW)) begin : g_bad_beats
    ERROR_beats_must_be_a_power_of_two u_error ();
  end
  if (BURSTS < 2 || BURSTS != (1 << BurstW)) begin : g_bad_bursts
    ERROR_bursts_must_be_a_power_of_two u_error ();
  end

endmodule : axi_ideal_memory
