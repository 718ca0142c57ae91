// SPDX-License-Identifier: Apache-2.0
//
// Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit.
// Keeps the layout of the commands out of hand-written RTL. A command is 512 bits, word 0 lowest.
package commands_pkg;
  // The package holds the whole layout; no module needs all of it.
  /* verilator lint_off UNUSEDPARAM */
  localparam int Bytes = 64;

  // Values of command.
  localparam [7:0] CommandLoad = 8'd1;
  localparam [7:0] CommandMatrix = 8'd2;
  localparam [7:0] CommandVector = 8'd3;
  localparam [7:0] CommandRead = 8'd4;
  localparam [7:0] CommandWrite = 8'd5;
  localparam [7:0] CommandEnd = 8'd6;

  // Values of weight_format.
  localparam [2:0] WeightFormatCodes = 3'd0;
  localparam [2:0] WeightFormatFp32 = 3'd1;
  localparam [2:0] WeightFormatFp16 = 3'd2;
  localparam [2:0] WeightFormatCodes3 = 3'd3;
  localparam [2:0] WeightFormatCodes2 = 3'd4;
  localparam [2:0] WeightFormatInt8 = 3'd5;
  localparam [2:0] WeightFormatBfp8 = 3'd6;

  // Values of value_format.
  localparam [1:0] ValueFormatFp32 = 2'd0;
  localparam [1:0] ValueFormatFp16 = 2'd1;
  localparam [1:0] ValueFormatBfp8 = 2'd2;

  // Every command but END has an engine; its number is the opcode - 1.
  localparam int Engines = 5;

  // LOAD.
  localparam int LoadOpcodeLsb = 0;
  localparam int LoadOpcodeWidth = 8;
  localparam int LoadMagicLsb = 16;
  localparam int LoadMagicWidth = 16;
  localparam [15:0] LoadMagicValue = 16'h514c;
  localparam int LoadWaitsLsb = 32;
  localparam int LoadWaitsWidth = 16;
  localparam int LoadPostLsb = 48;
  localparam int LoadPostWidth = 16;
  localparam int LoadHeaderAddressLsb = 64;
  localparam int LoadHeaderAddressWidth = 32;
  localparam int LoadHeaderLinesLsb = 96;
  localparam int LoadHeaderLinesWidth = 16;
  localparam int LoadCountLsb = 112;
  localparam int LoadCountWidth = 16;
  localparam int LoadAddress0Lsb = 128;
  localparam int LoadAddress0Width = 32;
  localparam int LoadStep0Lsb = 160;
  localparam int LoadStep0Width = 32;
  localparam int LoadLines0Lsb = 192;
  localparam int LoadLines0Width = 32;
  localparam int LoadStride0Lsb = 224;
  localparam int LoadStride0Width = 32;
  localparam int LoadRows0Lsb = 256;
  localparam int LoadRows0Width = 16;
  localparam int LoadAddress1Lsb = 288;
  localparam int LoadAddress1Width = 32;
  localparam int LoadStep1Lsb = 320;
  localparam int LoadStep1Width = 32;
  localparam int LoadLines1Lsb = 352;
  localparam int LoadLines1Width = 32;
  localparam int LoadStride1Lsb = 384;
  localparam int LoadStride1Width = 32;
  localparam int LoadRows1Lsb = 416;
  localparam int LoadRows1Width = 16;
  // Bits from which on all must be zero.
  localparam int LoadBits = 432;
  // Bits that must be zero.
  localparam [511:0] LoadZeros = {
    128'hffffffffffffffffffff000000000000, 128'h000000000000000000000000ffff0000,
    128'h00000000000000000000000000000000, 128'h0000000000000000000000000000ff00
  };

  // MATRIX.
  localparam int MatrixOpcodeLsb = 0;
  localparam int MatrixOpcodeWidth = 8;
  localparam int MatrixMagicLsb = 16;
  localparam int MatrixMagicWidth = 16;
  localparam [15:0] MatrixMagicValue = 16'h514c;
  localparam int MatrixWaitsLsb = 32;
  localparam int MatrixWaitsWidth = 16;
  localparam int MatrixPostLsb = 48;
  localparam int MatrixPostWidth = 16;
  localparam int MatrixOuterLsb = 64;
  localparam int MatrixOuterWidth = 16;
  localparam int MatrixInnerLsb = 80;
  localparam int MatrixInnerWidth = 16;
  localparam int MatrixOutputsLsb = 96;
  localparam int MatrixOutputsWidth = 16;
  localparam int MatrixTranspose0Lsb = 128;
  localparam int MatrixTranspose0Width = 1;
  localparam int MatrixFormat0Lsb = 129;
  localparam int MatrixFormat0Width = 3;
  localparam int MatrixTranspose1Lsb = 132;
  localparam int MatrixTranspose1Width = 1;
  localparam int MatrixFormat1Lsb = 133;
  localparam int MatrixFormat1Width = 3;
  localparam int MatrixHeaderLinesLsb = 144;
  localparam int MatrixHeaderLinesWidth = 16;
  localparam int MatrixLength0Lsb = 160;
  localparam int MatrixLength0Width = 16;
  localparam int MatrixLength1Lsb = 176;
  localparam int MatrixLength1Width = 16;
  localparam int MatrixScale0Lsb = 192;
  localparam int MatrixScale0Width = 32;
  localparam int MatrixScale1Lsb = 224;
  localparam int MatrixScale1Width = 32;
  localparam int MatrixBlockLsb = 256;
  localparam int MatrixBlockWidth = 32;
  localparam int MatrixBlockStrideLsb = 288;
  localparam int MatrixBlockStrideWidth = 16;
  localparam int MatrixA0BaseLsb = 320;
  localparam int MatrixA0BaseWidth = 16;
  localparam int MatrixA1BaseLsb = 336;
  localparam int MatrixA1BaseWidth = 16;
  localparam int MatrixA0OuterLsb = 352;
  localparam int MatrixA0OuterWidth = 16;
  localparam int MatrixA0InnerLsb = 368;
  localparam int MatrixA0InnerWidth = 16;
  localparam int MatrixA1OuterLsb = 384;
  localparam int MatrixA1OuterWidth = 16;
  localparam int MatrixA1InnerLsb = 400;
  localparam int MatrixA1InnerWidth = 16;
  localparam int MatrixDBaseLsb = 416;
  localparam int MatrixDBaseWidth = 16;
  localparam int MatrixDOuterLsb = 448;
  localparam int MatrixDOuterWidth = 16;
  localparam int MatrixDInnerLsb = 464;
  localparam int MatrixDInnerWidth = 16;
  // Bits from which on all must be zero.
  localparam int MatrixBits = 480;
  // Bits that must be zero.
  localparam [511:0] MatrixZeros = {
    128'hffffffff00000000ffff000000000000, 128'h0000000000000000ffff000000000000,
    128'h0000000000000000000000000000ff00, 128'hffff000000000000000000000000ff00
  };

  // VECTOR.
  localparam int VectorOpcodeLsb = 0;
  localparam int VectorOpcodeWidth = 8;
  localparam int VectorMagicLsb = 16;
  localparam int VectorMagicWidth = 16;
  localparam [15:0] VectorMagicValue = 16'h514c;
  localparam int VectorWaitsLsb = 32;
  localparam int VectorWaitsWidth = 16;
  localparam int VectorPostLsb = 48;
  localparam int VectorPostWidth = 16;
  localparam int VectorOuterLsb = 64;
  localparam int VectorOuterWidth = 16;
  localparam int VectorInnerLsb = 80;
  localparam int VectorInnerWidth = 16;
  localparam int VectorLengthLsb = 96;
  localparam int VectorLengthWidth = 16;
  localparam int VectorExchangeLsb = 112;
  localparam int VectorExchangeWidth = 16;
  localparam int VectorFirstLsb = 128;
  localparam int VectorFirstWidth = 16;
  localparam int VectorStepLsb = 144;
  localparam int VectorStepWidth = 16;
  localparam int VectorMaskedLsb = 160;
  localparam int VectorMaskedWidth = 1;
  localparam int VectorBPerRowLsb = 161;
  localparam int VectorBPerRowWidth = 1;
  localparam int VectorXLsb = 162;
  localparam int VectorXWidth = 2;
  localparam int VectorZLsb = 164;
  localparam int VectorZWidth = 2;
  localparam int VectorNegateXLsb = 166;
  localparam int VectorNegateXWidth = 1;
  localparam int VectorNegateZLsb = 167;
  localparam int VectorNegateZWidth = 1;
  localparam int VectorFunctionCodeLsb = 168;
  localparam int VectorFunctionCodeWidth = 2;
  localparam int VectorStoreLsb = 170;
  localparam int VectorStoreWidth = 1;
  localparam int VectorReductionLsb = 171;
  localparam int VectorReductionWidth = 2;
  localparam int VectorImmediateXLsb = 192;
  localparam int VectorImmediateXWidth = 32;
  localparam int VectorImmediateZLsb = 224;
  localparam int VectorImmediateZWidth = 32;
  localparam int VectorABaseLsb = 256;
  localparam int VectorABaseWidth = 16;
  localparam int VectorAOuterLsb = 272;
  localparam int VectorAOuterWidth = 16;
  localparam int VectorAInnerLsb = 288;
  localparam int VectorAInnerWidth = 16;
  localparam int VectorDBaseLsb = 304;
  localparam int VectorDBaseWidth = 16;
  localparam int VectorDOuterLsb = 320;
  localparam int VectorDOuterWidth = 16;
  localparam int VectorDInnerLsb = 336;
  localparam int VectorDInnerWidth = 16;
  localparam int VectorBBaseLsb = 352;
  localparam int VectorBBaseWidth = 19;
  localparam int VectorBOuterLsb = 384;
  localparam int VectorBOuterWidth = 19;
  localparam int VectorBInnerLsb = 416;
  localparam int VectorBInnerWidth = 19;
  localparam int VectorRBaseLsb = 448;
  localparam int VectorRBaseWidth = 19;
  localparam int VectorROuterLsb = 480;
  localparam int VectorROuterWidth = 16;
  localparam int VectorRInnerLsb = 496;
  localparam int VectorRInnerWidth = 16;
  // Bits from which on all must be zero.
  localparam int VectorBits = 512;
  // Bits that must be zero.
  localparam [511:0] VectorZeros = {
    128'h00000000fff80000fff80000fff80000, 128'hfff80000000000000000000000000000,
    128'h0000000000000000ffffe00000000000, 128'h0000000000000000000000000000ff00
  };

  // READ and WRITE.
  localparam int TransferOpcodeLsb = 0;
  localparam int TransferOpcodeWidth = 8;
  localparam int TransferMagicLsb = 16;
  localparam int TransferMagicWidth = 16;
  localparam [15:0] TransferMagicValue = 16'h514c;
  localparam int TransferWaitsLsb = 32;
  localparam int TransferWaitsWidth = 16;
  localparam int TransferPostLsb = 48;
  localparam int TransferPostWidth = 16;
  localparam int TransferOuterLsb = 64;
  localparam int TransferOuterWidth = 16;
  localparam int TransferInnerLsb = 80;
  localparam int TransferInnerWidth = 16;
  localparam int TransferLengthLsb = 96;
  localparam int TransferLengthWidth = 16;
  localparam int TransferFormatLsb = 112;
  localparam int TransferFormatWidth = 2;
  localparam int TransferAddressLsb = 128;
  localparam int TransferAddressWidth = 32;
  localparam int TransferOuterStrideLsb = 160;
  localparam int TransferOuterStrideWidth = 32;
  localparam int TransferInnerStrideLsb = 192;
  localparam int TransferInnerStrideWidth = 32;
  localparam int TransferSBaseLsb = 224;
  localparam int TransferSBaseWidth = 16;
  localparam int TransferSOuterLsb = 240;
  localparam int TransferSOuterWidth = 16;
  localparam int TransferSInnerLsb = 256;
  localparam int TransferSInnerWidth = 16;
  // Bits from which on all must be zero.
  localparam int TransferBits = 272;
  // Bits that must be zero.
  localparam [511:0] TransferZeros = {
    128'hffffffffffffffffffffffffffffffff, 128'hffffffffffffffffffffffffffff0000,
    128'h00000000000000000000000000000000, 128'hfffc000000000000000000000000ff00
  };
  /* verilator lint_on UNUSEDPARAM */
endpackage : commands_pkg
