# The accelerator on the Genesys 2, without Ibex's own sources and the vendor's cells; top: genesys2_top
-f rtl/core/edge_qlora_system.f
-f fpga/host/host.f
fpga/genesys2/genesys2_top.sv
