# The ECP5 evaluation board; top: ecp5_top
-f fpga/ecp5/ecp5_system.f
fpga/ecp5/ecp5_top.sv
