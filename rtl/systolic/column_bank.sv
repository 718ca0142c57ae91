// SPDX-License-Identifier: Apache-2.0
//
// The array's column accumulators with the side information that follows each vector through the array.
//
// Why: a vector's address, exponent and flags leave together with it and are needed much later, at a different time in
// each column group and pipeline stage. One delay line holds them while the vector crosses the array; one shift register
// then serves every stage of every column.
// Latency: ArrayLatency + 15 + column group, from a vector's vector_i to its written total.

module column_bank #(
  // Array columns.
  parameter int COLUMNS = 8,
  // Columns loaded per cycle.
  parameter int PORTS = 1,
  // Activation mantissa width, which fixes the weight of an exponent.
  parameter int ACT_W = 25,
  // Most rows that one tile serves.
  parameter int MAX_ROWS = 64,
  // Scale slots, a power of two.
  parameter int SLOTS = 32
) (
  input  logic                                         clk_i,
  input  logic                                         rst_ni,
  // Column scales as the array loads them.
  input  logic [COLUMNS/PORTS-1:0]                     load_i,
  input  logic [PORTS*32-1:0]                          load_scales_i,
  input  logic [$clog2(SLOTS)-1:0]                     load_slot_i,
  // Side information of the vector whose first element enters the array in the next cycle.
  input  logic                                         vector_i,
  input  logic                                         first_i,
  input  logic                                         last_i,
  input  logic [$clog2(SLOTS)-1:0]                     slot_i,
  input  logic [$clog2((64+COLUMNS-1)/COLUMNS*MAX_ROWS)-1:0]               address_i,
  input  logic [7:0]                                   exponent_i,
  input  logic                                         nonfinite_i,
  // Column sums from the array.
  input  logic [COLUMNS*systolic_pkg::SumWidth-1:0]    sum_i,
  // The output block's last total has been written.
  output logic                                         done_o,
  // Reading results.
  input  logic                                         drain_i,
  input  logic                                         drain_buffer_i,
  input  logic [$clog2((64+COLUMNS-1)/COLUMNS*MAX_ROWS)-1:0]               drain_address_i,
  output logic [COLUMNS*32-1:0]                        drain_data_o
);

  localparam int Groups = COLUMNS / PORTS;
  localparam int SlotW = $clog2(SLOTS);
  localparam int AddressW = $clog2((64 + COLUMNS - 1) / COLUMNS * MAX_ROWS);
  localparam int Passes = (64 + COLUMNS - 1) / COLUMNS;
  localparam int Depth = Passes * MAX_ROWS;
  localparam int Latency = systolic_pkg::ArrayLatency;
  localparam int ScaleStage = fp32_pkg::FromIntLatency;
  localparam int AddStage = ScaleStage + fp32_pkg::MulLatency;
  localparam int WriteStage = AddStage + fp32_pkg::AddLatency;
  localparam int Stages = WriteStage + Groups;

  // The buffer alternates with every output block.
  logic buffer_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) buffer_q <= 1'b0;
    else if (vector_i && last_i) buffer_q <= !buffer_q;
  end

  // While the vector is in the array.
  localparam int SideW = 3 + SlotW + AddressW + 8 + 1;
  logic [Latency-1:0] valid_delay_q;
  logic valid, first, last, select, nonfinite;
  logic [SlotW-1:0] slot;
  logic [AddressW-1:0] address;
  logic [7:0] exponent;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_delay_q <= '0;
    else valid_delay_q <= Latency'({valid_delay_q, vector_i});
  end
  assign valid = valid_delay_q[Latency-1];
  delay_line #(
    .WIDTH(SideW),
    .DELAY(Latency)
  ) u_side (
    .clk_i,
    .rst_ni,
    .data_i({first_i, last_i, buffer_q, slot_i, address_i, exponent_i, nonfinite_i}),
    .data_o({first, last, select, slot, address, exponent, nonfinite})
  );

  // Element k: k cycles after the sum of column group 0. Each chain is as long as its last user needs.
  localparam int SlotStages = ScaleStage - 1 + Groups;
  localparam int FirstStages = AddStage - 1 + Groups;
  logic [Stages-2:0] valid_q, last_q, select_q;
  logic [FirstStages-2:0] first_q;
  logic [(Stages-1)*AddressW-1:0] address_q;
  logic [(SlotStages-1)*SlotW-1:0] slot_q;
  logic [Stages-1:0] valid_at, last_at, select_at;
  logic [FirstStages-1:0] first_at;
  logic [Stages*AddressW-1:0] address_at;
  logic [SlotStages*SlotW-1:0] slot_at;
  logic [Groups*9-1:0] power_at;
  assign valid_at = {valid_q, valid};
  assign first_at = {first_q, first};
  assign last_at = {last_q, last};
  assign select_at = {select_q, select};
  assign address_at = {address_q, address};
  assign slot_at = {slot_q, slot};
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= valid_at[Stages-2:0];
    first_q <= first_at[FirstStages-2:0];
    last_q <= last_at[Stages-2:0];
    select_q <= select_at[Stages-2:0];
    address_q <= address_at[(Stages-1)*AddressW-1:0];
    slot_q <= slot_at[(SlotStages-1)*SlotW-1:0];
  end
  if (Groups > 1) begin : g_power
    logic [(Groups-1)*9-1:0] power_q;
    always_ff @(posedge clk_i) power_q <= power_at[(Groups-1)*9-1:0];
    assign power_at = {power_q, nonfinite, exponent};
  end else begin : g_one_power
    assign power_at = {nonfinite, exponent};
  end
  // The write of the last group's total happens at the end of this cycle.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) done_o <= 1'b0;
    else done_o <= valid_at[Stages-1] && last_at[Stages-1];
  end

  for (genvar c = 0; c < COLUMNS; c++) begin : g_column
    localparam int Group = c / PORTS;
    logic [31:0] scales_q[SLOTS];
    logic [31:0] scale_q;
    always_ff @(posedge clk_i) begin
      scale_q <= scales_q[slot_at[(ScaleStage-1+Group)*SlotW+:SlotW]];
      if (load_i[Group]) scales_q[load_slot_i] <= load_scales_i[(c%PORTS)*32+:32];
    end
    column_accumulator #(
      .DEPTH(Depth)
    ) u_accumulator (
      .clk_i,
      .sum_i(sum_i[c*systolic_pkg::SumWidth+:systolic_pkg::SumWidth]),
      .exponent_i($signed({2'b00, power_at[Group*9+:8]}) - 10'(fp32_pkg::ExponentBias + ACT_W - 2)),
      .nonfinite_i(power_at[Group*9+8]),
      .scale_i(scale_q),
      .read_address_i(address_at[(AddStage-2+Group)*AddressW+:AddressW]),
      .first_i(first_at[AddStage-1+Group]),
      .buffer_read_i(select_at[AddStage-1+Group]),
      .write_i(valid_at[WriteStage+Group]),
      .buffer_write_i(select_at[WriteStage+Group]),
      .write_address_i(address_at[(WriteStage+Group)*AddressW+:AddressW]),
      .drain_i,
      .drain_buffer_i,
      .drain_address_i(drain_address_i),
      .drain_data_o(drain_data_o[c*32+:32])
    );
  end

endmodule : column_bank
