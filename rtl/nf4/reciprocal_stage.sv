// SPDX-License-Identifier: Apache-2.0
//
// A few quotient bits of 2^48 / divisor.
//
// Why: one restoring divider takes a cycle per quotient bit, too long for a stream of blocks, and an
// unrolled one is mostly idle. A chain of these stages, each as long as the interval between blocks,
// divides exactly as fast as it must.
// Latency BITS+1 cycles, one division every BITS+1 cycles. in_ready_o follows out_ready_i
// combinationally while a finished division waits.

module reciprocal_stage #(
  // Quotient bits that this stage appends.
  parameter int BITS = 7,
  // Bits that travel along.
  parameter int PAYLOAD = 1
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               in_valid_i,
  output logic               in_ready_o,
  input  logic [23:0]        in_divisor_i,
  // Below the divisor.
  input  logic [23:0]        in_remainder_i,
  input  logic [25:0]        in_quotient_i,
  input  logic [PAYLOAD-1:0] in_payload_i,

  output logic               out_valid_o,
  input  logic               out_ready_i,
  output logic [23:0]        out_divisor_o,
  output logic [23:0]        out_remainder_o,
  output logic [25:0]        out_quotient_o,
  output logic [PAYLOAD-1:0] out_payload_o
);

  localparam int CountWidth = $clog2(BITS + 1);

  logic                  busy_q;
  logic [CountWidth-1:0] count_q;
  logic                  done, accept;

  assign done        = count_q == '0;
  assign out_valid_o = busy_q && done;
  assign in_ready_o  = !busy_q || (done && out_ready_i);
  assign accept      = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      count_q <= '0;
    end else if (accept) begin
      busy_q  <= 1'b1;
      count_q <= CountWidth'(BITS);
    end else begin
      if (out_ready_i && done) busy_q <= 1'b0;
      if (!done) count_q <= count_q - CountWidth'(1);
    end
  end

  logic [23:0]        divisor_q, remainder_q;
  logic [25:0]        quotient_q;
  logic [PAYLOAD-1:0] payload_q;
  logic [24:0]        doubled, difference;

  // The remainder stays below the divisor, so its double needs one bit more and the difference none.
  assign doubled    = {remainder_q, 1'b0};
  assign difference = doubled - {1'b0, divisor_q};

  always_ff @(posedge clk_i) begin
    if (accept) begin
      divisor_q   <= in_divisor_i;
      remainder_q <= in_remainder_i;
      quotient_q  <= in_quotient_i;
      payload_q   <= in_payload_i;
    end else if (!done) begin
      remainder_q <= difference[24] ? doubled[23:0] : difference[23:0];
      quotient_q  <= {quotient_q[24:0], !difference[24]};
    end
  end

  assign out_divisor_o   = divisor_q;
  assign out_remainder_o = remainder_q;
  assign out_quotient_o  = quotient_q;
  assign out_payload_o   = payload_q;

endmodule : reciprocal_stage
