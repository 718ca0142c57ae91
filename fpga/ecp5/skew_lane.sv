// SPDX-License-Identifier: Apache-2.0
//
// rtl/systolic/skew_lane.sv on an ECP5, the same words in the same cycles.
//
// Why: LUT RAM is 16 words deep there, and a ring of 64 takes four of them and multiplexers. Here the short lanes are one
// or two rings of 16 in a row, and the long ones block RAM, a word of which holds an activation and a weight. Positions
// are the lane's own, so that no net crosses the array. They run whatever the reset; where one begins does not matter, and
// the other follows from it in every cycle.
// Latency: ROW + 1 cycles. Throughput: one word per cycle, no backpressure.

module skew_lane #(
  // The lane's row, 0 to 63.
  parameter int ROW = 0,
  // Bits per word.
  parameter int WIDTH = 36
) (
  input  logic             clk_i,
  // Not used: positions in the ring of the generic lane.
  input  logic [5:0]       write_ptr_i,
  input  logic [5:0]       read_ptr_i,
  input  logic [WIDTH-1:0] data_i,
  output logic [WIDTH-1:0] data_o
);

  // First row in block RAM.
  localparam int FirstBlock = 32;

  logic unused_ptr;
  assign unused_ptr = ^{write_ptr_i, read_ptr_i};

  if (ROW == 0) begin : g_register
    always_ff @(posedge clk_i) data_o <= data_i;
  end else if (ROW < FirstBlock) begin : g_rings
    // The first ring delays by 16: its position is read just before it is written. The last one delays by the rest.
    localparam int Rest = (ROW - 1) % 16 + 1;
    // verilator lint_off PROCASSINIT
    logic [3:0] write_q = 4'd0;
    // verilator lint_on PROCASSINIT
    logic [3:0] read_q;
    logic [WIDTH-1:0] last_in;
    (* ram_style = "distributed" *) logic [WIDTH-1:0] last[16];
    always_ff @(posedge clk_i) begin
      write_q <= write_q + 4'd1;
      read_q <= write_q + 4'(17 - Rest);
      last[write_q] <= last_in;
      data_o <= last[read_q];
    end
    if (ROW > 16) begin : g_first
      (* ram_style = "distributed" *) logic [WIDTH-1:0] first[16];
      always_ff @(posedge clk_i) first[write_q] <= data_i;
      assign last_in = first[write_q];
    end else begin : g_only
      assign last_in = data_i;
    end
  end else begin : g_block
    localparam int Blocks = (WIDTH + 35) / 36;
    // Both halves of a word's output have the register, by either port's setting, whose clocks are the same one.
    // A word is read ROW - 2 cycles after it was written. The memory has a register at its output, and another one is
    // halfway from there to the multiplier.
    // verilator lint_off PROCASSINIT
    logic [5:0] write_q = 6'd0;
    // verilator lint_on PROCASSINIT
    logic [5:0] read_q;
    logic [36*Blocks-1:0] d, q;
    always_ff @(posedge clk_i) begin
      write_q <= write_q + 6'd1;
      read_q <= write_q + 6'(67 - ROW);
      data_o <= q[WIDTH-1:0];
    end
    assign d = (36 * Blocks)'(data_i);
    for (genvar b = 0; b < Blocks; b++) begin : g_memory
      DP16KD #(
        .DATA_WIDTH_A(36), .DATA_WIDTH_B(36), .REGMODE_A("OUTREG"), .REGMODE_B("OUTREG"), .WRITEMODE_A("NORMAL"),
        .WRITEMODE_B("NORMAL"), .GSR("DISABLED")
      ) u_memory (
        .CLKA(clk_i), .WEA(1'b1), .CEA(1'b1), .OCEA(1'b1), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        // In this mode the lowest four are byte enables, and a word has 32 of these addresses.
        .ADA0(1'b1), .ADA1(1'b1), .ADA2(1'b1), .ADA3(1'b1), .ADA4(1'b0), .ADA5(write_q[0]), .ADA6(write_q[1]),
        .ADA7(write_q[2]), .ADA8(write_q[3]), .ADA9(write_q[4]), .ADA10(write_q[5]), .ADA11(1'b0), .ADA12(1'b0),
        .ADA13(1'b0),
        .DIA0(d[36*b+0]), .DIA1(d[36*b+1]), .DIA2(d[36*b+2]), .DIA3(d[36*b+3]), .DIA4(d[36*b+4]), .DIA5(d[36*b+5]),
        .DIA6(d[36*b+6]), .DIA7(d[36*b+7]), .DIA8(d[36*b+8]), .DIA9(d[36*b+9]), .DIA10(d[36*b+10]),
        .DIA11(d[36*b+11]), .DIA12(d[36*b+12]), .DIA13(d[36*b+13]), .DIA14(d[36*b+14]), .DIA15(d[36*b+15]),
        .DIA16(d[36*b+16]), .DIA17(d[36*b+17]),
        .DIB0(d[36*b+18]), .DIB1(d[36*b+19]), .DIB2(d[36*b+20]), .DIB3(d[36*b+21]), .DIB4(d[36*b+22]),
        .DIB5(d[36*b+23]), .DIB6(d[36*b+24]), .DIB7(d[36*b+25]), .DIB8(d[36*b+26]), .DIB9(d[36*b+27]),
        .DIB10(d[36*b+28]), .DIB11(d[36*b+29]), .DIB12(d[36*b+30]), .DIB13(d[36*b+31]), .DIB14(d[36*b+32]),
        .DIB15(d[36*b+33]), .DIB16(d[36*b+34]), .DIB17(d[36*b+35]),
        .CLKB(clk_i), .WEB(1'b0), .CEB(1'b1), .OCEB(1'b1), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0), .ADB3(1'b0), .ADB4(1'b0), .ADB5(read_q[0]), .ADB6(read_q[1]),
        .ADB7(read_q[2]), .ADB8(read_q[3]), .ADB9(read_q[4]), .ADB10(read_q[5]), .ADB11(1'b0), .ADB12(1'b0),
        .ADB13(1'b0),
        .DOA0(q[36*b+0]), .DOA1(q[36*b+1]), .DOA2(q[36*b+2]), .DOA3(q[36*b+3]), .DOA4(q[36*b+4]), .DOA5(q[36*b+5]),
        .DOA6(q[36*b+6]), .DOA7(q[36*b+7]), .DOA8(q[36*b+8]), .DOA9(q[36*b+9]), .DOA10(q[36*b+10]),
        .DOA11(q[36*b+11]), .DOA12(q[36*b+12]), .DOA13(q[36*b+13]), .DOA14(q[36*b+14]), .DOA15(q[36*b+15]),
        .DOA16(q[36*b+16]), .DOA17(q[36*b+17]),
        .DOB0(q[36*b+18]), .DOB1(q[36*b+19]), .DOB2(q[36*b+20]), .DOB3(q[36*b+21]), .DOB4(q[36*b+22]),
        .DOB5(q[36*b+23]), .DOB6(q[36*b+24]), .DOB7(q[36*b+25]), .DOB8(q[36*b+26]), .DOB9(q[36*b+27]),
        .DOB10(q[36*b+28]), .DOB11(q[36*b+29]), .DOB12(q[36*b+30]), .DOB13(q[36*b+31]), .DOB14(q[36*b+32]),
        .DOB15(q[36*b+33]), .DOB16(q[36*b+34]), .DOB17(q[36*b+35])
      );
    end
  end

  if (ROW < 0 || ROW > 63) begin : g_bad_row
    ERROR_skew_lane_ROW_must_be_0_to_63 u_error ();
  end

endmodule : skew_lane
