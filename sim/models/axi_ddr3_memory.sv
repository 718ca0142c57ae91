// SPDX-License-Identifier: Apache-2.0
//
// DDR3-1600 memory, DATA_W / 8 bits wide, behind a DATA_W-bit AXI4 port at 200 MHz: one beat per cycle at most, 6.4 GB/s
// at 256 bits.
//
// Why: what a core achieves depends on when rows are opened, on refreshes and on turns of the data bus. A beat is one
// burst of eight (at 256 bits 32 bytes of two x16 devices), and a cycle four memory clocks; times are rounded up to whole
// cycles, which is to the memory's disadvantage. The controller serves bursts of a direction in order, opens rows for the
// next bursts meanwhile, turns the bus when a direction has nothing left or the other has waited long, and refreshes on
// time. A beat's number has the column in bits 6:0, the bank in 9:7, and the row above, so neighbouring rows of 128 beats
// lie in different banks. At 256 bits and more a burst, which crosses no 4 KB page, lies in one row.
//
// Contents are an array here; with SYSTEM_MEMORY defined they belong to the program around the simulation, which serves
// memory_read and memory_write, one call per beat.
//
// Latency: an address to its first beat T_RCD + T_CL + LATENCY + 2 cycles when nothing else goes on.
// Supported: full-width INCR bursts in order, any ID. Addresses wrap at the size of the memory. Simulation only.

module axi_ddr3_memory #(
  // Width of a byte address.
  parameter int ADDR_W  = 40,
  // Width of the data bus in bits: 64, 128, 256 or 512.
  parameter int DATA_W  = 256,
  // Width of the AXI ID.
  parameter int ID_W    = 4,
  // Width of a beat's number: the memory has 2^INDEX_W beats.
  parameter int INDEX_W = 16,
  // Bursts that wait per direction, a power of two.
  parameter int BURSTS  = 16,
  // Bursts for which rows are opened ahead.
  parameter int AHEAD   = 4,
  // Cycles of controller and PHY from a column's data to the bus.
  parameter int LATENCY = 14,
  // Cycles that a direction may wait while the other has work.
  parameter int PATIENCE = 64,
  // Timing in cycles of 5 ns (DDR3-1600K, 4 Gb, pages of 2 KB per device).
  parameter int T_RCD   = 3,
  parameter int T_RP    = 3,
  parameter int T_RAS   = 7,
  parameter int T_RC    = 10,
  parameter int T_RRD   = 2,
  parameter int T_FAW   = 8,
  parameter int T_RTP   = 2,
  parameter int T_CL    = 3,
  parameter int T_CWL   = 2,
  parameter int T_WR    = 3,
  parameter int T_WTR   = 2,
  parameter int T_RTW   = 3,
  parameter int T_RFC   = 52,
  parameter int T_REFI  = 1560
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic [ID_W-1:0]           s_axi_awid,
  input  logic [ADDR_W-1:0]         s_axi_awaddr,
  input  logic [7:0]                s_axi_awlen,
  input  logic [2:0]                s_axi_awsize,
  input  logic [1:0]                s_axi_awburst,
  input  logic                      s_axi_awvalid,
  output logic                      s_axi_awready,
  input  logic [DATA_W-1:0]         s_axi_wdata,
  input  logic [DATA_W/8-1:0]       s_axi_wstrb,
  input  logic                      s_axi_wlast,
  input  logic                      s_axi_wvalid,
  output logic                      s_axi_wready,
  output logic [ID_W-1:0]           s_axi_bid,
  output logic [1:0]                s_axi_bresp,
  output logic                      s_axi_bvalid,
  input  logic                      s_axi_bready,
  input  logic [ID_W-1:0]           s_axi_arid,
  input  logic [ADDR_W-1:0]         s_axi_araddr,
  input  logic [7:0]                s_axi_arlen,
  input  logic [2:0]                s_axi_arsize,
  input  logic [1:0]                s_axi_arburst,
  input  logic                      s_axi_arvalid,
  output logic                      s_axi_arready,
  output logic [ID_W-1:0]           s_axi_rid,
  output logic [DATA_W-1:0]         s_axi_rdata,
  output logic [1:0]                s_axi_rresp,
  output logic                      s_axi_rlast,
  output logic                      s_axi_rvalid,
  input  logic                      s_axi_rready,

  // What the memory is told in this cycle: a row opens, a row closes, a column is read or written, all rows close and
  // a refresh follows.
  output logic                      act_o,
  output logic [2:0]                act_bank_o,
  output logic [INDEX_W-11:0]       act_row_o,
  output logic                      pre_o,
  output logic [2:0]                pre_bank_o,
  output logic                      read_o,
  output logic                      write_o,
  output logic [2:0]                column_bank_o,
  output logic [INDEX_W-11:0]       column_row_o,
  output logic                      refresh_o
);

  localparam int Banks    = 8;
  localparam int BurstW   = $clog2(BURSTS);
  localparam int Bytes    = DATA_W / 8;
  localparam int SizeW    = $clog2(Bytes);
  localparam int PageW    = 12 - SizeW;  // of a beat's number within a page of 4 KB, which no burst crosses
  localparam int RowW     = INDEX_W - 10;
  // Beats read and not yet taken, and beats of write data.
  localparam int Buffer   = 1024;
  localparam int BufferW  = 10;

  if (DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_bad_width
    ERROR_axi_ddr3_memory_DATA_W_must_be_64_128_256_or_512 u_error ();
  end
  if (INDEX_W < 11 || INDEX_W > ADDR_W - SizeW || BURSTS < 2 || BURSTS != (1 << BurstW)) begin : g_bad_size
    ERROR_axi_ddr3_memory_INDEX_W_must_be_11_to_that_of_ADDR_W_and_BURSTS_a_power_of_two u_error ();
  end

`ifdef SYSTEM_MEMORY
  // A beat by its number. Bits of strobe tell which bytes of data are written.
  import "DPI-C" function void memory_read(input longint index, output bit [DATA_W-1:0] data);
  import "DPI-C" function void memory_write(input longint index, input bit [DATA_W-1:0] data,
                                            input bit [DATA_W/8-1:0] strobe);
`else
  // Open to the testbench, which may load and inspect it.
  logic [DATA_W-1:0] mem [2**INDEX_W];
`endif

  // ---------------------------------------------------------------------------------------------
  // Bursts that wait, by direction (0 reads, 1 writes): written here, taken by the scheduler
  // ---------------------------------------------------------------------------------------------
  logic [INDEX_W-1:0] read_index [BURSTS], write_index [BURSTS];
  logic [7:0]         read_len [BURSTS], write_len [BURSTS];
  logic [ID_W-1:0]    read_id [BURSTS], write_id [BURSTS];
  logic [BurstW:0]    read_put_q, read_get_q, write_put_q, write_get_q, write_data_q, answer_get_q;
  logic [DATA_W-1:0]  wdata [Buffer];
  logic [Bytes-1:0]   wstrb [Buffer];
  logic [BufferW:0]   wdata_put_q, wdata_get_q;
  // verilator lint_off UNUSEDSIGNAL
  logic               unused; // address bits beyond the memory wrap
  // verilator lint_on UNUSEDSIGNAL

  assign unused        = ^{s_axi_awaddr, s_axi_araddr};
  assign s_axi_arready = (read_put_q - read_get_q) != (BurstW + 1)'(BURSTS);
  assign s_axi_awready = (write_put_q - answer_get_q) != (BurstW + 1)'(BURSTS);
  assign s_axi_wready  = (wdata_put_q - wdata_get_q) != (BufferW + 1)'(Buffer) && write_put_q != write_data_q;

  // What is not supported stops the simulation. Nothing holds before the first reset.
  logic was_reset_q;
  initial was_reset_q = 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) was_reset_q <= 1'b1;
    if (rst_ni && was_reset_q && s_axi_arvalid) begin
      assert (s_axi_arsize == 3'(SizeW) && s_axi_arburst == 2'b01);
      assert (13'(s_axi_araddr[11:SizeW]) + 13'(s_axi_arlen) < 13'(1 << PageW));
    end
    if (rst_ni && was_reset_q && s_axi_awvalid) begin
      assert (s_axi_awsize == 3'(SizeW) && s_axi_awburst == 2'b01);
      assert (13'(s_axi_awaddr[11:SizeW]) + 13'(s_axi_awlen) < 13'(1 << PageW));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_put_q   <= '0;
      write_put_q  <= '0;
      write_data_q <= '0;
      wdata_put_q  <= '0;
    end else begin
      if (s_axi_arvalid && s_axi_arready) begin
        read_index[read_put_q[BurstW-1:0]] <= s_axi_araddr[SizeW+:INDEX_W];
        read_len[read_put_q[BurstW-1:0]]   <= s_axi_arlen;
        read_id[read_put_q[BurstW-1:0]]    <= s_axi_arid;
        read_put_q                         <= read_put_q + 1'b1;
      end
      if (s_axi_awvalid && s_axi_awready) begin
        write_index[write_put_q[BurstW-1:0]] <= s_axi_awaddr[SizeW+:INDEX_W];
        write_len[write_put_q[BurstW-1:0]]   <= s_axi_awlen;
        write_id[write_put_q[BurstW-1:0]]    <= s_axi_awid;
        write_put_q                          <= write_put_q + 1'b1;
      end
      // A write begins when all its data are here: write_data_q counts those bursts.
      if (s_axi_wvalid && s_axi_wready) begin
        wdata[wdata_put_q[BufferW-1:0]] <= s_axi_wdata;
        wstrb[wdata_put_q[BufferW-1:0]] <= s_axi_wstrb;
        wdata_put_q                     <= wdata_put_q + 1'b1;
        if (s_axi_wlast) write_data_q <= write_data_q + 1'b1;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Scheduler: in each cycle one column, one row opened, one row closed. Its variables are its own
  // ---------------------------------------------------------------------------------------------
  // verilator lint_off BLKSEQ
  logic [31:0]        now, last_turn;
  logic [Banks-1:0]   open, claimed;
  logic [RowW-1:0]    open_row [Banks];
  logic [31:0]        act_at [Banks], pre_at [Banks], column_at [Banks];  // earliest times
  logic [31:0]        any_act_at, read_at, write_at, refresh_at, faw [4];
  logic [1:0]         faw_next;
  logic               writing, refreshing, reads_wait, writes_wait, hit;
  logic [7:0]         beat;
  logic [BurstW:0]    entries;
  logic [BurstW-1:0]  entry;
  logic [INDEX_W-1:0] index;
  logic [2:0]         bank;
  logic [RowW-1:0]    row;
  logic [7:0]         len;
  logic               closed;  // a row, in this cycle
  logic               ended;   // a burst, in this cycle
  logic [Bytes-1:0]   strobes;
  logic [DATA_W-1:0]  bytes_in, bytes_out;

  // Beats read, each with the time from which it may be on the bus.
  logic [DATA_W-1:0]  rdata [Buffer];
  logic               rlast [Buffer];
  logic [ID_W-1:0]    rid [Buffer];
  logic [31:0]        rdue [Buffer];
  logic [BufferW:0]   rdata_put_q, rdata_get_q;

  function automatic logic [31:0] later(input logic [31:0] a, input logic [31:0] b);
    later = (a > b) ? a : b;
  endfunction

  always @(posedge clk_i) begin
    act_o     <= 1'b0;
    pre_o     <= 1'b0;
    read_o    <= 1'b0;
    write_o   <= 1'b0;
    refresh_o <= 1'b0;
    if (!rst_ni) begin
      now         = 32'd16;
      last_turn   = 32'd16;
      open        = '0;
      any_act_at  = '0;
      read_at     = '0;
      write_at    = '0;
      refresh_at  = 32'd16 + T_REFI;
      faw_next    = '0;
      writing     = 1'b0;
      refreshing  = 1'b0;
      beat        = '0;
      for (int b = 0; b < Banks; b++) begin
        act_at[b]    = '0;
        pre_at[b]    = '0;
        column_at[b] = '0;
      end
      for (int f = 0; f < 4; f++) faw[f] = '0;
      read_get_q  <= '0;
      write_get_q <= '0;
      wdata_get_q <= '0;
      rdata_put_q <= '0;
    end else begin
      now         = now + 32'd1;
      reads_wait  = read_put_q != read_get_q;
      writes_wait = write_data_q != write_get_q;
      hit         = 1'b0;
      ended       = 1'b0;

      // Refresh: nothing begins until all rows are closed, then all banks rest.
      if (!refreshing && now >= refresh_at) refreshing = 1'b1;
      if (refreshing) begin
        claimed = '1;
        for (int b = 0; b < Banks; b++) if (open[b] && now < pre_at[b]) claimed[b] = 1'b0;
        if (claimed == '1) begin
          open       = '0;
          refreshing = 1'b0;
          refresh_at = refresh_at + T_REFI;
          refresh_o  <= 1'b1;
          for (int b = 0; b < Banks; b++) act_at[b] = later(act_at[b], now + T_RP + T_RFC);
        end
      end else begin
        // Between bursts the bus turns to the direction that has work, or that has waited long.
        if (beat == '0) begin
          if (writing ? (!writes_wait && reads_wait) || (reads_wait && now - last_turn > PATIENCE) :
                        (!reads_wait && writes_wait) || (writes_wait && now - last_turn > PATIENCE)) begin
            writing   = !writing;
            last_turn = now;
          end
          if (!(reads_wait && writes_wait)) last_turn = now;
        end

        // A column.
        index = writing ? write_index[write_get_q[BurstW-1:0]] : read_index[read_get_q[BurstW-1:0]];
        len   = writing ? write_len[write_get_q[BurstW-1:0]] : read_len[read_get_q[BurstW-1:0]];
        index = index + INDEX_W'(beat);
        bank  = index[9:7];
        row   = RowW'(index >> 10);
        hit   = writing ? writes_wait : reads_wait && (rdata_put_q - rdata_get_q) != (BufferW + 1)'(Buffer);
        hit   = hit && open[bank] && open_row[bank] == row && now >= column_at[bank] &&
                now >= (writing ? write_at : read_at);
        if (hit) begin
          read_o        <= !writing;
          write_o       <= writing;
          column_bank_o <= bank;
          column_row_o  <= row;
          if (writing) begin
            strobes  = wstrb[wdata_get_q[BufferW-1:0]];
            bytes_in = wdata[wdata_get_q[BufferW-1:0]];
`ifdef SYSTEM_MEMORY
            memory_write(64'(index), bytes_in, strobes);
`else
            bytes_out = mem[index];
            for (int lane = 0; lane < Bytes; lane++) begin
              if (strobes[lane]) bytes_out[8*lane+:8] = bytes_in[8*lane+:8];
            end
            mem[index] = bytes_out;
`endif
            wdata_get_q <= wdata_get_q + 1'b1;
            pre_at[bank] = later(pre_at[bank], now + T_CWL + 1 + T_WR);
            read_at      = later(read_at, now + T_CWL + 1 + T_WTR);
          end else begin
            pre_at[bank] = later(pre_at[bank], now + T_RTP);
            write_at     = later(write_at, now + T_RTW);
`ifdef SYSTEM_MEMORY
            memory_read(64'(index), bytes_out);
`else
            bytes_out = mem[index];
`endif
            rdata[rdata_put_q[BufferW-1:0]] <= bytes_out;
            rlast[rdata_put_q[BufferW-1:0]] <= beat == len;
            rid[rdata_put_q[BufferW-1:0]]   <= read_id[read_get_q[BurstW-1:0]];
            rdue[rdata_put_q[BufferW-1:0]]  <= now + T_CL + LATENCY;
            rdata_put_q                     <= rdata_put_q + 1'b1;
          end
          beat = beat + 8'd1;
          if (beat == len + 8'd1) begin
            beat  = '0;
            ended = 1'b1;
            if (writing) write_get_q <= write_get_q + 1'b1;
            else read_get_q <= read_get_q + 1'b1;
          end
        end

        // Rows of this burst's next beat and of the next bursts: the oldest burst that wants a bank has it.
        claimed = '0;
        closed  = 1'b0;
        entries = writing ? write_data_q - write_get_q : read_put_q - read_get_q;
        for (int ahead = 0; ahead < AHEAD; ahead++) begin
          entry = (writing ? write_get_q[BurstW-1:0] : read_get_q[BurstW-1:0]) + BurstW'(ahead);
          index = writing ? write_index[entry] : read_index[entry];
          if (ahead == 0) index = index + INDEX_W'(beat);
          bank  = index[9:7];
          row   = RowW'(index >> 10);
          if ((BurstW + 1)'(ahead) < entries && !(ended && ahead == 0) && !claimed[bank]) begin
            claimed[bank] = 1'b1;
            if (open[bank] && open_row[bank] != row && now >= pre_at[bank] && !closed) begin
              open[bank]   = 1'b0;
              act_at[bank] = later(act_at[bank], now + T_RP);
              pre_o        <= 1'b1;
              pre_bank_o   <= bank;
              closed       = 1'b1;
            end else if (!open[bank] && now >= act_at[bank] && now >= any_act_at && now >= faw[faw_next]) begin
              open[bank]      = 1'b1;
              open_row[bank]  = row;
              act_at[bank]    = now + T_RC;
              pre_at[bank]    = now + T_RAS;
              column_at[bank] = now + T_RCD;
              any_act_at      = now + T_RRD;
              faw[faw_next]   = now + T_FAW;
              faw_next        = faw_next + 2'd1;
              act_o           <= 1'b1;
              act_bank_o      <= bank;
              act_row_o       <= row;
            end
          end
        end
      end
    end
  end
  // verilator lint_on BLKSEQ

  // ---------------------------------------------------------------------------------------------
  // Answers
  // ---------------------------------------------------------------------------------------------
  logic [31:0] time_q;  // the scheduler's now

  assign s_axi_rvalid = rdata_put_q != rdata_get_q && time_q >= rdue[rdata_get_q[BufferW-1:0]];
  assign s_axi_rdata  = rdata[rdata_get_q[BufferW-1:0]];
  assign s_axi_rlast  = rlast[rdata_get_q[BufferW-1:0]];
  assign s_axi_rid    = rid[rdata_get_q[BufferW-1:0]];
  assign s_axi_rresp  = 2'b00;
  assign s_axi_bvalid = answer_get_q != write_get_q;
  assign s_axi_bid    = write_id[answer_get_q[BurstW-1:0]];
  assign s_axi_bresp  = 2'b00;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      time_q       <= 32'd16;
      rdata_get_q  <= '0;
      answer_get_q <= '0;
    end else begin
      time_q <= time_q + 32'd1;
      if (s_axi_rvalid && s_axi_rready) rdata_get_q <= rdata_get_q + 1'b1;
      if (s_axi_bvalid && s_axi_bready) answer_get_q <= answer_get_q + 1'b1;
    end
  end

endmodule : axi_ddr3_memory
