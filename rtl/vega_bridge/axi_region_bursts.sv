// SPDX-License-Identifier: Apache-2.0
//
// Turns 2-D region commands into AXI4 bursts, for the read and the write master alike.
//
// Why: weights and rows of values lie in memory at a constant distance, while AXI knows only bursts that stay inside one
// 4 KB page. The two are separated here so that a client names a whole matrix in one command and the address side never
// becomes the bottleneck of short rows.
//
// Structure: row iterator (one row per cycle) -> splitter (one burst per cycle). Every burst is as long as MAX_LINES, the
// page and the row allow. Addresses are counted in lines of 64 bytes and wrap at LINE_W bits.
//
// Latency: the first burst of a command is offered 3 cycles after the command was taken.
// Throughput: one burst per cycle across rows; a command every second cycle.
//
// An empty region (no lines or no rows) is taken and leaves no trace.

module axi_region_bursts #(
  // Width of the address of a line, 26 to 58.
  parameter int LINE_W    = 34,
  // Longest burst in lines, 1 to 64.
  parameter int MAX_LINES = 32,
  // Width of the tag that travels from a command to its bursts.
  parameter int TAG_W     = 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic              cmd_valid_i,
  output logic              cmd_ready_o,
  input  logic [LINE_W-1:0] cmd_addr_i,
  input  logic [31:0]       cmd_lines_i,
  input  logic [15:0]       cmd_rows_i,
  // Distance of row starts, two's complement; rows may overlap.
  input  logic [LINE_W-1:0] cmd_stride_i,
  input  logic [TAG_W-1:0]  cmd_tag_i,

  output logic              burst_valid_o,
  input  logic              burst_ready_i,
  output logic [LINE_W-1:0] burst_addr_o,
  // Lines of the burst, 1 to MAX_LINES.
  output logic [6:0]        burst_lines_o,
  // Last burst of the command.
  output logic              burst_last_o,
  output logic [TAG_W-1:0]  burst_tag_o,
  // In the next cycle a burst is offered that was not before, and how many lines it has.
  output logic              next_valid_o,
  output logic [6:0]        next_lines_o,

  // No command is held.
  output logic              idle_o
);

  // Lines of a page, as a power of two.
  localparam int PageLog2 = 6;
  localparam logic [6:0] PageLines = 7'd64;

  // ---------------------------------------------------------------------------------------------
  // Row iterator: row_addr_q is the start of the next row that the splitter takes
  // ---------------------------------------------------------------------------------------------
  logic              row_valid_q, row_valid_d, row_ready_q;
  logic [LINE_W-1:0] row_addr_q, row_stride_q;
  logic [31:0]       row_lines_q;
  logic [15:0]       row_left_q;
  logic [TAG_W-1:0]  row_tag_q;
  logic              row_is_last, row_take, cmd_take;

  assign cmd_ready_o = row_ready_q;
  assign cmd_take    = cmd_valid_i && row_ready_q;
  assign row_is_last = row_left_q == 16'd1;

  always_comb begin
    row_valid_d = row_valid_q;
    if (row_take && row_is_last) row_valid_d = 1'b0;
    if (cmd_take) row_valid_d = cmd_lines_i != '0 && cmd_rows_i != '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
      row_ready_q <= 1'b0;
    end else begin
      row_valid_q <= row_valid_d;
      row_ready_q <= !row_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (cmd_take) begin
      row_addr_q   <= cmd_addr_i;
      row_lines_q  <= cmd_lines_i;
      row_left_q   <= cmd_rows_i;
      row_stride_q <= cmd_stride_i;
      row_tag_q    <= cmd_tag_i;
    end else if (row_take) begin
      row_addr_q   <= row_addr_q + row_stride_q;
      row_left_q   <= row_left_q - 16'd1;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Splitter: cuts the row in split_*_q
  // ---------------------------------------------------------------------------------------------
  logic              split_valid_q;
  logic [LINE_W-1:0] split_addr_q;
  logic [31:0]       split_left_q;
  logic              split_last_row_q;
  logic [TAG_W-1:0]  split_tag_q;
  logic              burst_fire, out_valid_q;
  // Lines to the end of the page, and of the burst if the row has as many; whether that is all of the page, of the row.
  // All are known a cycle ahead, for a row's first burst and for the one behind the burst at hand.
  logic [6:0]        to_page_q, first_to_page, next_to_page, longest_q, first_longest, next_longest;
  logic              ends_page_q, ends_row_q, first_ends_row, next_ends_row;
  // Lines of the row behind the page's end, modulo 512; those of a row with at most 255 lines left are its value.
  logic signed [8:0] behind_q;

  assign first_to_page  = PageLines - 7'(row_addr_q[PageLog2-1:0]);
  assign next_to_page   = ends_page_q ? PageLines : to_page_q - 7'(MAX_LINES);
  assign first_longest  = (first_to_page <= 7'(MAX_LINES)) ? first_to_page : 7'(MAX_LINES);
  assign next_longest   = (next_to_page <= 7'(MAX_LINES)) ? next_to_page : 7'(MAX_LINES);
  assign first_ends_row = row_lines_q[31:7] == '0 && row_lines_q[6:0] <= 7'(MAX_LINES) &&
                          8'(row_lines_q[6:0]) + 8'(row_addr_q[PageLog2-1:0]) <= 8'(PageLines);
  // The row ends with the two bursts' lines: those of this page and a burst, or else of this page or two bursts.
  assign next_ends_row  = split_left_q[31:8] == '0 &&
                          (ends_page_q ? behind_q <= $signed(9'(MAX_LINES))
                                       : behind_q <= 9'sd0 && split_left_q[7:0] <= 8'(2 * MAX_LINES));

  assign burst_fire = split_valid_q && (!out_valid_q || burst_ready_i);
  assign row_take   = row_valid_q && (!split_valid_q || (burst_fire && ends_row_q));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      split_valid_q <= 1'b0;
    end else if (row_take) begin
      split_valid_q <= 1'b1;
    end else if (burst_fire && ends_row_q) begin
      split_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (row_take) begin
      split_addr_q     <= row_addr_q;
      to_page_q        <= first_to_page;
      longest_q        <= first_longest;
      ends_page_q      <= first_to_page <= 7'(MAX_LINES);
      ends_row_q       <= first_ends_row;
      split_left_q     <= row_lines_q;
      behind_q         <= {row_lines_q[8:6] - 3'd1, row_lines_q[5:0]} + 9'(row_addr_q[PageLog2-1:0]);
      split_last_row_q <= row_is_last;
      split_tag_q      <= row_tag_q;
    end else if (burst_fire) begin
      split_addr_q     <= split_addr_q + LINE_W'(longest_q);
      to_page_q        <= next_to_page;
      longest_q        <= next_longest;
      ends_page_q      <= next_to_page <= 7'(MAX_LINES);
      ends_row_q       <= next_ends_row;
      split_left_q     <= split_left_q - 32'(longest_q);
      if (ends_page_q) behind_q[8:PageLog2] <= behind_q[8:PageLog2] - 3'd1;
    end
  end

  // The burst that is offered.
  assign next_valid_o = burst_fire;
  assign next_lines_o = ends_row_q ? split_left_q[6:0] : longest_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_q <= 1'b0;
    else if (!out_valid_q || burst_ready_i) out_valid_q <= split_valid_q;
    if (!out_valid_q || burst_ready_i) begin
      burst_addr_o  <= split_addr_q;
      burst_lines_o <= next_lines_o;
      burst_last_o  <= ends_row_q && split_last_row_q;
      burst_tag_o   <= split_tag_q;
    end
  end
  assign burst_valid_o = out_valid_q;
  assign idle_o        = !row_valid_q && !split_valid_q && !out_valid_q;

  // ---------------------------------------------------------------------------------------------
  // Parameters that cannot work stop elaboration.
  // ---------------------------------------------------------------------------------------------
  if (LINE_W < 26 || LINE_W > 58) begin : g_bad_line_w
    ERROR_addr_w_must_be_32_to_64 u_error ();
  end
  if (MAX_LINES < 1 || MAX_LINES > 64) begin : g_bad_max_lines
    ERROR_max_burst_must_be_1_to_64_lines u_error ();
  end
  if (TAG_W < 1) begin : g_bad_tag_w
    ERROR_tag_w_must_be_at_least_1 u_error ();
  end

`ifdef FORMAL
  logic              f_past_valid = 1'b0;
  always_comb if (!f_past_valid) assume (!rst_ni);
  logic              f_held;
  logic [LINE_W-1:0] f_addr;
  logic [6:0]        f_lines;
  logic [8:0]        f_behind;
  assign f_behind = split_left_q[8:0] - {2'd0, to_page_q};
  always_ff @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    f_held       <= rst_ni && burst_valid_o && !burst_ready_i;
    f_addr       <= burst_addr_o;
    f_lines      <= burst_lines_o;
    if (f_past_valid && rst_ni) begin
      // An offered burst does not change until it is taken.
      if (f_held) assert (burst_valid_o && burst_addr_o == f_addr && burst_lines_o == f_lines);
      // No empty row is ever held, so a burst has at least one line.
      if (row_valid_q) assert (row_lines_q != '0 && row_left_q != 16'd0);
      if (split_valid_q) assert (split_left_q != '0 && to_page_q == PageLines - 7'(split_addr_q[PageLog2-1:0]));
      if (split_valid_q) begin
        assert (ends_page_q == (to_page_q <= 7'(MAX_LINES)) && longest_q == (ends_page_q ? to_page_q : 7'(MAX_LINES)));
        assert (ends_row_q == (split_left_q <= 32'(longest_q)));
        assert ($unsigned(behind_q) == f_behind);
      end
      // A command is taken only when its place is free.
      assert (!(row_ready_q && row_valid_q));
      if (burst_valid_o) begin
        assert (burst_lines_o != '0 && burst_lines_o <= 7'(MAX_LINES));
        // First and last line lie in the same 4 KB page.
        assert (8'(burst_addr_o[PageLog2-1:0]) + 8'(burst_lines_o) <= 8'd64);
        // A page's end inside of a row.
        cover (8'(burst_addr_o[PageLog2-1:0]) + 8'(burst_lines_o) == 8'd64 && split_valid_q && !burst_last_o);
        cover (burst_last_o && $past(burst_valid_o && !burst_last_o));
      end
    end
  end
`endif

endmodule : axi_region_bursts
