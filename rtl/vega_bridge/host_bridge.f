# Host with a clock of its own, to registers and memory; top: host_bridge
-f rtl/common/crossing.f
rtl/vega_bridge/axi_crossing.sv
rtl/vega_bridge/axi_split.sv
rtl/vega_bridge/axi_burst_address.sv
rtl/vega_bridge/axi_burst_check.sv
rtl/vega_bridge/axi_slave_read.sv
rtl/vega_bridge/axi_slave_write.sv
rtl/vega_bridge/axi_slave.sv
rtl/vega_bridge/host_memory.sv
rtl/vega_bridge/host_bridge.sv
