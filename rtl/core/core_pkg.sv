// SPDX-License-Identifier: Apache-2.0
//
// Names of what the modules of the core tell one another: operands of a job, read destinations. They are plain
// constants, because the tools of the flow disagree on enumerations across modules.
package core_pkg;
  // Operands of the products carry the number of the descriptor word with their address, descriptor_pkg::*Word, and
  // u = x A^T or du = s dy B, [tokens][64], that of the workspace. Behind these lie, in the workspace too,
  // uT [rank][tokens] and duT [rank][tokens], tokens padded to blocks of 64.
  localparam logic [3:0] OperandLowT     = 4'd14;
  localparam logic [3:0] OperandGradLowT = 4'd15;

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
