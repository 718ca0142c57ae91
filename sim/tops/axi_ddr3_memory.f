# DDR3 memory model.
sim/models/axi_ddr3_memory.sv
