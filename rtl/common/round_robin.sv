// SPDX-License-Identifier: Apache-2.0
//
// Chooses one of several requests, the one behind the last that was served first.
//
// Why: ports of the scratchpad share its banks; none may wait for ever.
// Latency 0: the grant follows the requests combinationally. A request that stays is granted after at most REQUESTS - 1
// others.

module round_robin #(
  // Requests, at least 1.
  parameter int REQUESTS = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic [REQUESTS-1:0] request_i,
  // At most one, and one whenever there is a request.
  output logic [REQUESTS-1:0] grant_o
);

  if (REQUESTS < 1) begin : g_check
    ERROR_round_robin_REQUESTS_must_be_positive error ();
  end

  // Requests behind the last one served, lowest first, then all from the lowest.
  logic [REQUESTS-1:0] behind_q, behind, preferred, lowest_preferred, lowest;

  assign preferred = request_i & behind_q;
  // No arithmetic: yosys maps it to carry chains, and abc9 then finds loops in a chain whose bits depend on one another.
  for (genvar r = 0; r < REQUESTS; r++) begin : g_request
    localparam logic [REQUESTS-1:0] Below = (REQUESTS'(1) << r) - REQUESTS'(1);
    assign lowest_preferred[r] = preferred[r] && (preferred & Below) == '0;
    assign lowest[r]           = request_i[r] && (request_i & Below) == '0;
    assign behind[r]           = (grant_o & Below) != '0;
  end
  assign grant_o = (preferred != '0) ? lowest_preferred : lowest;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) behind_q <= '0;
    else if (request_i != '0) behind_q <= behind;
  end

`ifdef FORMAL
  // Others served since each request came without a break.
  logic [REQUESTS*8-1:0] f_waited;
  logic                  f_past_valid = 1'b0;
  // Those that were served while all ask.
  logic [REQUESTS-1:0]   f_served;

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    f_served <= (rst_ni && request_i == '1) ? f_served | grant_o : '0;
    if (f_past_valid && rst_ni) cover (f_served == '1);
  end

  always @(*) begin
    assert ((grant_o & (grant_o - REQUESTS'(1))) == '0);
    assert ((grant_o & ~request_i) == '0);
    assert ((grant_o != '0) == (request_i != '0));
    // Those behind the last one are all from some place up, or none.
    if (f_past_valid) assert ((~behind_q & (~behind_q + REQUESTS'(1))) == '0);
  end

  for (genvar r = 0; r < REQUESTS; r++) begin : g_waited
    always @(posedge clk_i) begin
      if (!rst_ni || !request_i[r] || grant_o[r]) f_waited[r*8+:8] <= '0;
      else f_waited[r*8+:8] <= f_waited[r*8+:8] + 8'd1;
      if (f_past_valid) assert (f_waited[r*8+:8] < 8'(REQUESTS));
    end
  end
`endif

endmodule : round_robin
