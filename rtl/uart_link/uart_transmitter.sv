// SPDX-License-Identifier: Apache-2.0
//
// Transmitter of a serial line: a start bit, 8 data bits with the lowest first, a stop bit.
//
// Why: the other direction of uart_receiver, with the same time base.
// Latency: the start bit begins in the cycle after the transfer. Throughput: a byte per 10 bits and a clock.

module uart_transmitter #(
  // Clocks of a bit, times 16; at least 64.
  parameter int BIT_CLOCKS_X16 = 133
) (
  input  logic       clk_i,
  input  logic       rst_ni,

  input  logic       in_valid_i,
  output logic       in_ready_o,
  input  logic [7:0] in_data_i,

  // The line, from a flip-flop.
  output logic       tx_o
);

  if (BIT_CLOCKS_X16 < 64) begin : g_check_rate
    ERROR_uart_transmitter_BIT_CLOCKS_X16_must_be_at_least_64 error ();
  end

  localparam int TimerW = $clog2(2 * BIT_CLOCKS_X16);
  localparam logic [TimerW-1:0] Bit   = TimerW'(BIT_CLOCKS_X16);
  localparam logic [TimerW-1:0] Clock = TimerW'(16);

  // The line is the lowest bit; behind the stop bit come ones.
  logic [8:0]        shift_q;
  // Bits that are not over.
  logic [3:0]        left_q;
  logic [TimerW-1:0] timer_q;
  logic              tick;

  assign in_ready_o = left_q == 4'd0;
  assign tick       = timer_q < Clock;
  assign tx_o       = shift_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      shift_q <= '1;
      left_q  <= 4'd0;
    end else if (in_ready_o) begin
      if (in_valid_i) begin
        shift_q <= {in_data_i, 1'b0};
        left_q  <= 4'd10;
      end
    end else if (tick) begin
      shift_q <= {1'b1, shift_q[8:1]};
      left_q  <= left_q - 4'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_ready_o) timer_q <= Bit - Clock;
    else timer_q <= tick ? timer_q + Bit - Clock : timer_q - Clock;
  end

endmodule : uart_transmitter
