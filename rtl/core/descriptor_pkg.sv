// SPDX-License-Identifier: Apache-2.0
//
// Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit.
// Keeps the layout, the opcodes and the magic number of the job descriptor out of hand-written RTL.
package descriptor_pkg;
  // The package holds the whole layout; no module needs all of it.
  /* verilator lint_off UNUSEDPARAM */
  localparam int Bytes = 128;

  // Values of header.opcode.
  localparam [7:0] OpcodeForward = 8'd1;
  localparam [7:0] OpcodeBackward = 8'd2;

  // Fields of the header.
  localparam int HeaderOpcodeLsb = 0;
  localparam int HeaderOpcodeWidth = 8;
  localparam int HeaderXFp16Lsb = 8;
  localparam int HeaderXFp16Width = 1;
  localparam int HeaderLoraFp16Lsb = 9;
  localparam int HeaderLoraFp16Width = 1;
  localparam int HeaderYFp16Lsb = 10;
  localparam int HeaderYFp16Width = 1;
  localparam int HeaderReservedLsb = 11;
  localparam int HeaderReservedWidth = 5;
  localparam int HeaderMagicLsb = 16;
  localparam int HeaderMagicWidth = 16;
  localparam [15:0] HeaderMagicValue = 16'h514c;

  // Byte offset of each field, and the number of the 64-bit word that it lies in.
  localparam [6:0] HeaderOffset = 7'h00;
  localparam [3:0] HeaderWord = 4'd0;
  localparam [6:0] TokensOffset = 7'h04;
  localparam [3:0] TokensWord = 4'd0;
  localparam [6:0] InFeaturesOffset = 7'h08;
  localparam [3:0] InFeaturesWord = 4'd1;
  localparam [6:0] OutFeaturesOffset = 7'h0c;
  localparam [3:0] OutFeaturesWord = 4'd1;
  localparam [6:0] RankOffset = 7'h10;
  localparam [3:0] RankWord = 4'd2;
  localparam [6:0] LoraScaleOffset = 7'h14;
  localparam [3:0] LoraScaleWord = 4'd2;
  localparam [6:0] AbsmaxOffsetOffset = 7'h18;
  localparam [3:0] AbsmaxOffsetWord = 4'd3;
  localparam [6:0] Reserved1cOffset = 7'h1c;
  localparam [3:0] Reserved1cWord = 4'd3;
  localparam [6:0] XOffset = 7'h20;
  localparam [3:0] XWord = 4'd4;
  localparam [6:0] WeightsOffset = 7'h28;
  localparam [3:0] WeightsWord = 4'd5;
  localparam [6:0] NestedAbsmaxOffset = 7'h30;
  localparam [3:0] NestedAbsmaxWord = 4'd6;
  localparam [6:0] LoraAOffset = 7'h38;
  localparam [3:0] LoraAWord = 4'd7;
  localparam [6:0] LoraBOffset = 7'h40;
  localparam [3:0] LoraBWord = 4'd8;
  localparam [6:0] YOffset = 7'h48;
  localparam [3:0] YWord = 4'd9;
  localparam [6:0] DxOffset = 7'h50;
  localparam [3:0] DxWord = 4'd10;
  localparam [6:0] DLoraAOffset = 7'h58;
  localparam [3:0] DLoraAWord = 4'd11;
  localparam [6:0] DLoraBOffset = 7'h60;
  localparam [3:0] DLoraBWord = 4'd12;
  localparam [6:0] WorkspaceOffset = 7'h68;
  localparam [3:0] WorkspaceWord = 4'd13;
  localparam [6:0] Reserved70Offset = 7'h70;
  localparam [3:0] Reserved70Word = 4'd14;
  localparam [6:0] Reserved78Offset = 7'h78;
  localparam [3:0] Reserved78Word = 4'd15;

  // The addresses are consecutive words.
  localparam [3:0] FirstAddress = XWord;
  localparam [3:0] LastAddress = WorkspaceWord;
  /* verilator lint_on UNUSEDPARAM */
endpackage : descriptor_pkg
