# Stream cells side by side
-f rtl/common/streams.f
sim/tops/streams_top.sv
