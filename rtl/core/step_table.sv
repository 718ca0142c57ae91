// SPDX-License-Identifier: Apache-2.0
//
// The microprogram: which products make up a job, in order.
//
// Why: a job is up to six matrix products that differ only in operands and mode. Written as a table they share one sequencer,
// and what the core computes can be read off this file:
//
//   forward   0: u   = x A^T               (N)
//             1: y   = x W^T + s u Bt      (N, T)
//   backward  0: du  = s dy Bt^T           (N)
//             1: dx  = dy W + du A         (T, T)
//             2: uT  = A x^T               (N)
//             3: duT = s Bt dy^T           (N)
//             4: dA  = duT x               (T)
//             5: dBt = s uT dy             (T)
//
// Bt is LoRA B as stored, [rank][out_features]; u and du are held as [tokens][64]. Without an adapter only step 1 is
// run, with its first product alone. Combinational.

module step_table (
  input  logic       backward_i,
  input  logic       has_adapter_i,
  input  logic [2:0] step_i,

  // First step of the job, and whether step_i is the last.
  output logic [2:0] first_step_o,
  output logic       last_o,

  // First product: activations, weights, T mode, multiplied by the LoRA scale.
  output logic [3:0] act_o,
  output logic [3:0] weight_o,
  output logic       transpose_o,
  output logic       scaled_o,
  // Second product, accumulated onto the first: always T mode, activations u or du in one block.
  output logic       second_o,
  output logic [3:0] second_weight_o,
  output logic       second_scaled_o,
  output logic [3:0] out_o
);

  assign first_step_o = has_adapter_i ? 3'd0 : 3'd1;
  assign last_o       = !has_adapter_i || step_i == (backward_i ? 3'd5 : 3'd1);

  always_comb begin
    act_o           = backward_i ? descriptor_pkg::YWord : descriptor_pkg::XWord;
    weight_o        = descriptor_pkg::WeightsWord;
    transpose_o     = 1'b0;
    scaled_o        = 1'b0;
    second_o        = 1'b0;
    second_weight_o = backward_i ? descriptor_pkg::LoraAWord : descriptor_pkg::LoraBWord;
    second_scaled_o = !backward_i;
    out_o           = descriptor_pkg::WorkspaceWord;
    case (step_i)
      3'd0: begin
        weight_o = backward_i ? descriptor_pkg::LoraBWord : descriptor_pkg::LoraAWord;
        scaled_o = backward_i;
      end
      3'd1: begin
        transpose_o = backward_i;
        second_o    = has_adapter_i;
        out_o       = backward_i ? descriptor_pkg::DxWord : descriptor_pkg::YWord;
      end
      3'd2: begin
        act_o    = descriptor_pkg::LoraAWord;
        weight_o = descriptor_pkg::XWord;
        out_o    = core_pkg::OperandLowT;
      end
      3'd3: begin
        act_o    = descriptor_pkg::LoraBWord;
        weight_o = descriptor_pkg::YWord;
        scaled_o = 1'b1;
        out_o    = core_pkg::OperandGradLowT;
      end
      3'd4: begin
        act_o       = core_pkg::OperandGradLowT;
        weight_o    = descriptor_pkg::XWord;
        transpose_o = 1'b1;
        out_o       = descriptor_pkg::DLoraAWord;
      end
      default: begin
        act_o       = core_pkg::OperandLowT;
        weight_o    = descriptor_pkg::YWord;
        transpose_o = 1'b1;
        scaled_o    = 1'b1;
        out_o       = descriptor_pkg::DLoraBWord;
      end
    endcase
  end

endmodule : step_table
