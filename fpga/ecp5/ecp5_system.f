# The accelerator, on-chip memory and a serial host link; top: ecp5_system
-f rtl/core/edge_qlora.f
-f rtl/uart_link/uart_axi.f
-f rtl/uart_link/axi_ram.f
rtl/vega_bridge/axi_join.sv
fpga/ecp5/ecp5_system.sv
