// SPDX-License-Identifier: Apache-2.0
//
// Both processing elements side by side: PASS after random operands, loads and swaps if the sums are the same in every
// cycle.

module pe_pair;

  logic clk = 1'b0;
  logic load, swap;
  logic signed [17:0] act, weight, act_generic, act_ecp5;
  logic signed [47:0] sum, generic, ecp5;
  int errors = 0;
  // Corners of the operands are as frequent as others.
  function automatic logic signed [17:0] operand(input int drawn);
    operand = drawn[20:18] == 3'd0 ? 18'h20000 : drawn[20:18] == 3'd1 ? 18'h1FFFF : drawn[17:0];
  endfunction

  pe #(.ACT_W(18)) u_generic (
    .clk_i(clk), .act_i(act), .act_o(act_generic), .load_i(load), .weight_i(weight), .swap_i(swap), .sum_i(sum),
    .sum_o(generic)
  );
  pe_ecp5 #(.ACT_W(18)) u_ecp5 (
    .clk_i(clk), .act_i(act), .act_o(act_ecp5), .load_i(load), .weight_i(weight), .swap_i(swap), .sum_i(sum),
    .sum_o(ecp5)
  );

  initial begin
    for (int cycle = 0; cycle < 20000; cycle++) begin
      act = operand($urandom);
      weight = operand($urandom);
      load = cycle == 0 || $urandom % 4 == 0;
      swap = cycle == 1 || $urandom % 8 == 0;
      // What 63 products of 18 x 18 bits come to, at most.
      sum = 48'($signed(41'({$urandom, $urandom})));
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      if (cycle > 5 && (generic !== ecp5 || act_generic !== act_ecp5 || ^generic === 1'bx)) errors++;
    end
    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d", errors);
  end

endmodule : pe_pair
