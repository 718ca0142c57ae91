// SPDX-License-Identifier: Apache-2.0
//
// UART of 8 data bits, no parity, one stop bit.
//
// Why: all that a host without peripherals needs to talk to a person. A byte that is not taken before the next one is lost.
// Latency and throughput: a byte in ten bits' time in each direction.

module host_uart #(
  // Clock cycles per bit, at least 4.
  parameter int DIVIDER = 434
) (
  input  logic       clk_i,
  input  logic       rst_ni,

  input  logic       rx_i,
  output logic       tx_o,

  // A byte to send; one that is offered while ready is low is lost.
  input  logic       valid_i,
  output logic       ready_o,
  input  logic [7:0] data_i,

  // One cycle per byte received.
  output logic       valid_o,
  output logic [7:0] data_o
);

  localparam int CountW = $clog2(DIVIDER);
  localparam int Bits = 10;

  // Bits still to go, stop bit first; the lowest is on the line.
  logic [Bits-1:0]   send_q;
  logic [3:0]        send_left_q, take_left_q;
  logic [CountW-1:0] send_count_q, take_count_q;
  logic [7:0]        take_q;
  logic              line, take_now, valid_q;

  sync_bits u_line (
    .clk_i,
    .rst_ni,
    .async_i(!rx_i),
    .sync_o (line)
  );

  assign tx_o    = send_left_q == '0 || send_q[0];
  assign ready_o = send_left_q == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      send_left_q <= '0;
    end else if (ready_o) begin
      if (valid_i) send_left_q <= 4'(Bits);
    end else if (send_count_q == '0) begin
      send_left_q <= send_left_q - 4'd1;
    end
    if (ready_o) begin
      send_q       <= {1'b1, data_i, 1'b0};
      send_count_q <= CountW'(DIVIDER - 1);
    end else if (send_count_q == '0) begin
      send_q       <= {1'b1, send_q[Bits-1:1]};
      send_count_q <= CountW'(DIVIDER - 1);
    end else begin
      send_count_q <= send_count_q - CountW'(1);
    end
  end

  // Bits are taken in their middle: the start bit after half a bit's time, the others a whole one later each. A start bit that
  // is none any more, and a byte without its stop bit, are dropped.
  assign take_now = take_left_q != '0 && take_count_q == '0;
  assign valid_o  = valid_q;
  assign data_o   = take_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      take_left_q <= '0;
      valid_q     <= 1'b0;
    end else begin
      valid_q <= take_now && take_left_q == 4'd1 && !line;
      if (take_left_q == '0) begin
        if (line) take_left_q <= 4'(Bits);
      end else if (take_now) begin
        take_left_q <= (take_left_q == 4'(Bits) && !line) ? '0 : take_left_q - 4'd1;
      end
    end
    if (take_left_q == '0) take_count_q <= CountW'(DIVIDER / 2);
    else if (take_now) take_count_q <= CountW'(DIVIDER - 1);
    else take_count_q <= take_count_q - CountW'(1);
    // The eight data bits, lowest first; the stop bit does not shift.
    if (take_now && take_left_q != 4'd1) take_q <= {!line, take_q[7:1]};
  end

endmodule : host_uart
