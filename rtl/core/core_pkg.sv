// SPDX-License-Identifier: Apache-2.0
//
// Names of what the modules of the core tell one another: operands of a job, descriptor fields, read
// destinations. They are plain constants, because the tools of the flow disagree on enumerations across modules.
package core_pkg;
  // Descriptor header.
  localparam logic [15:0] DescriptorMagic = 16'h514C;
  localparam logic [7:0]  OpForward       = 8'd1;
  localparam logic [7:0]  OpBackward      = 8'd2;
  localparam int          DescriptorBytes = 128;

  // A job's addresses are the 64-bit words 4 to 13 of the descriptor.
  localparam logic [3:0] WordX          = 4'd4;
  localparam logic [3:0] WordWeights    = 4'd5;
  localparam logic [3:0] WordNested     = 4'd6;
  localparam logic [3:0] WordLoraA      = 4'd7;
  localparam logic [3:0] WordLoraB      = 4'd8;
  localparam logic [3:0] WordY          = 4'd9;
  localparam logic [3:0] WordDx         = 4'd10;
  localparam logic [3:0] WordGradLoraA  = 4'd11;
  localparam logic [3:0] WordGradLoraB  = 4'd12;
  localparam logic [3:0] WordWorkspace  = 4'd13;
  localparam logic [3:0] FirstAddress   = WordX;
  localparam logic [3:0] LastAddress    = WordWorkspace;

  // Operands of the products. Those that lie at a descriptor address carry its word number; the low-rank
  // intermediates share the workspace.
  localparam logic [3:0] OperandX         = WordX;
  localparam logic [3:0] OperandWeights   = WordWeights;
  localparam logic [3:0] OperandLoraA     = WordLoraA;
  localparam logic [3:0] OperandLoraB     = WordLoraB;
  localparam logic [3:0] OperandY         = WordY;
  localparam logic [3:0] OperandDx        = WordDx;
  localparam logic [3:0] OperandGradLoraA = WordGradLoraA;
  localparam logic [3:0] OperandGradLoraB = WordGradLoraB;
  // u = x A^T or du = s dy B, [tokens][64].
  localparam logic [3:0] OperandLow       = WordWorkspace;
  // uT [rank][tokens] and duT [rank][tokens], tokens padded to blocks of 64.
  localparam logic [3:0] OperandLowT      = 4'd14;
  localparam logic [3:0] OperandGradLowT  = 4'd15;

  // Where the beats of a read command go.
  localparam int               DestWidth      = 2;
  localparam logic [1:0]       DestDescriptor = 2'd0;
  localparam logic [1:0]       DestNested     = 2'd1;
  localparam logic [1:0]       DestActivation = 2'd2;
  localparam logic [1:0]       DestWeight     = 2'd3;

  // Blocks and tiles.
  localparam int BlockLog2 = 6;
  localparam int MaxRank   = 64;
  // 64 scale codes and 64 rows of 64 4-bit codes.
  localparam int TileBytes = 2112;
  // Blocks in a dimension: 65535 tokens make 1024.
  localparam int BlocksWidth = 11;
endpackage : core_pkg
