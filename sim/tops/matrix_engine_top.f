# Matrix engine with the scratchpad it works in
-f rtl/core/matrix_engine.f
-f rtl/core/scratchpad.f
sim/tops/matrix_engine_top.sv
