// SPDX-License-Identifier: Apache-2.0
//
// Reset of a clock domain from a request that belongs to none.
//
// Why: the project's resets are synchronous; a button, a clock that is not locked or a memory that is not calibrated
// are not. The reset begins at once, also while the clock stands still, and ends three cycles after the request.
// This is the one place of the project with an asynchronous reset. Constraints find the cells by their names.

module sync_reset (
  input  logic clk_i,
  // Any time.
  input  logic request_ni,
  output logic rst_no
);

  (* ASYNC_REG = "TRUE" *) logic [2:0] reset_q;

  assign rst_no = reset_q[2];

  always_ff @(posedge clk_i or negedge request_ni) begin
    if (!request_ni) reset_q <= '0;
    else             reset_q <= {reset_q[1:0], 1'b1};
  end

endmodule : sync_reset
