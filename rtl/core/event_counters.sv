// SPDX-License-Identifier: Apache-2.0
//
// 64-bit event counters behind the control registers.
//
// Why: every performance figure comes from these, so they count in hardware and all in the same cycles.
// The halves of a counter are separate adders; the lower one runs a cycle ahead and its delayed copy is shown, so that a
// reader always sees halves of the same moment. An event shows 3 cycles after it happens.

module event_counters #(
  // Number of counters.
  parameter int COUNT  = 7,
  // Width of each half in bits; less than 32 only for the proof.
  parameter int HALF_W = 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // One cycle: set all to zero.
  input  logic                clear_i,
  // One event per cycle and counter.
  input  logic [COUNT-1:0]    event_i,
  // Counter i in bits [2*HALF_W*i +: 2*HALF_W].
  output logic [2*HALF_W*COUNT-1:0] count_o
);

  // Events come from everywhere, late in their cycle.
  logic             clear_q;
  logic [COUNT-1:0] event_q;
  always_ff @(posedge clk_i) begin
    clear_q <= !rst_ni || clear_i;
    event_q <= event_i;
  end

  for (genvar i = 0; i < COUNT; i++) begin : g_counter
    logic [HALF_W-1:0] low_q, low_q2, high_q;
    logic              carry_q;

    always_ff @(posedge clk_i) begin
      if (clear_q) begin
        low_q   <= '0;
        low_q2  <= '0;
        high_q  <= '0;
        carry_q <= 1'b0;
      end else begin
        low_q   <= low_q + HALF_W'(event_q[i]);
        carry_q <= event_q[i] && &low_q;
        low_q2  <= low_q;
        high_q  <= high_q + HALF_W'(carry_q);
      end
    end

    assign count_o[2*HALF_W*i+:2*HALF_W] = {high_q, low_q2};

`ifdef FORMAL
    // One plain counter of the events as registered, two cycles late.
    logic [2*HALF_W-1:0] plain_q, plain_q2;
    always @(posedge clk_i) begin
      plain_q  <= clear_q ? '0 : plain_q + (2 * HALF_W)'(event_q[i]);
      plain_q2 <= clear_q ? '0 : plain_q;
      if (f_past_valid && $past(f_past_valid)) begin
        assert (count_o[2*HALF_W*i+:2*HALF_W] == plain_q2);
        assert ({high_q + HALF_W'(carry_q), low_q} == plain_q);
        if (carry_q) assert (low_q == '0 && low_q2 == '1);
      end
    end
`endif
  end

`ifdef FORMAL
  logic f_past_valid = 1'b0;
  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    // No event, and no clear, is lost on the way to the counters.
    if (f_past_valid) cover (count_o[HALF_W+:HALF_W] == HALF_W'(2));
    if (f_past_valid) assert (event_q == $past(event_i) && clear_q == $past(!rst_ni || clear_i));
  end
`endif

endmodule : event_counters
