// Delays lane r by r + 1 cycles, so that a vector enters the array as a diagonal wavefront.
//
// Each lane is a small ring in distributed RAM: cheaper than a shift register, and it moves one word a cycle instead of
// r. All lanes share the write position; the read position of lane r is the write position of r cycles ago.
// Latency: r + 1 cycles in lane r. Throughput: one vector per cycle, no backpressure.
module skew_buffer #(
    // Number of lanes, 2 to 64.
    parameter int LANES = 64,
    // Bits per lane.
    parameter int WIDTH = 25
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic [LANES*WIDTH-1:0] data_i,
    output logic [LANES*WIDTH-1:0] data_o
);
  localparam int PtrW = 6;

  // Position r of the chain holds the write position of r cycles ago.
  logic [LANES*PtrW-1:0] ptr_q;

  always_ff @(posedge clk_i) begin
    for (int r = 0; r < LANES; r++) begin
      if (!rst_ni) ptr_q[r*PtrW+:PtrW] <= PtrW'(LANES - r);
      else if (r == 0) ptr_q[PtrW-1:0] <= ptr_q[PtrW-1:0] + 1'b1;
      else ptr_q[r*PtrW+:PtrW] <= ptr_q[(r-1)*PtrW+:PtrW];
    end
  end

  for (genvar r = 0; r < LANES; r++) begin : gen_lane
    logic [WIDTH-1:0] lane_q;
    if (r == 0) begin : gen_register
      always_ff @(posedge clk_i) lane_q <= data_i[WIDTH-1:0];
    end else begin : gen_ring
      localparam int AddrW = r < 32 ? 5 : 6;
      logic [WIDTH-1:0] ring_q[2**AddrW];
      logic [AddrW-1:0] write_ptr, read_ptr;
      assign write_ptr = ptr_q[AddrW-1:0];
      assign read_ptr = ptr_q[r*PtrW+:AddrW];
      always_ff @(posedge clk_i) begin
        ring_q[write_ptr] <= data_i[r*WIDTH+:WIDTH];
        lane_q <= ring_q[read_ptr];
      end
    end
    assign data_o[r*WIDTH+:WIDTH] = lane_q;
  end

  if (LANES < 2 || LANES > 64) begin : gen_bad_lanes
    ERROR_skew_buffer_LANES_must_be_2_to_64 u_error ();
  end
endmodule
