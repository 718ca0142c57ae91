// SPDX-License-Identifier: Apache-2.0
//
// 64-bit event counters behind the control registers.
//
// Why: every performance figure comes from these, so they count in hardware and all in the same cycles.
// The halves of a counter are separate adders; the lower one runs a cycle ahead and its delayed copy is shown, so that a
// reader always sees halves of the same moment. An event shows 2 cycles after it happens.

module event_counters #(
  // Number of counters.
  parameter int COUNT = 7
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // One cycle: set all to zero.
  input  logic                clear_i,
  // One event per cycle and counter.
  input  logic [COUNT-1:0]    event_i,
  // Counter i in bits [64*i +: 64].
  output logic [64*COUNT-1:0] count_o
);

  for (genvar i = 0; i < COUNT; i++) begin : g_counter
    logic [31:0] low_q, low_q2, high_q;
    logic        carry_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i) begin
        low_q   <= '0;
        low_q2  <= '0;
        high_q  <= '0;
        carry_q <= 1'b0;
      end else begin
        low_q   <= low_q + 32'(event_i[i]);
        carry_q <= event_i[i] && &low_q;
        low_q2  <= low_q;
        high_q  <= high_q + 32'(carry_q);
      end
    end

    assign count_o[64*i+:64] = {high_q, low_q2};
  end

endmodule : event_counters
