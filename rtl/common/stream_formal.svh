// SPDX-License-Identifier: Apache-2.0
//
// The handshake contract as formal properties, included into the body of a stream cell under FORMAL:
// what the cell may assume of its producer it must itself keep towards its consumer.

logic f_past_valid = 1'b0;
always @(posedge clk_i) begin
  f_past_valid <= 1'b1;
  if (!f_past_valid) assume (!rst_ni);
  if (f_past_valid && rst_ni && $past(rst_ni)) begin
    if ($past(in_valid_i && !in_ready_o)) assume (in_valid_i && $stable(in_data_i));
    if ($past(out_valid_o && !out_ready_i)) assert (out_valid_o && $stable(out_data_o));
    cover (out_valid_o && out_ready_i && $past(out_valid_o && !out_ready_i));
  end
end
