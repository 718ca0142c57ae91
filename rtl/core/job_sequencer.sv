// SPDX-License-Identifier: Apache-2.0
//
// Everything that decides: from a doorbell to the commands of the read master, the matrix unit and the write path.
//
// Why: it moves no data but the descriptor, so it is small, and what it commands can be tested and read without the
// arithmetic behind it. Latency and throughput: see job_control, step_runner and tile_walker.

module job_sequencer #(
  // Width of a memory address.
  parameter int ADDR_W       = 40,
  // Width of the memory bus in bits.
  parameter int BUS_W        = 256,
  // Activation scratchpad in blocks of 64 values.
  parameter int ACT_DEPTH    = 2048,
  // Most activation rows of a chunk.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested-absmax table.
  parameter int NESTED_DEPTH = 4096
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Host, see control_registers.
  input  logic              doorbell_i,
  input  logic [63:0]       desc_addr_i,
  input  logic [63:0]       mem_base_i,
  input  logic [63:0]       mem_limit_i,
  output logic              busy_o,
  output logic              done_o,
  output logic              error_o,
  output logic [7:0]        error_code_o,
  output logic [63:0]       error_info_o,
  output logic              nonfinite_o,

  // Read commands, and the beats of the descriptor.
  output logic              rcmd_valid_o,
  input  logic              rcmd_ready_i,
  output logic [ADDR_W-1:0] rcmd_addr_o,
  output logic [31:0]       rcmd_row_bytes_o,
  output logic [15:0]       rcmd_rows_o,
  output logic [31:0]       rcmd_stride_o,
  output logic [core_pkg::DestWidth-1:0] rcmd_dest_o,
  input  logic              data_valid_i,
  output logic              data_ready_o,
  input  logic [BUS_W-1:0]  data_data_i,

  // Matrix unit, see there.
  output logic [31:0]       absmax_offset_o,
  output logic              nested_restart_o,
  output logic              load_valid_o,
  input  logic              load_ready_i,
  output logic [$clog2(ACT_DEPTH)-1:0]   load_base_o,
  output logic [$clog2(ACT_DEPTH+1)-1:0] load_blocks_o,
  output logic              load_format_o,
  output logic              tile_valid_o,
  input  logic              tile_ready_i,
  output logic              tile_transpose_o,
  output logic [1:0]        tile_format_o,
  output logic [6:0]        tile_lines_o,
  output logic [31:0]       tile_block_o,
  output logic [15:0]       tile_block_stride_o,
  output logic [$clog2(ACT_DEPTH)-1:0]   tile_act_base_o,
  output logic [15:0]       tile_act_stride_o,
  output logic [$clog2(MAX_ROWS+1)-1:0]  tile_rows_o,
  output logic              tile_first_o,
  output logic              tile_last_o,
  output logic [31:0]       tile_scale_o,
  output logic              tile_out_format_o,

  // Write path, see write_release.
  output logic              wcmd_valid_o,
  input  logic              wcmd_ready_i,
  output logic [ADDR_W-1:0] wcmd_addr_o,
  output logic [31:0]       wcmd_stride_o,
  output logic              wcmd_half_o,
  output logic [$clog2(MAX_ROWS+1)-1:0]  wcmd_rows_o,
  // Writes must leave memory unchanged.
  output logic              write_mask_o,

  // Nothing that was commanded is still under way.
  input  logic              drained_i,
  // Events of the bus master and of the matrix unit.
  input  logic              read_error_i,
  input  logic [ADDR_W-1:0] read_error_addr_i,
  input  logic              write_error_i,
  input  logic [ADDR_W-1:0] write_error_addr_i,
  input  logic              nonfinite_i
);

  logic [63:0]       desc_addr, word;
  logic              check_address, check_fields, check_done, check_error, fetch, fetch_done;
  logic [7:0]        check_code;
  logic [63:0]       check_info;
  logic [31:0]       header, tokens, in_features, out_features, rank, lora_scale, nested_bytes;
  logic [15:0]       word_bad;
  logic [2:0]        half;
  logic [3:0]        check_word_index, step_word_index, word_index;
  logic [16:0]       rank_blocks;
  logic              backward, scale_bad;
  logic              nested_valid, step_start, step_done, last_step;
  logic [2:0]        step, first_step;
  logic              fetch_rcmd_valid, step_rcmd_valid, step_rcmd_weight;
  logic [ADDR_W-1:0] fetch_rcmd_addr, step_rcmd_addr, result_addr, word_addr;
  logic [31:0]       fetch_rcmd_row_bytes, step_rcmd_row_bytes;
  logic [15:0]       step_rcmd_rows;
  // Which of the users of the descriptor's words is at work: the check, or (with the nested table) the steps.
  logic              checking_q;

  job_control #(
    .ADDR_W(ADDR_W)
  ) u_control (
    .clk_i,
    .rst_ni,
    .doorbell_i,
    .desc_addr_i,
    .busy_o,
    .done_o,
    .error_o,
    .error_code_o,
    .error_info_o,
    .nonfinite_o,
    .desc_addr_o     (desc_addr),
    .check_address_o (check_address),
    .check_fields_o  (check_fields),
    .check_done_i    (check_done),
    .check_error_i   (check_error),
    .check_code_i    (check_code),
    .check_info_i    (check_info),
    .fetch_o         (fetch),
    .fetch_done_i    (fetch_done),
    .nested_restart_o,
    .nested_valid_o  (nested_valid),
    .nested_ready_i  (rcmd_ready_i),
    .step_start_o    (step_start),
    .step_o          (step),
    .step_done_i     (step_done),
    .first_step_i    (first_step),
    .last_step_i     (last_step),
    .read_error_i,
    .read_error_addr_i,
    .write_error_i,
    .write_error_addr_i,
    .nonfinite_i     (nonfinite_i || scale_bad),
    .result_addr_i   (result_addr),
    .write_mask_o
  );

  descriptor_fetch #(
    .BUS_W (BUS_W),
    .ADDR_W(ADDR_W)
  ) u_fetch (
    .clk_i,
    .rst_ni,
    .start_i         (fetch),
    .address_i       (desc_addr[ADDR_W-1:0]),
    .done_o          (fetch_done),
    .rcmd_valid_o    (fetch_rcmd_valid),
    .rcmd_ready_i,
    .rcmd_addr_o     (fetch_rcmd_addr),
    .rcmd_row_bytes_o(fetch_rcmd_row_bytes),
    .data_valid_i,
    .data_ready_o,
    .data_data_i,
    .header_o        (header),
    .tokens_o        (tokens),
    .in_features_o   (in_features),
    .out_features_o  (out_features),
    .rank_o          (rank),
    .lora_scale_o    (lora_scale),
    .absmax_offset_o,
    .word_bad_o      (word_bad),
    .word_index_i    (word_index),
    .word_o          (word)
  );

  descriptor_check #(
    .ADDR_W      (ADDR_W),
    .ACT_DEPTH   (ACT_DEPTH),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_check (
    .clk_i,
    .rst_ni,
    .check_address_i(check_address),
    .check_fields_i (check_fields),
    .done_o         (check_done),
    .error_o        (check_error),
    .code_o         (check_code),
    .info_o         (check_info),
    .desc_addr_i    (desc_addr),
    .mem_base_i,
    .mem_limit_i,
    .header_i       (header),
    .tokens_i       (tokens),
    .in_features_i  (in_features),
    .out_features_i (out_features),
    .rank_i         (rank),
    .word_bad_i     (word_bad),
    .word_index_o   (check_word_index),
    .word_i         (word),
    .nested_bytes_o (nested_bytes),
    .rank_blocks_o  (rank_blocks)
  );

  step_runner #(
    .ADDR_W   (ADDR_W),
    .ACT_DEPTH(ACT_DEPTH),
    .MAX_ROWS (MAX_ROWS)
  ) u_steps (
    .clk_i,
    .rst_ni,
    .start_i         (step_start),
    .done_o          (step_done),
    .step_i          (step),
    .backward_i      (backward),
    .half_i          (half),
    .tokens_i        (tokens[15:0]),
    .in_blocks_i     (in_features[15:6]),
    .out_features_i  (out_features[15:0]),
    .rank_i          (rank[6:0]),
    .rank_blocks_i   (rank_blocks),
    .lora_scale_i    (lora_scale),
    .word_index_o    (step_word_index),
    .word_i          (word_addr),
    .first_step_o    (first_step),
    .last_step_o     (last_step),
    .result_addr_o   (result_addr),
    .rcmd_valid_o    (step_rcmd_valid),
    .rcmd_ready_i,
    .rcmd_addr_o     (step_rcmd_addr),
    .rcmd_row_bytes_o(step_rcmd_row_bytes),
    .rcmd_rows_o     (step_rcmd_rows),
    .rcmd_stride_o,
    .rcmd_weight_o   (step_rcmd_weight),
    .load_valid_o,
    .load_ready_i,
    .load_base_o,
    .load_blocks_o,
    .load_format_o,
    .tile_valid_o,
    .tile_ready_i,
    .tile_transpose_o,
    .tile_format_o,
    .tile_lines_o,
    .tile_block_o,
    .tile_block_stride_o,
    .tile_act_base_o,
    .tile_act_stride_o,
    .tile_rows_o,
    .tile_first_o,
    .tile_last_o,
    .tile_scale_o,
    .tile_out_format_o,
    .wcmd_valid_o,
    .wcmd_ready_i,
    .wcmd_addr_o,
    .wcmd_stride_o,
    .wcmd_half_o,
    .wcmd_rows_o,
    .drained_i
  );

  // The matrix unit takes the scale as it is.
  assign scale_bad  = tile_valid_o && tile_scale_o[30:23] == 8'hFF;
  assign word_addr  = word[ADDR_W-1:0];
  assign backward =
      header[descriptor_pkg::HeaderOpcodeLsb+:descriptor_pkg::HeaderOpcodeWidth] == descriptor_pkg::OpcodeBackward;
  assign half = {header[descriptor_pkg::HeaderYFp16Lsb], header[descriptor_pkg::HeaderLoraFp16Lsb],
                 header[descriptor_pkg::HeaderXFp16Lsb]};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) checking_q <= 1'b0;
    else if (check_fields) checking_q <= 1'b1;
    else if (check_done) checking_q <= 1'b0;
  end

  assign word_index = checking_q ? check_word_index : nested_valid ? descriptor_pkg::NestedAbsmaxWord : step_word_index;

  // The users of the read master take turns; each has finished before the next begins.
  always_comb begin
    rcmd_valid_o     = step_rcmd_valid;
    rcmd_addr_o      = step_rcmd_addr;
    rcmd_row_bytes_o = step_rcmd_row_bytes;
    rcmd_rows_o      = step_rcmd_rows;
    rcmd_dest_o      = step_rcmd_weight ? core_pkg::DestWeight : core_pkg::DestActivation;
    if (nested_valid) begin
      rcmd_valid_o     = 1'b1;
      rcmd_addr_o      = word_addr;
      rcmd_row_bytes_o = nested_bytes;
      rcmd_rows_o      = 16'd1;
      rcmd_dest_o      = core_pkg::DestNested;
    end else if (fetch_rcmd_valid) begin
      rcmd_valid_o     = 1'b1;
      rcmd_addr_o      = fetch_rcmd_addr;
      rcmd_row_bytes_o = fetch_rcmd_row_bytes;
      rcmd_rows_o      = 16'd1;
      rcmd_dest_o      = core_pkg::DestDescriptor;
    end
  end

endmodule : job_sequencer
