# LOAD, READ and WRITE engines with master, scratchpad and the ideal memory
-f rtl/vega_bridge/axi_master.f
-f rtl/core/load_engine.f
-f rtl/core/read_engine.f
-f rtl/core/write_engine.f
-f rtl/core/scratchpad.f
sim/models/axi_ideal_memory.sv
sim/tops/transfers_top.sv
