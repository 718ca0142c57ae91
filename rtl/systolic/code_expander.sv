// SPDX-License-Identifier: Apache-2.0
//
// Spreads 3-bit and 2-bit codes to the 4 bits that everything behind it takes.
//
// Why: small codes save memory, not time: on a bus of 256 bits the array loads a column of any codes per cycle. So beats of
// small codes become more beats of 4-bit codes, and no other unit knows of them. Code i of a row lies in bits [n * i +: n].
// Latency 0. Throughput: one beat out per cycle; 3 beats of 3-bit codes become 4 beats, one of 2-bit codes becomes 2.

module code_expander #(
  // Memory bus width in bits.
  parameter int BUS_W = 256
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  // Beats of one tile after the other, with codes of 4 bits (or wider ones, which pass) unless one of the two is set.
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [BUS_W-1:0] in_data_i,
  input  logic             in_three_i,
  input  logic             in_two_i,
  // A flag that comes with the tile's beats.
  input  logic             in_transpose_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [BUS_W-1:0] out_data_o,
  output logic             out_transpose_o
);

  localparam int Codes   = BUS_W / 4;  // of a beat that comes out
  localparam int Quarter = BUS_W / 4;

  // Beats that came out of the group at hand; what follows the first one belongs to its tile.
  logic [1:0] step_q;
  logic three_q, two_q, transpose_q, first, three, two, take, give, last, held_ends;
  logic [BUS_W-1:Quarter] held_q;

  assign first       = step_q == 2'd0;
  assign three       = first ? in_three_i : three_q;
  assign two         = first ? in_two_i : two_q;
  assign last        = three ? step_q == 2'd3 : !two || step_q == 2'd1;
  // The last beat of a group of small codes lies in the beat that is held. It is not the first, and of two it is the second.
  assign held_ends   = !first && (!three_q || step_q == 2'd3);
  assign out_valid_o = in_valid_i || held_ends;
  assign in_ready_o  = out_ready_i && !held_ends;
  assign take        = in_valid_i && in_ready_o;
  assign give        = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) step_q <= '0;
    else if (give) step_q <= last ? 2'd0 : step_q + 2'd1;
    if (take) held_q <= in_data_i[BUS_W-1:Quarter];
    if (take && first) {three_q, two_q, transpose_q} <= {in_three_i, in_two_i, in_transpose_i};
  end

  logic [3*Quarter-1:0] threes;
  logic [2*Quarter-1:0] twos;
  assign threes = step_q == 2'd0 ? in_data_i[0+:3*Quarter]
                : step_q == 2'd1 ? {in_data_i[0+:2*Quarter], held_q[3*Quarter+:Quarter]}
                : step_q == 2'd2 ? {in_data_i[0+:Quarter], held_q[2*Quarter+:2*Quarter]}
                : held_q[Quarter+:3*Quarter];
  assign twos   = first ? in_data_i[0+:2*Quarter] : held_q[2*Quarter+:2*Quarter];

  for (genvar c = 0; c < Codes; c++) begin : g_code
    assign out_data_o[c*4+:4] = three ? {1'b0, threes[c*3+:3]} : two ? {2'b00, twos[c*2+:2]} : in_data_i[c*4+:4];
  end
  assign out_transpose_o = first ? in_transpose_i : transpose_q;

endmodule : code_expander
