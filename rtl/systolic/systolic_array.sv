// SPDX-License-Identifier: Apache-2.0
//
// Weight-stationary systolic array: 64 rows (one block of the reduction axis) by COLUMNS outputs.
//
// Why: with weights that stay, a weight is fetched once for all vectors that meet it, and no element has to store a sum.
// A column is a chain of 64 processing elements: partial sums go down, activations move right, and every element holds an
// active and a shadow weight, so that the next weights load while these compute. A vector's value for row r comes r cycles
// after that for row 0, and a weight of row r is made to wait as long. Columns are grouped: the PORTS columns of a group load
// in the same cycle and see an activation in the same cycle, so that a memory bus that brings two columns a cycle keeps every
// group busy. Where the bus brings less than a column per cycle, a column comes in PARTS: PARTS neighbouring rows take their
// weights from the same bits, one after the other. So which element of the reduction a row has depends on PARTS
// (systolic_pkg::row_of); sums of integers do not.
//
// Rules for the caller: a group's load must not come before the swap that makes its previous weights active (same cycle
// is allowed for group 0 and, shifted by the group's number, for the others: load groups in ascending order, at most one
// a cycle), and a swap comes at least one cycle after the last load of its weights.
// Latency: a vector's swap, which is a cycle before its value for row 0, to its sum in group g ArrayLatency + g cycles.
// Throughput: one vector per cycle.

module systolic_array #(
  // Array columns, 1 to 16.
  parameter int COLUMNS = 8,
  // Activation width in bits: 25 fills a DSP48E1, 18 an ECP5 multiplier.
  parameter int ACT_W = 25,
  // Columns loaded per cycle, a divisor of COLUMNS.
  parameter int PORTS = 1,
  // Parts in which a column is loaded: 1, 2 or 4; 1 if PORTS is more.
  parameter int PARTS = 1
) (
  input  logic                                                  clk_i,
  input  logic                                                  rst_ni,
  // 64 signed mantissas by rows, row 0 lowest; of a vector, that of row r comes r cycles after that of row 0.
  input  logic [systolic_pkg::Rows*ACT_W-1:0]                   act_i,
  // A cycle before row 0's value of a pass's first vector: the loaded weights become active.
  input  logic                                                  swap_i,
  // One bit per part of each column group, part 0 lowest: weight_i belongs to it.
  input  logic [COLUMNS/PORTS*PARTS-1:0]                        load_i,
  // PORTS columns of 64 signed weights, or part of a column.
  input  logic [PORTS*systolic_pkg::Rows/PARTS*systolic_pkg::WeightWidth-1:0] weight_i,
  // Column sums; column c belongs to group c / PORTS.
  output logic [COLUMNS*systolic_pkg::SumWidth-1:0]             sum_o
);

  localparam int Rows = systolic_pkg::Rows;
  localparam int WgtW = systolic_pkg::WeightWidth;
  localparam int SumW = systolic_pkg::SumWidth;
  localparam int Groups = COLUMNS / PORTS;

  localparam int PartRows = Rows / PARTS;
  localparam int Lanes = Rows - PARTS + 1;  // up to the last row that has one of its own
  // What enters a row.
  localparam int LaneW = PORTS * WgtW;

  localparam int PtrW = 6;
  // Write position of the skew lanes; element r is the position of r cycles ago.
  logic [Lanes*PtrW-1:0] ptr_q;
  // Element k is swap_i of k + 1 cycles ago; row r of group g swaps at element r + g.
  logic [Rows+Groups-2:0] swap_q;
  // Row r's load enables, load_i of r + 1 cycles ago.
  logic [Rows*Groups*PARTS-1:0] load_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) for (int r = 0; r < Lanes; r++) ptr_q[r*PtrW+:PtrW] <= PtrW'(Rows - r);
    else ptr_q <= {ptr_q[(Lanes-1)*PtrW-1:0], ptr_q[PtrW-1:0] + PtrW'(1)};
  end

  // Without a reset: whatever is on its way down the rows is ahead of what comes next, and overwritten by it.
  always_ff @(posedge clk_i) begin
    swap_q <= (Rows + Groups - 1)'({swap_q, swap_i});
    load_q <= (Rows * Groups * PARTS)'({load_q, load_i});
  end

  for (genvar r = 0; r < Rows; r++) begin : g_row
    localparam int Part = r % PARTS;
    logic [LaneW-1:0] skewed;
    if (Part == 0) begin : g_lane
      logic [LaneW-1:0] weights;
      for (genvar p = 0; p < PORTS; p++) begin : g_port
        assign weights[p*WgtW+:WgtW] = weight_i[(p*PartRows+r/PARTS)*WgtW+:WgtW];
      end
      skew_lane #(
        .ROW(r),
        .WIDTH(LaneW)
      ) u_skew (
        .clk_i,
        .write_ptr_i(ptr_q[PtrW-1:0]),
        .read_ptr_i(ptr_q[r*PtrW+:PtrW]),
        .data_i(weights),
        .data_o(skewed)
      );
    end else begin : g_next
      logic [LaneW-1:0] skewed_q;
      always_ff @(posedge clk_i) skewed_q <= g_row[r-1].skewed;
      assign skewed = skewed_q;
    end
    for (genvar c = 0; c < COLUMNS; c++) begin : g_column
      localparam int Group = c / PORTS;
      logic signed [ACT_W-1:0] act_in, act_out;
      logic signed [SumW-1:0] sum_in, sum_out;
      if (Group == 0) begin : g_first_group
        assign act_in = act_i[r*ACT_W+:ACT_W];
      end else begin : g_next_group
        assign act_in = g_row[r].g_column[c-PORTS].act_out;
      end
      if (r == 0) begin : g_top
        assign sum_in = '0;
      end else begin : g_below
        assign sum_in = g_row[r-1].g_column[c].sum_out;
      end
      pe #(
        .ACT_W(ACT_W),
        .WGT_W(WgtW),
        .SUM_W(SumW)
      ) u_pe (
        .clk_i,
        .act_i(act_in),
        .act_o(act_out),
        .load_i(load_q[(r*Groups+Group)*PARTS+Part]),
        .weight_i(skewed[(c%PORTS)*WgtW+:WgtW]),
        .swap_i(swap_q[r+Group]),
        .sum_i(sum_in),
        .sum_o(sum_out)
      );
      if (Group == Groups - 1) begin : g_last_group
        logic unused_act;
        assign unused_act = ^act_out;
      end
      if (r == Rows - 1) begin : g_bottom
        assign sum_o[c*SumW+:SumW] = sum_out;
      end
    end
  end

  if (COLUMNS < 1 || COLUMNS > 16) begin : g_bad_columns
    ERROR_systolic_array_COLUMNS_must_be_1_to_16 u_error ();
  end
  if (COLUMNS % PORTS != 0) begin : g_bad_ports
    ERROR_systolic_array_PORTS_must_divide_COLUMNS u_error ();
  end
  if ((PARTS != 1 && PARTS != 2 && PARTS != 4) || (PARTS > 1 && PORTS > 1)) begin : g_bad_parts
    ERROR_systolic_array_PARTS_must_be_1_2_or_4_and_1_with_more_PORTS u_error ();
  end

endmodule : systolic_array
