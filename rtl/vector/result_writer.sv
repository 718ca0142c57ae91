// SPDX-License-Identifier: Apache-2.0
//
// Writes what the vector engine computes: the words of y, joined if they come in halves, and a sum or a largest value
// per row.
//
// Why: both go to the same scratchpad at addresses of their own, and a row's value comes some cycles after its last
// word. One register of a word holds either; a row's value is in each of its lanes, and the strobe chooses one.
// Latency: a word's last part to its write 1 cycle; a row's value 1 cycle more than row_reducer says. Throughput: one
// part per cycle.

module result_writer #(
  // Values of a part: a word's, or half of them.
  parameter int LANES   = 8,
  // Width of an address in words.
  parameter int ADDR_W  = 16,
  // Width of an address in values.
  parameter int VALUE_W = 19
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // A command; inner distance, outer distance and base of D in words and of R in values.
  input  logic                 start_i,
  input  logic                 store_i,
  input  logic [3*ADDR_W-1:0]  d_i,
  input  logic [1:0]           reduction_i,
  input  logic [3*VALUE_W-1:0] r_i,

  // Parts of words of y, lowest first.
  input  logic                 in_valid_i,
  output logic                 in_ready_o,
  input  logic [LANES*32-1:0]  in_data_i,
  // Active values; part of the last word of its row, of the last row of its outer iteration, of the last row of all.
  input  logic [LANES-1:0]     in_active_i,
  input  logic                 in_last_word_i,
  input  logic                 in_last_inner_i,
  input  logic                 in_last_i,
  // High when everything of the command is written, until the next start.
  output logic                 done_o,

  output logic                 w_valid_o,
  input  logic                 w_ready_i,
  output logic [ADDR_W-1:0]    w_addr_o,
  output logic [vector_pkg::Lanes*32-1:0] w_data_o,
  output logic [vector_pkg::Lanes-1:0]    w_strobe_o
);

  localparam int Lanes = vector_pkg::Lanes;
  localparam int LaneW = $clog2(Lanes);
  localparam bit Whole = LANES == Lanes;

  logic               store_q, reduces, last_part_q, full_q, row_q, last_inner_q, ended_q;
  logic [1:0]         reduction_q;
  logic               free, load, load_word, load_row, reduce_ready, row_valid;
  logic [31:0]        row_value;
  logic [LANES*32-1:0] part;
  logic [ADDR_W-1:0]  d_base, word_q, address_q;
  logic [VALUE_W-1:0] r_address;
  logic [LaneW-1:0]   row_lane_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      store_q     <= store_i;
      reduction_q <= reduction_i;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Parts: each goes to the register and to the row's value at once
  // ---------------------------------------------------------------------------------------------
  assign reduces    = reduction_q != vector_pkg::ReductionNone;
  assign free       = !full_q || w_ready_i;
  assign in_ready_o = free && (reduce_ready || !reduces);
  assign load       = in_valid_i && in_ready_o;
  assign load_word  = load && last_part_q;
  assign load_row   = row_valid && free;
  // While there is a row's value, no part is taken.
  assign part       = row_valid ? {LANES{row_value}} : in_data_i;

  row_reducer #(
    .LANES(LANES)
  ) u_reducer (
    .clk_i,
    .rst_ni,
    .reduction_i(reduction_q),
    .in_valid_i (load && reduces),
    .in_ready_o (reduce_ready),
    .in_data_i,
    .in_active_i,
    .in_last_i  (in_last_word_i && last_part_q),
    .out_valid_o(row_valid),
    .out_ready_i(free),
    .out_data_o (row_value)
  );

  // ---------------------------------------------------------------------------------------------
  // The register, and where it is written to
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Lanes; l++) begin : g_lane
    logic load_lane;
    assign load_lane = load && (Whole || last_part_q == (l >= LANES));
    // Inactive values by the registers' own reset.
    always_ff @(posedge clk_i) begin
      if (load_lane && !in_active_i[l%LANES]) w_data_o[l*32+:32] <= '0;
      else if (load_lane || load_row) w_data_o[l*32+:32] <= part[l%LANES*32+:32];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      last_part_q <= Whole;
      full_q      <= 1'b0;
    end else begin
      if (load) last_part_q <= Whole || !last_part_q;
      full_q <= load_row || (load_word && store_q) || (full_q && !w_ready_i);
    end
    if (load || load_row) begin
      row_q      <= load_row;
      row_lane_q <= r_address[LaneW-1:0];
      address_q  <= load_row ? r_address[LaneW+:ADDR_W] : d_base + word_q;
    end
    if (load) last_inner_q <= in_last_inner_i;
    if (start_i || (load_word && in_last_word_i)) word_q <= '0;
    else if (load_word) word_q <= word_q + ADDR_W'(1);
    if (!rst_ni || start_i) ended_q <= 1'b0;
    else if (load_word && in_last_i) ended_q <= 1'b1;
  end

  row_address #(
    .ADDR_W(ADDR_W)
  ) u_d (
    .clk_i,
    .start_i,
    .region_i    (d_i),
    .next_i      (load_word && in_last_word_i),
    .last_inner_i(in_last_inner_i),
    .base_o      (d_base)
  );
  row_address #(
    .ADDR_W(VALUE_W)
  ) u_r (
    .clk_i,
    .start_i,
    .region_i    (r_i),
    .next_i      (load_row),
    .last_inner_i(last_inner_q),
    .base_o      (r_address)
  );

  assign w_valid_o  = full_q;
  assign w_addr_o   = address_q;
  assign w_strobe_o = row_q ? Lanes'(1) << row_lane_q : '1;
  assign done_o     = ended_q && !full_q && (reduce_ready || !reduces);

endmodule : result_writer
