// SPDX-License-Identifier: Apache-2.0
//
// Delays the weights of one row by ROW + 1 cycles, so that columns enter the array as diagonal wavefronts.
//
// Why a ring in distributed RAM: it is cheaper than a shift register and moves one word a cycle instead of ROW. The lanes
// share the write position; a lane's read position is the write position of ROW cycles ago.
// Latency: ROW + 1 cycles. Throughput: one word per cycle, no backpressure.

module skew_lane #(
  // The lane's row, 0 to 63.
  parameter int ROW = 0,
  // Bits per word.
  parameter int WIDTH = 18
) (
  input  logic             clk_i,
  // Position that this cycle's word is written to, and the same of ROW cycles ago.
  input  logic [5:0]       write_ptr_i,
  input  logic [5:0]       read_ptr_i,
  input  logic [WIDTH-1:0] data_i,
  output logic [WIDTH-1:0] data_o
);

  logic [WIDTH-1:0] data_q;

  if (ROW == 0) begin : g_register
    always_ff @(posedge clk_i) data_q <= data_i;
    logic unused_ptr;
    assign unused_ptr = ^{write_ptr_i, read_ptr_i};
  end else begin : g_ring
    localparam int AddrW = ROW < 32 ? 5 : 6;
    logic [WIDTH-1:0] ring_q[2**AddrW];
    always_ff @(posedge clk_i) begin
      ring_q[write_ptr_i[AddrW-1:0]] <= data_i;
      data_q <= ring_q[read_ptr_i[AddrW-1:0]];
    end
    if (AddrW == 5) begin : g_short
      logic unused_ptr;
      assign unused_ptr = ^{write_ptr_i[5], read_ptr_i[5]};
    end
  end

  assign data_o = data_q;

  if (ROW < 0 || ROW > 63) begin : g_bad_row
    ERROR_skew_lane_ROW_must_be_0_to_63 u_error ();
  end

endmodule : skew_lane
