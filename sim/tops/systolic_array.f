# Systolic array by itself, for its netlist.
rtl/systolic/systolic_pkg.sv
rtl/systolic/skew_lane.sv
rtl/systolic/pe.sv
rtl/systolic/systolic_array.sv
