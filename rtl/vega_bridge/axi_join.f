# Joins two AXI masters at a memory port; top: axi_join
rtl/common/round_robin.sv
rtl/common/stream_fifo.sv
rtl/vega_bridge/axi_join.sv
