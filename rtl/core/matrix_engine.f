# Matrix engine: MATRIX commands on the array.
-f rtl/systolic/matrix_unit.f
rtl/core/commands_pkg.sv
rtl/core/matrix_check.sv
rtl/core/matrix_tiles.sv
rtl/core/matrix_engine.sv
