-f rtl/vector/function_unit.f
sim/tops/function_top.sv
