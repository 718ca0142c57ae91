// SPDX-License-Identifier: Apache-2.0
//
// Turns 2-D region commands into AXI4 bursts, for the read and the write master alike.
//
// Why: tiles, scales and activations lie in memory as rows at a constant distance, while AXI knows only
// bursts that stay inside one 4 KB page. The two are separated here so that a client names a whole matrix
// in one command and the address side never becomes the bottleneck of short rows.
//
// Structure: command queue -> row iterator (one row per cycle) -> splitter (one burst per cycle). Every
// burst is as long as MAX_BURST, the page and the row allow.
//
// Latency: the first burst of a command is offered 2 cycles after the queue shows the command.
// Throughput: one burst per cycle, across rows and commands alike.
//
// An empty region (zero bytes or zero rows) is accepted and produces nothing. The address bits below one
// beat are ignored in all fields, so a burst is always aligned whatever the command says.

module axi_region_bursts #(
  // Width of a byte address.
  parameter int ADDR_W    = 40,
  // Width of the data bus in bits; a beat is DATA_W/8 bytes.
  parameter int DATA_W    = 256,
  // Longest burst in beats, 1 to 256.
  parameter int MAX_BURST = 64,
  // Commands that wait behind the one in progress.
  parameter int CMD_DEPTH = 4,
  // Width of the tag that travels from a command to its bursts.
  parameter int TAG_W     = 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              cmd_valid_i,
  output logic              cmd_ready_o,
  input  logic [ADDR_W-1:0] cmd_addr_i,
  input  logic [31:0]       cmd_row_bytes_i,
  input  logic [15:0]       cmd_rows_i,
  // Distance of row starts in bytes; may be smaller than a row, or zero.
  input  logic [31:0]       cmd_stride_i,
  input  logic [TAG_W-1:0]  cmd_tag_i,
  // High while the offered command is empty and so will leave no trace.
  output logic              cmd_empty_o,

  output logic              burst_valid_o,
  input  logic              burst_ready_i,
  output logic [ADDR_W-1:0] burst_addr_o,
  // Beats minus one, as AXI encodes it.
  output logic [7:0]        burst_len_o,
  // Last burst of the command.
  output logic              burst_last_o,
  output logic [TAG_W-1:0]  burst_tag_o
);

  localparam int BeatLog2   = $clog2(DATA_W / 8);
  // Addresses and sizes are kept in beats.
  localparam int BeatAddrW  = ADDR_W - BeatLog2;
  localparam int CountW     = 32 - BeatLog2;
  localparam int PageLog2   = 12 - BeatLog2;
  localparam int PageBeats  = 1 << PageLog2;
  // Wide enough for a page and for the longest burst, in beats.
  localparam int LimitW     = 10;
  localparam int CmdW       = TAG_W + CountW + 16 + CountW + BeatAddrW;

  // ---------------------------------------------------------------------------------------------
  // Command queue
  // ---------------------------------------------------------------------------------------------
  logic                 queue_in_ready;
  logic                 queue_valid;
  logic                 queue_ready;
  logic [CmdW-1:0]      queue_data;
  logic [BeatAddrW-1:0] queue_addr;
  logic [CountW-1:0]    queue_beats;
  logic [15:0]          queue_rows;
  logic [CountW-1:0]    queue_stride;
  logic [TAG_W-1:0]     queue_tag;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(CMD_DEPTH+1)-1:0] queue_level; // the depth is visible through cmd_ready_o alone
  logic                           low_bits;    // bits below one beat are ignored by definition
  // verilator lint_on UNUSEDSIGNAL

  assign cmd_empty_o = (cmd_rows_i == 16'd0) || (cmd_row_bytes_i[31:BeatLog2] == '0);
  assign cmd_ready_o = queue_in_ready;
  assign low_bits    = ^{cmd_addr_i[BeatLog2-1:0], cmd_row_bytes_i[BeatLog2-1:0],
                         cmd_stride_i[BeatLog2-1:0]};

  stream_fifo #(
    .WIDTH(CmdW),
    .DEPTH(CMD_DEPTH)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i (cmd_valid_i && !cmd_empty_o),
    .in_ready_o (queue_in_ready),
    .in_data_i  ({cmd_tag_i, cmd_stride_i[31:BeatLog2], cmd_rows_i, cmd_row_bytes_i[31:BeatLog2],
                  cmd_addr_i[ADDR_W-1:BeatLog2]}),
    .out_valid_o(queue_valid),
    .out_ready_i(queue_ready),
    .out_data_o (queue_data),
    .level_o    (queue_level)
  );

  assign {queue_tag, queue_stride, queue_rows, queue_beats, queue_addr} = queue_data;

  // ---------------------------------------------------------------------------------------------
  // Row iterator: row_addr_q is the start of the next row that the splitter takes
  // ---------------------------------------------------------------------------------------------
  logic                 row_valid_q;
  logic [BeatAddrW-1:0] row_addr_q;
  logic [CountW-1:0]    row_beats_q;
  logic [15:0]          row_left_q;
  logic [CountW-1:0]    row_stride_q;
  logic [TAG_W-1:0]     row_tag_q;
  logic                 row_is_last;
  logic                 row_take;

  assign row_is_last = (row_left_q == 16'd1);
  assign queue_ready = !row_valid_q || (row_take && row_is_last);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
    end else if (queue_ready) begin
      row_valid_q <= queue_valid;
    end
  end

  always_ff @(posedge clk_i) begin
    if (queue_ready) begin
      row_addr_q   <= queue_addr;
      row_beats_q  <= queue_beats;
      row_left_q   <= queue_rows;
      row_stride_q <= queue_stride;
      row_tag_q    <= queue_tag;
    end else if (row_take) begin
      row_addr_q   <= row_addr_q + BeatAddrW'(row_stride_q);
      row_left_q   <= row_left_q - 16'd1;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Splitter: cuts the row in split_*_q
  // ---------------------------------------------------------------------------------------------
  logic                 split_valid_q;
  logic [BeatAddrW-1:0] split_addr_q;
  logic [CountW-1:0]    split_left_q;
  logic                 split_last_row_q;
  logic [TAG_W-1:0]     split_tag_q;
  logic [LimitW-1:0]    to_page;
  logic [LimitW-1:0]    limit;
  logic [LimitW-1:0]    burst_beats;
  logic                 ends_row;
  logic                 burst_fire;

  assign to_page     = LimitW'(PageBeats) - LimitW'(split_addr_q[PageLog2-1:0]);
  assign limit       = (to_page < LimitW'(MAX_BURST)) ? to_page : LimitW'(MAX_BURST);
  assign ends_row    = (split_left_q <= CountW'(limit));
  assign burst_beats = ends_row ? split_left_q[LimitW-1:0] : limit;
  assign burst_fire  = burst_valid_o && burst_ready_i;
  assign row_take    = row_valid_q && (!split_valid_q || (burst_fire && ends_row));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      split_valid_q <= 1'b0;
    end else if (row_take) begin
      split_valid_q <= 1'b1;
    end else if (burst_fire && ends_row) begin
      split_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (row_take) begin
      split_addr_q     <= row_addr_q;
      split_left_q     <= row_beats_q;
      split_last_row_q <= row_is_last;
      split_tag_q      <= row_tag_q;
    end else if (burst_fire) begin
      split_addr_q     <= split_addr_q + BeatAddrW'(burst_beats);
      split_left_q     <= split_left_q - CountW'(burst_beats);
    end
  end

  assign burst_valid_o = split_valid_q;
  assign burst_addr_o  = {split_addr_q, BeatLog2'(0)};
  assign burst_len_o   = 8'(burst_beats - LimitW'(1));
  assign burst_last_o  = ends_row && split_last_row_q;
  assign burst_tag_o   = split_tag_q;

  // ---------------------------------------------------------------------------------------------
  // Parameters that cannot work stop elaboration.
  // ---------------------------------------------------------------------------------------------
  if (DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_bad_data_w
    ERROR_data_w_must_be_64_128_256_or_512 u_error ();
  end
  if (ADDR_W < 32 || ADDR_W > 64) begin : g_bad_addr_w
    ERROR_addr_w_must_be_32_to_64 u_error ();
  end
  if (MAX_BURST < 1 || MAX_BURST > 256) begin : g_bad_max_burst
    ERROR_max_burst_must_be_1_to_256 u_error ();
  end
  if (CMD_DEPTH < 2) begin : g_bad_cmd_depth
    ERROR_cmd_depth_must_be_at_least_2 u_error ();
  end
  if (TAG_W < 1) begin : g_bad_tag_w
    ERROR_tag_w_must_be_at_least_1 u_error ();
  end

`ifdef FORMAL
  logic                 f_past_valid = 1'b0;
  always_comb if (!f_past_valid) assume (!rst_ni);
  logic                 f_held;
  logic [ADDR_W-1:0]    f_addr;
  logic [7:0]           f_len;
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_held       <= rst_ni && burst_valid_o && !burst_ready_i;
    f_addr       <= burst_addr_o;
    f_len        <= burst_len_o;
    // The queue delivers what was put in, and only commands that are not empty were.
    if (queue_valid) assume (queue_beats != '0 && queue_rows != 16'd0);
    if (f_past_valid && rst_ni) begin
      // An offered burst does not change until it is taken.
      if (f_held) assert (burst_valid_o && burst_addr_o == f_addr && burst_len_o == f_len);
      // No empty row is ever held, so a burst has at least one beat.
      if (row_valid_q) assert (row_beats_q != '0 && row_left_q != 16'd0);
      if (split_valid_q) assert (split_left_q != '0);
      if (burst_valid_o) begin
        assert (burst_len_o < 9'(MAX_BURST));
        // First and last byte lie in the same 4 KB page.
        assert (13'(burst_addr_o[11:0]) + ((13'(burst_len_o) + 13'd1) << BeatLog2) <= 13'd4096);
      end
    end
  end
`endif

endmodule : axi_region_bursts
