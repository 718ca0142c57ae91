// SPDX-License-Identifier: Apache-2.0
//
// systolic_array between shift registers.
//
// Why: placed and routed alone, the array says which clock its own paths allow, and it has more ports than the device has
// pins. Every input comes from a register and every output goes to one.

module array_top #(
  // Of systolic_array.
  parameter int COLUMNS = 2,
  parameter int ACT_W   = 18,
  parameter int PORTS   = 1,
  parameter int PARTS   = 1
) (
  input  logic clk_i,
  input  logic shift_i,
  input  logic take_i,
  output logic shift_o
);

  localparam int ActBits = systolic_pkg::Rows * ACT_W;
  localparam int WeightBits = PORTS * systolic_pkg::Rows / PARTS * systolic_pkg::WeightWidth;
  localparam int SumBits = COLUMNS * systolic_pkg::SumWidth;
  localparam int LoadBits = COLUMNS / PORTS * PARTS;
  localparam int InBits = ActBits + WeightBits + LoadBits + 2;

  logic [InBits-1:0] in_q;
  logic [SumBits-1:0] sums, out_q;
  logic take_q;

  systolic_array #(
    .COLUMNS(COLUMNS),
    .ACT_W  (ACT_W),
    .PORTS  (PORTS),
    .PARTS  (PARTS)
  ) u_array (
    .clk_i,
    .rst_ni  (in_q[0]),
    .swap_i  (in_q[1]),
    .load_i  (in_q[2+:LoadBits]),
    .act_i   (in_q[2+LoadBits+:ActBits]),
    .weight_i(in_q[2+LoadBits+ActBits+:WeightBits]),
    .sum_o   (sums)
  );

  always_ff @(posedge clk_i) begin
    in_q   <= {in_q[InBits-2:0], shift_i};
    take_q <= take_i;
    out_q  <= take_q ? sums : {out_q[SumBits-2:0], out_q[SumBits-1]};
    shift_o <= out_q[SumBits-1];
  end

endmodule : array_top
