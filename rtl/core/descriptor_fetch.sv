// SPDX-License-Identifier: Apache-2.0
//
// Reads a job descriptor from memory and keeps it for the length of the job.
//
// Why: the rest of the core wants dimensions as registers and addresses one at a time, whatever the width of the
// memory bus. The addresses stay in a small distributed RAM instead of 640 flip-flops; what a check needs of them
// all at once (alignment, reserved words) is noted as they pass by.
//
// Latency: done_o comes one cycle after the 16th word is stored; one word per cycle after the memory's latency.

module descriptor_fetch #(
  // Width of the memory bus in bits.
  parameter int BUS_W  = 256,
  // Width of a memory address.
  parameter int ADDR_W = 40
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One cycle: fetch from address_i, which stays stable until done_o.
  input  logic              start_i,
  input  logic [ADDR_W-1:0] address_i,
  output logic              done_o,

  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-1:0] rcmd_addr_o,
  output logic [31:0]       rcmd_row_bytes_o,

  input  logic              data_valid_i,
  output logic              data_ready_o,
  input  logic [BUS_W-1:0]  data_data_i,

  // Fields below offset 0x20 as they are in memory.
  output logic [31:0]       header_o,
  output logic [31:0]       tokens_o,
  output logic [31:0]       in_features_o,
  output logic [31:0]       out_features_o,
  output logic [31:0]       rank_o,
  output logic [31:0]       lora_scale_o,
  output logic [31:0]       absmax_offset_o,
  // Per 64-bit word: it holds an address that is not a multiple of 64, or a reserved field that is not zero.
  output logic [15:0]       word_bad_o,

  // Random access to the 64-bit words, combinational.
  input  logic [3:0]        word_index_i,
  output logic [63:0]       word_o
);

  logic        cmd_q;
  logic        word_valid;
  logic [63:0] word;
  logic [3:0]  count_q;
  logic [63:0] storage [16];

  assign rcmd_valid_o     = cmd_q;
  assign rcmd_addr_o      = address_i;
  assign rcmd_row_bytes_o = 32'(descriptor_pkg::Bytes);

  stream_resize #(
    .IN_WIDTH (BUS_W),
    .OUT_WIDTH(64)
  ) u_words (
    .clk_i,
    .rst_ni,
    .in_valid_i (data_valid_i),
    .in_ready_o (data_ready_o),
    .in_data_i  (data_data_i),
    .out_valid_o(word_valid),
    .out_ready_i(1'b1),
    .out_data_o (word)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cmd_q   <= 1'b0;
      count_q <= 4'd0;
      done_o  <= 1'b0;
    end else begin
      if (start_i) cmd_q <= 1'b1;
      else if (rcmd_ready_i) cmd_q <= 1'b0;
      if (word_valid) count_q <= count_q + 4'd1;
      done_o <= word_valid && count_q == 4'd15;
    end
  end

  always_ff @(posedge clk_i) begin
    if (word_valid) begin
      storage[count_q] <= word;
      word_bad_o[count_q] <= 1'b0;
      case (count_q)
        descriptor_pkg::HeaderWord: {tokens_o, header_o} <= word;
        descriptor_pkg::InFeaturesWord: {out_features_o, in_features_o} <= word;
        descriptor_pkg::RankWord: {lora_scale_o, rank_o} <= word;
        descriptor_pkg::AbsmaxOffsetWord: begin
          absmax_offset_o <= word[31:0];
          word_bad_o[descriptor_pkg::Reserved1cWord] <= word[63:32] != '0;
        end
        descriptor_pkg::Reserved70Word, descriptor_pkg::Reserved78Word: word_bad_o[count_q] <= word != '0;
        default: word_bad_o[count_q] <= word[core_pkg::BlockLog2-1:0] != '0;
      endcase
    end
  end

  assign word_o = storage[word_index_i];

endmodule : descriptor_fetch
