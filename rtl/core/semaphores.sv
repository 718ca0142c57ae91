// SPDX-License-Identifier: Apache-2.0
//
// The counting semaphores that order commands of different engines.
//
// Why: engines run ahead of each other as far as their data allow, and the list alone says how far that is. A command takes
// all its counts at once or none, so that two commands that need the same two semaphores cannot each hold one of them.
// Requests that can be met take turns. Any number of posts may meet in a cycle, on one counter or on
// many, and none is lost.
//
// Latency: a request is granted 1 cycle after its counts are there, at the earliest; a post counts for requests two cycles
// later; overflow_o comes four cycles after the post. Throughput: one grant in two cycles.

module semaphores #(
  // Engines that take and post.
  parameter int ENGINES = commands_pkg::Engines,
  // Semaphores, a power of two.
  parameter int COUNT   = commands_pkg::LoadWaitsWidth,
  // Bits of a counter.
  parameter int WIDTH   = 4,
  // Width of the address that belongs to a post.
  parameter int LINE_W  = 34
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  // Engine e in bit e, or in bits [e*COUNT +: COUNT]. A request holds until it is granted.
  input  logic [ENGINES-1:0]         take_valid_i,
  input  logic [ENGINES*COUNT-1:0]   take_mask_i,
  // At most one.
  output logic [ENGINES-1:0]         take_grant_o,

  // Counters to increment in this cycle, and the command that does so.
  input  logic [ENGINES*COUNT-1:0]   post_mask_i,
  input  logic [ENGINES*LINE_W-1:0]  post_line_i,

  // A counter passed its largest value: its number, and the command that posted, of several that of the lowest engine.
  // The counters mean nothing from then on.
  output logic                       overflow_o,
  output logic [$clog2(COUNT)-1:0]   overflow_number_o,
  output logic [LINE_W-1:0]          overflow_line_o
);

  localparam int NumberW = $clog2(COUNT);
  localparam int OnesW   = $clog2(ENGINES + 1);
  localparam int SumW    = WIDTH + OnesW;

  logic [COUNT-1:0]          positive, over, over_q;
  logic [ENGINES-1:0]        request, able_q;
  logic [ENGINES*COUNT-1:0]  post_mask_q, post_mask_q2;
  logic [ENGINES*LINE_W-1:0] post_line_q, post_line_q2;

  // How many posts there are, and one less: of so few bits these are a LUT per bit, where additions are a chain per post.
  function automatic logic [OnesW-1:0] ones(input logic [ENGINES-1:0] bits);
    logic carry, next;
    begin
      ones = '0;
      for (int e = 0; e < ENGINES; e++) begin
        carry = bits[e];
        for (int i = 0; i < OnesW; i++) begin
          next    = carry && ones[i];
          ones[i] = ones[i] ^ carry;
          carry   = next;
        end
      end
    end
  endfunction

  function automatic logic [OnesW:0] fewer(input logic [OnesW-1:0] number);
    logic borrow, next;
    begin
      borrow = 1'b1;
      for (int i = 0; i < OnesW; i++) begin
        next     = borrow && !number[i];
        fewer[i] = number[i] ^ borrow;
        borrow   = next;
      end
      fewer[OnesW] = borrow;
    end
  endfunction

  for (genvar e = 0; e < ENGINES; e++) begin : g_request
    assign request[e] = take_valid_i[e] && (take_mask_i[e*COUNT+:COUNT] & ~positive) == '0;
  end

  round_robin #(
    .REQUESTS(ENGINES)
  ) u_turn (
    .clk_i,
    .rst_ni,
    .request_i(able_q),
    .grant_o  (take_grant_o)
  );

  // Counts that were there in the last cycle still are, unless they were taken in it.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || able_q != '0) able_q <= '0;
    else able_q <= request;
  end

`ifdef FORMAL
  logic [COUNT*WIDTH-1:0] f_level;
`endif

  for (genvar n = 0; n < COUNT; n++) begin : g_counter
    logic [ENGINES-1:0] take, post;
    logic [WIDTH-1:0]   level_q;
    logic [OnesW-1:0]   number;
    logic [OnesW:0]     change;
    logic [SumW-1:0]    posted, less, sum;

    for (genvar e = 0; e < ENGINES; e++) begin : g_engine
      assign take[e] = take_grant_o[e] && take_mask_i[e*COUNT+n];
      assign post[e] = post_mask_q[e*COUNT+n];
    end

    // With and without the take, which is known late.
    assign number = ones(post);
    assign change = fewer(number);
    assign posted = SumW'(level_q) + SumW'(number);
    assign less   = SumW'(level_q) + {{(SumW - OnesW - 1) {change[OnesW]}}, change};
    assign sum    = take != '0 ? less : posted;

    assign positive[n] = level_q != '0;
    assign over[n]     = sum[SumW-1:WIDTH] != '0;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) level_q <= '0;
      else level_q <= sum[WIDTH-1:0];
    end

`ifdef FORMAL
    assign f_level[n*WIDTH+:WIDTH] = level_q;
`endif
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      over_q      <= '0;
      post_mask_q <= '0;
    end else begin
      over_q      <= over;
      post_mask_q <= post_mask_i;
    end
  end

  always_ff @(posedge clk_i) begin
    post_line_q  <= post_line_i;
    post_mask_q2 <= post_mask_q;
    post_line_q2 <= post_line_q;
  end

  // The lowest number, and who posted to it; a cycle later the lowest of these.
  logic [NumberW-1:0]        number, number_q;
  logic [ENGINES-1:0]        posted_q;
  logic [ENGINES*LINE_W-1:0] post_line_q3;
  logic [LINE_W-1:0]         line;
  logic                      overflow_q;
  always_comb begin
    number = '0;
    for (int n = COUNT - 1; n >= 0; n--) if (over_q[n]) number = NumberW'(n);
  end

  always_comb begin
    line = '0;
    for (int e = ENGINES - 1; e >= 0; e--) if (posted_q[e]) line = post_line_q3[e*LINE_W+:LINE_W];
  end

  always_ff @(posedge clk_i) begin
    overflow_q        <= rst_ni && over_q != '0;
    number_q          <= number;
    post_line_q3      <= post_line_q2;
    for (int e = 0; e < ENGINES; e++) posted_q[e] <= post_mask_q2[e*COUNT+32'(number)];
    overflow_o        <= rst_ni && overflow_q;
    overflow_number_o <= number_q;
    overflow_line_o   <= line;
  end

  if (COUNT < 2 || (COUNT & (COUNT - 1)) != 0) begin : g_check_count
    ERROR_semaphores_COUNT_must_be_a_power_of_two error ();
  end

`ifdef FORMAL
  // Counts without a bound, by plain bookkeeping: what was posted (as registered) less what was taken, until the first overflow.
  localparam int TotalW = 8;
  logic [COUNT*TotalW-1:0] f_total;
  logic [ENGINES*4-1:0]    f_waited;
  logic [ENGINES-1:0]       f_held = '0, f_served;
  logic [ENGINES*COUNT-1:0] f_held_mask;
  logic                    f_past_valid = 1'b0;
  logic                    f_over;
  // The first overflow on its way to the output: its number, and the line of the lowest engine that posted.
  logic [NumberW-1:0]      f_number, f_number_q, f_number_q2, f_number_q3;
  logic [LINE_W-1:0]       f_line, f_line_q, f_line_q2, f_line_q3;
  logic [2:0]              f_first;
  always @(*) begin
    f_number = '0;
    for (int n = COUNT - 1; n >= 0; n--) if (over[n]) f_number = NumberW'(n);
    f_line = '0;
    for (int e = ENGINES - 1; e >= 0; e--) begin
      for (int n = 0; n < COUNT; n++) begin
        if (f_number == NumberW'(n) && post_mask_q[e*COUNT+n]) f_line = post_line_q[e*LINE_W+:LINE_W];
      end
    end
  end

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    f_held      <= rst_ni ? take_valid_i & ~take_grant_o : '0;
    f_held_mask <= take_mask_i;
    for (int e = 0; e < ENGINES; e++) begin
      if (f_held[e]) assume (take_valid_i[e] && take_mask_i[e*COUNT+:COUNT] == f_held_mask[e*COUNT+:COUNT]);
    end
    if (f_past_valid && rst_ni) begin
      // No grant without a request, and one at a time.
      assert ((take_grant_o & ~take_valid_i) == '0);
      assert ((take_grant_o & (take_grant_o - ENGINES'(1))) == '0);
      // Counts that were there still are.
      if (!f_over) assert ((able_q & ~request) == '0);
      // The first overflow is told, and none that was not.
      assert (!overflow_o || f_over);
      assert (overflow_o || !f_first[2]);
      if (f_first[2]) assert (overflow_number_o == f_number_q3 && overflow_line_o == f_line_q3);
      cover (overflow_o && overflow_number_o != '0 && overflow_line_o != '0);
      cover (f_served == '1);
    end
    f_served <= rst_ni ? f_served | take_grant_o : '0;
    if (!rst_ni) f_over <= 1'b0;
    else if (over != '0) f_over <= 1'b1;
    if (f_past_valid && rst_ni && !f_over) assert (over_q == '0 && !overflow_q && !overflow_o);
    f_first <= rst_ni ? {f_first[1:0], over != '0 && !f_over} : '0;
    {f_number_q, f_number_q2, f_number_q3} <= {f_number, f_number_q, f_number_q2};
    {f_line_q, f_line_q2, f_line_q3} <= {f_line, f_line_q, f_line_q2};
  end

  for (genvar n = 0; n < COUNT; n++) begin : g_total
    integer f_posts;
    integer f_takes;
    always @(*) begin
      f_posts = 0;
      f_takes = 0;
      for (int e = 0; e < ENGINES; e++) begin
        if (post_mask_q[e*COUNT+n]) f_posts = f_posts + 1;
        if (take_grant_o[e] && take_mask_i[e*COUNT+n]) f_takes = f_takes + 1;
      end
    end
    always @(posedge clk_i) begin
      if (!rst_ni) f_total[n*TotalW+:TotalW] <= '0;
      else f_total[n*TotalW+:TotalW] <= f_total[n*TotalW+:TotalW] + TotalW'(f_posts) - TotalW'(f_takes);
      if (f_past_valid && rst_ni && !f_over) begin
        // No count is lost or doubled, none is taken that is not there, and what does not fit is reported.
        assert (TotalW'(f_level[n*WIDTH+:WIDTH]) == f_total[n*TotalW+:TotalW]);
        assert (f_total[n*TotalW+:TotalW] >= TotalW'(f_takes));
        assert (over[n] == (f_total[n*TotalW+:TotalW] + TotalW'(f_posts) - TotalW'(f_takes) >= TotalW'(1 << WIDTH)));
      end
    end
  end

  // A request whose counts are there, cycle after cycle, is granted after at most ENGINES - 1 others, in two cycles each.
  for (genvar e = 0; e < ENGINES; e++) begin : g_waited
    logic f_able;
    always @(*) begin
      f_able = take_valid_i[e];
      for (int n = 0; n < COUNT; n++) begin
        if (take_mask_i[e*COUNT+n] && f_level[n*WIDTH+:WIDTH] == '0) f_able = 1'b0;
      end
    end
    always @(posedge clk_i) begin
      if (!rst_ni || !f_able || take_grant_o[e]) f_waited[e*4+:4] <= '0;
      else f_waited[e*4+:4] <= f_waited[e*4+:4] + 4'd1;
      if (f_past_valid) assert (f_waited[e*4+:4] <= 4'(2 * ENGINES));
    end
  end
`endif

endmodule : semaphores
