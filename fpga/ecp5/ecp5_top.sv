// SPDX-License-Identifier: Apache-2.0
//
// ecp5_system on the Lattice ECP5 evaluation board (LFE5UM5G-85F-EVN).
//
// Why: pins, clock and reset are what differs between boards. The 12 MHz of the board go to a PLL, whose oscillator runs at
// 600 MHz: its phase detector compares 12 MHz with CLKOP / 5, of 60 MHz, and the core's clock is CLKOS. So the detector is
// above its lower limit, and any divider of 600 MHz is possible. Reset lasts until the PLL has locked, and while the button
// is pressed.

module ecp5_top #(
  // Of the core's clock: 600 MHz / CLOCK_DIVIDER; 6 makes 100 MHz, 12 makes 50 MHz.
  parameter int CLOCK_DIVIDER = 6,
  // Bits per second on the line, at most a quarter of the clock; the host's adapter must have it too.
  parameter int BAUD          = 3_000_000,
  // Of ecp5_system.
  parameter int COLUMNS       = 2,
  parameter int ACT_W         = 18,
  parameter int BUS_W         = 128,
  parameter int SCRATCH_W     = 12,
  parameter int SCRATCH_BANKS = 4,
  parameter int MAX_ROWS      = 32,
  parameter int NESTED_DEPTH  = 1024,
  parameter int FIFO_BEATS    = 512,
  parameter int VECTOR_LANES  = 4,
  parameter int BACKWARD      = 1,
  parameter int HOST_W        = 32,
  parameter int MEMORY_BYTES  = 1 << 17
) (
  // 12 MHz.
  input  logic       clk12_i,
  // Low while it is pressed.
  input  logic       button_ni,
  input  logic       uart_rx_i,
  output logic       uart_tx_o,
  // Lit when low: 0 heartbeat, 1 busy, 2 the last frame failed, 3 interrupt, 4 PLL locked; the others are dark.
  output logic [7:0] led_no
);

  localparam int ClockHz      = 600_000_000 / CLOCK_DIVIDER;
  localparam int BitClocksX16 = (16 * (ClockHz / 1000) + BAUD / 2000) / (BAUD / 1000);
  // About 10 ms.
  localparam int Timeout      = ClockHz / 100;

  if (CLOCK_DIVIDER < 2 || CLOCK_DIVIDER > 128) begin : g_check_clock
    ERROR_ecp5_top_CLOCK_DIVIDER_must_be_2_to_128 error ();
  end

  logic clk, clk_feedback, locked;

  (* FREQUENCY_PIN_CLKI = "12" *)
  EHXPLLL #(
    .PLLRST_ENA      ("DISABLED"),
    .INTFB_WAKE      ("DISABLED"),
    .STDBY_ENABLE    ("DISABLED"),
    .DPHASE_SOURCE   ("DISABLED"),
    .OUTDIVIDER_MUXA ("DIVA"),
    .OUTDIVIDER_MUXB ("DIVB"),
    .OUTDIVIDER_MUXC ("DIVC"),
    .OUTDIVIDER_MUXD ("DIVD"),
    .CLKI_DIV        (1),
    .CLKFB_DIV       (5),
    .FEEDBK_PATH     ("CLKOP"),
    .CLKOP_ENABLE    ("ENABLED"),
    .CLKOP_DIV       (10),
    .CLKOP_CPHASE    (9),
    .CLKOP_FPHASE    (0),
    .CLKOS_ENABLE    ("ENABLED"),
    .CLKOS_DIV       (CLOCK_DIVIDER),
    .CLKOS_CPHASE    (CLOCK_DIVIDER - 1),
    .CLKOS_FPHASE    (0)
  ) u_pll (
    .RST         (1'b0),
    .STDBY       (1'b0),
    .CLKI        (clk12_i),
    .CLKOP       (clk_feedback),
    .CLKOS       (clk),
    .CLKFB       (clk_feedback),
    .PHASESEL0   (1'b0),
    .PHASESEL1   (1'b0),
    .PHASEDIR    (1'b1),
    .PHASESTEP   (1'b1),
    .PHASELOADREG(1'b1),
    .PLLWAKESYNC (1'b0),
    .ENCLKOP     (1'b0),
    .ENCLKOS     (1'b0),
    .LOCK        (locked)
  );

  // Configuration leaves flip-flops at zero, so the reset holds from the first cycle on, for 16 cycles without a reason.
  logic [1:0] run_q;
  logic [3:0] wait_q;
  logic       rst_nq;
  always_ff @(posedge clk) begin
    run_q  <= {run_q[0], locked && button_ni};
    wait_q <= !run_q[1] ? 4'd0 : wait_q == '1 ? wait_q : wait_q + 4'd1;
    rst_nq <= wait_q == '1;
  end

  logic busy, error, irq;
  ecp5_system #(
    .COLUMNS       (COLUMNS),
    .ACT_W         (ACT_W),
    .BUS_W         (BUS_W),
    .SCRATCH_W     (SCRATCH_W),
    .SCRATCH_BANKS (SCRATCH_BANKS),
    .MAX_ROWS      (MAX_ROWS),
    .NESTED_DEPTH  (NESTED_DEPTH),
    .FIFO_BEATS    (FIFO_BEATS),
    .VECTOR_LANES  (VECTOR_LANES),
    .BACKWARD      (BACKWARD),
    .HOST_W        (HOST_W),
    .MEMORY_BYTES  (MEMORY_BYTES),
    .BIT_CLOCKS_X16(BitClocksX16),
    .TIMEOUT       (Timeout)
  ) u_system (
    .clk_i  (clk),
    .rst_ni (rst_nq),
    .rx_i   (uart_rx_i),
    .tx_o   (uart_tx_o),
    .irq_o  (irq),
    .busy_o (busy),
    .error_o(error)
  );

  // The heartbeat is from the core's clock; what is busy for a cycle is seen for some milliseconds.
  logic [25:0] beat_q;
  logic [22:0] busy_q;
  logic [7:0]  led_q;
  always_ff @(posedge clk) begin
    beat_q <= beat_q + 26'd1;
    busy_q <= busy ? '1 : busy_q == '0 ? busy_q : busy_q - 23'd1;
    led_q  <= {3'd0, rst_nq, irq, error, busy_q != '0, beat_q[25]};
  end
  assign led_no = ~led_q;

endmodule : ecp5_top
