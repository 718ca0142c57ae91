// SPDX-License-Identifier: Apache-2.0
//
// Write channels of the AXI4 slave: turns each beat of a burst into accesses of the 32-bit register bus.
//
// Why: a 128-bit beat may carry four registers, or one byte of one. Each word with at least one strobe becomes one
// access with its four strobes, in ascending order; words without strobes are not touched.
//
// Latency: B valid 1 + w * a cycles after the last W, for a beat that covers w words and a register bus that takes a
// cycles; a word without strobes takes one.
// Throughput: one burst at a time; a beat takes w * a + 1 cycles.

module axi_slave_write #(
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
  // SLVERR when any register of any beat refused its access.
  output logic [1:0]            s_axi_bresp,
  output logic                  s_axi_bvalid,
  input  logic                  s_axi_bready,

  // Register write: error is taken in the cycle in which ready is high.
  output logic                  access_valid_o,
  input  logic                  access_ready_i,
  output logic [REG_ADDR_W-1:0] access_addr_o,
  output logic [31:0]           access_wdata_o,
  output logic [3:0]            access_wstrb_o,
  input  logic                  access_error_i
);

  localparam int WordW = (DATA_W > 32) ? $clog2(DATA_W / 32) : 1;
  localparam logic [REG_ADDR_W-1:0] LaneMask = (REG_ADDR_W'(1) << $clog2(DATA_W / 8)) - REG_ADDR_W'(1);
  localparam logic [1:0] Okay = 2'b00;
  localparam logic [1:0] SlaveError = 2'b10;

  typedef enum logic [1:0] {
    StIdle,
    StData,
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
  logic [DATA_W-1:0] wdata_q;
  logic [DATA_W/8-1:0] wstrb_q;
  logic [WordW-1:0] word_q, word, first_word, last_word;
  logic illegal, illegal_q, strobed, step, beat_done;

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
    .addr_i(s_axi_awaddr[6:0]),
    .len_i(s_axi_awlen),
    .size_i(s_axi_awsize),
    .burst_i(s_axi_awburst),
    .illegal_o(illegal)
  );

  // The first word of a beat follows from its address; the others are counted.
  assign word = fresh_q ? first_word : word_q;
  assign access_addr_o = (addr_q & ~LaneMask) | REG_ADDR_W'({word, 2'b00});
  assign access_wdata_o = wdata_q[word*32+:32];
  assign access_wstrb_o = wstrb_q[word*4+:4];
  assign strobed = access_wstrb_o != 4'd0 && !illegal_q;
  assign access_valid_o = state_q == StAccess && strobed;
  assign step = state_q == StAccess && (!strobed || access_ready_i);
  assign beat_done = step && (illegal_q || word == last_word);

  assign s_axi_awready = state_q == StIdle;
  assign s_axi_wready = state_q == StData;
  assign s_axi_bvalid = state_q == StRespond;
  assign s_axi_bid = id_q;
  assign s_axi_bresp = error_q ? SlaveError : Okay;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
    end else begin
      case (state_q)
        StIdle: if (s_axi_awvalid) state_q <= StData;
        StData: if (s_axi_wvalid) state_q <= StAccess;
        StAccess: if (beat_done) state_q <= (left_q == 8'd0) ? StRespond : StData;
        StRespond: if (s_axi_bready) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    case (state_q)
      StIdle: begin
        id_q <= s_axi_awid;
        addr_q <= s_axi_awaddr[REG_ADDR_W-1:0];
        len_q <= s_axi_awlen;
        left_q <= s_axi_awlen;
        size_q <= s_axi_awsize;
        burst_q <= s_axi_awburst;
        illegal_q <= illegal;
        error_q <= 1'b0;
      end
      StData: begin
        fresh_q <= 1'b1;
        wdata_q <= s_axi_wdata;
        wstrb_q <= s_axi_wstrb;
        // AWLEN rules; a WLAST elsewhere shows a host that lost count.
        if (s_axi_wvalid && s_axi_wlast != (left_q == 8'd0)) error_q <= 1'b1;
      end
      StAccess: begin
        if (illegal_q || (access_valid_o && access_ready_i && access_error_i)) error_q <= 1'b1;
        if (step) begin
          fresh_q <= 1'b0;
          word_q <= word + WordW'(1);
        end
        if (beat_done) begin
          addr_q <= next_addr;
          left_q <= left_q - 8'd1;
        end
      end
      default: ;
    endcase
  end

  if (ADDR_W > REG_ADDR_W) begin : g_upper
    // Whoever decodes the window looks at these bits.
    logic unused_address;
    assign unused_address = ^s_axi_awaddr[ADDR_W-1:REG_ADDR_W];
  end
  if (ADDR_W < REG_ADDR_W) begin : g_check
    ERROR_ADDR_W_must_be_at_least_REG_ADDR_W error ();
  end

`ifdef FORMAL
  // A burst, beat by beat, from the channels alone; which words of the beat were written, and whether anything failed.
  localparam int Words = DATA_W / 32;
  logic                  f_past_valid = 1'b0;
  // From the address to the response; beats that are still to come.
  logic                  f_open, f_illegal, f_error;
  logic [8:0]            f_left;
  logic [7:0]            f_beat, f_len;
  logic [ID_W-1:0]       f_id;
  logic [REG_ADDR_W-1:0] f_start, f_step, f_inside, f_wrap, f_addr;
  logic [2:0]            f_size;
  logic [1:0]            f_burst;
  logic [Words-1:0]      f_written, f_covered, f_strobed;
  // The beat at hand as it came.
  logic [DATA_W-1:0]     f_wdata;
  logic [DATA_W/8-1:0]   f_wstrb;

  always @(*) begin
    f_inside = (REG_ADDR_W'(1) << f_size) - REG_ADDR_W'(1);
    f_wrap   = (REG_ADDR_W'(f_len) << f_size) | f_inside;
    f_step   = REG_ADDR_W'(f_beat) << f_size;
    f_addr   = (f_beat == 8'd0) ? f_start : (f_start & ~f_inside) + f_step;
    if (f_burst == 2'b00) f_addr = f_start;
    if (f_burst == 2'b10) f_addr = (f_start & ~f_wrap) | ((f_start + f_step) & f_wrap);
    f_illegal = (8'd1 << f_size) > 8'(DATA_W / 8) || f_burst == 2'b11 ||
                (f_burst == 2'b10 && ((f_start & f_inside) != '0 ||
                                      !(f_len == 8'd1 || f_len == 8'd3 || f_len == 8'd7 || f_len == 8'd15)));
    // Words from the beat's address to the end of its transfer; those with a strobe.
    for (int w = 0; w < Words; w++) begin
      f_covered[w] = REG_ADDR_W'(w) >= (f_addr & LaneMask) >> 2 &&
                     REG_ADDR_W'(w) <= ((f_addr | f_inside) & LaneMask) >> 2;
      f_strobed[w] = f_wstrb[w*4+:4] != 4'd0;
    end
  end

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (!rst_ni) f_open <= 1'b0;
    else if (s_axi_awvalid && s_axi_awready) f_open <= 1'b1;
    else if (s_axi_bvalid && s_axi_bready) f_open <= 1'b0;
    if (!rst_ni) f_left <= '0;
    else if (s_axi_awvalid && s_axi_awready) f_left <= 9'(s_axi_awlen) + 9'd1;
    else if (s_axi_wvalid && s_axi_wready) f_left <= f_left - 9'd1;
    if (s_axi_awvalid && s_axi_awready) begin
      f_id    <= s_axi_awid;
      f_start <= s_axi_awaddr[REG_ADDR_W-1:0];
      f_len   <= s_axi_awlen;
      f_size  <= s_axi_awsize;
      f_burst <= s_axi_awburst;
      f_beat  <= '0;
      f_error <= 1'b0;
    end
    if (s_axi_wvalid && s_axi_wready) begin
      f_written <= '0;
      f_wdata   <= s_axi_wdata;
      f_wstrb   <= s_axi_wstrb;
      if (s_axi_wlast != (f_left == 9'd1)) f_error <= 1'b1;
    end
    if (beat_done) f_beat <= f_beat + 8'd1;
    if (access_valid_o && access_ready_i) begin
      f_written[word] <= 1'b1;
      if (access_error_i) f_error <= 1'b1;
    end
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(s_axi_awvalid && !s_axi_awready)) assume (s_axi_awvalid);
      if ($past(s_axi_wvalid && !s_axi_wready)) assume (s_axi_wvalid);
      if ($past(s_axi_bvalid && !s_axi_bready)) assert (s_axi_bvalid && $stable(s_axi_bid) && $stable(s_axi_bresp));
      if ($past(access_valid_o && !access_ready_i)) begin
        assert (access_valid_o && $stable(access_addr_o) && $stable(access_wdata_o) && $stable(access_wstrb_o));
      end
      // Each word that the beat covers with a strobe was written once, and no other.
      if ($past(beat_done)) assert (f_written == ($past(f_illegal) ? '0 : $past(f_covered & f_strobed)));
    end
    if (f_past_valid && rst_ni) begin
      // One burst at a time; as many beats as it asks for, and one response behind the last of them.
      assert (s_axi_awready == !f_open);
      if (s_axi_wready) assert (f_open && f_left != '0);
      if (s_axi_bvalid) begin
        assert (f_open && f_left == '0 && s_axi_bid == f_id);
        assert (s_axi_bresp == ((f_illegal || f_error) ? SlaveError : Okay));
      end
      if (access_valid_o) begin
        assert (!f_illegal && f_covered[word] && f_strobed[word] && !f_written[word]);
        assert (access_addr_o == ((f_addr & ~LaneMask) | REG_ADDR_W'({word, 2'b00})));
        assert (access_wdata_o == f_wdata[word*32+:32] && access_wstrb_o == f_wstrb[word*4+:4]);
        if (access_wstrb_o != 4'b1111) cover (access_ready_i);
      end
      // What the above rests on.
      if (f_open) begin
        assert (illegal_q == f_illegal && {id_q, size_q, burst_q, len_q} == {f_id, f_size, f_burst, f_len});
        if (state_q == StRespond) assert (f_left == '0 && f_beat == f_len + 8'd1);
        else assert (left_q == f_len - f_beat && f_beat <= f_len);
        if (!f_illegal && state_q != StRespond) assert (addr_q == f_addr);
      end else begin
        assert (f_left == '0);
      end
      if (state_q == StData) begin
        assert (f_left == 9'(left_q) + 9'd1 && error_q == (f_error || (f_illegal && f_beat != '0)));
      end
      if (state_q == StAccess) begin
        assert (f_left == 9'(left_q) && error_q == (f_error || (f_illegal && f_beat != '0)));
        assert (f_written == ((fresh_q || f_illegal) ? '0 : f_covered & f_strobed & ((Words'(1) << word) - Words'(1))));
        if (!f_illegal) assert (f_covered[word]);
        assert (wdata_q == f_wdata && wstrb_q == f_wstrb);
      end
      if (state_q == StRespond) assert (error_q == (f_error || f_illegal));
      cover (s_axi_bvalid && s_axi_bready && f_burst == 2'b10 && !f_error && !f_illegal);
      cover (s_axi_bvalid && s_axi_bready && f_illegal && f_len == 8'd1);
      cover (s_axi_bvalid && s_axi_bready && f_error && !f_illegal && f_burst == 2'b01 && f_len == 8'd1);
    end
  end
`endif

endmodule : axi_slave_write
