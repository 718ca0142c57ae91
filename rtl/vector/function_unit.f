# Function unit: exponential, reciprocal, reciprocal square root.
rtl/common/fp32_pkg.sv
rtl/vector/functions_pkg.sv
rtl/vector/function_rom.sv
rtl/vector/function_unit.sv
