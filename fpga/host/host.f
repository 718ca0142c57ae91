# Host of the accelerator: VEGA's place, and Ibex, whose own sources fpga/ibex.py adds; top: host_socket
rtl/vega_bridge/word_master.sv
fpga/host/host_pkg.sv
fpga/host/host_uart.sv
fpga/host/vega_socket.sv
fpga/host/ibex_host.sv
fpga/host/host_socket.sv
