// SPDX-License-Identifier: Apache-2.0
//
// Simulation top of the FP32 units: several lanes of each, as streams.
//
// Why: the units move by en_i alone. Here each gets the valid chain that its users build from the
// latencies of fp32_pkg, so a wrong latency shows as a wrong result. One operand stream is forked to
// all units; each unit's results leave at their own pace.

module fp32_top #(
  // Units of each kind, side by side.
  parameter int LANES     = 8,
  // Bits of the integers.
  parameter int INT_WIDTH = 48
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  // Operands: a and b of adder and multiplier; value, exponent and nan of the integer conversion;
  // half of the conversions from 16 bits, wide of those to 16 bits.
  input  logic                       op_valid_i,
  output logic                       op_ready_o,
  input  logic [LANES*32-1:0]        op_a_i,
  input  logic [LANES*32-1:0]        op_b_i,
  input  logic [LANES*INT_WIDTH-1:0] op_value_i,
  input  logic [LANES*10-1:0]        op_exponent_i,
  input  logic [LANES-1:0]           op_nan_i,
  input  logic [LANES*16-1:0]        op_half_i,
  input  logic [LANES*32-1:0]        op_wide_i,

  output logic                       mul_valid_o,
  input  logic                       mul_ready_i,
  output logic [LANES*32-1:0]        mul_y_o,

  output logic                       add_valid_o,
  input  logic                       add_ready_i,
  output logic [LANES*32-1:0]        add_y_o,

  output logic                       int_valid_o,
  input  logic                       int_ready_i,
  output logic [LANES*32-1:0]        int_y_o,

  output logic                       convert_valid_o,
  input  logic                       convert_ready_i,
  output logic [LANES*32-1:0]        convert_fp16_o,
  output logic [LANES*32-1:0]        convert_bf16_o,
  output logic [LANES*16-1:0]        convert_to_fp16_o,
  output logic [LANES*16-1:0]        convert_to_bf16_o
);

  logic [3:0] fork_valid, fork_ready;

  stream_fork #(.OUTPUTS(4)) u_fork (
    .clk_i,
    .rst_ni,
    .in_valid_i (op_valid_i),
    .in_ready_o (op_ready_o),
    .out_valid_o(fork_valid),
    .out_ready_i(fork_ready)
  );

  // Valid chains. A pipeline moves while its last stage is empty or leaves.
  logic [fp32_pkg::MulLatency-1:0]     mul_chain_q;
  logic [fp32_pkg::AddLatency-1:0]     add_chain_q;
  logic [fp32_pkg::FromIntLatency-1:0] int_chain_q;

  assign mul_valid_o   = mul_chain_q[fp32_pkg::MulLatency-1];
  assign add_valid_o   = add_chain_q[fp32_pkg::AddLatency-1];
  assign int_valid_o   = int_chain_q[fp32_pkg::FromIntLatency-1];
  assign fork_ready[0] = mul_ready_i || !mul_valid_o;
  assign fork_ready[1] = add_ready_i || !add_valid_o;
  assign fork_ready[2] = int_ready_i || !int_valid_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      mul_chain_q <= '0;
      add_chain_q <= '0;
      int_chain_q <= '0;
    end else begin
      if (fork_ready[0]) mul_chain_q <= {mul_chain_q[fp32_pkg::MulLatency-2:0], fork_valid[0]};
      if (fork_ready[1]) add_chain_q <= {add_chain_q[fp32_pkg::AddLatency-2:0], fork_valid[1]};
      if (fork_ready[2]) int_chain_q <= {int_chain_q[fp32_pkg::FromIntLatency-2:0], fork_valid[2]};
    end
  end

  logic [LANES*32-1:0] fp16, bf16;
  logic [LANES*16-1:0] to_fp16, to_bf16;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    fp32_mul u_mul (
      .clk_i,
      .en_i(fork_ready[0]),
      .a_i (op_a_i[l*32 +: 32]),
      .b_i (op_b_i[l*32 +: 32]),
      .y_o (mul_y_o[l*32 +: 32])
    );

    fp32_add u_add (
      .clk_i,
      .en_i(fork_ready[1]),
      .a_i (op_a_i[l*32 +: 32]),
      .b_i (op_b_i[l*32 +: 32]),
      .y_o (add_y_o[l*32 +: 32])
    );

    int_to_fp32 #(.WIDTH(INT_WIDTH)) u_int (
      .clk_i,
      .en_i      (fork_ready[2]),
      .nan_i     (op_nan_i[l]),
      .value_i   (op_value_i[l*INT_WIDTH +: INT_WIDTH]),
      .exponent_i(op_exponent_i[l*10 +: 10]),
      .y_o       (int_y_o[l*32 +: 32])
    );

    fp16_to_fp32 u_fp16 (.x_i(op_half_i[l*16 +: 16]), .y_o(fp16[l*32 +: 32]));
    bf16_to_fp32 u_bf16 (.x_i(op_half_i[l*16 +: 16]), .y_o(bf16[l*32 +: 32]));
    fp32_to_fp16 u_to_fp16 (
      .clk_i,
      .en_i(fork_ready[3]),
      .x_i (op_wide_i[l*32 +: 32]),
      .y_o (to_fp16[l*16 +: 16])
    );
    fp32_to_bf16 u_to_bf16 (.x_i(op_wide_i[l*32 +: 32]), .y_o(to_bf16[l*16 +: 16]));
  end

  // All but one of the conversions are combinational; that one's register and a register slice make them a stream.
  logic                converted_q, slice_ready;
  logic [LANES*80-1:0] plain_q;
  assign fork_ready[3] = !converted_q || slice_ready;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) converted_q <= 1'b0;
    else if (fork_ready[3]) converted_q <= fork_valid[3];
    if (fork_ready[3]) plain_q <= {to_bf16, bf16, fp16};
  end
  stream_register #(.WIDTH(LANES*96)) u_convert (
    .clk_i,
    .rst_ni,
    .in_valid_i (converted_q),
    .in_ready_o (slice_ready),
    .in_data_i  ({plain_q[LANES*64+:LANES*16], to_fp16, plain_q[LANES*64-1:0]}),
    .out_valid_o(convert_valid_o),
    .out_ready_i(convert_ready_i),
    .out_data_o ({convert_to_bf16_o, convert_to_fp16_o, convert_bf16_o, convert_fp16_o})
  );

endmodule : fp32_top
