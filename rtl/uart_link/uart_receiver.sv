// SPDX-License-Identifier: Apache-2.0
//
// Receiver of a serial line: a start bit, 8 data bits with the lowest first, a stop bit.
//
// Why: a board without any other bus has this line to its host. Each bit is the majority of three samples around its
// middle; the middles are counted in sixteenths of a clock from the start bit's edge, so that clock and line need no
// ratio of integers.
// Latency: a byte is there two to three clocks after the middle of its stop bit, for one cycle; whoever wants it takes it.
// Throughput: the line's. The next start bit may begin half a bit after the middle of a stop bit.

module uart_receiver #(
  // Clocks of a bit, times 16; at least 64.
  parameter int BIT_CLOCKS_X16 = 133
) (
  input  logic       clk_i,
  input  logic       rst_ni,

  // The line, of any clock.
  input  logic       rx_i,

  output logic       byte_valid_o,
  output logic [7:0] byte_data_o,
  // The stop bit is low: not a byte, or a break.
  output logic       byte_error_o
);

  if (BIT_CLOCKS_X16 < 64) begin : g_check_rate
    ERROR_uart_receiver_BIT_CLOCKS_X16_must_be_at_least_64 error ();
  end

  localparam int TimerW = $clog2(2 * BIT_CLOCKS_X16);
  localparam logic [TimerW-1:0] Bit   = TimerW'(BIT_CLOCKS_X16);
  // A sixteenth less than half a bit: the edge is seen a clock late at most, and the fraction of a clock counts as one.
  localparam logic [TimerW-1:0] Half  = TimerW'(BIT_CLOCKS_X16 / 2 - 1);
  localparam logic [TimerW-1:0] Clock = TimerW'(16);
  localparam logic [3:0]        Stop  = 4'd9;

  logic [1:0]        sync_q, past_q;
  logic              line, sample, tick;
  logic              busy_q, low_q;
  logic [3:0]        bit_q;
  logic [TimerW-1:0] timer_q;
  logic [7:0]        data_q;

  assign line   = sync_q[1];
  assign sample = (line && past_q[0]) || (line && past_q[1]) || (past_q[0] && past_q[1]);
  assign tick   = busy_q && timer_q < Clock;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sync_q       <= '1;
      past_q       <= '1;
      busy_q       <= 1'b0;
      low_q        <= 1'b0;
      byte_valid_o <= 1'b0;
    end else begin
      sync_q       <= {sync_q[0], rx_i};
      past_q       <= {past_q[0], line};
      byte_valid_o <= tick && bit_q == Stop;
      if (!busy_q) begin
        // After a stop bit that is low, the line must rise before anything can start.
        low_q  <= low_q && !line;
        busy_q <= !line && !low_q;
      end else if (tick && bit_q == 4'd0) begin
        busy_q <= !sample;
      end else if (tick && bit_q == Stop) begin
        // The next start bit may have begun in this very cycle.
        busy_q <= sample && !line;
        low_q  <= !sample;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!busy_q || (tick && bit_q == Stop)) begin
      bit_q   <= 4'd0;
      timer_q <= Half;
    end else if (tick) begin
      bit_q   <= bit_q + 4'd1;
      timer_q <= timer_q + Bit - Clock;
    end else begin
      timer_q <= timer_q - Clock;
    end
    if (tick && bit_q != Stop) data_q <= {sample, data_q[7:1]};
    byte_error_o <= !sample;
  end

  assign byte_data_o = data_q;

endmodule : uart_receiver
