// SPDX-License-Identifier: Apache-2.0
//
// Block RAM of 512 words of 36 bits, one port to read and one to write, as yosys instantiates RAMB18E1 for a buffer.
//
// Why: yosys's own model of that cell has delays and no contents. Any other use of the cell stops the simulation.
// Latency: 1 cycle, no output register. A word read while it is written is the old one. Simulation only.

module ramb18e1_sdp (
  input         CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input         RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input  [13:0] ADDRARDADDR, ADDRBWRADDR,
  input  [15:0] DIADI, DIBDI,
  input  [1:0]  DIPADIP, DIPBDIP, WEA,
  input  [3:0]  WEBWE,
  output [15:0] DOADO, DOBDO,
  output [1:0]  DOPADOP, DOPBDOP
);

  parameter integer DOA_REG = 0, DOB_REG = 0;
  parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
  parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST";
  parameter [71:0] SRVAL_A = 0, SRVAL_B = 0;

  reg [35:0] memory[0:511];
  reg [35:0] word;
  integer lane;

  always @(posedge CLKARDCLK) if (ENARDEN) word <= memory[ADDRARDADDR[13:5]];
  always @(posedge CLKBWRCLK) begin
    for (lane = 0; lane < 2; lane = lane + 1) begin
      if (ENBWREN && WEBWE[lane]) begin
        memory[ADDRBWRADDR[13:5]][lane*9+:9] <= {DIPADIP[lane], DIADI[lane*8+:8]};
      end
      if (ENBWREN && WEBWE[lane+2]) begin
        memory[ADDRBWRADDR[13:5]][18+lane*9+:9] <= {DIPBDIP[lane], DIBDI[lane*8+:8]};
      end
    end
  end

  assign {DOPADOP, DOADO} = {word[17], word[8], word[16:9], word[7:0]};
  assign {DOPBDOP, DOBDO} = {word[35], word[26], word[34:27], word[25:18]};

  initial begin
    if (RAM_MODE != "SDP" || READ_WIDTH_A != 36 || WRITE_WIDTH_B != 36 || WRITE_MODE_B != "READ_FIRST" || DOA_REG != 0
        || DOB_REG != 0) begin
      $display("ramb18e1_sdp: this use of RAMB18E1 has no model");
      $finish;
    end
  end

endmodule
