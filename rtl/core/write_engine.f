# WRITE engine
rtl/common/fp32_pkg.sv
rtl/core/commands_pkg.sv
rtl/common/stream_register.sv
rtl/common/stream_stage.sv
rtl/common/stream_fifo.sv
rtl/common/stream_resize.sv
rtl/common/fp32_to_fp16.sv
rtl/common/fp_pack.sv
rtl/common/fp32_to_bfp8.sv
rtl/common/bfp8_pack.sv
rtl/vector/row_counter.sv
rtl/vector/row_address.sv
rtl/vector/row_walker.sv
rtl/core/transfer_rows.sv
rtl/core/write_engine.sv
