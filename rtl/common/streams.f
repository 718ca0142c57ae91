# Stream cells
rtl/common/stream_register.sv
rtl/common/stream_stage.sv
rtl/common/stream_fifo.sv
rtl/common/stream_ram_fifo.sv
rtl/common/beat_fifo.sv
rtl/common/stream_resize.sv
rtl/common/stream_fork.sv
