// SPDX-License-Identifier: Apache-2.0
//
// Reciprocal of a 24-bit significand, correctly rounded as FP32 would round it.
//
// Why: both quantizers multiply by the rounded reciprocal of a block's absmax, as bitsandbytes does;
// a reciprocal that is off by one unit changes codes. A scale above 2^126 has a subnormal reciprocal,
// which FP32 rounds one or two places earlier: in_drop_i says so.
// Latency about STAGES * (26 / STAGES + 1) cycles, one result every ceil(26 / STAGES) + 1 cycles.
// Ties cannot occur: 2^48 divided by a significand is never halfway between two results.

module significand_reciprocal #(
  // Divider stages in the chain; more stages, more results per cycle.
  parameter int STAGES = 4,
  // Bits that travel along.
  parameter int PAYLOAD = 1
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               in_valid_i,
  output logic               in_ready_o,
  // Significand with its leading one in bit 23.
  input  logic [23:0]        in_significand_i,
  // Low bits of the reciprocal that must be rounded away: 0, 1 or 2.
  input  logic [1:0]         in_drop_i,
  input  logic [PAYLOAD-1:0] in_payload_i,

  output logic               out_valid_o,
  input  logic               out_ready_i,
  // Rounded 2^47 / significand is out_reciprocal_o, twice that when out_double_o (which happens only
  // for the significand 2^23). Leading one in bit 23.
  output logic [23:0]        out_reciprocal_o,
  output logic               out_double_o,
  output logic [PAYLOAD-1:0] out_payload_o
);

  // 24 bits of the result, one for rounding, and one more that only the significand 2^23 uses.
  localparam int QuotientBits = 26;
  localparam int StageBits    = (QuotientBits + STAGES - 1) / STAGES;

  if (STAGES < 1 || StageBits * STAGES > 48) begin : g_check_stages
    ERROR_significand_reciprocal_STAGES_must_be_1_to_24_or_26 error ();
  end

  // The dividend 2^48 as the remainder before the first quotient bit.
  localparam logic [23:0] FirstRemainder = 24'(1) << (48 - StageBits * STAGES);

  logic [STAGES:0]                valid, ready;
  logic [(STAGES+1)*24-1:0]       divisor, remainder;
  logic [(STAGES+1)*26-1:0]       quotient;
  logic [(STAGES+1)*(PAYLOAD+2)-1:0] payload;

  assign valid[0]             = in_valid_i;
  assign in_ready_o           = ready[0];
  assign divisor[23:0]        = in_significand_i;
  assign remainder[23:0]      = FirstRemainder;
  assign quotient[25:0]       = '0;
  assign payload[PAYLOAD+1:0] = {in_drop_i, in_payload_i};

  for (genvar s = 0; s < STAGES; s++) begin : g_stage
    reciprocal_stage #(
      .BITS(StageBits),
      .PAYLOAD(PAYLOAD + 2)
    ) u_stage (
      .clk_i,
      .rst_ni,
      .in_valid_i(valid[s]),
      .in_ready_o(ready[s]),
      .in_divisor_i(divisor[s*24+:24]),
      .in_remainder_i(remainder[s*24+:24]),
      .in_quotient_i(quotient[s*26+:26]),
      .in_payload_i(payload[s*(PAYLOAD+2)+:PAYLOAD+2]),
      .out_valid_o(valid[s+1]),
      .out_ready_i(ready[s+1]),
      .out_divisor_o(divisor[(s+1)*24+:24]),
      .out_remainder_o(remainder[(s+1)*24+:24]),
      .out_quotient_o(quotient[(s+1)*26+:26]),
      .out_payload_o(payload[(s+1)*(PAYLOAD+2)+:PAYLOAD+2])
    );
  end

  // Round at the bit below the last one kept. Divisor and remainder have done their work.
  logic [25:0] last_quotient, sum;
  logic [1:0]  drop;
  logic [24:0] rounded;
  logic        unused;

  assign last_quotient = quotient[STAGES*26+:26];
  assign drop          = payload[STAGES*(PAYLOAD+2)+PAYLOAD+:2];
  assign sum           = last_quotient + (26'd1 << drop);
  assign rounded       = {sum[25:3], sum[2] && !drop[1], sum[1] && drop == 2'd0};
  assign unused        = ^{divisor[STAGES*24+:24], remainder[STAGES*24+:24], sum[0]};

  assign out_valid_o      = valid[STAGES];
  assign ready[STAGES]    = out_ready_i;
  assign out_double_o     = rounded[24];
  assign out_reciprocal_o = {rounded[24] | rounded[23], rounded[22:0]};
  assign out_payload_o    = payload[STAGES*(PAYLOAD+2)+:PAYLOAD];

endmodule : significand_reciprocal
