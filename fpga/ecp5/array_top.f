# The systolic array between shift registers; top: array_top
rtl/systolic/systolic_pkg.sv
rtl/systolic/skew_lane.sv
rtl/systolic/pe.sv
rtl/systolic/systolic_array.sv
fpga/ecp5/array_top.sv
