# READ engine
rtl/common/fp32_pkg.sv
rtl/core/commands_pkg.sv
rtl/common/stream_stage.sv
rtl/common/stream_fifo.sv
rtl/common/stream_ram_fifo.sv
rtl/common/beat_fifo.sv
rtl/common/stream_resize.sv
rtl/common/fp16_to_fp32.sv
rtl/systolic/fp_unpack.sv
rtl/vector/row_counter.sv
rtl/vector/row_address.sv
rtl/vector/row_walker.sv
rtl/core/transfer_rows.sv
rtl/core/read_engine.sv
