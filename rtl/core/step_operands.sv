// SPDX-License-Identifier: Apache-2.0
//
// Turns a step of the microprogram into addresses, strides and loop bounds.
//
// Why: all steps are the same loops over different operands. The registers here are the loops' parameters, filled one
// operand per cycle through a single lookup; nothing behind them depends on what the step means.
//
// Latency: done_o 6 cycles after start_i; the outputs then hold until the next start.

module step_operands #(
  // Width of a memory address.
  parameter int ADDR_W = 40
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle each; the inputs below stay stable from the first to the end of the step.
  input  logic              start_i,
  output logic              done_o,

  input  logic [2:0]        step_i,
  // The job, see operand_lookup; half_i is {y, lora, x}.
  input  logic              backward_i,
  input  logic [2:0]        half_i,
  input  logic [15:0]       tokens_i,
  input  logic [9:0]        in_blocks_i,
  input  logic [15:0]       out_features_i,
  input  logic [6:0]        rank_i,
  input  logic [16:0]       rank_blocks_i,
  output logic [3:0]        word_index_o,
  input  logic [ADDR_W-1:0] word_i,

  // Combinational from the job: its first step, and whether step_i is the last.
  output logic [2:0]        first_step_o,
  output logic              last_step_o,

  // The step has a second product; activations of both: address, rows, blocks per row of the first, FP16.
  output logic              second_o,
  output logic [ADDR_W-1:0] act_addr_o,
  output logic [ADDR_W-1:0] second_act_addr_o,
  output logic [15:0]       act_rows_o,
  output logic [core_pkg::BlocksWidth-1:0] act_blocks_o,
  output logic              act_half_o,

  // Weights of the first product (low half) and of the second (high half), see tile_walker.
  output logic [2*ADDR_W-1:0] weight_addr_o,
  output logic [63:0]       along_o,
  output logic [63:0]       down_o,
  output logic [63:0]       row_bytes_o,
  output logic [31:0]       weight_rows_o,
  output logic [1:0]        transpose_o,
  output logic [1:0]        codes_o,
  output logic [1:0]        weight_half_o,
  output logic [1:0]        scaled_o,

  // Results: address, blocks per row, bytes per row, FP16.
  output logic [ADDR_W-1:0] out_addr_o,
  output logic [core_pkg::BlocksWidth-1:0] out_blocks_o,
  output logic [31:0]       out_stride_o,
  output logic              out_half_o
);

  localparam int BlocksW = core_pkg::BlocksWidth;

  // Order of the lookups.
  localparam logic [2:0] LookAct          = 3'd0;
  localparam logic [2:0] LookWeight       = 3'd1;
  localparam logic [2:0] LookSecondAct    = 3'd2;
  localparam logic [2:0] LookSecondWeight = 3'd3;
  localparam logic [2:0] LookOut          = 3'd4;

  logic               active_q;
  logic [2:0]         look_q;
  logic [3:0]         step_act, step_weight, step_second_weight, step_out, operand;
  logic               step_transpose, step_scaled, step_second_scaled;
  logic [ADDR_W-1:0]  found_addr;
  logic [15:0]        found_rows;
  logic [BlocksW-1:0] found_blocks;
  logic               found_half, found_codes;
  logic [31:0]        found_row_bytes, found_along, found_down;

  step_table u_table (
    .backward_i,
    .has_adapter_i  (rank_i != '0),
    .step_i,
    .first_step_o,
    .last_o         (last_step_o),
    .act_o          (step_act),
    .weight_o       (step_weight),
    .transpose_o    (step_transpose),
    .scaled_o       (step_scaled),
    .second_o,
    .second_weight_o(step_second_weight),
    .second_scaled_o(step_second_scaled),
    .out_o          (step_out)
  );

  assign transpose_o = {1'b1, step_transpose};
  assign scaled_o    = {step_second_scaled, step_scaled};

  always_comb begin
    case (look_q)
      LookAct: operand = step_act;
      LookWeight: operand = step_weight;
      LookSecondAct: operand = descriptor_pkg::WorkspaceWord;
      LookSecondWeight: operand = step_second_weight;
      default: operand = step_out;
    endcase
  end

  operand_lookup #(
    .ADDR_W(ADDR_W)
  ) u_lookup (
    .operand_i    (operand),
    .backward_i,
    .x_half_i     (half_i[0]),
    .lora_half_i  (half_i[1]),
    .y_half_i     (half_i[2]),
    .tokens_i,
    .in_blocks_i,
    .out_features_i,
    .rank_i,
    .rank_blocks_i,
    .word_index_o,
    .word_i,
    .address_o    (found_addr),
    .rows_o       (found_rows),
    .blocks_o     (found_blocks),
    .half_o       (found_half),
    .codes_o      (found_codes)
  );

  // To the next tile in the same rows and in the same columns; TileBytes is 2048 + 64.
  assign found_row_bytes = found_half ? 32'(found_blocks) << 7 : 32'(found_blocks) << 8;
  assign found_along     = found_codes ? 32'(core_pkg::TileBytes) : found_half ? 32'd128 : 32'd256;
  assign found_down      = found_codes ? (32'(found_blocks) << 11) + (32'(found_blocks) << 6)
                                       : found_row_bytes << core_pkg::BlockLog2;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      done_o   <= 1'b0;
    end else begin
      if (start_i) active_q <= 1'b1;
      else if (look_q == LookOut) active_q <= 1'b0;
      done_o <= active_q && look_q == LookOut;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) look_q <= LookAct;
    else if (active_q) look_q <= look_q + 3'd1;
    if (active_q) begin
      case (look_q)
        LookAct: begin
          act_addr_o   <= found_addr;
          act_rows_o   <= found_rows;
          act_blocks_o <= found_blocks;
          act_half_o   <= found_half;
        end
        LookSecondAct: second_act_addr_o <= found_addr;
        LookOut: begin
          out_addr_o   <= found_addr;
          out_blocks_o <= found_blocks;
          out_stride_o <= found_row_bytes;
          out_half_o   <= found_half;
        end
        default: ;
      endcase
    end
  end

  for (genvar p = 0; p < 2; p++) begin : g_weight
    always_ff @(posedge clk_i) begin
      if (active_q && look_q == ((p == 0) ? LookWeight : LookSecondWeight)) begin
        weight_addr_o[p*ADDR_W+:ADDR_W] <= found_addr;
        along_o[p*32+:32]               <= found_along;
        down_o[p*32+:32]                <= found_down;
        row_bytes_o[p*32+:32]           <= found_row_bytes;
        weight_rows_o[p*16+:16]         <= found_rows;
        codes_o[p]                      <= found_codes;
        weight_half_o[p]                <= found_half;
      end
    end
  end

endmodule : step_operands
