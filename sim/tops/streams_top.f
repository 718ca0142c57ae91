# Stream cells side by side
rtl/common/stream_register.sv
rtl/common/stream_fifo.sv
rtl/common/stream_resize.sv
rtl/common/stream_fork.sv
sim/tops/streams_top.sv
