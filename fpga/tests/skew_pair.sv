// SPDX-License-Identifier: Apache-2.0
//
// Model of DP16KD with words of 36 bits and a register at its output, as fpga/ecp5/skew_lane.sv uses it, written from the
// vendor's description of the cell, and all lanes of both kinds side by side: PASS after random words if they are the same
// in every cycle. Each lane starts at another position of the generic one's pointer.

/* verilator lint_off DECLFILENAME */
module DP16KD #(
  parameter int DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "ENABLED"
) (
  input logic
    CLKA, WEA, CEA, OCEA, RSTA, CSA0, CSA1, CSA2, CLKB, WEB, CEB, OCEB, RSTB, CSB0, CSB1, CSB2,
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1,
    DIA0,
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1,
    DIB0,
  output logic
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0,
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0
);

  logic [35:0] words[512];
  logic [35:0] read_q, out_q, out;
  logic [8:0] write_word, read_word;
  logic [3:0] enables;
  assign write_word = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5};
  assign read_word = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5};
  assign enables = {ADA3, ADA2, ADA1, ADA0};
  always_ff @(posedge CLKA) begin
    if (CEA && WEA && enables == 4'hF) words[write_word] <= {
      DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1,
      DIB0,
      DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1,
      DIA0
    };
  end
  always_ff @(posedge CLKB) begin
    if (CEB && !WEB) read_q <= words[read_word];
    if (OCEA) out_q[17:0] <= read_q[17:0];
    if (OCEB) out_q[35:18] <= read_q[35:18];
  end
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0,
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0
  } = out;
  // Each port's setting is that of its outputs.
  assign out[17:0] = REGMODE_A == "OUTREG" ? out_q[17:0] : read_q[17:0];
  assign out[35:18] = REGMODE_B == "OUTREG" ? out_q[35:18] : read_q[35:18];

  initial begin
    if (DATA_WIDTH_A != 36 || DATA_WIDTH_B != 36) $display("FAIL: another mode of the cell");
  end

endmodule : DP16KD

module skew_pair;

  logic clk = 1'b0;
  int errors = 0;
  int cycle = 0;

  for (genvar row = 0; row < 64; row++) begin : g_row
    // Two blocks of memory to a word in some lanes.
    localparam int Width = row % 3 == 0 ? 36 : row % 3 == 1 ? 25 : 54;
    logic [Width-1:0] data, generic, ecp5;
    logic [5:0] write_ptr, read_ptr;
    assign write_ptr = 6'(cycle + 7 * row);
    assign read_ptr = 6'(cycle + 6 * row);
    skew_lane #(.ROW(row), .WIDTH(Width)) u_generic (
      .clk_i(clk), .write_ptr_i(write_ptr), .read_ptr_i(read_ptr), .data_i(data), .data_o(generic)
    );
    skew_lane_ecp5 #(.ROW(row), .WIDTH(Width)) u_ecp5 (
      .clk_i(clk), .write_ptr_i('x), .read_ptr_i('x), .data_i(data), .data_o(ecp5)
    );
    always @(negedge clk) begin
      if (cycle > 70 && (generic !== ecp5 || ^generic === 1'bx)) begin
        if (errors < 5) $display("row %0d, cycle %0d: %h, not %h", row, cycle, ecp5, generic);
        errors++;
      end
      data = Width'({$urandom, $urandom});
    end
  end

  initial begin
    for (int n = 0; n < 1000; n++) begin
      #1 clk = 1'b1;
      cycle <= cycle + 1;
      #1 clk = 1'b0;
    end
    #1;
    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d", errors);
  end

endmodule : skew_pair
