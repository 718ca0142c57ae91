# Control side of the core with its engines and its memory outside.
-f rtl/core/control.f
sim/tops/lists_top.sv
