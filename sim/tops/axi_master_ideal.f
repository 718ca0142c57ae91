# AXI master and its clients on the ideal memory
-f sim/tops/axi_clients.f
sim/models/axi_ideal_memory.sv
sim/tops/axi_master_ideal.sv
