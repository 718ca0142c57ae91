# The whole accelerator on a DDR3 memory; top: system
-f rtl/core/edge_qlora.f
sim/models/axi_ddr3_memory.sv
sim/tops/system.sv
