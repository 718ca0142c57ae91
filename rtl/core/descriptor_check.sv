// SPDX-License-Identifier: Apache-2.0
//
// Decides whether a job may run: nothing is read or written before its descriptor has passed.
//
// Why: an address or a dimension that slips through would corrupt memory or leave the core waiting for ever, so every
// region a job touches is held against the memory window here, once, and the rest of the core needs no check.
//
// Order in which errors are reported: reserved bits and magic number, opcode, zero dimension, dimension that is not a
// multiple of 64, dimension too large, alignment, range; within each in descriptor order. Only the regions that the
// opcode and the rank use are held against the window; a region counts as whole lines of 64 bytes.
//
// Latency: 5 cycles for the descriptor's own address, at most 45 for its fields. One 16 x 16 multiplier serves all sizes.

module descriptor_check #(
  // Width of a memory address; everything at 2^ADDR_W and above is out of range.
  parameter int ADDR_W       = 40,
  // Activation scratchpad in blocks of 64 values: a row of any operand must fit.
  parameter int ACT_DEPTH    = 2048,
  // Entries of the nested-absmax table.
  parameter int NESTED_DEPTH = 4096
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // One cycle each: check the descriptor's own address, or the fields that descriptor_fetch holds.
  input  logic        check_address_i,
  input  logic        check_fields_i,
  // One cycle; error, code and info are valid with it and hold until the next check.
  output logic        done_o,
  output logic        error_o,
  output logic [7:0]  code_o,
  // Byte offset of the offending field; the descriptor's address when that itself is wrong.
  output logic [63:0] info_o,

  input  logic [63:0] desc_addr_i,
  input  logic [63:0] mem_base_i,
  input  logic [63:0] mem_limit_i,

  input  logic [31:0] header_i,
  input  logic [31:0] tokens_i,
  input  logic [31:0] in_features_i,
  input  logic [31:0] out_features_i,
  input  logic [31:0] rank_i,
  input  logic [15:0] word_bad_i,
  output logic [3:0]  word_index_o,
  input  logic [63:0] word_i,

  // Sizes that the job needs later, valid when the check has passed: whole 64-byte lines of nested absmax, and
  // rank times blocks of 64 tokens.
  output logic [31:0] nested_bytes_o,
  output logic [16:0] rank_blocks_o
);

  // What is checked next: the address words carry their own number.
  localparam logic [3:0] IndexRules = 4'd0;
  localparam logic [3:0] IndexOwn   = 4'd15;
  localparam int         SizeW      = 36;

  logic        active_q;
  logic [3:0]  index_q;
  logic [1:0]  phase_q;

  logic        backward, has_adapter;
  logic [7:0]  opcode;
  logic [10:0] in_blocks, out_blocks, token_blocks;
  logic [15:0] factor_a_q, factor_b_q;
  logic [31:0] product_q;
  logic [SizeW-1:0] size;
  logic        used;
  logic [63:0] address;
  logic [64:0] end_q;
  logic        rule_error, range_error, last;
  logic [7:0]  rule_code;
  logic [6:0]  rule_info;

  assign opcode       = header_i[descriptor_pkg::HeaderOpcodeLsb+:descriptor_pkg::HeaderOpcodeWidth];
  assign backward     = opcode == descriptor_pkg::OpcodeBackward;
  assign has_adapter  = rank_i != '0;
  assign in_blocks    = 11'(in_features_i[15:6]);
  assign out_blocks   = 11'(out_features_i[15:6]);
  assign token_blocks = 11'((17'(tokens_i[15:0]) + 17'd63) >> 6);
  assign word_index_o = index_q;
  assign address      = (index_q == IndexOwn) ? desc_addr_i : word_i;

  // ---------------------------------------------------------------------------------------------
  // Rules on dimensions and reserved bits: the first that is broken
  // ---------------------------------------------------------------------------------------------
  logic       tokens_large, in_large, out_large, nested_large;
  logic [3:0] misaligned_word;
  logic       misaligned, header_bad, opcode_bad, reserved_1c, reserved_70, reserved_78, in_uneven, out_uneven;

  assign header_bad  =
      header_i[descriptor_pkg::HeaderMagicLsb+:descriptor_pkg::HeaderMagicWidth] != descriptor_pkg::HeaderMagicValue ||
      header_i[descriptor_pkg::HeaderReservedLsb+:descriptor_pkg::HeaderReservedWidth] != '0;
  assign opcode_bad  = opcode != descriptor_pkg::OpcodeForward && !backward;
  assign reserved_1c = word_bad_i[descriptor_pkg::Reserved1cWord];
  assign reserved_70 = word_bad_i[descriptor_pkg::Reserved70Word];
  assign reserved_78 = word_bad_i[descriptor_pkg::Reserved78Word];
  assign in_uneven   = in_features_i[5:0] != '0;
  assign out_uneven  = out_features_i[5:0] != '0;

  assign tokens_large = tokens_i > 32'd65535 ||
                        (backward && has_adapter && 32'(token_blocks) > 32'(ACT_DEPTH));
  assign in_large     = in_features_i > 32'd65472 ||
                        ((!backward || has_adapter) &&
                         32'(in_blocks) + 32'(!backward && has_adapter) > 32'(ACT_DEPTH));
  assign out_large    = out_features_i > 32'd65472 ||
                        (backward && 32'(out_blocks) + 32'(has_adapter) > 32'(ACT_DEPTH));
  // A tile holds 64 scale codes and an entry of the nested table serves 256: one entry for four tiles.
  assign nested_large = product_q > 32'(NESTED_DEPTH * 4);

  always_comb begin
    misaligned = 1'b0;
    misaligned_word = descriptor_pkg::LastAddress;
    for (int i = int'(descriptor_pkg::LastAddress); i >= int'(descriptor_pkg::FirstAddress); i--) begin
      if ((word_bad_i & (16'd1 << i)) != '0) begin
        misaligned = 1'b1;
        misaligned_word = 4'(i);
      end
    end
  end

  always_comb begin
    rule_error = 1'b1;
    rule_code  = registers_pkg::ErrorCodeDimLarge;
    rule_info  = descriptor_pkg::HeaderOffset;
    if (header_bad) begin
      rule_code = registers_pkg::ErrorCodeDescriptor;
    end else if (reserved_1c) begin
      rule_code = registers_pkg::ErrorCodeDescriptor;
      rule_info = descriptor_pkg::Reserved1cOffset;
    end else if (reserved_70 || reserved_78) begin
      rule_code = registers_pkg::ErrorCodeDescriptor;
      rule_info = reserved_70 ? descriptor_pkg::Reserved70Offset : descriptor_pkg::Reserved78Offset;
    end else if (opcode_bad) begin
      rule_code = registers_pkg::ErrorCodeOpcode;
    end else if (tokens_i == '0) begin
      rule_code = registers_pkg::ErrorCodeDimZero;
      rule_info = descriptor_pkg::TokensOffset;
    end else if (in_features_i == '0) begin
      rule_code = registers_pkg::ErrorCodeDimZero;
      rule_info = descriptor_pkg::InFeaturesOffset;
    end else if (out_features_i == '0) begin
      rule_code = registers_pkg::ErrorCodeDimZero;
      rule_info = descriptor_pkg::OutFeaturesOffset;
    end else if (in_uneven) begin
      rule_code = registers_pkg::ErrorCodeDimMultiple;
      rule_info = descriptor_pkg::InFeaturesOffset;
    end else if (out_uneven) begin
      rule_code = registers_pkg::ErrorCodeDimMultiple;
      rule_info = descriptor_pkg::OutFeaturesOffset;
    end else if (tokens_large) begin
      rule_info = descriptor_pkg::TokensOffset;
    end else if (in_large) begin
      rule_info = descriptor_pkg::InFeaturesOffset;
    end else if (out_large) begin
      rule_info = descriptor_pkg::OutFeaturesOffset;
    end else if (rank_i > 32'(core_pkg::MaxRank)) begin
      rule_info = descriptor_pkg::RankOffset;
    end else if (nested_large) begin
      rule_info = descriptor_pkg::NestedAbsmaxOffset;
    end else if (misaligned) begin
      rule_code = registers_pkg::ErrorCodeAlignment;
      rule_info = {misaligned_word, 3'd0};
    end else begin
      rule_error = 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Size of the region at hand, in bytes: a product of two dimensions times a constant
  // ---------------------------------------------------------------------------------------------
  logic x_half, lora_half, y_half, half;
  logic [SizeW-1:0] token_bytes;

  assign x_half      = header_i[descriptor_pkg::HeaderXFp16Lsb];
  assign lora_half   = header_i[descriptor_pkg::HeaderLoraFp16Lsb];
  assign y_half      = header_i[descriptor_pkg::HeaderYFp16Lsb];
  assign token_bytes = SizeW'(tokens_i[15:0]) << 8;

  always_ff @(posedge clk_i) begin
    case (index_q)
      descriptor_pkg::XWord, descriptor_pkg::YWord, descriptor_pkg::DxWord: factor_a_q <= tokens_i[15:0];
      IndexRules, descriptor_pkg::WeightsWord, descriptor_pkg::NestedAbsmaxWord: factor_a_q <= 16'(out_blocks);
      default: factor_a_q <= 16'(rank_i[6:0]);
    endcase
    case (index_q)
      IndexRules, descriptor_pkg::WeightsWord, descriptor_pkg::NestedAbsmaxWord: factor_b_q <= 16'(in_blocks);
      descriptor_pkg::YWord, descriptor_pkg::LoraBWord, descriptor_pkg::DLoraBWord: factor_b_q <= out_features_i[15:0];
      descriptor_pkg::WorkspaceWord: factor_b_q <= 16'(token_blocks);
      default: factor_b_q <= in_features_i[15:0];
    endcase
    product_q <= factor_a_q * factor_b_q;
    end_q     <= 65'(address) + 65'(size);
  end

  always_comb begin
    case (index_q)
      descriptor_pkg::XWord: half = x_half;
      descriptor_pkg::LoraAWord, descriptor_pkg::LoraBWord: half = lora_half;
      descriptor_pkg::YWord: half = backward ? x_half : y_half;
      descriptor_pkg::DxWord: half = y_half;
      default: half = 1'b0;
    endcase
    size = half ? SizeW'(product_q) << 1 : SizeW'(product_q) << 2;
    used = has_adapter;
    case (index_q)
      IndexOwn: begin
        size = SizeW'(descriptor_pkg::Bytes);
        used = 1'b1;
      end
      descriptor_pkg::XWord: used = !backward || has_adapter;
      descriptor_pkg::WeightsWord: begin
        size = (SizeW'(product_q) << 11) + (SizeW'(product_q) << 6);
        used = 1'b1;
      end
      descriptor_pkg::NestedAbsmaxWord: begin
        size = SizeW'(nested_bytes_o);
        used = 1'b1;
      end
      descriptor_pkg::YWord: used = 1'b1;
      descriptor_pkg::DxWord: used = backward;
      descriptor_pkg::DLoraAWord, descriptor_pkg::DLoraBWord: used = backward && has_adapter;
      descriptor_pkg::WorkspaceWord: begin
        size = token_bytes + (backward ? SizeW'(product_q) << 9 : '0);
      end
      default: ;
    endcase
  end

  // An entry of 4 bytes for four tiles makes one byte a tile.
  always_ff @(posedge clk_i) begin
    if (active_q && phase_q == 2'd2 && index_q == IndexRules) begin
      nested_bytes_o <= (product_q + 32'd63) & ~32'd63;
    end
    if (active_q && phase_q == 2'd2 && index_q == descriptor_pkg::WorkspaceWord) rank_blocks_o <= product_q[16:0];
  end

  assign range_error = used && (address < mem_base_i || end_q > 65'(mem_limit_i) || end_q > (65'd1 << ADDR_W));

  // ---------------------------------------------------------------------------------------------
  // Walk
  // ---------------------------------------------------------------------------------------------
  logic       finding, own_uneven;
  logic [7:0] code;

  assign own_uneven = desc_addr_i[5:0] != '0;
  assign last = index_q == IndexOwn || index_q == descriptor_pkg::LastAddress;

  always_comb begin
    finding = range_error;
    code = registers_pkg::ErrorCodeRange;
    if (index_q == IndexRules) begin
      finding = rule_error;
      code = rule_code;
    end else if (index_q == IndexOwn && own_uneven) begin
      finding = 1'b1;
      code = registers_pkg::ErrorCodeAlignment;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      done_o   <= 1'b0;
    end else begin
      done_o <= active_q && phase_q == 2'd3 && (finding || last);
      if (check_address_i || check_fields_i) active_q <= 1'b1;
      else if (phase_q == 2'd3 && (finding || last)) active_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (check_address_i || check_fields_i) begin
      index_q <= check_address_i ? IndexOwn : IndexRules;
      phase_q <= 2'd0;
    end else if (active_q) begin
      phase_q <= phase_q + 2'd1;
      if (phase_q == 2'd3) index_q <= (index_q == IndexRules) ? descriptor_pkg::FirstAddress : index_q + 4'd1;
    end
    if (active_q && phase_q == 2'd3) begin
      error_o <= finding;
      code_o  <= code;
      info_o  <= (index_q == IndexOwn) ? desc_addr_i :
                 (index_q == IndexRules) ? 64'(rule_info) : 64'({index_q, 3'd0});
    end
  end

  if (ADDR_W < 32 || ADDR_W > 64) begin : g_check_address
    ERROR_ADDR_W_must_be_32_to_64 error ();
  end
  if (ACT_DEPTH < 2) begin : g_check_depth
    ERROR_ACT_DEPTH_must_hold_a_block_of_both_segments error ();
  end

endmodule : descriptor_check
