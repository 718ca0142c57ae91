# Host side of the accelerator; top: vega_bridge
rtl/vega_bridge/registers_pkg.sv
rtl/vega_bridge/axi_burst_address.sv
rtl/vega_bridge/axi_burst_check.sv
rtl/vega_bridge/axi_slave_read.sv
rtl/vega_bridge/axi_slave_write.sv
rtl/vega_bridge/axi_slave.sv
rtl/vega_bridge/control_registers.sv
rtl/vega_bridge/vega_bridge.sv
