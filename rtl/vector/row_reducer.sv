// SPDX-License-Identifier: Apache-2.0
//
// Sum, largest value, or place of the largest value of a row of words.
//
// Why: softmax and RMSNorm need one number per row. The adder takes AddLatency cycles, so as many interleaved sums per
// lane are kept in it, each word meeting the sum of the word AddLatency words before. The order of additions is therefore
// fixed, whatever the pauses: interleaved sums first, then halves added to halves (tb/models/vector.py, row_sums).
// The adder moves with the words, not with the clock, so that a word always meets the right sum.
// The place comes as 2**23 plus the value's number in the row, which FP32 holds exactly; the first of equal ones counts.
// Latency: a row's last word to its sum 24 cycles and 1 for each of its words below four; to its largest value 4.
// Throughput: one word per cycle within a row.

module row_reducer (
  input  logic         clk_i,
  input  logic         rst_ni,

  // vector_pkg::Reduction*, not None; changes only between rows.
  input  logic [1:0]   reduction_i,

  input  logic         in_valid_i,
  output logic         in_ready_o,
  input  logic [vector_pkg::Lanes*32-1:0] in_data_i,
  // Values that count.
  input  logic [vector_pkg::Lanes-1:0]    in_active_i,
  input  logic         in_last_i,

  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [31:0]  out_data_o
);

  localparam int Lanes   = vector_pkg::Lanes;
  localparam int WordW   = Lanes * 32;
  localparam int Latency = fp32_pkg::AddLatency;

  // Steps of the combination, counted from the first after the row's last word (a short row is filled up first): sums
  // that lie two phases apart meet in steps 2 and 3, the two results in step 7, then lanes 4, 2 and 1 apart.
  localparam int Pair   = 2;
  localparam int Phases = Pair + 1 + Latency;
  localparam int Fold4  = Phases + Latency;
  localparam int Fold2  = Fold4 + Latency;
  localparam int Fold1  = Fold2 + Latency;
  // Last steps: of a sum, after which it shows at the adder, and of a largest value.
  localparam int SumLast = Fold1 + Latency - 1;
  localparam int MaxLast = 2;

  localparam logic [1:0] StateRow     = 2'd0;
  localparam logic [1:0] StateFill    = 2'd1;
  localparam logic [1:0] StateCombine = 2'd2;
  localparam logic [1:0] StateOut     = 2'd3;

  if (Latency != 4 || Lanes != 8) begin : g_check
    ERROR_row_reducer_needs_an_adder_of_4_cycles_and_8_lanes error ();
  end

  logic [1:0]       state_q;
  logic             sum, take, step, started, finished;
  logic [2:0]       words_q;       // of the row, up to Latency
  logic [4:0]       step_q;
  logic [WordW-1:0] word, adder_a, adder_b, total, delayed_q, delayed_q2;

  assign sum        = reduction_i == vector_pkg::ReductionSum;
  assign in_ready_o = state_q == StateRow;
  assign take       = in_valid_i && in_ready_o;
  assign step       = take || state_q == StateFill || state_q == StateCombine;
  assign started    = words_q == 3'(Latency);
  assign finished   = step_q == (sum ? 5'(SumLast) : 5'(MaxLast));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateRow;
      words_q <= '0;
    end else begin
      case (state_q)
        StateRow: if (take && in_last_i) state_q <= (words_q >= 3'(Latency - 1) || !sum) ? StateCombine : StateFill;
        StateFill: if (words_q == 3'(Latency - 1)) state_q <= StateCombine;
        StateCombine: if (finished) state_q <= StateOut;
        default: if (out_ready_i) state_q <= StateRow;
      endcase
      if (state_q == StateOut) words_q <= '0;
      else if ((take || state_q == StateFill) && !started) words_q <= words_q + 3'd1;
    end
    step_q <= (state_q == StateCombine) ? step_q + 5'd1 : '0;
  end

  // ---------------------------------------------------------------------------------------------
  // Sums
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Lanes; l++) begin : g_active
    assign word[l*32+:32] = (state_q == StateRow && in_active_i[l]) ? in_data_i[l*32+:32] : 32'h0;
  end

  // While a row comes in, the sum that leaves the adder goes in again with the next word. In the combination, lane l meets
  // lane l + 4, 2 or 1; the lanes above add what nobody uses.
  always_comb begin
    adder_a = started ? total : '0;
    adder_b = word;
    if (state_q == StateCombine) begin
      adder_a = total;
      adder_b = delayed_q2;
      if (step_q == 5'(Phases)) adder_b = delayed_q;
      if (step_q == 5'(Fold4)) adder_b = total >> (4 * 32);
      if (step_q == 5'(Fold2)) adder_b = total >> (2 * 32);
      if (step_q == 5'(Fold1)) adder_b = total >> 32;
    end
  end

  always_ff @(posedge clk_i) begin
    if (step) begin
      delayed_q  <= total;
      delayed_q2 <= delayed_q;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : g_adder
    fp32_add u_add (
      .clk_i,
      .en_i(step),
      .a_i (adder_a[l*32+:32]),
      .b_i (adder_b[l*32+:32]),
      .y_o (total[l*32+:32])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Largest values: numbers as integers of the same order, and whether there was a NaN
  // ---------------------------------------------------------------------------------------------
  localparam logic [31:0] Lowest = {1'b0, ~fp32_pkg::InfinityBits};  // of minus infinity
  localparam int          PlaceW = 16;  // a row has up to 65,535 values
  localparam int          LaneW  = $clog2(Lanes);
  localparam logic [31:0] PlaceZero = 32'h4B00_0000;  // 2**23 in FP32, whose lowest bits count ones

  logic [WordW-1:0] keys, largest_q;
  logic [Lanes-1:0] nans;
  logic             nan_q;
  logic [31:0]      largest;
  logic [Lanes*PlaceW-1:0] places_q;
  logic [PlaceW-LaneW-1:0] word_q;  // number of the word that comes next

  for (genvar l = 0; l < Lanes; l++) begin : g_key
    logic [31:0] value;
    assign value            = in_data_i[l*32+:32];
    assign keys[l*32+:32]   = !in_active_i[l] ? Lowest : value[31] ? ~value : {1'b1, value[30:0]};
    assign nans[l]          = in_active_i[l] && fp32_pkg::is_nan(value);

    // The first word of a row is taken as it is. In the combination lanes 4, 2 and 1 apart meet.
    logic [31:0]       other, own;
    logic [PlaceW-1:0] other_place, own_place;
    logic              better;
    assign own         = largest_q[l*32+:32];
    assign own_place   = places_q[l*PlaceW+:PlaceW];
    assign better      = other > own || (other == own && other_place < own_place);
    assign other_place = take            ? {word_q, LaneW'(l)} :
                         step_q == 5'd0  ? places_q[(l+4)%Lanes*PlaceW+:PlaceW] :
                         step_q == 5'd1  ? places_q[(l+2)%Lanes*PlaceW+:PlaceW] :
                                           places_q[(l+1)%Lanes*PlaceW+:PlaceW];
    assign other = take            ? keys[l*32+:32] :
                   step_q == 5'd0  ? largest_q[(l+4)%Lanes*32+:32] :
                   step_q == 5'd1  ? largest_q[(l+2)%Lanes*32+:32] :
                                     largest_q[(l+1)%Lanes*32+:32];
    always_ff @(posedge clk_i) begin
      if (step && ((take && words_q == '0) || better)) begin
        largest_q[l*32+:32]         <= other;
        places_q[l*PlaceW+:PlaceW] <= other_place;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) nan_q <= |nans || (nan_q && words_q != '0);
    if (!rst_ni || state_q == StateOut) word_q <= '0;
    else if (take) word_q <= word_q + (PlaceW - LaneW)'(1);
  end

  assign largest = largest_q[31] ? {1'b0, largest_q[30:0]} : ~largest_q[31:0];

  assign out_valid_o = state_q == StateOut;

  // A sum leaves the adder in the last step and stays there.
  assign out_data_o  = sum ? total[31:0] : nan_q ? fp32_pkg::CanonicalNan :
                       reduction_i == vector_pkg::ReductionArgmax ? PlaceZero + 32'(places_q[PlaceW-1:0]) : largest;

endmodule : row_reducer
