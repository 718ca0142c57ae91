# FP32 units as streams
-f rtl/common/fp32.f
rtl/common/stream_register.sv
rtl/common/stream_fork.sv
sim/tops/fp32_top.sv
