// SPDX-License-Identifier: Apache-2.0
//
// Holds a write command back until its data are there.
//
// Why: commands are made many tiles ahead of the results. A write address that is on the bus long before its data would keep
// the memory waiting for them. The first result beat of an output block proves that all of the block's weights have
// arrived, so from there on the write needs no read of its own block.
//
// Latency: the command leaves one cycle after the block's first beat shows. Throughput: one beat per cycle, with a gap of 2
// cycles between blocks beside the write master's own.

module write_release #(
  // Width of the memory bus in bits.
  parameter int BUS_W    = 256,
  // Width of a memory address.
  parameter int ADDR_W   = 40,
  // Most rows of an output block.
  parameter int MAX_ROWS = 64,
  // Commands that wait.
  parameter int DEPTH    = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // One command per output block: rows of 64 FP32 or FP16 values.
  input  logic              cmd_valid_i,
  output logic              cmd_ready_o,
  input  logic [ADDR_W-1:0] cmd_addr_i,
  input  logic [31:0]       cmd_stride_i,
  input  logic              cmd_half_i,
  input  logic [$clog2(MAX_ROWS+1)-1:0] cmd_rows_i,

  // Result beats of the blocks in order.
  input  logic              data_valid_i,
  output logic              data_ready_o,
  input  logic [BUS_W-1:0]  data_data_i,

  // To the write master.
  output logic              wcmd_valid_o,
  input  logic              wcmd_ready_i,
  output logic [ADDR_W-1:0] wcmd_addr_o,
  output logic [31:0]       wcmd_row_bytes_o,
  output logic [15:0]       wcmd_rows_o,
  output logic [31:0]       wcmd_stride_o,
  output logic              wdata_valid_o,
  input  logic              wdata_ready_i,
  output logic [BUS_W-1:0]  wdata_data_o,

  // No command is held and all data of the last one have been passed on.
  output logic              idle_o
);

  localparam int RowsW    = $clog2(MAX_ROWS + 1);
  // Beats of a row of 64 FP32 values.
  localparam int RowShift = $clog2(2048 / BUS_W);
  localparam int BeatsW   = RowsW + RowShift;
  localparam int CmdW     = ADDR_W + 32 + 1 + RowsW;

  localparam logic [1:0] StateWait = 2'd0;
  localparam logic [1:0] StateSend = 2'd1;
  localparam logic [1:0] StateData = 2'd2;

  logic [1:0]        state_q;
  logic [BeatsW-1:0] left_q;
  logic              head_valid, head_take, head_half;
  logic [RowsW-1:0]  head_rows;
  logic              beat, last_beat;
  // verilator lint_off UNUSEDSIGNAL
  logic [$clog2(DEPTH+1)-1:0] level; // emptiness shows in head_valid
  // verilator lint_on UNUSEDSIGNAL

  stream_fifo #(
    .WIDTH(CmdW),
    .DEPTH(DEPTH)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .in_valid_i (cmd_valid_i),
    .in_ready_o (cmd_ready_o),
    .in_data_i  ({cmd_rows_i, cmd_half_i, cmd_stride_i, cmd_addr_i}),
    .out_valid_o(head_valid),
    .out_ready_i(head_take),
    .out_data_o ({head_rows, head_half, wcmd_stride_o, wcmd_addr_o}),
    .level_o    (level)
  );

  assign wcmd_valid_o     = state_q == StateSend;
  assign wcmd_row_bytes_o = head_half ? 32'd128 : 32'd256;
  assign wcmd_rows_o      = 16'(head_rows);

  assign wdata_valid_o = data_valid_i && state_q == StateData;
  assign data_ready_o  = wdata_ready_i && state_q == StateData;
  assign wdata_data_o  = data_data_i;
  assign beat          = wdata_valid_o && wdata_ready_i;
  assign last_beat     = left_q == BeatsW'(1);
  assign head_take     = beat && last_beat;
  assign idle_o        = !head_valid;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateWait;
    end else begin
      case (state_q)
        StateWait: if (head_valid && data_valid_i) state_q <= StateSend;
        StateSend: if (wcmd_ready_i) state_q <= StateData;
        default: if (beat && last_beat) state_q <= StateWait;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StateSend) begin
      left_q <= head_half ? BeatsW'(head_rows) << (RowShift - 1) : BeatsW'(head_rows) << RowShift;
    end else if (beat) begin
      left_q <= left_q - BeatsW'(1);
    end
  end

endmodule : write_release
