# On-chip memory on AXI4; top: axi_ram
rtl/common/stream_register.sv
rtl/common/stream_fifo.sv
rtl/uart_link/axi_ram.sv
