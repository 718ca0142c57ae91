// SPDX-License-Identifier: Apache-2.0
//
// Read channels of the AXI4 slave: turns each beat of a burst into accesses of the 32-bit register bus.
//
// Why: a register may change when it is read, so a beat must touch exactly the registers whose lanes the host addressed,
// one after the other and in ascending order, and nothing is read ahead.
//
// Latency: R valid 1 + w * a cycles after AR, for a beat of w registers and a register bus that takes a cycles.
// Throughput: one burst at a time; a beat takes w * a + 1 cycles.

module axi_slave_read #(
  // Width of the data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64,
  // Width of an AXI address.
  parameter int ADDR_W = 64,
  // Width of a transaction identifier.
  parameter int ID_W = 12,
  // Width of a register address in bytes; AXI address bits above it are ignored.
  parameter int REG_ADDR_W = 12
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [ID_W-1:0]       s_axi_arid,
  input  logic [ADDR_W-1:0]     s_axi_araddr,
  input  logic [7:0]            s_axi_arlen,
  input  logic [2:0]            s_axi_arsize,
  input  logic [1:0]            s_axi_arburst,
  input  logic                  s_axi_arvalid,
  output logic                  s_axi_arready,
  output logic [ID_W-1:0]       s_axi_rid,
  // Lanes that the beat does not cover are zero.
  output logic [DATA_W-1:0]     s_axi_rdata,
  output logic [1:0]            s_axi_rresp,
  output logic                  s_axi_rlast,
  output logic                  s_axi_rvalid,
  input  logic                  s_axi_rready,

  // Register read: data and error are taken in the cycle in which ready is high.
  output logic                  access_valid_o,
  input  logic                  access_ready_i,
  output logic [REG_ADDR_W-1:0] access_addr_o,
  input  logic [31:0]           access_rdata_i,
  input  logic                  access_error_i
);

  localparam int WordW = (DATA_W > 32) ? $clog2(DATA_W / 32) : 1;
  localparam logic [REG_ADDR_W-1:0] LaneMask = (REG_ADDR_W'(1) << $clog2(DATA_W / 8)) - REG_ADDR_W'(1);
  localparam logic [1:0] Okay = 2'b00;
  localparam logic [1:0] SlaveError = 2'b10;

  typedef enum logic [1:0] {
    StIdle,
    StAccess,
    StRespond
  } state_e;

  state_e state_q;
  logic fresh_q, error_q;
  logic [ID_W-1:0] id_q;
  logic [REG_ADDR_W-1:0] addr_q, next_addr;
  logic [7:0] len_q, left_q;
  logic [2:0] size_q;
  logic [1:0] burst_q;
  logic [DATA_W-1:0] rdata_q;
  logic [WordW-1:0] word_q, word, first_word, last_word;
  logic illegal, illegal_q, step, beat_taken;

  axi_burst_address #(
    .DATA_W(DATA_W),
    .ADDR_W(REG_ADDR_W)
  ) u_address (
    .addr_i(addr_q),
    .len_i(len_q),
    .size_i(size_q),
    .burst_i(burst_q),
    .next_o(next_addr),
    .first_word_o(first_word),
    .last_word_o(last_word)
  );
  axi_burst_check #(
    .DATA_W(DATA_W)
  ) u_check (
    .addr_i(s_axi_araddr[6:0]),
    .len_i(s_axi_arlen),
    .size_i(s_axi_arsize),
    .burst_i(s_axi_arburst),
    .illegal_o(illegal)
  );

  // The first word of a beat follows from its address; the others are counted.
  assign word = fresh_q ? first_word : word_q;
  assign access_valid_o = state_q == StAccess && !illegal_q;
  assign access_addr_o = (addr_q & ~LaneMask) | REG_ADDR_W'({word, 2'b00});
  assign step = access_valid_o && access_ready_i;
  assign beat_taken = s_axi_rvalid && s_axi_rready;

  assign s_axi_arready = state_q == StIdle;
  assign s_axi_rvalid = state_q == StRespond;
  assign s_axi_rid = id_q;
  assign s_axi_rdata = rdata_q;
  assign s_axi_rresp = error_q ? SlaveError : Okay;
  assign s_axi_rlast = left_q == 8'd0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
    end else begin
      case (state_q)
        StIdle: if (s_axi_arvalid) state_q <= StAccess;
        StAccess: if (illegal_q || (step && word == last_word)) state_q <= StRespond;
        StRespond: if (s_axi_rready) state_q <= s_axi_rlast ? StIdle : StAccess;
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      id_q <= s_axi_arid;
      addr_q <= s_axi_araddr[REG_ADDR_W-1:0];
      len_q <= s_axi_arlen;
      left_q <= s_axi_arlen;
      size_q <= s_axi_arsize;
      burst_q <= s_axi_arburst;
      illegal_q <= illegal;
    end else if (beat_taken) begin
      addr_q <= next_addr;
      left_q <= left_q - 8'd1;
    end

    if (state_q == StIdle || beat_taken) begin
      fresh_q <= 1'b1;
      error_q <= 1'b0;
      rdata_q <= '0;
    end else if (state_q == StAccess) begin
      if (illegal_q) error_q <= 1'b1;
      if (step) begin
        fresh_q <= 1'b0;
        word_q <= word + WordW'(1);
        error_q <= error_q || access_error_i;
        rdata_q[word*32+:32] <= access_rdata_i;
      end
    end
  end

  if (ADDR_W > REG_ADDR_W) begin : g_upper
    // Whoever decodes the window looks at these bits.
    logic unused_address;
    assign unused_address = ^s_axi_araddr[ADDR_W-1:REG_ADDR_W];
  end
  if (ADDR_W < REG_ADDR_W) begin : g_check
    ERROR_ADDR_W_must_be_at_least_REG_ADDR_W error ();
  end

`ifdef FORMAL
  // A burst, beat by beat, from the address channel alone; which words of the beat were read, and whether one failed.
  localparam int Words = DATA_W / 32;
  logic                  f_past_valid = 1'b0;
  logic [8:0]            f_left;
  logic [7:0]            f_beat, f_len;
  logic [ID_W-1:0]       f_id;
  logic [REG_ADDR_W-1:0] f_start, f_step, f_inside, f_wrap, f_addr;
  logic [2:0]            f_size;
  logic [1:0]            f_burst;
  logic                  f_illegal, f_error;
  logic [Words-1:0]      f_read, f_covered;
  logic [DATA_W-1:0]     f_data;

  always @(*) begin
    f_inside = (REG_ADDR_W'(1) << f_size) - REG_ADDR_W'(1);
    f_wrap   = (REG_ADDR_W'(f_len) << f_size) | f_inside;
    f_step   = REG_ADDR_W'(f_beat) << f_size;
    f_addr   = (f_beat == 8'd0) ? f_start : (f_start & ~f_inside) + f_step;
    if (f_burst == 2'b00) f_addr = f_start;
    f_illegal = (8'd1 << f_size) > 8'(DATA_W / 8) || f_burst == 2'b11 ||
                (f_burst == 2'b10 && ((f_start & f_inside) != '0 ||
                                      !(f_len == 8'd1 || f_len == 8'd3 || f_len == 8'd7 || f_len == 8'd15)));
    if (f_burst == 2'b10) f_addr = (f_start & ~f_wrap) | ((f_start + f_step) & f_wrap);
    // Words from the beat's address to the end of its transfer.
    for (int w = 0; w < Words; w++) begin
      f_covered[w] = REG_ADDR_W'(w) >= (f_addr & LaneMask) >> 2 &&
                     REG_ADDR_W'(w) <= ((f_addr | f_inside) & LaneMask) >> 2;
    end
  end

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (!rst_ni) f_left <= '0;
    else if (s_axi_arvalid && s_axi_arready) f_left <= 9'(s_axi_arlen) + 9'd1;
    else if (s_axi_rvalid && s_axi_rready) f_left <= f_left - 9'd1;
    if (s_axi_arvalid && s_axi_arready) begin
      f_id      <= s_axi_arid;
      f_start   <= s_axi_araddr[REG_ADDR_W-1:0];
      f_len     <= s_axi_arlen;
      f_size    <= s_axi_arsize;
      f_burst   <= s_axi_arburst;
      f_beat    <= '0;
    end
    if (s_axi_rvalid && s_axi_rready) f_beat <= f_beat + 8'd1;
    if ((s_axi_arvalid && s_axi_arready) || (s_axi_rvalid && s_axi_rready)) begin
      f_read  <= '0;
      f_error <= 1'b0;
      f_data  <= '0;
    end else if (step) begin
      f_read[word]          <= 1'b1;
      f_error               <= f_error || access_error_i;
      f_data[word*32+:32]   <= access_rdata_i;
    end
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(s_axi_arvalid && !s_axi_arready)) assume (s_axi_arvalid);
      if ($past(s_axi_rvalid && !s_axi_rready)) begin
        assert (s_axi_rvalid && $stable(s_axi_rid) && $stable(s_axi_rdata));
        assert ($stable(s_axi_rresp) && $stable(s_axi_rlast));
      end
      if ($past(access_valid_o && !access_ready_i)) assert (access_valid_o && $stable(access_addr_o));
    end
    if (f_past_valid && rst_ni) begin
      // One burst at a time; as many beats as it asks for, the last one marked, with its identifier.
      assert (s_axi_arready == (f_left == '0));
      assert (f_left <= 9'd256);
      if (f_left != '0) assert (f_left == 9'(f_len) + 9'd1 - 9'(f_beat) && left_q == 8'(f_left - 9'd1));
      if (s_axi_rvalid) begin
        assert (f_left != '0 && s_axi_rid == f_id && s_axi_rlast == (f_left == 9'd1));
        assert (s_axi_rresp == ((f_illegal || f_error) ? SlaveError : Okay));
        // Each word that the beat covers was read once, no other, and its lanes alone carry data.
        assert (f_read == (f_illegal ? '0 : f_covered) && s_axi_rdata == f_data);
      end
      if (access_valid_o) begin
        assert (f_left != '0 && !f_illegal && f_covered[word] && !f_read[word]);
        assert (access_addr_o == ((f_addr & ~LaneMask) | REG_ADDR_W'({word, 2'b00})));
      end
      // What the above rests on.
      if (f_left != '0) begin
        assert (illegal_q == f_illegal && {id_q, size_q, burst_q, len_q} == {f_id, f_size, f_burst, f_len});
        if (!f_illegal) assert (addr_q == f_addr);
      end
      if (state_q == StAccess) begin
        assert (f_read == (fresh_q || f_illegal ? '0 : f_covered & ((Words'(1) << word) - Words'(1))));
        assert (error_q == f_error && rdata_q == f_data);
        if (f_illegal) assert (!f_error);
        else assert (f_covered[word]);
      end
      if (state_q == StRespond) assert (error_q == (f_illegal || f_error));
      cover (s_axi_rvalid && s_axi_rready && s_axi_rlast && f_burst == 2'b10 && f_beat == 8'd1 && f_addr < f_start);
      cover (s_axi_rvalid && s_axi_rready && s_axi_rlast && f_illegal && f_beat == 8'd1);
      cover (s_axi_rvalid && s_axi_rready && f_error && !s_axi_rlast && f_burst == 2'b01);
    end
  end
`endif

endmodule : axi_slave_read
