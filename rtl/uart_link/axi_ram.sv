// SPDX-License-Identifier: Apache-2.0
//
// On-chip memory as an AXI4 slave.
//
// Why: a board without DRAM keeps model and lists in block RAM. INCR bursts of the whole bus, as axi_master sends them, and
// single beats of any size; the strobes say which bytes are written. Responses come in the order of the requests.
// Memory begins at address 0. A burst that begins behind it is answered with DECERR and zeros and writes nothing; no burst
// crosses 4 KB, and memory ends at such a border, so none begins inside and ends outside.
//
// Latency: 4 cycles from a read address to its first beat. Throughput: a beat per cycle in each direction, also across
// bursts. A read in the cycle of a write to the same word gets one of the two.
//
// The AXI port names carry no _i/_o suffix: they are the names of the AXI specification behind s_axi_.

module axi_ram #(
  // Width of the data bus in bits, 32 to 512.
  parameter int DATA_W = 128,
  // Width of a byte address.
  parameter int ADDR_W = 40,
  // Width of the identifier.
  parameter int ID_W   = 5,
  // Size, a multiple of 4096.
  parameter int BYTES  = 1 << 17
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic [ID_W-1:0]     s_axi_awid,
  input  logic [ADDR_W-1:0]   s_axi_awaddr,
  input  logic [7:0]          s_axi_awlen,
  input  logic [2:0]          s_axi_awsize,
  input  logic [1:0]          s_axi_awburst,
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
  input  logic [2:0]          s_axi_arsize,
  input  logic [1:0]          s_axi_arburst,
  input  logic                s_axi_arvalid,
  output logic                s_axi_arready,
  output logic [ID_W-1:0]     s_axi_rid,
  output logic [DATA_W-1:0]   s_axi_rdata,
  output logic [1:0]          s_axi_rresp,
  output logic                s_axi_rlast,
  output logic                s_axi_rvalid,
  input  logic                s_axi_rready
);

  localparam int Lanes  = DATA_W / 8;
  localparam int LaneW  = $clog2(Lanes);
  localparam int Words  = BYTES / Lanes;
  localparam int IndexW = $clog2(Words);
  localparam logic [1:0] Okay   = 2'b00;
  localparam logic [1:0] Decerr = 2'b11;

  if (DATA_W < 32 || DATA_W > 512 || DATA_W != 2 ** $clog2(DATA_W)) begin : g_check_data
    ERROR_axi_ram_DATA_W_must_be_a_power_of_two_from_32_to_512 error ();
  end
  if (BYTES < 4096 || BYTES % 4096 != 0 || ADDR_W < 32) begin : g_check_bytes
    ERROR_axi_ram_BYTES_must_be_a_multiple_of_4096_below_the_address_width error ();
  end

  // ---------------------------------------------------------------------------------------------
  // Write: address and data of a beat are registered in front of the memory
  // ---------------------------------------------------------------------------------------------
  logic              aw_valid, aw_hit, b_hit, w_fire, answer_ready;
  logic [ID_W-1:0]   aw_id;
  logic [IndexW-1:0] aw_index, windex_q;
  logic [7:0]        w_beat_q;
  logic [Lanes-1:0]  wstrobe_q;
  logic [DATA_W-1:0] wdata_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [2:0]        unused_level;
  // Bytes of a beat are a matter of strobes and readers, all bursts of one kind, and WLAST ends those of writes.
  logic              unused;
  // verilator lint_on UNUSEDSIGNAL

  assign unused = ^{s_axi_awlen, s_axi_awsize, s_axi_awburst, s_axi_awaddr[LaneW-1:0],
                    s_axi_arsize, s_axi_arburst, s_axi_araddr[LaneW-1:0]};

  stream_register #(
    .WIDTH(ID_W + 1 + IndexW)
  ) u_aw (
    .clk_i,
    .rst_ni,
    .in_valid_i (s_axi_awvalid),
    .in_ready_o (s_axi_awready),
    .in_data_i  ({s_axi_awid, s_axi_awaddr < ADDR_W'(BYTES), s_axi_awaddr[LaneW+:IndexW]}),
    .out_valid_o(aw_valid),
    .out_ready_i(w_fire && s_axi_wlast),
    .out_data_o ({aw_id, aw_hit, aw_index})
  );

  assign s_axi_wready = aw_valid && answer_ready;
  assign w_fire       = s_axi_wvalid && s_axi_wready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) w_beat_q <= '0;
    else if (w_fire) w_beat_q <= s_axi_wlast ? '0 : w_beat_q + 8'd1;
    wstrobe_q <= rst_ni && w_fire && aw_hit ? s_axi_wstrb : '0;
  end
  always_ff @(posedge clk_i) begin
    windex_q <= aw_index + IndexW'(w_beat_q);
    wdata_q  <= s_axi_wdata;
  end

  stream_fifo #(
    .WIDTH(ID_W + 1),
    .DEPTH(4)
  ) u_answers (
    .clk_i,
    .rst_ni,
    .in_valid_i (w_fire && s_axi_wlast),
    .in_ready_o (answer_ready),
    .in_data_i  ({aw_id, aw_hit}),
    .out_valid_o(s_axi_bvalid),
    .out_ready_i(s_axi_bready),
    .out_data_o ({s_axi_bid, b_hit}),
    .level_o    (unused_level)
  );
  assign s_axi_bresp = b_hit ? Okay : Decerr;

  // ---------------------------------------------------------------------------------------------
  // Read: a beat goes through address, memory and output registers, which all move together
  // ---------------------------------------------------------------------------------------------
  logic              ar_valid, ar_hit, ar_take, move;
  logic [ID_W-1:0]   ar_id;
  logic [IndexW-1:0] ar_index;
  logic [7:0]        ar_len;
  logic [2:0]        valid_q, last_q, hit_q;
  logic [3*ID_W-1:0] id_q;
  logic [IndexW-1:0] index_q;
  logic [7:0]        left_q;
  logic [DATA_W-1:0] memory_q, rdata_q;

  stream_register #(
    .WIDTH(ID_W + 1 + IndexW + 8)
  ) u_ar (
    .clk_i,
    .rst_ni,
    .in_valid_i (s_axi_arvalid),
    .in_ready_o (s_axi_arready),
    .in_data_i  ({s_axi_arid, s_axi_araddr < ADDR_W'(BYTES), s_axi_araddr[LaneW+:IndexW], s_axi_arlen}),
    .out_valid_o(ar_valid),
    .out_ready_i(ar_take),
    .out_data_o ({ar_id, ar_hit, ar_index, ar_len})
  );

  assign move    = s_axi_rready || !valid_q[2];
  assign ar_take = move && (!valid_q[0] || last_q[0]);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (move) valid_q <= {valid_q[1:0], ar_take ? ar_valid : 1'b1};
  end

  always_ff @(posedge clk_i) begin
    if (move) begin
      left_q  <= ar_take ? ar_len : left_q - 8'd1;
      index_q <= ar_take ? ar_index : index_q + IndexW'(1);
      last_q  <= {last_q[1:0], ar_take ? ar_len == 8'd0 : left_q == 8'd1};
      hit_q   <= {hit_q[1:0], ar_take ? ar_hit : hit_q[0]};
      id_q    <= {id_q[2*ID_W-1:0], ar_take ? ar_id : id_q[ID_W-1:0]};
      rdata_q <= hit_q[1] ? memory_q : '0;
    end
  end

  assign s_axi_rvalid = valid_q[2];
  assign s_axi_rlast  = last_q[2];
  assign s_axi_rresp  = hit_q[2] ? Okay : Decerr;
  assign s_axi_rid    = id_q[2*ID_W+:ID_W];
  assign s_axi_rdata  = rdata_q;

  // ---------------------------------------------------------------------------------------------
  // Memory, byte by byte
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    (* no_rw_check *) logic [7:0] bytes_q [Words];
    always_ff @(posedge clk_i) begin
      if (wstrobe_q[l]) bytes_q[windex_q] <= wdata_q[8*l+:8];
      if (move) memory_q[8*l+:8] <= bytes_q[index_q];
    end
  end

endmodule : axi_ram
