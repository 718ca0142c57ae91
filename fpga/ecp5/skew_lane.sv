// SPDX-License-Identifier: Apache-2.0
//
// rtl/systolic/skew_lane.sv on an ECP5, the same words in the same cycles.
//
// Why: LUT RAM is 16 words deep there, and a ring of 32 or 64 takes several of them and multiplexers. Here a lane is rings of
// 16, one behind the other. Positions are the lane's own, so that no net crosses the array. They run whatever the reset;
// where one begins does not matter, and the other follows from it in every cycle.
// Latency: ROW + 1 cycles. Throughput: one word per cycle, no backpressure.

module skew_lane #(
  // The lane's row, 0 to 63.
  parameter int ROW = 0,
  // Bits per word.
  parameter int WIDTH = 18
) (
  input  logic             clk_i,
  // Not used: positions in the ring of the generic lane.
  input  logic [5:0]       write_ptr_i,
  input  logic [5:0]       read_ptr_i,
  input  logic [WIDTH-1:0] data_i,
  output logic [WIDTH-1:0] data_o
);

  logic unused_ptr;
  assign unused_ptr = ^{write_ptr_i, read_ptr_i};

  if (ROW == 0) begin : g_register
    always_ff @(posedge clk_i) data_o <= data_i;
  end else begin : g_rings
    // All but the last ring delay by 16: a position is read just before it is written. The last one delays by the rest.
    localparam int Full = (ROW - 1) / 16;
    localparam int Rest = (ROW - 1) % 16 + 1;
    // verilator lint_off PROCASSINIT
    logic [3:0] write_q = 4'd0;
    // verilator lint_on PROCASSINIT
    logic [3:0] read_q;
    logic [(Full+1)*WIDTH-1:0] into;  // what enters each ring
    (* ram_style = "distributed" *) logic [WIDTH-1:0] last_q[16];
    assign into[WIDTH-1:0] = data_i;
    always_ff @(posedge clk_i) begin
      write_q <= write_q + 4'd1;
      read_q <= write_q + 4'(17 - Rest);
      last_q[write_q] <= into[Full*WIDTH+:WIDTH];
      data_o <= last_q[read_q];
    end
    for (genvar f = 0; f < Full; f++) begin : g_full
      (* ram_style = "distributed" *) logic [WIDTH-1:0] ring_q[16];
      always_ff @(posedge clk_i) ring_q[write_q] <= into[f*WIDTH+:WIDTH];
      assign into[(f+1)*WIDTH+:WIDTH] = ring_q[write_q];
    end
  end

  if (ROW < 0 || ROW > 63) begin : g_bad_row
    ERROR_skew_lane_ROW_must_be_0_to_63 u_error ();
  end

endmodule : skew_lane
