# AXI master on the ideal memory
-f rtl/vega_bridge/axi_master.f
sim/models/axi_ideal_memory.sv
sim/tops/axi_master_ideal.sv
