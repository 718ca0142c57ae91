// SPDX-License-Identifier: Apache-2.0
//
// Sum, largest value, or place of the largest value of a row that comes in half words.
//
// Why: softmax and RMSNorm need one number per row. As many interleaved sums as two adder latencies are kept in a loop
// of the adder and a delay as long, each half word meeting the sum of the half word of four words before. The order of
// additions is therefore fixed, whatever the pauses: interleaved sums first, then halves added to halves
// (tb/models/vector.py, row_sums).
// The loop moves with the half words, not with the clock, so that a half word always meets the right sum. The largest
// of a half word is found in two steps, then the largest so far. The place comes as 2**23 plus the value's number in
// the row, which FP32 holds exactly; the first of equal ones counts.
// Values are results of the FP32 units: no subnormals, and no NaN but fp32_pkg::CanonicalNan, which is larger than all.
// Latency: a row's last half word to its sum 24 cycles, to its largest value 3. Throughput: one half word per cycle
// within a row; the next row begins the cycle after the result is taken.

module row_reducer (
  input  logic         clk_i,
  input  logic         rst_ni,

  // vector_pkg::Reduction*, not None; changes only between rows.
  input  logic [1:0]   reduction_i,

  // Rows are whole words.
  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [vector_pkg::PhysicalLanes*32-1:0] in_data_i,
  // Values that count: of a row the first ones, at least one.
  input  logic [vector_pkg::PhysicalLanes-1:0]    in_active_i,
  input  logic         in_last_i,

  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [31:0]  out_data_o
);

  localparam int Lanes   = vector_pkg::PhysicalLanes;
  localparam int HalfW   = Lanes * 32;
  localparam int Latency = fp32_pkg::AddLatency;

  // Steps of the combination, counted from the first after the row's last half word, Latency after Latency: in 0 to 3
  // meet the sums of words two apart, what the adder has and what is Latency steps older; in 6 and 7 the two sums of
  // each half, two steps apart; in 11 lower and upper half, one step apart; in 15 lanes two apart, in 19 lanes one
  // apart. What else the adder adds meanwhile, nobody uses. Last steps: of a sum, after which it shows at the adder,
  // and of a largest value.
  localparam int SumLast = 6 * Latency - 2;
  localparam int MaxLast = 1;

  localparam logic [1:0] StateRow     = 2'd0;
  localparam logic [1:0] StateCombine = 2'd1;
  localparam logic [1:0] StateOut     = 2'd2;

  if (Latency != 4 || Lanes != 4 || vector_pkg::Lanes != 8) begin : g_check
    ERROR_row_reducer_needs_an_adder_of_4_cycles_and_words_of_8_values_in_halves error ();
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
  logic [3:0]       count_q;  // steps since the row began, to 2 * Latency
  logic [1:0]       back;
  logic             older, newer;
  logic [HalfW-1:0] total, delayed, adder_a, adder_b;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || taken) count_q <= '0;
    else if (step && !older) count_q <= count_q + 4'd1;
  end

  // What is in delay and adder belongs to this row; before, both count as zero.
  assign older = count_q[3];
  assign newer = count_q[3:2] != '0;
  assign back  = (step_q[4:3] != '0) ? 2'd1 : step_q[2] ? 2'd2 : 2'(Latency);

  step_delay #(
    .WIDTH(HalfW),
    .DEPTH(Latency)
  ) u_loop (
    .clk_i,
    .rst_ni,
    .en_i  (step),
    .data_i(total),
    .back_i(back),
    .data_o(delayed)
  );

  for (genvar l = 0; l < Lanes; l++) begin : g_adder
    logic use_total, use_value;
    assign use_total = combine && newer;
    assign use_value = !combine && in_active_i[l];
    assign adder_b[l*32+:32] = (total[l*32+:32] & {32{use_total}}) | (in_data_i[l*32+:32] & {32{use_value}});

    if (l == 0) begin : g_first
      assign adder_a[31:0] = step_q[4] ? total[32+:32] :
                             (step_q[3:2] == 2'd3) ? total[64+:32] : delayed[31:0] & {32{older}};
    end else if (l == 1) begin : g_second
      assign adder_a[63:32] = (step_q[3:2] == 2'd3) ? total[96+:32] : delayed[63:32] & {32{older}};
    end else begin : g_upper
      assign adder_a[l*32+:32] = delayed[l*32+:32] & {32{older}};
    end

    fp32_add u_add (
      .clk_i,
      .en_i(step),
      .a_i (adder_a[l*32+:32]),
      .b_i (adder_b[l*32+:32]),
      .y_o (total[l*32+:32])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Largest values
  // ---------------------------------------------------------------------------------------------
  localparam int PlaceW = 16;  // a row has up to 65,535 values
  localparam int LaneW  = $clog2(Lanes);
  localparam logic [15:0] PlaceHigh = 16'h4B00;  // of 2**23 in FP32, whose lowest bits count ones

  // Whether a value is larger than the one before it. Of negative ones it is the one that is not as large or larger in
  // magnitude, which the lowest bit makes of the comparison.
  function automatic logic wins(input logic [31:0] value, input logic [31:0] earlier);
    wins = (value[31] != earlier[31]) ? earlier[31] :
           earlier[31] ^ ({value[30:0], earlier[31]} > {earlier[30:0], 1'b0});
  endfunction

  logic [31:0]       low_q, high_q, larger_q2, largest_q3;  // of lanes 0 and 1, 2 and 3; of four; of the row
  logic              low_wins, high_wins, low_place_q, high_place_q, high_active_q, upper_wins, valid_q, valid_q2, nan;
  logic [LaneW-1:0]  place_q2;
  logic [PlaceW-1:0] place_q3;
  logic [PlaceW-LaneW-1:0] half_q3;  // number of the half word that comes next
  logic              some_q3;  // the row has a value so far

  assign low_wins   = in_active_i[1] && wins(in_data_i[32+:32], in_data_i[0+:32]);
  assign high_wins  = in_active_i[3] && wins(in_data_i[96+:32], in_data_i[64+:32]);
  assign upper_wins = high_active_q && wins(high_q, low_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q  <= 1'b0;
      valid_q2 <= 1'b0;
    end else begin
      valid_q  <= take && in_active_i[0];
      valid_q2 <= valid_q;
    end
    low_q         <= low_wins ? in_data_i[32+:32] : in_data_i[0+:32];
    low_place_q   <= low_wins;
    high_q        <= high_wins ? in_data_i[96+:32] : in_data_i[64+:32];
    high_place_q  <= high_wins;
    high_active_q <= in_active_i[2];
    larger_q2     <= upper_wins ? high_q : low_q;
    place_q2      <= {upper_wins, upper_wins ? high_place_q : low_place_q};
    if (valid_q2 && (!some_q3 || wins(larger_q2, largest_q3))) begin
      largest_q3 <= larger_q2;
      place_q3   <= {half_q3, place_q2};
    end
    if (!rst_ni || taken) half_q3 <= '0;
    else if (valid_q2) half_q3 <= half_q3 + (PlaceW - LaneW)'(1);
    if (!rst_ni || taken) some_q3 <= 1'b0;
    else if (valid_q2) some_q3 <= 1'b1;
  end

  // ---------------------------------------------------------------------------------------------
  // Result: a sum leaves the adder in the last step and stays there
  // ---------------------------------------------------------------------------------------------
  assign nan         = fp32_pkg::is_nan(largest_q3);
  assign out_valid_o = state_q == StateOut;
  assign out_data_o  = sum ? total[31:0] :
                       (reduction_i == vector_pkg::ReductionArgmax && !nan) ? {PlaceHigh, place_q3} : largest_q3;

endmodule : row_reducer
