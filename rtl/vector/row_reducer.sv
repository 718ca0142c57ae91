// SPDX-License-Identifier: Apache-2.0
//
// Sum, largest value, or place of the largest value of a row that comes in words, or in halves of words, its parts.
//
// Why: softmax and RMSNorm need one number per row. The 32 interleaved sums of a row are kept in a loop: of the adder
// alone for whole words; of the adder and a delay as long for halves. So each part meets the sum of the part of four
// words before. The order of additions is therefore fixed, whatever the pauses: interleaved sums first, then halves
// added to halves (tb/models/vector.py, row_sums).
// The loop moves with the parts, not with the clock, so that a part always meets the right sum. The largest of a part
// is found pair by pair, then the largest so far. The place comes as 2**23 plus the value's number in the row, which
// FP32 holds exactly; the first of equal ones counts.
// Values are results of the FP32 units: no subnormals, and no NaN but fp32_pkg::CanonicalNan, which is larger than all.
// Latency: a row's last part to its sum 24 cycles, to its largest value 1 + log2(LANES). Throughput: one part per cycle
// within a row; the next row begins the cycle after the result is taken.

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

  // Steps of the combination, counted from the first after the row's last part, Latency after Latency: what the adder
  // has meets what is some steps older, then the lane some lanes further. What else the adder adds meanwhile, nobody
  // uses.
  //   steps        words                    halves
  //   0 to 3       two words apart (2, 3)   two words apart
  //   4 to 7       one word apart (7)       one word apart (6, 7)
  //   8 to 11      lanes four apart (11)    the halves of a word (11)
  //   12 to 15     lanes two apart (15)     lanes two apart (15)
  //   16 to 19     lanes one apart (19)     lanes one apart (19)
  // Last steps: of a sum, after which it shows at the adder, and of a largest value.
  localparam int SumLast = 6 * Latency - 2;
  localparam int MaxLast = LaneW - 1;

  localparam logic [1:0] StateRow     = 2'd0;
  localparam logic [1:0] StateCombine = 2'd1;
  localparam logic [1:0] StateOut     = 2'd2;

  if (Latency != 4 || vector_pkg::Lanes != 8 || (LANES != 8 && LANES != 4)) begin : g_check
    ERROR_row_reducer_needs_an_adder_of_4_cycles_and_words_of_8_values_or_halves_of_them error ();
  end

  logic [1:0] state_q;
  logic       sum, take, combine, step, finished, taken;
  logic [4:0] step_q;

  assign sum        = reduction_i == vector_pkg::ReductionSum;
  assign in_ready_o = state_q == StateRow;
  assign take       = in_valid_i && in_ready_o;
  assign combine    = state_q == StateCombine;
  assign step       = take || combine;
  assign finished   = step_q == (sum ? 5'(SumLast) : 5'(MaxLast));
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
    step_q <= combine ? step_q + 5'd1 : '0;
  end

  // ---------------------------------------------------------------------------------------------
  // Sums
  // ---------------------------------------------------------------------------------------------
  logic [3:0]       count_q;  // steps since the row began, until older
  logic [1:0]       back;
  logic             older, newer;
  logic [PartW-1:0] total, delayed;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || taken) count_q <= '0;
    else if (step && !older) count_q <= count_q + 4'd1;
  end

  // What is in delay and adder belongs to this row; before, both count as zero. Of words, the delay is asked for what
  // is two steps older than the adder's; of halves, four.
  assign older = Whole ? count_q[2:1] == 2'b11 : count_q[3];
  assign newer = count_q[3:2] != '0;
  assign back  = Whole ? ((step_q[4:2] != '0) ? 2'd1 : 2'd2) :
                 (step_q[4:3] != '0) ? 2'd1 : step_q[2] ? 2'd2 : 2'(Latency);

  step_delay #(
    .WIDTH(PartW),
    .DEPTH(Latency)
  ) u_loop (
    .clk_i,
    .rst_ni,
    .en_i  (step),
    .data_i(total),
    .back_i(back),
    .data_o(delayed)
  );

  for (genvar l = 0; l < LANES; l++) begin : g_adder
    logic [31:0] here, past, further, value, adder_a, adder_b;
    assign here  = total[l*32+:32] & {32{newer}};
    assign past  = delayed[l*32+:32] & {32{older}};
    assign value = in_data_i[l*32+:32] & {32{in_active_i[l]}};

    // Lanes that meet one further on: half as many in each round.
    if (l == 0) begin : g_1
      assign further = step_q[4] ? total[32+:32] : (step_q[3:2] == 2'd3) ? total[64+:32] :
                       (Whole && step_q[3:2] == 2'd2) ? total[LANES/2*32+:32] : past;
    end else if (l == 1) begin : g_2
      assign further = (step_q[3:2] == 2'd3) ? total[96+:32] :
                       (Whole && step_q[3:2] == 2'd2) ? total[(LANES/2+1)*32+:32] : past;
    end else if (l < LANES / 2) begin : g_4
      assign further = (Whole && step_q[3:2] == 2'd2) ? total[(LANES/2+l)*32+:32] : past;
    end else begin : g_none
      assign further = past;
    end

    // What a part is added to: what the adder has, or for halves what the delay has.
    if (Whole) begin : g_whole
      assign adder_a = here;
      assign adder_b = combine ? further : value;
    end else begin : g_half
      assign adder_a = further;
      assign adder_b = combine ? here : value;
    end

    fp32_add u_add (
      .clk_i,
      .en_i(step),
      .a_i (adder_a),
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
