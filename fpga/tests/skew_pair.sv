// SPDX-License-Identifier: Apache-2.0
//
// All lanes of fpga/ecp5/skew_lane.sv beside the generic ones: PASS after random words if they are the same in every cycle.
// Each lane starts at another position of the generic one's pointer.

module skew_pair;

  logic clk = 1'b0;
  int errors = 0;
  int cycle = 0;

  for (genvar row = 0; row < 64; row++) begin : g_row
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
