// SPDX-License-Identifier: Apache-2.0
//
// Shape, format and place of an operand.
//
// Why: the step table names operands; addresses and loop bounds follow from the descriptor. One lookup, used for
// one operand after the other, replaces a set of multiplexers per operand. Combinational.

module operand_lookup #(
  // Width of a memory address.
  parameter int ADDR_W = 40
) (
  input  logic [3:0]        operand_i,

  // The job.
  input  logic              backward_i,
  input  logic              x_half_i,
  input  logic              lora_half_i,
  input  logic              y_half_i,
  input  logic [15:0]       tokens_i,
  // in_features in blocks of 64.
  input  logic [9:0]        in_blocks_i,
  input  logic [15:0]       out_features_i,
  input  logic [6:0]        rank_i,
  // rank times blocks of 64 tokens.
  input  logic [16:0]       rank_blocks_i,

  // Descriptor word that holds the base address, and the word itself.
  output logic [3:0]        word_index_o,
  input  logic [ADDR_W-1:0] word_i,

  output logic [ADDR_W-1:0] address_o,
  // Stored rows, and blocks of 64 columns.
  output logic [15:0]       rows_o,
  output logic [core_pkg::BlocksWidth-1:0] blocks_o,
  // FP16 in memory, else FP32.
  output logic              half_o,
  // 4-bit codes in tiles.
  output logic              codes_o
);

  localparam int BlocksW = core_pkg::BlocksWidth;

  logic [BlocksW-1:0] in_blocks, out_blocks, token_blocks;
  logic [24:0]        offset;

  assign in_blocks    = BlocksW'(in_blocks_i);
  assign out_blocks   = BlocksW'(out_features_i[15:6]);
  assign token_blocks = BlocksW'((17'(tokens_i) + 17'd63) >> core_pkg::BlockLog2);

  // A block of 64 FP32 values has 256 bytes.
  always_comb begin
    offset = '0;
    if (operand_i == core_pkg::OperandLowT || operand_i == core_pkg::OperandGradLowT) begin
      offset = 25'(tokens_i) << 8;
    end
    if (operand_i == core_pkg::OperandGradLowT) offset = offset + (25'(rank_blocks_i) << 8);
  end

  assign word_index_o = (operand_i > descriptor_pkg::WorkspaceWord) ? descriptor_pkg::WorkspaceWord : operand_i;
  assign address_o    = word_i + ADDR_W'(offset);
  assign codes_o      = operand_i == descriptor_pkg::WeightsWord;

  always_comb begin
    case (operand_i)
      descriptor_pkg::XWord, descriptor_pkg::YWord, descriptor_pkg::DxWord, descriptor_pkg::WorkspaceWord:
        rows_o = tokens_i;
      descriptor_pkg::WeightsWord: rows_o = out_features_i;
      default: rows_o = 16'(rank_i);
    endcase
    case (operand_i)
      descriptor_pkg::YWord, descriptor_pkg::LoraBWord, descriptor_pkg::DLoraBWord: blocks_o = out_blocks;
      descriptor_pkg::WorkspaceWord: blocks_o = BlocksW'(1);
      core_pkg::OperandLowT, core_pkg::OperandGradLowT: blocks_o = token_blocks;
      default: blocks_o = in_blocks;
    endcase
    case (operand_i)
      descriptor_pkg::XWord: half_o = x_half_i;
      descriptor_pkg::LoraAWord, descriptor_pkg::LoraBWord: half_o = lora_half_i;
      descriptor_pkg::YWord: half_o = backward_i ? x_half_i : y_half_i;
      descriptor_pkg::DxWord: half_o = y_half_i;
      default: half_o = 1'b0;
    endcase
  end

endmodule : operand_lookup
