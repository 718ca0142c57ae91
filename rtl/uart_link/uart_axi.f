# Host link over a serial line; top: uart_axi
rtl/uart_link/uart_receiver.sv
rtl/uart_link/uart_transmitter.sv
rtl/uart_link/uart_frames.sv
rtl/uart_link/axi_word_master.sv
rtl/uart_link/uart_axi.sv
