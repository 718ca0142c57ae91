// SPDX-License-Identifier: Apache-2.0
//
// Netlists of fp32_mul with registers before and in its multipliers side by side: PASS after random operands and pauses if
// the products are the same in every cycle.

module mul_pair;

  logic clk = 1'b0;
  logic en;
  logic [31:0] a, b, separate, taken;
  int errors = 0;

  fp32_mul_separate u_separate (.clk_i(clk), .en_i(en), .a_i(a), .b_i(b), .y_o(separate));
  fp32_mul_taken u_taken (.clk_i(clk), .en_i(en), .a_i(a), .b_i(b), .y_o(taken));

  initial begin
    for (int cycle = 0; cycle < 2000; cycle++) begin
      en = cycle < 10 || $urandom % 4 != 0;
      a = $urandom;
      b = $urandom;
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      if (cycle > 10 && (separate !== taken || ^separate === 1'bx)) errors++;
    end
    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d", errors);
  end

endmodule : mul_pair
