// SPDX-License-Identifier: Apache-2.0
//
// The accelerator without its host side: jobs from memory, over one AXI4 master, back to memory.
//
// Why: sequencer, matrix unit and bus master know nothing of each other's insides. What is between them is here: a
// queue of tile commands, so that reads run ahead of the array; the distribution of read beats; the write path; counters.
//
// Latency: doorbell_i to the descriptor's address on the bus 12 cycles; last write response to done_o or error_o 5.
// Throughput: a beat per cycle each way; for the array see matrix_unit, for what does not overlap step_runner.

module qlora_core #(
  // Array columns, 1 to 16.
  parameter int COLUMNS      = 8,
  // Activation mantissa width: 25 or 18.
  parameter int ACT_W        = 25,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W        = 256,
  // Activation scratchpad in blocks of 64 values, a power of two.
  parameter int ACT_DEPTH    = 2048,
  // Most activation rows of a chunk, a power of two.
  parameter int MAX_ROWS     = 64,
  // Entries of the nested-absmax table, a power of two, at least 16 and BUS_W / 16.
  parameter int NESTED_DEPTH = 4096,
  // Width of a memory address.
  parameter int ADDR_W       = 40,
  // Width of the AXI ID.
  parameter int ID_W         = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // Host, see control_registers.
  input  logic                doorbell_i,
  input  logic                clear_counters_i,
  input  logic [63:0]         desc_addr_i,
  input  logic [63:0]         mem_base_i,
  input  logic [63:0]         mem_limit_i,
  input  logic [registers_pkg::CodebookCount*registers_pkg::CodebookWidth-1:0] codebook_i,
  input  logic [31:0]         codebook_scale_i,
  output logic                busy_o,
  output logic                done_o,
  output logic                error_o,
  output logic [7:0]          error_code_o,
  output logic [63:0]         error_info_o,
  output logic                nonfinite_o,
  output logic [registers_pkg::CounterCount*64-1:0] counters_o,

  // Memory.
  output logic [ID_W-1:0]     m_axi_awid,
  output logic [ADDR_W-1:0]   m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic                m_axi_awlock,
  output logic [3:0]          m_axi_awcache,
  output logic [2:0]          m_axi_awprot,
  output logic [3:0]          m_axi_awqos,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [BUS_W-1:0]    m_axi_wdata,
  output logic [BUS_W/8-1:0]  m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  input  logic [ID_W-1:0]     m_axi_bid,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready,
  output logic [ID_W-1:0]     m_axi_arid,
  output logic [ADDR_W-1:0]   m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic [2:0]          m_axi_arsize,
  output logic [1:0]          m_axi_arburst,
  output logic                m_axi_arlock,
  output logic [3:0]          m_axi_arcache,
  output logic [2:0]          m_axi_arprot,
  output logic [3:0]          m_axi_arqos,
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [ID_W-1:0]     m_axi_rid,
  input  logic [BUS_W-1:0]    m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready
);

  localparam int ActAW  = $clog2(ACT_DEPTH);
  localparam int DepthW = $clog2(ACT_DEPTH + 1);
  localparam int RowsW  = $clog2(MAX_ROWS + 1);
  localparam int DestW  = core_pkg::DestWidth;
  // Tiles that may be commanded ahead of the matrix unit's own queues.
  localparam int TileDepth = 8;
  // Bursts as long as a 4 KB page and the protocol allow.
  localparam int MaxBurst  = (4096 * 8 / BUS_W > 256) ? 256 : 4096 * 8 / BUS_W;
  // Read commands under way: more than the master holds.
  localparam int DestDepth = 32;
  localparam int TileW     = 1 + 2 + 7 + 32 + 16 + ActAW + 16 + RowsW + 1 + 1 + 32 + 1;

  logic              rcmd_valid, rcmd_ready;
  logic [ADDR_W-1:0] rcmd_addr;
  logic [31:0]       rcmd_row_bytes, rcmd_stride;
  logic [15:0]       rcmd_rows;
  logic [DestW-1:0]  rcmd_dest, rdata_dest;
  logic              rdata_valid, rdata_ready;
  logic [BUS_W-1:0]  rdata;
  logic              descriptor_ready, nested_ready, act_ready, wgt_ready;
  logic [31:0]       absmax_offset;
  logic              nested_restart, load_valid, load_ready, load_format;
  logic [ActAW-1:0]  load_base;
  logic [DepthW-1:0] load_blocks;
  logic              next_valid, next_ready, next_transpose, next_first, next_last, next_out_format;
  logic [1:0]        next_format;
  logic [6:0]        next_lines;
  logic [31:0]       next_block, next_scale;
  logic [15:0]       next_block_stride, next_act_stride;
  logic [ActAW-1:0]  next_act_base;
  logic [RowsW-1:0]  next_rows;
  logic              wcmd_valid, wcmd_ready, wcmd_half, write_mask;
  logic [ADDR_W-1:0] wcmd_addr;
  logic [31:0]       wcmd_stride;
  logic [RowsW-1:0]  wcmd_rows;
  logic              drained, matrix_idle, tiles_waiting, release_idle, read_idle, writes_pending;
  logic              read_error, write_error, nonfinite;
  logic [ADDR_W-1:0] read_error_addr, write_error_addr;

  job_sequencer #(
    .ADDR_W      (ADDR_W),
    .BUS_W       (BUS_W),
    .ACT_DEPTH   (ACT_DEPTH),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .doorbell_i,
    .desc_addr_i,
    .mem_base_i,
    .mem_limit_i,
    .busy_o,
    .done_o,
    .error_o,
    .error_code_o,
    .error_info_o,
    .nonfinite_o,
    .rcmd_valid_o       (rcmd_valid),
    .rcmd_ready_i       (rcmd_ready),
    .rcmd_addr_o        (rcmd_addr),
    .rcmd_row_bytes_o   (rcmd_row_bytes),
    .rcmd_rows_o        (rcmd_rows),
    .rcmd_stride_o      (rcmd_stride),
    .rcmd_dest_o        (rcmd_dest),
    .data_valid_i       (rdata_valid && rdata_dest == core_pkg::DestDescriptor),
    .data_ready_o       (descriptor_ready),
    .data_data_i        (rdata),
    .absmax_offset_o    (absmax_offset),
    .nested_restart_o   (nested_restart),
    .load_valid_o       (load_valid),
    .load_ready_i       (load_ready),
    .load_base_o        (load_base),
    .load_blocks_o      (load_blocks),
    .load_format_o      (load_format),
    .tile_valid_o       (next_valid),
    .tile_ready_i       (next_ready),
    .tile_transpose_o   (next_transpose),
    .tile_format_o      (next_format),
    .tile_lines_o       (next_lines),
    .tile_block_o       (next_block),
    .tile_block_stride_o(next_block_stride),
    .tile_act_base_o    (next_act_base),
    .tile_act_stride_o  (next_act_stride),
    .tile_rows_o        (next_rows),
    .tile_first_o       (next_first),
    .tile_last_o        (next_last),
    .tile_scale_o       (next_scale),
    .tile_out_format_o  (next_out_format),
    .wcmd_valid_o       (wcmd_valid),
    .wcmd_ready_i       (wcmd_ready),
    .wcmd_addr_o        (wcmd_addr),
    .wcmd_stride_o      (wcmd_stride),
    .wcmd_half_o        (wcmd_half),
    .wcmd_rows_o        (wcmd_rows),
    .write_mask_o       (write_mask),
    .drained_i          (drained),
    .read_error_i       (read_error),
    .read_error_addr_i  (read_error_addr),
    .write_error_i      (write_error),
    .write_error_addr_i (write_error_addr),
    .nonfinite_i        (nonfinite)
  );

  assign drained = !tiles_waiting && matrix_idle && release_idle && read_idle && !writes_pending;

  // ---------------------------------------------------------------------------------------------
  // Tile commands
  // ---------------------------------------------------------------------------------------------
  logic              tile_ready, tile_transpose, tile_first, tile_last, tile_out_format;
  logic [1:0]        tile_format;
  logic [6:0]        tile_lines;
  logic [31:0]       tile_block, tile_scale;
  logic [15:0]       tile_block_stride, tile_act_stride;
  logic [ActAW-1:0]  tile_act_base;
  logic [RowsW-1:0]  tile_rows;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(TileDepth+1)-1:0] tile_level; // emptiness shows in tiles_waiting
  // verilator lint_on UNUSEDSIGNAL

  stream_fifo #(
    .WIDTH(TileW),
    .DEPTH(TileDepth)
  ) u_tiles (
    .clk_i,
    .rst_ni,
    .in_valid_i (next_valid),
    .in_ready_o (next_ready),
    .in_data_i  ({next_transpose, next_format, next_lines, next_block, next_block_stride, next_act_base,
                  next_act_stride, next_rows, next_first, next_last, next_scale, next_out_format}),
    .out_valid_o(tiles_waiting),
    .out_ready_i(tile_ready),
    .out_data_o ({tile_transpose, tile_format, tile_lines, tile_block, tile_block_stride, tile_act_base,
                  tile_act_stride, tile_rows, tile_first, tile_last, tile_scale, tile_out_format}),
    .level_o    (tile_level)
  );

  // ---------------------------------------------------------------------------------------------
  // Matrix unit and write path
  // ---------------------------------------------------------------------------------------------
  logic              result_valid, result_ready;
  logic [BUS_W-1:0]  result;
  logic              mac_vector, mac_active, weight_stall, act_stall;
  logic              burst_cmd_valid, burst_cmd_ready, wdata_valid, wdata_ready;
  logic [ADDR_W-1:0] burst_cmd_addr;
  logic [31:0]       burst_cmd_row_bytes, burst_cmd_stride;
  logic [15:0]       burst_cmd_rows;
  logic [BUS_W-1:0]  wdata;

  matrix_unit #(
    .COLUMNS     (COLUMNS),
    .ACT_W       (ACT_W),
    .BUS_W       (BUS_W),
    .ACT_DEPTH   (ACT_DEPTH),
    .MAX_ROWS    (MAX_ROWS),
    .NESTED_DEPTH(NESTED_DEPTH)
  ) u_matrix (
    .clk_i,
    .rst_ni,
    .codebook_i,
    .codebook_scale_i,
    .absmax_offset_i    (absmax_offset),
    .nested_restart_i   (nested_restart),
    .nested_valid_i     (rdata_valid && rdata_dest == core_pkg::DestNested),
    .nested_ready_o     (nested_ready),
    .nested_data_i      (rdata),
    .load_valid_i       (load_valid),
    .load_ready_o       (load_ready),
    .load_base_i        (load_base),
    .load_blocks_i      (load_blocks),
    .load_format_i      (load_format),
    .act_valid_i        (rdata_valid && rdata_dest == core_pkg::DestActivation),
    .act_ready_o        (act_ready),
    .act_data_i         (rdata),
    .tile_valid_i       (tiles_waiting),
    .tile_ready_o       (tile_ready),
    .tile_transpose_i   (tile_transpose),
    .tile_format_i      (tile_format),
    .tile_lines_i       (tile_lines),
    .tile_block_i       (tile_block),
    .tile_block_stride_i(tile_block_stride),
    .tile_act_base_i    (tile_act_base),
    .tile_act_stride_i  (tile_act_stride),
    .tile_rows_i        (tile_rows),
    .tile_first_i       (tile_first),
    .tile_last_i        (tile_last),
    .tile_scale_i       (tile_scale),
    .tile_out_format_i  (tile_out_format),
    .wgt_valid_i        (rdata_valid && rdata_dest == core_pkg::DestWeight),
    .wgt_ready_o        (wgt_ready),
    .wgt_data_i         (rdata),
    .out_valid_o        (result_valid),
    .out_ready_i        (result_ready),
    .out_data_o         (result),
    .idle_o             (matrix_idle),
    .nonfinite_o        (nonfinite),
    .mac_vector_o       (mac_vector),
    .mac_active_o       (mac_active),
    .weight_stall_o     (weight_stall),
    .act_stall_o        (act_stall)
  );

  write_release #(
    .BUS_W   (BUS_W),
    .ADDR_W  (ADDR_W),
    .MAX_ROWS(MAX_ROWS)
  ) u_release (
    .clk_i,
    .rst_ni,
    .cmd_valid_i     (wcmd_valid),
    .cmd_ready_o     (wcmd_ready),
    .cmd_addr_i      (wcmd_addr),
    .cmd_stride_i    (wcmd_stride),
    .cmd_half_i      (wcmd_half),
    .cmd_rows_i      (wcmd_rows),
    .data_valid_i    (result_valid),
    .data_ready_o    (result_ready),
    .data_data_i     (result),
    .wcmd_valid_o    (burst_cmd_valid),
    .wcmd_ready_i    (burst_cmd_ready),
    .wcmd_addr_o     (burst_cmd_addr),
    .wcmd_row_bytes_o(burst_cmd_row_bytes),
    .wcmd_rows_o     (burst_cmd_rows),
    .wcmd_stride_o   (burst_cmd_stride),
    .wdata_valid_o   (wdata_valid),
    .wdata_ready_i   (wdata_ready),
    .wdata_data_o    (wdata),
    .idle_o          (release_idle)
  );

  // ---------------------------------------------------------------------------------------------
  // Memory
  // ---------------------------------------------------------------------------------------------
  logic rbeat, wbeat;
  logic rdata_last, dest_in_ready, dest_waiting, mask_q, master_rcmd_ready;
  logic [BUS_W/8-1:0] wstrb;
  // verilator lint_off UNUSEDSIGNAL
  logic       unused_wait, unused_drained, unused_read_range, unused_write_range; // all of memory is in the window
  logic [ADDR_W-1:0] unused_read_addr, unused_write_addr;
  logic [4*(ADDR_W-6)-1:0] unused_tags;
  logic [$clog2(DestDepth+1)-1:0] unused_level;
  logic       unused_offset; // all addresses are whole lines
  // verilator lint_on UNUSEDSIGNAL

  assign unused_offset = ^{rcmd_addr[5:0], burst_cmd_addr[5:0]};

  // Destinations of the read commands under way.
  stream_fifo #(
    .WIDTH(DestW),
    .DEPTH(DestDepth)
  ) u_dest (
    .clk_i,
    .rst_ni,
    .in_valid_i (rcmd_valid && master_rcmd_ready && rcmd_rows != '0 && rcmd_row_bytes != '0),
    .in_ready_o (dest_in_ready),
    .in_data_i  (rcmd_dest),
    .out_valid_o(dest_waiting),
    .out_ready_i(rdata_valid && rdata_ready && rdata_last),
    .out_data_o (rdata_dest),
    .level_o    (unused_level)
  );
  assign rcmd_ready = master_rcmd_ready && dest_in_ready;
  assign read_idle  = !dest_waiting;

  // Beats that show up from then on change nothing.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) mask_q <= 1'b0;
    else if (!m_axi_wvalid || m_axi_wready) mask_q <= write_mask;
  end
  assign m_axi_wstrb = mask_q ? '0 : wstrb;

  always_comb begin
    case (rdata_dest)
      core_pkg::DestDescriptor: rdata_ready = descriptor_ready;
      core_pkg::DestNested: rdata_ready = nested_ready;
      core_pkg::DestActivation: rdata_ready = act_ready;
      default: rdata_ready = wgt_ready;
    endcase
  end

  axi_master #(
    .ADDR_W   (ADDR_W),
    .DATA_W   (BUS_W),
    .ID_W     (ID_W),
    .MAX_BURST(MaxBurst)
  ) u_master (
    .clk_i,
    .rst_ni,
    .rcmd_valid_i      (rcmd_valid && dest_in_ready),
    .rcmd_ready_o      (master_rcmd_ready),
    .rcmd_addr_i       (rcmd_addr[ADDR_W-1:6]),
    .rcmd_lines_i      (rcmd_row_bytes >> 6),
    .rcmd_rows_i       (rcmd_rows),
    .rcmd_stride_i     ((ADDR_W-6)'(rcmd_stride >> 6)),
    .rcmd_last_i       (1'b1),
    .rcmd_tag_i        ((ADDR_W-6)'(0)),
    .credit_return_i   (1'b0),
    .credit_wait_o     (unused_wait),
    .rdata_valid_o     (rdata_valid),
    .rdata_ready_i     (rdata_ready),
    .rdata_data_o      (rdata),
    .rdata_last_o      (rdata_last),
    .wcmd_valid_i      (burst_cmd_valid),
    .wcmd_ready_o      (burst_cmd_ready),
    .wcmd_addr_i       (burst_cmd_addr[ADDR_W-1:6]),
    .wcmd_lines_i      (burst_cmd_row_bytes >> 6),
    .wcmd_rows_i       (burst_cmd_rows),
    .wcmd_stride_i     ((ADDR_W-6)'(burst_cmd_stride >> 6)),
    .wcmd_tag_i        ((ADDR_W-6)'(0)),
    .wdata_valid_i     (wdata_valid),
    .wdata_ready_o     (wdata_ready),
    .wdata_data_i      (wdata),
    .writes_pending_o  (writes_pending),
    .window_base_i     (ADDR_W'(0)),
    .window_limit_i    ({1'b1, ADDR_W'(0)}),
    .stop_i            (1'b0),
    .drained_o         (unused_drained),
    .read_range_o      (unused_read_range),
    .read_range_addr_o (unused_read_addr),
    .read_range_tag_o  (unused_tags[0*(ADDR_W-6)+:ADDR_W-6]),
    .write_range_o     (unused_write_range),
    .write_range_addr_o(unused_write_addr),
    .write_range_tag_o (unused_tags[1*(ADDR_W-6)+:ADDR_W-6]),
    .read_error_o      (read_error),
    .read_error_addr_o (read_error_addr),
    .read_error_tag_o  (unused_tags[2*(ADDR_W-6)+:ADDR_W-6]),
    .write_error_o     (write_error),
    .write_error_addr_o(write_error_addr),
    .write_error_tag_o (unused_tags[3*(ADDR_W-6)+:ADDR_W-6]),
    .rbeat_o           (rbeat),
    .wbeat_o           (wbeat),
    .m_axi_awid,
    .m_axi_awaddr,
    .m_axi_awlen,
    .m_axi_awsize,
    .m_axi_awburst,
    .m_axi_awlock,
    .m_axi_awcache,
    .m_axi_awprot,
    .m_axi_awqos,
    .m_axi_awvalid,
    .m_axi_awready,
    .m_axi_wdata,
    .m_axi_wstrb       (wstrb),
    .m_axi_wlast,
    .m_axi_wvalid,
    .m_axi_wready,
    .m_axi_bid,
    .m_axi_bresp,
    .m_axi_bvalid,
    .m_axi_bready,
    .m_axi_arid,
    .m_axi_araddr,
    .m_axi_arlen,
    .m_axi_arsize,
    .m_axi_arburst,
    .m_axi_arlock,
    .m_axi_arcache,
    .m_axi_arprot,
    .m_axi_arqos,
    .m_axi_arvalid,
    .m_axi_arready,
    .m_axi_rid,
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready
  );

  // ---------------------------------------------------------------------------------------------
  // Counters
  // ---------------------------------------------------------------------------------------------
  logic [registers_pkg::CounterCount-1:0] events;

  always_comb begin
    events = '0;
    events[registers_pkg::CounterCyclesBusy]  = busy_o;
    events[registers_pkg::CounterMacVectors]  = mac_vector;
    events[registers_pkg::CounterMacSlots]    = mac_active;
    events[registers_pkg::CounterReadBeats]   = rbeat;
    events[registers_pkg::CounterWriteBeats]  = wbeat;
    events[registers_pkg::CounterWeightStall] = weight_stall;
    events[registers_pkg::CounterActStall]    = act_stall;
  end

  event_counters #(
    .COUNT(registers_pkg::CounterCount)
  ) u_counters (
    .clk_i,
    .rst_ni,
    .clear_i(clear_counters_i),
    .event_i(events),
    .count_o(counters_o)
  );

  if (registers_pkg::CodebookWidth != systolic_pkg::WeightWidth || registers_pkg::CodebookCount != 16)
  begin : g_check_codebook
    ERROR_codebook_registers_do_not_fit_the_matrix_unit error ();
  end

endmodule : qlora_core
