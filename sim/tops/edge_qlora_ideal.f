# The whole accelerator on the ideal memory
-f rtl/core/edge_qlora.f
sim/models/axi_ideal_memory.sv
sim/tops/edge_qlora_ideal.sv
