# AXI master with three read clients
-f rtl/vega_bridge/axi_master.f
sim/tops/axi_clients.sv
