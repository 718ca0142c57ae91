// SPDX-License-Identifier: Apache-2.0
//
// Mean of a stream of non-negative FP32 values: exact sum, divided by the count, rounded once.
//
// Why: double quantization subtracts the mean of all absmax. torch's mean depends on the order in
// which a machine adds; this one does not depend on anything, because nothing is rounded before the
// end (a Kulisch accumulator).
// Latency: 335 cycles from the last value to the mean. Throughput: one value every 3 cycles.
// The accumulator is a small memory of 64-bit chunks, one per 32 bits of weight, so that a value adds
// to two chunks and no carry has to travel until the end. After the carries the sum is divided bit by bit.

module exact_mean #(
  // A tensor has at most 2^COUNT_W - 1 values; 1 to 32.
  parameter int COUNT_W = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        in_valid_i,
  output logic        in_ready_o,
  // FP32, subnormals count with their value.
  input  logic [31:0] in_value_i,
  // Last value of a tensor; the next one begins another sum.
  input  logic        in_last_i,

  output logic        out_valid_o,
  input  logic        out_ready_i,
  // FP32, round to nearest even, subnormal results exact.
  output logic [31:0] out_mean_o,
  // A value was NaN, infinite or negative; the mean is NaN.
  output logic        out_invalid_o
);

  if (COUNT_W < 1 || COUNT_W > 32) begin : g_check
    ERROR_exact_mean_COUNT_W_must_be_1_to_32 error ();
  end

  // Bit 0 of the sum weighs 2^-149. Chunks 0 to 8 receive values, the last one only carries.
  localparam int Chunks    = 10;
  localparam int ChunkBits = 32;

  localparam logic [3:0] LastChunk = 4'(Chunks - 1);
  localparam logic [4:0] TopBit    = 5'(ChunkBits - 1);

  localparam logic [2:0] Accept = 3'd0;
  localparam logic [2:0] Low    = 3'd1;
  localparam logic [2:0] High   = 3'd2;
  localparam logic [2:0] Carry  = 3'd3;
  localparam logic [2:0] Divide = 3'd4;
  localparam logic [2:0] Round  = 3'd5;
  localparam logic [2:0] Offer  = 3'd6;

  logic [2:0]  state_q, state_d;
  logic [3:0]  chunk_q;
  logic [4:0]  bit_q;
  logic        finish_q;

  // ---------------------------------------------------------------- the value: two chunk additions

  logic [7:0]  place;
  logic [54:0] spread, spread_q;
  logic        last_q, invalid_q;
  logic [COUNT_W-1:0] count_q;

  assign place  = in_value_i[30:23] == '0 ? 8'd0 : in_value_i[30:23] - 8'd1;
  assign spread = 55'({in_value_i[30:23] != '0, in_value_i[22:0]}) << place[4:0];

  // ---------------------------------------------------------------- chunks

  logic [ChunkBits+COUNT_W-1:0] chunk [16];
  logic [Chunks-1:0] used_q;
  logic [ChunkBits+COUNT_W-1:0] stored, sum;
  logic [31:0] addend;
  logic [COUNT_W-1:0] carry_q;
  logic        write;

  assign stored = used_q[chunk_q] ? chunk[chunk_q] : '0;

  assign addend = state_q == Low ? spread_q[31:0] : state_q == High ? {9'h0, spread_q[54:32]} : 32'(carry_q);
  assign sum    = stored + (ChunkBits + COUNT_W)'(addend);
  assign write  = state_q == Low || state_q == High || state_q == Carry;

  always_ff @(posedge clk_i) begin
    if (write) chunk[chunk_q] <= state_q == Carry ? (ChunkBits + COUNT_W)'(sum[31:0]) : sum;
  end

  // ---------------------------------------------------------------- division, one bit per cycle

  // The first 24 quotient bits from the leading one on, and the one that rounds them. finish_q marks
  // the step below the unit bit.
  logic [COUNT_W-1:0] remainder_q, remainder_d;
  logic [COUNT_W:0] doubled, difference;
  logic [24:0] quotient_q;
  logic        quotient_bit, full, sticky_q;
  logic [7:0]  weight_q;

  assign doubled      = {remainder_q, !finish_q && stored[{1'b0, bit_q}]};
  assign difference   = doubled - {1'b0, count_q};
  assign quotient_bit = !difference[COUNT_W];
  assign remainder_d  = quotient_bit ? difference[COUNT_W-1:0] : doubled[COUNT_W-1:0];
  assign full         = quotient_q[24];

  always_ff @(posedge clk_i) begin
    if (state_q == Carry) begin
      remainder_q <= '0;
      quotient_q  <= '0;
      sticky_q    <= 1'b0;
      weight_q    <= '0;
    end else if (state_q == Divide) begin
      remainder_q <= remainder_d;
      if (!full) quotient_q <= {quotient_q[23:0], quotient_bit};
      else sticky_q <= sticky_q || quotient_bit;
      // Steps after the rounding bit: the exponent of the result.
      if (full) weight_q <= weight_q + 8'd1;
    end
  end

  // A quotient that ends at the unit bit without 24 bits before it is subnormal, and its hidden bit
  // absent; otherwise the hidden bit counts one up in the exponent field.
  logic        guard, rest, round_up;
  logic [31:0] mean_q;

  assign guard    = quotient_q[0];
  assign rest     = sticky_q || remainder_q != '0;
  assign round_up = guard && (rest || quotient_q[1]);

  always_ff @(posedge clk_i) begin
    if (state_q == Round) begin
      mean_q <= invalid_q ? fp32_pkg::CanonicalNan :
                            {1'b0, weight_q, 23'h0} + 32'(quotient_q[24:1]) + 32'(round_up);
    end
  end

  // ---------------------------------------------------------------- control

  always_comb begin
    state_d = state_q;
    case (state_q)
      Accept:  if (in_valid_i) state_d = Low;
      Low:     state_d = High;
      High:    state_d = last_q ? Carry : Accept;
      Carry:   if (chunk_q == LastChunk) state_d = Divide;
      Divide:  if (finish_q) state_d = Round;
      Round:   state_d = Offer;
      default: if (out_ready_i) state_d = Accept;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Accept;
    else state_q <= state_d;
  end

  always_ff @(posedge clk_i) begin
    case (state_q)
      Accept: begin
        spread_q <= spread;
        chunk_q  <= {1'b0, place[7:5]};
        last_q   <= in_last_i;
      end
      Low:    chunk_q <= chunk_q + 4'd1;
      High: begin
        chunk_q <= '0;
        carry_q <= '0;
      end
      Carry: begin
        carry_q  <= sum[ChunkBits+:COUNT_W];
        bit_q    <= TopBit;
        finish_q <= 1'b0;
        if (chunk_q != LastChunk) chunk_q <= chunk_q + 4'd1;
      end
      default: begin
        bit_q <= bit_q - 5'd1;
        if (bit_q == '0) begin
          chunk_q  <= chunk_q - 4'd1;
          finish_q <= finish_q || chunk_q == '0;
        end
      end
    endcase
  end

  // A chunk that no value of this tensor has touched reads as zero; the carries touch all of them.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || state_q == Offer) used_q <= '0;
    else if (write) used_q[chunk_q] <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (state_q == Offer && out_ready_i)) begin
      count_q   <= '0;
      invalid_q <= 1'b0;
    end else if (state_q == Accept && in_valid_i) begin
      count_q <= count_q + COUNT_W'(1);
      if (in_value_i[30:23] == 8'hFF || (in_value_i[31] && in_value_i[30:0] != '0)) invalid_q <= 1'b1;
    end
  end

  assign in_ready_o    = state_q == Accept;
  assign out_valid_o   = state_q == Offer;
  assign out_mean_o    = mean_q;
  assign out_invalid_o = invalid_q;

endmodule : exact_mean
