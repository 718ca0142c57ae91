// SPDX-License-Identifier: Apache-2.0
//
// Sum, largest value, or place of the largest value of a row that comes in words, or in halves of words, its parts.
//
// Why: softmax and RMSNorm need one number per row. The 64 interleaved sums of a row are kept in a loop of eight words,
// of the adder and a delay. So each part meets the sum of the part of eight words before. The order of additions is
// therefore fixed, whatever the pauses: interleaved sums first, then halves added to halves (tb/models/vector.py,
// row_sums).
// The loop moves with the parts, not with the clock, so that a part always meets the right sum. The largest of a part
// is found pair by pair, then the largest so far. The place comes as 2**23 plus the value's number in the row, which
// FP32 holds exactly; the first of equal ones counts.
// Values are results of the FP32 units: no subnormals, and no NaN but fp32_pkg::CanonicalNan, which is larger than all.
// Latency: a row's last part to its sum 39 cycles, of halves 41, to its largest value 1 + log2(LANES). Throughput: one
// part per cycle within a row; the next row begins the cycle after the result is taken.

module row_reducer #(
  // Values of a part: a word's, or half of them.
  parameter int LANES = 8
) (
  input  logic         clk_i,
  input  logic         rst_ni,

  // vector_pkg::Reduction*, not None; changes only between rows.
  input  logic [1:0]   reduction_i,

  // Rows are whole words.
  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [LANES*32-1:0] in_data_i,
  // Values that count: of a row the first ones, at least one.
  input  logic [LANES-1:0]    in_active_i,
  input  logic         in_last_i,

  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [31:0]  out_data_o
);

  localparam int PartW   = LANES * 32;
  localparam int LaneW   = $clog2(LANES);
  localparam int Latency = fp32_pkg::AddLatency;
  localparam bit Whole   = LANES == vector_pkg::Lanes;

  // Parts around the loop, and how many steps it is that a sum waits beside the adder.
  localparam int Loop = 8 * vector_pkg::Lanes / LANES;
  localparam int Wait = Loop - Latency;

  // The combination, in steps after the row's last part, the first one cycle behind it: what the adder has meets what is
  // some steps older, Latency after Latency. Then the lane some lanes further, for which all waits a cycle, in which these
  // change lanes. What else the adder adds meanwhile, nobody uses.
  //                     words      halves
  //   four words apart  1 to 4     0 to 7, of what the adder had three steps ago
  //   two words apart   8, 9       9 to 12
  //   one word apart    14         16, 17
  //   halves of a word             22
  //   lanes four apart  19
  //   lanes two apart   24         27
  //   lanes one apart   29         32
  localparam int RoundCycles = Latency + 1;
  localparam int LanesFirst  = Whole ? 20 : 28;  // the first of the cycles in which lanes change
  localparam int SumLast     = LanesFirst + LaneW * RoundCycles - 1;
  localparam int MaxLast     = LaneW - 1;

  localparam logic [1:0] StateRow     = 2'd0;
  localparam logic [1:0] StateCombine = 2'd1;
  localparam logic [1:0] StateOut     = 2'd2;

  if (Latency != 5 || vector_pkg::Lanes != 8 || (LANES != 8 && LANES != 4)) begin : g_check
    ERROR_row_reducer_needs_an_adder_of_5_cycles_and_words_of_8_values_or_halves_of_them error ();
  end

  logic [1:0] state_q;
  logic       sum, take, combine, change_q, step, finished, taken;
  logic [5:0] cycle_q;  // of the combination

  assign sum        = reduction_i == vector_pkg::ReductionSum;
  assign in_ready_o = state_q == StateRow;
  assign take       = in_valid_i && in_ready_o;
  assign combine    = state_q == StateCombine;
  assign step       = take || (combine && cycle_q != '0 && !change_q);
  assign finished   = cycle_q == (sum ? 6'(SumLast) : 6'(MaxLast));
  assign taken      = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateRow;
    end else begin
      case (state_q)
        StateRow: if (take && in_last_i) state_q <= StateCombine;
        StateCombine: if (finished) state_q <= StateOut;
        default: if (out_ready_i) state_q <= StateRow;
      endcase
    end
    cycle_q  <= combine ? cycle_q + 6'd1 : '0;
    change_q <= combine && (cycle_q == 6'(LanesFirst - 1) || cycle_q == 6'(LanesFirst + RoundCycles - 1) ||
                            cycle_q == 6'(LanesFirst + 2 * RoundCycles - 1));
  end

  // ---------------------------------------------------------------------------------------------
  // Sums
  // ---------------------------------------------------------------------------------------------
  logic [4:0]       count_q, more;  // steps since the row began, until all of the loop belongs to it
  logic [4:0]       back_q;  // steps between what the adder has in the next step and its partner
  logic             older, newer, early;
  logic             combines, row_q, total_q, earlier_q;  // what the adder has beside what is further back: see adder_b
  logic [PartW-1:0] total, delayed, before_q3;

  // Steps are known late, so what they change is worked out before.
  localparam logic [4:0] Newer = Whole ? 5'(Latency) : 5'(Latency + 3);
  assign more = count_q + 5'(!count_q[4]);

  // How far back it is depends on the step that follows the next cycle.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_q <= '0;
    else if (taken) count_q <= '0;
    else if (step) count_q <= more;
    if (!combine) back_q <= 5'(Wait);
    else if (Whole) back_q <= cycle_q < 6'd4 ? 5'd4 : cycle_q < 6'd9 ? 5'd2 : 5'd1;
    else back_q <= cycle_q < 6'd7 ? 5'(Wait) : cycle_q < 6'd12 ? 5'd4 : cycle_q < 6'd17 ? 5'd2 : 5'd1;
    // Known a cycle ahead, for all lanes' values hang on them.
    row_q     <= !rst_ni || !combines;
    total_q   <= rst_ni && combines && newer && !early;
    earlier_q <= rst_ni && combines && newer && early;
  end
  assign combines = (state_q == StateRow && take && in_last_i) || (combine && !finished);
  // What the adder has belongs to this row; what was there before counts as zero.
  assign newer = !taken && (step ? more >= Newer : count_q >= Newer);
  assign early = !Whole && !(combine && cycle_q >= 6'd8);
  assign older = {1'b0, count_q} + 6'd1 >= 6'(Latency) + 6'(back_q) || count_q[4];

  if (Whole) begin : g_no_before
    assign before_q3 = total;
  end else begin : g_before
    logic [PartW-1:0] before_q, before_q2, last_q;
    always_ff @(posedge clk_i) begin
      if (step) {last_q, before_q2, before_q} <= {before_q2, before_q, total};
    end
    assign before_q3 = last_q;
  end

  step_delay #(
    .WIDTH(PartW),
    .DEPTH(2 ** $clog2(Wait))
  ) u_loop (
    .clk_i,
    .rst_ni,
    .en_i  (step),
    .data_i(total),
    .back_i(($clog2(Wait))'(back_q - 5'd1)),
    .data_o(delayed)
  );

  for (genvar l = 0; l < LANES; l++) begin : g_adder
    logic [31:0] past_q, past, further, adder_b;
    assign past = back_q == 5'd1 ? total[l*32+:32] : delayed[l*32+:32];

    // Lanes that meet one further on: half as many in each round.
    if (l == 0) begin : g_1
      assign further = cycle_q == 6'(SumLast + 1 - RoundCycles) ? total[32+:32] :
                       (Whole && cycle_q == 6'(LanesFirst)) ? total[LANES/2*32+:32] : total[64+:32];
    end else if (l == 1) begin : g_2
      assign further = (Whole && cycle_q == 6'(LanesFirst)) ? total[(LANES/2+1)*32+:32] : total[96+:32];
    end else if (l < LANES / 2) begin : g_4
      assign further = total[(LANES/2+l)*32+:32];
    end else begin : g_none
      assign further = past;
    end

    // For the next step.
    always_ff @(posedge clk_i) begin
      if (change_q) past_q <= further;
      else if (step) past_q <= past & {32{older}};
      if (!rst_ni || taken) past_q <= '0;
    end
    assign adder_b = (in_data_i[l*32+:32] & {32{row_q && in_active_i[l]}}) | (total[l*32+:32] & {32{total_q}}) |
                     (before_q3[l*32+:32] & {32{earlier_q}});

    fp32_add u_add (
      .clk_i,
      .en_i(step),
      .a_i (past_q),
      .b_i (adder_b),
      .y_o (total[l*32+:32])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Largest values
  // ---------------------------------------------------------------------------------------------
  localparam int PlaceW = 16;  // a row has up to 65,535 values
  localparam logic [15:0] PlaceHigh = 16'h4B00;  // of 2**23 in FP32, whose lowest bits count ones

  // Whether a value is larger than the one before it. Of negative ones it is the one that is not as large or larger in
  // magnitude, which the lowest bit makes of the comparison.
  function automatic logic wins(input logic [31:0] value, input logic [31:0] earlier);
    wins = (value[31] != earlier[31]) ? earlier[31] :
           earlier[31] ^ ({value[30:0], earlier[31]} > {earlier[30:0], 1'b0});
  endfunction

  // A tree: node 1 is the largest of the part, nodes 2n and 2n + 1 are below node n, the lanes at the bottom. Active
  // lanes are the first ones, so that a node is active if its lower one is.
  logic [2*LANES*32-1:32]       values;
  logic [2*LANES*LaneW-1:LaneW] places;  // among the lanes below the node
  logic [2*LANES-1:1]           active;

  assign values[2*LANES*32-1:LANES*32]       = in_data_i;
  assign places[2*LANES*LaneW-1:LANES*LaneW] = '0;
  assign active[2*LANES-1:LANES]             = {in_active_i[LANES-1:1], take && in_active_i[0]};

  for (genvar n = 1; n < LANES; n++) begin : g_node
    localparam int Below = LaneW - $clog2(n + 1);  // rounds before this one
    logic             upper_wins, active_q;
    logic [31:0]      value_q;
    logic [LaneW-1:0] place_q;

    assign upper_wins = active[2*n+1] && wins(values[(2*n+1)*32+:32], values[2*n*32+:32]);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) active_q <= 1'b0;
      else active_q <= active[2*n];
      value_q <= upper_wins ? values[(2*n+1)*32+:32] : values[2*n*32+:32];
      place_q <= (upper_wins ? places[(2*n+1)*LaneW+:LaneW] : places[2*n*LaneW+:LaneW]) |
                 (LaneW'(upper_wins) << Below);
    end

    assign active[n]               = active_q;
    assign values[n*32+:32]        = value_q;
    assign places[n*LaneW+:LaneW]  = place_q;
  end

  logic [31:0]             largest_q;  // of the row so far
  logic [PlaceW-1:0]       place_q;
  logic [PlaceW-LaneW-1:0] part_q;  // number of the part that comes next
  logic                    some_q, nan;  // the row has a value so far

  always_ff @(posedge clk_i) begin
    if (active[1] && (!some_q || wins(values[32+:32], largest_q))) begin
      largest_q <= values[32+:32];
      place_q   <= {part_q, places[LaneW+:LaneW]};
    end
    if (!rst_ni || taken) part_q <= '0;
    else if (active[1]) part_q <= part_q + (PlaceW - LaneW)'(1);
    if (!rst_ni || taken) some_q <= 1'b0;
    else if (active[1]) some_q <= 1'b1;
  end

  // ---------------------------------------------------------------------------------------------
  // Result: a sum leaves the adder in the last step and stays there
  // ---------------------------------------------------------------------------------------------
  assign nan         = fp32_pkg::is_nan(largest_q);
  assign out_valid_o = state_q == StateOut;
  assign out_data_o  = sum ? total[31:0] :
                       (reduction_i == vector_pkg::ReductionArgmax && !nan) ? {PlaceHigh, place_q} : largest_q;

endmodule : row_reducer
