# AXI4 read and write master
rtl/common/stream_register.sv
rtl/common/stream_fifo.sv
rtl/vega_bridge/axi_region_bursts.sv
rtl/vega_bridge/axi_window.sv
rtl/vega_bridge/axi_read_clients.sv
rtl/vega_bridge/axi_read_master.sv
rtl/vega_bridge/axi_write_master.sv
rtl/vega_bridge/axi_master.sv
