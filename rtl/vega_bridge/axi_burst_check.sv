// SPDX-License-Identifier: Apache-2.0
//
// Whether a burst breaks the AXI4 protocol: wider than the bus, of the reserved type, or a wrapping burst of a length or
// an alignment that does not exist.
//
// Why: it is worked out once, when an address comes, so that no beat waits for it. Latency: none (combinational).

module axi_burst_check #(
  // Width of the data bus in bits: 32, 64 or 128.
  parameter int DATA_W = 64
) (
  // Lowest bits of the address, AxLEN, AxSIZE and AxBURST.
  input  logic [6:0] addr_i,
  input  logic [7:0] len_i,
  input  logic [2:0] size_i,
  input  logic [1:0] burst_i,
  output logic       illegal_o
);

  localparam int BusLog2 = $clog2(DATA_W / 8);
  localparam logic [1:0] Wrap = 2'b10;
  localparam logic [1:0] Reserved = 2'b11;

  logic [6:0] offset_mask;
  logic wrap_length;

  assign offset_mask = 7'((8'd1 << size_i) - 8'd1);
  assign wrap_length = len_i == 8'd1 || len_i == 8'd3 || len_i == 8'd7 || len_i == 8'd15;
  assign illegal_o = size_i > 3'(BusLog2) || burst_i == Reserved ||
                     (burst_i == Wrap && (!wrap_length || (addr_i & offset_mask) != '0));

endmodule : axi_burst_check
